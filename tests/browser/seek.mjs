// How long it takes to come to any moment of a run of more than a million events, in a real browser: `node seek.mjs [times]`,
// after `cargo xtask build`.
import { readFileSync } from "node:fs";
import { launch, open, serve } from "./lab.mjs";

const TIMES = Number(process.argv[2] ?? 60);
const file = new URL("../../lessons/x-axis/scenes/copies.json", import.meta.url);

/** Thirty calls a request, 150 requests a second, for 120 s: some five events a call. */
function scene() {
  const scene = JSON.parse(readFileSync(file, "utf8"));
  const { shop, database } = scene.components;
  const [work, { call }] = shop.service.plans["*"];
  work.work.erlang.mean_ms = 5;
  call.times = 30;
  database.database.queries["*"].erlang.mean_ms = 0.2;
  return JSON.stringify(scene);
}

const base = await serve((path) => (path.endsWith("scenes/copies.json") ? [200, scene()] : undefined));
const browser = await launch();
const page = await open(browser, `${base}#/lesson/x-axis/playground`);
await page.waitForSelector(".stage-picture .station");
await page.getByRole("slider", { name: "Workers in each copy" }).fill("16");
const start = Date.now();
await page.getByRole("button", { name: "Run to the end" }).click();
await page.waitForFunction(() => document.querySelector(".play").innerText.includes("again"), undefined, { timeout: 120_000 });
console.log(`run to the end in ${((Date.now() - start) / 1000).toFixed(1)} s`);
const heap = await page.evaluate(() => performance.memory?.usedJSHeapSize ?? 0);
const waits = [];
let random = 1;
for (let i = 0; i < TIMES; i += 1) {
  random = (random * 48271) % 2147483647;
  const to = ((random / 2147483647) * 120).toFixed(2);
  waits.push(await page.evaluate((to) => new Promise((done) => {
    const slider = document.querySelector(".timeline input");
    const start = performance.now();
    slider.value = to;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - start), 0));
  }), to));
}
waits.sort((a, b) => a - b);
const at = (part) => waits[Math.min(waits.length - 1, Math.floor(waits.length * part))].toFixed(1);
console.log(`${TIMES} moments sought: median ${at(0.5)} ms, 90% ${at(0.9)} ms, longest ${at(1)} ms`);
console.log(`JavaScript heap ${(heap / 1e6).toFixed(0)} MB; ${await page.locator(".stage-ended").allInnerTexts()}`);
if (page.errors.length) console.log(`errors: ${page.errors}`);
await browser.close();
process.exit(0);
