//! `/metrics` and the figures of every promise, from one picture.

use crate::files::{T0, loaded, silent};
use crate::table::{Goal, Unit, row};
use crate::{SUBSYSTEMS, fastest, past};
use gengfu::clock::ManualClock;
use gengfu::domain::engine::Engine;
use gengfu::domain::{Inventory, Outcome, Snapshot};
use gengfu::metrics::Metrics;
use gengfu::probe::{Board, Heartbeats, Phases, Report};
use gengfu::web::{Commands, OutboxView, Site, WebState, figures, render_metrics};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Changes of health of each probe.
const CHANGES: i64 = 21;

pub(crate) fn rows() -> anyhow::Result<()> {
    let inventory = Arc::new(loaded(&silent(SUBSYSTEMS))?.inventory);
    let mut engine = Engine::new(T0, Arc::clone(&inventory));
    for recorded in past::facts(&inventory, past::DAYS, CHANGES) {
        engine.apply(&recorded);
    }
    engine.start(T0, Some(T0), "digest");
    let (snapshot, spent) = fastest(|| {
        engine.start(T0, Some(T0), "digest");
        Ok(engine.snapshot())
    })?;
    row("a whole new picture, as after a reload", Unit::Of("s"), spent.wall_s, Goal::None, spent);

    let (_, spent) = fastest(|| Ok(figures::figures(T0, &snapshot).by_subsystem.len()))?;
    row("accounts of day, month and 30 days, and burn rates, of all", Unit::Of("s"), spent.wall_s, Goal::None, spent);

    let state = state(&inventory, snapshot)?;
    let (text, spent) = fastest(|| Ok(render_metrics(T0, &state)))?;
    row("/metrics rendered", Unit::Of("ms"), spent.wall_s * 1e3, Goal::AtMost(100.0), spent);
    let series = text.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"#")).count();
    row("series in it", Unit::Count, series as f64, Goal::None, spent);
    Ok(())
}

/// What a handler would read.
fn state(inventory: &Inventory, snapshot: Snapshot) -> anyhow::Result<WebState> {
    let board = Arc::new(Board::new(inventory));
    for slot in board.slots().values() {
        let some = Some(Duration::from_millis(3));
        for _ in 0..3 {
            slot.scheduled(T0);
            slot.record(Report {
                started: T0,
                took: Duration::from_millis(12),
                outcome: Outcome::Pass,
                phases: Phases { resolve: some, connect: some, tls: some, processing: some, transfer: some },
                fleet: None,
                http_status: Some(200),
                certificate_not_after: Some(T0),
                trace: Vec::new(),
            });
        }
    }
    let site = Site { public_url: "http://127.0.0.1:9424".into(), hosts: Vec::new(), version: "0" };
    Ok(WebState {
        links: gengfu::notify::link::LinkKey::new(b"a secret of benches"),
        snapshot: watch::channel(Arc::new(snapshot)).1,
        board,
        heartbeats: Arc::new(Heartbeats::new(T0)),
        clock: Arc::new(ManualClock::at(T0)),
        commands: Commands::channel(1).0,
        outbox: watch::channel(Arc::new(OutboxView::default())).1,
        desk: std::sync::Arc::default(),
        access: std::sync::Arc::default(),
        store: None,
        archive: Default::default(),
        metrics: Arc::new(Metrics::new("0")?),
        site: Arc::new(site),
    })
}
