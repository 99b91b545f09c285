//! The explanation for people: one line of answer for each thing that decides, and where it is written below it.

use super::{Explained, NO_WINDOW, NOT_ANNOUNCED};
use crate::cli::answer::{moment, rule_line, say};
use crate::domain::calendar::YearStatus;
use crate::domain::policy::Decision;
use crate::domain::*;
use crate::field::format_duration;
use std::io::{Result, Write};

/// Columns of the label in front of each line.
const LABEL: usize = 10;

pub(super) fn write(explained: &Explained<'_>, lang: Language, out: &mut dyn Write) -> Result<()> {
    let Explained { inventory, subsystem, span, .. } = explained;
    let public = if subsystem.public { say(lang, "，面向公众", ", public") } else { "" };
    let tier = u8::from(subsystem.tier);
    let tier = if lang == Language::Zh { format!("{tier} 级") } else { format!("tier {tier}") };
    writeln!(out, "{}  {}, {tier}{public}  ({})", subsystem.id, subsystem.name.get(lang), subsystem.source)?;
    let lasts = format_duration(span.len_ms());
    let at = moment(inventory, span.start, lang);
    line(out, say(lang, "时刻", "at"), &format!("{at} {} +{lasts}", inventory.zone.name()))?;
    line(out, say(lang, "日历", "calendar"), &calendar(explained, lang))?;
    line(out, say(lang, "服务时间", "hours"), &hours(explained, lang))?;
    decision(explained, lang, out)?;
    gate(explained, lang, out)?;
    coverage(explained, lang, out)?;
    if_stopped(explained, lang, out)?;
    objective(explained, lang, out)
}

/// Pads by columns, of which a Chinese character takes two.
fn line(out: &mut dyn Write, label: &str, text: &str) -> Result<()> {
    let columns: usize = label.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
    writeln!(out, "  {label}{}{text}", " ".repeat(LABEL.saturating_sub(columns).max(1)))
}

fn below(out: &mut dyn Write, text: &str) -> Result<()> {
    line(out, "", text)
}

fn calendar(explained: &Explained<'_>, lang: Language) -> String {
    let day = &explained.day;
    let people = day.people();
    let known = match day.status {
        YearStatus::Published => "",
        YearStatus::Provisional => say(lang, "，该年安排未发布", ", the year is provisional"),
        YearStatus::Absent => say(lang, "，该年安排未录入", ", the year is missing"),
    };
    format!("{}{known}  ({})", people.get(lang), explained.calendar_source())
}

fn hours(explained: &Explained<'_>, lang: Language) -> String {
    let open = |set: &SpanSet| match set.is_empty() {
        true => say(lang, "不在服务时间内", "closed"),
        false => say(lang, "服务中", "open"),
    };
    let (declared, effective) = (open(&explained.declared.set), open(&explained.effective.set));
    let provisional = if explained.effective.provisional { say(lang, "（推定）", " (provisional)") } else { "" };
    let subsystem = explained.subsystem;
    let counted = say(lang, "计入依赖后", "with dependencies");
    let source = &subsystem.source;
    format!("{}: {declared}, {counted}: {effective}{provisional}  ({source})", subsystem.hours.as_str())
}

fn decision(explained: &Explained<'_>, lang: Language, out: &mut dyn Write) -> Result<()> {
    let label = say(lang, "政策", "policy");
    match &explained.decision {
        Decision::Allow { until, because } => {
            let until = moment(explained.inventory, *until, lang);
            line(out, label, &format!("{} {until}", say(lang, "允许，至", "allow until")))?;
            because.iter().try_for_each(|g| below(out, &rule_line(&g.text, g.source.as_ref(), lang)))
        }
        Decision::Deny { reasons, next_open } => {
            line(out, label, &denied(explained.inventory, *next_open, lang))?;
            reasons.iter().try_for_each(|r| below(out, &rule_line(&r.text, r.source.as_ref(), lang)))
        }
    }
}

fn denied(inventory: &Inventory, next_open: Option<Timestamp>, lang: Language) -> String {
    match next_open {
        Some(opens) => {
            format!("{} {}", say(lang, "不允许，下次可变更", "deny, next open"), moment(inventory, opens, lang))
        }
        None => say(lang, "不允许，已知日期内没有可变更的时段", "deny, no opening is known").to_owned(),
    }
}

