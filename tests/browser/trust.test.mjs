// The trust page: runs that agree with theory, records that agree with the engine, and what becomes of them when things go wrong.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { heading, launch, open, serve, test } from "./lab.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const PLACES = ["#/trust", "#/trust/systems/weighted-round-robin", "#/trust/systems/eviction", "#/trust/systems/breaker-resilience4j", "#/trust/components"];
const SIZES = [{ width: 1280, height: 800 }, { width: 390, height: 844 }];

const browser = await launch();
const home = await serve();

const done = (page, claim) => page.locator(`#claim-${claim} .claim-state.done`).waitFor({ timeout: 120_000 });
/** All is run once more, and has come to something else. */
const anew = async (page, claim, before) => {
  await page.waitForFunction(([claim, before]) => document.querySelector(`#claim-${claim} .figure-measured`)?.innerText !== before, [claim, before[0]]);
  await done(page, claim);
};
const measured = (page, claim) => page.locator(`#claim-${claim} .figure-measured`).allInnerTexts();

test("the first claim runs by itself, agrees, and is drawn; the others wait until they are asked", async () => {
  const page = await open(browser, `${home}#/about`);
  await page.getByRole("link", { name: /how it is checked/ }).click();
  await page.getByRole("heading", { level: 1, name: "How do we know?" }).waitFor();
  await done(page, "mm1");
  const figures = page.locator("#claim-mm1 .figure-row");
  assert.equal(await figures.count(), 10);
  for (const row of await figures.all()) {
    assert.equal(await row.locator(".whisker-dot").count(), 20);
    assert.equal(await row.locator(".whisker-theory").count(), 1);
    const [theory, mean, half] = (await row.locator("dd").allInnerTexts()).join(" ± ").match(/[\d.]+/g).map(Number);
    // Far more than chance would do, far less than an error would.
    assert.ok(Math.abs(mean - theory) <= 2 * half, `${theory} ${mean} ± ${half}`);
    assert.match(await row.locator(".figure-verdict").innerText(), /^inside$|^outside: one in a hundred is, by design$/);
  }
  // The picture shows what the numbers say: the interval holds the line of theory where they do.
  const drawn = await page.locator("#claim-mm1 .figure-row.inside").evaluateAll((rows) =>
    rows.map((row) => {
      const at = (name) => row.querySelector(name).getBoundingClientRect();
      return [at(".whisker-interval").left, at(".whisker-theory").left, at(".whisker-interval").right];
    }),
  );
  for (const [low, theory, high] of drawn) assert.ok(low <= theory + 2 && theory <= high + 2, `${low} ${theory} ${high}`);
  assert.equal(await page.locator("#claim-mg1 .whisker-dot").count(), 0);
  assert.match(await page.locator(".score-words").innerText(), /\d+ of 10 intervals hold the closed form/);
  await page.getByRole("button", { name: "Run it 20 times: Little's law" }).click();
  await done(page, "little");
  assert.match(await page.locator(".score-words").innerText(), /of 11 intervals/);
  // What is done stays while one moves about.
  await page.getByRole("link", { name: "What is modelled" }).click();
  await page.getByRole("heading", { name: "Event store" }).waitFor();
  await page.goto(`${home}#/`);
  await page.getByRole("link", { name: /How do we know/ }).click();
  await done(page, "little");
  assert.deepEqual(page.errors, []);
});

