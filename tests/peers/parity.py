#!/usr/bin/env python3
"""Asks the same of blackbox_exporter and of gengfu, over targets good and bad: the verdicts must be equal.

Not here: the targets (`rig/targets.py`) and their servers. Where ours is meant to differ, `WHY` says why. Every gengfu
must end within its deadline and a second, in bounded memory. As root, or where the kernel lets anybody, it runs in a
network and with names of its own, so that nothing leaves the machine. `parity.py PART` asks rows with PART in the name.
"""

import collections
import concurrent.futures
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from rig import ask
from rig.certificates import Chains
from rig.targets import TIMEOUT_S, Targets

INSIDE = "GENGFU_PARITY_INSIDE"
AT_ONCE = 4
SPARE_S = 1.0
PEAK_MIB = 128

# Why ours is right where blackbox_exporter says the opposite.
WHY = {
    "blank": "a page without a single character is not open, whatever its status",
    "size": "how long a body is was not asked for: the part that was read, and the status, are judged",
    "headers": "an answer of hundreds of headers, or of one of megabytes, is refused before it fills memory",
    "no record": "NOERROR without a record of the asked type leads no visitor anywhere",
    "every address": "a visitor's browser tries every address of a name, so one dead family is not closed",
    "version": "there is no HTTP/9.9, so what answers is no web server that a visitor could use",
    "question": "an answer to another question proves nothing about the one that was asked",
    "rsa": "1024 bits can be factored; browsers refuse such a chain as well",
}

# Rows in which ours is known to be wrong, and how; they are shown, and do not fail the run until they are mended.
KNOWN = {
}


def in_a_world_of_its_own():
    """Runs this program again in its own network and mount namespaces, if the kernel lets us."""
    if os.environ.get(INSIDE) or not shutil.which("unshare"):
        return
    command = ["unshare", "--mount", "--net"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    if subprocess.run([*command, "true"], capture_output=True).returncode == 0:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", [*command, sys.executable, *sys.argv])


def furnish(folder):
    """Loopback goes up, and names are asked of our own server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        up = struct.pack("16sH14s", b"lo", 0x1 | 0x8 | 0x40, b"")
        fcntl.ioctl(one, 0x8914, up)
    Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 2147483647", encoding="ascii")
    for name, text in [("resolv.conf", "nameserver 127.0.0.53\noptions timeout:10 attempts:1\n"),
                       ("hosts", "127.0.0.1 localhost\n"), ("nsswitch.conf", "hosts: files dns\n")]:
        own = Path(folder, name)
        own.write_text(text, encoding="ascii")
        there = os.path.realpath(f"/etc/{name}")
        subprocess.run(["mount", "--bind", own, there], check=True)


def compare(row, number, blackbox):
    """Both answers, and what is wrong with them."""
    theirs, _ = blackbox.ask(f"m{number}", row.target)
    ours = ask.gengfu(row.kind, row.address, row.fields, TIMEOUT_S)
    wrong = []
    if ours.good != row.good or ours.result == "refused":
        wrong.append(f"expected {'pass' if row.good else 'fail'}")
    if row.reason and not ours.good and ours.kind != row.reason:
        wrong.append(f"expected the reason {row.reason}, got {ours.kind}")
    if theirs != ours.good and not row.differs:
        wrong.append("the verdicts differ")
    if theirs == ours.good and row.differs:
        wrong.append("the verdicts were to differ, and do not")
    if ours.spent_s > TIMEOUT_S + SPARE_S:
        wrong.append(f"took {ours.spent_s:.1f} s")
    if ours.peak_mib > PEAK_MIB:
        wrong.append(f"took {ours.peak_mib:.0f} MiB")
    return theirs, ours, wrong


def table(rows, answers):
    count = collections.Counter()
    for row, (theirs, ours, wrong) in zip(rows, answers):
        verdict = "pass" if theirs else "fail"
        print(f"{'DIFFER' if wrong else 'ok':6} {row.name[:40]:40} {verdict:5} {ours.result:8} "
              f"{ours.spent_s:4.1f} s {ours.peak_mib:4.0f} MiB  {ours.text[:110]}")
        if row.differs:
            print(f"{'':7}ours differs: {WHY[row.differs]}")
        for line in wrong:
            print(f"{'':7}! {line}")
        known = next((why for name, why in KNOWN.items() if name in row.name), None) if wrong else None
        if known:
            print(f"{'':7}known, and to be mended: {known}")
        count["known" if known else "wrong" if wrong else "differ" if row.differs else "equal"] += 1
    good = sum(row.good for row in rows)
    slowest, largest = (max(key(ours) for _, ours, _ in answers) for key in
                        (lambda ours: ours.spent_s, lambda ours: ours.peak_mib))
    print(f"parity: {len(rows)} targets, {good} good and {len(rows) - good} bad: {count['equal']} verdicts equal, "
          f"{count['differ']} differ for a reason, {count['wrong']} wrong, {count['known']} known to be; at most {slowest:.1f} s and {largest:.0f} MiB")
    return count["wrong"]


def main():
    if not ask.has(ask.BLACKBOX):
        print(f"parity: skipped, since {ask.BLACKBOX} is missing (tests/setup/install.sh)")
        return 77
    in_a_world_of_its_own()
    alone = bool(os.environ.get(INSIDE))
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    with tempfile.TemporaryDirectory(prefix="gengfu-parity-") as folder:
        if alone:
            furnish(folder)
        targets = Targets(Chains(folder), alone)
        rows = [row for row in targets.rows if part in row.name]
        known = ask.kinds()
        left_out = sorted({row.kind for row in rows} - set(known))
        rows = [row for row in rows if row.kind in known]
        modules = {f"m{n}": {"timeout": f"{TIMEOUT_S}s", **row.module} for n, row in enumerate(rows)}
        blackbox = ask.Blackbox(folder, modules)
        try:
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                answers = list(pool.map(lambda pair: compare(pair[1], pair[0], blackbox), enumerate(rows)))
        finally:
            blackbox.stop()
    wrong = table(rows, answers)
    if left_out:
        print(f"parity: this gengfu has no {', '.join(left_out)}", file=sys.stderr)
    return 1 if wrong or left_out else 0


if __name__ == "__main__":
    sys.exit(main())
