//! How fast a budget burns: pairs of look-backs, their factors, and the guards that keep one lost probe from paging.
//!
//! Not here: who is told, and that a firing pair recovers only on evidence (`incident`). Invariants: all comparisons
//! are of integers; what is not known neither fires nor recovers; nothing here remembers an earlier answer.

mod pair;
mod rounds;

pub use pair::{Lookback, PAIRS, Pair};
pub use rounds::{BAD_ROUNDS_MIN, BAD_TIME_MIN_MS, ROUNDS_MEMORY_MS, Rounds};

use super::account::parts;
use super::evidence::Evidence;
use super::health::ProbeHealth;
use super::timeline::{Health, Timeline};
use super::*;
use crate::domain::civil::Zone;
use pair::BadNow;
use std::borrow::Cow;

/// The longest look-back; bad time before it cannot matter.
pub const MEMORY_MS: Millis = 3 * DAY;
/// Targets from here on are paged for as soon as confirmed down time lasts: their look-backs are shorter than probing.
pub const DIRECT_FROM_PPM: u32 = 999_500;
/// The answer may change every moment while bad time runs, with a look-back's sliding while something fires, and
/// otherwise only as eligible time drops out of a look-back. Looks that cannot find anything new are left out, up to the
/// second of each pair.
const LOOK_WHILE_BAD_MS: (Millis, Millis) = (SECOND, MINUTE);
const LOOK_WHILE_FIRING_MS: Millis = 10 * SECOND;
const LOOK_WHILE_REMEMBERED_MS: (Millis, Millis) = (MINUTE, 10 * MINUTE);
/// Known below this share of a look-back's eligible time, in per cent, is too little to judge by.
pub const COVERAGE_MIN_PERCENT: i64 = 50;

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
    /// Confirmed bad rounds in the short look-back of a page: the most of any critical probe that needs no more bad time
    /// than there is; 0 for a ticket.
    pub bad_rounds: i64,
    /// What follows.
    pub state: State,
}

/// Promised time that has been bad without a break, up to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Since when.
    pub since: Timestamp,
    /// The most confirmed bad rounds in it of any critical probe.
    pub bad_rounds: i64,
}

/// How a subsystem's budget burns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burn {
    /// As of when.
    pub at: Timestamp,
    /// In the order of [`PAIRS`].
    pub pairs: [PairState; 4],
    /// If promised time is bad now.
    pub outage: Option<Outage>,
    /// Bad time that a page needs in the short look-back, of the critical probe that is tried most often.
    pub page_needs_ms: Option<Millis>,
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

    /// How loud each sign is that somebody is to be told of now: what does not wake anybody is a ticket.
    pub fn firing(&self, pages: Pages) -> impl Iterator<Item = Severity> + '_ {
        let severity = |wakes| if wakes { Severity::Page } else { Severity::Ticket };
        let pairs = self.pairs.iter().filter(|p| p.state == State::Firing);
        let pairs = pairs.map(move |p| severity(p.pair.severity == Severity::Page && p.pair.wakes(pages)));
        pairs.chain(self.confirmed_down.map(|_| severity(pages.confirmed_down)))
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

