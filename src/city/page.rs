//! The mailbox as a page: the list on the left, one mail on the right, in Chinese and English.
//!
//! Not here: routes (`mailbox`). Invariants: everything that a mail brings is escaped; its HTML is shown in a sandboxed
//! frame that may run nothing and fetch nothing.

use super::mail::Mail;
use crate::domain::{Language, Timestamp};
use askama::Template;
use std::sync::Arc;

pub(super) const CSS: &str = include_str!("mailbox.css");
pub(super) const JS: &str = include_str!("mailbox.js");

/// How many rows the list has; the rest is in `/api/mails`.
const ROWS_MAX: usize = 200;

/// The words of the page.
struct Words {
    tag: &'static str,
    other: &'static str,
    other_tag: &'static str,
    title: &'static str,
    about: &'static str,
    empty: &'static str,
    choose: &'static str,
    from: &'static str,
    to: &'static str,
    at: &'static str,
    text: &'static str,
    headers: &'static str,
    none: &'static str,
}

const ZH: Words = Words {
    tag: "zh",
    other: "English",
    other_tag: "en",
    title: "模拟城市邮箱",
    about: "更夫发出的每一封邮件都停在这里，不会离开本机。",
    empty: "还没有邮件。第一封通常在一分钟内到达。",
    choose: "请在左侧选择一封邮件。",
    from: "发件人",
    to: "收件人",
    at: "收到时间",
    text: "纯文本",
    headers: "邮件头",
    none: "（无主题）",
};

const EN: Words = Words {
    tag: "en",
    other: "中文",
    other_tag: "zh",
    title: "Mailbox of the simulated city",
    about: "Every mail that gengfu sends ends here; none leaves this machine.",
    empty: "No mail yet. The first one usually arrives within a minute.",
    choose: "Choose a mail on the left.",
    from: "From",
    to: "To",
    at: "Received",
    text: "Plain text",
    headers: "Headers",
    none: "(no subject)",
};

struct Row<'a> {
    id: u64,
    at: String,
    time: String,
    to: String,
    subject: &'a str,
    mood: &'static str,
    chosen: &'static str,
}

struct Opened<'a> {
    mail: &'a Mail,
    from: &'a str,
    to: String,
    at: String,
    mood: &'static str,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="{{ w.tag }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ w.title }}</title>
<link rel="stylesheet" href="/mailbox.css">
<script src="/mailbox.js" defer></script>
</head>
<body>
<header>
  <h1><a href="/?lang={{ w.tag }}">{{ w.title }}</a></h1>
  <p>{{ w.about }}</p>
  <nav><a href="?lang={{ w.other_tag }}" lang="{{ w.other_tag }}">{{ w.other }}</a><a href="/api/mails">JSON</a></nav>
</header>
<main>
<section id="list" data-newest="{{ newest }}">
{%- if rows.is_empty() %}
  <p class="empty">{{ w.empty }}</p>
{%- endif %}
{%- for row in rows %}
  <a class="row {{ row.mood }} {{ row.chosen }}" href="/mails/{{ row.id }}?lang={{ w.tag }}">
    <span class="subject">{% if row.subject.is_empty() %}{{ w.none }}{% else %}{{ row.subject }}{% endif %}</span>
    <time datetime="{{ row.at }}">{{ row.time }}</time>
    <span class="to">{{ row.to }}</span>
  </a>
{%- endfor %}
</section>
<article>
{%- match opened %}
{%- when Some with (o) %}
  <h2 class="{{ o.mood }}">{% if o.mail.subject.is_empty() %}{{ w.none }}{% else %}{{ o.mail.subject }}{% endif %}</h2>
  <dl>
    <dt>{{ w.from }}</dt><dd>{{ o.from }}</dd>
    <dt>{{ w.to }}</dt><dd>{{ o.to }}</dd>
    <dt>{{ w.at }}</dt><dd><time datetime="{{ o.at }}">{{ o.at }}</time></dd>
  </dl>
  {%- if let Some(html) = o.mail.html %}
  <iframe sandbox srcdoc="{{ html }}" title="{{ o.mail.subject }}"></iframe>
  {%- endif %}
  {%- if let Some(text) = o.mail.text %}
  <details {% if o.mail.html.is_none() %}open{% endif %}><summary>{{ w.text }}</summary><pre>{{ text }}</pre></details>
  {%- endif %}
  <details><summary>{{ w.headers }}</summary>
  <table>
  {%- for (name, value) in o.mail.headers %}
    <tr><th>{{ name }}</th><td>{{ value }}</td></tr>
  {%- endfor %}
  </table></details>
{%- when None %}
  <p class="empty">{{ w.choose }}</p>
{%- endmatch %}
</article>
</main>
</body>
</html>
"#
)]
struct Page<'a> {
    w: &'static Words,
    newest: u64,
    rows: Vec<Row<'a>>,
    opened: Option<Opened<'a>>,
}

/// The whole page; `mails` are the oldest first, the page shows the newest first.
pub(super) fn render(mails: &[Arc<Mail>], chosen: Option<&Mail>, language: Language) -> askama::Result<String> {
    let rows = mails.iter().rev().take(ROWS_MAX).map(|mail| {
        let at = utc(mail.received);
        Row {
            id: mail.id,
            time: at.get(11..19).unwrap_or(&at).to_owned(),
            at,
            to: mail.to.join(", "),
            subject: &mail.subject,
            mood: mood(&mail.subject),
            chosen: if chosen.is_some_and(|c| c.id == mail.id) { "chosen" } else { "" },
        }
    });
    let opened = chosen.map(|mail| Opened {
        mail,
        from: mail.get("From").unwrap_or(&mail.from),
        to: mail.to.join(", "),
        at: utc(mail.received),
        mood: mood(&mail.subject),
    });
    let w = match language {
        Language::Zh => &ZH,
        Language::En => &EN,
    };
    Page { w, newest: mails.last().map_or(0, |m| m.id), rows: rows.collect(), opened }.render()
}

/// UTC to the second; the page's script turns it into the reader's own time.
fn utc(at: Timestamp) -> String {
    let whole = Timestamp(at.0 - at.0.rem_euclid(1_000));
    whole.to_string()
}

/// A colour for the row, from the state that the subject carries in brackets.
fn mood(subject: &str) -> &'static str {
    let subject = subject.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| subject.contains(w));
    match () {
        () if has(&["恢复", "closed", "resolved", "recovered"]) => "good",
        () if has(&["中断", "down", "opened", "超时", "overrun", "违规", "undeclared"]) => "bad",
        () if has(&["风险", "at risk", "慢", "slow", "degraded", "未申报", "维护"]) => "warn",
        () => "plain",
    }
}
