// Questions of every kind, by mouse and by keyboard, in a lesson that stands in for another; and their review on later days.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { launch, open, serve, test } from "./lab.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const KEY = "scale-lab/progress";
const RATE = "/components/users/client/arrivals/constant/rate_per_s";

/** 20 requests a second of 10 ms each, to a shop with one worker and room for ten more. */
const scene = {
  version: 1,
  seed: 1,
  horizon_s: 10,
  components: {
    users: { client: { operation: "buy", target: "shop", arrivals: { constant: { rate_per_s: 20 } } } },
    shop: { service: { workers: 1, queue: 10, plans: { "*": [{ work: { constant: { mean_ms: 10 } } }, { call: { to: "store" } }] } } },
    store: { database: { connections: 1, queries: { "*": { constant: { mean_ms: 2 } } } } },
  },
  view: { users: { label: "Users" }, shop: { label: "Shop" }, store: { label: "Store" } },
};
const run = { scene: "tiny" };
const option = (text, when) => ({ text, when: [when], why: `Thought about ${text}.` });
const questions = [
  { id: "one", skill: "capacity", asks: "recall", ask: "How much is answered?", run, explain: "Explained.",
    kind: { choice: { options: [option("All of it", { measure: "throughput_per_s", above: 19 }), option("Half of it", { measure: "throughput_per_s", below: 19 })] } } },
  { id: "some", skill: "capacity", asks: "what-if", ask: "What is true?", run, explain: "Explained.",
    kind: { several: { options: [
      option("It is quick", { measure: "p99_ms", below: 30 }),
      option("Nobody is lost", { measure: "lost", below: 1 }),
      option("It is full", { measure: "utilisation", of: "shop", above: 0.9 }),
    ] } } },
  { id: "number", skill: "capacity", asks: "calculation", ask: "How many a second?", run, explain: "Explained.", misconception: "Count again.",
    kind: { number: { measure: "throughput_per_s", tolerance: 0.1 } } },
  { id: "where", skill: "queueing", asks: "transfer", ask: "Which is busiest?", run, explain: "Explained.",
    kind: { component: { among: ["shop", "store"], measure: "utilisation" } } },
  { id: "order", skill: "queueing", asks: "recall", ask: "In which order?", run, explain: "Explained.", misconception: "More is more.",
    kind: { order: { measure: "throughput_per_s", items: [10, 20, 30].map((rate) => ({ text: `At ${rate}`, set: { [RATE]: rate } })) } } },
  { id: "curve", skill: "queueing", asks: "calculation", ask: "Draw it.", run, explain: "Explained.", misconception: "It is a line.",
    kind: { curve: { along: "Load", unit: "requests/s", path: RATE, at: [10, 20, 30, 40], measure: "throughput_per_s", max: 100, tolerance: 0.2 } } },
  { id: "words", skill: "queueing", asks: "transfer", ask: "Say why.", run, explain: "Explained.", misconception: "There is more to it.",
    kind: { explain: { model: "The model answer.", checklist: ["This", "That"], claims: [{ measure: "lost", below: 1 }] } } },
];
const lesson = `# Tiny\n\nA stand-in.\n
\`\`\`proof
{ "goal": [{ "measure": "p99_ms", "below": 30 }], "without": { "scene": "tiny", "set": { "${RATE}": 200 } }, "with": { "scene": "tiny" },
  "wrong": [{ "scene": "tiny", "set": { "${RATE}": 300 } }] }
\`\`\`\n
## A step\n\nWords.\n
\`\`\`step
{ "id": "step", "scene": "tiny" }
\`\`\`
`;
const FILES = {
  "lessons/tiny/lesson.md": lesson,
  "lessons/tiny/scenes/tiny.json": JSON.stringify(scene),
  "lessons/tiny/quiz.json": JSON.stringify({ version: 1, questions }),
  "lessons/catalog.json": JSON.stringify({
    version: 1,
    parts: ["One"],
    lessons: [{ id: "tiny", title: "Tiny", summary: "A stand-in.", minutes: 1, part: "One", steps: 1 }],
  }),
};

const browser = await launch();
const home = await serve((path) => {
  if (!path.startsWith("lessons/")) return undefined;
  return FILES[path] ? [200, FILES[path]] : [404, ""];
});

