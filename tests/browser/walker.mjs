// A reader who does whatever can be done, in an order that a seed decides: every control that is to be seen, the keyboard, the
// history, the address. What it does is written down, and what a learner would mind losing is checked at every step.
import { deflateRawSync } from "node:zlib";

/** A stream of numbers from 0 to 1 that the seed decides: mulberry32, by Tommy Ettinger. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const link = (text) => `#/sandbox/link/1.${deflateRawSync(Buffer.from(text)).toString("base64url")}`;
const STRANGE = ["", "0", "-1", "1e9", "1e-9", "3.7", "abc", "<b>x</b>", "’“ü\u{1f600}", "9".repeat(60)];
const DIAGRAM = "flowchart LR\n  users([Users]) --> shop[Shop] --> db[(Database)]\n  shop --> cache[(Cache)]";
const KEYS = [
  ...["Tab", "Tab", "Tab", "Shift+Tab", "Enter", "Space", "Escape", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"],
  ...["PageUp", "PageDown", "Delete", "Insert", "Control+z", "Control+y", "Control+a", "Control+c", "Control+x", "Control+v", "Control+d", "Control+g"],
  ...["Control+Shift+g", "c", "f", "+", "-", ",", ".", "e", "r", "?"],
];

/** Where an address can lead. */
function places(lessons, challenges) {
  const steps = lessons.flatMap(({ id, steps }) => [...steps, "quiz", "debrief"].map((step) => `#/lesson/${id}/${step}`));
  return [
    ...["#/", "#/review", "#/progress", "#/settings", "#/about", "#/sandbox", "#/sandbox", "#/sandbox/designs", "#/sandbox/challenges"],
    ...["#/404", "#/lesson/none", "#/lesson/x-axis/none", "#/sandbox/none", "#/sandbox/link/1.x", "#/sandbox/design/none"],
    ...["#/%", "#/lesson/%2e%2e/x", link("{"), link("[]")],
    ...lessons.map(({ id }) => `#/lesson/${id}`),
    ...lessons.map(({ id, steps }) => `#/sandbox/lesson/${id}/${steps.at(-1)}`),
    ...challenges.map((id) => `#/sandbox/challenge/${id}`),
    ...steps,
  ];
}

/** The names of the pages that have one of their own. */
const TITLES = { "#/": "Learn how systems scale", "#/about": "About", "#/settings": "Settings", "#/progress": "Your progress", "#/404": "Not found" };

/** What can be done on the page now, with where it is; and what is to be seen of the learner's own. Runs in the page. */
async function look() {
  // The browser answers this before it does what is less urgent, such as following an address.
  await new Promise((done) => setTimeout(done, 5));
  // While a dialog is open, nothing behind it can be reached; the crash panel is found by who asked.
  const inside = document.querySelector("dialog[open]") ?? document;
  for (const element of document.querySelectorAll("[data-walk]")) delete element.dataset.walk;
  const found = inside.querySelectorAll(
    "a[href], button, input, select, textarea, summary, [role=slider], [tabindex='0'], .wire-edge, .port, .stage-picture canvas, .chart canvas, .grip",
  );
  const controls = [];
  for (const element of found) {
    if (element.disabled || element.closest("[inert]")) continue;
    const external = element.tagName === "A" && new URL(element.href, location.href).origin !== location.origin;
    // What a closed part holds is there, but nobody sees it.
    if (external || !(element.type === "radio" || element.checkVisibility({ visibilityProperty: true }))) continue;
    const name = element.getAttribute("aria-label") || element.closest("label")?.textContent || element.textContent || element.getAttribute("class") || "";
    const kind = element.type && element.tagName === "INPUT" ? element.type : element.getAttribute("role") === "slider" ? "grip" : element.tagName.toLowerCase();
    controls.push({ kind, name: String(name).trim().replace(/\s+/g, " ").slice(0, 60), at: controls.length });
    element.dataset.walk = String(controls.length - 1);
  }
  const kept = {};
  for (const key of Object.keys(localStorage)) if (key.startsWith("scale-lab/design/")) kept[key.slice(17)] = localStorage.getItem(key).length;
  const board = document.querySelector(".board");
  return {
    controls,
    hash: location.hash,
    crashed: !document.getElementById("crash").hidden && document.getElementById("crash-detail").textContent,
    progress: localStorage.getItem("scale-lab/progress"),
    kept,
    nodes: board && [...board.querySelectorAll(".node")].map((node) => node.dataset.node).sort(),
    now: Number.parseFloat(document.querySelector(".stage-now")?.innerText) || 0,
    task: Boolean(document.querySelector(".step .task.done")),
    blank: document.body.innerText.trim().length < 20,
    title: document.title,
  };
}

