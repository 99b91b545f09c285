//! Families of probes, subsystems, promises, windows and incidents, read from one snapshot.
//!
//! Not here: the daemon's own counters (`super::Metrics`). Invariants: nothing is kept between two calls, so a removed
//! target is gone at once; `gengfu_probe_success` and `gengfu_subsystem_up` are absent while unknown.

mod freezes;
mod promises;

pub use promises::{cause_label, left_ms};

use super::writer::{Labels, Page};
use crate::domain::inspection::Inspection;
use crate::domain::timeline::Health;
use crate::domain::*;
use crate::probe::{Board, LATENCY_BUCKETS, Reading};
use crate::probe::{Phases, Report};
use crate::web::figures::Figures;
use std::collections::BTreeMap;
use std::time::Duration;

/// Windows that ended this long ago still have a series.
const WINDOWS_PAST_MS: Millis = 24 * HOUR;
/// Windows that start within this time have one.
const WINDOWS_AHEAD_MS: Millis = 7 * DAY;

/// Counts of the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// Messages that wait.
    pub pending: u64,
    /// When the oldest of them was decided.
    pub oldest: Option<Timestamp>,
    /// Messages that were given up.
    pub dead_letters: u64,
}

/// Everything that is read for one scrape.
pub struct Sources<'a> {
    /// The picture.
    pub snapshot: &'a Snapshot,
    /// The last attempts of every probe.
    pub board: &'a Board,
    /// Figures of this moment.
    pub figures: &'a Figures,
    /// Counts of the outbox.
    pub outbox: OutboxCounts,
}

impl std::fmt::Debug for Sources<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources").field("at", &self.snapshot.at).finish_non_exhaustive()
    }
}

/// Writes every family at `now`.
pub fn write(now: Timestamp, page: &mut Page, sources: &Sources<'_>) {
    probes(page, sources);
    subsystems(page, sources);
    promises::write(page, sources);
    inspections(now, page, sources);
    windows(now, page, sources.snapshot);
    runs(page, sources.snapshot);
    policies(page, sources.figures);
    freezes::write(now, page, &sources.snapshot.inventory);
    incidents(now, page, sources);
}

fn inspections(now: Timestamp, page: &mut Page, sources: &Sources<'_>) {
    let inventory = &sources.snapshot.inventory;
    let week = |subsystem| Some((subsystem_labels(subsystem), sources.board.inspection(now, inventory, subsystem)?));
    let weeks: Vec<(Labels, Inspection)> = inventory.subsystems.values().filter_map(week).collect();
    let mut series = page.family("gengfu_inspection_failed_visits_ratio");
    for (labels, week) in &weeks {
        if let Some(ratio) = week.ratio() {
            series.sample(labels, ratio);
        }
    }
    let mut series = page.family("gengfu_inspection_visits");
    for (labels, week) in &weeks {
        series.sample(labels, week.visits as f64);
    }
}

fn probes(page: &mut Page, sources: &Sources<'_>) {
    let rows = readings(sources);
    let mut each = |name, value: &dyn Fn(&Report) -> Option<f64>| {
        let mut series = page.family(name);
        for (labels, reading) in &rows {
            if let Some(value) = reading.last.as_deref().and_then(value) {
                series.sample(labels, value);
            }
        }
    };
    each("gengfu_probe_success", &|last| match &last.outcome {
        Outcome::Pass | Outcome::Degraded(_) => Some(1.0),
        Outcome::Fail(_) => Some(0.0),
        Outcome::Unknown(_) => None,
    });
    each("gengfu_probe_duration_seconds", &|last| Some(last.took.as_secs_f64()));
    each("gengfu_probe_http_status_code", &|last| last.http_status.map(f64::from));
    each("gengfu_probe_certificate_not_after_timestamp_seconds", &|last| {
        last.certificate_not_after.map(|at| seconds(at.0))
    });
    each("gengfu_probe_last_attempt_timestamp_seconds", &|last| Some(seconds(last.started.0)));
    let mut series = page.family("gengfu_probe_attempts_total");
    for (labels, Reading { counters: n, .. }) in &rows {
        for (result, n) in [("pass", n.pass), ("degraded", n.degraded), ("fail", n.fail), ("unknown", n.unknown)] {
            series.sample_with(labels, &[("result", result)], n as f64);
        }
    }
    let mut series = page.family("gengfu_probe_failures_total");
    for (labels, reading) in &rows {
        for (kind, n) in ReasonKind::ALL.iter().zip(reading.counters.failures).filter(|(_, n)| *n > 0) {
            series.sample_with(labels, &[("reason", kind.as_str())], n as f64);
        }
    }
    let mut series = page.family("gengfu_probe_phase_seconds");
    for (labels, reading) in &rows {
        for (phase, took) in reading.last.iter().flat_map(|last| phases(&last.phases)) {
            series.sample_with(labels, &[("phase", phase)], took.as_secs_f64());
        }
    }
    fleets(page, sources);
    latencies(page, sources.board);
}

