//! What the declared windows would be told: those that can never be allowed, and those that would be denied.
//!
//! Not here: the rules (`domain::policy`). Invariants: dates that the calendar does not cover are one warning in all;
//! a schedule is called hopeless only if it has no start, past or future, that would be allowed.

mod overlaps;
mod promises;
mod rosters;

pub(super) use rosters::holes;

use crate::domain::civil::Zone;
use crate::domain::policy::{
    Admission, Asked, Circumstances, Decision, Obstacle, admit, ask_all, decide, notice_deadline, people_length,
    working_days_of_notice,
};
use crate::domain::window::{Planned, Recurrence, Schedule, expand};
use crate::domain::*;
use crate::field::{Code, Place, Problem};
use jiff::civil::DateTime;
use std::collections::BTreeMap;

/// How far windows are looked at, in either direction.
const HORIZON_MS: Millis = 400 * DAY;
/// How many days are looked at for another date.
const DAYS_AHEAD: usize = 120;
/// Most windows that one warning names.
const NAMED_MAX: usize = 5;

/// Where schedules and the calendar were written.
pub(super) trait Places {
    fn schedule(&self, id: &ScheduleId) -> Place;
    fn calendar(&self, id: &str) -> Place;
    fn objective(&self, id: &ObjectiveId) -> Place;
    fn roster(&self, id: &RosterId) -> Place;
}

/// Judges every schedule over the 400 days from `from` on.
pub(super) fn judge_windows(inventory: &Inventory, from: Timestamp, places: &impl Places) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut uncovered = Uncovered::default();
    let mut kept = Vec::with_capacity(inventory.schedules.len());
    let mut asked: BTreeMap<&ScheduleId, Vec<Asked<'_>>> = BTreeMap::new();
    let all = ask_all(inventory, Span::lasting(from, HORIZON_MS));
    problems.extend(overlaps::told(inventory, &all, places));
    for window in all {
        asked.entry(&window.schedule.id).or_default().push(window);
    }
    for schedule in inventory.schedules.values() {
        let at = places.schedule(&schedule.id);
        let windows = asked.remove(&schedule.id).unwrap_or_default();
        kept.push((schedule, judge(inventory, schedule, windows, from, &at, &mut uncovered, &mut problems)));
    }
    problems.extend(promises::broken(inventory, from, &kept, places));
    problems.extend(promises::boundless(inventory, from, places));
    if let Some(first) = uncovered.first {
        let calendar = &inventory.calendar;
        let name =
            if calendar.id.is_empty() { "no calendar".into() } else { format!("the calendar `{}`", calendar.id) };
        let verb = if calendar.id.is_empty() { "covers them" } else { "does not cover them" };
        let message = format!(
            "{} windows of {} schedules from {} on stay drafts: {name} {verb}",
            uncovered.windows,
            uncovered.schedules,
            inventory.zone.date(first)
        );
        let hint = "add the State Council's notice as soon as it is published";
        problems.push(Problem::warning(Code::NotCovered, &places.calendar(&calendar.id), message).hint(hint));
    }
    problems
}

/// Windows on dates whose year has no published table.
#[derive(Default)]
struct Uncovered {
    windows: usize,
    schedules: usize,
    first: Option<Timestamp>,
}

/// The answer for one window.
enum Answer {
    Allowed,
    Uncovered,
    Waits(Obstacle),
    Denied(Obstacle),
}

/// A window and what stands in its way.
type Hindered<'a> = (&'a Planned, &'a Obstacle);

