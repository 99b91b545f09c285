//! The promise of one subsystem: three figures that always go together, what is left, and what spent it.

use crate::domain::sla::{Account, Bounded};
use crate::domain::*;
use crate::metrics::targets::left_ms;
use crate::web::pages::Asked;
use crate::web::{figures, format};

pub(super) struct PeriodRow {
    pub(super) period: &'static str,
    pub(super) partial: bool,
    pub(super) public: String,
    pub(super) contract: String,
    pub(super) bounds: String,
    pub(super) left: String,
    pub(super) overdrawn: bool,
    pub(super) verdict: &'static str,
}

/// `99.9 %, public` in the reader's words.
pub(super) fn objective(asked: &Asked, subsystem: &Subsystem) -> String {
    match asked.snapshot.inventory.objectives.get(&subsystem.objective) {
        Some(objective) => {
            let figure = match objective.figure {
                Figure::Public => asked.t.figure_public,
                Figure::Contract => asked.t.figure_contract,
            };
            format!("{} · {figure}", format::target(objective.target_ppm))
        }
        None => subsystem.objective.to_string(),
    }
}

/// Where each field of the promise was said, unless nobody said it.
pub(super) fn origins(asked: &Asked, subsystem: &Subsystem) -> Vec<String> {
    let objective = asked.snapshot.inventory.objectives.get(&subsystem.objective);
    let said = |origin: &Origin| {
        let field = match (origin.field, asked.language) {
            ("target", Language::Zh) => "目标",
            ("period", Language::Zh) => "周期",
            ("figure", Language::Zh) => "口径",
            ("hours", Language::Zh) => "时间",
            ("exclusion_cap", Language::Zh) => "剔除上限",
            ("pages", Language::Zh) => "呼叫",
            ("exclusion_cap", Language::En) => "exclusion cap",
            (field, _) => field,
        };
        Some(format!("{field} {}", origin.source.as_ref()?))
    };
    objective.iter().flat_map(|o| &o.origins).filter_map(said).collect()
}

/// One row per period, and this month's spending by cause.
pub(super) fn rows(
    asked: &Asked,
    subsystem: &Subsystem,
    view: &SubsystemView,
) -> (Vec<PeriodRow>, Vec<(&'static str, String)>) {
    let Some(objective) = asked.snapshot.inventory.objectives.get(&subsystem.objective) else {
        return (Vec::new(), Vec::new());
    };
    let figures = figures::Reader::new(asked.now, &asked.snapshot).subsystem(view);
    let rows = figures.accounts().filter(|(_, a)| a.elapsed_ms > 0).map(|(period, account)| {
        let period = match period {
            "day" => asked.t.day,
            "month" => asked.t.month,
            _ => asked.t.rolling_30d,
        };
        row(asked, objective, period, account)
    });
    let spent = figures.month.iter().flat_map(|account| &account.spent_ms);
    let spent = spent.filter(|(_, ms)| **ms > 0).map(|(cause, ms)| (asked.t.cause(*cause), asked.length(*ms)));
    (rows.collect(), spent.collect())
}

fn row(asked: &Asked, objective: &Objective, period: &'static str, account: &Account) -> PeriodRow {
    let shown = |b: &Bounded| b.value.map_or_else(|| "–".to_owned(), |r| r.percent_against(objective.target_ppm));
    let agreed = match objective.figure {
        Figure::Public => &account.public,
        Figure::Contract => &account.contract,
    };
    let bounds = match (agreed.low, agreed.high) {
        (Some(low), Some(high)) => {
            format!("{} – {}", low.percent_against(objective.target_ppm), high.percent_against(objective.target_ppm))
        }
        _ => "–".to_owned(),
    };
    let left = left_ms(account);
    PeriodRow {
        period,
        partial: account.partial,
        public: shown(&account.public),
        contract: shown(&account.contract),
        bounds,
        left: format::left(asked.language, left),
        overdrawn: left < 0,
        verdict: asked.t.verdict(account.verdict),
    }
}
