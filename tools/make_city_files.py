#!/usr/bin/env python3
"""Writes probes/**/*.yaml from the tables in tools/city/.

It was run to lay the city out; since then the YAML files are what counts, and they are edited by hand. Run it again
only into another directory, to compare: `tools/make_city_files.py /tmp/city && diff -r /tmp/city/probes probes`.

Not here: schedules/, which people write. Standard library only.
"""

import csv
import re
import sys
from collections import defaultdict
from pathlib import Path

TABLES = Path(__file__).resolve().parent / "city"
SCHEMA = "# yaml-language-server: $schema=../.schema/owner.json"
EVERY = {1: "30s", 2: "60s", 3: "120s"}
EXTERNAL = {"national", "payment", "carriers", "evaluators"}
PLATFORM = {"bdc"}

# Services that are asked, not applied to: their journey opens the page and queries.
QUERY = re.compile("查询|查验|查看|进度|公示|目录|记录|证明")

# Terminals of each district, and how many of them may be silent before it counts.
KIOSKS = "fleet: { members: 40, share_min: 80%, share_warn: 95% }"

# Who is not there for citizens: machinery, upstream parties and the administration's own desks.
INTERNAL = {
    "bdc/portal-dns", "bdc/e-seal", "bdc/e-archive", "bdc/exchange-batch", "bdc/kiosk-fleet", "hotline/hotline-tickets",
    "hotline/hotline-kb", "general-office/doc-exchange", "commerce/single-purpose-card", "commerce/expo-import",
    "hrss/settlement", "water/flood-warning", "emergency/alerts", "statistics/statistics-report",
    "medical-insurance/mi-clearing", "gov-offices/gov-vehicle", "provident-fund/fund-settlement",
    "city-operations/ops-board", "national/nat-identity", "payment/wechat-pay", "payment/alipay",
    "evaluators/mystery-shopper", "finance/procurement",
}
PUBLIC_BESIDES_PAGES = {"bdc/portal-tls", "hotline/hotline-trunk"}

# Pages that have a certificate probe of their own: the addresses that citizens type.
CERTIFIED = {
    "general-office/gov-site", "education/enrolment", "police/exit-entry", "planning-resources/real-estate",
    "health/hospital-booking", "market/business-licence", "medical-insurance/mi-account", "tax/e-tax",
    "provident-fund/fund-query", "customs/single-window", "lingang/lingang-portal", "bdc/app-api",
    "data-bureau/open-data",
}

# Pages whose maintenance is agreed as a monthly window: see schedules/windows/.
AGREED = {
    "bdc/announcements", "bdc/customer-service", "bdc/haochaping", "bdc/logistics", "provident-fund/fund-loan",
    "education/exam-results", "education/degree-check", "civil-affairs/marriage", "civil-affairs/elderly-card",
    "justice/notary", "health/health-record", "ndrc/credit", "ndrc/price",
}

