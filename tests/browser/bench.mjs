// The two networks of benches/peers, simulated by the engine and by loops written by hand, natively and as Wasm in the browser; with
// PEERS by other simulators, too. All in turn, so that a machine that slows down slows all alike. Called by `cargo xtask bench`.
//
// DIST is the folder of the bound Wasm; NATIVE and each of PEERS is a program that makes the runs that it is asked for, a line each,
// and answers with JSON (see src/sim/benches/networks.rs).
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { CHROME, FLAGS, serve } from "./lab.mjs";

const ROUNDS = Number(process.env.ROUNDS ?? 15);
const NETWORKS = ["eight-servers", "mixed"];
// Requests a second that the networks' users send.
const RATE = 700;
// How far a contestant's latency and throughput may be off the engine's, as a share of it, for its model to count as the same.
const APART = 0.05;
const peers = JSON.parse(process.env.PEERS ?? "[]");

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const quantile = (numbers, q) => [...numbers].sort((a, b) => a - b)[Math.round(q * (numbers.length - 1))];
const median = (numbers) => quantile(numbers, 0.5);

// Seconds for which the first thread of a process has had a processor; nothing where the system does not tell.
function processor(pid) {
  const file = `/proc/${pid}/schedstat`;
  return existsSync(file) ? Number(readFileSync(file, "utf8").split(" ")[0]) / 1e9 : undefined;
}

// Runs `ask`, and gives what it answers with the processor time that it took; the time that it measured itself where that is unknown.
async function timed(pid, ask) {
  const before = processor(pid);
  const answer = await ask();
  const after = processor(pid);
  return { ...answer, seconds: after === undefined ? answer.seconds : after - before };
}

// A program that is asked on its standard input.
function program([command, ...args]) {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const answers = [];
  createInterface({ input: child.stdout }).on("line", (line) => answers.shift()?.resolve(JSON.parse(line)));
  child.on("exit", (code) => answers.forEach(({ reject }) => reject(new Error(`${command} ended with ${code}`))));
  child.on("error", (error) => answers.forEach(({ reject }) => reject(error)));
  const ask = (words) =>
    timed(child.pid, () => new Promise((resolve, reject) => {
      answers.push({ resolve, reject });
      child.stdin.write(`${words.join(" ")}\n`);
    }));
  return { ask, end: () => child.stdin.end() };
}

const browser = await chromium.launch({ executablePath: CHROME, args: FLAGS });
const page = await browser.newPage();
const base = await serve((path) => (path === "empty.html" ? [200, "<!doctype html><title>bench</title>"] : undefined));
await page.goto(`${base}empty.html`);
await page.evaluate(async () => {
  const networks = await import("./networks.js");
  await networks.default();
  const time = (run) => {
    const start = performance.now();
    const requests = run();
    return { requests, seconds: (performance.now() - start) / 1000 };
  };
  globalThis.run = (who, network, seed, seconds) => time(() => networks[who](network, seed, seconds));
  globalThis.mechanisms = () => networks.mechanisms().split("\n");
  // Nanoseconds a request of the loop and of mechanism number `at`.
  globalThis.mechanism = (at) =>
    [() => networks.by_hand(0, 1, 100), () => networks.mechanism(at, 100)].map((run) => {
      const { requests, seconds } = time(run);
      return (seconds * 1e9) / requests;
    });
});
const renderers = await (await browser.newBrowserCDPSession()).send("SystemInfo.getProcessInfo");
// A page without a process of its own, such as the browser's first tab, has done nothing yet.
const renderer = renderers.processInfo.filter(({ type }) => type === "renderer").sort((a, b) => b.cpuTime - a.cpuTime)[0].id;
const wasm = (who, network, seed, seconds) =>
  timed(renderer, () => page.evaluate((args) => run(...args), [who, NETWORKS.indexOf(network), seed, seconds]));

