// While trunk serves, nothing is kept: takes the place of a service worker that a finished build has left at this address, and goes.
"use strict";
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil((async () => {
  const store = `scale-lab ${new URL("./", self.location.href).href}`;
  await caches.delete(store);
  await self.registration.unregister();
  for (const client of await self.clients.matchAll({ type: "window" })) client.navigate(client.url);
})()));
