//! Random histories of one subsystem: what its probes saw, what the daemon decided, and what was scraped meanwhile.
//!
//! The engine is the real one, and so is the text of `/metrics`; a seed says everything else.

use crate::domain::engine::{Effect, Engine, Event, Output};
use crate::domain::fixture::City;
use crate::domain::*;
use crate::metrics::targets::{self, OutboxCounts, Sources};
use crate::metrics::writer::Page;
use crate::probe::Board;
use crate::web::figures::{Figures, Reader};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// From one scrape to the next.
pub(super) const SCRAPE_MS: Millis = 15 * SECOND;
/// A Wednesday, 10:00 in Shanghai.
const T0: Timestamp = Timestamp(1_773_194_400_000);
const ID: &str = "a/web";

/// What a probe would see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weather {
    Good,
    Bad,
    Blind,
    /// Every attempt for itself.
    Mixed,
}

/// One probe: its weather from instants on, and its next attempts.
struct Source {
    plan: ProbePlan,
    weather: Vec<(Timestamp, Weather)>,
    tick: Timestamp,
    retry: Option<Timestamp>,
}

/// One history as it went.
#[derive(Default)]
pub(super) struct History {
    /// Samples by series, as they were written; the number is that of the scrape.
    pub(super) series: BTreeMap<String, Vec<(usize, String)>>,
    /// How many scrapes there were.
    pub(super) scrapes: usize,
    /// When incidents about the budget were opened and closed.
    pub(super) decisions: Vec<Decision>,
    /// What the objective and the probes were, for people.
    pub(super) about: String,
    open: BTreeMap<IncidentId, Severity>,
}

/// The daemon opened or closed an incident about the budget.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decision {
    /// Since the beginning.
    pub(super) at_ms: Millis,
    pub(super) severity: Severity,
    pub(super) opens: bool,
    /// Whether its evidence was still there at the next scrape: what is dated back later may take it away.
    pub(super) seen: bool,
}

struct World {
    engine: Engine,
    now: Timestamp,
    sources: Vec<Source>,
    random: fastrand::Rng,
    history: History,
    /// Families that the rules read.
    asked: BTreeSet<String>,
}

/// The history that follows from a seed.
pub(super) fn history(seed: u64) -> History {
    let mut random = fastrand::Rng::with_seed(seed);
    let lasts_ms = random.i64(1..7) * HOUR;
    let inventory = inventory(&mut random);
    let sources = inventory.probes.values().filter(|plan| plan.role == Role::Critical).map(|plan| {
        let weather = weather(&mut random, T0 + lasts_ms);
        let phase_ms = (plan.phase_ms() - T0.0).rem_euclid(plan.every_ms);
        Source { plan: plan.clone(), weather, tick: T0 + phase_ms, retry: None }
    });
    let mut sources: Vec<Source> = sources.collect();
    sources.sort_by(|a, b| a.plan.id.cmp(&b.plan.id));
    let objective = inventory.objectives.values().next().unwrap();
    let about = format!(
        "{} ppm, {:?}, {:?}, {:?}, every {:?} ms",
        objective.target_ppm,
        objective.period,
        objective.figure,
        objective.pages,
        sources.iter().map(|s| s.plan.every_ms).collect::<Vec<_>>()
    );
    let engine = Engine::new(T0, Arc::new(inventory));
    let history = History { about, ..History::default() };
    let mut world = World { engine, now: T0, sources, random, history, asked: super::families() };
    let out = world.engine.start(T0, None, "digest");
    world.take(out);
    let end = T0 + lasts_ms;
    let mut at = T0;
    while at < end {
        world.run(at);
        world.scrape();
        at = at + SCRAPE_MS;
    }
    world.history
}

fn inventory(random: &mut fastrand::Rng) -> Inventory {
    let mut city = City::new().subsystem(ID, 2, &[]);
    if random.u8(..4) == 0 {
        let start = T0 + random.i64(20..180) * MINUTE;
        city = city.window("w", &[ID], start, random.i64(10..90) * MINUTE);
    }
    if random.u8(..4) == 0 {
        city = city.hours(ID, random.choice(&["daily 10:30-12:00", "daily 09:00-11:00;daily 12:00-18:00"]).unwrap());
    }
    let mut inventory = city.inventory();
    let objective = inventory.objectives.values_mut().next().unwrap();
    objective.target_ppm = *random.choice(&[930_000, 970_000, 995_000, 999_000, 999_500, 999_900]).unwrap();
    objective.period =
        *random.choice(&[ObjectivePeriod::Month, ObjectivePeriod::Rolling30d, ObjectivePeriod::Week]).unwrap();
    objective.figure = *random.choice(&[Figure::Public, Figure::Contract]).unwrap();
    objective.pages = Pages::of(Pages::WORDS.into_iter().filter(|_| random.u8(..5) > 0));
    let first = inventory.probes.values().next().unwrap().clone();
    for n in 0..random.usize(1..3) {
        let every_ms = *random.choice(&[10, 20, 30, 60, 60, 300, 1_200]).unwrap() * SECOND;
        let (fall, rise) = (random.u32(1..4), random.u32(1..4));
        let id = if n == 0 { first.id.clone() } else { ProbeId::of(&ID.into(), "other") };
        let timeout_ms = random.i64(2..16) * SECOND;
        let plan = ProbePlan { id: id.clone(), every_ms, timeout_ms, fall, rise, ..first.clone() };
        if n > 0 {
            inventory.subsystems.get_mut(ID).unwrap().probes.push(id.clone());
        }
        inventory.probes.insert(id, plan);
    }
    inventory
}

