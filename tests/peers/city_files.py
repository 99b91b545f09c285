#!/usr/bin/env python3
"""Reads the shipped files with PyYAML, another parser than ours, and checks what a slip of the pen breaks.

Not here: the meaning of the files, which `gengfu check` judges. Invariants: 250 subsystems of 80 owners, every id that
is named exists, dependencies form a DAG, names of the simulated city do not share an address.
"""

import hashlib
import re
import sys
from collections import Counter
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PROBLEMS = []


class StrictLoader(yaml.SafeLoader):
    """Duplicate keys are errors, and dates and times of day stay text."""

    def construct_mapping(self, node, deep=False):
        for key, count in Counter(k.value for k, _ in node.value).items():
            if count > 1:
                problem(f"{node.start_mark.name}:{node.start_mark.line + 1}: duplicate key {key}")
        return super().construct_mapping(node, deep)


StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(("timestamp", ":int", ":float"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def problem(text):
    PROBLEMS.append(text)


def read(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    where = path.relative_to(ROOT)
    first = text.split("\n", 1)[0]
    if not re.fullmatch(r"# yaml-language-server: \$schema=\S+\.json", first):
        problem(f"{where}:1: the first line names no schema")
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > 120 and not line.lstrip().startswith("en:"):
            problem(f"{where}:{number}: longer than 120 columns")
    return yaml.load(text, StrictLoader)


def inventory():
    owners, subsystems = {}, {}
    for path in sorted((ROOT / "probes").glob("[a-z]*/*.yaml")):
        file = read(path)
        owner = file["owner"]
        if path.stem != owner["id"]:
            problem(f"{path.relative_to(ROOT)}: holds owner {owner['id']}")
        owners[owner["id"]] = owner
        for subsystem in file["subsystems"]:
            name = f"{owner['id']}/{subsystem['id']}"
            if name in subsystems:
                problem(f"{name} is written twice")
            subsystems[name] = subsystem
    return owners, subsystems


def members(dependency):
    if isinstance(dependency, str):
        return [dependency]
    return dependency.get("any_of") or [dependency["soft"]]


def check_graph(subsystems):
    state = {}

    def visit(name, path):
        if state.get(name) == "done":
            return
        if state.get(name) == "open":
            problem("cycle: " + " -> ".join(path[path.index(name):] + [name]))
            return
        state[name] = "open"
        for dependency in subsystems[name].get("depends_on", []):
            for member in members(dependency):
                if member in subsystems:
                    visit(member, path + [name])
                else:
                    problem(f"{name}: depends on {member}, which does not exist")
        state[name] = "done"

    for name in subsystems:
        visit(name, [])


def hosts(subsystems):
    found = {}
    for name, subsystem in subsystems.items():
        seen = Counter(probe["name"] for probe in subsystem["probes"])
        if max(seen.values()) > 1:
            problem(f"{name}: two probes of one name")
        text = str(subsystem["probes"])
        for host, port in re.findall(r"([a-z0-9.-]+\.test)(?::(\d+))?", text):
            found.setdefault(host, set()).add(int(port or 443))
        for host in re.findall(r"https?://([^/:']+)|address': '([^:]+)|host': '([^']+)|server': '([^']+)", text):
            name_of_host = next(part for part in host if part)
            if not name_of_host.endswith(".test"):
                problem(f"{name}: {name_of_host} does not end in .test")
    return found


def check_addresses(found):
    """As src/network.rs: the first 32 bits of SHA-256 below 127.64.0.0/10, port + 20000."""
    taken = {}
    for host, ports in found.items():
        address = int.from_bytes(hashlib.sha256(host.encode()).digest()[:4], "big") & 0x003FFFFF
        if other := taken.get(address):
            problem(f"{host} and {other} share a loopback address; rename one")
        taken[address] = host
        for port in ports:
            if port + 20000 >= 32768:
                problem(f"{host}:{port}: its simulated port {port + 20000} is one of the system's ephemeral ports")


def schedules(owners, subsystems):
    folder = ROOT / "schedules"
    rosters = {roster["id"] for roster in read(folder / "on-call.yaml")["rosters"]}
    objectives = {objective["id"] for objective in read(folder / "objectives.yaml")["objectives"]}
    for owner in owners.values():
        if owner["on_call"] not in rosters:
            problem(f"owner {owner['id']}: no roster {owner['on_call']}")
    for name, subsystem in subsystems.items():
        if subsystem["objective"] not in objectives:
            problem(f"{name}: no objective {subsystem['objective']}")
    matters = read(folder / "composites.yaml")["composites"]
    promised = {s["objective"] for s in subsystems.values()} | {m["objective"] for m in matters if "objective" in m}
    for unused in objectives - promised:
        problem(f"objective {unused} is promised by nobody")
    ids, of_owners = Counter(), set()
    for path in sorted((folder / "windows").glob("*.yaml")):
        for window in read(path)["windows"]:
            ids[window["id"]] += 1
            of_owners.add(window["owner"])
            scope = window["scope"] if isinstance(window["scope"], list) else []
            for name in scope:
                if name not in subsystems or name.split("/")[0] != window["owner"]:
                    problem(f"window {window['id']}: {name} is not a subsystem of {window['owner']}")
            for language in ("zh", "en"):
                if not window["notice"].get(language):
                    problem(f"window {window['id']}: no notice in {language}")
    for name, count in ids.items():
        if count > 1:
            problem(f"window {name} is written {count} times")
    if len(of_owners) < 10:
        problem(f"windows of {len(of_owners)} owners only")
    for other in ["freezes.yaml", *sorted((folder / "policies").glob("*.yaml"))]:
        read(folder / other)
    return ids


def secrets(subsystems):
    granted = read(ROOT / "gengfu.yaml").get("secrets", {})
    for name, subsystem in subsystems.items():
        for variable in re.findall(r"\$\{([A-Z0-9_]+)", str(subsystem["probes"])):
            if variable not in granted.get(name.split("/")[0], []):
                problem(f"{name}: {variable} is not granted in gengfu.yaml")


def main():
    owners, subsystems = inventory()
    if (len(owners), len(subsystems)) != (80, 250):
        problem(f"{len(subsystems)} subsystems of {len(owners)} owners, not 250 of 80")
    check_graph(subsystems)
    found = hosts(subsystems)
    check_addresses(found)
    windows = schedules(owners, subsystems)
    secrets(subsystems)
    probes = sum(len(s["probes"]) for s in subsystems.values())
    for line in PROBLEMS:
        print(line, file=sys.stderr)
    print(f"city files: {len(owners)} owners, {len(subsystems)} subsystems, {probes} probes, {len(found)} hosts, "
          f"{len(windows)} schedules, {len(PROBLEMS)} problems")
    return 1 if PROBLEMS else 0


if __name__ == "__main__":
    sys.exit(main())
