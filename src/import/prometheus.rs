//! `prometheus.yml` with jobs that go through blackbox_exporter, and its `blackbox.yml`, to owners' files.
//!
//! Not here: jobs that scrape exporters; they are none of our business and are not listed.

use super::tree::map;
use super::{Imported, Input, Options, Owners, Probe, Subsystem, blackbox, slug, unique};
use crate::config::modules::{Carried, aimed, go_duration};
use crate::config::parse::parse;
use crate::field::{Node, NodeKind, Problems, parse_duration};
use crate::probe::kind;
use std::collections::BTreeSet;
use std::path::Path;

/// Reads the files that a pattern of `file_sd_configs` names; the error is a sentence.
pub type ReadTargets<'a> = &'a dyn Fn(&str) -> Result<Vec<Input>, String>;

/// Service discoveries that need a running Prometheus.
const LIVE: &str = "_sd_configs";

/// Turns the jobs of `inputs`, among which are `prometheus.yml` and `blackbox.yml`.
pub fn import(inputs: &[Input], base: &Path, read: ReadTargets<'_>, options: &Options) -> Imported {
    let mut imported = Imported::default();
    let (mut modules, mut mains) = (Vec::new(), Vec::new());
    for input in inputs {
        let mut problems = Problems::new();
        let Some(node) = parse(&input.path.as_str().into(), &input.text, &mut problems) else {
            imported.take(problems);
            continue;
        };
        if node.get("modules").is_some() {
            modules.extend(blackbox::read(input, base, &mut imported));
        } else {
            imported.take(problems);
            mains.push(node);
        }
    }
    let mut work = Work { modules, read, options, owners: Owners::default(), taken: BTreeSet::new(), imported };
    for main in &mains {
        let interval = main.get("global").and_then(|global| global.get("scrape_interval"));
        for job in main.get("scrape_configs").map(Node::items).unwrap_or_default() {
            work.job(job, interval);
        }
    }
    work.owners.write(options, &mut work.imported);
    work.imported
}

struct Work<'a> {
    modules: Vec<Carried>,
    read: ReadTargets<'a>,
    options: &'a Options,
    owners: Owners,
    taken: BTreeSet<String>,
    imported: Imported,
}

fn words(node: Option<&Node>) -> Vec<&str> {
    node.map(Node::items).unwrap_or_default().iter().filter_map(Node::text).collect()
}

