//! The inspection view: how a public site looks to those who visit it from outside for a week.
//!
//! Of the scheduled ticks of the last 168 hours and the running one, the share that did not open within 15 s. Re-tries are
//! no visits, unknown leaves, and neither maintenance nor hours make an exception. Not here: who counts (`probe::board`).

use super::*;

/// How far back it looks, besides the running hour.
pub const WEEK_MS: Millis = 7 * DAY;

/// From this share of failed visits on an inspector fails the site, in parts per million.
pub const LIMIT_PPM: u64 = 50_000;

/// From this share of the limit on somebody should know, in per cent: while there is still time to mend.
pub const WARN_FROM: u64 = 80;

/// With fewer visits a day over the week nothing is judged, as inspectors do not.
pub const VISITS_A_DAY_MIN: u64 = 20;

/// Visits of one rolling week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Scheduled ticks that measured something.
    pub visits: u64,
    /// Those that failed, or took longer than 15 s.
    pub failed: u64,
}

/// What an inspector would say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Fewer than 20 visits a day.
    TooFew,
    /// Well below the limit.
    Good,
    /// At 80 % of the limit or above, and below it.
    AtRisk,
    /// The limit is reached.
    Failed,
}

impl Standing {
    /// The JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooFew => "too_few_visits",
            Self::Good => "good",
            Self::AtRisk => "at_risk",
            Self::Failed => "failed",
        }
    }
}

impl Inspection {
    /// The share of failed visits, 0 to 1; `None` without visits.
    pub fn ratio(self) -> Option<f64> {
        (self.visits > 0).then(|| self.failed as f64 / self.visits as f64)
    }

    /// How many more of as many visits may fail before the limit is reached; negative once it is.
    ///
    /// The week rolls: a failed visit takes the place of an old one, so the number of visits stays.
    pub fn left(self) -> i64 {
        let most = (self.visits * LIMIT_PPM).div_ceil(1_000_000).saturating_sub(1);
        i64::try_from(most).unwrap_or(i64::MAX).saturating_sub_unsigned(self.failed)
    }

    /// What an inspector would say.
    pub fn standing(self) -> Standing {
        let share = self.failed * 1_000_000;
        match self.visits {
            few if few < 7 * VISITS_A_DAY_MIN => Standing::TooFew,
            visits if share >= LIMIT_PPM * visits => Standing::Failed,
            visits if share * 100 >= WARN_FROM * LIMIT_PPM * visits => Standing::AtRisk,
            _ => Standing::Good,
        }
    }
}

impl std::ops::Add for Inspection {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { visits: self.visits + other.visits, failed: self.failed + other.failed }
    }
}

/// The probes by which a public subsystem is visited: its critical ones that open pages, else all critical ones; none of
/// a subsystem that is not public.
pub fn visitors<'a>(inventory: &'a Inventory, subsystem: &'a Subsystem) -> Vec<&'a ProbeId> {
    if !subsystem.public {
        return Vec::new();
    }
    let plan = |id: &&ProbeId| inventory.probes.get(*id);
    let critical: Vec<&ProbeId> =
        subsystem.probes.iter().filter(|id| plan(id).is_some_and(|p| p.role == Role::Critical)).collect();
    let opens = |id: &&ProbeId| plan(id).is_some_and(|p| matches!(p.kind, "http" | "journey"));
    let pages: Vec<&ProbeId> = critical.iter().copied().filter(opens).collect();
    if pages.is_empty() { critical } else { pages }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_what_a_count_one_by_one_says() {
        for visits in 1..400_u64 {
            for failed in 0..=visits.min(40) {
                let fails = |failed: u64| 20 * failed >= visits;
                let naive = (failed + 1..).take_while(|more| !fails(*more)).count();
                let seen = Inspection { visits, failed };
                if fails(failed) {
                    assert!(seen.left() < 0, "{seen:?}");
                } else {
                    assert_eq!(seen.left(), i64::try_from(naive).unwrap(), "{seen:?}");
                }
            }
        }
    }

    #[test]
    fn the_warning_comes_before_the_limit_and_few_visits_are_not_judged() {
        let standing = |visits, failed| Inspection { visits, failed }.standing();
        assert_eq!(standing(139, 139), Standing::TooFew);
        assert_eq!(standing(10_000, 399), Standing::Good);
        assert_eq!(standing(10_000, 400), Standing::AtRisk);
        assert_eq!(standing(10_000, 499), Standing::AtRisk);
        assert_eq!(standing(10_000, 500), Standing::Failed);
        assert_eq!(Inspection { visits: 10_000, failed: 499 }.left(), 0);
        assert_eq!(Inspection::default().ratio(), None);
    }
}
