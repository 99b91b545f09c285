//! Who is told (`on-call.yaml`).

use super::registry::Thing;
use super::{Draft, tables};
use crate::domain::*;
use crate::field::{Code, Node, Problem, Record, decode};

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
}

fn contact(record: &Record) -> Contact {
    Contact {
        name: record.text("name").to_owned(),
        mail: record.text("mail").to_owned(),
        language: if record.text("language") == "en" { Language::En } else { Language::Zh },
    }
}
