//! Owners' files: owners, subsystems, probes.
//!
//! Not here: what a kind's body means (`crate::probe`). Invariant: a subsystem whose tier cannot be read still has its
//! id, so that nobody who names it is told that it does not exist.

use super::registry::{Reference, Thing};
use super::{Draft, tables};
use crate::domain::hours::Hours;
use crate::domain::*;
use crate::field::{Code, Node, Place, Problem, Record, Spanned, Value, decode, format_duration};
use crate::probe::{Asker, KINDS, ProbeKind};
use std::path::Path;
use std::sync::Arc;

/// Timing of a file's probes that name none of their own.
const EVERY_MS: Millis = MINUTE;
const TIMEOUT_MS: Millis = 15 * SECOND;
const FALL: i64 = 3;
const RISE: i64 = 2;
const CONFIRM_EVERY_MS: Millis = 5 * SECOND;

impl Draft {
    pub(super) fn owner_file(&mut self, path: &Arc<str>, node: &Node) {
        let file = decode(node, tables::OWNER_FILE, &mut self.problems);
        let Some(owner) = file.record("owner").filter(|o| o.has("id")) else {
            self.known.note_unread(super::Role::Owner, path);
            return;
        };
        let id = OwnerId::new(owner.text("id"));
        self.own_name(path, &id, owner.at("id"));
        self.owner(owner, &id);
        // Whoever writes this file speaks for its owner, and for nobody else.
        self.context.asker = Asker::Owner(id.clone());
        for subsystem in file.records("subsystems") {
            if subsystem.has("id") {
                self.subsystem(&id, subsystem, file.record("defaults"));
            }
        }
    }

    /// Grants go by owner. Whoever may write one owner's file would else take another's by the name alone.
    fn own_name(&mut self, path: &Arc<str>, id: &OwnerId, at: &Place) {
        let name = Path::new(&**path).file_stem().map(|name| name.to_string_lossy()).unwrap_or_default();
        if name != id.as_str() {
            let problem = Problem::error(Code::Misplaced, at, format!("the file of `{id}` is called `{name}.yaml`"));
            self.problems.push(problem.expected(format!("`{id}.yaml`")).hint("name the file after its owner"));
        }
    }

    fn owner(&mut self, record: &Record, id: &OwnerId) {
        if !self.known.register(Thing::Owner, id.as_str(), record.at("id"), &mut self.problems) {
            return;
        }
        if id.as_str() == OURSELVES {
            let problem = Problem::error(Code::DuplicateId, record.at("id"), format!("`{OURSELVES}` is ourselves"));
            self.problems.push(problem.hint("choose another id"));
        }
        if let Some(roster) = record.opt_text("on_call") {
            self.known.refer(Reference::new(Thing::Roster, roster, record.at("on_call")));
        }
        let kind = match record.text("kind") {
            "platform" => OwnerKind::Platform,
            "district" => OwnerKind::District,
            "bureau" => OwnerKind::Bureau,
            _ => OwnerKind::External,
        };
        let owner = Owner {
            id: id.clone(),
            kind,
            name: record.names("name").cloned().unwrap_or_default(),
            on_call: RosterId::new(record.text("on_call")),
            runbook: record.url("runbook").map(ToString::to_string),
            source: record.at("id").source(),
        };
        self.owners.insert(id.clone(), owner);
    }

    fn subsystem(&mut self, owner: &OwnerId, record: &Record, defaults: Option<&Record>) {
        let id = SubsystemId::of(owner, record.text("id"));
        if !self.known.register(Thing::Subsystem, id.as_str(), record.at("id"), &mut self.problems) {
            return;
        }
        if let Some(objective) = record.opt_text("objective") {
            self.known.refer(Reference::new(Thing::Objective, objective, record.at("objective")));
        }
        let was = record.opt_text("was").map(SubsystemId::from);
        if was.as_ref() == Some(&id) {
            let problem = Problem::error(Code::Value, record.at("was"), format!("`{id}` was never called otherwise"));
            self.problems.push(problem.hint("leave `was` out"));
        }
        let subsystem = Subsystem {
            depends_on: self.depends_on(&id, record),
            probes: self.probes_of(&id, record, defaults),
            hours: self.hours(record, "hours").unwrap_or_else(Hours::always),
            was,
            name: record.names("name").cloned().unwrap_or_default(),
            tier: tier(record.int("tier")),
            public: record.flag("public"),
            objective: ObjectiveId::new(record.text("objective")),
            runbook: record.url("runbook").map(ToString::to_string),
            source: record.at("id").source(),
            id: id.clone(),
        };
        self.subsystems.insert(id, subsystem);
    }

    /// Hours of a record, with the question whether the statutory calendar is meant.
    pub(super) fn hours(&mut self, record: &Record, field: &str) -> Option<Hours> {
        let Spanned { value: Value::Hours(hours), at } = record.get(field)? else { return None };
        if hours.names_plain_week() {
            let message =
                format!("`{}` is the plain week: it is open on holidays and shut on make-up workdays", hours.as_str());
            let meant = hours.as_str().replace("Mon-Fri", "workdays");
            self.problems.push(Problem::warning(Code::PlainWeek, at, message).hint(format!("did you mean `{meant}`?")));
        }
        Some(hours.clone())
    }

