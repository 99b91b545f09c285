//! `dingtalk`: a robot of a group in DingTalk (钉钉).
//!
//! Limits of the place: 20 messages a minute for each robot, and whoever exceeds them is blocked for ten minutes; so we
//! stay well below.

use super::super::{NotifyError, Receipt};
use super::answer::Codes;
use super::post::{as_json, post};
use super::{ChannelContext, ChannelKind, Note, Pace, Way, sign};
use crate::domain::Urgency;
use crate::field::{Field, Problems, Record, Type};
use crate::probe::Transports;
use futures_util::future::BoxFuture;
use reqwest::Url;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Of the text, in bytes; the place takes 20 000, and nobody reads them.
const TEXT_BYTES_MAX: usize = 4_096;

/// -1: busy; 130101 and 410100: too many.
const CODES: Codes = Codes { keys: &["errcode"], words: &["errmsg"], later: &[-1, 130_101, 410_100] };

pub(super) const KIND: ChannelKind = ChannelKind {
    name: "dingtalk",
    about: "Writes to a group of DingTalk (钉钉) through its robot.",
    example: "url: https://oapi.dingtalk.com/robot/send?access_token=0000\nsecret: SEC0000\n",
    fields: FIELDS,
    pace: Pace::a_minute(10, 12_000, Duration::from_millis(500)),
    build,
};

const FIELDS: &[Field] = &[
    Field::required("url", Type::Secret, "The robot's address with its token: `${NAME}` or `file:/path`."),
    Field::optional("secret", Type::Secret, "What signs (加签), beginning with `SEC`."),
    Field::optional("mobiles", super::MOBILES, "Who is called by name in pages: numbers, or `@all`."),
];

fn build(record: &Record, context: &ChannelContext<'_>) -> Result<Arc<dyn Way>, Problems> {
    let mut problems = Problems::new();
    let url = super::url(record, context, &mut problems);
    let secret = context.secret(record, "secret", &mut problems);
    let mobiles = record.texts("mobiles").map(|(number, _)| number.to_owned()).collect();
    match url.filter(|_| !problems.has_errors()) {
        Some(url) => Ok(Arc::new(DingTalk { transports: Arc::clone(&context.transports), url, secret, mobiles })),
        None => Err(problems),
    }
}

struct DingTalk {
    transports: Arc<Transports>,
    url: Url,
    secret: Option<String>,
    mobiles: Vec<String>,
}

impl Way for DingTalk {
    fn send<'a>(&'a self, note: &'a Note<'a>) -> BoxFuture<'a, Result<Receipt, NotifyError>> {
        Box::pin(async move {
            let mut url = self.url.clone();
            if let Some(secret) = &self.secret {
                let now_ms = note.now.0;
                let sign = sign::dingtalk(secret, now_ms);
                url.query_pairs_mut().append_pair("timestamp", &now_ms.to_string()).append_pair("sign", &sign);
            }
            let called = if note.message.content.urgency() == Urgency::Page { &self.mobiles[..] } else { &[] };
            let (all, numbers): (Vec<&String>, Vec<&String>) = called.iter().partition(|to| *to == "@all");
            // The place calls only whom the text names, too.
            let names: String = numbers.iter().map(|number| format!(" @{number}")).collect();
            let content = note.words(TEXT_BYTES_MAX) + &names;
            let at = json!({ "atMobiles": numbers, "isAtAll": !all.is_empty() });
            let body = json!({ "msgtype": "text", "text": { "content": content }, "at": at }).to_string();
            CODES.judge(&post(&self.transports, "POST", &url, as_json(), body).await?)
        })
    }
}
