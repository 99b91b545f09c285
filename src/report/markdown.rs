//! The report as Markdown; also what the plain part of its mail says.

use super::words::Words;
use super::{Line, Report, Stamp, Sum};
use crate::domain::Language;
use crate::domain::sla::Cause;
use std::fmt::Write;

/// Rows of one table; what is left out is counted.
const ROWS_MAX: usize = 2_000;

/// The whole report.
pub fn markdown(report: &Report, language: Language) -> String {
    let w = Words::of(report, language);
    let mut out = String::new();
    let doc = &mut out;
    line(doc, &format!("# {}\n", w.title(report)));
    line(doc, &format!("{}\n", w.summary(report)));
    for caveat in w.caveats(report) {
        line(doc, &format!("> {caveat}\n"));
    }
    heading(doc, w.say("总计", "Totals"));
    for (name, value) in totals(report, &w) {
        line(doc, &format!("- {name}: {value}"));
    }
    if report.owner.is_none() {
        league(doc, report, &w);
    }
    heading(doc, w.say("子系统", "Subsystems"));
    lines(doc, &report.subsystems, &w);
    if !report.composites.is_empty() {
        heading(doc, w.say("事项（不计入合计）", "Matters (not in the sums)"));
        lines(doc, &report.composites, &w);
    }
    incidents(doc, report, &w);
    windows(doc, report, &w);
    corrections(doc, report, &w);
    heading(doc, w.say("怎样读", "How to read"));
    w.legend().iter().for_each(|sentence| line(doc, &format!("- {sentence}")));
    if let Some(stamp) = Stamp::of(report, language) {
        let text = w.say("可凭事实重算核对：", "Can be made again from the facts:");
        line(doc, &format!("\n{text} `{stamp}`"));
    }
    out
}

/// Name and value of what is said of the whole.
pub(super) fn totals(report: &Report, w: &Words<'_>) -> Vec<(&'static str, String)> {
    let sum = &report.whole;
    let share = &sum.totals.share;
    let figure = |b: &crate::domain::sla::Bounded| {
        let (value, bounds) = (w.share(b.value, 1_000_000), w.bounds(b, 1_000_000));
        if bounds.is_empty() { value } else { format!("{value} ({bounds})") }
    };
    let mut rows = vec![
        (w.say("公众可用率", "Public availability"), figure(&sum.totals.public())),
        (w.say("合同可用率", "Contract availability"), figure(&sum.totals.contract())),
    ];
    if let Some(measured) = &report.measured {
        rows.push((w.say("公众可用率（更正前）", "Public, as measured"), figure(&measured.public())));
        rows.push((w.say("合同可用率（更正前）", "Contract, as measured"), figure(&measured.contract())));
    }
    rows.extend([
        (w.say("较上期（约定口径，百分点）", "Change (agreed figures, points)"), w.change(sum.change_ppm())),
        (
            w.say("质量（未降级的正常时间）", "Quality (good time not degraded)"),
            w.share(sum.totals.quality(), 1_000_000),
        ),
        (w.say("监测时间", "Watched"), w.length(share.seen.whole_ms())),
        (w.say("中断", "Down"), w.length(share.seen.bad_ms)),
        (w.say("未知", "Unknown"), w.length(share.seen.unknown_ms)),
        (w.say("预算 / 已用", "Budget / spent"), budget(sum, w)),
    ]);
    for cause in Cause::ALL {
        if let Some(ms) = share.spent_ms.get(&cause).filter(|ms| **ms > 0) {
            rows.push((w.cause(cause), w.length(*ms)));
        }
    }
    let maintenance = format!("{} / {}", w.length(share.excluded_ms), w.length(sum.allowed_ms));
    rows.push((w.say("计划维护扣除 / 上限", "Maintenance left out / allowed"), maintenance));
    rows.push((w.say("违规时间", "Policy violations"), w.length(share.policy_violation_ms)));
    rows
}

fn budget(sum: &Sum, w: &Words<'_>) -> String {
    format!("{} / {}", w.length(sum.totals.budget_ms), w.length(sum.totals.share.spent_total_ms()))
}

fn league(doc: &mut String, report: &Report, w: &Words<'_>) {
    heading(doc, w.say("单位排名", "League"));
    let columns = [
        w.say("名次", "Rank"),
        w.say("单位", "Owner"),
        w.say("约定可用率", "Agreed availability"),
        w.say("区间", "Bounds"),
    ];
    head(doc, &columns);
    for place in report.league.ranked.iter().take(ROWS_MAX) {
        let (value, bounds) = (w.share(place.figure.value, 1_000_000), w.bounds(&place.figure, 1_000_000));
        row(doc, &[&place.rank.to_string(), w.name(&place.name), &value, &bounds]);
    }
    if !report.league.unranked.is_empty() {
        line(doc, &format!("\n{}\n", w.say("未参与排名：", "Not ranked:")));
        for one in &report.league.unranked {
            line(doc, &format!("- {}: {}", cell(w.name(&one.name)), w.why_not(one.why)));
        }
    }
}

