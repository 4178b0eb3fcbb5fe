// What stands in index.html is what the page draws when its Wasm is there: nothing moves, and nothing flashes where something else was asked for.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { DIST, launch, open, serve, test } from "./lab.mjs";

const browser = await launch();

/** A lab whose Wasm comes when it is let. */
async function held() {
  let release;
  const gate = new Promise((ready) => (release = ready));
  const home = await serve(async (name) => {
    if (/^app-.*\.wasm$/.test(name)) await gate;
    return undefined;
  });
  return { home, release };
}

/** What moved before it was asked: how much, what, and whether all of that stands in a stage. */
const shifts = (page) => page.evaluate(() => globalThis.shifts);

/** Counts, from the first moment of a page, what moves in it. */
const watched = (context) =>
  context.addInitScript(() => {
    const name = (node) => `${node?.nodeName} ${node?.className?.baseVal ?? node?.className ?? node?.textContent}`;
    const told = ({ value, sources }) => ({ value, what: sources.map(({ node }) => name(node)), inside: sources.every(({ node }) => node?.parentElement?.closest(".stage")) });
    globalThis.shifts = [];
    new PerformanceObserver((list) => globalThis.shifts.push(...list.getEntries().map(told))).observe({ type: "layout-shift", buffered: true });
  });

/** The lines of the page's top: where they stand, what they say and how they look. */
const lines = (page) =>
  page.evaluate(() => {
    const found = document.querySelectorAll("#app .brand, #app .mark *, #app .nav-link, #app .nav-link path, .hero-words h1, .hero-words h1 em, .hero-words .lead, .hero-words .way");
    return [...found].map((element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      const { color, fontFamily, fontSize, fontWeight } = getComputedStyle(element);
      // Where the way on will stand, something else is said until it is known.
      const says = !element.classList.contains("way");
      const words = says && element.textContent;
      return { what: element.localName, words, href: element.getAttribute("href"), d: element.getAttribute("d"), x, y, width, height, look: says && `${color} ${fontFamily} ${fontSize} ${fontWeight}` };
    });
  });

for (const [width, height] of [[1280, 800], [412, 823], [320, 640]]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`the first lines stay where they are: ${width} wide, ${colorScheme}`, async () => {
      const { home, release } = await held();
      const context = await browser.newContext({ viewport: { width, height }, colorScheme });
      await watched(context);
      const page = await context.newPage();
      await page.goto(home);
      await page.waitForSelector(".early h1");
      assert.equal(await page.locator("main h1").count(), 0);
      assert.equal(await page.locator("html").getAttribute("data-theme"), colorScheme);
      assert.equal(await page.locator(".boot:visible").count(), 0);
      const before = await lines(page);
      assert.ok(before.length > 14, `${before.length} lines`);
      release();
      await page.waitForSelector("main h1");
      await page.waitForSelector(".map .entry");
      await page.waitForSelector(".stage-picture .station");
      assert.deepEqual(await lines(page), before);
      await page.waitForTimeout(500);
      // What stands below the picture may give way a little while that finds its height; nothing else moves.
      const moved = await shifts(page);
      assert.ok(moved.every(({ inside }) => inside), JSON.stringify(moved));
      assert.ok(moved.reduce((sum, { value }) => sum + value, 0) < 0.02, JSON.stringify(moved));
      await context.close();
    });
  }
}

test("a page that comes in pieces is shown when it is whole", async () => {
  const whole = await readFile(join(DIST, "index.html"), "utf8");
  const ends = [...whole.matchAll(/<\/a>|<\/h1>|<p /g)].map(({ index }) => index + 4);
  assert.ok(ends.length > 6, `${ends.length} pieces`);
  const pieces = (later) => [0, ...ends].map((start, piece) => later(piece).then(() => whole.slice(start, ends[piece])));
  const home = await serve((name) => (name === "index.html" ? [200, pieces((piece) => wait(150 * piece))] : undefined));
  for (const width of [1280, 390]) {
    const context = await browser.newContext({ viewport: { width, height: 800 } });
    await watched(context);
    const page = await context.newPage();
    await page.goto(home, { waitUntil: "commit" });
    await page.waitForSelector("#app .nav-link", { state: "attached" });
    assert.equal(await page.locator("#crash").count(), 0, "the end of the page is still to come");
    await page.waitForSelector(".stage-picture .station");
    const moved = await shifts(page);
    assert.ok(moved.every(({ inside }) => inside), JSON.stringify(moved));
    await context.close();
  }
});

test("where another place is asked for, the home page's first lines are not shown", async () => {
  const { home, release } = await held();
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${home}#/about`);
  await page.getByText("Setting up the lab").and(page.locator(".boot")).waitFor();
  assert.equal(await page.locator(".early h1").isVisible(), false);
  release();
  await page.waitForSelector("main h1");
  assert.equal(await page.locator(".boot, .early").count(), 0);
  await context.close();
});

test("the colours that were chosen are there from the first moment", async () => {
  const { home, release } = await held();
  release();
  const page = await open(browser, home, { colorScheme: "light" });
  await page.evaluate(() => localStorage.setItem("scale-lab/settings", JSON.stringify({ theme: "dark", motion: "system" })));
  const again = await page.context().newPage();
  await again.route(/app-.*\.wasm/, async (route) => { await wait(1_500); await route.continue(); });
  await again.goto(home);
  await again.waitForSelector(".early h1");
  assert.equal(await again.locator("html").getAttribute("data-theme"), "dark");
  await again.waitForSelector("main h1");
  assert.equal(await again.locator("html").getAttribute("data-theme"), "dark");
  await page.context().close();
});
