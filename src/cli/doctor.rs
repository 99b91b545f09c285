//! `gengfu doctor`: whether this set-up can do its work: files, clock, store, port, open files, relays, witnesses, receiver.
//!
//! Each check is one line with a remedy, and changes nothing; only `--mail` sends something. Not here: targets, which
//! `gengfu probe` tries. Exit codes: 0 no problem, 1 at least one, 2 could not run.

mod house;
mod outside;

use super::Format;
use super::answer::{language, say};
use crate::config::{LoadOptions, Loaded, Sources, load};
use crate::domain::*;
use crate::field::{Problems, Severity as Weight};
use anyhow::Result;
use serde_json::json;
use std::io::Write;
use std::path::Path;

/// Arguments of `gengfu doctor`.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// Send a trial mail to this address, by every relay
    #[arg(long, value_name = "ADDRESS")]
    mail: Option<String>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The language of the sentences: zh or en
    #[arg(long, value_parser = language, default_value = "en", env = "GENGFU_LANG")]
    lang: Language,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ok,
    Warning,
    Problem,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    /// What was looked at: `relay relay.bdc.test:25`.
    check: String,
    state: State,
    /// What was found.
    text: Names,
    /// What to do about it; empty when all is well.
    remedy: Names,
}

fn names(zh: impl Into<String>, en: impl Into<String>) -> Names {
    Names { zh: zh.into(), en: en.into() }
}

/// What a stranger said, in his own words.
fn quoted(text: impl Into<String>) -> Names {
    let text = text.into();
    Names { zh: text.clone(), en: text }
}

impl Finding {
    fn ok(check: impl Into<String>, text: Names) -> Self {
        Self { check: check.into(), state: State::Ok, text, remedy: Names::default() }
    }

    fn warning(check: impl Into<String>, text: Names, remedy: Names) -> Self {
        Self { check: check.into(), state: State::Warning, text, remedy }
    }

    fn problem(check: impl Into<String>, text: Names, remedy: Names) -> Self {
        Self { check: check.into(), state: State::Problem, text, remedy }
    }
}

/// Looks at everything.
///
/// # Errors
/// If the main file cannot be read, or the answer cannot be written.
pub async fn doctor(
    now: Timestamp,
    main: &Path,
    options: &LoadOptions,
    args: &DoctorArgs,
    out: &mut (dyn Write + Send),
) -> Result<u8> {
    let sources = Sources::read(main)?;
    let (mut findings, loaded) = files(load(&sources, options));
    if let Some(loaded) = loaded {
        findings.extend(house::look(&loaded).await);
        findings.extend(outside::look(now, &loaded, args.mail.as_deref()).await);
    }
    let problems = findings.iter().filter(|finding| finding.state == State::Problem).count();
    match args.format {
        Format::Human => human(&findings, problems, args.lang, out)?,
        Format::Json => {
            let one = |f: &Finding| json!({ "check": f.check, "state": f.state.as_str(), "text": f.text, "remedy": f.remedy });
            writeln!(out, "{:#}", json!(findings.iter().map(one).collect::<Vec<_>>()))?;
        }
    }
    Ok(u8::from(problems > 0))
}

fn files(read: std::result::Result<Loaded, Problems>) -> (Vec<Finding>, Option<Loaded>) {
    let remedy = || names("运行 gengfu check 查看每一处", "run `gengfu check` for each of them with its place");
    match read {
        Ok(loaded) => {
            let (warnings, probes) = (loaded.warnings.len(), loaded.inventory.probes.len());
            let text =
                names(format!("{probes} 个探测，{warnings} 条警告"), format!("{probes} probes, {warnings} warnings"));
            let finding =
                if warnings == 0 { Finding::ok("files", text) } else { Finding::warning("files", text, remedy()) };
            (vec![finding], Some(loaded))
        }
        Err(problems) => {
            let count = problems.count(Weight::Error);
            let text = names(format!("{count} 处错误，无法启动"), format!("{count} errors: the daemon cannot start"));
            (vec![Finding::problem("files", text, remedy())], None)
        }
    }
}

fn human(findings: &[Finding], problems: usize, language: Language, out: &mut (dyn Write + Send)) -> Result<()> {
    for Finding { check, state, text, remedy } in findings {
        let state = match state {
            State::Ok => say(language, "正常", "ok"),
            State::Warning => say(language, "注意", "warning"),
            State::Problem => say(language, "问题", "problem"),
        };
        let remedy = remedy.get(language);
        let gap = if remedy.is_empty() { "" } else { "; " };
        writeln!(out, "{state:<8} {check}: {}{gap}{remedy}", text.get(language))?;
    }
    match language {
        Language::Zh => writeln!(out, "共 {} 项检查，{problems} 项有问题。", findings.len())?,
        Language::En => writeln!(out, "{} checks, {problems} with a problem.", findings.len())?,
    }
    Ok(())
}

#[cfg(test)]
mod tests;
