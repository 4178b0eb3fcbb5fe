// What the page costs a reader, measured in a real Chromium: `node page-bench.mjs` after `cargo xtask build`; prints the tables of
// docs/performance.md. Parts of it: `node page-bench.mjs load frames memory sweep`. Takes some ten minutes; nothing else should run.
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DIST, launch, open, serve } from "./lab.mjs";

const PARTS = process.argv.slice(2);
const asked = (part) => !PARTS.length || PARTS.includes(part);
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const at = (numbers, part) => [...numbers].sort((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * part))];
const kB = (bytes) => `${(bytes / 1000).toFixed(0)} kB`;
const MB = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

// As static hosts do: compressed. And over a slow line, which all connections share: each answer begins after a round trip, and its bytes
// come one after the other. (The browser's own slow line does not hold for what workers fetch.)
const LINE = { round_trip_ms: 150, bytes_per_s: 1.6e6 / 8 };
const zipped = new Map();
const zip = (path) => {
  if (!zipped.has(path)) zipped.set(path, gzipSync(readFileSync(join(DIST, path)), { level: 9 }));
  return zipped.get(path);
};
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
let free = 0;
const far = await serve(async (_, path) => {
  const body = zip(path);
  const from = Math.max(free, Date.now() + LINE.round_trip_ms);
  free = from + (body.length / LINE.bytes_per_s) * 1_000;
  await wait(free - Date.now());
  return [200, body, { "content-encoding": "gzip", "cache-control": "max-age=3600" }];
});
const home = await serve();
const browser = await launch();
console.log(`Chromium ${browser.version()}, ${cpus()[0].model.trim()}, ${cpus().length} processors\n`);

/** How many times slower the processor of a phone of the middle range is: Lighthouse's figure. It holds for the page, not for its workers. */
const CPU = 4;

if (asked("load")) {
  const places = [["home", "#/", ".stage-picture .station"], ["a lesson, its scene ready to play", "#/lesson/x-axis/copies", ".stage-picture .station"], ["the sandbox", "#/sandbox", ".nothing"]];
  console.log("| first visit, phone | files | over the wire, gzip | first paint | largest paint | ready for use | blocked |\n| --- | --- | --- | --- | --- | --- | --- |");
  for (const [name, hash, stands] of places) {
    const rounds = [];
    for (let round = 0; round < 5; round++) {
      const context = await browser.newContext({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true });
      const paths = new Set();
      context.on("request", (request) => {
        const { protocol, pathname } = new URL(request.url());
        if (protocol === "http:") paths.add(pathname.replace("/any/path/", "") || "index.html");
      });
      const page = await context.newPage();
      await page.addInitScript(() => {
        window.seen = { blocked: 0 };
        new PerformanceObserver((list) => list.getEntries().forEach(({ name, startTime }) => (window.seen[name] = startTime))).observe({ type: "paint", buffered: true });
        new PerformanceObserver((list) => list.getEntries().forEach(({ startTime }) => (window.seen.largest = startTime))).observe({ type: "largest-contentful-paint", buffered: true });
        new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => (window.seen.blocked += duration - 50))).observe({ type: "longtask", buffered: true });
      });
      const client = await context.newCDPSession(page);
      await client.send("Emulation.setCPUThrottlingRate", { rate: CPU });
      free = 0;
      await page.goto(far + hash);
      await page.waitForSelector(stands, { timeout: 120_000 });
      const ready = await page.evaluate(() => performance.now());
      await page.waitForTimeout(1_500);
      const seen = await page.evaluate(() => window.seen);
      rounds.push({ ...seen, ready, files: paths.size, bytes: [...paths].reduce((sum, path) => sum + zip(path).length, 0) });
      await context.close();
    }
    const of = (get) => median(rounds.map(get));
    const s = (get) => `${(of(get) / 1000).toFixed(2)} s`;
    console.log(`| ${name} | ${of((r) => r.files)} | ${kB(of((r) => r.bytes))} | ${s((r) => r["first-contentful-paint"])} | ${s((r) => r.largest)} | ${s((r) => r.ready)} | ${of((r) => r.blocked).toFixed(0)} ms |`);
  }
}

/** Milliseconds of work and between frames, while the page plays. */
const watchFrames = (context) =>
  context.addInitScript(() => {
    const request = globalThis.requestAnimationFrame.bind(globalThis);
    globalThis.frames = [];
    globalThis.requestAnimationFrame = (callback) =>
      request((now) => {
        const start = performance.now();
        callback(now);
        globalThis.frames.push([now, performance.now() - start]);
      });
  });

