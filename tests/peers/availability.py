#!/usr/bin/env python3
"""Holds the month's public figure of a running daemon against the mean of what a real Prometheus scraped meanwhile.

Twenty subsystems follow a script: answers, refusals, silence, closed connections, slowness; the daemon is killed once in
between. Two minutes of script, or GENGFU_AVAILABILITY_MINUTES of it. The two may differ by what sampling explains: a
change is dated back to its first contrary attempt, and Prometheus sees it once it is confirmed and scraped, so every
change costs one of them at most that long; a kill costs the daemon what lies behind its last sign of life; and what is
known and was not scraped, because a scrape failed or came too early, is worth no more than itself.
Invariants: loopback only; the seed is printed; every process ends with this one.
"""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENGFU = ROOT / "target/debug/gengfu"
COUNT = 20
MINUTES = float(os.environ.get("GENGFU_AVAILABILITY_MINUTES", "2"))
SEED = int(os.environ.get("GENGFU_AVAILABILITY_SEED", "20261129"))
# Intervals in seconds: of the short script, and of those of ten minutes and more.
SCRAPE, EVERY, TIMEOUT, CONFIRM = (1, 2, 0.5, 0.2) if MINUTES < 10 else (5, 10, 2, 1)
FALL = RISE = 2
ALIVE = 5
START_S, STOP_S = 60, 15
FAULTS = ["refuses", "hangs", "closes"]

CONFIG = """listen: 127.0.0.1:{port}
zone: Asia/Shanghai
network: {{ allow: [127.0.0.1/32] }}
store: {{ path: gengfu.db }}
mail:
  from: {{ name: gengfu, mail: gengfu@judge.test }}
  domain: judge.test
  relays: [{{ host: 127.0.0.1, port: {closed}, tls: none }}]
on_call: {{ fallback: duty, admins: duty }}
"""
OWNER = """owner: {{ id: judge, kind: bureau, name: {{ zh: 裁判, en: Judge }}, on_call: duty }}
defaults: {{ every: {every}s, timeout: {timeout}ms, confirm_every: {confirm}ms, fall: {fall}, rise: {rise} }}
subsystems:
"""
SUBSYSTEM = """  - id: {id}
    name: {{ zh: {id}, en: {id} }}
    tier: 3
    hours: 7x24
    objective: any
    probes: [{{ name: home, http: {{ url: "http://127.0.0.1:{port}/{id}", expect: {{ status: 200, slower_than: {slow}ms }} }} }}]
"""
OTHERS = {
    "schedules/on-call.yaml": "rosters:\n  - { id: duty, contacts: [{ name: duty, mail: duty@judge.test, language: en }] }\n",
    "schedules/objectives.yaml": "objectives:\n  - { id: any, target: 90%, period: month, figure: public }\n",
    "schedules/policies/any.yaml": "policies:\n  - { id: any, applies_to: { tier: [1, 2, 3] }, allow: { always: true } }\n",
}
PROMETHEUS = """global: {{ scrape_interval: {scrape}s, scrape_timeout: {scrape}s }}
scrape_configs:
  - job_name: gengfu
    static_configs: [{{ targets: ["127.0.0.1:{port}"] }}]
"""


def script(length_s):
    """For each subsystem its faults: (from, to, kind) in seconds. The first has none, the last comes and goes."""
    chance = random.Random(SEED)
    shortest = 4 * EVERY
    whole = {}
    for n in range(COUNT):
        spells, at = [], chance.uniform(shortest, length_s / 4)
        most = length_s / (20 if n == COUNT - 1 else 5)
        while n > 0 and at < length_s - shortest:
            end = at + chance.uniform(shortest, max(shortest, most))
            spells.append((at, end, "slow" if chance.random() < 0.15 else chance.choice(FAULTS)))
            at = end + chance.uniform(shortest, max(shortest, 2 * most))
        whole[f"s{n:02}"] = spells
    return whole