/** Which question is on the page. */
const id = async (page) => {
  const words = await page.locator("h1.question").innerText();
  return questions.find((question) => question.ask === words).id;
};
const told = (page, how) => page.waitForSelector(`.told.${how}`, { timeout: 30_000 });
const check = (page) => page.getByRole("button", { name: "Check" }).click();
const label = (page, text) => page.locator(".option", { hasText: text });
const items = (page) => page.locator(".order-item").allInnerTexts();
const points = (page) => page.locator(".curve [role=slider]");

/** Where a value of a curve's point lies on the screen. */
const spot = (page, at, value) =>
  points(page)
    .nth(at)
    .evaluate((point, value) => {
      const picture = point.ownerSVGElement.getScreenCTM();
      const levels = [...point.ownerSVGElement.querySelectorAll(".curve-level")].map((level) => level.y1.baseVal.value);
      const y = levels[0] + ((levels.at(-1) - levels[0]) * value) / 100;
      return [picture.e + picture.a * point.lastElementChild.cx.baseVal.value, picture.f + picture.d * y];
    }, value);

/** Answers by mouse, rightly or not. */
const BY_MOUSE = {
  one: async (page, right) => label(page, right ? "All of it" : "Half of it").click(),
  some: async (page, right) => {
    await label(page, "It is quick").click();
    await label(page, right ? "Nobody is lost" : "It is full").click();
  },
  number: async (page, right) => page.locator("input[type=number]").fill(right ? "20" : "7"),
  where: async (page, right) => {
    await page.locator(".stage.veiled .node.station", { hasText: right ? "Shop" : "Store" }).click();
    await page.waitForSelector(`.option:has(:checked):has-text("${right ? "Shop" : "Store"}")`);
  },
  order: async (page, right) => {
    const wanted = right ? ["At 10", "At 20", "At 30"] : ["At 30", "At 20", "At 10"];
    for (const [place, text] of wanted.entries()) {
      const from = (await items(page)).indexOf(text);
      if (from === place) continue;
      const grip = await page.locator(".grip").nth(from).boundingBox();
      const to = await page.locator(".order li").nth(place).boundingBox();
      await page.mouse.move(grip.x + grip.width / 2, grip.y + grip.height / 2);
      await page.mouse.down();
      await page.mouse.move(to.x + 20, to.y + 4, { steps: 8 });
      await page.mouse.up();
    }
    assert.deepEqual(await items(page), wanted);
  },
  curve: async (page, right) => {
    const values = right ? [10, 20, 30, 40] : [90, 70, 50, 0];
    for (const [at, value] of values.entries()) {
      await page.mouse.move(...(await spot(page, at, value)));
      if (at === 0) await page.mouse.down();
    }
    await page.mouse.up();
  },
  words: async (page, right) => {
    await page.getByLabel("In your own words").fill("Because.");
    await page.getByRole("button", { name: "Compare" }).click();
    await page.getByText("The model answer.").waitFor();
    if (right) for (const option of await page.locator(".option").all()) await option.click();
    await page.getByRole("button", { name: "That is what it names" }).click();
  },
};