impl Work<'_> {
    fn job(&mut self, job: &Node, interval: Option<&Node>) {
        let module = words(job.get("params").and_then(|params| params.get("module")));
        let asks = job.get("metrics_path").and_then(Node::text).is_some_and(|path| path.ends_with("/probe"));
        let Some(module) = module.first().filter(|_| asks) else { return };
        let name = job.get("job_name").and_then(Node::text).unwrap_or("blackbox");
        let every = job.get("scrape_interval").or(interval).and_then(Node::text).and_then(go_duration);
        let found = self.modules.iter().find(|carried| carried.name == **module).cloned();
        let Some(carried) = found else {
            let text = format!(
                "the job `{name}` asks by the module `{module}`, which no file holds or which cannot be turned"
            );
            self.imported.leave(&job.at, text);
            return;
        };
        self.relabels(job, name);
        for entry in job.entries() {
            match entry.key.as_str() {
                "static_configs" => {
                    for group in entry.value.items() {
                        self.group(group, name, &carried, every);
                    }
                }
                "file_sd_configs" => self.files(&entry.value, name, &carried, every),
                key if key.ends_with(LIVE) => {
                    let text =
                        format!("the job `{name}`: `{key}` finds targets at run time; list them in static_configs");
                    self.imported.leave(&entry.key_at, text);
                }
                _ => {}
            }
        }
    }

    /// The three usual rules send the target through the exporter; others may choose or change targets.
    fn relabels(&mut self, job: &Node, name: &str) {
        for rule in job.get("relabel_configs").map(Node::items).unwrap_or_default() {
            let text = |key: &str| rule.get(key).and_then(Node::text);
            let sources = words(rule.get("source_labels"));
            let usual = match text("target_label") {
                Some("__param_target") => sources == ["__address__"] && text("regex").is_none_or(|r| r == "(.*)"),
                Some("__param_module") => false,
                Some(_) => true,
                None => false,
            };
            let chooses = text("action").is_some_and(|action| action != "replace");
            if chooses || !usual {
                self.imported.leave(&rule.at, format!("the job `{name}`: this rule changes or chooses targets"));
            }
        }
    }

    fn files(&mut self, configs: &Node, name: &str, carried: &Carried, every: Option<i64>) {
        for config in configs.items() {
            for pattern in config.get("files").map(Node::items).unwrap_or_default() {
                let read = pattern.text().map_or_else(|| Err("not a path".into()), |pattern| (self.read)(pattern));
                let files = match read {
                    Ok(files) => files,
                    Err(why) => {
                        self.imported.leave(&pattern.at, format!("the job `{name}`: {why}"));
                        continue;
                    }
                };
                for file in files {
                    let mut problems = Problems::new();
                    let node = parse(&file.path.as_str().into(), &file.text, &mut problems);
                    self.imported.take(problems);
                    for group in node.iter().flat_map(Node::items) {
                        self.group(group, name, carried, every);
                    }
                }
            }
        }
    }

    fn group(&mut self, group: &Node, job: &str, carried: &Carried, every: Option<i64>) {
        let owner = group.get("labels").and_then(|labels| labels.get("owner")).and_then(Node::text);
        let owner = slug(self.options.owner.as_deref().or(owner).unwrap_or(job));
        for target in group.get("targets").map(Node::items).unwrap_or_default() {
            let Some(address) = target.text() else { continue };
            if let Err(why) = self.target(&owner, address, carried, every) {
                self.imported.leave(&target.at, format!("`{address}`: {why}"));
            }
        }
    }

    fn target(&mut self, owner: &str, address: &str, carried: &Carried, every: Option<i64>) -> Result<(), String> {
        let kind =
            kind(carried.kind).ok_or_else(|| format!("probes of the kind `{}` are not known here", carried.kind))?;
        let body = if carried.body.is_null() { map([]) } else { carried.body.clone() };
        let body = without_files(aimed(kind, &body, address).map_err(|refused| refused.to_string())?)?;
        let bare = address.split_once("://").map_or(address, |(_, rest)| rest);
        let whole = unique(format!("{owner}/{}", slug(bare)), &mut self.taken);
        let id = whole.split_once('/').map_or(whole.as_str(), |(_, id)| id).to_owned();
        let timeout_ms = carried.timeout.as_ref().and_then(Node::text).and_then(|text| parse_duration(text).ok());
        let probe = Probe { name: slug(&carried.name), kind: kind.name, every_ms: every, timeout_ms, body };
        let name = bare.trim_end_matches('/').to_owned();
        let subsystem =
            Subsystem { id, zh: name.clone(), en: name, tier: 3, hours: "7x24".into(), probes: vec![probe] };
        self.owners.of(owner).subsystems.push(subsystem);
        Ok(())
    }
}

/// An owner's file may not name files.
fn without_files(body: Node) -> Result<Node, String> {
    fn names_one(node: &Node) -> bool {
        match &node.kind {
            NodeKind::Scalar { text, .. } => text.starts_with("file:") || text.contains(" file:"),
            NodeKind::List(items) => items.iter().any(names_one),
            NodeKind::Map(entries) => entries.iter().any(|entry| names_one(&entry.value)),
            NodeKind::Null => false,
        }
    }
    if names_one(&body) {
        return Err(
            "its module names a file, which an owner's file may not; write the text, or a granted secret".into()
        );
    }
    Ok(body)
}
