//! The engine alone: observations per second on one core, and what it allocates for one that changes nothing.
//!
//! A program of its own, because counting allocations slows everybody down who makes some.

#[allow(dead_code, reason = "each benchmark uses a part of the rig")]
#[path = "../rig/cpu.rs"]
mod cpu;
#[allow(dead_code, reason = "each benchmark uses a part of the rig")]
#[path = "../rig/files.rs"]
mod files;
#[allow(dead_code, reason = "each benchmark uses a part of the rig")]
#[path = "../rig/table.rs"]
mod table;

use cpu::Lap;
use files::{T0, loaded, silent};
use gengfu::domain::engine::{Engine, Event};
use gengfu::domain::{Millis, Observation, Outcome, ProbeId, ReasonKind, Timestamp, Trigger};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::sync::Arc;
use table::{Goal, Unit, head, row, say};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const PROBES: usize = 10_000;

/// A probe's interval in the generated files.
const EVERY_MS: Millis = 60_000;

/// Rounds over all probes that are timed: five hours of engine time.
const ROUNDS: usize = 300;

/// Rounds in which allocations are counted: less than an hour, so that no housekeeping falls in.
const ROUNDS_COUNTED: usize = 50;

/// Probes that take turns, spread evenly over their interval.
struct Turns {
    engine: Engine,
    probes: Vec<ProbeId>,
    now: Timestamp,
}

impl Turns {
    fn new() -> anyhow::Result<Self> {
        let inventory = Arc::new(loaded(&silent(PROBES))?.inventory);
        let mut probes: Vec<ProbeId> = inventory.probes.keys().cloned().collect();
        probes.sort_unstable();
        let mut engine = Engine::new(T0, inventory);
        engine.start(T0, None, "digest");
        Ok(Self { engine, probes, now: T0 })
    }

    /// One attempt of every probe. Returns the facts, messages and effects that came of it.
    fn round(&mut self) -> usize {
        self.round_of(&Outcome::Pass)
    }

    fn round_of(&mut self, outcome: &Outcome) -> usize {
        let step_us = EVERY_MS * 1_000 / self.probes.len() as i64;
        let mut followed = 0;
        for (i, probe) in self.probes.iter().enumerate() {
            let started = self.now + i as i64 * step_us / 1_000;
            let (trigger, outcome) = (Trigger::Tick, outcome.clone());
            let seen = Observation { probe: probe.clone(), started, took_ms: 20, trigger, outcome };
            let out = self.engine.handle(started + 20, Event::Observed(seen));
            followed += out.facts.len() + out.messages.len() + out.effects.len();
        }
        self.now = self.now + EVERY_MS;
        followed
    }
}

fn main() -> anyhow::Result<()> {
    head("The engine, 10 000 probes, one thread");
    let mut turns = Turns::new()?;
    // Health is confirmed, and every queue has its size.
    let confirmed: usize = (0..5).map(|_| turns.round()).sum();
    say(&format!("<!-- {confirmed} facts and effects while health was confirmed -->"));

    let (lap, region) = (Lap::own(), Region::new(ALLOCATOR));
    let followed: usize = (0..ROUNDS_COUNTED).map(|_| turns.round()).sum();
    let counted = region.change();
    let observations = (ROUNDS_COUNTED * PROBES) as f64;
    let allocations = (counted.allocations + counted.reallocations) as f64;
    row(
        "allocations per observation that changes nothing",
        Unit::Of("each"),
        allocations / observations,
        Goal::AtMost(0.0),
        lap.spent(),
    );
    say(&format!(
        "<!-- {allocations} allocations, {} bytes, {followed} facts and effects -->",
        counted.bytes_allocated
    ));

    let lap = Lap::own();
    let followed: usize = (0..ROUNDS).map(|_| turns.round()).sum();
    let spent = lap.spent();
    let rate = (ROUNDS * PROBES) as f64 / spent.cpu_s;
    row("observations per CPU second, housekeeping included", Unit::Count, rate, Goal::AtLeast(1e6), spent);
    say(&format!("<!-- {followed} facts and effects -->"));
    storm(&mut turns);
    Ok(())
}

/// The worst day: everything fails at once, for three rounds, and comes back.
fn storm(turns: &mut Turns) {
    let refused = Outcome::fail(ReasonKind::Connect, "portal.huangpu.test:443 refused the connection");
    for (what, outcome, rounds) in [("down", &refused, 3), ("up again", &Outcome::Pass, 2)] {
        let lap = Lap::own();
        let followed: usize = (0..rounds).map(|_| turns.round_of(outcome)).sum();
        let spent = lap.spent();
        let rate = (rounds * PROBES) as f64 / spent.cpu_s;
        row(&format!("observations per CPU second while all go {what}"), Unit::Count, rate, Goal::None, spent);
        say(&format!("<!-- {followed} facts, messages and effects -->"));
    }
}
