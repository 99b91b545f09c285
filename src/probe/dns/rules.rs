//! Rules over the records of a section, each as the line that it is in a zone file.
//!
//! Not here: the values alone (`expect`). Invariant: a line has name, time to live, class, type and value with tabs
//! between, as blackbox_exporter's rules expect it: `ywtb.test.`, 300, IN, A, `10.1.2.3`.

use super::expect::Empty;
use crate::field::{Field, Record, Type, Value};
use hickory_proto::op::Message;
use hickory_proto::rr::{Name, RData, Record as Resource};
use regex::Regex;

/// Longest line that is shown.
const LINE_SHOWN_MAX: usize = 120;
const PATTERN: Type = Type::Regex;
const SECTION: Type = Type::Record(SECTION_FIELDS);

/// The sections that can have rules.
pub(super) const RULES: &[Field] = &[
    Field::optional("answer", SECTION, "Lines of the answer section."),
    Field::optional("authority", SECTION, "Lines of the authority section."),
    Field::optional("additional", SECTION, "Lines of the additional section, without EDNS."),
];

const SECTION_FIELDS: &[Field] = &[
    Field::optional("any_match", Type::OneOrMany(&PATTERN), "Some line must match one of them."),
    Field::optional("all_match", Type::OneOrMany(&PATTERN), "There are lines, and each matches all of them."),
    Field::optional("none_match", Type::OneOrMany(&PATTERN), "No line may match any of them."),
    Field::with_default("may_be_empty", Type::Bool, "false", "Whether `all_match` holds for a section without lines."),
];

/// The rules of all sections.
#[derive(Default)]
pub(super) struct Rules {
    answer: Section,
    authority: Section,
    additional: Section,
}

#[derive(Default)]
struct Section {
    any: Vec<Regex>,
    all: Vec<Regex>,
    none: Vec<Regex>,
    empty: Empty,
}

impl Rules {
    /// Of a record that has [`RULES`].
    pub(super) fn of(record: Option<&Record>) -> Self {
        let section = |name| record.and_then(|rules| rules.record(name)).map(Section::of).unwrap_or_default();
        Self { answer: section("answer"), authority: section("authority"), additional: section("additional") }
    }

    /// The first rule that does not hold, as a sentence.
    pub(super) fn judge(&self, answer: &Message) -> Result<(), String> {
        self.answer.judge("answer", &answer.answers)?;
        self.authority.judge("authority", &answer.authorities)?;
        self.additional.judge("additional", &answer.additionals)
    }
}

impl Section {
    fn of(record: &Record) -> Self {
        Self {
            any: patterns(record, "any_match"),
            all: patterns(record, "all_match"),
            none: patterns(record, "none_match"),
            empty: if record.flag("may_be_empty") { Empty::Right } else { Empty::Wrong },
        }
    }

    fn judge(&self, name: &str, records: &[Resource]) -> Result<(), String> {
        if self.any.is_empty() && self.all.is_empty() && self.none.is_empty() {
            return Ok(());
        }
        let lines: Vec<String> = records.iter().map(line).collect();
        let shown = |line: &str| line.chars().take(LINE_SHOWN_MAX).collect::<String>();
        let first =
            || lines.first().map_or_else(|| "there is none".to_owned(), |line| format!("the first is {}", shown(line)));
        for pattern in &self.none {
            if let Some(line) = lines.iter().find(|line| pattern.is_match(line)) {
                return Err(format!("expected no {name} record like /{pattern}/, got {}", shown(line)));
            }
        }
        for pattern in &self.all {
            if lines.is_empty() && self.empty == Empty::Wrong {
                return Err(format!("expected {name} records like /{pattern}/, got none"));
            }
            if let Some(line) = lines.iter().find(|line| !pattern.is_match(line)) {
                return Err(format!("expected each {name} record to match /{pattern}/, got {}", shown(line)));
            }
        }
        let some = |line: &String| self.any.iter().any(|pattern| pattern.is_match(line));
        if !self.any.is_empty() && !lines.iter().any(some) {
            let patterns: Vec<&str> = self.any.iter().map(Regex::as_str).collect();
            return Err(format!("expected some {name} record like /{}/, {}", patterns.join("/ or /"), first()));
        }
        Ok(())
    }
}

/// The patterns of one field.
pub(super) fn patterns(record: &Record, field: &str) -> Vec<Regex> {
    let regex = |value: &Value| match value {
        Value::Regex(regex) => Some(regex.clone()),
        _ => None,
    };
    record.list(field).iter().filter_map(|item| regex(&item.value)).collect()
}

/// A record as it stands in a zone file.
pub(super) fn line(record: &Resource) -> String {
    let (name, ttl, class, kind) = (record.name.to_ascii(), record.ttl, record.dns_class, record.record_type());
    format!("{name}\t{ttl}\t{class}\t{kind}\t{}", value(&record.data))
}

/// Names in letters of ASCII and texts in quotes, as in zone files; the rest reads alike everywhere.
fn value(data: &RData) -> String {
    let ascii = Name::to_ascii;
    match data {
        RData::CNAME(name) => ascii(name),
        RData::NS(name) => ascii(name),
        RData::PTR(name) => ascii(name),
        RData::MX(mx) => format!("{} {}", mx.preference, ascii(&mx.exchange)),
        RData::SRV(srv) => format!("{} {} {} {}", srv.priority, srv.weight, srv.port, ascii(&srv.target)),
        RData::TXT(txt) => {
            let quoted = |part: &[u8]| {
                format!("\"{}\"", String::from_utf8_lossy(part).replace('\\', "\\\\").replace('"', "\\\""))
            };
            txt.txt_data.iter().map(|part| quoted(part)).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}
