#!/usr/bin/env python3
"""Asks others about every date of 2018-2026: the table in tests/fixtures, and two packages of the index.

Not here: municipal layers and 2027, which nobody has published. Invariant: the State Council's layer of
schedules/calendars/china.yaml, read by another parser than ours, says the same as all three about each of 3 287 days.
"""

import csv
import sys
from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import holidays
import yaml

ROOT = Path(__file__).resolve().parents[2]
FIRST, LAST = date(2018, 1, 1), date(2026, 12, 31)


def ours():
    """Date -> worked, from the notices in order of publication: a later one amends an earlier one."""
    text = (ROOT / "schedules/calendars/china.yaml").read_text(encoding="utf-8")
    file = yaml.safe_load(text)
    assert file["calendar"] == {"id": "china", "layer": "state-council", "enabled": True}, file["calendar"]
    rows = {}
    for notice in sorted(file["notices"], key=lambda notice: notice["published"]):
        assert notice["status"] == "published", notice
        for day in notice["days"]:
            rows.update(dict.fromkeys(day.get("holidays", []), False))
            rows.update(dict.fromkeys(day.get("workdays", []), True))
    return rows


def table():
    with open(ROOT / "tests/fixtures/calendar/china-workdays.csv", encoding="utf-8", newline="") as file:
        return {date.fromisoformat(row["date"]): row["kind"] == "makeup_workday" for row in csv.DictReader(file)}


def by_week(rows, day):
    return rows.get(day, day.weekday() < 5)


def main():
    mine, given = ours(), table()
    china = holidays.country_holidays("CN", years=range(FIRST.year, LAST.year + 1))
    disagreements, day, days = [], FIRST, 0
    while day <= LAST:
        worked = by_week(mine, day)
        others = {
            "table": by_week(given, day),
            "chinesecalendar": chinese_calendar.is_workday(day),
            "holidays": china.is_working_day(day),
        }
        for who, says in others.items():
            if says != worked:
                disagreements.append(f"{day}: we say {'worked' if worked else 'off'}, {who} says the opposite")
        day, days = day + timedelta(days=1), days + 1
    for line in disagreements:
        print(line, file=sys.stderr)
    print(f"calendar: {days} dates against the table, chinesecalendar and holidays, {len(disagreements)} disagreements")
    return 1 if disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
