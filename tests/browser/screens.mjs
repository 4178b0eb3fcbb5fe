// Every screen of the lab, one after the other, each as a reader comes to see it: for tests that look at all of them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parts } from "./lab.mjs";

const KEY = "scale-lab/progress";
const read = (path) => JSON.parse(readFileSync(join(parts(), path), "utf8"));
const lessons = read("lessons/catalog.json").lessons.filter((lesson) => !lesson.planned);

/** The first question of each kind: `[kind, lesson, place]`. */
function questions() {
  const kinds = new Map();
  for (const { id } of lessons) {
    for (const [at, { kind }] of read(`lessons/${id}/quiz.json`).questions.entries()) {
      const [name] = Object.keys(typeof kind === "string" ? { [kind]: 0 } : kind);
      if (!kinds.has(name)) kinds.set(name, [name, id, at]);
    }
  }
  return [...kinds.values()];
}

/** To another place, as by a link, and until it stands. */
async function go(page, hash) {
  await page.evaluate((hash) => void (location.hash = hash), `#/404?${Math.random()}`);
  await page.waitForSelector("main h1");
  await page.evaluate((hash) => void (location.hash = hash), hash);
  await page.waitForFunction(() => document.querySelector("main h1") && !/Not found/.test(document.title));
}

async function runs(page) {
  await page.waitForSelector(".stage-picture .node");
  const play = page.getByRole("button", { name: "Play", exact: true });
  if (await play.count()) await play.first().click();
  await page.waitForFunction(() => Number.parseFloat(document.querySelector(".stage-now").innerText) > 0.5, null, { timeout: 60_000 });
  await page.getByRole("button", { name: "Pause", exact: true }).first().click();
}

const unfold = (page) => page.evaluate(() => document.querySelectorAll("main details").forEach((part) => (part.open = true)));

/** Answers the question on the page with whatever comes first. */
async function answer(page) {
  const form = page.locator("form[aria-label=Answer]");
  if (await form.locator("textarea").count()) {
    await form.locator("textarea").fill("The queue grows.");
    await form.getByRole("button", { name: "Compare" }).click();
    await page.waitForSelector("section.model");
  } else if (await form.locator("input[type=number]").count()) await form.locator("input[type=number]").fill("1");
  else if (await form.locator(".option").count()) await form.locator(".option").first().click();
  else if (await form.locator(".curve").count()) await page.locator("#point-0").press("ArrowUp");
  await form.locator("button[type=submit]").click();
  await page.waitForSelector(".told", { timeout: 60_000 });
}

/** The pages beside the sandbox. Each is given with its name once it stands. */
export async function* pages(page) {
  await go(page, "#/");
  await page.waitForSelector(".map .entry");
  await runs(page);
  yield "home";
  await go(page, "#/lesson/x-axis/drown");
  await runs(page);
  yield "a step with a knob";
  await page.locator(".stage-picture .node.station").first().press("Enter");
  await page.waitForSelector(".look");
  yield "a component looked into";
  await page.getByRole("button", { name: "Close" }).first().click();
  await page.getByRole("button", { name: "The slowest" }).click();
  await page.waitForSelector(".spans li");
  await unfold(page);
  yield "why it was slow, and everything unfolded";
  await go(page, "#/lesson/x-axis/wall");
  await page.waitForSelector(".predict");
  yield "a prediction to be made";
  await page.getByRole("slider", { name: "Your prediction" }).press("ArrowRight");
  await page.getByRole("button", { name: "Commit and run" }).click();
  await page.waitForSelector(".told", { timeout: 60_000 });
  yield "a prediction and its answer";
  await go(page, "#/lesson/z-axis/three");
  await runs(page);
  await unfold(page);
  yield "two runs beside each other";
  // Every other step, as it stands before it runs.
  for (const { id, steps } of lessons) {
    for (let at = 0; at < steps; at++) {
      if (!process.env.EVERY && at !== Math.floor(steps / 2)) continue;
      const names = readFileSync(join(parts(), `lessons/${id}/lesson.md`), "utf8").matchAll(/^```step\n([\s\S]*?)^```$/gm);
      const step = JSON.parse([...names][at][1]).id;
      await go(page, `#/lesson/${id}/${step}`);
      await page.waitForSelector(".stage-picture .node");
      yield `${id}/${step}`;
    }
  }
  for (const [kind, id, at] of questions()) {
    await go(page, `#/lesson/${id}/quiz`);
    for (let skips = 0; skips < at; skips++) {
      await page.waitForSelector(`text=question ${skips + 1} of`);
      await page.locator("nav[aria-label='Back and on'] .button").last().click();
    }
    await page.waitForSelector(`text=question ${at + 1} of`);
    await page.waitForSelector(".stage.veiled .station");
    yield `a question: ${kind}`;
    await answer(page);
    yield `what is said to an answer: ${kind}`;
  }
  await go(page, "#/lesson/x-axis/debrief");
  await page.waitForSelector(".debrief");
  yield "the look back at a lesson";
  await go(page, "#/review");
  yield "a review";
  await go(page, "#/progress");
  yield "progress";
  await go(page, "#/settings");
  yield "settings";
  await page.getByRole("button", { name: "Reset" }).first().click();
  yield "a reset asked back";
  await page.keyboard.press("Escape");
  await page.locator("input[type=file]").setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from("{") });
  await page.waitForSelector(".bad");
  yield "a file that is refused";
  await go(page, "#/about");
  yield "about";
  await page.evaluate(() => void (location.hash = "#/nowhere"));
  await page.waitForFunction(() => /Not found/.test(document.title));
  yield "not found";
}

