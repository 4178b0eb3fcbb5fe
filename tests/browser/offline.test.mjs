// Without a network, with a new build, with a build that is not whole, with files that are not as they were built; and what the page's
// policy refuses.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { chromium } from "playwright-core";
import { CHROME, DIST, FLAGS, launch, nameOf, open, parts, serve, stop, test } from "./lab.mjs";

const browser = await launch();
const catalog = (dist) => JSON.parse(readFileSync(join(parts(dist), "lessons/catalog.json"), "utf8"));
const LESSONS = catalog(DIST).lessons.filter((lesson) => !lesson.planned);

const folders = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));
const hash = (bytes) => `sha256-${createHash("sha256").update(bytes).digest("base64")}`;

/** Another build of the lab, as sealed as the first: a lesson is called otherwise in it. */
function otherBuild(digits, title) {
  const folder = mkdtempSync(join(tmpdir(), "scale-lab-"));
  folders.push(folder);
  cpSync(DIST, folder, { recursive: true });
  const old = readdirSync(folder).find((name) => name.startsWith("lab-"));
  const fresh = `lab-${digits.repeat(16)}`;
  renameSync(join(folder, old), join(folder, fresh));
  const courses = catalog(folder);
  courses.lessons.find(({ id }) => id === LESSONS[0].id).title = title;
  const file = join(folder, fresh, "lessons/catalog.json");
  const [index, worker] = ["index.html", "service-worker.js"].map((name) => join(folder, name));
  const pairs = [[old, fresh], [hash(readFileSync(file)), hash(JSON.stringify(courses))]];
  writeFileSync(file, JSON.stringify(courses));
  const changed = (path) => pairs.reduce((text, [from, to]) => text.replaceAll(from, to), readFileSync(path, "utf8"));
  pairs.push([hash(readFileSync(index)), hash(changed(index))]);
  writeFileSync(index, changed(index));
  writeFileSync(worker, changed(worker));
  return folder;
}

/** A context whose pages may be kept for offline use. */
const keeping = (options) => browser.newContext({ serviceWorkers: "allow", viewport: { width: 1280, height: 800 }, ...options });
/** Waits until all of the lab is kept, and answers this page. */
const whole = (page) => page.waitForFunction(() => navigator.serviceWorker.controller?.state === "activated", null, { timeout: 90_000 });
const bar = (page) => page.locator("#new-build");
const offered = (page) => bar(page).getByText("A new version of the lab is here.").waitFor({ timeout: 90_000 });
const choose = (page, name) => bar(page).getByRole("button", { name }).click();
const shows = (page, title) => page.locator(".entry-title", { hasText: title }).waitFor();
/** What the store holds: how many builds, and how many files. */
const store = (page) =>
  page.evaluate(async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith("scale-lab "));
    const keys = (await Promise.all(names.map(async (name) => (await caches.open(name)).keys()))).flat();
    const of = (what) => keys.filter(({ url }) => url.includes(`kept?${what}=`)).length;
    return { stores: names.length, builds: of("list"), files: of("file") };
  });
const listed = (dist) => Object.entries(JSON.parse(/const BUILD = (.*);\n/.exec(readFileSync(join(dist, "service-worker.js"), "utf8"))[1]).files);
const different = (dist) => new Set(listed(dist).map(([, integrity]) => integrity)).size;

/** Plays what stands on the stage until its clock has moved. */
async function plays(page) {
  await page.waitForSelector(".stage-picture .node, .failed, .stage-note.bad", { timeout: 60_000 }).catch(async (error) => {
    throw new Error(`${page.url()}: ${await page.locator("body").innerText()}`, { cause: error });
  });
  assert.equal(await page.locator(".failed, .stage-note.bad").count(), 0, await page.locator("main").first().innerText());
  const skip = page.getByRole("button", { name: "Skip", exact: true });
  if (await skip.isVisible()) await skip.click();
  await page.locator(".stage-picture").first().scrollIntoViewIfNeeded();
  const play = page.getByRole("button", { name: "Play", exact: true });
  if (await play.isVisible()) await play.click();
  await page.waitForFunction(() => Number.parseFloat(document.querySelector(".stage-now").innerText) > 0.1, null, { timeout: 60_000 });
}

