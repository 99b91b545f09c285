//! The mail about a month: what came of the promises, complete without the report that is attached.

use super::page::{Page, Section, Tone};
use super::words::Words;
use crate::domain::ReportNews;

/// One mail.
pub(super) fn page(news: &ReportNews, words: &Words<'_>, url: &str) -> Page {
    let mut totals = Section::titled(words.say("总计", "Totals"));
    for (name, value) in &news.totals {
        totals = totals.row(name, value);
    }
    let listed = |title: &str, points: &[String]| {
        points.iter().fold(Section::titled(title), |section, point| section.point(point))
    };
    let mut sections = Vec::new();
    if !news.caveats.is_empty() {
        sections.push(listed(words.say("注意", "Mind"), &news.caveats));
    }
    sections.push(totals);
    if !news.missed.is_empty() {
        sections.push(listed(words.say("未达标或无法判定", "Missed or undetermined"), &news.missed));
    }
    if !news.incidents.is_empty() {
        sections.push(listed(words.say("事件", "Incidents"), &news.incidents));
    }
    let lang = words.say("zh", "en");
    Page {
        lang: words.lang(),
        list: "reports",
        tone: Tone::Plain,
        subject: format!("[{}] {}", words.say("月报", "REPORT"), news.title),
        lead: news.lead.clone(),
        sections,
        links: vec![(words.say("在线报告", "The report").to_owned(), format!("{url}/sla/{}?lang={lang}", news.period))],
        why: vec![
            words
                .say(
                    "您收到此信，是因为您在值班或管理员名单上；每月首个工作日发送。由更夫自动发出，请勿回复。",
                    "You got this because you are on a roster of on-call or of the administrators; it is sent on the first working day of a month. Sent by gengfu; replies are not read.",
                )
                .to_owned(),
        ],
    }
}
