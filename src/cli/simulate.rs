//! `gengfu simulate --from --to`: the engine and the files that run in production, over a stretch of time that has not
//! come yet, on a clock that is an argument.
//!
//! Not here: the world that is watched (`world`) and what is said about it (`report`). Invariants: the same files, times
//! and seed give the same answer, byte for byte; nothing is asked, mailed or stored; what rests on a guess says so.

mod letters;
mod report;
mod world;

use super::Format;
use super::answer::{instant, language};
use super::windows::Trust;
use crate::domain::engine::{Effect, Engine, Event, Output};
use crate::domain::window::{Recurrence, WindowState, expand};
use crate::domain::*;
use crate::notify::render::RenderContext;
use anyhow::{Result, bail};
use letters::Letters;
use report::Report;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use world::World;

/// How long before `--from` the engine starts, so that notices leave in time.
const WARM_UP: Millis = 62 * DAY;
/// The longest simulation.
const LENGTH_MAX: Millis = 400 * DAY;

/// Arguments of `gengfu simulate`.
#[derive(Debug, clap::Args)]
pub struct SimulateArgs {
    /// From when: RFC 3339, or a local time like 2027-01-01.
    #[arg(long, value_name = "TIME")]
    from: String,
    /// Until when, at most 400 days later.
    #[arg(long, value_name = "TIME")]
    to: String,
    /// Faults and overruns follow from this number.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Outages in 30 days, over the whole city, and one window in ten overruns [default: none; 20 without a number]
    #[arg(long, value_name = "NUMBER", num_args = 0..=1, default_missing_value = "20")]
    faults: Option<u32>,
    /// As if every approval were given in time.
    #[arg(long)]
    approved: bool,
    /// Whether a year whose notice is not out may be taken for published.
    #[arg(long, value_enum, default_value_t)]
    calendar: Trust,
    /// Write every mail of the span into this folder, one file for each.
    #[arg(long, value_name = "FOLDER")]
    mails: Option<PathBuf>,
    /// How the answer is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The language of the sentences: zh or en.
    #[arg(long, value_parser = language, default_value = "en", env = "GENGFU_LANG")]
    lang: Language,
}

/// What became of one window.
#[derive(Clone, Debug)]
struct Fate {
    owner: OwnerId,
    span: Span,
    state: WindowState,
    why: Names,
    /// It began.
    opened: bool,
    /// It was late at any time.
    overran: bool,
}

/// One mail in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Sort {
    Announcement,
    Opened,
    Closed,
    Dependency,
    Other,
}

/// Simulates; 0 whatever comes of it.
///
/// # Errors
/// If the span makes no sense, or a mail or `out` cannot be written.
pub fn simulate(
    now: Timestamp,
    inventory: &Inventory,
    context: &RenderContext,
    args: &SimulateArgs,
    out: &mut dyn Write,
) -> Result<u8> {
    let within = Span::new(instant(now, inventory, Some(&args.from))?, instant(now, inventory, Some(&args.to))?);
    if within.is_empty() {
        bail!("--to is not after --from; nothing lies between");
    }
    if within.len_ms() > LENGTH_MAX {
        bail!("more than 400 days are asked for; cut them in two");
    }
    let mut changed = inventory.clone();
    let trusted = if args.calendar == Trust::Provisional { changed.calendar.trust_provisional() } else { Vec::new() };
    if args.approved {
        changed.policies.iter_mut().for_each(|policy| policy.approvals = 0);
    }
    let known = Span::new(within.start - WARM_UP, within.end);
    only_starts_inside(&mut changed, known);
    let stretch = world::stretch(&mut changed, known);
    let letters = args.mails.as_deref().map(|folder| Letters::into(folder, context)).transpose()?;
    let mut run = Run::new(changed, known, within, args, stretch);
    run.letters = letters;
    run.go();
    run.letters.take().map(Letters::end).transpose()?;
    let report = Report { run: &run, args, within, trusted, stretch };
    match args.format {
        Format::Json => writeln!(out, "{:#}", report.json())?,
        Format::Human => report.human(out)?,
    }
    Ok(0)
}

/// Writes the starts of every schedule out, as far as they matter: the same windows under the same ids, without those
/// of another year, which the engine would look at every hour.
fn only_starts_inside(inventory: &mut Inventory, known: Span) {
    let zone = inventory.zone.clone();
    for schedule in inventory.schedules.values_mut() {
        let starts = expand(schedule, &zone, known).into_iter().map(|planned| planned.civil_start).collect();
        schedule.starts = Recurrence::Dates(starts);
        (schedule.except, schedule.also) = (Vec::new(), Vec::new());
    }
}

/// One simulation.
struct Run {
    engine: Engine,
    inventory: Arc<Inventory>,
    world: World,
    now: Timestamp,
    known: Span,
    within: Span,
    fates: BTreeMap<WindowId, Fate>,
    /// Mails inside the span, by address and sort.
    mails: BTreeMap<String, BTreeMap<Sort, usize>>,
    /// Where they go, if anybody wants them.
    letters: Option<Letters>,
    incidents: usize,
    accounts: report::Spending,
    /// What windows that had not begun waited for, as of their last day.
    waited: BTreeMap<WindowId, Names>,
}

