//! Services that are made of others (`composites.yaml`).
//!
//! Not here: how they are (`domain::composite`). Invariant: an expression names every part once, and asks for no more of
//! them than there are.

use super::registry::{Reference, Thing};
use super::{Draft, tables};
use crate::domain::ObjectiveId;
use crate::domain::composite::{Composite, Expression};
use crate::domain::hours::Hours;
use crate::field::{Code, Node, Problem, Spanned, Value, decode};

impl Draft {
    pub(super) fn composite_file(&mut self, node: &Node) {
        let file = decode(node, tables::COMPOSITE_FILE, &mut self.problems);
        for record in file.records("composites").filter(|r| r.has("id")) {
            let id = record.text("id");
            if !self.known.register(Thing::Composite, id, record.at("id"), &mut self.problems) {
                continue;
            }
            if let Some(objective) = record.opt_text("objective") {
                self.known.refer(Reference::new(Thing::Objective, objective, record.at("objective")));
            }
            let Some((key, of)) = record.variant("needs") else { continue };
            let composite = Composite {
                id: id.into(),
                name: record.names("name").cloned().unwrap_or_default(),
                needs: self.expression(key, of),
                hours: self.hours(record, "hours").unwrap_or_else(Hours::always),
                objective: record.opt_text("objective").map(ObjectiveId::new),
                source: record.at("id").source(),
            };
            self.composites.insert(composite.id.clone(), composite);
        }
    }

    fn expression(&mut self, key: &str, of: &Spanned<Value>) -> Expression {
        let (items, asked) = match &of.value {
            Value::List(items) => (items.as_slice(), None),
            Value::Record(record) => (record.list("of"), record.get("n")),
            _ => (&[][..], None),
        };
        let mut parts = Vec::with_capacity(items.len());
        for item in items {
            let part = match &item.value {
                Value::Text(id) => {
                    self.known.refer(Reference::new(Thing::Subsystem, id, &item.at));
                    Expression::One(id.as_str().into())
                }
                Value::Variant(key, of) => self.expression(key, of),
                _ => continue,
            };
            if parts.contains(&part) {
                let problem = Problem::error(Code::Value, &item.at, "the same part twice");
                self.problems.push(problem.hint("keep one of the two"));
                continue;
            }
            parts.push(part);
        }
        let n = match (key, asked.and_then(|n| n.value.as_int())) {
            ("any_of", _) => 1,
            ("at_least", Some(n)) => usize::try_from(n).unwrap_or(usize::MAX),
            _ => parts.len(),
        };
        if let Some(asked) = asked.filter(|_| n > parts.len()) {
            let message = format!("needs {n} of {} parts", parts.len());
            let problem = Problem::error(Code::OutOfBounds, &asked.at, message);
            self.problems.push(problem.expected(format!("from 1 to {}", parts.len())));
        }
        Expression::AtLeast(n, parts)
    }
}
