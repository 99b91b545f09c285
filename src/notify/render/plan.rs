//! Mails of plans: what a step says, and when a run needs people.

use super::page::{Page, Section, Tone};
use super::words::Words;
use crate::domain::{Language, RunNews, RunNewsKind};

/// One mail.
pub(super) fn page(news: &RunNews, words: &Words<'_>, url: &str) -> Page {
    let (plan, text) = (words.name(&news.plan), words.name(&news.text));
    let (mark, lead) = match (news.kind, words.language) {
        (RunNewsKind::Says, Language::Zh) => ("维护进展", text.to_owned()),
        (RunNewsKind::Says, Language::En) => ("MAINTENANCE", text.to_owned()),
        (RunNewsKind::Parked, Language::Zh) => ("维护停放", format!("{plan}停放等待：{text}。")),
        (RunNewsKind::Parked, Language::En) => ("MAINTENANCE PARKED", format!("{plan} waits for a person: {text}.")),
        (RunNewsKind::TurnsBack, Language::Zh) => ("维护回退", format!("{plan}正在回退：{text}。")),
        (RunNewsKind::TurnsBack, Language::En) => ("MAINTENANCE TURNS BACK", format!("{plan} turns back: {text}.")),
        (RunNewsKind::Broken, Language::Zh) => ("回退不完整", format!("{plan}已结束，服务已恢复，但{text}。")),
        (RunNewsKind::Broken, Language::En) => {
            ("MAINTENANCE LEFT TRACES", format!("{plan} is over and the service is back, but something is {text}."))
        }
        (RunNewsKind::StaysDrained, Language::Zh) => ("未能恢复服务", format!("{plan}未能恢复服务：{text}。")),
        (RunNewsKind::StaysDrained, Language::En) => {
            ("STAYS OUT OF SERVICE", format!("{plan} cannot put something back into service: {text}."))
        }
    };
    let mut facts = Section::titled(words.say("执行情况", "The run"))
        .row(words.say("运行", "Run"), news.run.as_str())
        .row(words.say("窗口", "Window"), news.window.as_str())
        .row(words.say("时间", "When"), words.span(news.span))
        .row(words.say("回退时间点", "No step starts after"), words.time(news.point_of_no_return));
    if let Some(step) = &news.step {
        facts = facts.row(words.say("步骤", "Step"), step.as_str());
    }
    let run = &news.run;
    let next = match news.kind {
        RunNewsKind::Says => None,
        RunNewsKind::Parked => Some(match words.language {
            Language::Zh => format!(
                "查清该步骤是否已执行，然后运行 `gengfu plan resume {run} --done` 或 `--again`；\
                 或用 `gengfu plan abort {run}` 回退。到回退时间点仍无人处理则自动回退"
            ),
            Language::En => format!(
                "find out whether the step was done, then run `gengfu plan resume {run} --done` or `--again`; or turn \
                 back with `gengfu plan abort {run}`. Without an answer it turns back at the point of no return"
            ),
        }),
        RunNewsKind::TurnsBack => Some(
            words
                .say(
                    "无需操作；回退后恢复服务并验证",
                    "nothing to do; what was done is undone, and the service verified",
                )
                .to_owned(),
        ),
        RunNewsKind::Broken => {
            Some(words.say("请人工检查并清理这些步骤", "look at these steps and take them back by hand").to_owned())
        }
        RunNewsKind::StaysDrained => Some(
            words
                .say("仍在重试；请检查，必要时手工恢复", "it is tried on; look, and put it back by hand if need be")
                .to_owned(),
        ),
    };
    let next = next.map(|next| Section::titled(words.say("下一步", "Next")).point(next));
    Page {
        lang: words.lang(),
        list: "maintenance",
        tone: match news.kind {
            RunNewsKind::Says => Tone::Planned,
            RunNewsKind::TurnsBack => Tone::Warning,
            RunNewsKind::Parked | RunNewsKind::Broken | RunNewsKind::StaysDrained => Tone::Bad,
        },
        subject: format!("[{mark}] {plan}"),
        lead,
        sections: [facts].into_iter().chain(next).collect(),
        links: vec![(words.say("维护日程", "Maintenance").to_owned(), format!("{url}/maintenance"))],
        why: vec![
            words
                .say(
                    "您收到此信，是因为您在相关值班名单上。由更夫自动发出，请勿回复。",
                    "You got this because you are on an on-call roster concerned. Sent by gengfu; replies are not read.",
                )
                .to_owned(),
        ],
    }
}
