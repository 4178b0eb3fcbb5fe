// Starts the simulation worker: the page's own script and Wasm, which find out that they are in a worker.
"use strict";
import(new URL(location.search.slice(1), location.href).href).then(function (script) { return script.default(); });
