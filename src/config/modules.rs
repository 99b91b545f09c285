//! What `/probe` offers: modules, ours or those of an unchanged `blackbox.yml`, and whom they may be pointed at.
//!
//! Not here: the wire (`web::probe`). Invariants: a module builds when the files are loaded, or the load is refused;
//! the target that was judged is the target that is asked, in the same spelling; a target never names a file, a
//! variable, a user or a field of the body.

mod allow;
mod blackbox;
mod target;
mod text;

pub use allow::Allow;
pub use blackbox::{Carried, carry, go_duration};
pub use target::{Refused, aimed};
pub use text::{Secrets, write};

use super::tables::{MODULE_FILE, is_asked};
use crate::domain::Timestamp;
use crate::field::{Code, Entry, Node, NodeKind, Place, Problem, Problems, Record, decode};
use crate::network::Network;
use crate::probe::{BuildContext, Heartbeats, KINDS, ProbeKind, Prober, kind};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The largest file that a module may name, in bytes.
const FILE_BYTES_MAX: usize = 64 << 10;
/// Keys whose value may be `file:/path` in an administrator's file.
const READ_KEYS: [&str; 7] = ["authorization", "proxy_authorization", "password", "key", "token", "ca", "certificate"];

/// A way to ask.
#[derive(Clone, Debug)]
pub struct Module {
    /// What `module=` says.
    pub name: String,
    /// A row of `KINDS`.
    pub kind: &'static ProbeKind,
    /// Its own deadline.
    pub timeout: Option<Duration>,
    /// Its body, without a target.
    pub body: Node,
    /// Where it was written.
    pub at: Place,
}

/// Everything that `/probe` needs; one per load.
#[derive(Clone, Debug)]
pub struct Desk {
    modules: BTreeMap<String, Module>,
    allow: Arc<Allow>,
    context: BuildContext,
}

/// A question that may be asked.
pub struct Asked<'a> {
    /// How.
    pub module: &'a Module,
    /// By whom.
    pub prober: Arc<dyn Prober>,
}

/// Nothing is offered.
impl Default for Desk {
    fn default() -> Self {
        let network =
            Network { connect_to: Vec::new(), allow: Vec::new(), roots: Arc::new(rustls::RootCertStore::empty()) };
        let heartbeats = Arc::new(Heartbeats::new(Timestamp(0)));
        Self::new(BTreeMap::new(), Allow::default(), &BuildContext::new(Arc::new(network), heartbeats))
    }
}

impl Desk {
    /// A desk that offers `modules` for whom `allow` matches.
    pub fn new(modules: BTreeMap<String, Module>, allow: Allow, context: &BuildContext) -> Self {
        let allow = Arc::new(allow);
        let reach: Arc<dyn crate::probe::Reach> = allow.clone();
        let mut context = context.clone();
        context.reach = Some(reach);
        Self { modules, allow, context }
    }

    /// The module of that name.
    pub fn module(&self, name: &str) -> Option<&Module> {
        self.modules.get(name)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.modules.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.modules.is_empty()
    }

    /// A prober for `target`, under the name `hostname` if one is given.
    ///
    /// # Errors
    /// Why it may not or cannot be asked.
    pub fn ask<'a>(&self, module: &'a Module, target: &str, hostname: Option<&str>) -> Result<Asked<'a>, Refused> {
        let prober = target::prober(module, target, hostname, &self.allow, &self.context)?;
        Ok(Asked { module, prober })
    }
}

impl Module {
    /// The body in YAML, secrets hidden.
    pub fn shown(&self) -> String {
        let entry = |key: &str, value: Node| Entry { key: key.to_owned(), key_at: self.at.clone(), value };
        let plain = |text: String| Node::plain(self.at.clone(), text);
        let mut entries = vec![entry("name", plain(self.name.clone()))];
        if let Some(timeout) = self.timeout {
            let ms = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
            entries.push(entry("timeout", plain(crate::field::format_duration(ms))));
        }
        entries.push(entry(self.kind.name, self.body.clone()));
        write(&Node { at: self.at.clone(), kind: NodeKind::Map(entries) }, Secrets::Hidden)
    }
}

/// What a file of modules may do: name files and variables, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rights {
    /// `gengfu.yaml` names it.
    Administrator,
    /// It merely lies there.
    Nobody,
}

