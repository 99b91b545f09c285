//! The fields of `dns`, and how a probe is made of them.
//!
//! Not here: asking and judging. Invariant: what is refused here names the field that is wrong.

use super::exchange::{Server, Transport};
use super::expect::{Empty, Expect, RCODES, canonical, rcode_named};
use super::rules::{RULES, Rules};
use super::{Dns, Recursion};
use crate::field::{Code, Field, Problem, Problems, Record, Type};
use crate::probe::peer::{self, FAMILY, Family, SLOWER_THAN, TLS_SETTINGS};
use crate::probe::{BuildContext, ProbeKind, Prober};
use hickory_proto::op::Query;
use hickory_proto::rr::{DNSClass, Name, RecordType};
use std::sync::Arc;

/// This kind.
pub(crate) const KIND: ProbeKind = ProbeKind {
    name: "dns",
    about: "Asks a name server a question; compares its answer with what is expected, and with other servers' answers.",
    example: "server: ns1.bdc.test\nname: ywtb.huangpu.test\nanswers: 10.1.2.3\nagree_with: ns2.bdc.test\n",
    fields: FIELDS,
    target: Some("name"),
    build,
};

const TYPES: &[&str] = &[
    "A", "AAAA", "ANY", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SRV", "SSHFP",
    "SVCB", "TLSA", "TXT",
];
const CLASSES: &[&str] = &["IN", "CH", "HS"];
const RCODE: Type = Type::Choice(RCODES);
const SERIAL: Type = Type::Int { min: 0, max: u32::MAX as i64 };
const EDNS_BYTES: Type = Type::Int { min: 512, max: 4_096 };
const PATTERN: Type = Type::Regex;
/// Servers that are asked beside the first one.
const OTHERS: Type = Type::OneOrMany(&Type::Host);
const OTHERS_MAX: usize = 8;

const FIELDS: &[Field] = &[
    Field::required("server", Type::Host, "Name server to ask."),
    Field::optional("port", Type::PORT, "Its port; when left out, 53, or 853 over TLS."),
    FAMILY,
    Field::required("name", Type::TEXT, "Name to ask for."),
    Field::with_default("type", Type::Choice(TYPES), "A", "Type of record to ask for."),
    Field::with_default("class", Type::Choice(CLASSES), "IN", "Class of record to ask for."),
    Field::with_default("transport", Type::Choice(&["udp", "tcp", "tls"]), "udp", "How to ask."),
    TLS_SETTINGS,
    Field::with_default("recursion", Type::Bool, "true", "Whether the server is asked to ask others."),
    Field::optional("edns_bytes", EDNS_BYTES, "Largest answer over UDP that is offered by EDNS; without it, no EDNS."),
    Field::with_default("rcode", Type::OneOrMany(&RCODE), "NOERROR", "Response codes that are right."),
    Field::with_default("may_be_empty", Type::Bool, "false", "Whether NOERROR without such a record is right."),
    Field::optional("answers", Type::OneOrMany(&Type::TEXT), "Values that must all be among the answers."),
    Field::optional("answer_regex", Type::Regex, "Some answer must match it."),
    Field::optional("answers_lack_regex", Type::OneOrMany(&PATTERN), "No answer may match any of them."),
    Field::optional("rules", Type::Record(RULES), "What the lines of the sections must look like."),
    Field::optional("soa_serial_at_least", SERIAL, "Lowest right serial number, for `type: SOA` (RFC 1982)."),
    Field::optional("agree_with", OTHERS, "Servers, at most 8, that must give the same records, in any order."),
    SLOWER_THAN,
];

fn build(record: &Record, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    let mut problems = Problems::new();
    let mut wrong = |field: &str, text: String| problems.push(Problem::error(Code::Value, record.at(field), text));
    let name = Name::from_utf8(record.text("name")).map(|mut name| {
        name.set_fqdn(true);
        name
    });
    let name = name.unwrap_or_else(|error| {
        wrong("name", format!("not a domain name: {error}"));
        Name::root()
    });
    let kind = record.text("type").parse().unwrap_or(RecordType::A);
    if record.has("soa_serial_at_least") && kind != RecordType::SOA {
        wrong("soa_serial_at_least", "only the answer to `type: SOA` has a serial number".into());
    }
    let transport = match record.text("transport") {
        "tcp" => Transport::Tcp,
        "tls" => Transport::Tls,
        _ => Transport::Udp,
    };
    if record.has("tls") && transport != Transport::Tls {
        wrong("tls", "settings of TLS without `transport: tls`".into());
    }
    if record.list("agree_with").len() > OTHERS_MAX {
        wrong("agree_with", format!("more than {OTHERS_MAX} servers"));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let usual = if transport == Transport::Tls { 853 } else { 53 };
    let port = record.opt_int("port").and_then(|port| u16::try_from(port).ok()).unwrap_or(usual);
    let server = |host: &str| {
        let host = host.trim_matches(['[', ']']);
        let tls = peer::tls(record.record("tls"), host, context)?;
        Ok::<_, Problems>(Server { host: host.into(), port, family: Family::of(record), transport, tls })
    };
    let mut query = Query::query(name, kind);
    query.set_query_class(record.text("class").parse().unwrap_or(DNSClass::IN));
    let number = |field: &str| record.opt_int(field).and_then(|number| u32::try_from(number).ok());
    Ok(Arc::new(Dns {
        network: Arc::clone(&context.network),
        server: server(record.text("server"))?,
        others: record.texts("agree_with").map(|(host, _)| server(host)).collect::<Result<_, _>>()?,
        query,
        recursion: if record.flag("recursion") { Recursion::Desired } else { Recursion::Not },
        edns_bytes: number("edns_bytes").and_then(|bytes| u16::try_from(bytes).ok()),
        expect: Expect {
            rcodes: record.texts("rcode").map(|(name, _)| rcode_named(name)).collect(),
            empty: if record.flag("may_be_empty") { Empty::Right } else { Empty::Wrong },
            answers: record.texts("answers").map(|(text, _)| canonical(text)).collect(),
            some_match: record.regex("answer_regex").cloned(),
            none_match: super::rules::patterns(record, "answers_lack_regex"),
            rules: Rules::of(record.record("rules")),
            serial_at_least: number("soa_serial_at_least"),
        },
        slower_than: peer::limit(record),
    }))
}
