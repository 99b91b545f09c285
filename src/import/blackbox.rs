//! `blackbox.yml` to `probes/modules.yaml`.
//!
//! Not here: how a module is carried over (`config::modules`).

use super::tree::{list, map, text};
use super::{Imported, Input};
use crate::config::modules::{Carried, Secrets, carry, write};
use crate::config::parse::parse;
use crate::field::Problems;
use std::path::Path;

/// Where modules are written.
const MODULES: &str = "probes/modules.yaml";

/// Turns one or more files; `base` is where the files that they name are named from.
pub fn import(inputs: &[Input], base: &Path) -> Imported {
    let mut imported = Imported::default();
    let modules = inputs.iter().flat_map(|input| read(input, base, &mut imported)).collect::<Vec<_>>();
    let reads_files = modules.iter().any(|module| write(&module.body, Secrets::Written).contains("file:/"));
    let nodes = modules.into_iter().map(|module| {
        let mut pairs = vec![("name", text(module.name))];
        pairs.extend(module.timeout.map(|timeout| ("timeout", timeout)));
        pairs.push((module.kind, module.body));
        map(pairs)
    });
    let file = map([("modules", list(nodes.collect()))]);
    let body = write(&file, Secrets::Written);
    imported.files.insert(MODULES.into(), format!("# yaml-language-server: $schema=.schema/modules.json\n{body}"));
    if let (true, Some(first)) = (reads_files, inputs.first()) {
        let at = crate::field::Place::of_file(first.path.as_str());
        imported.note(&at, format!("modules name files: write `probe: {{ modules: [{MODULES}] }}` into gengfu.yaml"));
    }
    imported
}

/// The modules of one file.
pub(super) fn read(input: &Input, base: &Path, imported: &mut Imported) -> Vec<Carried> {
    let mut problems = Problems::new();
    let node = parse(&input.path.as_str().into(), &input.text, &mut problems);
    let modules = node.map(|node| carry(&node, base, &mut problems)).unwrap_or_default();
    imported.take(problems);
    modules
}