test("the same seed gives the same numbers, another gives others, and the address tells which", async () => {
  const page = await open(browser, `${home}#/trust/theory/erlang-b?seed=7`);
  await done(page, "erlang-b");
  const seven = await measured(page, "erlang-b");
  assert.equal(await page.locator("#claim-mm1 .whisker-dot").count(), 0, "the one in the address is the first");
  const seed = page.getByLabel("Seed", { exact: true });
  assert.equal(await seed.inputValue(), "7");
  await seed.fill("8000");
  await page.getByRole("button", { name: "Run again with this seed" }).click();
  await page.waitForURL(/#\/trust\/theory\?seed=8000$/);
  await anew(page, "erlang-b", seven);
  const eight = await measured(page, "erlang-b");
  assert.notDeepEqual(eight, seven);
  await seed.fill("7");
  await seed.press("Enter");
  await page.waitForURL(/seed=7$/);
  await anew(page, "erlang-b", eight);
  assert.deepEqual(await measured(page, "erlang-b"), seven);
  await page.getByRole("button", { name: "Another seed" }).click();
  await page.waitForFunction(() => !location.hash.endsWith("seed=7"));
  const other = await seed.inputValue();
  await anew(page, "erlang-b", seven);
  assert.ok(page.url().endsWith(`seed=${other}`));
  // A reload keeps the place and the seed.
  const before = await measured(page, "erlang-b");
  await page.goto(`${home}#/trust/theory/erlang-b?seed=${other}`);
  await page.reload();
  await done(page, "erlang-b");
  assert.deepEqual(await measured(page, "erlang-b"), before);
  assert.deepEqual(page.errors, []);
});

test("a seed that is none is told once, and nothing runs with it", async () => {
  const page = await open(browser, `${home}#/trust?seed=-3`);
  const told = page.getByRole("alert");
  assert.match(await told.innerText(), /“-3” is no seed: a whole number from 0 to 18446744073709551596 is allowed/);
  assert.equal(await page.locator(".whisker-dot").count(), 0);
  const seed = page.getByLabel("Seed", { exact: true });
  assert.equal(await seed.getAttribute("aria-invalid"), "true");
  for (const wrong of ["18446744073709551597", "1.5", "seven", ""]) {
    await seed.fill(wrong);
    await page.getByRole("button", { name: "Run again with this seed" }).click();
    assert.match(await told.innerText(), /is no seed/);
    assert.equal(await told.count(), 1);
    assert.equal(await seed.inputValue(), wrong);
  }
  await seed.fill("18446744073709551596");
  await page.waitForFunction(() => !document.querySelector("[role=alert]"));
  await page.getByRole("button", { name: "Run again with this seed" }).click();
  await page.getByRole("button", { name: "Run it 20 times: Four lines and nobody waits" }).click();
  await done(page, "erlang-b");
  assert.deepEqual(page.errors, []);
});

test("runs can be stopped and gone on with", async () => {
  const page = await open(browser, `${home}#/trust`);
  await page.getByRole("button", { name: "Run all" }).click();
  await page.waitForFunction(() => document.querySelectorAll(".whisker-dot").length > 5);
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByRole("button", { name: "Run all" }).waitFor();
  assert.match(await page.locator(".score-progress").innerText(), /^\d+ of \d+ runs, stopped$/);
  const dots = () => page.locator(".whisker-dot").count();
  const before = await dots();
  await page.waitForTimeout(1_500);
  assert.equal(await dots(), before);
  await page.getByRole("button", { name: "Run all" }).click();
  await page.waitForFunction((before) => document.querySelectorAll(".whisker-dot").length > before, before);
  assert.deepEqual(page.errors, []);
});

test("every record agrees line by line", async () => {
  const page = await open(browser, `${home}#/trust/systems`);
  const records = await page.locator(".record h3 a").all();
  assert.equal(records.length, 11);
  const fetched = [];
  page.on("request", (request) => request.url().includes("/recorded/") && fetched.push(request.url()));
  for (const [at, record] of records.entries()) {
    await record.click();
    const told = await page.locator(".record.open .agreement strong").innerText();
    const [agree, of] = told.match(/\d+/g).map(Number);
    assert.ok(agree === of && of >= 45, told);
    assert.equal(fetched.length, at + 1, "each record is fetched when it is opened, and no other");
    assert.equal(await page.locator(".record.open").count(), 1);
    assert.equal(await page.locator(".sequence .differs").count(), 0);
  }
  await page.goto(`${home}#/trust/systems/failover`);
  const series = page.getByLabel("Series");
  await series.selectOption({ index: 2 });
  await page.getByRole("button", { name: /Show all \d+ lines/ }).click();
  const shown = await page.locator(".sequence tbody tr").count();
  assert.ok(shown > 12);
  assert.equal(await page.locator(".ribbon div:last-of-type i").count(), shown);
  // Servers are told apart by letter as well as by colour.
  const chips = await page.locator(".sequence .server").evaluateAll((all) => all.map((chip) => [chip.textContent, getComputedStyle(chip).borderColor].join(" ")));
  assert.ok(new Set(chips).size >= 2 && new Set(chips).size <= 4, [...new Set(chips)].join());
  await page.reload();
  await page.locator(".record.open #record-failover-title").waitFor();
  assert.deepEqual(page.errors, []);
});

test("a record that could not be fetched can be fetched again; one of something else is found out", async () => {
  let answer = [500, "no"];
  const shaky = await serve((path) => (path === "recorded/nginx_swrr_sequences.csv" ? answer : undefined));
  const page = await open(browser, `${shaky}#/trust/systems/weighted-round-robin`);
  await page.getByText("the server answered 500").waitFor();
  answer = [200, "a,b\n1"];
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("nginx_swrr_sequences.csv, line 2").waitFor();
  const right = await readFile(new URL("../oracle/lb/nginx_swrr_sequences.csv", import.meta.url), "utf8");
  answer = [200, right.replace("wrr_5_1_1,5:1:1,1,a", "wrr_5_1_1,5:1:1,1,b")];
  await page.getByRole("button", { name: "Try again" }).click();
  assert.match(await page.locator(".agreement").innerText(), /143 of 144 lines agree/);
  assert.equal(await page.locator(".sequence tr.differs").count(), 1);
  answer = undefined;
  await page.reload();
  await page.getByText("144 of 144 lines agree").waitFor();
});

test("places that are not there are told", async () => {
  const page = await open(browser, `${home}#/trust/theory/no-such-claim`);
  assert.match(await page.getByRole("alert").innerText(), /nothing here by the name of “no-such-claim”/);
  await page.goto(`${home}#/trust/nowhere`);
  await page.getByText("a part that this page does not have").waitFor();
  await page.goto(`${home}#/trust/systems/x`);
  await page.getByText("by the name of “x”").waitFor();
  assert.deepEqual(page.errors, []);
});

test("all of it works by keyboard", async () => {
  const page = await open(browser, `${home}#/trust`);
  await done(page, "mm1");
  const press = async (wanted) => {
    for (let at = 0; at < 60; at += 1) {
      await page.keyboard.press("Tab");
      const now = await page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.innerText);
      if (wanted.test(now)) return page.keyboard.press("Enter");
    }
    assert.fail(`no ${wanted} by keyboard`);
  };
  await press(/^Run it 20 times: Four lines/);
  await done(page, "erlang-b");
  await page.evaluate(() => document.querySelector("main h1").focus());
  await press(/^Beside real systems$/);
  await page.waitForURL(/#\/trust\/systems$/);
  await press(/^Smooth weighted round robin/);
  await page.locator(".record.open .sequence").waitFor();
  await press(/^Show all/);
  assert.ok((await page.locator(".sequence tbody tr").count()) > 12);
});

test("the sandbox and the trust page take each other's place", async () => {
  const page = await open(browser, `${home}#/trust/components`);
  await page.getByRole("link", { name: "Sandbox" }).click();
  await page.locator(".sandbox-bar").waitFor();
  assert.equal(await page.locator(".trust").count(), 0);
  await page.goBack();
  await page.getByRole("heading", { name: "Event store" }).waitFor();
  assert.equal(await page.locator(".sandbox").count(), 0);
  await page.getByRole("link", { name: "Course" }).click();
  await page.waitForSelector(".map .entry");
  assert.equal(await page.locator("#sandbox").isHidden(), true);
  assert.equal(await heading(page), await page.locator("#main h1").innerText());
  assert.deepEqual(page.errors, []);
});

for (const colorScheme of ["light", "dark"]) {
  for (const viewport of SIZES) {
    test(`axe finds nothing, and nothing overflows: ${colorScheme}, ${viewport.width} wide`, async () => {
      const context = await browser.newContext({ viewport, colorScheme, bypassCSP: true });
      const page = await open(browser, home, { context });
      for (const hash of PLACES) {
        await page.goto(home + hash);
        await page.waitForSelector("main .trust h1");
        if (hash === "#/trust") await done(page, "mm1");
        if (hash.includes("/systems/")) await page.locator(".record.open .sequence").waitFor();
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${hash} is ${wide} px too wide`);
        await page.addScriptTag({ path: AXE });
        const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
        const told = violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.html).slice(0, 3)}`);
        assert.deepEqual(told, [], hash);
        const small = await page.$$eval(".trust a, .trust button, .trust input, .trust select", (all) =>
          all.filter((one) => one.getBoundingClientRect().height < 24 && !one.closest("p")).map((one) => one.outerHTML.slice(0, 120)),
        );
        assert.deepEqual(small, [], hash);
      }
      assert.deepEqual(page.errors, []);
      await context.close();
    });
  }
}
