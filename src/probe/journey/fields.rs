//! The fields of `journey`, and how a journey is made of them.
//!
//! Not here: taking steps. Invariant: every variable that a step names is known before it, or the files are refused.

use super::Journey;
use super::step::{Source, Step, address};
use super::template::{Shape, Template, Values, is_name};
use crate::field::{Code, Field, Place, Problem, Problems, Record, Type, Value};
use crate::probe::expect::{JsonPath, PATH};
use crate::probe::http::{
    ADDRESS, AUTHORIZATION, BASIC_AUTH, BODY, BODY_BYTES_MAX, COMPRESSION, EXPECTED, Fetch, HEADERS, MAINTENANCE_TEXT,
    METHOD, PROXY, PROXY_AUTHORIZATION, REDIRECTS_MAX, Route, VERSION, authorization, credentials_in, expect,
    header_texts, hide_credentials,
};
use crate::probe::peer::{FAMILY, SLOWER_THAN, TLS_SETTINGS, limit};
use crate::probe::{BuildContext, ProbeKind, Prober};
use http::{HeaderName, HeaderValue, Method, header};
use reqwest::Url;
use std::sync::Arc;

/// This kind.
pub(in crate::probe) const KIND: ProbeKind = ProbeKind {
    name: "journey",
    about: "Goes through several pages, carrying cookies and values from one to the next, and cleans up.",
    example: "base: https://ywtb.huangpu.test/\nvariables: { user: probe, password: \"${PROBE_PASSWORD}\" }\nsteps:\n  \
              - name: login\n    url: api/login\n    method: POST\n    headers: { content-type: application/json }\n    \
              body: '{\"user\":\"{{user}}\",\"password\":\"{{password}}\"}'\n    extract: { token: { json: $.token } }\n  \
              - name: cases\n    url: api/cases?owner={{user}}\n    headers: { authorization: \"Bearer {{token}}\" }\n    \
              expect: { json: [{ path: \"$.cases\" }], slower_than: 2s }\ncleanup:\n  - name: logout\n    \
              url: api/logout\n    method: POST\n    headers: { authorization: \"Bearer {{token}}\" }\n    \
              expect: { status: 204 }\nslower_than: 5s\n",
    fields: FIELDS,
    target: None,
    build,
};

const ADDRESS_TEXT: Type = Type::Text { max: 2_000 };
const STEP_NAME: Type = Type::Text { max: 60 };
const STEPS: Type = Type::List { of: &Type::Record(STEP), min: 1, max: 20 };
const CLEANUP: Type = Type::List { of: &Type::Record(STEP), min: 1, max: 5 };
const EXTRACT: Type = Type::Map(&Type::OneKey(SOURCES));
const VARIABLES_DOC: &str = "Values that stand for `{{name}}` in addresses, headers and bodies; they are never shown.";
const CLEANUP_DOC: &str = "Steps that are taken whatever happened, in a fifth of the deadline at least; when one fails, \
                           the journey is degraded.";
const EXTRACT_DOC: &str = "Values for later steps: the name of each, and where in the answer it is.";

const FIELDS: &[Field] = &[
    Field::optional("base", Type::HTTP_URL, "What the addresses of steps are relative to."),
    Field::with_default("cookies", Type::Bool, "true", "Whether steps bring back the cookies that they got."),
    Field::optional("variables", Type::Map(&Type::Secret), VARIABLES_DOC),
    PROXY,
    PROXY_AUTHORIZATION,
    TLS_SETTINGS,
    Field::required("steps", STEPS, "What is fetched, one after the other; the first that fails ends the journey."),
    Field::optional("cleanup", CLEANUP, CLEANUP_DOC),
    SLOWER_THAN,
];

const STEP: &[Field] = &[
    Field::required("name", STEP_NAME, "What it is called in the verdict."),
    Field::required("url", ADDRESS_TEXT, "What to fetch; values inside it are encoded, one at its beginning is not."),
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
    Field::optional("extract", EXTRACT, EXTRACT_DOC),
];

const SOURCES: &[Field] = &[
    Field::optional("json", PATH, "JSONPath of RFC 9535; the first value that it selects."),
    Field::optional("regex", Type::Regex, "Pattern in the body; its first group, or all that it matched."),
    Field::optional("header", Type::Text { max: 100 }, "Name of a header."),
];

fn build(record: &Record, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    let mut problems = Problems::new();
    let mut values = Values::default();
    for (name, value) in record.map("variables") {
        if !is_name(&name.value) {
            problems.push(Problem::error(Code::Value, &name.at, "not the name of a variable").expected(NAME));
        }
        values.put(&name.value, value.value.as_text().unwrap_or_default());
    }
    let base = record.url("base");
    problems.extend(base.and_then(|base| credentials_in(base, record.at("base"))));
    hide_proxy(record, &mut values);
    let known = record.map("variables").iter().map(|(name, _)| name.value.clone()).collect();
    let mut making = Making { journey: record, base, context, known, values, problems };
    let steps = making.steps("steps", "step");
    let cleanup = making.steps("cleanup", "cleanup step");
    let Making { values, problems, .. } = making;
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Arc::new(Journey { steps, cleanup, values, cookies: record.flag("cookies"), slower_than: limit(record) }))
}

const NAME: &str = "letters, digits, `_` and `-`";