/// Says what is wrong with one schedule, and returns what may happen of it.
fn judge(
    inventory: &Inventory,
    schedule: &Schedule,
    asked: Vec<Asked<'_>>,
    from: Timestamp,
    at: &Place,
    uncovered: &mut Uncovered,
    problems: &mut Vec<Problem>,
) -> SpanSet {
    let (windows, answers): (Vec<Planned>, Vec<Answer>) =
        asked.into_iter().map(|a| (a.planned, answer(a.admission))).unzip();
    if windows.is_empty() {
        problems.push(idle(schedule, &inventory.zone, from, at));
        return SpanSet::EMPTY;
    }
    let blank = answers.iter().filter(|a| matches!(a, Answer::Uncovered)).count();
    let once = matches!(schedule.starts, Recurrence::Dates(_));
    if once && blank == windows.len() {
        problems.push(blank_dates(schedule, at));
    } else if blank > 0 {
        uncovered.windows += blank;
        uncovered.schedules += 1;
        let first =
            windows.iter().zip(&answers).find(|(_, a)| matches!(a, Answer::Uncovered)).map(|(w, _)| w.span.start);
        uncovered.first = uncovered.first.into_iter().chain(first).min();
    }
    if once {
        problems.extend(late(inventory, schedule, &windows, &answers, from, at));
    }
    let (mut denied, mut waiting): (Vec<Hindered<'_>>, Vec<Hindered<'_>>) = Default::default();
    for (window, answer) in windows.iter().zip(&answers) {
        match answer {
            Answer::Denied(obstacle) => denied.push((window, obstacle)),
            Answer::Waits(obstacle) => waiting.push((window, obstacle)),
            Answer::Allowed | Answer::Uncovered => {}
        }
    }
    if !waiting.is_empty() {
        problems.push(clash(inventory, &waiting, windows.len(), at));
    }
    if denied.is_empty() {
        problems.extend(long(inventory, schedule, &windows, at));
    } else if denied.len() + blank == windows.len() && is_hopeless(inventory, schedule, from, blank) {
        problems.push(never(inventory, schedule, &denied, at));
    } else {
        problems.push(some(inventory, &denied, windows.len(), at));
    }
    let stays = |(_, answer): &(&Planned, &Answer)| !matches!(answer, Answer::Denied(_));
    windows.iter().zip(&answers).filter(stays).map(|(w, _)| w.span).collect()
}

/// All its dates lie where nothing can be decided yet.
fn blank_dates(schedule: &Schedule, at: &Place) -> Problem {
    let message = format!("`{}` stays a draft: no published calendar covers its dates", schedule.id);
    let hint = "choose a date of a published year, or wait for the State Council's notice";
    Problem::warning(Code::NotCovered, at, message).hint(hint)
}

/// The first window whose announcement would come too late if nobody has sent it yet, and when one would not.
fn late(
    inventory: &Inventory,
    schedule: &Schedule,
    windows: &[Planned],
    answers: &[Answer],
    from: Timestamp,
    at: &Place,
) -> Option<Problem> {
    let zone = &inventory.zone;
    let deadline = |window: &Planned| notice_deadline(inventory, schedule, window).filter(|by| *by < from);
    let allowed = windows.iter().zip(answers).filter(|(_, answer)| matches!(answer, Answer::Allowed));
    let (window, by) = allowed.filter_map(|(window, _)| Some((window, deadline(window)?))).next()?;
    let [start, by] = [window.span.start, by].map(|at| zone.people(at, Language::En));
    let days = working_days_of_notice(window.span.len_ms());
    let message =
        format!("the notice of {start} had to be out by {by}: {days} working days go before so long a window");
    let later = in_time(inventory, schedule, window, from).map(|at| zone.people(at, Language::En));
    let hint = later.map_or_else(String::new, |at| format!(", or start on {at} at the earliest"));
    let hint = format!("if it was not announced by then it will be blocked: shorten it{hint}");
    Some(Problem::warning(Code::LateNotice, at, message).hint(hint))
}

/// The earliest start at the same time of day that is allowed and can still be announced in time.
fn in_time(inventory: &Inventory, schedule: &Schedule, window: &Planned, from: Timestamp) -> Option<Timestamp> {
    let day = inventory.zone.date(window.span.start);
    let mut days = std::iter::successors(Some(day), |day| day.tomorrow().ok()).skip(1).take(DAYS_AHEAD);
    let at = window.civil_start.time();
    days.find_map(|day| {
        let civil_start = day.to_datetime(at);
        let span = Span::lasting(inventory.zone.instant(civil_start), window.span.len_ms());
        let moved = Planned { civil_start, span, id: window.id.clone() };
        let asked = admit(inventory, schedule, &moved, &Circumstances::default());
        let fits = !asked.is_late(from) && matches!(answer(asked), Answer::Allowed);
        fits.then_some(span.start)
    })
}

/// Nothing starts within the horizon: over, or beyond it.
fn idle(schedule: &Schedule, zone: &Zone, from: Timestamp, at: &Place) -> Problem {
    let last = expand(schedule, zone, Span::new(from - HORIZON_MS, from)).pop().map(|w| w.civil_start);
    let dates = match &schedule.starts {
        Recurrence::Dates(dates) => dates.as_slice(),
        _ => &[],
    };
    let over = |civil: &DateTime| zone.instant(*civil) < from;
    let last = last.into_iter().chain(dates.iter().chain(&schedule.also).copied().filter(over)).max();
    let message = match last {
        Some(last) => format!("`{}` has no start within 400 days; its last was {last}", schedule.id),
        None => format!("`{}` has no start within 400 days", schedule.id),
    };
    Problem::warning(Code::MatchesNothing, at, message).hint("take it out when it is over, or check its dates")
}

