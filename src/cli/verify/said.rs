//! `gengfu verify --report`, `--rebuild`: reports made again from the facts, held against what was said.
//!
//! Not here: whether the facts are those that were signed (the rest of `verify`). Invariants: a report is made again by its
//! stamp, as of the same instant and from the same facts; a difference names its place; files that changed since are told,
//! for names, hours and objectives come from them.

use super::names;
use crate::domain::{Fact, Inventory, Names, ReportSaid, Span, Timestamp};
use crate::report::{Audience, Form, Question, Report, Stamp, build, digest, json, written};
use crate::store::{Store, UpTo};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The longest report that is read.
const REPORT_BYTES_MAX: u64 = 256 << 20;

/// Differences that are told of one report.
const TOLD_MAX: usize = 10;

/// Characters of a line that are told.
const LINE_MAX: usize = 160;

/// What a report is made again from.
pub(super) struct Facts {
    pub(super) store: Store,
    pub(super) inventory: Arc<Inventory>,
    /// SHA-256 of the files as they are now.
    pub(super) files: String,
}

/// What came of one report.
pub(super) struct Compared {
    /// The file, or the month that was mailed.
    pub(super) what: String,
    /// Where it differs from what the facts say; empty if nowhere.
    pub(super) differences: Vec<Names>,
    /// How many there are.
    pub(super) total: usize,
    /// What may explain it.
    pub(super) hint: Option<Names>,
}

impl Facts {
    /// The report in a file, made again.
    pub(super) async fn compare(&self, file: &Path) -> Result<Compared> {
        let read = || format!("{} cannot be read", file.display());
        if std::fs::metadata(file).with_context(read)?.len() > REPORT_BYTES_MAX {
            bail!("{} is longer than {REPORT_BYTES_MAX} bytes; a report is not", file.display());
        }
        let text = std::fs::read_to_string(file).with_context(read)?;
        let Some((form, stamp)) = Stamp::read(&text, &self.inventory.zone) else {
            bail!(
                "{} bears no stamp: only HTML, JSON and Markdown of `gengfu report`, `/sla/{{period}}` or the monthly mail do",
                file.display()
            );
        };
        let what = file.display().to_string();
        let mut differences = Differences::default();
        let Some(mut report) = self.made(&stamp.question, stamp.as_of, stamp.facts).await? else {
            differences.add(names("没有可供重算的事实".into(), "there are no facts to make it from".into()));
            return Ok(differences.of(what, None));
        };
        if stamp.audience == Audience::Public {
            report.keep_hosts_private();
        }
        match form {
            Form::Json => {
                let said: Value = serde_json::from_str(&text)?;
                // Written and read, as what was said was.
                let is: Value = serde_json::from_str(&json(&report).to_string())?;
                differences.between("", &said, &is);
            }
            Form::Html | Form::Markdown => differences.lines(&text, &written(&report, form, stamp.language)?),
        }
        let hint = self.hint(&report).or_else(|| other_version(&stamp));
        Ok(differences.of(what, hint))
    }

    /// Every month that was mailed, made again.
    pub(super) async fn rebuild(&self) -> Result<Vec<Compared>> {
        let mut all = Vec::new();
        for (period, said) in self.mailed().await? {
            let mut differences = Differences::default();
            let zone = &self.inventory.zone;
            let named = crate::domain::sla::Period::named(&period, said.as_of, zone).map_err(anyhow::Error::msg)?;
            let report = self.made(&Question { period: named, owner: None }, said.as_of, said.facts).await?;
            let is = report.as_ref().map(digest);
            if is.as_deref() != Some(&said.digest) {
                let is = is.unwrap_or_else(|| "-".to_owned());
                differences.add(names(
                    format!("已发报告的指纹是 {}，按事实重算是 {is}", said.digest),
                    format!(
                        "the report that was mailed has the digest {}, made from the facts it has {is}",
                        said.digest
                    ),
                ));
            }
            let hint = report.as_ref().and_then(|report| self.hint(report));
            all.push(differences.of(format!("{period} ({})", said.as_of), hint));
        }
        Ok(all)
    }

