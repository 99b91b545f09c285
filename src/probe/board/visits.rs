//! The rolling week of visits to one public page.
//!
//! Invariants: one entry an hour, in order of time, at most 169; an hour that is recalled from the store replaces nothing.

use crate::domain::inspection::{Inspection, WEEK_MS};
use crate::domain::{HOUR, Timestamp};
use std::collections::VecDeque;

/// 168 full hours and the running one.
const HOURS_MAX: usize = 169;

/// Visits by the hour.
#[derive(Debug, Default)]
pub(super) struct Visits(VecDeque<(Timestamp, Inspection)>);

impl Visits {
    /// Counts into the hour that holds `at`.
    pub(super) fn add(&mut self, at: Timestamp, seen: Inspection) {
        let hour = at - at.0.rem_euclid(HOUR);
        let place = self.0.partition_point(|(start, _)| *start < hour);
        match self.0.get_mut(place).filter(|(start, _)| *start == hour) {
            Some((_, known)) => *known = *known + seen,
            None => self.0.insert(place, (hour, seen)),
        }
        if self.0.len() > HOURS_MAX {
            self.0.pop_front();
        }
    }

    /// Those of the last 168 full hours and of the running one.
    pub(super) fn week(&self, now: Timestamp) -> Inspection {
        let first = now - now.0.rem_euclid(HOUR) - WEEK_MS;
        let inside = self.0.iter().filter(|(hour, _)| *hour >= first);
        inside.fold(Inspection::default(), |sum, (_, seen)| sum + *seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_week_is_that_of_a_count_over_all_visits(
            mut visits in prop::collection::vec((0_i64..9 * 24 * 60, any::<bool>()), 0..400),
        ) {
            visits.sort_unstable();
            let start = 1_795_000_000_000 - 1_795_000_000_000 % HOUR;
            let at = |minute: i64| Timestamp(start + minute * 60_000);
            let mut kept = Visits::default();
            for (place, (minute, failed)) in visits.iter().enumerate() {
                kept.add(at(*minute), Inspection { visits: 1, failed: u64::from(*failed) });
                let now = at(*minute);
                let from = now.0 - now.0 % HOUR - 7 * 24 * HOUR;
                let naive = visits[..=place].iter().filter(|(minute, _)| at(*minute).0 >= from);
                let (n, k) = naive.fold((0, 0), |(n, k), (_, failed)| (n + 1, k + u64::from(*failed)));
                prop_assert_eq!(kept.week(now), Inspection { visits: n, failed: k });
            }
        }
    }
}
