//! The promise of one subsystem: three figures that always go together, what is left, and what spent it.

use crate::domain::sla::{Account, Bounded, Grain, Period};
use crate::domain::*;
use crate::metrics::targets::left_ms;
use crate::web::pages::Asked;
use crate::web::{figures, format, look};

/// Corrections that are listed.
const CORRECTIONS_MAX: usize = 20;

pub(super) struct Correction {
    pub(super) when: String,
    pub(super) seen: String,
    pub(super) counts_as: String,
    pub(super) who: String,
}

pub(super) struct PeriodRow {
    pub(super) period: &'static str,
    pub(super) partial: bool,
    pub(super) public: String,
    pub(super) contract: String,
    /// Both without corrections; empty where nobody corrected.
    pub(super) measured: [String; 2],
    pub(super) bounds: String,
    pub(super) left: String,
    pub(super) overdrawn: bool,
    pub(super) verdict: &'static str,
}

/// How much of this month's budget is gone.
pub(super) struct Budget {
    /// In thousandths, 1000 at most.
    pub(super) used: i64,
    pub(super) sentence: String,
    pub(super) overdrawn: bool,
}

/// The month's rows and spending.
pub(super) struct Promise {
    pub(super) rows: Vec<PeriodRow>,
    pub(super) spent: Vec<(&'static str, String)>,
    pub(super) budget: Option<Budget>,
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
        Some(format!("{field} {}", origin.source.as_ref()?.brief()))
    };
    objective.iter().flat_map(|o| &o.origins).filter_map(said).collect()
}

/// One row per period, and this month's spending by cause.
pub(super) fn of(asked: &Asked, subsystem: &Subsystem, view: &SubsystemView) -> Promise {
    let Some(objective) = asked.snapshot.inventory.objectives.get(&subsystem.objective) else {
        return Promise { rows: Vec::new(), spent: Vec::new(), budget: None };
    };
    let figures = figures::Reader::new(asked.now, &asked.snapshot).subsystem(view);
    let mut as_seen = figures::Reader::of_measured(asked.now, &asked.snapshot);
    let rows = figures.accounts().filter(|(_, a)| a.elapsed_ms > 0).map(|(period, account)| {
        let is_corrected = view.corrections(account.period).next().is_some();
        let (name, of) = match period {
            "day" => (asked.t.day, Period::current(Grain::Day, asked.now, asked.zone())),
            "month" => (asked.t.month, Period::current(Grain::Month, asked.now, asked.zone())),
            _ => (asked.t.rolling_30d, Period::Rolling30d),
        };
        let measured = if is_corrected { as_seen.account(view, of) } else { None };
        row(asked, objective, name, account, measured.as_ref())
    });
    let spent = figures.month.iter().flat_map(|account| &account.spent_ms);
    let spent = spent.filter(|(_, ms)| **ms > 0).map(|(cause, ms)| (asked.t.cause(*cause), asked.length(*ms)));
    Promise {
        rows: rows.collect(),
        spent: spent.collect(),
        budget: figures.month.as_ref().and_then(|account| budget(asked, account)),
    }
}

fn budget(asked: &Asked, account: &Account) -> Option<Budget> {
    let left = left_ms(account);
    let used: Millis = account.spent_ms.values().sum();
    let whole = left + used;
    if whole <= 0 {
        return None;
    }
    let (spent, all) = (asked.length(used), asked.length(whole));
    Some(Budget {
        used: (used * 1_000 / whole).clamp(0, 1_000),
        sentence: match asked.language {
            Language::Zh => format!("本月预算 {all}，已用 {spent}"),
            Language::En => format!("{spent} of this month's {all} are spent"),
        },
        overdrawn: left < 0,
    })
}

fn row(
    asked: &Asked,
    objective: &Objective,
    period: &'static str,
    account: &Account,
    measured: Option<&Account>,
) -> PeriodRow {
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
    let beside = |figure: &Bounded| format!("{} {}", asked.t.as_measured, shown(figure));
    PeriodRow {
        measured: measured.map(|m| [beside(&m.public), beside(&m.contract)]).unwrap_or_default(),
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

/// What people said afterwards, the last word first: when, what counts, and for those inside by whom and why.
pub(super) fn corrections(asked: &Asked, view: &SubsystemView) -> Vec<Correction> {
    let said = view.corrections(Span::new(Timestamp::MIN, asked.now)).collect::<Vec<_>>();
    let row = |said: &&correction::Correction| {
        let seen = correction::seen_in(&view.timeline, said.span);
        let look = |health: timeline::Health| asked.t.look(look::Look::from(health));
        let seen = seen.into_iter().map(|(health, ms)| format!("{} {}", look(health), asked.length(ms)));
        Correction {
            when: format::range(asked.now, asked.language, asked.zone(), said.span),
            seen: seen.collect::<Vec<_>>().join(", "),
            counts_as: said.counts_as.map_or(asked.t.as_seen, look).to_owned(),
            who: match asked.viewer.is_inside() {
                true => format!("{} · {} · {}", said.by.name, asked.moment(said.at), said.reason),
                false => asked.moment(said.at),
            },
        }
    };
    said.iter().rev().take(CORRECTIONS_MAX).map(row).collect()
}
