// What stands in index.html is what the page draws when its Wasm is there: nothing moves, and nothing flashes where something else was asked for.
import assert from "node:assert/strict";
import { launch, open, serve, test } from "./lab.mjs";

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
      await context.addInitScript(() => {
        globalThis.shifts = [];
        new PerformanceObserver((list) => globalThis.shifts.push(...list.getEntries().map(({ value, sources }) => ({ value, inside: sources.every(({ node }) => node?.parentElement?.closest(".stage")) }))))
          .observe({ type: "layout-shift", buffered: true });
      });
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
      const shifts = await page.evaluate(() => globalThis.shifts);
      assert.ok(shifts.every(({ inside }) => inside), JSON.stringify(shifts));
      assert.ok(shifts.reduce((sum, { value }) => sum + value, 0) < 0.02, JSON.stringify(shifts));
      await context.close();
    });
  }
}

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
  await again.route(/app-.*\.wasm/, async (route) => { await new Promise((ready) => setTimeout(ready, 1_500)); await route.continue(); });
  await again.goto(home);
  await again.waitForSelector(".early h1");
  assert.equal(await again.locator("html").getAttribute("data-theme"), "dark");
  await again.waitForSelector("main h1");
  assert.equal(await again.locator("html").getAttribute("data-theme"), "dark");
  await page.context().close();
});
