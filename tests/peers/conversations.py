#!/usr/bin/env python3
"""A week's mail of a small city, threaded as mail programs do: Python's `email` reads it, JWZ's algorithm threads it.

`gengfu simulate --mails` runs the very engine over a city with faults, and writes what a relay would have got. Judged
in each recipient's own mailbox: one thread for each incident and none for two; every thread begins with a mail that the
recipient got (no reference leads to nothing); it opens before it closes, and closes as often as it opens; the subject is the
same but for the state in brackets; and where a gateway took the references away, subjects alone make the same threads.

JWZ: https://www.jwz.org/doc/threading.html, steps 1 to 5.
"""

import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from email import policy
from email.parser import BytesParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/debug/gengfu"
FROM, TO, SEED, FAULTS = "2026-10-12", "2026-10-19", 7, 600
DEADLINE_S = 300
# Owners, their language, and what they have; each but the first needs the first of the first.
OWNERS = {"bdc": ("platform", "zh", ["identity", "portal"]), "huangpu": ("district", "zh", ["portal", "hall"]),
          "tax": ("bureau", "en", ["filing", "payment"])}
INCIDENT = re.compile(r"\bINC-\d{4,}\b")


def city(folder):
    """Three owners, six subsystems, two windows a week."""
    who = lambda id, language: f"  - {{ id: {id}, contacts: [{{ name: {id}, mail: {id}@city.test, language: {language} }}] }}\n"
    files = {
        "gengfu.yaml": "listen: 127.0.0.1:1\nmail: { from: { mail: gengfu@city.test }, domain: city.test, relays: [{ host: relay.test, tls: none }] }\n"
                       "on_call: { fallback: duty, admins: admins }\n",
        "schedules/on-call.yaml": "rosters:\n" + who("admins", "zh") + who("duty", "en") + "".join(who(o, row[1]) for o, row in OWNERS.items()),
        "schedules/objectives.yaml": "objectives: [{ id: most, target: 99.9%, period: month, figure: public }]\n",
        "schedules/policies/any.yaml": "policies: [{ id: any, applies_to: { tier: [1, 2, 3] }, allow: { always: true } }]\n",
        "schedules/windows/nights.yaml": "windows: [{ id: nights, owner: bdc, name: { zh: 夜间维护, en: Nights }, scope: [bdc/portal], "
                                         "cron: '0 2 * * 3,6', lasts: 1h }]\n",
    }
    for owner, (kind, _, subsystems) in OWNERS.items():
        lines = [f"owner: {{ id: {owner}, kind: {kind}, name: {{ zh: {owner} 局, en: Office {owner} }}, on_call: {owner} }}", "subsystems:"]
        for tier, name in enumerate(subsystems, 1):
            needs = "" if (owner, name) == ("bdc", "identity") else "depends_on: [bdc/identity], "
            probe = f"{{ name: home, every: 30m, http: {{ url: 'https://{name}.{owner}.test/' }} }}"
            lines.append(f"  - {{ id: {name}, name: {{ zh: {name} 服务, en: {name} service }}, tier: {tier}, hours: 7x24, objective: most, "
                         f"{needs}probes: [{probe}] }}")
        area = {"platform": "platform", "district": "districts", "bureau": "bureaus"}[kind]
        files[f"probes/{area}/{owner}.yaml"] = "\n".join(lines) + "\n"
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


class Container:
    """A place in a thread: a mail, or an id that somebody referred to."""

    def __init__(self, number):
        self.number, self.mail, self.parent, self.children = number, None, None, []

    def is_below(self, other):
        return self is other or (self.parent is not None and self.parent.is_below(other))

    def adopt(self, child):
        if child.parent is not None:
            child.parent.children.remove(child)
        child.parent = self
        self.children.append(child)

    def mails(self):
        own = [self.mail] if self.mail is not None else []
        return own + [mail for child in self.children for mail in child.mails()]

    def is_hollow(self):
        return self.mail is None or any(child.is_hollow() for child in self.children)


def ids(text):
    return re.findall(r"<[^<>\s]+>", str(text or ""))


def base(subject, brackets):
    """A subject without what replies put before it (JWZ 5), and without bracketed words if asked."""
    before = r"^\s*((re|fwd?|回复|答复|转发)\s*(\[\d+\])?[:：]|\[[^\]]*\])\s*" if brackets else r"^\s*(re|fwd?)\s*(\[\d+\])?:\s*"
    while (shorter := re.sub(before, "", subject, flags=re.I)) != subject:
        subject = shorter
    return subject.strip()


