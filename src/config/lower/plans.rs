//! Plans (`plans/*.yaml`): steps in an order that holds, each with a body that builds.
//!
//! Not here: whether they fit into windows (`windows`). Invariants: every step comes after those that it needs; a body is
//! kept as written, so names of secrets are stored and their values are not.

use super::registry::{Reference, Thing};
use super::{Draft as Files, tables};
use crate::domain::plan::{Action, Guard, OnUnknown, Plan, Repeat, Step, Task, Undo};
use crate::domain::*;
use crate::field::{Code, Node, Place, Problem, Record, Type, decode, json_of_node};
use crate::probe::Asker;
use crate::step::{KINDS, Made, Part, StepContext, StepKind, drain_target};
use std::collections::HashMap;

/// Tries beyond the first, where a second one is safe.
const RETRIES: u32 = 2;

/// One step with its needs by name.
struct Written {
    step: Step,
    needs: Vec<(String, Place)>,
    at: Place,
}

/// A body of a kind, decoded, and as written.
struct Body<'r> {
    kind: &'static StepKind,
    record: &'r Record,
    raw: Option<&'r Node>,
}

impl Files {
    /// Lowers a file; `raw` is the same before variables were expanded.
    pub(super) fn plan_file(&mut self, raw: &Node, node: &Node, context: &StepContext) {
        let file = decode(node, tables::PLAN_FILE, &mut self.problems);
        for record in file.records("plans").filter(|r| r.has("id")) {
            let id = record.text("id");
            if !self.known.register(Thing::Plan, id, record.at("id"), &mut self.problems) {
                continue;
            }
            if let Some(owner) = record.opt_text("owner") {
                self.known.refer(Reference::new(Thing::Owner, owner, record.at("owner")));
            }
            let raws = raw.get("plans").map(Node::items).unwrap_or_default();
            let raw = raws.iter().find(|r| r.get("id").and_then(Node::text) == Some(id));
            if let Some(plan) = self.plan(record, raw, context) {
                self.plans.insert(plan.id.clone(), plan);
            }
        }
    }

    fn plan(&mut self, record: &Record, raw: Option<&Node>, context: &StepContext) -> Option<Plan> {
        let owner = OwnerId::new(record.text("owner"));
        let context = StepContext { asker: Asker::Owner(owner.clone()), ..context.clone() };
        let raws = raw.and_then(|r| r.get("steps")).map(Node::items).unwrap_or_default();
        let mut written: Vec<Written> = Vec::new();
        for step in record.records("steps").filter(|s| s.has("id")) {
            let raw = raws.iter().find(|r| r.get("id").and_then(Node::text) == Some(step.text("id")));
            if let Some(first) = written.iter().find(|w| w.step.id.as_str() == step.text("id")) {
                let message = format!("the step `{}` exists already", step.text("id"));
                let problem = Problem::error(Code::DuplicateId, step.at("id"), message);
                self.problems.push(problem.hint("rename one").related(&first.at, "the other one"));
                continue;
            }
            let above = written.last().map(|w| w.step.id.to_string());
            if let Some(one) = self.step(step, raw, above, &context) {
                written.push(one);
            }
        }
        let steps = self.in_order(written)?;
        self.check_restores(&steps, record);
        let guard = |text: &str| match text {
            "incidents" => Guard::Incidents,
            _ => Guard::Policy,
        };
        let mut guards: Vec<Guard> = record.texts("guards").map(|(text, _)| guard(text)).collect();
        guards.sort();
        guards.dedup();
        Some(Plan {
            id: record.text("id").into(),
            owner,
            name: record.names("name").cloned().unwrap_or_default(),
            steps,
            guards,
            rest_ms: record.int("rest"),
            reserve_ms: record.int("reserve"),
            verify_ms: record.int("verify"),
        })
    }

    fn step(
        &mut self,
        record: &Record,
        raw: Option<&Node>,
        above: Option<String>,
        context: &StepContext,
    ) -> Option<Written> {
        let body = self.body(record, raw, "step", record.text("id"))?;
        let made = self.build(&body, context)?;
        let action = self.action(&body, context);
        let task = match made {
            Made::Own(task) => task,
            Made::Runner(_) => match body.kind.part {
                Part::Drain => Task::Drain(action.clone()),
                Part::Restore => Task::Restore(action.clone()),
                Part::Own | Part::Run => Task::Run(action.clone()),
            },
        };
        let repeat = repeat(record, "repeat").unwrap_or_else(|| (body.kind.repeat)(body.record));
        let undo = match body.kind.part {
            Part::Drain => Some(implied("restore", &action)),
            Part::Restore => Some(implied("drain", &action)),
            Part::Own | Part::Run => self.undo(record, raw, context),
        };
        let observe = match record.record("observe") {
            Some(look) => {
                let raw = raw.and_then(|r| r.get("observe"));
                let body = self.body(look, raw, "`observe` of", record.text("id"))?;
                self.check_look(&body);
                self.build(&body, context)?;
                Some(self.action(&body, context))
            }
            None => (body.kind.looks)(body.record).then(|| action.clone()),
        };
        self.check_extras(record, &body, repeat, undo.as_ref());
        let on_unknown = match record.opt_text("on_unknown") {
            Some("again") => OnUnknown::Again,
            Some("abort") => OnUnknown::Abort,
            None if repeat.is_safe() => OnUnknown::Again,
            _ => OnUnknown::Park,
        };
        let needs = match record.has("needs") {
            true => record.texts("needs").map(|(id, at)| (id.to_owned(), at.clone())).collect(),
            false => above.into_iter().map(|id| (id, record.at.clone())).collect(),
        };
        let retries = record.opt_int("retries").and_then(|n| u32::try_from(n).ok());
        let step = Step {
            id: record.text("id").into(),
            needs: Vec::new(),
            wave: record.opt_int("wave").and_then(|n| u32::try_from(n).ok()).unwrap_or_default(),
            timeout_ms: record.int("timeout"),
            retries: retries.unwrap_or(if repeat.is_safe() { RETRIES } else { 0 }),
            task,
            repeat,
            undo,
            observe,
            on_unknown,
        };
        Some(Written { step, needs, at: record.at("id").clone() })
    }

