//! `gengfu plan simulate`: the time line of a plan in a window, before anything is done.
//!
//! From the files, and from the store's history where there is one. Exit codes: 0 it fits and the policy allows the
//! window, 1 it does not, 2 no such plan or window.

use super::super::answer::{language, moment};
use super::super::windows::{Listed, list};
use crate::domain::plan::{Plan, Runs, Step};
use crate::domain::*;
use crate::field::{format_duration, suggestion};
use crate::store::Store;
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// How far ahead a window is looked for.
const AHEAD: Millis = 400 * DAY;

/// How far back history is read.
const HISTORY: Millis = 400 * DAY;

/// Arguments of `gengfu plan simulate`.
#[derive(Debug, clap::Args)]
pub struct SimulateArgs {
    /// The plan, of schedules/plans/
    plan: String,
    /// The window, as `gengfu windows` lists it; counted from 0 without one
    #[arg(long, value_name = "WINDOW")]
    window: Option<String>,
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: super::super::Format,
    /// The language of the sentences: zh or en
    #[arg(long, value_parser = language, default_value = "en", env = "GENGFU_LANG")]
    lang: Language,
}

impl SimulateArgs {
    /// Which plan.
    pub fn plan(&self) -> &str {
        &self.plan
    }
}

/// What the store remembers of former runs: how long each step took.
pub type History = BTreeMap<StepId, Vec<Millis>>;

/// Reads the history of a plan; none if there is no store.
pub async fn history(store: &Path, now: Timestamp, plan: &str) -> History {
    let Ok(store) = Store::open_to_read(store) else { return History::new() };
    let (mut runs, mut after) = (Runs::default(), 0);
    let span = Span::new(now - HISTORY, now + DAY);
    while let Ok(page) = store.facts_between(span, after).await {
        let Some((last, _)) = page.last() else { break };
        after = *last;
        for (_, recorded) in &page {
            if let Fact::Run { run, event } = &recorded.fact {
                runs.apply(recorded.at, run, event);
            }
        }
    }
    runs.durations(&plan.into())
}

/// Writes the time line.
///
/// # Errors
/// If there is no such plan or window.
pub fn simulate(
    now: Timestamp,
    inventory: &Inventory,
    args: &SimulateArgs,
    history: &History,
    out: &mut dyn Write,
) -> Result<u8> {
    let Some(plan) = inventory.plans.get(args.plan.as_str()) else {
        match suggestion(&args.plan, inventory.plans.keys().map(PlanId::as_str)) {
            Some(near) => bail!("no plan is called {}; did you mean {near}?", args.plan),
            None => bail!("no plan is called {}; plans are in schedules/plans/", args.plan),
        }
    };
    let within = Span::new(now - DAY, now + AHEAD);
    let listed = match &args.window {
        None => None,
        Some(id) => {
            let schedule = id.rsplit_once('.').map_or(id.as_str(), |(schedule, _)| schedule);
            let found = list(inventory, |s| s.id.as_str() == schedule, within)
                .into_iter()
                .find(|l| l.planned.id.as_str() == id);
            match found {
                Some(found) => Some(found),
                None => bail!("no window of the next 400 days is called {id}; `gengfu windows` lists them"),
            }
        }
    };
    let line = Line { plan, history, listed: listed.as_ref() };
    match args.format {
        super::super::Format::Json => writeln!(out, "{:#}", line.json())?,
        super::super::Format::Human => line.human(inventory, args.lang, out)?,
    }
    Ok(u8::from(!line.is_good()))
}

/// A plan against a window.
struct Line<'a> {
    plan: &'a Plan,
    history: &'a History,
    listed: Option<&'a Listed<'a>>,
}

