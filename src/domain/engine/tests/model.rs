//! Windows in time against a naive model that looks at every minute: days of random calendars, freezes, schedules,
//! reloads, restarts, steps of the clock and orders. `PROPTEST_CASES=100000` is the long run.

use super::*;
use crate::domain::access::Caller;
use crate::domain::calendar::{DayClass, Layer, LayerKind, Row};
use crate::domain::order::{Action, Order, Wanted};
use crate::domain::policy::{DateOrYearly, DateSpan, DayPart, Freeze, Selector};
use jiff::civil::{Date, Time, date};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Minutes of one history, from T0 on: a Wednesday, 10:00 local time.
const MINUTES: i64 = 4 * 24 * 60;

/// Minutes of distrust after a step of the clock.
const DISTRUST: i64 = 10;

const SUBSYSTEMS: [&str; 4] = ["a/a", "b/b", "c/c", "d/d"];

/// What the files say: swaps of the calendar, dates under a freeze, which schedules are there.
#[derive(Clone, Debug)]
struct Files {
    /// Days from the first on, and whether each is worked.
    swaps: BTreeMap<i64, bool>,
    frozen: Vec<i64>,
    /// Start and length in minutes of the one window of each subsystem.
    windows: [Option<(i64, i64)>; 4],
}

#[derive(Clone, Debug)]
enum Happening {
    Reload(Files),
    /// Down for so many minutes.
    Restart(i64),
    /// The wall clock jumps forward by so many.
    Step(i64),
    /// The window of this subsystem is called off.
    Cancel(usize),
    /// The window of this subsystem is moved by so many minutes.
    Move(usize, i64),
    /// The running window of this subsystem ends so many minutes later.
    Extend(usize, i64),
}

fn first_date() -> Date {
    date(2026, 3, 11)
}

fn day(n: i64) -> Date {
    first_date().saturating_add(jiff::Span::new().days(n))
}

fn city() -> City {
    SUBSYSTEMS.iter().fold(City::new(), |city, id| city.subsystem(id, 2, &[]))
}

impl Files {
    fn inventory(&self) -> Inventory {
        let mut city = city().policy(|p| {
            let nights =
                DayPart { start: Time::constant(22, 0, 0, 0), end: Time::constant(6, 0, 0, 0), end_day_offset: 1 };
            (p.allow.always, p.allow.nights, p.allow.non_working_days) = (false, Some(nights), true);
        });
        for (n, window) in self.windows.iter().enumerate() {
            if let Some((start, length)) = window {
                city = city.window(SUBSYSTEMS[n], &[SUBSYSTEMS[n]], minute(*start), length * MINUTE);
            }
        }
        let mut inventory = city.inventory();
        let source = || Source { file: "model.yaml".into(), line: 1 };
        let class = |working: bool| if working { DayClass::Working } else { DayClass::NonWorking };
        let row = |(n, working): (&i64, &bool)| {
            (day(*n), Row { class: class(*working), name: Names::default(), published: None, source: source() })
        };
        let rows = self.swaps.iter().map(row).collect();
        inventory.calendar.layers = vec![Layer { kind: LayerKind::StateCouncil, owner: None, rows }];
        let dates = |n: &i64| DateSpan { first: DateOrYearly::Date(day(*n)), last: DateOrYearly::Date(day(*n)) };
        if !self.frozen.is_empty() {
            let dates = self.frozen.iter().map(dates).collect();
            let (id, name, applies_to) = ("f".into(), Names::default(), Selector::default());
            inventory.freezes = vec![Freeze { id, name, applies_to, dates, source: source() }];
        }
        inventory
    }

    /// Whether one minute is allowed, in the words of the policy. T0 is 10:00 of day 0, a Wednesday.
    fn allows(&self, m: i64) -> bool {
        let local = m + 10 * 60;
        let (day, of_day) = (local.div_euclid(24 * 60), local.rem_euclid(24 * 60));
        let weekend = matches!((day + 2).rem_euclid(7), 5 | 6);
        let working = self.swaps.get(&day).copied().unwrap_or(!weekend);
        !self.frozen.contains(&day) && (!working || !(6 * 60..22 * 60).contains(&of_day))
    }

    fn allow_all(&self, from: i64, to: i64) -> bool {
        (from..to).all(|m| self.allows(m))
    }
}

fn minute(m: i64) -> Timestamp {
    T0 + m * MINUTE
}

