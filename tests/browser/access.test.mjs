// That everyone can use it: every screen in both themes and by axe-core, at twice the size, on 320 px, with wider spacing of text, by
// keyboard alone, with the system's own colours. docs/accessibility.md says what that amounts to. EVERY=1 looks at every step of every
// lesson, not only at one of each.
import assert from "node:assert/strict";
import { test as nodeTest } from "node:test";
import axe from "axe-core";
import { launch, open, serve, test } from "./lab.mjs";
import { begun, pages, sandbox } from "./screens.mjs";

const browser = await launch();
const home = await serve();
const long = (name, run) => nodeTest(name, { timeout: process.env.EVERY ? 1_800_000 : 420_000 }, run);
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe-core finds wrong. */
async function violations(page) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  const found = await page.evaluate((runOnly) => window.axe.run(document, { runOnly, resultTypes: ["violations"] }), RULES);
  return found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.html.slice(0, 90)}`).slice(0, 3).join(" | ")}`);
}

/** Text that nobody can come to see: beside the page, or cut off by a box that does not scroll. Runs in the page. */
function outOfSight() {
  const found = [];
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide > 0) found.push(`the page is ${wide} px too wide`);
  const words = document.createTreeWalker(document.querySelector("dialog[open]") ?? document.body, NodeFilter.SHOW_TEXT);
  for (let text = words.nextNode(); text; text = words.nextNode()) {
    const element = text.parentElement;
    if (!text.data.trim() || !element.checkVisibility({ visibilityProperty: true }) || element.closest("script, style, noscript, option, [hidden]")) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    const box = range.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const told = (what) => found.push(`${what}: “${text.data.trim().slice(0, 40)}” in ${element.tagName.toLowerCase()}.${String(element.className?.baseVal ?? element.className).replace(/ /g, ".")}`);
    for (let around = element; around && around !== document.documentElement; around = around.parentElement) {
      const style = getComputedStyle(around);
      // Said to screen readers only, or drawn: the picture and the board can be moved, and made larger.
      if (style.clipPath !== "none" || around.matches(".stage-picture, .stage-picture .node, .board, canvas, svg")) break;
      // In the picture a long name may be short, where the whole of it is said of the box; what a box of the board holds is in its panel.
      if (around.matches(".board .node-summary")) break;
      if (around.matches(".node-name") && around.closest(".node").innerText.replaceAll("\n", " ").includes(text.data.trim())) break;
      const sides = around.getBoundingClientRect();
      const scrolls = (overflow) => /auto|scroll/.test(overflow);
      if (scrolls(style.overflowX) && (box.right > sides.right || box.left < sides.left)) break;
      if (scrolls(style.overflowY)) break;
      const clipped = (overflow) => /hidden|clip/.test(overflow);
      if (clipped(style.overflowX) && (box.right > sides.right + 2 || box.left < sides.left - 2)) { told("cut off at the side"); break; }
      if (clipped(style.overflowY) && (box.bottom > sides.bottom + 4 || box.top < sides.top - 4)) { told("cut off below"); break; }
      if (around === document.body && (box.right > innerWidth + 1 || box.left < -1)) told("beside the page");
    }
  }
  return [...new Set(found)];
}

/** The spacing that WCAG 1.4.12 asks a page to bear. */
const SPACING = `* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } p { margin-bottom: 2em !important }`;

/** Everything that is to hold of a screen, whatever it shows. */
async function look(page, name, sizes) {
  const faults = [];
  const gather = (where, list) => faults.push(...list.map((fault) => `${name}, ${where}: ${fault}`));
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    // Buttons change their colours in a moment, not at once.
    await page.waitForTimeout(260);
    gather(colorScheme, await violations(page));
  }
  await page.emulateMedia({ colorScheme: "light" });
  gather("as it is", await page.evaluate(outOfSight));
  const before = page.viewportSize();
  for (const [what, viewport, spaced] of sizes) {
    if (viewport) await page.setViewportSize(viewport);
    const style = spaced && (await page.addStyleTag({ content: SPACING }));
    await page.waitForTimeout(120);
    gather(what, await page.evaluate(outOfSight));
    if (style) await style.evaluate((style) => style.remove());
  }
  await page.setViewportSize(before);
  return faults;
}