test("after a first visit all of it works without a network: every lesson, the sandbox, a certificate", async () => {
  const home = await serve();
  const context = await keeping();
  const page = await open(browser, home, { context });
  await whole(page);
  assert.deepEqual(await store(page), { stores: 1, builds: 1, files: different(DIST) });
  await context.setOffline(true);
  await stop(home);
  await assert.rejects(fetch(home), "nobody answers any more");
  // The tab that was there, without being loaded again, and then a new one.
  await page.goto(`${home}#/lesson/${LESSONS[0].id}`);
  await plays(page);
  await page.reload();
  await plays(page);
  await page.close();
  const fresh = await open(browser, home, { context });
  await fresh.waitForSelector(".map .entry");
  for (const { id } of LESSONS) {
    await fresh.goto(`${home}#/lesson/${id}`);
    await fresh.waitForSelector(".step, main h1");
    await plays(fresh);
  }
  await fresh.goto(`${home}#/sandbox`);
  await fresh.waitForSelector(".board");
  for (const kind of ["Client", "Balancer", "Service", "Database"]) await fresh.locator(".palette-item", { hasText: new RegExp(`^${kind}`) }).click();
  await fresh.locator(".sandbox-sides .tab", { hasText: "10×" }).click();
  await fresh.getByRole("button", { name: "Run it without saying" }).click();
  await fresh.waitForSelector(".found", { timeout: 120_000 });
  assert.match(await fresh.locator(".found h2").innerText(), /It keeps its goal up to \d/);
  assert.deepEqual(fresh.errors, []);
  await context.close();
});

test("a new build is offered, not forced; a tab that has not taken it goes on with its own; progress is kept", async () => {
  const fresh = otherBuild("a", "A newer title");
  let dist = DIST;
  const home = await serve(undefined, () => dist);
  const context = await keeping();
  const page = await open(browser, home, { context });
  await whole(page);
  const learned = JSON.stringify({ version: 1, lessons: { "x-axis": { steps: ["drown"] } } });
  await page.evaluate((learned) => localStorage.setItem("scale-lab/progress", learned), learned);
  // The next visit still has the old one, and hears of the new.
  dist = fresh;
  await page.goto("about:blank");
  await page.goto(home);
  await page.evaluate(() => (window.same = true));
  await shows(page, LESSONS[0].title);
  await offered(page);
  assert.equal(await page.locator("#new-build p").getAttribute("role"), "status");
  const second = await open(browser, home, { context });
  await offered(second);
  await choose(page, "Later");
  assert.equal(await bar(page).count(), 0);
  // One tab takes it; it has what was learned.
  await choose(second, "Use it now");
  await shows(second, "A newer title");
  await second.waitForSelector(".map .entry.begun");
  const kept = await second.evaluate(() => JSON.parse(localStorage.getItem("scale-lab/progress")));
  assert.deepEqual(kept.lessons["x-axis"].steps, ["drown"]);
  assert.equal((await store(second)).builds, 2);
  // The other goes on where it is, with parts of its own build, which the server has no more.
  assert.equal(await page.evaluate(() => window.same), true);
  await page.goto(`${home}#/lesson/${LESSONS[1].id}`);
  await plays(page);
  await page.goto(`${home}#/sandbox`);
  await page.waitForSelector(".board");
  assert.equal(await page.evaluate(() => window.same), true);
  assert.deepEqual(page.errors, []);
  // Loaded again, it has the new one too; nobody uses the old one any more, and it goes.
  await page.goto("about:blank");
  await page.goto(home);
  await shows(page, "A newer title");
  const end = Date.now() + 60_000;
  while ((await store(page)).builds > 1 && Date.now() < end) await page.waitForTimeout(500);
  assert.deepEqual(await store(page), { stores: 1, builds: 1, files: different(fresh) });
  assert.equal(await bar(page).count(), 0);
  await context.close();
});

test("a build that does not come whole changes nothing, and is gone on with later", async () => {
  const fresh = otherBuild("b", "A broken title");
  let dist = DIST;
  // First the connection breaks off in the middle, then a file comes that is not as it was built.
  let fault = null;
  const asked = [];
  const home = await serve((name) => {
    if (dist === fresh) asked.push(name);
    return name === "lessons/catalog.json" && dist === fresh ? fault ?? undefined : undefined;
  }, () => dist);
  const context = await keeping();
  const page = await open(browser, home, { context });
  await whole(page);
  dist = fresh;
  for (const broken of [[503, ""], [200, "{}"]]) {
    fault = broken;
    asked.length = 0;
    await page.reload();
    await shows(page, LESSONS[0].title);
    const end = Date.now() + 60_000;
    while (!asked.includes("lessons/catalog.json") && Date.now() < end) await page.waitForTimeout(200);
    assert.ok(asked.includes("lessons/catalog.json"), `${asked}`);
    await page.waitForFunction(async () => !(await navigator.serviceWorker.getRegistration()).installing, null, { timeout: 60_000 });
    assert.equal(await page.evaluate(async () => Boolean((await navigator.serviceWorker.getRegistration()).waiting)), false);
    assert.equal(await bar(page).count(), 0);
    await context.setOffline(true);
    await page.reload();
    await shows(page, LESSONS[0].title);
    await context.setOffline(false);
  }
  fault = null;
  await page.reload();
  await offered(page);
  await choose(page, "Use it now");
  await shows(page, "A broken title");
  assert.equal((await store(page)).stores, 1);
  // What both builds have was never fetched again.
  assert.ok(!asked.includes("worker_bg.wasm") && !asked.includes("sandbox_bg.wasm"), `${asked}`);
  assert.deepEqual(page.errors, []);
  await context.close();
});