fn fleets(page: &mut Page, sources: &Sources<'_>) {
    let slots = sources.board.slots();
    let mut rows = Vec::new();
    for id in sources.snapshot.inventory.subsystems.values().flat_map(|subsystem| &subsystem.probes) {
        let Some(slot) = slots.get(id).filter(|slot| slot.kind == "heartbeat") else { continue };
        let Some(share) = slot.read().last.and_then(|last| last.fleet) else { continue };
        let subsystem = id.subsystem();
        let owner = subsystem.owner();
        let labels = [("owner", owner.as_str()), ("subsystem", subsystem.as_str()), ("probe", id.name())];
        rows.push((Labels::of(&labels), share));
    }
    let mut series = page.family("gengfu_fleet_members");
    rows.iter().for_each(|(labels, share)| series.sample(labels, f64::from(share.members)));
    let mut series = page.family("gengfu_fleet_online");
    rows.iter().for_each(|(labels, share)| series.sample(labels, f64::from(share.online)));
}

fn latencies(page: &mut Page, board: &Board) {
    let mut series = page.family("gengfu_probe_latency_seconds");
    for (key, latency) in &*board.latencies() {
        let tier = tier_label(key.tier);
        let labels = Labels::of(&[("owner", key.owner.as_str()), ("kind", key.kind), ("tier", tier)]);
        series.histogram(&labels, &LATENCY_BUCKETS, &latency.cumulative(), latency.sum_seconds());
    }
}

/// The phases that were reached, with their labels.
pub fn phases(phases: &Phases) -> impl Iterator<Item = (&'static str, Duration)> + use<> {
    let all = [
        ("resolve", phases.resolve),
        ("connect", phases.connect),
        ("tls", phases.tls),
        ("processing", phases.processing),
        ("transfer", phases.transfer),
    ];
    all.into_iter().filter_map(|(name, took)| took.map(|took| (name, took)))
}

fn readings(sources: &Sources<'_>) -> Vec<(Labels, Reading)> {
    let inventory = &sources.snapshot.inventory;
    let slots = sources.board.slots();
    let mut rows = Vec::with_capacity(inventory.probes.len());
    for subsystem in inventory.subsystems.values() {
        let (owner, tier) = (subsystem.id.owner(), tier_label(subsystem.tier));
        for (id, slot) in subsystem.probes.iter().filter_map(|id| Some((id, slots.get(id)?))) {
            let labels = Labels::of(&[
                ("owner", owner.as_str()),
                ("subsystem", subsystem.id.as_str()),
                ("probe", id.name()),
                ("kind", slot.kind),
                ("tier", tier),
            ]);
            rows.push((labels, slot.read()));
        }
    }
    rows
}

fn tier_label(tier: Tier) -> &'static str {
    match tier {
        Tier::One => "1",
        Tier::Two => "2",
        Tier::Three => "3",
    }
}

fn subsystem_labels(subsystem: &Subsystem) -> Labels {
    let (owner, tier) = (subsystem.id.owner(), tier_label(subsystem.tier));
    Labels::of(&[("owner", owner.as_str()), ("subsystem", subsystem.id.as_str()), ("tier", tier)])
}

fn subsystems(page: &mut Page, sources: &Sources<'_>) {
    let inventory = &sources.snapshot.inventory;
    let rows: Vec<_> = sources
        .snapshot
        .subsystems
        .iter()
        .filter_map(|view| Some((subsystem_labels(inventory.subsystems.get(&view.id)?), view)))
        .collect();
    let mut series = page.family("gengfu_subsystem_up");
    for (labels, view) in &rows {
        match view.health {
            Health::Up | Health::Degraded => series.sample(labels, 1.0),
            Health::Down => series.sample(labels, 0.0),
            Health::Unknown => {}
        }
    }
    let mut series = page.family("gengfu_subsystem_health");
    for (labels, view) in &rows {
        for state in Health::ALL {
            series.sample_with(labels, &[("state", state.as_str())], flag(view.health == state));
        }
    }
    let mut series = page.family("gengfu_subsystem_in_maintenance");
    for (labels, view) in &rows {
        series.sample(labels, flag(view.in_maintenance));
    }
    let mut series = page.family("gengfu_subsystem_info");
    for subsystem in inventory.subsystems.values() {
        let labels = Labels::of(&[
            ("owner", subsystem.id.owner().as_str()),
            ("subsystem", subsystem.id.as_str()),
            ("name_zh", &subsystem.name.zh),
            ("name_en", &subsystem.name.en),
            ("tier", tier_label(subsystem.tier)),
            ("hours", subsystem.hours.as_str()),
            ("objective", subsystem.objective.as_str()),
        ]);
        series.sample(&labels, 1.0);
    }
    let mut series = page.family("gengfu_owner_info");
    for owner in inventory.owners.values() {
        let labels = Labels::of(&[
            ("owner", owner.id.as_str()),
            ("kind", owner.kind.as_str()),
            ("name_zh", &owner.name.zh),
            ("name_en", &owner.name.en),
        ]);
        series.sample(&labels, 1.0);
    }
}