/** The walk. `page` changes when the tab was killed: `walk.page` is the one that is there. */
export class Walk {
  /** A walk on pages that `open` opens, deciding by the seed. */
  constructor({ open, seed, lessons, challenges, log = 50 }) {
    Object.assign(this, { open, seed, log });
    this.random = random(seed);
    this.places = places(lessons, challenges);
    this.steps = new Map(lessons.map(({ id, steps }) => [id, new Set([...steps, "quiz", "debrief"])]));
    this.done = [];
    this.counts = new Map();
    this.seen = new Set();
    this.wrong = [];
    this.simulated_s = 0;
    this.deeds = 0;
  }

  /** Opens the page. */
  async begin() {
    this.page = await this.open();
    this.listen();
  }

  listen() {
    const { page } = this;
    page.on("dialog", (dialog) => dialog.dismiss().catch(() => {}));
    page.on("download", (download) => download.cancel().catch(() => {}));
    page.on("filechooser", (chooser) => chooser.setFiles(this.file()).catch(() => {}));
  }

  whole(below) {
    return Math.floor(this.random() * below);
  }

  one(list) {
    return list[this.whole(list.length)];
  }

  /** A file to be chosen: good ones and bad ones. */
  file() {
    const [name, text] = this.one([
      ["progress.json", '{"version":2,"lessons":{"x-axis":{"steps":["drown"]}}}'],
      ["design.mmd", DIAGRAM],
      ["bad.json", '{"version":'],
      ["access.log", '192.0.2.7 - - [10/Oct/2025:13:00:01 +0000] "GET /a HTTP/1.1" 200 512\n'.repeat(40)],
      ["empty.json", ""],
    ]);
    return { name, mimeType: "text/plain", buffer: Buffer.from(text) };
  }

  /** Does one thing and checks what is to be checked. Throws when something is wrong, with what was done. */
  async step() {
    const before = await this.within(20_000, this.page.evaluate(look), "the page answers no more");
    this.check(before);
    const [told, does] = this.choose(before);
    this.note(`${this.deeds}: ${told} at ${before.hash.slice(0, 60)}`);
    this.deeds += 1;
    await does().catch((error) => {
      // What was there is gone again, or something lies over it: a reader would see that, too.
      if (!/Timeout|detached|not attached|outside of the viewport|not visible|intercepts|Execution context|navigation|not an? <|not enabled|Cannot type|Malformed|net::ERR_ABORTED|input of type/i.test(error.message)) throw error;
      this.note(`   … ${error.message.split("\n", 1)[0].slice(0, 100)}`);
    });
    if (this.page.errors.length) throw this.failure(this.page.errors.join("; "));
  }

  note(what) {
    this.done.push(what);
    if (this.done.length > 400) this.done.splice(0, 200);
  }

