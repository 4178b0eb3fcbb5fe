// What Lighthouse says of the home page, on its mobile profile (a mid-range phone on slow 4G, simulated):
// `npm ci && node lighthouse.mjs [runs] [#route]`, after `cargo xtask build`. DIST names another folder, CHROME another browser.
// The folder is served as a static host would: compressed, and with what never changes under its address marked so.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import http from "node:http";
import { createRequire } from "node:module";
import { extname, join, normalize } from "node:path";
import { gzipSync } from "node:zlib";
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";

const DIST = process.env.DIST ?? new URL("../../dist", import.meta.url).pathname;
const RUNS = Number(process.argv[2] ?? 5);
const ROUTE = process.argv[3] ?? "";
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".md": "text/markdown; charset=utf-8",
  ".webmanifest": "application/manifest+json",
};
const LEAST = { performance: 95, accessibility: 100, "best-practices": 100 };

const packed = new Map();
const server = http.createServer(async (request, response) => {
  const path = decodeURIComponent(new URL(request.url, "http://x").pathname).slice(1) || "index.html";
  try {
    const whole = await readFile(join(DIST, normalize(path)));
    if (!packed.has(path)) packed.set(path, gzipSync(whole, { level: 9 }));
    response.writeHead(200, {
      "content-type": TYPES[extname(path)] ?? "application/octet-stream",
      "content-encoding": "gzip",
      "cache-control": /^lab-/.test(path) ? "public, max-age=31536000, immutable" : "no-cache",
    });
    response.end(packed.get(path));
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const address = `http://127.0.0.1:${server.address().port}/${ROUTE}`;
const { version } = JSON.parse(readFileSync(createRequire(import.meta.url).resolve("lighthouse/package.json"), "utf8"));

const middle = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const METRICS = ["first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift", "speed-index", "interactive"];
const runs = [];
for (let run = 0; run < RUNS; run += 1) {
  const chrome = await launch({
    chromePath: process.env.CHROME ?? "/usr/bin/chromium",
    chromeFlags: ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  const { lhr } = await lighthouse(address, { port: chrome.port, output: "json", logLevel: "error", onlyCategories: Object.keys(LEAST) });
  chrome.kill();
  if (lhr.runtimeError) throw new Error(lhr.runtimeError.message);
  runs.push(lhr);
  const scores = Object.values(lhr.categories).map(({ title, score }) => `${title} ${Math.round(score * 100)}`);
  console.log(`run ${run + 1}: ${scores.join(", ")}; ${METRICS.map((id) => `${id} ${lhr.audits[id].displayValue}`).join(", ")}`);
}
console.log(`\nLighthouse ${version}, ${runs[0].environment.hostUserAgent.match(/Chrome\/[\d.]+/)}, mobile, median of ${RUNS}; this machine's benchmark index is ${middle(runs.map((lhr) => lhr.environment.benchmarkIndex))}`);
let good = true;
for (const [id, least] of Object.entries(LEAST)) {
  const score = Math.round(middle(runs.map((lhr) => lhr.categories[id].score)) * 100);
  good &&= score >= least;
  console.log(`${String(score).padStart(8)}  ${id}, of at least ${least}`);
}
for (const id of METRICS) {
  console.log(`${middle(runs.map((lhr) => lhr.audits[id].numericValue)).toFixed(id.includes("shift") ? 3 : 0).padStart(8)}  ${id}${id.includes("shift") ? "" : ", ms"}`);
}
const short = Object.values(runs.at(-1).audits).filter(({ score, scoreDisplayMode }) => score !== null && score < 0.9 && !/informative|manual|notApplicable/.test(scoreDisplayMode));
for (const { id, title, displayValue } of short) console.log(`  ${id}: ${title} ${displayValue ?? ""}`);
const lcp = runs.at(-1).audits["largest-contentful-paint-element"];
console.log(JSON.stringify(lcp?.details?.items?.flatMap(({ items }) => items.map(({ node, phase, timing }) => node?.snippet ?? `${phase} ${Math.round(timing)}`))));
server.close();
process.exit(good ? 0 : 1);
