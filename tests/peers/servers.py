#!/usr/bin/env python3
"""Asks real servers of Debian's packages through gengfu: right, wrong expectation, wrong password, stopped.

Not here: how they are started (`rig/servers.py`). Invariants: loopback and free ports only, everything stops with this
program; a server that is not installed is named, and the exit code is 77 if nothing else is wrong.
`servers.py PART` asks servers with PART in the name.
"""

import sys
import tempfile
from pathlib import Path

from rig import ask
from rig import servers as real
from rig.certificates import Chains
from rig.servers import PASSWORD

TIMEOUT_S = 5
PLUGINS = "/usr/lib/nagios/plugins"


class Case:
    """One question, the verdict that is right, and a part of the sentence."""

    def __init__(self, name, kind, target, fields, result="pass", part=""):
        self.name, self.kind, self.target, self.fields = name, kind, target, fields
        self.result, self.part = result, part


def web(server, ca):
    plain, secure = f"http://{server.at}", f"https://127.0.0.1:{server.other}"
    return [
        Case("page", "http", f"{plain}/", {"expect.body_contains": "一网通办"}),
        Case("page over TLS and HTTP/2", "http", f"{secure}/", {"tls.ca": ca, "expect.version": "2"}),
        Case("redirect to TLS", "http", f"{plain}/moved", {"tls.ca": ca, "expect.status": 200}),
        Case("JSON", "http", f"{plain}/health", {"expect.json": [{"path": "$.status", "equals": "up"}]}),
        Case("JSON is wrong", "http", f"{plain}/health", {"expect.json": [{"path": "$.depth", "at_least": 10}]}, "fail",
             "3"),
        Case("missing page", "http", f"{plain}/none", {}, "fail", "404 Not Found"),
        Case("closed", "http", f"{plain}/closed", {}, "fail", "503 Service Unavailable (retry-after 3600)"),
        Case("unknown root", "http", f"{secure}/", {}, "fail", "no known authority"),
        Case("certificate", "tls", "127.0.0.1", {"port": server.other, "ca": ca}),
        Case("certificate is due", "tls", "127.0.0.1", {"port": server.other, "ca": ca, "warn_before": "100d"},
             "degraded", "expires"),
        Case("TLS on the plain port", "tls", "127.0.0.1", {"port": server.port, "ca": ca}, "fail"),
        Case("port", "tcp", server.at, {}),
    ]


def names(server, ca):
    at = {"server": "127.0.0.1", "port": server.port}
    return [
        Case("address", "dns", "portal.parity", {**at, "answers": "10.1.2.3"}),
        Case("alias", "dns", "www.parity", {**at, "type": "CNAME", "answers": "portal.parity"}),
        Case("over TCP", "dns", "portal.parity", {**at, "transport": "tcp"}),
        Case("over TLS", "dns", "portal.parity", {**at, "port": server.other, "transport": "tls", "tls.ca": ca}),
        Case("text", "dns", "portal.parity", {**at, "type": "TXT", "answer_regex": "hello"}),
        Case("wrong address", "dns", "portal.parity", {**at, "answers": "10.9.9.9"}, "fail", "10.1.2.3"),
        Case("no such name", "dns", "nowhere.parity", at, "fail", "NXDOMAIN"),
        Case("refused", "dns", "a.refused.parity", at, "fail", "REFUSED"),
        Case("over TLS, unknown root", "dns", "portal.parity", {**at, "port": server.other, "transport": "tls"}, "fail",
             "no known authority"),
    ]


