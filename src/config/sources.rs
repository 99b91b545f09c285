//! The texts that a load reads: from a directory, or from memory (the files that are built into the program).
//!
//! Not here: what they say. Invariants: files are in the order of their paths; what cannot be read is a problem that
//! names the path and the remedy; nothing outside the listed directories is read, nor anything that begins with a dot.

use super::parse;
use crate::field::{Code, Node, Place, Problem, Problems, suggestion};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a file is for; its place decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// `gengfu.yaml`.
    Main,
    /// `probes/{area}/{owner}.yaml`.
    Owner,
    /// Modules of `/probe` in a file that `gengfu.yaml` names.
    Modules,
    /// `probes/modules.yaml`, where `gengfu.yaml` names no file of modules.
    PlainModules,
    /// `schedules/calendars/*.yaml`.
    Calendar,
    /// `schedules/policies/*.yaml`.
    Policies,
    /// `schedules/freezes.yaml`.
    Freezes,
    /// `schedules/objectives.yaml`.
    Objectives,
    /// `schedules/composites.yaml`.
    Composites,
    /// `schedules/on-call.yaml`.
    OnCall,
    /// `schedules/windows/*.yaml`.
    Windows,
    /// `schedules/plans/*.yaml`.
    Plans,
}

/// Directories of owners' files below `probes/`.
const AREAS: [&str; 4] = ["platform", "districts", "bureaus", "external"];
/// Directories below `schedules/`.
const SHELVES: [&str; 4] = ["calendars", "plans", "policies", "windows"];
/// The file of modules below `probes/`.
const MODULES_FILE: &str = "modules.yaml";
/// Single files below `schedules/`.
const SINGLES: [(&str, Role); 4] = [
    ("composites.yaml", Role::Composites),
    ("freezes.yaml", Role::Freezes),
    ("objectives.yaml", Role::Objectives),
    ("on-call.yaml", Role::OnCall),
];

/// One file.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// As people see it: as given on the command line, or relative to `gengfu.yaml`.
    pub path: Arc<str>,
    /// What it is for.
    pub role: Role,
    /// UTF-8, without a byte order mark.
    pub text: Arc<str>,
}

/// All files of a load.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Relative paths of the settings begin here.
    pub root: PathBuf,
    /// The main file first, then in the order of their paths.
    pub files: Vec<SourceFile>,
    /// What could not be read.
    pub problems: Problems,
    /// Directories of which nothing is known.
    pub(super) missing: Vec<Missing>,
}

/// What stands in the way of reading anything at all.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}: {why}; name the main file with --config")]
pub struct NoMainFile {
    /// Which file.
    pub path: String,
    /// The system's words.
    pub why: String,
}

impl Sources {
    /// Reads `gengfu.yaml` and the directories that it names.
    ///
    /// # Errors
    /// If the main file cannot be read. Everything else becomes a problem among `problems`.
    pub fn read(main: &Path) -> Result<Self, NoMainFile> {
        let text =
            std::fs::read(main).map_err(|e| NoMainFile { path: main.display().to_string(), why: e.to_string() })?;
        let root = main.parent().filter(|p| !p.as_os_str().is_empty()).map_or_else(|| ".".into(), Path::to_path_buf);
        let mut sources = Self { root: root.clone(), ..Self::default() };
        let shown: Arc<str> = main.display().to_string().into();
        let text = sources.decode(&shown, text).unwrap_or_default();
        let directories = directories(&shown, &text);
        sources.files.push(SourceFile { path: shown, role: Role::Main, text });
        let prefix = if root == Path::new(".") && !main.starts_with(".") { PathBuf::new() } else { root };
        let plain = directories.modules.is_none();
        for path in directories.modules.unwrap_or_default() {
            sources.take_modules(&prefix.join(path), Role::Modules);
        }
        let probes = prefix.join(directories.probes);
        if plain && probes.join(MODULES_FILE).is_file() {
            sources.take_modules(&probes.join(MODULES_FILE), Role::PlainModules);
        }
        sources.read_probes(&probes);
        sources.read_schedules(&prefix.join(directories.schedules));
        Ok(sources)
    }

