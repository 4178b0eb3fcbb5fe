// What can be told of its looks without eyes: nothing overflows, nothing is blank, nothing keeps anyone out.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { launch, nameOf, open, serve, test } from "./lab.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const PAGES = ["#/", "#/lesson/x-axis/drown", "#/lesson/x-axis/wall", "#/lesson/x-axis/playground", "#/lesson/x-axis/quiz", "#/lesson/x-axis/debrief", "#/review", "#/progress", "#/settings", "#/about", "#/404"];
const SIZES = [{ width: 1280, height: 800 }, { width: 390, height: 844 }];

const browser = await launch();
const home = await serve();

test("what the sandbox brings along changes nothing elsewhere, nor the stage that plays in it", async () => {
  const page = await open(browser, `${home}#/sandbox`);
  await page.waitForSelector(".board");
  /** The rules of its style sheet that hold for what is not its own. */
  const strays = (where) =>
    page.evaluate((where) => {
      const sheet = [...document.styleSheets].find(({ href }) => href?.endsWith("sandbox.css"));
      const rules = [...sheet.cssRules].flatMap((rule) => [...(rule.cssRules ?? []), rule]).filter((rule) => rule.selectorText);
      const meant = (selector) => /^(:where\()?\.sandbox-stage/.test(selector);
      const found = (selector) => [...document.querySelectorAll(selector.replace(/::[\w-]+/g, ""))].some((element) => element.closest(where));
      return rules.flatMap((rule) => rule.selectorText.split(/,\s*(?![^(]*\))/)).filter((selector) => !meant(selector) && found(selector));
    }, where);
  // Nor has it rules for the very same as the page: what one of them says would hold for the other's, too.
  const both = await page.evaluate(() => {
    const [own, other] = ["scale-lab.css", "sandbox.css"].map((name) => {
      const sheet = [...document.styleSheets].find(({ href }) => href?.endsWith(name));
      return new Set([...sheet.cssRules].flatMap((rule) => rule.selectorText?.split(/,\s*(?![^(]*\))/) ?? []));
    });
    return [...own].filter((selector) => other.has(selector));
  });
  assert.deepEqual(both, []);
  await page.getByRole("button", { name: "Three tiers" }).click();
  await page.locator(".sandbox-sides .tab", { hasText: "Run" }).click();
  await page.waitForSelector(".stage .figures");
  assert.deepEqual(await strays(".stage"), []);
  for (const hash of PAGES) {
    await page.evaluate((hash) => void (location.hash = hash), hash);
    await page.waitForFunction(() => document.querySelector("#main h1"));
    if (/lesson/.test(hash)) await page.waitForSelector(".stage-picture .station, .debrief");
    assert.deepEqual(await strays("#app"), [], hash);
  }
  // A question with a curve to be drawn.
  await page.evaluate(() => void (location.hash = "#/lesson/x-axis/quiz"));
  while (!(await page.locator(".curve").count())) await page.locator("nav[aria-label='Back and on'] .button").last().click();
  assert.deepEqual(await strays("#app"), []);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

/** How many different pixels a canvas shows. */
const colours = (page, selector) =>
  page.$eval(selector, (canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });

test("the stage and the charts are drawn while it plays, and stand still out of sight", async () => {
  const page = await open(browser, `${home}#/lesson/x-axis/playground`, { viewport: { width: 390, height: 844 } });
  await page.waitForSelector(".stage-picture .station");
  await page.locator(".play").click();
  await page.locator(".stage-picture").scrollIntoViewIfNeeded();
  await page.waitForFunction(() => Number.parseFloat(document.querySelector(".stage-now").innerText) > 2);
  assert.ok((await colours(page, ".stage-picture canvas")) > 20);
  assert.ok((await colours(page, ".chart canvas")) > 5);
  const time = () => page.locator(".stage-now").innerText();
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await page.waitForTimeout(400);
  const before = await time();
  await page.waitForTimeout(700);
  assert.equal(await time(), before);
  await page.locator(".stage-picture").scrollIntoViewIfNeeded();
  await page.waitForFunction((before) => document.querySelector(".stage-now").innerText !== before, before);
  assert.deepEqual(page.errors, []);
});

test("the page follows the system when its colours or its motion change", async () => {
  const page = await open(browser, `${home}#/lesson/x-axis/playground`, { colorScheme: "light", reducedMotion: "no-preference" });
  await page.waitForSelector(".stage-picture .station");
  const picture = () => page.$eval(".stage-picture canvas", (canvas) => canvas.toDataURL());
  const chart = () => page.$eval(".chart canvas", (canvas) => canvas.toDataURL());
  const root = (name) => page.evaluate((name) => document.documentElement.dataset[name], name);
  assert.equal(await root("theme"), "light");
  const light = [await picture(), await chart()];
  await page.emulateMedia({ colorScheme: "dark" });
  await page.waitForSelector("html[data-theme=dark]");
  await page.waitForFunction((light) => document.querySelector(".stage-picture canvas").toDataURL() !== light, light[0]);
  await page.waitForFunction((light) => document.querySelector(".chart canvas").toDataURL() !== light, light[1]);
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.waitForSelector("html[data-motion=reduced]");
  // What was set here wins over the system.
  await page.goto(`${home}#/settings`);
  await page.getByRole("radio", { name: "Light" }).check({ force: true });
  await page.waitForSelector("html[data-theme=light]");
  await page.emulateMedia({ colorScheme: "light" });
  await page.emulateMedia({ colorScheme: "dark" });
  await page.reload();
  await page.waitForSelector("main h1");
  assert.equal(await root("theme"), "light");
  assert.deepEqual(page.errors, []);
});

test("nothing moves unasked for those who do not want it", async () => {
  const page = await open(browser, home, { reducedMotion: "reduce" });
  await page.waitForSelector(".stage-picture .station");
  await page.waitForTimeout(800);
  assert.match(await page.locator(".stage-now").innerText(), /^0\.0 s/);
  await page.getByRole("button", { name: "One event on" }).click();
  await page.waitForFunction(() => document.querySelector(".narration li")?.textContent.includes("request 1"));
});

test("a first visit does not fetch the simulation; running it does, and only once", async () => {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  const fetched = [];
  context.on("request", (request) => fetched.push(nameOf(request.url().slice(home.length))));
  const page = await open(browser, home, { context });
  await page.waitForSelector(".map .entry");
  await page.waitForSelector(".stage-picture .station");
  await page.waitForLoadState("networkidle");
  const simulation = () => fetched.filter((path) => path.startsWith("worker"));
  assert.deepEqual(simulation(), []);
  await page.getByRole("button", { name: "Play" }).click();
  await page.waitForFunction(() => Number.parseFloat(document.querySelector(".stage-now").innerText) > 0.5);
  assert.ok(simulation().includes("worker_bg.wasm"), fetched.join(" "));
  // A reset is to the beginning, a second one back to rest; the load slider runs it too.
  await page.getByRole("button", { name: "Reset" }).click();
  await page.getByRole("button", { name: "Play" }).waitFor();
  await page.getByRole("button", { name: "Set the knobs back" }).click();
  await page.getByRole("slider", { name: "Load" }).fill("300");
  await page.waitForFunction(() => Number(document.querySelector(".figures div:last-child dd")?.firstChild.textContent) > 0, null, { timeout: 60_000 });
  assert.equal(simulation().filter((path) => path === "worker_bg.wasm").length, 1);
  assert.deepEqual(page.errors, []);
  await context.close();
});

test("each scene of the home page shows its phenomenon, in the picture and in words", async () => {
  const page = await open(browser, home, { viewport: { width: 1280, height: 800 } });
  await page.waitForSelector(".stage-picture .station");
  const scenes = [
    ["Caches", /after a cache miss/, "cache miss", /does not find key \d+ in (Near|Shared) cache/],
    ["Shards", /request/, "answer", /is sent by Ring to Shard [A-D], which has key \d+/],
    ["Sagas", /compensation/, "compensation", /goes back: ‘charge’ of saga \d+ at Orders is to be compensated/],
  ];
  for (const [name, key, kind, words] of scenes) {
    await page.getByRole("button", { name, exact: true }).click();
    await page.waitForFunction(() => Number.parseFloat(document.querySelector(".stage-now")?.innerText) > 0.2, null, { timeout: 60_000 });
    await page.getByRole("button", { name: "Pause" }).click();
    assert.match(await page.locator(".stage-key").innerText(), key);
    await page.getByLabel("Kind of event to go to").selectOption(kind);
    await page.getByRole("button", { name: "The next one" }).click();
    await page.waitForFunction((words) => new RegExp(words).test(document.querySelector(".narration").textContent), words.source);
    // Something is drawn inside of a box.
    const colours = await page.evaluate(() => {
      const canvas = document.querySelector(".stage-whole canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const seen = new Set();
      for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) seen.add(data.slice(at, at + 3).join());
      return seen.size;
    });
    assert.ok(colours > 8, `${name}: ${colours} colours`);
  }
  // A component can be looked at closely, by keyboard too.
  await page.locator(".node.station").first().focus();
  await page.keyboard.press("Enter");
  assert.match(await page.locator(".look").innerText(), /Orders[\s\S]*sagas under way/);
  await page.getByRole("button", { name: "Close" }).click();
  assert.equal(await page.locator(".look").count(), 0);
  const moment = await page.locator(".stage-now").innerText();
  await page.locator(".node.station").first().focus();
  await page.keyboard.press("Space");
  await page.locator(".look").waitFor();
  assert.equal(await page.locator(".stage-now").innerText(), moment);
  // Larger, and as it fits again.
  const wide = () => page.locator(".stage-whole").evaluate((element) => element.offsetWidth);
  const fits = await wide();
  await page.getByRole("button", { name: "Larger" }).click();
  assert.ok((await wide()) > fits * 1.2);
  await page.getByRole("button", { name: "Fit the picture" }).click();
  assert.equal(await wide(), fits);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("one goes back in a run, on to a kind of event, and asks why", async () => {
  const page = await open(browser, home, { viewport: { width: 390, height: 844 }, acceptDownloads: true });
  await page.waitForSelector(".stage-picture .station");
  await page.locator(".knob input").fill("240");
  await page.waitForFunction(() => Number.parseFloat(document.querySelector(".stage-now").innerText) > 4);
  await page.getByRole("button", { name: "Pause" }).click();
  const now = async () => Number.parseFloat(await page.locator(".stage-now").innerText());
  const lost = async () => Number.parseInt(await page.locator(".figures dd").last().innerText(), 10);
  const later = await lost();
  assert.ok(later > 100, `${later} lost`);
  await page.getByLabel("Moment shown").fill("0.4");
  await page.waitForFunction(() => document.querySelector(".stage-now").innerText.startsWith("0.4"));
  assert.equal(await lost(), 0);
  // The next loss is the first, where the marker stands.
  await page.getByRole("button", { name: "The next one" }).click();
  await page.waitForFunction(() => Number.parseFloat(document.querySelector(".stage-now").innerText) > 0.5);
  assert.ok((await lost()) >= 1 && (await lost()) < 5, `${await lost()} lost`);
  assert.match(await page.locator(".marker.loss").getAttribute("title"), /the first request is lost/);
  await page.keyboard.press(",");
  assert.equal(await lost(), 0);
  await page.getByRole("button", { name: "The slowest" }).click();
  await page.waitForSelector(".spans li");
  assert.match(await page.locator(".why").innerText(), /in line at Shop \d: all 4 servers were held by/);
  // What is changed now happens from here on: the future that was known is another.
  await page.locator(".knob input").fill("60");
  await page.getByRole("button", { name: "Play" }).click();
  await page.waitForFunction(() => Number.parseFloat(document.querySelector(".stage-now").innerText) > 3);
  await page.getByRole("button", { name: "Pause" }).click();
  assert.ok((await lost()) < later / 2 && (await now()) < 10);
  const [figures] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: /figures \(CSV\)/ }).click()]);
  assert.equal(figures.suggestedFilename(), "scale-lab-figures.csv");
  const [trace] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: /trace/ }).click()]);
  assert.equal(trace.suggestedFilename(), "scale-lab-trace.json");
  assert.deepEqual(page.errors, []);
});

