//! What is promised (`objectives.yaml`): named objectives, and what holds for all, for a kind of owner, for an owner and
//! for one subsystem.
//!
//! Not here: which level goes first (`domain::objective`). Invariant: after `settle_objectives` every subsystem has a
//! promise, or somebody was told that its target is missing.

use super::registry::{Reference, Thing};
use super::{Draft, tables};
use crate::domain::hours::Hours;
use crate::domain::sla::burn::PAIRS;
use crate::domain::*;
use crate::field::{Code, Node, Place, Problem, Record, decode};
use std::collections::{BTreeMap, BTreeSet};

/// What a subsystem without a named objective has.
const UNNAMED: &str = "inherited";
/// The longest period whose pairs are looked at where none is said: a month of 31 days.
const MONTH_MS: Millis = 31 * DAY;

/// What each level says.
#[derive(Debug, Default)]
pub(super) struct Levels {
    platform: Terms,
    kinds: BTreeMap<OwnerKind, Terms>,
    owners: BTreeMap<OwnerId, Terms>,
    subsystems: BTreeMap<SubsystemId, Terms>,
    named: BTreeMap<ObjectiveId, (Terms, Place)>,
    /// Something could not be read, so that nobody is told that it is missing.
    holes: bool,
}

impl Draft {
    pub(super) fn objective_file(&mut self, node: &Node) {
        let file = decode(node, tables::OBJECTIVE_FILE, &mut self.problems);
        if !file.has("objectives") {
            self.known.note_unread_entry(Thing::Objective);
        }
        self.levels.holes |= !file.complete;
        if let Some(record) = file.record("platform") {
            self.levels.platform = self.terms(record);
        }
        for (word, kind) in KINDS {
            if let Some(record) = file.record("kinds").and_then(|kinds| kinds.record(word)) {
                let terms = self.terms(record);
                self.levels.kinds.insert(kind, terms);
            }
        }
        for (key, thing) in [("owners", Thing::Owner), ("subsystems", Thing::Subsystem)] {
            for (id, value) in file.map(key) {
                self.known.refer(Reference::new(thing, &id.value, &id.at));
                let Some(record) = value.value.as_record() else { continue };
                let terms = self.terms(record);
                match thing {
                    Thing::Owner => drop(self.levels.owners.insert(id.value.as_str().into(), terms)),
                    _ => drop(self.levels.subsystems.insert(id.value.as_str().into(), terms)),
                }
            }
        }
        for record in file.records("objectives") {
            if !record.has("id") {
                self.known.note_unread_entry(Thing::Objective);
                continue;
            }
            let id = record.text("id");
            if self.known.register(Thing::Objective, id, record.at("id"), &mut self.problems) {
                let terms = self.terms(record);
                self.levels.named.insert(id.into(), (terms, record.at("id").clone()));
            }
        }
    }

    fn terms(&mut self, record: &Record) -> Terms {
        fn said<T>(record: &Record, field: &str, value: Option<T>) -> Option<Said<T>> {
            value.map(|value| Said { value, source: record.at(field).source() })
        }
        self.levels.holes |= !record.complete;
        let period = record.opt_text("period").map(period);
        if let Some(target) = record.opt_int("target") {
            self.check_target(record, target, period);
        }
        let target = record.opt_int("target").map(|ppm| u32::try_from(ppm).unwrap_or_default());
        let figure = |word| if word == "contract" { Figure::Contract } else { Figure::Public };
        let hours: Option<Hours> = self.hours(record, "hours");
        let pages = record.has("pages").then(|| Pages::of(record.texts("pages").map(|(word, _)| word)));
        Terms {
            target_ppm: said(record, "target", target),
            period: said(record, "period", period),
            figure: said(record, "figure", record.opt_text("figure").map(figure)),
            hours: said(record, "hours", hours),
            exclusion_cap_ms: said(record, "exclusion_cap", record.opt_int("exclusion_cap")),
            pages: said(record, "pages", pages),
        }
    }

    fn check_target(&mut self, record: &Record, target: i64, period: Option<ObjectivePeriod>) {
        if target == 0 || target == 1_000_000 {
            let message = if target == 0 { "a target of nothing" } else { "a target that leaves no budget at all" };
            self.problems.push(
                Problem::error(Code::OutOfBounds, record.at("target"), message)
                    .expected("more than 0% and less than 100%"),
            );
            return;
        }
        let period_ms = match period {
            Some(ObjectivePeriod::Week | ObjectivePeriod::Rolling7d) => 7 * DAY,
            Some(ObjectivePeriod::Rolling30d) => 30 * DAY,
            Some(ObjectivePeriod::Quarter) => 92 * DAY,
            Some(ObjectivePeriod::Year) => 366 * DAY,
            Some(ObjectivePeriod::Month) | None => MONTH_MS,
        };
        let ppm = u32::try_from(target).unwrap_or_default();
        let dumb: Vec<&str> = PAIRS.iter().filter(|p| !p.can_fire(ppm, period_ms)).map(|p| p.name).collect();
        if let Some((last, rest)) = dumb.split_last() {
            let names = match rest {
                [] => format!("pair {last}"),
                rest => format!("pairs {} and {last}", rest.join(", ")),
            };
            let message = format!("no share of bad time is enough for the burn-rate {names} at this target");
            self.problems.push(
                Problem::warning(Code::CannotFire, record.at("target"), message)
                    .hint("the page for a confirmed outage takes the place of a page that can never fire"),
            );
        }
    }

