//! The fields of `http`, and how a probe is made of them; a step of `journey` has the same.
//!
//! Not here: fetching and judging. Invariant: what is refused here names the field that is wrong; no value can end a
//! header and begin another.

use super::expect::{Blank, Expect, Statuses};
use super::{Ask, Fetch, Http, Route, Veil};
use crate::field::{Code, Field, Place, Problem, Problems, Record, Type, Value};
use crate::probe::expect::{JSON, JSON_BYTES_MAX, JsonRule};
use crate::probe::peer::{FAMILY, TLS_SETTINGS};
use crate::probe::{BuildContext, ProbeKind, Prober};
use base64::Engine as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use regex::Regex;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// This kind.
pub(crate) const KIND: ProbeKind = ProbeKind {
    name: "http",
    about: "Fetches a URL on a fresh connection and compares the answer with what is expected.",
    example: "url: https://ywtb.huangpu.test/api/health\nheaders: { accept: application/json }\nexpect:\n  status: 2xx\n  \
              body_lacks: 系统维护\n  json: [{ path: $.status, equals: UP }, { path: $.queue, at_most: 100 }]\n  \
              slower_than: 3s\n  certificate_warn_before: 30d\n",
    fields: FIELDS,
    target: Some("url"),
    build,
};

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const VERSIONS: &[&str] = &["any", "1.1", "2"];
const COMPRESSIONS: &[&str] = &["any", "none", "gzip", "br", "zstd", "deflate"];
const REDIRECTS: Type = Type::Int { min: 0, max: 20 };
const BODY_BYTES: Type = Type::Int { min: 1, max: 16 << 20 };
const STATUS: Type = Type::OneOrMany(&Type::Text { max: 7 });
const SPOKEN: Type = Type::OneOrMany(&Type::Choice(&["1.0", "1.1", "2"]));
const TEXTS: Type = Type::OneOrMany(&Type::TEXT);
const PATTERNS: Type = Type::OneOrMany(&Type::Regex);
const PROXY_URL: Type = Type::Url { schemes: &["http", "https", "socks5"] };
const CREDENTIALS: &[Field] = &[
    Field::required("user", Type::TEXT, "Name, without a colon."),
    Field::required("password", Type::Secret, "Password: `${NAME}`."),
];
const VERSION_DOC: &str =
    "HTTP version: `any` is 2 where TLS agrees on it and else 1.1; `2` offers nothing else, also in the clear.";
const ADDRESS_DOC: &str =
    "Where to connect instead of the URL's host and port; `Host` and the name for TLS stay the URL's.";
const NOT_BLANK_DOC: &str = "Whether a blank body is wrong; when left out, for pages in HTML.";
const STATUS_DOC: &str = "Statuses that are right: `200`, `200-299`, `2xx`; 200 to 299 when left out.";
const CERTIFICATE_WARN_DOC: &str = "Degraded when a certificate expires within this time.";

pub(in crate::probe) const METHOD: Field =
    Field::with_default("method", Type::Choice(METHODS), "GET", "Method of the request.");
pub(in crate::probe) const HEADERS: Field =
    Field::optional("headers", Type::Map(&Type::TEXT), "Headers of the request.");
pub(in crate::probe) const BASIC_AUTH: Field =
    Field::optional("basic_auth", Type::Record(CREDENTIALS), "Name and password for the target.");
pub(in crate::probe) const AUTHORIZATION: Field =
    Field::optional("authorization", Type::Secret, "The `Authorization` header, such as `Bearer ${TOKEN}`.");
pub(in crate::probe) const BODY: Field = Field::optional("body", Type::Text { max: 65_536 }, "Body of the request.");
pub(in crate::probe) const ADDRESS: Field = Field::optional("address", Type::HostPort, ADDRESS_DOC);
pub(in crate::probe) const PROXY: Field =
    Field::optional("proxy", PROXY_URL, "Proxy that finds the way to the target.");
pub(in crate::probe) const PROXY_AUTHORIZATION: Field =
    Field::optional("proxy_authorization", Type::Secret, "The `Proxy-Authorization` header, such as `Basic ${PROXY}`.");
