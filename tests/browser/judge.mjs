// What is wrong with a page that stands in the browser: our own rules, and axe's.
//
// Each rule is broken once in bad.html, and the test fails if that passes.
// @ts-check

/**
 * Runs inside the page. `language` is "zh" or "en", `medium` "screen" or "print".
 * @returns {string[]} problems
 */
export function judge({ language, medium }) {
  const problems = [];
  const say = (what) => problems.push(what);
  const root = document.documentElement, wide = root.clientWidth;
  const style = (e) => getComputedStyle(e);
  const words = (e) => (e.textContent ?? "").replace(/\s+/g, " ").trim();
  const place = (e) => `<${e.localName}${e.className && typeof e.className === "string" ? `.${e.className.trim().replace(/\s+/g, ".")}` : ""}> “${words(e).slice(0, 40)}”`;
  const isShown = (e) => e.getClientRects().length > 0 && style(e).visibility !== "hidden";
  // For screen readers alone: cut on purpose.
  const isForEars = (e) => Boolean(e.closest(".vh,.skip:not(:focus)"));

  if (root.scrollWidth > wide) {
    // Whoever sticks out, and not because of somebody inside.
    const out = [...document.querySelectorAll("body *")].filter((e) => isShown(e) && e.getBoundingClientRect().right > wide + 1);
    say(`scrolls sideways, ${out.length ? place(out[out.length - 1]) : "for no visible reason"}`);
  }
  for (const e of document.querySelectorAll("body *")) {
    if (!(e instanceof HTMLElement) || !isShown(e) || isForEars(e)) continue;
    const { overflowX, overflowY } = style(e);
    const isCut = overflowX !== "visible" && overflowX !== "auto" && overflowX !== "scroll" && e.scrollWidth > e.clientWidth + 1
      || overflowY === "hidden" && e.scrollHeight > e.clientHeight + 2;
    if (isCut && words(e) && !e.closest("[title]")) say(`cuts ${place(e)}`);
    if (medium === "print" && (overflowX === "auto" || overflowX === "scroll") && e.scrollWidth > e.clientWidth + 1) say(`cuts on paper ${place(e)}`);
  }
  // What scrolls takes the keyboard and has a name, whatever stands in it today and however wide the fonts are.
  for (const e of document.querySelectorAll("body *")) {
    if (!isShown(e) || !["auto", "scroll"].includes(style(e).overflowX) || e.closest("nav,textarea,input,select")) continue;
    if (e.tabIndex < 0) say(`scrolls without the keyboard: ${place(e)}`);
    else if (!e.getAttribute("aria-label") && !document.getElementById(e.getAttribute("aria-labelledby") ?? "")) say(`scrolls without a name: ${place(e)}`);
  }
  // Words of one or two lines that have to stay on one.
  for (const e of document.querySelectorAll("button,nav a,.lang,.pill,summary")) {
    if (!isShown(e)) continue;
    const range = document.createRange();
    range.selectNodeContents(e);
    const tops = [...range.getClientRects()].filter((r) => r.width > 1).map((r) => r.top + r.height / 2);
    if (tops.length && Math.max(...tops) - Math.min(...tops) > 14) say(`breaks ${place(e)} into lines`);
  }
  // One may be on top of the other: tabs, buttons, labels.
  const boxes = [...document.querySelectorAll("header a,header button,form button,form input,form select")].filter(isShown).filter((e) => !isForEars(e)).map((e) => [e, e.getBoundingClientRect()]);
  for (const [i, [a, x]] of boxes.entries())
    for (const [b, y] of boxes.slice(i + 1))
      if (x.left < y.right - 1 && y.left < x.right - 1 && x.top < y.bottom - 1 && y.top < x.bottom - 1 && !a.closest("nav") && !b.closest("nav"))
        say(`puts ${place(a)} over ${place(b)}`);

  const wanted = language === "zh" ? "zh-CN" : "en";
  if (root.lang !== wanted) say(`has the language ${root.lang || "of nobody"}`);
  const tops = document.querySelectorAll("h1").length;
  if (tops !== 1) say(`has ${tops} h1`);
  for (const e of document.querySelectorAll("h1,h2,h3.sub,th[scope=col],button,label,legend,summary,nav a,dt,title")) {
    if (e.closest("[lang]") !== root) continue;
    const own = e.localName === "label" ? [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent).join("") : words(e);
    if (language === "en" && /[\u3400-\u9fff]/.test(own)) say(`speaks Chinese: ${place(e)}`);
    // Names of formats, ids and numbers are the same in both.
    if (language === "zh" && /[A-Za-z]{3,}/.test(own.replace(/\b(ID|CSV|JSON|SLA|API|URL|HTTP|DNS|TLS|Markdown|INC-\d+|English|[a-z0-9]+(?:[-/._][a-z0-9]+)+)\b/g, "")) && !/[\u3400-\u9fff]/.test(own)) say(`speaks English: ${place(e)}`);
  }
  if (medium === "print") {
    const nav = [...document.querySelectorAll("nav,button,.skip,.lang")].find(isShown);
    if (nav) say(`prints ${place(nav)}`);
    const ground = style(document.body).backgroundColor;
    if (ground !== "rgb(255, 255, 255)") say(`prints on ${ground}`);
  }
  return problems;
}

/** Tags of axe that are judged; what it calls best practice is only listed. */
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/**
 * Asks axe, which `source` is. Colours are the dear part and the same at every width: `colours` is "too", "none" or
 * "alone". All that is serious is a problem, and what is less comes back as advice.
 * @returns {Promise<{problems: string[], advice: string[]}>}
 */
export async function axe(page, source, { colours }) {
  if (!await page.evaluate("Boolean(window.axe)")) await page.evaluate(source);
  const rules = { "target-size": { enabled: colours !== "alone" }, "color-contrast": { enabled: colours !== "none" } };
  const options = colours === "alone" ? { runOnly: { type: "rule", values: ["color-contrast"] } } : { runOnly: { type: "tag", values: TAGS }, rules };
  const found = await page.evaluate(async (options) => {
    // @ts-ignore axe was put there
    const { violations } = await window.axe.run(document, { ...options, resultTypes: ["violations"] });
    return violations.map(({ id, impact, tags, nodes }) => ({
      id, impact, isStandard: !tags.includes("best-practice"), many: nodes.length, at: nodes[0].target.join(" "), why: (nodes[0].failureSummary ?? "").split("\n")[1]?.trim() ?? "",
    }));
  }, options);
  const said = (v) => `axe ${v.id} (${v.impact}) ${v.many > 1 ? `${v.many} ×, first ` : ""}at ${v.at}: ${v.why}`;
  const isGrave = (v) => v.isStandard && (v.impact === "serious" || v.impact === "critical");
  return { problems: found.filter(isGrave).map(said), advice: found.filter((v) => !isGrave(v)).map(said) };
}