fn lines(doc: &mut String, lines: &[Line], w: &Words<'_>) {
    let columns = [
        w.say("名称", "Name"),
        w.say("目标", "Target"),
        w.say("口径", "Agreed"),
        w.say("公众", "Public"),
        w.say("合同", "Contract"),
        w.say("区间", "Bounds"),
        w.say("结论", "Verdict"),
        w.say("较上期", "Change"),
        w.say("预算余", "Budget left"),
        w.say("未知", "Unknown"),
        w.say("维护扣除", "Left out"),
        w.say("违规", "Violations"),
        w.say("备注", "Marks"),
    ];
    head(doc, &columns);
    for of in lines.iter().take(ROWS_MAX) {
        let account = &of.account;
        row(
            doc,
            &[
                &format!("{} `{}`", cell(w.name(&of.name)), of.id),
                &w.target(of.target_ppm),
                w.figure(of.figure),
                &w.share(account.public.value, of.target_ppm),
                &w.share(account.contract.value, of.target_ppm),
                &w.bounds(of.agreed(), of.target_ppm),
                w.verdict(account.verdict),
                &w.change(of.change_ppm()),
                &w.length(account.budget_left_ms()),
                &w.length(account.unknown_ms),
                &w.length(account.excluded_ms),
                &w.length(account.policy_violation_ms),
                &w.marks(of),
            ],
        );
    }
    more(doc, lines.len(), w);
}

fn incidents(doc: &mut String, report: &Report, w: &Words<'_>) {
    heading(doc, w.say("事件", "Incidents"));
    if report.incidents.is_empty() {
        return line(doc, w.say("没有。", "None."));
    }
    let columns = [
        w.say("编号", "Number"),
        w.say("子系统", "Subsystem"),
        w.say("现象", "Symptom"),
        w.say("起止", "From – to"),
        w.say("期内中断", "Down in the period"),
        w.say("首个证据", "First evidence"),
        w.say("责任单位", "Who answers"),
    ];
    head(doc, &columns);
    for incident in report.incidents.iter().take(ROWS_MAX) {
        let evidence = incident.reason.as_ref().map(|r| r.text.as_str()).unwrap_or("–");
        row(
            doc,
            &[
                &incident.id.to_string(),
                &format!("{} `{}`", cell(w.name(&incident.name)), incident.subsystem),
                w.symptom(incident.symptom),
                &w.span(incident.span),
                &w.length(incident.share.seen.bad_ms),
                &cell(evidence),
                &cell(&w.who(incident)),
            ],
        );
    }
    more(doc, report.incidents.len(), w);
}

fn windows(doc: &mut String, report: &Report, w: &Words<'_>) {
    heading(doc, w.say("维护", "Maintenance"));
    if report.windows.is_empty() {
        return line(doc, w.say("没有。", "None."));
    }
    let columns = [
        w.say("窗口", "Window"),
        w.say("单位", "Owner"),
        w.say("批准时段", "Approved"),
        w.say("实用", "Used"),
        w.say("扣除", "Left out"),
        w.say("超时", "Overrun"),
        w.say("违规", "Violations"),
        w.say("性质", "Standing"),
    ];
    head(doc, &columns);
    for window in report.windows.iter().take(ROWS_MAX) {
        row(
            doc,
            &[
                &format!("{} `{}`", cell(w.name(&window.name)), window.id),
                &cell(w.name(&window.owner)),
                &w.span(window.approved),
                &w.length(window.used.len_ms()),
                &w.length(window.share.excluded_ms),
                &w.length(window.overrun_ms()),
                &w.length(window.share.policy_violation_ms),
                &cell(&w.standing(window)),
            ],
        );
    }
    more(doc, report.windows.len(), w);
}

fn corrections(doc: &mut String, report: &Report, w: &Words<'_>) {
    if report.corrections.is_empty() {
        return;
    }
    heading(doc, w.say("更正", "Corrections"));
    head(doc, &w.correction_heads());
    for correction in report.corrections.iter().take(ROWS_MAX) {
        let cells = w.correction(correction).map(|text| cell(&text));
        row(doc, &cells.each_ref().map(String::as_str));
    }
    more(doc, report.corrections.len(), w);
}

fn more(doc: &mut String, all: usize, w: &Words<'_>) {
    if all > ROWS_MAX {
        let text = w.say("另有（见 CSV 或 JSON）：", "More, see CSV or JSON:");
        line(doc, &format!("\n{text} {}", all - ROWS_MAX));
    }
}

fn heading(doc: &mut String, text: &str) {
    line(doc, &format!("\n## {text}\n"));
}

fn head(doc: &mut String, columns: &[&str]) {
    row(doc, columns);
    row(doc, &vec!["---"; columns.len()]);
}

fn row(doc: &mut String, cells: &[&str]) {
    line(doc, &format!("| {} |", cells.join(" | ")));
}

fn line(doc: &mut String, text: &str) {
    // Writing into memory cannot fail.
    let _ = writeln!(doc, "{text}");
}

/// Text from outside stays in its cell, and is no markup.
fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '!') {
            safe.push('\\');
        }
        safe.push(if c.is_control() { ' ' } else { c });
    }
    safe
}
