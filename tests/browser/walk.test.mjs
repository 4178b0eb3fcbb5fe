// The X-axis lesson from home to the end of its quiz, as a person takes it: once by mouse, once by keyboard alone.
import assert from "node:assert/strict";
import { heading, launch, open, serve, test, ticked } from "./lab.mjs";

const browser = await launch();
const home = await serve();

/** What to set in each step to bring its task about: the knob's label and its value. */
const STEPS = [
  { title: "One shop, four pairs of hands", knobs: { Load: 80 } },
  { title: "Slow long before it is full", knobs: { Load: 48 } },
  { title: "Copies behind a balancer", knobs: { "Copies of the shop": 3 } },
  { title: "Twice the copies, twice the sales?", knobs: {}, predict: true },
  { title: "Where the line is straight", knobs: { "Copies of the shop": 4 } },
  { title: "Your turn", knobs: { "Copies of the shop": 4 } },
];

const QUESTIONS = 10;

/** The right answer to the question on the page, worked out as a learner would. */
async function answer(page) {
  const ask = await heading(page);
  const n = Number(/Copies of the shop: (\d+),/.exec(ask)?.[1]);
  const ms = Number(/(\d+) ms instead/.exec(ask)?.[1] ?? /lock for (\d+) ms/.exec(ask)?.[1]);
  if (ask.includes("Three more are started")) return { ticks: ["About 90", "less than a third"] };
  if (ask.includes("Draw the p99")) return { curve: CURVE };
  if (ask.includes("Explain what to expect")) return { words: "The database is full: more machines only wait for it." };
  if (ask.includes("Which component")) return { option: "Database" };
  if (ask.includes("with four workers each")) return { number: Math.min(50 * n, 200) };
  if (ask.includes("instead of 20")) return { number: 4000 / ms };
  if (ask.includes("one lock")) return { number: 1000 / ms };
  if (ask.includes("order")) return { order: ["15", "35", "48", "70"] };
  if (ask.includes("What becomes of the p99")) return { option: "far more than that" };
  if (ask.includes("Six swamped")) return { option: "Still 200" };
  throw new Error(`an unknown question: ${ask}`);
}

/** About the p99 latency at the loads of the curve to be drawn, in ms. */
const CURVE = [160, 180, 200, 320, 1420, 1440];

const order = (page) => page.locator(".order-item").allInnerTexts();
const isRight = (page) => page.waitForSelector(".told.right", { timeout: 30_000 });