/// One window as the model sees it.
#[derive(Clone, Debug)]
struct Naive {
    length: i64,
    start: i64,
    end: i64,
    began: Option<i64>,
    over: bool,
}

impl Naive {
    fn is_pending(&self) -> bool {
        !self.over && self.began.is_none()
    }
}

/// The model: at every minute that exists it asks every window whether it may begin. Windows go by subsystem and
/// written start, as ids do.
#[derive(Clone, Debug)]
struct Model {
    files: Files,
    windows: BTreeMap<(usize, i64), Naive>,
    trusted_from: i64,
}

impl Model {
    fn adopt(&mut self, now: i64) {
        let written: BTreeMap<(usize, i64), i64> = self
            .files
            .windows
            .iter()
            .enumerate()
            .filter_map(|(n, w)| w.map(|(start, len)| ((n, start), len)))
            .collect();
        for (key, w) in self.windows.iter_mut().filter(|(_, w)| w.is_pending()) {
            // People know of it: it is called off.
            w.over |= w.end > now && !written.contains_key(key);
        }
        for (key, length) in written {
            let end = key.1 + length;
            match self.windows.get_mut(&key) {
                Some(w) if w.is_pending() && w.length != length => (w.length, w.start, w.end) = (length, key.1, end),
                Some(_) => {}
                None if end > now => {
                    // Denied when it is first looked at, it is rejected for good.
                    let over = !self.files.allow_all(key.1, end);
                    self.windows.insert(key, Naive { length, start: key.1, end, began: None, over });
                }
                None => {}
            }
        }
        self.look(now);
    }

    fn look(&mut self, now: i64) {
        // Nobody sees to what ran before: it is past its end and in the way.
        let busy: Vec<usize> = self.windows.iter().filter(|(_, w)| w.began.is_some()).map(|((n, _), _)| *n).collect();
        for ((n, _), w) in self.windows.iter_mut().filter(|(_, w)| w.is_pending()) {
            let may = now >= self.trusted_from && !busy.contains(n) && self.files.allow_all(w.start, w.end);
            if now >= w.end {
                w.over = true;
            } else if now >= w.start && may {
                w.began = Some(now);
            }
        }
    }

    fn covered(&self, n: usize, now: i64) -> bool {
        let of_it = self.windows.iter().filter(|((of, _), _)| *of == n);
        of_it.into_iter().any(|(_, w)| w.began.is_some() && now < w.end)
    }

    /// The window that an order is about: the one that the files have now.
    fn about(&mut self, n: usize) -> Option<&mut Naive> {
        let (start, _) = self.files.windows[n]?;
        self.windows.get_mut(&(n, start))
    }

    /// Whether the order is carried out.
    fn order(&mut self, now: i64, happening: &Happening) -> bool {
        let files = self.files.clone();
        match *happening {
            Happening::Cancel(n) => self.about(n).filter(|w| w.is_pending()).map(|w| w.over = true).is_some(),
            Happening::Move(n, by) => {
                let moved = self.about(n).filter(|w| w.is_pending() && w.start + by >= now);
                let moved = moved.filter(|w| files.allow_all(w.start + by, w.end + by));
                moved.map(|w| (w.start, w.end) = (w.start + by, w.end + by)).is_some()
            }
            Happening::Extend(n, by) => {
                let running = self.about(n).filter(|w| w.began.is_some() && now < w.end);
                running.filter(|w| files.allow_all(w.start, w.end + by)).map(|w| w.end += by).is_some()
            }
            _ => false,
        }
    }
}

fn operator() -> Caller {
    let scopes = vec!["operate".parse().unwrap()];
    Caller { name: "operator".into(), owner: None, scopes, from: "127.0.0.1".into() }
}

fn files() -> impl Strategy<Value = Files> {
    let window = prop::option::weighted(
        0.9,
        (prop::sample::select(vec![30i64, 600, 700, 730, 1_000, 2_200, 3_500]), 10i64..700),
    );
    let windows = [window.clone(), window.clone(), window.clone(), window];
    let swaps = prop::collection::btree_map(0i64..6, any::<bool>(), 0..3);
    (swaps, prop::collection::vec(0i64..6, 0..2), windows).prop_map(|(swaps, frozen, windows)| Files {
        swaps,
        frozen,
        windows,
    })
}

