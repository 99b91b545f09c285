//! The table of burn rates as rules: pairs of look-backs, guards, blindness, and what opens and ends an alert.
//!
//! Not here: the arithmetic of a look-back, which the daemon exports. Invariants: an alert opens and closes as the
//! daemon's incident of the same severity does, but for what depends on other subsystems; a pair without enough data
//! neither opens nor closes anything, and neither does a daemon that does not answer.

use super::{Alert, Group, Rule, record};
use crate::domain::sla::burn::{BAD_ROUNDS_MIN, BAD_TIME_MIN_MS, COVERAGE_MIN_PERCENT, DIRECT_FROM_PPM, PAIRS, Pair};
use crate::domain::{SECOND, Severity};

/// The daemon compares whole milliseconds, Prometheus rounded quotients: what differs by less than a billionth is equal.
const ABOVE: &str = "1.000000001";

/// Every rule about burning budgets, in the order in which they are asked.
pub(super) fn group() -> Group {
    let mut rules = Vec::new();
    rules.extend(PAIRS.iter().map(coverage));
    rules.extend(PAIRS.iter().map(can_fire));
    rules.extend(PAIRS.iter().map(burns));
    rules.push(record(
        "gengfu:sla_pair_fires",
        &[],
        format!(
            "gengfu:sla_pair_burns\n  and gengfu:sla_pair_can_fire\n  and gengfu:sla_pair_coverage:ratio >= {}",
            share(COVERAGE_MIN_PERCENT)
        ),
    ));
    rules.push(confirmed_down());
    rules.push(record(
        "gengfu:sla_pair_blind",
        &[],
        format!("gengfu:sla_pair_coverage:ratio < {}\n  and gengfu:sla_pair_can_fire", share(COVERAGE_MIN_PERCENT)),
    ));
    rules.push(record(
        "gengfu:sla_not_over",
        &[],
        "group without (pair) (gengfu:sla_pair_fires or gengfu:sla_pair_blind)".to_owned(),
    ));
    let is_told = "\n  unless ignoring (severity) gengfu:sla_at_risk{severity=\"page\"}";
    rules.push(at_risk("page", "gengfu:sla_pair_fires and gengfu_sla_page_wakes == 1", ""));
    rules.push(at_risk("ticket", "gengfu:sla_pair_fires unless gengfu_sla_page_wakes == 1", is_told));
    rules.push(Rule::Alert(alert()));
    Group { name: "gengfu-burn", rules }
}

/// Known of eligible time, of the look-back that knows less; absent where one of them holds no promised time.
fn coverage(pair: &Pair) -> Rule {
    let (long, short) = pair.windows();
    let both = format!("gengfu_sla_window_coverage_ratio{{window=~\"{long}|{short}\"}}");
    let expr = format!("min without (window) ({both})\n  and count without (window) ({both}) == 2");
    record("gengfu:sla_pair_coverage:ratio", &[("pair", pair.name)], expr)
}

/// Whether the target leaves room for the factor, and the short look-back for two rounds.
fn can_fire(pair: &Pair) -> Rule {
    let mut expr = format!("{} < 1", needed_share(pair));
    if pair.severity == Severity::Page {
        expr += &format!("\n  unless gengfu_sla_page_bad_seconds > {}", pair.short_ms / SECOND);
    }
    record("gengfu:sla_pair_can_fire", &[("pair", pair.name)], expr)
}

/// The share of bad time from which the pair fires.
fn needed_share(pair: &Pair) -> String {
    let long = pair.windows().0;
    format!("gengfu_sla_burn_factor{{window=\"{long}\"}} * ignoring (window) (1 - gengfu_sla_target_ratio)")
}