    /// Gives every subsystem and composite the promise that holds for it.
    pub(super) fn settle_objectives(&mut self) {
        let mut promises = Promises::default();
        let mut untold: BTreeSet<ObjectiveId> = BTreeSet::new();
        let levels = std::mem::take(&mut self.levels);
        for subsystem in self.subsystems.values_mut() {
            let (named, owner) = (subsystem.objective.clone(), subsystem.id.owner());
            let is_named = !named.as_str().is_empty();
            if is_named && !levels.named.contains_key(&named) {
                // An unknown objective is told where it is named.
                continue;
            }
            let kind = self.owners.get(&owner).map(|owner| owner.kind);
            let own = levels.subsystems.get(&subsystem.id);
            let chain: Vec<(Level, &Terms)> = [
                (Level::Subsystem, own),
                (Level::Objective, levels.named.get(&named).map(|(terms, _)| terms)),
                (Level::Owner, levels.owners.get(&owner)),
                (Level::Kind, kind.and_then(|kind| levels.kinds.get(&kind))),
                (Level::Platform, Some(&levels.platform)),
            ]
            .into_iter()
            .filter_map(|(level, terms)| Some((level, terms?)))
            .collect();
            let id = if is_named { named.clone() } else { UNNAMED.into() };
            match resolve(id, &chain) {
                Some(promise) => {
                    let who = match promise.origins.iter().map(|origin| origin.level).filter(|l| is_apart(*l)).min() {
                        Some(Level::Subsystem) => Some(subsystem.id.as_str()),
                        Some(Level::Owner) => Some(owner.as_str()),
                        Some(_) => kind.map(word),
                        None => None,
                    };
                    subsystem.objective = promises.take(promise, who, subsystem.id.as_str());
                }
                None if levels.holes || !untold.insert(named.clone()) => {}
                None => {
                    let at = levels.named.get(&named).map(|(_, at)| at);
                    let at = at.or_else(|| self.known.place(Thing::Subsystem, subsystem.id.as_str()));
                    let at = at.cloned().unwrap_or_else(|| Place::of_file("schedules/objectives.yaml"));
                    self.problems.push(no_target(&at, &subsystem.id, is_named.then_some(&named)));
                }
            }
        }
        for composite in self.composites.values_mut() {
            let named = composite.objective.clone().unwrap_or_else(|| UNNAMED.into());
            let terms = levels.named.get(&named).map(|(terms, _)| (Level::Objective, terms));
            let chain: Vec<(Level, &Terms)> = terms.into_iter().chain([(Level::Platform, &levels.platform)]).collect();
            let promise = resolve(named, &chain);
            composite.objective = promise.map(|promise| promises.take(promise, None, composite.id.as_str()));
        }
        // What nobody has promised yet is known all the same.
        for (id, (terms, _)) in &levels.named {
            if let Some(promise) =
                resolve(id.clone(), &[(Level::Objective, terms), (Level::Platform, &levels.platform)])
            {
                promises.take(promise, None, id.as_str());
            }
        }
        self.objectives = promises.into_map();
    }
}

const KINDS: [(&str, OwnerKind); 4] = [
    ("platform", OwnerKind::Platform),
    ("district", OwnerKind::District),
    ("bureau", OwnerKind::Bureau),
    ("external", OwnerKind::External),
];

fn word(kind: OwnerKind) -> &'static str {
    KINDS.iter().find(|(_, known)| *known == kind).map_or("", |(word, _)| word)
}

/// Whether a level makes a promise other than its objective and the platform say.
fn is_apart(level: Level) -> bool {
    matches!(level, Level::Subsystem | Level::Owner | Level::Kind)
}

fn period(word: &str) -> ObjectivePeriod {
    match word {
        "week" => ObjectivePeriod::Week,
        "quarter" => ObjectivePeriod::Quarter,
        "year" => ObjectivePeriod::Year,
        "rolling_7d" => ObjectivePeriod::Rolling7d,
        "rolling_30d" => ObjectivePeriod::Rolling30d,
        _ => ObjectivePeriod::Month,
    }
}

fn no_target(at: &Place, id: &SubsystemId, named: Option<&ObjectiveId>) -> Problem {
    let message = match named {
        Some(named) => format!("nobody says the target of `{id}`: `{named}` does not, nor does anybody above it"),
        None => format!("nobody says the target of `{id}`, and it names no objective"),
    };
    Problem::error(Code::MissingKey, at, message)
        .hint("write `target` for it, its owner, its kind of owner or `platform` in schedules/objectives.yaml")
}
