//! Mails about maintenance to come, maintenance of a dependency, and files that were not taken over.

use super::page::{Page, Section, Tone};
use super::words::Words;
use crate::domain::{Affected, AnnouncedWindow, Language, Names, SubsystemId};

/// Windows to come, for their owner.
pub(super) fn announcement(owner: &Names, windows: &[AnnouncedWindow], words: &Words<'_>, url: &str) -> Page {
    let (owner, n) = (words.name(owner), windows.len());
    let first = windows.first().map(|w| w.span.start).unwrap_or(words.now);
    let state = notice_state(windows, words);
    let (subject, lead) = match words.language {
        Language::Zh => (
            format!("[{state}] {owner} {n} 个维护窗口，首个 {}", words.minute(first)),
            format!("{owner}将有 {n} 个维护窗口，首个于 {} 开始。", words.time(first)),
        ),
        Language::En => (
            format!("[{state}] {owner}: {n} window(s), the first on {}", words.minute(first)),
            format!("{owner} has {n} maintenance window(s) to come; the first begins at {}.", words.time(first)),
        ),
    };
    let next = Section::titled(words.say("下一步", "Next")).point(words.say(
        "请核对时间和范围；窗口内的不可用不告警，到期未恢复会立即告警",
        "please check times and scope; what is down inside a window pages nobody, what is still down at its end does",
    ));
    Page {
        lang: words.lang(),
        list: "maintenance",
        tone: if windows.iter().any(|w| w.emergency.is_some()) { Tone::Warning } else { Tone::Planned },
        subject,
        lead,
        sections: windows.iter().map(|w| window(w, words)).chain([next]).collect(),
        links: links(words, url),
        why: vec![match words.language {
            Language::Zh => format!("您收到此信，是因为您在{owner}的值班名单上。由更夫自动发出，请勿回复。"),
            Language::En => {
                format!(
                    "You got this because you are on the on-call roster of {owner}. Sent by gengfu; replies are not read."
                )
            }
        }],
    }
}

