//! What a subsystem was, gap-free: half-open spans of up, degraded, down and unknown.
//!
//! Not here: how one probe's health is confirmed (`health`), and maintenance, which is an overlay. Invariants: starts
//! rise strictly and neighbours differ; a subsystem's timeline is the pointwise combination of its probes' back-dated
//! ones, and begins where the first of them begins.

use super::health::ProbeHealth;
use super::*;
use serde::{Deserialize, Serialize};

/// What was seen of a subsystem. Maintenance is an overlay, not a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Every critical probe passes.
    Up,
    /// Usable, not as it should be; good for availability.
    Degraded,
    /// A critical probe is failing.
    Down,
    /// A critical probe has no fresh result.
    Unknown,
}

impl Health {
    /// Every state, for metrics.
    pub const ALL: [Self; 4] = [Self::Up, Self::Degraded, Self::Down, Self::Unknown];

    /// The label and the JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }
}

/// A gap-free sequence of states since a beginning; the last one lasts until it is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline<S> {
    /// (start, state), starts strictly rising, neighbours differ.
    changes: Vec<(Timestamp, S)>,
}

impl<S> Default for Timeline<S> {
    fn default() -> Self {
        Self { changes: Vec::new() }
    }
}

impl<S: Copy + PartialEq> Timeline<S> {
    /// Says that from `since` on the state is `to`: whatever was known from `since` on is replaced (dating backward).
    pub fn set(&mut self, since: Timestamp, to: S) {
        self.truncate(since);
        if self.changes.last().is_none_or(|(_, state)| *state != to) {
            self.changes.push((since, to));
        }
    }

    /// Forgets what began at or after `since`.
    fn truncate(&mut self, since: Timestamp) {
        let keep = self.changes.partition_point(|(start, _)| *start < since);
        self.changes.truncate(keep);
    }

    /// The first change after `t`.
    pub fn next_change(&self, t: Timestamp) -> Option<Timestamp> {
        let i = self.changes.partition_point(|(start, _)| *start <= t);
        self.changes.get(i).map(|(start, _)| *start)
    }

    /// The state at `t`; `None` before the beginning.
    pub fn at(&self, t: Timestamp) -> Option<S> {
        let i = self.changes.partition_point(|(start, _)| *start <= t);
        i.checked_sub(1).map(|i| self.changes[i].1)
    }

    /// The present state and since when.
    pub fn last(&self) -> Option<(Timestamp, S)> {
        self.changes.last().copied()
    }

    /// The beginning.
    pub fn first(&self) -> Option<Timestamp> {
        self.changes.first().map(|(start, _)| *start)
    }

    /// The changes, in order of time.
    pub fn changes(&self) -> &[(Timestamp, S)] {
        &self.changes
    }

    /// The gap-free pieces inside `within`, in order of time; nothing lies before the beginning.
    pub fn spans(&self, within: Span) -> impl Iterator<Item = (Span, S)> + '_ {
        let first = self.changes.partition_point(|(start, _)| *start <= within.start).saturating_sub(1);
        let rest = &self.changes[first..];
        rest.iter()
            .enumerate()
            .map_while(move |(i, (start, state))| {
                let end = rest.get(i + 1).map_or(within.end, |(next, _)| *next);
                let span = Span::new(*start, end).intersect(within);
                (*start < within.end).then_some((span, *state))
            })
            .filter(|(span, _)| !span.is_empty())
    }

    /// What is known from `t` on, beginning with the state at `t` whenever that began.
    pub fn lately(&self, t: Timestamp) -> Self {
        let keep = self.changes.partition_point(|(start, _)| *start <= t).saturating_sub(1);
        Self { changes: self.changes[keep..].to_vec() }
    }

    /// Forgets what ended before `t`; the state at `t` stays known.
    pub fn forget_before(&mut self, t: Timestamp) {
        let keep = self.changes.partition_point(|(start, _)| *start <= t).saturating_sub(1);
        self.changes.drain(..keep);
    }
}

/// Combines the confirmed states of a subsystem's probes at one instant; `None` is unknown.
pub fn combine(probes: impl IntoIterator<Item = (Role, Option<ProbeHealth>)>) -> Health {
    let (mut unknown, mut degraded) = (false, false);
    for (role, health) in probes {
        match (role, health) {
            (Role::Critical, Some(ProbeHealth::Failing)) => return Health::Down,
            (Role::Critical, None) => unknown = true,
            (Role::Supporting, Some(ProbeHealth::Failing)) | (_, Some(ProbeHealth::Degraded)) => degraded = true,
            (Role::Supporting, None) | (_, Some(ProbeHealth::Passing)) => {}
        }
    }
    match (unknown, degraded) {
        (true, _) => Health::Unknown,
        (_, true) => Health::Degraded,
        _ => Health::Up,
    }
}

/// One probe of a subsystem: whether it can take it down, and what was confirmed of it since its first attempt.
pub type Part<'a> = (Role, &'a Timeline<Option<ProbeHealth>>);

/// The pointwise combination of the probes' timelines. A probe that has not begun yet is unknown.
pub fn combine_timelines(probes: &[Part<'_>]) -> Timeline<Health> {
    let mut whole = Timeline::default();
    recombine_from(&mut whole, probes, Timestamp::MIN);
    whole
}

/// Writes the tail of a combination again after one of its probes changed from `since` on.
///
/// What lies before `since` is kept as it is, so that a change costs no more than what it rewrites.
pub fn recombine_from(whole: &mut Timeline<Health>, probes: &[Part<'_>], since: Timestamp) {
    whole.truncate(since);
    let Some(first) = probes.iter().filter_map(|(_, t)| t.first()).min() else { return };
    let mut at = since.max(first);
    loop {
        whole.set(at, combine(probes.iter().map(|(role, t)| (*role, t.at(at).flatten()))));
        match probes.iter().filter_map(|(_, t)| t.next_change(at)).min() {
            Some(next) => at = next,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests;