impl Run {
    fn new(inventory: Inventory, known: Span, within: Span, args: &SimulateArgs, stretch: i64) -> Self {
        let inventory = Arc::new(inventory);
        let engine = Engine::new(known.start, Arc::clone(&inventory));
        let world = World::new(&inventory, known.start, within, args.seed, args.faults.unwrap_or(0), stretch);
        Self {
            engine,
            world,
            now: known.start,
            known,
            within,
            inventory,
            fates: BTreeMap::new(),
            mails: BTreeMap::new(),
            letters: None,
            incidents: 0,
            accounts: report::Spending::default(),
            waited: BTreeMap::new(),
        }
    }

    /// From the first instant to the last, never backward.
    fn go(&mut self) {
        let first = self.engine.start(self.known.start, None, "simulation");
        self.take(first);
        let mut looked = self.known.start;
        let months = report::month_ends(&self.inventory.zone, self.within);
        let mut months = months.into_iter().peekable();
        loop {
            let due = [self.engine.next_deadline(), self.world.next(), months.peek().copied(), Some(looked + DAY)];
            let Some(at) = due.into_iter().flatten().min().filter(|at| *at <= self.known.end) else { break };
            self.now = self.now.max(at);
            if looked + DAY <= self.now {
                looked = self.now;
                self.look_at_those_that_wait();
            }
            match self.world.attempt(self.now) {
                Some(seen) => self.handle(Event::Observed(seen)),
                None => self.handle(Event::Tick),
            }
            while months.next_if(|end| *end <= self.now).is_some() {
                self.account(self.now - 1);
            }
        }
        self.now = self.known.end;
        self.handle(Event::Tick);
        self.account(self.known.end - 1);
        self.look_at_those_that_wait();
    }

    fn handle(&mut self, event: Event) {
        let output = self.engine.handle(self.now, event);
        self.take(output);
    }

    fn take(&mut self, output: Output) {
        for recorded in &output.facts {
            self.note(&recorded.fact);
        }
        let mut reports = Vec::new();
        for effect in output.effects {
            match effect {
                Effect::Retry { probe, at } => self.world.retry(&probe, at),
                // Steps of plans succeed at once in this world.
                Effect::Step(order) => reports.push(plan::Report::done(*order)),
                Effect::Release { .. } => {}
            }
        }
        for message in output.messages {
            self.count(&message);
            // The relay of this world accepts at once.
            self.handle(Event::Delivered { message: Box::new(message), accepted: self.now });
        }
        for report in reports {
            self.handle(Event::Reported(Box::new(report)));
        }
    }

    fn note(&mut self, fact: &Fact) {
        match fact {
            Fact::WindowChanged { window, schedule, span, to, why, .. } => {
                let written = self.inventory.schedules.get(schedule);
                let fate = self.fates.entry(window.clone()).or_insert_with(|| Fate {
                    owner: written.map_or_else(|| OwnerId::new(""), |s| s.owner.clone()),
                    span: *span,
                    state: *to,
                    why: why.clone(),
                    opened: false,
                    overran: false,
                });
                (fate.span, fate.state, fate.why) = (*span, *to, why.clone());
                fate.overran |= to.is_late();
                if *to == WindowState::Active && !fate.opened {
                    fate.opened = true;
                    let scope = written.map_or(&[][..], |s| &s.scope);
                    self.world.maintain(self.now, &self.inventory, scope, *span);
                }
            }
            Fact::IncidentOpened { .. } if self.within.contains(self.now) => self.incidents += 1,
            _ => {}
        }
    }

    fn count(&mut self, message: &Message) {
        if !self.within.contains(self.now) {
            return;
        }
        let sort = match message.content {
            Content::Announcement { .. } | Content::WindowNews { .. } => Sort::Announcement,
            Content::Opened(_) | Content::Reopened(_) => Sort::Opened,
            Content::Closed(_) => Sort::Closed,
            Content::DependencyInMaintenance { .. } => Sort::Dependency,
            _ => Sort::Other,
        };
        if let Some(letters) = &mut self.letters {
            letters.add(message);
        }
        *self.mails.entry(message.to.mail.clone()).or_default().entry(sort).or_default() += 1;
    }

    /// Remembers what stands in the way of windows that are near, since their last state will only say that they did
    /// not begin.
    fn look_at_those_that_wait(&mut self) {
        let near = Span::new(self.now - DAY, self.now + 3 * DAY);
        let snapshot = self.engine.snapshot();
        let waiting = |w: &&WindowView| {
            matches!(w.state, WindowState::Draft | WindowState::Blocked) && near.contains(w.span.start)
        };
        for window in snapshot.windows.iter().filter(waiting) {
            self.waited.insert(window.id.clone(), window.why.clone());
        }
    }

    /// The accounts of the month that holds `at`, as they stand then.
    fn account(&mut self, at: Timestamp) {
        let snapshot = self.engine.snapshot();
        self.accounts.add(at, &snapshot);
    }

    /// Windows that start inside the span, by start.
    fn windows(&self) -> Vec<(&WindowId, &Fate)> {
        let mut windows: Vec<_> = self.fates.iter().filter(|(_, f)| self.within.contains(f.span.start)).collect();
        windows.sort_by_key(|(id, fate)| (fate.span, *id));
        windows
    }
}

#[cfg(test)]
mod tests;