test("the picture is zoomed about where the hand is, dragged by the mouse, and a drag opens nothing", async () => {
  const page = await open(browser, `${home}#/lesson/x-axis/playground`, { viewport: { width: 1280, height: 800 } });
  const picture = page.locator(".stage-picture");
  await page.waitForSelector(".stage-picture .station");
  await picture.scrollIntoViewIfNeeded();
  const box = await picture.boundingBox();
  const spot = { x: box.x + box.width * 0.8, y: box.y + box.height * 0.3 };
  // Which part of the whole picture is under the hand.
  const part = () =>
    picture.evaluate((seen, spot) => {
      const corner = seen.getBoundingClientRect();
      return [(seen.scrollLeft + spot.x - corner.left) / seen.scrollWidth, (seen.scrollTop + spot.y - corner.top) / seen.scrollHeight];
    }, spot);
  const wide = () => picture.evaluate((seen) => seen.scrollWidth / seen.clientWidth);
  const before = await part();
  await page.mouse.move(spot.x, spot.y);
  await page.keyboard.down("Control");
  for (let i = 0; i < 4; i++) await page.mouse.wheel(0, -100);
  await page.keyboard.up("Control");
  await page.waitForFunction(() => { const seen = document.querySelector(".stage-picture"); return seen.scrollWidth > seen.clientWidth * 2; });
  const after = await part();
  assert.ok(Math.abs(after[0] - before[0]) < 0.02 && Math.abs(after[1] - before[1]) < 0.02, `${before} ${after}`);
  assert.equal(await page.evaluate(() => visualViewport.scale), 1, "the page itself is not zoomed");
  // Dragged, beginning on whatever is there, it moves with the mouse; nothing is opened by it.
  const scroll = () => picture.evaluate((seen) => [seen.scrollLeft, seen.scrollTop]);
  const [left, top] = await scroll();
  await page.mouse.down();
  await page.mouse.move(spot.x + 30, spot.y + 20, { steps: 3 });
  await page.mouse.move(spot.x + 60, spot.y + 40, { steps: 3 });
  await page.mouse.up();
  const [newLeft, newTop] = await scroll();
  assert.ok(Math.abs(left - newLeft - 60) <= 1 && Math.abs(top - newTop - 40) <= 1, `${left} ${newLeft} ${top} ${newTop}`);
  const station = page.locator(".stage-picture .station").first();
  await station.scrollIntoViewIfNeeded();
  const at = await station.boundingBox();
  await page.mouse.move(at.x + 10, at.y + 10);
  await page.mouse.down();
  await page.mouse.move(at.x + 40, at.y + 30, { steps: 4 });
  await page.mouse.up();
  await page.waitForTimeout(150);
  assert.equal(await page.locator(".look").count(), 0);
  await station.click();
  await page.waitForSelector(".look");
  // The arrows scroll it, and it can be fitted again.
  await page.getByRole("button", { name: "Fit the picture" }).click();
  await page.waitForFunction(() => { const seen = document.querySelector(".stage-picture"); return seen.scrollWidth <= seen.clientWidth; });
  assert.equal(await wide(), 1);
  assert.deepEqual(page.errors, []);
});