fn gate(explained: &Explained<'_>, lang: Language, out: &mut dyn Write) -> Result<()> {
    let (answer, mode) = (&explained.gate, explained.gate_mode());
    let verdict = match answer.until {
        Some(until) => format!("{} {}", say(lang, "允许，至", "allow until"), moment(explained.inventory, until, lang)),
        None => denied(explained.inventory, answer.next_open, lang),
    };
    line(out, say(lang, "变更闸口", "gate"), &format!("{mode}: {verdict}"))?;
    let more = answer.reasons.iter().filter(|r| !explained.decision.reasons().contains(r));
    more.into_iter().try_for_each(|r| below(out, &rule_line(&r.text, r.source.as_ref(), lang)))
}

fn coverage(explained: &Explained<'_>, lang: Language, out: &mut dyn Write) -> Result<()> {
    let why = if explained.holding().is_some() { NOT_ANNOUNCED } else { NO_WINDOW };
    line(out, say(lang, "覆盖", "coverage"), say(lang, why.0, why.1))?;
    let Some(window) = &explained.window else {
        return line(out, say(lang, "窗口", "window"), say(lang, "400 天内没有", "none within 400 days"));
    };
    let start = moment(explained.inventory, window.planned.span.start, lang);
    let lasts = format_duration(window.planned.span.len_ms());
    let (id, source) = (&window.planned.id, &window.schedule.source);
    line(out, say(lang, "窗口", "window"), &format!("{id} {start} +{lasts}  ({source})"))?;
    below(out, &window.standing(lang))
}

/// What a stop of this subsystem alone would take down.
fn if_stopped(explained: &Explained<'_>, lang: Language, out: &mut dyn Write) -> Result<()> {
    let impact = &explained.impact;
    let text = match impact.is_empty() {
        true => say(lang, "不影响其他子系统和事项", "nothing else is down with it").to_owned(),
        false => impact.text(explained.inventory).get(lang).to_owned(),
    };
    line(out, say(lang, "若停机", "stopped"), &text)
}

fn objective(explained: &Explained<'_>, lang: Language, out: &mut dyn Write) -> Result<()> {
    let id = &explained.subsystem.objective;
    let label = say(lang, "目标", "objective");
    let Some(objective) = explained.inventory.objectives.get(id) else { return line(out, label, id.as_str()) };
    let period = match objective.period {
        ObjectivePeriod::Week => say(lang, "每周", "per week"),
        ObjectivePeriod::Month => say(lang, "每自然月", "per civil month"),
        ObjectivePeriod::Quarter => say(lang, "每季度", "per quarter"),
        ObjectivePeriod::Year => say(lang, "每年", "per year"),
        ObjectivePeriod::Rolling7d => say(lang, "滚动 7 天", "over rolling 7 days"),
        ObjectivePeriod::Rolling30d => say(lang, "滚动 30 天", "over rolling 30 days"),
    };
    let figure = match objective.figure {
        Figure::Public => say(lang, "公开口径", "public figure"),
        Figure::Contract => say(lang, "合同口径", "contract figure"),
    };
    let target = f64::from(objective.target_ppm) / 1e4;
    line(out, label, &format!("{id}: {target} % {period}, {figure}  ({})", objective.source))?;
    // What was said elsewhere than the target.
    let elsewhere = |o: &&Origin| o.source.as_ref().is_some_and(|source| *source != objective.source);
    for origin in objective.origins.iter().filter(elsewhere) {
        let Some(source) = &origin.source else { continue };
        below(out, &format!("{} {}  ({source})", origin.field, value(objective, origin.field)))?;
    }
    Ok(())
}

/// A field as it is written.
fn value(objective: &Objective, field: &str) -> String {
    match field {
        "hours" => objective.hours.as_ref().map(|hours| hours.as_str().to_owned()).unwrap_or_default(),
        "exclusion_cap" => format_duration(objective.exclusion_cap_ms),
        "pages" => format!("[{}]", objective.pages.words().join(", ")),
        // The period and the figure stand in the sentence.
        _ => String::new(),
    }
}
