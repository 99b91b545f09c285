//! Who acts how, and when: behaviours, scripts that play them, and the stage that everybody looks at.
//!
//! Not here: the shipped demo's play (`script::demo`) and how a behaviour looks on the wire (`endpoint`, `dns`).
//! Invariants: a subsystem behaves in one way at a time; what is set by hand beats the script; the last act of a table
//! that matches wins; the stage's time is monotonic and starts with the city.

mod demo;

pub use demo::{OVERRUN_SUBSYSTEM, WINDOWS};

use crate::clock::Clock;
use crate::domain::{Names, SubsystemId};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How a subsystem meets whoever calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// As its probes expect.
    #[default]
    Healthy,
    /// Connections are reset; DNS answers REFUSED.
    Refuse,
    /// Connections are taken and nothing follows.
    Hang,
    /// Every page answers with this status; bare TCP closes at once; DNS says SERVFAIL.
    Status(u16),
    /// Right, but this many milliseconds late.
    Slow(u32),
    /// Success with nothing in it.
    Blank,
    /// 503 with `Retry-After` and a notice; bare TCP closes at once; DNS says SERVFAIL.
    Maintenance {
        /// What `Retry-After` promises, in seconds.
        retry_after_s: u32,
        /// What the page says.
        notice: Names,
    },
    /// Healthy, with a certificate that ends in [`EXPIRING_DAYS`](super::EXPIRING_DAYS) days.
    ExpiringCertificate,
}

/// One subsystem's part for a while: `[from_s, until_s)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Who.
    pub subsystem: SubsystemId,
    /// First second.
    pub from_s: u32,
    /// First second after it.
    pub until_s: u32,
    /// How.
    pub behaviour: Behaviour,
}

impl Act {
    /// An act of `subsystem` over `[from_s, until_s)`.
    pub fn new(subsystem: &str, from_s: u32, until_s: u32, behaviour: Behaviour) -> Self {
        Self { subsystem: subsystem.into(), from_s, until_s, behaviour }
    }

    fn covers(&self, at: Duration) -> bool {
        Duration::from_secs(self.from_s.into()) <= at && at < Duration::from_secs(self.until_s.into())
    }
}

/// Acts that are played once, and acts that come round again.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// Seconds since the city's start.
    pub opening: Vec<Act>,
    /// Seconds since the start of each round.
    pub refrain: Vec<Act>,
    /// Start of the first round.
    pub refrain_from_s: u32,
    /// Length of a round; 0 when there is none.
    pub period_s: u32,
}

impl Script {
    /// The demo's play: everything is seen within a minute, and it goes on.
    pub fn demo() -> Self {
        demo::script()
    }

    fn round(&self, elapsed: Duration) -> Option<Duration> {
        let since = elapsed.checked_sub(Duration::from_secs(self.refrain_from_s.into()))?;
        let period_ms = u64::from(self.period_s) * 1_000;
        let since_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        since_ms.checked_rem(period_ms).map(Duration::from_millis)
    }

    fn behaviour(&self, subsystem: &SubsystemId, elapsed: Duration) -> Option<&Behaviour> {
        let round = self.round(elapsed);
        let again = self.refrain.iter().filter(|act| round.is_some_and(|at| act.covers(at)));
        let once = self.opening.iter().filter(|act| act.covers(elapsed));
        once.chain(again).rfind(|act| act.subsystem == *subsystem).map(|act| &act.behaviour)
    }

    /// Everybody who ever acts.
    pub fn cast(&self) -> impl Iterator<Item = &SubsystemId> {
        self.opening.iter().chain(&self.refrain).map(|act| &act.subsystem)
    }
}

/// Where everybody looks up how to behave now.
pub struct Stage {
    clock: Arc<dyn Clock>,
    started: Duration,
    /// Split by subsystem, so that the many who never act cost one look-up.
    parts: HashMap<SubsystemId, Script>,
    by_hand: RwLock<HashMap<SubsystemId, Behaviour>>,
}

