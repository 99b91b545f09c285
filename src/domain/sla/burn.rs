//! How fast a budget burns: pairs of look-backs, their factors, and the guards that keep one lost probe from paging.
//!
//! Not here: who is told, and that a firing pair recovers only on evidence (`incident`). Invariants: all comparisons
//! are of integers; what is not known neither fires nor recovers; nothing here remembers an earlier answer.

use super::account::parts;
use super::health::ProbeHealth;
use super::timeline::{Health, Timeline};
use super::*;
use crate::domain::civil::Zone;
use std::borrow::Cow;

/// A long look-back that says "it matters" and a short one that says "it goes on".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// `1h/5m`.
    pub name: &'static str,
    /// What it asks for.
    pub severity: Severity,
    /// The long look-back.
    pub long_ms: Millis,
    /// The short one.
    pub short_ms: Millis,
    /// The part of the period's budget, in per cent, that is gone when the long look-back burns at the factor.
    pub share_percent: i64,
}

/// All pairs, the quickest first.
pub static PAIRS: [Pair; 4] = [
    Pair { name: "1h/5m", severity: Severity::Page, long_ms: HOUR, short_ms: 5 * MINUTE, share_percent: 2 },
    Pair { name: "6h/30m", severity: Severity::Page, long_ms: 6 * HOUR, short_ms: 30 * MINUTE, share_percent: 5 },
    Pair { name: "1d/2h", severity: Severity::Ticket, long_ms: DAY, short_ms: 2 * HOUR, share_percent: 10 },
    Pair { name: "3d/6h", severity: Severity::Ticket, long_ms: 3 * DAY, short_ms: 6 * HOUR, share_percent: 10 },
];

/// The longest look-back; bad time before it cannot matter.
pub const MEMORY_MS: Millis = 3 * DAY;
/// Rounds that must be bad before anybody is paged, so that one lost round never pages.
const BAD_ROUNDS_MIN: i64 = 2;
/// Bad time that a page needs at least.
const BAD_TIME_MIN_MS: Millis = MINUTE;
/// Targets from here on are paged for as soon as confirmed down time lasts: their look-backs are shorter than probing.
const DIRECT_FROM_PPM: u32 = 999_500;
/// The answer may change every moment while bad time runs, with a look-back's sliding while something fires, and
/// otherwise only as eligible time drops out of a look-back.
const LOOK_WHILE_BAD_MS: Millis = SECOND;
const LOOK_WHILE_FIRING_MS: Millis = 10 * SECOND;
const LOOK_WHILE_REMEMBERED_MS: Millis = MINUTE;

impl Pair {
    /// How many times faster than allowed it burns when the pair fires: share × period / long look-back.
    pub fn factor(&self, period_ms: Millis) -> f64 {
        self.share_percent as f64 / 100.0 * period_ms as f64 / self.long_ms as f64
    }

    /// Whether the factor leaves room: a share of bad time above factor × (1 − target) must be possible.
    pub fn can_fire(&self, target_ppm: u32, period_ms: Millis) -> bool {
        self.line(target_ppm, period_ms) < self.unit()
    }

    /// Whether the share of bad time exceeds factor × (1 − target), exactly.
    fn exceeded(&self, by: Lookback, target_ppm: u32, period_ms: Millis) -> bool {
        i128::from(by.bad_ms) * self.unit() > self.line(target_ppm, period_ms) * i128::from(by.eligible_ms)
    }

    /// Factor × (1 − target), in units of [`Self::unit`].
    fn line(&self, target_ppm: u32, period_ms: Millis) -> i128 {
        i128::from(self.share_percent) * i128::from(period_ms) * i128::from(1_000_000 - target_ppm.min(1_000_000))
    }

    fn unit(&self) -> i128 {
        i128::from(self.long_ms) * 100 * 1_000_000
    }
}

/// The rounds of one critical probe.
#[derive(Clone, Copy, Debug)]
pub struct Rounds<'a> {
    /// From one scheduled tick to the next.
    pub every_ms: Millis,
    /// A tick's instant modulo the interval.
    pub phase_ms: Millis,
    /// A round has an answer this long after its tick.
    pub timeout_ms: Millis,
    /// What was confirmed of the probe.
    pub confirmed: &'a Timeline<Option<ProbeHealth>>,
    /// Start of the first attempt of a change that is not confirmed yet: no evidence of failure from there on.
    pub contrary_since: Option<Timestamp>,
}