test("two fingers make the picture larger; one finger scrolls the page over it", async () => {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const page = await open(browser, `${home}#/lesson/x-axis/playground`, { context });
  await page.waitForSelector(".stage-picture .station");
  await page.locator(".stage-picture").evaluate((seen) => seen.scrollIntoView({ block: "center", behavior: "instant" }));
  const box = await page.locator(".stage-picture").boundingBox();
  const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const client = await context.newCDPSession(page);
  const touch = (type, ...points) => client.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
  const y = () => page.evaluate(() => scrollY);
  const before = await y();
  await touch("touchStart", [middle.x, middle.y]);
  for (let i = 1; i <= 10; i++) await touch("touchMove", [middle.x, middle.y - i * 12]);
  await touch("touchEnd");
  await page.waitForFunction((before) => scrollY > before + 60, before);
  await page.locator(".stage-picture").evaluate((seen) => seen.scrollIntoView({ block: "center", behavior: "instant" }));
  await page.waitForTimeout(500);
  const fingers = (apart) => [[middle.x - apart, middle.y], [middle.x + apart, middle.y]];
  await touch("touchStart", ...fingers(40));
  for (const apart of [50, 60, 70, 80]) await touch("touchMove", ...fingers(apart));
  await touch("touchEnd");
  await page.waitForFunction(() => { const seen = document.querySelector(".stage-picture"); return seen.scrollWidth > seen.clientWidth * 1.8; });
  assert.equal(await page.evaluate(() => visualViewport.scale), 1, "the page itself is not zoomed");
  assert.deepEqual(page.errors, []);
  await context.close();
});