const DESK = [["with wider spacing", undefined, true], ["at 200%", { width: 640, height: 400 }], ["on 320 px", { width: 320, height: 640 }]];
const PHONE = [["with wider spacing", undefined, true]];

for (const [what, screens] of [["the pages", pages], ["the sandbox", sandbox]]) {
  for (const [device, options, sizes] of [["a desk", { viewport: { width: 1280, height: 800 } }, DESK], ["a phone", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, PHONE]]) {
    long(`${what} at ${device}: nothing for axe to find in either theme, and no text out of sight`, async (t) => {
      const context = await browser.newContext({ ...options, bypassCSP: true, reducedMotion: "reduce" });
      await begun(context);
      const page = await open(browser, home, { context });
      const faults = [];
      let seen = 0;
      for await (const name of screens(page)) {
        faults.push(...(await look(page, name, sizes)));
        seen += 1;
      }
      t.diagnostic(`${seen} screens`);
      assert.deepEqual(faults, []);
      assert.deepEqual(page.errors, []);
      await context.close();
    });
  }
}

/** What the keyboard's place is on, and whether a reader can tell: it stands out, and nothing lies over it. Runs in the page. */
async function place() {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  // The browser scrolls to it in its own time.
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const names = (element) => `${element.tagName.toLowerCase()}.${String(element.className?.baseVal ?? element.className).trim().replace(/ +/g, ".")} “${(element.getAttribute("aria-label") ?? element.innerText ?? "").trim().slice(0, 30)}”`;
  const box = at.getBoundingClientRect();
  const [left, top] = [Math.max(0, box.left), Math.max(0, box.top)];
  const [x, y] = [(left + Math.min(innerWidth, box.right)) / 2, (top + Math.min(innerHeight, box.bottom)) / 2];
  const over = document.elementFromPoint(x, y);
  const near = (a, b) => a && (a.contains(b) || b.contains(a));
  const label = at.closest("label");
  const hidden = !near(over, at) && !(label && near(label, over)) && getComputedStyle(at).opacity !== "0";
  return { name: names(at), at: [...document.querySelectorAll("*")].indexOf(at), box: [left, top, Math.min(innerWidth, box.right) - left, Math.min(innerHeight, box.bottom) - top], hidden: hidden && over && names(over), unseen: box.width === 0 || x <= 0 || y <= 0 || x >= innerWidth || y >= innerHeight, order: at.tabIndex };
}

/** The outline with which the page shows the keyboard's place, of an element or of what stands for it. Runs in the page. */
function outlined() {
  const at = document.activeElement;
  const shows = (element, pseudo) => {
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element, pseudo);
    return outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2 && !/, 0\)$|transparent/.test(outlineColor);
  };
  const stroked = at.querySelector?.(".curve-reach");
  if (stroked && getComputedStyle(stroked).stroke !== "none") return true;
  return [at, at.nextElementSibling, at.closest("label"), at.parentElement].some((element) => element && shows(element));
}

/** Goes through everything that the keyboard comes to; returns what is wrong on the way. */
async function keyboard(page, name) {
  const faults = [];
  const seen = [];
  await page.evaluate(() => {
    document.activeElement?.blur();
    scrollTo(0, 0);
    getSelection().removeAllRanges();
  });
  for (let presses = 0; ; presses++) {
    if (presses > 400) {
      faults.push(`${name}: Tab does not come to an end; last at ${seen.slice(-3).map((p) => p.name)}`);
      break;
    }
    await page.keyboard.press("Tab");
    const now = await page.evaluate(place);
    // Out of the page again, or round to the beginning.
    if (!now || (seen.length && now.at === seen[0].at)) break;
    if (seen.at(-1)?.at === now.at) {
      faults.push(`${name}: Tab does not leave ${now.name}`);
      break;
    }
    seen.push(now);
    if (now.order > 0) faults.push(`${name}: an order of its own at ${now.name}`);
    if (now.unseen) faults.push(`${name}: the keyboard is at ${now.name}, which is out of sight`);
    else if (now.hidden) faults.push(`${name}: ${now.hidden} lies over ${now.name}`);
    if (!(await page.evaluate(outlined))) faults.push(`${name}: nothing shows that the keyboard is at ${now.name}`);
  }
  // The order is that of the document, which is the order of reading; from the end it goes on at the beginning.
  const order = seen.map(({ at }) => at);
  const back = order.findIndex((at, i) => i && at < order[i - 1] && at !== Math.min(...order));
  if (back > 0) faults.push(`${name}: from ${seen[back - 1].name} the keyboard goes back to ${seen[back].name}`);
  return { faults, stops: seen.length };
}

