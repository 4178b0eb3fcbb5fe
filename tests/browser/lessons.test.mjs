// Every lesson of the catalogue from its first step to the look back, by mouse and by keyboard alone; and one that an author adds.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { heading, launch, open, parts, serve, test } from "./lab.mjs";

const read = (path) => readFileSync(join(parts(), "lessons", path), "utf8");

/** The steps of a lesson: their ids and titles, and whether one is to predict first. */
function steps(id) {
  const sections = read(`${id}/lesson.md`).split(/^## /m).slice(1);
  const found = sections.map((section) => [section.split("\n", 1)[0], /^```step\n([\s\S]*?)^```$/m.exec(section)?.[1]]);
  return found.filter(([, data]) => data).map(([title, data]) => ({ title: title.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1"), ...JSON.parse(data) }));
}

const browser = await launch();
const home = await serve();
const lessons = JSON.parse(read("catalog.json")).lessons.filter((lesson) => !lesson.planned);

const time = (page) => page.locator(".stage-now").first().innerText();
/** Waits until the run on the stage has gone on; it must not have been refused. */
async function runs(page, since) {
  await page.waitForFunction((since) => document.querySelector(".stage-note.bad") || document.querySelector(".stage-now").innerText !== since, since);
  assert.equal(await page.locator(".stage-note.bad").count(), 0, `${page.url()}: ${await page.locator("#main").innerText()}`);
}
const stands = async (page) => {
  await page.waitForSelector(".stage-picture .node, .failed, .stage-note.bad");
  assert.equal(await page.locator(".failed, .stage-note.bad").count(), 0, await page.locator("#main").innerText());
};

/** What is to be seen when a lesson closes. */
async function lookedBack(page, lesson) {
  await page.waitForSelector(".debrief");
  const figures = await page.locator(".own-figures").innerText({ timeout: 60_000 });
  assert.match(figures, /Offered load\s+[\d.]+ (k )?requests\/s/);
  assert.ok((await page.locator(".said li").count()) > 0, "something is said of the run");
  assert.ok((await page.locator(".sources a[href^='https://']").count()) >= 2);
  const next = lessons[lessons.indexOf(lesson) + 1];
  if (next) assert.match(await page.locator(".debrief .onward").innerText(), new RegExp(`Next lesson: ${next.title}`));
  assert.deepEqual(page.errors, []);
}

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

// Two at a time: much of each is waiting.
describe("from the first step to the look back", { concurrency: 2 }, () => {
  for (const lesson of lessons) {
    test(`${lesson.id}, by mouse`, async () => {
      const page = await open(browser, `${home}#/lesson/${lesson.id}`);
      for (const [at, step] of steps(lesson.id).entries()) {
        await page.getByRole("heading", { level: 1, name: step.title }).waitFor();
        await stands(page);
        const since = await time(page);
        if (step.predict && at % 2) await page.getByRole("button", { name: "Skip" }).click();
        else if (step.predict) {
          const slider = page.getByRole("slider", { name: "Your prediction" });
          if (await slider.count()) await slider.press("ArrowRight");
          else await page.locator(".predict .option").first().click();
          await page.getByRole("button", { name: "Commit and run" }).click();
          await page.waitForSelector(".told", { timeout: 60_000 });
        }
        const play = page.getByRole("button", { name: "Play", exact: true });
        if (await play.isVisible()) await play.click();
        // A run out of sight stands still, and below a long text a prediction leaves it there.
        await page.locator(".stage-picture").first().scrollIntoViewIfNeeded();
        await runs(page, since);
        await page.getByRole("button", { name: "Pause", exact: true }).click();
        await play.waitFor();
        assert.deepEqual(page.errors, [], step.title);
        await page.locator(".onward-next a").click();
      }
      const { questions } = JSON.parse(read(`${lesson.id}/quiz.json`));
      for (let number = 1; number <= questions.length; number++) {
        await page.getByText(`question ${number} of ${questions.length}`).waitFor();
        await stands(page);
        await answer(page);
        assert.deepEqual(page.errors, [], await heading(page));
        await page.locator("nav[aria-label='Back and on'] .button").last().click();
      }
      await page.locator("nav[aria-label=On] a").click();
      await lookedBack(page, lesson);
      // On to the next one, which begins at its beginning.
      const next = lessons[lessons.indexOf(lesson) + 1];
      if (next) {
        await page.locator(".debrief .onward a", { hasText: "Next lesson" }).click();
        await page.getByRole("heading", { level: 1, name: steps(next.id)[0].title }).waitFor();
        assert.deepEqual(page.errors, []);
      }
      await page.context().close();
    });

    test(`${lesson.id}, by keyboard alone`, async () => {
      const page = await open(browser, `${home}#/lesson/${lesson.id}`);
      /** Tabs on until what `selector` names has the focus, which can be seen. */
      const tabTo = async (selector) => {
        for (let presses = 0; presses < 120; presses++) {
          await page.keyboard.press("Tab");
          const found = await page.evaluate((selector) => document.activeElement.matches(selector) && document.activeElement.getClientRects().length, selector);
          if (found) return;
        }
        assert.fail(`${page.url()}: no way by Tab to ${selector}`);
      };
      for (const [at, step] of steps(lesson.id).entries()) {
        await page.getByRole("heading", { level: 1, name: step.title }).waitFor();
        await stands(page);
        const since = await time(page);
        if (step.predict && at % 2) {
          await tabTo(".predict input");
          await page.keyboard.press(await page.evaluate(() => (document.activeElement.type === "range" ? "ArrowRight" : "Space")));
          await tabTo(".predict button[type=submit]");
          await page.keyboard.press("Enter");
          await page.waitForSelector(".told", { timeout: 60_000 });
        } else if (step.predict) {
          await tabTo(".predict button[type=button]");
          await page.keyboard.press("Enter");
        }
        await tabTo(".stage-picture");
        if (await page.getByRole("button", { name: "Play", exact: true }).isVisible()) await page.keyboard.press("Space");
        await runs(page, since);
        await page.keyboard.press("Space");
        await page.getByRole("button", { name: "Play", exact: true }).waitFor();
        await tabTo(".onward-next a");
        await page.keyboard.press("Enter");
      }
      const { questions } = JSON.parse(read(`${lesson.id}/quiz.json`));
      for (let number = 1; number <= questions.length; number++) {
        await page.getByText(`question ${number} of ${questions.length}`).waitFor();
        await tabTo("nav[aria-label='Back and on'] .button:last-child");
        await page.keyboard.press("Enter");
      }
      await page.getByText("That was the last question").waitFor();
      await tabTo("nav[aria-label=On] a");
      await page.keyboard.press("Enter");
      await lookedBack(page, lesson);
      await tabTo(".sources a");
      await tabTo(".debrief .onward a");
      await page.context().close();
    });
  }
});

test("a lesson that an author adds stands on the map and plays", async () => {
  const catalog = JSON.parse(read("catalog.json"));
  catalog.lessons.unshift({ id: "my-lesson", title: "Mine", summary: "A copy of the template.", minutes: 5, part: catalog.parts[0], steps: 2 });
  const own = await serve((path) => {
    if (path === "lessons/catalog.json") return [200, JSON.stringify(catalog)];
    if (path.startsWith("lessons/my-lesson/")) return [200, read(path.replace("lessons/my-lesson", "TEMPLATE"))];
  });
  const page = await open(browser, own);
  await page.getByRole("link", { name: /Mine/ }).first().click();
  await stands(page);
  assert.equal(await heading(page), steps("TEMPLATE")[0].title);
  // Not played yet: the look back says so, and leads to where one can.
  await page.goto(`${own}#/lesson/my-lesson/debrief`);
  await page.getByText("you have not played the last step").waitFor();
  await page.getByRole("link", { name: "Play it" }).click();
  await page.getByRole("button", { name: "Play", exact: true }).click();
  await page.getByRole("slider", { name: "Workers" }).fill("3");
  await page.goto(`${own}#/lesson/my-lesson/debrief`);
  // With the knobs as they were left, and again after a reload.
  for (const again of [false, true]) {
    if (again) await page.reload();
    await page.locator(".own-figures").waitFor();
    assert.match(await page.locator(".left").innerText(), /Workers\s+3/);
    assert.match(await page.locator(".own-figures").innerText(), /Lost\s+none/);
  }
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
