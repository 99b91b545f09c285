//! Which programs may run for whom: the directories that `gengfu.yaml` lists, and the search for a program in them.
//!
//! Not here: running it (`run`). Invariants: who edits an owner's file is no administrator, so words alone never lead out
//! of a granted directory, and neither do links; nobody but root and us can write to any step of the way to a program,
//! so that what was looked at is what runs. The search is made again before every run.

use crate::domain::OwnerId;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// Plugins that run whatever their arguments name, or read and write any file: they need to be granted by name.
const RUNS_ANYTHING: &[&str] = &["negate", "urlize", "check_by_ssh", "check_apt", "check_log"];
/// Where one of these lies, everything lies: such a directory needs names, too.
const SHELLS: &[&str] = &["sh", "bash", "dash", "busybox", "env"];
/// Write permission of the group and of others.
const FOREIGN_WRITE: u32 = 0o022;
/// Only the owner of a file may rename it in such a directory.
const STICKY: u32 = 0o1000;
/// Any permission to execute.
const EXECUTE: u32 = 0o111;

/// Who asks for a program to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Asker {
    /// Nobody who was given anything: no program runs.
    #[default]
    Nobody,
    /// The file of this owner.
    Owner(OwnerId),
    /// Somebody who may read `gengfu.yaml` and has a shell here anyway.
    Administrator,
}

/// Whose files may name the programs of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grantees {
    /// Those of every owner.
    All,
    /// Those of these owners.
    Only(BTreeSet<OwnerId>),
}

/// One directory of `commands`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandGrant {
    /// An absolute path.
    pub directory: PathBuf,
    /// Whose files may name its programs.
    pub owners: Grantees,
    /// Only these, if it says so.
    pub programs: Option<BTreeSet<String>>,
    /// Variables that owners may set for its programs.
    pub environment: BTreeSet<String>,
}

/// All directories that `gengfu.yaml` lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands(Vec<CommandGrant>);

/// Why a program does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The words themselves are not allowed: what is wrong, and what would be right.
    Denied(String, String),
    /// What lies there must not be run.
    Unsafe(String),
    /// There is nothing to run.
    Absent(String),
}

impl Refusal {
    /// The sentence, without the remedy.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Denied(text, _) | Self::Unsafe(text) | Self::Absent(text) => text,
        }
    }
}

/// A program that may be run if it lies where it should.
#[derive(Clone, Debug)]
pub(super) struct Program {
    /// As written.
    pub(super) written: Box<str>,
    /// Directory, the way from there, and whether the grant names it; tried in this order.
    places: Vec<Place>,
}

#[derive(Clone, Debug)]
struct Place {
    directory: PathBuf,
    way: PathBuf,
    named: Named,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Yes,
    No,
}

impl CommandGrant {
    fn serves(&self, asker: &Asker) -> bool {
        match (asker, &self.owners) {
            (Asker::Nobody, _) => false,
            (Asker::Administrator, _) | (Asker::Owner(_), Grantees::All) => true,
            (Asker::Owner(owner), Grantees::Only(owners)) => owners.contains(owner),
        }
    }

    /// What is wrong with the directory as it lies on this machine: the error is fatal, the other text a remark.
    ///
    /// # Errors
    /// If nothing of it may be run.
    pub fn look(&self) -> Result<Option<String>, String> {
        let shown = self.directory.display();
        let Ok(real) = fs::canonicalize(&self.directory) else {
            return Ok(Some(format!("the directory {shown} is not there")));
        };
        if !real.is_dir() {
            return Err(format!("{shown} is not a directory"));
        }
        guarded(&real, &real)?;
        if self.programs.is_none() {
            holds_no_shell(&real)?;
        }
        let missing = self.programs.iter().flatten().find(|name| !real.join(name).exists());
        Ok(missing.map(|name| format!("there is no `{name}` in {shown}")))
    }
}

impl Commands {
    /// These and no others.
    pub fn new(grants: Vec<CommandGrant>) -> Self {
        Self(grants)
    }