pub(in crate::probe) const REDIRECTS_MAX: Field =
    Field::with_default("redirects_max", REDIRECTS, "5", "Redirects to follow; with 0 a redirect is the answer.");
pub(in crate::probe) const BODY_BYTES_MAX: Field =
    Field::with_default("body_bytes_max", BODY_BYTES, "1048576", "How much of the decoded body is read.");
pub(in crate::probe) const VERSION: Field = Field::with_default("version", Type::Choice(VERSIONS), "any", VERSION_DOC);
pub(in crate::probe) const COMPRESSION: Field = Field::with_default(
    "compression",
    Type::Choice(COMPRESSIONS),
    "any",
    "Compression to offer; `any` is all of these.",
);
pub(in crate::probe) const MAINTENANCE_TEXT: Field =
    Field::optional("maintenance_text", Type::TEXT, "Text of the notice that is shown during maintenance.");
pub(in crate::probe) const EXPECTED: Field =
    Field::optional("expect", Type::Record(EXPECT), "What the answer must look like.");

const FIELDS: &[Field] = &[
    Field::required("url", Type::HTTP_URL, "What to fetch."),
    METHOD,
    HEADERS,
    BASIC_AUTH,
    AUTHORIZATION,
    BODY,
    ADDRESS,
    FAMILY,
    PROXY,
    PROXY_AUTHORIZATION,
    REDIRECTS_MAX,
    BODY_BYTES_MAX,
    VERSION,
    COMPRESSION,
    TLS_SETTINGS,
    MAINTENANCE_TEXT,
    EXPECTED,
];

const EXPECT: &[Field] = &[
    Field::optional("status", STATUS, STATUS_DOC),
    Field::optional("degraded_status", STATUS, "Statuses that mean usable, but not well: 429, say."),
    Field::optional("body_contains", TEXTS, "Texts that must all be in the body."),
    Field::optional("body_lacks", TEXTS, "Texts none of which may be in the body."),
    Field::optional("body_regex", PATTERNS, "Patterns that must all match in the body."),
    Field::optional("body_lacks_regex", PATTERNS, "Patterns none of which may match in the body."),
    Field::optional("headers", Type::Map(&Type::TEXT), "Headers of the answer, with a text that each must contain."),
    Field::optional("headers_regex", Type::Map(&Type::Regex), "Headers of the answer, with a pattern that must match."),
    Field::optional("headers_lack_regex", Type::Map(&Type::Regex), "Headers, with a pattern that must not match."),
    JSON,
    Field::optional("not_blank", Type::Bool, NOT_BLANK_DOC),
    Field::optional("version", SPOKEN, "Versions of HTTP that are right."),
    Field::optional("tls", Type::Choice(&["required", "refused"]), "Whether the last address must be one of `https`."),
    Field::optional("final_url", Type::Regex, "Pattern that the address after all redirects must match."),
    Field::optional("slower_than", Type::DURATION, "Degraded when it takes longer, redirects included."),
    Field::optional("fail_slower_than", Type::DURATION, "Failed when it takes longer, redirects included."),
    Field::optional("certificate_warn_before", Type::DURATION, CERTIFICATE_WARN_DOC),
    Field::optional("certificate_fail_before", Type::DURATION, "Failed when one does."),
];

fn build(record: &Record, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    let mut problems = Problems::new();
    let wrong = |field: &str, text: &str| Problem::error(Code::Value, record.at(field), text);
    let url = record.url("url").ok_or_else(|| wrong("url", "no address"))?.clone();
    problems.extend(credentials_in(&url, record.at("url")));
    let mut headers = HeaderMap::new();
    for (name, text, at) in header_texts(record, &mut problems) {
        headers.extend(header_value(text, at, &mut problems).map(|value| (name, value)));
    }
    let (mut veil, secret) = (Veil::default(), authorization(record, &mut problems));
    if let Some((secret, at)) = &secret {
        veil.hide_authorization(secret);
        headers.extend(header_value(secret, at, &mut problems).map(|value| (header::AUTHORIZATION, value)));
    }
    hide_credentials(record, &mut veil);
    let expect = expect(record, context, &mut problems);
    let route = Route::of(record, None, Some(&url), context).map_err(|others| problems.extend(others));
    let (Ok(route), true) = (route, problems.is_empty()) else { return Err(problems) };
    let method = record.text("method").parse().unwrap_or(Method::GET);
    let body = record.opt_text("body").map(|body| body.to_owned().into());
    Ok(Arc::new(Http {
        fetch: Fetch::of(record, route, context),
        ask: Ask { url, method, headers, body },
        expect,
        veil,
    }))
}