test("a component looked at closely says what its policy knows and why it decided; nothing keeps anyone out of it", async () => {
  for (const [viewport, colorScheme] of [[SIZES[0], "light"], [SIZES[1], "dark"]]) {
    const context = await browser.newContext({ viewport, colorScheme, bypassCSP: true });
    const page = await open(browser, `${home}#/lesson/x-axis/playground`, { context });
    await page.waitForSelector(".stage-picture .station");
    await page.getByLabel("Moment shown").fill("3.6");
    await page.waitForFunction(() => document.querySelector(".stage-now").innerText.startsWith("3.6"));
    // By keyboard: the balancer is a button like any other component.
    await page.locator(".node.kind-balancer").focus();
    await page.keyboard.press("Enter");
    const look = page.locator(".look");
    await look.locator(".decisions li").first().waitFor();
    assert.match(await look.innerText(), /Balancing: /);
    assert.match(await look.locator(".decisions li").first().innerText(), /Request \d+: to .+: .+\./);
    const told = await look.innerText();
    // On and back again it knows the same.
    await page.getByLabel("Moment shown").fill("6");
    await page.waitForFunction((told) => document.querySelector(".look").innerText !== told, told);
    await page.getByLabel("Moment shown").fill("3.6");
    await page.waitForFunction((told) => document.querySelector(".look").innerText === told, told, { timeout: 10_000 });
    await page.keyboard.press("+");
    await page.addScriptTag({ path: AXE });
    const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).slice(0, 3)}`), []);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${wide} px too wide`);
    assert.deepEqual(page.errors, []);
    await context.close();
  }
});

