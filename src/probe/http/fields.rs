//! The fields of `http`, and how a probe is made of them.
//!
//! Not here: fetching and judging. Invariant: what is refused here names the field that is wrong.

use super::expect::{Blank, Expect};
use super::{Ask, Http};
use crate::field::{Code, Field, Problem, Problems, Record, Type};
use crate::probe::peer::TLS_SETTINGS;
use crate::probe::transport::{HttpVersion, Profile};
use crate::probe::{BuildContext, ProbeKind, Prober, trust};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use std::sync::Arc;

/// This kind.
pub(crate) const KIND: ProbeKind = ProbeKind {
    name: "http",
    about: "Fetches a URL on a fresh connection and compares the answer with what is expected.",
    example: "url: https://ywtb.huangpu.test/\nexpect: { status: 200, body_contains: 一网通办, slower_than: 3s }\n",
    fields: FIELDS,
    target: Some("url"),
    build,
};

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const STATUS: Type = Type::Int { min: 100, max: 599 };
const REDIRECTS: Type = Type::Int { min: 0, max: 20 };
const BODY_BYTES: Type = Type::Int { min: 1, max: 16 << 20 };

const FIELDS: &[Field] = &[
    Field::required("url", Type::HTTP_URL, "What to fetch."),
    Field::with_default("method", Type::Choice(METHODS), "GET", "Method of the request."),
    Field::optional("headers", Type::Map(&Type::TEXT), "Headers of the request."),
    Field::optional("authorization", Type::Secret, "The `Authorization` header, such as `Bearer ${TOKEN}`."),
    Field::optional("body", Type::Text { max: 65_536 }, "Body of the request."),
    Field::with_default("redirects_max", REDIRECTS, "5", "Redirects to follow; with 0 a redirect is the answer."),
    Field::with_default("body_bytes_max", BODY_BYTES, "1048576", "How much of the decoded body is read."),
    Field::with_default("version", Type::Choice(&["any", "1.1"]), "any", "HTTP version: 2 where agreed on, or 1.1."),
    TLS_SETTINGS,
    Field::optional("maintenance_text", Type::TEXT, "Text of the notice that is shown during maintenance."),
    Field::optional("expect", Type::Record(EXPECT), "What the answer must look like."),
];

const EXPECT: &[Field] = &[
    Field::optional("status", Type::OneOrMany(&STATUS), "Statuses that are right; 200 to 299 when left out."),
    Field::optional("degraded_status", Type::OneOrMany(&STATUS), "Statuses that mean usable, but not well: 429, say."),
    Field::optional("body_contains", Type::OneOrMany(&Type::TEXT), "Texts that must all be in the body."),
    Field::optional("body_regex", Type::Regex, "Pattern that must match in the body."),
    Field::optional("headers", Type::Map(&Type::TEXT), "Headers of the answer, with a text that each must contain."),
    Field::optional("not_blank", Type::Bool, "Whether a blank body is wrong; when left out, for pages in HTML."),
    Field::optional("slower_than", Type::DURATION, "Degraded when the whole attempt takes longer."),
    Field::optional("certificate_warn_before", Type::DURATION, "Degraded when a certificate expires within this time."),
];

fn build(record: &Record, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    let mut problems = Problems::new();
    let wrong = |field: &str, text: String| Problem::error(Code::Value, record.at(field), text);
    let mut headers = header_map(record, &mut problems);
    if let Some(secret) = record.opt_text("authorization") {
        match HeaderValue::from_str(secret) {
            Ok(mut value) => {
                value.set_sensitive(true);
                headers.insert(header::AUTHORIZATION, value);
            }
            Err(_) => problems.push(wrong("authorization", "a header cannot hold this value".into())),
        }
    }
    let version = if record.text("version") == "1.1" { HttpVersion::Http1 } else { HttpVersion::Any };
    let tls = record.record("tls").map(trust::Profile::of).transpose()?.unwrap_or_default();
    let client = context.transports.client(&Profile { tls, version }).map_err(|text| wrong("url", text))?;
    let url = record.url("url").ok_or_else(|| wrong("url", "no address".into()))?.clone();
    let method = record.text("method").parse().unwrap_or(Method::GET);
    let body = record.opt_text("body").map(|body| body.to_owned().into());
    let expect = expect(record, context, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Arc::new(Http {
        network: Arc::clone(&context.network),
        client,
        ask: Ask { url, method, headers, body },
        redirects_max: usize::try_from(record.int("redirects_max")).unwrap_or_default(),
        body_bytes_max: usize::try_from(record.int("body_bytes_max")).unwrap_or(1),
        expect,
        reach: context.reach.clone(),
    }))
}

fn header_map(record: &Record, problems: &mut Problems) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in record.map("headers") {
        let text = value.value.as_text().unwrap_or_default();
        match (HeaderName::try_from(&name.value), HeaderValue::from_str(text)) {
            (Ok(name), Ok(value)) => _ = headers.insert(name, value),
            (Err(_), _) => problems.push(Problem::error(Code::Value, &name.at, "not the name of a header")),
            (_, Err(_)) => problems.push(Problem::error(Code::Value, &value.at, "a header cannot hold this value")),
        }
    }
    headers
}

fn expect(record: &Record, context: &BuildContext, problems: &mut Problems) -> Expect {
    let notice = record.opt_text("maintenance_text").map(str::to_owned);
    let maintenance_text = notice.or_else(|| context.maintenance_text.clone());
    let Some(expect) = record.record("expect") else { return Expect { maintenance_text, ..Expect::default() } };
    let statuses = |field| {
        let numbers = expect.list(field).iter().filter_map(|status| status.value.as_int());
        numbers.filter_map(|status| u16::try_from(status).ok()).collect()
    };
    let blank = match (expect.has("not_blank"), expect.flag("not_blank")) {
        (false, _) => Blank::WrongForPages,
        (true, true) => Blank::Wrong,
        (true, false) => Blank::Right,
    };
    let headers = header_map(expect, problems);
    let texts = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Expect {
        status: statuses("status"),
        degraded_status: statuses("degraded_status"),
        body_contains: expect.texts("body_contains").map(|(text, _)| text.to_owned()).collect(),
        body_regex: expect.regex("body_regex").cloned(),
        headers: headers.iter().map(|(name, value)| (name.clone(), texts(value))).collect(),
        blank,
        slower_than: expect.has("slower_than").then(|| expect.duration("slower_than")),
        certificate_warn_ms: expect.opt_int("certificate_warn_before"),
        maintenance_text,
    }
}
