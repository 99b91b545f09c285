#!/usr/bin/env python3
"""Runs Debian's Prometheus and Alertmanager with the shipped files and nothing to watch: who is told, and how soon?

The watchdog must reach the receiver outside again and again, and that gengfu is gone must reach the people on duty.
Only addresses are replaced: services by loopback, the receiver outside and the relay by listeners of this program.
`for: 2m` of the rule is the time that this takes at least, so it is shortened as well.

Not here: which alert goes where (deploy.py). Invariants: loopback and free ports only; both end with this program.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from prometheus import free_ports, stop

ROOT = Path(__file__).resolve().parents[2]
ALERTMANAGERS = ("prometheus-alertmanager", "alertmanager")
LIMIT_S = 240


class Outside(BaseHTTPRequestHandler):
    """The receiver outside: keeps what it was told."""

    told = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.told += [(body["status"], alert["labels"]["alertname"]) for alert in body["alerts"]]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class Relay:
    """The mail relay: keeps to whom what was sent."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, _server, _session, envelope):
        self.mails.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 OK"


def alertmanager():
    return next((found for name in ALERTMANAGERS if (found := shutil.which(name))), None)


def files(folder, ports):
    """The shipped files with addresses of this test, and with its patience."""
    rules, config = Path(folder, "rules.yaml"), Path(folder, "prometheus.yml")
    text = (ROOT / "dashboards/rules/gengfu.yaml").read_text(encoding="utf-8")
    rules.write_text(text.replace("for: 2m", "for: 2s"), encoding="utf-8")
    text = (ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8")
    for old, new in [("gengfu:9424", f"127.0.0.1:{ports['nobody']}"), ("15s", "1s"), ("10s", "1s"),
                     ("alertmanager:9093", f"127.0.0.1:{ports['alertmanager']}"),
                     ("../../dashboards/rules/*.yaml", str(rules))]:
        assert old in text, old
        text = text.replace(old, new)
    config.write_text(text, encoding="utf-8")
    text = (ROOT / "deploy/alertmanager/alertmanager.yml").read_text(encoding="utf-8")
    for old, new in [("https://watch.elsewhere.test/ping/alertmanager", f"http://127.0.0.1:{ports['outside']}/"),
                     ("relay.bdc.test:25", f"127.0.0.1:{ports['relay']}"), ("group_wait: 30s", "group_wait: 1s"),
                     ("group_interval: 1m", "group_interval: 2s"), ("repeat_interval: 1m", "repeat_interval: 2s")]:
        assert old in text, old
        text = text.replace(old, new)
    Path(folder, "alertmanager.yml").write_text(text, encoding="utf-8")
    return config


def judged(relay):
    """What is still missing; nothing once all has arrived."""
    barks = Outside.told.count(("firing", "GengfuWatchdog"))
    others = {alert for _, alert in Outside.told} - {"GengfuWatchdog"}
    # Long lines of a mail are broken behind `=`.
    gone = [1 for to, text in relay.mails
            if to == ["duty@bdc.test"] and "runbooks/gengfu-itself.md" in text.replace("=\r\n", "")]
    if others:
        raise SystemExit(f"chain: the receiver outside was told of {others}")
    return [what for what, is_there in [(f"the watchdog came {barks} times", barks >= 3),
                                        (f"no mail about GengfuGone among {len(relay.mails)}", gone)] if not is_there]


def main():
    from aiosmtpd.controller import Controller
    if not shutil.which("prometheus") or not alertmanager():
        print("chain: skipped, since Prometheus or Alertmanager is missing (Debian: prometheus, prometheus-alertmanager)")
        return 77
    first = free_ports(5)
    ports = dict(zip(["prometheus", "alertmanager", "outside", "relay", "nobody"], range(first, first + 5)))
    relay = Relay()
    mailbox = Controller(relay, hostname="127.0.0.1", port=ports["relay"])
    outside = ThreadingHTTPServer(("127.0.0.1", ports["outside"]), Outside)
    threading.Thread(target=outside.serve_forever, daemon=True).start()
    mailbox.start()
    began, missing = time.monotonic(), ["nothing has arrived"]
    with tempfile.TemporaryDirectory(prefix="gengfu-chain-") as folder, open(Path(folder, "log"), "w+") as log:
        config = files(folder, ports)
        processes = [
            subprocess.Popen([alertmanager(), f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/alerts",
                              f"--web.listen-address=127.0.0.1:{ports['alertmanager']}", "--cluster.listen-address="],
                             stdout=log, stderr=log),
            subprocess.Popen(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/tsdb",
                              f"--web.listen-address=127.0.0.1:{ports['prometheus']}", "--log.level=warn",
                              "--rules.alert.resend-delay=1s"],
                             stdout=log, stderr=log)]
        try:
            while missing and time.monotonic() < began + LIMIT_S:
                time.sleep(0.5)
                missing = judged(relay)
        finally:
            for process in processes:
                stop(process, 15)
            mailbox.stop()
            outside.shutdown()
        if missing:
            log.seek(0)
            print("".join(log.readlines()[-10:]), file=sys.stderr)
            print(f"chain: after {LIMIT_S} s: {'; '.join(missing)}", file=sys.stderr)
            return 1
    print(f"chain: the watchdog reached the receiver outside, that gengfu is gone the people on duty, "
          f"in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
