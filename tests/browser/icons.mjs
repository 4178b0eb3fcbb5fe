// Makes the icons that an installed lab has, out of static/icons/icon.svg: `node icons.mjs`. The files are kept in the repository.
import { readFileSync } from "node:fs";
import { launch } from "./lab.mjs";

const ICONS = new URL("../../static/icons/", import.meta.url).pathname;
const picture = `data:image/svg+xml;base64,${readFileSync(`${ICONS}icon.svg`).toString("base64")}`;
const browser = await launch();
// A mask may take away all but a circle of 80%: there the ground goes to the edges, and the drawing is smaller.
for (const [name, size, share] of [["192", 192, 1], ["512", 512, 1], ["maskable-512", 512, 0.72]]) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  const ground = share < 1 ? "#2f4bb8" : "transparent";
  await page.setContent(`<body style="margin:0;background:${ground};display:grid;place-items:center;height:100vh"><img src="${picture}" style="width:${share * 100}%">`);
  await page.waitForFunction(() => document.images[0].complete);
  await page.screenshot({ path: `${ICONS}${name}.png`, omitBackground: true });
  await page.close();
}
await browser.close();
process.exit(0);