/// Credentials in an address would be shown wherever it is.
pub(in crate::probe) fn credentials_in(url: &reqwest::Url, at: &Place) -> Option<Problem> {
    let inside = !url.username().is_empty() || url.password().is_some();
    let problem = || Problem::error(Code::Value, at, "credentials inside an address are shown with it");
    inside.then(|| problem().hint("write `basic_auth: { user: …, password: \"${NAME}\" }`"))
}

/// Names and texts of the request's headers.
pub(in crate::probe) fn header_texts<'a>(
    record: &'a Record,
    problems: &mut Problems,
) -> Vec<(HeaderName, &'a str, &'a Place)> {
    let mut headers = Vec::new();
    for (name, value) in record.map("headers") {
        let text = value.value.as_text().unwrap_or_default();
        match HeaderName::try_from(&name.value) {
            Ok(known) if [header::CONTENT_LENGTH, header::TRANSFER_ENCODING].contains(&known) => {
                let problem = Problem::error(Code::Value, &name.at, format!("`{known}` is made from the body"));
                problems.push(problem.hint("leave it out"));
            }
            Ok(known) => headers.push((known, text, &value.at)),
            Err(_) => problems.push(Problem::error(Code::Value, &name.at, "not the name of a header")),
        }
    }
    headers
}

/// A value that can end no header and begin no other.
fn header_value(text: &str, at: &Place, problems: &mut Problems) -> Option<HeaderValue> {
    let Ok(mut value) = HeaderValue::from_str(text) else {
        let problem = Problem::error(Code::Value, at, "a header cannot hold this value");
        problems.push(problem.expected("one line of visible ASCII characters"));
        return None;
    };
    value.set_sensitive(true);
    Some(value)
}

/// The `Authorization`, written as such or as name and password.
pub(in crate::probe) fn authorization<'a>(record: &'a Record, problems: &mut Problems) -> Option<(String, &'a Place)> {
    let written = record.opt_text("authorization");
    let Some(credentials) = record.record("basic_auth") else {
        return written.map(|text| (text.to_owned(), record.at("authorization")));
    };
    let at = record.key_at("basic_auth");
    if written.is_some() {
        let problem = Problem::error(Code::Value, at, "`basic_auth` beside `authorization`");
        problems.push(problem.hint("leave one of them out"));
    }
    if credentials.text("user").contains(':') {
        problems.push(Problem::error(Code::Value, credentials.at("user"), "a name with a colon in it"));
    }
    let pair = format!("{}:{}", credentials.text("user"), credentials.text("password"));
    Some((format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)), at))
}

/// Hides what else is secret in a record: the password, and how the proxy knows us.
pub(in crate::probe) fn hide_credentials(record: &Record, veil: &mut Veil) {
    if let Some(password) = record.record("basic_auth").and_then(|pair| pair.opt_text("password")) {
        veil.hide(password, "…");
    }
    if let Some(secret) = record.opt_text("proxy_authorization") {
        veil.hide_authorization(secret);
    }
}

