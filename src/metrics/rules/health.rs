//! Rules about the inspectors' view of public sites.
//!
//! Not here: the visits (`probe::board`). Invariants: nothing is said about a site with too few visits to be judged.

use super::{Alert, Group, Rule};
use crate::domain::inspection::{LIMIT_PPM, VISITS_A_DAY_MIN, WARN_FROM};

/// Public sites as inspectors find them: a ticket while there is time to mend, a page once the week has failed.
pub(super) fn group() -> Group {
    let limit = LIMIT_PPM as f64 / 1e6;
    let warn = (LIMIT_PPM * WARN_FROM / 100) as f64 / 1e6;
    let judged = format!("gengfu_inspection_visits >= {}", 7 * VISITS_A_DAY_MIN);
    let share = "gengfu_inspection_failed_visits_ratio";
    let description = [
        "最近七天的计划访问中 {{ $value | humanizePercentage }} 未能在 15 秒内打开；检查上限为 5%，维护和服务时间均不例外。",
        "Of the scheduled visits of the last seven days {{ $value | humanizePercentage }} did not open within 15 s; the limit of inspections is 5 %, without exception for maintenance or hours.",
    ];
    let at_risk = Alert {
        name: "GengfuInspectionAtRisk",
        expr: format!("{share} >= {warn} < {limit}\n  and {judged}"),
        lasts: "",
        severity: "ticket",
        runbook: "inspection",
        summary: [
            "{{ $labels.subsystem }} 的检查余量即将用完",
            "{{ $labels.subsystem }} has little left before inspectors would fail it",
        ],
        description,
    };
    let failed = Alert {
        name: "GengfuInspectionFailed",
        expr: format!("{share} >= {limit}\n  and {judged}"),
        severity: "page",
        summary: [
            "{{ $labels.subsystem }} 本周检查不合格",
            "{{ $labels.subsystem }} would fail an inspection of this week",
        ],
        ..at_risk.clone()
    };
    Group { name: "gengfu-inspections", rules: vec![Rule::Alert(at_risk), Rule::Alert(failed)] }
}
