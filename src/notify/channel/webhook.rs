//! `webhook`: a POST to whoever wants to know, signed by Standard Webhooks (standardwebhooks.com).
//!
//! Invariant: `webhook-id` is the message's id in every attempt, so that the receiver can tell a second one.

use super::super::{NotifyError, Receipt};
use super::note::cut;
use super::post::post;
use super::template::{Form, Template};
use super::{ChannelContext, ChannelKind, Note, Pace, Way, sign};
use crate::field::{Code, Field, Problem, Problems, Record, Type};
use crate::probe::Transports;
use futures_util::future::BoxFuture;
use reqwest::Url;
use std::sync::Arc;

pub(super) const KIND: ChannelKind = ChannelKind {
    name: "webhook",
    about: "Posts each message as JSON, or as a template says, signed with HMAC-SHA256 against forgery and replay.",
    example: "url: https://duty.bdc.test/gengfu\nsecret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
    fields: FIELDS,
    pace: Pace::FREE,
    build,
};

const FIELDS: &[Field] = &[
    Field::required("url", Type::Secret, "Where to."),
    Field::optional("secret", Type::Secret, SECRET_DOC),
    Field::optional("bearer", Type::Secret, "A token for the header `Authorization`."),
    Field::with_default(
        "form",
        Type::Choice(Form::NAMES),
        "json",
        "What the body is; what is filled in is escaped for it.",
    ),
    Field::optional("body", Type::Text { max: 16_000 }, BODY_DOC),
];

const SECRET_DOC: &str =
    "What signs: id, time and body, in the headers of Standard Webhooks; base64 behind `whsec_`, or any text.";

const BODY_DOC: &str =
    "Instead of our JSON: a text with places such as `{{subject}}`, `{{text}}`, `{{short}}`, `{{url}}`.";

/// Characters of `{{short}}`.
const SHORT: usize = 70;

fn build(record: &Record, context: &ChannelContext<'_>) -> Result<Arc<dyn Way>, Problems> {
    let mut problems = Problems::new();
    let url = super::url(record, context, &mut problems);
    let secret = context.secret(record, "secret", &mut problems);
    let key = secret.as_deref().and_then(|secret| {
        let key = sign::webhook_key(secret);
        if key.is_none() {
            let problem = Problem::error(Code::Value, record.at("secret"), "behind `whsec_` stands no base64");
            problems.push(problem.hint("copy it again, or write a text without `whsec_`"));
        }
        key
    });
    let bearer = context.secret(record, "bearer", &mut problems);
    let form = Form::named(record.text("form"));
    let body = record.opt_text("body").and_then(|text| {
        Template::parse(text, form, record.at("body")).map_err(|problem| problems.push(*problem)).ok()
    });
    match url.filter(|_| !problems.has_errors()) {
        Some(url) => Ok(Arc::new(Webhook { transports: Arc::clone(&context.transports), url, key, bearer, body })),
        None => Err(problems),
    }
}

struct Webhook {
    transports: Arc<Transports>,
    url: Url,
    key: Option<Vec<u8>>,
    bearer: Option<String>,
    body: Option<Template>,
}

impl Way for Webhook {
    fn send<'a>(&'a self, note: &'a Note<'a>) -> BoxFuture<'a, Result<Receipt, NotifyError>> {
        Box::pin(async move {
            let body = self.body.as_ref().map_or_else(|| note.json().to_string(), |body| body.fill(note, SHORT, ""));
            let content_type =
                self.body.as_ref().map_or_else(|| Form::Json.content_type().to_owned(), Template::content_type);
            let (id, now_s) = (&note.message.id, note.now.0.div_euclid(1_000));
            let mut headers = vec![
                ("content-type".to_owned(), content_type),
                ("webhook-id".to_owned(), id.clone()),
                ("webhook-timestamp".to_owned(), now_s.to_string()),
            ];
            if let Some(key) = &self.key {
                headers.push(("webhook-signature".to_owned(), sign::webhook(key, id, now_s, &body)));
            }
            if let Some(token) = &self.bearer {
                headers.push(("authorization".to_owned(), format!("Bearer {token}")));
            }
            let answer = post(&self.transports, "POST", &self.url, headers, body).await?;
            Ok(Receipt { text: cut(&answer, 200).to_owned() })
        })
    }
}