test("turned or resized, the picture stays whole", async () => {
  const page = await open(browser, `${home}#/lesson/x-axis/playground`, { viewport: { width: 390, height: 844 } });
  await page.waitForSelector(".stage-picture .station");
  for (const [width, height] of [[390, 844], [844, 390], [320, 640], [768, 1024], [1280, 800], [390, 844]]) {
    await page.setViewportSize({ width, height });
    // Out of sight nothing is drawn.
    await page.locator(".stage-picture").scrollIntoViewIfNeeded();
    // Placed anew: the canvas is as large as what can be seen of the picture.
    await page.waitForFunction(() => {
      const seen = document.querySelector(".stage-picture");
      const canvas = seen.querySelector("canvas");
      return Math.abs(canvas.width / devicePixelRatio - seen.offsetWidth) < 2 && Math.abs(canvas.height / devicePixelRatio - seen.offsetHeight) < 2;
    });
    const faults = await page.evaluate(() => {
      const all = document.querySelector(".stage-whole").getBoundingClientRect();
      const boxes = [...document.querySelectorAll(".stage-whole .node")].map((node) => node.getBoundingClientRect());
      const out = boxes.filter((b) => b.left < all.left - 1 || b.right > all.right + 1 || b.top < all.top - 1 || b.bottom > all.bottom + 1);
      const over = boxes.filter((a, at) => boxes.slice(at + 1).some((b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1));
      return { boxes: boxes.length, out: out.length, over: over.length };
    });
    assert.deepEqual({ ...faults, boxes: faults.boxes > 2 }, { boxes: true, out: 0, over: 0 }, `${width} x ${height}`);
  }
  assert.deepEqual(page.errors, []);
});
