//! Schedules of maintenance windows (`windows/*.yaml`), and what their scopes hold.
//!
//! Not here: whether they are allowed (`judge`). Invariant: a scope holds its owner's subsystems alone.

use super::super::expand::{Granted, Grants, expand};
use super::registry::{Reference, Thing};
use super::{Draft as Files, tables};
use crate::domain::window::{Recurrence, Schedule, check_rule, starts_at, starts_on};
use crate::domain::*;
use crate::field::{Code, Node, NodeKind, Place, Problem, Problems, Record, Spanned, Value, decode, format_duration};
use jiff::civil::{DateTime, Weekday};
use std::collections::{BTreeSet, HashMap};

/// What may say when windows start; `from` belongs to the last one.
const RECURRENCES: [&str; 5] = ["nth", "cron", "dates", "once", "rrule"];

/// A schedule whose scope is not resolved yet.
pub(super) struct Draft {
    record: Record,
    starts: Recurrence,
}

impl Draft {
    /// The policy that it adds.
    pub(super) fn policy(&self) -> Option<&str> {
        self.record.opt_text("policy")
    }
}

/// Expands variables with the grants of each schedule's own owner.
pub(super) fn expand_each(node: &mut Node, granted: &Granted, env: &HashMap<String, String>, problems: &mut Problems) {
    let NodeKind::Map(entries) = &mut node.kind else { return };
    for entry in entries {
        let NodeKind::List(items) = &mut entry.value.kind else { continue };
        for item in items {
            let owner = item.get("owner").and_then(Node::text).unwrap_or_default().to_owned();
            expand(item, Grants::Owner(&owner, granted), env, problems);
        }
    }
}

impl Files {
    pub(super) fn window_file(&mut self, node: &Node) {
        let file = decode(node, tables::WINDOW_FILE, &mut self.problems);
        for record in file.records("windows").filter(|r| r.has("id")) {
            if !self.known.register(Thing::Schedule, record.text("id"), record.at("id"), &mut self.problems) {
                continue;
            }
            for (thing, field) in [(Thing::Owner, "owner"), (Thing::Policy, "policy"), (Thing::Plan, "plan")] {
                if let Some(id) = record.opt_text(field) {
                    self.known.refer(Reference::new(thing, id, record.at(field)));
                }
            }
            if let Some(starts) = self.starts(record) {
                self.check_changes(record, &starts);
                self.schedules.push(Draft { record: record.clone(), starts });
            }
        }
    }

