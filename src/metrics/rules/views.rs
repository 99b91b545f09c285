//! Series that dashboards read, so that a board with every subsystem of a city opens at once.
//!
//! Not here: what the codes look like (`metrics::boards::look`). Invariants: codes rise with what is worse; a window
//! shows beside what was seen and never in its place.

use super::{Group, Rule, record};

/// Every series for dashboards, in the order in which they are asked.
pub(super) fn group() -> Group {
    let rules = vec![state(), owner_state(), budget(), budget_left(), owner_budget_left(), standing(), phase()];
    Group { name: "gengfu-views", rules }
}

/// 0 up, 1 degraded, 2 unknown, 3 down; ten more while a window runs.
fn state() -> Rule {
    let health = "gengfu_subsystem_health";
    let expr = format!(
        "sum without (state) (\n  {health}{{state=\"up\"}} * 0\n  or {health}{{state=\"degraded\"}} * 1\
         \n  or {health}{{state=\"unknown\"}} * 2\n  or {health}{{state=\"down\"}} * 3\n)\
         \n+ 10 * gengfu_subsystem_in_maintenance"
    );
    record("gengfu:subsystem_state:code", &[], expr)
}

/// The worst state of an owner's subsystems of one tier, windows aside.
fn owner_state() -> Rule {
    record("gengfu:owner_tier_state:code", &[], "max without (subsystem) (gengfu:subsystem_state:code % 10)".to_owned())
}

/// The whole error budget of this month.
fn budget() -> Rule {
    let left = "sum without (period) (gengfu_sla_budget_remaining_seconds{period=\"month\"})";
    let spent = "sum without (cause) (gengfu_sla_budget_spent_seconds)";
    record("gengfu:sla_budget:seconds", &[], format!("{left} + {spent}\nor {left}"))
}

/// Its share that is left: below zero once it is overdrawn, absent where there is none.
fn budget_left() -> Rule {
    let left = "sum without (period) (gengfu_sla_budget_remaining_seconds{period=\"month\"})";
    record("gengfu:sla_budget_left:ratio", &[], format!("{left} / (gengfu:sla_budget:seconds > 0)"))
}

/// The least of an owner's: what one subsystem has left does not help another.
fn owner_budget_left() -> Rule {
    let expr = "min without (subsystem, tier) (gengfu:sla_budget_left:ratio)".to_owned();
    record("gengfu:owner_budget_left:ratio_min", &[], expr)
}

/// 1 met, 0 undetermined, -1 missed, by the bounds of the agreed figure.
fn standing() -> Rule {
    let bound = |figure: &str| format!("sum without (figure) (gengfu_sla_availability_ratio{{figure=\"{figure}\"}})");
    let target = "bool ignoring (period) group_left () gengfu_sla_target_ratio";
    let expr = format!("({} >= {target})\n- ({} < {target})", bound("low"), bound("high"));
    record("gengfu:sla_standing:code", &[], expr)
}

/// 1 ahead, 2 blocked, 3 running, 4 overrun or stuck, 5 completed, 6 over without its work.
fn phase() -> Rule {
    let phases = [
        "draft|planned|announced|armed",
        "blocked",
        "entering|active|verifying|aborting",
        "overrun|stuck",
        "completed",
        "failed|cancelled|rejected|missed",
    ];
    let phase = |(n, states): (usize, &&str)| format!("gengfu_window_state{{state=~\"{states}\"}} * {}", n + 1);
    let all: Vec<_> = phases.iter().enumerate().map(phase).collect();
    record("gengfu:window_phase:code", &[], format!("max without (state) (\n  {}\n)", all.join("\n  or ")))
}