    /// Takes files from memory, by their paths relative to `gengfu.yaml`, which must be among them.
    pub fn from_memory<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files: BTreeMap<&str, &str> = files.into_iter().collect();
        let mut sources = Self { root: ".".into(), ..Self::default() };
        let main: Arc<str> = "gengfu.yaml".into();
        let text: Arc<str> = clean(files.get("gengfu.yaml").copied().unwrap_or_default()).into();
        let directories = directories(&main, &text);
        sources.files.push(SourceFile { path: main, role: Role::Main, text });
        for (path, text) in files {
            if let Some(role) = role_of(Path::new(path), &directories) {
                sources.files.push(SourceFile { path: path.into(), role, text: clean(text).into() });
            }
        }
        sources
    }

    /// SHA-256 over paths and texts, hexadecimal.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for file in &self.files {
            hash.update((file.path.len() as u64).to_be_bytes());
            hash.update(file.path.as_bytes());
            hash.update((file.text.len() as u64).to_be_bytes());
            hash.update(file.text.as_bytes());
        }
        hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The text of a file, for showing a line of it.
    pub fn text(&self, path: &str) -> Option<&Arc<str>> {
        self.files.iter().find(|f| &*f.path == path).map(|f| &f.text)
    }

    fn decode(&mut self, path: &Arc<str>, bytes: Vec<u8>) -> Option<Arc<str>> {
        if bytes.len() > parse::FILE_BYTES_MAX {
            self.unreadable(path, format!("the file is larger than {} MiB", parse::FILE_BYTES_MAX >> 20), "split it");
            return None;
        }
        match String::from_utf8(bytes) {
            Ok(text) => Some(clean(&text).into()),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                self.unreadable(path, format!("byte {at} is not UTF-8"), "save the file as UTF-8");
                None
            }
        }
    }

    fn unreadable(&mut self, path: &Arc<str>, what: impl Into<String>, hint: &str) {
        self.problems.push(Problem::error(Code::Unreadable, &Place::of_file(path.clone()), what).hint(hint));
    }

    fn read_probes(&mut self, directory: &Path) {
        for path in self.list(directory, Some(Missing::Probes)) {
            let name = file_name(&path);
            if path.is_dir() && AREAS.contains(&name.as_str()) {
                for path in self.list(&path, None) {
                    self.take(&path, Role::Owner);
                }
            } else if name != MODULES_FILE {
                self.misplaced(&path, AREAS.iter().copied(), "an owner's file lies in a directory of its area");
            }
        }
    }

    fn read_schedules(&mut self, directory: &Path) {
        for path in self.list(directory, Some(Missing::Schedules)) {
            let name = file_name(&path);
            let single = SINGLES.iter().find(|(single, _)| *single == name);
            if let (Some((_, role)), false) = (single, path.is_dir()) {
                self.take(&path, *role);
            } else if let (Some(role), true) = (shelf(&name), path.is_dir()) {
                for path in self.list(&path, None) {
                    self.take(&path, role);
                }
            } else {
                let known = SHELVES.iter().copied().chain(SINGLES.iter().map(|(name, _)| *name));
                self.misplaced(&path, known, "nothing reads a file of this name");
            }
        }
    }

    fn take(&mut self, path: &Path, role: Role) {
        let shown: Arc<str> = path.display().to_string().into();
        if path.extension().is_none_or(|e| e != "yaml") || path.is_dir() {
            self.unreadable(&shown, "not a file that ends in .yaml", "rename it, or move it away");
            return;
        }
        match std::fs::read(path) {
            Ok(bytes) => {
                if let Some(text) = self.decode(&shown, bytes) {
                    self.files.push(SourceFile { path: shown, role, text });
                }
            }
            Err(e) => self.unreadable(&shown, format!("cannot be read: {e}"), "check its owner and mode"),
        }
    }

    /// A file of modules has the name that whoever wrote it gave it.
    fn take_modules(&mut self, path: &Path, role: Role) {
        let shown: Arc<str> = path.display().to_string().into();
        match std::fs::read(path) {
            Ok(bytes) => {
                if let Some(text) = self.decode(&shown, bytes) {
                    self.files.push(SourceFile { path: shown, role, text });
                }
            }
            Err(e) => self.unreadable(&shown, format!("cannot be read: {e}"), "mend `probe.modules` in gengfu.yaml"),
        }
    }

    fn misplaced<'a>(&mut self, path: &Path, known: impl Iterator<Item = &'a str>, why: &str) {
        let shown: Arc<str> = path.display().to_string().into();
        let near = suggestion(&file_name(path), known);
        let hint = near.map_or_else(|| "move it away".to_owned(), |near| format!("did you mean `{near}`?"));
        self.problems.push(Problem::error(Code::Misplaced, &Place::of_file(shown), why).hint(hint));
    }

    /// The entries of a directory that do not begin with a dot, sorted. A missing one is fine if nothing hangs on it.
    fn list(&mut self, directory: &Path, needed: Option<Missing>) -> Vec<PathBuf> {
        let entries = match std::fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && needed.is_none() => return Vec::new(),
            Err(e) => {
                let shown: Arc<str> = directory.display().to_string().into();
                self.missing.extend(needed);
                self.unreadable(&shown, format!("cannot be read: {e}"), "create it, or name another in `directories`");
                return Vec::new();
            }
        };
        let visible = |p: &PathBuf| !file_name(p).starts_with('.');
        let mut paths: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).filter(visible).collect();
        paths.sort();
        paths
    }
}

