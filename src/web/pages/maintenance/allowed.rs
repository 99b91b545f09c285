//! What is allowed when: each policy in a sentence, whether it is open now, and the freezes to come.
//!
//! Not here: the answer to one request (`request`, and the gate).

use super::super::Asked;
use crate::domain::policy::{DayPart, Freeze, GateMode, NoticeRule, Policy, Selector};
use crate::domain::*;
use crate::web::{figures, format};
use jiff::civil::Date;

/// How far ahead freezes are listed: as far as windows are known.
const AHEAD_MS: Millis = window::HORIZON_MS;
/// Names that a sentence lists.
const NAMED_MAX: usize = 4;

/// One policy.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) governs: String,
    pub(super) count: usize,
    pub(super) when: String,
    pub(super) is_open: bool,
    pub(super) now: String,
    pub(super) demands: Vec<String>,
}

/// Nothing may be changed from one date to another.
#[derive(Debug)]
pub(super) struct Frozen {
    pub(super) name: String,
    pub(super) when: String,
    pub(super) about: String,
    pub(super) is_now: bool,
}

/// Every policy of the files, in their order.
pub(super) fn rules(asked: &Asked) -> Vec<Rule> {
    let figures = figures::policies(asked.now, &asked.snapshot);
    asked.snapshot.inventory.policies.iter().zip(figures).map(|(policy, figure)| rule(asked, policy, &figure)).collect()
}

fn rule(asked: &Asked, policy: &Policy, figure: &figures::PolicyFigure) -> Rule {
    let (t, inventory) = (asked.t, &asked.snapshot.inventory);
    let now = match (figure.open_until, figure.next_open) {
        (Some(until), _) => format!("{} {} {}", t.is_open, t.until, asked.moment(until)),
        (None, Some(next)) => format!("{} · {} {}", t.is_shut, t.next_open, asked.moment(next)),
        (None, None) => format!("{} · {}", t.is_shut, t.no_next_open),
    };
    Rule {
        id: policy.id.to_string(),
        governs: governs(asked, &policy.applies_to),
        count: inventory.subsystems.values().filter(|s| policy.applies_to.matches(&s.id, s.tier)).count(),
        when: when(asked, policy),
        is_open: figure.open_until.is_some(),
        now,
        demands: demands(asked.language, policy),
    }
}

fn governs(asked: &Asked, selector: &Selector) -> String {
    let mut parts = Vec::new();
    if !selector.tiers.is_empty() {
        let tiers: Vec<String> = selector.tiers.iter().map(|tier| u8::from(*tier).to_string()).collect();
        parts.push(match asked.language {
            Language::Zh => format!("{} 级", tiers.join("、")),
            Language::En => format!("tier {}", tiers.join(", ")),
        });
    }
    let mut list = |names: Vec<String>| {
        let more = names.len() > NAMED_MAX;
        let mut names: Vec<String> = names.into_iter().take(NAMED_MAX).collect();
        if more {
            names.push("…".to_owned());
        }
        if !names.is_empty() {
            parts.push(names.join(if asked.language == Language::Zh { "、" } else { ", " }));
        }
    };
    list(selector.owners.iter().map(|owner| asked.owner_name(owner)).collect());
    list(selector.ids.iter().map(|id| asked.name(id)).collect());
    match parts.is_empty() {
        true => asked.t.all.to_owned(),
        false => parts.join(" · "),
    }
}

fn when(asked: &Asked, policy: &Policy) -> String {
    let (t, allow) = (asked.t, &policy.allow);
    let mut parts = Vec::new();
    if allow.always {
        parts.push(t.at_any_time.to_owned());
    }
    if let Some(DayPart { start, end, end_day_offset }) = allow.nights {
        let next = if end_day_offset > 0 { t.next_day } else { "" };
        parts.push(format!("{}–{next}{}", start.strftime("%H:%M"), end.strftime("%H:%M")));
    }
    if allow.non_working_days {
        parts.push(t.non_working_days.to_owned());
    }
    match parts.is_empty() {
        true => t.never.to_owned(),
        false => parts.join(" + "),
    }
}

fn demands(language: Language, policy: &Policy) -> Vec<String> {
    let pick = |zh: String, en: String| if language == Language::Zh { zh } else { en };
    let mut all = Vec::new();
    if policy.gate == GateMode::Window {
        all.push(pick("须有已公告的窗口".into(), "an announced window".into()));
    }
    match policy.approvals {
        0 => {}
        1 => all.push(pick("1 人批准".into(), "1 approval".into())),
        n => all.push(pick(format!("{n} 人批准"), format!("{n} approvals"))),
    }
    if let Some(most) = policy.longest_deny_ms {
        let length = format::length(language, most);
        all.push(pick(format!("至多 {length}"), format!("{length} at most")));
    }
    if policy.notice == NoticeRule::ByLength {
        all.push(pick("按时长提前公告".into(), "notice by length".into()));
    }
    if let Some(most) = policy.limits.per_month {
        all.push(pick(format!("每单位每月至多 {most} 次"), format!("{most} a month per owner")));
    }
    if let Some(most) = policy.limits.hours_per_month_ms {
        let length = format::length(language, most);
        all.push(pick(format!("每单位每月合计至多 {length}"), format!("{length} a month per owner in all")));
    }
    if let Some(at_once) = policy.limits.at_once {
        let (tier, most) = (u8::from(at_once.tier), at_once.most);
        all.push(pick(format!("{tier} 级同时至多 {most} 个"), format!("{most} of tier {tier} at once")));
    }
    if let Some(ppm) = policy.limits.budget_needs_ppm {
        let share = format::target(ppm);
        all.push(pick(format!("须剩余预算 {share}"), format!("{share} of the budget left")));
    }
    all
}

/// Freezes that are on or to come, in order of time.
pub(super) fn freezes(asked: &Asked) -> Vec<Frozen> {
    let zone = asked.zone();
    let (today, until) = (zone.date(asked.now), zone.date(asked.now + AHEAD_MS));
    let rows = asked.snapshot.inventory.freezes.iter().flat_map(|freeze| {
        freeze.dates.iter().filter_map(move |dates| dates.row_from(today, until)).map(move |row| (row, freeze))
    });
    let mut rows: Vec<((Date, Date), &Freeze)> = rows.collect();
    rows.sort_by_key(|(dates, freeze)| (*dates, &freeze.id));
    let frozen = |((first, last), freeze): ((Date, Date), &Freeze)| Frozen {
        name: freeze.name.get(asked.language).to_owned(),
        when: dates(asked, today, first, last),
        about: governs(asked, &freeze.applies_to),
        is_now: first <= today && today <= last,
    };
    rows.into_iter().map(frozen).collect()
}

/// `5 – 10 Nov`-like, with the year where it is another.
fn dates(asked: &Asked, today: Date, first: Date, last: Date) -> String {
    let day = |date: Date| {
        let text = format::day(asked.language, date);
        match (date.year() == today.year(), asked.language) {
            (true, _) => text,
            (false, Language::Zh) => format!("{}年{text}", date.year()),
            (false, Language::En) => format!("{text} {}", date.year()),
        }
    };
    if first == last { day(first) } else { format!("{} – {}", day(first), day(last)) }
}