# Where a page lives and what it must say, where host `<subsystem>.<owner>.test`, path `/` and its own name will not do.
PAGES = {
    "bdc/portal-home": ("https://www.bdc.test/", "一网通办"),
    "bdc/citizen-page": ("https://my.bdc.test/citizen", "市民主页"),
    "bdc/enterprise-page": ("https://my.bdc.test/enterprise", "企业专属网页"),
    "bdc/theme-citizen": ("https://www.bdc.test/themes/citizen", "主题式服务"),
    "bdc/theme-enterprise": ("https://www.bdc.test/themes/enterprise", "主题式服务"),
    "bdc/unified-acceptance": ("https://acceptance.bdc.test/health", "UP"),
    "bdc/identity": ("https://id.bdc.test/login", "统一身份认证"),
    "bdc/customer-service": ("https://ask.bdc.test/", "小申"),
    "bdc/public-payment": ("https://pay.bdc.test/cashier", "统一公共支付"),
    "bdc/logistics": ("https://express.bdc.test/", "物流快递"),
    "bdc/e-seal": ("https://seal.bdc.test/health", "UP"),
    "bdc/app-api": ("https://api.app.bdc.test/health", "UP"),
    "bdc/mini-wechat": ("https://wechat.app.bdc.test/health", "UP"),
    "bdc/mini-alipay": ("https://alipay.app.bdc.test/health", "UP"),
    "bdc/suishen-code": ("https://code.app.bdc.test/issue", "随申码"),
    "bdc/haochaping": ("https://rating.bdc.test/", "好差评"),
    "bdc/announcements": ("https://www.bdc.test/notices/", "公告"),
    "hotline/hotline-tickets": ("https://tickets.hotline.test/login", "工单"),
    "hotline/hotline-kb": ("https://kb.hotline.test/", "知识库"),
    "general-office/gov-site": ("https://www.gov-site.test/", "上海市人民政府"),
    "data-bureau/public-data-catalog": ("https://catalog.data-bureau.test/", "公共数据目录"),
    "data-bureau/open-data": ("https://open.data-bureau.test/", "公共数据开放平台"),
    "ndrc/project-approval": ("https://projects.ndrc.test/", "投资项目在线审批"),
    "ndrc/credit": ("https://credit.ndrc.test/search", "公共信用信息"),
    "ndrc/price": ("https://price.ndrc.test/catalogue", "收费目录"),
    "econ-info/sme-services": ("https://sme.econ-info.test/", "企业服务云"),
    "commerce/expo-import": None,
    "education/enrolment": ("https://enrol.education.test/", "入学报名"),
    "education/exam-results": ("https://exam.education.test/results", "成绩查询"),
    "science/foreign-expert": ("https://expert.science.test/permits", "来华工作许可"),
    "police/household": ("https://household.police.test/apply", "户口办理"),
    "police/residence-permit": ("https://residence.police.test/", "居住证"),
    "police/exit-entry": ("https://exit-entry.police.test/appointments", "出入境证件预约"),
    "police/vehicle": ("https://traffic.police.test/", "交通管理"),
    "civil-affairs/marriage": ("https://marriage.civil-affairs.test/booking", "婚姻登记预约"),
    "civil-affairs/social-assistance": ("https://assistance.civil-affairs.test/", "社会救助"),
    "civil-affairs/elderly-card": ("https://elderly.civil-affairs.test/", "敬老卡"),
    "justice/notary": ("https://notary.justice.test/booking", "公证预约"),
    "justice/legal-aid": ("https://12348.justice.test/apply", "法律援助申请"),
    "justice/lawyer-query": ("https://lawyers.justice.test/", "律师"),
    "finance/non-tax": ("https://non-tax.finance.test/pay", "非税收入"),
    "finance/e-invoice-fiscal": ("https://receipts.finance.test/verify", "财政电子票据"),
    "hrss/pension-query": ("https://pension.hrss.test/query", "养老保险"),
    "hrss/insured-reg": ("https://employers.hrss.test/", "参保登记"),
    "hrss/employment": ("https://employment.hrss.test/", "就业登记"),
    "planning-resources/real-estate": ("https://estate.planning-resources.test/", "不动产登记"),
    "ecology/air-quality": ("https://air.ecology.test/", "空气质量"),
    "housing-construction/tender": ("https://tender.housing-construction.test/", "招投标"),
    "housing/sale-contract": ("https://contracts.housing.test/sale", "网上签约"),
    "housing/rental-filing": ("https://contracts.housing.test/rental", "租赁合同备案"),
    "housing/public-rental": ("https://public-rental.housing.test/", "公租房"),
    "transport/transit-code": ("https://transit.transport.test/health", "UP"),
    "water/water-bill": ("https://bill.water.test/", "水费"),
    "health/hospital-booking": ("https://booking.health.test/", "预约挂号"),
    "health/health-record": ("https://record.health.test/", "健康档案"),
    "health/birth-cert": ("https://birth.health.test/", "出生一件事"),
    "market/business-licence": ("https://ycwt.market.test/", "一窗通"),
    "market/complaints": ("https://12315.market.test/", "投诉举报"),
    "medical-insurance/mi-account": ("https://account.medical-insurance.test/", "医保账户"),
    "medical-insurance/mi-reimburse": ("https://reimburse.medical-insurance.test/apply", "零星报销"),
    "tax/e-tax": ("https://etax.tax.test/login", "电子税务局"),
    "tax/e-invoice": ("https://invoice.tax.test/verify", "查验"),
    "tax/individual-tax": ("https://individual.tax.test/", "个人所得税"),
    "provident-fund/fund-query": ("https://account.provident-fund.test/", "公积金"),
    "provident-fund/fund-withdraw": ("https://withdraw.provident-fund.test/apply", "公积金提取"),
    "provident-fund/fund-loan": ("https://loan.provident-fund.test/progress", "贷款进度"),
    "customs/single-window": ("https://singlewindow.customs.test/", "单一窗口"),
    "lingang/lingang-portal": ("https://www.lingang.test/", "临港"),
    "national/nat-identity": ("https://id.national.test/health", "UP"),
    "payment/wechat-pay": ("https://channel-a.payment.test/health", "UP"),
    "payment/alipay": ("https://channel-b.payment.test/health", "UP"),
    "evaluators/mystery-shopper": ("https://feed.evaluators.test/latest", "测评"),
}

