//! The witnesses of `gengfu.yaml`: probes without a subsystem.
//!
//! They are the administrator's own word, hence no address is refused to them. Not here: asking them (`probe`).

use super::Draft;
use crate::field::{Code, Problem, Record};
use crate::network::{Network, everything};
use crate::probe::{Asker, BuildContext, KINDS, Witness};
use std::collections::HashSet;
use std::sync::Arc;

impl Draft {
    pub(super) fn witnesses(&mut self, main: &Record, network: &Network, user_agent: &str) -> Vec<Witness> {
        let network = Arc::new(Network { allow: everything(), ..network.clone() });
        let mut context = BuildContext::new(network, Arc::clone(&self.context.heartbeats));
        context.introduce(user_agent);
        context.asker = Asker::Administrator;
        let mut names = HashSet::new();
        let mut witnesses = Vec::new();
        for record in main.records("witnesses").filter(|witness| witness.complete) {
            let name = record.text("name");
            if !names.insert(name) {
                let problem = Problem::error(Code::DuplicateId, record.at("name"), format!("two witnesses `{name}`"));
                self.problems.push(problem.hint("name three references that fail for different reasons"));
            }
            let mut written = KINDS.iter().filter(|kind| record.fields.iter().any(|field| field.name == kind.name));
            let mut written = written.by_ref().filter_map(|kind| Some((kind, record.record(kind.name)?)));
            let (Some((kind, body)), None) = (written.next(), written.next()) else {
                let message = format!("the witness `{name}` has no kind, or more than one");
                let problem = Problem::error(Code::NoProbe, &record.at, message);
                self.problems.push(problem.expected("one of `tcp`, `http`, `dns`, `icmp`"));
                continue;
            };
            match (kind.build)(body, &context) {
                Ok(prober) => witnesses.push(Witness { name: name.to_owned(), prober }),
                Err(problems) => self.problems.extend(problems),
            }
            self.problems.extend(context.take_remarks());
        }
        witnesses
    }
}