/// The expectations of a record that has [`EXPECTED`] and [`MAINTENANCE_TEXT`].
pub(in crate::probe) fn expect(record: &Record, context: &BuildContext, problems: &mut Problems) -> Expect {
    let notice = record.opt_text("maintenance_text").map(str::to_owned);
    let maintenance_text = notice.or_else(|| context.maintenance_text.clone());
    let Some(expect) = record.record("expect") else { return Expect { maintenance_text, ..Expect::default() } };
    let json = JsonRule::of(expect, problems);
    if !json.is_empty() && usize::try_from(record.int("body_bytes_max")).is_ok_and(|bytes| bytes > JSON_BYTES_MAX) {
        let text = format!("`json` reads documents of at most {JSON_BYTES_MAX} bytes");
        problems.push(Problem::error(Code::OutOfBounds, record.at("body_bytes_max"), text));
    }
    let blank = match (expect.has("not_blank"), expect.flag("not_blank")) {
        (false, _) => Blank::WrongForPages,
        (true, true) => Blank::Wrong,
        (true, false) => Blank::Right,
    };
    let texts = |field| expect.texts(field).map(|(text, _)| text.to_owned()).collect();
    let limit = |field| expect.has(field).then(|| expect.duration(field));
    Expect {
        status: statuses(expect, "status", problems),
        degraded_status: statuses(expect, "degraded_status", problems),
        body_contains: texts("body_contains"),
        body_lacks: texts("body_lacks"),
        body_regex: patterns(expect, "body_regex"),
        body_lacks_regex: patterns(expect, "body_lacks_regex"),
        headers: named(expect, "headers", problems, |value| value.as_text().map(str::to_owned)),
        headers_regex: named(expect, "headers_regex", problems, pattern),
        headers_lack_regex: named(expect, "headers_lack_regex", problems, pattern),
        json,
        blank,
        versions: expect.texts("version").map(|(text, _)| spoken(text)).collect(),
        secure: expect.opt_text("tls").map(|wanted| wanted == "required"),
        final_url: expect.regex("final_url").cloned(),
        slower_than: limit("slower_than"),
        fail_slower_than: limit("fail_slower_than"),
        certificate_warn_ms: expect.opt_int("certificate_warn_before"),
        certificate_fail_ms: expect.opt_int("certificate_fail_before"),
        maintenance_text,
    }
}

fn pattern(value: &Value) -> Option<Regex> {
    match value {
        Value::Regex(regex) => Some(regex.clone()),
        _ => None,
    }
}

fn patterns(record: &Record, field: &str) -> Vec<Regex> {
    record.list(field).iter().filter_map(|value| pattern(&value.value)).collect()
}

fn named<T>(
    record: &Record,
    field: &str,
    problems: &mut Problems,
    of: fn(&Value) -> Option<T>,
) -> Vec<(HeaderName, T)> {
    let mut pairs = Vec::new();
    for (name, value) in record.map(field) {
        match HeaderName::try_from(&name.value) {
            Ok(known) => pairs.extend(of(&value.value).map(|value| (known, value))),
            Err(_) => problems.push(Problem::error(Code::Value, &name.at, "not the name of a header")),
        }
    }
    pairs
}

fn spoken(text: &str) -> Version {
    match text {
        "1.0" => Version::HTTP_10,
        "1.1" => Version::HTTP_11,
        _ => Version::HTTP_2,
    }
}

fn statuses(record: &Record, field: &str, problems: &mut Problems) -> Vec<Statuses> {
    let mut found = Vec::new();
    for (text, at) in record.texts(field) {
        match status_range(text) {
            Some(range) => found.push(Statuses { text: text.into(), range }),
            None => {
                let problem = Problem::error(Code::Value, at, format!("`{text}` is no set of statuses"));
                problems.push(problem.expected("`200`, `200-299` or `2xx`, from 100 to 599"));
            }
        }
    }
    found
}

fn status_range(text: &str) -> Option<RangeInclusive<u16>> {
    let one = |text: &str| text.parse::<u16>().ok().filter(|status| text.len() == 3 && (100..600).contains(status));
    if let Some(class) = text.strip_suffix("xx") {
        let first = one(&format!("{class}00"))?;
        return Some(first..=first + 99);
    }
    match text.split_once('-') {
        Some((first, last)) => Some(one(first)?..=one(last)?).filter(|range| !range.is_empty()),
        None => one(text).map(|status| status..=status),
    }
}