def mail(server, ca):
    tls, to = {"tls.ca": ca}, {"from": "probe@gengfu.test", "to": "duty@huangpu.test"}
    return [
        Case("up to the recipient", "smtp", server.at, {**tls, **to, "starttls": "required"}),
        Case("TLS from the first byte", "smtp", f"127.0.0.1:{server.other}", {**tls, **to}),
        Case("in the clear", "smtp", server.at, {**to, "starttls": "never"}),
        Case("greeting", "tcp", server.at, {"expect": "220 relay.bdc.test"}),
        Case("STARTTLS of tcp", "tcp", server.at, {**tls, "starttls": "smtp"}),
        Case("STARTTLS of tls", "tls", "127.0.0.1", {"port": server.port, "starttls": "smtp", "ca": ca}),
        Case("mailbox is gone", "smtp", server.at, {**tls, **to, "starttls": "required", "to": "gone@huangpu.test"}, "fail", "550"),
        Case("greylisted", "smtp", server.at, {**tls, **to, "starttls": "required", "to": "later@huangpu.test"}, "degraded", "450"),
        Case("unknown root", "smtp", server.at, {**to, "starttls": "required"}, "fail", "no known authority"),
        Case("wrong greeting", "tcp", server.at, {"expect": "220 relay.other.test"}, "fail", 'got "220 relay.bdc.test'),
    ]


def cache(server, ca):
    login, secure = {"password": PASSWORD}, f"127.0.0.1:{server.other}"
    return [
        Case("ping", "redis", server.at, login),
        Case("role", "redis", server.at, {**login, "expect.role": "master", "expect.at_most": {"connected_clients": 50}}),
        Case("in TLS", "redis", secure, {**login, "tls.ca": ca}),
        Case("wrong role", "redis", server.at, {**login, "expect.role": "replica"}, "fail", "master"),
        Case("wrong password", "redis", server.at, {"password": "no"}, "fail", "WRONGPASS"),
        Case("no password", "redis", server.at, {}, "fail", "NOAUTH"),
        Case("in TLS, unknown root", "redis", secure, {**login, "tls": True}, "fail", "no known authority"),
    ]


def shell(server, _):
    return [
        Case("banner", "ssh", server.at, {"banner": "^SSH-2.0-OpenSSH"}),
        Case("host key", "ssh", server.at, {"host_key": server.fingerprint}),
        Case("wrong banner", "ssh", server.at, {"banner": "dropbear"}, "fail", "OpenSSH"),
        Case("wrong host key", "ssh", server.at, {"host_key": "SHA256:" + "A" * 43}, "fail", server.fingerprint),
    ]


def sql(engine, database, query):
    def cases(server, ca):
        login = {"engine": engine, "user": "probe", "password": PASSWORD, "database": database}
        return [
            Case("query", "sql", server.at, login),
            Case("value", "sql", server.at, {**login, "query": query, "expect.at_least": 3}),
            Case("in TLS", "sql", server.at, {**login, "tls.ca": ca}),
            Case("too small a value", "sql", server.at, {**login, "query": query, "expect.at_least": 1_000_000}, "fail"),
            Case("wrong password", "sql", server.at, {**login, "password": "no"}, "fail", "probe"),
            Case("no such database", "sql", server.at, {**login, "database": "nowhere"}, "fail", "nowhere"),
            Case("wrong query", "sql", server.at, {**login, "query": "SELECT nothing FROM nowhere"}, "fail", "nowhere"),
            Case("unknown root", "sql", server.at, {**login, "tls": True}, "fail", "no known authority"),
        ]

    return cases


def trunk(transport):
    def cases(server, _):
        over = {"transport": transport}
        return [
            Case("OPTIONS", "sip", server.at, over),
            Case("another status", "sip", server.at, {**over, "expect_status": 486}, "fail", "200"),
        ]

    return cases


SERVERS = [
    ("nginx", real.Nginx, web), ("unbound", real.Unbound, names), ("postfix", real.Postfix, mail),
    ("redis", real.Redis, cache), ("sshd", real.Sshd, shell),
    ("postgresql", real.PostgreSql, sql("postgresql", "postgres", "SELECT count(*) FROM pg_class")),
    ("mariadb", real.MariaDb, sql("mysql", "city", "SELECT count(*) FROM jobs")),
    ("sipp over UDP", real.Sipp, trunk("udp")), ("sipp over TCP", real.SippTcp, trunk("tcp")),
]


