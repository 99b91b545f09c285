//! The mail that many share, because there were many or because the recipient wants to hear of them once a day: what
//! their own mails would have been called, those that last first.

use super::page::{Page, Section, Tone};
use super::words::Words;
use crate::domain::{FoldedLine, FoldedNews, FoldedState, Language};
use std::collections::BTreeMap;

const QUIET_WHY: (&str, &str) = (
    "您收到此信，是因为您在相关值班名单上；时间由名单中的 `digest_at` 设置。由更夫自动发出，请勿回复。",
    "You got this because you are on an on-call roster concerned; `digest_at` there sets when. Sent by gengfu; replies \
     are not read.",
);

/// One mail.
pub(super) fn page(news: &FoldedNews, words: &Words<'_>, url: &str) -> Page {
    // What is said last of a thread is how it stands.
    let stands: BTreeMap<&str, FoldedState> =
        news.lines.iter().filter(|l| l.state != FoldedState::News).map(|l| (l.thread.as_str(), l.state)).collect();
    let of = |wanted: FoldedState| {
        let stands = |l: &&FoldedLine| stands.get(l.thread.as_str()).copied().unwrap_or(FoldedState::News) == wanted;
        news.lines.iter().filter(stands).collect::<Vec<_>>()
    };
    let threads = |wanted: FoldedState| stands.values().filter(|state| **state == wanted).count();
    let (mails, open, closed) = (news.lines.len(), threads(FoldedState::Open), threads(FoldedState::Closed));
    let (subject, lead) = match words.language {
        Language::Zh if news.quiet => (
            format!("[汇总] 一般事件：{open} 起仍在持续，{closed} 起已恢复"),
            "以下事件可在工作时间内处理，按您的设置每天汇总一次；每起事件的完整情况见事件页面。".to_owned(),
        ),
        Language::En if news.quiet => (
            format!("[QUIET] incidents that can wait: {open} still open, {closed} over"),
            "These can be handled in working hours, and you hear of them once a day; each has its whole story on its page."
                .to_owned(),
        ),
        Language::Zh => (
            format!("[合并] {mails} 封邮件：{open} 起事件仍在持续，{closed} 起已恢复"),
            format!("您近一小时内收到的邮件较多，以下 {mails} 封合并为一封；每起事件的完整情况见事件页面。"),
        ),
        Language::En => (
            format!("[FOLDED] {mails} mails, incidents: {open} still open, {closed} over"),
            format!(
                "You got many mails within the last hour, so these {mails} share one; each incident has its whole story \
                 on its page."
            ),
        ),
    };
    let sections = [
        (words.say("仍在持续", "Still open"), FoldedState::Open),
        (words.say("已恢复", "Over"), FoldedState::Closed),
        (words.say("其他", "Others"), FoldedState::News),
    ];
    let section = |(title, state): (&str, FoldedState)| {
        let point =
            |section: Section, line: &FoldedLine| section.point(format!("{} {}", words.time(line.at), line.subject));
        let mut lines = of(state);
        if news.quiet {
            // How each stands is enough.
            let last: BTreeMap<&str, usize> = lines.iter().enumerate().map(|(n, l)| (l.thread.as_str(), n)).collect();
            lines = lines.iter().enumerate().filter(|(n, l)| last[l.thread.as_str()] == *n).map(|(_, l)| *l).collect();
        }
        (!lines.is_empty()).then(|| lines.into_iter().fold(Section::titled(title), point))
    };
    Page {
        lang: words.lang(),
        list: "incidents",
        tone: if open > 0 && !news.quiet { Tone::Bad } else { Tone::Plain },
        subject,
        lead,
        sections: sections.into_iter().filter_map(section).collect(),
        links: vec![(words.say("事件", "Incidents").to_owned(), format!("{url}/incidents"))],
        why: vec![
            words
                .say(
                    if news.quiet { QUIET_WHY.0 } else { "您收到此信，是因为您在相关值班名单上；合并的限额由 `mail.per_hour` 设置。由更夫自动发出，请勿回复。" },
                    if news.quiet { QUIET_WHY.1 } else { "You got this because you are on an on-call roster concerned; `mail.per_hour` sets when mails are \
                     folded. Sent by gengfu; replies are not read." },
                )
                .to_owned(),
        ],
    }
}
