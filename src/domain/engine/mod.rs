//! The router: an event goes to the state machines that it concerns; facts and effects come out.
//!
//! Not here: any rule. Each arm calls one small state machine in a file of its own (`watch`, `incident`, `window`,
//! `sla`). Invariants: state changes by facts alone, so a restart that replays them arrives at the same state; engine
//! time never runs backward; an observation that changes nothing allocates nothing.

mod around;
mod attribute;
mod beside;
mod canary;
mod checkpoint;
mod correct;
mod digest;
mod filing;
mod follow;
mod lately;
mod leases;
mod orders;
mod outages;
mod output;
mod picture;
mod plan_orders;
mod plans;
mod promise;
mod reports;
mod severity;
mod sight;
mod silences;
mod storm;
mod tell;
mod wake;
mod wall;
mod windows;
mod words;

#[cfg(test)]
mod tests;

pub use output::{Effect, Output};
pub(in crate::domain) use picture::window_view;

use super::correction::Corrections;
use super::health::{Change, Verdict};
use super::incident::Desk;
use super::lease::Leases;
use super::watch::Watch;
use super::window::Book;
use super::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use wake::{Wake, Wakes};
use wall::Wall;

/// A forward step of the wall clock of more than this is a fact.
pub const CLOCK_STEP_MAX: Millis = 2 * SECOND;

/// Life of a message: after this it is given up.
pub const MESSAGE_LIFE: Millis = DAY;

/// How long timelines, windows and incidents stay in memory.
///
/// The exclusion cap of a rolling 30 days reaches back to the start of the month in which they begin.
pub const MEMORY: Millis = 64 * DAY;

/// What the engine is told.
#[derive(Clone, Debug)]
pub enum Event {
    /// An attempt ended.
    Observed(Observation),
    /// A new set of files was accepted.
    Reloaded {
        /// The new shape of the world.
        inventory: Arc<Inventory>,
        /// SHA-256 of the files.
        digest: String,
        /// Who asked, or noticed.
        by: Actor,
    },
    /// A new set of files was refused.
    ReloadRefused {
        /// What `check` prints.
        text: String,
        /// Who asked, or noticed.
        by: Actor,
    },
    /// Somebody asked for something that changes no state of the engine's, or was refused before it came here.
    Noted(Box<AuditEntry>),
    /// A relay accepted a message.
    Delivered {
        /// Which one.
        message: Box<Message>,
        /// When.
        accepted: Timestamp,
    },
    /// A channel fetched notices.
    Fetched {
        /// The holder of its token.
        channel: String,
        /// What it got.
        shown: Vec<window::Shown>,
    },
    /// Something that a run asked for ended, or was not done.
    Reported(Box<plan::Report>),
    /// These targets are out of service, by flags of ours.
    Drained(Vec<String>),
    /// The wall clock jumped.
    ClockStepped {
        /// Where it was.
        from: Timestamp,
        /// Where it went.
        to: Timestamp,
    },
    /// The witnesses were asked whether we see.
    Sight(Sight),
    /// The kernel was asked about its clock.
    ClockAsked {
        /// Why it is not to be trusted, if so.
        doubt: Option<Names>,
    },
    /// The report about a month is made.
    MonthOver {
        /// `2026-10`.
        period: String,
        /// Who is to get what.
        letters: Vec<ReportLetter>,
        /// What the city's says.
        said: Option<ReportSaid>,
    },
    /// Nothing happened; a deadline may have passed.
    Tick,
}

/// The state and its machines.
#[derive(Debug)]
pub struct Engine {
    inventory: Arc<Inventory>,
    now: Timestamp,
    wall: Wall,
    watch: Watch,
    book: Book,
    runs: plan::Runs,
    desk: Desk,
    leases: Leases,
    corrections: Corrections,
    wakes: Wakes,
    admins: RosterId,
    digest: String,
    reload_refused: Option<Arc<str>>,
    /// The last month whose report was sent.
    reported: Option<Arc<str>>,
    picture: picture::Picture,
    /// Good rounds of windows that verify.
    rounds: BTreeMap<WindowId, windows::Rounds>,
    /// Those of runs with a step that waits for them.
    run_rounds: BTreeMap<RunId, windows::Rounds>,
    /// When the wall clock last jumped forward.
    clock_stepped: Option<Timestamp>,
    journal: Journal,
    /// Since when the store refuses facts.
    refused_since: Option<Timestamp>,
    surveyed: around::Surveyed,
    /// What the owners' people are to be told before the present event is done with.
    untold: Vec<windows::Untold>,
    /// What is out of service inside a window, and whether it shows what it should.
    drained: BTreeMap<ProbeId, windows::Shows>,
    /// What is beside running maintenance, and beside which.
    beside: BTreeMap<SubsystemId, WindowId>,
    daily_digest: digest::Digest,
    storm: storm::Storm,
    silences: silence::Silences,
    filings: super::filing::Filings,
}

