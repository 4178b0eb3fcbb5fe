// The benchmarks as Wasm in the browser, in turn with the same natively. Called by `cargo xtask bench`; DIST is the folder of
// the bound module.
import { spawnSync } from "node:child_process";
import { chromium } from "playwright-core";
import { CHROME, FLAGS, serve } from "./lab.mjs";

const ROUNDS = 15;
const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

const browser = await chromium.launch({ executablePath: CHROME, args: FLAGS });
const page = await browser.newPage();
const base = await serve((path) => (path === "empty.html" ? [200, "<!doctype html><title>bench</title>"] : undefined));
await page.goto(`${base}empty.html`);
await page.evaluate(async () => {
  const network = await import("./eight_servers.js");
  await network.default();
  const time = (run, seconds) => {
    const start = performance.now();
    const requests = run(seconds);
    return ((performance.now() - start) * 1e6) / requests;
  };
  globalThis.round = () => [network.by_hand, network.engine, network.recorded].map((run) => time(run, 300));
  globalThis.mechanisms = () => network.mechanisms().split("\n");
  // Nanoseconds a request of the loop and of mechanism number `at`.
  globalThis.mechanism = (at) =>
    [network.by_hand, (seconds) => network.mechanism(at, seconds)].map((run) => time(run, 100));
  // The first rounds run while the Wasm is still being compiled well.
  for (let i = 0; i < 3; i++) round();
});

const native = () => {
  const bench = ["bench", "--locked", "--quiet", "--package", "scale-sim", "--bench", "eight_servers", "--", "round"];
  const { stdout, status } = spawnSync("cargo", bench, { encoding: "utf8" });
  if (status !== 0) throw new Error("the native benchmark failed");
  return stdout.trim().split(" ").map(Number);
};
const rounds = [];
for (let i = 0; i < ROUNDS; i++) rounds.push({ native: native(), wasm: await page.evaluate(() => round()) });

console.log(`Wasm in Chromium ${browser.version()} and native, median of ${ROUNDS} rounds in turn:`);
["loop by hand", "engine", "engine with recorder"].forEach((name, at) => {
  const of = (get) => median(rounds.map(get));
  const ratio = at ? `, ${of((r) => r.wasm[at] / r.wasm[0]).toFixed(2)} times the loop` : "";
  const speed = of((r) => r.native[at] / r.wasm[at]).toFixed(2);
  const ns = [of((r) => r.wasm[at]), of((r) => r.native[at])].map((ns) => ns.toFixed(0).padStart(5));
  console.log(`  ${name.padEnd(22)}${ns[0]} ns a request, native ${ns[1]} ns: ${speed} of native speed${ratio}`);
});

// The mechanisms, each in turn with the loop.
const names = await page.evaluate(() => mechanisms());
for (const [at, name] of names.entries()) {
  const ratios = [];
  for (let i = 0; i < 7; i++) {
    const [loop, engine] = await page.evaluate((at) => mechanism(at), at);
    if (i >= 2) ratios.push(engine / loop);
  }
  console.log(`  ${name.padEnd(30)}${median(ratios).toFixed(2).padStart(6)} times the loop`);
}
await browser.close();
process.exit(0);
