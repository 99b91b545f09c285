//! Families of promises: targets, availability, budgets, burn rates, violations.
//!
//! Not here: the accounts themselves (`domain::sla`). `low` and `high` belong to the agreed figure.

use super::{Sources, flag, seconds, subsystem_labels};
use crate::domain::sla::burn::{Burn, Lookback, PairState};
use crate::domain::sla::{Account, Bounded, Cause, Ratio};
use crate::domain::*;
use crate::metrics::writer::{Labels, Page, Series};
use crate::web::figures::SubsystemFigures;

/// One subsystem with its objective.
type Row<'a> = (Labels, &'a Objective, &'a SubsystemFigures);

/// Writes every family of promises.
pub(super) fn write(page: &mut Page, sources: &Sources<'_>) {
    let inventory = &sources.snapshot.inventory;
    let rows: Vec<Row<'_>> = sources
        .figures
        .by_subsystem
        .iter()
        .filter_map(|(id, figures)| {
            let subsystem = inventory.subsystems.get(id)?;
            Some((subsystem_labels(subsystem), inventory.objectives.get(&subsystem.objective)?, figures))
        })
        .collect();
    let mut series = page.family("gengfu_sla_target_ratio");
    for (labels, objective, _) in &rows {
        series.sample(labels, f64::from(objective.target_ppm) / 1e6);
    }
    let mut series = page.family("gengfu_sla_availability_ratio");
    for (labels, objective, figures) in &rows {
        for (period, account) in figures.accounts() {
            availability(&mut series, labels, objective.figure, period, account);
        }
    }
    let mut series = page.family("gengfu_sla_budget_remaining_seconds");
    for (labels, _, figures) in &rows {
        for (period, account) in figures.accounts().filter(|(period, _)| *period != "day") {
            series.sample_with(labels, &[("period", period)], seconds(left_ms(account)));
        }
    }
    let mut series = page.family("gengfu_sla_budget_spent_seconds");
    for (labels, _, figures) in &rows {
        for (cause, ms) in figures.month.iter().flat_map(|account| &account.spent_ms) {
            series.sample_with(labels, &[("cause", cause_label(*cause))], seconds(*ms));
        }
    }
    burn(page, &rows);
    guards(page, &rows);
    let mut series = page.family("gengfu_sla_muted");
    for (id, _) in sources.figures.by_subsystem.iter().filter(|(_, figures)| figures.burn.is_some()) {
        if let Some((subsystem, view)) = inventory.subsystems.get(id).zip(sources.snapshot.subsystem(id)) {
            series.sample(&subsystem_labels(subsystem), flag(view.coverage.is_some()));
        }
    }
    let mut series = page.family("gengfu_policy_violation_seconds_total");
    for (id, figures) in &sources.figures.by_subsystem {
        if let Some(account) = &figures.month {
            let labels = Labels::of(&[("owner", id.owner().as_str()), ("subsystem", id.as_str())]);
            series.sample(&labels, seconds(account.policy_violation_ms));
        }
    }
}

/// What a page needs beyond its rates, and whom it may wake.
fn guards(page: &mut Page, rows: &[Row<'_>]) {
    let burning =
        || rows.iter().filter_map(|(labels, objective, figures)| Some((labels, objective, figures.burn.as_ref()?)));
    let mut series = page.family("gengfu_sla_window_bad_rounds");
    for (labels, _, burn) in burning() {
        for pair in pages(burn) {
            series.sample_with(labels, &[("window", short_name(pair))], pair.bad_rounds as f64);
        }
        if let Some(outage) = burn.outage {
            series.sample_with(labels, &[("window", "down")], outage.bad_rounds as f64);
        }
    }
    let mut series = page.family("gengfu_sla_page_bad_seconds");
    for (labels, _, burn) in burning() {
        if let Some(ms) = burn.page_needs_ms {
            series.sample(labels, seconds(ms));
        }
    }
    let mut series = page.family("gengfu_sla_outage_seconds");
    for (labels, _, burn) in burning() {
        if let Some(outage) = burn.outage {
            series.sample(labels, seconds(burn.at.since(outage.since)));
        }
    }
    let mut series = page.family("gengfu_sla_page_wakes");
    for (labels, objective, burn) in burning() {
        for pair in pages(burn) {
            series.sample_with(labels, &[("pair", pair.pair.name)], flag(pair.pair.wakes(objective.pages)));
        }
        series.sample_with(labels, &[("pair", "confirmed_down")], flag(objective.pages.confirmed_down));
    }
}

fn pages(burn: &Burn) -> impl Iterator<Item = &PairState> {
    burn.pairs.iter().filter(|p| p.pair.severity == Severity::Page)
}

/// Look-backs by name, each once; a factor belongs to the pair whose long look-back it is.
fn burn(page: &mut Page, rows: &[Row<'_>]) {
    type Value = fn(&PairState, Lookback, u32) -> Option<f64>;
    let families: [(&'static str, Value); 3] = [
        ("gengfu_sla_burn_rate", |_, by, ppm| by.rate(ppm)),
        ("gengfu_sla_window_bad_seconds", |_, by, _| Some(seconds(by.bad_ms))),
        ("gengfu_sla_window_coverage_ratio", |_, by, _| by.coverage().map(Ratio::as_f64)),
    ];
    for (name, value) in families {
        let mut series = page.family(name);
        for (labels, objective, figures) in rows {
            for (window, pair, by) in figures.burn.iter().flat_map(lookbacks) {
                if let Some(value) = value(pair, by, objective.target_ppm) {
                    series.sample_with(labels, &[("window", window)], value);
                }
            }
        }
    }
    let mut series = page.family("gengfu_sla_burn_factor");
    for (labels, _, figures) in rows {
        for pair in figures.burn.iter().flat_map(|b| &b.pairs) {
            series.sample_with(labels, &[("window", long_name(pair))], pair.factor);
        }
    }
}

/// Every look-back with its name; 6 h stands in two pairs and is told once.
fn lookbacks(burn: &Burn) -> impl Iterator<Item = (&'static str, &PairState, Lookback)> {
    let both =
        burn.pairs.iter().flat_map(|pair| [(long_name(pair), pair, pair.long), (short_name(pair), pair, pair.short)]);
    both.filter(|(name, pair, _)| *name != "6h" || pair.pair.long_ms == 6 * HOUR)
}

fn long_name(pair: &PairState) -> &'static str {
    pair.pair.windows().0
}

fn short_name(pair: &PairState) -> &'static str {
    pair.pair.windows().1
}

fn availability(series: &mut Series<'_>, labels: &Labels, agreed: Figure, period: &'static str, account: &Account) {
    let bounded: &Bounded = match agreed {
        Figure::Public => &account.public,
        Figure::Contract => &account.contract,
    };
    let figures = [
        ("public", account.public.value),
        ("contract", account.contract.value),
        ("low", bounded.low),
        ("high", bounded.high),
    ];
    for (figure, ratio) in figures {
        if let Some(ratio) = ratio {
            series.sample_with(labels, &[("figure", figure), ("period", period)], ratio.as_f64());
        }
    }
}

/// What is left of the budget under the agreed figure; negative when overdrawn.
pub fn left_ms(account: &Account) -> Millis {
    account.budget_ms - account.spent_ms.values().sum::<Millis>()
}

/// The `cause` label.
pub fn cause_label(cause: Cause) -> &'static str {
    match cause {
        Cause::Emergency => "emergency",
        Cause::Overrun => "overrun",
        Cause::UndeclaredMaintenance => "undeclared_maintenance",
        Cause::PolicyViolation => "policy_violation",
        Cause::Incident => "incident",
    }
}