test("where nothing can be kept, the lab works from the network and says nothing", async () => {
  const home = await serve((name) => (name === "service-worker.js" ? [404, ""] : undefined));
  const context = await keeping();
  const page = await open(browser, home, { context });
  await page.goto(`${home}#/lesson/${LESSONS[0].id}`);
  await plays(page);
  await page.waitForTimeout(5_000);
  assert.equal(await page.evaluate(() => navigator.serviceWorker.controller), null);
  assert.equal(await bar(page).count(), 0);
  // That a fetch failed is the browser's own line.
  assert.deepEqual(page.errors.filter((error) => !/Failed to load resource|404/.test(error)), []);
  await context.close();
});

test("it can be installed", async () => {
  const profile = mkdtempSync(join(tmpdir(), "scale-lab-profile-"));
  folders.push(profile);
  const context = await chromium.launchPersistentContext(profile, { executablePath: CHROME, args: FLAGS });
  const page = await context.newPage();
  await page.goto(await serve());
  await whole(page);
  const client = await context.newCDPSession(page);
  const { errors, data } = await client.send("Page.getAppManifest");
  assert.deepEqual(errors, []);
  assert.deepEqual((await client.send("Page.getInstallabilityErrors")).installabilityErrors, []);
  for (const { src, sizes, type } of JSON.parse(data).icons.filter(({ type }) => type === "image/png")) {
    const size = await page.evaluate(async (src) => { const { width, height } = await createImageBitmap(await (await fetch(src)).blob()); return `${width}x${height}`; }, src);
    assert.equal(size, sizes, type);
  }
  await context.close();
});

/** A file with one byte changed, and otherwise as it was built. */
function tampered(name) {
  const bytes = readFileSync(join(parts(), name));
  bytes[bytes.length - 1] ^= 1;
  return bytes;
}
const APP = readdirSync(parts()).find((name) => /^app-.*\.wasm$/.test(name));

test("a file of the page that is not as it was built is refused, and the reader is told", async () => {
  for (const name of [APP, APP.replace("_bg.wasm", ".js")]) {
    const home = await serve((asked) => (asked === name ? [200, tampered(name)] : undefined));
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(home);
    const told = page.getByRole("alertdialog");
    await told.getByRole("heading", { name: "The lab could not be started" }).waitFor();
    assert.match(await told.innerText(), new RegExp(`${name} is not the file that was built`));
    assert.equal(await page.locator("main h1").count(), 0);
    await context.close();
  }
});

test("a part that is not as it was built is refused where it is needed", async () => {
  for (const name of ["sandbox.js", "sandbox_bg.wasm", "sandbox.css"]) {
    const home = await serve((asked) => (asked === name ? [200, tampered(name)] : undefined));
    const page = await open(browser, home);
    await page.goto(`${home}#/sandbox`);
    if (name === "sandbox.css") {
      await page.waitForSelector(".board");
      assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector(".board")).position), "static", "its style sheet was refused");
    } else {
      await page.getByText("could not be fetched").waitFor();
      assert.ok(page.errors.some((error) => error.includes(`${name} is not the file that was built`)), `${page.errors}`);
    }
    await page.context().close();
  }
  const home = await serve((asked) => (asked === "worker_bg.wasm" ? [200, tampered(asked)] : undefined));
  const page = await open(browser, `${home}#/lesson/${LESSONS[0].id}`);
  await page.getByText("The simulation has stopped answering").waitFor({ timeout: 60_000 });
  assert.equal(await page.locator(".stage-picture .node").count(), 0);
  await page.context().close();
});

