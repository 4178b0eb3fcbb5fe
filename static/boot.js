// Before the Wasm is there, and when it is no more: says so, and shows the way back.
(function () {
  "use strict";
  var crash = document.getElementById("crash");
  function show(why) {
    var detail = document.getElementById("crash-detail");
    if (!detail.textContent) detail.textContent = why;
    crash.hidden = false;
  }
  document.getElementById("crash-reload").addEventListener("click", function () { location.reload(); });
  document.getElementById("crash-home").addEventListener("click", function () { location.hash = "#/"; location.reload(); });
  if (typeof WebAssembly !== "object") {
    document.getElementById("app").textContent = "Scale Lab needs a browser with WebAssembly.";
  }
  function fatal(error) {
    // What the Wasm throws when it dies, or when it could not be fetched; not every script's every error.
    var why = String((error && (error.stack || error.message)) || error);
    if (/RuntimeError|WebAssembly|wasm|Failed to fetch dynamically|Importing a module script failed/i.test(why)) show(why);
  }
  // The sandbox is fetched when somebody first goes there; later it hears the same event itself.
  var sandbox;
  function fetchSandbox() {
    if (sandbox) return;
    var looks = document.createElement("link");
    looks.rel = "stylesheet";
    looks.href = "sandbox.css";
    document.head.appendChild(looks);
    sandbox = import("./sandbox.js").then(function (module) { return module.default(); }).catch(function (error) {
      sandbox = undefined;
      console.error(error);
      document.dispatchEvent(new Event("scale-lab:sandbox-failed"));
    });
  }
  document.addEventListener("scale-lab:sandbox-open", fetchSandbox);
  // The page may have been there, and have asked, before this script was.
  if (document.querySelector(".sandbox-waiting")) fetchSandbox();
  addEventListener("error", function (event) { fatal(event.error || event.message); });
  addEventListener("unhandledrejection", function (event) { fatal(event.reason); });
})();
