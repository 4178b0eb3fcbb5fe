// What every test needs: the built folder on a server of its own, under a path of its own, and a browser that tolerates no error.
import assert from "node:assert/strict";
import http from "node:http";
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { after, afterEach, test as nodeTest } from "node:test";
import { chromium } from "playwright-core";

export const DIST = process.env.DIST ?? new URL("../../dist", import.meta.url).pathname;
/** A build keeps its files in a folder of their own (`cargo xtask seal`). */
const BUILD = /^lab-[0-9a-f]+\//;
/** The files of a build: its scripts, its Wasm, its lessons. */
export const parts = (dist = DIST) => join(dist, readdirSync(dist).find((name) => BUILD.test(`${name}/`)));
/** The name of a file, whatever build it belongs to. */
export const nameOf = (path) => path.replace(BUILD, "");
export const CHROME = process.env.CHROME ?? "/usr/bin/chromium";
export const FLAGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".md": "text/markdown",
  ".webmanifest": "application/manifest+json",
};

/** A test that fails, rather than hang, when something does not come. */
export const test = (name, run) => nodeTest(name, { timeout: 180_000 }, run);

const servers = new Map();

/** Serves the folder below /any/path/; `answer(name, path)` may give `[status, body, headers]` for some files instead (a body in pieces, which may be promises, comes as they do), `dist()` another folder. */
export async function serve(answer = () => undefined, dist = () => DIST) {
  const server = http.createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://x").pathname);
    const below = path.startsWith("/any/path/") ? path.slice("/any/path/".length) || "index.html" : null;
    const given = below === null ? [404, ""] : await answer(nameOf(below), below);
    try {
      const [status, body, headers] = given ?? [200, await readFile(join(dist(), normalize(below)))];
      response.writeHead(status, { "content-type": TYPES[extname(below ?? "")] ?? "text/plain", ...headers });
      for (const piece of Array.isArray(body) ? body : [body]) response.write(await piece);
      response.end();
    } catch {
      response.writeHead(404, { "content-type": "text/plain" }).end("not found");
    }
  });
  server.on("connection", (socket) => socket.unref());
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  // No server keeps a suite from ending, whether its test ends well or not.
  server.unref();
  const base = `http://127.0.0.1:${server.address().port}/any/path/`;
  servers.set(base, server);
  return base;
}

/** Ends a server: nothing answers there any more. */
export async function stop(base) {
  const server = servers.get(base);
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
}

/** What the page's policy has refused, in all pages of a file of tests. */
const refused = [];

/**
 * A browser for one file of tests. It ends with them, and they fail if a page did what its policy forbids. Pages keep nothing for offline
 * use unless a context asks for `serviceWorkers: "allow"`.
 */
export async function launch() {
  const browser = await chromium.launch({ executablePath: CHROME, args: FLAGS });
  const plain = browser.newContext.bind(browser);
  browser.newContext = async (options) => {
    const context = await plain({ serviceWorkers: "block", ...options });
    await context.exposeBinding("policyRefused", ({ page }, what) => refused.push(`${page.url()}: ${what}`));
    await context.addInitScript(() => {
      // The same questions are drawn whenever a test is made again.
      let state = 1;
      Math.random = () => ((state = (state * 48271) % 2147483647) - 1) / 2147483646;
      addEventListener("securitypolicyviolation", (event) => {
        const { effectiveDirective, blockedURI, sourceFile, lineNumber, sample } = event;
        globalThis.policyRefused(`${effectiveDirective} ${blockedURI} ${sourceFile}:${lineNumber} ${sample}`);
      });
    });
    return context;
  };
  after(() => browser.close(), { timeout: 30_000 });
  afterEach(() => assert.deepEqual(refused.splice(0), [], "the page's policy was kept"));
  return browser;
}

/**
 * Opens a page. Errors of the page and on the console, and requests elsewhere, gather in `page.errors`; but not what `expected` says
 * of a message on the console and where it comes from.
 */
export async function open(browser, url, { expected = () => false, ...options } = {}) {
  const context = options.context ?? (await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options }));
  const page = await context.newPage();
  page.errors = [];
  page.on("pageerror", (error) => page.errors.push(`page: ${error}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !expected(message.text(), message.location().url)) page.errors.push(`console: ${message.text()} at ${message.location().url}`);
  });
  page.on("request", (request) => {
    const to = request.url();
    if (!to.startsWith(new URL(url).origin) && !/^(blob|data):/.test(to)) page.errors.push(`request to ${to}`);
  });
  await page.goto(url);
  await page.waitForSelector("main h1");
  return page;
}

/** The name of the step on the page. */
export const heading = (page) => page.locator("main h1").innerText();

/** Waits until the task of the step has been ticked by the run. */
export const ticked = (page) => page.waitForSelector(".task.done", { timeout: 60_000 });