# Ports of what is not a page. All below 12768, so that the simulated city can add 20000 and stay clear of the
# system's own ephemeral ports.
PORTS = {
    "bdc/e-certificates": ("rpc.certificates.bdc.test", 8443),
    "bdc/exchange-national": ("national.exchange.bdc.test", 8443),
    "bdc/exchange-city": ("city.exchange.bdc.test", 8443),
    "bdc/exchange-district": ("districts.exchange.bdc.test", 8443),
    "bdc/kiosk-gateway": ("kiosks.bdc.test", 7001),
    "bdc/sms-gateway": ("sms.bdc.test", 7890),
    "bdc/mail-relay": ("relay.bdc.test", 25),
    "hotline/hotline-trunk": ("trunk.hotline.test", 5060),
    "education/degree-check": ("rpc.degree.education.test", 8443),
    "police/id-check": ("rpc.id-check.police.test", 8443),
    "market/e-licence": ("rpc.licence.market.test", 8443),
    "medical-insurance/mi-realtime": ("settle.medical-insurance.test", 6001),
    "tax/tax-payment": ("treasury.tax.test", 6002),
    "meteorology/weather": ("rpc.weather.meteorology.test", 8443),
    "pboc/account-open": ("rpc.accounts.pboc.test", 8443),
    "national/nat-certificates": ("rpc.certificates.national.test", 8443),
    "national/nat-gateway": ("rpc.gateway.national.test", 8443),
    "payment/hvps": ("hvps.payment.test", 5001),
    "payment/bulk-payment": ("beps.payment.test", 5002),
    "carriers/gov-cloud": ("edge.gov-cloud.test", 443),
    "carriers/gov-extranet": ("core.gov-extranet.test", 443),
    "carriers/egress-a": ("egress.carrier-a.test", 443),
    "carriers/egress-b": ("egress.carrier-b.test", 443),
}

# Jobs that report by themselves: how often, and how late is late.
BEATS = {
    "bdc/e-archive": ("6h", "1h"),
    "bdc/exchange-batch": ("30m", "10m"),
    "bdc/kiosk-fleet": ("1m", "1m"),
    "general-office/doc-exchange": ("10m", "5m"),
    "commerce/expo-import": ("5m", "2m"),
    "hrss/settlement": ("30m", "10m"),
    "water/flood-warning": ("1m", "1m"),
    "emergency/alerts": ("1m", "1m"),
    "medical-insurance/mi-clearing": ("30m", "10m"),
    "provident-fund/fund-settlement": ("30m", "10m"),
    "city-operations/ops-board": ("1m", "1m"),
}

# Pages that count as degraded when they answer, but slowly.
SLOW = {"bdc/portal-home": "3s", "bdc/identity": "3s", "bdc/app-api": "2s", "bdc/public-payment": "3s",
        "provident-fund/fund-query": "1s", "water/water-bill": "1s"}

# Dependencies that the tables give as plain, and that are not: one of two suffices, or it only explains.
ANY_OF = [("carriers/egress-a", "carriers/egress-b"), ("payment/wechat-pay", "payment/alipay")]
SOFT = {
    ("bdc/identity", "bdc/sms-gateway"),         # codes by SMS are one way in of several
    ("bdc/e-certificates", "national/nat-certificates"),  # only for certificates of other provinces
    ("police/residence-permit", "education/degree-check"),  # points may be claimed later
    ("health/birth-cert", "medical-insurance/mi-account"),  # the certificate itself is issued without it
    ("fire/fire-check", "market/business-licence"),  # a paper licence is accepted too
}

