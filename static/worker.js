// Starts the simulation worker: the page's own script and Wasm, which find out that they are in a worker.
"use strict";
const script = new URL(location.search.slice(1), location.href).href;
import(script).then((page) => page.default({ module_or_path: script.replace(/\.js$/, "_bg.wasm") }));