test("each kind of question by mouse: wrong, with the run that refutes it, and then right", async () => {
  const page = await open(browser, `${home}#/lesson/tiny/quiz`);
  for (const [number, { id: name }] of questions.entries()) {
    await page.getByText(`question ${number + 1} of ${questions.length}`).waitFor();
    await page.waitForSelector(".stage.veiled .station");
    await BY_MOUSE[name](page, false);
    if (name !== "words") await check(page);
    await told(page, "wrong");
    await page.waitForFunction(() => Number.parseFloat(document.querySelector(".stage-now")?.innerText) > 0.5);
    if (name === "some") assert.match(await page.locator(".told").innerText(), /“Nobody is lost” Thought[\s\S]*“It is full” Thought|“It is full” Thought[\s\S]*“Nobody is lost” Thought/);
    if (name === "order") assert.match(await page.locator(".held-note").innerText(), /At 30/);
    if (name === "curve") {
      assert.match(await page.locator(".held-note").innerText(), /Load 10 requests\/s/);
      assert.equal(await page.locator(".curve-truth rect").count(), 4);
      assert.equal(await page.locator(".curve-point.off").count(), 4);
    }
    assert.match(await page.locator(".next-due").innerText(), /Comes back in your review tomorrow, on \w+day \d/);
    await page.getByRole("button", { name: /^Try (again|another)$/ }).click();
    await page.waitForSelector(".stage.veiled .station");
    await BY_MOUSE[name](page, true);
    if (name !== "words") await check(page);
    await told(page, "right");
    await page.locator(".onward .button.primary").click();
  }
  await page.getByRole("heading", { name: "All of them right" }).waitFor();
  await page.goto(`${home}#/progress`);
  await page.getByText("3 of 6 answers right").waitFor();
  await page.getByText("4 of 8 answers right").waitFor();
  assert.match(await page.locator("#main").innerText(), /7 of 7 questions right/);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("each kind of question by keyboard", async () => {
  const page = await open(browser, `${home}#/lesson/tiny/quiz`);
  const focus = (selector) => page.locator(selector).focus();
  const press = async (key, times = 1) => {
    for (let at = 0; at < times; at++) await page.keyboard.press(key);
  };
  const by_keyboard = {
    one: async () => {
      await label(page, "All of it").locator("input").focus();
      await press("Space");
    },
    some: async () => {
      for (const text of ["It is quick", "Nobody is lost"]) {
        await label(page, text).locator("input").focus();
        await press("Space");
      }
    },
    number: async () => {
      await focus("input[type=number]");
      await page.keyboard.type("20");
    },
    where: async () => {
      await page.locator(".stage.veiled .node.station", { hasText: "Shop" }).focus();
      await press("Enter");
      await page.waitForSelector(".option:has(:checked)");
    },
    order: async () => {
      for (const [place, text] of ["At 10", "At 20", "At 30"].entries()) {
        for (let at = (await items(page)).indexOf(text); at > place; at--) {
          await page.getByRole("button", { name: `Move “${text}” up` }).focus();
          await press("Enter");
          await page.waitForFunction(([text, at]) => document.querySelectorAll(".order-item")[at].innerText === text, [text, at - 1]);
        }
      }
    },
    curve: async () => {
      for (const [at, tens] of [1, 2, 3, 4].entries()) {
        await points(page).nth(at).focus();
        await press("Home");
        await press("PageUp", tens);
        assert.equal(await points(page).nth(at).getAttribute("aria-valuetext"), `${tens * 10} requests/s`);
        if (at === 0) {
          // A key of the stage does nothing here, and a step up is undone by one down.
          await press("ArrowUp");
          assert.equal(await points(page).first().getAttribute("aria-valuenow"), "11");
          await press("ArrowDown");
        }
      }
    },
    words: async () => {
      await focus("textarea");
      await page.keyboard.type("Because.");
      await press("Tab");
      await press("Enter");
      await page.waitForFunction(() => document.activeElement.classList.contains("model"));
      for (let at = 0; at < 2; at++) {
        await press("Tab");
        await press("Space");
      }
      await press("Tab");
      await press("Enter");
    },
  };
  for (const [number, { id: name }] of questions.entries()) {
    await page.getByText(`question ${number + 1} of ${questions.length}`).waitFor();
    await page.waitForSelector(".stage.veiled .station");
    await by_keyboard[name]();
    if (name !== "words") {
      await page.getByRole("button", { name: "Check" }).focus();
      await press("Enter");
    }
    await told(page, "right");
    await focus(".onward .button.primary");
    await press("Enter");
  }
  await page.getByRole("heading", { name: "All of them right" }).waitFor();
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

/** A page on a day of its own, with this progress from the start. */
async function on(day, progress) {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, bypassCSP: true });
  await context.addInitScript(
    ([key, text, day]) => {
      if (!localStorage.getItem(key)) localStorage.setItem(key, text);
      // The calendar only: timers go on as ever.
      const Real = Date;
      const set_back = Real.now() - new Real(`${localStorage.getItem("day") ?? day}T12:00:00`).getTime();
      window.Date = class extends Real {
        constructor(...given) {
          super(...(given.length ? given : [Real.now() - set_back]));
        }
      };
    },
    [KEY, JSON.stringify(progress), day],
  );
  return open(browser, home, { context });
}

const kept = (page) => page.evaluate((key) => JSON.parse(localStorage.getItem(key)), KEY);

async function accessible(page) {
  await page.addScriptTag({ path: AXE });
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).slice(0, 3)}`), []);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${wide} px too wide`);
}