ABOUT = {
    "bdc": "The platform itself: the portal, its channels, and the modules that every connected unit builds on.",
    "general-office": "The municipal web site and the exchange of official documents.",
    "data-bureau": "The public data catalogue and open data; nobody's deadline hangs on them.",
    "hotline": "12345. The trunk and the tickets are one service to whoever calls.",
    "ndrc": "Investment approval, credit information, the fee catalogue.",
    "grain": "One filing form, open in office hours.",
    "education": "Enrolment opens a few weeks a year and is tier 1 for those; the interface to degrees is asked all year.",
    "police": "Household, residence, exit-entry, traffic, and the identity check that half the city depends on.",
    "finance": "Non-tax revenue closes at night, and with it every fee that is paid through the platform.",
    "hrss": "Pensions, insured persons, employment. Settlement follows the banks.",
    "planning-resources": "Registration waits for tax and for the sale contract.",
    "housing": "Sale and rental contracts share one host.",
    "health": "Hospital booking is the busiest page in the morning; births touch three bureaus.",
    "market": "Company set-up in one window: it needs the tax, insurance, bank and seal services of others.",
    "medical-insurance": "Real-time settlement is what a patient waits for at the counter.",
    "tax": "The treasury line keeps the treasury's hours; the e-tax bureau inherits them for payments.",
    "provident-fund": "Withdrawals are paid out through bulk clearing; the end-of-day batch runs at night.",
    "customs": "The single window for trade. Ships do not wait for office hours.",
    "pboc": "Credit reports for citizens; the account interface keeps banking hours.",
    "emergency": "Warnings must leave at any hour: a heartbeat that fails to come is the alarm.",
    "water": "Bills may wait, flood warnings may not.",
    "transport": "The ride code follows the first and the last train.",
    "commerce": "The Import Expo board matters in November, and then very much.",
    "national": "Upstream: the national platform. We watch it to tell its faults from ours.",
    "payment": "Upstream: clearing. The high-value system opens at 23:30 on the eve of each statutory workday.",
    "carriers": "Upstream: cloud, extranet and the two ways out to the internet, of which one suffices.",
    "evaluators": "Third parties that rate the portal; their feed tells us what they saw.",
    "lingang": "The Lin-gang Special Area has a channel of its own.",
    "pudong": "The only district channel in tier 1.",
}

NOTES = {
    "bdc/public-payment": "Declared 7x24, but fees reach the treasury only while non-tax revenue is open: see `gengfu explain`.",
    "bdc/identity": "Codes by SMS are one way in of several, so a dead gateway explains but does not excuse.",
    "bdc/portal-tls": "A subsystem of its own, since a certificate that expires closes every page at once.",
    "bdc/e-certificates": "The national library is asked for certificates of other provinces only.",
    "bdc/kiosk-fleet": "The gateway reports for the fleet; single kiosks are the districts'.",
    "finance/non-tax": "Treasury settlement follows the statutory workdays.",
    "payment/hvps": "Statutory workdays only: `workdays` knows the make-up Saturdays, `Mon-Fri` would not.",
    "police/residence-permit": "Points for a degree can be claimed later, so the degree interface is soft.",
    "health/birth-cert": "The certificate is issued without the insurance account; the child's card waits for it.",
    "fire/fire-check": "A paper licence is accepted too.",
    "tax/tax-payment": "The line to the treasury; it does not answer after 20:00.",
    "transport/transit-code": "From before the first train to after the last.",
}


