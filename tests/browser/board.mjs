// Measures the sandbox's board with 200 components and 400 connections: how long it takes to open, and what a dragged component costs a
// frame on the page's thread. Run: node board.mjs (after cargo xtask build).
import { chromium } from "playwright-core";
import { CHROME, FLAGS, open, serve } from "./lab.mjs";

const COUNT = 200;
const components = { users: { client: { operation: "x", target: "c0", arrivals: { poisson: { rate_per_s: 10 } } } } };
const view = { users: { at: [0, 0] } };
let wires = 1;
for (let i = 0; i < COUNT - 1; i += 1) {
  const to = [i + 1, i + 7, i + 15].filter((j) => j < COUNT - 1 && wires < 401);
  const calls = to.slice(0, i % 50 === 49 ? 3 : 2);
  wires += calls.length;
  components[`c${i}`] = { service: { workers: 2, plans: { "*": [{ work: { constant: { mean_ms: 1 } } }, ...calls.map((j) => ({ call: { to: `c${j}` } }))] } } };
  view[`c${i}`] = { at: [1 + (i % 20), Math.floor(i / 20)] };
}
const text = JSON.stringify({ version: 1, title: "Large", horizon_s: 5, components, view });

const browser = await chromium.launch({ executablePath: CHROME, args: FLAGS });
const page = await open(browser, `${await serve()}#/sandbox`);
await page.waitForSelector(".board");
await page.locator("summary", { hasText: "File" }).click();
await page.getByRole("button", { name: "Open a file or a diagram" }).click();
await page.getByLabel("JSON or Mermaid").fill(text);
const opened = await page.evaluate(async (count) => {
  const button = [...document.querySelectorAll("dialog button")].find((b) => b.textContent.includes("Open what is pasted"));
  const from = performance.now();
  button.click();
  while (document.querySelectorAll(".node").length < count) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - from;
}, COUNT);
console.log(`${COUNT} components, ${await page.locator(".wire").count()} connections: open in ${opened.toFixed(0)} ms`);
await page.keyboard.press("Escape");
await page.waitForTimeout(500);
await page.evaluate(() => {
  window.costs = [];
  let from = 0;
  addEventListener("pointermove", () => (from = performance.now()), true);
  addEventListener("pointermove", () => window.costs.push(performance.now() - from));
});
const cdp = await page.context().newCDPSession(page);
await cdp.send("Performance.enable");
const metrics = async () => Object.fromEntries((await cdp.send("Performance.getMetrics")).metrics.map((m) => [m.name, m.value]));
const at = await page.locator('[data-node="c105"]').boundingBox();
await page.mouse.move(at.x + at.width / 2, at.y + at.height / 2);
await page.mouse.down();
await page.mouse.move(at.x + 20, at.y + 20);
const before = await metrics();
const MOVES = 300;
for (let i = 0; i < MOVES; i += 1) await page.mouse.move(at.x + 20 + 60 * Math.sin(i / 20), at.y + 20 + 40 * Math.cos(i / 15));
const after = await metrics();
const sorted = (await page.evaluate(() => window.costs)).slice(1).sort((a, b) => a - b);
const spent = (name) => ((after[name] - before[name]) * 1000) / MOVES;
console.log(`drag: handler median ${sorted[sorted.length >> 1].toFixed(2)} ms, longest ${sorted.at(-1).toFixed(2)} ms; a move costs ${spent("TaskDuration").toFixed(2)} ms of all tasks (script ${spent("ScriptDuration").toFixed(2)}, layout ${spent("LayoutDuration").toFixed(2)}, style ${spent("RecalcStyleDuration").toFixed(2)})`);
const dropped = await page.evaluate(async () => {
  const longest = [];
  new PerformanceObserver((list) => list.getEntries().forEach((e) => longest.push(e.duration))).observe({ type: "longtask" });
  window.longest = longest;
});
await page.mouse.up();
await page.waitForTimeout(500);
console.log(`let go: tasks over 50 ms: ${JSON.stringify(await page.evaluate(() => window.longest.map(Math.round)))}`, page.errors);
await browser.close();
process.exit(0);
