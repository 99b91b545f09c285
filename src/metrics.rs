//! The daemon's own counters, and the text that Prometheus scrapes.
//!
//! `Metrics` holds typed handles that other modules update; `families` is the one table of names, from which the help
//! lines and `docs/metrics.md` come; `targets` renders what is read from a snapshot. Not here: HTTP (`web::scrape`).
//! Invariants: labels are bounded; a family is written once; series of what was removed disappear with it.

#[cfg(test)]
mod boards;
pub mod families;
pub mod rules;
pub mod targets;
pub mod writer;

use families::{Family, Kind};
use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

/// Lag, handling and commits: from a tenth of a millisecond to ten seconds.
const SHORT_SECONDS: [f64; 12] = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];

/// Handles to everything that the daemon counts about itself. Shared by `Arc`; every handle is cheap to update.
pub struct Metrics {
    registry: Registry,
    /// From an attempt's scheduled time to its start.
    pub scheduler_lag_seconds: Histogram,
    /// Ticks without an attempt, by `reason`.
    pub attempts_skipped: IntCounterVec,
    /// Attempts that run now.
    pub attempts_in_flight: IntGauge,
    /// Events that wait for the engine.
    pub engine_queue_depth: IntGauge,
    /// How long the engine took for one event.
    pub engine_handle_seconds: Histogram,
    /// How long one commit took.
    pub store_commit_seconds: Histogram,
    /// Answers of the gate, by `decision` and `reason`.
    pub gate_decisions: IntCounterVec,
    /// Requests that were turned away, by `reason`.
    pub http_denied: IntCounterVec,
    /// Results of sending, by `channel` and `result`.
    pub notifications: IntCounterVec,
    /// Whether the last reload was taken over.
    pub last_reload_successful: IntGauge,
    /// When the last good reload was, in seconds of the epoch.
    pub last_reload_success_timestamp_seconds: Gauge,
    /// Forward steps of the wall clock.
    pub clock_steps: IntCounter,
    /// Signs of life to the receiver outside, by `result`.
    signs_of_life: IntCounterVec,
    /// When it last took one, in seconds of the epoch.
    pub sign_of_life_timestamp_seconds: Gauge,
    /// Whether this vantage is blind.
    pub vantage_blind: IntGauge,
}

impl Metrics {
    /// Registers everything in a registry of its own.
    ///
    /// # Errors
    /// When two families share a name, which the tests rule out.
    pub fn new(version: &str) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let r = &registry;
        let build_info = keep(r, GaugeVec::new(opts("gengfu_build_info"), &["version"])?)?;
        build_info.get_metric_with_label_values(&[version])?.set(1.0);
        r.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        let metrics = Self {
            scheduler_lag_seconds: histogram(r, "gengfu_scheduler_lag_seconds")?,
            attempts_skipped: counters(r, "gengfu_attempts_skipped_total")?,
            attempts_in_flight: gauge(r, "gengfu_attempts_in_flight")?,
            engine_queue_depth: gauge(r, "gengfu_engine_queue_depth")?,
            engine_handle_seconds: histogram(r, "gengfu_engine_handle_seconds")?,
            store_commit_seconds: histogram(r, "gengfu_store_commit_seconds")?,
            gate_decisions: counters(r, "gengfu_gate_decisions_total")?,
            http_denied: counters(r, "gengfu_http_denied_total")?,
            notifications: counters(r, "gengfu_notifications_total")?,
            last_reload_successful: gauge(r, "gengfu_config_last_reload_successful")?,
            last_reload_success_timestamp_seconds: keep(
                r,
                Gauge::with_opts(opts("gengfu_config_last_reload_success_timestamp_seconds"))?,
            )?,
            clock_steps: keep(r, IntCounter::with_opts(opts("gengfu_clock_steps_total"))?)?,
            signs_of_life: counters(r, "gengfu_signs_of_life_total")?,
            sign_of_life_timestamp_seconds: keep(r, Gauge::with_opts(opts("gengfu_sign_of_life_timestamp_seconds"))?)?,
            vantage_blind: gauge(r, "gengfu_vantage_blind")?,
            registry,
        };
        // Families without labels of their own exist from the start, so that `rate()` sees their first increment.
        for reason in ["in_flight", "no_permit", "host_busy"] {
            metrics.attempts_skipped.get_metric_with_label_values(&[reason])?;
        }
        for result in ["ok", "failed", "withheld"] {
            metrics.signs_of_life.get_metric_with_label_values(&[result])?;
        }
        metrics.gate_decisions.get_metric_with_label_values(&["allow", ""])?;
        for result in ["sent", "retry", "dead"] {
            metrics.notifications.get_metric_with_label_values(&["mail", result])?;
        }
        Ok(metrics)
    }

    /// Counts one sign of life to the receiver outside.
    pub fn sign_of_life(&self, result: &str) {
        add(&self.signs_of_life, &[result]);
    }

    /// Counts one skipped tick.
    pub fn skipped(&self, reason: &str) {
        add(&self.attempts_skipped, &[reason]);
    }

    /// Counts one answer of the gate; `reason` is empty for an allowance.
    pub fn gate_answered(&self, decision: &str, reason: &str) {
        add(&self.gate_decisions, &[decision, reason]);
    }

    /// Counts one request that was turned away.
    pub fn http_denied(&self, reason: &str) {
        add(&self.http_denied, &[reason]);
    }

    /// Counts one result of sending.
    pub fn notified(&self, channel: &str, result: &str) {
        add(&self.notifications, &[channel, result]);
    }

    /// Appends the daemon's own families in the text format.
    ///
    /// # Errors
    /// When a family is inconsistent, which its registration rules out.
    pub fn write_own(&self, out: &mut String) -> prometheus::Result<()> {
        TextEncoder::new().encode_utf8(&self.registry.gather(), out)
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn add(counters: &IntCounterVec, labels: &[&str]) {
    if let Ok(counter) = counters.get_metric_with_label_values(labels) {
        counter.inc();
    }
}

fn keep<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> prometheus::Result<C> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

fn opts(name: &str) -> Opts {
    Opts::new(name, row(name).help)
}

fn row(name: &str) -> &'static Family {
    const MISSING: Family = Family { name: "", kind: Kind::Gauge, labels: &[], help: "missing from the table" };
    families::find(name).unwrap_or(&MISSING)
}

fn gauge(registry: &Registry, name: &str) -> prometheus::Result<IntGauge> {
    keep(registry, IntGauge::with_opts(opts(name))?)
}

fn counters(registry: &Registry, name: &str) -> prometheus::Result<IntCounterVec> {
    keep(registry, IntCounterVec::new(opts(name), row(name).labels)?)
}

fn histogram(registry: &Registry, name: &str) -> prometheus::Result<Histogram> {
    let options = HistogramOpts::new(name, row(name).help).buckets(SHORT_SECONDS.to_vec());
    keep(registry, Histogram::with_opts(options)?)
}
