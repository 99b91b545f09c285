//! `http`: one request, with a key by which the other side can tell a repetition.
//!
//! Not here: the way to the target, with its fence (`probe::Transports`). Invariants: nothing is repeated here, no
//! redirect is followed; when no connection came about, nothing was done; once a request may have left, only an answer
//! proves anything; bearer tokens and headers are never shown.

use super::{Made, Part, StepContext, StepKind, StepRunner, blind, done, failed, saw, unknown};
use crate::domain::plan::{End, Order, Repeat, Seen};
use crate::field::{Code, Field, Problem, Problems, Record, Type, Value};
use crate::probe::{BoxFuture, Call, CallError, Transports};
use reqwest::Url;
use std::sync::Arc;
use std::time::Duration;

/// This kind.
pub(super) const KIND: StepKind = StepKind {
    name: "http",
    about: "Sends one request with an `Idempotency-Key`; as `observe`, 404 and 410 say that the effect is absent.",
    example: "url: https://deploy.bdc.test/releases\nbody: '{\"version\": \"2.4\"}'\n",
    fields: FIELDS,
    part: Part::Run,
    repeat: |record| match record.text("method") {
        "PUT" | "DELETE" | "GET" | "HEAD" => Repeat::Idempotent,
        _ => Repeat::Never,
    },
    looks: blind,
    build,
};

/// Further headers.
pub(super) const HEADERS: Field = Field::optional("headers", Type::Map(&Type::Text { max: 4_096 }), "Further headers.");

const STATUS: Type = Type::Int { min: 100, max: 599 };

const FIELDS: &[Field] = &[
    Field::required("url", Type::HTTP_URL, "Whom to ask."),
    Field::optional(
        "method",
        Type::Choice(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
        "`POST`, or `GET` to look.",
    ),
    HEADERS,
    Field::optional("bearer", Type::Secret, "Token for `Authorization`: `${NAME}`."),
    Field::optional("body", Type::Text { max: 65_536 }, "What is sent; JSON unless `headers` say otherwise."),
    Field::optional("status", Type::OneOrMany(&STATUS), "Answers that are good; 200, 201, 202 and 204 when left out."),
];

const GOOD: [u16; 4] = [200, 201, 202, 204];

fn build(record: &Record, context: &StepContext) -> Result<Made, Problems> {
    let Some(url) = record.url("url") else { return Err(Problems::new()) };
    let caller = Caller::build(record, url, context)?;
    let listed = record.list("status").iter().filter_map(|v| v.value.as_int().and_then(|n| u16::try_from(n).ok()));
    let mut status: Vec<u16> = listed.collect();
    if status.is_empty() {
        status = GOOD.to_vec();
    }
    let body = record.opt_text("body").map(str::to_owned);
    Ok(Made::Runner(Arc::new(Http { caller, method: record.opt_text("method").map(str::to_owned), body, status })))
}

struct Http {
    caller: Caller,
    method: Option<String>,
    body: Option<String>,
    status: Vec<u16>,
}

impl StepRunner for Http {
    fn run<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, End> {
        let method = self.method.as_deref().unwrap_or("POST");
        Box::pin(self.caller.send_with(method, order, self.body.as_deref(), &self.status))
    }

    fn look<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, End> {
        Box::pin(self.caller.look(self.method.as_deref().unwrap_or("GET"), order, &self.status))
    }
}

/// Sends requests to one address.
pub(super) struct Caller {
    transports: Arc<Transports>,
    url: Url,
    headers: Vec<(String, String)>,
}

impl Caller {
    pub(super) fn build(record: &Record, url: &Url, context: &StepContext) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let mut headers = Vec::new();
        for (name, value) in record.map("headers") {
            let text = value.value.as_text().unwrap_or_default();
            let good =
                http::HeaderName::try_from(name.value.as_str()).is_ok() && http::HeaderValue::from_str(text).is_ok();
            if !good {
                problems.push(Problem::error(Code::Value, &name.at, format!("`{}` is no header", name.value)));
            } else if matches!(&value.value, Value::Text(_)) && name.value.eq_ignore_ascii_case("authorization") {
                let problem = Problem::error(Code::Value, &name.at, "a secret among the headers");
                problems.push(problem.hint("use `bearer`, with a variable that is granted to the owner"));
            }
            headers.push((name.value.clone(), text.to_owned()));
        }
        if let Some(token) = record.opt_text("bearer") {
            headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let problem = Problem::error(Code::Value, record.at("url"), "a name or a password in the address");
            problems.push(problem.hint("use `bearer`, with a variable that is granted to the owner"));
        }
        if problems.has_errors() {
            return Err(problems);
        }
        Ok(Self { transports: Arc::clone(&context.transports), url: url.clone(), headers })
    }

    async fn call(&self, method: &str, order: &Order, body: Option<&str>) -> Result<(u16, String), CallError> {
        let mut headers = self.headers.clone();
        let own = [
            ("idempotency-key", order.key.clone()),
            ("x-gengfu-run", order.run.to_string()),
            ("x-gengfu-step", order.step.to_string()),
        ];
        headers.extend(own.into_iter().map(|(name, value)| (name.to_owned(), value)));
        if body.is_some() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let call = Call { method: method.to_owned(), url: self.url.clone(), headers, body: body.map(str::to_owned) };
        let time = Duration::from_millis(order.timeout_ms.unsigned_abs());
        self.transports.call(&call, time).await
    }

    fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    pub(super) async fn send(&self, method: &str, order: &Order, good: &[u16]) -> End {
        self.send_with(method, order, None, good).await
    }

    async fn send_with(&self, method: &str, order: &Order, body: Option<&str>, good: &[u16]) -> End {
        let host = self.host();
        match self.call(method, order, body).await {
            Ok((status, _)) if good.contains(&status) => done(format!("{host} answered {status}")),
            Ok((status, said)) if (400..500).contains(&status) => failed(format!("{host} answered {status}: {said}")),
            Ok((status, said)) => unknown(format!("{host} answered {status}: {said}")),
            Err(CallError::NotSent(why)) => failed(format!("{host}: {why}")),
            Err(CallError::Lost(why)) => unknown(format!("{host}: {why}")),
        }
    }

    pub(super) async fn look(&self, method: &str, order: &Order, good: &[u16]) -> End {
        let host = self.host();
        match self.call(method, order, None).await {
            Ok((status, _)) if good.contains(&status) => saw(Seen::Present, format!("{host} answered {status}")),
            Ok((status @ (404 | 410), _)) => saw(Seen::Absent, format!("{host} answered {status}")),
            Ok((status, said)) => failed(format!("{host} answered {status}: {said}")),
            Err(CallError::NotSent(why) | CallError::Lost(why)) => failed(format!("{host}: {why}")),
        }
    }
}
