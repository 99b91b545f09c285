//! What is said about a simulation: windows, mails, and what each owner spends of its error budgets.
//!
//! Invariant: everything is in a stable order, so that two runs can be compared line by line.

use super::{Fate, Run, SimulateArgs, Sort};
use crate::cli::answer::{moment, say};
use crate::cli::windows::guessed;
use crate::domain::civil::Zone;
use crate::domain::sla::{self, Cause, Grain, Period};
use crate::domain::window::WindowState;
use crate::domain::*;
use crate::field::format_duration;
use crate::metrics::targets::cause_label;
use anyhow::Result;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;

/// Windows that did not begin, as far as they are listed for people.
const LISTED_MAX: usize = 60;

/// One subsystem's month.
#[derive(Clone, Debug)]
struct Month {
    subsystem: SubsystemId,
    month: String,
    budget_ms: Millis,
    left_ms: Millis,
    excluded_ms: Millis,
    spent_ms: BTreeMap<Cause, Millis>,
}

/// Accounts of the months, of those subsystems that lost anything.
#[derive(Clone, Debug, Default)]
pub(super) struct Spending(BTreeMap<(String, SubsystemId), Month>);

impl Spending {
    pub(super) fn add(&mut self, at: Timestamp, snapshot: &Snapshot) {
        let zone = &snapshot.inventory.zone;
        let period = Period::current(Grain::Month, at, zone);
        let date = zone.date(at);
        let month = format!("{}-{:02}", date.year(), date.month());
        for view in &snapshot.subsystems {
            let Some(account) = sla::account_of(at, &snapshot.inventory, view, period) else { continue };
            if account.bad_ms == 0 && account.excluded_ms == 0 {
                continue;
            }
            let spent = Month {
                subsystem: view.id.clone(),
                month: month.clone(),
                budget_ms: account.budget_ms,
                left_ms: account.budget_left_ms(),
                excluded_ms: account.excluded_ms,
                spent_ms: account.spent_ms,
            };
            self.0.insert((month.clone(), view.id.clone()), spent);
        }
    }
}

/// The starts of the months after the first one, inside a span.
pub(super) fn month_ends(zone: &Zone, within: Span) -> Vec<Timestamp> {
    let first = zone.date(within.start).first_of_month();
    let starts = std::iter::successors(Some(first), |d| d.last_of_month().tomorrow().ok()).skip(1);
    starts.map(|d| zone.midnight(d)).take_while(|at| *at < within.end).collect()
}

pub(super) struct Report<'a> {
    pub(super) run: &'a Run,
    pub(super) args: &'a SimulateArgs,
    pub(super) within: Span,
    pub(super) trusted: Vec<i16>,
    pub(super) stretch: i64,
}

