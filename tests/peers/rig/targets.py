"""The targets of `parity`, good and bad: how blackbox_exporter is asked, how gengfu is, and what is right.

Not here: asking. Invariants: a row's names are unique; where both may not agree, the row says why ours is right, and
`docs/parity.md` says it at length.
"""

import ssl

from rig import faults, faults_more
from rig.faults_more import h2, smtp

TIMEOUT_S = 2


class Row:
    """One target. `good` is what gengfu must say; `differs` is why blackbox_exporter says the opposite."""

    def __init__(self, name, good, target, module, ours, reason=None, differs=None):
        self.name, self.good, self.target, self.module = name, good, target, module
        self.kind, self.address, self.fields = ours
        self.reason, self.differs = reason, differs


class Targets:
    """Starts every server and lists every row."""

    def __init__(self, chains, alone):
        """`alone` says that names and networks are ours, so that the system's files may be left out of account."""
        self.chains, self.alone, self.rows = chains, alone, []
        self.faults = faults.Faults()
        self.web = f"http://127.0.0.1:{self.faults.serve(faults.http)}"
        self.refused = 1
        self.hole, self.keep = faults.black_hole()
        for part in (self.answers, self.bodies, self.broken, self.redirects, self.requests, self.tls, self.http2,
                     self.lines, self.names, self.grpc, self.icmp, self.networks):
            part()

    def port(self, handler, **options):
        return self.faults.serve(handler, **options)

    def http(self, name, good, target, theirs=None, ours=None, reason=None, differs=None):
        target = self.web + target if target.startswith("/") else target
        theirs = {"preferred_ip_protocol": "ip4", **(theirs or {})}
        module = {"prober": "http", "http": theirs}
        self.rows.append(Row(name, good, target, module, ("http", target, ours or {}), reason, differs))

    def answers(self):
        add = self.http
        add("200", True, "/ok")
        add("404", False, "/404", reason="status")
        add("404 that is expected", True, "/404", {"valid_status_codes": [404]}, {"expect.status": 404})
        add("503 with retry-after", False, "/503", reason="maintenance")
        add("204 without body", True, "/204")
        add("204 where 200 is expected", False, "/204", {"valid_status_codes": [200]}, {"expect.status": 200}, "status")
        add("304 unasked", False, "/304", reason="status")
        add("HTTP/1.0", True, "/http10")
        add("HTTP/1.0 where 1.1 is expected", False, "/http10", {"valid_http_versions": ["HTTP/1.1"]},
            {"expect.version": "1.1"})
        add("100 before 200", True, "/100")
        add("103 before 200", True, "/103")
        add("lines end in LF only", True, "/lf-only")
        add("header that is expected", True, "/header",
            {"fail_if_header_not_matches": [{"header": "X-Backend", "regexp": "blue-\\d"}]},
            {"expect.headers_regex": {"X-Backend": "blue-\\d"}})
        add("header with another value", False, "/header",
            {"fail_if_header_not_matches": [{"header": "X-Backend", "regexp": "green"}]},
            {"expect.headers_regex": {"X-Backend": "green"}}, "content")
        add("header that must not be", False, "/header",
            {"fail_if_header_matches": [{"header": "X-Backend", "regexp": "blue"}]},
            {"expect.headers_lack_regex": {"X-Backend": "blue"}}, "content")
        add("header that is missing", False, "/ok",
            {"fail_if_header_not_matches": [{"header": "X-Backend", "regexp": "."}]},
            {"expect.headers_regex": {"X-Backend": "."}}, "content")
        add("300 headers", False, "/many-headers", reason="protocol", differs="headers")
        add("header of 2 MiB", False, "/long-header", reason="protocol", differs="headers")
        add("slow, within the deadline", True, "/slow")
        add("blank page", False, "/blank", reason="content", differs="blank")
        add("plain where TLS is expected", False, "/ok", {"fail_if_not_ssl": True}, {"expect.tls": "required"})

    def bodies(self):
        add, regex = self.http, "fail_if_body_not_matches_regexp"
        add("body matches", True, "/ok", {regex: ["^hel+o"]}, {"expect.body_regex": "^hel+o"})
        add("body does not match", False, "/ok", {regex: ["closed"]}, {"expect.body_regex": "closed"}, "content")
        add("body that must not match", False, "/ok", {"fail_if_body_matches_regexp": ["hello"]},
            {"expect.body_lacks_regex": "hello"}, "content")
        add("JSON is right", True, "/json", {regex: ['"status": "up"']},
            {"expect.json": [{"path": "$.status", "equals": "up"}, {"path": "$.queue.depth", "at_most": 10}]})
        add("JSON is wrong", False, "/json", {regex: ['"status": "down"']},
            {"expect.json": [{"path": "$.status", "equals": "down"}]}, "content")
        add("JSON that is none", False, "/ok", {regex: ['"status"']},
            {"expect.json": [{"path": "$.status", "equals": "up"}]}, "content")
        add("chunked", True, "/chunked")
        add("body cut", False, "/truncated", reason="protocol")
        add("body longer than announced", True, "/longer")
        add("chunk of no size", False, "/bad-chunk", reason="protocol")
        add("chunk cut", False, "/cut-chunk", reason="protocol")
        add("chunk of impossible size", False, "/huge-chunk", reason="protocol")
        add("last chunk missing", False, "/no-last-chunk", reason="protocol")
        add("reset in the body", False, "/reset-body", reason="connect")
        add("body hangs", False, "/hang-body", reason="timeout")
        add("body drips", False, "/drip-body", reason="timeout")
        add("gzip", True, "/gzip", {"compression": "gzip", regex: ["inside"]},
            {"compression": "gzip", "expect.body_contains": "inside"})
        add("gzip that is none", False, "/bad-gzip", {"compression": "gzip"}, {"compression": "gzip"}, "protocol")
        add("gzip cut", False, "/cut-gzip", {"compression": "gzip"}, {"compression": "gzip"}, "protocol")
        add("gzip bomb of 1 GiB", True, "/bomb", {"compression": "gzip", "body_size_limit": "1MB"},
            {"compression": "gzip"}, differs="size")
        add("body of 1 GiB", True, "/gib", {"body_size_limit": "1MB"}, differs="size")
        add("body without end", True, "/endless-chunk", {"body_size_limit": "1MB"}, differs="size")
        add("body of 1 GiB lacks a text", False, "/gib", {"body_size_limit": "1MB", regex: ["zzz"]},
            {"expect.body_contains": "zzz"}, "content")

    def broken(self):
        add = self.http
        for name, path, reason in [
            ("status that is no number", "/bad-status", "protocol"), ("garbage", "/garbage", "protocol"),
            ("shoutcast", "/icy", "protocol"), ("empty reply", "/silent", None),
            ("head cut", "/cut-head", None), ("two lengths", "/two-lengths", "protocol"),
            ("length below zero", "/bad-length", "protocol"), ("header without colon", "/bad-header", "protocol"),
            ("HTTP/2 unasked", "/h2", "protocol"), ("reset", "/reset", "connect"),
            ("reset in the head", "/reset-head", "connect"), ("hangs", "/hang", "timeout"),
            ("head hangs", "/hang-head", "timeout"), ("head drips", "/drip-head", "timeout"),
            ("headers without end", "/endless-head", "protocol"), ("100 without end", "/endless-100", "protocol"),
            ("one line without end", "/endless-line", "protocol"),
        ]:
            add(name, False, path, reason=reason)
        add("HTTP/9.9", False, "/http9", reason="protocol", differs="version")
        add("connection refused", False, f"http://127.0.0.1:{self.refused}/", reason="connect")
        add("connecting hangs", False, f"http://127.0.0.1:{self.hole}/", reason="timeout")

    def redirects(self):
        add = self.http
        add("redirect", True, "/redirect")
        add("redirect not followed", True, "/redirect", {"follow_redirects": False, "valid_status_codes": [302]},
            {"redirects_max": 0, "expect.status": 302})
        add("redirect not followed, 200 expected", False, "/redirect", {"follow_redirects": False},
            {"redirects_max": 0}, "status")
        add("308 of a POST", False, "/redirect-308", {"method": "POST", "valid_status_codes": [201]},
            {"method": "POST", "expect.status": 201}, "status")
        add("seven hops", True, "/hops/7", ours={"redirects_max": 10})
        add("eleven hops", False, "/hops/11", ours={"redirects_max": 10}, reason="protocol")
        add("loop of one", False, "/loop", reason="protocol")
        add("loop of two", False, "/ping", reason="protocol")
        add("redirect to ftp:", False, "/to-ftp")
        add("redirect to file:", False, "/to-file")
        add("redirect without location", False, "/to-nowhere")
        add("redirect to a closed port", False, "/to-refused", reason="connect")
        add("redirect to an unknown name", False, "/to-unknown", reason="resolve")

    def requests(self):
        add, body = self.http, "fail_if_body_not_matches_regexp"
        add("HEAD", True, "/ok", {"method": "HEAD"}, {"method": "HEAD"})
        add("POST with a body", True, "/echo", {"method": "POST", "body": "a=1", body: ["^POST a=1$"]},
            {"method": "POST", "body": "a=1", "expect.body_regex": "^POST a=1$"})
        add("header is sent", True, "/needs-header", {"headers": {"X-City": "shanghai"}},
            {"headers": {"X-City": "shanghai"}})
        add("header is not sent", False, "/needs-header", reason="status")
        add("another host's site", True, "/vhost", {"headers": {"Host": "portal.parity"}},
            {"headers": {"Host": "portal.parity"}})
        good, bad = {"username": "duty", "password": "secret"}, {"username": "duty", "password": "wrong"}
        add("basic authentication", True, "/basic", {"basic_auth": good},
            {"basic_auth": {"user": "duty", "password": "secret"}})
        add("basic authentication, wrong password", False, "/basic", {"basic_auth": bad},
            {"basic_auth": {"user": "duty", "password": "wrong"}}, "status")
        add("bearer token", True, "/bearer", {"authorization": {"credentials": "t0ken"}},
            {"authorization": "Bearer t0ken"})
        add("wrong bearer token", False, "/bearer", {"authorization": {"credentials": "no"}},
            {"authorization": "Bearer no"}, "status")
        via = f"http://127.0.0.1:{self.port(faults.proxy)}"
        add("through a proxy", True, "http://127.0.0.1:1/", {"proxy_url": via, body: ["through"]},
            {"proxy": via, "expect.body_contains": "through"})
        dead = f"http://127.0.0.1:{self.refused}"
        add("through a dead proxy", False, "/ok", {"proxy_url": dead}, {"proxy": dead}, "connect")

    def secure(self, name, good, context=None, handler=faults.http, path="/ok", theirs=None, ours=None, reason=None,
               differs=None, tls=True):
        """An https target with this server's side of TLS."""
        port = self.port(handler, tls=context)
        theirs = {"ca_file": self.chains.ca, **(theirs or {})}
        ours = {"tls.ca": self.chains.ca_pem(), **(ours or {})} if tls else ours
        self.http(name, good, f"https://127.0.0.1:{port}{path}", {"tls_config": theirs}, ours, reason, differs)

    def tls(self):
        chains, add, version = self.chains, self.secure, ssl.TLSVersion
        add("chain with intermediate", True, chains.context(chains.good))
        add("RSA of 2048 bits", True, chains.context(chains.rsa))
        add("TLS 1.2", True, chains.context(chains.good, newest=version.TLSv1_2))
        add("expires in 3 days", True, chains.context(chains.soon))
        add("expired", False, chains.context(chains.expired), reason="certificate")
        add("not valid yet", False, chains.context(chains.not_yet), reason="certificate")
        add("self-signed", False, chains.context(chains.self_signed), reason="tls")
        add("unknown root", False, chains.context(chains.untrusted), reason="tls")
        add("intermediate missing", False, chains.context(chains.no_intermediate), reason="tls")
        add("another name", False, chains.context(chains.wrong_name), reason="tls")
        add("name as subject only", False, chains.context(chains.no_names), reason="tls")
        add("certificate for clients", False, chains.context(chains.for_clients), reason="tls")
        add("RSA of 1024 bits", False, chains.context(chains.rsa_1024), reason="tls", differs="rsa")
        add("expired, not verified", True, chains.context(chains.expired), theirs={"insecure_skip_verify": True},
            ours={"tls.trust": "ignored"})
        add("asked for by another name", True, chains.context(chains.wrong_name),
            theirs={"server_name": "elsewhere.parity"}, ours={"tls.name": "elsewhere.parity"})
        add("wildcard", True, chains.context(chains.wildcard), theirs={"server_name": "any.sites.parity"},
            ours={"tls.name": "any.sites.parity"})
        add("TLS 1.1 only", False, chains.context(chains.good, version.TLSv1_1, version.TLSv1_1), reason="tls")
        add("TLS 1.2 where 1.3 is expected", False, chains.context(chains.good, newest=version.TLSv1_2),
            theirs={"min_version": "TLS13"}, ours={"tls.min_version": "1.3"}, reason="tls")
        client = {"cert_file": chains.client, "key_file": chains.client_key}
        add("with our certificate", True, chains.context(chains.good, clients=True), theirs=client,
            ours={"tls.certificate": chains.client_pem, "tls.key": chains.client_key_pem})
        add("without our certificate", False, chains.context(chains.good, clients=True))
        add("handshake hangs", False, handler=faults_more.silent, reason="timeout")
        add("handshake is reset", False, handler=faults_more.resets, reason="connect")
        add("handshake is closed", False, handler=faults_more.closes, reason="tls")
        add("no TLS here", False, reason="tls", handler=faults_more.greets)

    def http2(self):
        context = self.chains.context(self.chains.good, alpn=["h2"])
        for name, good, fault, reason in [
            ("answers", True, "ok", None), ("GOAWAY", False, "goaway", None),
            ("GOAWAY, calm down", False, "goaway_error", None), ("stream reset", False, "reset", None),
            ("stream reset in the body", False, "reset_body", None), ("body short", False, "short", None),
            ("closed in the body", False, "cut", None), ("hangs", False, "hang", "timeout"),
            ("garbage", False, "garbage", None),
        ]:
            self.secure(f"HTTP/2 {name}", good, context, h2(fault), reason=reason)

    def line(self, name, good, port, theirs=None, ours=None, reason=None, differs=None, host="127.0.0.1"):
        module = {"prober": "tcp", "tcp": {"preferred_ip_protocol": "ip4", **(theirs or {})}}
        at = f"{host}:{port}"
        self.rows.append(Row(name, good, at, module, ("tcp", at, ours or {}), reason, differs))

    def lines(self):
        add, port, chains = self.line, self.port, self.chains
        banner = {"query_response": [{"expect": "^220 "}]}, {"dialogue": [{"expect": "^220 "}]}
        add("TCP connects", True, port(faults_more.closes))
        add("TCP refused", False, self.refused, reason="connect")
        add("TCP connecting hangs", False, self.hole, reason="timeout")
        add("banner is right", True, port(faults_more.greets), *banner)
        add("banner is wrong", False, port(faults_more.greets), {"query_response": [{"expect": "^SSH"}]},
            {"dialogue": [{"expect": "^SSH"}]}, "content")
        add("banner lacks a text", False, port(faults_more.greets), {"query_response": [{"expect": "SSH"}]},
            {"expect": "SSH"}, "content")
        add("banner never comes", False, port(faults_more.silent), *banner, "timeout")
        add("banner without end", False, port(faults_more.endless_line), *banner)
        for number, (good, word) in enumerate([(True, "TAKE"), (False, "GIVE")]):
            talk = [{"expect": r"^HELLO (\d+)", "send": word + " ${1}"}, {"expect": "^OK"}]
            add(f"dialogue {'wrong' if number else 'right'}", good, port(faults_more.echo), {"query_response": talk},
                {"dialogue": talk})
        trusted = {"ca_file": chains.ca}, {"ca": chains.ca_pem()}
        for name, chain, good in [("right", chains.good, True), ("expired", chains.expired, False),
                                  ("untrusted", chains.untrusted, False)]:
            add(f"TCP with TLS, {name}", good, port(faults_more.greets, tls=chains.context(chain)),
                {"tls": True, "tls_config": trusted[0]}, {"tls": trusted[1]})
            start = [{"expect": "^220 ", "send": "EHLO prober"}, {"expect": "^250-STARTTLS", "send": "STARTTLS"},
                     {"expect": "^220 ", "starttls": True}, {"send": "QUIT"}]
            add(f"STARTTLS, {name}", good, port(smtp(chains.context(chain))),
                {"query_response": start, "tls_config": trusted[0]}, {"starttls": "smtp", "tls": trusted[1]})
        for name, handler in [("not offered", smtp(None, offered=False)), ("refused", smtp(None, fault="refuses"))]:
            add(f"STARTTLS {name}", False, port(handler), {"query_response": start}, {"starttls": "smtp"})

    def names(self):
        server, secure = faults_more.name_server(self.faults, tls=self.chains.context(self.chains.good))

        def add(name, good, asked, theirs=None, ours=None, reason=None, differs=None, port=server):
            dns = {"query_name": asked, "query_type": "A", "preferred_ip_protocol": "ip4", **(theirs or {})}
            fields = {"server": "127.0.0.1", "port": port, **(ours or {})}
            module = {"prober": "dns", "dns": dns}
            row = Row(f"DNS {name}", good, f"127.0.0.1:{port}", module, ("dns", asked, fields), reason, differs)
            self.rows.append(row)

        some = "fail_if_none_matches_regexp"
        add("answers", True, "open.parity")
        add("over TCP", True, "open.parity", {"transport_protocol": "tcp"}, {"transport": "tcp"})
        add("over TLS", True, "open.parity",
            {"transport_protocol": "tcp", "dns_over_tls": True, "tls_config": {"ca_file": self.chains.ca}},
            {"transport": "tls", "tls.ca": self.chains.ca_pem()}, port=secure)
        add("AAAA", True, "open.parity", {"query_type": "AAAA"}, {"type": "AAAA"})
        add("MX", True, "open.parity", {"query_type": "MX"}, {"type": "MX"})
        add("SOA serial", True, "parity", {"query_type": "SOA", "validate_answer_rrs": {some: ["20261125"]}},
            {"type": "SOA", "soa_serial_at_least": 2026112501})
        add("chain of CNAME", True, "www.parity")
        add("right address", True, "open.parity", {"validate_answer_rrs": {some: [r"10\.1\.2\.3"]}},
            {"answers": "10.1.2.3"})
        add("wrong address", False, "open.parity", {"validate_answer_rrs": {some: [r"10\.9\.9\.9"]}},
            {"answers": "10.9.9.9"}, "content")
        each, all_of = "fail_if_not_matches_regexp", "fail_if_all_match_regexp"
        for theirs, pattern, name, good in [
            (each, "10", "open.parity", True), (each, "99", "open.parity", False), (each, "10", "six.parity", False),
            (all_of, "10", "open.parity", True), (all_of, "99", "open.parity", False), (all_of, "10", "six.parity", True),
            (some, "10", "six.parity", False), ("fail_if_matches_regexp", "10", "six.parity", True),
        ]:
            # What `gengfu import blackbox` makes of such a rule.
            rule = {{each: "all_match", all_of: "all_match", some: "any_match"}.get(theirs, "none_match"): [pattern]}
            rule |= {"may_be_empty": True} if theirs == all_of else {}
            add(f"{theirs} {pattern} {name}", good, name, {"validate_answer_rrs": {theirs: [pattern]}},
                {"may_be_empty": True, "rules": {"answer": rule}}, "content")
        add("NXDOMAIN", False, "nowhere.parity", reason="content")
        add("NXDOMAIN that is expected", True, "nowhere.parity", {"valid_rcodes": ["NXDOMAIN"]}, {"rcode": "NXDOMAIN"})
        add("SERVFAIL", False, "servfail.parity", reason="content")
        add("REFUSED", False, "refused.parity", reason="content")
        add("no record", False, "six.parity", reason="content", differs="no record")
        add("silence", False, "silent.parity", reason="timeout")
        add("silence over TCP", False, "silent.parity", {"transport_protocol": "tcp"}, {"transport": "tcp"}, "timeout")
        add("garbage", False, "garbage.parity")
        add("answer to another id", False, "stranger.parity")
        add("answer to another question", False, "other.parity", differs="question")
        add("answer cut", True, "cut.parity")
        add("closed port", False, "open.parity", port=self.refused)

    def grpc(self):
        def add(name, good, state, theirs=None, ours=None, reason=None, port=None):
            target = f"127.0.0.1:{port or self.port(h2('grpc-' + state))}"
            module = {"prober": "grpc", "grpc": {"preferred_ip_protocol": "ip4", **(theirs or {})}}
            self.rows.append(Row(f"gRPC {name}", good, target, module, ("grpc", target, ours or {}), reason, None))

        add("serving", True, "serving")
        add("serving a service", True, "serving", {"service": "city.Portal"}, {"service": "city.Portal"})
        for state in ("not_serving", "unknown", "unimplemented", "not_found", "unavailable"):
            add(state.replace("_", " "), False, state)
        add("refused", False, "", port=self.refused, reason="connect")
        add("silent", False, "", port=self.port(faults_more.silent), reason="timeout")
        add("no HTTP/2", False, "", port=self.port(faults_more.greets))

    def ping(self, name, good, host, reason=None, family="ip4", differs=None):
        module = {"prober": "icmp", "icmp": {"preferred_ip_protocol": family}}
        self.rows.append(Row(f"ICMP {name}", good, host, module, ("icmp", host, {}), reason, differs))

    def icmp(self):
        self.ping("IPv4", True, "127.0.0.1")
        self.ping("IPv6", True, "::1", family="ip6")
        self.ping("unknown name", False, "nowhere.invalid", "resolve")

    def networks(self):
        """What wants names and routes of its own."""
        six = self.port(faults.http, host="::1")
        self.http("IPv6 only", True, f"http://[::1]:{six}/ok", {"preferred_ip_protocol": "ip6"})
        self.http("unknown name", False, "http://nowhere.invalid/", reason="resolve")
        if not self.alone:
            return
        faults_more.name_server(self.faults, "127.0.0.53", 53)
        four = self.web.rpartition(":")[2]
        self.http("name of IPv6 only", True, f"http://six.parity:{six}/ok", {"preferred_ip_protocol": "ip6"})
        self.http("name of IPv6 only where IPv4 is wanted", False, f"http://six.parity:{six}/ok",
                  {"ip_protocol_fallback": False}, {"family": "ipv4"}, "resolve")
        self.http("IPv6 is dead, IPv4 answers", True, f"http://both.parity:{four}/ok", {"preferred_ip_protocol": "ip6"},
                  differs="every address")
        for name, host in [("is silent", "silent.parity"), ("fails", "servfail.parity"), ("refuses", "refused.parity")]:
            self.http(f"name server {name}", False, f"http://{host}/", reason="local")
            self.line(f"name server {name}", False, 80, reason="local", host=host)
        self.http("no route", False, "http://203.0.113.9/", differs=None)
        self.ping("no route", False, "203.0.113.9")
        self.line("name of a good host", True, four, host="good.parity")
