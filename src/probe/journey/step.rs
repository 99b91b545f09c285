//! One step of a journey: its request with the values so far, its verdict, and the values that it brings.
//!
//! Not here: the order of steps and the deadline (`journey`). Invariant: what a target sends can neither end a header nor
//! leave the scheme `http` or `https`.

use super::template::{Shape, Template, VALUE_MAX, Values};
use crate::domain::{Outcome, Reason, ReasonKind};
use crate::probe::expect::{JsonPath, document, shown};
use crate::probe::http::{Answer, Ask, Expect, Fetch, Seen};
use crate::probe::{Attempt, record};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use regex::Regex;
use reqwest::Url;
use reqwest::cookie::Jar;
use serde_json::Value as Json;
use tokio::time::Instant;

/// What one attempt carries from step to step.
pub(super) struct State {
    pub(super) values: Values,
    jar: Option<Jar>,
}

impl State {
    /// At the beginning.
    pub(super) fn new(values: Values, cookies: bool) -> Self {
        Self { values, jar: cookies.then(Jar::default) }
    }
}

/// One step.
pub(super) struct Step {
    /// `step 3` or `cleanup step 1`.
    pub(super) place: String,
    pub(super) name: Box<str>,
    pub(super) base: Option<Url>,
    pub(super) url: Template,
    pub(super) method: Method,
    pub(super) headers: Vec<(HeaderName, Template)>,
    pub(super) body: Option<(Template, Shape)>,
    pub(super) fetch: Fetch,
    pub(super) expect: Expect,
    pub(super) extract: Vec<(Box<str>, Source)>,
}

/// Where a value comes from.
pub(super) enum Source {
    /// A place in the body, which is JSON.
    Json(JsonPath),
    /// The first group of a match in the body, or the match.
    Regex(Regex),
    /// A header.
    Header(HeaderName),
}

impl Step {
    /// `step 3 "submit"`.
    pub(super) fn title(&self) -> String {
        format!("{} {:?}", self.place, self.name)
    }

    /// The verdict, beginning with whose it is.
    pub(super) fn named(&self, outcome: Outcome) -> Outcome {
        let named = |reason: Reason| Reason::new(reason.kind, format!("{}: {}", self.title(), reason.text));
        match outcome {
            Outcome::Pass => Outcome::Pass,
            Outcome::Degraded(reason) => Outcome::Degraded(named(reason)),
            Outcome::Fail(reason) => Outcome::Fail(named(reason)),
            Outcome::Unknown(reason) => Outcome::Unknown(named(reason)),
        }
    }

    /// A variable that it needs and nobody has set.
    pub(super) fn lacks<'a>(&'a self, values: &Values) -> Option<&'a str> {
        let headers = self.headers.iter().map(|(_, text)| text);
        let texts = std::iter::once(&self.url).chain(headers).chain(self.body.iter().map(|(text, _)| text));
        texts.flat_map(Template::names).find(|name| values.get(name).is_none())
    }

    /// Takes it.
    pub(super) async fn take(&self, attempt: &Attempt, state: &mut State) -> Outcome {
        let began = Instant::now();
        attempt.note(self.title());
        let outcome = match self.look(attempt, state, began).await {
            Ok(outcome) | Err(outcome) => state.values.veil.outcome(outcome),
        };
        attempt.note(format!("{} took {}", self.title(), record::seconds(began.elapsed())));
        outcome
    }

    async fn look(&self, attempt: &Attempt, state: &mut State, began: Instant) -> Result<Outcome, Outcome> {
        let ask = self.ask(&state.values)?;
        let answer = self.fetch.fetch(attempt, ask, state.jar.as_ref(), &state.values.veil).await?;
        // The chain of a step before this one says nothing about an answer in the clear.
        let not_after = attempt.certificate_not_after().filter(|_| answer.is_secure());
        let outcome =
            self.expect.judge(&Seen { now: attempt.started, answer: &answer, took: began.elapsed(), not_after });
        if matches!(outcome, Outcome::Pass | Outcome::Degraded(_)) {
            self.bring(&answer, &mut state.values).map_err(|text| Outcome::fail(ReasonKind::Content, text))?;
        }
        Ok(outcome)
    }

    fn ask(&self, values: &Values) -> Result<Ask, Outcome> {
        let lacking = || Outcome::unknown("a value is not known; that is a defect of gengfu");
        let text = self.url.expand(values, Shape::Address).ok_or_else(lacking)?;
        let url = address(self.base.as_ref(), &text).map_err(|why| {
            Outcome::fail(ReasonKind::Protocol, format!("the address {}, made of values, {why}", shown(&text)))
        })?;
        let mut headers = HeaderMap::new();
        for (name, text) in &self.headers {
            let text = text.expand(values, Shape::Plain).ok_or_else(lacking)?;
            let mut value = HeaderValue::from_str(&text).map_err(|_| {
                Outcome::fail(ReasonKind::Protocol, format!("header {name} cannot hold the value that came before"))
            })?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let body = match &self.body {
            None => None,
            Some((text, shape)) => Some(text.expand(values, *shape).ok_or_else(lacking)?.into()),
        };
        Ok(Ask { url, method: self.method.clone(), headers, body })
    }

    fn bring(&self, answer: &Answer, values: &mut Values) -> Result<(), String> {
        // The document is read once, and only if somebody wants it.
        let wants_json = self.extract.iter().any(|(_, source)| matches!(source, Source::Json(_)));
        let read = if wants_json { document(&answer.body)? } else { Json::Null };
        for (name, source) in &self.extract {
            let value = source.value(answer, &read).map_err(|why| format!("expected {{{{{name}}}}} {why}"))?;
            if value.chars().count() > VALUE_MAX {
                return Err(format!("expected {{{{{name}}}}} of at most {VALUE_MAX} characters, got a longer one"));
            }
            values.put(name, &value);
        }
        Ok(())
    }
}

impl Source {
    fn value(&self, answer: &Answer, read: &Json) -> Result<String, String> {
        match self {
            Self::Json(path) => match path.select(read).first() {
                None => Err(format!("at {}, got nothing there in {}", path.text(), shown(&answer.body))),
                Some(Json::Null) => Err(format!("at {}, got null", path.text())),
                Some(Json::String(text)) => Ok(text.clone()),
                Some(other) => Ok(other.to_string()),
            },
            Self::Regex(regex) => {
                let found = regex.captures(&answer.body);
                let part = found.as_ref().and_then(|found| found.get(1).or_else(|| found.get(0)));
                let none = || format!("by /{regex}/, got no match in {}", shown(&answer.body));
                part.map(|part| part.as_str().to_owned()).ok_or_else(none)
            }
            Self::Header(name) => {
                let value = answer.headers.get(name);
                let none = || format!("in header {name}, got no such header");
                value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).ok_or_else(none)
            }
        }
    }
}

/// Where a step leads, relative to the base.
pub(super) fn address(base: Option<&Url>, text: &str) -> Result<Url, String> {
    let url = match base {
        Some(base) => base.join(text),
        None => Url::parse(text),
    };
    let url = url.map_err(|error| format!("is no address: {error}"))?;
    match url.scheme() {
        "http" | "https" if url.host_str().is_some_and(|host| !host.is_empty()) => Ok(url),
        "http" | "https" => Err("has no host".into()),
        scheme => Err(format!("has the scheme `{scheme}`")),
    }
}
