//! `gengfu import`: our files from what people have.
//!
//! Not here: turning (`import`). Exit codes: 0 all was turned, 1 something was not and is listed, 2 could not run.
//! Nothing that exists is overwritten without `--force`, and then nothing is written at all.

use super::COULD_NOT_RUN;
use crate::import::csv::{Encoding, decode};
use crate::import::{Imported, Input, Options, blackbox, csv, gatus, on_call, openslo, prometheus};
use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, ValueEnum};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The largest file that is read.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// Most files that one pattern of `file_sd_configs` may name.
const MATCHES_MAX: usize = 1_000;

/// What is turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum From {
    /// A `blackbox.yml`: modules of `/probe`
    Blackbox,
    /// A `config.yaml` of Gatus: owners' files
    Gatus,
    /// `prometheus.yml` and its `blackbox.yml`: owners' files
    Prometheus,
    /// OpenSLO v1 documents: `schedules/objectives.yaml`
    Openslo,
    /// A list of shifts: `日期` or `开始`, `结束`, and `值班人员`; printed for `schedules/on-call.yaml`
    OnCall,
    /// A table: `owner_id,subsystem_id,name_zh,name_en,kind,criticality,declared_hours[,url]`
    Csv,
}

/// `--encoding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EncodingName {
    /// UTF-8
    #[value(name = "utf-8")]
    Utf8,
    /// GB18030, which holds GBK and GB2312
    Gb18030,
}

/// Arguments of `gengfu import`.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// What is turned
    #[arg(value_enum)]
    pub from: From,
    /// The files
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The owner of everything, instead of the one that the files say
    #[arg(long)]
    pub owner: Option<String>,
    /// Where owners' files go below `probes/`
    #[arg(long, default_value = "bureaus", value_parser = ["platform", "districts", "bureaus", "external"])]
    pub area: String,
    /// The roster of the owners
    #[arg(long, default_value = "duty")]
    pub on_call: String,
    /// The objective of the subsystems
    #[arg(long, default_value = "public-7x24")]
    pub objective: String,
    /// The directory of `gengfu.yaml`
    #[arg(long, default_value = ".")]
    pub out: PathBuf,
    /// How tables are encoded; else it is found out
    #[arg(long, value_enum)]
    pub encoding: Option<EncodingName>,
    /// When a day of a list of shifts begins
    #[arg(long, default_value = "09:00", value_name = "TIME")]
    pub hand_over: String,
    /// Overwrite files that exist
    #[arg(long)]
    pub force: bool,
}

/// Reads, turns, writes and tells.
///
/// # Errors
/// If a file cannot be read or written; nothing has been written if it is one that exists.
pub fn import(args: &ImportArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8> {
    if args.from == From::OnCall {
        return shifts(args, out, err);
    }
    let imported = turn(args)?;
    let paths: Vec<(PathBuf, &String)> =
        imported.files.iter().map(|(path, text)| (args.out.join(path), text)).collect();
    let existing: Vec<String> =
        paths.iter().filter(|(path, _)| path.exists()).map(|(path, _)| path.display().to_string()).collect();
    if !existing.is_empty() && !args.force {
        writeln!(
            err,
            "error: nothing is written, because these exist: {}; --force overwrites them",
            existing.join(", ")
        )?;
        return Ok(COULD_NOT_RUN);
    }
    for (path, text) in paths {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
        }
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        writeln!(out, "{}", path.display())?;
    }
    for remark in &imported.notes {
        writeln!(err, "note: {remark}")?;
    }
    for remark in &imported.left {
        writeln!(err, "not turned: {remark}")?;
    }
    Ok(u8::from(!imported.left.is_empty()))
}

/// Prints what a list of shifts means: where it belongs, the one who runs the roster knows.
fn shifts(args: &ImportArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8> {
    let [file] = &args.files[..] else { bail!("one list at a time") };
    let hand_over = format!("{}:00", args.hand_over).parse();
    let hand_over = hand_over.map_err(|_| anyhow!("{} is not a time of day; write 09:00", args.hand_over))?;
    let known = std::fs::read_to_string(args.out.join("schedules/on-call.yaml")).ok();
    let shifts = on_call::import(&file.display().to_string(), &table(args, file)?, known.as_deref(), hand_over);
    let shifts = shifts.map_err(|why| anyhow!(why))?;
    write!(out, "{}", shifts.yaml)?;
    for remark in &shifts.left {
        writeln!(err, "not turned: {remark}")?;
    }
    Ok(u8::from(!shifts.left.is_empty()))
}

/// The text of a table.
fn table(args: &ImportArgs, file: &Path) -> Result<String> {
    let encoding = args.encoding.map(|name| match name {
        EncodingName::Utf8 => Encoding::Utf8,
        EncodingName::Gb18030 => Encoding::Gb18030,
    });
    decode(&bytes(file)?, encoding).map_err(|why| anyhow!("{}: {why}", file.display()))
}

fn turn(args: &ImportArgs) -> Result<Imported> {
    let options = Options {
        owner: args.owner.clone(),
        area: args.area.clone(),
        on_call: args.on_call.clone(),
        objective: args.objective.clone(),
    };
    let first = args.files.first().map_or(Path::new("."), PathBuf::as_path);
    let folder = first.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let base = std::path::absolute(folder).context("cannot tell where the working directory is")?;
    match args.from {
        From::Csv => {
            let [file] = &args.files[..] else { bail!("one table at a time") };
            csv::import(&file.display().to_string(), &table(args, file)?, &options).map_err(|why| anyhow!(why))
        }
        From::OnCall => Ok(Imported::default()),
        From::Blackbox => Ok(blackbox::import(&inputs(&args.files)?, &base)),
        From::Gatus => Ok(gatus::import(&inputs(&args.files)?, &options)),
        From::Openslo => Ok(openslo::import(&inputs(&args.files)?)),
        From::Prometheus => {
            let read = |pattern: &str| matching(&base, pattern);
            Ok(prometheus::import(&inputs(&args.files)?, &base, &read, &options))
        }
    }
}

fn inputs(files: &[PathBuf]) -> Result<Vec<Input>> {
    files.iter().map(|file| input(file)).collect()
}

fn input(file: &Path) -> Result<Input> {
    let text = decode(&bytes(file)?, Some(Encoding::Utf8)).map_err(|why| anyhow!("{}: {why}", file.display()))?;
    Ok(Input { path: file.display().to_string(), text })
}

fn bytes(file: &Path) -> Result<Vec<u8>> {
    let size = std::fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?.len();
    if size > FILE_BYTES_MAX {
        bail!("{} is larger than {} MiB", file.display(), FILE_BYTES_MAX >> 20);
    }
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

/// The files of `targets/*.yml`; a star stands in the last part alone, as in Prometheus.
fn matching(base: &Path, pattern: &str) -> Result<Vec<Input>, String> {
    let whole = base.join(pattern);
    let name = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Some((head, tail)) = name.split_once('*') else {
        return input(&whole).map(|input| vec![input]).map_err(|error| format!("{error:#}"));
    };
    let directory = whole.parent().unwrap_or(base);
    let entries = std::fs::read_dir(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let fits = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail)
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(fits).take(MATCHES_MAX).collect();
    paths.sort();
    paths.iter().map(|path| input(path).map_err(|error| format!("{error:#}"))).collect()
}

#[cfg(test)]
mod tests;
