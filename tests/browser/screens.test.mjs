// What the stage looks like, guarded by screenshots that a person has looked at (screens/*.png). `UPDATE_SCREENS=1 node --test
// screens.test.mjs` writes them: look at each before you keep it.
//
// Two pictures are compared by the mean colour of each of 64 x 40 cells: other edges of a curve, or a dot half a pixel away, move
// a mean a little; a dot, a box or a line that is not there moves it much. Cells with words of the page in them are left out, as
// the same words are other pixels in another font.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { launch, open, serve, test } from "./lab.mjs";

const FOLDER = new URL("./screens/", import.meta.url);
const [COLUMNS, ROWS] = [64, 40];
/** A cell has changed if a channel's mean differs by more, of 255. */
const STEP = 10;
/** So large a part of the cells may have changed. Other antialiasing stays below a fifth of it; missing dots come to more, in each screen. */
const PART = 0.005;

const WIDE = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
/** Name, scene of the home page, moment, size, theme, and its knob if that is moved. */
const SCREENS = [
  ["load-wide-light", "Load", 6, WIDE, "light", 200],
  ["load-phone-dark", "Load", 6, PHONE, "dark", 200],
  ["caches-wide-dark", "Caches", 4, WIDE, "dark"],
  ["caches-phone-light", "Caches", 4, PHONE, "light"],
  ["shards-wide-light", "Shards", 4, WIDE, "light"],
  ["sagas-wide-dark", "Sagas", 8, WIDE, "dark"],
  ["sagas-phone-light", "Sagas", 8, PHONE, "light"],
];

const browser = await launch();
const home = await serve();

/** The scene's stage, standing still at that moment with all its dots. */
async function stage([, scene, at, viewport, colorScheme, knob]) {
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "no-preference", bypassCSP: true });
  const page = await open(browser, home, { context });
  await page.getByRole("button", { name: scene, exact: true }).click();
  await page.waitForSelector(".stage-picture .station");
  if (knob) await page.locator(".knob input").fill(String(knob));
  const time = page.locator(".timeline input");
  await time.fill(String(at));
  await page.waitForFunction((at) => Number.parseFloat(document.querySelector(".stage-now").innerText) === at, at, { timeout: 60_000 });
  return page;
}

/** A picture of the stage, once it no longer changes. */
async function shot(page) {
  // Not what hangs over it for the moment.
  await page.mouse.move(0, 0);
  const frame = page.locator(".stage-frame");
  for (let before = await frame.screenshot(); ; ) {
    await page.waitForTimeout(250);
    const now = await frame.screenshot();
    if (now.equals(before)) return now;
    before = now;
  }
}

/** Where words of the page stand in the stage, as parts of its width and height. */
const words = (page) =>
  page.locator(".stage-frame").evaluate((frame) => {
    const all = frame.getBoundingClientRect();
    const texts = frame.querySelectorAll(".node-name, .node-figure, .node-short, .node-queue, .node-lost");
    return [...texts].map((text) => {
      const { left, right, top, bottom } = text.getBoundingClientRect();
      return [(left - all.left) / all.width, (right - all.left) / all.width, (top - all.top) / all.height, (bottom - all.top) / all.height];
    });
  });

/** The part of the cells without words that have changed between two pictures; 1 if they are not of one size. */
const changed = (page, before, now, words) =>
  page.evaluate(
    async ([before, now, words, columns, rows, step]) => {
      const means = async (png) => {
        const bytes = Uint8Array.from(atob(png), (char) => char.charCodeAt(0));
        const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
        const canvas = new OffscreenCanvas(image.width, image.height);
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        const { data, width, height } = context.getImageData(0, 0, image.width, image.height);
        const cells = Array.from({ length: columns * rows }, () => [0, 0, 0, 0]);
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const cell = cells[Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width)];
            for (let channel = 0; channel < 3; channel++) cell[channel] += data[(y * width + x) * 4 + channel];
            cell[3] += 1;
          }
        }
        return { width, height, cells: cells.map(([r, g, b, count]) => [r / count, g / count, b / count]) };
      };
      const [a, b] = [await means(before), await means(now)];
      if (Math.abs(a.width - b.width) > 1 || Math.abs(a.height - b.height) > 1) return 1;
      let [seen, other] = [0, 0];
      a.cells.forEach((cell, at) => {
        const [x, y] = [at % columns, Math.floor(at / columns)];
        const word = ([left, right, top, bottom]) => x + 1 > left * columns && x < right * columns && y + 1 > top * rows && y < bottom * rows;
        if (words.some(word)) return;
        seen += 1;
        if (cell.some((mean, channel) => Math.abs(mean - b.cells[at][channel]) > step)) other += 1;
      });
      return other / seen;
    },
    [before.toString("base64"), now.toString("base64"), words, COLUMNS, ROWS, STEP],
  );

for (const screen of SCREENS) {
  const [name] = screen;
  test(`the stage looks as it was reviewed: ${name}`, async () => {
    const page = await stage(screen);
    const file = new URL(`${name}.png`, FOLDER);
    const now = await shot(page);
    if (process.env.UPDATE_SCREENS) {
      mkdirSync(FOLDER, { recursive: true });
      writeFileSync(file, now);
    }
    const reviewed = readFileSync(file);
    const texts = await words(page);
    const part = await changed(page, reviewed, now, texts);
    if (part > PART) writeFileSync(new URL(`${name}.now.png`, FOLDER), now);
    const told = (part) => `${(part * 100).toFixed(1)}% of the cells differ`;
    assert.ok(part <= PART, `${told(part)}: compare screens/${name}.png and screens/${name}.now.png`);

    // The guard itself is guarded: what it is there to find, it finds.
    const finds = async (what) => {
      const part = await changed(page, reviewed, await shot(page), texts);
      assert.ok(part > PART, `${what}: only ${told(part)}`);
    };
    // Who wants no motion sees no dots: otherwise it is the same picture.
    await page.emulateMedia({ reducedMotion: "reduce" });
    await page.waitForSelector("html[data-motion=reduced]");
    await finds("a stage without dots");
    await page.addStyleTag({ content: ".stage-whole > canvas { visibility: hidden }" });
    await finds("a blank canvas");
    await page.emulateMedia({ reducedMotion: "no-preference" });
    await page.addStyleTag({ content: ".stage-whole > canvas { visibility: visible !important } .node { left: 20px !important; top: 20px !important }" });
    await finds("components on top of each other");
    assert.deepEqual(page.errors, []);
    await page.context().close();
  });
}
