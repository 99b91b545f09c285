//! Mails about what became of windows: changed, called off, begun, over; and reminders.

use super::maintenance::{links, window};
use super::page::{Page, Section, Tone};
use super::words::Words;
use crate::domain::window::{Change, Reminder, Telling};
use crate::domain::{Language, Names, Summary, WindowNews};

/// What became of some windows of one owner.
pub(super) fn page(owner: &Names, what: Telling, news: &[WindowNews], words: &Words<'_>, url: &str) -> Page {
    let (owner, state) = (words.name(owner), state(what, words));
    let name = news.first().map_or("", |n| words.name(&n.window.name));
    let more = match (news.len(), words.language) {
        (..=1, _) => String::new(),
        (n, Language::Zh) => format!("等 {n} 个窗口"),
        (n, Language::En) => format!(" and {} more", n - 1),
    };
    let emergency = news.iter().any(|n| n.window.emergency.is_some());
    let urgent = if emergency { words.say("紧急", "EMERGENCY ") } else { "" };
    let end = words.say("。", ".");
    Page {
        lang: words.lang(),
        list: "maintenance",
        tone: match what {
            Telling::Version(Change::Overrun) => Tone::Bad,
            Telling::Version(Change::Finished | Change::FinishedEarly | Change::Cancelled) => Tone::Good,
            _ if emergency => Tone::Warning,
            _ => Tone::Planned,
        },
        subject: format!("[{urgent}{state}] {owner} {name}{more}"),
        lead: format!("{name}{more}{}{}{end}", words.say("：", ": "), sentence(what, words)),
        sections: news.iter().flat_map(|n| sections(n, what, words)).chain([next(what, words)]).collect(),
        links: links(words, url),
        why: vec![why(owner, words)],
    }
}

fn why(owner: &str, words: &Words<'_>) -> String {
    match words.language {
        Language::Zh => format!("您收到此信，是因为您在{owner}的值班名单上。由更夫自动发出，请勿回复。"),
        Language::En => {
            format!(
                "You got this because you are on the on-call roster of {owner}. Sent by gengfu; replies are not read."
            )
        }
    }
}

