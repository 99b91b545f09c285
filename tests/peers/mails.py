#!/usr/bin/env python3
"""Chromium draws every kind of mail on a telephone and on a desk, light and dark, and says what is wrong with it.

Judged for each of them: nothing is wider than the screen, nothing is cut, every word has contrast enough against its ground
(WCAG 1.4.3), nothing is loaded, and the HTML holds only what mail programs draw. With a folder as argument, sheets of
screenshots are left there, to be looked at. Needs Chromium (`tests/setup/install.sh`), else this says so and is left out.
"""

import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/debug/gengfu"
WIDTHS = (320, 360, 1024)
SCHEMES = {"dark": 0, "light": 1}
DEADLINE_S = 180
SHEET = ("opened_down", "opened_maintenance_outside_window", "closed_down", "announcement", "window_finished", "plan_parked", "digest",
         "digest_quiet")
TAGS = set("html head meta title style body div table tr td th h2 p span ul li pre a br".split())
# What a mail program loads, runs or leaves out.
LOADING = re.compile(r"url\(|@import|expression\(|position:|float:|display:\s*(flex|grid)", re.I)
LOADING_ATTRS = {"src", "srcset", "background", "poster", "data", "onclick", "onload", "class"}

JUDGE = """
const problems = [];
const canvas = frame => {
  const probe = frame.contentDocument.createElement('i');
  probe.style.background = 'Canvas';
  frame.contentDocument.body.append(probe);
  const colour = frame.contentWindow.getComputedStyle(probe).backgroundColor;
  probe.remove();
  return colour;
};
const channels = colour => colour.match(/[\\d.]+/g).map(Number);
const luminance = colour => {
  const [r, g, b] = channels(colour).map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a, b) => {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
};
const ground = (style, element, fallback) => {
  for (let e = element; e; e = e.parentElement) {
    const colour = style(e).backgroundColor;
    if (channels(colour)[3] !== 0) return colour;
  }
  return fallback;
};
function judge(frame) {
  const { contentDocument: page, contentWindow: view } = frame;
  const width = Number(frame.width), style = e => view.getComputedStyle(e), base = canvas(frame);
  const say = what => problems.push(`${frame.title} at ${width}: ${what}`);
  if (page.documentElement.scrollWidth > width) say(`is ${page.documentElement.scrollWidth} wide`);
  const loaded = view.performance.getEntriesByType('resource');
  if (loaded.length) say(`loads ${loaded.map(e => e.name)}`);
  const dark = view.matchMedia('(prefers-color-scheme: dark)').matches;
  if (dark !== (luminance(base) < 0.5)) say(`has the ground ${base}`);
  const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  let words = 0;
  while (walker.nextNode()) {
    const node = walker.currentNode, holder = node.parentElement;
    if (!node.data.trim() || holder.closest('div')) continue;
    const range = page.createRange();
    range.selectNodeContents(node);
    const text = node.data.trim().slice(0, 40);
    const marks = holder.closest('[role=img]') && !holder.hasAttribute('colspan');
    for (const box of range.getClientRects()) {
      if (box.right > width + 0.5 || box.left < -0.5) say(`cuts ${text}`);
      if (!marks && box.height < 8) say(`is too small to read at ${text}`);
    }
    for (let e = holder; e && !marks; e = e.parentElement)
      if (style(e).overflowX !== 'visible' && e.scrollWidth > e.clientWidth + 1 && e !== page.documentElement && e !== page.body)
        say(`hides a part of ${text}`);
    const wanted = holder.getAttribute('aria-hidden') ? 3 : marks ? 3 : 4.5;
    const found = contrast(style(holder).color, ground(style, holder, base));
    if (found < wanted) say(`has contrast ${found.toFixed(1)} at ${text}`);
    words += 1;
  }
  if (words < 6) say(`has only ${words} words`);
  for (const strip of page.querySelectorAll('[role=img]')) {
    const cells = strip.rows[0].cells, sizes = [...cells].map(c => c.getBoundingClientRect().width);
    if (cells.length !== 48 || Math.min(...sizes) < 4 || Math.max(...sizes) - Math.min(...sizes) > 1.5)
      say(`has a strip of ${cells.length} cells, ${Math.min(...sizes)} to ${Math.max(...sizes)} wide`);
    if (!strip.getAttribute('aria-label')) say('has a strip without words');
  }
  return words;
}
addEventListener('load', () => {
  const frames = [...document.querySelectorAll('iframe')];
  const words = frames.map(judge).reduce((a, b) => a + b, 0);
  const out = document.createElement('pre');
  out.id = 'judgement';
  out.textContent = JSON.stringify({ frames: frames.length, words, problems });
  document.body.append(out);
});
"""


# Everything that is judged, done wrong.
BAD = """<!DOCTYPE html><html lang="en"><meta name="color-scheme" content="light dark"><body>
<table width="1200"><tr><td>a table that is as wide as a desk and a half, on any screen that there is</td></tr></table>
<p style="background-color:#ffffff;color:#bbbbbb">grey on white</p>
<p style="width:60px;overflow:hidden;white-space:nowrap">a sentence that is cut in its middle</p>
<p style="font-size:4px">small print</p><img src="http://tracker.test/pixel.png">
<table role="img"><tr><td>x</td></tr></table></body></html>"""
FOUND = ("wide", "contrast", "hides a part", "too small", "loads", "cells", "strip without words")