/// Whether the store takes facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Journal {
    /// It does.
    #[default]
    Writes,
    /// It does not: what waits for a record does not start.
    Refuses,
}

impl Engine {
    /// An engine that knows nothing but the shape of the world.
    pub fn new(now: Timestamp, inventory: Arc<Inventory>) -> Self {
        let mut engine = Self {
            admins: inventory.admins.clone(),
            inventory,
            now,
            wall: Wall::at(now),
            watch: Watch::default(),
            book: Book::default(),
            runs: plan::Runs::default(),
            desk: Desk::default(),
            leases: Leases::default(),
            corrections: Corrections::default(),
            wakes: Wakes::default(),
            digest: String::new(),
            reload_refused: None,
            reported: None,
            picture: picture::Picture::default(),
            rounds: BTreeMap::new(),
            run_rounds: BTreeMap::new(),
            clock_stepped: None,
            journal: Journal::default(),
            refused_since: None,
            surveyed: around::Surveyed::default(),
            untold: Vec::new(),
            drained: BTreeMap::new(),
            beside: BTreeMap::new(),
            daily_digest: digest::Digest::default(),
            storm: storm::Storm::default(),
            silences: silence::Silences::default(),
            filings: super::filing::Filings::default(),
        };
        engine.watch.adopt(now, &engine.inventory);
        engine
    }

    /// The shape of the world.
    pub fn inventory(&self) -> &Arc<Inventory> {
        &self.inventory
    }

    /// Engine time: no later fact is dated earlier.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Holds engine time at `at` if it lies behind: what was before is sealed.
    pub fn hold_at(&mut self, at: Timestamp) {
        self.now = self.now.max(at);
    }

    /// Notes whether the store takes facts; memory only.
    pub fn note_journal(&mut self, journal: Journal) {
        self.journal = journal;
        self.refused_since = match journal {
            Journal::Writes => None,
            Journal::Refuses => self.refused_since.or(Some(self.now)),
        };
    }