/// What stands in the brackets: whether it is the first notice, and whether the work cannot wait.
fn notice_state(windows: &[AnnouncedWindow], words: &Words<'_>) -> &'static str {
    if windows.iter().any(|w| w.emergency.is_some()) {
        return words.say("紧急维护", "EMERGENCY MAINTENANCE");
    }
    if !windows.is_empty() && windows.iter().all(|w| w.former.is_some()) {
        return words.say("维护变更", "MAINTENANCE CHANGED");
    }
    words.say("维护预告", "MAINTENANCE")
}

/// One window: when, how long, who is affected, what goes on, where to ask, the owner's own words.
pub(super) fn window(window: &AnnouncedWindow, words: &Words<'_>) -> Section {
    let mut section = Section::titled(words.name(&window.name))
        .row(words.say("时间", "When"), words.span(window.span))
        .row(words.say("编号", "Window"), window.window.as_str());
    if let Some(former) = window.former {
        section = section.row(words.say("原定", "Formerly"), words.span(former));
    }
    if let Some(emergency) = &window.emergency {
        let value = match words.language {
            Language::Zh => format!("是，工单 {}；计入不可用时间", emergency.ticket),
            Language::En => format!("yes, ticket {}; its downtime counts", emergency.ticket),
        };
        section = section.row(words.say("紧急", "Emergency"), value);
    }
    if !window.dependants.is_empty() {
        section = section.row(words.say("连带受影响", "Also affected"), listed(&window.dependants, words));
    }
    if !window.goes_on.is_empty() {
        section = section.row(words.say("照常服务", "Goes on working"), listed(&window.goes_on, words));
    }
    section = section.row(words.say("咨询", "Questions"), words.say("12345 热线", "hotline 12345"));
    if let Some(notice) = &window.notice {
        section = section.row(words.say("公告", "Notice"), words.name(notice));
    }
    for (id, name) in &window.scope {
        section = section.point(format!("{} ({id})", words.name(name)));
    }
    section
}

/// Something that the recipient's subsystems need is in a valid window.
pub(super) fn dependency(of: &AnnouncedWindow, affected: &[Affected], words: &Words<'_>, url: &str) -> Page {
    let (name, end) = (words.name(&of.name), words.time(of.span.end));
    let (subject, lead) = match words.language {
        Language::Zh => (
            format!("[依赖维护] {name}，至 {}", words.minute(of.span.end)),
            format!("您的子系统所依赖的服务正在按计划维护（{name}），预计 {end} 结束。"),
        ),
        Language::En => (
            format!("[DEPENDENCY IN MAINTENANCE] {name}, until {}", words.minute(of.span.end)),
            format!("A service that yours depend on is in planned maintenance ({name}) until {end}."),
        ),
    };
    let mut own = Section::titled(words.say("您受影响的子系统", "What of yours is affected"));
    for other in affected {
        let (name, since) = (words.name(&other.name), words.time(other.since));
        own = own.point(match words.language {
            Language::Zh => format!("{name} ({})，自 {since}", other.subsystem),
            Language::En => format!("{name} ({}), since {since}", other.subsystem),
        });
    }
    let next = Section::titled(words.say("下一步", "Next")).point(words.say(
        "无需操作；窗口内不再另行告警，可用率照实际计算",
        "nothing to do; no further mail follows inside the window, your availability counts as it is",
    ));
    Page {
        lang: words.lang(),
        list: "maintenance",
        tone: Tone::Planned,
        subject,
        lead,
        sections: vec![own, window(of, words), next],
        links: links(words, url),
        why: vec![
            words
                .say(
                    "您收到此信，是因为您的子系统依赖正在维护的服务。由更夫自动发出，请勿回复。",
                    "You got this because subsystems of yours depend on what is being maintained. Sent by gengfu; \
                     replies are not read.",
                )
                .to_owned(),
        ],
    }
}

/// A set of files was refused; the former one stays in force.
pub(super) fn reload_refused(text: &str, words: &Words<'_>, url: &str) -> Page {
    let mut problems = Section::titled(words.say("问题", "Problems"));
    problems.verbatim = Some(text.to_owned());
    let next = Section::titled(words.say("下一步", "Next")).point(words.say(
        "修正后运行 `gengfu check`，保存即再次载入",
        "mend the files, run `gengfu check`; saving loads them again",
    ));
    Page {
        lang: words.lang(),
        list: "admins",
        tone: Tone::Warning,
        subject: words
            .say("[配置未生效] 新配置有误，沿用原有配置", "[RELOAD REFUSED] the former files stay in force")
            .to_owned(),
        lead: words
            .say(
                "新的配置文件有误，没有载入；监测和维护窗口仍按原有配置运行。",
                "The new files have errors and were not taken over; monitoring and windows go on by the former ones.",
            )
            .to_owned(),
        sections: vec![problems, next],
        links: vec![(words.say("总览", "Overview").to_owned(), format!("{url}/"))],
        why: vec![
            words
                .say(
                    "您收到此信，是因为您在管理员名单上。由更夫自动发出，请勿回复。",
                    "You got this because you are on the administrators' roster. Sent by gengfu; replies are not read.",
                )
                .to_owned(),
        ],
    }
}

/// Names that are listed before the rest is only counted.
const LISTED_MAX: usize = 8;

fn listed(all: &[(SubsystemId, Names)], words: &Words<'_>) -> String {
    let names: Vec<&str> = all.iter().take(LISTED_MAX).map(|(_, name)| words.name(name)).collect();
    let text = names.join(words.say("、", ", "));
    match (all.len() > LISTED_MAX, words.language) {
        (false, _) => text,
        (true, Language::Zh) => format!("{text}等 {} 项", all.len()),
        (true, Language::En) => format!("{text} and {} more", all.len() - LISTED_MAX),
    }
}

pub(super) fn links(words: &Words<'_>, url: &str) -> Vec<(String, String)> {
    vec![
        (words.say("维护日程", "Maintenance").to_owned(), format!("{url}/maintenance")),
        (words.say("日历订阅", "Calendar").to_owned(), format!("{url}/maintenance.ics")),
    ]
}