/// Both look-backs burn too fast, and a page has its evidence.
fn burns(pair: &Pair) -> Rule {
    let (long, short) = pair.windows();
    let factor = format!("{ABOVE} * gengfu_sla_burn_factor{{window=\"{long}\"}}");
    let faster = |window| format!("gengfu_sla_burn_rate{{window=\"{window}\"}} > ignoring (window) {factor}");
    let mut expr = format!("{}\n  and {}", faster(long), faster(short));
    if pair.severity == Severity::Page {
        expr += &format!(
            "\n  and ignoring (window) gengfu_sla_window_bad_rounds{{window=\"{short}\"}} >= {BAD_ROUNDS_MIN}\
             \n  and gengfu_sla_window_bad_seconds{{window=\"{short}\"}} >= ignoring (window) gengfu_sla_page_bad_seconds"
        );
    }
    record("gengfu:sla_pair_burns", &[("pair", pair.name)], expr)
}

/// The direct page of strict targets, and of those for which a page pair cannot fire.
fn confirmed_down() -> Rule {
    let pages = || PAIRS.iter().filter(|pair| pair.severity == Severity::Page);
    let strict = format!("gengfu_sla_target_ratio >= {}", f64::from(DIRECT_FROM_PPM) / 1e6);
    let no_room = pages().map(|pair| format!("{} >= 1", needed_share(pair)));
    let longest_s = pages().map(|pair| pair.short_ms / SECOND).max().unwrap_or_default();
    let too_sparse = format!("gengfu_sla_page_bad_seconds > {longest_s}");
    let any: Vec<String> = [strict].into_iter().chain(no_room).chain([too_sparse]).collect();
    let expr = format!(
        "gengfu_sla_outage_seconds >= {}\n  and ignoring (window) gengfu_sla_window_bad_rounds{{window=\"down\"}} >= {BAD_ROUNDS_MIN}\
         \n  and (\n    {}\n  )",
        BAD_TIME_MIN_MS / SECOND,
        any.join("\n    or ")
    );
    record("gengfu:sla_pair_fires", &[("pair", "confirmed_down")], expr)
}

/// It opens outside muting windows, and lasts until nothing fires and nothing that could fire is blind.
fn at_risk(severity: &'static str, fires: &str, unless: &str) -> Rule {
    let before = format!("gengfu:sla_at_risk{{severity=\"{severity}\"}}");
    let expr = format!(
        "(\n  group without (pair) ({fires})\n  unless gengfu_sla_muted == 1{unless}\n)\
         \nor ignoring (severity) ({before} and ignoring (severity) gengfu:sla_not_over)\
         \nor ignoring (severity) ({before} and on (job, instance) up == 0)"
    );
    record("gengfu:sla_at_risk", &[("severity", severity)], expr)
}

fn alert() -> Alert {
    Alert {
        name: "GengfuSlaAtRisk",
        expr: "gengfu:sla_at_risk".to_owned(),
        lasts: "",
        severity: "",
        runbook: "sla-at-risk",
        summary: [
            "{{ $labels.subsystem }} 可用率承诺告急：错误预算消耗过快",
            "{{ $labels.subsystem }}: its promise is at risk, the error budget burns too fast",
        ],
        description: [
            r#"触发：{{ range printf "gengfu:sla_pair_fires{subsystem=%q}" $labels.subsystem | query }}{{ .Labels.pair }} {{ end }}。本月预算剩余 {{ range printf "gengfu_sla_budget_remaining_seconds{subsystem=%q,period=\"month\"}" $labels.subsystem | query }}{{ . | value | humanizeDuration }}{{ end }}。"#,
            r#"Firing: {{ range printf "gengfu:sla_pair_fires{subsystem=%q}" $labels.subsystem | query }}{{ .Labels.pair }} {{ end }}. Left of this month's budget: {{ range printf "gengfu_sla_budget_remaining_seconds{subsystem=%q,period=\"month\"}" $labels.subsystem | query }}{{ . | value | humanizeDuration }}{{ end }}."#,
        ],
    }
}

fn share(percent: i64) -> f64 {
    percent as f64 / 100.0
}
