//! The two ways to take something out of service: a flag file, or a resource that is put and deleted.
//!
//! Invariants: a flag appears and disappears as a whole and is synced; its name bears its owner's, so owners cannot
//! touch each other's; only files that we wrote count as ours.

use super::http::{Caller, HEADERS};
use super::{StepContext, done, failed, saw, unknown};
use crate::domain::plan::{End, Order, Seen};
use crate::field::{Code, Field, Problem, Problems, Record, Type};
use serde_json::json;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a flag's file name ends in.
const ENDING: &str = "drained";
/// Most files of the directory that are looked at.
const FLAGS_MAX: usize = 10_000;
/// A flag younger than this is not taken away by the look for flags that nobody keeps.
const YOUNG: Duration = Duration::from_secs(10);
/// Longest flag file that is read.
const FLAG_BYTES_MAX: u64 = 16_384;

/// The body of `drain` and `restore`.
pub(super) const FIELDS: &[Field] = &[
    Field::optional("flag", Type::Id, "A file `OWNER.FLAG.drained` in `plans.flags` of gengfu.yaml; or:"),
    Field::optional("url", Type::HTTP_URL, "PUT drains, DELETE restores, GET answers 200 or 404."),
    Field::optional("bearer", Type::Secret, "Token for `url`: `${NAME}`."),
    HEADERS,
];

/// What is drained, as the body says it: equal for what must be counted together.
pub(crate) fn target(record: &Record, owner: &str) -> String {
    match (record.opt_text("flag"), record.url("url")) {
        (Some(flag), _) => format!("flag:{owner}.{flag}"),
        (None, Some(url)) => format!("url:{url}"),
        (None, None) => String::new(),
    }
}

/// One of the two.
pub(super) enum Way {
    File(PathBuf),
    Url(Box<Caller>),
}

impl Way {
    pub(super) fn build(record: &Record, context: &StepContext) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        match (record.opt_text("flag"), record.url("url")) {
            (Some(flag), None) => {
                let owner = context.owner().map_or("", |owner| owner.as_str());
                return Ok(Self::File(context.flags.join(format!("{owner}.{flag}.{ENDING}"))));
            }
            (None, Some(url)) => return Caller::build(record, url, context).map(|caller| Self::Url(Box::new(caller))),
            (Some(_), Some(_)) => {
                let problem = Problem::error(Code::WrongType, record.key_at("url"), "`url` beside `flag`");
                problems.push(problem.hint("keep one of the two"));
            }
            (None, None) => {
                let problem = Problem::error(Code::MissingKey, &record.at, "nothing says what is drained");
                problems.push(problem.expected("`flag` or `url`"));
            }
        }
        Err(problems)
    }

    pub(super) async fn drain(&self, order: &Order) -> End {
        match self {
            Self::File(path) => {
                let (path, order) = (path.clone(), order.clone());
                blocking(move || put(&path, &order)).await
            }
            Self::Url(caller) => caller.send("PUT", order, &[200, 201, 202, 204]).await,
        }
    }

    pub(super) async fn restore(&self, order: &Order) -> End {
        match self {
            Self::File(path) => {
                let path = path.clone();
                blocking(move || take(&path)).await
            }
            Self::Url(caller) => caller.send("DELETE", order, &[200, 202, 204, 404, 410]).await,
        }
    }

    /// Whether the effect of a drain, or of a restore, exists.
    pub(super) async fn look(&self, order: &Order, drained: bool) -> End {
        let end = match self {
            Self::File(path) => match path.try_exists() {
                Ok(true) => saw(Seen::Present, "the flag is there"),
                Ok(false) => saw(Seen::Absent, "the flag is not there"),
                Err(error) => saw(Seen::Unclear, format!("the flag cannot be looked at: {error}")),
            },
            Self::Url(caller) => caller.look("GET", order, &[200, 204]).await,
        };
        match end {
            End::Saw { seen: Seen::Present, note } if !drained => End::Saw { seen: Seen::Absent, note },
            End::Saw { seen: Seen::Absent, note } if !drained => End::Saw { seen: Seen::Present, note },
            end => end,
        }
    }
}

async fn blocking(work: impl FnOnce() -> io::Result<&'static str> + Send + 'static) -> End {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(note)) => done(note),
        Ok(Err(error)) => failed(format!("the flag cannot be changed: {error}; check `plans.flags` of gengfu.yaml")),
        Err(_) => unknown("changing the flag panicked"),
    }
}

fn put(path: &Path, order: &Order) -> io::Result<&'static str> {
    let directory = path.parent().unwrap_or(Path::new("."));
    if !directory.try_exists()? {
        fs::create_dir_all(directory)?;
        mode(directory, 0o755)?;
    }
    let text = json!({ "gengfu": "drained", "run": order.run, "plan": order.plan, "step": order.step });
    let new = unfinished(path);
    let mut file = fs::File::create(&new)?;
    file.write_all(text.to_string().as_bytes())?;
    file.sync_all()?;
    // Web servers that run as somebody else look for it.
    mode(&new, 0o644)?;
    fs::rename(&new, path)?;
    fs::File::open(directory)?.sync_all()?;
    Ok("drained")
}

fn mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Where a flag is written before it appears: one place for each, so that a kill leaves nothing behind that the next try,
/// or taking it away, does not clear.
fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.new"))
}

fn take(path: &Path) -> io::Result<&'static str> {
    let _ = fs::remove_file(unfinished(path));
    match fs::remove_file(path) {
        Ok(()) => {
            fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
            Ok("restored")
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok("it was not drained"),
        Err(error) => Err(error),
    }
}

/// The flags of ours that are there, as targets.
pub fn drained(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().take(FLAGS_MAX);
    let target = |path: PathBuf| {
        let name = path.file_name()?.to_str()?.strip_suffix(&format!(".{ENDING}"))?.to_owned();
        let ours = fs::metadata(&path).ok().filter(|meta| meta.len() <= FLAG_BYTES_MAX)?;
        let text = ours.is_file().then(|| fs::read_to_string(&path).ok())??;
        let said: serde_json::Value = serde_json::from_str(&text).ok()?;
        (said.get("gengfu")?.as_str()? == "drained").then(|| format!("flag:{name}"))
    };
    let mut targets: Vec<String> = entries.filter_map(|entry| target(entry.path())).collect();
    targets.sort();
    targets
}

/// Takes a flag away that no run keeps; whether there was one. One that has just been put up is left for the next look:
/// a run may have put it up after the last.
///
/// # Errors
/// What the system says.
pub(super) fn release(directory: &Path, target: &str) -> io::Result<bool> {
    let Some(name) = target.strip_prefix("flag:").filter(|name| !name.contains('/')) else { return Ok(false) };
    let path = directory.join(format!("{name}.{ENDING}"));
    match fs::metadata(&path) {
        Ok(meta) if meta.modified()?.elapsed().is_ok_and(|age| age < YOUNG) => Ok(false),
        Ok(_) => take(&path).map(|_| true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
