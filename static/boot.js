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
  addEventListener("error", function (event) { fatal(event.error || event.message); });
  addEventListener("unhandledrejection", function (event) { fatal(event.reason); });
})();
