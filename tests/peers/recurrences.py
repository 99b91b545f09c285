#!/usr/bin/env python3
"""Asks others when windows start: dateutil about rules, croniter about cron, two readers about the calendar file.

Random texts go through the whole program, `gengfu windows`, in a zone without changes of the clock and in one with.
Not here: what a policy says. Invariants: the seed is printed; every start of the span is compared, none is sampled.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events
from croniter import croniter
from dateutil.rrule import rruleset, rrulestr

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / os.environ.get("GENGFU_PROGRAM", "target/debug/gengfu")
BASE = ROOT / "tests/fixtures/config/base"
FIRST, LAST = datetime(2026, 1, 1), datetime(2027, 1, 1)
RULES, CRONS, BATCH = 500, int(os.environ.get("GENGFU_CRONS", "100")), 20
# gengfu looks for the first start that far ahead.
FIRST_WITHIN_YEARS = 30
ENV = os.environ | {"KIOSKS_TOKEN": "0123456789abcdef"}
WEEK = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


def some(dice, values, most):
    return ",".join(str(v) for v in sorted(dice.sample(values, dice.randint(1, most))))


def rule(dice):
    """A random rule with its first civil time; often enough to be seen within the span."""
    freq = dice.choice(["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "MONTHLY", "YEARLY"])
    parts = [f"FREQ={freq}"]
    if dice.random() < 0.4:
        parts.append(f"INTERVAL={dice.choice([5, 7, 36]) if freq == 'HOURLY' else dice.randint(2, 3)}")
    elif freq == "HOURLY":
        parts.append("INTERVAL=11")
    if freq in ("MONTHLY", "YEARLY"):
        shape = dice.randrange(4)
        if shape == 0:
            parts.append(f"BYDAY={dice.choice([1, 2, 3, 4, 5, -1, -2])}{dice.choice(WEEK)}")
        elif shape == 1:
            parts.append(f"BYMONTHDAY={dice.choice([1, 13, 28, 29, 30, 31, -1, -2, -10])}")
        elif shape == 2:
            parts.append(f"BYDAY={','.join(sorted(dice.sample(WEEK, 3)))};BYSETPOS={dice.choice([1, 2, -1])}")
        if freq == "YEARLY" and shape != 3:
            parts.append(f"BYMONTH={some(dice, range(1, 13), 4)}")
    elif freq == "WEEKLY" and dice.random() < 0.7:
        parts.append(f"BYDAY={','.join(sorted(dice.sample(WEEK, dice.randint(1, 3))))}")
    elif dice.random() < 0.3:
        parts.append(f"BYMONTH={some(dice, range(1, 13), 6)}")
    if freq == "DAILY" and dice.random() < 0.3:
        parts.append(f"BYHOUR={some(dice, range(24), 3)}")
    end = dice.random()
    if end < 0.2:
        parts.append(f"COUNT={dice.randint(1, 30)}")
    elif end < 0.4:
        parts.append(f"UNTIL=2026{dice.randint(1, 12):02}15T230000")
    date = (dice.choice([2025, 2025, 2026]), dice.randint(1, 12), dice.randint(1, 28))
    start = datetime(*date, dice.choice([1, 2, 2, 22, 23]), dice.choice([0, 30]))
    extra = []
    if dice.random() < 0.2:
        extra.append(f"RDATE:2026{dice.randint(1, 12):02}{dice.randint(1, 28):02}T013000")
    if dice.random() < 0.3:
        extra.append(f"EXDATE:2026{dice.randint(1, 12):02}{dice.randint(1, 28):02}T{start:%H%M}00")
    return ";".join(parts), extra, start


def cron(dice):
    def field(low, high, star):
        kind = dice.random()
        if kind < star:
            return "*"
        if kind < star + 0.15:
            return f"*/{dice.randint(2, 5)}"
        # One that spans everything is a restriction to us, as POSIX has it, and a `*` to croniter.
        a, b = sorted(dice.sample(range(low, high), 2))
        return dice.choice([str(a), f"{a}-{b}", f"{a},{b}"])

    hours = some(dice, range(24), 2)
    return f"{some(dice, range(60), 2)} {hours} {field(1, 28, 0.5)} {field(1, 12, 0.5)} {field(0, 6, 0.5)}"


def instant(civil, zone):
    """A local time as an instant: inside a gap its end, twice the first."""
    aware = civil.replace(tzinfo=zone)
    back = aware.astimezone(timezone.utc).astimezone(zone).replace(tzinfo=None)
    if back == civil:
        return aware.astimezone(timezone.utc)
    before = civil
    while before.replace(tzinfo=zone).astimezone(timezone.utc).astimezone(zone).replace(tzinfo=None) != before:
        before -= timedelta(minutes=1)
    return before.replace(tzinfo=zone).astimezone(timezone.utc) + timedelta(minutes=1)


class Town:
    """A set of files with one window file, always allowed."""

    def __init__(self, folder, zone):
        self.folder, self.zone = folder, ZoneInfo(zone)
        shutil.copytree(BASE, folder, dirs_exist_ok=True)
        main = folder / "gengfu.yaml"
        text = main.read_text(encoding="utf-8").replace("zone: Asia/Shanghai", f"zone: {zone}")
        main.write_text(text, encoding="utf-8")
        (folder / "schedules/freezes.yaml").write_text("freezes: []\n", encoding="utf-8")
        policy = "policies:\n  - { id: always, applies_to: {}, allow: { always: true }, notice: none }\n"
        (folder / "schedules/policies/off-hours.yaml").write_text(policy, encoding="utf-8")

    def windows(self, every, form):
        text = "windows:\n"
        rest = "name: { zh: 维护, en: Work }, owner: bdc, scope: [bdc/messages], lasts: 30m"
        for i, how in enumerate(every):
            text += f"  - {{ id: w{i}, {rest}, every: {how} }}\n"
        (self.folder / "schedules/windows/bdc.yaml").write_text(text, encoding="utf-8")
        ask = [PROGRAM, "--config", self.folder / "gengfu.yaml", "windows", "--format", form]
        ask += ["--from", f"{FIRST:%Y-%m-%dT%H:%M}", "--to", f"{LAST:%Y-%m-%dT%H:%M}"]
        done = subprocess.run(ask, capture_output=True, text=True, timeout=300, check=False, env=ENV)
        if done.returncode != 0:
            sys.exit(f"recurrences: gengfu says {done.returncode}:\n{done.stderr}\n{text}")
        return done.stdout

    def starts(self, every):
        listed = json.loads(self.windows(every, "json"))["windows"]
        assert len(listed) < 10_000, "the list was cut"
        found = [set() for _ in every]
        for window in listed:
            start = datetime.fromisoformat(window["start"]).astimezone(timezone.utc)
            if start >= instant(FIRST, self.zone):
                found[int(window["schedule"][1:])].add(start)
        return found

    def inside(self, civil):
        low, high = instant(FIRST, self.zone), instant(LAST, self.zone)
        return {i for i in (instant(c, self.zone) for c in civil) if low <= i < high}


def of_rule(text, extra, start):
    rules = rruleset()
    rules.rrule(rrulestr(text, dtstart=start))
    for line in extra:
        kind, at = line.split(":")
        at = datetime.strptime(at, "%Y%m%dT%H%M%S")
        rules.rdate(at) if kind == "RDATE" else rules.exdate(at)
    return rules.between(FIRST - timedelta(days=1), LAST + timedelta(days=1), inc=True)


def of_cron(text):
    found, each = [], croniter(text, FIRST - timedelta(days=1))
    while (at := each.get_next(datetime)) < LAST + timedelta(days=1):
        found.append(at)
    return found


def compare(town, cases, wrong):
    """cases: (text of `every`, civil starts that the peer sees). Returns how many starts were compared."""
    total = 0
    for i in range(0, len(cases), BATCH):
        batch = cases[i : i + BATCH]
        for (how, civil), ours in zip(batch, town.starts([how for how, _ in batch])):
            theirs = town.inside(civil)
            total += len(theirs)
            if ours != theirs:
                alone = f"we alone {sorted(ours - theirs)[:3]}, they alone {sorted(theirs - ours)[:3]}"
                wrong.append(f"{town.zone} {how}: {alone}")
    return total


def calendar_file(town, dice, wrong):
    every = [json.dumps({"cron": cron(dice)}) for _ in range(6)]
    ours = set().union(*town.starts(every))
    file = icalendar.Calendar.from_ical(town.windows(every, "ics"))
    low, high = instant(FIRST, town.zone), instant(LAST, town.zone)
    read = {event["DTSTART"].dt.astimezone(timezone.utc) for event in recurring_ical_events.of(file).between(low, high)}
    theirs = {at for at in read if at >= low}
    if ours != theirs:
        wrong.append(f"calendar file: {len(ours - theirs)} starts are ours alone, {len(theirs - ours)} theirs")
    return len(theirs)


def main():
    seed = int(os.environ.get("GENGFU_SEED", random.SystemRandom().randrange(1 << 32)))
    dice, wrong, totals = random.Random(seed), [], []
    with tempfile.TemporaryDirectory() as folder:
        for zone in ("Asia/Shanghai", "Europe/Berlin"):
            town = Town(Path(folder) / zone.replace("/", "-"), zone)
            rules = []
            while len(rules) < RULES // 2:
                text, extra, start = rule(dice)
                civil = of_rule(text, extra, start)
                # What starts in decades for the first time, as on a fifth Sunday of February, is refused as a slip.
                first = rrulestr(text, dtstart=start).after(datetime(1999, 1, 1))
                if first is not None and first.year < start.year + FIRST_WITHIN_YEARS:
                    lines = "\n".join([text, *extra])
                    rules.append((f"{{ rrule: {json.dumps(lines)}, from: {start:%Y-%m-%dT%H:%M} }}", civil))
            crons = [(json.dumps({"cron": text}), of_cron(text)) for text in (cron(dice) for _ in range(CRONS // 2))]
            totals.append((compare(town, rules, wrong), compare(town, crons, wrong), calendar_file(town, dice, wrong)))
    for line in wrong[:20]:
        print(line, file=sys.stderr)
    by_rule, by_cron, by_file = (sum(t[i] for t in totals) for i in range(3))
    print(f"recurrences: seed {seed}: {RULES} rules with {by_rule} starts, {CRONS} cron expressions with {by_cron}, "
          f"calendar files with {by_file}: {len(wrong)} disagreements")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
