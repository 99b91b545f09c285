//! The inspection view of a public subsystem on the wire and in words.
//!
//! Not here: what counts (`domain::inspection`).

use super::state::WebState;
use crate::domain::inspection::{Inspection, LIMIT_PPM, Standing};
use crate::domain::{Language, Subsystem};
use schemars::JsonSchema;
use serde::Serialize;

/// The rolling week of visits.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct InspectionDto {
    visits: u64,
    failed: u64,
    failed_ratio: Option<f64>,
    limit_ratio: f64,
    /// How many more may fail before the limit is reached; negative once it is.
    failures_left: i64,
    /// `good`, `at_risk`, `failed` or `too_few_visits`.
    standing: &'static str,
}

impl From<Inspection> for InspectionDto {
    fn from(seen: Inspection) -> Self {
        Self {
            visits: seen.visits,
            failed: seen.failed,
            failed_ratio: seen.ratio(),
            limit_ratio: LIMIT_PPM as f64 / 1e6,
            failures_left: seen.left(),
            standing: seen.standing().as_str(),
        }
    }
}

/// What an inspector would find in `subsystem`; `None` of one that is not public, or was not visited.
pub(super) fn of(state: &WebState, subsystem: &Subsystem) -> Option<Inspection> {
    let week = state.board.inspection(state.now(), &state.picture().inventory, subsystem)?;
    (week.visits > 0).then_some(week)
}

/// `0.42 % of 20160 visits failed in 7 days (limit 5 %), 923 more until the limit`.
pub(super) fn sentence(language: Language, seen: Inspection) -> String {
    // Rounded up: what failed once is not nothing.
    let hundredths = (seen.failed * 10_000).div_ceil(seen.visits.max(1));
    let share = format!("{}.{:02} %", hundredths / 100, hundredths % 100);
    let (visits, left) = (seen.visits, seen.left());
    let rest = match (language, seen.standing()) {
        (Language::Zh, Standing::TooFew) => "访问次数不足，不作判定".to_owned(),
        (Language::En, Standing::TooFew) => "too few visits to judge".to_owned(),
        (Language::Zh, Standing::Failed) => "已达单项否决线".to_owned(),
        (Language::En, Standing::Failed) => "inspectors fail it".to_owned(),
        (Language::Zh, Standing::AtRisk) => format!("预警：再失败 {} 次即达否决线", left + 1),
        (Language::En, Standing::AtRisk) => format!("at risk: {left} more failures until the limit"),
        (Language::Zh, Standing::Good) => format!("还可失败 {left} 次"),
        (Language::En, Standing::Good) => format!("{left} more failures until the limit"),
    };
    match language {
        Language::Zh => format!("7 天 {visits} 次访问，{share} 未在 15 秒内打开（否决线 5 %），{rest}"),
        Language::En => format!("{share} of {visits} visits in 7 days did not open within 15 s (limit 5 %), {rest}"),
    }
}