def plugins():
    def dummy(state):
        return {"arguments": [str(state), "said so"]}

    return [
        Case("OK", "command", "check_dummy", dummy(0)),
        Case("WARNING", "command", "check_dummy", dummy(1), "degraded", "said so"),
        Case("CRITICAL", "command", "check_dummy", dummy(2), "fail", "said so"),
        Case("UNKNOWN", "command", "check_dummy", dummy(3), "unknown", "said so"),
        Case("load", "command", "check_load", {"arguments": ["-w", "900,900,900", "-c", "999,999,999"]}),
        Case("load within a range", "command", "check_load",
             {"arguments": ["-w", "900,900,900", "-c", "999,999,999"], "metrics": {"load1": "0:500"}}),
        Case("load outside a range", "command", "check_load",
             {"arguments": ["-w", "900,900,900", "-c", "999,999,999"], "metrics": {"load1": "500:"}}, "fail", "load1"),
        Case("closed port", "command", "check_tcp", {"arguments": ["-H", "127.0.0.1", "-p", "1"]}, "fail", "refused"),
        Case("not there", "command", "check_nothing", {}, "unknown", "may not run"),
        Case("outside", "command", "/bin/true", {}, "refused"),
    ]


class Judge:
    """Asks, compares, prints, counts."""

    def __init__(self, folder):
        self.config = Path(folder, "gengfu.yaml")
        text = (ask.ROOT / "gengfu.yaml").read_text(encoding="utf-8")
        for word in ("probes", "schedules"):
            text = text.replace(f"{word}: {word}", f"{word}: {ask.ROOT / word}")
        self.config.write_text(f"{text}\ncommands: [{{ directory: {PLUGINS}, owners: all }}]\n", encoding="utf-8")
        self.known = set(ask.kinds())
        self.good, self.wrong, self.unknown, self.missing = 0, 0, set(), []

    def ask(self, server, case):
        if case.kind not in self.known:
            self.unknown.add(case.kind)
            return
        answer = ask.gengfu(case.kind, case.target, case.fields, TIMEOUT_S, self.config)
        good = answer.result == case.result and case.part in answer.text
        self.good, self.wrong = self.good + good, self.wrong + (not good)
        print(f"{'ok' if good else 'WRONG':5} {server:13} {case.name:26} {answer.result:8} {answer.text[:130]}")
        if not good:
            print(f"      expected {case.result} with {case.part!r} in the sentence")

    def all_of(self, name, start, cases, folder, chains):
        try:
            server = start(folder, chains)
        except real.Missing as missing:
            self.missing.append(f"{name} ({missing})")
            return
        try:
            asked = cases(server, chains.ca_pem())
            for case in asked:
                self.ask(name, case)
        finally:
            server.stop()
        first = asked[0]
        silent = first.kind == "sip" and first.fields["transport"] == "udp"
        part = "" if silent else "refused the connection"
        self.ask(name, Case("stopped", first.kind, first.target, first.fields, "fail", part))


def main():
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    with tempfile.TemporaryDirectory(prefix="gengfu-servers-") as folder:
        Path(folder).chmod(0o755)
        judge, chains = Judge(folder), Chains(folder)
        for name, start, cases in SERVERS:
            if part in name:
                judge.all_of(name, start, cases, folder, chains)
        if not Path(PLUGINS, "check_load").exists():
            judge.missing.append("plugins (monitoring-plugins-basic)")
        elif part in "plugins":
            for case in plugins():
                judge.ask("plugins", case)
    if judge.missing:
        print(f"servers: left out, since not installed: {', '.join(judge.missing)} (tests/setup/install.sh)")
    if judge.unknown:
        print(f"servers: this gengfu has no {', '.join(sorted(judge.unknown))}", file=sys.stderr)
    print(f"servers: {judge.good} answers are right, {judge.wrong} wrong")
    if judge.wrong or judge.unknown:
        return 1
    return 77 if judge.missing else 0


if __name__ == "__main__":
    sys.exit(main())
