#!/usr/bin/env python3
"""Chromium prints the HTML report on paper, and pypdf reads what came out: A4, every table to its last row, both languages.

With a folder as argument the PDFs are left there, to be looked at. Not here: figures. The past is made up, by a seed, for the
shipped files; needs Chromium (`tests/setup/install.sh`), else this says so and is left out.
"""

import json
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/debug/gengfu"
SEED = 20261001
HOUR, DAY = 3_600_000, 86_400_000
# October 2026 in Shanghai, and the report as of 2 November, nine o'clock.
OCTOBER = 1_790_784_000_000
AS_OF = "2026-11-02T09:00"
# Points of A4, and what printers round.
A4, SLACK = (595.3, 841.9), 2
PAGES_MAX = 60
DEADLINE_S = 120
ANY = "\ufffd"


class Rows(HTMLParser):
    """The first cell's text of the last row of every table."""

    def __init__(self):
        super().__init__()
        self.last, self.row, self.cells, self.in_cell = [], None, [], False

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.cells = []
        elif tag == "td":
            self.cells.append("")
            self.in_cell = True

    def handle_endtag(self, tag):
        if tag == "td":
            self.in_cell = False
        elif tag == "tr" and self.cells:
            self.row = self.cells
        elif tag == "table" and self.row:
            self.last.append(self.row)
            self.row = None

    def handle_data(self, data):
        if self.in_cell:
            self.cells[-1] += data + " "


def squeezed(text):
    """Without white space, which a PDF does not keep; compatibility ideographs are those that they stand for, and radicals
    that a font gives for ideographs, which Unicode does not map back, are any."""
    return re.sub(r"[\u2e80-\u2eff]", ANY, re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)))


def is_in(cell, text):
    return re.search("".join(f"[{re.escape(c)}{ANY}]" for c in cell), text) is not None