    /// What may not stand together, and what is missed later.
    fn check_extras(&mut self, record: &Record, body: &Body<'_>, repeat: Repeat, undo: Option<&Undo>) {
        let kind = body.kind;
        for key in ["undo", "observe", "repeat"].into_iter().filter(|key| record.has(key) && kind.part != Part::Run) {
            if key == "observe" && kind.part != Part::Own {
                continue;
            }
            let message = format!("`{key}` beside `{}`", kind.name);
            let problem = Problem::error(Code::WrongType, record.key_at(key), message);
            self.problems.push(problem.hint("leave it out: the kind knows"));
        }
        if !repeat.is_safe() {
            if record.opt_int("retries").is_some_and(|n| n > 0) {
                let problem =
                    Problem::error(Code::Value, record.at("retries"), "retries of what must not be tried twice");
                self.problems
                    .push(problem.hint("say `repeat: idempotent` or `keyed` if that is true, or leave it out"));
            }
            if record.opt_text("on_unknown") == Some("again") {
                let problem =
                    Problem::error(Code::Value, record.at("on_unknown"), "`again` for what must not be tried twice");
                self.problems.push(problem.hint("write `park` or `abort`"));
            }
        }
        let reads = body.record.fields.iter().any(|f| f.name == "method")
            && matches!(body.record.opt_text("method"), Some("GET" | "HEAD"));
        if kind.part == Part::Run && undo.is_none() && !reads {
            let message = format!("the step `{}` has no `undo`: when the run turns back, it stays", record.text("id"));
            let problem = Problem::warning(Code::NoUndo, record.at("id"), message);
            self.problems.push(problem.hint("say what takes it back"));
        }
    }

    /// A look must change nothing.
    fn check_look(&mut self, body: &Body<'_>) {
        let changes = match body.kind.name {
            "http" => matches!(body.record.opt_text("method"), Some("POST" | "PUT" | "PATCH" | "DELETE")),
            "systemd" => !(body.kind.looks)(body.record),
            _ => false,
        };
        if changes {
            let problem = Problem::error(Code::Value, &body.record.at, "an `observe` that changes something");
            self.problems
                .push(problem.expected("`GET` or `HEAD`, a program that looks, or `start` or `stop` of a unit"));
        }
    }

    fn undo(&mut self, record: &Record, raw: Option<&Node>, context: &StepContext) -> Option<Undo> {
        let undo = record.record("undo")?;
        let body = self.body(undo, raw.and_then(|r| r.get("undo")), "`undo` of", record.text("id"))?;
        self.build(&body, context)?;
        let repeat = repeat(undo, "repeat").unwrap_or_else(|| (body.kind.repeat)(body.record));
        Some(Undo { action: self.action(&body, context), repeat })
    }

    /// The one kind of a record, and its body.
    fn body<'r>(&mut self, record: &'r Record, raw: Option<&'r Node>, what: &str, id: &str) -> Option<Body<'r>> {
        let known = |kind: &&StepKind| record.fields.iter().any(|f| f.name == kind.name);
        let mut written = KINDS.iter().filter(known).filter_map(|kind| Some((kind, record.record(kind.name)?)));
        let Some((kind, body)) = written.next() else {
            if record.complete {
                let kinds: Vec<String> = KINDS.iter().filter(known).map(|k| format!("`{}`", k.name)).collect();
                let problem = Problem::error(Code::MissingKey, &record.at, format!("the {what} `{id}` has no kind"));
                self.problems.push(problem.expected(format!("one of {}", kinds.join(", "))));
            }
            return None;
        };
        for (second, _) in written {
            let message = format!("a second kind, `{}`, in one {what} `{id}`", second.name);
            let problem = Problem::error(Code::WrongType, record.key_at(second.name), message);
            self.problems.push(problem.hint("write a second step"));
        }
        let raw = raw.and_then(|r| r.get(kind.name));
        if let Some(raw) = raw {
            self.check_secrets(body, raw);
        }
        body.complete.then_some(Body { kind, record: body, raw })
    }

