//! The one table of metric families: name, type, labels, help. `docs/metrics.md` is printed from it.
//!
//! Not here: values. Invariants: names are unique; every family that is written stands in this table.

/// The type line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only rises, or starts anew.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Buckets, a sum and a count.
    Histogram,
}

impl Kind {
    /// As the text format writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// `gengfu_…`.
    pub name: &'static str,
    /// The type line.
    pub kind: Kind,
    /// In the order in which they are written.
    pub labels: &'static [&'static str],
    /// The help line: one sentence.
    pub help: &'static str,
}

/// Rows that belong together, with a heading for the document.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Heading.
    pub title: &'static str,
    /// A sentence below it.
    pub about: &'static str,
    /// Its rows.
    pub families: &'static [Family],
}

const fn family(kind: Kind, name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind, labels, help }
}

use Kind::{Counter, Gauge, Histogram};

const PROBE: &[&str] = &["owner", "subsystem", "probe", "kind", "tier"];
const FLEET: &[&str] = &["owner", "subsystem", "probe"];
const SUBSYSTEM: &[&str] = &["owner", "subsystem", "tier"];

/// Every group, in the order of the page.
pub const GROUPS: &[Group] = &[
    Group {
        title: "Probes",
        about: "One series per probe. A probe that was removed takes its series with it.",
        families: &[
            family(
                Gauge,
                "gengfu_probe_success",
                PROBE,
                "Whether the last attempt passed or passed degraded; absent while unknown.",
            ),
            family(
                Counter,
                "gengfu_probe_attempts_total",
                &["owner", "subsystem", "probe", "kind", "tier", "result"],
                "Attempts by result: pass, degraded, fail, unknown.",
            ),
            family(
                Counter,
                "gengfu_probe_failures_total",
                &["owner", "subsystem", "probe", "kind", "tier", "reason"],
                "Failed attempts by reason; a reason appears with its first failure.",
            ),
            family(
                Gauge,
                "gengfu_probe_duration_seconds",
                PROBE,
                "Length of the last attempt, by the monotonic clock.",
            ),
            family(
                Gauge,
                "gengfu_probe_phase_seconds",
                &["owner", "subsystem", "probe", "kind", "tier", "phase"],
                "Length of each phase that the last attempt reached: resolve, connect, tls, processing, transfer.",
            ),
            family(
                Gauge,
                "gengfu_probe_http_status_code",
                PROBE,
                "Status of the last HTTP answer; absent if none came.",
            ),
            family(
                Gauge,
                "gengfu_probe_certificate_not_after_timestamp_seconds",
                PROBE,
                "Earliest expiry in the chain that was presented last.",
            ),
            family(Gauge, "gengfu_probe_last_attempt_timestamp_seconds", PROBE, "When the last attempt started."),
            family(Gauge, "gengfu_fleet_members", FLEET, "Members of the fleet that a heartbeat probe listens for."),
            family(
                Gauge,
                "gengfu_fleet_online",
                FLEET,
                "Members of the fleet whose last beat was good and came in time, at the last attempt.",
            ),
            family(
                Histogram,
                "gengfu_probe_latency_seconds",
                &["owner", "kind", "tier"],
                "Length of attempts by owner, kind of probe and tier.",
            ),
        ],
    },
    Group {
        title: "Subsystems",
        about: "One series per subsystem, and one per state where a state is named.",
        families: &[
            family(Gauge, "gengfu_subsystem_up", SUBSYSTEM, "1 for up and degraded, 0 for down; absent while unknown."),
            family(
                Gauge,
                "gengfu_subsystem_health",
                &["owner", "subsystem", "tier", "state"],
                "1 in the present state and 0 in the others: up, degraded, down, unknown.",
            ),
            family(
                Gauge,
                "gengfu_subsystem_in_maintenance",
                SUBSYSTEM,
                "Whether a maintenance window of it is running.",
            ),
            family(
                Gauge,
                "gengfu_subsystem_info",
                &["owner", "subsystem", "name_zh", "name_en", "tier", "hours", "objective"],
                "Always 1; names, declared hours and objective.",
            ),
            family(
                Gauge,
                "gengfu_owner_info",
                &["owner", "kind", "name_zh", "name_en"],
                "Always 1; names of the owner and its kind: platform, district, bureau, external.",
            ),
        ],
    },
    Group {
        title: "Promises",
        about: "Figures of the agreed objective; see docs/sla.md for what they mean.",
        families: &[
            family(Gauge, "gengfu_sla_target_ratio", SUBSYSTEM, "Target of the objective."),
            family(
                Gauge,
                "gengfu_sla_availability_ratio",
                &["owner", "subsystem", "tier", "figure", "period"],
                "Availability by figure (public, contract, and the bounds low and high of the agreed one) and period.",
            ),
            family(
                Gauge,
                "gengfu_sla_budget_remaining_seconds",
                &["owner", "subsystem", "tier", "period"],
                "What is left of the error budget; negative when overdrawn.",
            ),
            family(
                Gauge,
                "gengfu_sla_budget_spent_seconds",
                &["owner", "subsystem", "tier", "cause"],
                "What was spent of this month's error budget, by cause.",
            ),
            family(
                Gauge,
                "gengfu_sla_burn_rate",
                &["owner", "subsystem", "tier", "window"],
                "How many times faster than allowed the budget burns; absent while no bad time is remembered.",
            ),
            family(
                Gauge,
                "gengfu_sla_window_bad_seconds",
                &["owner", "subsystem", "tier", "window"],
                "Bad time in the look-back.",
            ),
            family(
                Gauge,
                "gengfu_sla_window_coverage_ratio",
                &["owner", "subsystem", "tier", "window"],
                "Known share of the eligible time in the look-back.",
            ),
            family(
                Gauge,
                "gengfu_sla_burn_factor",
                &["owner", "subsystem", "tier", "window"],
                "Burn rate at which the pair with this long look-back fires.",
            ),
            family(
                Gauge,
                "gengfu_sla_window_bad_rounds",
                &["owner", "subsystem", "tier", "window"],
                "Confirmed bad rounds in the short look-back of a page, or in the outage that lasts (down): the most of any critical probe.",
            ),
            family(
                Gauge,
                "gengfu_sla_page_bad_seconds",
                SUBSYSTEM,
                "Bad time in the short look-back without which nobody is paged: 60 s or two intervals of the critical probe that is tried most often.",
            ),
            family(
                Gauge,
                "gengfu_sla_outage_seconds",
                SUBSYSTEM,
                "For how long promised time has been bad without a break; absent while it is good.",
            ),
            family(
                Gauge,
                "gengfu_sla_page_wakes",
                &["owner", "subsystem", "tier", "pair"],
                "Whether the objective lets this pair of look-backs, or confirmed_down, page rather than open a ticket.",
            ),
            family(
                Gauge,
                "gengfu_sla_muted",
                SUBSYSTEM,
                "Whether a running window keeps alerts about the budget from opening; present beside the burn rates.",
            ),
            family(
                Gauge,
                "gengfu_inspection_failed_visits_ratio",
                &["owner", "subsystem", "tier"],
                "Of the scheduled visits of the last seven days to a public subsystem, the share that did not open within 15 s; the limit of inspections is 0.05, warn at 0.04.",
            ),
            family(
                Gauge,
                "gengfu_inspection_visits",
                SUBSYSTEM,
                "Scheduled visits of the last seven days to a public subsystem; under 140 nothing is judged.",
            ),
            family(
                Counter,
                "gengfu_policy_violation_seconds_total",
                &["owner", "subsystem"],
                "Undeclared, late and outside-policy maintenance and overruns of this month; starts anew every month.",
            ),
        ],
    },
    Group {
        title: "Maintenance",
        about: "Windows from 24 h ago to 7 d ahead, one series each: 1 in the present state.",
        families: &[
            family(
                Gauge,
                "gengfu_window_state",
                &["window", "owner", "state"],
                "Always 1; the state label is the present state of the window.",
            ),
            family(Gauge, "gengfu_window_start_timestamp_seconds", &["window", "owner"], "Start of the window."),
            family(Gauge, "gengfu_window_end_timestamp_seconds", &["window", "owner"], "Approved end of the window."),
            family(
                Gauge,
                "gengfu_window_info",
                &["window", "owner", "name_zh", "name_en"],
                "Always 1; names of the window.",
            ),
            family(
                Gauge,
                "gengfu_window_scope",
                &["window", "owner", "subsystem"],
                "Always 1; a subsystem that the window is about.",
            ),
            family(
                Gauge,
                "gengfu_window_defects",
                &["window", "owner", "subsystem"],
                "Maintenance defects inside the window; only where there was one.",
            ),
            family(
                Gauge,
                "gengfu_plan_run_state",
                &["plan", "state"],
                "Always 1; the state label is the present state of the plan's latest run: running, parked, aborting, \
                 done, undone or broken.",
            ),
            family(Gauge, "gengfu_policy_open", &["policy"], "Whether the policy allows maintenance now."),
            family(
                Gauge,
                "gengfu_policy_next_open_timestamp_seconds",
                &["policy"],
                "When the policy allows maintenance next; absent if the covered dates hold no such instant.",
            ),
            family(
                Gauge,
                "gengfu_freeze_active",
                &["freeze", "name_zh", "name_en"],
                "Whether today is a date of the freeze, on which nothing is changed.",
            ),
            family(
                Gauge,
                "gengfu_freeze_start_timestamp_seconds",
                &["freeze"],
                "Start of the freeze that holds, or else of the next within 400 days; absent if there is none.",
            ),
            family(
                Gauge,
                "gengfu_freeze_end_timestamp_seconds",
                &["freeze"],
                "End of the freeze that holds, or else of the next within 400 days; absent if there is none.",
            ),
            family(
                Gauge,
                "gengfu_calendar_covered_until_timestamp_seconds",
                &["calendar"],
                "End of the last published year of the calendar.",
            ),
            family(
                Counter,
                "gengfu_gate_decisions_total",
                &["decision", "reason"],
                "Answers of the gate, by decision and first reason.",
            ),
        ],
    },
    Group {
        title: "Incidents and mail",
        about: "What is open, and what waits to leave.",
        families: &[
            family(
                Gauge,
                "gengfu_incidents_open",
                &["severity", "owner"],
                "Open incidents; an owner appears while it has one.",
            ),
            family(
                Gauge,
                "gengfu_filings_open",
                &["standing"],
                "Outages that may have to be reported to an authority and that nobody settled, by standing: running, overdue.",
            ),
            family(
                Counter,
                "gengfu_notifications_total",
                &["channel", "result"],
                "Attempts to send, by channel and result: sent, retry, dead.",
            ),
            family(Gauge, "gengfu_outbox_pending", &[], "Messages that wait to be sent."),
            family(
                Gauge,
                "gengfu_outbox_oldest_seconds",
                &[],
                "Age of the oldest message that waits; 0 when none does.",
            ),
            family(Gauge, "gengfu_outbox_dead_letters", &[], "Messages that were given up."),
        ],
    },
    Group {
        title: "The daemon itself",
        about: "Next to these come the usual process_ families.",
        families: &[
            family(
                Histogram,
                "gengfu_scheduler_lag_seconds",
                &[],
                "From the scheduled time of an attempt to its start.",
            ),
            family(
                Counter,
                "gengfu_attempts_skipped_total",
                &["reason"],
                "Scheduled ticks without an attempt, by reason.",
            ),
            family(Gauge, "gengfu_attempts_in_flight", &[], "Attempts that run now."),
            family(Gauge, "gengfu_engine_queue_depth", &[], "Events that wait for the engine."),
            family(Histogram, "gengfu_engine_handle_seconds", &[], "How long the engine took for one event."),
            family(Histogram, "gengfu_store_commit_seconds", &[], "How long one commit of the store took."),
            family(
                Gauge,
                "gengfu_vantage_blind",
                &[],
                "Whether this vantage cannot judge targets because its own references fail.",
            ),
            family(
                Counter,
                "gengfu_signs_of_life_total",
                &["result"],
                "Signs of life to the receiver outside: taken (ok), failed, or withheld because the engine stood still.",
            ),
            family(
                Gauge,
                "gengfu_sign_of_life_timestamp_seconds",
                &[],
                "When the receiver outside last took one; 0 before the first.",
            ),
            family(Gauge, "gengfu_config_last_reload_successful", &[], "Whether the last reload was taken over."),
            family(
                Gauge,
                "gengfu_config_last_reload_success_timestamp_seconds",
                &[],
                "When files were last taken over.",
            ),
            family(Counter, "gengfu_clock_steps_total", &[], "Forward steps of the wall clock of more than 2 s."),
            family(Counter, "gengfu_http_denied_total", &["reason"], "Requests that were turned away, by reason."),
            family(Gauge, "gengfu_build_info", &["version"], "Always 1; the version that runs."),
        ],
    },
];