impl Rounds<'_> {
    /// How many rounds with an answer are confirmed bad inside `span`.
    fn bad(&self, now: Timestamp, span: Span) -> i64 {
        let answered = now - self.timeout_ms + 1;
        let evidence = Span::new(span.start, span.end.min(answered).min(self.contrary_since.unwrap_or(answered)));
        let failing = self.confirmed.spans(evidence).filter(|(_, health)| *health == Some(ProbeHealth::Failing));
        failing.map(|(span, _)| self.ticks_before(span.end) - self.ticks_before(span.start)).sum()
    }

    /// Counted from an arbitrary beginning.
    fn ticks_before(&self, t: Timestamp) -> i64 {
        let every_ms = self.every_ms.max(1);
        (t.0 - self.phase_ms + every_ms - 1).div_euclid(every_ms)
    }

    fn bad_time_needed_ms(&self) -> Millis {
        BAD_TIME_MIN_MS.max(BAD_ROUNDS_MIN * self.every_ms)
    }
}

/// What one look-back saw of the promised time since the first attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lookback {
    /// How far it looks.
    pub length_ms: Millis,
    /// Promised time in it.
    pub eligible_ms: Millis,
    /// The part of it that is not unknown.
    pub known_ms: Millis,
    /// Seen down.
    pub bad_ms: Millis,
}

impl Lookback {
    /// Known of eligible time; `None` where nothing is eligible.
    pub fn coverage(self) -> Option<Ratio> {
        Ratio::of(self.known_ms, self.eligible_ms)
    }

    /// How many times faster than allowed it burns; `None` where nothing is eligible.
    pub fn rate(self, target_ppm: u32) -> Option<f64> {
        let bad = Ratio::of(self.bad_ms, self.eligible_ms)?.as_f64();
        let allowed = f64::from(1_000_000 - target_ppm.min(1_000_000)) / 1e6;
        Some(if self.bad_ms == 0 { 0.0 } else { bad / allowed })
    }
}

/// The answer of one pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Both look-backs burn too fast, and a page has its evidence.
    Firing,
    /// They do not.
    Ok,
    /// Less than half of a look-back is known: neither fires nor recovers.
    InsufficientData,
    /// A look-back holds no promised time.
    NotEvaluated,
    /// The target leaves no room for the factor, or the rounds are too sparse for the short look-back.
    CannotFire,
}

/// One pair with its evidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairState {
    /// Which one.
    pub pair: &'static Pair,
    /// Derived from the real length of the period.
    pub factor: f64,
    /// What the long look-back saw.
    pub long: Lookback,
    /// What the short one saw.
    pub short: Lookback,
    /// What follows.
    pub state: State,
}

/// How a subsystem's budget burns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burn {
    /// In the order of [`PAIRS`].
    pub pairs: [PairState; 4],
    /// The direct page of strict targets, and of those for which a page pair cannot fire: down since then, for at
    /// least 60 s and two rounds.
    pub confirmed_down: Option<Timestamp>,
    /// When to look again if nothing else changes before; `None` while only a change can matter.
    pub next_look: Option<Timestamp>,
}

impl Burn {
    /// Whether somebody is to be told now.
    pub fn is_firing(&self) -> bool {
        self.confirmed_down.is_some() || self.pairs.iter().any(|p| p.state == State::Firing)
    }

    /// Whether the evidence allows to say that it is over: nothing fires, nothing that could fire is blind.
    pub fn is_over(&self) -> bool {
        !self.is_firing() && self.pairs.iter().all(|p| p.state != State::InsufficientData)
    }
}

/// Whether a subsystem has had no bad time that any look-back remembers: then nothing can fire, and [`evaluate`]
/// need not be asked. Costs nothing for subsystems that change seldom.
pub fn is_quiet(now: Timestamp, timeline: &Timeline<Health>) -> bool {
    !timeline.spans(Span::new(now - MEMORY_MS, now + 1)).any(|(_, health)| health == Health::Down)
}

/// The promised time of the look-backs before `now`; hours and windows should be known over [`super::reach`] of it.
pub fn memory(now: Timestamp) -> Span {
    Span::new(now - MEMORY_MS, now)
}

