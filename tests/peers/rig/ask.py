"""How gengfu and blackbox_exporter are asked the same question.

Not here: the questions. Invariants: each gengfu is a process of its own, whose time and memory are measured; one
blackbox_exporter serves all modules, on a free port of loopback.
"""

import datetime
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]
GENGFU = ROOT / "target/debug/gengfu"
BLACKBOX = "prometheus-blackbox-exporter"
KILL_S = 30


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def kinds():
    """The kinds that this binary knows."""
    run = subprocess.run([GENGFU, "probe", "--kind", "no-such-kind", "--target", "x"], capture_output=True, text=True,
                         cwd=ROOT, timeout=KILL_S)
    return run.stderr.strip().rpartition("kinds are ")[2].split(", ")


class Answer:
    """What one gengfu said, how long it took, and how much memory it had at most."""

    def __init__(self, command):
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
        killer = threading.Timer(KILL_S, process.kill)
        killer.start()
        errors = []
        listener = threading.Thread(target=lambda: errors.append(process.stderr.read()))
        listener.start()
        text = process.stdout.read()
        listener.join()
        # Its own resources, not those of all children, hence wait4 and not wait.
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        killer.cancel()
        ended, self.wall_s = time.time(), time.monotonic() - began
        self.peak_mib = used.ru_maxrss / 1024
        self.error = errors[0].decode().strip()
        report = json.loads(text)[0] if text.strip() else None
        self.result = report["result"] if report else "refused"
        # From the attempt's start to the end of the process; a busy machine's start of processes is not the probe's.
        self.spent_s = ended - datetime.datetime.fromisoformat(report["started"]).timestamp() if report else self.wall_s
        reason = report and report["reason"]
        self.kind = reason["kind"] if reason else ""
        self.text = reason["text"] if reason else self.error.replace("\n", " ")
        self.good = self.result in ("pass", "degraded")


def gengfu(kind, target, fields, timeout_s=15, config=ROOT / "gengfu.yaml"):
    """One attempt; `fields` maps paths such as `expect.status` to values."""
    command = [GENGFU, "--config", config, "probe", "--kind", kind, "--target", target, "--format", "json", "--timeout", f"{timeout_s}s"]
    for name, value in fields.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        command += ["--set", f"{name}={text}"]
    return Answer(command)


def get(url, timeout_s=KILL_S):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=timeout_s) as answer:
        return answer.read().decode()


class Blackbox:
    """A blackbox_exporter with these modules."""

    def __init__(self, folder, modules):
        self.port = free_port()
        config = Path(folder, "blackbox.yml")
        config.write_text(yaml.safe_dump({"modules": modules}), encoding="utf-8")
        self.log = open(Path(folder, "blackbox.log"), "w+", encoding="utf-8")
        command = [BLACKBOX, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        end = time.monotonic() + 20
        while True:
            try:
                get(f"http://127.0.0.1:{self.port}/-/healthy", 1)
                return
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    self.log.seek(0)
                    raise SystemExit(f"blackbox_exporter does not start:\n{self.log.read()[-2000:]}") from None
                time.sleep(0.05)

    def ask(self, module, target):
        """Whether the probe succeeded, and its log."""
        text = get(f"http://127.0.0.1:{self.port}/probe?debug=true&module={module}&target={urllib.request.quote(target)}")
        return "\nprobe_success 1\n" in text, text

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


def has(program):
    return shutil.which(program) or Path("/usr/sbin", program).exists()