class Parts(HTMLParser):
    """What a mail is made of that it should not be."""

    def __init__(self):
        super().__init__()
        self.problems, self.language = [], None

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "html":
            self.language = attrs.get("lang")
        if tag not in TAGS:
            self.problems.append(f"<{tag}>")
        self.problems += [f"{tag} {name}" for name in attrs if name in LOADING_ATTRS]
        if LOADING.search(attrs.get("style") or ""):
            self.problems.append(f"{tag} style {attrs['style']}")
        if tag == "table" and "cellpadding" in attrs and attrs.get("role") not in ("presentation", "img") and "border-collapse" not in attrs["style"]:
            self.problems.append("a table of layout without its role")
        if tag == "a" and not re.match(r"https?://", attrs.get("href") or ""):
            self.problems.append(f"a link to {attrs.get('href')}")


def browse(chromium, page, home, scheme, *more):
    command = [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"]
    command += [f"--user-data-dir={home}", f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}", "--hide-scrollbars"]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", *more, page.as_uri()]
    return subprocess.run(command, capture_output=True, check=True, timeout=DEADLINE_S).stdout.decode()


def frames(mails, width, height):
    text = '<iframe title="{}" width="{}" height="{}" frameborder="0" srcdoc="{}"></iframe>\n'
    return "".join(text.format(path.stem, width, height, html.escape(path.read_text(encoding="utf-8"))) for path in mails)


def judged(chromium, folder, home, scheme, drawn):
    page = folder / f"{scheme}.html"
    page.write_text(f"<!DOCTYPE html><meta charset=utf-8>{drawn}<script>{JUDGE}</script>", encoding="utf-8")
    dom = browse(chromium, page, home, scheme, "--window-size=1400,900", "--dump-dom")
    return json.loads(html.unescape(re.search(r'<pre id="judgement">(.*?)</pre>', dom, re.S).group(1)))


def sheet(chromium, folder, home, language, scheme, kept):
    """The mails that are met most, on both screens."""
    page = folder / f"sheet-{language}-{scheme}.html"
    mails = [folder / f"{name}.{language}.html" for name in SHEET]
    for width, across, height in ((360, 4, 1500), (1024, 2, 1150)):
        rows = -(-len(mails) // across)
        style = "<style>body{margin:0;background:#777;display:flex;flex-wrap:wrap;gap:8px;color-scheme:light dark}iframe{background:Canvas}</style>"
        page.write_text(f"<!DOCTYPE html><meta charset=utf-8>{style}{frames(mails, width, height)}", encoding="utf-8")
        shot = kept / f"mails-{width}-{language}-{scheme}.png"
        size = f"--window-size={across * (width + 8)},{rows * (height + 8)}"
        browse(chromium, page, home, scheme, size, f"--screenshot={shot}")


def main():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not PROGRAM.exists() or chromium is None:
        print("mails: skipped, since target/debug/gengfu or Chromium is missing (tests/setup/install.sh)")
        return 77
    kept = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None
    problems, words = [], 0
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        mails_folder, home = folder / "mails", folder / "home"
        subprocess.run([PROGRAM, "mail", "preview", "--out", mails_folder], check=True, capture_output=True, timeout=DEADLINE_S)
        (folder / "bad.html").write_text(BAD, encoding="utf-8")
        mails = sorted(path for path in mails_folder.glob("*.html") if path.stem != "index")
        assert len(mails) > 60 and len(mails) % 2 == 0, f"{len(mails)} mails"
        for path in mails:
            parts = Parts()
            parts.feed(path.read_text(encoding="utf-8"))
            wanted = "zh-CN" if path.stem.endswith(".zh") else "en"
            problems += [f"{path.stem}: {problem}" for problem in parts.problems]
            problems += [] if parts.language == wanted else [f"{path.stem}: its language is {parts.language}"]
        for scheme in SCHEMES:
            said = judged(chromium, folder, home, scheme, "".join(frames(mails, width, 900) for width in WIDTHS))
            assert said["frames"] == len(mails) * len(WIDTHS), said["frames"]
            bad = [problem for problem in judged(chromium, folder, home, scheme, frames([(folder / "bad.html")], 360, 900))["problems"]]
            missed = [word for word in FOUND if not any(word in problem for problem in bad)]
            assert not missed, f"{scheme}: a bad mail passes for {missed}"
            problems += [f"{scheme}: {problem}" for problem in said["problems"]]
            words += said["words"]
        if kept:
            kept.mkdir(parents=True, exist_ok=True)
            for language in ("zh", "en"):
                for scheme in SCHEMES:
                    sheet(chromium, mails_folder, home, language, scheme, kept)
    if problems:
        print("\n".join(problems[:40]), f"\nmails: {len(problems)} problems")
        return 1
    print(f"mails: {len(mails)} at {', '.join(map(str, WIDTHS))} px, light and dark: nothing cut, loaded or hard to read ({words} texts)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