fn answer(admission: Admission) -> Answer {
    let (mut blank, mut waits) = (false, None);
    for obstacle in admission.obstacles {
        match obstacle {
            Obstacle::NotCovered(_) => blank = true,
            Obstacle::Denied { .. } | Obstacle::TooLong(_) => return Answer::Denied(obstacle),
            Obstacle::Waits(_) => waits = waits.or(Some(obstacle)),
            Obstacle::Approvals { .. } => {}
        }
    }
    match waits {
        Some(obstacle) => Answer::Waits(obstacle),
        None if blank => Answer::Uncovered,
        None => Answer::Allowed,
    }
}

/// Whether nothing but denial was, is or will be possible. Dates to come that are not covered may still be allowed.
fn is_hopeless(inventory: &Inventory, schedule: &Schedule, from: Timestamp, blank: usize) -> bool {
    match &schedule.starts {
        Recurrence::Dates(_) => blank == 0,
        // One covered start may be unlucky; a year of them is a rule.
        Recurrence::Cron(_) | Recurrence::Nth { .. } | Recurrence::Rule { .. } => {
            let before = Span::new(from - HORIZON_MS, from);
            let past = expand(schedule, &inventory.zone, before);
            let alone = Circumstances::default();
            !past.iter().any(|w| matches!(answer(admit(inventory, schedule, w, &alone)), Answer::Allowed))
        }
    }
}

fn never(inventory: &Inventory, schedule: &Schedule, denied: &[Hindered<'_>], at: &Place) -> Problem {
    let message = format!("no window of `{}` can be allowed: {}", schedule.id, named(inventory, &denied[..1]));
    let mut problem = Problem::error(Code::NeverAllowed, at, message);
    let shorter = denied.first().and_then(|(window, _)| room(inventory, schedule, window));
    if let Some(next) = denied.iter().find_map(|(_, o)| next_open(o)) {
        let next = inventory.zone.people(next, Language::En);
        let shorter = shorter.map_or_else(String::new, |room| format!("; at its own start it may last {room}"));
        problem = problem.hint(format!("the next start at which it would be allowed is {next}{shorter}"));
    } else {
        problem = problem.hint("shorten it, or move it into allowed hours");
    }
    problem
}

/// How long a window may last from its own start on, if that is shorter than it is.
fn room(inventory: &Inventory, schedule: &Schedule, window: &Planned) -> Option<String> {
    let start = window.span.start;
    match decide(inventory, &schedule.scope, schedule.policy.as_ref(), Span::lasting(start, MINUTE)) {
        Decision::Allow { until, .. } if until < window.span.end => Some(people_length(until.since(start))),
        _ => None,
    }
}

fn next_open(obstacle: &Obstacle) -> Option<Timestamp> {
    match obstacle {
        Obstacle::Denied { next_open, .. } => *next_open,
        _ => None,
    }
}

fn some(inventory: &Inventory, denied: &[Hindered<'_>], all: usize, at: &Place) -> Problem {
    let listed = listed(inventory, denied);
    let message = format!("{} of {all} windows within 400 days would be denied: {listed}", denied.len());
    Problem::warning(Code::WouldBeDenied, at, message).hint("list these dates in `except`, or move the start")
}

/// Another window goes before some of them.
fn clash(inventory: &Inventory, waiting: &[Hindered<'_>], all: usize, at: &Place) -> Problem {
    let listed = listed(inventory, waiting);
    let message = format!("{} of {all} windows within 400 days would not be planned: {listed}", waiting.len());
    Problem::warning(Code::Clash, at, message).hint("move one of the two, or list these dates in `except`")
}

/// The first few of them, and how many more.
fn listed(inventory: &Inventory, hindered: &[Hindered<'_>]) -> String {
    let more = hindered.len().saturating_sub(NAMED_MAX);
    let tail = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{}{tail}", named(inventory, &hindered[..hindered.len().min(NAMED_MAX)]))
}

fn named(inventory: &Inventory, denied: &[Hindered<'_>]) -> String {
    let one = |(window, obstacle): &Hindered<'_>| {
        format!("{} ({})", inventory.zone.people(window.span.start, Language::En), obstacle.text().en)
    };
    denied.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// What is allowed but unwise, said once for each schedule.
fn long(inventory: &Inventory, schedule: &Schedule, windows: &[Planned], at: &Place) -> Option<Problem> {
    let alone = Circumstances::default();
    let warning = admit(inventory, schedule, windows.first()?, &alone).warnings.into_iter().next()?;
    Some(Problem::warning(Code::LongWindow, at, warning.en).hint("shorten it, or cut it in two"))
}
