// One Chromium, the contexts of everybody who looks, and what is heard while a page stands open.
// @ts-check
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { ROOT } from "./demo.mjs";

// Installed outside of the tree, so that the tree has no node_modules.
const PACKAGES = join(ROOT, "target/peers/browser/package.json");
const NAMES = ["chromium", "chromium-browser", "google-chrome"];
/** As on a machine without a network: no service of its maker, no name but loopback. */
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--force-color-profile=srgb", "--hide-scrollbars"];
export const LOCALES = { zh: "zh-CN", en: "en-US" };
const STEP_MS = 60_000;

/** What is missing here, in words; nothing if all is there. */
export function missing() {
  const chromium = program();
  if (!chromium) return "Chromium is missing";
  return existsSync(join(PACKAGES, "../node_modules/playwright-core")) ? "" : "playwright-core is missing (npm or its registry)";
}

function program() {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

/** The text of axe-core. */
export const axeSource = () => readFileSync(join(PACKAGES, "../node_modules/axe-core/axe.min.js"), "utf8");

export async function launch() {
  const { chromium } = createRequire(PACKAGES)("playwright-core");
  return chromium.launch({ executablePath: program(), headless: true, args: FLAGS });
}

/** Somebody who looks. A guest comes from elsewhere, by a proxy that says so; whoever has a token signs in with it. */
export async function context(browser, base, { language, scripts, token = "", isDraft = false }) {
  const made = await browser.newContext({
    baseURL: base, locale: LOCALES[language], timezoneId: "Asia/Shanghai", colorScheme: "light", javaScriptEnabled: scripts,
    extraHTTPHeaders: token ? {} : { "x-forwarded-for": "203.0.113.7" },
    reducedMotion: "reduce",
  });
  made.setDefaultTimeout(STEP_MS);
  if (isDraft) for (const name of ["style.css", "live.js"]) await made.route(`**/assets/${name}*`, (route) => route.fulfill({ path: join(ROOT, "src/web/assets", name) }));
  if (token) {
    const page = await made.newPage();
    await page.goto("/sign-in");
    await page.fill("input[name=token]", token);
    await Promise.all([page.waitForURL((url) => url.pathname === "/"), page.click("main button[type=submit]")]);
    await page.close();
  }
  return made;
}

/**
 * What a page says and whom it asks, as problems; `expected` tells what of the console is no news.
 * @returns {{ problems: string[], end: () => void }}
 */
export function listen(page, base, expected = (text) => false) {
  const problems = [];
  const hear = {
    console: (message) => {
      if (["error", "warning"].includes(message.type()) && !expected(message.text())) problems.push(`says on the console: ${message.text()}`);
    },
    pageerror: (error) => problems.push(`fails: ${error.message}`),
    request: (request) => {
      const url = new URL(request.url());
      if (url.origin !== base && url.protocol !== "data:") problems.push(`asks ${url.origin}`);
    },
  };
  for (const [event, handler] of Object.entries(hear)) page.on(event, handler);
  return { problems, end: () => { for (const [event, handler] of Object.entries(hear)) page.off(event, handler); } };
}
