//! The canary: a mail that is there to arrive.

use super::page::{Page, Section, Tone};
use super::words::Words;
use crate::domain::Language;

/// One mail.
pub(super) fn page(words: &Words<'_>, url: &str) -> Page {
    let (date, at) = (words.date(words.now), words.time(words.now));
    let (subject, lead) = match words.language {
        Language::Zh => (format!("[邮路探测] 更夫 {date}"), format!("此信证明更夫的告警邮件能够送出；于 {at} 发出。")),
        Language::En => (
            format!("[CANARY] gengfu {date}"),
            format!("This mail shows that gengfu's mail gets out; it was sent at {at}."),
        ),
    };
    let watch = Section::titled(words.say("请收件系统监视", "For the system that watches"))
        .point(words.say(
            "每天一封；超过 25 小时未收到，就请检查更夫及其邮件中继",
            "one comes each day; if none came for 25 hours, look at gengfu and at its relays",
        ))
        .point(words.say(
            "从 Date 到最后一个 Received 的时间，就是告警邮件送达所需的时间",
            "from Date to the last Received is how long a page takes to arrive",
        ))
        .point(words.say(
            "信头 X-Gengfu-Canary 为发出时刻（UTC）",
            "the header X-Gengfu-Canary holds the instant at which it was sent, in UTC",
        ));
    Page {
        lang: words.lang(),
        list: "canary",
        tone: Tone::Good,
        subject,
        lead,
        sections: vec![watch],
        links: vec![(words.say("总览", "Overview").to_owned(), format!("{url}/"))],
        why: vec![
            words
                .say(
                    "您收到此信，是因为 gengfu.yaml 的 mail.canary 写了这个地址。由更夫自动发出，请勿回复。",
                    "You got this because `mail.canary` in gengfu.yaml names this address. Sent by gengfu; replies are not read.",
                )
                .to_owned(),
        ],
    }
}