  async within(ms, promise, what) {
    let timer;
    const late = new Promise((_, refuse) => (timer = setTimeout(() => refuse(this.failure(what)), ms)));
    try {
      return await Promise.race([promise, late]);
    } catch (error) {
      // The page is on its way to another address.
      if (/Execution context was destroyed|Cannot find context|navigation/i.test(error.message)) {
        await this.page.waitForSelector("#crash", { state: "attached" });
        return this.page.evaluate(look);
      }
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  failure(what) {
    return new Error(`seed ${this.seed}, after ${this.deeds} deeds: ${what}\nThe last of them:\n${this.done.slice(-this.log).join("\n")}`);
  }

  /** Nothing that a learner has may go, but by their own hand. */
  check(now) {
    if (now.crashed) throw this.failure(`the page has crashed: ${now.crashed}`);
    if (now.blank) throw this.failure("the page is blank");
    if (this.before && now.now > this.before.now && now.hash === this.before.hash) this.simulated_s += now.now - this.before.now;
    const read = (text) => JSON.parse(text ?? '{"lessons":{}}').lessons;
    const [was, is] = [read(this.before?.progress), read(now.progress)];
    if (!this.forgets) {
      for (const [id, lesson] of Object.entries(was)) {
        const lost = (what) => { throw this.failure(`progress is lost: ${what} of ${id}`); };
        for (const step of lesson.steps ?? []) if (!is[id]?.steps?.includes(step)) lost(`step ${step}`);
        for (const step of Object.keys(lesson.predictions ?? {})) if (!is[id]?.predictions?.[step]) lost(`the prediction at ${step}`);
        for (const [question, { asked, right }] of Object.entries(lesson.questions ?? {})) {
          const then = is[id]?.questions?.[question];
          if (!then || then.asked < asked || then.right < right) lost(`question ${question}`);
        }
      }
    }
    // Nothing is kept under the name of something else.
    for (const [id, { steps = [], last, predictions = {} }] of Object.entries(is)) {
      const strange = [...steps, ...(last ? [last] : []), ...Object.keys(predictions)].filter((step) => !this.steps.get(id)?.has(step));
      if (strange.length) throw this.failure(`progress of ${id} holds ${strange}, which is none of its steps`);
    }
    // The page follows its address.
    const titled = TITLES[now.hash];
    this.strays = titled && !now.title.startsWith(titled) ? (this.strays ?? Date.now()) : undefined;
    if (this.strays && Date.now() - this.strays > 8_000) throw this.failure(`at ${now.hash} the page is still that of “${now.title}”`);
    // A step whose task the page shows as done is kept as done.
    const [, id, step] = /^#\/lesson\/([^/]+)\/([^/]+)$/.exec(now.hash) ?? [];
    if (step && this.ticked && now.hash === this.ticked && now.task && !is[id]?.steps?.includes(step)) throw this.failure(`the task of ${step} is ticked and not kept`);
    this.ticked = now.task ? now.hash : undefined;
    for (const kept of Object.keys(this.before?.kept ?? {})) {
      if (!(kept in now.kept) && !this.forgets) throw this.failure(`design ${kept} is gone`);
    }
    this.forgets = false;
    this.before = now;
  }

  /** What is done next: how it is told, and a function that does it. */
  choose(now) {
    const { page } = this;
    const lot = this.random();
    if (lot < 0.02) {
      const to = this.one(this.places);
      return [`go to ${to.slice(0, 60)}`, () => page.evaluate((to) => void (location.hash = to), to)];
    }
    if (lot < 0.03) return ["back", () => this.history(-1)];
    if (lot < 0.037) return ["forward", () => this.history(1)];
    if (lot < 0.041) return ["reload", () => this.reload()];
    if (lot < 0.046) {
      const [width, height] = this.one([[1280, 800], [390, 844], [320, 640], [800, 600], [1600, 1000]]);
      return [`a window of ${width} by ${height}`, () => page.setViewportSize({ width, height })];
    }
    if (lot < 0.05) {
      const media = this.one([{ colorScheme: "dark" }, { colorScheme: "light" }, { reducedMotion: "reduce" }, { reducedMotion: "no-preference" }, { forcedColors: "active" }, { forcedColors: "none" }]);
      return [`the system wants ${JSON.stringify(media)}`, () => page.emulateMedia(media)];
    }
    if (lot < 0.056) return ["drop a file", () => this.drop()];
    if (lot < 0.058) return ["kill the simulation", () => this.killWorkers()];
    if (lot < 0.07) return ["let it run", () => page.waitForTimeout(this.whole(600))];
    if (lot < 0.085) return ["let it run fast", () => this.fast()];
    if (lot < 0.2) {
      const key = this.one(KEYS);
      return [`press ${key}`, () => page.keyboard.press(key)];
    }
    if (!now.controls.length) return ["wait", () => page.waitForTimeout(50)];
    // What was done less often is likelier to be done now, so that it comes to deep places.
    const where = now.hash.replace(/link\/.*/, "link").replace(/design\/.*/, "design");
    const weight = ({ kind, name }) => 1 / (1 + (this.counts.get(`${where} ${kind} ${name}`) ?? 0));
    let rest = this.random() * now.controls.reduce((sum, control) => sum + weight(control), 0);
    const control = now.controls.find((control) => (rest -= weight(control)) <= 0) ?? now.controls.at(-1);
    const key = `${where} ${control.kind} ${control.name}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    this.seen.add(`${control.kind} ${control.name.replace(/[\d.,]+/g, "#")}`);
    if (/^(Reset|Put it in place of mine|Undo$|Delete )/.test(control.name)) this.forgets = true;
    return this.use(control);
  }

  use({ kind, name, at }) {
    const { page } = this;
    const target = page.locator(`[data-walk="${at}"]`).first();
    const quick = { timeout: 800 };
    const told = (what) => `${what} ${kind} “${name}”`;
    const lot = this.random();
    if (kind === "range") {
      const share = this.random();
      if (lot < 0.3) return [told("keys on"), () => target.press(this.one(["Home", "End", "ArrowRight", "ArrowLeft", "PageUp"]), quick)];
      return [told(`${Math.round(share * 100)}% on`), () => target.evaluate((line, share) => {
        const [min, max] = [Number(line.min), Number(line.max || 100)];
        line.value = String(min + (max - min) * share);
        line.dispatchEvent(new Event("input", { bubbles: true }));
        line.dispatchEvent(new Event("change", { bubbles: true }));
      }, share, quick)];
    }
    if (kind === "number" || kind === "text" || kind === "textarea") {
      const value = kind === "textarea" ? this.one(["", "Because the queue grows.", DIAGRAM, "{", "x".repeat(5000)]) : this.one(lot < 0.5 ? STRANGE : ["1", "2", "5", "10", "20", "50", "100", "400"]);
      return [told(`“${value.slice(0, 20)}” into`), async () => {
        await target.fill(value, quick);
        if (lot > 0.3) await page.keyboard.press(lot > 0.8 ? "Enter" : "Tab");
      }];
    }
    if (kind === "select") {
      const which = this.whole(1000);
      return [told("choose in"), () => target.evaluate((select, which) => {
        const options = [...select.options].filter((option) => !option.disabled);
        if (!options.length) return;
        select.value = options[which % options.length].value;
        select.dispatchEvent(new Event("input", { bubbles: true }));
        select.dispatchEvent(new Event("change", { bubbles: true }));
      }, which, quick)];
    }
    if (kind === "file") return [told("choose a file for"), () => target.setInputFiles(this.file(), quick)];
    if (kind === "grip" && lot < 0.5) return [told("keys on"), () => target.press(this.one(KEYS.slice(7)), quick)];
    if (lot < 0.3 && /canvas|div|grip|^g$/.test(kind)) {
      const by = [this.whole(300) - 150, this.whole(200) - 100];
      const held = this.one([undefined, undefined, "Shift", "Control"]);
      return [told(`drag by ${by}${held ? ` with ${held}` : ""}`), () => this.drag(target, by, held)];
    }
    if (lot < 0.34 && /canvas|div/.test(kind)) return [told("turn the wheel on"), async () => {
      await page.mouse.move(...(await this.middle(target)));
      if (lot < 0.32) await page.keyboard.down("Control");
      await page.mouse.wheel(this.whole(60) - 30, this.whole(400) - 200);
      if (lot < 0.32) await page.keyboard.up("Control");
    }];
    if (lot < 0.4) return [told("focus and Enter on"), () => target.press(lot < 0.37 ? "Enter" : "Space", quick)];
    return [told("click"), async () => {
      const [x, y] = await this.middle(target);
      await page.mouse.click(x, y, { clickCount: lot > 0.97 ? 2 : 1 });
    }];
  }

  /** Where a control is, once it is in sight. Whatever lies over it takes the click. */
  async middle(target) {
    return target.evaluate((element) => {
      element.scrollIntoView({ block: "nearest", behavior: "instant" });
      const { left, top, width, height } = (element.type === "radio" ? (element.closest("label") ?? element) : element).getBoundingClientRect();
      return [left + width / 2, top + height / 2];
    }, undefined, { timeout: 800 });
  }

  async drag(target, [x, y], held) {
    const { page } = this;
    const [left, top] = await this.middle(target);
    if (held) await page.keyboard.down(held);
    await page.mouse.move(left, top);
    await page.mouse.down();
    await page.mouse.move(left + x / 2, top + y / 2, { steps: 2 });
    // Some drags are called off.
    if (this.random() < 0.1) await page.keyboard.press("Escape");
    await page.mouse.move(left + x, top + y, { steps: 2 });
    await page.mouse.up();
    if (held) await page.keyboard.up(held);
  }

  async drop() {
    const { name, buffer } = this.file();
    const files = await this.page.evaluateHandle(([name, text]) => {
      const files = new DataTransfer();
      files.items.add(new File([text], name, { type: "text/plain" }));
      return files;
    }, [name, buffer.toString()]);
    await this.page.dispatchEvent("body", "drop", { dataTransfer: files });
    const inside = this.page.locator(".sandbox");
    if (await inside.count()) await inside.dispatchEvent("drop", { dataTransfer: files }, { timeout: 800 });
  }

  /** Plays the run at its highest speed, if there is one. */
  async fast() {
    const plays = await this.page.evaluate(() => {
      const speed = document.querySelector(".stage-speed");
      const play = document.querySelector(".stage-bar .play");
      if (!speed || !play) return false;
      speed.selectedIndex = speed.options.length - 1;
      speed.dispatchEvent(new Event("change", { bubbles: true }));
      if (/Play/.test(play.innerText)) play.click();
      document.querySelector(".stage-picture").scrollIntoView({ block: "center", behavior: "instant" });
      return true;
    });
    await this.page.waitForTimeout(plays ? 1_200 : 20);
  }

  /** A step in the history, but not out of the page. */
  async history(by) {
    await this.page.evaluate((by) => history.go(by), by);
    await this.page.waitForTimeout(60);
    if (!this.page.url().startsWith("http")) await this.page.goForward();
  }

  async reload() {
    const before = this.page.errors.length;
    await this.page.reload();
    await this.page.waitForSelector("main h1", { timeout: 20_000 });
    // What was being fetched when the page went is not fetched: the page that is gone may say so.
    const after = this.page.errors.splice(before);
    this.page.errors.push(...after.filter((error) => !/Failed to fetch|could not be fetched|Fetch API cannot load \S+\. +at /.test(error)));
    this.before.now = 0;
  }

  /** Ends the tab's process, as a browser does when there is no memory left, and opens another. What was done is kept before that. */
  async killTab() {
    const { page } = this;
    await page.waitForTimeout(900);
    this.check(await page.evaluate(look));
    this.note(`${this.deeds}: the tab is killed at ${page.url().split("#")[1]?.slice(0, 60)}`);
    const hash = page.url().split("#")[1] ?? "/";
    const gone = page.waitForEvent("crash");
    page.goto("chrome://crash").catch(() => {});
    await gone;
    await page.close();
    this.page = await this.open(hash);
    this.listen();
    this.before.now = 0;
    this.check(await this.page.evaluate(look));
  }

  /** Ends the simulation in the middle of whatever it is at. Returns how many workers there were. */
  async killWorkers() {
    const workers = this.page.workers();
    this.note(`${this.deeds}: ${workers.length} workers are killed`);
    // A busy one hears of it when it has done what it does.
    await Promise.all(workers.map((worker) => Promise.race([worker.evaluate(() => self.close()).catch(() => {}), new Promise((done) => setTimeout(done, 2_000))])));
    return workers.length;
  }
}

/** The steps of each lesson of the catalogue and the challenges, as the folder of the page has them. */
export async function course(read) {
  const catalog = JSON.parse(await read("lessons/catalog.json"));
  const lessons = [];
  for (const { id, planned } of catalog.lessons) {
    if (planned) continue;
    const text = await read(`lessons/${id}/lesson.md`);
    lessons.push({ id, steps: [...text.matchAll(/^```step\n([\s\S]*?)^```$/gm)].map(([, step]) => JSON.parse(step).id) });
  }
  const index = JSON.parse(await read("lessons/challenges/index.json"));
  const challenges = Array.isArray(index) ? index : index.challenges;
  return { lessons, challenges: challenges.map((c) => c.id ?? c) };
}
