//! A quarter of one service, simulated from a seed: outages, flaps, maintenance, blind hours, and a planted closure.

use crate::domain::calendar::{Calendar, DayClass, Layer, LayerKind, Row, YearStatus};
use crate::domain::hours::Hours;
use crate::domain::survey::HourSeen;
use crate::domain::*;
use jiff::civil::{Date, date};

/// The simulated quarter: its make-up workday is Saturday 10 October.
pub(super) struct Quarter {
    first: Date,
    end: Date,
}

pub(super) const QUARTER: Quarter = Quarter { first: date(2026, 10, 1), end: date(2027, 1, 1) };

impl Quarter {
    pub(super) fn span(&self, zone: &civil::Zone) -> Span {
        Span::new(zone.midnight(self.first), zone.midnight(self.end))
    }
}

/// What is planted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Closure {
    None,
    /// Every night from one minute of the day to one of the next.
    Nightly {
        from: i64,
        to: i64,
    },
    /// Between two minutes of every day, or of working days alone.
    Daily {
        from: i64,
        to: i64,
        working: bool,
    },
    NonWorking,
    /// Saturdays and Sundays, worked or not.
    Weekends,
    Weekday(i8),
    /// The last so many days of each month.
    MonthEnd(i8),
    Always,
    /// None, and it serves outside its declared hours, too.
    OpenAnyway,
}

/// One service.
#[derive(Clone, Copy, Debug)]
pub(super) struct Service {
    pub(super) declared: &'static str,
    pub(super) closure: Closure,
    pub(super) seed: u64,
    /// Outages a fortnight, about.
    pub(super) flaky: u64,
}

/// SplitMix64.
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }

    fn span(&mut self, within: Span, longest: Millis) -> Span {
        let at = |rng: &mut Self, bound: Millis| i64::try_from(rng.below(bound.unsigned_abs())).unwrap();
        let start = within.start + at(self, within.len_ms());
        Span::lasting(start, MINUTE + at(self, longest))
    }
}

/// The State Council's rows of the quarter.
pub(super) fn calendar() -> Calendar {
    let row = |class| Row {
        class,
        name: Names { zh: "国庆节".into(), en: "National Day".into() },
        published: None,
        source: Source { file: "china.yaml".into(), line: 1 },
    };
    let holidays = [1, 2, 5, 6, 7].map(|day| (date(2026, 10, day), row(DayClass::NonWorking)));
    let rows = holidays.into_iter().chain([(date(2026, 10, 10), row(DayClass::Working))]).collect();
    Calendar {
        id: "china".into(),
        layers: vec![Layer { kind: LayerKind::StateCouncil, owner: None, rows }],
        years: [(2026, YearStatus::Published), (2027, YearStatus::Published)].into(),
    }
}

fn planted(closure: Closure, inventory: &Inventory, date: Date) -> Option<Span> {
    let (zone, day) = (&inventory.zone, inventory.zone.day(date));
    let minute = |of: i64| zone.midnight(date) + of * MINUTE;
    let working = inventory.calendar.day(date, None).is_working();
    let weekday = date.weekday().to_monday_zero_offset();
    match closure {
        Closure::None | Closure::OpenAnyway => None,
        Closure::Always => Some(day),
        Closure::Nightly { from, to } => Some(Span::new(minute(from), minute(1440 + to))),
        Closure::Daily { from, to, working: only } => (!only || working).then(|| Span::new(minute(from), minute(to))),
        Closure::NonWorking => (!working).then_some(day),
        Closure::Weekends => (weekday >= 5).then_some(day),
        Closure::Weekday(index) => (weekday == index).then_some(day),
        Closure::MonthEnd(last) => (date.last_of_month().day() - date.day() < last).then_some(day),
    }
}

/// What a probe a minute counts, hour by hour, and the maintenance that was planned.
pub(super) fn simulate(service: &Service, inventory: &Inventory, period: Span) -> (Vec<HourSeen>, SpanSet) {
    let rng = &mut Rng::new(service.seed);
    let zone = &inventory.zone;
    let mut down: Vec<Span> = Vec::new();
    let before = jiff::civil::Date::yesterday(zone.date(period.start)).unwrap();
    for date in std::iter::once(before).chain(zone.dates(period)) {
        down.extend(planted(service.closure, inventory, date));
    }
    // Short outages and, now and then, a long one; evenings of flapping.
    for _ in 0..service.flaky * 6 {
        let longest = if rng.below(8) == 0 { 9 * HOUR } else { 90 * MINUTE };
        down.push(rng.span(period, longest));
    }
    for _ in 0..service.flaky {
        let evening = rng.span(period, 3 * HOUR);
        down.extend((0..8).map(|_| rng.span(evening, 4 * MINUTE)));
    }
    // One night a week, or one Saturday a month, which the files announce.
    let every = if rng.below(2) == 0 { 7 * DAY } else { 28 * DAY };
    let first = period.start + i64::try_from(rng.below(7)).unwrap() * DAY + 23 * HOUR;
    let windows = (0..13).map(|n| Span::lasting(first + n * every, 4 * HOUR)).filter(|w| period.covers(*w));
    let maintenance: SpanSet = windows.collect();
    down.extend(maintenance.spans().iter().map(|w| Span::new(w.start + 5 * MINUTE, w.end)));
    // Shut outside declared hours, unless it serves there all the same.
    let hours = Hours::parse(service.declared).unwrap();
    if !matches!(service.closure, Closure::OpenAnyway) {
        let declared = hours.spans(zone, &inventory.calendar, None, period).set;
        down.extend(declared.complement(period).spans());
    }
    let down: SpanSet = down.into_iter().collect();
    // Our own gaps: restarts, and once a long one.
    let mut blind: Vec<Span> = (0..5).map(|_| rng.span(period, HOUR)).collect();
    // Of what comes three times a quarter or once, nothing may be missed: with less nobody could say anything.
    let rare: SpanSet = match service.closure {
        Closure::MonthEnd(_) => zone.dates(period).filter_map(|d| planted(service.closure, inventory, d)).collect(),
        _ => SpanSet::from(zone.day(date(2026, 10, 10))),
    };
    let long = std::iter::repeat_with(|| rng.span(period, 2 * DAY)).take(50).find(|gap| rare.clip(*gap).is_empty());
    blind.extend(long);
    let blind: SpanSet = blind.into_iter().collect();
    let hour = |start: Timestamp| {
        let span = Span::lasting(start, HOUR);
        let known = blind.complement(span);
        let failed = known.intersect(&down.clip(span)).len_ms();
        let count = |ms: Millis| u32::try_from((ms + MINUTE / 2) / MINUTE).unwrap();
        HourSeen { hour: start, ticks: 60, visits: count(known.len_ms()), failed: count(failed) }
    };
    let count = period.len_ms() / HOUR;
    ((0..count).map(|n| hour(period.start + n * HOUR)).collect(), maintenance)
}