fn hide_proxy(record: &Record, values: &mut Values) {
    if let Some(secret) = record.opt_text("proxy_authorization") {
        values.veil.hide_authorization(secret);
    }
}

/// A journey that is being made.
struct Making<'a> {
    journey: &'a Record,
    base: Option<&'a Url>,
    context: &'a BuildContext,
    /// Variables that are known before the step at hand.
    known: Vec<String>,
    values: Values,
    problems: Problems,
}

impl Making<'_> {
    fn steps(&mut self, field: &str, called: &str) -> Vec<Step> {
        let mut steps = Vec::new();
        for (number, record) in self.journey.records(field).enumerate() {
            steps.extend(self.step(record, format!("{called} {}", number + 1)));
        }
        steps
    }

    fn step(&mut self, record: &Record, place: String) -> Option<Step> {
        let url = self.template(record.text("url"), record.at("url"))?;
        let target = self.target(&url, record.at("url"));
        let mut headers = Vec::new();
        for (name, text, at) in header_texts(record, &mut self.problems) {
            headers.extend(self.header(name, text, at));
        }
        if let Some((secret, at)) = authorization(record, &mut self.problems) {
            if !secret.contains("{{") {
                self.values.veil.hide_authorization(&secret);
            }
            headers.extend(self.header(header::AUTHORIZATION, &secret, at));
        }
        hide_credentials(record, &mut self.values.veil);
        let shape = shape(record);
        let body = record.opt_text("body").and_then(|text| Some((self.template(text, record.at("body"))?, shape)));
        let expect = expect(record, self.context, &mut self.problems);
        let extract = self.extract(record);
        let route = Route::of(record, Some(self.journey), target.as_ref(), self.context);
        let route = route.map_err(|others| self.problems.extend(others)).ok()?;
        Some(Step {
            place,
            name: record.text("name").into(),
            base: self.base.cloned(),
            url,
            method: record.text("method").parse().unwrap_or(Method::GET),
            headers,
            body,
            fetch: Fetch::of(record, route, self.context),
            expect,
            extract,
        })
    }

    /// The text at `at`; a variable in it that nobody sets before is a problem.
    fn template(&mut self, text: &str, at: &Place) -> Option<Template> {
        let template = match Template::parse(text) {
            Ok(template) => template,
            Err(why) => {
                self.problems.push(Problem::error(Code::Value, at, why).hint("write `{{name}}`"));
                return None;
            }
        };
        for name in template.names().filter(|name| !self.known.iter().any(|known| known == name)) {
            let problem = Problem::error(Code::UnknownId, at, format!("no variable `{name}` is known here"));
            let problem = problem.expected("one of `variables`, or one that an earlier step extracts");
            self.problems.push(problem.did_you_mean(name, self.known.iter().map(String::as_str)));
        }
        Some(template)
    }

    /// Whom the step is about, as far as that is known in advance.
    fn target(&mut self, url: &Template, at: &Place) -> Option<Url> {
        if url.begins_with_variable() {
            return None;
        }
        match address(self.base, &url.with("x")) {
            Ok(target) => {
                self.problems.extend(credentials_in(&target, at));
                Some(target)
            }
            Err(why) => {
                let hint =
                    if self.base.is_none() { "write `base`, or the whole address" } else { "such as `api/cases`" };
                self.problems.push(Problem::error(Code::Value, at, format!("the address {why}")).hint(hint));
                None
            }
        }
    }

    fn header(&mut self, name: HeaderName, text: &str, at: &Place) -> Option<(HeaderName, Template)> {
        let template = self.template(text, at)?;
        if HeaderValue::from_str(&template.with("x")).is_err() {
            let problem = Problem::error(Code::Value, at, "a header cannot hold this value");
            self.problems.push(problem.expected("one line of visible ASCII characters"));
        }
        Some((name, template))
    }

    fn extract(&mut self, record: &Record) -> Vec<(Box<str>, Source)> {
        let mut found = Vec::new();
        for (name, source) in record.map("extract") {
            if !is_name(&name.value) {
                self.problems.push(Problem::error(Code::Value, &name.at, "not the name of a variable").expected(NAME));
            }
            self.known.push(name.value.clone());
            let Value::Variant(kind, value) = &source.value else { continue };
            let source = match (*kind, &value.value) {
                ("json", Value::Text(path)) => JsonPath::parse(path, &value.at).map(Source::Json),
                ("header", Value::Text(header)) => HeaderName::try_from(header.as_str())
                    .map(Source::Header)
                    .map_err(|_| Problem::error(Code::Value, &value.at, "not the name of a header")),
                (_, Value::Regex(regex)) => Ok(Source::Regex(regex.clone())),
                _ => continue,
            };
            match source {
                Ok(source) => found.push((name.value.as_str().into(), source)),
                Err(problem) => self.problems.push(problem),
            }
        }
        found
    }
}

/// How values are written into the body, by what the step says that it is.
fn shape(record: &Record) -> Shape {
    let named = record.map("headers").iter().find(|(name, _)| name.value.eq_ignore_ascii_case("content-type"));
    let kind = named.and_then(|(_, value)| value.value.as_text()).unwrap_or_default().to_ascii_lowercase();
    match kind {
        kind if kind.contains("json") => Shape::Json,
        kind if kind.contains("x-www-form-urlencoded") => Shape::Form,
        _ => Shape::Plain,
    }
}
