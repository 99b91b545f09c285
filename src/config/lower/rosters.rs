//! Who is told (`on-call.yaml`): people first, then the rosters that name them.
//!
//! Not here: holes (`judge`). Invariant: what is wrong with one entry of a roster leaves the others in force, so that
//! no problem is told that is only a consequence.

use super::registry::{Reference, Thing};
use super::{Draft, tables};
use crate::domain::hours::Hours;
use crate::domain::roster::{Group, Layer, Override, Person, Shift, Step, Turns, Weight};
use crate::domain::*;
use crate::field::{Code, Node, Place, Problem, Record, Spanned, Value, decode, format_duration};
use std::collections::HashSet;
use std::sync::Arc;

/// Something that is in force for a time: where, when, and for whose place who.
type Claim = (Place, Span, Vec<PersonId>);

impl Draft {
    pub(super) fn roster_file(&mut self, node: &Node) {
        let file = decode(node, tables::ROSTER_FILE, &mut self.problems);
        if !file.has("rosters") {
            self.known.note_unread_entry(Thing::Roster);
        }
        for record in file.records("people") {
            self.person(record);
        }
        for record in file.records("rosters") {
            if !record.has("id") {
                self.known.note_unread_entry(Thing::Roster);
                continue;
            }
            if self.known.register(Thing::Roster, record.text("id"), record.at("id"), &mut self.problems) {
                let roster = self.roster(record);
                self.rosters.insert(roster.id.clone(), roster);
            }
        }
    }

    fn person(&mut self, record: &Record) {
        if !record.has("id") {
            self.known.note_unread_entry(Thing::Person);
            return;
        }
        let id = record.text("id");
        self.address(record);
        if self.known.register(Thing::Person, id, record.at("id"), &mut self.problems) {
            self.people.insert(id.to_owned(), Arc::new(Person { id: id.into(), contact: contact(record) }));
        }
    }

    fn roster(&mut self, record: &Record) -> Roster {
        let id = record.text("id");
        let filled = ["contacts", "layers", "shifts", "overrides"].iter().any(|field| !record.list(field).is_empty());
        if !filled && record.complete {
            let at = if record.has("contacts") { record.at("contacts") } else { record.at("id") };
            let problem = Problem::error(Code::EmptyRoster, at, format!("nobody is on the roster `{id}`"));
            self.problems.push(problem.expected("`contacts` with at least one name and mail address, or `layers`"));
        }
        Roster {
            id: id.into(),
            contacts: record.list("contacts").iter().filter_map(|item| self.listed(item)).collect(),
            layers: self.layers(record),
            shifts: self.shifts(record),
            overrides: self.overrides(record),
            escalate: record.has("escalate").then(|| self.ladder(record)),
            source: record.at("id").source(),
        }
    }

    /// A contact of a roster: written there, or one of `people`.
    fn listed(&mut self, item: &Spanned<Value>) -> Option<Contact> {
        match &item.value {
            Value::Record(record) => {
                self.address(record);
                Some(contact(record))
            }
            _ => Some(self.named(item)?.contact.clone()),
        }
    }

    /// A contact is reached in one way, and a channel has to be there.
    fn address(&mut self, record: &Record) {
        match (record.opt_text("mail"), record.opt_text("channel")) {
            (None, Some(id)) => self.known.refer(Reference::new(Thing::Channel, id, record.at("channel"))),
            (Some(_), Some(_)) => {
                let problem = Problem::error(Code::Value, record.key_at("channel"), "`channel` beside `mail`");
                self.problems.push(problem.hint("make two of it"));
            }
            // What is written wrongly has been said.
            (None, None) if record.complete => {
                let problem = Problem::error(Code::MissingKey, &record.at, "missing key `mail`");
                self.problems.push(problem.expected("`mail`, or `channel`"));
            }
            _ => {}
        }
    }

    fn named(&mut self, item: &Spanned<Value>) -> Option<Arc<Person>> {
        let id = item.value.as_text()?;
        self.known.refer(Reference::new(Thing::Person, id, &item.at));
        self.people.get(id).map(Arc::clone)
    }

    fn group(&mut self, items: &[Spanned<Value>]) -> Group {
        items.iter().filter_map(|item| self.named(item)).collect()
    }

    fn layers(&mut self, roster: &Record) -> Vec<Layer> {
        let mut ids = HashSet::new();
        let mut layers = Vec::new();
        for record in roster.records("layers").filter(|layer| layer.complete) {
            let id = record.text("id");
            if !ids.insert(id) {
                let message = format!("two layers of `{}` are called `{id}`", roster.text("id"));
                self.problems.push(Problem::error(Code::DuplicateId, record.at("id"), message).hint("rename one"));
            }
            let mut members: Vec<Group> = Vec::new();
            for member in record.list("members") {
                let group = match &member.value {
                    Value::List(items) => self.group(items),
                    _ => self.named(member).into_iter().collect(),
                };
                members.push(group);
            }
            let when = record.get("when").map(|when| &when.value);
            let when = if let Some(Value::Hours(hours)) = when { hours.clone() } else { Hours::always() };
            let weight = if record.flag("beside") { Weight::Beside } else { Weight::Decides };
            let turns = self.turns(record, members.len());
            let source = record.at("id").source();
            layers.push(Layer { id: id.into(), weight, members, turns, when, source });
        }
        layers
    }

