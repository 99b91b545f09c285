//! `feishu`: a bot of a group in Feishu (飞书).
//!
//! Limits of the place: 100 messages a minute and 5 a second for each bot, 20 KB for each body; at full and half hours
//! it is crowded and answers 11232, which is tried again.

use super::super::{NotifyError, Receipt};
use super::answer::Codes;
use super::post::{as_json, post};
use super::{ChannelContext, ChannelKind, Note, Pace, Way, sign};
use crate::field::{Field, Problems, Record, Type};
use crate::probe::Transports;
use futures_util::future::BoxFuture;
use reqwest::Url;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Of the text, in bytes: even if every one of them is escaped, the body stays below 20 KB.
const TEXT_BYTES_MAX: usize = 3_000;

/// 11232 and 99991400: too many; 11233: busy.
const CODES: Codes =
    Codes { keys: &["code", "StatusCode"], words: &["msg", "StatusMessage"], later: &[11_232, 11_233, 99_991_400] };

pub(super) const KIND: ChannelKind = ChannelKind {
    name: "feishu",
    about: "Writes to a group of Feishu (飞书) through its bot.",
    example: "url: https://open.feishu.cn/open-apis/bot/v2/hook/00000000-0000-0000-0000-000000000000\nsecret: sample\n",
    fields: FIELDS,
    pace: Pace::a_minute(50, 2_000, Duration::from_millis(250)),
    build,
};

const FIELDS: &[Field] = &[
    Field::required("url", Type::Secret, "The bot's address: `${NAME}` or `file:/path`."),
    Field::optional("secret", Type::Secret, "What signs (签名校验)."),
];

fn build(record: &Record, context: &ChannelContext<'_>) -> Result<Arc<dyn Way>, Problems> {
    let mut problems = Problems::new();
    let url = super::url(record, context, &mut problems);
    let secret = context.secret(record, "secret", &mut problems);
    match url.filter(|_| !problems.has_errors()) {
        Some(url) => Ok(Arc::new(Feishu { transports: Arc::clone(&context.transports), url, secret })),
        None => Err(problems),
    }
}

struct Feishu {
    transports: Arc<Transports>,
    url: Url,
    secret: Option<String>,
}

impl Way for Feishu {
    fn send<'a>(&'a self, note: &'a Note<'a>) -> BoxFuture<'a, Result<Receipt, NotifyError>> {
        Box::pin(async move {
            let mut body = json!({ "msg_type": "text", "content": { "text": note.words(TEXT_BYTES_MAX) } });
            if let Some(secret) = &self.secret {
                let now_s = note.now.0.div_euclid(1_000);
                body["timestamp"] = now_s.to_string().into();
                body["sign"] = sign::feishu(secret, now_s).into();
            }
            CODES.judge(&post(&self.transports, "POST", &self.url, as_json(), body.to_string()).await?)
        })
    }
}
