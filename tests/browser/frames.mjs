// How long the page works for a frame of the stage, in a real browser: `node frames.mjs [seconds]`, after `cargo xtask build`.
// The lab's own lesson is played with its scene changed, so that so many requests are on their way between its parts.
import { readFileSync } from "node:fs";
import { launch, open, serve } from "./lab.mjs";

const SECONDS = Number(process.argv[2] ?? 30);
const file = new URL("../../lessons/x-axis/scenes/copies.json", import.meta.url);

/** The scene with so many calls a request. The lesson's step sets it to 150 requests a second. */
function scene(times) {
  const scene = JSON.parse(readFileSync(file, "utf8"));
  const { shop, database } = scene.components;
  Object.assign(shop.service, { queue: 5000 });
  const [work, { call }] = shop.service.plans["*"];
  work.work.erlang.mean_ms = 5;
  call.times = times;
  database.database.queries["*"].erlang.mean_ms = 1;
  return JSON.stringify(scene);
}

let times;
const base = await serve((path) => (path.endsWith("scenes/copies.json") ? [200, scene(times)] : undefined));
const browser = await launch();
// On screen a request flies for 1.8 s between the users and the shop, and 0.9 s for each call, at any speed of 1: so 13 calls put
// 150 x (1.8 + 13 x 0.9) on their way. A call is about five events, and at speed 20 there are 3,000 requests each real second.
for (const [what, calls, speed] of [["2,000 on their way", 13, "1"], ["500,000 events a second", 33, "20"]]) {
  times = calls;
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  await context.addInitScript(() => {
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
  const page = await open(browser, `${base}#/lesson/x-axis/playground`, { context });
  await page.waitForSelector(".stage-picture .station");
  await page.getByLabel("Speed").selectOption(speed);
  for (const name of ["Workers in each copy", "Database connections"]) {
    await page.getByRole("slider", { name }).fill("16");
  }
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
  // Not beyond the end of the run.
  const seconds = Math.min(SECONDS, 120 / Number(speed) - 3.5);
  const end = Date.now() + seconds * 1000;
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
  const sent = await page.locator(".figures dd").first().innerText();
  const moment = await page.locator(".stage-now").innerText();
  works.sort((a, b) => a - b);
  inputs.sort((a, b) => a - b);
  const at = (list, part) => list[Math.min(list.length - 1, Math.floor(list.length * part))].toFixed(1);
  console.log(`${what}, ${seconds} s, ${works.length} frames, ${sent.replace("\n", " ")} sent, at ${moment}:`);
  console.log(`  drawing a frame: median ${at(works, 0.5)} ms, 99% ${at(works, 0.99)} ms, longest ${at(works, 1)} ms`);
  console.log(`  all work of the page: ${(share / works.length).toFixed(1)} ms a frame; longest task ${longest.toFixed(0)} ms`);
  console.log(`  from a key to what it shows: median ${at(inputs, 0.5)} ms, longest ${at(inputs, 1)} ms`);
  if (page.errors.length) console.log(`  errors: ${page.errors}`);
  await context.close();
}
await browser.close();
process.exit(0);