/// A directory that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// Owners and subsystems are unknown.
    Probes,
    /// Rosters, objectives and policies are unknown.
    Schedules,
}

fn shelf(name: &str) -> Option<Role> {
    match name {
        "calendars" => Some(Role::Calendar),
        "plans" => Some(Role::Plans),
        "policies" => Some(Role::Policies),
        "windows" => Some(Role::Windows),
        _ => None,
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

fn clean(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Where owners and schedules lie, relative to the main file.
struct Directories {
    probes: String,
    schedules: String,
    /// Files of modules, if any are named.
    modules: Option<Vec<String>>,
}

/// Looks for `directories` alone; what is wrong with the rest is reported later.
fn directories(path: &Arc<str>, text: &str) -> Directories {
    let main = parse::parse(path, text, &mut Problems::new());
    let named = |key: &str| {
        let node = main.as_ref().and_then(|m| m.get("directories")).and_then(|d| d.get(key));
        node.and_then(Node::text).filter(|t| !t.trim().is_empty()).unwrap_or(key).to_owned()
    };
    let modules = main.as_ref().and_then(|m| m.get("probe")).and_then(|p| p.get("modules"));
    let modules = modules.map(|list| list.items().iter().filter_map(Node::text).map(str::to_owned).collect());
    Directories { probes: named("probes"), schedules: named("schedules"), modules }
}

fn role_of(path: &Path, directories: &Directories) -> Option<Role> {
    if let Some(modules) = &directories.modules {
        if modules.iter().any(|named| Path::new(named) == path) {
            return Some(Role::Modules);
        }
    } else if path == Path::new(&directories.probes).join(MODULES_FILE) {
        return Some(Role::PlainModules);
    }
    if path.extension().is_none_or(|e| e != "yaml") || path.components().any(|c| hidden(c.as_os_str())) {
        return None;
    }
    if let Ok(rest) = path.strip_prefix(&directories.probes) {
        let mut parts = rest.iter();
        let area = parts.next()?.to_string_lossy().into_owned();
        return (AREAS.contains(&area.as_str()) && parts.count() == 1).then_some(Role::Owner);
    }
    let rest = path.strip_prefix(&directories.schedules).ok()?;
    let first = rest.iter().next()?.to_string_lossy().into_owned();
    match rest.iter().count() {
        1 => SINGLES.iter().find(|(name, _)| *name == first).map(|(_, role)| *role),
        2 => shelf(&first),
        _ => None,
    }
}

fn hidden(part: &std::ffi::OsStr) -> bool {
    part.to_string_lossy().starts_with('.')
}
