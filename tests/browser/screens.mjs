// Sample screens for the README: what somebody sees first, while the demo fails.
// @ts-check
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { context } from "./browser.mjs";

const QUALITY = 82;

/** Name, address, language, width, height, and whether somebody is signed in or it is dark. */
const screens = ({ incident, window, run }) => [
  ["overview-zh", "/", "zh", 1280, 900, {}],
  ["overview-en-dark", "/", "en", 1280, 900, { dark: true }],
  ["overview-phone-zh", "/", "zh", 390, 844, {}],
  ["subsystem-en", "/subsystems/bdc/unified-acceptance", "en", 1280, 900, { admin: true }],
  ["incident-zh", `/incidents/${incident}`, "zh", 1280, 760, { admin: true }],
  ["maintenance-zh", "/maintenance", "zh", 1280, 1000, {}],
  ["request-en", "/maintenance/request?owner=bdc", "en", 1280, 1000, { admin: true }],
  ["window-zh", `/maintenance/windows/${window}`, "zh", 1280, 760, { admin: true }],
  ["run-en", `/maintenance/runs/${run}`, "en", 1280, 760, { admin: true }],
  ["sla-zh", "/sla", "zh", 1280, 760, {}],
];

/** Leaves them in a folder; how many they are, and their bytes. */
export async function keep(browser, demo, shown, folder, isDraft) {
  mkdirSync(folder, { recursive: true });
  const readers = new Map();
  let bytes = 0;
  for (const [name, path, language, width, height, { dark = false, admin = false }] of /** @type {any[]} */ (screens(shown))) {
    const who = `${language}${admin}`;
    if (!readers.has(who)) readers.set(who, await context(browser, demo.base, { language, scripts: true, token: admin ? demo.token : "", isDraft }));
    const page = await readers.get(who).newPage();
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: dark ? "dark" : "light" });
    await page.goto(path, { waitUntil: "load" });
    const session = await page.context().newCDPSession(page);
    const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: QUALITY });
    const picture = Buffer.from(data, "base64");
    writeFileSync(join(folder, `${name}.webp`), picture);
    bytes += picture.length;
    await page.close();
  }
  return { many: screens(shown).length, bytes };
}