    /// The program that `asker` may mean by `written`, from the words alone.
    pub(super) fn choose(&self, asker: &Asker, written: &str) -> Result<Program, Refusal> {
        let denied = |text: String, remedy: &str| Err(Refusal::Denied(text, remedy.to_owned()));
        if written.contains(char::is_control) {
            return denied("the name of a program has a control character".into(), "write the file's name");
        }
        let path = Path::new(written);
        let plain = path.components().all(|part| matches!(part, Component::Normal(_) | Component::RootDir));
        if !plain || written.split('/').any(|part| part == "." || part == "..") {
            return denied(format!("`{written}` has `.` or `..` in it"), "write the name of a file, or its whole path");
        }
        if written.contains('/') && !path.is_absolute() {
            return denied(format!("`{written}` is neither a name nor a whole path"), "write the name of the file");
        }
        let grants: Vec<&CommandGrant> = self.0.iter().filter(|grant| grant.serves(asker)).collect();
        if grants.is_empty() {
            let who = match asker {
                Asker::Owner(owner) => format!("`{owner}`"),
                Asker::Administrator => "this installation".to_owned(),
                Asker::Nobody => "those who ask from outside".to_owned(),
            };
            let remedy = "an administrator lists a directory and its owners in `commands` of gengfu.yaml";
            return denied(format!("no directory of programs is granted to {who}"), remedy);
        }
        let within: Vec<Place> = grants.iter().filter_map(|grant| place(grant, path)).collect();
        if within.is_empty() {
            let list: Vec<String> = grants.iter().map(|grant| grant.directory.display().to_string()).collect();
            let text = format!("`{written}` lies in no directory that is granted here");
            return denied(text, &format!("granted: {}", list.join(", ")));
        }
        let places: Vec<Place> = within.into_iter().filter(|place| self.lets(asker, place)).collect();
        if places.is_empty() {
            let remedy = "an administrator adds it to `programs` of that directory in gengfu.yaml";
            return denied(format!("`{written}` is not among the programs that are granted by name"), remedy);
        }
        Ok(Program { written: written.into(), places })
    }

    /// Whether some grant lets `asker` run what lies at `place`, as far as names go.
    fn lets(&self, asker: &Asker, place: &Place) -> bool {
        let allowed = |grant: &CommandGrant| match &grant.programs {
            Some(_) => place.named == Named::Yes,
            None => place.named == Named::Yes || !runs_anything(place.way.file_name()),
        };
        self.0.iter().any(|grant| grant.serves(asker) && grant.directory == place.directory && allowed(grant))
    }

    /// Whether `asker` may set the variable `name` for `program`.
    pub(super) fn lets_set(&self, asker: &Asker, program: &Program, name: &str) -> bool {
        let granted = |place: &Place| {
            let mut grants = self.0.iter().filter(|grant| grant.serves(asker) && grant.directory == place.directory);
            grants.any(|grant| grant.environment.contains(name))
        };
        *asker == Asker::Administrator || program.places.iter().all(granted)
    }
}

/// Where `path` would lie below the directory of `grant`.
fn place(grant: &CommandGrant, path: &Path) -> Option<Place> {
    let way = if path.is_absolute() { path.strip_prefix(&grant.directory).ok()? } else { path };
    way.file_name()?;
    let named = |names: &BTreeSet<String>| way.to_str().is_some_and(|way| names.contains(way));
    let named = if grant.programs.as_ref().is_some_and(named) { Named::Yes } else { Named::No };
    Some(Place { directory: grant.directory.clone(), way: way.to_owned(), named })
}

fn runs_anything(name: Option<&OsStr>) -> bool {
    name.and_then(OsStr::to_str).is_some_and(|name| RUNS_ANYTHING.contains(&name) || SHELLS.contains(&name))
}

impl Program {
    /// A program that the administrator named by its whole path.
    pub(super) fn of_system(path: &Path) -> Self {
        let directory = path.parent().unwrap_or(Path::new("/")).to_owned();
        let way = path.file_name().map(PathBuf::from).unwrap_or_default();
        let written = path.display().to_string().into();
        Self { written, places: vec![Place { directory, way, named: Named::Yes }] }
    }