    /// The one recurrence of a schedule, below `every` or beside it.
    fn starts(&mut self, record: &Record) -> Option<Recurrence> {
        let below = record.record("every");
        // Beside `every` all of them may stand but the last, which needs its `from`.
        let (beside, all) = (&RECURRENCES[..RECURRENCES.len() - 1], &RECURRENCES[..]);
        let places = below.map(|below| (below, all)).into_iter().chain([(record, beside)]);
        let written: Vec<(&'static str, &Spanned<Value>, &Place)> = places
            .flat_map(|(place, keys)| keys.iter().filter_map(|key| Some((*key, place.get(key)?, place.key_at(key)))))
            .collect();
        let expected = "one of `nth`, `cron`, `dates`, `once`, `rrule` below `every`";
        if written.is_empty() {
            if record.complete {
                let problem = Problem::error(Code::MissingKey, &record.at, "nothing says when it starts");
                self.problems.push(problem.expected(expected));
            }
            return None;
        }
        for (key, _, at) in written.iter().skip(1) {
            let problem = Problem::error(Code::Recurrence, at, format!("`{key}` besides another recurrence"));
            self.problems.push(problem.expected(expected));
        }
        let (key, value, key_at) = *written.first()?;
        let from = below.and_then(|below| below.get("from"));
        if let Some(from) = from.filter(|_| key != "rrule") {
            let problem = Problem::error(Code::Recurrence, &from.at, format!("`from` beside `{key}`"));
            self.problems.push(problem.hint("only `rrule` counts from somewhere: leave it out"));
        }
        if key == "rrule" { self.rule(value, from, key_at) } else { self.recurrence(key, value) }
    }

    fn rule(&mut self, text: &Spanned<Value>, from: Option<&Spanned<Value>>, key_at: &Place) -> Option<Recurrence> {
        let Some(Value::DateTime(start)) = from.map(|from| &from.value) else {
            let problem = Problem::error(Code::MissingKey, key_at, "`rrule` without `from`");
            self.problems
                .push(problem.expected("the local time from which it counts").hint("add `from: 2026-12-01T23:00`"));
            return None;
        };
        match check_rule(text.value.as_text()?, *start) {
            Ok(rule) => Some(rule),
            Err((_, why)) => {
                self.problems.push(Problem::error(Code::Recurrence, &text.at, why));
                None
            }
        }
    }

    fn recurrence(&mut self, key: &str, value: &Spanned<Value>) -> Option<Recurrence> {
        match (key, &value.value) {
            ("cron", Value::Text(text)) => Some(Recurrence::Cron(text.clone())),
            ("once", Value::DateTime(at)) => Some(Recurrence::Dates(vec![*at])),
            ("dates", Value::List(items)) => Some(Recurrence::Dates(items.iter().filter_map(date_time).collect())),
            ("nth", Value::Record(nth)) if nth.complete => {
                let n = i8::try_from(nth.int("n")).unwrap_or_default();
                if n == 0 {
                    let problem = Problem::error(Code::OutOfBounds, nth.at("n"), "there is no zeroth weekday");
                    self.problems.push(problem.expected("1 to 5, or -1 for the last"));
                }
                let Some(Value::Time(at)) = nth.get("at").map(|v| &v.value) else { return None };
                Some(Recurrence::Nth { weekday: weekday(nth.text("weekday"))?, n, at: *at })
            }
            _ => None,
        }
    }

    /// An exception that no start falls on and an addition that starts anyway are slips of the date.
    fn check_changes(&mut self, record: &Record, starts: &Recurrence) {
        let mut excepted = Vec::new();
        for item in record.list("except") {
            let Value::Date(except) = item.value else { continue };
            excepted.push(except);
            if !starts_on(starts, except) {
                let message = format!("no start falls on {except}");
                self.problems.push(Problem::warning(Code::MatchesNothing, &item.at, message).hint("check the date"));
            }
        }
        for item in record.list("also") {
            let Some(also) = date_time(item) else { continue };
            if !excepted.contains(&also.date()) && starts_at(starts, also) {
                let message = format!("a window starts at {also} anyway");
                self.problems.push(Problem::warning(Code::MatchesNothing, &item.at, message).hint("check the date"));
            }
        }
    }

    /// Turns drafts into schedules, now that all subsystems are known.
    pub(super) fn resolve_windows(&mut self) -> Vec<Schedule> {
        let drafts = std::mem::take(&mut self.schedules);
        let schedules = drafts.iter().filter_map(|draft| self.schedule(draft)).collect();
        self.schedules = drafts;
        schedules
    }

    fn schedule(&mut self, draft: &Draft) -> Option<Schedule> {
        let record = &draft.record;
        let scope = self.scope(record)?;
        let except = record.list("except").iter().filter_map(|i| match i.value {
            Value::Date(date) => Some(date),
            _ => None,
        });
        Some(Schedule {
            id: record.text("id").into(),
            name: record.names("name").cloned().unwrap_or_default(),
            owner: record.text("owner").into(),
            scope,
            starts: draft.starts.clone(),
            except: except.collect(),
            also: record.list("also").iter().filter_map(date_time).collect(),
            lasts_ms: record.int("lasts"),
            policy: record.opt_text("policy").map(PolicyId::from),
            plan: self.plan_of(record),
            notice: record.names("notice").cloned(),
            source: record.at("id").source(),
        })
    }

    /// The plan that a schedule names: its owner's, and one that fits.
    fn plan_of(&mut self, record: &Record) -> Option<PlanId> {
        let id = record.opt_text("plan")?;
        let Some(plan) = self.plans.get(id) else { return Some(id.into()) };
        let owner = record.text("owner");
        if plan.owner.as_str() != owner {
            let message = format!("a window of `{owner}` with a plan of `{}`", plan.owner);
            let problem = Problem::error(Code::ForeignScope, record.at("plan"), message);
            self.problems.push(problem.hint("let a plan of the same owner do it"));
        }
        let (needs, lasts) = (plan.needs_ms(), record.int("lasts"));
        if needs > lasts {
            let (forward, reserve) = (format_duration(plan.forward_ms()), format_duration(plan.reserve_ms));
            let verify = format_duration(plan.verify_ms);
            let message = format!(
                "the plan `{id}` needs {}: steps {forward}, reserve {reserve}, verification {verify}; the window has {}",
                format_duration(needs),
                format_duration(lasts)
            );
            let problem = Problem::error(Code::OutOfBounds, record.at("plan"), message);
            self.problems
                .push(problem.hint("lengthen the window, or shorten timeouts, `reserve` or `verify` of the plan"));
        }
        Some(id.into())
    }

    fn scope(&mut self, record: &Record) -> Option<Vec<SubsystemId>> {
        let owner = record.opt_text("owner")?.to_owned();
        let scope = record.get("scope")?;
        match &scope.value {
            Value::Record(selector) => self.scope_of_owner(&owner, selector),
            Value::List(items) => {
                let mut ids = BTreeSet::new();
                for (id, at) in items.iter().filter_map(|i| Some((i.value.as_text()?, &i.at))) {
                    self.known.refer(Reference::new(Thing::Subsystem, id, at));
                    let subsystem = SubsystemId::from(id);
                    if subsystem.owner().as_str() != owner && self.known.may_exist(Thing::Subsystem, id) {
                        self.problems.push(foreign(&owner, subsystem.owner().as_str(), at));
                    }
                    if !ids.insert(subsystem) {
                        let problem = Problem::error(Code::Value, at, format!("`{id}` twice in one scope"));
                        self.problems.push(problem.hint("keep one of the two"));
                    }
                }
                Some(ids.into_iter().collect())
            }
            _ => None,
        }
    }

    fn scope_of_owner(&mut self, owner: &str, selector: &Record) -> Option<Vec<SubsystemId>> {
        let named = selector.opt_text("owner")?;
        self.known.refer(Reference::new(Thing::Owner, named, selector.at("owner")));
        if named != owner {
            self.problems.push(foreign(owner, named, selector.at("owner")));
        }
        let tier = selector.opt_int("tier").map(super::owners::tier);
        let of_owner = self.subsystems.values().filter(|s| s.id.owner().as_str() == named);
        let ids: Vec<SubsystemId> =
            of_owner.filter(|s| tier.is_none_or(|t| s.tier == t)).map(|s| s.id.clone()).collect();
        if ids.is_empty() && self.owners.contains_key(named) {
            let message = format!("the scope holds no subsystem of `{named}`");
            self.problems.push(Problem::error(Code::EmptyScope, &selector.at, message).hint("check `tier`"));
        }
        Some(ids)
    }
}

fn foreign(owner: &str, other: &str, at: &Place) -> Problem {
    Problem::error(Code::ForeignScope, at, format!("a window of `{owner}` over a subsystem of `{other}`"))
        .hint(format!("let `{other}` declare a window of its own"))
}

fn date_time(value: &Spanned<Value>) -> Option<DateTime> {
    match value.value {
        Value::DateTime(at) => Some(at),
        _ => None,
    }
}

fn weekday(text: &str) -> Option<Weekday> {
    let days = [
        ("mon", Weekday::Monday),
        ("tue", Weekday::Tuesday),
        ("wed", Weekday::Wednesday),
        ("thu", Weekday::Thursday),
        ("fri", Weekday::Friday),
        ("sat", Weekday::Saturday),
        ("sun", Weekday::Sunday),
    ];
    days.iter().find(|(name, _)| *name == text).map(|(_, day)| *day)
}