    /// The earliest instant at which [`Event::Tick`] is wanted.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.wakes.next()
    }

    /// Folds a stored fact in; the only way in which state changes.
    pub fn apply(&mut self, recorded: &Recorded) {
        self.now = self.now.max(recorded.at);
        match &recorded.fact {
            Fact::Started { alive_until: Some(since), .. } => self.lost_sight(*since),
            Fact::ClockStepped { from, to } => {
                self.clock_stepped = Some(recorded.at);
                self.runs.skip(to.since(*from).max(0));
                self.lost_sight(*from);
            }
            Fact::ProbeChanged { probe, to, since, reason } => {
                let id = self.present_id(probe);
                let changed = self.watch.changed(&self.inventory, &id, *to, *since, reason.as_ref());
                changed.iter().for_each(|id| self.note_undeclared(id));
                self.picture.touch(changed);
            }
            Fact::Reloaded { digest } => self.digest.clone_from(digest),
            Fact::MonthReported { period, .. } => self.reported = Some(period.as_str().into()),
            Fact::Run { run, event } => self.runs.apply(recorded.at, run, event),
            fact => {
                self.note_explained(recorded.at, fact);
                let before = self.subject_of(fact);
                self.book.apply(recorded.at, fact, &self.inventory);
                self.desk.apply(recorded.at, fact);
                self.leases.apply(recorded.at, fact);
                self.subject_of(fact).or(before).iter().for_each(|id| self.note_undeclared(id));
                self.corrections.apply(recorded.at, fact);
                self.silences.apply(recorded.at, fact);
                self.filings.apply(recorded.at, fact);
            }
        }
    }

    /// Takes up work after the stored facts were applied: what lies between the last sign of life and the next
    /// attempts is unknown, and every deadline is set again.
    pub fn start(&mut self, now: Timestamp, alive_until: Option<Timestamp>, digest: &str) -> Output {
        let mut out = Output::default();
        self.wall = Wall::at_start(now, self.now);
        self.now = self.now.max(now);
        let version = env!("CARGO_PKG_VERSION").to_owned();
        self.record(&mut out, Fact::Started { alive_until, version });
        if self.digest != digest {
            let by = Actor::ourselves("start");
            out.audit.push(AuditEntry::done(self.now, by, "reload", digest, "taken over"));
            self.record(&mut out, Fact::Reloaded { digest: digest.to_owned() });
        }
        self.picture.touch_all();
        self.lease_runs(&mut out);
        self.adopt(&mut out);
        self.plan_digest(alive_until);
        self.plan_canary(alive_until);
        self.tell_news(&mut out);
        out
    }

    /// Handles one event at `now`.
    pub fn handle(&mut self, now: Timestamp, event: Event) -> Output {
        let mut out = Output::default();
        self.hear(now);
        match event {
            Event::Observed(seen) => self.observed(&mut out, &seen),
            Event::Reloaded { inventory, digest, by } => self.reloaded(&mut out, inventory, digest, by),
            Event::ReloadRefused { text, by } => self.refused(&mut out, text, by),
            Event::Noted(entry) => out.audit.push(*entry),
            Event::Delivered { message, accepted } => self.delivered(&mut out, &message, accepted),
            Event::Fetched { channel, shown } => self.fetched(&mut out, &channel, &shown),
            Event::Reported(report) => self.reported(&mut out, &report),
            Event::Drained(targets) => self.found_drained(&mut out, &targets),
            Event::ClockStepped { from, to } => {
                self.record(&mut out, Fact::ClockStepped { from, to });
                self.picture.touch_all();
            }
            Event::ClockAsked { doubt } => self.hear_of_sync(doubt),
            Event::Sight(sight) => self.sight(&mut out, sight),
            Event::MonthOver { period, letters, said } => self.month_over(&mut out, period, letters, said),
            Event::Tick => {}
        }
        self.tick(&mut out);
        self.tell_news(&mut out);
        out
    }

    /// Takes note of the wall clock: engine time follows it, and holds while it lies behind.
    fn hear(&mut self, wall: Timestamp) {
        self.wall.shows(wall);
        self.now = self.now.max(wall);
    }

    fn tick(&mut self, out: &mut Output) {
        while let Some(wake) = self.wakes.pop(self.now) {
            match wake {
                Wake::Stale(probe) => self.stale(out, &probe),
                Wake::Subsystem(id) => self.reconsider(out, &id),
                Wake::Tell(incident) => self.tell_opening(out, incident),
                Wake::Follow(incident) => self.follow(out, incident),
                Wake::Filing(incident) => self.consider_filing(out, incident),
                Wake::Storm => self.settle_storm(out),
                Wake::Window(id) => self.advance_window(out, &id),
                Wake::Run(id) => self.advance_run(out, &id),
                Wake::Risk(id) => self.consider_risk(out, &id),
                Wake::Daily => self.daily(out),
                Wake::Digest => self.tell_digest(out),
                Wake::Canary => self.send_canary(out),
            }
        }
    }

    /// Records a fact: state changes at once, the shell stores it before any effect.
    fn record(&mut self, out: &mut Output, fact: Fact) {
        let recorded = Recorded { at: self.now, fact };
        self.apply(&recorded);
        self.note_reportable(&recorded.fact);
        if matches!(
            recorded.fact,
            Fact::WindowChanged { .. } | Fact::WindowRequested { .. } | Fact::WindowAmended { .. }
        ) {
            self.window_moved();
            self.note_news(&recorded);
        }
        out.facts.push(recorded);
    }

    fn observed(&mut self, out: &mut Output, seen: &Observation) {
        let inventory = Arc::clone(&self.inventory);
        let Some(plan) = inventory.probes.get(&seen.probe) else { return };
        let Some(state) = self.watch.probe_mut(&plan.id) else { return };
        // One look at the state serves all that an observation which changes nothing needs.
        let recovering_since = state.recovering_since();
        let settled = state.counter.contrary_since().is_none();
        let arrival = state.arrival(seen);
        if let Some(at) = state.begins_to_await(plan) {
            self.wakes.at(at, Wake::Stale(plan.id.clone()));
        }
        let mut changed = arrival.is_some();
        let verdict = match arrival {
            None => state.count(plan, seen),
            Some(fact) => {
                self.record(out, fact);
                self.watch.probe_mut(&plan.id).map_or(Verdict::Settled, |state| state.count(plan, seen))
            }
        };
        if seen.trigger == Trigger::Tick && plan.role == Role::Critical {
            let bad = matches!(seen.outcome, Outcome::Fail(_) | Outcome::Degraded(_));
            let turned_bad = settled && bad && !matches!(verdict, Verdict::Settled);
            self.watch_for_storm(out, turned_bad);
        }
        match verdict {
            Verdict::Settled => {}
            Verdict::Unconfirmed => {
                let at = (seen.started + self.confirm_every_ms(plan)).max(self.now);
                out.effects.push(Effect::Retry { probe: plan.id.clone(), at });
            }
            Verdict::Changed(Change { to, since }) => {
                changed = true;
                let (probe, reason) = (plan.id.clone(), seen.outcome.reason().cloned());
                self.record(out, Fact::ProbeChanged { probe, to: Some(to), since, reason });
            }
        }
        if changed {
            self.health_changed(out, &plan.id.subsystem());
        } else if self.watch.probe(&plan.id).is_some_and(|state| state.recovering_since() != recovering_since) {
            self.picture.touch(Some(plan.id.subsystem()));
        }
        if !self.rounds.is_empty() || !self.run_rounds.is_empty() {
            self.count_round(out, seen);
        }
        if self.book.is_at_work() {
            self.look_for_defect(out, seen);
        } else if !self.drained.is_empty() {
            self.drained.clear();
        }
    }

    fn stale(&mut self, out: &mut Output, probe: &ProbeId) {
        let inventory = Arc::clone(&self.inventory);
        let Some(plan) = inventory.probes.get(probe) else { return };
        match self.watch.stale(self.now, plan) {
            Some(fact) => {
                self.record(out, fact);
                self.health_changed(out, &probe.subsystem());
            }
            None => {
                if let Some(at) = self.watch.looks_at(plan) {
                    self.wakes.at(at, Wake::Stale(probe.clone()));
                }
            }
        }
    }

    fn reloaded(&mut self, out: &mut Output, inventory: Arc<Inventory>, digest: String, by: Actor) {
        self.inventory = inventory;
        self.admins = self.inventory.admins.clone();
        self.reload_refused = None;
        out.audit.push(AuditEntry::done(self.now, by, "reload", &digest, "taken over"));
        self.record(out, Fact::Reloaded { digest });
        self.picture.touch_all();
        self.adopt(out);
        self.note_written_again(out);
        self.plan_canary(None);
    }

    /// Fits the state to the inventory, and sets every deadline.
    fn adopt(&mut self, out: &mut Output) {
        let inventory = Arc::clone(&self.inventory);
        for probe in self.watch.adopt(self.now, &inventory) {
            self.record(out, Fact::ProbeRetired { probe });
        }
        for plan in inventory.probes.values() {
            if let Some(at) = self.watch.looks_at(plan) {
                self.wakes.at(at, Wake::Stale(plan.id.clone()));
            }
        }
        self.adopt_windows(out);
        self.resume_rounds();
        self.advance_all_runs(out);
        self.advance_all_windows(out);
        self.close_the_vanished(out);
        self.find_neighbours();
        for id in inventory.subsystems.keys() {
            if self.watch.subsystem(id).is_some_and(|s| s.timeline.last().is_some()) {
                self.health_changed(out, id);
            }
        }
        self.look_at_all_incidents();
        self.look_at_all_filings();
        self.wakes.at(self.now + HOUR, Wake::Daily);
    }

    fn daily(&mut self, out: &mut Output) {
        let horizon = self.now - MEMORY;
        self.watch.forget_before(horizon);
        self.book.forget_before(horizon);
        self.runs.forget_before(horizon);
        self.corrections.forget_before(horizon);
        self.adopt_windows(out);
        self.picture.touch_all();
        self.advance_all_windows(out);
        self.wakes.at(self.now + HOUR, Wake::Daily);
    }

    /// The present id of a probe that a fact knows by a former one.
    fn present_id(&self, probe: &ProbeId) -> ProbeId {
        if self.inventory.probes.contains_key(probe) {
            return probe.clone();
        }
        let was = probe.subsystem();
        let renamed = self.inventory.subsystems.values().find(|s| s.was.as_ref() == Some(&was));
        renamed.map_or_else(|| probe.clone(), |s| ProbeId::of(&s.id, probe.name()))
    }
}
