// Two runs under the same draws: forked by keyboard, compared, gone on with; and twins on a phone.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { launch, open, serve, test } from "./lab.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const PLAYGROUND = "#/lesson/x-axis/playground";
const browser = await launch();

const axe = async (page) => {
  await page.addScriptTag({ path: AXE });
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).slice(0, 3)}`), []);
};
const cells = (page, row) => page.locator(".deltas tbody tr").nth(row).locator("td").allInnerTexts();
const now = async (page) => Number.parseFloat(await page.locator(".stage-now").innerText());
const played = (page, seconds) =>
  page.waitForFunction((least) => Number.parseFloat(document.querySelector(".stage-now").innerText) > least, seconds);

test("by keyboard: keep a run, change another from there on, see where they part, and go back", async () => {
  const page = await open(browser, (await serve()) + PLAYGROUND, { bypassCSP: true });
  await page.waitForSelector(".stage-picture .station");
  await page.getByLabel("Speed").selectOption("5");
  await page.locator(".stage-picture").focus();
  await page.keyboard.press("k");
  await played(page, 12);
  await page.keyboard.press("k");
  await page.keyboard.press("b");
  await page.waitForSelector(".deltas");
  assert.match(await page.locator(".parting").innerText(), /this run stays as it was/);
  const answered = 1;
  const [was, same, difference] = await cells(page, answered);
  assert.deepEqual([same, difference], [was, "same"]);
  const forked = await now(page);
  await page.getByRole("slider", { name: "Copies of the shop" }).focus();
  for (let i = 0; i < 3; i += 1) await page.keyboard.press("ArrowRight");
  assert.match(await page.locator(".pane-title").last().innerText(), /Copies of the shop 2 → 5/);
  await page.keyboard.press("k");
  await played(page, forked + 12);
  await page.keyboard.press("k");
  // Both saw the same arrivals; three more copies answer more of them.
  const [before, after] = await cells(page, 0);
  assert.equal(before, after);
  const [few, many, more] = await cells(page, answered);
  assert.ok(Number(many) > Number(few) * 1.3, `${few} and ${many}`);
  assert.match(more, /^\+/);
  assert.match(await page.locator(".parting").innerText(), /As it was\s+request \d+ .*\s+Changed\s+request \d+ /);
  await axe(page);
  // Why the same request took longer in one than in the other.
  await page.getByRole("button", { name: "The slowest" }).click();
  await page.waitForFunction(() => document.querySelectorAll(".why-title").length === 2);
  const numbers = (await page.locator(".why-title").allInnerTexts()).map((text) => /Request \d+/.exec(text)[0]);
  assert.equal(numbers[0], numbers[1]);
  // To the moment where they part, and on and back from there with one scrubber.
  await page.getByRole("button", { name: /where they part/ }).click();
  const parted = await now(page);
  assert.ok(Math.abs(parted - forked) < 3, `forked at ${forked} s, parted at ${parted} s`);
  await page.getByRole("button", { name: "Back to how it was" }).click();
  assert.equal(await page.locator(".deltas").count(), 0);
  assert.equal(await page.getByRole("slider", { name: "Copies of the shop" }).inputValue(), "2");
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("on a phone, a lesson's twins are shown one at a time and compared together", async () => {
  const file = new URL("../../lessons/x-axis/lesson.md", import.meta.url);
  const twin = { label: "Behind one lock", own: "Copies", run: { scene: "lock", set: { "/components/shoppers/client/arrivals/poisson/rate_per_s": 150 } } };
  const lesson = readFileSync(file, "utf8").replace('"id": "playground",', `"id": "playground", "twin": ${JSON.stringify(twin)},`);
  const home = await serve((path) => (path.endsWith("x-axis/lesson.md") ? [200, lesson] : undefined));
  const page = await open(browser, home + PLAYGROUND, { viewport: { width: 390, height: 844 }, colorScheme: "dark", bypassCSP: true });
  await page.waitForSelector(".stage-picture .station");
  await page.getByLabel("Speed").selectOption("5");
  // A knob of both turns in both.
  await page.getByRole("slider", { name: "Copies of the shop" }).fill("5");
  await page.getByRole("button", { name: "Play", exact: true }).click();
  await played(page, 12);
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  const visible = () => page.locator(".pane-title:visible").innerText();
  assert.match(await visible(), /^Copies/);
  await page.getByRole("button", { name: "Behind one lock" }).click();
  assert.match(await visible(), /^Behind one lock/);
  assert.equal(await page.locator(".pane:visible .station").count(), 6, "five copies and the lock");
  const drawn = await page.$eval(".pane:not(.away) canvas", (canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
  assert.ok(drawn > 5, "requests are drawn");
  const [free, locked] = await cells(page, 1);
  assert.ok(Number(free) > Number(locked) * 1.3, `${free} and ${locked}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${wide} px too wide`);
  await axe(page);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
