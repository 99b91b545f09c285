//! Colours and words for values. Colours are those of Okabe and Ito, which people with any colour vision tell apart;
//! and no state is told by its colour alone.

use super::{Language, Text};
use serde_json::{Value, json};

/// Good.
pub(super) const GOOD: &str = "#009E73";
/// Worth a look.
pub(super) const WARN: &str = "#E69F00";
/// Bad.
pub(super) const BAD: &str = "#D55E00";
/// Not known.
pub(super) const UNKNOWN: &str = "#8C8C8C";
/// Planned.
pub(super) const PLANNED: &str = "#0072B2";
/// Neither good nor bad.
pub(super) const PLAIN: &str = "#56B4E9";

/// How values are coloured and said.
#[derive(Clone, Copy)]
pub(super) enum Look {
    /// By the series.
    Series,
    /// From a value on: the first step is for everything below the second.
    Steps(&'static [(f64, &'static str)]),
    /// A word and a colour for each value.
    Words(&'static [(i32, Text, &'static str)]),
}

/// None is good, one is bad.
pub(super) const NONE_IS_GOOD: Look = Look::Steps(&[(0.0, GOOD), (1.0, BAD)]);
/// None is good, one is worth a look.
pub(super) const FEW_ARE_GOOD: Look = Look::Steps(&[(0.0, GOOD), (1.0, WARN)]);
/// A number that is neither good nor bad.
pub(super) const NEUTRAL: Look = Look::Steps(&[(0.0, PLAIN)]);
/// What is left of a budget, as a share of it.
pub(super) const LEFT: Look = Look::Steps(&[(0.0, BAD), (0.000_001, WARN), (0.25, GOOD)]);
/// Time left of a certificate or a calendar, in seconds: 7 and 30 days.
pub(super) const EXPIRES: Look = Look::Steps(&[(0.0, BAD), (604_800.0, WARN), (2_592_000.0, GOOD)]);
/// How long something has waited, in seconds: a minute and ten.
pub(super) const WAITS: Look = Look::Steps(&[(0.0, GOOD), (60.0, WARN), (600.0, BAD)]);
/// An inspection's share of failed visits.
pub(super) const INSPECTED: Look = Look::Steps(&[(0.0, GOOD), (0.04, WARN), (0.05, BAD)]);
/// Yes is good.
pub(super) const YES_IS_GOOD: Look = Look::Words(&[(0, ["✕ 否", "✕ no"], BAD), (1, ["● 是", "● yes"], GOOD)]);
/// Yes is bad.
pub(super) const YES_IS_BAD: Look = Look::Words(&[(0, ["● 否", "● no"], GOOD), (1, ["✕ 是", "✕ yes"], BAD)]);
/// `gengfu:subsystem_state:code`: what was seen, and whether a window runs.
pub(super) const STATE: Look = Look::Words(&[
    (0, ["● 正常", "● up"], GOOD),
    (1, ["▲ 降级", "▲ degraded"], WARN),
    (2, ["? 未知", "? unknown"], UNKNOWN),
    (3, ["✕ 中断", "✕ down"], BAD),
    (10, ["◆ 维护中，正常", "◆ maintenance, up"], PLANNED),
    (11, ["◆ 维护中，降级", "◆ maintenance, degraded"], PLANNED),
    (12, ["◆ 维护中，未知", "◆ maintenance, unknown"], PLANNED),
    (13, ["◆ 维护中，中断", "◆ maintenance, down"], PLANNED),
]);
/// `gengfu_probe_success`.
pub(super) const PASSED: Look = Look::Words(&[(0, ["✕ 失败", "✕ fails"], BAD), (1, ["● 通过", "● passes"], GOOD)]);
/// `gengfu_policy_open`.
pub(super) const OPEN: Look = Look::Words(&[(0, ["— 关闭", "— closed"], UNKNOWN), (1, ["◆ 开放", "◆ open"], PLANNED)]);
/// `gengfu_freeze_active`.
pub(super) const FROZEN: Look = Look::Words(&[(0, ["— 无", "— no"], UNKNOWN), (1, ["✕ 封网", "✕ frozen"], BAD)]);
/// `gengfu:window_phase:code`.
pub(super) const PHASE: Look = Look::Words(&[
    (1, ["○ 待开始", "○ ahead"], PLAIN),
    (2, ["▲ 受阻", "▲ blocked"], WARN),
    (3, ["◆ 进行中", "◆ running"], PLANNED),
    (4, ["✕ 超时", "✕ overrun"], BAD),
    (5, ["● 完成", "● completed"], GOOD),
    (6, ["— 未执行", "— not done"], UNKNOWN),
]);
/// `gengfu:sla_standing:code`.
pub(super) const STANDING: Look = Look::Words(&[
    (-1, ["✕ 未达标", "✕ missed"], BAD),
    (0, ["? 未定", "? undetermined"], UNKNOWN),
    (1, ["● 达标", "● met"], GOOD),
]);

impl Look {
    /// Properties of `fieldConfig.defaults`, by name.
    pub(super) fn properties(self, language: Language) -> Vec<(&'static str, Value)> {
        match self {
            Self::Series => vec![("color", json!({ "mode": "palette-classic" }))],
            Self::Steps(steps) => vec![("color", json!({ "mode": "thresholds" })), ("thresholds", thresholds(steps))],
            Self::Words(words) => {
                let options: serde_json::Map<_, _> = words
                    .iter()
                    .enumerate()
                    .map(|(n, (value, word, colour))| {
                        let said = json!({ "text": language.of(*word), "color": colour, "index": n });
                        (value.to_string(), said)
                    })
                    .collect();
                vec![
                    ("color", json!({ "mode": "thresholds" })),
                    ("thresholds", thresholds(&[(0.0, UNKNOWN)])),
                    ("mappings", json!([{ "type": "value", "options": options }])),
                ]
            }
        }
    }
}

fn thresholds(steps: &[(f64, &str)]) -> Value {
    let step = |(n, (from, colour)): (usize, &(f64, &str))| {
        let from = if n == 0 { Value::Null } else { json!(from) };
        json!({ "value": from, "color": colour })
    };
    json!({ "mode": "absolute", "steps": steps.iter().enumerate().map(step).collect::<Vec<_>>() })
}
