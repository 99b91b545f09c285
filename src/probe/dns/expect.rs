//! What an answer must look like, and the sentence when it does not.
//!
//! Not here: asking, and rules over whole sections (`rules`). Invariant: the failed expectation shows what came instead.

use super::asked;
use super::rules::Rules;
use crate::domain::{Outcome, ReasonKind};
use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{RData, RecordType};
use regex::Regex;

/// Response codes that can be expected, by their registered names.
pub(super) const RCODES: &[&str] = &[
    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH",
    "NOTZONE",
];
/// Records that are shown in one sentence.
const SHOWN_MAX: usize = 8;

/// Whether an answer without a record of the type is right.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Empty {
    Right,
    #[default]
    Wrong,
}

/// Expectations of one probe.
pub(super) struct Expect {
    pub(super) rcodes: Vec<ResponseCode>,
    pub(super) empty: Empty,
    pub(super) answers: Vec<String>,
    pub(super) some_match: Option<Regex>,
    pub(super) none_match: Vec<Regex>,
    pub(super) rules: Rules,
    pub(super) serial_at_least: Option<u32>,
}

impl Expect {
    /// Judges the answer of `server`.
    pub(super) fn judge(&self, server: &str, query: &Query, answer: &Message) -> Result<(), Outcome> {
        let wrong = |text: String| Err(Outcome::fail(ReasonKind::Content, text));
        let (asked, rcode, got) = (asked(query), answer.metadata.response_code, records(answer));
        let shown = list(&got);
        if !self.rcodes.contains(&rcode) {
            let expected: Vec<String> = self.rcodes.iter().copied().map(rcode_text).collect();
            let (expected, got) = (expected.join(" or "), rcode_text(rcode));
            return wrong(format!("expected {expected} for {asked}, {server} answers {got}"));
        }
        let kind = query.query_type();
        let has_some = answer.answers.iter().any(|record| kind == RecordType::ANY || record.record_type() == kind);
        if rcode == ResponseCode::NoError && !has_some && self.empty == Empty::Wrong {
            return wrong(format!("{server} has no {kind} record for {}, it answers {shown}", query.name()));
        }
        if let Some(missing) = self.answers.iter().find(|value| !got.contains(value)) {
            return wrong(format!("expected {missing} for {asked}, {server} answers {shown}"));
        }
        if let Some(regex) = self.some_match.as_ref().filter(|regex| !got.iter().any(|text| regex.is_match(text))) {
            return wrong(format!("expected a match of /{regex}/ for {asked}, {server} answers {shown}"));
        }
        for regex in &self.none_match {
            if let Some(text) = got.iter().find(|text| regex.is_match(text)) {
                return wrong(format!("expected no match of /{regex}/ for {asked}, {server} answers {text}"));
            }
        }
        self.serial(server, query, answer)?;
        self.rules.judge(answer).map_err(|text| {
            Outcome::fail(ReasonKind::Content, format!("{text}, in the answer of {server} for {asked}"))
        })
    }

    fn serial(&self, server: &str, query: &Query, answer: &Message) -> Result<(), Outcome> {
        let Some(lowest) = self.serial_at_least else { return Ok(()) };
        let serial = answer.answers.iter().find_map(|record| match &record.data {
            RData::SOA(soa) => Some(soa.serial),
            _ => None,
        });
        // Serial numbers wrap around: what is less than half a turn ahead is later (RFC 1982).
        match serial {
            Some(serial) if serial.wrapping_sub(lowest) < 1 << 31 => Ok(()),
            got => {
                let got = got.map_or_else(|| "none".to_owned(), |serial| serial.to_string());
                let text = format!("expected serial {lowest} or later for {}, {server} has {got}", query.name());
                Err(Outcome::fail(ReasonKind::Content, text))
            }
        }
    }
}

/// The values of the answer as people write them, sorted.
pub(super) fn records(answer: &Message) -> Vec<String> {
    let mut values: Vec<String> = answer.answers.iter().map(|record| canonical(&record.data.to_string())).collect();
    values.sort_unstable();
    values
}

/// Some of them, for a sentence.
pub(super) fn list(records: &[String]) -> String {
    match records.len() {
        0 => "nothing".to_owned(),
        all if all > SHOWN_MAX => format!("{} and {} more", records[..SHOWN_MAX].join(", "), all - SHOWN_MAX),
        _ => records.join(", "),
    }
}

/// As people write it: without the final dot, in small letters.
pub(super) fn canonical(text: &str) -> String {
    text.trim_end_matches('.').to_lowercase()
}

/// The code of one of [`RCODES`].
pub(super) fn rcode_named(name: &str) -> ResponseCode {
    match name {
        "FORMERR" => ResponseCode::FormErr,
        "SERVFAIL" => ResponseCode::ServFail,
        "NXDOMAIN" => ResponseCode::NXDomain,
        "NOTIMP" => ResponseCode::NotImp,
        "REFUSED" => ResponseCode::Refused,
        "YXDOMAIN" => ResponseCode::YXDomain,
        "YXRRSET" => ResponseCode::YXRRSet,
        "NXRRSET" => ResponseCode::NXRRSet,
        "NOTAUTH" => ResponseCode::NotAuth,
        "NOTZONE" => ResponseCode::NotZone,
        _ => ResponseCode::NoError,
    }
}

/// The registered name of a code.
pub(super) fn rcode_text(rcode: ResponseCode) -> String {
    let known = RCODES.iter().find(|name| rcode_named(name) == rcode);
    known.map_or_else(|| format!("rcode {}", u16::from(rcode)), |name| (*name).to_owned())
}
