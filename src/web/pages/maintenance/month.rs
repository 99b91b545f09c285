//! A month of maintenance: each day with what sort of day it is, the hours that a policy leaves open, and its windows.
//!
//! Not here: the year with what clashes (`plan`), and what the daemon has forgotten or does not know yet: a month shows
//! the windows of the snapshot. Invariant: a window is named on the day on which it starts and drawn on every day that it
//! touches.

use super::super::Asked;
use super::super::tonight::css;
use crate::domain::calendar::YearStatus;
use crate::domain::civil::{day_after, day_before};
use crate::domain::policy::allowed;
use crate::domain::window::WindowState;
use crate::domain::*;
use jiff::civil::Date;
use std::iter::successors;

/// Windows that a day names.
const NAMED_MAX: usize = 3;
/// Bars that a day draws.
const BARS_MAX: usize = 40;
/// Width of a day in the drawing: its minutes, but where clocks are put forward or back.
const WIDTH: Millis = 24 * 60;
/// A window of some minutes is still seen.
const BAR_MIN: Millis = 20;
/// Months of the past and of the future that are linked: as far as windows are known.
const MONTHS_MAX: i32 = 13;

/// One month, from its Monday to its Sunday.
#[derive(Debug)]
pub(super) struct Month {
    pub(super) title: String,
    pub(super) former: Option<String>,
    pub(super) next: Option<String>,
    pub(super) weekdays: [&'static str; 7],
    pub(super) weeks: Vec<[Option<Day>; 7]>,
    /// Windows of the month.
    pub(super) total: usize,
}

#[derive(Debug)]
pub(super) struct Day {
    pub(super) iso: String,
    pub(super) number: i8,
    pub(super) weekday: &'static str,
    pub(super) is_today: bool,
    /// Of the calendar: `work`, `off`, or `open` where the year is not published.
    pub(super) sort: &'static str,
    /// What the calendar says beyond the weekday, and the freezes.
    pub(super) notes: Vec<String>,
    /// (x, width) of what the policy leaves open.
    pub(super) open: Vec<(Millis, Millis)>,
    pub(super) bars: Vec<(&'static str, Millis, Millis)>,
    pub(super) entries: Vec<Entry>,
    pub(super) more: usize,
    /// For those who cannot see the drawing.
    pub(super) summary: String,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) css: &'static str,
    pub(super) at: String,
    pub(super) state: &'static str,
}

/// The month of `text` (`2026-12`), if it lies within reach; else the one of now.
pub(super) fn first_of(asked: &Asked, text: Option<&str>) -> Date {
    let this = asked.zone().date(asked.now).first_of_month();
    let wanted = text.and_then(|text| format!("{text}-01").parse::<Date>().ok());
    wanted.filter(|date| months_from(this, *date).abs() <= MONTHS_MAX).unwrap_or(this)
}

fn months_from(this: Date, other: Date) -> i32 {
    let count = |date: Date| i32::from(date.year()) * 12 + i32::from(date.month());
    count(other) - count(this)
}

impl Month {
    /// The month that begins at `first`, of one owner or of all, with the hours of one policy.
    pub(super) fn of(asked: &Asked, first: Date, owner: Option<&OwnerId>, policy: Option<&policy::Policy>) -> Self {
        let zone = asked.zone();
        let last = first.last_of_month();
        let within = Span::new(zone.midnight(first), zone.day(last).end);
        let concerns = |w: &&WindowView| match owner {
            Some(owner) => w.owner == *owner || w.scope.iter().any(|id| id.owner() == *owner),
            None => true,
        };
        let happens = |w: &&WindowView| !matches!(w.state, WindowState::Rejected | WindowState::Cancelled);
        let windows = asked.snapshot.windows.iter().filter(|w| w.span.overlaps(within));
        let mut windows: Vec<&WindowView> = windows.filter(concerns).filter(happens).collect();
        windows.sort_by_key(|w| (w.span.start, &w.id));
        let open = policy.map(|policy| allowed(&asked.snapshot.inventory, policy, within)).unwrap_or_default();
        let day = |date: Date| {
            let inside = first <= date && date <= last;
            inside.then(|| Day::of(asked, date, owner, &windows, &open))
        };
        let monday = successors(Some(first), |date| Some(day_before(*date)))
            .find(|date| civil::weekday_index(date.weekday()) == 0)
            .unwrap_or(first);
        let mondays = successors(Some(monday), |date| Some((0..7).fold(*date, |date, _| day_after(date))));
        let this = zone.date(asked.now).first_of_month();
        let near =
            |date: Date| (months_from(this, date).abs() <= MONTHS_MAX).then(|| format!("{}", date.strftime("%Y-%m")));
        Self {
            title: match asked.language {
                Language::Zh => format!("{}年{}月", first.year(), first.month()),
                Language::En => format!("{}", first.strftime("%B %Y")),
            },
            former: near(day_before(first).first_of_month()),
            next: near(day_after(last)),
            weekdays: weekdays(asked.language),
            weeks: mondays.take_while(|date| *date <= last).map(|monday| week(monday, day)).collect(),
            total: windows.iter().filter(|w| within.contains(w.span.start)).count(),
        }
    }
}

fn week(monday: Date, day: impl Fn(Date) -> Option<Day>) -> [Option<Day>; 7] {
    let mut date = monday;
    [(); 7].map(|()| {
        let it = day(date);
        date = day_after(date);
        it
    })
}

fn weekdays(language: Language) -> [&'static str; 7] {
    match language {
        Language::Zh => ["周一", "周二", "周三", "周四", "周五", "周六", "周日"],
        Language::En => ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    }
}

impl Day {
    fn of(asked: &Asked, date: Date, owner: Option<&OwnerId>, windows: &[&WindowView], open: &SpanSet) -> Self {
        let inventory = &asked.snapshot.inventory;
        let (t, zone, day) = (asked.t, &inventory.zone, inventory.zone.day(date));
        let kind = inventory.calendar.day(date, owner);
        let x = |at: Timestamp| at.since(day.start) * WIDTH / day.len_ms().max(1);
        let part = |span: Span, least: Millis| {
            let inside = span.intersect(day);
            (x(inside.start), (x(inside.end) - x(inside.start)).max(least))
        };
        let bar = |w: &&&WindowView| {
            let (x, width) = part(w.span, BAR_MIN);
            (css(w.state), x.min(WIDTH - BAR_MIN), width)
        };
        let starting: Vec<_> = windows.iter().filter(|w| day.contains(w.span.start)).collect();
        let entry = |w: &&&WindowView| Entry {
            id: w.id.to_string(),
            name: w.name.get(asked.language).to_owned(),
            css: css(w.state),
            at: zone.local(w.span.start).strftime("%H:%M").to_string(),
            state: t.window_state(w.state),
        };
        let mut notes = Vec::new();
        if kind.status != YearStatus::Published {
            notes.push(t.not_published.to_owned());
        } else if let Some(row) = kind.row {
            let sort = if kind.is_working() { t.make_up } else { t.holiday };
            notes.push(format!("{} {sort}", row.name.get(asked.language)));
        }
        let frozen = inventory.freezes.iter().filter(|f| f.dates.iter().any(|d| d.contains(date)));
        notes.extend(frozen.map(|f| format!("{} {}", t.freeze, f.name.get(asked.language))));
        let open: Vec<Span> = open.spans().iter().filter(|s| s.overlaps(day)).copied().collect();
        Self {
            iso: date.to_string(),
            number: date.day(),
            weekday: weekdays(asked.language)[civil::weekday_index(date.weekday())],
            is_today: zone.date(asked.now) == date,
            sort: match (kind.status, kind.is_working()) {
                (YearStatus::Published, true) => "work",
                (YearStatus::Published, false) => "off",
                _ => "unsure",
            },
            notes,
            summary: summary(asked, &open, day),
            open: open.iter().map(|span| part(*span, 0)).collect(),
            bars: windows.iter().filter(|w| w.span.overlaps(day)).take(BARS_MAX).map(|w| bar(&w)).collect(),
            entries: starting.iter().take(NAMED_MAX).map(entry).collect(),
            more: starting.len().saturating_sub(NAMED_MAX),
        }
    }
}

/// `open 00:00–06:00, 22:00–24:00`.
fn summary(asked: &Asked, open: &[Span], day: Span) -> String {
    let clock = |at: Timestamp| match at >= day.end {
        true => "24:00".to_owned(),
        false => asked.zone().local(at).strftime("%H:%M").to_string(),
    };
    let parts: Vec<String> = open
        .iter()
        .map(|span| span.intersect(day))
        .map(|span| format!("{}–{}", clock(span.start), clock(span.end)))
        .collect();
    match parts.is_empty() {
        true => asked.t.shut_all_day.to_owned(),
        false => format!("{} {}", asked.t.open_hours, parts.join(", ")),
    }
}
