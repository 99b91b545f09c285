//! Which relays are in trouble, and when one letter looks whether they are back.
//!
//! Invariant: while all are in trouble, one letter at a time is tried, at a fixed pace: an outage of an hour costs
//! nothing, and is noticed to be over within seconds.

use crate::domain::{Millis, SECOND, Timestamp};
use crate::notify::Notifier;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long a relay that could not be reached is tried last, but for one letter that looks whether it is back.
const ILL_FOR_MS: Millis = 30 * SECOND;

/// While no relay can be reached: the pause before the next look.
pub(super) const LOOK_EVERY_MS: Millis = 5 * SECOND;

/// Whether mail can leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weather {
    Fair,
    /// Every relay is in trouble.
    Foul {
        /// The next letter may look at this instant.
        look_at: Timestamp,
    },
}

#[derive(Clone, Copy)]
struct Ill {
    until: Timestamp,
    failed_at: Timestamp,
}

/// By the relay's name.
#[derive(Default)]
pub(super) struct Health(Mutex<HashMap<String, Ill>>);

impl Health {
    fn ill(&self) -> MutexGuard<'_, HashMap<String, Ill>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn weather(&self, relays: &[Arc<dyn Notifier>], now: Timestamp) -> Weather {
        let ill = self.ill();
        let failed = relays.iter().map(|r| ill.get(r.name()).filter(|i| now < i.until).map(|i| i.failed_at));
        match failed.collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().max()) {
            Some(failed_at) => Weather::Foul { look_at: failed_at + LOOK_EVERY_MS },
            None => Weather::Fair,
        }
    }

    /// Relays in the order of the file, those in trouble last.
    pub(super) fn in_order<'a>(&self, relays: &'a [Arc<dyn Notifier>], now: Timestamp) -> Vec<&'a Arc<dyn Notifier>> {
        let mut ill = self.ill();
        let mut order: Vec<_> = relays.iter().collect();
        order.sort_by_cached_key(|relay| match ill.get_mut(relay.name()) {
            Some(ill) if now < ill.until => true,
            Some(ill) => {
                // This letter looks whether the relay is back; the others still try it last.
                ill.until = now + ILL_FOR_MS;
                false
            }
            None => false,
        });
        order
    }

    pub(super) fn is_ill(&self, relay: &str, now: Timestamp) {
        self.ill().insert(relay.to_owned(), Ill { until: now + ILL_FOR_MS, failed_at: now });
    }

    pub(super) fn is_well(&self, relay: &str) {
        self.ill().remove(relay);
    }
}