const show = (page, side) => page.locator(".sandbox-sides .tab", { hasText: side }).click();
/** Whether the menu is open: it closes by itself when the keyboard leaves it. */
const opened = (page) => page.locator(".menu").evaluate((menu) => menu.open);
const menu = async (page, name) => {
  if (!(await opened(page))) await page.locator("summary", { hasText: "File" }).click();
  await page.getByRole("button", { name }).click();
  await page.waitForSelector("dialog[open]");
};

/** The sandbox with its sides, panels and dialogs. Each is given with its name once it stands. */
export async function* sandbox(page) {
  await page.evaluate(() => void (location.hash = "#/sandbox"));
  await page.waitForSelector(".board");
  yield "an empty board";
  await page.getByRole("button", { name: "Three tiers" }).click();
  await page.waitForFunction(() => document.querySelectorAll(".node").length === 4);
  yield "a design";
  for (const name of ["client", "balancer", "service", "database"]) {
    await page.locator(`[data-node="${name}"]`).press("Enter");
    await page.waitForSelector(".panel-kind");
    yield `the panel of a ${name}`;
  }
  await page.locator(".panel-wires .wire-name").first().click();
  yield "the panel of a connection";
  await page.keyboard.press("Escape");
  await page.locator(".board").focus();
  await page.locator('[data-node="client"]').press("Control+a");
  await page.waitForSelector("text=4 components");
  yield "the panel of several";
  await page.keyboard.press("Escape");
  await page.locator("summary", { hasText: "File" }).click();
  yield "the menu";
  if (await opened(page)) await page.locator("summary", { hasText: "File" }).click();
  for (const name of ["Your designs", "Challenges", "Keys", "Open a file or a diagram"]) {
    await menu(page, name);
    if (name === "Challenges") await page.waitForSelector(".shelf-row");
    yield `the dialog: ${name}`;
    if (/file/.test(name)) {
      await page.getByLabel("JSON or Mermaid").fill("nonsense");
      await page.getByRole("button", { name: "Open what is pasted" }).click();
      await page.waitForSelector("dialog [role=alert]");
      yield "what is pasted and refused";
    }
    await page.getByRole("button", { name: "Close" }).click();
  }
  await show(page, "Traffic");
  await page.waitForSelector(".traffic");
  yield "traffic";
  await page.locator(".shape", { hasText: "Spike" }).click();
  const crash = page.getByLabel("What is to go wrong");
  await crash.selectOption(await crash.locator("option", { hasText: /^Crash:/ }).getAttribute("value"));
  await page.getByRole("button", { name: "Add the fault" }).click();
  await page.waitForSelector(".fault-row");
  await page.evaluate(() => document.querySelectorAll(".traffic details").forEach((part) => (part.open = true)));
  yield "traffic with a spike and a fault";
  await show(page, "Run");
  await page.waitForSelector(".stage .figures");
  yield "a run";
  await show(page, "10×");
  await page.waitForSelector(".ask");
  yield "what gives first, asked";
  await page.locator(".goal summary").click();
  yield "the goal unfolded";
  await page.getByRole("button", { name: "Run it without saying" }).click();
  await page.waitForSelector(".found", { timeout: 120_000 });
  yield "a certificate";
  await page.evaluate(() => void (location.hash = "#/sandbox/challenge/chat"));
  await page.waitForSelector(".challenge-story");
  yield "a challenge";
  await page.getByRole("button", { name: "Let that day come" }).click();
  await page.waitForSelector(".verdicts", { timeout: 120_000 });
  yield "a challenge judged";
  await page.evaluate(() => void (location.hash = "#/sandbox/link/1.x"));
  await page.waitForSelector(".sandbox-refused");
  yield "a link that is refused";
}

/** Progress of somebody who has begun, with two questions due: to be there before the page is. */
export async function begun(context) {
  const asked = read("lessons/x-axis/quiz.json").questions.slice(0, 2);
  const progress = {
    version: 1,
    lessons: { "x-axis": { steps: ["drown", "queueing"], last: "copies", questions: Object.fromEntries(asked.map(({ id }) => [id, { asked: 2, right: 1 }])) } },
  };
  await context.addInitScript(([key, text]) => {
    if (!localStorage.getItem(key)) localStorage.setItem(key, text);
  }, [KEY, JSON.stringify(progress)]);
}
