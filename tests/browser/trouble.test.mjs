// What goes wrong around the lab: each gets one clear message, and nothing is lost.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { heading, launch, open, parts, serve, test } from "./lab.mjs";

const KEY = "scale-lab/progress";
const SOME = JSON.stringify({ version: 1, lessons: { "x-axis": { steps: ["drown"] } } });

const browser = await launch();
const home = await serve();

/** A page whose storage holds `text` from the start. */
async function stored(text, hash = "", url = home) {
  const context = await browser.newContext();
  await context.addInitScript(
    ([key, text]) => {
      if (!sessionStorage.getItem("set")) localStorage.setItem(key, text);
      sessionStorage.setItem("set", "1");
    },
    [KEY, text],
  );
  return open(browser, url + hash, { context });
}

const read = (page) => page.evaluate((key) => localStorage.getItem(key), KEY);

test("damaged progress is kept aside and told once", async () => {
  const damaged = '{"version":1,"lessons":';
  const page = await stored(damaged);
  assert.match(await page.locator(".notice").innerText(), /could not be read.*A copy was kept/s);
  assert.equal(await page.evaluate((key) => localStorage.getItem(`${key}.damaged-1`), KEY), damaged);
  await page.getByRole("link", { name: "Start the first lesson" }).click();
  await page.waitForSelector(".stage-picture .station");
  assert.deepEqual(page.errors, []);
});

test("progress of a newer version is not touched", async () => {
  const newer = '{"version":9,"wonders":[]}';
  const page = await stored(newer, "#/lesson/x-axis/drown");
  assert.match(await page.locator(".notice").innerText(), /newer version/);
  await page.waitForSelector(".stage-picture .station");
  assert.equal(await read(page), newer);
});

test("a broken file is refused and a reset can be undone", async () => {
  const page = await stored(SOME, "#/settings");
  const file = (text) => ({ name: "mine.json", mimeType: "application/json", buffer: Buffer.from(text) });
  await page.setInputFiles("input[type=file]", file('{"version":1,"lessons":{"x-axis":{"steps":7}}}'));
  await page.getByText("lessons.x-axis.steps").waitFor();
  assert.match(await page.locator("p.bad").innerText(), /Nothing was changed/);
  await page.setInputFiles("input[type=file]", file('{"version":1,"lessons":{"x-axis":{"steps":["copies"]}}}'));
  await page.getByRole("button", { name: "Add it to mine" }).click();
  await page.getByText("2 steps done").waitFor();
  await page.getByRole("button", { name: "Reset", exact: true }).click();
  await page.locator("dialog").getByRole("button", { name: "Reset" }).click();
  await page.getByText("Nothing yet").waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("2 steps done").waitFor();
  assert.deepEqual(JSON.parse(await read(page)).lessons["x-axis"].steps, ["copies", "drown"]);
  assert.deepEqual(page.errors, []);
});

test("two tabs share their progress", async () => {
  const one = await stored(SOME, "#/settings");
  const two = await open(browser, `${home}#/lesson/x-axis/drown`, { context: one.context() });
  await two.getByRole("slider", { name: "Load" }).fill("80");
  await two.getByLabel("Speed").selectOption("20");
  await two.goto(`${home}#/lesson/x-axis/copies`);
  await two.getByRole("slider", { name: "Copies of the shop" }).fill("4");
  await two.getByLabel("Speed").selectOption("20");
  await two.getByRole("button", { name: "Play" }).click();
  await two.waitForSelector(".task.done");
  await one.getByText("2 steps done").waitFor();
});

test("links that lead nowhere show the way back", async () => {
  const page = await stored(SOME, "#/no/such/page");
  assert.match(await heading(page), /Nothing is routed here/);
  await page.getByRole("link", { name: "To the course map" }).click();
  await page.waitForSelector(".map .entry");
  await page.goto(`${home}#/lesson/x-axis/no-such-step`);
  await page.getByRole("heading", { name: "No such step" }).waitFor();
  await page.goto(`${home}#/lesson/no-such-lesson`);
  await page.getByText("lessons/no-such-lesson/lesson.md was not found").waitFor();
});

test("what could not be fetched can be fetched again, and a broken lesson names its line", async () => {
  let fails = true;
  const shaky = await serve((path) => (path === "lessons/catalog.json" && fails ? [500, "no"] : undefined));
  const page = await stored(SOME, "", shaky);
  await page.getByText("the server answered 500").waitFor();
  fails = false;
  await page.getByRole("button", { name: "Try again" }).click();
  await page.waitForSelector(".map .entry");

  const broken = await serve((path) => (path === "lessons/x-axis/lesson.md" ? [200, "# X\n\n## A step\n\nWords.\n"] : undefined));
  const other = await stored(SOME, "#/lesson/x-axis", broken);
  await other.getByText("lesson.md:3: the step 'A step' has no scene").waitFor();
});

