//! The gate of a daemon that probes: 500 questions a second, asked at their instants whether or not it keeps up.
//!
//! A holder asks, so every answer is kept. An answer's time counts from the instant at which it was due to be asked. Not
//! here: what the gate says (`domain::gate`).

use crate::cpu::Lap;
use crate::daemon::Daemon;
use crate::table::{Goal, Unit, row};
use anyhow::{Result, ensure};
use reqwest::StatusCode;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at};

/// 500 a second.
const EVERY: Duration = Duration::from_millis(2);

/// Questions that are counted: 30 s of them.
const QUESTIONS: usize = 15_000;

/// How many before that warm up.
const WARMS_FOR: usize = 1_000;

/// Now, by day, by night, at the end of the covered dates, and for longer than a weekend.
const TIMES: [&str; 5] = [
    "for=40m",
    "for=40m&at=2026-11-25T10:00",
    "for=4h&at=2026-11-25T23:00",
    "for=2h&at=2026-12-31T23:00",
    "for=100h&at=2026-11-27T23:00",
];

/// How long answers took, at the median, of all but one in a hundred, and at most.
pub(crate) async fn rows(daemon: &Daemon, subsystems: usize) -> Result<()> {
    let mut beat = interval_at(Instant::now(), EVERY);
    let mut asking = JoinSet::new();
    let mut lap = Lap::of(daemon.id());
    let mut took_s = Vec::with_capacity(QUESTIONS);
    for n in 0..WARMS_FOR + QUESTIONS {
        let due = beat.tick().await;
        if n == WARMS_FOR {
            lap = Lap::of(daemon.id());
        }
        let ask = daemon.gate(n * 7 % subsystems, TIMES[n % TIMES.len()]);
        asking.spawn(async move {
            let answer = ask.send().await?;
            let status = answer.status();
            answer.bytes().await?;
            ensure!(matches!(status, StatusCode::OK | StatusCode::LOCKED), "the gate answered {status}");
            anyhow::Ok((n >= WARMS_FOR, due.elapsed().as_secs_f64()))
        });
        while let Some(done) = asking.try_join_next() {
            took_s.push(done??);
        }
    }
    let spent = lap.spent();
    for done in asking.join_all().await {
        took_s.push(done?);
    }
    let mut took_s: Vec<f64> = took_s.into_iter().filter_map(|(counts, s)| counts.then_some(s)).collect();
    took_s.sort_by(f64::total_cmp);
    let of = |share: usize| took_s[(took_s.len() * share / 1_000).min(took_s.len() - 1)] * 1e3;
    row("gate answer at 500 a second, median", Unit::Of("ms"), of(500), Goal::None, spent);
    row("gate answer at 500 a second, p99", Unit::Of("ms"), of(990), Goal::AtMost(5.0), spent);
    row("gate answer at 500 a second, at most", Unit::Of("ms"), of(1_000), Goal::None, spent);
    Ok(())
}