    fn turns(&mut self, layer: &Record, members: usize) -> Option<Turns> {
        let every = layer.int("every");
        if every % DAY != 0 {
            let message = format!("a turn of {}", format_duration(every));
            let problem = Problem::error(Code::Value, layer.at("every"), message);
            self.problems.push(problem.expected("whole days, such as `1d` or `7d`"));
        }
        let Some(from) = layer.get("from").and_then(civil_time) else {
            if members > 1 {
                let message = format!("`{}` has {members} members and no `from`", layer.text("id"));
                let problem = Problem::error(Code::MissingKey, layer.at("members"), message);
                let hint = "add the first hand-over, such as `from: 2026-01-05T09:00`";
                self.problems.push(problem.expected("the local time from which turns are counted").hint(hint));
            }
            return None;
        };
        Some(Turns { from, days: u32::try_from(every / DAY).unwrap_or(1).max(1) })
    }

    fn shifts(&mut self, roster: &Record) -> Vec<Shift> {
        let (mut shifts, mut claims) = (Vec::new(), Vec::new());
        for record in roster.records("shifts").filter(|shift| shift.complete) {
            let Some(span) = self.span(record) else { continue };
            let who = self.group(record.list("who"));
            claims.push((record.at.clone(), span, ids(&who)));
            shifts.push(Shift { span, who, source: record.at.source() });
        }
        shifts.sort_by_key(|shift: &Shift| shift.span.start);
        self.warn_of_overlaps("shift", claims);
        shifts
    }

    fn overrides(&mut self, roster: &Record) -> Vec<Override> {
        let (mut overrides, mut claims) = (Vec::new(), Vec::<(Option<PersonId>, Claim)>::new());
        for record in roster.records("overrides").filter(|change| change.complete) {
            let Some(span) = self.span(record) else { continue };
            let who = self.group(record.list("who"));
            let instead_of = record.get("instead_of").and_then(|item| Some(self.named(item)?.id.clone()));
            if instead_of.is_none() && record.has("instead_of") {
                continue;
            }
            claims.push((instead_of.clone(), (record.at.clone(), span, ids(&who))));
            let reason = record.opt_text("reason").map(str::to_owned);
            overrides.push(Override { span, who, instead_of, reason, source: record.at.source() });
        }
        while let Some((whose, _)) = claims.first() {
            let whose = whose.clone();
            let (same, others): (Vec<_>, Vec<_>) = claims.into_iter().partition(|(of, _)| *of == whose);
            self.warn_of_overlaps("override", same.into_iter().map(|(_, claim)| claim).collect());
            claims = others;
        }
        overrides
    }

    /// Both are in force, or the later one of the file; who wrote them may not have seen the other.
    fn warn_of_overlaps(&mut self, what: &str, mut claims: Vec<Claim>) {
        claims.sort_by_key(|(_, span, _)| *span);
        let mut longest: Option<&Claim> = None;
        for claim in &claims {
            let (at, span, who) = claim;
            if let Some((other, held, by)) = longest.filter(|(_, held, by)| held.overlaps(*span) && by != who) {
                let [start, end] =
                    [span.start.max(held.start), span.end.min(held.end)].map(|at| self.zone.people(at, Language::En));
                let (who, by) = (listed(who), listed(by));
                let message = format!("{what}s of {who} and of {by} share the time from {start} to {end}");
                let problem = Problem::warning(Code::SharedShift, at, message);
                let hint = "end one where the other begins, or name both in one `who`";
                self.problems.push(problem.hint(hint).related(other, "the other one"));
            }
            if longest.is_none_or(|(_, held, _)| held.end < span.end) {
                longest = Some(claim);
            }
        }
    }

    fn span(&mut self, record: &Record) -> Option<Span> {
        let (from, to) = (record.get("from").and_then(civil_time)?, record.get("to").and_then(civil_time)?);
        let span = Span::new(self.zone.instant(from), self.zone.instant(to));
        if span.is_empty() {
            let problem = Problem::error(Code::EndBeforeStart, record.at("to"), format!("{to} is not after {from}"));
            self.problems.push(problem.hint("exchange the two, or mend the date"));
            return None;
        }
        Some(span)
    }

    fn ladder(&mut self, roster: &Record) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for record in roster.records("escalate").filter(|step| step.complete) {
            let after_ms = record.int("after");
            if let Some(last) = steps.last().filter(|last| last.after_ms >= after_ms) {
                let (after, before) = (format_duration(after_ms), format_duration(last.after_ms));
                let message = format!("{after} comes behind {before}, and all are counted from the opening mail");
                let problem = Problem::error(Code::Value, record.at("after"), message);
                self.problems.push(problem.expected("a longer time than that of the step before"));
            }
            for (id, at) in record.texts("to") {
                self.known.refer(Reference::new(Thing::Roster, id, at));
            }
            steps.push(Step { after_ms, to: record.texts("to").map(|(id, _)| id.into()).collect() });
        }
        steps
    }
}

fn ids(group: &Group) -> Vec<PersonId> {
    group.iter().map(|person| person.id.clone()).collect()
}

fn listed(ids: &[PersonId]) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(" and ")
}

fn civil_time(value: &Spanned<Value>) -> Option<jiff::civil::DateTime> {
    match value.value {
        Value::DateTime(at) => Some(at),
        _ => None,
    }
}

fn contact(record: &Record) -> Contact {
    Contact {
        name: record.text("name").to_owned(),
        mail: match record.opt_text("channel") {
            Some(id) => Recipient::at_channel(id),
            None => record.text("mail").to_owned(),
        },
        language: if record.text("language") == "en" { Language::En } else { Language::Zh },
        digest_at: match record.get("digest_at").map(|at| &at.value) {
            Some(Value::Time(at)) => Some(*at),
            _ => None,
        },
    }
}
