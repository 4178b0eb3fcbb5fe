// How long the page works for a frame of the stage, in a real browser: `node frames.mjs [seconds]`, after `cargo xtask build`.
// The lab's own lesson is played with its scene changed, so that so many requests are on their way between its parts.
import { readFileSync } from "node:fs";
import { launch, open, serve } from "./lab.mjs";

const SECONDS = Number(process.argv[2] ?? 30);
const file = new URL("../../lessons/x-axis/scenes/copies.json", import.meta.url);

/** The scene with so many requests a second, and room for them. */
function scene(rate) {
  const scene = JSON.parse(readFileSync(file, "utf8"));
  const { shoppers, shop, database } = scene.components;
  shoppers.client.arrivals.poisson.rate_per_s = rate;
  Object.assign(shop.service, { instances: 12, workers: 200, queue: 5000 });
  shop.service.plans["*"][0].work = { exponential: { mean_ms: 5 } };
  Object.assign(database.database, { connections: 200, queue: 50_000, queries: { "*": { exponential: { mean_ms: 2 } } } });
  return JSON.stringify(scene);
}

const base = await serve();
const browser = await launch();
for (const [what, rate, speed] of [["2,000 requests on their way", 900, "1"], ["500,000 events a second", 4000, "10"]]) {
  const page = await open(browser, base, { viewport: { width: 1280, height: 800 } });
  await page.route("**/scenes/copies.json", (route) => route.fulfill({ contentType: "application/json", body: scene(rate) }));
  await page.addInitScript(() => {
    const request = globalThis.requestAnimationFrame.bind(globalThis);
    globalThis.works = [];
    globalThis.longest = 0;
    globalThis.requestAnimationFrame = (callback) =>
      request((now) => {
        const start = performance.now();
        callback(now);
        globalThis.works.push(performance.now() - start);
      });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, entry.duration);
    }).observe({ type: "longtask" });
  });
  await page.goto(`${base}#/lesson/x-axis/playground`);
  await page.waitForSelector(".stage-picture .station");
  await page.getByLabel("Speed").selectOption(speed);
  await page.getByRole("button", { name: "Play", exact: true }).click();
  await page.waitForTimeout(3_000);
  const client = await page.context().newCDPSession(page);
  await client.send("Performance.enable");
  const busy = async () => {
    const { metrics } = await client.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration").value * 1000;
  };
  await page.evaluate(() => { works.length = 0; longest = 0; });
  const before = await busy();
  const inputs = [];
  const end = Date.now() + SECONDS * 1000;
  while (Date.now() < end) {
    // From a key to the next painted frame.
    inputs.push(await page.evaluate(() => new Promise((done) => {
      const start = performance.now();
      document.querySelector(".stage-picture").dispatchEvent(new KeyboardEvent("keydown", { key: "?", bubbles: true }));
      requestAnimationFrame(() => setTimeout(() => done(performance.now() - start), 0));
    })));
    await page.waitForTimeout(500);
  }
  const { works, longest } = await page.evaluate(() => ({ works, longest }));
  const share = (await busy()) - before;
  works.sort((a, b) => a - b);
  inputs.sort((a, b) => a - b);
  const at = (list, part) => list[Math.min(list.length - 1, Math.floor(list.length * part))].toFixed(1);
  console.log(`${what}, ${SECONDS} s, ${works.length} frames:`);
  console.log(`  drawing a frame: median ${at(works, 0.5)} ms, 99% ${at(works, 0.99)} ms, longest ${at(works, 1)} ms`);
  console.log(`  all work of the page: ${(share / works.length).toFixed(1)} ms a frame; longest task ${longest.toFixed(0)} ms`);
  console.log(`  from a key to what it shows: median ${at(inputs, 0.5)} ms, longest ${at(inputs, 1)} ms`);
  if (page.errors.length) console.log(`  errors: ${page.errors}`);
  await page.context().close();
}
await browser.close();
process.exit(0);
