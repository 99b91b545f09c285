#!/usr/bin/env python3
"""Runs `gengfu demo` and lets Debian's Prometheus scrape it: its queries must answer, and see the demo's script.

Not here: what each figure should be. Invariants: loopback and free ports only, both processes end with this one, and
the daemon ends within its grace when asked to.
"""

import importlib.util
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENGFU = ROOT / "target/debug/gengfu"
START_S, SEEN_S, STOP_S = 60, 90, 15

# Answers that must not be empty while the demo plays; the rest may be, and must still be answers.
NEVER_EMPTY = [
    "up == 1",
    "gengfu_build_info",
    "gengfu_subsystem_up",
    "gengfu_subsystem_info",
    "gengfu_probe_duration_seconds",
    "rate(gengfu_probe_latency_seconds_count[30s]) > 0",
    'gengfu_sla_availability_ratio{figure="public", period="month"}',
    "gengfu_policy_open",
    "gengfu_window_state == 1",
    "gengfu_engine_handle_seconds_count > 0",
    "gengfu_subsystem_up == 0",
    "gengfu_incidents_open > 0",
    'gengfu_notifications_total{result="sent"} > 0',
]


def free_ports(count):
    """The first of `count` neighbours that are free on loopback."""
    for first in range(19424, 32000, 7):
        sockets = []
        try:
            for port in range(first, first + count):
                one = socket.socket()
                sockets.append(one)
                one.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
    raise SystemExit("prometheus: no free ports on loopback")


def get(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as answer:
        return answer.read().decode()


def until(what, limit_s, ask):
    """Asks until it is true; a closed port is "not yet"."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        try:
            if answer := ask():
                return answer
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        time.sleep(0.5)
    raise SystemExit(f"prometheus: {what} did not happen within {limit_s} s")


def dashboards_queries():
    spec = importlib.util.spec_from_file_location("dashboards", Path(__file__).with_name("dashboards.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [rule for path in sorted((ROOT / "dashboards").glob("*.json")) for rule in module.check(path, set())[1]]


def query(port, expression):
    text = urllib.parse.urlencode({"query": expression})
    try:
        answer = json.loads(get(f"http://127.0.0.1:{port}/api/v1/query?{text}"))
    except urllib.error.HTTPError as error:
        raise SystemExit(f"prometheus: {expression}: {error.read().decode()}") from None
    return answer["data"]["result"]


def check_metrics(daemon):
    text = get(f"http://127.0.0.1:{daemon}/metrics")
    run = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    if run.returncode:
        raise SystemExit(f"prometheus: promtool check metrics:\n{run.stdout}{run.stderr}")
    return text.count("\n")


def check_rules(port):
    """Every shipped rule is evaluated without an error; a running daemon is neither gone nor blind."""
    groups = json.loads(get(f"http://127.0.0.1:{port}/api/v1/rules"))["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    wrong = [f"{rule['name']}: {rule.get('lastError')}" for rule in rules if rule["health"] != "ok"]
    firing = [rule["name"] for rule in rules if rule["name"] in ("GengfuGone", "GengfuBlind") and rule["state"] == "firing"]
    if wrong or firing or not rules:
        raise SystemExit(f"prometheus: of {len(rules)} rules {wrong} fail and {firing} fire")
    return sum(1 for rule in rules if rule["type"] == "alerting")


def judge(daemon, prometheus):
    until("the daemon's readiness", START_S, lambda: get(f"http://127.0.0.1:{daemon}/-/ready"))
    for expression in NEVER_EMPTY:
        until(f"an answer to {expression}", SEEN_S, lambda e=expression: query(prometheus, e))
    rules = dashboards_queries()
    filled = sum(1 for _, expression in rules if query(prometheus, expression))
    lines = check_metrics(daemon)
    alerts = check_rules(prometheus)
    mails = len(json.loads(get(f"http://127.0.0.1:{daemon + 1}/api/mails")))
    if mails == 0:
        raise SystemExit("prometheus: the mailbox is empty")
    print(f"prometheus: {len(NEVER_EMPTY)} queries answer, {filled} of {len(rules)} of the dashboards have values, "
          f"{lines} lines of metrics are clean, {alerts} alerts are evaluated, {mails} mails")


def stop(process, limit_s):
    process.send_signal(signal.SIGINT)
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None


def main():
    if not shutil.which("prometheus") or not shutil.which("promtool"):
        print("prometheus: skipped, since it is missing (Debian: apt-get install prometheus)")
        return 77
    daemon = free_ports(3)
    prometheus = daemon + 2
    with tempfile.TemporaryDirectory(prefix="gengfu-prometheus-") as folder:
        config = (ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8")
        config = config.replace("9424", str(daemon)).replace("15s", "1s").replace("10s", "1s")
        config = config.replace("../..", str(ROOT)).replace("global:", "global:\n  evaluation_interval: 1s")
        Path(folder, "prometheus.yml").write_text(config, encoding="utf-8")
        with open(Path(folder, "log"), "w+", encoding="utf-8") as log:
            demo = subprocess.Popen([GENGFU, "demo", "--port", str(daemon), "--store", folder], stdout=log, stderr=log)
            peer = subprocess.Popen(
                ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
                 f"--web.listen-address=127.0.0.1:{prometheus}", "--log.level=error"], stdout=log, stderr=log)
            try:
                judge(daemon, prometheus)
            except SystemExit:
                log.seek(0)
                print("".join(log.readlines()[-20:]), file=sys.stderr)
                raise
            finally:
                status = stop(demo, STOP_S)
                stop(peer, STOP_S)
    if status is None:
        print(f"prometheus: the daemon did not end within {STOP_S} s of SIGINT", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
