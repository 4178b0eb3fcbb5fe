// The same comparison as eight_servers.rs, as Wasm in Node. Called by `cargo xtask bench` with the folder of the bound module.
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const network = createRequire(import.meta.url)(join(resolve(process.argv[2]), "eight_servers.js"));
const SECONDS = 300;
const time = (run) => {
  const start = performance.now();
  const requests = run(SECONDS);
  return ((performance.now() - start) * 1e6) / requests;
};
const rounds = [];
for (let i = 0; i < 18; i++) {
  const round = [network.by_hand, network.engine, network.recorded].map(time);
  // The first rounds run while the Wasm is still being compiled well.
  if (i >= 3) rounds.push(round);
}
const median = (of) => rounds.map(of).sort((a, b) => a - b)[Math.floor(rounds.length / 2)];
const line = (name, at) =>
  `  ${name.padEnd(28)}${median((r) => r[at]).toFixed(0).padStart(6)} ns a request` +
  (at ? `, ${median((r) => r[at] / r[0]).toFixed(2)} times the loop` : "");
console.log(`Wasm in Node ${process.version}, median of ${rounds.length} rounds in turn:`);
console.log(["loop by hand", "engine", "engine with recorder"].map(line).join("\n"));
// The mechanisms, each in turn with the loop.
network.mechanisms().split("\n").forEach((name, at) => {
  const ratios = [];
  for (let i = 0; i < 7; i++) {
    const [loop, engine] = [network.by_hand, (seconds) => network.mechanism(at, seconds)].map((run) => {
      const start = performance.now();
      const requests = run(SECONDS / 3);
      return (performance.now() - start) / requests;
    });
    if (i >= 2) ratios.push(engine / loop);
  }
  const ratio = ratios.sort((a, b) => a - b)[Math.floor(ratios.length / 2)];
  console.log(`  ${name.padEnd(30)}${ratio.toFixed(2).padStart(6)} times the loop`);
});
