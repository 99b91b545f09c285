#!/usr/bin/env python3
"""Asks promtool whether the shipped rules are sound, and whether they say what `rules/*.yaml` expects of them by example.

Not here: that they decide as the daemon does (`src/metrics/rules/tests/same.rs`).
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def promtool(*words):
    run = subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, timeout=120)
    if run.returncode:
        print(run.stdout + run.stderr, file=sys.stderr)
    return run.returncode


def main():
    if not shutil.which("promtool"):
        print("rules: skipped, since promtool is missing (Debian: apt-get install prometheus)")
        return 77
    rules = sorted((ROOT / "dashboards/rules").glob("*.yaml"))
    examples = sorted((ROOT / "tests/peers/rules").glob("*.yaml"))
    failed = promtool("check", "rules", *rules) + promtool("test", "rules", *examples)
    print(f"rules: {len(rules)} files, {len(examples)} files of examples, {'problems' if failed else 'no problems'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
