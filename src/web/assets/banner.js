// The maintenance that runs and that comes next, on a page of somebody else's:
//   <script src="https://gengfu.example/banner.js" data-lang="zh" data-owner="bdc" data-days="3" defer></script>
// It stands where the script stands, or in the element that data-into names. Text alone is written, no style sheet is
// needed, and nobody but the daemon that served this file is asked.
(() => {
  "use strict";
  const EVERY_MS = 60000, WITHIN_MS = 10000;
  const own = document.currentScript;
  if (!own) return;
  const { lang = document.documentElement.lang || "zh", owner, days, into } = own.dataset;
  const reads = lang.toLowerCase().startsWith("en") ? "en" : "zh";
  const address = new URL("banner.json", own.src);
  if (owner) address.searchParams.set("owner", owner);
  if (days) address.searchParams.set("days", days);

  const box = document.createElement("section");
  box.lang = reads === "zh" ? "zh-CN" : "en";
  box.setAttribute("role", "status");
  box.setAttribute("aria-label", reads === "zh" ? "维护公告" : "Maintenance");
  box.className = "gengfu-banner";
  box.hidden = true;
  const place = into && document.querySelector(into);
  if (place) place.append(box);
  else own.after(box);

  function line(window, runs) {
    const p = document.createElement("p");
    p.className = runs ? "gengfu-current" : "gengfu-next";
    const style = { margin: "0", padding: ".6em 1em", borderLeft: ".3em solid", color: "#1c1f23" };
    Object.assign(p.style, style, runs ? { background: "#fff3d6", borderColor: "#9a5b00" } : { background: "#e8f0fa", borderColor: "#1f5fa8" });
    const mark = document.createElement("strong");
    mark.textContent = (runs ? (reads === "zh" ? "维护中" : "Now") : (reads === "zh" ? "预告" : "Soon")) + (reads === "zh" ? "：" : ": ");
    const more = document.createElement("a");
    more.href = window.url;
    more.style.color = "inherit";
    more.textContent = reads === "zh" ? "详情" : "details";
    p.append(mark, window.text[reads] + " ", more);
    return p;
  }

  async function show() {
    try {
      const answer = await fetch(address, { signal: AbortSignal.timeout(WITHIN_MS), credentials: "omit" });
      if (!answer.ok) return;
      const { current, next } = await answer.json();
      const lines = [...current.map((w) => line(w, true)), ...next.map((w) => line(w, false))];
      const said = lines.map((p) => p.textContent).join("\n");
      // A screen reader is told of changes, not of every look.
      if (said !== box.dataset.said) {
        box.dataset.said = said;
        box.replaceChildren(...lines);
      }
      box.hidden = lines.length === 0;
    } catch {
      // The page is somebody else's: what was shown stays, and the next look may find us.
    }
  }

  show();
  setInterval(() => document.hidden || show(), EVERY_MS);
})();
