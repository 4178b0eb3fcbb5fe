// Hard use: a reader who does whatever can be done, in an order that a seed decides. Nothing breaks, nothing is lost, nothing grows; not
// when the tab, the simulation or the network is gone in the middle of it. `WALK=10000 SEED=7 node --test endurance.test.mjs` is the long
// walk; without WALK it is a short one.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test as nodeTest } from "node:test";
import { DIST, launch, open, serve, test } from "./lab.mjs";
import { Walk, course } from "./walker.mjs";

const DEEDS = Number(process.env.WALK ?? 500);
const SEED = Number(process.env.SEED ?? 1);
const PROGRESS = "scale-lab/progress";

const browser = await launch();
const home = await serve();
const { lessons, challenges } = await course((path) => readFile(join(DIST, path), "utf8"));

/** What the browser itself says of a lesson that is not there. */
const known = [...lessons.map(({ id }) => `lessons/${id}/`), ...challenges.map((id) => `lessons/challenges/${id}/`), "lessons/catalog.json"];
const expected = (text, url) => /status of 404/.test(text) && url.endsWith("/lesson.md") && !known.some((place) => url.includes(place));

/** A learner who has been here before: some of what they answered is due. */
const EARLIER = {
  version: 1,
  lessons: Object.fromEntries(lessons.slice(0, 3).map(({ id, steps }) => [id, { steps: steps.slice(0, 2) }])),
};

async function walker(seed, log) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, acceptDownloads: true });
  const due = JSON.parse(await readFile(join(DIST, "lessons/x-axis/quiz.json"), "utf8")).questions.slice(0, 3);
  const earlier = structuredClone(EARLIER);
  earlier.lessons["x-axis"].questions = Object.fromEntries(due.map(({ id }) => [id, { asked: 2, right: 1 }]));
  await context.addInitScript(
    ([key, earlier, seed]) => {
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
  await page.waitForSelector(".map .entry");
  await page.waitForSelector(".stage-picture .station");
  await page.waitForTimeout(400);
  walk.before = undefined;
}

const long = (name, run) => nodeTest(name, { timeout: 180_000 + DEEDS * 600 }, run);

long(`${DEEDS} deeds, by seed ${SEED}: nothing breaks, nothing is lost, nothing grows`, async (t) => {
  const walk = await walker(SEED);
  const marks = [];
  const from = Date.now();
  try {
    for (const part of [1, 2, 3, 4]) {
      while (walk.deeds < (DEEDS * part) / 4) await walk.step();
      if (process.env.WALK) {
        await rest(walk);
        marks.push({ deeds: walk.deeds, ...(await held(walk.page)) });
        t.diagnostic(JSON.stringify(marks.at(-1)));
      }
    }
    t.diagnostic(`${walk.seen.size} different controls, ${Math.round(walk.simulated_s)} simulated seconds, ${Math.round((Date.now() - from) / 1000)} s`);
    await rest(walk);
    assert.deepEqual(walk.page.errors, []);
  } finally {
    if (process.env.TRACE) console.log(walk.done.join("\n"), "\n", [...walk.seen].sort().join("\n"));
    await walk.context.close();
  }
});