test("a crash shows a way back and keeps progress", async () => {
  const page = await stored(SOME);
  await page.evaluate(() => document.dispatchEvent(new Event("scale-lab:crash"))).catch(() => {});
  await page.getByRole("alertdialog").getByRole("button", { name: "Load it again" }).click();
  await page.waitForSelector(".map .entry.begun");
  assert.equal(JSON.parse(await read(page)).lessons["x-axis"].steps[0], "drown");
});

test("whatever is broken in a lesson is named in its place, and nothing is lost", async () => {
  const text = (path) => readFile(join(parts(), path), "utf8");
  const lesson = await text("lessons/x-axis/lesson.md");
  const scene = await text("lessons/x-axis/scenes/one.json");
  const quiz = await text("lessons/x-axis/quiz.json");
  const cases = [
    ["scenes/copies.json", null, /lesson\.md:\d+: scene: there is no scene 'copies'/],
    ["scenes/one.json", scene.replace('"workers": 4', '"workers": 1000000000'), /scenes\/one\.json: components\.shop\.service\.workers: 1000000000/],
    ["scenes/one.json", scene.replace('"rate_per_s": ', '"rate_per_s": -'), /scenes\/one\.json: .*rate_per_s: -/],
    ["scenes/one.json", scene.replace('"workers"', '"wokers"'), /scenes\/one\.json: .*wokers: unknown field/],
    ["scenes/one.json", scene.slice(0, 200), /scenes\/one\.json: EOF/],
    ["lesson.md", lesson.replace('"measure": "utilisation"', '"measure": "utilization"'), /lesson\.md:\d+: .*utilization/],
    ["lesson.md", lesson.replaceAll("/components/shop/service/workers", "/components/shop/workers"), /lesson\.md:\d+: .*names nothing in the scene/],
    ["quiz.json", quiz.replace('"scene": "', '"scene": "no-'), /quiz\.json: questions\[0\].*there is no scene/],
  ];
  for (const [file, body, told] of cases) {
    const address = await serve((path) => (path === `lessons/x-axis/${file}` ? (body === null ? [404, ""] : [200, body]) : undefined));
    const page = await stored(SOME, "#/lesson/x-axis", address);
    await page.waitForSelector(".failed pre");
    assert.match(await page.locator(".failed pre").innerText(), told, file);
    assert.deepEqual(JSON.parse(await read(page)).lessons["x-axis"].steps, ["drown"]);
    await page.context().close();
  }
});

test("a run that answers a prediction or a question may fail: it is said, and can be asked for again", async () => {
  let gone = false;
  const address = await serve((path) => (path === "worker_loader.js" && gone ? [404, ""] : undefined));
  const context = await browser.newContext();
  // The page's 30 seconds of patience pass at once while there is nothing to wait for.
  await context.addInitScript(() => {
    const later = setTimeout;
    window.setTimeout = (run, ms, ...rest) => later(run, window.hopeless && ms === 30_000 ? 0 : ms, ...rest);
  });
  const page = await context.newPage();
  const fails = async (button) => {
    gone = true;
    await page.evaluate(() => (window.hopeless = true));
    await page.getByRole("button", { name: button }).click();
    await page.getByText("the simulation has not answered for 30 seconds").waitFor();
    gone = false;
    await page.evaluate(() => (window.hopeless = false));
    await page.getByRole("button", { name: button }).click();
    await page.waitForSelector(".told");
  };
  await page.goto(`${address}#/lesson/x-axis/wall`);
  await page.getByRole("slider", { name: "Your prediction" }).fill("300");
  await fails("Commit and run");
  await page.goto(`${address}#/lesson/x-axis/quiz`);
  await page.locator(".option, input[type=number]").first().waitFor();
  await page.locator(".option").first().click();
  await fails("Check");
});

test("a simulation that never answers is noticed, and can be started again", async () => {
  let gone = true;
  const deaf = await serve((path) => (path === "worker_loader.js" && gone ? [404, ""] : undefined));
  const page = await stored(SOME, "#/lesson/x-axis/drown", deaf);
  await page.getByText("The simulation has stopped answering").waitFor({ timeout: 45_000 });
  gone = false;
  await page.getByRole("button", { name: "Start it again" }).click();
  await page.waitForSelector(".stage-picture .station");
});
