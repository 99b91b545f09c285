//! How mails read, in both languages, and that nothing from outside breaks out.

use super::*;
use crate::domain::*;
use crate::notify::examples::{self, AT, Example};

fn context() -> RenderContext {
    examples::context(Zone::named("Asia/Shanghai").unwrap())
}

fn example(name: &str) -> Content {
    let found: Option<Example> = examples::every().into_iter().find(|e| e.name == name);
    found.unwrap_or_else(|| panic!("no example {name}")).content
}

fn opened() -> IncidentNews {
    let Content::Opened(news) = example("opened_down") else { panic!("opened_down") };
    news
}

fn message(content: Content, sequence: u32, language: Language) -> Message {
    let to = Recipient { name: "黄浦区值班".into(), mail: "oncall@huangpu.test".into(), language };
    Message::new("INC-0042".into(), sequence, to, AT, DAY, content)
}

fn show(rendered: &Rendered) -> String {
    let headers: Vec<String> = rendered.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    format!("Subject: {}\n{}\n\n{}", rendered.subject, headers.join("\n"), rendered.text)
}

#[test]
fn every_content_reads_well_in_both_languages() {
    for Example { name, content } in examples::every() {
        for (suffix, language) in [("zh", Language::Zh), ("en", Language::En)] {
            let rendered = render(&message(content.clone(), 0, language), None, &context());
            insta::assert_snapshot!(format!("{name}_{suffix}"), show(&rendered));
        }
    }
}

#[test]
fn the_html_form_says_the_same_and_loads_nothing() {
    let rendered = render(&message(example("opened_down"), 0, Language::Zh), None, &context());
    insta::assert_snapshot!("html_opened_down_zh", rendered.html);
    assert!(!rendered.html.contains("src=") && !rendered.html.contains("<b>"), "text from outside is escaped");
}

#[test]
fn later_mails_refer_to_the_first_of_their_thread() {
    let open = message(example("opened_down"), 0, Language::Zh);
    let close = message(example("closed_down"), 1, Language::Zh);
    let header = |m: &Message, name: &str| {
        let found = render(m, None, &context()).headers.into_iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value)
    };
    assert_eq!(header(&open, "In-Reply-To"), None);
    assert_eq!(header(&close, "In-Reply-To"), header(&open, "Message-ID"));
    assert_eq!(header(&close, "References"), header(&open, "Message-ID"));
    assert_ne!(header(&close, "Message-ID"), header(&open, "Message-ID"));
}

#[test]
fn nothing_from_outside_can_begin_a_header_or_a_line() {
    let mut evil = opened();
    evil.name =
        Names { zh: "门户\r\nBcc: all@bdc.test\r\n\r\n正文".into(), en: "portal\nBcc: all@bdc.test".into() };
    evil.evidence[0].reason.text = "a\r\n== Next ==\r\n- pay".into();
    let mut message = message(Content::Opened(evil), 1, Language::Zh);
    message.to.name = "值班\r\nBcc: all@bdc.test".into();
    let context = context();
    let rendered = render(&message, None, &context);
    let mail = crate::notify::compose::compose(&message, &rendered, &context).unwrap();
    let text = String::from_utf8(mail.bytes).unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    assert!(!head.to_lowercase().contains("\nbcc:"), "{head}");
    assert_eq!(rendered.text.lines().filter(|line| line.starts_with("== ")).count(), 6);
}

#[test]
fn the_same_message_makes_the_same_bytes_with_one_content_type() {
    let message = message(example("opened_down"), 0, Language::Zh);
    let bytes = || {
        let rendered = render(&message, Some(("a@b.test", "550 no such user")), &context());
        crate::notify::compose::compose(&message, &rendered, &context()).unwrap().bytes
    };
    let text = String::from_utf8(bytes()).unwrap();
    assert_eq!(text.as_bytes(), bytes());
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!(head.matches("Content-Type:").count(), 1);
    assert!(head.is_ascii() && head.contains("Subject: [=?utf-8?b?") || head.contains("Subject: =?utf-8?b?"), "{head}");
    assert!(head.contains("Auto-Submitted: auto-generated") && head.contains("X-Auto-Response-Suppress: All"));
    assert!(text.lines().all(|line| line.len() <= 998));
}

#[test]
fn a_mail_to_the_fallback_says_whom_it_stands_in_for() {
    let message = message(example("opened_down"), 0, Language::En);
    let rendered = render(&message, Some(("gone@huangpu.test", "550 no such user")), &context());
    assert!(rendered.text.contains("This was meant for gone@huangpu.test"), "{}", rendered.text);
}

#[test]
fn a_notice_carries_its_windows_for_calendars_and_says_what_was_called_off() {
    for (content, standing) in
        [(example("announcement"), "STATUS:CONFIRMED"), (example("window_cancelled"), "STATUS:CANCELLED")]
    {
        let message = message(content, 0, Language::En);
        let rendered = render(&message, None, &context());
        let calendar = rendered.calendar.clone().unwrap();
        assert!(calendar.contains(standing) && calendar.contains("METHOD:PUBLISH"), "{calendar}");
        assert!(calendar.contains("UID:bdc-monthly.1f3a9c02@gengfu") && calendar.contains("SEQUENCE:2"), "{calendar}");
        let mail = crate::notify::compose::compose(&message, &rendered, &context()).unwrap();
        let text = String::from_utf8(mail.bytes).unwrap();
        assert!(text.contains("text/calendar; charset=utf-8; method=PUBLISH"), "{text}");
    }
}