fn state(what: Telling, words: &Words<'_>) -> &'static str {
    match what {
        Telling::Version(Change::Announced) => words.say("维护预告", "MAINTENANCE"),
        Telling::Version(Change::Moved) => words.say("维护改期", "MAINTENANCE MOVED"),
        Telling::Version(Change::Shortened) => words.say("维护缩短", "MAINTENANCE SHORTENED"),
        Telling::Version(Change::Extended) => words.say("维护延长", "MAINTENANCE EXTENDED"),
        Telling::Version(Change::Rescoped) => words.say("维护范围变更", "MAINTENANCE CHANGED"),
        Telling::Version(Change::Started) => words.say("维护开始", "MAINTENANCE STARTED"),
        Telling::Version(Change::FinishedEarly) => words.say("维护提前结束", "MAINTENANCE FINISHED EARLY"),
        Telling::Version(Change::Finished) => words.say("维护结束", "MAINTENANCE FINISHED"),
        Telling::Version(Change::Cancelled) => words.say("维护取消", "MAINTENANCE CANCELLED"),
        Telling::Version(Change::Overrun) => words.say("维护超时", "MAINTENANCE OVERRUNS"),
        Telling::Reminder(Reminder::ThreeDays) => words.say("维护提醒 3 天", "MAINTENANCE IN 3 D"),
        Telling::Reminder(Reminder::OneDay) => words.say("维护提醒 1 天", "MAINTENANCE IN 1 D"),
        Telling::Reminder(Reminder::OneHour) => words.say("维护提醒 1 小时", "MAINTENANCE IN 1 H"),
    }
}

fn sentence(what: Telling, words: &Words<'_>) -> &'static str {
    match what {
        Telling::Version(Change::Announced) => words.say("维护即将进行", "maintenance is to come"),
        Telling::Version(Change::Moved) => words.say("维护改在另一时间", "the maintenance takes place at another time"),
        Telling::Version(Change::Shortened) => {
            words.say("维护将比原定提前结束", "the maintenance ends earlier than was said")
        }
        Telling::Version(Change::Extended) => {
            words.say("维护将比原定推迟结束", "the maintenance ends later than was said")
        }
        Telling::Version(Change::Rescoped) => words.say("维护范围有变", "the maintenance is about something else now"),
        Telling::Version(Change::Started) => words.say("维护已经开始", "the maintenance has begun"),
        Telling::Version(Change::FinishedEarly) => {
            words.say("维护提前结束，服务已验证恢复", "the maintenance ended early; the service is verified")
        }
        Telling::Version(Change::Finished) => {
            words.say("维护结束，服务已验证恢复", "the maintenance is over; the service is verified")
        }
        Telling::Version(Change::Cancelled) => {
            words.say("维护取消，服务照常", "the maintenance does not take place; the service goes on")
        }
        Telling::Version(Change::Overrun) => words.say("已过批准的结束时间", "the approved end has passed"),
        Telling::Reminder(Reminder::ThreeDays) => words.say("三天后开始维护", "the maintenance begins in three days"),
        Telling::Reminder(Reminder::OneDay) => words.say("一天后开始维护", "the maintenance begins in a day"),
        Telling::Reminder(Reminder::OneHour) => words.say("一小时后开始维护", "the maintenance begins in an hour"),
    }
}

fn sections(news: &WindowNews, what: Telling, words: &Words<'_>) -> Vec<Section> {
    let mut about = window(&news.window, words);
    if matches!(what, Telling::Version(_)) {
        about = about.row(words.say("说明", "Why"), words.name(&news.why));
    }
    let summary = news.summary.as_ref().map(|s| seen(s, words));
    std::iter::once(about).chain(summary).collect()
}

/// What was seen inside, as the closing summary has it.
fn seen(summary: &Summary, words: &Words<'_>) -> Section {
    let (took, approved) = (words.length(summary.took_ms), words.length(summary.approved_ms));
    let mut section = Section::titled(words.say("本次维护", "What was seen"))
        .row(words.say("用时 / 批准", "Took / approved"), format!("{took} / {approved}"));
    if summary.violation_ms > 0 {
        section = section.row(words.say("计为违规", "Counts as a violation"), words.length(summary.violation_ms));
    }
    for (id, name, span) in &summary.outages {
        let (name, span) = (words.name(name), words.span(*span));
        section = section.point(match words.language {
            Language::Zh => format!("窗口内中断并恢复：{name} ({id})，{span}"),
            Language::En => format!("down and back inside: {name} ({id}), {span}"),
        });
    }
    for (id, name, n) in &summary.defects {
        let name = words.name(name);
        section = section.point(match words.language {
            Language::Zh => format!("维护缺陷 {n} 次：{name} ({id}) 未显示维护公告"),
            Language::En => format!("{n} maintenance defect(s): {name} ({id}) showed something else than its notice"),
        });
    }
    section
}

fn next(what: Telling, words: &Words<'_>) -> Section {
    let text = match what {
        Telling::Version(Change::Started) => words.say(
            "完工后请下达 finish；到期未恢复会立即告警",
            "order `finish` when the work is done; what is still down at the approved end pages at once",
        ),
        Telling::Version(Change::FinishedEarly | Change::Finished | Change::Cancelled) => {
            words.say("无需操作；告警已恢复正常", "nothing to do; alerts are as usual again")
        }
        Telling::Version(_) => {
            words.say("请核对新的时间，并更新您的通知", "check the new time, and bring your own notices up to date")
        }
        Telling::Reminder(_) => words.say(
            "请确认仍按计划进行；如不进行，请下达 cancel 或 move",
            "see whether it still takes place; if not, order `cancel` or `move`",
        ),
    };
    Section::titled(words.say("下一步", "Next")).point(text)
}