/// Spells of seconds to hours; most of the time is good.
fn weather(random: &mut fastrand::Rng, end: Timestamp) -> Vec<(Timestamp, Weather)> {
    let mut spells = Vec::new();
    let mut at = T0;
    while at < end {
        let kind = match random.u8(..10) {
            0..5 => Weather::Good,
            5..8 => Weather::Bad,
            8 => Weather::Blind,
            _ => Weather::Mixed,
        };
        spells.push((at, kind));
        let most = if kind == Weather::Good { 7_200.0_f64 } else { 2_400.0 };
        let seconds = 3.0 * (most / 3.0).powf(random.f64());
        at = at + (seconds * 1_000.0) as Millis;
    }
    spells
}

impl World {
    /// Lets time pass up to `end`: deadlines of the engine, ticks and re-tries, in their order.
    fn run(&mut self, end: Timestamp) {
        loop {
            let attempts = self.sources.iter().map(|s| s.retry.map_or(s.tick, |retry| retry.min(s.tick)));
            let (attempt, i) = attempts.zip(0..).min().unwrap();
            match self.engine.next_deadline().filter(|at| *at <= attempt) {
                Some(at) if at <= end => {
                    self.now = self.now.max(at);
                    let out = self.engine.handle(self.now, Event::Tick);
                    self.take(out);
                }
                None if attempt <= end => self.attempt(attempt, i),
                _ => break,
            }
        }
        self.now = end;
    }

    fn attempt(&mut self, at: Timestamp, i: usize) {
        self.now = self.now.max(at);
        let source = &mut self.sources[i];
        let trigger = if source.tick <= at { Trigger::Tick } else { Trigger::Retry };
        if source.tick <= at {
            source.tick = source.tick + source.plan.every_ms;
        }
        source.retry = None;
        let spell = source.weather.partition_point(|(start, _)| *start <= at).saturating_sub(1);
        let outcome = match source.weather[spell].1 {
            Weather::Good => Outcome::Pass,
            Weather::Bad => Outcome::fail(ReasonKind::Connect, "refused"),
            Weather::Blind => Outcome::unknown("no socket"),
            Weather::Mixed if self.random.bool() => Outcome::Pass,
            Weather::Mixed => Outcome::fail(ReasonKind::Connect, "refused"),
        };
        let probe = source.plan.id.clone();
        let seen = Observation { probe, started: self.now, took_ms: 5, trigger, outcome };
        let out = self.engine.handle(self.now, Event::Observed(seen));
        self.take(out);
    }

    fn take(&mut self, out: Output) {
        for recorded in &out.facts {
            self.note(recorded);
        }
        for message in out.messages {
            let accepted = Event::Delivered { message: Box::new(message), accepted: self.now };
            let out = self.engine.handle(self.now, accepted);
            self.take(out);
        }
        for effect in out.effects {
            if let Effect::Retry { probe, at } = effect
                && let Some(source) = self.sources.iter_mut().find(|s| s.plan.id == probe)
            {
                source.retry = Some(at);
            }
        }
    }

    fn note(&mut self, recorded: &Recorded) {
        let History { open, decisions, .. } = &mut self.history;
        let at_ms = recorded.at.since(T0);
        match &recorded.fact {
            Fact::IncidentOpened { incident, symptom: Symptom::SlaAtRisk, severity, .. } => {
                open.insert(*incident, *severity);
                decisions.push(Decision { at_ms, severity: *severity, opens: true, seen: false });
            }
            Fact::IncidentReopened { incident, .. } => {
                let reopened = |severity: &Severity| Decision { at_ms, severity: *severity, opens: true, seen: false };
                decisions.extend(open.get(incident).map(reopened));
            }
            Fact::IncidentClosed { incident, .. } => {
                let closed = |severity: &Severity| Decision { at_ms, severity: *severity, opens: false, seen: true };
                decisions.extend(open.get(incident).map(closed));
            }
            _ => {}
        }
    }

    fn scrape(&mut self) {
        let snapshot = self.engine.snapshot();
        let mut reader = Reader::new(self.now, &snapshot);
        let by_subsystem = snapshot.subsystems.iter().map(|view| (view.id.clone(), reader.subsystem(view))).collect();
        let figures = Figures { by_subsystem, ..Figures::default() };
        let burn = figures.by_subsystem.first().and_then(|(_, figures)| figures.burn);
        let pages = snapshot.inventory.objectives.values().next().map_or_else(Pages::default, |o| o.pages);
        let last_ms = self.now.since(T0) - SCRAPE_MS;
        for decision in self.history.decisions.iter_mut().filter(|d| d.opens && d.at_ms > last_ms) {
            decision.seen = burn.is_some_and(|b| b.firing(pages).any(|severity| severity == decision.severity));
        }
        let board = Board::new(&snapshot.inventory);
        let sources =
            Sources { snapshot: &snapshot, board: &board, figures: &figures, outbox: OutboxCounts::default() };
        let mut page = Page::default();
        targets::write(self.now, &mut page, &sources);
        let text = page.into_text();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            if !name.split('{').next().is_some_and(|family| self.asked.contains(family)) {
                continue;
            }
            let labelled = name.replace('}', ",job=\"gengfu\",instance=\"a\"}");
            self.history.series.entry(labelled).or_default().push((self.history.scrapes, value.to_owned()));
        }
        self.history.scrapes += 1;
    }
}
