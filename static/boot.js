// Starts the page; before the Wasm is there, and when it is no more, says so, and shows the way back.
(function () {
  "use strict";
  var own = document.currentScript;
  // A finished build keeps its files in a folder of their own, and says what is in them (`cargo xtask seal`).
  var folder = document.documentElement.getAttribute("data-folder") || "";
  var sealed = document.getElementById("sealed");
  var integrity = sealed ? JSON.parse(sealed.textContent) : {};
  var crash = document.getElementById("crash");
  function show(why) {
    var detail = document.getElementById("crash-detail");
    if (!detail.textContent) detail.textContent = why;
    crash.hidden = false;
  }
  document.getElementById("crash-reload").addEventListener("click", function () { location.reload(); });
  document.getElementById("crash-home").addEventListener("click", function () { location.hash = "#/"; location.reload(); });
  // Of all that could run as a script by its address, only what belongs to this build may. Nothing may become HTML from text.
  if (sealed && self.trustedTypes) {
    var ours = [folder + "worker_loader.js", "service-worker.js"].map(function (path) { return new URL(path, document.baseURI).href; });
    trustedTypes.createPolicy("default", {
      createScriptURL: function (url) { return ours.indexOf(new URL(url, document.baseURI).href) < 0 ? null : url; },
    });
  }
  function fatal(error) {
    // What the Wasm throws when it dies, or when it could not be fetched; not every script's every error.
    var why = String((error && (error.stack || error.message)) || error);
    if (/RuntimeError|WebAssembly|wasm|Failed to fetch dynamically|Importing a module script failed/i.test(why)) show(why);
  }
  // What is not as it was built is refused by the browser, which does not say why the fetch failed.
  function why(path, error) {
    return fetch(folder + path).then(function (answer) {
      if (!answer.ok || !integrity[path]) throw error;
      error = new Error(path + " is not the file that was built: it was changed on its way, or belongs to another version. It was not run.");
      error.changed = true;
      throw error;
    }, function () { throw error; });
  }
  function checked(path) {
    return fetch(folder + path, { integrity: integrity[path] || "" }).catch(function (error) { return why(path, error); });
  }
  // A module takes its integrity from its preload.
  function module(path) {
    return new Promise(function (ready, failed) {
      if (!integrity[path]) return ready();
      var link = document.createElement("link");
      link.rel = "modulepreload";
      link.integrity = integrity[path];
      link.href = folder + path;
      link.onload = ready;
      link.onerror = function () { failed(new TypeError(path + " could not be fetched")); };
      // A browser that knows no such links tells nothing of them either.
      if (!link.relList.supports("modulepreload")) ready();
      document.head.appendChild(link);
    }).then(function () { return import("./" + path); }).catch(function (error) { return why(path, error); });
  }
  // The first lines are painted before the Wasm takes the line and the processor. A hidden page is not painted.
  function painted() {
    return new Promise(function (ready) {
      if (document.hidden || !self.PerformanceObserver || PerformanceObserver.supportedEntryTypes.indexOf("paint") < 0) return ready();
      new PerformanceObserver(ready).observe({ type: "paint", buffered: true });
      setTimeout(ready, 2000);
    });
  }
  function start(js, wasm) {
    return Promise.all([module(js), checked(wasm)]).then(function (parts) { return parts[0].default({ module_or_path: parts[1] }); });
  }
  if (typeof WebAssembly !== "object") {
    document.getElementById("app").textContent = "Scale Lab needs a browser with WebAssembly.";
  } else {
    painted().then(function () { return start(own.getAttribute("data-js"), own.getAttribute("data-wasm")); }).then(offline, function (error) {
      // A fetch that fails is a TypeError; anything else is a crash.
      if (error.changed || error instanceof TypeError) {
        document.getElementById("crash-title").textContent = "The lab could not be started";
        crash.querySelector("p").textContent = error.changed ? error.message : "A part of it could not be fetched. Are you offline?";
      }
      show(String(error.stack || error));
    });
  }
  // What is needed without a network is fetched when the page has nothing else to do.
  function offline() {
    if (!folder || !navigator.serviceWorker) return;
    var idle = self.requestIdleCallback || setTimeout;
    setTimeout(function () {
      idle(function () { module("offline.js").catch(function (error) { console.info("not kept for offline use:", error); }); });
    }, 3000);
  }
  // The sandbox is fetched when somebody first goes there; later it hears the same event itself.
  var sandbox;
  function fetchSandbox() {
    if (sandbox) return;
    var looks = document.createElement("link");
    looks.rel = "stylesheet";
    looks.integrity = integrity["sandbox.css"] || "";
    looks.href = folder + "sandbox.css";
    document.head.appendChild(looks);
    sandbox = start("sandbox.js", "sandbox_bg.wasm").catch(function (error) {
      sandbox = undefined;
      looks.remove();
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
