#!/usr/bin/env python3
"""Asks the authors of OpenAPI's own schema about `/api/v1/openapi.json`, and holds what the demo answers against it.

openapi-spec-validator judges the document: its form, its references, its parameters and its examples' place. Then every
door that reads is asked as the holder of a token and as a guest of this machine, with ids that other doors told; each
answer has a status that the document names, in a form that it names, and jsonschema says that it is as described.
Not here: doors that change something (`src/web/api/openapi/tests`).
"""

import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/peers"))
PROGRAM = ROOT / "target/debug/gengfu"
START_WITHIN_S = 120
TOKEN = re.compile(r"^\s*token\s+(\S+)$", re.MULTILINE)
# What a question must say, and what else it may say; wrong ones belong to it.
QUESTIONS = {
    "/gate": ["?subsystem={subsystem}&for=40m", "?subsystem={subsystem}&for=40m&at=2026-11-25T10:00", "?for=soon", "?subsystem=no/body&for=40m"],
    "/audit": ["", "?limit=2", "?format=csv", "?format=jsonl", "?order=odd"],
    "/hours": ["", "?owner=bdc"],
    "/incidents": ["", "?state=open", "?state=odd"],
    "/notices": ["", "?channel=kiosks", "?channel=radio"],
    "/on-call": ["", "?owner=nobody", "?at=soon"],
    "/sla": ["", "?period=week", "?period=never"],
    "/sla/statement": ["", "?subsystem={subsystem}", "?owner=bdc", "?owner=bdc&composite=none"],
    "/subsystems/{owner}/{id}/timeline": ["", "?from=2026-11-25T10:00", "?from=soon"],
    "/windows": ["", "?owner=bdc", "?to=never"],
}
# One line of it comes at once and the rest when something happens.
ENDLESS = "/events"


def ask(base, path, token=None):
    request = urllib.request.Request(base + path)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            kind = answer.headers["Content-Type"]
            return answer.status, kind, b"" if kind.startswith("text/event-stream") else answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers["Content-Type"], answer.read()


def wait_until_something_happens(base):
    """Until there are attempts, windows and an incident, so that answers are not empty."""
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline:
        try:
            if all(json.loads(ask(base, f"/api/v1/{what}")[2]) for what in ("windows", "incidents", "subsystems")):
                return
        except OSError:
            pass
        time.sleep(0.5)
    sys.exit("openapi: the demo has nothing to tell")


class Judge:
    def __init__(self, document):
        self.document, self.wrong, self.judged = document, [], 0

    def resolved(self, value):
        while "$ref" in value:
            for part in value["$ref"].removeprefix("#/").split("/"):
                value = (self.document if part == "components" else value)[part.replace("~1", "/").replace("~0", "~")]
        return value

    def judge(self, pattern, asked, status, kind, body):
        self.judged += 1
        responses = self.document["paths"][pattern]["get"]["responses"]
        if str(status) not in responses:
            return self.wrong.append(f"{asked}: {status} is not named")
        content = self.resolved(responses[str(status)]).get("content", {})
        kind = (kind or "").split(";")[0]
        if kind not in content:
            return self.wrong.append(f"{asked}: {status} in {kind!r}, which is not named: {list(content)}")
        if not kind.endswith("json"):
            return None
        schema = {**content[kind]["schema"], "components": self.document["components"]}
        for error in Draft202012Validator(schema, format_checker=FormatChecker(["date-time"])).iter_errors(json.loads(body)):
            self.wrong.append(f"{asked} ({status}): at {error.json_path}: {error.message[:200]}")
        return None


def ids(base, token):
    """For each pattern, the first things that the demo has, and one that it has not."""
    def told(path):
        return json.loads(ask(base, "/api/v1" + path, token)[2])
    subsystems = [one["id"] for one in told("/subsystems")]
    down = [one["subsystem"] for one in told("/incidents") if "/" in one["subsystem"]]
    return {
        "/subsystems/": [*subsystems[:5], *down[:5], "no/body"],
        "/incidents/": [*[one["id"] for one in told("/incidents")][:10], "INC-999999"],
        "/filings/": [*[one["incident"] for one in told("/filings")][:5], "INC-999999"],
        "/windows/": [*[one["id"] for one in told("/windows")][:5], "none"],
        "/plans/runs/": [*[one["id"] for one in told("/plans/runs")][:5], "none"],
        "/heartbeat/": ["nobody's"],
    }, subsystems[0]


def addresses(pattern, known, subsystem):
    """The addresses by which a door is asked."""
    path = pattern.removeprefix("/api/v1")
    for question in QUESTIONS.get(path, [""]):
        asked = path + question.replace("{subsystem}", subsystem)
        if "{" not in asked:
            yield asked
            continue
        start = next(start for start in known if path.startswith(start))
        for thing in known[start]:
            filled = asked.replace("{owner}/{id}", thing) if "{owner}" in asked else re.sub(r"\{(id|token)\}", thing, asked)
            yield filled.replace("{what}", "start")


def main():
    from announcements import free_port  # the same demo, the same pair of ports

    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said"
        command = [PROGRAM, "demo", "--port", str(port), "--store", folder]
        with said.open("wb") as out:
            daemon = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        try:
            wait_until_something_happens(base)
            token = TOKEN.search(said.read_text())[1]
            document = json.loads(ask(base, "/api/v1/openapi.json")[2])
            judge = Judge(document)
            for error in OpenAPIV31SpecValidator(document).iter_errors():
                judge.wrong.append(f"the document: at {error.json_path}: {error.message[:300]}")
            known, subsystem = ids(base, token)
            doors = [pattern for pattern, item in document["paths"].items() if "get" in item]
            for pattern in doors:
                for asked in addresses(pattern, known, subsystem):
                    asked = "/api/v1" + urllib.parse.quote(asked, safe="/?&=:.'~-")
                    for shown in (token, None):
                        judge.judge(pattern, asked, *ask(base, asked, shown))
            judge.judge("/api/v1/status", "/api/v1/status with a wrong token", *ask(base, "/api/v1/status", "nobody's"))
        finally:
            daemon.terminate()
            daemon.wait(timeout=30)
    for line in judge.wrong[:30]:
        print(line, file=sys.stderr)
    print(f"openapi: {len(doors)} doors that read, {judge.judged} answers: {len(judge.wrong)} disagreements")
    sys.exit(1 if judge.wrong or not judge.judged else 0)


if __name__ == "__main__":
    main()