for (const [what, screens] of [["the pages", pages], ["the sandbox", sandbox]]) {
  for (const viewport of [{ width: 1280, height: 800 }, { width: 390, height: 844 }]) {
    long(`${what} by keyboard, ${viewport.width} px wide: the place is always to be seen, nothing holds it, and it goes in order`, async (t) => {
      const context = await browser.newContext({ viewport, reducedMotion: "reduce" });
      await begun(context);
      const page = await open(browser, home, { context });
      const faults = [];
      let stops = 0;
      for await (const name of screens(page)) {
        // Half of the screens at each width; all of them with EVERY.
        const mine = process.env.EVERY || [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 2 === Number(viewport.width === 390);
        if (!mine) continue;
        const went = await keyboard(page, name);
        faults.push(...went.faults);
        stops += went.stops;
      }
      t.diagnostic(`${stops} places`);
      assert.deepEqual(faults, []);
      assert.deepEqual(page.errors, []);
      await context.close();
    });
  }
}

test("with the system's own colours, what is chosen, the keys to pictures and the timeline are told apart", async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, forcedColors: "active", colorScheme: "dark", reducedMotion: "reduce" });
  const page = await open(browser, home, { context });
  await page.waitForSelector(".stage-picture .station");
  const ground = (selector) => page.$eval(selector, (element) => getComputedStyle(element).backgroundColor);
  assert.notEqual(await ground('.tab[aria-pressed="true"]'), await ground('.tab[aria-pressed="false"]'));
  const [dot, mark, page_ground] = [await ground(".dot.request"), await ground(".timeline-known"), await ground("body")];
  assert.ok(dot !== page_ground && mark !== page_ground, `${dot} ${mark} on ${page_ground}`);
  // Words in the picture are told from the ground that it brings along, whatever the theme that was set.
  for (const theme of ["Light", "Dark"]) {
    await page.evaluate(() => void (location.hash = "#/settings"));
    await page.getByRole("radio", { name: theme }).check({ force: true });
    const [chosen, other] = await page.$$eval("input[name=theme]", (all) => [true, false].map((checked) => getComputedStyle(all.find((one) => one.checked === checked).nextElementSibling).backgroundColor));
    assert.notEqual(chosen, other);
    await page.evaluate(() => void (location.hash = "#/"));
    await page.waitForSelector(".stage-picture .station");
    const contrast = await page.$eval(".stage-picture .node-name", (name) => {
      const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
      // As the screen shows it: one colour over the other.
      const light = (...colours) => {
        for (const colour of colours) {
          canvas.fillStyle = colour;
          canvas.fillRect(0, 0, 1, 1);
        }
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const picture = getComputedStyle(name.closest(".stage-picture")).backgroundColor;
      const box = getComputedStyle(name.closest(".node")).backgroundColor;
      const [a, b] = [light(picture, box), light(picture, box, getComputedStyle(name).color)].sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05);
    });
    assert.ok(contrast >= 4.5, `${theme}: ${contrast}`);
  }
  // In the sandbox, the side that is shown and what is selected.
  await page.evaluate(() => void (location.hash = "#/sandbox"));
  await page.getByRole("button", { name: "Three tiers" }).click();
  await page.locator('[data-node="service"]').press("Enter");
  assert.notEqual(await ground('.sandbox-sides .tab[aria-pressed="true"]'), await ground('.sandbox-sides .tab[aria-pressed="false"]'));
  const border = (name) => page.$eval(`[data-node="${name}"]`, (node) => getComputedStyle(node).borderTopWidth);
  assert.notEqual(await border("service"), await border("database"));
  assert.deepEqual(page.errors, []);
  await context.close();
});
