// What a page does while somebody uses it: it stays where it was read, the keyboard goes everywhere, and it says when
// the daemon is gone.
// @ts-check
import { context, listen } from "./browser.mjs";

const REFRESH_MS = 60_000;
const CONTROLS = "a[href],button,input:not([type=hidden]),select,summary,[tabindex='0']";

/** A refresh keeps the place, what is folded open, and the focus. */
async function staysInPlace(page, path) {
  await page.setViewportSize({ width: 1280, height: 500 });
  await page.goto(path);
  const before = await page.evaluate(() => {
    const details = document.querySelector("main details");
    if (!details) return null;
    details.querySelector("summary").focus();
    details.setAttribute("open", "");
    scrollTo(0, 320);
    document.getElementById("main").firstElementChild.setAttribute("data-old", "");
    return { id: details.id, top: scrollY };
  });
  if (!before) return ["has nothing to fold open"];
  await page.waitForFunction(() => !document.querySelector("[data-old]"), undefined, { timeout: REFRESH_MS });
  const after = await page.evaluate(() => ({ top: scrollY, id: document.querySelector("main details[open]")?.id, focus: document.activeElement.closest("details")?.id }));
  const problems = [];
  if (Math.abs(after.top - before.top) > 2) problems.push(`a refresh moves it from ${before.top} to ${after.top}`);
  if (after.id !== before.id) problems.push("a refresh folds up what was open");
  if (after.focus !== before.id) problems.push("a refresh loses the focus");
  return problems;
}

/** On a phone a table stays where its box was scrolled to, with the focus on it. */
async function boxStaysInPlace(page, path) {
  await page.setViewportSize({ width: 390, height: 800 });
  await page.goto(path);
  const box = page.locator(".scroll").last();
  await box.focus();
  const left = await box.evaluate((e) => {
    e.scrollLeft = 120;
    document.getElementById("main").firstElementChild.setAttribute("data-old", "");
    return e.scrollLeft;
  });
  if (left < 60) return [`its last table is not wider than a phone: ${left} px`];
  await page.waitForFunction(() => !document.querySelector("[data-old]"), undefined, { timeout: REFRESH_MS });
  const after = await box.evaluate((e) => ({ left: e.scrollLeft, isHere: e === document.activeElement }));
  const problems = [];
  if (Math.abs(after.left - left) > 2) problems.push(`a refresh moves a table from ${left} to ${after.left}`);
  if (!after.isHere) problems.push("a refresh takes the focus from a table");
  return problems;
}

/** Tab goes first to the link that skips the tabs, and then to everything, and it is seen where it is. */
async function keyboardGoesEverywhere(page, path) {
  const problems = [];
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(path);
  await page.evaluate((all) => {
    document.getElementById("main").setAttribute("data-still", "");
    [...document.querySelectorAll(all)].filter((e) => e.checkVisibility()).forEach((e, i) => e.setAttribute("data-stop", String(i)));
  }, CONTROLS);
  const many = await page.locator("[data-stop]").count();
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => ({ isSkip: document.activeElement.matches(".skip"), left: document.activeElement.getBoundingClientRect().left }));
  if (!first.isSkip || first.left < 0) problems.push("its first stop does not skip to the text, or is not seen");
  const seen = new Set(), unseen = new Set();
  for (let i = 0; i < many + 5; i += 1) {
    const stop = await page.evaluate(() => {
      const e = document.activeElement, { outlineStyle, outlineWidth } = getComputedStyle(e), box = e.getBoundingClientRect();
      const isSeen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && box.width > 3 && box.bottom > 0 && box.top < innerHeight;
      return { stop: e.getAttribute("data-stop"), name: `<${e.localName}> ${e.textContent.trim().slice(0, 30)}`, isSeen };
    });
    if (stop.stop !== null) {
      if (seen.has(stop.stop) && seen.size >= many) break;
      seen.add(stop.stop);
      if (!stop.isSeen) unseen.add(stop.name);
    }
    await page.keyboard.press("Tab");
  }
  if (seen.size < many) problems.push(`the keyboard reaches ${seen.size} of ${many}`);
  if (unseen.size) problems.push(`the focus is not seen at ${[...unseen].slice(0, 3).join(", ")}`);
  await page.goto(path);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  if (!await page.evaluate(() => document.activeElement.id === "main")) problems.push("skipping does not lead to the text");
  return problems;
}

/** It says so when the daemon is gone, and goes on when it is back; no script fails over it. */
async function survives(page, demo) {
  await page.goto("/");
  await demo.stop();
  const problems = [];
  await page.waitForSelector("#live-off:not([hidden])", { timeout: REFRESH_MS }).catch(() => problems.push("does not say that the daemon is gone"));
  await demo.start();
  await page.waitForSelector("#live-off[hidden]", { state: "attached", timeout: REFRESH_MS }).catch(() => problems.push("does not go on when the daemon is back"));
  return problems;
}

/** All of it, on pages that have what it takes; the daemon is another process afterwards. */
export async function behave(browser, demo, { incident, isDraft }, found) {
  const reader = await context(browser, demo.base, { language: "en", scripts: true, token: demo.token, isDraft });
  const tries = [
    ["/subsystems/bdc/unified-acceptance", staysInPlace],
    ["/subsystems/bdc/unified-acceptance", boxStaysInPlace],
    ["/", keyboardGoesEverywhere],
    [`/incidents/${incident}`, keyboardGoesEverywhere],
    ["/maintenance/request", keyboardGoesEverywhere],
    ["/", (page) => survives(page, demo)],
  ];
  for (const [path, attempt] of tries) {
    const page = await reader.newPage();
    // Of a daemon that is gone the browser itself complains.
    const heard = listen(page, demo.base, (text) => /net::ERR_(CONNECTION|INCOMPLETE|EMPTY)/.test(text));
    const problems = await attempt(page, path).catch((error) => [`cannot be tried: ${error.message.split("\n")[0]}`]);
    found.add(`${path} in use`, [...problems, ...heard.problems]);
    heard.end();
    await page.close();
  }
  await reader.close();
  return tries.length;
}