/// The row of one family.
pub fn find(name: &str) -> Option<&'static Family> {
    GROUPS.iter().flat_map(|g| g.families).find(|f| f.name == name)
}

/// `docs/metrics.md`.
pub fn document() -> String {
    use std::fmt::Write;
    let mut text = String::from(
        "# Metrics\n\n\
         `GET /metrics` answers in the Prometheus text format. Labels are bounded, units are in the names, and the \
         series of what was removed disappear with it. `owner`, `subsystem`, `probe`, `kind` and `tier` are those of \
         the inventory; `subsystem` is the full id, `owner/name`.\n\n\
         This page is printed from the table in `src/metrics/families.rs`.\n",
    );
    for group in GROUPS {
        let _ = write!(
            text,
            "\n## {}\n\n{}\n\n| family | type | labels | meaning |\n|---|---|---|---|\n",
            group.title, group.about
        );
        for f in group.families {
            let labels = f.labels.iter().map(|l| format!("`{l}`")).collect::<Vec<_>>().join(", ");
            let _ = writeln!(text, "| `{}` | {} | {} | {} |", f.name, f.kind.as_str(), labels, f.help);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_counters_end_in_total() {
        let mut seen = HashSet::new();
        for f in GROUPS.iter().flat_map(|g| g.families) {
            assert!(seen.insert(f.name), "{} stands twice in the table", f.name);
            assert_eq!(f.kind == Kind::Counter, f.name.ends_with("_total"), "{}", f.name);
        }
    }

    #[test]
    fn the_document_is_printed_from_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, document()).unwrap();
        }
        let stored = std::fs::read_to_string(path).unwrap_or_default();
        assert!(stored == document(), "docs/metrics.md is out of date: run the tests once with UPDATE_DOCS=1");
    }
}
