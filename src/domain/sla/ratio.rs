//! A share of time, kept exact until it is printed.
//!
//! Not here: which share of what (`account`). Invariants: `whole` is positive; nothing below one prints as 100 %, and
//! a miss never prints as the target.

use super::*;

/// Parts per million in one.
const MILLION: i128 = 1_000_000;

/// A share of time, kept exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    /// Milliseconds that count.
    pub part: Millis,
    /// Milliseconds in all; positive.
    pub whole: Millis,
}

impl Ratio {
    /// `part / whole`; `None` where there is nothing to share.
    pub fn of(part: Millis, whole: Millis) -> Option<Self> {
        (whole > 0).then_some(Self { part, whole })
    }

    /// For machines that know no better than floating point.
    pub fn as_f64(self) -> f64 {
        self.part as f64 / self.whole as f64
    }

    /// Whether the share is at least `target_ppm` parts per million, exactly.
    pub fn reaches(self, target_ppm: u32) -> bool {
        i128::from(self.part) * MILLION >= i128::from(target_ppm) * i128::from(self.whole)
    }

    /// `93.3798 %`: four decimals, rounded to nearest, but 100 % only where nothing is missing.
    pub fn percent(self) -> String {
        self.percent_against(1_000_000)
    }

    /// As [`Self::percent`]; a share below the target prints at least one unit of the last decimal below it.
    pub fn percent_against(self, target_ppm: u32) -> String {
        let (part, whole) = (i128::from(self.part), i128::from(self.whole));
        let mut ppm = (2 * part * MILLION + whole).div_euclid(2 * whole);
        // A target below a share that was rounded up is left behind by the first line, one above it by the second.
        for line in [1_000_000, target_ppm] {
            if !self.reaches(line) {
                ppm = ppm.min(i128::from(line) - 1);
            }
        }
        let sign = if ppm < 0 { "-" } else { "" };
        format!("{sign}{}.{:04} %", ppm.abs() / 10_000, ppm.abs() % 10_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ratio(part: Millis, whole: Millis) -> Ratio {
        Ratio::of(part, whole).unwrap()
    }

    #[test]
    fn four_decimals_are_rounded_to_nearest() {
        assert_eq!(ratio(80_400, 86_100).percent(), "93.3798 %");
        assert_eq!(ratio(1, 3).percent(), "33.3333 %");
        assert_eq!(ratio(2, 3).percent(), "66.6667 %");
        assert_eq!(ratio(0, 5).percent(), "0.0000 %");
        assert_eq!(ratio(5, 5).percent(), "100.0000 %");
    }

    #[test]
    fn nothing_below_one_prints_as_a_hundred_per_cent() {
        assert_eq!(ratio(31 * DAY - 1, 31 * DAY).percent(), "99.9999 %");
    }

    #[test]
    fn miss_never_prints_as_the_target() {
        let miss = ratio(999_000_000 - 1, 1_000_000_000);
        assert!(!miss.reaches(999_000));
        assert_eq!(miss.percent(), "99.9000 %");
        assert_eq!(miss.percent_against(999_000), "99.8999 %");
        assert_eq!(ratio(999, 1_000).percent_against(999_000), "99.9000 %");
        assert!(ratio(999, 1_000).reaches(999_000));
    }

    #[test]
    fn nothing_eligible_has_no_share() {
        assert_eq!(Ratio::of(0, 0), None);
    }

    proptest! {
        #[test]
        fn print_and_verdict_never_contradict_each_other(
            whole in 1..=366 * DAY, missing in 0..=366 * DAY, target in 0u32..=1_000_000,
        ) {
            let share = ratio(whole - missing.min(whole), whole);
            let printed = share.percent_against(target);
            let ppm: i64 = printed.replace(" %", "").replace('.', "").parse().unwrap();
            prop_assert_eq!(ppm >= i64::from(target), share.reaches(target));
            prop_assert_eq!(ppm == 1_000_000, share.part == share.whole);
            let exact = share.as_f64() * 1e6;
            prop_assert!((ppm as f64 - exact).abs() <= 1.000_001, "{} for {}", ppm, exact);
        }
    }
}