fn happening() -> impl Strategy<Value = Happening> {
    let which = 0usize..4;
    prop_oneof![
        2 => files().prop_map(Happening::Reload),
        2 => (1i64..900).prop_map(Happening::Restart),
        2 => (1i64..900).prop_map(Happening::Step),
        1 => which.clone().prop_map(Happening::Cancel),
        3 => (which.clone(), -300i64..900).prop_map(|(n, by)| Happening::Move(n, by)),
        2 => (which, 1i64..400).prop_map(|(n, by)| Happening::Extend(n, by)),
    ]
}

/// The engine's window of a subsystem that the files have now.
fn about(bench: &Bench, files: &Files, n: usize) -> Option<WindowId> {
    let (start, _) = files.windows[n]?;
    let civil = bench.engine.inventory().zone.local(minute(start));
    Some(window::window_id(&SUBSYSTEMS[n].into(), civil))
}

fn give(bench: &mut Bench, files: &Files, happening: &Happening) -> bool {
    let n = match happening {
        Happening::Cancel(n) | Happening::Move(n, _) | Happening::Extend(n, _) => *n,
        _ => return false,
    };
    let Some(id) = about(bench, files, n) else { return false };
    let Some(span) = bench.engine.book.get(&id).map(|w| w.span) else { return false };
    let action = match happening {
        Happening::Move(_, by) => Action::Move { to: span.start + by * MINUTE, lasts_ms: None },
        Happening::Extend(_, by) => Action::Extend { end: span.end + by * MINUTE },
        _ => Action::Cancel,
    };
    let order = Order { by: operator(), reason: "model".into(), what: Wanted::Window(id, action) };
    let (out, result) = bench.engine.order(bench.now, &order);
    bench.take(out);
    result.is_ok()
}

/// Jumps to a later minute without looking at those between.
fn jump(bench: &mut Bench, happening: &Happening, to: i64) {
    let from = bench.now;
    bench.now = minute(to);
    let out = if matches!(happening, Happening::Restart(_)) {
        let mut engine = Engine::new(T0, Arc::clone(bench.engine.inventory()));
        bench.facts.iter().for_each(|f| engine.apply(f));
        bench.engine = engine;
        bench.engine.start(bench.now, Some(from), "digest")
    } else {
        bench.engine.handle(bench.now, Event::ClockStepped { from, to: bench.now })
    };
    bench.take(out);
}

/// Plays one history to both; the first minute at which they differ, and over what.
fn differ(first: &Files, happenings: &[(i64, Happening)]) -> Option<String> {
    let mut bench = Bench::of(first.inventory());
    let mut model = Model { files: first.clone(), windows: BTreeMap::new(), trusted_from: i64::MIN };
    model.adopt(0);
    let mut coming = happenings.iter().peekable();
    let mut m = 0;
    while m < MINUTES {
        bench.until(m * 60);
        model.look(m);
        while let Some((_, happening)) = coming.next_if(|(at, _)| *at <= m) {
            match happening {
                Happening::Reload(files) => {
                    model.files = files.clone();
                    let out = bench.engine.handle(bench.now, reloaded(files.inventory()));
                    bench.take(out);
                    model.adopt(m);
                }
                Happening::Restart(minutes) | Happening::Step(minutes) => {
                    m += minutes;
                    if matches!(happening, Happening::Step(_)) {
                        model.trusted_from = m + DISTRUST;
                    }
                    jump(&mut bench, happening, m);
                    model.adopt(m);
                }
                order => {
                    let files = model.files.clone();
                    let (done, expected) = (give(&mut bench, &files, order), model.order(m, order));
                    if done != expected {
                        return Some(format!(
                            "minute {m}: {order:?} is carried out: {done}, and by the model {expected}"
                        ));
                    }
                    model.look(m);
                }
            }
        }
        for (n, id) in SUBSYSTEMS.iter().enumerate() {
            let (seen, expected) = (bench.engine.book.covering(&(*id).into()).is_some(), model.covered(n, m));
            if seen != expected {
                return Some(format!("minute {m}: {id} is covered: {seen}, and by the model {expected}"));
            }
        }
        m += 1;
    }
    None
}

proptest! {
    #[test]
    fn coverage_is_that_of_a_model_that_looks_at_every_minute(
        first in files(),
        happenings in prop::collection::vec((0..MINUTES, happening()), 0..8),
    ) {
        let mut happenings = happenings;
        happenings.sort_by_key(|(at, _)| *at);
        let differs = differ(&first, &happenings);
        prop_assert!(differs.is_none(), "{}", differs.unwrap_or_default());
    }
}