    /// The file itself, as it lies there now.
    pub(super) fn locate(&self) -> Result<PathBuf, Refusal> {
        let mut absent = None;
        for place in &self.places {
            match place.locate() {
                Err(Refusal::Absent(text)) => absent = absent.or(Some(text)),
                other => return other,
            }
        }
        let nothing = || format!("there is no program `{}`", self.written);
        Err(Refusal::Absent(absent.unwrap_or_else(nothing)))
    }
}

impl Place {
    fn locate(&self) -> Result<PathBuf, Refusal> {
        let wanted = self.directory.join(&self.way);
        let shown = wanted.display();
        let gone = |what: &str, error: &std::io::Error| match error.kind() {
            ErrorKind::NotFound => Refusal::Absent(format!("there is no {what}")),
            _ => Refusal::Absent(format!("{what} cannot be looked at: {error}")),
        };
        let directory = fs::canonicalize(&self.directory)
            .map_err(|error| gone(&format!("directory {}", self.directory.display()), &error))?;
        let program =
            fs::canonicalize(directory.join(&self.way)).map_err(|error| gone(&format!("program {shown}"), &error))?;
        if !program.starts_with(&directory) {
            return Err(Refusal::Unsafe(format!("{shown} leads out of its directory, to {}", program.display())));
        }
        if self.named == Named::No {
            holds_no_shell(&directory).map_err(Refusal::Unsafe)?;
            if runs_anything(program.file_name()) {
                let name = program.file_name().unwrap_or_default().display();
                return Err(Refusal::Unsafe(format!("{shown} is `{name}`, which is not granted by name")));
            }
        }
        guarded(&program, &directory).map_err(Refusal::Unsafe)?;
        let meta = fs::metadata(&program).map_err(|error| gone(&format!("program {shown}"), &error))?;
        if !meta.is_file() {
            return Err(Refusal::Unsafe(format!("{shown} is not a file")));
        }
        if meta.mode() & EXECUTE == 0 {
            return Err(Refusal::Absent(format!("{shown} is not executable")));
        }
        Ok(program)
    }
}

fn holds_no_shell(directory: &Path) -> Result<(), String> {
    match SHELLS.iter().find(|shell| directory.join(shell).exists()) {
        Some(shell) => Err(format!("{} holds `{shell}`: grant the `programs` that are meant", directory.display())),
        None => Ok(()),
    }
}

/// Nobody but root and us can put another file at `path`, or at any directory on the way to it. `path` has no links.
fn guarded(path: &Path, granted: &Path) -> Result<(), String> {
    let ours = rustix::process::geteuid().as_raw();
    for step in path.ancestors() {
        let meta = fs::symlink_metadata(step).map_err(|error| format!("{}: {error}", step.display()))?;
        let where_to = if step.starts_with(granted) { Where::Granted } else { Where::Above };
        if let Some(why) = exposed(meta.mode(), meta.uid(), ours, where_to) {
            return Err(format!("{} {why}", step.display()));
        }
    }
    Ok(())
}

/// Whether a step lies above the granted directory, where a sticky bit is protection enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    Above,
    Granted,
}

fn exposed(mode: u32, uid: u32, ours: u32, place: Where) -> Option<&'static str> {
    let sticky = place == Where::Above && mode & STICKY != 0;
    if uid != 0 && uid != ours {
        Some("belongs to somebody who is neither root nor gengfu's user")
    } else if mode & FOREIGN_WRITE != 0 && !sticky {
        Some("can be written to by others: take away their right with `chmod go-w`")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_and_we_may_be_able_to_write() {
        let ours = 990;
        assert_eq!(exposed(0o100_755, 0, ours, Where::Granted), None);
        assert_eq!(exposed(0o100_700, ours, ours, Where::Granted), None);
        assert!(exposed(0o100_755, 1_000, ours, Where::Granted).is_some());
        assert!(exposed(0o100_775, 0, ours, Where::Granted).is_some());
        assert!(exposed(0o100_757, 0, ours, Where::Granted).is_some());
        assert!(exposed(0o041_777, 0, ours, Where::Granted).is_some());
        assert_eq!(exposed(0o041_777, 0, ours, Where::Above), None);
        assert!(exposed(0o040_777, 0, ours, Where::Above).is_some());
    }
}
