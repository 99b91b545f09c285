//! The pairs of look-backs with their factors, and what one look-back saw.
//!
//! Not here: which evidence a page needs (`rounds`). Invariants: factors are derived, never typed; a rate is compared
//! in integers.

use super::*;

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

impl Pair {
    /// How many times faster than allowed it burns when the pair fires: share × period / long look-back.
    pub fn factor(&self, period_ms: Millis) -> f64 {
        self.share_percent as f64 / 100.0 * period_ms as f64 / self.long_ms as f64
    }

    /// The names of its look-backs, the long one first: `("1h", "5m")`.
    pub fn windows(&self) -> (&'static str, &'static str) {
        self.name.split_once('/').unwrap_or((self.name, ""))
    }

    /// Whether a pair that may page does so under these terms.
    pub fn wakes(&self, pages: Pages) -> bool {
        if self.long_ms <= HOUR { pages.fast_burn } else { pages.slow_burn }
    }

    /// Whether the factor leaves room: a share of bad time above factor × (1 − target) must be possible.
    pub fn can_fire(&self, target_ppm: u32, period_ms: Millis) -> bool {
        self.line(target_ppm, period_ms) < self.unit()
    }

    /// Whether the share of bad time exceeds factor × (1 − target), exactly.
    pub(super) fn exceeded(&self, by: Lookback, target_ppm: u32, period_ms: Millis) -> bool {
        i128::from(by.bad_ms) * self.unit() > self.line(target_ppm, period_ms) * i128::from(by.eligible_ms)
    }

    /// For how long the share that `by` saw cannot come to exceed factor × (1 − target), if nothing becomes bad that is
    /// not bad now.
    pub(super) fn stays_below_ms(&self, by: Lookback, target_ppm: u32, period_ms: Millis, bad_now: BadNow) -> Millis {
        // At worst all time to come is bad and all that drops out of the look-back was good.
        let growth = match bad_now {
            BadNow::Yes => self.unit(),
            BadNow::No if by.bad_ms == 0 => return Millis::MAX,
            BadNow::No => 0,
        };
        let line = self.line(target_ppm, period_ms);
        let room = line * i128::from(by.eligible_ms) - i128::from(by.bad_ms) * self.unit();
        Millis::try_from(room.max(0) / (growth + line).max(1)).unwrap_or(Millis::MAX)
    }

    /// Factor × (1 − target), in units of [`Self::unit`].
    fn line(&self, target_ppm: u32, period_ms: Millis) -> i128 {
        i128::from(self.share_percent) * i128::from(period_ms) * i128::from(1_000_000 - target_ppm.min(1_000_000))
    }

    fn unit(&self) -> i128 {
        i128::from(self.long_ms) * 100 * 1_000_000
    }
}

/// Whether time that passes now is seen bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadNow {
    /// It is.
    Yes,
    /// It is not.
    No,
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
