//! The daily digest: a mail that comes although nothing is wrong.

use super::page::{Page, Section, Tone};
use super::words::Words;
use crate::domain::{DigestInspection, DigestLine, DigestNews, Language};

/// One mail.
pub(super) fn page(news: &DigestNews, words: &Words<'_>, url: &str) -> Page {
    let date = words.date(news.day.start);
    let quiet = news.is_quiet();
    let [outages, open, windows] = news.totals;
    let subject = match (quiet, words.language) {
        (true, Language::Zh) => format!("[一切正常] 更夫日报 {date}"),
        (true, Language::En) => format!("[ALL QUIET] daily digest of {date}"),
        (false, Language::Zh) => format!("[日报] {date} 中断 {outages} 起，未关闭 {open} 起"),
        (false, Language::En) => format!("[DIGEST] {date}: {outages} outage(s), {open} open"),
    };
    let lead = match (quiet, words.language) {
        (true, Language::Zh) => format!("{date} 没有中断，现在没有未关闭的事件，也没有投递失败的邮件。"),
        (true, Language::En) => format!("No outage on {date}, nothing is open now, and no mail was given up."),
        (false, Language::Zh) => format!(
            "{date} 中断 {outages} 起，未关闭的事件 {open} 起，投递失败的邮件 {} 封，24 小时内维护窗口 {windows} 个。",
            news.dead_letters
        ),
        (false, Language::En) => format!(
            "{outages} outage(s) on {date}, {open} open incident(s), {} letter(s) given up, {windows} window(s) within 24 h.",
            news.dead_letters
        ),
    };
    let mut sections = vec![
        listed(words.say("昨日中断", "Outages of the day"), &news.outages, outages, words),
        listed(words.say("未关闭的事件", "Open incidents"), &news.open, open, words),
    ];
    let mut coming = Section::titled(words.say("24 小时内的维护窗口", "Maintenance within 24 h"));
    for window in &news.windows {
        coming = coming.row(words.name(&window.name), format!("{} {}", words.span(window.span), window.window));
    }
    sections.push(rest(coming, windows, news.windows.len(), words));
    if news.inspections_total > 0 {
        sections.push(inspected(news, words));
    }
    let dead = news.dead_letters.to_string();
    sections.push(Section::titled(words.say("邮件", "Mail")).row(words.say("投递失败", "Given up"), dead));
    let mut chain = Section::titled(words.say("存证链", "Chain of evidence"));
    chain = match &news.head {
        Some(head) => chain
            .row(words.say("链头", "Head"), head.head.as_str())
            .row(words.say("封存到", "Sealed up to"), head.day.as_str())
            .point(words.say(
                "请保存此信：`gengfu verify --head` 以它证明此前的记录未被改动",
                "keep this mail: `gengfu verify --head` proves by it that nothing before it was changed",
            )),
        None => chain.point(words.say("还没有封存任何一天", "no day is sealed yet")),
    };
    sections.push(chain);
    Page {
        lang: words.lang(),
        list: "admins",
        tone: if quiet { Tone::Good } else { Tone::Warning },
        subject,
        lead,
        sections,
        links: vec![(words.say("总览", "Overview").to_owned(), format!("{url}/"))],
        why: vec![
            words
                .say(
                    "您收到此信，是因为您在管理员名单上；每天一封，哪天没有，就请查看更夫是否在运行。由更夫自动发出，请勿回复。",
                    "You got this because you are on the administrators' roster: one each day, and a day without one means \
                     that gengfu should be looked at. Sent by gengfu; replies are not read.",
                )
                .to_owned(),
        ],
    }
}

fn listed(title: &str, lines: &[DigestLine], total: usize, words: &Words<'_>) -> Section {
    let section = lines.iter().fold(Section::titled(title), |section, line| {
        let what = format!("{} {}", words.name(&line.name), words.symptom(line.symptom));
        section.row(line.incident.to_string(), format!("{what} {}", words.span(line.span)))
    });
    rest(section, total, lines.len(), words)
}

/// Public sites that an inspector would fail, or nearly: told while there is still time to mend.
fn inspected(news: &DigestNews, words: &Words<'_>) -> Section {
    let title = words.say(
        "网站检查：七天内访问失败接近或达到 5% 的网站",
        "Inspections: sites near or over 5 % failed visits in seven days",
    );
    let section = news.inspections.iter().fold(Section::titled(title), |section, line| {
        let DigestInspection { visits, failed, left, .. } = line;
        let text = match (*left, words.language) {
            (..0, Language::Zh) => format!("{visits} 次访问中失败 {failed} 次，已不合格"),
            (..0, Language::En) => format!("{failed} of {visits} visits failed; an inspector would fail it now"),
            (left, Language::Zh) => format!("{visits} 次访问中失败 {failed} 次，还可失败 {left} 次"),
            (left, Language::En) => format!("{failed} of {visits} visits failed; {left} more may"),
        };
        section.row(words.name(&line.name), text)
    });
    rest(section, news.inspections_total, news.inspections.len(), words)
}

/// Says what is not listed: nothing, or how many more.
fn rest(section: Section, total: usize, shown: usize, words: &Words<'_>) -> Section {
    match (total - shown, words.language) {
        (0, _) if total == 0 => section.point(words.say("无", "none")),
        (0, _) => section,
        (more, Language::Zh) => section.point(format!("另有 {more} 项")),
        (more, Language::En) => section.point(format!("and {more} more")),
    }
}