impl Report<'_> {
    pub(super) fn human(&self, out: &mut dyn Write) -> Result<()> {
        let (run, lang) = (self.run, self.args.lang);
        if let Some(guess) = guessed(&self.trusted, lang) {
            writeln!(out, "{guess}")?;
        }
        let zone = &run.inventory.zone;
        let at = |t| moment(&run.inventory, t, lang);
        let (from, to, seed) = (at(self.within.start), at(self.within.end), self.args.seed);
        let faults = self.args.faults.unwrap_or(0);
        match lang {
            Language::Zh => writeln!(
                out,
                "模拟 {from} 至 {to}（{}），种子 {seed}，每 30 天 {faults} 次故障，探测间隔放大 {} 倍",
                zone.name(),
                self.stretch
            )?,
            Language::En => writeln!(
                out,
                "simulated {from} to {to} ({}), seed {seed}, {faults} outages in 30 days, intervals of probes times {}",
                zone.name(),
                self.stretch
            )?,
        }
        if self.args.approved {
            writeln!(out, "{}", say(lang, "视同全部批准均已及时取得", "as if every approval were given in time"))?;
        }
        self.windows(out)?;
        self.mails(out)?;
        self.budgets(out)
    }

    fn windows(&self, out: &mut dyn Write) -> Result<()> {
        let (run, lang) = (self.run, self.args.lang);
        let windows = run.windows();
        let (opened, shut): (Vec<_>, Vec<_>) = windows.into_iter().partition(|(_, fate)| fate.opened);
        let overran = opened.iter().filter(|(_, f)| f.overran).count();
        match lang {
            Language::Zh => writeln!(out, "如期开始 {} 个窗口，其中 {overran} 个超时", opened.len())?,
            Language::En => writeln!(out, "opened: {} windows, {overran} of them overran", opened.len())?,
        }
        for (id, fate) in opened {
            self.window(id, fate, out)?;
        }
        writeln!(out, "{} {}", say(lang, "未开始", "did not open:"), shut.len())?;
        for (id, fate) in shut.iter().take(LISTED_MAX) {
            self.window(id, fate, out)?;
        }
        if shut.len() > LISTED_MAX {
            writeln!(out, "{}", say(lang, "其余见 --format json", "the rest is in --format json"))?;
        }
        Ok(())
    }

    fn window(&self, id: &WindowId, fate: &Fate, out: &mut dyn Write) -> Result<()> {
        let lang = self.args.lang;
        let (start, lasts) = (moment(&self.run.inventory, fate.span.start, lang), format_duration(fate.span.len_ms()));
        let late = if fate.overran { say(lang, "（曾超时）", " (overran)") } else { "" };
        let why = self.why(id, fate);
        Ok(writeln!(out, "  {start}  {lasts:>6}  {id}  {}{late}: {}", fate.state.as_str(), why.get(lang))?)
    }

    /// Why it is where it is; of one that was missed, what it waited for.
    fn why<'a>(&'a self, id: &WindowId, fate: &'a Fate) -> &'a Names {
        match self.run.waited.get(id) {
            Some(waited) if fate.state == WindowState::Missed => waited,
            _ => &fate.why,
        }
    }

    fn mails(&self, out: &mut dyn Write) -> Result<()> {
        let (run, lang) = (self.run, self.args.lang);
        let all: usize = run.mails.values().flat_map(BTreeMap::values).sum();
        let (people, incidents) = (run.mails.len(), run.incidents);
        match lang {
            Language::Zh => writeln!(out, "邮件 {all} 封，收件人 {people} 个；事件 {incidents} 起")?,
            Language::En => writeln!(out, "mails: {all} to {people} addresses; {incidents} incidents")?,
        }
        for (mail, sorts) in &run.mails {
            let each: Vec<String> = sorts.iter().map(|(sort, n)| format!("{} {n}", sort.name(lang))).collect();
            writeln!(out, "  {mail}  {}  ({})", sorts.values().sum::<usize>(), each.join(", "))?;
        }
        Ok(())
    }

    fn budgets(&self, out: &mut dyn Write) -> Result<()> {
        let lang = self.args.lang;
        writeln!(out, "{}", say(lang, "各单位误差预算", "error budgets by owner"))?;
        for (owner, total) in self.owners() {
            let causes: Vec<String> = total
                .spent_ms
                .iter()
                .map(|(cause, ms)| format!("{} {}", cause_label(*cause), format_duration(*ms)))
                .collect();
            let spent = format_duration(total.spent_ms.values().sum());
            let excluded = format_duration(total.excluded_ms);
            match lang {
                Language::Zh => {
                    write!(out, "  {owner}  已用 {spent}（{}），不计入的维护 {excluded}", causes.join("，"))?
                }
                Language::En => write!(out, "  {owner}  spent {spent} ({}), excluded {excluded}", causes.join(", "))?,
            }
            if !total.overdrawn.is_empty() {
                write!(out, "; {} {}", say(lang, "透支", "overdrawn:"), total.overdrawn.join(", "))?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    fn owners(&self) -> BTreeMap<OwnerId, Total> {
        let mut owners: BTreeMap<OwnerId, Total> = BTreeMap::new();
        for month in self.run.accounts.0.values() {
            let total = owners.entry(month.subsystem.owner()).or_default();
            total.excluded_ms += month.excluded_ms;
            for (cause, ms) in &month.spent_ms {
                *total.spent_ms.entry(*cause).or_default() += ms;
            }
            if month.left_ms < 0 {
                total.overdrawn.push(format!("{} {}", month.subsystem, month.month));
            }
        }
        owners
    }

    pub(super) fn json(&self) -> Value {
        let run = self.run;
        let window = |(id, fate): &(&WindowId, &Fate)| {
            json!({
                "id": id,
                "owner": fate.owner,
                "start": fate.span.start.to_string(),
                "end": fate.span.end.to_string(),
                "state": fate.state.as_str(),
                "opened": fate.opened,
                "overran": fate.overran,
                "why": self.why(id, fate),
            })
        };
        let causes = |spent: &BTreeMap<Cause, Millis>| -> BTreeMap<&str, Millis> {
            spent.iter().map(|(cause, ms)| (cause_label(*cause), *ms)).collect()
        };
        let months = run.accounts.0.values().map(|m| {
            json!({
                "month": m.month,
                "subsystem": m.subsystem,
                "budget_ms": m.budget_ms,
                "left_ms": m.left_ms,
                "excluded_ms": m.excluded_ms,
                "spent_ms": causes(&m.spent_ms),
            })
        });
        let mails = run.mails.iter().map(|(mail, sorts)| {
            let sorts: BTreeMap<&str, usize> = sorts.iter().map(|(s, n)| (s.name(Language::En), *n)).collect();
            json!({ "to": mail, "mails": sorts })
        });
        let owners = self.owners().into_iter().map(|(owner, total)| {
            json!({
                "owner": owner,
                "spent_ms": causes(&total.spent_ms),
                "excluded_ms": total.excluded_ms,
                "overdrawn": total.overdrawn,
            })
        });
        json!({
            "from": self.within.start.to_string(),
            "to": self.within.end.to_string(),
            "seed": self.args.seed,
            "faults": self.args.faults.unwrap_or(0),
            "approved": self.args.approved,
            "treated_as_published": self.trusted,
            "intervals_times": self.stretch,
            "windows": run.windows().iter().map(window).collect::<Vec<_>>(),
            "incidents": run.incidents,
            "mails": mails.collect::<Vec<_>>(),
            "owners": owners.collect::<Vec<_>>(),
            "budgets": months.collect::<Vec<_>>(),
        })
    }
}

/// What an owner's subsystems spend together.
#[derive(Debug, Default)]
struct Total {
    spent_ms: BTreeMap<Cause, Millis>,
    excluded_ms: Millis,
    overdrawn: Vec<String>,
}

impl Sort {
    fn name(self, lang: Language) -> &'static str {
        match self {
            Self::Announcement => say(lang, "公告", "announcements"),
            Self::Opened => say(lang, "事件开启", "opened"),
            Self::Closed => say(lang, "事件关闭", "closed"),
            Self::Dependency => say(lang, "依赖维护告知", "dependency notes"),
            Self::Other => say(lang, "其他", "others"),
        }
    }
}
