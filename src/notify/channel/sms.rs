//! `sms`: a gateway of short messages that speaks HTTP, whatever it wants to hear.
//!
//! Not here: gateways that speak CMPP or the like; a `command` can talk to those. Limits of places: 70 characters in one
//! message, some 50 a day to one number.

use super::super::{NotifyError, Receipt};
use super::note::cut;
use super::post::post;
use super::template::{Form, Template};
use super::{ChannelContext, ChannelKind, Note, Pace, Way};
use crate::domain::{HOUR, MINUTE};
use crate::field::{Code, Field, Problem, Problems, Record, Type};
use crate::probe::Transports;
use crate::store::Limits;
use futures_util::future::BoxFuture;
use reqwest::Url;
use std::sync::Arc;
use std::time::Duration;

pub(super) const KIND: ChannelKind = ChannelKind {
    name: "sms",
    about: "Hands short messages to a gateway that speaks HTTP.",
    example: "url: https://sms.bdc.test/send\nnumbers: [\"13800000000\"]\nbody: '{\"to\": \"{{numbers}}\", \"text\": \"{{short}}\"}'\nanswer: '\"code\":0'\n",
    fields: FIELDS,
    pace: PACE,
    build,
};

/// Ten in an hour, then one in ten minutes, or in five where somebody must act: in a day at most some 50 where nothing
/// is wrong with more.
const PACE: Pace = Pace {
    limits: Some(Limits { most: 10, within_ms: HOUR, page_every_ms: 5 * MINUTE, every_ms: 10 * MINUTE }),
    gap: Duration::from_secs(1),
};

const FIELDS: &[Field] = &[
    Field::required("url", Type::Secret, "The gateway."),
    Field::with_default("method", Type::Choice(&["POST", "PUT"]), "POST", "How it is asked."),
    Field::with_default(
        "form",
        Type::Choice(Form::NAMES),
        "json",
        "What the body is; what is filled in is escaped for it.",
    ),
    Field::required("body", Type::Secret, BODY_DOC),
    Field::optional("headers", Type::Map(&Type::Secret), "Sent with it."),
    Field::required(
        "numbers",
        Type::List { of: &Type::Text { max: 20 }, min: 1, max: 100 },
        "Joined by commas in `{{numbers}}`.",
    ),
    Field::with_default("characters", Type::Int { min: 20, max: 500 }, "70", "Longest `{{short}}`."),
    Field::optional("answer", Type::Text { max: 200 }, "What an answer of success holds, where a 200 is not enough."),
];

const BODY_DOC: &str =
    "With places such as `{{numbers}}`, `{{short}}` (the subject, cut), `{{subject}}`, `{{url}}`; may be a secret.";

fn build(record: &Record, context: &ChannelContext<'_>) -> Result<Arc<dyn Way>, Problems> {
    let mut problems = Problems::new();
    let url = super::url(record, context, &mut problems);
    let body = context.secret(record, "body", &mut problems);
    let form = Form::named(record.text("form"));
    let body = body.and_then(|text| {
        Template::parse(&text, form, record.at("body")).map_err(|problem| problems.push(*problem)).ok()
    });
    let mut headers = Vec::new();
    for (name, value) in record.map("headers") {
        let text = value.value.as_text().unwrap_or_default();
        let text = (context.secret)(text, &value.at, &mut problems).unwrap_or_default();
        if http::HeaderName::try_from(name.value.as_str()).is_err() || http::HeaderValue::from_str(&text).is_err() {
            problems.push(Problem::error(Code::Value, &name.at, format!("`{}` is no header", name.value)));
        }
        headers.push((name.value.clone(), text));
    }
    let (Some(url), Some(body), false) = (url, body, problems.has_errors()) else { return Err(problems) };
    Ok(Arc::new(Sms {
        transports: Arc::clone(&context.transports),
        url,
        method: record.text("method").to_owned(),
        body,
        headers,
        numbers: record.texts("numbers").map(|(number, _)| number).collect::<Vec<_>>().join(","),
        characters: usize::try_from(record.int("characters")).unwrap_or(70),
        answer: record.opt_text("answer").map(str::to_owned),
    }))
}

struct Sms {
    transports: Arc<Transports>,
    url: Url,
    method: String,
    body: Template,
    headers: Vec<(String, String)>,
    numbers: String,
    characters: usize,
    answer: Option<String>,
}

impl Way for Sms {
    fn send<'a>(&'a self, note: &'a Note<'a>) -> BoxFuture<'a, Result<Receipt, NotifyError>> {
        Box::pin(async move {
            let mut headers = vec![("content-type".to_owned(), self.body.content_type())];
            headers.extend(self.headers.iter().cloned());
            let body = self.body.fill(note, self.characters, &self.numbers);
            let answer = post(&self.transports, &self.method, &self.url, headers, body).await?;
            match &self.answer {
                Some(wanted) if !answer.contains(wanted.as_str()) => {
                    Err(NotifyError::Refused(format!("answers without what says success: {}", cut(&answer, 200))))
                }
                _ => Ok(Receipt { text: cut(&answer, 200).to_owned() }),
            }
        })
    }
}
