//! Whose undeclared maintenance it is, what was declared for that instant, and what the policies would have said.
//!
//! Not here: when maintenance is undeclared (`incident::judge`) and how the answer is found (`engine::attribute`).
//! Invariants: it is made once, when the incident opens, and stored with it, so that mails, pages and the API say the
//! same at any later time; every sentence is there in both languages.

use super::civil::Zone;
use super::policy::people_length;
use super::window::WindowState;
use super::*;
use serde::{Deserialize, Serialize};

/// Most windows that one attribution names.
pub const NAMED_WINDOWS_MAX: usize = 5;
/// Most contacts that one attribution names.
pub const NAMED_CONTACTS_MAX: usize = 10;

/// Who should have declared a maintenance, and what there was instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribution {
    /// The instant that it is about: when the failure began.
    pub at: Timestamp,
    /// Who answers for it.
    pub owner: OwnerId,
    /// What people call it.
    pub name: Names,
    /// Whom to ask, as `name <mail>`, at most [`NAMED_CONTACTS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// Windows whose time holds the instant and which do not count, at most [`NAMED_WINDOWS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub declared: Vec<Declared>,
    /// Without any of those, the one that is nearest in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<Declared>,
    /// What the policies say to that instant.
    pub ruling: Ruling,
}

/// One window or request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// Which one.
    pub window: WindowId,
    /// Where it stood.
    pub state: WindowState,
    /// From the start to the approved end, or to the verified service if that came first.
    pub span: Span,
    /// Why it stood there; what is missing.
    pub why: Names,
}

/// The answer of `decide` to one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Ruling {
    /// It could have been declared.
    Allowed {
        /// End of the allowed time.
        until: Timestamp,
    },
    /// It could not.
    Denied {
        /// The first rule that denies it.
        why: Names,
        /// From when on it would have been allowed, if covered dates hold such a time.
        next_open: Option<Timestamp>,
    },
}

impl Attribution {
    /// Who answers for it; contacts are not for strangers.
    pub fn answers(&self, language: Language) -> String {
        let name = self.name.get(language);
        let contacts = self.contacts.join(if language == Language::Zh { "、" } else { ", " });
        match (contacts.is_empty(), language) {
            (true, _) => name.to_owned(),
            (false, Language::Zh) => format!("{name}（值班：{contacts}）"),
            (false, Language::En) => format!("{name} (on call: {contacts})"),
        }
    }

    /// What was declared: one sentence for each window that would have covered it, else one about the nearest, or about
    /// none.
    pub fn declarations(&self, zone: &Zone, language: Language) -> Vec<String> {
        match (&self.nearest, self.declared.is_empty()) {
            (_, false) => self.declared.iter().map(|d| self.does_not_count(d, zone, language)).collect(),
            (Some(nearest), true) => vec![self.is_nearest(nearest, zone, language)],
            (None, true) => vec![match language {
                Language::Zh => "没有为它申报过任何维护窗口".to_owned(),
                Language::En => "no window is declared for it, before or after".to_owned(),
            }],
        }
    }

    fn does_not_count(&self, declared: &Declared, zone: &Zone, language: Language) -> String {
        let Declared { window, state, why, .. } = declared;
        let (span, state, why) = (declared.people(zone, language), state.as_str(), why.get(language));
        match language {
            Language::Zh => format!("窗口 {window}（{span}）本可覆盖，但不生效：{state}，{why}"),
            Language::En => {
                format!("the window {window} ({span}) would have covered it but does not count: {state}, {why}")
            }
        }
    }

    fn is_nearest(&self, nearest: &Declared, zone: &Zone, language: Language) -> String {
        let (window, state, span) = (&nearest.window, nearest.state.as_str(), nearest.people(zone, language));
        let over = nearest.span.end <= self.at;
        let distance = if over { self.at.since(nearest.span.end) } else { nearest.span.start.since(self.at) };
        let distance = people_length(distance);
        match (over, language) {
            (true, Language::Zh) => format!("最近的窗口 {window}（{state}，{span}）在此前 {distance} 已结束"),
            (true, Language::En) => format!("the nearest window {window} ({state}, {span}) ended {distance} before"),
            (false, Language::Zh) => format!("最近的窗口 {window}（{state}，{span}）在此后 {distance} 才开始"),
            (false, Language::En) => format!("the nearest window {window} ({state}, {span}) begins {distance} later"),
        }
    }

    /// What the policies would have said.
    pub fn verdict(&self, zone: &Zone, language: Language) -> String {
        match (&self.ruling, language) {
            (Ruling::Allowed { until }, Language::Zh) => {
                format!("政策在该时刻允许维护（至 {}），只缺申报", zone.people(*until, language))
            }
            (Ruling::Allowed { until }, Language::En) => {
                let until = zone.people(*until, language);
                format!(
                    "the policies allow maintenance at that instant, until {until}: only its declaration was missing"
                )
            }
            (Ruling::Denied { why, next_open }, Language::Zh) => {
                let next = next_open.map(|at| format!("；此后最早可于 {} 开始", zone.people(at, language)));
                format!("政策在该时刻不允许维护：{}{}", why.zh, next.unwrap_or_default())
            }
            (Ruling::Denied { why, next_open }, Language::En) => {
                let next = next_open.map(|at| format!("; the next opening is {}", zone.people(at, language)));
                format!("the policies deny maintenance at that instant: {}{}", why.en, next.unwrap_or_default())
            }
        }
    }
}

impl Declared {
    fn people(&self, zone: &Zone, language: Language) -> String {
        let (start, end) = (zone.people(self.span.start, language), zone.people(self.span.end, language));
        match language {
            Language::Zh => format!("{start} 至 {end}"),
            Language::En => format!("{start} to {end}"),
        }
    }
}
