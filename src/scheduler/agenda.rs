//! Who is due when: the scheduler's decisions, without tasks, sockets or a clock.
//!
//! Not here: waiting and running (`scheduler`), and who of those that wait is next (`hosts`). Invariants: at most one
//! attempt of a probe is in flight; at most `concurrency` attempts are, and `per_host` at one host; a tick is attempted,
//! served by a re-try, or skipped with a reason, never more than one of these; any start of an attempt answers a pending
//! re-try.

mod hosts;

use super::ScheduledProbe;
use crate::domain::{Millis, ProbeId, Timestamp, Trigger, phase_ms};
use crate::probe::Skip;
use hosts::{Hosts, Name, Place};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// The place of a probe, and which of its successive holders is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    index: u32,
    generation: u32,
}

/// Ticks sort before re-tries, so that both at one instant are one attempt, the tick's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    Tick,
    Retry,
}

/// What the caller has to do.
#[derive(Debug)]
pub(super) enum Action {
    /// Run an attempt and call [`Agenda::finished`] when it is over.
    Start { key: Key, probe: ScheduledProbe, trigger: Trigger, scheduled: Timestamp },
    /// Count a tick that is not attempted.
    Skip(Skip),
}

/// How much may happen at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most attempts that run.
    pub concurrency: usize,
    /// Most of them that ask one host.
    pub per_host: usize,
}

/// Due, but without a permit so far.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    trigger: Trigger,
    since: Timestamp,
    place: Place,
}

#[derive(Debug)]
struct Entry {
    probe: ScheduledProbe,
    host: Name,
    phase_ms: Millis,
    next_tick: Timestamp,
    retry: Option<Timestamp>,
    running: Option<Trigger>,
    waiting: Option<Waiting>,
}

/// The agenda of all probes.
#[derive(Debug)]
pub(super) struct Agenda {
    entries: Vec<(u32, Option<Entry>)>,
    free: Vec<u32>,
    by_id: HashMap<ProbeId, u32>,
    due: BinaryHeap<Reverse<(Timestamp, Cause, Key)>>,
    hosts: Hosts,
    /// Which host each attempt asks, also when its probe has gone or asks another one since.
    in_flight: HashMap<Key, Name>,
    limit: usize,
    actions: Vec<Action>,
}

/// The first tick at or after `now`.
fn tick_at_or_after(now: Timestamp, phase_ms: Millis, every_ms: Millis) -> Timestamp {
    now + (phase_ms - now.0).rem_euclid(every_ms.max(1))
}

