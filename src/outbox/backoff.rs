//! When to try again: exponential, with full jitter, so that many letters do not knock at a relay in step.

use crate::domain::{MINUTE, Millis, SECOND};

/// Ceiling of the first pause.
pub(super) const FIRST_MS: Millis = 2 * SECOND;

/// Ceiling of every later pause: a relay that is back is found within it.
pub(super) const LONGEST_MS: Millis = 2 * MINUTE;

/// No pause is shorter, so that no letter spins.
pub(super) const SHORTEST_MS: Millis = 500;

/// The pause after the attempt number `attempts`, counted from 1.
pub(super) fn pause_ms(attempts: u32, rng: &mut fastrand::Rng) -> Millis {
    let doubled = FIRST_MS.checked_shl(attempts.saturating_sub(1).min(16)).unwrap_or(LONGEST_MS);
    rng.i64(SHORTEST_MS..=doubled.min(LONGEST_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_ceiling_and_are_spread_over_all_of_it() {
        let mut rng = fastrand::Rng::with_seed(7);
        let mut pauses = |attempts| (0..500).map(|_| pause_ms(attempts, &mut rng)).collect::<Vec<_>>();
        assert!(pauses(1).iter().all(|p| (SHORTEST_MS..=FIRST_MS).contains(p)));
        let late = pauses(u32::MAX);
        assert!(late.iter().all(|p| (SHORTEST_MS..=LONGEST_MS).contains(p)));
        assert!(late.iter().any(|p| *p < LONGEST_MS / 10) && late.iter().any(|p| *p > LONGEST_MS * 9 / 10));
    }
}