/// Every pair at `now`. `rounds` are those of the critical probes; without them no page fires.
pub fn evaluate(
    objective: &Objective,
    hours: &SpanSet,
    now: Timestamp,
    seen: &Seen<'_>,
    rounds: &[Rounds<'_>],
    zone: &Zone,
) -> Burn {
    let nothing = Timeline::default();
    let timeline = seen.timeline.unwrap_or(&nothing);
    let period_ms = Period::promised(objective.period, now, zone).span(now, zone).len_ms();
    let subject =
        Subject { objective, period_ms, now, timeline, rounds, eligible: eligible(objective, hours, now, seen, zone) };
    let pairs = [0, 1, 2, 3].map(|i| subject.pair(&PAIRS[i]));
    let confirmed_down = subject.bad_since().filter(|since| subject.pages_directly(&pairs) && subject.is_sure(*since));
    let mut burn = Burn { pairs, confirmed_down, next_look: None };
    burn.next_look = match () {
        () if subject.bad_since().is_some() && pairs.iter().any(|p| p.state == State::Ok) => Some(LOOK_WHILE_BAD_MS),
        () if burn.is_firing() => Some(LOOK_WHILE_FIRING_MS),
        () if !is_quiet(now, timeline) => Some(LOOK_WHILE_REMEMBERED_MS),
        () => None,
    }
    .map(|ms| now + ms);
    burn
}

/// The promised time under the agreed figure.
fn eligible<'a>(
    objective: &Objective,
    hours: &'a SpanSet,
    now: Timestamp,
    seen: &Seen<'_>,
    zone: &Zone,
) -> Cow<'a, SpanSet> {
    if objective.figure == Figure::Public {
        return Cow::Borrowed(hours);
    }
    let excluded = excluded(objective, hours, memory(now), now, seen, zone);
    if excluded.is_empty() { Cow::Borrowed(hours) } else { Cow::Owned(hours.subtract(&excluded)) }
}

struct Subject<'a> {
    objective: &'a Objective,
    period_ms: Millis,
    now: Timestamp,
    timeline: &'a Timeline<Health>,
    rounds: &'a [Rounds<'a>],
    eligible: Cow<'a, SpanSet>,
}

impl Subject<'_> {
    fn pair(&self, pair: &'static Pair) -> PairState {
        let (long, short) = (self.look_back(pair.long_ms), self.look_back(pair.short_ms));
        let factor = pair.factor(self.period_ms);
        PairState { pair, factor, long, short, state: self.state(pair, long, short) }
    }

    fn look_back(&self, length_ms: Millis) -> Lookback {
        let seen = tally(self.timeline, &self.eligible, Span::new(self.now - length_ms, self.now));
        let known_ms = seen.good_ms + seen.bad_ms;
        Lookback { length_ms, eligible_ms: seen.whole_ms(), known_ms, bad_ms: seen.bad_ms }
    }

    fn state(&self, pair: &Pair, long: Lookback, short: Lookback) -> State {
        let target = self.objective.target_ppm;
        let blind = |l: Lookback| 2 * l.known_ms < l.eligible_ms;
        let burns = |l: Lookback| pair.exceeded(l, target, self.period_ms);
        if !pair.can_fire(target, self.period_ms) || self.too_sparse(pair) {
            State::CannotFire
        } else if long.eligible_ms == 0 || short.eligible_ms == 0 {
            State::NotEvaluated
        } else if blind(long) || blind(short) {
            State::InsufficientData
        } else if burns(long) && burns(short) && self.has_evidence(pair, short) {
            State::Firing
        } else {
            State::Ok
        }
    }

    /// Whether no probe could ever give a page its evidence within the short look-back.
    fn too_sparse(&self, pair: &Pair) -> bool {
        pair.severity == Severity::Page
            && !self.rounds.is_empty()
            && self.rounds.iter().all(|r| r.bad_time_needed_ms() > pair.short_ms)
    }

    /// What a page needs beyond its rates, whichever comes later; a ticket needs nothing.
    fn has_evidence(&self, pair: &Pair, short: Lookback) -> bool {
        let within = Span::new(self.now - pair.short_ms, self.now);
        pair.severity == Severity::Ticket
            || self.rounds.iter().any(|r| short.bad_ms >= r.bad_time_needed_ms() && self.bad_rounds(r, within))
    }

    fn bad_rounds(&self, rounds: &Rounds<'_>, within: Span) -> bool {
        let bad: i64 = parts(&self.eligible, within).map(|part| rounds.bad(self.now, part)).sum();
        bad >= BAD_ROUNDS_MIN
    }

    /// Since when unbroken promised time has been bad, if it is bad now.
    fn bad_since(&self) -> Option<Timestamp> {
        let (since, _) = self.timeline.last().filter(|(since, h)| *h == Health::Down && *since <= self.now)?;
        self.eligible.span_at(self.now).map(|promised| promised.start.max(since))
    }

    fn pages_directly(&self, pairs: &[PairState; 4]) -> bool {
        let target = self.objective.target_ppm;
        let mut pages = pairs.iter().filter(|p| p.pair.severity == Severity::Page);
        target >= DIRECT_FROM_PPM
            || pages.clone().any(|p| !p.pair.can_fire(target, self.period_ms))
            || pages.all(|p| p.state == State::CannotFire)
    }

    fn is_sure(&self, since: Timestamp) -> bool {
        let within = Span::new(since, self.now);
        within.len_ms() >= BAD_TIME_MIN_MS && self.rounds.iter().any(|r| self.bad_rounds(r, within))
    }
}
