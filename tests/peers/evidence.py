#!/usr/bin/env python3
"""An outsider checks the chain of evidence: SQLite, SHA-256 and Ed25519 of other people, and `docs/evidence.md`.

With a file as argument that store is checked, else one that a daemon made, whose first run is put three days back. Not
here: anything of gengfu's code. Invariant: the peer and `gengfu verify` agree about good stores and about changed ones.
"""

import hashlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/debug/gengfu"
BASE = ROOT / "tests/fixtures/config/base"
ENV = os.environ | {"KIOSKS_TOKEN": "0123456789abcdef"}
DAY_MS = 86_400_000


def sha(data):
    return hashlib.sha256(data)


def column(value, may_be_absent):
    if value is None:
        return b"\0"
    raw = value.encode() if isinstance(value, str) else value
    body = struct.pack(">q", value) if isinstance(value, int) else struct.pack(">q", len(raw)) + raw
    return (b"\1" if may_be_absent else b"") + body


def digest(rows, absent=()):
    prints = [sha(b"".join(column(v, i in absent) for i, v in enumerate(row))).digest() for row in rows]
    return f"{len(prints)} {sha(b''.join(prints)).hexdigest()}"


def problems(path):
    """Every place at which the chain does not hold."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    found, head, number = [], "0" * 64, 0
    days = db.execute("SELECT number, statement, signature FROM evidence ORDER BY number").fetchall()
    last = dict(line.split(" ", 1) for line in days[-1][1].splitlines())
    forgets_facts, forgets_audit = map(int, last["forgets"].split())
    for number_is, text, signature in days:
        says = dict(line.split(" ", 1) for line in text.splitlines())
        number += 1
        if number_is != number or says["previous"] != head:
            found.append(f"day {number_is} does not continue the one before it")
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(says["key"])).verify(signature, text.encode())
        except InvalidSignature:
            found.append(f"{says['day']}: the signature is wrong")
        number, head = number_is, sha(text.encode()).hexdigest()
        for table, columns, absent, forgets in [
            ("facts", "id, at, kind, body", (), forgets_facts),
            ("audit", "id, at, holder, owner, origin, action, subject, detail, refused", (3, 8), forgets_audit),
        ]:
            first, until, rest = says[table].split(" ", 2)
            rows = db.execute(f"SELECT {columns} FROM {table} WHERE id BETWEEN ? AND ? ORDER BY id", (first, until))
            if number > forgets and digest(rows, absent) != rest:
                found.append(f"{says['day']}: {table} are not what was signed")
        packed = "SELECT start, id, hours FROM tally_days JOIN probes ON key = probe WHERE start = ? ORDER BY probe"
        if number > forgets_facts and digest(db.execute(packed, (says["from"],))) != says["tallies"]:
            found.append(f"{says['day']}: tallies are not what was signed")
    return found, head


def daemon(folder, until):
    """Runs the daemon until its log says so."""
    log = folder / "log"
    with log.open("w") as out:
        run = subprocess.Popen([PROGRAM, "run"], cwd=folder, env=ENV, stdout=out, stderr=out)
        for _ in range(300):
            if until in log.read_text() or run.poll() is not None:
                break
            time.sleep(0.1)
        run.send_signal(signal.SIGTERM)
        run.wait(timeout=30)
    if until not in log.read_text():
        sys.exit(f"the daemon never said `{until}`:\n{log.read_text()}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def store_of_a_daemon(folder):
    shutil.copytree(BASE, folder, dirs_exist_ok=True)
    main = folder / "gengfu.yaml"
    lines = [line for line in main.read_text().splitlines() if not line.startswith("listen:")]
    # Nobody serves there: what is seen does not matter, that it is stored does.
    nowhere = 'network: { connect_to: [{ host: "*.test", network: 127.99.0.0/28, port_offset: 20000 }] }'
    main.write_text("\n".join([f"listen: 127.0.0.1:{free_port()}", nowhere, *lines]) + "\n")
    daemon(folder, "serving")
    store = next(folder.rglob("*.db"))
    with sqlite3.connect(store) as db:
        for table in ("facts", "audit", "alive"):
            db.execute(f"UPDATE {table} SET at = at - ?", (3 * DAY_MS,))
        db.execute("UPDATE tallies SET hour = hour - ?", (3 * DAY_MS,))
        db.execute("DELETE FROM checkpoints")
    daemon(folder, "a day was sealed")
    return store


def verify(store, folder, *more):
    command = [PROGRAM, "verify", "--store", store, "--format", "json", *more]
    answer = subprocess.run(command, cwd=folder, env=ENV, capture_output=True, text=True, check=False)
    return answer.returncode, json.loads(answer.stdout or "{}")


def main():
    if len(sys.argv) > 1:
        found, head = problems(sys.argv[1])
        print("\n".join([*found, f"head {head}"]))
        return 1 if found else 0
    if not PROGRAM.exists():
        print("evidence: skipped, since target/debug/gengfu is missing (cargo build)")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        store = store_of_a_daemon(folder)
        found, head = problems(store)
        code, answer = verify(store, folder, "--head", head)
        assert not found and code == 0 and answer["last"]["head"] == head, (found, answer)
        days = answer["days"]
        with sqlite3.connect(store) as db:
            db.execute("UPDATE facts SET body = CAST(replace(CAST(body AS TEXT), 'started', 'startef') AS BLOB)")
        found, _ = problems(store)
        code, answer = verify(store, folder)
        assert found and code == 1 and answer["findings"], (found, answer)
    print(f"evidence: {days} days proved by both, a changed fact named by both")
    return 0


if __name__ == "__main__":
    sys.exit(main())
