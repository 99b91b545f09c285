//! Ways out of the house besides mail (`channels` of `gengfu.yaml`).

use super::registry::Thing;
use super::{Draft, Settings, settings};
use crate::field::{Code, Place, Problem, Problems, Record};
use crate::network::{Network, everything};
use crate::notify::channel::{Channel, ChannelContext, KINDS};
use crate::probe::{Transports, USER_AGENT};
use std::path::Path;
use std::sync::Arc;

impl Draft {
    /// The administrator names these places, so the fence around probes is not around them.
    pub(super) fn lower_channels(&mut self, root: &Path, main: &Record, settings: &Settings, network: &Network) {
        let Network { connect_to, roots, .. } = network;
        let unfenced = Network { connect_to: connect_to.clone(), allow: everything(), roots: Arc::clone(roots) };
        let secret = |text: &str, at: &Place, problems: &mut Problems| settings::secret(root, text, at, problems);
        let context = ChannelContext {
            transports: Arc::new(Transports::new(Arc::new(unfenced), USER_AGENT)),
            commands: Arc::clone(&settings.commands),
            secret: &secret,
        };
        for record in main.records("channels").filter(|record| record.has("id")) {
            let (id, at) = (record.text("id"), record.at("id"));
            if !self.known.register(Thing::Channel, id, at, &mut self.problems) {
                continue;
            }
            let mut written = KINDS.iter().filter_map(|kind| Some((kind, record.record(kind.name)?)));
            let Some((kind, body)) = written.next() else {
                let kinds: Vec<String> = KINDS.iter().map(|kind| format!("`{}`", kind.name)).collect();
                let problem = Problem::error(Code::MissingKey, at, format!("the channel `{id}` leads nowhere"));
                self.problems.push(problem.expected(format!("one of {}", kinds.join(", "))));
                continue;
            };
            if let Some((second, _)) = written.next() {
                let message = format!("`{}` beside `{}`", second.name, kind.name);
                let problem = Problem::error(Code::Value, record.key_at(second.name), message);
                self.problems.push(problem.hint("make two channels of it"));
            }
            if !body.complete {
                continue;
            }
            match (kind.build)(body, &context) {
                Ok(way) => drop(self.channels.insert(id.to_owned(), Arc::new(Channel::new(id, kind, way)))),
                Err(problems) => self.problems.extend(problems),
            }
        }
    }
}
