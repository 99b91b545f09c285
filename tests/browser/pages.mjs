// Visits every page of the demo with Debian's Chromium and says what is wrong with it.
//
// Each page is seen in zh and en, at 390, 1280 and 1920 px, with and without scripts, as a guest and as somebody who is
// signed in, in light and in dark, and on paper; `judge.mjs` has the rules, `behaviour.mjs` what is tried by hand.
// A folder of its own beside tests/peers, since it is the one peer of several files and of another language.
//
//   node tests/browser/pages.mjs                    judge; exit 0 good, 1 something is wrong, 77 cannot be asked here
//   node tests/browser/pages.mjs --only /sla        judge the pages below one address
//   node tests/browser/pages.mjs --look FOLDER      leave a picture of every visit there, to be looked at
//   node tests/browser/pages.mjs --keep docs/screens   make the sample screens of the README again, and judge nothing
//   … --draft                                       with the style sheet and script of the tree, without building them in
//   node tests/browser/pages.mjs --write            print docs/questions.md anew, and end
//   … --advice                                      list what axe finds that is no defect, and how long each visit took
// @ts-check
import { mkdirSync, mkdtempSync, readFileSync, rmSync, existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { behave } from "./behaviour.mjs";
import { axeSource, context, launch, listen, missing } from "./browser.mjs";
import { Demo, PROGRAM, ROOT, until } from "./demo.mjs";
import { axe, judge } from "./judge.mjs";
import { page as questionsPage, unanswered } from "./questions.mjs";
import { keep } from "./screens.mjs";
import { doors, visits } from "./visits.mjs";

const WIDTHS = [390, 1280, 1920], HEIGHT = 900, PAPER = 718, AT_ONCE = 3;
const LANGUAGES = /** @type {const} */ (["zh", "en"]);
const DEADLINE_S = 1800;
const QUESTIONS = join(ROOT, "docs/questions.md");
/** What may have to be reported to an authority. */
const OUTAGES = ["maintenance_outside_window", "down", "overrun", "storm"];
const { values: args } = parseArgs({ options: { only: { type: "string" }, look: { type: "string" }, advice: { type: "boolean" }, draft: { type: "boolean" }, keep: { type: "string" }, write: { type: "boolean" } } });

/** What was found: text and the places where it was. */
class Findings {
  constructor() { this.all = new Map(); this.count = 0; }
  add(place, problems) {
    for (const problem of problems) {
      if (!this.all.has(problem)) this.all.set(problem, []);
      this.all.get(problem).push(place);
      this.count += 1;
    }
  }
  lines() {
    return [...this.all].map(([problem, places]) => `${places[0]}: ${problem}${places.length > 1 ? ` (and ${places.length - 1} more)` : ""}`);
  }
}

/** The page as the server sent it, against the page that the scripts left. */
const isAsSent = (page, html) => page.evaluate((html) => {
  const sent = new DOMParser().parseFromString(html, "text/html").getElementById("main");
  const here = document.getElementById("main");
  return !sent || !here || sent.innerHTML === here.innerHTML;
}, html);

/** One page in one language by one reader, at every width. */
async function visit(reader, visit, { base, language, scripts, source, found, advice }) {
  const page = await reader.newPage();
  const name = `${visit.path} ${language}${scripts ? "" : " without scripts"}${visit.as === "admin" ? " signed in" : ""}`;
  const status = visit.status ?? 200;
  const heard = listen(page, base, (text) => status >= 400 && text.includes(`status of ${status}`));
  try {
    await page.setViewportSize({ width: WIDTHS[0], height: HEIGHT });
    // Without scripts the language stands in the address, with them the browser asks for it.
    const path = scripts ? visit.path : `${visit.path}${visit.path.includes("?") ? "&" : "?"}lang=${language}`;
    const answer = await page.goto(path, { waitUntil: "load" });
    if (answer.status() !== status) found.add(name, [`answers ${answer.status()}`]);
    if (scripts && !visit.own) {
      if (!await isAsSent(page, await answer.text())) found.add(name, ["is another page once its scripts ran"]);
      // Nothing is replaced while it is judged.
      await page.evaluate(() => document.getElementById("main")?.setAttribute("data-still", ""));
    }
    for (const width of WIDTHS) {
      const place = `${name} ${width}`;
      await page.setViewportSize({ width, height: HEIGHT });
      found.add(place, await page.evaluate(judge, { language, medium: "screen" }));
      if (scripts) {
        const said = await axe(page, source, { colours: width === 1280 && language === "zh" ? "too" : "none" });
        found.add(place, said.problems);
        advice.add(place, said.advice);
      }
      if (args.look) await page.screenshot({ path: join(args.look, `${name.replace(/[^\w]+/g, "-")}-${width}.png`.replace(/^-/, "")), fullPage: true });
    }
    if (scripts && language === "zh") {
      await page.emulateMedia({ colorScheme: "dark" });
      await page.setViewportSize({ width: 1280, height: HEIGHT });
      found.add(`${name} dark`, (await axe(page, source, { colours: "alone" })).problems);
      if (args.look) await page.screenshot({ path: join(args.look, `${name.replace(/[^\w]+/g, "-")}-dark.png`.replace(/^-/, "")), fullPage: true });
    }
    if (!scripts) {
      await page.emulateMedia({ media: "print", colorScheme: language === "zh" ? "light" : "dark" });
      await page.setViewportSize({ width: PAPER, height: HEIGHT });
      found.add(`${name} print`, await page.evaluate(judge, { language, medium: "print" }));
      if (args.look) await page.screenshot({ path: join(args.look, `${name.replace(/[^\w]+/g, "-")}-print.png`.replace(/^-/, "")), fullPage: true });
    }
    found.add(name, heard.problems);
  } catch (error) {
    found.add(name, [`cannot be visited: ${error.message.split("\n")[0]}`]);
  } finally {
    heard.end();
    await page.close();
    if (args.advice) console.log(`${Math.round(performance.now() / 1000)} s: ${name}`);
  }
}

/** Whoever has a question finds the answer, and the list of questions for people is the one that is asked. */
async function askAll(demo, browser) {
  const as = (token) => context(browser, demo.base, { language: "zh", scripts: true, token });
  const problems = await unanswered(demo.base, { guest: await as(""), admin: await as(demo.token) });
  if (readFileSync(QUESTIONS, "utf8") !== questionsPage()) problems.push("docs/questions.md is not what is asked; --write prints it anew");
  return problems;
}

/** A page that has every defect: each must be found. */
async function checkOurselves(browser, source) {
  const html = readFileSync(new URL("bad.html", import.meta.url));
  const server = createServer((_, answer) => answer.writeHead(200, { "content-type": "text/html" }).end(html));
  await new Promise((done) => server.listen(0, "127.0.0.1", () => done(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const base = `http://127.0.0.1:${port}`;
  const reader = await context(browser, base, { language: "en", scripts: true });
  const page = await reader.newPage();
  const heard = listen(page, base);
  await page.setViewportSize({ width: 390, height: HEIGHT });
  await page.goto("/", { waitUntil: "load" });
  const said = [...heard.problems, ...await page.evaluate(judge, { language: "en", medium: "screen" }), ...(await axe(page, source, { colours: "too" })).problems];
  await page.emulateMedia({ media: "print" });
  said.push(...await page.evaluate(judge, { language: "en", medium: "print" }));
  await reader.close();
  server.close();
  const wanted = ["I complain", "I break", "asks http://tracker.test", "scrolls sideways", "cuts <p.cut>", "breaks <button", "over <input", "language fr", "2 h1",
    "speaks Chinese", "prints <nav>", "prints on", "cuts on paper", "scrolls without the keyboard", "scrolls without a name", "color-contrast", "image-alt", "target-size"];
  const passed = wanted.filter((word) => !said.some((problem) => problem.includes(word)));
  if (passed.length) throw new Error(`a bad page passes for ${passed.join(", ")}; of it was said:\n${said.join("\n")}`);
  return wanted.length;
}

/** Until the demo has something to show: incidents, a page of one, and mails about it. */
async function somethingToShow(demo) {
  await demo.planWindow();
  const incident = await until("an outage", 240, async () => (await demo.api("/incidents")).find((one) => OUTAGES.includes(one.symptom))?.id);
  await demo.grade(incident);
  return until("a link to take it, and a run", 240, async () => {
    const [run] = await demo.api("/plans/runs");
    const take = (await demo.mails()).map((mail) => mail.text.match(/\/incidents\/INC-\d+\/take\?\S+/)?.[0]).find(Boolean);
    return run && take && { incident, run: run.id, window: run.window, take };
  });
}

async function judgeAll(demo, browser) {
  const source = axeSource();
  const rules = await checkOurselves(browser, source);
  await demo.start();
  const shown = await somethingToShow(demo);
  const byDoor = visits(shown);
  const unvisited = doors().filter((door) => !byDoor[door]);
  if (unvisited.length) throw new Error(`visits.mjs has no visit for ${unvisited.join(", ")}`);
  const found = new Findings(), advice = new Findings();
  const tasks = [];
  for (const scripts of [true, false])
    for (const language of LANGUAGES)
      for (const as of ["guest", "admin"]) {
        const all = Object.values(byDoor).flat().filter((one) => one.as === as && (!args.only || one.path.startsWith(args.only)));
        if (!all.length) continue;
        const reader = await context(browser, demo.base, { language, scripts, token: as === "admin" ? demo.token : "", isDraft: args.draft });
        for (const one of all) tasks.push(() => visit(reader, one, { base: demo.base, language, scripts, source, found, advice }));
      }
  const many = tasks.length;
  const work = async () => { for (let task = tasks.shift(); task; task = tasks.shift()) await task(); };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (!args.only) found.add("questions", await askAll(demo, browser));
  const tried = args.only ? 0 : await behave(browser, demo, { ...shown, isDraft: args.draft }, found);
  if (args.advice) console.log(advice.lines().map((line) => `advice: ${line}`).join("\n"));
  return { found, many, rules, tried, pages: Object.values(byDoor).flat().length };
}

async function main() {
  if (args.write) {
    writeFileSync(QUESTIONS, questionsPage());
    return 0;
  }
  const lacking = existsSync(PROGRAM) ? missing() : "target/debug/gengfu is missing";
  if (lacking) {
    console.log(`pages: skipped, since ${lacking}; tests/setup/install.sh puts it in place`);
    return 77;
  }
  if (args.look) mkdirSync(args.look, { recursive: true });
  const began = Date.now(), folder = mkdtempSync(join(tmpdir(), "gengfu-pages-"));
  const demo = new Demo(folder), browser = await launch();
  try {
    if (args.keep) {
      await demo.start();
      const { many, bytes } = await keep(browser, demo, await somethingToShow(demo), args.keep, args.draft);
      console.log(`pages: ${many} screens in ${args.keep}, ${Math.round(bytes / 1024)} KiB`);
      return 0;
    }
    const { found, many, rules, tried, pages } = await judgeAll(demo, browser);
    if (found.count) {
      console.log(`${found.lines().join("\n")}\npages: ${found.all.size} problems, met ${found.count} times`);
      return 1;
    }
    const took = Math.round((Date.now() - began) / 1000);
    console.log(`pages: ${pages} pages in ${many} visits at ${WIDTHS.join(", ")} px, light, dark and on paper, ${tried} in use: nothing is wrong by ${rules} rules and axe's (${took} s)`);
    return 0;
  } catch (error) {
    console.log(`${demo.tail()}\npages: ${error.message}`);
    return 1;
  } finally {
    await browser.close();
    await demo.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const late = setTimeout(() => { console.log(`pages: not done within ${DEADLINE_S} s`); process.exit(1); }, DEADLINE_S * 1000);
late.unref();
process.exitCode = await main();
