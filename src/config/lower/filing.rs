//! When an outage has to be reported to an authority (`filing` of `gengfu.yaml`).
//!
//! Not here: what follows (`domain::filing`). Invariants: nobody has more time than the rule gives; a threshold that can never
//! be reached is an error, since whoever wrote it relies on it.

use super::Draft;
use super::registry::{Reference, Thing};
use crate::domain::filing::{Assigned, Category, CountsFrom, Duty, Grade, Rules, Share, Threshold};
use crate::domain::{Names, OwnerId, RosterId, SubsystemId};
use crate::field::{Code, Problem, Record, format_duration};
use std::collections::BTreeSet;

/// Names in the words for what a threshold is about.
const NAMES_MAX: usize = 3;

impl Draft {
    /// Notes the ids that the section names.
    pub(super) fn refer_to_filing(&mut self, main: &Record) {
        let Some(filing) = main.record("filing") else { return };
        if let Some(roster) = filing.opt_text("roster") {
            self.known.refer(Reference::new(Thing::Roster, roster, filing.at("roster")));
        }
        for record in filing.records("categories").chain(filing.records("grades")) {
            for (id, at) in record.texts("owners") {
                self.known.refer(Reference::new(Thing::Owner, id, at));
            }
            for (id, at) in record.texts("subsystems") {
                self.known.refer(Reference::new(Thing::Subsystem, id, at));
            }
        }
        for (id, _) in filing.map("people") {
            self.known.refer(Reference::new(Thing::Subsystem, &id.value, &id.at));
        }
    }

    /// The rules, once all subsystems are known.
    pub(super) fn filing(&mut self, main: &Record) -> Option<Rules> {
        let filing = main.record("filing")?;
        let people = filing.map("people").iter();
        let people =
            people.filter_map(|(id, n)| Some((id.value.as_str().into(), u64::try_from(n.value.as_int()?).ok()?)));
        let mut rules = Rules {
            roster: RosterId::new(filing.text("roster")),
            unit: filing.names("unit").cloned().unwrap_or_default(),
            counts_from: if filing.text("counts_from") == "grade" { CountsFrom::Grade } else { CountsFrom::Incident },
            categories: Vec::new(),
            people: people.collect(),
            thresholds: Vec::new(),
        };
        for record in filing.records("categories").filter(|record| record.complete) {
            rules.categories.extend(self.assigned(record));
        }
        for record in filing.records("grades").filter(|record| record.complete) {
            let threshold = self.threshold(record, &rules);
            rules.thresholds.extend(threshold);
        }
        self.warn_of_silence(filing);
        Some(rules)
    }

    /// A report is due from 较大 on; without a threshold for it nobody is told of most outages that need one.
    fn warn_of_silence(&mut self, filing: &Record) {
        if filing.records("grades").all(|record| record.text("grade") != Grade::Considerable.as_str()) {
            let message = "a report is due from `considerable` on, and no threshold gives it";
            let problem = Problem::warning(Code::NothingSuggested, filing.at("grades"), message);
            self.problems.push(problem.hint("take its values from the guide; else people alone notice such outages"));
        }
    }

    fn assigned(&mut self, record: &Record) -> Option<Assigned> {
        let category = Category::named(record.text("category"))?;
        let (owners, subsystems) = named(record);
        if owners.is_empty() && subsystems.is_empty() && category != Category::Other {
            let problem = Problem::error(Code::Value, record.at("category"), "nobody is of this category");
            self.problems.push(problem.expected("`owners`, `subsystems`, or both"));
        }
        let most = category.within_ms();
        let within_ms = record.opt_int("within").unwrap_or(most);
        if within_ms > most {
            let message = format!("longer than the {} that the rule gives", format_duration(most));
            let problem = Problem::error(Code::OutOfBounds, record.at("within"), message);
            self.problems.push(problem.expected(format!("at most {}, or no `within` at all", format_duration(most))));
        }
        let to = record.names("to").cloned().unwrap_or_else(|| category.authority());
        Some(Assigned { duty: Duty { category, within_ms, to }, owners, subsystems })
    }

