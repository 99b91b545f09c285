//! When the report about a month is mailed, to whom, and what the letter says.
//!
//! Not here: how it leaves (`outbox`) and that it leaves once (`domain::engine`). Invariants: owners get their part, the
//! administrators the city's; external parties get none; a letter is complete without what is attached to it.

use super::markdown::totals;
use super::stamp::digest;
use super::words::Words;
use super::{IncidentLine, Line, Question, Report, build, html};
use crate::domain::history::{Made, Past};
use crate::domain::sla::{Grain, Period, Verdict};
use crate::domain::*;
use jiff::civil::{Date, time};
use std::collections::BTreeSet;

/// Points of one list in a letter; the report that is attached has all.
const POINTS_MAX: usize = 40;

/// The month whose report is due at `now`, if none about it or a later one was sent: from nine o'clock on the first working
/// day of the month after it, by the statutory calendar.
pub fn due(now: Timestamp, inventory: &Inventory, sent: Option<&str>) -> Option<Period> {
    let Inventory { zone, calendar, .. } = inventory;
    let first: Date = zone.date(now).first_of_month();
    let days = std::iter::successors(Some(first), |date| date.tomorrow().ok()).take(31);
    let working =
        days.filter(|date| date.month() == first.month()).find(|date| calendar.day(*date, None).is_working())?;
    if now < zone.instant(working.to_datetime(time(9, 0, 0, 0))) {
        return None;
    }
    let month = Period::civil(Grain::Month, first).previous()?;
    sent.is_none_or(|sent| *sent < *month.to_string()).then_some(month)
}

/// The letters about a month: none where nothing was seen in it.
pub fn letters(past: &Past, period: Period) -> Vec<ReportLetter> {
    let inventory = &*past.snapshot.inventory;
    let mut letters = Vec::new();
    for owner in inventory.owners.values().filter(|owner| owner.kind != OwnerKind::External) {
        let to = inventory.contacts(&owner.id, past.snapshot.at);
        letters.extend(about(past, Question { period, owner: Some(owner.id.clone()) }, owner.id.as_str(), &to));
    }
    let admins = inventory.contacts_on(&inventory.admins, past.snapshot.at);
    letters.extend(about(past, Question { period, owner: None }, "city", &admins));
    letters
}

/// What the city's report about a month says; `None` if it is not made of stored facts.
pub fn city_said(past: &Past, period: Period) -> Option<ReportSaid> {
    let report = build(past, past.snapshot.at, &Question { period, owner: None })?;
    let Made { facts, .. } = report.made.clone()?;
    Some(ReportSaid { as_of: report.at, facts, digest: digest(&report) })
}

/// One letter for each language.
fn about(past: &Past, question: Question, whose: &str, to: &[Contact]) -> Vec<ReportLetter> {
    let languages: BTreeSet<Language> = to.iter().map(|contact| contact.language).collect();
    let Some(report) = build(past, past.snapshot.at, &question).filter(|_| !languages.is_empty()) else {
        return Vec::new();
    };
    if report.whole.totals.share.seen.whole_ms() == 0 {
        return Vec::new();
    }
    let letter = |language| {
        let to = to.iter().filter(|contact| contact.language == language).map(Recipient::from).collect();
        let thread = format!("report-{}-{whose}", report.period);
        Some(ReportLetter { thread, to, news: news(&report, whose, language)? })
    };
    languages.into_iter().filter_map(letter).collect()
}

fn news(report: &Report, whose: &str, language: Language) -> Option<ReportNews> {
    let w = Words::of(report, language);
    let lost: Vec<&Line> = report.subsystems.iter().filter(|l| l.account.verdict != Verdict::Met).collect();
    let mut missed: Vec<String> = lost.iter().take(POINTS_MAX).map(|line| said(line, &w)).collect();
    let mut incidents: Vec<String> = report.incidents.iter().take(POINTS_MAX).map(|i| told(i, &w)).collect();
    for (list, all) in [(&mut missed, lost.len()), (&mut incidents, report.incidents.len())] {
        if all > POINTS_MAX {
            list.push(format!("{} {}", w.say("另有（见附件）：", "more, see the attachment:"), all - POINTS_MAX));
        }
    }
    Some(ReportNews {
        period: report.period.to_string(),
        title: w.title(report),
        lead: w.summary(report),
        caveats: w.caveats(report),
        totals: totals(report, &w).into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        missed,
        incidents,
        file: format!("gengfu-{}-{whose}.html", report.period),
        html: html(report, language).ok()?,
    })
}

/// One promise that was not met.
fn said(line: &Line, w: &Words<'_>) -> String {
    let (value, bounds) = (w.share(line.agreed().value, line.target_ppm), w.bounds(line.agreed(), line.target_ppm));
    let bounds = if bounds.is_empty() { String::new() } else { format!(" ({bounds})") };
    let (name, verdict, target) = (w.name(&line.name), w.verdict(line.account.verdict), w.target(line.target_ppm));
    let budget = w.length(line.account.budget_left_ms());
    let left = w.say("预算余", "budget left");
    format!("{name} ({}): {verdict}, {value}{bounds} / {target}; {left} {budget}", line.id)
}

/// One incident.
fn told(incident: &IncidentLine, w: &Words<'_>) -> String {
    let evidence = incident.reason.as_ref().map(|r| format!("; {}", r.text)).unwrap_or_default();
    let (name, symptom, span) = (w.name(&incident.name), w.symptom(incident.symptom), w.span(incident.span));
    format!("{}: {name}, {symptom}, {span}{evidence}", incident.id)
}