def thread(mails, by_references=True, brackets=False):
    """JWZ: the roots of the threads of one mailbox."""
    table = {}
    at = lambda number: table.setdefault(number, Container(number))
    for mail in mails:  # Steps 1 A to C.
        container = at(ids(mail["Message-ID"])[0])
        assert container.mail is None, f"two mails are called {container.number}"
        container.mail = mail
        chain = ids(mail["References"]) or ids(mail["In-Reply-To"])[:1] if by_references else []
        former = None
        for reference in map(at, chain):
            if former is not None and reference.parent is None and not former.is_below(reference):
                former.adopt(reference)
            former = reference
        if former is not None and not former.is_below(container):
            former.adopt(container)
    roots = [container for container in table.values() if container.parent is None]  # Step 2; 4 would prune the hollow ones.
    subjects = {}
    for root in roots:  # Step 5: roots whose subjects are alike belong together.
        subjects.setdefault(base(str(root.mails()[0]["Subject"]), brackets), []).append(root)
    for alike in subjects.values():
        for other in alike[1:]:
            alike[0].adopt(other)
    return [alike[0] for alike in subjects.values()]


def number(mail):
    found = INCIDENT.findall(str(mail["Subject"]))
    return found[-1] if found else None


def state(mail):
    return re.match(r"\s*\[([^\]]*)\]", str(mail["Subject"])).group(1)


def judge(mails, problems):
    """One mailbox; how many threads, and how many of them have more than one mail."""
    roots = thread(mails)
    of_incident = defaultdict(list)
    for root in roots:
        inside = root.mails()
        numbers = {number(mail) for mail in inside}
        if len(numbers) > 1:
            problems.append(f"one thread for {sorted(map(str, numbers))}")
        of_incident[number(inside[0])].append(root)
        if root.is_hollow():
            problems.append(f"{inside[0]['Subject']}: refers to a mail that its recipient never got")
        if len({base(str(mail["Subject"]), True) for mail in inside}) > 1:
            problems.append(f"{inside[0]['Subject']}: another subject in its thread")
        order = sorted(inside, key=lambda mail: mail["Date"].datetime)
        if order[0] is not root.mail:
            problems.append(f"{root.mail['Subject']}: is not the first of its thread")
        closed = [state(mail) in ("恢复", "RECOVERED") for mail in order]
        if closed[0] or any(a and b for a, b in zip(closed, closed[1:])):
            problems.append(f"{root.mail['Subject']}: closes {closed} without having opened")
    problems += [f"{incident}: {len(found)} threads" for incident, found in of_incident.items() if len(found) > 1]
    by_subject = thread(mails, by_references=False, brackets=True)
    whole = lambda found: {frozenset(ids(mail["Message-ID"])[0] for mail in root.mails()) for root in found}
    if whole(by_subject) != whole(roots):
        problems.append("subjects alone make other threads than references")
    return len(roots), sum(len(root.mails()) > 1 for root in roots)


def main():
    if not PROGRAM.exists():
        print("conversations: skipped, since target/debug/gengfu is missing (cargo build)")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        city(folder)
        asked = ["simulate", "--from", FROM, "--to", TO, "--faults", str(FAULTS), "--seed", str(SEED), "--mails", folder / "mails"]
        run = subprocess.run([PROGRAM, *asked], cwd=folder, capture_output=True, timeout=DEADLINE_S, check=False, text=True)
        assert run.returncode == 0, run.stderr
        parser = BytesParser(policy=policy.default)
        letters = [parser.parsebytes(path.read_bytes()) for path in sorted((folder / "mails").glob("*.eml"))]
    boxes, defects = defaultdict(list), 0
    for letter in letters:
        defects += len(letter.defects)
        # Notices have their own threads; what is judged here is incidents.
        if str(letter["List-Id"]).startswith("gengfu incidents "):
            boxes[str(letter["To"].addresses[0].addr_spec)].append(letter)
    problems, threads, conversations = [f"{defects} defects of form"] if defects else [], 0, 0
    for address, mails in sorted(boxes.items()):
        here = []
        found, longer = judge(mails, here)
        threads, conversations = threads + found, conversations + longer
        problems += [f"{address}: {problem}" for problem in here]
    if conversations < 50:
        problems.append(f"only {conversations} threads with an answer: nothing was shown")
    if problems:
        print("\n".join(problems[:30]), f"\nconversations: {len(problems)} problems (seed {SEED})")
        return 1
    mails = sum(map(len, boxes.values()))
    print(f"conversations: {mails} mails of {len(boxes)} recipients are {threads} threads, one for each incident (seed {SEED})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