class Site(ThreadingHTTPServer):
    """All subsystems: each answers at its path as the script has it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, faults):
        self.faults, self.began = faults, None
        super().__init__(("127.0.0.1", 0), Visit)

    def kind(self, subsystem):
        at = time.monotonic() - self.began if self.began else 0
        return next((kind for start, end, kind in self.faults[subsystem] if start <= at < end), "ok")

    def handle_error(self, request, client_address):
        """Visitors who leave early are no news."""


class Visit(BaseHTTPRequestHandler):
    def do_GET(self):
        kind = self.server.kind(self.path.strip("/"))
        if kind == "hangs":
            time.sleep(TIMEOUT * 1.5)
        if kind in ("hangs", "closes"):
            self.close_connection = True
            return
        if kind == "slow":
            time.sleep(TIMEOUT * 0.6)
        body = b"good"
        self.send_response(503 if kind == "refuses" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def get(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as answer:
        return answer.read().decode()


def until_ready(port):
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        try:
            return get(f"http://127.0.0.1:{port}/-/ready")
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"availability: the daemon was not ready within {START_S} s")


def query(port, expression, at):
    text = urllib.parse.urlencode({"query": expression, "time": f"{at:.3f}"})
    found = json.loads(get(f"http://127.0.0.1:{port}/api/v1/query?{text}"))["data"]["result"]
    return {row["metric"]["subsystem"].partition("/")[2]: float(row["value"][1]) for row in found}


def seen(port, subsystem, began):
    """What the daemon saw: known seconds, how often it went down and came up again, and the spans for people."""
    text = urllib.parse.urlencode({"from": datetime.fromtimestamp(began - 60, timezone.utc).isoformat()})
    spans = json.loads(get(f"http://127.0.0.1:{port}/api/v1/subsystems/judge/{subsystem}/timeline?{text}"))["spans"]
    spans = [(*(datetime.fromisoformat(span[edge]).timestamp() - began for edge in ("from", "to")), span["state"])
             for span in spans]
    known = sum(end - start for start, end, state in spans if state != "unknown")
    states = [state for *_, state in spans if state != "unknown"]
    downs = sum(1 for before, after in zip(states, states[1:]) if before != "down" and after == "down")
    ups = sum(1 for before, after in zip(states, states[1:]) if before == "down" and after != "down")
    return known, downs, ups, " ".join(f"{state} {start:.0f}-{end:.0f}" for start, end, state in spans)


def period(now):
    """The month, or the last 30 days where the month ends meanwhile."""
    local = datetime.fromtimestamp(now, timezone(timedelta(hours=8)))
    return "month" if (local + timedelta(minutes=MINUTES + 5)).month == local.month else "rolling_30d"


class House:
    def __init__(self, folder, site_port):
        self.folder, self.port, self.prometheus_port = Path(folder), free_port(), free_port()
        owner = OWNER.format(every=EVERY, timeout=int(TIMEOUT * 1e3), confirm=int(CONFIRM * 1e3), fall=FALL, rise=RISE)
        for n in range(COUNT):
            owner += SUBSYSTEM.format(id=f"s{n:02}", port=site_port, slow=int(TIMEOUT * 0.4 * 1e3))
        self.write("gengfu.yaml", CONFIG.format(port=self.port, closed=free_port()))
        self.write("probes/bureaus/judge.yaml", owner)
        self.write("prometheus.yml", PROMETHEUS.format(scrape=SCRAPE, port=self.port))
        for name, text in OTHERS.items():
            self.write(name, text)
        self.log = open(self.folder / "log", "w+", encoding="utf-8")

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def start(self):
        command = [GENGFU, "--config", self.folder / "gengfu.yaml", "run"]
        daemon = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        try:
            until_ready(self.port)
        except SystemExit:
            daemon.kill()
            raise
        return daemon

    def watch(self):
        command = ["prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/tsdb",
                   f"--web.listen-address=127.0.0.1:{self.prometheus_port}", "--log.level=error"]
        return subprocess.Popen(command, stdout=self.log, stderr=self.log)


def stop(process):
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def compare(house, began, figure_period):
    # The instant of the last scrape for both: what was scraped later is in neither.
    now = time.time()
    last = query(house.prometheus_port, "timestamp(gengfu_subsystem_up)", now)
    at = max(last.values())
    span = f"{int(at - began) + 60}s"
    scraped = query(house.prometheus_port, f"avg_over_time(gengfu_subsystem_up[{span}])", at)
    samples = query(house.prometheus_port, f"count_over_time(gengfu_subsystem_up[{span}])", at)
    selector = f'figure="public",period="{figure_period}"'
    figures = query(house.prometheus_port, f"gengfu_sla_availability_ratio{{{selector}}}", at)
    lag = max(FALL, RISE) * TIMEOUT + CONFIRM + 1 + SCRAPE
    wrong, differences, allowed, most_missed = [], [], [], 0
    for n in range(COUNT):
        name = f"s{n:02}"
        known, downs, ups, spans = seen(house.port, name, began)
        # Known time that was not scraped: a busy machine misses scrapes, and what is known later is dated back.
        missed = abs(known - samples[name] * SCRAPE)
        most_missed = max(most_missed, missed)
        # Seen down too late, it was up for longer to Prometheus; seen up too late, for shorter.
        low, high = (sign * (count * lag + ALIVE + SCRAPE + missed) / known for sign, count in ((-1, ups), (1, downs)))
        difference = scraped[name] - figures[name]
        differences.append(difference)
        allowed.append(max(-low, high))
        if not low <= difference <= high:
            wrong.append(f"{name}: {figures[name]:.4%} against {scraped[name]:.4%} scraped, allowed {low:.4%} to {high:.4%}; "
                         f"{missed:.0f} s not scraped; {spans}")
    largest = max(differences, key=abs)
    mean = sum(differences) / COUNT
    down = [name for name, figure in figures.items() if figure < 1]
    print(f"availability: seed {SEED}, {COUNT} subsystems over {MINUTES:g} min, {len(down)} of them down at times, "
          f"{min(figures.values()):.4%} to {max(figures.values()):.4%} ({figure_period}); scraped every {SCRAPE} s, the mean "
          f"differs by {largest:+.4%} at most ({max(allowed):.4%} allowed) and by {mean:+.4%} over all; at most {most_missed:.0f} s "
          f"of what was known were not scraped; {len(wrong)} problems")
    for line in wrong:
        print(f"availability: {line}", file=sys.stderr)
    if len(figures) < COUNT or len(down) < COUNT / 2:
        print(f"availability: only {len(figures)} figures, {len(down)} with down time", file=sys.stderr)
        return 1
    return 1 if wrong else 0


def main():
    if not shutil.which("prometheus"):
        print("availability: skipped, since it is missing (Debian: apt-get install prometheus)")
        return 77
    length_s = MINUTES * 60
    site = Site(script(length_s))
    threading.Thread(target=site.serve_forever, daemon=True).start()
    running = []
    with tempfile.TemporaryDirectory(prefix="gengfu-availability-") as folder:
        house = House(folder, site.server_port)
        began = time.time()
        figure_period = period(began)
        try:
            running = [house.watch(), house.start()]
            site.began = time.monotonic()
            time.sleep(length_s * 0.55)
            running[1].kill()
            running[1].wait()
            time.sleep(min(30, length_s * 0.05))
            running[1] = house.start()
            time.sleep(max(0, length_s - (time.monotonic() - site.began)))
            return compare(house, began, figure_period)
        except (SystemExit, ValueError, KeyError, OSError):
            house.log.seek(0)
            print("".join(house.log.readlines()[-20:]), file=sys.stderr)
            raise
        finally:
            for process in reversed(running):
                stop(process)


if __name__ == "__main__":
    sys.exit(main())
