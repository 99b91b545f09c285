#!/usr/bin/env python3
"""Runs `gengfu demo` and lets Debian's Prometheus scrape it: its queries must answer, and see the demo's script.

Every question of every dashboard is asked: panels, variables and annotations, over the whole run. It must have an
answer with the labels that the dashboard shows, that is not NaN alone, and without a warning of Prometheus.

Not here: what each figure should be. Invariants: loopback and free ports only, both processes end with this one, and
the daemon ends within its grace when asked to.
"""

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

import dashboards

ROOT = Path(__file__).resolve().parents[2]
GENGFU = ROOT / "target/debug/gengfu"
START_S, SEEN_S, STOP_S = 120, 300, 30
# Of scrapes and rules; a debug build under load takes more than a second to write the city's metrics.
EVERY_S = 3

# Answers that must not be empty while the demo plays; the rest may be, and must still be answers.
NEVER_EMPTY = [
    "up == 1",
    "gengfu_build_info",
    "gengfu_subsystem_up",
    "gengfu_subsystem_info",
    "gengfu_probe_duration_seconds",
    "rate(gengfu_probe_latency_seconds_count[1m]) > 0",
    'gengfu_sla_availability_ratio{figure="public", period="month"}',
    "gengfu_policy_open",
    "gengfu_window_state == 1",
    "gengfu_window_scope == 1",
    "gengfu_engine_handle_seconds_count > 0",
    "gengfu_subsystem_up == 0",
    "gengfu_incidents_open > 0",
    'gengfu_notifications_total{result="sent"} > 0',
]

# Questions of dashboards to which the demo has no answer, by what is in them.
MAY_BE_EMPTY = {
    "gengfu_window_scope{": "what is chosen may have no window within the week",
    "gengfu_window_defects": "the demo's windows have no defect",
    "gengfu_plan_run_state": "the demo runs no plan",
    "gengfu_inspection_visits": "140 visits take longer than this",
    "gengfu_sign_of_life_timestamp_seconds": "no receiver outside is set",
    "gengfu_clock_steps_total{job=~\".*\",instance=~\".*\"}[1m]) > 0": "the clock is not stepped",
}


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


def query(port, expression):
    text = urllib.parse.urlencode({"query": expression})
    try:
        answer = json.loads(get(f"http://127.0.0.1:{port}/api/v1/query?{text}"))
    except urllib.error.HTTPError as error:
        raise SystemExit(f"prometheus: {expression}: {error.read().decode()}") from None
    return answer["data"]["result"]


def over_time(port, expression, since):
    """The course of an expression from an instant on, and what Prometheus warns of."""
    asked = {"query": expression, "start": since, "end": time.time(), "step": EVERY_S}
    try:
        answer = json.loads(get(f"http://127.0.0.1:{port}/api/v1/query_range?{urllib.parse.urlencode(asked)}"))
    except urllib.error.HTTPError as error:
        raise SystemExit(f"prometheus: {expression}: {error.read().decode()}") from None
    return answer["data"]["result"], answer.get("warnings", [])


def judged(port, question, since):
    """What is wrong with the answers to one question of a dashboard; nothing if all is well."""
    answers = []
    for expression in question.expressions:
        found, warnings = over_time(port, expression, since)
        if warnings:
            return f"warnings {warnings}"
        answers += found
    if not answers:
        return "no answer"
    if all(value == "NaN" for series in answers for _, value in series["values"]):
        return "nothing but NaN"
    missing = [question.labels - set(series["metric"]) for series in answers]
    missing = [labels for labels in missing if labels]
    return f"labels {missing[0]} are missing" if missing else ""


def check_dashboards(port, since):
    """Every question, again until it is well answered or time is up; how many were, and how many cannot be."""
    asked = [question for board in dashboards.boards().values() for question in dashboards.queries(board)]
    empty = [q for q in asked if any(part in q.expressions[0] for part in MAY_BE_EMPTY)]
    open_, problems, end = asked, {}, time.monotonic() + SEEN_S
    while open_ and time.monotonic() < end:
        problems = {question: judged(port, question, since) for question in open_}
        allowed = {question for question in empty if problems.get(question) == "no answer"}
        open_ = [question for question, problem in problems.items() if problem and question not in allowed]
        time.sleep(EVERY_S if open_ else 0)
    if open_:
        wrong = [f"{question.place}: {problems[question]}: {question.expressions[-1]}" for question in open_]
        raise SystemExit("prometheus: dashboards:\n" + "\n".join(wrong[:20]))
    return len(asked), len(empty)


def ask_gate(daemon):
    """Somebody asks for leave, so that there are answers of the gate to look at; counters rise only from the second."""
    for subsystem in ("bdc/identity", "ndrc/price"):
        try:
            get(f"http://127.0.0.1:{daemon}/api/v1/gate?subsystem={subsystem}&for=10m")
        except urllib.error.HTTPError as denied:
            assert denied.code == 423, denied


def check_metrics(daemon):
    text = get(f"http://127.0.0.1:{daemon}/metrics")
    run = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    if run.returncode:
        raise SystemExit(f"prometheus: promtool check metrics:\n{run.stdout}{run.stderr}")
    return text.count("\n")


def check_rules(port):
    """Every shipped rule is evaluated without an error; a running daemon is neither gone nor blind; the watchdog barks."""
    groups = json.loads(get(f"http://127.0.0.1:{port}/api/v1/rules"))["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    wrong = [f"{rule['name']}: {rule.get('lastError')}" for rule in rules if rule["health"] != "ok"]
    fires = {rule["name"] for rule in rules if rule.get("state") == "firing"}
    firing = fires & {"GengfuGone", "GengfuBlind", "GengfuIdle", "GengfuReloadRefused"}
    if wrong or firing or "GengfuWatchdog" not in fires:
        raise SystemExit(f"prometheus: of {len(rules)} rules {wrong} fail and {firing} fire")
    return sum(1 for rule in rules if rule["type"] == "alerting")


def judge(daemon, prometheus):
    until("the daemon's readiness", START_S, lambda: get(f"http://127.0.0.1:{daemon}/-/ready"))
    since = time.time()
    ask_gate(daemon)
    for expression in NEVER_EMPTY:
        until(f"an answer to {expression}", SEEN_S, lambda e=expression: query(prometheus, e))
    ask_gate(daemon)
    asked, empty = check_dashboards(prometheus, since)
    lines = check_metrics(daemon)
    alerts = check_rules(prometheus)
    mails = len(json.loads(get(f"http://127.0.0.1:{daemon + 1}/api/mails")))
    if mails == 0:
        raise SystemExit("prometheus: the mailbox is empty")
    print(f"prometheus: {len(NEVER_EMPTY)} queries answer, and {asked} of the dashboards but for {empty} to which "
          f"the demo has none, {lines} lines of metrics are clean, {alerts} alerts are evaluated, {mails} mails")


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
        config = config.replace("gengfu:9424", f"127.0.0.1:{daemon}").replace("15s", f"{EVERY_S}s").replace("10s", f"{EVERY_S}s")
        # Nobody listens there: how alerts are handed on is asked by chain.py.
        config = config.replace("../..", str(ROOT)).replace("alertmanager:9093", f"127.0.0.1:{prometheus}")
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
