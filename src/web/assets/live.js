// Keeps the page fresh without a reload: replaces <main> when the daemon says that something changed, and keeps the
// place, also in boxes that scroll, what is folded open, and the focus. Without this script the page is complete, only not fresh. Many look at once, so
// each waits a time of its own, and what did not change is neither sent nor drawn again.
(() => {
  "use strict";
  const PAUSE_MS = 5000, SPREAD_MS = 5000, POLL_MS = 30000;
  let last = Date.now(), timer = 0, busy = false, shown = null;

  const key = (details) => details.id || details.dataset.key || "";
  // By what an element is found again in the page that takes its place.
  const mark = (e) => e.localName + ["href", "id", "name", "aria-labelledby", "aria-label"].map((a) => e.getAttribute(a) || "").join("|");
  const boxes = (root) => [...root.querySelectorAll(".scroll")];

  async function refresh() {
    timer = 0;
    if (busy || document.hidden || document.getElementById("main").hasAttribute("data-still")) return;
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-cache", signal: AbortSignal.timeout(10000) });
      if (!answer.ok) throw new Error(answer.status);
      last = Date.now();
      const tag = answer.headers.get("ETag"), off = document.getElementById("live-off");
      if (off) off.hidden = true;
      if (tag && tag === shown) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = document.getElementById("main"), next = fresh.getElementById("main");
      const open = new Set([...main.querySelectorAll("details[open]")].map(key));
      const focus = main.contains(document.activeElement) ? document.activeElement : null;
      const inside = focus && focus.closest("details"), again = inside && key(inside);
      const moved = new Map(boxes(main).map((box) => [mark(box), box.scrollLeft]));
      for (const details of next.querySelectorAll("details")) if (open.has(key(details))) details.open = true;
      main.replaceChildren(...next.childNodes);
      for (const box of boxes(main)) box.scrollLeft = moved.get(mark(box)) || 0;
      const heir = focus && !focus.matches("summary") && [...main.querySelectorAll(focus.localName)].find((e) => mark(e) === mark(focus));
      const fold = !heir && again && [...main.querySelectorAll("details")].find((d) => key(d) === again);
      if (heir || fold) (heir || fold.querySelector("summary")).focus({ preventScroll: true });
      document.title = fresh.title;
      const nav = document.querySelector(".bar nav"), freshNav = fresh.querySelector(".bar nav");
      if (nav && freshNav && !nav.contains(document.activeElement)) nav.replaceChildren(...freshNav.childNodes);
      shown = tag;
    } catch {
      const off = document.getElementById("live-off");
      if (off) off.hidden = false;
    } finally {
      busy = false;
    }
  }

  function soon() {
    if (!timer) timer = setTimeout(refresh, Math.max(0, last + PAUSE_MS + Math.random() * SPREAD_MS - Date.now()));
  }

  if (window.EventSource) {
    const events = new EventSource("/api/v1/events");
    events.addEventListener("snapshot", soon);
    // Whoever is gone is noticed at once.
    events.addEventListener("error", soon);
  }
  const tab = document.querySelector(".bar nav [aria-current]");
  if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - 40;
  setInterval(soon, POLL_MS);
  document.addEventListener("visibilitychange", soon);
})();
