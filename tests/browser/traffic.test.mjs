// Traffic and faults of a design as a person sets them: by mouse, by finger, by keyboard, from a log.
import assert from "node:assert/strict";
import axe from "axe-core";
import { launch, open, serve, test } from "./lab.mjs";

const browser = await launch();
const home = await serve();
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

const show = (page, side) => page.locator(".sandbox-sides .tab", { hasText: side }).click();
async function traffic(options) {
  const page = await open(browser, `${home}#/sandbox`, options);
  await page.waitForSelector(".board");
  await page.getByRole("button", { name: "Three tiers" }).click();
  await show(page, "Traffic");
  await page.waitForSelector(".traffic");
  return page;
}
const shape = (page, name) => page.locator(".shape", { hasText: name });
const slider = (page, name) => page.getByRole("slider", { name });
const words = (page, name) => slider(page, name).getAttribute("aria-valuetext");
const field = (page, name) => page.getByLabel(name, { exact: true });
const about = (page) => page.locator(".traffic-about").first().innerText();
const middle = async (locator) => {
  await locator.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await locator.boundingBox();
  return [x + width / 2, y + height / 2];
};
async function drag(page, locator, by) {
  const [x, y] = await middle(locator);
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + by[0] / 2, y + by[1] / 2, { steps: 3 });
  await page.mouse.move(x + by[0], y + by[1], { steps: 3 });
  await page.mouse.up();
}
async function add(page, fault) {
  const select = page.getByLabel("What is to go wrong");
  const option = await select.locator("option", { hasText: new RegExp(`^${fault}:`) }).getAttribute("value");
  await select.selectOption(option);
  await page.getByRole("button", { name: "Add the fault" }).click();
}
async function drop(page, name, text) {
  const files = await page.evaluateHandle(
    ([name, text]) => {
      const files = new DataTransfer();
      files.items.add(new File([text], name, { type: "text/plain" }));
      return files;
    },
    [name, text],
  );
  await page.dispatchEvent(".sandbox", "drop", { dataTransfer: files });
}
/** Checks until it holds: what is drawn comes a moment after what is done. */
async function soon(check) {
  for (let i = 0; ; i += 1) {
    try {
      return await check();
    } catch (error) {
      if (i === 30) throw error;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}
const log = (lines) =>
  Array.from({ length: lines }, (_, i) => {
    const at = `${String(Math.floor(i / 240)).padStart(2, "0")}:${String(Math.floor(i / 4) % 60).padStart(2, "0")}`;
    const request = i % 5 === 0 ? `POST /cart/${i % 7}` : `GET /items/${(i * i) % 31}`;
    return `192.0.2.7 - - [10/Oct/2025:13:${at} +0000] "${request} HTTP/1.1" 200 512 "-" "curl/8"`;
  }).join("\n");

test("by mouse: shapes keep the load, and curves are drawn", async () => {
  const page = await traffic();
  await soon(async () => assert.match(await about(page), /100 a second on average, about 6,000 requests/));
  for (const name of ["Ramp", "Day", "Curve", "Bursts", "Batches", "Steady"]) {
    await shape(page, name).click();
    await page.waitForFunction((name) => document.querySelector('.shape[aria-pressed="true"]')?.textContent === name, name);
    await soon(async () => assert.match(await about(page), /100 a second on average, about 6,000 requests/, name));
  }
  // A spike comes on top of what is steady.
  await shape(page, "Spike").click();
  await soon(async () => assert.equal(await words(page, "Start of the spike"), "400 per second at 24 s"));
  assert.equal(await words(page, "Before and after"), "100 per second");
  const area = await page.locator(".plot-area").first().boundingBox();
  // A quarter of the run on, and half as high: the end stays where it was.
  await drag(page, slider(page, "Start of the spike"), [-area.width / 6, area.height / 4]);
  const [, rate, at] = /^([\d.]+) per second at ([\d.]+) s$/.exec(await words(page, "Start of the spike"));
  assert.ok(Math.abs(at - 14) < 0.6 && Math.abs(rate - 275) < 12, `${rate} at ${at}`);
  await soon(async () => assert.match(await words(page, "End of the spike"), /at 36 s$/));
  await soon(async () => assert.equal(await field(page, "Begins at").inputValue(), at));
  // A drag is one step.
  await page.locator(".sandbox-bar").getByRole("button", { name: /^Undo/ }).click();
  await soon(async () => assert.equal(await words(page, "Start of the spike"), "400 per second at 24 s"));
  // Points of a free curve come and go.
  await shape(page, "Steady").click();
  await shape(page, "Curve").click();
  await soon(async () => assert.equal(await page.locator(".curve-grip").count(), 4));
  await page.locator(".plot-area").first().dblclick({ position: { x: area.width * 0.75, y: area.height * 0.25 } });
  await soon(async () => assert.equal(await page.locator(".curve-grip").count(), 5));
  await page.getByRole("button", { name: "Add a point" }).click();
  await soon(async () => assert.equal(await page.locator(".curve-grip").count(), 6));
  // It runs so.
  await show(page, "Run");
  await page.waitForFunction(() => Number(document.querySelector(".figures dd b, .figures dd")?.textContent?.replace(/\D/g, "")) > 0, null, { timeout: 30_000 });
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("by keyboard alone: a curve, its points, a fault on the timeline", async () => {
  const page = await traffic();
  const press = async (...keys) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  /** Goes on with Tab until the keyboard's place is there. */
  const to = async (selector) => {
    for (let i = 0; i < 90; i += 1) {
      if (await page.evaluate((s) => document.activeElement?.matches(s), selector)) return;
      await press("Tab");
    }
    assert.fail(`Tab does not come to ${selector}`);
  };
  await to(".shape:nth-child(2)");
  await press("Enter");
  await to('[role="slider"]');
  await soon(async () => assert.equal(await words(page, "Start"), "50 per second"));
  await press("ArrowUp", "ArrowUp", "Shift+ArrowUp");
  await soon(async () => assert.equal(await words(page, "Start"), "62 per second"));
  await press("Tab", "ArrowLeft", "ArrowLeft", "ArrowDown");
  await soon(async () => assert.match(await words(page, "End of the ramp"), /^148 per second at 59 s$/));
  // The steps of one handle are undone together.
  await press("Control+z");
  await soon(async () => assert.match(await words(page, "End of the ramp"), /^150 per second at 1 min$/));
  await page.locator(".shape:nth-child(5)").focus();
  await press("Enter");
  await to('[role="slider"]');
  await press("Insert");
  await soon(async () => assert.equal(await page.locator(".curve-grip").count(), 3));
  await press("Tab", "Delete");
  await soon(async () => assert.equal(await page.locator(".curve-grip").count(), 2));
  await page.getByLabel("What is to go wrong").focus();
  await press("ArrowDown", "Tab", "Enter");
  await page.waitForFunction(() => document.activeElement?.classList.contains("fault-bar"));
  await soon(async () => assert.equal(await words(page, /^Crash, Service: when/), "24 s to 36 s"));
  await press("ArrowRight", "Shift+ArrowRight");
  await soon(async () => assert.equal(await words(page, /^Crash, Service: when/), "29.5 s to 41.5 s"));
  await press("Tab", "ArrowLeft");
  await soon(async () => assert.equal(await words(page, /^Crash, Service: when/), "29 s to 41.5 s"));
  await press("Tab", "Shift+ArrowRight");
  await soon(async () => assert.equal(await words(page, /^Crash, Service: when/), "29 s to 46.5 s"));
  await press("Delete");
  await soon(async () => assert.equal(await page.locator(".fault-row").count(), 0));
  await page.waitForFunction(() => document.activeElement?.matches(".fault-add select"));
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("by finger, on a phone", async () => {
  const page = await traffic(PHONE);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page is no wider than the screen");
  await shape(page, "Spike").tap();
  await add(page, "Slowness");
  const sizes = await page.locator(".hold:not(.fault-bar)").evaluateAll((all) => all.map((e) => Math.min(e.offsetWidth, e.offsetHeight)));
  assert.ok(sizes.length === 5 && sizes.every((size) => size >= 24), `${sizes}`);
  const session = await page.context().newCDPSession(page);
  const touch = async (locator, by) => {
    const [x, y] = await middle(locator);
    const points = (part) => [{ x: x + by[0] * part, y: y + by[1] * part }];
    await session.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: points(0) });
    for (const part of [0.3, 0.7, 1]) await session.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: points(part) });
    await session.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  };
  await touch(slider(page, "Before and after"), [0, -40]);
  const [, rate] = /^([\d.]+) per second$/.exec(await words(page, "Before and after"));
  assert.ok(rate > 130 && rate < 320, rate);
  const track = await page.locator(".fault-track").boundingBox();
  await touch(slider(page, /^Slowness, Service: ends/), [track.width / 4, 0]);
  await soon(async () => assert.match(await words(page, /^Slowness, Service: when/), /^24 s to (50|51|52)(\.\d+)? s$/));
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("faults: what they strike, again and again, and what does not fit is not offered", async () => {
  const page = await traffic();
  const select = page.getByLabel("What is to go wrong");
  const shut = await select.locator("option[disabled]").allInnerTexts();
  assert.deepEqual(shut.map((text) => text.split(":")[0]), ["Flushed cache"]);
  for (const fault of ["Cut connection", "Errors", "Traffic spike"]) await add(page, fault);
  await page.locator(".fault-settings summary").nth(1).click();
  await page.locator(".fault-row").nth(1).getByLabel("It strikes").selectOption({ label: "Database" });
  await soon(async () => assert.match(await page.locator(".fault-row").nth(1).innerText(), /Errors\s*Database/));
  await page.locator(".fault-row").nth(1).getByLabel("Share that fails").fill("2");
  await page.keyboard.press("Tab");
  await soon(async () => assert.match(await page.locator(".fault-row").nth(1).innerText(), /2 is not allowed: 0 to 1/));
  await page.locator(".fault-row").nth(1).getByLabel("Share that fails").fill("0.5");
  await page.keyboard.press("Tab");
  await page.locator(".fault-row").nth(1).getByLabel("Again and again").check();
  await soon(async () => assert.match(await page.locator(".fault-row").nth(1).innerText(), /again and again: after 15 s on average, for 6 s on average/));
  // The spike is in the picture of all.
  await soon(async () => assert.match(await page.locator("section.traffic-card", { hasText: "All clients together" }).innerText(), /300 requests a second at the peak/));
  await page.locator(".fault-row").first().getByRole("button", { name: /^Delete/ }).click();
  await soon(async () => assert.equal(await page.locator(".fault-row").count(), 2));
  await show(page, "Run");
  await page.waitForSelector(".figures");
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("what is asked for: shares add up, hot keys are told", async () => {
  const page = await traffic();
  const shares = () => page.getByLabel(/^Share of /).evaluateAll((all) => all.filter((e) => e.tagName === "INPUT").map((e) => Number(e.value)));
  await soon(async () => assert.deepEqual(await shares(), [90, 10]));
  await page.getByLabel("Share of write, in percent").fill("25");
  await page.keyboard.press("Tab");
  await soon(async () => assert.deepEqual(await shares(), [75, 25]));
  await page.getByRole("button", { name: "Add an operation" }).click();
  const three = await shares();
  assert.ok(three.length === 3 && Math.abs(three.reduce((a, b) => a + b) - 100) < 1e-9, `${three}`);
  await page.getByRole("button", { name: "Remove read" }).click();
  assert.equal((await shares()).length, 2);
  await page.getByLabel("Exponent").fill("0");
  await page.keyboard.press("Tab");
  await soon(async () => assert.match(await page.locator(".hottest").innerText(), /The hottest 100\s*1 %/));
  await page.getByLabel("Exponent").fill("1.2");
  await page.keyboard.press("Tab");
  await soon(async () => assert.match(await page.locator(".hottest").innerText(), /The hottest 100\s*7\d(\.\d)? %/));
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("a log that is dropped is replayed, a bad one is refused with its line, a large one becomes a curve", async () => {
  const page = await traffic();
  await show(page, "Build");
  await drop(page, "access.log", log(600));
  await page.waitForSelector(".recorded");
  await soon(async () => assert.match(await page.locator(".recorded").innerText(), /600 requests over 150 s: 4 a second on average, 4 in the busiest second. 480 read and 120 write/));
  await page.getByRole("button", { name: "Use it" }).click();
  await soon(async () => assert.match(await about(page), /600 requests over 150 s/));
  await soon(async () => assert.equal(await field(page, "Length of the run").inputValue(), "150"));
  await soon(async () => assert.match(await page.locator(".shape[aria-pressed='true']").innerText(), /Recorded/));
  // No address is kept.
  await page.waitForTimeout(900);
  await show(page, "Run");
  await page.waitForFunction(() => Number(document.querySelector(".figures dd b, .figures dd")?.textContent?.replace(/\D/g, "")) > 0, null, { timeout: 30_000 });
  await show(page, "Traffic");
  // Ten times the load is ten requests for each that was recorded.
  await show(page, "10×");
  await page.getByRole("button", { name: "Run it without saying" }).click();
  await page.waitForSelector(".found", { timeout: 90_000 });
  const rates = (await page.locator(".found table tbody tr").allInnerTexts()).map((row) => row.match(/^(\d+)×\s+(\d+)/).slice(1).map(Number));
  assert.deepEqual(rates, Array.from({ length: 10 }, (_, i) => [i + 1, 4 * (i + 1)]));
  await show(page, "Traffic");
  await field(page, "Each recorded request comes").fill("10");
  await page.keyboard.press("Tab");
  await soon(async () => assert.match(await about(page), /6,000 requests over 150 s/));
  await page.getByRole("button", { name: "Undo" }).click();
  await soon(async () => assert.match(await about(page), /\b600 requests over 150 s/));
  // From here it can be changed on.
  await shape(page, "Curve").click();
  assert.ok((await page.locator(".curve-grip").count()) > 20);
  await drop(page, "broken.log", `${log(3)}\nnonsense`);
  await page.waitForSelector(".sandbox-refused");
  await soon(async () => assert.match(await page.locator(".sandbox-refused").innerText(), /^broken\.log: Line 4: no time in 'nonsense'/));
  await drop(page, "times.csv", Array.from({ length: 50_000 }, (_, i) => (i / 500).toFixed(3)).join("\n"));
  await page.waitForSelector(".recorded");
  await soon(async () => assert.match(await page.locator(".recorded").innerText(), /too large to be kept in the design as it is \(200,000 bytes at most\)/));
  await page.getByRole("button", { name: "Use it" }).click();
  await soon(async () => assert.match(await about(page), /500 a second on average, about 50,000 requests in the run/));
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("nothing that axe-core finds wrong", async () => {
  const page = await traffic();
  await shape(page, "Curve").click();
  await add(page, "Crash");
  await add(page, "Errors");
  await page.locator(".fault-settings summary").first().click();
  await page.locator(".traffic-points summary").click();
  await drop(page, "access.log", log(60));
  await page.waitForSelector(".recorded");
  for (const theme of ["light", "dark"]) {
    await page.evaluate((theme) => document.documentElement.setAttribute("data-theme", theme), theme);
    // Buttons change their colour in a moment, not at once.
    await page.waitForTimeout(400);
    await page.evaluate(axe.source);
    const found = await page.evaluate(() => axe.run(".sandbox", { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] }));
    assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(" | ")}`), [], theme);
  }
  await page.context().close();
});
