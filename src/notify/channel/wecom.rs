//! `wecom`: a bot of a group in WeCom (企业微信).
//!
//! Limits of the place: 20 messages a minute for each bot, 2048 bytes of UTF-8 for each text.

use super::super::{NotifyError, Receipt};
use super::answer::Codes;
use super::post::{as_json, post};
use super::{ChannelContext, ChannelKind, Note, Pace, Way};
use crate::domain::Urgency;
use crate::field::{Field, Problems, Record, Type};
use crate::probe::Transports;
use futures_util::future::BoxFuture;
use reqwest::Url;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Of the text, in bytes.
const TEXT_BYTES_MAX: usize = 2_048;

/// -1: busy; 45009 and 45033: too many.
const CODES: Codes = Codes { keys: &["errcode"], words: &["errmsg"], later: &[-1, 45_009, 45_033] };

pub(super) const KIND: ChannelKind = ChannelKind {
    name: "wecom",
    about: "Writes to a group of WeCom (企业微信) through its bot.",
    example: "url: https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=00000000-0000-0000-0000-000000000000\nmobiles: [\"@all\"]\n",
    fields: FIELDS,
    pace: Pace::a_minute(12, 12_000, Duration::from_millis(500)),
    build,
};

const FIELDS: &[Field] = &[
    Field::required("url", Type::Secret, "The bot's address with its key: `${NAME}` or `file:/path`."),
    Field::optional("mobiles", super::MOBILES, "Who is called by name in pages: numbers, or `@all`."),
];

fn build(record: &Record, context: &ChannelContext<'_>) -> Result<Arc<dyn Way>, Problems> {
    let mut problems = Problems::new();
    let url = super::url(record, context, &mut problems);
    let mobiles = record.texts("mobiles").map(|(number, _)| number.to_owned()).collect();
    match url.filter(|_| !problems.has_errors()) {
        Some(url) => Ok(Arc::new(WeCom { transports: Arc::clone(&context.transports), url, mobiles })),
        None => Err(problems),
    }
}

struct WeCom {
    transports: Arc<Transports>,
    url: Url,
    mobiles: Vec<String>,
}

impl Way for WeCom {
    fn send<'a>(&'a self, note: &'a Note<'a>) -> BoxFuture<'a, Result<Receipt, NotifyError>> {
        Box::pin(async move {
            let called = if note.message.content.urgency() == Urgency::Page { &self.mobiles[..] } else { &[] };
            let text = json!({ "content": note.words(TEXT_BYTES_MAX), "mentioned_mobile_list": called });
            let body = json!({ "msgtype": "text", "text": text }).to_string();
            CODES.judge(&post(&self.transports, "POST", &self.url, as_json(), body).await?)
        })
    }
}