def house(folder):
    """The shipped files, and a store that a daemon made over them."""
    for name in ("gengfu.yaml", "probes", "schedules"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    main = folder / "gengfu.yaml"
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    text = re.sub(r"^listen:.*$", f"listen: 127.0.0.1:{port}", main.read_text(), flags=re.M)
    # The simulated city is not there, nor its root of trust.
    main.write_text(re.sub(r"^  ca:.*$", "", text, flags=re.M))
    log = folder / "log"
    with log.open("w") as out:
        run = subprocess.Popen([PROGRAM, "run"], cwd=folder, stdout=out, stderr=out)
        for _ in range(600):
            if "serving" in log.read_text() or run.poll() is not None:
                break
            time.sleep(0.1)
        run.send_signal(signal.SIGTERM)
        run.wait(timeout=30)
    if "serving" not in log.read_text():
        sys.exit(f"the daemon never served:\n{log.read_text()}")
    return folder / "var/gengfu.db"


def probes(folder):
    """`owner/subsystem/probe` of every critical one, by subsystem."""
    import yaml

    found = {}
    for path in sorted((folder / "probes").rglob("*.yaml")):
        text = yaml.safe_load(path.read_text())
        for subsystem in text.get("subsystems", []):
            names = [p["name"] for p in subsystem["probes"]]
            found[f"{text['owner']['id']}/{subsystem['id']}"] = names
    return found


def facts(folder):
    """A month with outages, some blindness, windows and a correction; by the seed."""
    dice, rows, number = random.Random(SEED), [], 0
    names = lambda text: {"zh": f"{text}维护", "en": f"Work on {text}"}
    for subsystem, mine in sorted(probes(folder).items()):
        changed = lambda at, to, name: (at, {"fact": "probe_changed", "probe": f"{subsystem}/{name}", "to": to, "since": at})
        rows += [changed(OCTOBER - 40 * DAY, "passing", name) for name in mine]
        at = OCTOBER
        for _ in range(dice.choice([0, 0, 0, 1, 1, 2, 4])):
            at += dice.randrange(HOUR, 6 * DAY)
            end = at + dice.choice([3, 9, 25, 140]) * 60_000
            if end > OCTOBER + 31 * DAY:
                break
            to = dice.choice(["failing", "failing", "degraded", None])
            rows += [changed(at, to, mine[0]), changed(end, "passing", mine[0])]
            if to == "failing":
                number += 1
                why = {"kind": "connect", "text": f"{subsystem.replace('/', '.')}.test:443 refused the connection"}
                opened = {"fact": "incident_opened", "incident": number, "subsystem": subsystem, "symptom": "down"}
                opened |= {"severity": "page", "since": at, "window": None, "reason": why}
                rows += [(at, opened), (end, {"fact": "incident_closed", "incident": number, "until": end})]
            at = end
        if dice.random() < 0.15:
            start = OCTOBER + dice.randrange(30) * DAY + 15 * HOUR
            span = {"start": start, "end": start + 2 * HOUR}
            window = f"{subsystem.replace('/', '-')}.{number:08x}"
            of = {"fact": "window_changed", "window": window, "schedule": window[:-9], "span": span, "why": names(subsystem)}
            definition = {"owner": subsystem.split("/")[0], "name": names(subsystem), "scope": [subsystem], "notice": None}
            rows.append((start, of | {"to": "active", "begun": {"definition": definition | {"policy": None, "plan": None}}}))
            rows.append((start + HOUR, of | {"to": "completed"}))
    by = {"name": "王更", "owner": None, "from": "127.0.0.1"}
    said = {"fact": "span_corrected", "subsystem": "huangpu/portal", "span": {"start": OCTOBER, "end": OCTOBER + HOUR}}
    said |= {"counts_as": "unknown", "by": by, "reason": "the line of the monitor was cut, CHG-2026-114"}
    rows.append((OCTOBER + 2 * DAY, said))
    return sorted(rows, key=lambda row: row[0])


def pretend(store, rows):
    with sqlite3.connect(store) as db:
        for table in ("facts", "evidence", "tallies", "checkpoints"):
            db.execute(f"DELETE FROM {table}")
        for n, (at, fact) in enumerate(rows, 1):
            body = json.dumps(fact, ensure_ascii=False, separators=(",", ":")).encode()
            db.execute("INSERT INTO facts (id, at, kind, body) VALUES (?, ?, ?, ?)", (n, at, fact["fact"], body))
        db.execute("UPDATE alive SET at = ?", (OCTOBER + 40 * DAY,))


def printed(chromium, page, pdf, home):
    command = [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"]
    command += [f"--user-data-dir={home}", "--no-pdf-header-footer", f"--print-to-pdf={pdf}", page.as_uri()]
    subprocess.run(command, capture_output=True, check=True, timeout=DEADLINE_S)


def judge(html, pdf):
    from pypdf import PdfReader

    reader = PdfReader(pdf)
    assert 1 < len(reader.pages) <= PAGES_MAX, f"{len(reader.pages)} pages"
    for page in reader.pages:
        size = (float(page.mediabox.width), float(page.mediabox.height))
        assert all(abs(a - b) < SLACK for a, b in zip(size, A4)), f"a page of {size} points is no A4"
    texts = [squeezed(page.extract_text()) for page in reader.pages]
    assert all(texts), "an empty page"
    rows = Rows()
    rows.feed(html.read_text())
    assert len(rows.last) >= 5, f"{len(rows.last)} tables"
    for row in rows.last:
        cells = [squeezed(cell) for cell in row if squeezed(cell)]
        assert any(all(is_in(cell, text) for cell in cells) for text in texts), f"the row {cells} is cut, or is missing"
    return len(reader.pages), len(rows.last)


def main():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not PROGRAM.exists() or chromium is None:
        print("pdf: skipped, since target/debug/gengfu or Chromium is missing (tests/setup/install.sh)")
        return 77
    kept = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None
    said = []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        store = house(folder)
        pretend(store, facts(folder))
        for language in ("zh", "en"):
            for owner in ("city", "huangpu"):
                html, pdf = folder / f"{owner}-{language}.html", folder / f"{owner}-{language}.pdf"
                asked = ["--period", "2026-10", "--at", AS_OF, "--format", "html", "--lang", language, "--out", html]
                asked += [] if owner == "city" else ["--owner", owner]
                subprocess.run([PROGRAM, "report", *asked], cwd=folder, check=True, timeout=DEADLINE_S)
                printed(chromium, html, pdf, folder / "home")
                if kept:
                    kept.mkdir(parents=True, exist_ok=True)
                    for file in (html, pdf):
                        shutil.copy(file, kept)
                if owner == "city":
                    pages, tables = judge(html, pdf)
                    said.append(f"{language} {pages} pages, {tables} tables")
                proof = [PROGRAM, "verify", "--report", html, "--format", "json"]
                answer = json.loads(subprocess.run(proof, cwd=folder, capture_output=True, check=False).stdout)
                assert answer["reports"][0]["good"], answer["reports"]
    print(f"pdf: {'; '.join(said)}; every last row is whole on a page (seed {SEED})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