if (asked("frames")) {
  console.log("\n| scene, 10 s of it | frames/s | work of a frame, median | 99% | longest | with a processor 4 times slower: frames/s | 99% |\n| --- | --- | --- | --- | --- | --- | --- |");
  for (const name of ["Load", "Caches", "Shards", "Sagas"]) {
    const measured = [];
    for (const rate of [1, CPU]) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "no-preference" });
      await watchFrames(context);
      const page = await open(browser, home, { context });
      await page.waitForSelector(".stage-picture .station");
      await page.getByRole("button", { name, exact: true }).click();
      await page.getByLabel("Speed").first().selectOption("1");
      const play = page.getByRole("button", { name: "Play", exact: true });
      if (await play.isVisible()) await play.click();
      await page.waitForFunction(() => Number.parseFloat(document.querySelector(".stage-now").innerText) > 2, null, { timeout: 60_000 });
      const client = await context.newCDPSession(page);
      await client.send("Emulation.setCPUThrottlingRate", { rate });
      await page.evaluate(() => void (frames.length = 0));
      await page.waitForTimeout(10_000);
      const frames = await page.evaluate(() => globalThis.frames);
      const works = frames.map(([, work]) => work);
      measured.push({ rate: (frames.length - 1) / ((frames.at(-1)[0] - frames[0][0]) / 1_000), works });
      if (page.errors.length) console.log(`errors: ${page.errors}`);
      await context.close();
    }
    const [plain, slow] = measured;
    const ms = (value) => `${value.toFixed(1)} ms`;
    console.log(`| ${name} | ${plain.rate.toFixed(0)} | ${ms(median(plain.works))} | ${ms(at(plain.works, 0.99))} | ${ms(Math.max(...plain.works))} | ${slow.rate.toFixed(0)} | ${ms(at(slow.works, 0.99))} |`);
  }
}

/** The shop of the tests at 1,000 requests a second, with room for it. */
function shop(horizon_s, rate_per_s, instances) {
  const design = JSON.parse(readFileSync(new URL("../scenarios/shop-copies.json", import.meta.url), "utf8"));
  const { shoppers, shop, db } = design.components;
  shoppers.client.arrivals.poisson.rate_per_s = rate_per_s;
  Object.assign(shop.service, { instances, workers: 16 });
  db.database.connections = 200;
  return JSON.stringify({ ...design, horizon_s });
}

async function sandbox(design) {
  const page = await open(browser, `${home}#/sandbox`);
  await page.waitForSelector(".board");
  await page.locator("summary", { hasText: "File" }).click();
  await page.getByRole("button", { name: "Open a file or a diagram" }).click();
  await page.getByLabel("JSON or Mermaid").fill(design);
  await page.getByRole("button", { name: "Open what is pasted" }).click();
  await page.waitForSelector(".node");
  return page;
}

if (asked("memory")) {
  // Half an hour of the run, in a minute and a half.
  const [MINUTES, SPEED] = [30, 20];
  const page = await sandbox(shop(MINUTES * 60, 100, 8));
  await page.locator(".sandbox-sides .tab", { hasText: "Run" }).click();
  await page.waitForSelector(".stage .figures");
  await page.getByLabel("Speed").selectOption(String(SPEED));
  const client = await page.context().newCDPSession(page);
  const rows = [];
  for (const minutes of [1, 10, 20, 30]) {
    await page.waitForFunction((s) => Number.parseFloat(document.querySelector(".stage-now").innerText) >= s, minutes * 60 - 2, { timeout: 300_000, polling: 200 });
    await client.send("HeapProfiler.collectGarbage");
    const { usedSize } = await client.send("Runtime.getHeapUsage");
    const { nodes } = await client.send("Memory.getDOMCounters");
    const wasm = await page.evaluate(async () => {
      const names = performance.getEntriesByType("resource").map(({ name }) => name).filter((name) => /\/(app-[^/]*|sandbox)\.js$/.test(name));
      // Whoever starts it again is given what runs already.
      return Promise.all([...new Set(names)].map(async (name) => (await (await import(name)).default()).memory.buffer.byteLength));
    });
    const workers = await Promise.all(page.workers().map((worker) => worker.evaluate(async () => (await wasm_bindgen()).memory.buffer.byteLength)));
    const sum = (list) => list.reduce((a, b) => a + b, 0);
    rows.push([minutes, usedSize, sum(wasm), sum(workers), nodes]);
  }
  console.log(`\n| playing at ${SPEED}×, 100 requests/s | JavaScript | Wasm of the page and the sandbox | Wasm of the simulation | nodes |\n| --- | --- | --- | --- | --- |`);
  for (const [minutes, heap, wasm, simulation, nodes] of rows) console.log(`| after ${minutes} min of the run | ${MB(heap)} | ${MB(wasm)} | ${MB(simulation)} | ${nodes} |`);
  if (page.errors.length) console.log(`errors: ${page.errors}`);
  await page.context().close();
}

if (asked("sweep")) {
  const times = [];
  let what;
  for (let round = 0; round < 3; round++) {
    const page = await sandbox(shop(60, 1_000, 40));
    await page.locator(".sandbox-sides .tab", { hasText: "10×" }).click();
    await page.evaluate(() => {
      window.tasks = [];
      new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" });
    });
    what = await page.locator(".goal summary").innerText();
    const start = Date.now();
    await page.getByRole("button", { name: "Run it without saying" }).click();
    await page.waitForSelector(".found", { timeout: 600_000 });
    times.push((Date.now() - start) / 1_000);
    const tasks = await page.evaluate(() => window.tasks);
    console.log(`\nsweep ${round + 1}: ${times.at(-1).toFixed(1)} s; tasks above 50 ms meanwhile: ${tasks.map(Math.round).join(", ") || "none"}; ${await page.locator(".found h2").innerText()}`);
    if (page.errors.length) console.log(`errors: ${page.errors}`);
    await page.context().close();
  }
  console.log(`\n| a shop at 1,000 requests/s, from 1× to 10×, 60 s each | ${what} | median of ${times.length}: ${median(times).toFixed(1)} s |`);
}
await browser.close();
process.exit(0);
