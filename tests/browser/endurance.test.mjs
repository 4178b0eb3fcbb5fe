// Hard use: a reader who does whatever can be done, in an order that a seed decides. Nothing breaks, nothing is lost, nothing grows; not
// when the tab, the simulation or the network is gone in the middle of it. `WALK=10000 SEED=7 node --test endurance.test.mjs` is the long
// walk; without WALK it is a short one.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test as nodeTest } from "node:test";
import { launch, open, parts, serve, test } from "./lab.mjs";
import { Walk, course } from "./walker.mjs";

const DEEDS = Number(process.env.WALK ?? 500);
const SEED = Number(process.env.SEED ?? 1);
const ROUNDS = process.env.WALK ? 24 : 6;
const PROGRESS = "scale-lab/progress";

const browser = await launch();
const home = await serve();
const { lessons, challenges } = await course((path) => readFile(join(parts(), path), "utf8"));

/** What the browser itself says of a lesson that is not there. */
const known = [...lessons.map(({ id }) => `lessons/${id}/`), ...challenges.map((id) => `lessons/challenges/${id}/`), "lessons/catalog.json"];
const expected = (text, url) => /status of 404/.test(text) && /\/(lesson\.md|quiz\.json)$/.test(url) && !known.some((place) => url.includes(place));

/** A learner who has been here before: some of what they answered is due. */
const EARLIER = {
  version: 1,
  lessons: Object.fromEntries(lessons.slice(0, 3).map(({ id, steps }) => [id, { steps: steps.slice(0, 2) }])),
};

async function walker(seed, log) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, acceptDownloads: true });
  const due = JSON.parse(await readFile(join(parts(), "lessons/x-axis/quiz.json"), "utf8")).questions.slice(0, 3);
  const earlier = structuredClone(EARLIER);
  earlier.lessons["x-axis"].questions = Object.fromEntries(due.map(({ id }) => [id, { asked: 2, right: 1 }]));
  await context.addInitScript(
    ([key, earlier, seed]) => {
      // Where the tab died there is no storage.
      if (!location.protocol.startsWith("http")) return;
      if (!localStorage.getItem(key)) localStorage.setItem(key, earlier);
      // The same questions are drawn whenever the walk is taken again.
      let state = seed;
      Math.random = () => ((state = (state * 48271) % 2147483647) - 1) / 2147483646;
    },
    [PROGRESS, JSON.stringify(earlier), seed],
  );
  const walk = new Walk({ seed, lessons, challenges, log, open: (hash = "/") => open(browser, `${home}#${hash}`, { context, expected }) });
  await walk.begin();
  walk.context = context;
  return walk;
}

/** What the page holds once the rubbish is collected: bytes, and counts of the document's parts. */
async function held(page) {
  const client = await page.context().newCDPSession(page);
  await client.send("HeapProfiler.enable");
  for (let i = 0; i < 3; i++) await client.send("HeapProfiler.collectGarbage");
  const { usedSize } = await client.send("Runtime.getHeapUsage");
  const { documents, nodes, jsEventListeners } = await client.send("Memory.getDOMCounters");
  await client.detach();
  const wasm = await page.evaluate(async () => {
    const urls = performance.getEntriesByType("resource").map(({ name }) => name).filter((name) => /\/(app-[^/]*|sandbox)\.js$/.test(name));
    const bytes = {};
    for (const url of new Set(urls)) {
      // Whoever starts it again is given what runs already.
      const { memory } = await (await import(url)).default();
      bytes[/app/.test(url) ? "page" : "sandbox"] = memory.buffer.byteLength;
    }
    return bytes;
  });
  const simulations = await Promise.all(page.workers().map((worker) => worker.evaluate(async () => (await wasm_bindgen()).memory.buffer.byteLength).catch(() => 0)));
  return { heap: usedSize, documents, nodes, listeners: jsEventListeners, ...wasm, simulations };
}

/** At the home page at rest, where every walk can be compared with itself. */
async function rest(walk) {
  const { page } = walk;
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce", forcedColors: "none" });
  await page.keyboard.press("Escape");
  await page.evaluate(() => document.querySelector("dialog[open]")?.close());
  await page.evaluate(() => void (location.hash = "#/404"));
  await page.waitForTimeout(100);
  await page.evaluate(() => void (location.hash = "#/"));
  await there(page, ".map .entry");
  await there(page, ".stage-picture .station");
  await page.waitForTimeout(400);
  walk.before = undefined;
}

const long = (name, run) => nodeTest(name, { timeout: 400_000 + DEEDS * 600 }, run);

