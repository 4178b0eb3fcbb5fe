// Keeps the lab for when there is no network, and offers a new build once all of it is here. Where that cannot be (a private window,
// a full disk), the lab works as before, from the network.
const HOUR_MS = 3_600_000;

/** Says that a new build is here, and leaves it to the reader. */
function offer(lab) {
  if (document.getElementById("new-build")) return;
  const bar = document.createElement("section");
  bar.id = "new-build";
  bar.setAttribute("aria-label", "New version");
  const words = document.createElement("p");
  words.setAttribute("role", "status");
  const now = document.createElement("button");
  now.className = "button primary";
  now.textContent = "Use it now";
  now.addEventListener("click", () => {
    // Another tab may have taken it already.
    if (!lab.waiting) return location.reload();
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
    lab.waiting.postMessage("use");
  });
  const later = document.createElement("button");
  later.className = "button";
  later.textContent = "Later";
  later.addEventListener("click", () => bar.remove());
  bar.append(words, now, later);
  document.body.prepend(bar);
  // Words that come into an element that is there already are read out.
  setTimeout(() => { words.textContent = "A new version of the lab is here."; }, 100);
}

async function keep() {
  const workers = navigator.serviceWorker;
  const lab = await workers.register("service-worker.js", { updateViaCache: "none" });
  // Who has had no build before gets this one without being asked.
  const ready = () => { if (lab.waiting && workers.controller) offer(lab); };
  const follow = () => lab.installing?.addEventListener("statechange", ready);
  lab.addEventListener("updatefound", follow);
  follow();
  ready();
  workers.controller?.postMessage("here");
  // A page that stays open for days looks now and then.
  let looked = Date.now();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || Date.now() - looked < HOUR_MS) return;
    looked = Date.now();
    lab.update().catch(() => {});
  });
}

keep().catch((error) => console.info("not kept for offline use:", error));
