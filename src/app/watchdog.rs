//! A thread of its own that watches whether the engine still turns, and tells systemd so.
//!
//! Not here: restarting (systemd does, `WatchdogSec`). Invariants: it shares no lock and no runtime with what it watches;
//! a sign of life goes to systemd only if the engine has turned since the last one; without systemd a standstill is
//! logged all the same.

use crate::runtime::Pulse;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often it looks where systemd does not say.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// So many looks without a turn are a standstill.
const STILL_LOOKS: u32 = 3;

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// It turned.
    Alive,
    /// It did not, for so many looks.
    Still(u32),
}

/// Compares counts.
#[derive(Debug, Default)]
struct Watch {
    seen: u64,
    still: u32,
}

impl Watch {
    fn look(&mut self, count: u64) -> Found {
        if count == self.seen {
            self.still += 1;
            return Found::Still(self.still);
        }
        (self.seen, self.still) = (count, 0);
        Found::Alive
    }
}

/// The thread; it ends when this is dropped.
pub(super) struct Watchdog {
    thread: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
}

impl Watchdog {
    /// Watches `pulse`; every third of the time that systemd gives, if it asks for signs of life.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub(super) fn start(pulse: Pulse) -> std::io::Result<Self> {
        let every = sd_notify::watchdog_enabled().map_or(LOOK_EVERY, |within| within / 3);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("watchdog".into()).spawn(move || {
            let mut watch = Watch::default();
            while !stopped.load(Ordering::Relaxed) {
                match watch.look(pulse.count()) {
                    // Without systemd nobody listens.
                    Found::Alive => _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]),
                    Found::Still(STILL_LOOKS) => tracing::error!("the engine stands still"),
                    Found::Still(_) => {}
                }
                std::thread::park_timeout(every);
            }
        })?;
        Ok(Self { thread: Some(thread), stop })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_life_follow_turns_and_a_standstill_is_counted() {
        let (pulse, mut watch) = (Pulse::default(), Watch::default());
        pulse.beat();
        assert_eq!(watch.look(pulse.count()), Found::Alive);
        assert_eq!(watch.look(pulse.count()), Found::Still(1));
        assert_eq!(watch.look(pulse.count()), Found::Still(2));
        pulse.beat();
        assert_eq!(watch.look(pulse.count()), Found::Alive);
        let dog = Watchdog::start(pulse).unwrap();
        drop(dog);
    }
}
