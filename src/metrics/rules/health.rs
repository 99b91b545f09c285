//! Rules about the inspectors' view of public sites, and about the daemon itself.
//!
//! Not here: the visits (`probe::board`). Invariants: nothing is said about a site with too few visits to be judged.

use super::{Alert, Group, Rule};
use crate::domain::inspection::{LIMIT_PPM, VISITS_A_DAY_MIN, WARN_FROM};

/// Public sites as inspectors find them: a ticket while there is time to mend, a page once the week has failed.
pub(super) fn inspections() -> Group {
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

/// The daemon itself: while it sees nothing, no rule about a subsystem fires or recovers, and somebody has to know.
pub(super) fn ourselves() -> Group {
    let gone = Alert {
        name: "GengfuGone",
        expr: "absent(gengfu_build_info)".to_owned(),
        lasts: "2m",
        severity: "page",
        runbook: "gengfu-itself",
        summary: ["更夫没有应答：无人值守", "gengfu does not answer: nobody is on watch"],
        description: [
            "Prometheus 两分钟没有抓到更夫的指标。在它恢复之前，关于子系统的告警既不触发也不恢复。",
            "Prometheus has had no metrics of gengfu for two minutes. Until it is back, alerts about subsystems neither fire nor recover.",
        ],
    };
    let blind = Alert {
        name: "GengfuBlind",
        expr: "gengfu_vantage_blind == 1".to_owned(),
        lasts: "1m",
        summary: ["更夫所在网络自身故障，无法判断目标", "gengfu's own references fail: it cannot judge targets"],
        description: [
            "本地参照点多数不可达，结果记为未知；错误预算告警既不触发也不恢复。",
            "Most of its local references cannot be reached. Results are unknown, and alerts about budgets neither fire nor recover.",
        ],
        ..gone.clone()
    };
    Group { name: "gengfu-itself", rules: vec![Rule::Alert(gone), Rule::Alert(blind)] }
}