impl Agenda {
    /// An empty agenda.
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
            due: BinaryHeap::new(),
            hosts: Hosts::new(limits.per_host),
            in_flight: HashMap::new(),
            limit: limits.concurrency.max(1),
            actions: Vec::new(),
        }
    }

    /// Attempts that are running.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// When there is something to do next.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.peek().map(|Reverse((at, _, _))| *at)
    }

    /// What has to be done since the last call.
    pub(super) fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// Takes over a new set of probes; those that stay keep their ticks, re-tries and attempts in flight.
    pub(super) fn replace(&mut self, now: Timestamp, probes: Vec<ScheduledProbe>) {
        let mut gone = std::mem::take(&mut self.by_id);
        for probe in probes {
            let id = probe.plan.id.clone();
            let index = match gone.remove(&id) {
                Some(index) => {
                    self.update(now, index, probe);
                    index
                }
                None => self.insert(now, probe),
            };
            self.by_id.insert(id, index);
        }
        for index in gone.into_values() {
            let place = &mut self.entries[index as usize];
            if let Some(Entry { host, waiting: Some(waiting), .. }) = &place.1 {
                self.hosts.leave(host, waiting.place);
            }
            *place = (place.0.wrapping_add(1), None);
            self.free.push(index);
        }
        self.hand_out();
    }

    fn update(&mut self, now: Timestamp, index: u32, probe: ScheduledProbe) {
        let (generation, Some(entry)) = &mut self.entries[index as usize] else { return };
        let same_rate = entry.probe.plan.every_ms == probe.plan.every_ms;
        let key = Key { index, generation: *generation };
        let before = std::mem::replace(&mut entry.host, hosts::name(probe.prober.host()));
        if let Some(waiting) = &entry.waiting
            && before != entry.host
        {
            self.hosts.change_host(&before, &entry.host, waiting.place, key);
        }
        entry.probe = probe;
        if !same_rate {
            let every_ms = entry.probe.plan.every_ms;
            entry.phase_ms = phase_ms(&entry.probe.plan.id, every_ms);
            entry.next_tick = tick_at_or_after(now, entry.phase_ms, every_ms);
            self.due.push(Reverse((entry.next_tick, Cause::Tick, key)));
        }
    }

    fn insert(&mut self, now: Timestamp, probe: ScheduledProbe) -> u32 {
        let phase_ms = phase_ms(&probe.plan.id, probe.plan.every_ms);
        let next_tick = tick_at_or_after(now, phase_ms, probe.plan.every_ms);
        let host = hosts::name(probe.prober.host());
        let entry = Entry { probe, host, phase_ms, next_tick, retry: None, running: None, waiting: None };
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push((0, None));
            // 4 billion probes do not fit into memory, so the cast cannot cut anything.
            (self.entries.len() - 1) as u32
        });
        let place = &mut self.entries[index as usize];
        place.1 = Some(entry);
        let key = Key { index, generation: place.0 };
        self.due.push(Reverse((next_tick, Cause::Tick, key)));
        index
    }

    fn entry(&mut self, key: Key) -> Option<&mut Entry> {
        let (generation, entry) = &mut self.entries[key.index as usize];
        entry.as_mut().filter(|_| *generation == key.generation)
    }

    /// Asks for a re-try at `at`, or at the end of the attempt in flight if that is later.
    pub(super) fn retry(&mut self, probe: &ProbeId, at: Timestamp) {
        let Some(index) = self.by_id.get(probe).copied() else { return };
        let key = Key { index, generation: self.entries[index as usize].0 };
        let Some(entry) = self.entry(key) else { return };
        if entry.retry.is_none_or(|pending| at < pending) {
            entry.retry = Some(at);
            self.due.push(Reverse((at, Cause::Retry, key)));
        }
    }

    /// Decides about everything that is due at `now`.
    pub(super) fn advance(&mut self, now: Timestamp) {
        while let Some(Reverse((at, cause, key))) = self.due.peek().copied()
            && at <= now
        {
            self.due.pop();
            match cause {
                Cause::Tick => self.tick(now, at, key),
                Cause::Retry => self.retry_due(at, key),
            }
        }
    }

    fn tick(&mut self, now: Timestamp, at: Timestamp, key: Key) {
        let Some(entry) = self.entry(key).filter(|entry| entry.next_tick == at) else { return };
        let every_ms = entry.probe.plan.every_ms.max(1);
        entry.next_tick = at + every_ms;
        let next = entry.next_tick;
        entry.probe.slot.scheduled(at);
        let overtaken = next <= now;
        match (entry.running, &mut entry.waiting) {
            // We ourselves were late by more than an interval; the later tick is attempted in its place.
            _ if overtaken => self.skip(key, at, Skip::NoPermit),
            (Some(Trigger::Retry), _) => entry.probe.slot.meet_tick(),
            (Some(Trigger::Tick), _) => self.skip(key, at, Skip::InFlight),
            (None, Some(waiting)) if waiting.trigger == Trigger::Tick => {
                let earlier = std::mem::replace(&mut waiting.since, at);
                let host = entry.host.clone();
                let reason = if self.hosts.is_busy(&host) { Skip::HostBusy } else { Skip::NoPermit };
                self.skip(key, earlier, reason);
            }
            (None, Some(waiting)) => waiting.trigger = Trigger::Tick,
            (None, None) => self.offer(key, Trigger::Tick, at),
        }
        self.due.push(Reverse((next, Cause::Tick, key)));
    }

    fn skip(&mut self, key: Key, tick: Timestamp, reason: Skip) {
        if let Some(entry) = self.entry(key) {
            entry.probe.slot.skipped(tick);
            self.actions.push(Action::Skip(reason));
        }
    }

    fn retry_due(&mut self, at: Timestamp, key: Key) {
        let Some(entry) = self.entry(key).filter(|entry| entry.retry == Some(at)) else { return };
        match (entry.running, &entry.waiting) {
            // Stays pending; the end of the attempt in flight looks for it.
            (Some(_), _) => {}
            (None, Some(_)) => entry.retry = None,
            (None, None) => self.offer(key, Trigger::Retry, at),
        }
    }

    fn offer(&mut self, key: Key, trigger: Trigger, since: Timestamp) {
        let (generation, Some(entry)) = &mut self.entries[key.index as usize] else { return };
        if *generation != key.generation {
            return;
        }
        entry.retry = None;
        entry.waiting = Some(Waiting { trigger, since, place: self.hosts.enqueue(&entry.host, key) });
        self.hand_out();
    }

    /// Gives permits, as long as there are any, to who waits longest and whose host has room.
    fn hand_out(&mut self) {
        while self.in_flight.len() < self.limit
            && let Some(key) = self.hosts.next()
        {
            self.start(key);
        }
    }

    fn start(&mut self, key: Key) {
        let Some(entry) = self.entry(key) else { return };
        let Some(Waiting { trigger, since: scheduled, .. }) = entry.waiting.take() else { return };
        entry.retry = None;
        entry.running = Some(trigger);
        let (probe, host) = (entry.probe.clone(), entry.host.clone());
        self.in_flight.insert(key, host);
        self.actions.push(Action::Start { key, probe, trigger, scheduled });
    }

    /// An attempt is over: its permit goes to who waits longest, and a re-try that was due meanwhile is due now.
    pub(super) fn finished(&mut self, now: Timestamp, key: Key) {
        if let Some(host) = self.in_flight.remove(&key) {
            self.hosts.finished(&host);
        }
        if let Some(entry) = self.entry(key) {
            entry.running = None;
            if let Some(at) = entry.retry.filter(|at| *at <= now) {
                return self.offer(key, Trigger::Retry, at);
            }
        }
        self.hand_out();
    }

    /// The wall clock was set by `delta_ms` to `now`: ticks are found anew, none is caught up, re-tries move along.
    pub(super) fn step(&mut self, now: Timestamp, delta_ms: Millis) {
        self.due.clear();
        for (index, (generation, entry)) in self.entries.iter_mut().enumerate() {
            let Some(entry) = entry else { continue };
            let key = Key { index: index as u32, generation: *generation };
            entry.next_tick = tick_at_or_after(now, entry.phase_ms, entry.probe.plan.every_ms);
            entry.retry = entry.retry.map(|at| at + delta_ms);
            if let Some(waiting) = &mut entry.waiting {
                waiting.since = waiting.since + delta_ms;
            }
            self.due.push(Reverse((entry.next_tick, Cause::Tick, key)));
            if let Some(at) = entry.retry {
                self.due.push(Reverse((at, Cause::Retry, key)));
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
