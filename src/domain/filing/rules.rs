//! Who has how long, and which outages reach which grade, as the files say.
//!
//! Not here: how they are written (`config::lower::filing`). Invariants: when a threshold is reached is a total function of
//! what fails since when, so that asking late finds the same instant; what no category names is of the last one.

use super::draft::length;
use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// From when on the time counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CountsFrom {
    /// From when the incident was told: the earliest reading of the rule.
    #[default]
    Incident,
    /// From when its thresholds were reached, if that is later: it could not be judged reportable before.
    Grade,
}

/// What the section `filing` of `gengfu.yaml` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Who is told.
    pub roster: RosterId,
    /// Who reports, as drafts call it.
    pub unit: Names,
    /// From when on the time counts.
    pub counts_from: CountsFrom,
    /// In the order of the file; the first that names a subsystem holds.
    pub categories: Vec<Assigned>,
    /// How many people rely on a subsystem.
    pub people: BTreeMap<SubsystemId, u64>,
    /// Any that is reached gives its grade.
    pub thresholds: Vec<Threshold>,
}

/// Whose systems are of a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// Who reports to whom within how long.
    pub duty: Duty,
    /// All of these owners.
    pub owners: BTreeSet<OwnerId>,
    /// Besides, these.
    pub subsystems: BTreeSet<SubsystemId>,
}

/// How much of what a threshold is about has to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// So many of them, at least one.
    Number(u32),
    /// So many of them, in parts per million; `1_000_000` is all.
    Ppm(u32),
    /// So many that at least this many people rely on them.
    People(u64),
}

/// From what on an outage is of a grade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// The grade.
    pub grade: Grade,
    /// What it is about; not empty.
    pub of: BTreeSet<SubsystemId>,
    /// What the file says it is about, for people.
    pub of_text: Names,
    /// How long each has to fail.
    pub down_ms: Millis,
    /// How much of it has to fail.
    pub share: Share,
    /// Where it was written.
    pub source: Source,
}

/// A grade that is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The gravest.
    pub grade: Grade,
    /// When the first threshold of that grade was reached.
    pub at: Timestamp,
    /// Which thresholds of that grade are reached, for people.
    pub why: Vec<Names>,
}

impl Rules {
    /// Who reports about a subsystem to whom within how long.
    pub fn duty_of(&self, id: &SubsystemId) -> Duty {
        let owner = id.owner();
        let named = |a: &&Assigned| a.subsystems.contains(id) || a.owners.contains(&owner);
        self.categories.iter().find(named).map_or_else(Duty::of_others, |assigned| assigned.duty.clone())
    }

    /// The duty with the least time among those who fail; the first of equals.
    pub fn duty<'a>(&self, failing: impl Iterator<Item = &'a SubsystemId>) -> Duty {
        failing.map(|id| self.duty_of(id)).min_by_key(|duty| duty.within_ms).unwrap_or_else(Duty::of_others)
    }

    /// The gravest grade that is reached at `now` by what fails since when.
    pub fn reached(&self, now: Timestamp, failing: &BTreeMap<SubsystemId, Timestamp>) -> Option<Reached> {
        let at = |t: &Threshold| t.reached_at(failing, &self.people).filter(|at| *at <= now);
        let all: Vec<(&Threshold, Timestamp)> = self.thresholds.iter().filter_map(|t| Some((t, at(t)?))).collect();
        let grade = all.iter().map(|(t, _)| t.grade).max()?;
        let of_it = || all.iter().filter(|(t, _)| t.grade == grade);
        let at = of_it().map(|(_, at)| *at).min()?;
        Some(Reached { grade, at, why: of_it().map(|(t, _)| t.text()).collect() })
    }

    /// When the next threshold is reached after `now`, if what fails goes on failing.
    pub fn next(&self, now: Timestamp, failing: &BTreeMap<SubsystemId, Timestamp>) -> Option<Timestamp> {
        let reached = self.thresholds.iter().filter_map(|t| t.reached_at(failing, &self.people));
        reached.filter(|at| *at > now).min()
    }

    /// How many people rely on what fails; `None` if the files say it of none.
    pub fn people_of<'a>(&self, failing: impl Iterator<Item = &'a SubsystemId>) -> Option<u64> {
        failing.filter_map(|id| self.people.get(id)).copied().reduce(u64::saturating_add)
    }
}

impl Duty {
    /// That of whatever no category names.
    pub fn of_others() -> Self {
        let category = Category::Other;
        Self { category, within_ms: category.within_ms(), to: category.authority() }
    }
}

impl Threshold {
    /// When it is reached, if what fails goes on failing; `None` if too little of it does.
    pub fn reached_at(
        &self,
        failing: &BTreeMap<SubsystemId, Timestamp>,
        people: &BTreeMap<SubsystemId, u64>,
    ) -> Option<Timestamp> {
        let counted = failing.iter().filter(|(id, _)| self.of.contains(*id));
        let weight = |id: &SubsystemId| people.get(id).copied().unwrap_or_default();
        let mut long: Vec<(Timestamp, u64)> = counted.map(|(id, since)| (*since + self.down_ms, weight(id))).collect();
        long.sort_unstable();
        match self.share {
            Share::Number(n) => nth(&long, u64::from(n)),
            Share::Ppm(ppm) => nth(&long, (self.of.len() as u64 * u64::from(ppm)).div_ceil(1_000_000)),
            Share::People(needed) => {
                let mut sum = 0_u64;
                let enough = |(_, weight): &&(Timestamp, u64)| {
                    sum = sum.saturating_add(*weight);
                    sum >= needed
                };
                long.iter().find(enough).map(|(at, _)| *at)
            }
        }
    }

    /// What it says, for people.
    pub fn text(&self) -> Names {
        let Names { zh, en } = &self.of_text;
        let (much_zh, much_en) = match self.share {
            Share::Number(_) | Share::Ppm(_) if self.of.len() == 1 => (zh.clone(), en.clone()),
            Share::Number(n) => (format!("{zh}中至少 {n} 个"), format!("at least {n} of {en}")),
            Share::Ppm(1_000_000) => (format!("{zh}全部"), format!("all of {en}")),
            Share::Ppm(ppm) => (format!("{zh}至少 {}%", percent(ppm)), format!("at least {} % of {en}", percent(ppm))),
            Share::People(n) => (format!("{zh}影响至少 {n} 人"), format!("so much of {en} that {n} people rely on it")),
        };
        Names {
            zh: format!("{much_zh}，中断达 {}", length(self.down_ms, Language::Zh)),
            en: format!("{much_en} down for {}", length(self.down_ms, Language::En)),
        }
    }
}

/// When the `n`-th, counted from 1, has failed long enough.
fn nth(long: &[(Timestamp, u64)], n: u64) -> Option<Timestamp> {
    let index = usize::try_from(n.max(1) - 1).ok()?;
    long.get(index).map(|(at, _)| *at)
}

fn percent(ppm: u32) -> String {
    let text = format!("{}.{:04}", ppm / 10_000, ppm % 10_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