const ROUTES = ["#/", `#/lesson/${LESSONS[0].id}`, `#/lesson/${LESSONS[0].id}/quiz`, `#/lesson/${LESSONS[0].id}/debrief`, "#/review", "#/progress", "#/settings", "#/about", "#/404", "#/sandbox"];

test("on every route the policy is there, is strict, and is kept", async () => {
  const home = await serve();
  for (const colorScheme of ["light", "dark"]) {
    const page = await open(browser, home, { colorScheme });
    const policy = await page.locator("meta[http-equiv=Content-Security-Policy]").getAttribute("content");
    assert.match(policy, /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self';/);
    assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval'(?<!wasm-unsafe-eval')|\*|http/);
    for (const route of ROUTES) {
      await page.goto(home + route);
      await page.waitForSelector(route === "#/sandbox" ? ".board" : "main h1");
      if (/lesson\/[^/]+$/.test(route)) await plays(page);
    }
    assert.deepEqual(page.errors, []);
    await page.context().close();
  }
});

test("what the policy forbids does not run", async () => {
  const home = await serve();
  // A plain context: here the policy is to be broken.
  const context = await browser.newContext();
  await context.addInitScript(() => {
    globalThis.policyRefused = () => {};
    globalThis.refusals = [];
    addEventListener("securitypolicyviolation", ({ effectiveDirective }) => globalThis.refusals.push(effectiveDirective));
  });
  const page = await context.newPage();
  await page.goto(home);
  await page.waitForSelector("main h1");
  const tried = await page.evaluate(async (elsewhere) => {
    const failure = (run) => { try { run(); return "ran"; } catch (error) { return error.name; } };
    const inline = document.createElement("script");
    const done = {
      inline: failure(() => { inline.text = "globalThis.ranInline = true"; document.head.append(inline); }),
      html: failure(() => { document.createElement("div").innerHTML = "<b>x</b>"; }),
      insert: failure(() => document.body.insertAdjacentHTML("beforeend", "<b>x</b>")),
      worker: failure(() => new Worker("boot.js")),
      text: failure(() => setTimeout("globalThis.ranText = true", 0)),
      fetched: await fetch(elsewhere).then(() => "ran", (error) => error.name),
    };
    const form = document.createElement("form");
    form.action = elsewhere;
    document.body.append(form);
    form.submit();
    const style = document.createElement("p");
    style.setAttribute("style", "color: rgb(1, 2, 3)");
    document.body.append(style);
    await new Promise((ready) => setTimeout(ready, 300));
    return { ...done, ranInline: "ranInline" in globalThis, ranText: "ranText" in globalThis, styled: getComputedStyle(style).color === "rgb(1, 2, 3)", refusals: globalThis.refusals };
  }, "http://127.0.0.1:9/");
  const { refusals, ...rest } = tried;
  assert.deepEqual(rest, { inline: "TypeError", html: "TypeError", insert: "TypeError", worker: "TypeError", text: "TypeError", fetched: "TypeError", ranInline: false, ranText: false, styled: false });
  for (const directive of ["connect-src", "form-action", "style-src-attr"]) assert.ok(refusals.includes(directive), `${refusals}`);
  assert.equal(page.url(), home);
  await context.close();
});

test("no script makes HTML or scripts out of text, and everything that is served is listed with what is in it", () => {
  const files = readdirSync(DIST, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const scripts = paths.filter((path) => /\.m?js$/.test(path));
  assert.ok(scripts.length >= 6, `${scripts}`);
  for (const path of scripts) {
    const found = /\.(inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|new Function|https?:\/\/(?!www\.w3\.org)/.exec(readFileSync(path, "utf8"));
    assert.equal(found, null, `${path}: ${found?.[0]}`);
  }
  const list = new Map(listed(DIST));
  for (const path of paths) {
    const name = path.slice(DIST.length).replace(/^\//, "");
    if (name !== "service-worker.js") assert.equal(list.get(name), hash(readFileSync(path)), name);
  }
  assert.equal(list.size, paths.length - 1);
  assert.equal(list.keys().next().value, "index.html");
  assert.ok(nameOf([...list.keys()][1]) === "first.js");
  // No inline script but data, and no file without its integrity.
  const html = readFileSync(join(DIST, "index.html"), "utf8");
  for (const [tag] of html.matchAll(/<(script|link)\b[^>]*>/g)) {
    assert.match(tag, /integrity="sha256-|type="application\/json"|rel="(icon|manifest)"/);
  }
  assert.doesNotMatch(html, /\son\w+=|style=/);
});