/// Reads one file of modules, of either format, into `modules`.
pub(super) fn lower(
    mut node: Node,
    rights: Rights,
    modules: &mut BTreeMap<String, Module>,
    context: &BuildContext,
    problems: &mut Problems,
) {
    let theirs = node.get("modules").is_some_and(|modules| matches!(modules.kind, NodeKind::Map(_)));
    let directory = Path::new(&*node.at.file).parent().unwrap_or(Path::new("")).to_owned();
    let base = std::path::absolute(if directory.as_os_str().is_empty() { Path::new(".") } else { &directory });
    let base = base.unwrap_or(directory);
    let before = problems.count(crate::field::Severity::Error);
    let drafts = if theirs { carry(&node, &base, problems) } else { ours(&mut node, problems) };
    for mut draft in drafts {
        read_files(&mut draft.body, rights, &base, problems);
        let fields = kind(draft.kind).filter(|kind| is_asked(kind));
        let Some(kind) = fields else {
            let text = format!("`{}`: there are no modules of the kind `{}`", draft.name, draft.kind);
            problems.push(Problem::error(Code::NotSupported, &draft.at, text).hint("take it away"));
            continue;
        };
        let timeout = draft.timeout.as_ref().and_then(Node::text).and_then(|t| crate::field::parse_duration(t).ok());
        let timeout = timeout.filter(|ms| *ms > 0).map(|ms| Duration::from_millis(ms.unsigned_abs()));
        let module = Module { name: draft.name, kind, timeout, body: draft.body, at: draft.at };
        if let Some(first) = modules.get(&module.name) {
            let text = format!("the module `{}` exists already", module.name);
            let problem = Problem::error(Code::DuplicateId, &module.at, text).hint("rename one");
            problems.push(problem.related(&first.at, "the other one"));
            continue;
        }
        if problems.count(crate::field::Severity::Error) == before
            && let Err(wrong) = target::trial(&module, context)
        {
            problems.extend(wrong);
        }
        modules.insert(module.name.clone(), module);
    }
}

/// Our own format. Decoding finds what is wrong; the nodes themselves are what a question completes.
fn ours(node: &mut Node, problems: &mut Problems) -> Vec<Carried> {
    let before = problems.count(crate::field::Severity::Error);
    let file: Record = decode(node, MODULE_FILE, problems);
    let mut drafts = Vec::new();
    for record in file.records("modules") {
        let written = KINDS.iter().filter(|kind| is_asked(kind)).filter(|kind| record.has(kind.name));
        let written: Vec<&ProbeKind> = written.collect();
        let [kind] = written[..] else {
            if problems.count(crate::field::Severity::Error) == before {
                let text = format!("the module `{}` has {} kinds", record.text("name"), written.len());
                problems.push(Problem::error(Code::NoProbe, &record.at, text).expected("exactly one"));
            }
            continue;
        };
        let found = node.get("modules").map(Node::items).unwrap_or_default().iter().find(|item| item.at == record.at);
        let Some(item) = found else { continue };
        drafts.extend(item.get(kind.name).map(|body| Carried {
            name: record.text("name").to_owned(),
            kind: kind.name,
            timeout: item.get("timeout").cloned(),
            body: body.clone(),
            at: record.at("name").clone(),
        }));
    }
    drafts
}

/// Puts the text of files where an administrator named them.
fn read_files(node: &mut Node, rights: Rights, base: &Path, problems: &mut Problems) {
    match &mut node.kind {
        NodeKind::List(items) => items.iter_mut().for_each(|item| read_files(item, rights, base, problems)),
        NodeKind::Map(entries) => {
            for entry in entries {
                if READ_KEYS.contains(&entry.key.as_str()) {
                    read_file(&mut entry.value, rights, base, problems);
                }
                read_files(&mut entry.value, rights, base, problems);
            }
        }
        NodeKind::Null | NodeKind::Scalar { .. } => {}
    }
}

/// `file:/path`, or `Bearer file:/path`.
fn read_file(node: &mut Node, rights: Rights, base: &Path, problems: &mut Problems) {
    let at = node.at.clone();
    let NodeKind::Scalar { text, expanded, .. } = &mut node.kind else { return };
    let Some((before, path)) = text.split_once("file:").filter(|(before, _)| before.trim().len() + 1 >= before.len())
    else {
        return;
    };
    let mut wrong = |what: String, hint: &str| problems.push(Problem::error(Code::Environment, &at, what).hint(hint));
    if before.trim().contains(' ') {
        return;
    }
    if rights == Rights::Nobody {
        let hint = "name this file in `probe.modules` of gengfu.yaml, so that it is an administrator's";
        wrong("this file may not name files".into(), hint);
        return;
    }
    match std::fs::read(base.join(path)) {
        Err(error) => wrong(format!("`{path}` cannot be read: {error}"), "check the path and the file's mode"),
        Ok(bytes) if bytes.len() > FILE_BYTES_MAX => {
            wrong(format!("`{path}` is larger than {} KiB", FILE_BYTES_MAX >> 10), "name the right file");
        }
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(found) => (*text, *expanded) = (format!("{before}{}", found.trim_end_matches(['\r', '\n'])), true),
            Err(_) => wrong(format!("`{path}` is not UTF-8"), "name the right file"),
        },
    }
}

#[cfg(test)]
mod tests;
