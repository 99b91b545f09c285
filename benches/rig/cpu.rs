//! What processes cost, as the kernel counts it: CPU seconds and resident memory from `/proc`.
//!
//! Not here: who measures what. CPU seconds are user and system time of all threads, counted in hundredths.

use gengfu::clock::{Clock, SystemClock};
use std::fs::read_to_string;
use std::time::Duration;

/// Linux counts CPU time for programs in hundredths of a second, on every machine that gengfu runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU seconds of a process so far; `self` is a name too. Zero once it is gone.
pub(crate) fn cpu_s(process: &str) -> f64 {
    let stat = read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The second field is the name of the program, in parentheses, and may hold blanks.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = fields.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum::<f64>();
    ticks / TICKS_PER_SECOND
}

/// Wall time and CPU seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    pub(crate) wall_s: f64,
    pub(crate) cpu_s: f64,
}

/// A stopwatch over one process.
pub(crate) struct Lap {
    process: String,
    clock: SystemClock,
    cpu_s: f64,
}

impl Lap {
    /// Starts over a process.
    pub(crate) fn of(process: impl ToString) -> Self {
        let process = process.to_string();
        Self { cpu_s: cpu_s(&process), process, clock: SystemClock::default() }
    }

    /// Starts over this process.
    pub(crate) fn own() -> Self {
        Self::of("self")
    }

    /// Wall time so far.
    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.monotonic()
    }

    /// What was spent so far.
    pub(crate) fn spent(&self) -> Spent {
        Spent { wall_s: self.elapsed().as_secs_f64(), cpu_s: cpu_s(&self.process) - self.cpu_s }
    }
}
