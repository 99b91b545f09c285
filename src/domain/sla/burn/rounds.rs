//! The rounds of a probe: what keeps one lost attempt from paging.
//!
//! Not here: how fast the budget burns (`pair`). Invariants: a round is a scheduled tick, so re-tries never count as
//! rounds of their own; a round without an answer yet, or whose recovery is being confirmed, is no evidence.

use super::*;

/// Rounds that must be bad before anybody is paged, so that one lost round never pages.
pub const BAD_ROUNDS_MIN: i64 = 2;
/// Bad time that a page needs at least.
pub const BAD_TIME_MIN_MS: Millis = MINUTE;
/// A view keeps what failed for so long before it was taken: the longest short look-back of a page, and a minute.
pub const ROUNDS_MEMORY_MS: Millis = 31 * MINUTE;
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

impl<'a> Rounds<'a> {
    /// Those of one probe.
    pub fn of(
        plan: &ProbePlan,
        confirmed: &'a Timeline<Option<ProbeHealth>>,
        contrary_since: Option<Timestamp>,
    ) -> Self {
        let ProbePlan { every_ms, timeout_ms, .. } = *plan;
        Self { every_ms, phase_ms: plan.phase_ms(), timeout_ms, confirmed, contrary_since }
    }
}

impl Rounds<'_> {
    /// How many rounds with an answer are confirmed bad inside `span`.
    pub(super) fn bad(&self, now: Timestamp, span: Span) -> i64 {
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

    pub(super) fn bad_time_needed_ms(&self) -> Millis {
        BAD_TIME_MIN_MS.max(BAD_ROUNDS_MIN * self.every_ms)
    }
}
