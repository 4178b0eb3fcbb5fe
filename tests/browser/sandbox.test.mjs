// The sandbox as a person uses it: by mouse, by finger, by keyboard alone; what is kept, what is refused, what is shared.
import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { deflateRawSync } from "node:zlib";
import { launch, open, serve, test } from "./lab.mjs";

const browser = await launch();
const home = await serve();
const SANDBOX = `${home}#/sandbox`;
const TIERS = ["Client", "Balancer", "Service", "Database"];

async function sandbox(options) {
  const page = await open(browser, SANDBOX, options);
  await page.waitForSelector(".board");
  return page;
}

const place = (page, kind) => page.locator(".palette-item", { hasText: new RegExp(`^${kind}`) }).click();
const node = (page, name) => page.locator(`[data-node="${name}"]`);
const labels = (page) => page.locator(".node-label").allInnerTexts();
const wires = (page) => page.locator(".wire").evaluateAll((all) => all.map((w) => `${w.dataset.from}>${w.dataset.to}`).sort());
const show = (page, side) => page.locator(".sandbox-sides .tab", { hasText: side }).click();
const refused = (page) => page.locator(".sandbox-refused").innerText();
const kept = (page) => page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("scale-lab/design/")).length);
/** Waits until what was done is kept. */
const keep = (page) => page.waitForTimeout(900);
const middle = async (locator) => {
  const { x, y, width, height } = await locator.boundingBox();
  return [x + width / 2, y + height / 2];
};
async function drag(page, from, to) {
  await page.mouse.move(...from);
  await page.mouse.down();
  await page.mouse.move((from[0] + to[0]) / 2, (from[1] + to[1]) / 2, { steps: 3 });
  await page.mouse.move(...to, { steps: 3 });
  await page.mouse.up();
}
async function tiers(page) {
  for (const kind of TIERS) await place(page, kind);
  await page.waitForFunction(() => document.querySelectorAll(".node").length === 4);
}
async function paste(page, text) {
  await page.locator("summary", { hasText: "File" }).click();
  await page.getByRole("button", { name: "Open a file or a diagram" }).click();
  await page.getByLabel("JSON or Mermaid").fill(text);
  await page.getByRole("button", { name: "Open what is pasted" }).click();
}