test("a review on a later day: answered, skipped, reloaded in the middle, stopped; and nothing due after it", async () => {
  // What version 1 kept is due at once; what was answered lately is not.
  const day = 20_000; // 4 October 2024
  const soon = { stability: 2, difficulty: 5, answered: day - 1, due: day + 3 };
  const old = { asked: 2, right: 1 };
  const page = await on("2024-10-04", {
    version: 1,
    lessons: { tiny: { steps: ["step"], questions: { one: old, number: old, words: old, removed: old } } },
  });
  await page.evaluate(([key, soon]) => {
    const progress = JSON.parse(localStorage.getItem(key));
    progress.version = 2;
    progress.lessons.tiny.questions.where = { asked: 1, right: 1, skill: "queueing", memory: soon };
    localStorage.setItem(key, JSON.stringify(progress));
  }, [KEY, soon]);
  await page.reload();
  await page.getByRole("link", { name: "Review: 4 due" }).click();
  await page.getByText("Question 1 of 4").waitFor();

  const gone = async () => page.getByRole("heading", { name: "This question is gone" }).isVisible();
  const next = () => page.getByRole("button", { name: /Next question|Finish|Go on|Skip/ }).last().click();
  const ready = () => page.waitForFunction(() => document.querySelector("h1.question") || /gone/.test(document.querySelector("main h1")?.innerText));
  /** To the next question that is still there. */
  const toQuestion = async () => {
    await ready();
    if (await gone()) await next();
    await page.waitForSelector("h1.question");
    return id(page);
  };
  const first = await toQuestion();
  await page.waitForSelector(".stage.veiled .station");
  await accessible(page);
  await BY_MOUSE[first](page, true);
  if (first !== "words") await check(page);
  await told(page, "right");
  assert.match(await page.locator(".next-due").innerText(), /in 2 days, on Sunday,? 6 October/);

  // Reloaded in the middle: what was answered is not asked again.
  await page.reload();
  await page.getByText(/Question 1 of [23]/).waitFor();
  const second = await toQuestion();
  assert.notEqual(second, first);
  await page.getByRole("button", { name: "Skip" }).click();
  const third = await toQuestion();
  await page.waitForSelector(".stage.veiled .station");
  await BY_MOUSE[third](page, false);
  if (third !== "words") await check(page);
  await told(page, "wrong");
  assert.match(await page.locator(".next-due").innerText(), /tomorrow, on Saturday,? 5 October/);
  await page.getByRole("button", { name: "Stop for today" }).click();
  await page.getByRole("heading", { name: "Until next time" }).waitFor();
  await accessible(page);
  assert.match(await page.locator("#main").innerText(), /still due/);

  // After all: what was skipped is asked again, and then nothing is due.
  await page.getByRole("button", { name: "Go on after all" }).click();
  assert.equal(await toQuestion(), second);
  await page.waitForSelector(".stage.veiled .station");
  await BY_MOUSE[second](page, true);
  if (second !== "words") await check(page);
  await told(page, "right");
  await next();
  while (await page.getByText(/Question \d of/).isVisible()) {
    await ready();
    if (await gone()) await next();
  }
  await page.getByRole("heading", { name: "That is all for today" }).waitFor();
  assert.match(await page.locator("#main").innerText(), /1 question comes back tomorrow, on Saturday,? 5 October/);
  await page.goto(home);
  await page.waitForSelector(".map .entry");
  assert.equal(await page.getByRole("link", { name: /^Review/ }).count(), 0);
  await page.goto(`${home}#/review`);
  await page.getByRole("heading", { name: "Nothing is due today" }).waitFor();
  await accessible(page);
  await page.goto(`${home}#/progress`);
  await page.waitForSelector(".tallies li");
  await accessible(page);

  // Nothing that was there is lost, and the counts have grown.
  const { version, lessons } = await kept(page);
  assert.equal(version, 2);
  assert.deepEqual([lessons.tiny.questions[first].asked, lessons.tiny.questions[first].right], [3, 2]);
  assert.deepEqual([lessons.tiny.questions[third].asked, lessons.tiny.questions[third].right], [3, 1]);
  assert.equal(lessons.tiny.questions.removed.asked, 2);
  assert.deepEqual(lessons.tiny.questions.where.memory, soon);
  assert.deepEqual(lessons.tiny.steps, ["step"]);

  // The day after, what went wrong is due.
  await page.evaluate(() => localStorage.setItem("day", "2024-10-05"));
  await page.goto(home);
  await page.waitForSelector(".map .entry");
  await page.waitForLoadState("networkidle");
  await page.reload();
  await page.getByRole("link", { name: "Review: 1 due" }).click();
  assert.equal(await toQuestion(), third);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