long(`${DEEDS} deeds, by seed ${SEED}: nothing breaks, nothing is lost, nothing grows`, async (t) => {
  const walk = await walker(SEED);
  const marks = [];
  const from = Date.now();
  try {
    for (const part of [1, 2, 3, 4]) {
      while (walk.deeds < (DEEDS * part) / 4) await walk.step();
      // Before the memory is compared: a new tab would hold less.
      if (part === 1) await walk.killTab();
      if (process.env.WALK) {
        await rest(walk);
        marks.push({ deeds: walk.deeds, ...(await held(walk.page)) });
        t.diagnostic(JSON.stringify(marks.at(-1)));
      }
    }
    t.diagnostic(`${walk.seen.size} different controls, ${Math.round(walk.simulated_s)} simulated seconds, ${Math.round((Date.now() - from) / 1000)} s`);
    await rest(walk);
    assert.deepEqual(walk.page.errors, []);
    if (marks.length) {
      // Over the second half. What is done by chance leaves now more, now less: the bounds are for what grows without end. A memory of
      // Wasm is as large as it has ever been: a run of ten minutes takes 5 MB of the page's, and two may be compared.
      const [, half, , end] = marks;
      const grown = Object.fromEntries(Object.keys(end).filter((key) => typeof end[key] === "number").map((key) => [key, end[key] - (half[key] ?? 0)]));
      assert.ok(grown.heap < 4e6 && grown.page < 16e6 && (grown.sandbox ?? 0) < 16e6, JSON.stringify(grown));
      // Pictures of designs are documents of their own as long as the browser keeps them.
      assert.ok(end.nodes < 8_000 && end.listeners < 500 && end.documents < 50, JSON.stringify(end));
    }
  } finally {
    if (process.env.TRACE) console.log(walk.done.join("\n"), "\n", [...walk.seen].sort().join("\n"));
    await walk.context.close();
  }
});

/** Waits for an element, without a hold on it: what the test itself holds is not the page's. */
const there = (page, selector) => page.locator(selector).first().waitFor({ state: "attached" });