    fn depends_on(&mut self, id: &SubsystemId, record: &Record) -> Vec<Dependency> {
        let mut dependencies = Vec::new();
        for item in record.list("depends_on") {
            let dependency = match &item.value {
                Value::Text(to) => {
                    self.depend(id, to, &item.at);
                    Dependency::One(to.as_str().into())
                }
                Value::Variant("soft", to) => {
                    let Some(to_id) = to.value.as_text() else { continue };
                    self.depend(id, to_id, &to.at);
                    Dependency::Soft(to_id.into())
                }
                Value::Variant("any_of", members) => self.any_of(id, members),
                _ => continue,
            };
            if dependencies.contains(&dependency) {
                let problem = Problem::error(Code::Value, &item.at, "the same dependency twice");
                self.problems.push(problem.hint("keep one of the two"));
                continue;
            }
            dependencies.push(dependency);
        }
        dependencies
    }

    fn any_of(&mut self, id: &SubsystemId, members: &Spanned<Value>) -> Dependency {
        let mut ids = Vec::new();
        if let Value::List(members) = &members.value {
            for member in members {
                let Some(to) = member.value.as_text() else { continue };
                self.depend(id, to, &member.at);
                ids.push(SubsystemId::from(to));
            }
        }
        Dependency::AnyOf(ids)
    }

    fn probes_of(&mut self, id: &SubsystemId, record: &Record, defaults: Option<&Record>) -> Vec<ProbeId> {
        let mut ids = Vec::new();
        for probe in record.records("probes").filter(|p| p.has("name")) {
            let probe_id = ProbeId::of(id, probe.text("name"));
            if !self.known.register(Thing::Probe, probe_id.as_str(), probe.at("name"), &mut self.problems) {
                continue;
            }
            let Some((kind, body)) = self.kind_of(probe) else { continue };
            let timing = Timing { probe, defaults };
            if let Some(problem) = timing.short_interval() {
                self.problems.push(problem);
            }
            if body.complete {
                match (kind.build)(body, &self.context) {
                    Ok(prober) => {
                        self.probers.insert(probe_id.clone(), prober);
                    }
                    Err(problems) => self.problems.extend(problems),
                }
                self.problems.extend(self.context.take_remarks());
                self.bodies.insert(probe_id.clone(), body.clone());
            }
            self.probes.insert(probe_id.clone(), timing.plan(&probe_id, kind.name));
            ids.push(probe_id);
        }
        ids
    }

    /// The one kind of a probe, and its body.
    fn kind_of<'r>(&mut self, probe: &'r Record) -> Option<(&'static ProbeKind, &'r Record)> {
        let mut written = KINDS.iter().filter_map(|kind| Some((kind, probe.record(kind.name)?)));
        let first = written.next();
        if first.is_some() {
            for (kind, _) in written {
                let message = format!("a second kind, `{}`, in one probe", kind.name);
                let problem = Problem::error(Code::WrongType, probe.key_at(kind.name), message);
                self.problems.push(problem.hint("write a second probe"));
            }
        } else if probe.complete {
            // An incomplete probe has said what is wrong with it: most likely its kind.
            let kinds: Vec<String> = KINDS.iter().map(|k| format!("`{}`", k.name)).collect();
            let message = format!("the probe `{}` has no kind", probe.text("name"));
            let problem = Problem::error(Code::NoProbe, &probe.at, message);
            self.problems.push(problem.expected(format!("one of {}", kinds.join(", "))));
        }
        first
    }
}

pub(super) fn tier(n: i64) -> Tier {
    match n {
        1 => Tier::One,
        2 => Tier::Two,
        _ => Tier::Three,
    }
}

/// When a probe runs: its own word, else the file's, else ours.
struct Timing<'r> {
    probe: &'r Record,
    defaults: Option<&'r Record>,
}

impl Timing<'_> {
    fn of(&self, field: &str, ours: i64) -> i64 {
        self.probe.opt_int(field).or_else(|| self.defaults?.opt_int(field)).unwrap_or(ours)
    }

    fn at(&self, field: &str) -> &Place {
        match self.defaults {
            Some(defaults) if !self.probe.has(field) => defaults.at(field),
            _ => self.probe.at(field),
        }
    }

    fn short_interval(&self) -> Option<Problem> {
        let (every, timeout) = (self.of("every", EVERY_MS), self.of("timeout", TIMEOUT_MS));
        if every >= timeout {
            return None;
        }
        let field = if self.probe.has("timeout") && !self.probe.has("every") { "timeout" } else { "every" };
        let message = format!(
            "every {} is shorter than the timeout of {}: ticks will be skipped",
            format_duration(every),
            format_duration(timeout)
        );
        Some(Problem::warning(Code::ShortInterval, self.at(field), message).hint("raise `every`, or lower `timeout`"))
    }

    fn plan(&self, id: &ProbeId, kind: &'static str) -> ProbePlan {
        let count = |field, ours| u32::try_from(self.of(field, ours)).unwrap_or(1);
        ProbePlan {
            id: id.clone(),
            kind,
            every_ms: self.of("every", EVERY_MS),
            timeout_ms: self.of("timeout", TIMEOUT_MS),
            fall: count("fall", FALL),
            rise: count("rise", RISE),
            confirm_every_ms: self.of("confirm_every", CONFIRM_EVERY_MS),
            knows_notices: crate::probe::kind(kind).is_some_and(|k| k.reasons().contains(&ReasonKind::Maintenance)),
            role: if self.probe.text("role") == "supporting" { Role::Supporting } else { Role::Critical },
            source: self.probe.at("name").source(),
        }
    }
}
