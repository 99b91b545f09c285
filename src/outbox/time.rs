//! The outbox's own time: it neither stops nor runs backward when the wall clock is set back.
//!
//! Pauses between attempts are instants in the store, so they need a clock that survives a restart; but a mail must not
//! wait an hour because somebody set the clock back by one.

use crate::clock::Clock;
use crate::domain::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The later of the wall clock and of what has passed since the last look.
pub(super) struct Steady {
    clock: Arc<dyn Clock>,
    last: Mutex<(Timestamp, Duration)>,
}

impl Steady {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let last = Mutex::new((clock.now(), clock.monotonic()));
        Self { clock, last }
    }

    pub(super) fn now(&self) -> Timestamp {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = self.clock.monotonic().saturating_sub(last.1);
        let passed_ms = i64::try_from(passed.as_millis()).unwrap_or_default();
        if passed_ms > 0 {
            *last = (last.0 + passed_ms, last.1 + Duration::from_millis(passed_ms.unsigned_abs()));
        }
        last.0 = last.0.max(self.clock.now());
        last.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn a_clock_that_is_set_back_does_not_hold_mail_up() {
        let clock = Arc::new(ManualClock::at(Timestamp(1_000_000)));
        let steady = Steady::new(clock.clone());
        clock.step(Timestamp(400_000));
        clock.advance(5_000);
        assert_eq!(steady.now(), Timestamp(1_005_000));
        clock.step(Timestamp(2_000_000));
        assert_eq!(steady.now(), Timestamp(2_000_000), "a step forward is followed");
    }
}
