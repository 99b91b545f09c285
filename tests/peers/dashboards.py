#!/usr/bin/env python3
"""Asks promtool whether every query of the dashboards is PromQL, and our own table whether its metrics exist.

Not here: what the queries answer on a running daemon. Invariants: the data source and the job are variables, ids are
unique, `id` is null and `uid` set, so that a file can be provisioned anywhere.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GIVEN = {"__rate_interval": "1m", "__interval": "30s", "__range": "6h"}
SUFFIX = re.compile(r"_(bucket|count|sum)$")


def queries(dashboard):
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            inside = re.fullmatch(r"label_values\((.*), \w+\)", variable["definition"])
            yield f"variable {variable['name']}", inside.group(1)


def filled(expression, names):
    def value(match):
        name = match.group(1)
        if name in GIVEN:
            return GIVEN[name]
        if name in names:
            return ".*"
        raise KeyError(f"unknown variable ${name}")

    return re.sub(r"\$\{?(\w+)\}?", value, expression)


def check(path, known):
    problems = []
    dashboard = json.loads(path.read_text(encoding="utf-8"))
    names = {variable["name"] for variable in dashboard["templating"]["list"]}
    ids = [panel["id"] for panel in dashboard["panels"]]
    if len(ids) != len(set(ids)):
        problems.append("two panels of one id")
    if dashboard["id"] is not None or not dashboard["uid"] or dashboard["schemaVersion"] < 39:
        problems.append("id must be null, uid set, schemaVersion 39 or more")
    rules = []
    for title, expression in queries(dashboard):
        if not title.startswith("variable job") and "$job" not in expression:
            problems.append(f"{title}: does not use $job")
        rules.append((title, filled(expression, names)))
        for metric in set(re.findall(r"\bgengfu_\w+", expression)):
            if known and metric not in known and SUFFIX.sub("", metric) not in known:
                problems.append(f"{title}: {metric} is not in docs/metrics.md")
    for panel in dashboard["panels"]:
        if panel["type"] != "row" and (panel["datasource"]["uid"] != "${datasource}" or not panel["description"]):
            problems.append(f"{panel['title']}: wants ${{datasource}} and a description")
    return problems, rules


def promtool(rules):
    """Every query as a recording rule: promtool parses them all at once."""
    file = {"groups": [{"name": "queries", "rules": [
        {"record": f"query:{number}", "expr": expression} for number, (_, expression) in enumerate(rules)]}]}
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as out:
        json.dump(file, out)
    run = subprocess.run(["promtool", "check", "rules", out.name], capture_output=True, text=True, timeout=60)
    Path(out.name).unlink()
    return [] if run.returncode == 0 else [run.stdout + run.stderr]


def main():
    if not shutil.which("promtool"):
        print("dashboards: skipped, since promtool is missing (Debian: apt-get install prometheus)")
        return 77
    table = ROOT / "docs/metrics.md"
    known = set(re.findall(r"gengfu_\w+", table.read_text(encoding="utf-8"))) if table.exists() else set()
    problems, rules = [], []
    files = sorted((ROOT / "dashboards").glob("*.json"))
    for path in files:
        found, more = check(path, known)
        problems += [f"{path.name}: {problem}" for problem in found]
        rules += more
    problems += promtool(rules)
    prometheus = ROOT / "deploy/prometheus/prometheus.yml"
    run = subprocess.run(["promtool", "check", "config", str(prometheus)], capture_output=True, text=True, timeout=60)
    if run.returncode:
        problems.append(run.stdout + run.stderr)
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"dashboards: {len(files)} files, {len(rules)} queries, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
