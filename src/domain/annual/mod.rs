//! The annual plan: every window of a civil year with the policies' answer, what clashes, and what each owner takes.
//!
//! From the files alone, so approvals and notice count as absent. Not here: what binds windows (`policy::limits`).
//! Invariants: a window belongs to the month in which it starts; what the policies deny or let wait is a clash of the
//! plan, and so is what they allow and an owner would regret.

mod clash;

pub use clash::{Clash, ClashKind};

use super::impact::{Impact, impact};
use super::policy::{Asked, ask_all};
use super::window::WindowState;
use super::*;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// One window of the plan.
#[derive(Clone, Debug)]
pub struct YearWindow<'a> {
    /// The window and the policies' answer.
    pub asked: Asked<'a>,
    /// What would be down with it.
    pub impact: Impact,
    /// 1 to 12: the civil month of its start.
    pub month: usize,
}

impl YearWindow<'_> {
    fn happens(&self) -> bool {
        self.asked.admission.state() != WindowState::Rejected
    }

    fn touches(&self, owner: &OwnerId) -> bool {
        self.asked.schedule.owner == *owner
    }
}

/// What an owner takes in one month, or in all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Windows whose answer is "planned".
    pub planned: usize,
    /// Drafts.
    pub drafts: usize,
    /// Denied ones.
    pub denied: usize,
    /// Length of those that are not denied.
    pub ms: Millis,
}

impl Taken {
    /// All windows.
    pub fn windows(&self) -> usize {
        self.planned + self.drafts + self.denied
    }

    fn add(&mut self, window: &YearWindow<'_>) {
        match window.asked.admission.state() {
            WindowState::Rejected => self.denied += 1,
            WindowState::Draft => self.drafts += 1,
            _ => self.planned += 1,
        }
        if window.happens() {
            self.ms += window.asked.planned.span.len_ms();
        }
    }
}

/// What one owner takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    /// Who.
    pub owner: OwnerId,
    /// January to December.
    pub months: [Taken; 12],
    /// The whole year.
    pub year: Taken,
}

/// The plan of a year.
#[derive(Clone, Debug)]
pub struct AnnualPlan<'a> {
    /// Which year.
    pub year: i16,
    /// In order of time.
    pub windows: Vec<YearWindow<'a>>,
    /// In order of time.
    pub clashes: Vec<Clash>,
}

/// Puts the plan of all owners together; `None` if there is no such year.
pub fn annual_plan(inventory: &Inventory, year: i16) -> Option<AnnualPlan<'_>> {
    let (first, next) = (Date::new(year, 1, 1).ok()?, Date::new(year.checked_add(1)?, 1, 1).ok()?);
    let within = Span::new(inventory.zone.midnight(first), inventory.zone.midnight(next));
    let asked = ask_all(inventory, within).into_iter().filter(|a| within.contains(a.planned.span.start));
    let windows: Vec<YearWindow<'_>> = asked
        .map(|asked| {
            let month = inventory.zone.date(asked.planned.span.start).month();
            let impact = impact(inventory, &asked.schedule.scope);
            YearWindow { asked, impact, month: month.unsigned_abs().into() }
        })
        .collect();
    let clashes = clash::all(inventory, &windows);
    Some(AnnualPlan { year, windows, clashes })
}

impl AnnualPlan<'_> {
    /// The same for one owner: its windows, and every clash that concerns it.
    pub fn only(mut self, owner: &OwnerId) -> Self {
        self.windows.retain(|w| w.touches(owner));
        self.clashes.retain(|c| c.owners.contains(owner));
        self
    }

    /// What each owner takes, by owner.
    pub fn totals(&self) -> Vec<Total> {
        let mut totals: BTreeMap<&OwnerId, Total> = BTreeMap::new();
        for window in &self.windows {
            let owner = &window.asked.schedule.owner;
            let fresh = || Total { owner: owner.clone(), months: Default::default(), year: Taken::default() };
            let total = totals.entry(owner).or_insert_with(fresh);
            total.year.add(window);
            if let Some(month) = window.month.checked_sub(1).and_then(|i| total.months.get_mut(i)) {
                month.add(window);
            }
        }
        totals.into_values().collect()
    }
}

#[cfg(test)]
mod tests;