/// The promised time of the look-backs before `now`; hours and windows should be known over [`super::reach`] of it, and
/// at `now` itself.
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
    let period = Period::promised(objective.period, now, zone).span(now, zone);
    let eligible = eligible(objective, hours, now, seen, zone);
    let subject = Subject { objective, period_ms: period.len_ms(), now, timeline, rounds, eligible };
    let pairs = [0, 1, 2, 3].map(|i| subject.pair(&PAIRS[i]));
    let outage = subject.outage();
    let confirmed = outage.filter(|outage| subject.pages_directly(&pairs) && subject.is_sure(outage));
    let page_needs_ms = rounds.iter().map(Rounds::bad_time_needed_ms).min();
    let confirmed_down = confirmed.map(|outage| outage.since);
    let mut burn = Burn { at: now, pairs, outage, page_needs_ms, confirmed_down, next_look: None };
    // The next period may be shorter, and its factors lower. A rolling one ends now and keeps its length.
    let factors_until = Some(period.end).filter(|end| *end > now).unwrap_or(Timestamp::MAX);
    burn.next_look = subject.pause_ms(&burn).map(|ms| factors_until.min(now + ms));
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
    let excluded = excluded(objective, hours, memory(now), now, &Evidence::of(seen), zone);
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
        let bad_rounds = match pair.severity {
            Severity::Page => self.bad_rounds(Span::new(self.now - pair.short_ms, self.now), short.bad_ms),
            Severity::Ticket => 0,
        };
        PairState { pair, factor, long, short, bad_rounds, state: self.state(pair, long, short, bad_rounds) }
    }

    fn look_back(&self, length_ms: Millis) -> Lookback {
        let seen = tally(self.timeline, &self.eligible, Span::new(self.now - length_ms, self.now));
        let known_ms = seen.good_ms + seen.bad_ms;
        Lookback { length_ms, eligible_ms: seen.whole_ms(), known_ms, bad_ms: seen.bad_ms }
    }

    fn state(&self, pair: &Pair, long: Lookback, short: Lookback, bad_rounds: i64) -> State {
        let target = self.objective.target_ppm;
        let blind = |l: Lookback| 100 * l.known_ms < COVERAGE_MIN_PERCENT * l.eligible_ms;
        let burns = |l: Lookback| pair.exceeded(l, target, self.period_ms);
        // What a page needs beyond its rates, whichever comes later; a ticket needs nothing.
        let has_evidence = pair.severity == Severity::Ticket || bad_rounds >= BAD_ROUNDS_MIN;
        if !pair.can_fire(target, self.period_ms) || self.too_sparse(pair) {
            State::CannotFire
        } else if long.eligible_ms == 0 || short.eligible_ms == 0 {
            State::NotEvaluated
        } else if blind(long) || blind(short) {
            State::InsufficientData
        } else if burns(long) && burns(short) && has_evidence {
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

    /// The most bad rounds of any probe that needs no more bad time than `bad_ms`.
    fn bad_rounds(&self, within: Span, bad_ms: Millis) -> i64 {
        let able = self.rounds.iter().filter(|r| bad_ms >= r.bad_time_needed_ms());
        able.map(|r| self.rounds_of(r, within)).max().unwrap_or_default()
    }

    fn rounds_of(&self, rounds: &Rounds<'_>, within: Span) -> i64 {
        parts(&self.eligible, within).map(|part| rounds.bad(self.now, part)).sum()
    }

    /// How long nothing but a change can matter; `None` for as long as only a change can.
    fn pause_ms(&self, burn: &Burn) -> Option<Millis> {
        let whole = |(least, most): (Millis, Millis)| {
            let calm_ms = burn.pairs.iter().map(|p| self.calm_ms(p)).min().unwrap_or_default().min(most);
            (calm_ms - calm_ms % least).max(least)
        };
        match self.bad_since() {
            // Also from the first promised moment on, when nothing could be evaluated yet.
            Some(_) if burn.pairs.iter().any(|p| matches!(p.state, State::Ok | State::NotEvaluated)) => {
                let direct = burn.confirmed_down.is_none() && self.pages_directly(&burn.pairs);
                let pause_ms = if direct { LOOK_WHILE_BAD_MS.0 } else { whole(LOOK_WHILE_BAD_MS) };
                Some(if burn.is_firing() { pause_ms.min(LOOK_WHILE_FIRING_MS) } else { pause_ms })
            }
            _ if burn.is_firing() => Some(LOOK_WHILE_FIRING_MS),
            _ if is_quiet(self.now, self.timeline) => None,
            // Promised time may begin.
            None if self.is_down() => Some(LOOK_WHILE_FIRING_MS),
            _ if burn.is_over() => Some(whole(LOOK_WHILE_REMEMBERED_MS)),
            // What is blind may see again, and then fire or be over.
            _ => Some(LOOK_WHILE_FIRING_MS),
        }
    }

    /// For how long a pair that does not fire will not.
    fn calm_ms(&self, p: &PairState) -> Millis {
        if matches!(p.state, State::Firing | State::CannotFire) {
            return Millis::MAX;
        }
        let bad_now = if self.is_down() { BadNow::Yes } else { BadNow::No };
        let below = |by: Lookback| p.pair.stays_below_ms(by, self.objective.target_ppm, self.period_ms, bad_now);
        let needed_ms = self.rounds.iter().map(Rounds::bad_time_needed_ms).min().unwrap_or_default();
        let evidence_ms = match p.pair.severity {
            Severity::Page => needed_ms - p.short.bad_ms,
            Severity::Ticket => 0,
        };
        below(p.long).max(below(p.short)).max(evidence_ms)
    }

    fn is_down(&self) -> bool {
        self.timeline.last().is_some_and(|(_, health)| health == Health::Down)
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

    fn outage(&self) -> Option<Outage> {
        let since = self.bad_since()?;
        let rounds = self.rounds.iter().map(|r| self.rounds_of(r, Span::new(since, self.now)));
        Some(Outage { since, bad_rounds: rounds.max().unwrap_or_default() })
    }

    fn is_sure(&self, outage: &Outage) -> bool {
        self.now.since(outage.since) >= BAD_TIME_MIN_MS && outage.bad_rounds >= BAD_ROUNDS_MIN
    }
}

#[cfg(test)]
mod tests;
