// What goes wrong around the lab: each gets one clear message, and nothing is lost.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { heading, launch, open, serve } from "./lab.mjs";

const KEY = "scale-lab/progress";
const SOME = JSON.stringify({ version: 1, lessons: { "x-axis": { steps: ["drown"] } } });

let browser, server;
before(async () => {
  browser = await launch();
  server = await serve();
});
after(async () => {
  await browser.close();
  server.close();
});

/** A page whose storage holds `text` from the start. */
async function stored(text, hash = "", url = server.url) {
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
  const two = await open(browser, `${server.url}#/lesson/x-axis/drown`, { context: one.context() });
  await two.getByRole("slider", { name: "Load" }).fill("80");
  await two.getByLabel("Speed").selectOption("20");
  await two.goto(`${server.url}#/lesson/x-axis/copies`);
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
  await page.goto(`${server.url}#/lesson/x-axis/no-such-step`);
  await page.getByRole("heading", { name: "No such step" }).waitFor();
  await page.goto(`${server.url}#/lesson/no-such-lesson`);
  await page.getByText("lessons/no-such-lesson/lesson.md was not found").waitFor();
});

test("what could not be fetched can be fetched again, and a broken lesson names its line", async () => {
  let fails = true;
  const shaky = await serve((path) => (path === "lessons/catalog.json" && fails ? [500, "no"] : undefined));
  const page = await stored(SOME, "", shaky.url);
  await page.getByText("the server answered 500").waitFor();
  fails = false;
  await page.getByRole("button", { name: "Try again" }).click();
  await page.waitForSelector(".map .entry");
  shaky.close();

  const broken = await serve((path) => (path === "lessons/x-axis/lesson.md" ? [200, "# X\n\n## A step\n\nWords.\n"] : undefined));
  const other = await stored(SOME, "#/lesson/x-axis", broken.url);
  await other.getByText("lesson.md:3: the step 'A step' has no scene").waitFor();
  broken.close();
});

test("a crash shows a way back and keeps progress", async () => {
  const page = await stored(SOME);
  await page.evaluate(() => document.dispatchEvent(new Event("scale-lab:crash"))).catch(() => {});
  await page.getByRole("alertdialog").getByRole("button", { name: "Load it again" }).click();
  await page.waitForSelector(".map .entry.begun");
  assert.equal(JSON.parse(await read(page)).lessons["x-axis"].steps[0], "drown");
});

test("a simulation that never answers is noticed, and can be started again", async () => {
  let gone = true;
  const server = await serve((path) => (path === "worker.js" && gone ? [404, ""] : undefined));
  const page = await stored(SOME, "#/lesson/x-axis/drown", server.url);
  await page.getByText("The simulation has stopped answering").waitFor({ timeout: 20_000 });
  gone = false;
  await page.getByRole("button", { name: "Start it again" }).click();
  await page.waitForSelector(".stage-picture .station");
  server.close();
});
