#!/usr/bin/env python3
"""Asks two readers of calendars and one of XML what the feeds of a running daemon say, and compares with its API.

Not here: which windows there ought to be (`recurrences.py`). Invariants: every owner's feed is compared with the whole
of its windows that are not over; an event's SEQUENCE is the window's version; loopback and free ports only.
"""

import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import xml.etree.ElementTree as xml
from datetime import datetime, timedelta, timezone
from pathlib import Path

import icalendar
import recurring_ical_events

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/debug/gengfu"
ATOM = "{http://www.w3.org/2005/Atom}"
OVER = {"completed", "failed", "cancelled", "rejected", "missed"}
START_WITHIN_S = 120
MOMENTS_MAX = 200


def free_port():
    """A port whose neighbour is free, too: the mailbox takes that one."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
                return port
            except OSError:
                continue


def get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read()


def wait_until_announced(base):
    """Until the relay took the first notices, so that there are versions to compare."""
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline:
        try:
            windows = json.loads(get(f"{base}/api/v1/windows"))
            if any(window["version"] for window in windows):
                return
        except OSError:
            pass
        time.sleep(0.5)
    sys.exit("announcements: the daemon announced nothing")


def at_one_moment(base, feed, windows):
    """A feed and the windows of the same moment: the daemon goes on to announce while it is read."""
    before = get(f"{base}/{windows}")
    for _ in range(MOMENTS_MAX):
        text, after = get(f"{base}/{feed}"), get(f"{base}/{windows}")
        if before == after:
            return text, json.loads(after)
        before = after
        time.sleep(0.2)
    raise SystemExit(f"announcements: the windows never stood still while {feed} was read")


def calendars(base, wrong):
    now = datetime.now(timezone.utc)
    listed = f"api/v1/windows?to={(now + timedelta(days=390)):%Y-%m-%dT%H:%M:%SZ}"
    windows = json.loads(get(f"{base}/{listed}"))
    total = 0
    for owner in sorted({window["owner"] for window in windows}):
        text, windows = at_one_moment(base, f"maintenance.ics?lang=en&owner={owner}", listed)
        feed = icalendar.Calendar.from_ical(text)
        events = {str(e["UID"]): e for e in feed.walk("VEVENT")}
        low, high = now + timedelta(hours=1), now + timedelta(days=300)
        read = recurring_ical_events.of(feed).between(low, high)
        shown = {(str(e["UID"]), e["DTSTART"].dt, e["DTEND"].dt) for e in read if e["STATUS"] != "CANCELLED"}
        ours = set()
        for window in windows:
            span = [datetime.fromisoformat(window[edge]).astimezone(timezone.utc) for edge in ("start", "end")]
            if window["owner"] != owner or window["state"] in OVER or not (span[1] > low and span[0] < high):
                continue
            uid = f"{window['id']}@gengfu"
            ours.add((uid, *span))
            event = events.get(uid)
            if event is None or int(event["SEQUENCE"]) != window["version"]:
                wrong.append(f"{uid}: version {window['version']}, the feed has {event and event.get('SEQUENCE')}")
        total += len(ours)
        if ours != shown:
            alone = f"{sorted(ours - shown)[:2]} are ours alone, {sorted(shown - ours)[:2]} theirs"
            wrong.append(f"calendar of {owner}: {alone}")
    return total


def news(base, wrong):
    feed = xml.fromstring(get(f"{base}/maintenance.atom?lang=zh"))
    entries = feed.findall(f"{ATOM}entry")
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    times = [entry.findtext(f"{ATOM}updated") for entry in entries]
    if len(set(ids)) != len(ids):
        wrong.append("two entries of one id")
    instants = [datetime.fromisoformat(at) for at in times]
    if instants != sorted(instants, reverse=True):
        wrong.append("the newest entry is not the first")
    for entry in entries:
        if not entry.findtext(f"{ATOM}title") or entry.find(f"{ATOM}author/{ATOM}name") is None:
            wrong.append(f"an entry without title or author: {entry.findtext(f'{ATOM}id')}")
    return len(entries)


def main():
    port, wrong = free_port(), []
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        command = [PROGRAM, "demo", "--port", str(port), "--store", folder]
        daemon = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until_announced(base)
            events, entries = calendars(base, wrong), news(base, wrong)
        finally:
            daemon.terminate()
            daemon.wait(timeout=30)
    for line in wrong[:20]:
        print(line, file=sys.stderr)
    print(f"announcements: {events} events, {entries} entries of news: {len(wrong)} disagreements")
    sys.exit(1 if wrong or not events or not entries else 0)


if __name__ == "__main__":
    main()
