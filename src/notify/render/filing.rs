//! Mails about what may have to be reported to an authority: how long is left, why, and the draft to complete.

use super::page::{Page, Section, Tone};
use super::words::Words;
use crate::domain::Language;
use crate::domain::filing::{Outcome, Sheet, Turn, draft};

/// One mail.
pub(super) fn page(turn: Turn, sheet: &Sheet, words: &Words<'_>, url: &str) -> Page {
    let mut sections = vec![clock(sheet, words), next(turn, sheet, words)];
    if turn != Turn::Settled {
        let title = words.say("报告草稿（复制后补全）", "Draft of the report, to copy and complete");
        let text = draft(sheet, words.zone, words.language, words.now);
        sections.push(Section { verbatim: Some(text), ..Section::titled(title) });
    }
    Page {
        lang: words.lang(),
        list: "filings",
        tone: match turn {
            Turn::Settled => Tone::Good,
            Turn::Due | Turn::Half => Tone::Warning,
            Turn::Soon | Turn::Overdue | Turn::Rose => Tone::Bad,
        },
        subject: subject(turn, sheet, words),
        lead: lead(turn, sheet, words),
        sections,
        links: vec![(
            words.say("打开上报页面", "Open the filing").to_owned(),
            format!("{url}/incidents/{}/filing", sheet.incident),
        )],
        why: vec![
            words
                .say(
                    "您收到此信，是因为您在 gengfu.yaml 的 filing.roster 值班名单上。更夫不会向任何主管部门发送报告。\
                     由更夫自动发出，请勿回复。",
                    "You got this because you are on the roster `filing.roster` of gengfu.yaml. gengfu sends nothing to any \
                     authority. Sent by gengfu; replies are not read.",
                )
                .to_owned(),
        ],
    }
}

fn subject(turn: Turn, sheet: &Sheet, words: &Words<'_>) -> String {
    let by = words.minute(sheet.clock().deadline());
    let mark = match (turn, words.language) {
        (Turn::Due, Language::Zh) => format!("须上报·{by} 前"),
        (Turn::Due, Language::En) => format!("REPORT BY {by}"),
        (Turn::Half, Language::Zh) => format!("上报时限过半·{by} 前"),
        (Turn::Half, Language::En) => format!("HALF THE TIME TO REPORT IS OVER, {by}"),
        (Turn::Soon, Language::Zh) => format!("上报即将逾期·{by} 前"),
        (Turn::Soon, Language::En) => format!("REPORT NOW, BY {by}"),
        (Turn::Overdue, _) => words.say("上报已逾期", "REPORT OVERDUE").to_owned(),
        (Turn::Rose, _) => words.say("级别升高", "GRADE ROSE").to_owned(),
        (Turn::Settled, _) => match sheet.outcome {
            Some(Outcome::Reported { .. }) => words.say("已上报", "REPORTED").to_owned(),
            _ => words.say("无须上报", "NO REPORT DUE").to_owned(),
        },
    };
    format!("[{mark}] {} {} {}", words.name(&sheet.name), words.symptom(sheet.symptom), sheet.incident)
}

fn lead(turn: Turn, sheet: &Sheet, words: &Words<'_>) -> String {
    let (name, grade) = (words.name(&sheet.name), sheet.grade.text(words.language));
    let (deadline, within) = (sheet.clock().deadline(), words.length(sheet.duty.within_ms));
    let (by, left) = (words.time(deadline), words.length(deadline.since(words.now)));
    let late = words.length(words.now.since(deadline));
    let to = words.name(&sheet.duty.to);
    match (turn, words.language) {
        (Turn::Due, Language::Zh) => {
            format!("{name}的中断可能达到“{grade}”级，须在 {by} 前（自获知起 {within}）向{to}报告。")
        }
        (Turn::Due, Language::En) => {
            format!("The outage of {name} may be {grade}: report to {to} by {by}, {within} after it was known.")
        }
        (Turn::Half | Turn::Soon, Language::Zh) => format!("{name}的中断尚未上报，距 {by} 的时限还有 {left}。"),
        (Turn::Half | Turn::Soon, Language::En) => {
            format!("The outage of {name} is not reported yet; {left} are left until {by}.")
        }
        (Turn::Overdue, Language::Zh) => format!("{name}的中断未见上报记录，时限 {by} 已过 {late}；请立即报告。"),
        (Turn::Overdue, Language::En) => {
            format!("No report of the outage of {name} is on record, and {by} was {late} ago: report now.")
        }
        (Turn::Rose, Language::Zh) => {
            let suggested = sheet.suggested.text(words.language);
            format!("{name}的中断已达到更高的级别“{suggested}”；请重新研判，必要时补报。")
        }
        (Turn::Rose, Language::En) => {
            let suggested = sheet.suggested.text(words.language);
            format!(
                "The outage of {name} has reached a higher grade, {suggested}: judge again, and report again if need be."
            )
        }
        (Turn::Settled, _) => settled(sheet, words),
    }
}

