//! Why: one sentence in both languages for each rule that denies or allows, with the place where it is written.
//!
//! Not here: the verdict itself (`decide`). Invariant: a span that is not allowed has at least one reason.

use super::opening::{Governed, Rules};
use super::{DateSpan, DenyKind, DenyReason, Grant, GrantKind, Policy};
use crate::domain::calendar::{Day, YearStatus};
use crate::domain::civil::day_after;
use crate::domain::*;
use jiff::civil::Date;

/// Every rule that denies `span`.
pub(super) fn denials(rules: &Rules<'_>, span: Span) -> Vec<DenyReason> {
    let inventory = rules.inventory;
    let (first, last) = (inventory.zone.date(span.start), inventory.zone.date(span.end - 1));
    let hit = |dates: &'_ [DateSpan]| dates.iter().find(|d| d.first_inside(first, last).is_some()).cloned();
    let mut reasons: Vec<DenyReason> = Vec::new();
    if let Some(date) = inventory.calendar.first_uncovered(&inventory.zone, span) {
        reasons.push(not_covered(inventory, date));
    }
    for freeze in &rules.freezes {
        if let Some(dates) = hit(&freeze.dates) {
            let text = Names {
                zh: format!("封网“{}”期间（{} 至 {}）不得变更", freeze.name.zh, dates.first, dates.last),
                en: format!("the freeze \"{}\" ({} to {}) forbids changes", freeze.name.en, dates.first, dates.last),
            };
            let rule = format!("freeze {}", freeze.id);
            reasons.push(DenyReason { kind: DenyKind::Freeze, text, rule, source: Some(freeze.source.clone()) });
        }
    }
    for governed in &rules.governed {
        let policy = governed.policy;
        if let Some(dates) = hit(&policy.deny) {
            let text = Names {
                zh: format!("政策 {} 在 {} 至 {} 不允许变更", policy.id, dates.first, dates.last),
                en: format!("the policy {} denies changes from {} to {}", policy.id, dates.first, dates.last),
            };
            reasons.push(by_policy(policy, DenyKind::Denied, text));
        }
        for reason in outside(governed, inventory, span) {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
    }
    reasons
}

/// The first instant of `span` that is neither night nor non-working day, and the calendar row behind it.
fn outside(governed: &Governed<'_>, inventory: &Inventory, span: Span) -> Vec<DenyReason> {
    let Some(closes) = first_closed(governed, inventory, span) else { return Vec::new() };
    let (policy, zone) = (governed.policy, &inventory.zone);
    let day = inventory.calendar.day(zone.date(closes), governed.overlay.as_ref());
    let (people, open) = (day.people(), rule_text(policy));
    let clock = |at| format!("{:02}:{:02}", zone.local(at).hour(), zone.local(at).minute());
    let at = clock(closes);
    let (kind, text) = if closes == span.start {
        let zh = format!("{} {at} 不在允许时段（{}）内", people.zh, open.zh);
        (DenyKind::OutsideAllowedHours, Names { zh, en: format!("{} {at} is outside {}", people.en, open.en) })
    } else {
        let end = Language::Zh;
        let zh = format!("允许时段于 {} {at} 结束，而请求持续到 {}", people.zh, zone.people(span.end, end));
        let en = zone.people(span.end, Language::En);
        let en = format!("the allowed time closes at {at} on {}, and the request lasts until {en}", people.en);
        (DenyKind::RunsOver, Names { zh, en })
    };
    let mut reasons = vec![by_policy(policy, kind, text)];
    if policy.allow.non_working_days {
        reasons.extend(row_reason(&inventory.calendar.id, kind, &day));
    }
    reasons
}

fn first_closed(governed: &Governed<'_>, inventory: &Inventory, span: Span) -> Option<Timestamp> {
    let zone = &inventory.zone;
    if governed.policy.allow.always {
        return None;
    }
    let mut at = span.start;
    let mut date = zone.date(at);
    while at < span.end && date < Date::MAX {
        if !inventory.calendar.covered(date) {
            // What an uncovered year would allow is not known; the calendar's own reason says so.
            date = Date::new(date.year() + 1, 1, 1).unwrap_or(Date::MAX);
            at = zone.midnight(date);
            continue;
        }
        let end = zone.day(date).end;
        match governed.open_part(inventory, date).map_or(Some(Span::new(at, end)), |set| set.span_at(at)) {
            None => return Some(at),
            Some(part) => at = part.end,
        }
        if at == end {
            date = day_after(date);
        }
    }
    None
}

/// The row that made a day of rest a working day.
fn row_reason(calendar: &str, kind: DenyKind, day: &Day<'_>) -> Option<DenyReason> {
    let row = day.row.filter(|_| day.is_working())?;
    let text = Names {
        zh: format!("{} 是{}调休上班日", day.date, row.name.zh),
        en: format!("{} is a make-up workday ({})", day.date, row.name.en),
    };
    Some(DenyReason { kind, text, rule: format!("calendar {calendar}"), source: Some(row.source.clone()) })
}

fn not_covered(inventory: &Inventory, date: Date) -> DenyReason {
    let (year, calendar) = (date.year(), &inventory.calendar);
    let (zh, en) = match calendar.status(year) {
        YearStatus::Provisional => ("尚未发布，现有日期为推定", "is not published yet and known provisionally"),
        _ => ("尚未录入", "is missing"),
    };
    let text = Names {
        zh: format!("日历未覆盖 {date}：{year} 年放假调休安排{zh}"),
        en: format!("calendar does not cover {date}: the notice for {year} {en}"),
    };
    DenyReason { kind: DenyKind::CalendarNotCovered, text, rule: format!("calendar {}", calendar.id), source: None }
}

/// What a policy allows, in words.
fn rule_text(policy: &Policy) -> Names {
    let allow = &policy.allow;
    let (mut zh, mut en) = (Vec::new(), Vec::new());
    if let Some(night) = allow.nights {
        zh.push(format!("夜间 {night}"));
        en.push(format!("nights {night}"));
    }
    if allow.non_working_days {
        zh.push("非工作日".to_owned());
        en.push("non-working days".to_owned());
    }
    if zh.is_empty() {
        return Names { zh: "无任何允许时段".to_owned(), en: "what is allowed, which is nothing".to_owned() };
    }
    Names { zh: zh.join("、"), en: en.join(" and ") }
}

/// Why a policy allows an instant whose block ends at `until`.
pub(super) fn grant(governed: &Governed<'_>, inventory: &Inventory, at: Timestamp, until: Timestamp) -> Grant {
    let (policy, zone) = (governed.policy, &inventory.zone);
    let day = inventory.calendar.day(zone.date(at), governed.overlay.as_ref());
    let (kind, zh, en) = if policy.allow.always {
        (GrantKind::Always, "任何时间".to_owned(), "any time".to_owned())
    } else if policy.allow.non_working_days && !day.is_working() {
        let people = day.people();
        (GrantKind::NonWorkingDay, people.zh, people.en)
    } else {
        let open = policy.allow.nights.map(|n| n.to_string()).unwrap_or_default();
        (GrantKind::Night, format!("夜间 {open}"), format!("the night {open}"))
    };
    let text = Names {
        zh: format!("政策 {} 允许：{zh}，至 {}", policy.id, zone.people(until, Language::Zh)),
        en: format!("the policy {} allows {en}, until {}", policy.id, zone.people(until, Language::En)),
    };
    Grant { kind, text, rule: format!("policy {}", policy.id), source: Some(policy.source.clone()) }
}

fn by_policy(policy: &Policy, kind: DenyKind, text: Names) -> DenyReason {
    DenyReason { kind, text, rule: format!("policy {}", policy.id), source: Some(policy.source.clone()) }
}

fn built_in(kind: DenyKind, zh: String, en: String) -> DenyReason {
    DenyReason { kind, text: Names { zh, en }, rule: "built in".to_owned(), source: None }
}

/// Nothing is asked for.
pub(super) fn empty(scope: &[SubsystemId]) -> DenyReason {
    let (zh, en) = if scope.is_empty() { ("范围", "scope") } else { ("时长", "length") };
    built_in(DenyKind::Empty, format!("请求的{zh}为空"), format!("the {en} of the request is empty"))
}

/// No policy governs a subsystem.
pub(super) fn no_policy(id: &SubsystemId) -> DenyReason {
    let en = format!("no policy governs {id}; what no policy governs may not be changed");
    built_in(DenyKind::NoPolicy, format!("没有政策管理 {id}，不得变更"), en)
}

/// A schedule names a policy that is not there.
pub(super) fn unknown_policy(id: &PolicyId) -> DenyReason {
    built_in(DenyKind::NoPolicy, format!("找不到政策 {id}"), format!("the policy {id} does not exist"))
}