def rows(name):
    with open(TABLES / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def scalar(text):
    """A YAML plain scalar where one will do inside flow style, else a quoted one."""
    plain = not re.search(r"""[,\[\]{}#&*!|>%@`"']|: |:$|^[-?:\s]|\s$""", text)
    if plain and not re.fullmatch(r"[\d.:+-]+|true|false|null|yes|no|on|off|~", text, re.I):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def names(zh, en):
    return f"{{ zh: {scalar(zh)}, en: {scalar(en)} }}"


class Subsystem:
    def __init__(self, owner, row):
        self.owner = owner
        self.name = row["subsystem_id"].removeprefix(owner + "-") if row.get("district") else row["subsystem_id"]
        self.id = f"{owner}/{self.name}"
        self.zh, self.en, self.kind = row["name_zh"], row["name_en"], row["kind"]
        self.tier = int(row["criticality"].removeprefix("tier"))
        self.hours = row["declared_hours"]
        self.needs = []
        self.district = bool(row.get("district"))

    @property
    def public(self):
        if self.district:
            return self.name in {"portal", "hall", "kiosks"}
        return self.id in PUBLIC_BESIDES_PAGES or (self.kind in {"http", "journey"} and self.id not in INTERNAL)

    @property
    def objective(self):
        if self.kind == "heartbeat" and self.hours != "7x24":
            return "office-hours" if "workdays" in self.hours else "night-batch"
        if self.owner in EXTERNAL and self.hours == "7x24":
            return "upstream-7x24"
        if self.hours.startswith("daily"):
            return "daily-hours"
        if self.hours != "7x24":
            return "office-hours"
        if self.tier == 1:
            return "core-7x24"
        if self.public and self.id not in AGREED:
            return "public-7x24"
        return "agreed-7x24"

    def page(self):
        if self.district:
            host = {"portal": "ywtb"}.get(self.name, self.name)
            path = {"hall": "/booking", "acceptance": "/health"}.get(self.name, "/")
            text = {"portal": "一网通办", "hall": "预约取号", "acceptance": "UP"}[self.name]
            return f"https://{host}.{self.owner}.test{path}", text
        if PAGES.get(self.id):
            return PAGES[self.id]
        return f"https://{self.name}.{self.owner}.test/", re.split("[（与、]", self.zh)[0]

    def probe_lines(self, every_default):
        every = "" if EVERY[self.tier] == every_default else f"every: {EVERY[self.tier]}, "
        if self.kind == "http":
            url, text = self.page()
            name = "health" if text == "UP" else "page"
            if self.name in {"portal", "portal-home", "gov-site"}:
                name = "home"
            slow = f", slower_than: {SLOW[self.id]}" if self.id in SLOW else ""
            expect = f"{{ status: 200, body_contains: {scalar(text)}{slow} }}"
            lines = [f'      - {{ name: {name}, {every}http: {{ url: "{url}", expect: {expect} }} }}']
            return lines + self.certificate(url)
        if self.kind == "journey":
            url, text = self.page()
            return self.journey(every, url, text) + self.certificate(url)
        if self.kind == "dns":
            ask = "name: www.bdc.test, type: A"
            return [
                f"      - {{ name: primary, {every}dns: {{ server: ns1.bdc.test, {ask} }} }}",
                f"      - {{ name: secondary, {every}role: supporting, dns: {{ server: ns2.bdc.test, {ask} }} }}",
            ]
        if self.kind == "tls":
            return ["      - { name: chain, every: 5m, tls: { host: www.bdc.test, warn_before: 30d, fail_before: 7d } }"]
        if self.kind == "heartbeat":
            period, grace = ("5m", "2m") if self.district else BEATS[self.id]
            fleet = f", {KIOSKS}" if self.district else ""
            beat = f'token: "{self.token_reference()}", period: {period}, grace: {grace}{fleet}'
            return [f"      - {{ name: beat, {every}heartbeat: {{ {beat} }} }}"]
        if self.district:
            host, port = {"exchange": ("exchange", 8443), "kiosk-gateway": ("kiosks", 7001)}[self.name]
            host = f"{host}.{self.owner}.test"
        else:
            host, port = PORTS[self.id]
        where = f'address: "{host}:{port}"'
        if self.kind == "grpc":
            return [f"      - {{ name: health, {every}grpc: {{ {where}, tls: true }} }}"]
        if self.kind == "sip":
            return [f"      - {{ name: options, {every}sip: {{ {where}, transport: udp }} }}"]
        if self.kind == "smtp":
            mail = "starttls: never, from: gengfu@bdc.test, to: duty@bdc.test"
            return [f"      - {{ name: dialogue, {every}smtp: {{ {where}, {mail} }} }}"]
        port_line = f"      - {{ name: port, {every}tcp: {{ {where} }} }}"
        if self.kind == "icmp":
            # Not every machine lets us ping, so the ping explains and the port decides.
            ping = f"{{ host: {host}, packets: 3, loss_warn: 1% }}"
            return [port_line, f"      - {{ name: ping, {every}role: supporting, icmp: {ping} }}"]
        return [port_line]

    def certificate(self, url):
        if not (self.id in CERTIFIED or (self.district and self.name == "portal")):
            return []
        tls = f"{{ host: {url.split('/')[2]}, warn_before: 30d, fail_before: 7d }}"
        return [f"      - {{ name: certificate, every: 1h, role: supporting, tls: {tls} }}"]

    def journey(self, every, url, text):
        """What a citizen does there, step by step; what was handed in is withdrawn again."""
        base, path = re.fullmatch(r"(https://[^/]+)(/.*)", url).groups()
        under = path.rstrip("/")
        query = bool(QUERY.search(self.zh))
        lines = [f"      - name: {'query' if query else 'application'}"]
        if every:
            lines.append(f"        {every.rstrip(', ')}")
        lines += ["        journey:", f'          base: "{base}"']
        if self.id in SLOW:
            lines.append(f"          slower_than: {SLOW[self.id]}")
        lines += [
            "          steps:",
            "            - name: open",
            f"              url: {path}",
            f"              expect: {{ status: 200, body_contains: {scalar(text)} }}",
            """              extract: { ticket: { regex: 'name="ticket" value="([0-9a-f]+)"' } }""",
        ]
        if query:
            return lines + [
                "            - name: query",
                f"              url: {under}/query?ticket={{{{ticket}}}}",
                "              expect: { status: 200, json: [{ path: $.status, equals: found }] }",
            ]
        return lines + [
            "            - name: hand-in",
            "              method: POST",
            f"              url: {under}/applications",
            "              headers: { content-type: application/x-www-form-urlencoded }",
            "              body: ticket={{ticket}}",
            "              expect: { status: 201, json: [{ path: $.status, equals: accepted }] }",
            "              extract: { receipt: { json: $.receipt } }",
            "            - name: receipt",
            f"              url: {under}/applications/{{{{receipt}}}}?ticket={{{{ticket}}}}",
            "              expect: { status: 200, json: [{ path: $.status, equals: accepted }] }",
            "          cleanup:",
            "            - name: withdraw",
            "              method: DELETE",
            f"              url: {under}/applications/{{{{receipt}}}}?ticket={{{{ticket}}}}",
            "              expect: { status: 204 }",
        ]

    def token_name(self):
        return re.sub("[^A-Z0-9]", "_", f"{self.owner}_{self.name}_TOKEN".upper())

    def token_reference(self):
        return f"${{{self.token_name()}:-demo-{self.owner}-{self.name}}}"

    def needs_text(self):
        left = list(self.needs)
        out = []
        while left:
            one = left.pop(0)
            group = next((g for g in ANY_OF if one in g and all(m == one or m in left for m in g)), None)
            if group:
                left = [n for n in left if n not in group]
                out.append("{ any_of: [" + ", ".join(group) + "] }")
            elif (self.id, one) in SOFT or one.startswith("soft:"):
                out.append("{ soft: " + one.removeprefix("soft:") + " }")
            else:
                out.append(one)
        line = "    depends_on: [" + ", ".join(out) + "]"
        if len(line) <= 118:
            return [line]
        return ["    depends_on:"] + [f"      - {one}" for one in out]

    @staticmethod
    def wrapped(line):
        """A probe whose line is too long, one key a line."""
        if len(line) <= 120 or not line.lstrip().startswith("- {"):
            return [line]
        inner = line.strip()[3:-1].strip()
        head, kind, body = re.fullmatch(r"(.*?)(\b(?:http|tcp|tls|dns|heartbeat|grpc|sip|smtp|icmp)): (\{.*\})", inner).groups()
        keys = [key for key in head.strip().rstrip(",").split(", ") if key]
        out = [f"      - {keys[0]}"] + [f"        {key}" for key in keys[1:]]
        if len(body) <= 100:
            return out + [f"        {kind}: {body}"]
        parts = re.split(r", (?=\w+: )(?![^{}]*\})", body[1:-1].strip())
        return out + [f"        {kind}:"] + [f"          {part}" for part in parts]

    def lines(self, every_default):
        out = [f"  # {NOTES[self.id]}"] if self.id in NOTES else []
        out += [f"  - id: {self.name}", f"    name: {names(self.zh, self.en)}", f"    tier: {self.tier}"]
        if self.public:
            out.append("    public: true")
        out += [f"    hours: {self.hours}", f"    objective: {self.objective}"]
        if self.needs:
            out += self.needs_text()
        return out + ["    probes:"] + [part for line in self.probe_lines(every_default) for part in self.wrapped(line)]


def district_rows(district, given):
    """The four of the table, and the two that every district runs besides."""
    by_name = {row["subsystem_id"].removeprefix(district["id"] + "-"): row for row in given}
    # 黄浦区子频道 -> 黄浦区: the short form that the table uses.
    zh, en = district["name_zh"], district["name_en"]
    base = {"owner_id": district["id"], "declared_hours": "7x24"}
    by_name["acceptance"] = base | {
        "subsystem_id": f"{district['id']}-acceptance", "name_zh": f"{zh}综合受理系统",
        "name_en": f"{en} acceptance system", "kind": "http", "criticality": "tier2"}
    by_name["kiosk-gateway"] = base | {
        "subsystem_id": f"{district['id']}-kiosk-gateway", "name_zh": f"{zh}自助终端接入网关",
        "name_en": f"{en} kiosk gateway", "kind": "tcp", "criticality": "tier3"}
    order = ["portal", "hall", "acceptance", "exchange", "kiosk-gateway", "kiosks"]
    return [by_name[name] | {"district": True} for name in order]


def city():
    """Owners with their subsystems, dependencies resolved."""
    given = defaultdict(list)
    for row in rows("subsystems.csv"):
        given[row["owner_id"]].append(row)
    owners = {}
    for district in rows("districts.csv"):
        made = [Subsystem(district["id"], row) for row in district_rows(district, given[district["id"]])]
        owners[district["id"]] = ("district", district, made)
    for bureau in rows("bureaus.csv"):
        kind = "platform" if bureau["id"] in PLATFORM else "external" if bureau["id"] in EXTERNAL else "bureau"
        owners[bureau["id"]] = (kind, bureau, [Subsystem(bureau["id"], row) for row in given[bureau["id"]]])
    every = {s.id: s for _, _, made in owners.values() for s in made}
    bare = {(f"{s.owner}-{s.name}" if s.district else s.name): s for s in every.values()}
    for edge in rows("subsystem-deps.csv"):
        bare[edge["subsystem_id"]].needs.append(bare[edge["depends_on"]].id)
    for kind, owner, _ in owners.values():
        if kind == "district":
            d = owner["id"]
            every[f"{d}/portal"].needs += ["carriers/egress-a", "carriers/egress-b"]
            every[f"{d}/acceptance"].needs += ["bdc/unified-acceptance", f"soft:{d}/exchange"]
            every[f"{d}/kiosk-gateway"].needs += ["bdc/kiosk-gateway"]
            every[f"{d}/kiosks"].needs = [f"{d}/kiosk-gateway"]
    return owners


def owner_text(kind, owner, made):
    tiers = [s.tier for s in made]
    every = EVERY[max(set(tiers), key=lambda t: (tiers.count(t), -t))]
    head = [SCHEMA]
    if owner["id"] in ABOUT:
        head.append(f"# {ABOUT[owner['id']]}")
    who = f"id: {owner['id']}, kind: {kind}, name: {names(owner['name_zh'], owner['name_en'])}, on_call: {owner['id']}"
    line = f"owner: {{ {who} }}"
    if len(line) > 118:
        name = [f"  name: {names(owner['name_zh'], owner['name_en'])}"]
        if len(name[0]) > 118:
            name = ["  name:", f"    zh: {scalar(owner['name_zh'])}", f"    en: {scalar(owner['name_en'])}"]
        head += ["owner:", f"  id: {owner['id']}", f"  kind: {kind}", *name, f"  on_call: {owner['id']}"]
    else:
        head.append(line)
    head += [f"defaults: {{ every: {every}, timeout: 15s, fall: 3, rise: 2 }}", "", "subsystems:"]
    body = "\n\n".join("\n".join(s.lines(every)) for s in made)
    return "\n".join(head) + "\n" + body + "\n"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
    area = {"platform": "platform", "district": "districts", "bureau": "bureaus", "external": "external"}
    owners = city()
    for kind, owner, made in owners.values():
        path = root / "probes" / area[kind] / f"{owner['id']}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(owner_text(kind, owner, made), encoding="utf-8")
    print(f"{len(owners)} owners, {sum(len(made) for _, _, made in owners.values())} subsystems in {root / 'probes'}")
    if "--secrets" in sys.argv:
        for _, owner, made in owners.values():
            tokens = [s.token_name() for s in made if s.kind == "heartbeat"]
            if tokens:
                print(f"  {owner['id']}: [{', '.join(tokens)}]")


if __name__ == "__main__":
    main()