impl Stage {
    /// The script starts now.
    pub fn new(script: &Script, clock: Arc<dyn Clock>) -> Self {
        let part = |id: &SubsystemId| {
            let of = |acts: &[Act]| acts.iter().filter(|a| a.subsystem == *id).cloned().collect();
            Script { opening: of(&script.opening), refrain: of(&script.refrain), ..script.clone() }
        };
        let parts = script.cast().map(|id| (id.clone(), part(id))).collect();
        Self { started: clock.monotonic(), clock, parts, by_hand: RwLock::default() }
    }

    /// How `subsystem` behaves at this moment.
    pub fn behaviour(&self, subsystem: &SubsystemId) -> Behaviour {
        let by_hand = self.by_hand.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(behaviour) = by_hand.get(subsystem) {
            return behaviour.clone();
        }
        drop(by_hand);
        let Some(part) = self.parts.get(subsystem) else { return Behaviour::Healthy };
        let elapsed = self.clock.monotonic().saturating_sub(self.started);
        part.behaviour(subsystem, elapsed).cloned().unwrap_or_default()
    }

    /// From now on `subsystem` behaves like this, whatever the script says.
    pub fn set(&self, subsystem: &SubsystemId, behaviour: Behaviour) {
        self.by_hand.write().unwrap_or_else(PoisonError::into_inner).insert(subsystem.clone(), behaviour);
    }

    /// Back to the script.
    pub fn release(&self, subsystem: &SubsystemId) {
        self.by_hand.write().unwrap_or_else(PoisonError::into_inner).remove(subsystem);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn stage(script: &Script) -> (Arc<ManualClock>, Stage) {
        let clock = Arc::new(ManualClock::default());
        (clock.clone(), Stage::new(script, clock))
    }

    #[test]
    fn acts_are_half_open_and_rounds_come_again() {
        let script = Script {
            opening: vec![Act::new("a/b", 1, 2, Behaviour::Hang)],
            refrain: vec![Act::new("a/b", 0, 3, Behaviour::Blank)],
            refrain_from_s: 10,
            period_s: 5,
        };
        let (clock, stage) = stage(&script);
        let mut seen = Vec::new();
        for _ in 0..20 {
            seen.push(match stage.behaviour(&"a/b".into()) {
                Behaviour::Healthy => '.',
                Behaviour::Hang => 'h',
                _ => 'b',
            });
            clock.advance(1_000);
        }
        assert_eq!(seen.iter().collect::<String>(), ".h........bbb..bbb..");
    }

    #[test]
    fn what_is_set_by_hand_beats_the_script_until_it_is_released() {
        let script = Script { opening: vec![Act::new("a/b", 0, 9, Behaviour::Blank)], ..Script::default() };
        let (_, stage) = stage(&script);
        let id = SubsystemId::from("a/b");
        stage.set(&id, Behaviour::Refuse);
        assert_eq!(stage.behaviour(&id), Behaviour::Refuse);
        stage.release(&id);
        assert_eq!(stage.behaviour(&id), Behaviour::Blank);
        assert_eq!(stage.behaviour(&"c/d".into()), Behaviour::Healthy);
    }

    #[test]
    fn the_demo_shows_every_kind_of_trouble_within_a_minute() {
        let (clock, stage) = stage(&Script::demo());
        let script = Script::demo();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..60 {
            seen.extend(script.cast().map(|id| std::mem::discriminant(&stage.behaviour(id))).map(|d| format!("{d:?}")));
            clock.advance(1_000);
        }
        // Healthy, refuse, status, slow, blank, maintenance, expiring certificate.
        assert_eq!(seen.len(), 7, "{seen:?}");
        assert!(script.opening.iter().chain(&script.refrain).all(|act| act.from_s < act.until_s));
        assert!(script.refrain.iter().all(|act| act.until_s <= script.period_s));
    }
}
