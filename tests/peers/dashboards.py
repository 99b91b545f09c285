#!/usr/bin/env python3
"""Asks others about dashboards/: promtool whether every query is PromQL, and Grafana's own types whether it is a board.

Not here: what the queries answer on a running daemon (prometheus.py), and the rules of dashboard-linter, which are unit
tests of `src/metrics/boards`. Invariant: nothing is written outside of target/.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TYPES = ROOT / "tests/peers/grafana"
NODE = ROOT / "target/peers/grafana"
# What Grafana fills in, and what a reader has chosen where only one may be.
GIVEN = {"__rate_interval": "1m", "__range": "10m"}
CHOSEN = [{"owner": "huangpu", "subsystem": "huangpu/portal", "period": "month"},
          {"owner": "ndrc", "subsystem": "ndrc/price", "period": "day"}]


class Query:
    """One question of a board: where it stands, what is asked (once for each choice), which labels its answers need."""

    def __init__(self, place, expression, labels, variables):
        self.place, self.labels = place, labels
        self.expressions = list(dict.fromkeys(filled(expression, values(variables, chosen)) for chosen in CHOSEN))


def values(variables, chosen):
    """Each variable with the value that it is given: one where only one may be chosen, else any."""
    return {one["name"]: ".*" if one.get("multi") else chosen.get(one["name"], "") for one in variables}


def filled(expression, given):
    return re.sub(r"\$\{?(\w+)\}?", lambda match: (GIVEN | given)[match.group(1)], expression)


def in_braces(text):
    return set(re.findall(r"\{\{(\w+)\}\}", text))


def columns(panel):
    """Labels that are columns of a table."""
    organize = [one for one in panel.get("transformations", []) if one["id"] == "organize"]
    return {name for one in organize for name in one["options"]["renameByName"] if not name.startswith("Value")}


def queries(board):
    """Every question of panels, variables and annotations, with its variables filled in."""
    variables, name = board["templating"]["list"], board["uid"]
    for panel in board["panels"]:
        links = json.dumps(panel.get("fieldConfig", {}).get("defaults", {}).get("links", []))
        linked = set(re.findall(r"__field\.labels\.(\w+)", links))
        for target in panel.get("targets", []):
            labels = in_braces(target["legendFormat"]) | columns(panel) | linked
            yield Query(f"{name}: {panel['title']} {target['refId']}", target["expr"], labels, variables)
    for variable in variables:
        if variable["type"] == "query":
            selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()
            yield Query(f"{name}: variable {variable['name']}", selector, {label}, variables)
    for mark in board["annotations"]["list"]:
        if mark.get("builtIn") != 1:
            labels = in_braces(mark["titleFormat"]) | in_braces(mark["textFormat"])
            yield Query(f"{name}: annotation {mark['name']}", mark["target"]["expr"], labels, variables)


def boards():
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "dashboards").glob("*.json"))}


def promtool(asked):
    """Every query as a recording rule: promtool parses them all at once."""
    if not shutil.which("promtool"):
        print("dashboards: promtool is missing (Debian: apt-get install prometheus), so the queries were not parsed")
        return []
    rules = [{"record": f"query:{number}", "expr": query.expressions[0]} for number, query in enumerate(asked)]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as out:
        json.dump({"groups": [{"name": "queries", "rules": rules}]}, out)
    run = subprocess.run(["promtool", "check", "rules", out.name], capture_output=True, text=True, timeout=60)
    Path(out.name).unlink()
    return [] if run.returncode == 0 else [run.stdout + run.stderr]


def typescript(files):
    """The text of a program that only compiles if a file is a board, and each panel what its kind says."""
    for name, board in files.items():
        lines = ["import type { Board, Drawn } from './board.js';", "export const board: Board =",
                 json.dumps(board, ensure_ascii=False, indent=1) + ";"]
        for panel in board["panels"]:
            if panel["type"] != "row":
                kind, custom = json.dumps(panel["type"]), panel["fieldConfig"]["defaults"].get("custom")
                drawn = {"type": panel["type"], "options": panel["options"]} | ({"custom": custom} if custom else {})
                lines.append(f"export const panel{panel['id']}: Drawn<{kind}> = {json.dumps(drawn, ensure_ascii=False)};")
        yield name.replace(".json", ".ts"), "\n".join(lines) + "\n"


def grafana(files):
    """Asks `tsc --strict` with the types of @grafana/schema."""
    compiler = NODE / "node_modules/typescript/bin/tsc"
    if not compiler.exists() or not shutil.which("node"):
        print("dashboards: @grafana/schema is missing (tests/setup/install.sh), so Grafana's types were not asked")
        return []
    for old in NODE.glob("*.ts"):
        old.unlink()
    for path in [*TYPES.glob("*.ts"), TYPES / "tsconfig.json"]:
        shutil.copy(path, NODE)
    for name, text in typescript(files):
        (NODE / name).write_text(text, encoding="utf-8")
    run = subprocess.run(["node", compiler, "-p", NODE], capture_output=True, text=True, timeout=300)
    return [] if run.returncode == 0 else run.stdout.splitlines()[:20]


def main():
    files = boards()
    asked = [query for board in files.values() for query in queries(board)]
    problems = promtool(asked) + grafana(files)
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"dashboards: {len(files)} files, {len(asked)} queries, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