test("by mouse: from an empty board to a certificate", async () => {
  const page = await sandbox();
  assert.match(await page.locator(".nothing").innerText(), /ten times the load/);
  await tiers(page);
  assert.deepEqual(await wires(page), ["balancer>service", "client>balancer", "service>database"]);
  // A drag is one step, and can be undone.
  const before = await node(page, "service").boundingBox();
  const at = await middle(node(page, "service"));
  await drag(page, at, [at[0], at[1] + 150]);
  const after = await node(page, "service").boundingBox();
  assert.ok(Math.abs(after.y - before.y - 150) < 16, `${before.y} to ${after.y}`);
  await page.keyboard.press("Control+z");
  await page.waitForFunction((y) => Math.abs(document.querySelector('[data-node="service"]').getBoundingClientRect().y - y) < 1, before.y);
  // From the port a connection is drawn; one that cannot be is refused with the reason.
  await place(page, "Cache");
  await page.locator(".board").click({ position: { x: 300, y: 480 } });
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Fit" }).click();
  await node(page, "database").hover();
  await drag(page, await middle(page.locator('[data-port="database"]')), await middle(node(page, "client")));
  assert.match(await refused(page), /A client sends requests and takes none/);
  await show(page, "Run");
  await page.waitForFunction(() => Number(document.querySelector(".figures dd b, .figures dd")?.textContent?.replace(/\D/g, "")) > 0, null, { timeout: 30_000 });
  await show(page, "10×");
  await page.locator(".option", { hasText: "Service" }).click();
  await page.locator(".ask-field select").selectOption("6");
  await page.getByLabel("What would you change").fill("Another copy of the service: its workers are busy first.");
  await page.getByRole("button", { name: "Commit, and run it" }).click();
  await page.waitForSelector(".found", { timeout: 90_000 });
  assert.match(await page.locator(".found h2").innerText(), /It keeps its goal up to \d×, and misses it at \d+×/);
  assert.match(await page.locator(".against li").first().innerText(), /You named Service/);
  const [report] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save the report" }).click()]);
  const html = await readFile(await report.path(), "utf8");
  assert.match(html, /Another copy of the service/);
  assert.ok(!/<script(?! type="application\/json")/.test(html), "a report runs nothing");
  // Changed, it is asked again, and compared.
  await page.getByRole("button", { name: "Change it and run again" }).click();
  await node(page, "service").click();
  await page.locator(".panel").getByLabel("Workers", { exact: true }).fill("32");
  await page.keyboard.press("Tab");
  await show(page, "10×");
  await page.getByRole("button", { name: "Run it without saying" }).click();
  await page.waitForSelector(".found", { timeout: 90_000 });
  assert.match(await page.locator(".found").innerText(), /Before the change: It keeps its goal up to/);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("it comes also where the page is quicker than the script that fetches it", async () => {
  const slow = await serve(async (path) => {
    if (path === "boot.js") await new Promise((ready) => setTimeout(ready, 3_000));
    return undefined;
  });
  const page = await open(browser, `${slow}#/sandbox`);
  await page.waitForSelector(".board");
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("by keyboard alone: place, connect, move, delete, undo", async () => {
  const page = await sandbox();
  const press = async (...keys) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  /** Goes on with Tab until the keyboard's place is there. */
  const to = async (selector) => {
    for (let i = 0; i < 120; i += 1) {
      if (await page.evaluate((s) => document.activeElement?.matches(s), selector)) return;
      await press("Tab");
    }
    assert.fail(`Tab does not come to ${selector}`);
  };
  await to(".palette-item.kind-client");
  await press("Enter");
  await to(".palette-item.kind-service");
  await press("Enter");
  assert.deepEqual(await wires(page), ["client>service"]);
  await page.keyboard.press("Escape");
  await to(".palette-item.kind-database");
  await press("Enter");
  assert.deepEqual(await wires(page), ["client>service"]);
  await page.focus(".board");
  await to('[data-node="service"]');
  await press("c");
  assert.match(await page.locator(".board-hint").innerText(), /What does Service call/);
  await to('[data-node="database"]');
  await press("Enter");
  assert.deepEqual(await wires(page), ["client>service", "service>database"]);
  const before = await node(page, "database").boundingBox();
  await to('[data-node="database"]');
  await press("ArrowDown", "ArrowDown", "Shift+ArrowRight");
  const after = await node(page, "database").boundingBox();
  assert.ok(after.y > before.y && after.x > before.x);
  // A walk is one step.
  await press("Control+z");
  assert.deepEqual(await node(page, "database").boundingBox(), before);
  await press("Delete");
  assert.deepEqual(await labels(page), ["Client", "Service"]);
  await press("Control+z");
  assert.deepEqual(await wires(page), ["client>service", "service>database"]);
  await press("Control+y");
  assert.deepEqual(await labels(page), ["Client", "Service"]);
  await press("Control+z");
  // And on, to a run and a certificate.
  const tab = async (name) => {
    for (let i = 0; i < 200; i += 1) {
      if (await page.evaluate((n) => document.activeElement?.textContent.trim().startsWith(n), name)) return press("Enter");
      await press("Tab");
    }
    return assert.fail(`Tab does not come to ${name}`);
  };
  await tab("Run");
  await page.waitForSelector(".stage .figures");
  await tab("10×");
  await tab("Run it without saying");
  await page.waitForSelector(".found", { timeout: 90_000 });
  assert.match(await page.locator(".found h2").innerText(), /It (keeps|misses) its goal/);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("by finger, on a phone", async () => {
  const page = await sandbox({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  for (const kind of TIERS) await page.locator(".palette-item", { hasText: new RegExp(`^${kind}`) }).tap();
  assert.deepEqual(await wires(page), ["balancer>service", "client>balancer", "service>database"]);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page is no wider than the screen");
  await node(page, "balancer").tap();
  await page.locator(".panel-wires select").selectOption({ label: "Database" });
  assert.deepEqual(await wires(page), ["balancer>database", "balancer>service", "client>balancer", "service>database"]);
  await page.getByRole("button", { name: "Select several" }).tap();
  await node(page, "service").tap();
  assert.match(await page.locator(".panel h2").first().innerText(), /2 components/);
  await page.locator(".panel").getByRole("button", { name: "Group", exact: true }).tap();
  await page.getByLabel("Group", { exact: true }).fill("Middle");
  await page.keyboard.press("Tab");
  assert.equal(await page.locator(".group span").innerText(), "Middle");
  // Another side is seen from its top.
  await page.evaluate(() => scrollTo(0, 1e6));
  assert.ok(await page.evaluate(() => scrollY > 100));
  await page.locator(".sandbox-sides .tab", { hasText: "Traffic" }).tap();
  await page.locator(".traffic").waitFor();
  assert.equal(await page.evaluate(() => scrollY), 0);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("what is built is kept: over a reload, in two tabs, with a full storage", async () => {
  const page = await sandbox();
  await tiers(page);
  await keep(page);
  assert.match(await page.locator(".sandbox-kept").innerText(), /Kept in this browser/);
  await page.reload();
  await page.waitForSelector(".node");
  assert.deepEqual((await labels(page)).sort(), [...TIERS].sort());
  // Two tabs change the same design: each keeps its own.
  const other = await open(browser, SANDBOX, { context: page.context() });
  await other.waitForSelector(".node");
  await place(page, "Queue");
  await keep(page);
  await place(other, "Topic");
  await keep(other);
  assert.match(await other.locator(".sandbox-kept").innerText(), /Kept as a copy/);
  assert.equal(await kept(page), 2);
  await page.reload();
  await page.waitForSelector(".node");
  // What was opened last comes back; the other is on the shelf.
  await page.locator("summary", { hasText: "File" }).click();
  await page.getByRole("button", { name: "Your designs" }).click();
  await page.waitForSelector("dialog[open] .shelf-row");
  assert.equal(await page.locator(".shelf-row").count(), 2);
  await page.keyboard.press("Escape");
  // No room: it is said, and nothing is lost.
  await page.evaluate(() => {
    let size = 1 << 20;
    for (let i = 0; size > 8; i += 1) {
      try {
        localStorage.setItem(`filler-${i}`, "x".repeat(size));
      } catch {
        size >>= 1;
      }
    }
  });
  // Words that no compression makes short.
  const noise = (n) => Array.from({ length: n }, () => Math.random().toString(36).slice(2)).join("");
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`c${i}`, { balancer: { policy: "random", targets: [] } }]));
  const view = Object.fromEntries(Object.keys(many).map((name) => [name, { label: noise(6), at: [Number(name.slice(1)), 0] }]));
  await paste(page, JSON.stringify({ version: 1, title: "Large", horizon_s: 5, components: many, view }));
  await page.waitForFunction(() => document.querySelectorAll(".node").length === 100);
  await keep(page);
  assert.match(await page.locator(".sandbox-kept").innerText(), /Not kept/);
  assert.equal(await kept(page), 2);
  await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("filler")).forEach((key) => localStorage.removeItem(key)));
  await place(page, "Service");
  await keep(page);
  assert.match(await page.locator(".sandbox-kept").innerText(), /Kept in this browser/);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("a killed tab loses nothing", async () => {
  const page = await sandbox();
  await tiers(page);
  await keep(page);
  const context = page.context();
  const crashed = page.waitForEvent("crash");
  page.goto("chrome://crash").catch(() => {});
  await crashed;
  const again = await open(browser, SANDBOX, { context });
  await again.waitForSelector(".node");
  assert.equal(await again.locator(".node").count(), 4);
  await context.close();
});

const link = (text) => `1.${deflateRawSync(Buffer.from(text)).toString("base64url")}`;
const HOSTILE = {
  "a cut link": "1.7VhNb9s4EP0rBk8tIBv6sGTLtxYtsEX3UGCBXooioKWRzYYi",
  "no link at all": "hello",
  "a newer version": "9.abc",
  "no JSON": link("{"),
  "no design": link("[1,2]"),
  "deeply nested": link(`${"[".repeat(100_000)}${"]".repeat(100_000)}`),
  "a bomb": link(" ".repeat(80_000_000)),
  "numbers beyond numbers": link('{"version":1,"horizon_s":1e999,"components":{}}'),
  "a name twice": link('{"version":1,"version":1,"horizon_s":1,"components":{}}'),
  "too many components": link(JSON.stringify({ version: 1, horizon_s: 1, components: Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`c${i}`, { balancer: { policy: "random", targets: [] } }])) })),
  "another version of designs": link('{"design":7,"scenario":{}}'),
};

test("hostile links get one clear message, and the own design stays", async () => {
  const page = await sandbox();
  await tiers(page);
  await keep(page);
  for (const [name, text] of Object.entries(HOSTILE)) {
    await page.evaluate((hash) => (location.hash = hash), `#/sandbox/link/${text}`);
    await page.waitForSelector(".sandbox-refused", { timeout: 20_000 });
    const said = await refused(page);
    assert.ok(said.length > 20 && said.length < 400, `${name}: ${said}`);
    assert.equal(await page.locator(".node").count(), 4, name);
    await page.keyboard.press("Escape");
  }
  // Names are words, whatever is in them.
  const design = { version: 1, title: "<img src=x onerror=alert(1)>", horizon_s: 5, components: { a: { client: { operation: "x", target: "b", arrivals: { constant: { rate_per_s: 1 } } } }, b: { database: { connections: 1, queries: { "*": { constant: { mean_ms: 1 } } } } } }, view: { a: { label: "<script>alert(2)</script>" } } };
  await page.evaluate((hash) => (location.hash = hash), `#/sandbox/link/${link(JSON.stringify(design))}`);
  await page.waitForFunction(() => document.querySelectorAll(".node").length === 2);
  assert.ok((await labels(page)).includes("<script>alert(2)</script>"));
  await keep(page);
  // The own design is on the shelf.
  assert.equal(await kept(page), 2);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("a circle of calls is refused, on the board and from a file", async () => {
  const page = await sandbox();
  for (const kind of ["Client", "Service", "Service"]) await place(page, kind);
  await node(page, "service-2").click();
  const option = page.locator(".panel-wires option[value=service]");
  assert.match(await option.innerText(), /go round: service-2 → service → service-2/);
  assert.ok(await option.evaluate((o) => o.disabled));
  await page.context().close();
});

test("designs go out and come in: file, link, Mermaid, pictures", async () => {
  const page = await sandbox();
  await tiers(page);
  const menu = async (name) => {
    await page.locator("summary", { hasText: "File" }).click();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name }).click()]);
    return readFile(await download.path());
  };
  const file = (await menu("Save as a file")).toString();
  assert.equal(JSON.parse(file).design, 1);
  const svg = (await menu("Picture: SVG")).toString();
  assert.match(svg, /^<svg[^>]*>[\s\S]*Database[\s\S]*<\/svg>/);
  assert.equal((await menu("Picture: PNG")).subarray(1, 4).toString(), "PNG");
  const mermaid = (await menu("Diagram: Mermaid")).toString();
  assert.match(mermaid, /^flowchart LR/);
  await paste(page, mermaid);
  await page.waitForFunction(() => document.querySelectorAll(".node").length === 4);
  assert.equal((await wires(page)).length, 3);
  await paste(page, file);
  assert.deepEqual(await wires(page), ["balancer>service", "client>balancer", "service>database"]);
  // What is pasted and wrong is said where it was pasted.
  await page.locator("summary", { hasText: "File" }).click();
  await page.getByRole("button", { name: "Open a file or a diagram" }).click();
  await page.getByLabel("JSON or Mermaid").fill("sequenceDiagram\n a->>b: hi");
  await page.getByRole("button", { name: "Open what is pasted" }).click();
  assert.match(await page.locator("dialog [role=alert]").innerText(), /Line 1: a diagram begins with/);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("an edit under way takes effect and the run goes on", async () => {
  const page = await sandbox();
  await tiers(page);
  await node(page, "client").click();
  await show(page, "Run");
  const clock = () => page.locator("input[type=range]").first().evaluate((line) => Number(line.value));
  await page.waitForFunction(() => Number(document.querySelector(".stage input[type=range]").value) > 2, null, { timeout: 30_000 });
  const rate = page.locator(".panel").getByLabel("Rate").first();
  await rate.fill("400");
  await page.keyboard.press("Tab");
  await page.waitForTimeout(300);
  assert.ok((await clock()) > 1.5, "the run has not begun anew");
  await page.waitForFunction(() => Number(document.querySelector(".figures dd")?.innerText.replace(/\D/g, "")) > 250, null, { timeout: 30_000 });
  // What cannot be run yet leaves the run as it was.
  await rate.fill("-3");
  await page.keyboard.press("Tab");
  assert.ok(await page.locator(".stage").isVisible());
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("what a design promises is its own, and runs of it are held against it", async () => {
  const page = await sandbox();
  await tiers(page);
  await page.keyboard.press("Escape");
  const promises = page.locator(".promises");
  const bound = (words) => promises.locator(".promise", { hasText: words }).locator("input");
  const hold = async () => {
    await promises.getByRole("button", { name: "Hold 5 runs against it" }).click();
    await promises.locator(".promises-kept").waitFor({ timeout: 60_000 });
    return promises.locator(".promises-kept").innerText();
  };
  assert.equal(await bound("p99 latency").inputValue(), "500");
  await promises.getByLabel("Promise more").selectOption({ label: "cost an hour" });
  assert.match(await hold(), /kept, in each of 5 runs/);
  assert.match(await promises.locator(".promise", { hasText: "cost an hour" }).innerText(), /At worst \$[\d.]+, \d+ % of the budget/);
  assert.match(await promises.innerText(), /A million answered requests cost \$/);
  // Nobody answers so soon. What was found before does not count any more.
  await bound("p99 latency").fill("1");
  await page.keyboard.press("Tab");
  await promises.getByText("has changed since").waitFor();
  assert.match(await hold(), /kept in 0 of 5 runs/);
  const missed = await promises.locator(".promise", { hasText: "p99 latency" }).innerText();
  assert.match(missed, /At worst [\d.]+ ms, \d+ times over of the error budget, missed in 5 of 5 runs/);
  // The certificate holds it to the same.
  await show(page, "10×");
  assert.match(await page.locator(".goal summary").innerText(), /99 % answered in time, p99 at most 1 ms/);
  await page.locator(".goal summary").click();
  await page.getByLabel("99th percentile of latency").fill("");
  await page.keyboard.press("Tab");
  await page.getByText("The goal: 99 % answered in time. 50 runs.").waitFor();
  await show(page, "Build");
  assert.equal(await promises.locator(".promise").count(), 2);
  // It is undone, kept and given on as all else.
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Undo" }).click();
  assert.equal(await bound("p99 latency").inputValue(), "1");
  await bound("requests answered in time").fill("130");
  await page.keyboard.press("Tab");
  assert.match(await refused(page), /availability: 1.3 is out of range: 0 to 1 is allowed/);
  assert.equal(await bound("requests answered in time").inputValue(), "99");
  await keep(page);
  await page.reload();
  await page.waitForSelector(".node");
  assert.equal(await bound("p99 latency").inputValue(), "1");
  await page.locator("summary", { hasText: "File" }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save as a file" }).click()]);
  assert.deepEqual(JSON.parse(await readFile(await download.path())).slos, { availability: 0.99, p99_ms: 1, cost_per_h: 2 });
  await promises.getByRole("button", { name: "Do not promise: p99 latency" }).click();
  await bound("p99 latency").waitFor({ state: "detached" });
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("a lesson leads into the sandbox with its scene", async () => {
  const page = await open(browser, `${home}#/lesson/x-axis/playground`);
  const way = page.getByRole("link", { name: "Take this scene into the sandbox" });
  if ((await way.count()) === 0) await page.goto(`${home}#/lesson/x-axis/debrief`);
  await way.click();
  await page.waitForSelector(".node");
  assert.ok((await labels(page)).includes("Balancer"));
  assert.match(await page.locator(".sandbox-title input").inputValue(), /./);
  // And back: the page hears its own events again.
  await page.getByRole("link", { name: "Course" }).click();
  await page.getByRole("heading", { level: 1, name: /ten times/ }).waitFor();
  await page.goBack();
  await page.waitForSelector(".node");
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

/** A JSON merge patch (RFC 7396). */
function patched(value, patch) {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const out = value && typeof value === "object" && !Array.isArray(value) ? { ...value } : {};
  for (const [key, inner] of Object.entries(patch)) {
    if (inner === null) delete out[key];
    else out[key] = patched(out[key], inner);
  }
  return out;
}

test("an address leads out of a dialog", async () => {
  const page = await open(browser, `${home}#/sandbox/challenges`);
  const dialog = page.locator("dialog[open]");
  await dialog.getByText("URL shortener").waitFor();
  await page.evaluate(() => void (location.hash = "#/sandbox/challenge/news-feed"));
  await page.locator(".challenge-story h2", { hasText: "News feed" }).waitFor();
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("a challenge: its start misses what is promised, a solution keeps it", async () => {
  const page = await open(browser, `${home}#/sandbox/challenges`);
  await page.waitForSelector("dialog .shelf-row");
  assert.equal(await page.locator("dialog .shelf-row").count(), 6);
  await page.locator("dialog .shelf-open", { hasText: "URL shortener" }).click();
  await page.waitForSelector(".challenge-story");
  const judge = async () => {
    await page.getByRole("button", { name: "Let that day come" }).click();
    await page.waitForSelector(".verdicts", { timeout: 60_000 });
    return page.locator(".verdicts .verdict").innerText();
  };
  assert.match(await judge(), /of 8 promises are kept/);
  assert.match(await page.locator(".verdicts").innerText(), /What gave first: .* of /);
  await page.getByRole("button", { name: "Watch that day" }).click();
  await page.waitForSelector(".watched .stage-picture .station");
  await page.getByRole("button", { name: "Put the run away" }).click();
  const folder = new URL("../../lessons/challenges/url-shortener/", import.meta.url);
  const start = JSON.parse(await readFile(new URL("start.json", folder)));
  const [first] = (await readdir(new URL("solutions/", folder))).sort();
  const solution = JSON.parse(await readFile(new URL(`solutions/${first}`, folder)));
  await paste(page, JSON.stringify({ design: 1, scenario: patched(start, solution.change), challenge: "url-shortener" }));
  await page.waitForSelector(".challenge-story");
  assert.match(await judge(), /Kept, on each of 5 days/);
  // Work that is dropped is refused, and said where.
  const idle = structuredClone(start);
  idle.components.app.service.plans.follow.pop();
  await paste(page, JSON.stringify({ design: 1, scenario: idle, challenge: "url-shortener" }));
  await page.waitForSelector(".challenge-judge .problem");
  assert.ok(await page.getByRole("button", { name: "Let that day come" }).isDisabled());
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