fn windows(now: Timestamp, page: &mut Page, snapshot: &Snapshot) {
    let near = Span::new(now - WINDOWS_PAST_MS, now + WINDOWS_AHEAD_MS);
    let rows: Vec<_> = snapshot
        .windows
        .iter()
        .filter(|w| w.span.overlaps(near) || w.state.is_running())
        .map(|w| (Labels::of(&[("window", w.id.as_str()), ("owner", w.owner.as_str())]), w))
        .collect();
    let mut series = page.family("gengfu_window_state");
    for (labels, window) in &rows {
        series.sample_with(labels, &[("state", window.state.as_str())], 1.0);
    }
    let mut series = page.family("gengfu_window_start_timestamp_seconds");
    for (labels, window) in &rows {
        series.sample(labels, seconds(window.span.start.0));
    }
    let mut series = page.family("gengfu_window_end_timestamp_seconds");
    for (labels, window) in &rows {
        series.sample(labels, seconds(window.span.end.0));
    }
    let mut series = page.family("gengfu_window_info");
    for (labels, window) in &rows {
        series.sample_with(labels, &[("name_zh", &window.name.zh), ("name_en", &window.name.en)], 1.0);
    }
    let mut series = page.family("gengfu_window_scope");
    for (labels, window) in &rows {
        for subsystem in &window.scope {
            series.sample_with(labels, &[("subsystem", subsystem.as_str())], 1.0);
        }
    }
    let mut series = page.family("gengfu_window_defects");
    for (labels, window) in &rows {
        for (subsystem, defects) in &window.defects {
            series.sample_with(labels, &[("subsystem", subsystem.as_str())], f64::from(*defects));
        }
    }
}

/// The latest run of each plan.
fn runs(page: &mut Page, snapshot: &Snapshot) {
    let mut latest: BTreeMap<&str, &'static str> = BTreeMap::new();
    for run in snapshot.runs.iter() {
        latest.entry(run.plan.as_str()).or_insert(run.state.as_str());
    }
    let mut series = page.family("gengfu_plan_run_state");
    for (plan, state) in latest {
        series.sample(&Labels::of(&[("plan", plan), ("state", state)]), 1.0);
    }
}

fn policies(page: &mut Page, figures: &Figures) {
    let mut series = page.family("gengfu_policy_open");
    for policy in &figures.policies {
        series.sample(&Labels::of(&[("policy", policy.id.as_str())]), flag(policy.open_until.is_some()));
    }
    let mut series = page.family("gengfu_policy_next_open_timestamp_seconds");
    for policy in &figures.policies {
        if let Some(at) = policy.next_open {
            series.sample(&Labels::of(&[("policy", policy.id.as_str())]), seconds(at.0));
        }
    }
    let mut series = page.family("gengfu_calendar_covered_until_timestamp_seconds");
    if let Some((calendar, at)) = &figures.covered_until {
        series.sample(&Labels::of(&[("calendar", calendar)]), seconds(at.0));
    }
}

fn incidents(now: Timestamp, page: &mut Page, sources: &Sources<'_>) {
    let mut open: BTreeMap<(&'static str, OwnerId), u32> = BTreeMap::new();
    for incident in sources.snapshot.incidents.iter().filter(|i| i.until.is_none()) {
        *open.entry((incident.severity.as_str(), incident.subsystem.owner())).or_default() += 1;
    }
    let mut series = page.family("gengfu_incidents_open");
    for ((severity, owner), n) in &open {
        series.sample(&Labels::of(&[("severity", severity), ("owner", owner.as_str())]), f64::from(*n));
    }
    let mut series = page.family("gengfu_filings_open");
    for standing in ["running", "overdue"] {
        let open = sources.snapshot.filings.iter().filter(|sheet| sheet.standing(now) == standing).count();
        series.sample(&Labels::of(&[("standing", standing)]), open as f64);
    }
    let (outbox, none) = (&sources.outbox, Labels::default());
    page.family("gengfu_outbox_pending").sample(&none, outbox.pending as f64);
    let oldest = outbox.oldest.map_or(0, |at| now.since(at).max(0));
    page.family("gengfu_outbox_oldest_seconds").sample(&none, seconds(oldest));
    page.family("gengfu_outbox_dead_letters").sample(&none, outbox.dead_letters as f64);
}

fn seconds(ms: Millis) -> f64 {
    ms as f64 / 1_000.0
}

fn flag(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}