    /// A secret comes from a variable, since the body is stored as it is written.
    fn check_secrets(&mut self, body: &Record, raw: &Node) {
        for field in body.fields {
            let Some(written) = raw.get(field.name) else { continue };
            let scalars: Vec<&Node> = match field.ty {
                Type::Secret => vec![written],
                Type::Map(Type::Secret) => written.entries().iter().map(|entry| &entry.value).collect(),
                _ => continue,
            };
            for scalar in scalars.into_iter().filter(|s| s.text().is_some_and(|text| !text.contains("${"))) {
                let problem =
                    Problem::error(Code::Environment, &scalar.at, "a secret that anybody can read in this file");
                self.problems
                    .push(problem.hint("name a variable: `${NAME}`, and grant it in `secrets` of gengfu.yaml"));
            }
        }
    }

    fn build(&mut self, body: &Body<'_>, context: &StepContext) -> Option<Made> {
        match (body.kind.build)(body.record, context) {
            Ok(made) => Some(made),
            Err(problems) => {
                self.problems.extend(problems);
                None
            }
        }
    }

    fn action(&self, body: &Body<'_>, context: &StepContext) -> Action {
        let drained = matches!(body.kind.part, Part::Drain | Part::Restore);
        let owner = match &context.asker {
            Asker::Owner(owner) => owner.as_str(),
            _ => "",
        };
        Action {
            kind: body.kind.name.to_owned(),
            body: body.raw.map(|raw| json_of_node(raw).to_string()).unwrap_or_default(),
            target: if drained { drain_target(body.record, owner) } else { String::new() },
        }
    }

    /// Sorts the steps so that each comes after those that it needs.
    fn in_order(&mut self, mut left: Vec<Written>) -> Option<Vec<Step>> {
        let names: Vec<String> = left.iter().map(|w| w.step.id.to_string()).collect();
        let mut good = true;
        for one in &left {
            for (need, at) in one.needs.iter().filter(|(need, _)| !names.contains(need)) {
                good = false;
                let problem = Problem::error(Code::UnknownId, at, format!("unknown step `{need}`"));
                self.problems
                    .push(problem.expected("a step of this plan").did_you_mean(need, names.iter().map(String::as_str)));
            }
        }
        if !good {
            return None;
        }
        let mut steps: Vec<Step> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        while !left.is_empty() {
            let Some(ready) = left.iter().position(|w| w.needs.iter().all(|(need, _)| places.contains_key(need)))
            else {
                let circle: Vec<String> = left.iter().map(|w| format!("`{}`", w.step.id)).collect();
                let message = format!("these steps wait for each other: {}", circle.join(", "));
                let at = left[0].needs.iter().find(|(need, _)| !places.contains_key(need)).map(|(_, at)| at.clone());
                let problem = Problem::error(Code::Cycle, &at.unwrap_or_else(|| left[0].at.clone()), message);
                self.problems.push(problem.hint("take one out of `needs`"));
                return None;
            };
            let Written { mut step, needs, at } = left.remove(ready);
            step.needs = needs.iter().filter_map(|(need, _)| places.get(need).copied()).collect();
            let least = step.needs.iter().filter_map(|n| steps.get(*n)).map(|s| s.wave).max().unwrap_or(1);
            if step.wave == 0 {
                step.wave = least;
            } else if step.wave < least {
                let message = format!("the step `{}` of wave {} needs one of wave {least}", step.id, step.wave);
                self.problems.push(Problem::error(Code::Value, &at, message).hint("raise its `wave`"));
            }
            places.insert(step.id.to_string(), steps.len());
            steps.push(step);
        }
        Some(steps)
    }

    /// What is restored must have been drained by this plan.
    fn check_restores(&mut self, steps: &[Step], record: &Record) {
        for (index, step) in steps.iter().enumerate() {
            let Task::Restore(action) = &step.task else { continue };
            let drained = |s: &Step| matches!(&s.task, Task::Drain(drain) if drain.target == action.target);
            if !steps[..index].iter().any(drained) {
                let at = record
                    .records("steps")
                    .find(|r| r.text("id") == step.id.as_str())
                    .map_or(&record.at, |r| r.at("id"));
                let message = format!("the step `{}` restores what no step before it drains", step.id);
                self.problems.push(Problem::error(Code::Value, at, message).hint("name the same `flag` or `url`"));
            }
        }
    }
}

fn implied(kind: &str, action: &Action) -> Undo {
    Undo { action: Action { kind: kind.to_owned(), ..action.clone() }, repeat: Repeat::Idempotent }
}

fn repeat(record: &Record, field: &str) -> Option<Repeat> {
    match record.opt_text(field)? {
        "idempotent" => Some(Repeat::Idempotent),
        "keyed" => Some(Repeat::Keyed),
        _ => Some(Repeat::Never),
    }
}