long("what is done again and again leaves nothing behind", async (t) => {
  const page = await open(browser, home);
  const to = async (hash, stands) => {
    await page.evaluate((hash) => void (location.hash = hash), hash);
    await there(page, stands);
  };
  const once = async () => {
    await to("#/lesson/x-axis/playground", ".stage-picture .station");
    await page.getByRole("button", { name: "Run to the end" }).click();
    await page.waitForFunction(() => /again/.test(document.querySelector(".play")?.innerText), null, { timeout: 60_000 });
    await page.getByRole("button", { name: "The slowest" }).click();
    await there(page, ".spans li");
    await to("#/lesson/z-axis/three", ".stage-picture .station");
    await page.getByRole("button", { name: "Play", exact: true }).click();
    await later(page, 0.5);
    await to("#/lesson/x-axis/quiz", ".stage.veiled .station");
    await to("#/progress", "main h1");
    await to("#/sandbox", ".board");
    if (await page.getByRole("button", { name: "Three tiers" }).count()) await page.getByRole("button", { name: "Three tiers" }).click();
    await page.locator('[data-node="service"]').press("Enter");
    await show(page, "Traffic");
    await there(page, ".traffic");
    await show(page, "Run");
    await there(page, ".stage .figures");
    await later(page, 0.2);
    await show(page, "Build");
    await to("#/", ".map .entry");
    await there(page, ".stage-picture .station");
    await page.waitForTimeout(300);
  };
  const marks = [];
  let started = 0;
  page.on("worker", () => (started += 1));
  for (let round = 0; round < ROUNDS; round++) {
    await once();
    marks.push({ ...(await held(page)), started });
    t.diagnostic(JSON.stringify(marks.at(-1)));
  }
  // The first rounds fill what is filled once.
  const [warm, end] = [marks[Math.floor(ROUNDS / 3)], marks.at(-1)];
  const rounds = ROUNDS - 1 - Math.floor(ROUNDS / 3);
  const grown = (key) => (end[key] - warm[key]) / rounds;
  assert.ok(grown("heap") < 40_000, `${grown("heap")} bytes of JavaScript a round`);
  // Of each simulation that has ended its listener stays (and some 2 kB with it): gloo-worker holds it for good.
  const listeners = grown("listeners") - grown("started");
  assert.ok(grown("nodes") < 20 && listeners < 1 && grown("documents") < 0.5, `${grown("nodes")} nodes, ${listeners} listeners, ${grown("documents")} documents a round`);
  // A memory of Wasm grows by whole pages of 64 kB: one for the run that is there, and none that goes on.
  assert.ok(grown("page") < 65_536 && grown("sandbox") < 65_536, `${grown("page")} and ${grown("sandbox")} bytes of Wasm a round`);
  assert.deepEqual(end.simulations, []);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

const show = (page, side) => page.locator(".sandbox-sides .tab", { hasText: side }).click();
const moment = (page) => page.locator(".stage-now").first().innerText().then(Number.parseFloat);
const later = (page, than) => page.waitForFunction((than) => Number.parseFloat(document.querySelector(".stage-now")?.innerText) > than, than, { timeout: 60_000 });
/** Ends the simulation, in the middle of whatever it is at. */
const kill = (page) => Promise.all(page.workers().map((worker) => worker.evaluate(() => self.close())));

test("a simulation that dies is missed, and comes again", async () => {
  const page = await open(browser, `${home}#/lesson/x-axis/playground`);
  await page.waitForSelector(".stage-picture .station");
  await page.getByRole("button", { name: "Play", exact: true }).click();
  await later(page, 1);
  await page.getByRole("slider", { name: "Copies of the shop" }).fill("5");
  await kill(page);
  await page.getByText("The simulation has stopped answering").waitFor({ timeout: 30_000 });
  await page.getByRole("button", { name: "Start it again" }).click();
  const play = page.getByRole("button", { name: "Play", exact: true });
  if (await play.isVisible()) await play.click();
  await later(page, 1);
  // What was set is still set.
  assert.equal(await page.getByRole("slider", { name: "Copies of the shop" }).inputValue(), "5");
  assert.equal(await page.getByText("has stopped answering").count(), 0);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("a sweep or a judgement whose simulations die is called off, and made again", async () => {
  const page = await open(browser, `${home}#/sandbox`);
  await page.getByRole("button", { name: "Three tiers" }).click();
  await show(page, "10×");
  for (const again of [false, true]) {
    await page.getByRole("button", { name: "Run it without saying" }).click();
    if (again) break;
    await page.waitForSelector(".under-way");
    // Soon: on a quick machine all runs are made in seconds.
    while (page.workers().length === 0) await page.waitForTimeout(10);
    await kill(page);
    await page.getByRole("button", { name: "Cancel" }).click();
  }
  await page.waitForSelector(".found", { timeout: 120_000 });
  await page.evaluate(() => void (location.hash = "#/sandbox/challenge/chat"));
  const cancel = page.getByRole("button", { name: "Cancel" });
  for (let tries = 0; ; tries++) {
    await page.getByRole("button", { name: "Let that day come" }).click();
    await page.waitForSelector(".challenge-judge progress, .verdicts");
    await kill(page);
    await page.waitForTimeout(200);
    if (await cancel.isVisible()) break;
    // The day was over before: once more.
    assert.ok(tries < 10, "it is under way for a while");
  }
  await cancel.click();
  await page.getByRole("button", { name: "Let that day come" }).click();
  await page.waitForSelector(".verdicts", { timeout: 120_000 });
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("a tab that is killed has lost nothing of the learner's", async () => {
  const walk = await walker(SEED + 1);
  await walk.page.evaluate(() => void (location.hash = "#/lesson/x-axis/playground"));
  for (let kills = 0; kills < 3; kills++) {
    for (let deeds = 0; deeds < 30; deeds++) await walk.step();
    // It checks itself that all that was kept before is kept now.
    await walk.killTab();
  }
  assert.deepEqual(walk.page.errors, []);
  await walk.context.close();
});

test("without a network what is there goes on, what is not there says so, and comes when it is back", async () => {
  // Without what a service worker would have kept.
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, serviceWorkers: "block" });
  // Of the parts of the sandbox now this one is missed first, now that.
  const lost = (text) => /ERR_INTERNET_DISCONNECTED|Failed to fetch|could not be fetched/.test(text);
  const page = await open(browser, `${home}#/lesson/x-axis/copies`, { context, expected: lost });
  await page.waitForSelector(".stage-picture .station");
  await page.getByRole("button", { name: "Play", exact: true }).click();
  await later(page, 0.5);
  await context.setOffline(true);
  // The run goes on, and another step of the lesson.
  await later(page, 1.5);
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  const before = await moment(page);
  await page.getByRole("button", { name: "One event on" }).click();
  assert.ok((await moment(page)) >= before);
  // A lesson that was not fetched, and the sandbox.
  await page.evaluate(() => void (location.hash = "#/lesson/sharding"));
  await page.getByText("This could not be shown").waitFor();
  await page.evaluate(() => void (location.hash = "#/sandbox"));
  await page.getByText("This part of the lab could not be fetched. Are you offline?").waitFor();
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("Are you offline?").waitFor();
  await context.setOffline(false);
  await page.getByRole("button", { name: "Try again" }).click();
  await page.waitForSelector(".board");
  await page.evaluate(() => void (location.hash = "#/lesson/sharding"));
  await page.waitForFunction(() => document.querySelector(".stage-picture .node") || document.querySelector(".failed button"));
  const again = page.getByRole("button", { name: "Try again" });
  if (await again.count()) await again.click();
  await page.waitForSelector(".stage-picture .node");
  assert.deepEqual(page.errors, []);
  await context.close();
});