// `loop` is the place of the loop that it is held against: Wasm against Wasm.
const native = program(JSON.parse(process.env.NATIVE));
const running = peers.map(({ command }) => program(command));
const contestants = [
  { name: "loop by hand", seconds: 300, ask: (...words) => native.ask(["by_hand", ...words]) },
  { name: "engine", seconds: 300, ask: (...words) => native.ask(["engine", ...words]) },
  { name: "engine with recorder", seconds: 300, ask: (...words) => native.ask(["recorded", ...words]) },
  ...["by_hand", "engine", "recorded"].map((who, at) => ({
    name: `${["loop by hand", "engine", "engine with recorder"][at]}, Wasm`,
    loop: 3,
    seconds: 300,
    ask: (...words) => wasm(who, ...words),
  })),
  ...peers.flatMap(({ ways }, at) =>
    ways.map(({ name, way, seconds }) => ({ name, seconds, ask: (...words) => running[at].ask([way, ...words]) }))),
];

let good = true;
console.log(`Chromium ${browser.version()}; medians of ${ROUNDS} rounds in turn, the middle half of them in brackets`);
for (const network of NETWORKS) {
  // By contestant, then by round.
  const all = contestants.map(() => []);
  // The first round runs while programs are still being loaded, and the Wasm compiled well.
  for (let round = 0; round <= ROUNDS; round++)
    for (const [at, { ask, seconds }] of contestants.entries()) {
      const ran = await ask(network, round, seconds);
      if (round > 0) all[at].push({ ...ran, ns: (ran.seconds * 1e9) / ran.requests });
    }
  const [, engine, recorded] = all;
  const mean = (rounds) => sum(rounds.map((r) => r.mean_ms * r.requests)) / sum(rounds.map((r) => r.requests));
  const figures = (of) => [0.5, 0.25, 0.75].map((q) => quantile(of, q));
  const digits = (n) => (n < 10 ? n.toFixed(2) : n.toFixed(0));
  console.log(`\n${network}\n`);
  console.log("| simulated by | ns a request | requests a second | times its loop | times the engine | mean latency, ms |");
  console.log("| --- | ---: | ---: | ---: | ---: | ---: |");
  for (const [at, { name, seconds, loop = 0 }] of contestants.entries()) {
    const [mid, low, high] = figures(all[at].map((r) => r.ns));
    const against = (other) => digits(median(all[at].map((r, round) => r.ns / other[round].ns)));
    // The engine's own latency is that of the same run with the recorder; so it is as Wasm.
    const latency = all[at][0].mean_ms ? mean(all[at]) : undefined;
    const throughput = sum(all[at].map((r) => r.requests)) / (ROUNDS * seconds);
    const off = Math.max(Math.abs((latency ?? mean(recorded)) / mean(recorded) - 1), Math.abs(throughput / RATE - 1));
    if (off > APART) {
      good = false;
      console.log(`${name}: ${latency?.toFixed(2)} ms and ${throughput.toFixed(1)} requests a second: not the same network`);
    }
    const cells = [name, `${digits(mid)} (${digits(low)}–${digits(high)})`, Math.round(1e9 / mid).toLocaleString("en"),
      against(all[loop]), against(engine), latency?.toFixed(2) ?? "the same run"];
    console.log(`| ${cells.join(" | ")} |`);
  }
}
native.end();
running.forEach((peer) => peer.end());

if (peers.length === 0) {
  // The mechanisms, each in turn with the loop.
  console.log();
  const names = await page.evaluate(() => mechanisms());
  for (const [at, name] of names.entries()) {
    const ratios = [];
    for (let i = 0; i < 7; i++) {
      const [loop, engine] = await page.evaluate((at) => mechanism(at), at);
      if (i >= 2) ratios.push(engine / loop);
    }
    console.log(`  ${name.padEnd(30)}${median(ratios).toFixed(2).padStart(6)} times the loop`);
  }
}
await browser.close();
process.exit(good ? 0 : 1);
