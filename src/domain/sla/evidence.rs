//! What the accounting needs to know of anything that is promised: what was seen, and how each instant stands to the
//! rules.
//!
//! Not here: what is counted (`ledger`), and how a composite's evidence follows from its members' (`derived`).
//! Invariant: the sets are instants, whatever was seen in them and whatever was promised; they may overlap.

use super::timeline::{Health, Timeline};
use super::*;
use std::borrow::Cow;

/// What was seen, and how the instants stand to the rules.
#[derive(Clone, Debug, Default)]
pub struct Evidence<'a> {
    /// What was seen; it begins with the first attempt.
    pub timeline: Cow<'a, Timeline<Health>>,
    /// The used part of valid windows: what may be excluded.
    pub valid: SpanSet,
    /// Emergency maintenance under an override.
    pub emergency: SpanSet,
    /// After a window's approved end, until the restore was verified.
    pub overrun: SpanSet,
    /// Looked like maintenance outside any window.
    pub undeclared: SpanSet,
    /// In a window that was not approved, announced in time or inside policy.
    pub invalid: SpanSet,
}

impl<'a> Evidence<'a> {
    /// That of one subsystem.
    pub fn of(seen: &Seen<'a>) -> Self {
        let timeline = seen.timeline.map_or_else(|| Cow::Owned(Timeline::default()), Cow::Borrowed);
        let undeclared = seen.undeclared.clone();
        if seen.windows.is_empty() {
            return Self { timeline, undeclared, ..Self::default() };
        }
        let used = |standing| -> SpanSet {
            seen.windows.iter().filter(|w| w.standing == standing).map(UsedWindow::used).collect()
        };
        Self {
            timeline,
            valid: used(Standing::Valid),
            emergency: used(Standing::Emergency),
            overrun: seen.windows.iter().map(UsedWindow::overrun).collect(),
            undeclared,
            invalid: used(Standing::Violation),
        }
    }

    /// The classes of bad time that have a name, in the order in which they are matched.
    pub(super) fn causes(&self) -> [(Cause, &SpanSet); 4] {
        [
            (Cause::Emergency, &self.emergency),
            (Cause::Overrun, &self.overrun),
            (Cause::UndeclaredMaintenance, &self.undeclared),
            (Cause::PolicyViolation, &self.invalid),
        ]
    }
}