fn settled(sheet: &Sheet, words: &Words<'_>) -> String {
    let name = words.name(&sheet.name);
    match (&sheet.outcome, words.language) {
        (Some(Outcome::Reported { at, to, by }), Language::Zh) => {
            format!("{name}的中断已于 {} 报送{to}（由 {by} 记录）。", words.time(*at))
        }
        (Some(Outcome::Reported { at, to, by }), Language::En) => {
            format!("The outage of {name} was reported to {to} at {}, says {by}.", words.time(*at))
        }
        (Some(Outcome::NotDue { by, text }), Language::Zh) => format!("{by} 判定{name}的中断无须上报：{text}"),
        (Some(Outcome::NotDue { by, text }), Language::En) => {
            format!("{by} judges that no report is due about the outage of {name}: {text}")
        }
        (None, _) => name.to_owned(),
    }
}

fn clock(sheet: &Sheet, words: &Words<'_>) -> Section {
    let stated = if sheet.stated { words.say("（人工填报）", " (stated by a person)") } else { "" };
    let graded = match (&sheet.graded_by, words.language) {
        (Some(by), Language::Zh) => format!("（{by} 研判）"),
        (Some(by), Language::En) => format!(" (judged by {by})"),
        (None, Language::Zh) => "（按阈值建议，待研判）".to_owned(),
        (None, Language::En) => " (suggested by thresholds)".to_owned(),
    };
    let mut section = Section::titled(words.say("时限", "The clock"))
        .row(words.say("级别", "Grade"), format!("{}{graded}", sheet.grade.text(words.language)))
        .row(words.say("运营者类别", "Sort of operator"), sheet.duty.category.text(words.language))
        .row(words.say("报送", "Report to"), words.name(&sheet.duty.to))
        .row(words.say("获知", "Known since"), format!("{}{stated}", words.time(sheet.known)))
        .row(words.say("时限", "Report by"), words.time(sheet.clock().deadline()));
    if sheet.outcome.is_some() {
        section = section.row(words.say("记录", "On record"), settled(sheet, words));
    }
    for why in &sheet.why {
        section = section.row(words.say("依据", "Threshold"), words.name(why));
    }
    section
}

fn next(turn: Turn, sheet: &Sheet, words: &Words<'_>) -> Section {
    let (id, section) = (sheet.incident, Section::titled(words.say("下一步", "Next")));
    if turn == Turn::Settled {
        return section.point(words.say("无需操作；不再提醒", "nothing to do; no more warnings follow"));
    }
    let (judge, send, dismiss) = match words.language {
        Language::Zh => (
            format!("研判级别：`gengfu filing grade {id} considerable --reason …`"),
            format!("核实、补全草稿并人工报送，然后记录：`gengfu filing reported {id} --to …`"),
            format!("不须上报的：`gengfu filing dismiss {id} --reason …`"),
        ),
        Language::En => (
            format!("judge it: `gengfu filing grade {id} considerable --reason …`"),
            format!("check and complete the draft, send it by hand, and say so: `gengfu filing reported {id} --to …`"),
            format!("if none is due: `gengfu filing dismiss {id} --reason …`"),
        ),
    };
    section.point(judge).point(send).point(dismiss)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::civil::Zone;
    use crate::domain::{Content, MINUTE};

    fn sheet() -> Sheet {
        let due = crate::notify::examples::every().into_iter().find(|e| e.name == "filing_due");
        match due.map(|e| e.content) {
            Some(Content::Filing { sheet, .. }) => *sheet,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_draft_fills_in_what_is_known_and_leaves_blanks_for_people() {
        let (zone, sheet) = (Zone::named("Asia/Shanghai").unwrap(), sheet());
        let now = sheet.known + MINUTE;
        let zh = draft(&sheet, &zone, Language::Zh, now);
        for part in
            ["保护工作部门、公安机关", "上海市大数据中心", "建议 较大", "至今 1 小时 35 分钟", "已切换至备用集群"]
        {
            assert!(zh.contains(part), "{part} in\n{zh}");
        }
        let evil = Sheet { notes: vec![(now, "a\r\n八、其他".into())], ..sheet.clone() };
        let lines = |sheet: &Sheet| draft(sheet, &zone, Language::Zh, now).lines().count();
        assert_eq!(lines(&evil), zh.lines().count(), "text of people stays on its line");
        assert!(draft(&sheet, &zone, Language::En, now).contains("unusable for 1h35m"));
    }

    #[test]
    fn a_filing_stays_a_mail_of_its_own_and_cannot_wait_while_it_is_open() {
        for (turn, can_wait) in [(Turn::Due, false), (Turn::Half, true), (Turn::Overdue, false), (Turn::Settled, true)]
        {
            let content = Content::Filing { turn, sheet: Box::new(sheet()) };
            assert!(!content.folds());
            assert_eq!(content.urgency() > crate::domain::Urgency::Page, can_wait, "{turn:?}");
        }
    }
}