test("by mouse", async () => {
  const page = await open(browser, home);
  await page.getByRole("link", { name: "Start the first lesson" }).click();
  for (const { title, knobs, predict } of STEPS) {
    await page.getByRole("heading", { level: 1, name: title }).waitFor();
    if (predict) {
      const line = page.getByRole("slider", { name: "Your prediction" });
      await line.fill("300");
      await page.getByRole("button", { name: "Commit and run" }).click();
      await page.waitForSelector(".told.wrong");
      const shown = await page.locator(".versus").innerText();
      assert.match(shown, /300 requests\/s/);
      assert.match(shown, /(19[5-9]|20[0-5]) requests\/s/);
    }
    for (const [label, value] of Object.entries(knobs)) await page.getByRole("slider", { name: label }).fill(String(value));
    await page.getByLabel("Speed").selectOption("20");
    const play = page.getByRole("button", { name: "Play" });
    if (await play.isVisible()) await play.click();
    await ticked(page);
    if (predict) {
      // The moment from which on the run has come to the answer, which may be after the task is done.
      const moment = page.locator(".marker.proved");
      await moment.waitFor({ state: "attached", timeout: 30_000 });
      assert.match(await moment.getAttribute("title"), /its answer, which is not what you predicted at \d+\.0 s/);
    }
    await page.locator(".onward-next a").click();
  }
  const asked = [];
  for (let number = 1; number <= QUESTIONS; number++) {
    await page.getByText(`question ${number} of ${QUESTIONS}`).waitFor();
    asked.push(await heading(page));
    // The run that answers is not to be had before the answer.
    await page.waitForSelector(".stage.veiled .station");
    assert.equal(await page.getByRole("button", { name: "Play" }).count(), 0);
    // Wrong first: the run that refutes it plays, and another question can be had.
    if (number === 2) {
      await page.locator("input[type=number]").fill("7");
      await page.getByRole("button", { name: "Check" }).click();
      await page.waitForSelector(".told.wrong");
      await page.waitForFunction(() => Number.parseFloat(document.querySelector(".stage-now")?.innerText) > 1);
      await page.getByRole("button", { name: /^Try (again|another)$/ }).click();
      await page.getByRole("button", { name: "Check" }).waitFor();
    }
    const given = await answer(page);
    if (given.option) await page.locator(".option", { hasText: given.option }).click();
    if (given.number) await page.locator("input[type=number]").fill(String(given.number));
    for (let place = 0; given.order && place < given.order.length; place++) {
      for (let at = (await order(page)).findIndex((text) => text.startsWith(given.order[place])); at > place; at--) {
        await page.locator(".order li").nth(at).getByRole("button", { name: "up" }).click();
      }
    }
    for (const text of given.ticks ?? []) await page.locator(".option", { hasText: text }).click();
    if (given.curve) {
      // In one stroke from left to right, as with a pen.
      const points = page.locator(".curve [role=slider]");
      for (const [at, value] of given.curve.entries()) {
        const [low, high, own] = await points.nth(at).evaluate((point) => {
          const picture = point.ownerSVGElement.getScreenCTM();
          const circle = point.lastElementChild;
          const levels = [...point.ownerSVGElement.querySelectorAll(".curve-level")].map((level) => picture.f + picture.d * level.y1.baseVal.value);
          return [levels[0], levels.at(-1), picture.e + picture.a * circle.cx.baseVal.value];
        });
        await page.mouse.move(own, low + ((high - low) * value) / 2000);
        if (at === 0) await page.mouse.down();
      }
      await page.mouse.up();
    }
    if (given.words) {
      await page.getByLabel("In your own words").fill(given.words);
      await page.getByRole("button", { name: "Compare" }).click();
      await page.waitForSelector(".model");
      for (const option of await page.locator(".option").all()) await option.click();
    }
    await page.getByRole("button", { name: given.words ? "That is what it names" : "Check" }).click();
    await isRight(page);
    await page.getByRole("button", { name: number < QUESTIONS ? "Next question" : "Finish" }).click();
  }
  await page.getByRole("heading", { name: "All of them right" }).waitFor();
  assert.equal(new Set(asked).size, QUESTIONS);

  await page.getByRole("link", { name: "To the course map" }).click();
  await page.reload();
  await page.waitForSelector(".entry.done");
  await page.goto(`${home}#/lesson/x-axis/wall`);
  await page.waitForSelector(".versus");
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("by keyboard alone", async () => {
  const page = await open(browser, home);
  const focused = () =>
    page.evaluate(() => {
      const at = document.activeElement;
      // Nothing has the focus yet: the body's text is that of the whole page.
      if (at === document.body) return { label: "", tag: "BODY", type: "" };
      const label = at.getAttribute("aria-label") ?? at.closest("label")?.innerText ?? at.innerText ?? "";
      const box = at.getBoundingClientRect();
      return { label: label.trim(), tag: at.tagName, type: at.type ?? "", value: at.value, checked: at.checked, seen: box.width > 0 };
    });
  /** Tabs on until `wanted` has the focus; the focus must always be somewhere. */
  const tabTo = async (wanted, back = false) => {
    for (let presses = 0; presses < 80; presses++) {
      await page.keyboard.press(back ? "Shift+Tab" : "Tab");
      const now = await focused();
      if (wanted(now)) {
        assert.ok(now.seen, `the focus on ${now.label} can be seen`);
        return now;
      }
    }
    assert.fail(`no way by Tab to ${wanted} from ${JSON.stringify(await focused())}`);
  };
  const named = (text, tag) => (now) => now.label.includes(text) && (!tag || now.tag === tag);
  const slideTo = async (value) => {
    for (let presses = 0; presses < 200; presses++) {
      const now = Number((await focused()).value);
      if (now === value) return;
      await page.keyboard.press(now < value ? "ArrowRight" : "ArrowLeft");
    }
    assert.fail(`the slider does not come to ${value}`);
  };

  await tabTo(named("Start the first lesson"));
  await page.keyboard.press("Enter");
  for (const { title, knobs, predict } of STEPS) {
    await page.getByRole("heading", { level: 1, name: title }).waitFor();
    await page.waitForFunction(() => document.activeElement?.tagName === "H1");
    if (predict) {
      await tabTo(named("Your prediction"));
      for (let presses = 0; presses < 50; presses++) await page.keyboard.press("ArrowRight");
      await tabTo(named("Commit and run"));
      await page.keyboard.press("Enter");
      await page.waitForSelector(".told");
    }
    await tabTo(named("Picture of the system"));
    await tabTo((now) => now.tag === "SELECT");
    await page.keyboard.press("End");
    for (const [label, value] of Object.entries(knobs)) {
      await tabTo((now) => now.type === "range" && now.label.includes(label));
      await slideTo(value);
    }
    await tabTo(named("Picture of the system"), true);
    if (await page.getByRole("button", { name: "Play" }).isVisible()) await page.keyboard.press("Space");
    await ticked(page);
    await tabTo((now) => now.tag === "A" && /^(Next:|Stop and think$)/.test(now.label));
    await page.keyboard.press("Enter");
  }
  for (let number = 1; number <= QUESTIONS; number++) {
    await page.getByText(`question ${number} of ${QUESTIONS}`).waitFor();
    const given = await answer(page);
    if (given.option) {
      let now = await tabTo((now) => now.type === "radio");
      for (let presses = 0; presses < 6 && !(now.checked && now.label.includes(given.option)); presses++) {
        await page.keyboard.press(presses === 0 && now.label.includes(given.option) ? "Space" : "ArrowDown");
        now = await focused();
      }
    }
    if (given.number) {
      await tabTo((now) => now.type === "number");
      await page.keyboard.type(String(given.number));
    }
    for (let place = 0; given.order && place < given.order.length; place++) {
      for (let at = (await order(page)).findIndex((text) => text.startsWith(given.order[place])); at > place; at--) {
        const text = (await order(page))[at];
        const up = named(`Move “${text}” up`);
        // The focus stays with what was moved.
        if (!up(await focused())) await tabTo(up);
        await page.keyboard.press("Enter");
        await page.waitForFunction(([text, place]) => document.querySelectorAll(".order-item")[place].innerText === text, [text, at - 1]);
        assert.ok((await focused()).label.startsWith(`Move “${text}” ${at > 1 ? "up" : "down"}`), (await focused()).label);
      }
    }
    for (const text of given.ticks ?? []) {
      await tabTo((now) => now.type === "checkbox" && now.label.includes(text));
      await page.keyboard.press("Space");
    }
    for (const [at, value] of (given.curve ?? []).entries()) {
      await tabTo((now) => now.tag === "g" && now.label.includes("latency at"));
      await page.keyboard.press("Home");
      for (let presses = 0; presses < Math.floor(value / 200); presses++) await page.keyboard.press("PageUp");
      for (let presses = 0; presses < (value % 200) / 20; presses++) await page.keyboard.press("ArrowUp");
      assert.equal(await page.locator(".curve [role=slider]").nth(at).getAttribute("aria-valuetext"), `${value} ms`);
    }
    if (given.words) {
      await tabTo((now) => now.tag === "TEXTAREA");
      await page.keyboard.type(given.words);
      await tabTo(named("Compare", "BUTTON"));
      await page.keyboard.press("Enter");
      await page.waitForSelector(".model");
      for (let ticks = 0; ticks < 4; ticks++) {
        await tabTo((now) => now.type === "checkbox" && !now.checked);
        await page.keyboard.press("Space");
      }
    }
    await tabTo(named(given.words ? "That is what it names" : "Check", "BUTTON"));
    await page.keyboard.press("Enter");
    await isRight(page);
    await tabTo(named(number < QUESTIONS ? "Next question" : "Finish"));
    await page.keyboard.press("Enter");
  }
  await page.getByRole("heading", { name: "All of them right" }).waitFor();
  await page.reload();
  await page.waitForSelector("main h1");
  await tabTo(named("Course", "A"));
  await page.keyboard.press("Enter");
  await page.waitForSelector(".entry.done");
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("by keyboard alone, one finds the slowest request and reads why it was slow", async () => {
  const page = await open(browser, `${home}#/lesson/x-axis/playground`);
  await page.waitForSelector(".stage-picture .station");
  const tabTo = async (wanted) => {
    for (let presses = 0; presses < 80; presses++) {
      await page.keyboard.press("Tab");
      const label = await page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.innerText ?? "");
      if (wanted.test(label.trim())) return;
    }
    assert.fail(`no way by Tab to ${wanted}`);
  };
  await tabTo(/^Picture of the system/);
  await page.keyboard.press("e");
  await page.waitForFunction(() => document.querySelector(".play").innerText.includes("again"), undefined, { timeout: 60_000 });
  await tabTo(/^The slowest$/);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".spans li");
  // It is read out where it appears, and its parts add up to the whole.
  const why = await page.locator(".why [role=status]").innerText();
  assert.match(why, /in line at Shop \d: all 4 servers were held by ‘buy’/);
  const whole = Number(/answered after (\d+) ms/.exec(why)[1]);
  const parts = [...why.matchAll(/^([\d.]+) ms /gm)].map(([, ms]) => Number(ms));
  const sum = parts.reduce((a, b) => a + b, 0);
  assert.ok(Math.abs(sum - whole) <= parts.length, `${parts} make ${whole}`);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
