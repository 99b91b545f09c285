//! Who is told (`on-call.yaml`) and what was promised (`objectives.yaml`).

use super::registry::Thing;
use super::{Draft, tables};
use crate::domain::*;
use crate::field::{Code, Node, Problem, Record, decode};

/// Factor of the fastest burn-rate pair over a month of 31 days, thousandths: 2 % of the budget in one hour.
const FASTEST_FACTOR_MILLI: i64 = 14_880;

impl Draft {
    pub(super) fn roster_file(&mut self, node: &Node) {
        let file = decode(node, tables::ROSTER_FILE, &mut self.problems);
        if !file.has("rosters") {
            self.known.note_unread_entry(Thing::Roster);
        }
        for record in file.records("rosters") {
            if !record.has("id") {
                self.known.note_unread_entry(Thing::Roster);
                continue;
            }
            let id = record.text("id");
            if !self.known.register(Thing::Roster, id, record.at("id"), &mut self.problems) {
                continue;
            }
            if record.has("contacts") && record.list("contacts").is_empty() {
                let message = format!("nobody is on the roster `{id}`");
                let problem = Problem::error(Code::EmptyRoster, record.at("contacts"), message);
                self.problems.push(problem.expected("at least one contact with a name and a mail address"));
            }
            let contacts = record.records("contacts").map(contact).collect();
            let roster = Roster { id: id.into(), contacts, source: record.at("id").source() };
            self.rosters.insert(id.into(), roster);
        }
    }

    pub(super) fn objective_file(&mut self, node: &Node) {
        let file = decode(node, tables::OBJECTIVE_FILE, &mut self.problems);
        if !file.has("objectives") {
            self.known.note_unread_entry(Thing::Objective);
        }
        for record in file.records("objectives") {
            if !record.has("id") {
                self.known.note_unread_entry(Thing::Objective);
                continue;
            }
            let id = record.text("id");
            if self.known.register(Thing::Objective, id, record.at("id"), &mut self.problems) {
                let objective = self.objective(id, record);
                self.objectives.insert(id.into(), objective);
            }
        }
    }

    fn objective(&mut self, id: &str, record: &Record) -> Objective {
        if let Some(target) = record.opt_int("target") {
            self.check_target(record, target);
        }
        let period =
            if record.text("period") == "rolling_30d" { ObjectivePeriod::Rolling30d } else { ObjectivePeriod::Month };
        Objective {
            id: id.into(),
            target_ppm: u32::try_from(record.int("target")).unwrap_or_default(),
            period,
            figure: if record.text("figure") == "contract" { Figure::Contract } else { Figure::Public },
            hours: self.hours(record, "hours"),
            exclusion_cap_ms: record.int("exclusion_cap"),
            source: record.at("id").source(),
        }
    }

    fn check_target(&mut self, record: &Record, target: i64) {
        if target == 0 || target == 1_000_000 {
            let message = if target == 0 { "a target of nothing" } else { "a target that leaves no budget at all" };
            self.problems.push(
                Problem::error(Code::OutOfBounds, record.at("target"), message)
                    .expected("more than 0% and less than 100%"),
            );
        } else if FASTEST_FACTOR_MILLI * (1_000_000 - target) >= 1_000 * 1_000_000 {
            let message = "the burn-rate page of 1 h and 5 min can never fire at this target";
            self.problems.push(
                Problem::warning(Code::CannotFire, record.at("target"), message)
                    .hint("the page for a confirmed outage takes its place"),
            );
        }
    }
}

fn contact(record: &Record) -> Contact {
    Contact {
        name: record.text("name").to_owned(),
        mail: record.text("mail").to_owned(),
        language: if record.text("language") == "en" { Language::En } else { Language::Zh },
    }
}
