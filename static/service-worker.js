// Keeps a build of the lab whole, and answers from it. Files are kept by what is in them: what two builds share is fetched and kept once,
// and what is not as it was built is not kept at all. `cargo xtask seal` writes the list of the build's files in here.
"use strict";

/** The build's folder, and of each of its files, in the order in which they are needed, what is in it. */
const BUILD = null;

const SCOPE = new URL("./", self.location.href).href;
/** Of this origin's stores, the one of the lab at this address. */
const STORE = `scale-lab ${SCOPE}`;
const FILE = `${SCOPE}kept?file=`;
const LIST = `${SCOPE}kept?list=`;
const AT_ONCE = 3;

const fileKey = (integrity) => FILE + encodeURIComponent(integrity);
const listKey = (folder) => LIST + encodeURIComponent(folder);
/** Only what is in it and its kind: an answer from the store stands for whatever address was asked. */
const plain = (answer) => new Response(answer.body, { headers: { "content-type": answer.headers.get("content-type") ?? "" } });

async function keep(store, path, integrity) {
  const key = fileKey(integrity);
  if (await store.match(key)) return;
  const address = new URL(path === "index.html" ? "./" : path, SCOPE);
  const get = (cache) => fetch(address, { integrity, cache, priority: "low" });
  // What the browser has already may be used, if it is right.
  const first = path.startsWith(BUILD.folder) ? "default" : "no-cache";
  const answer = await get(first).catch(() => get("reload"));
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  await store.put(key, plain(answer));
}

/** Keeps every file, or fails: a build that is not whole is never used. What was kept is not fetched anew when it is tried again. */
async function install() {
  const store = await caches.open(STORE);
  const left = Object.entries(BUILD.files);
  const some = async () => {
    while (left.length > 0) await keep(store, ...left.shift());
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, some));
  } catch (error) {
    left.length = 0;
    throw error;
  }
  await store.put(listKey(BUILD.folder), Response.json({ files: BUILD.files }));
}

/** The folders of the other builds of which lists are kept, with these. */
async function others(store) {
  const found = [];
  for (const { url } of await store.keys()) {
    if (!url.startsWith(LIST) || url === listKey(BUILD.folder)) continue;
    found.push({ url, list: await (await store.match(url)).json() });
  }
  return found;
}

const windows = async () => (await self.clients.matchAll({ type: "window", includeUncontrolled: true })).map(({ id }) => id);

/** From now on this build answers. Tabs of the one before go on with theirs for as long as they are open. */
async function activate() {
  const store = await caches.open(STORE);
  const open = await windows();
  for (const { url, list } of await others(store)) {
    await store.put(url, Response.json({ tabs: open, ...list }));
  }
  await sweep(store, true);
  await self.clients.claim();
}

/** Removes the builds that no tab uses any more; once there is a new one, also what is left of those that never became whole. */
async function sweep(store, some = false) {
  const open = await windows();
  const used = new Set(Object.values(BUILD.files).map(fileKey));
  for (const { url, list } of await others(store)) {
    // A list without tabs is of a build that waits for its turn.
    if (list.tabs && !list.tabs.some((tab) => open.includes(tab))) some = await store.delete(url);
    else for (const integrity of Object.values(list.files)) used.add(fileKey(integrity));
  }
  // While another build is being fetched, what there is of it stays.
  if (!some || self.registration.installing) return;
  for (const request of await store.keys()) {
    if (request.url.startsWith(FILE) && !used.has(request.url)) await store.delete(request);
  }
}

async function kept(integrity, request) {
  const found = integrity && (await (await caches.open(STORE)).match(fileKey(integrity)));
  return found ? plain(found) : fetch(request);
}

/** A file of another build: a tab of it is still open. */
async function older(path, request) {
  const store = await caches.open(STORE);
  const list = await store.match(listKey(path.slice(0, path.indexOf("/") + 1)));
  return kept(list && (await list.json()).files[path], request);
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("message", (event) => {
  // The reader has said yes.
  if (event.data === "use") self.skipWaiting();
  // A page of some build has begun; another may have ended.
  if (event.data === "here") event.waitUntil(caches.open(STORE).then((store) => sweep(store)));
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(SCOPE)) return;
  const path = request.url.slice(SCOPE.length).replace(/[?#].*$/, "");
  if (request.mode === "navigate") {
    if (path === "" || path === "index.html") event.respondWith(kept(BUILD.files["index.html"], request));
  } else if (Object.hasOwn(BUILD.files, path)) {
    event.respondWith(kept(BUILD.files[path], request));
  } else if (path.startsWith(BUILD.folder)) {
    event.respondWith(new Response("not found", { status: 404 }));
  } else if (/^lab-[0-9a-f]+\//.test(path)) {
    event.respondWith(older(path, request));
  }
});