    async fn mailed(&self) -> Result<Vec<(String, ReportSaid)>> {
        let (mut span, mut after, mut mailed) = (Span::new(Timestamp::MIN, Timestamp::MAX), 0, Vec::new());
        loop {
            let page = self.store.facts_between(span, after).await?;
            let Some((last, recorded)) = page.last() else { return Ok(mailed) };
            (span.start, after) = (recorded.at, *last);
            mailed.extend(page.into_iter().filter_map(|(_, recorded)| match recorded.fact {
                Fact::MonthReported { period, said: Some(said) } => Some((period, said)),
                _ => None,
            }));
        }
    }

    async fn made(&self, question: &Question, as_of: Timestamp, facts: u64) -> Result<Option<Report>> {
        let past = self.store.past(Arc::clone(&self.inventory), as_of, UpTo::Fact(facts)).await?;
        Ok(build(&past, as_of, question).filter(|report| report.made.as_ref().is_some_and(|made| made.facts == facts)))
    }

    fn hint(&self, report: &Report) -> Option<Names> {
        let then = report.made.as_ref().map(|made| made.files.as_str())?;
        (then != self.files).then(|| {
            names(
                "配置文件此后有改动；名称、服务时间和目标取自文件".into(),
                "the files were changed since; names, hours and objectives come from them".into(),
            )
        })
    }
}

fn other_version(stamp: &Stamp) -> Option<Names> {
    let (then, now) = (&stamp.version, env!("CARGO_PKG_VERSION"));
    (!then.is_empty() && then != now).then(|| {
        names(
            format!("报告出自 {then} 版，本程序是 {now} 版；请核对其 JSON"),
            format!("version {then} wrote it, this is {now}: compare its JSON"),
        )
    })
}

#[derive(Default)]
struct Differences {
    told: Vec<Names>,
    total: usize,
}

impl Differences {
    fn of(self, what: String, hint: Option<Names>) -> Compared {
        let hint = hint.filter(|_| self.total > 0);
        Compared { what, differences: self.told, total: self.total, hint }
    }

    fn add(&mut self, difference: Names) {
        self.total += 1;
        if self.told.len() < TOLD_MAX {
            self.told.push(difference);
        }
    }

    fn place(&mut self, place: &str, said: &str, is: &str) {
        let short = |text: &str| text.chars().take(LINE_MAX).filter(|c| !c.is_control()).collect::<String>();
        let (said, is) = (short(said), short(is));
        self.add(names(
            format!("{place}：报告为 {said}，按事实为 {is}"),
            format!("{place}: it says {said}, the facts say {is}"),
        ));
    }

    fn between(&mut self, place: &str, said: &Value, is: &Value) {
        const NOTHING: &Value = &Value::Null;
        match (said, is) {
            (Value::Object(a), Value::Object(b)) => {
                let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
                for key in keys {
                    let (a, b) = (a.get(key).unwrap_or(NOTHING), b.get(key).unwrap_or(NOTHING));
                    self.between(&format!("{place}/{key}"), a, b);
                }
            }
            (Value::Array(a), Value::Array(b)) => {
                for i in 0..a.len().max(b.len()) {
                    let (a, b) = (a.get(i).unwrap_or(NOTHING), b.get(i).unwrap_or(NOTHING));
                    self.between(&format!("{place}/{i}"), a, b);
                }
            }
            _ if said != is => self.place(place, &said.to_string(), &is.to_string()),
            _ => {}
        }
    }

    fn lines(&mut self, said: &str, is: &str) {
        let (mut a, mut b) = (said.lines(), is.lines());
        for number in 1.. {
            match (a.next(), b.next()) {
                (None, None) => return,
                (a, b) if a == b => {}
                (a, b) => self.place(&number.to_string(), a.unwrap_or("-"), b.unwrap_or("-")),
            }
        }
    }
}

/// Files of `--report`, in order.
pub(super) async fn all(facts: &Facts, files: &[PathBuf], rebuild: bool) -> Result<Vec<Compared>> {
    let mut all = Vec::new();
    for file in files {
        all.push(facts.compare(file).await?);
    }
    if rebuild {
        all.extend(facts.rebuild().await?);
    }
    Ok(all)
}