impl Line<'_> {
    /// From the window's start to its end; without one, as long as the plan needs.
    fn span(&self) -> Span {
        let needed = || Span::lasting(Timestamp(0), self.plan.needs_ms());
        self.listed.map_or_else(needed, |listed| listed.planned.span)
    }

    /// Of the sorted times that a step took, the one that `percent` of them do not exceed.
    fn took(&self, step: &Step, percent: usize) -> Option<Millis> {
        let mut all = self.history.get(&step.id)?.clone();
        all.sort_unstable();
        let rank = (all.len() * percent).div_ceil(100).max(1);
        all.get(rank - 1).copied()
    }

    fn fits(&self) -> bool {
        self.plan.needs_ms() <= self.span().len_ms()
    }

    fn is_good(&self) -> bool {
        self.fits() && self.listed.is_none_or(|listed| !listed.admission.is_rejected())
    }

    fn json(&self) -> Value {
        let (span, plan) = (self.span(), self.plan);
        let longest = plan.timeline(Step::longest_ms);
        let steps = plan.steps.iter().zip(&longest).map(|(step, at)| {
            json!({
                "id": step.id, "kind": step.task.kind(), "wave": step.wave, "repeat": step.repeat,
                "starts_ms": at.start.0, "longest_ms": step.longest_ms(), "undo": step.undo.is_some(),
                "runs": self.history.get(&step.id).map_or(0, Vec::len),
                "p50_ms": self.took(step, 50), "p95_ms": self.took(step, 95),
            })
        });
        json!({
            "plan": plan.id,
            "window": self.listed.map(|l| &l.planned.id),
            "start": self.listed.map(|_| span.start.to_string()),
            "end": self.listed.map(|_| span.end.to_string()),
            "steps": steps.collect::<Vec<_>>(),
            "forward_ms": plan.forward_ms(),
            "reserve_ms": plan.reserve_ms,
            "verify_ms": plan.verify_ms,
            "needs_ms": plan.needs_ms(),
            "point_of_no_return_ms": plan.point_of_no_return(span.end).since(span.start),
            "point_of_no_return": self.listed.map(|_| plan.point_of_no_return(span.end).to_string()),
            "fits": self.fits(),
            "policy": self.listed.map(|l| json!({ "state": l.state().as_str(), "why": l.standing(Language::En) })),
        })
    }

    fn human(&self, inventory: &Inventory, language: Language, out: &mut dyn Write) -> Result<()> {
        let (span, plan) = (self.span(), self.plan);
        let zh = language == Language::Zh;
        let show = |at: Timestamp| match self.listed {
            Some(_) => moment(inventory, at, language),
            None => format!("+{}", format_duration(at.0)),
        };
        let name = plan.name.get(language);
        match self.listed {
            Some(listed) => {
                writeln!(out, "{} [{name}] · {} · {}", plan.id, listed.planned.id, listed.standing(language))?
            }
            None => writeln!(out, "{} [{name}]", plan.id)?,
        }
        let at = plan.timeline(Step::longest_ms);
        let wide = plan.steps.iter().map(|s| s.id.as_str().len()).max().unwrap_or_default();
        for (step, at) in plan.steps.iter().zip(&at) {
            let starts = show(span.start + at.start.0);
            let most = format_duration(step.longest_ms());
            let took = match (self.took(step, 50), self.took(step, 95)) {
                (Some(half), Some(most)) => {
                    let (half, most) = (format_duration(half), format_duration(most));
                    let runs = self.history.get(&step.id).map_or(0, Vec::len);
                    if zh {
                        format!("历史 {runs} 次：中位 {half}，95% {most}")
                    } else {
                        format!("{runs} runs: half within {half}, 95 % within {most}")
                    }
                }
                _ if zh => "没有历史".to_owned(),
                _ => "no history".to_owned(),
            };
            let (wave, up_to) = if zh { ("批次", "最长") } else { ("wave", "up to") };
            let (id, kind) = (step.id.as_str(), step.task.kind());
            writeln!(out, "{starts}  {wave} {}  {id:wide$}  {kind:8}  {up_to} {most:>6}  {took}", step.wave)?;
        }
        let words = if zh {
            ["各步骤最迟完成", "回退时间点：此后不再开始任何步骤", "验证最迟开始", "结束"]
        } else {
            [
                "steps are done at the latest",
                "point of no return: no step starts after it",
                "verification begins at the latest",
                "end",
            ]
        };
        let marks =
            [span.start + plan.forward_ms(), plan.point_of_no_return(span.end), span.end - plan.verify_ms, span.end];
        for (mark, word) in marks.into_iter().zip(words) {
            writeln!(out, "{}  {word}", show(mark))?;
        }
        let (needs, has) = (format_duration(plan.needs_ms()), format_duration(span.len_ms()));
        match (self.fits(), zh) {
            (true, true) => writeln!(out, "需要 {needs}，窗口 {has}：放得下")?,
            (true, false) => writeln!(out, "needs {needs} of {has}: it fits")?,
            (false, true) => {
                writeln!(out, "需要 {needs}，窗口只有 {has}：放不下；请延长窗口，或缩短步骤时限、回退或验证时间")?
            }
            (false, false) => writeln!(
                out,
                "needs {needs}, the window has {has}: it does not fit; lengthen the window, or shorten timeouts, `reserve` or `verify`"
            )?,
        }
        Ok(())
    }
}