    fn threshold(&mut self, record: &Record, rules: &Rules) -> Option<Threshold> {
        let grade = Grade::named(record.text("grade"))?;
        let (owners, mut of) = named(record);
        let category = record.opt_text("category").and_then(Category::named);
        let is_public = owners.is_empty() && of.is_empty() && category.is_none();
        let meant = self.subsystems.values().filter(|s| {
            owners.contains(&s.id.owner())
                || category.is_some_and(|category| rules.duty_of(&s.id).category == category)
                || (is_public && s.public)
        });
        of.extend(meant.map(|s| s.id.clone()));
        // An owner that nobody knows is told as that.
        if of.is_empty() && owners.iter().all(|owner| self.owners.contains_key(owner)) {
            let problem = Problem::error(Code::EmptyScope, &record.at, "this threshold is about no subsystem");
            self.problems.push(problem.expected("`owners`, `subsystems` or a `category` that has some"));
        }
        if of.is_empty() {
            return None;
        }
        let share = self.share(record, &of, rules);
        let of_text = record.names("name").cloned().unwrap_or_else(|| self.called(&of, is_public));
        Some(Threshold { grade, of, of_text, down_ms: record.int("down"), share, source: record.at("grade").source() })
    }

    fn share(&mut self, record: &Record, of: &BTreeSet<SubsystemId>, rules: &Rules) -> Share {
        let mut written = ["number", "share", "people"].into_iter().filter(|field| record.has(field));
        let Some(field) = written.next() else { return Share::Number(1) };
        if let Some(second) = written.next() {
            let message = format!("`{second}` beside `{field}`");
            let problem = Problem::error(Code::Value, record.key_at(second), message);
            self.problems.push(problem.hint("keep one of them, or make two thresholds of it"));
        }
        let n = record.int(field);
        let never = |what: String, expected: String| {
            Problem::error(Code::OutOfBounds, record.at(field), format!("can never be reached: {what}"))
                .expected(expected)
        };
        match field {
            "number" if usize::try_from(n).is_ok_and(|n| n > of.len()) => {
                let what = format!("it is about no more than {}", of.len());
                self.problems.push(never(what, format!("from 1 to {}", of.len().max(1))));
            }
            "share" if n == 0 => {
                let problem = Problem::error(Code::OutOfBounds, record.at(field), "would be reached by nothing at all");
                self.problems.push(problem.expected("more than `0%`"));
            }
            "people" => {
                let most = rules.people_of(of.iter()).unwrap_or_default();
                if u64::try_from(n).is_ok_and(|n| n > most) {
                    let what = format!("`people` of `filing` gives them {most}");
                    self.problems.push(never(what, format!("at most {most}, or more in `people`")));
                }
            }
            _ => {}
        }
        match field {
            "number" => Share::Number(u32::try_from(n).unwrap_or(u32::MAX)),
            "share" => Share::Ppm(u32::try_from(n).unwrap_or(u32::MAX)),
            _ => Share::People(u64::try_from(n).unwrap_or(u64::MAX)),
        }
    }

    /// What people call so many subsystems.
    fn called(&self, of: &BTreeSet<SubsystemId>, is_public: bool) -> Names {
        if is_public {
            return Names {
                zh: format!("公众子系统（{} 个）", of.len()),
                en: format!("the {} public subsystems", of.len()),
            };
        }
        let known = of.iter().filter_map(|id| self.subsystems.get(id)).take(NAMES_MAX);
        let (zh, en): (Vec<&str>, Vec<&str>) = known.map(|s| (s.name.zh.as_str(), s.name.en.as_str())).unzip();
        let (zh, en) = (zh.join("、"), en.join(", "));
        if of.len() > NAMES_MAX {
            let more = of.len() - NAMES_MAX;
            return Names { zh: format!("{zh}等 {} 个子系统", of.len()), en: format!("{en} and {more} more") };
        }
        Names { zh, en }
    }
}

fn named(record: &Record) -> (BTreeSet<OwnerId>, BTreeSet<SubsystemId>) {
    let owners = record.texts("owners").map(|(id, _)| id.into()).collect();
    (owners, record.texts("subsystems").map(|(id, _)| id.into()).collect())
}
