//! Figures that depend on the time of reading: accounts, burn rates, open policies, gate answers. The one place that
//! asks `domain` for them.
//!
//! Not here: how they are shown. Everything follows from a snapshot and an instant; a [`Reader`] keeps only the hours
//! that many subsystems share, for as long as one page or one scrape takes.

use crate::domain::gate::GateAnswer;
use crate::domain::hours::HoursSpans;
use crate::domain::policy::{Policy, allowed};
use crate::domain::sla::burn::{Burn, evaluate, is_quiet, memory};
use crate::domain::sla::{Account, Grain, Period, account, promised_hours, reach};
use crate::domain::*;
use std::collections::HashMap;

/// How far ahead the end of an open block is looked for: longer than any holiday.
const OPEN_LOOK_AHEAD_MS: Millis = 15 * DAY;

/// The accounts of one subsystem; `None` where its objective is not known.
#[derive(Clone, Debug, Default)]
pub struct SubsystemFigures {
    /// The civil day.
    pub day: Option<Account>,
    /// The civil month.
    pub month: Option<Account>,
    /// The last 30 × 24 hours.
    pub rolling_30d: Option<Account>,
    /// How fast the budget burns; `None` while no bad time is remembered.
    pub burn: Option<Burn>,
}

impl SubsystemFigures {
    /// Those that are known, with their `period` labels.
    pub fn accounts(&self) -> impl Iterator<Item = (&'static str, &Account)> {
        let all = [("day", &self.day), ("month", &self.month), ("rolling_30d", &self.rolling_30d)];
        all.into_iter().filter_map(|(period, account)| account.as_ref().map(|a| (period, a)))
    }
}

/// Whether a policy allows maintenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFigure {
    /// Which one.
    pub id: PolicyId,
    /// End of the block that is open now.
    pub open_until: Option<Timestamp>,
    /// Start of the next block, when none is open now.
    pub next_open: Option<Timestamp>,
}

/// All of them at one instant.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// In the order of the ids.
    pub by_subsystem: Vec<(SubsystemId, SubsystemFigures)>,
    /// In the order of the files.
    pub policies: Vec<PolicyFigure>,
    /// The calendar's id and the end of its last published year.
    pub covered_until: Option<(String, Timestamp)>,
}

/// Accounts from one snapshot at one instant.
#[derive(Debug)]
pub struct Reader<'a> {
    now: Timestamp,
    snapshot: &'a Snapshot,
    /// Hours by their text, and by owner where the calendar knows one's own days.
    hours: HashMap<(&'a str, Option<OwnerId>, Span), HoursSpans>,
}

impl<'a> Reader<'a> {
    /// A reader without anything kept yet.
    pub fn new(now: Timestamp, snapshot: &'a Snapshot) -> Self {
        Self { now, snapshot, hours: HashMap::new() }
    }

    /// The account of one subsystem over `period`; `None` where its objective is not known.
    pub fn account(&mut self, view: &SubsystemView, period: Period) -> Option<Account> {
        let zone: &'a civil::Zone = &self.snapshot.inventory.zone;
        let now = self.now;
        let span = period.span(now, zone);
        let (objective, hours) = self.promised(&view.id, reach(span, zone))?;
        Some(account(objective, &hours.set, span, now, &view.seen(), zone))
    }

    /// Whether the hours behind [`Self::account`] rest on a year that is not published.
    pub fn is_provisional(&mut self, view: &SubsystemView, period: Period) -> bool {
        let zone: &'a civil::Zone = &self.snapshot.inventory.zone;
        let within = reach(period.span(self.now, zone), zone);
        self.promised(&view.id, within).is_some_and(|(_, hours)| hours.provisional)
    }

    /// The account of the present month.
    pub fn month(&mut self, view: &SubsystemView) -> Option<Account> {
        let period = Period::current(Grain::Month, self.now, &self.snapshot.inventory.zone);
        self.account(view, period)
    }

    /// Every account of one subsystem that pages and metrics show.
    pub fn subsystem(&mut self, view: &SubsystemView) -> SubsystemFigures {
        let day = Period::current(Grain::Day, self.now, &self.snapshot.inventory.zone);
        SubsystemFigures {
            day: self.account(view, day),
            month: self.month(view),
            rolling_30d: self.account(view, Period::Rolling30d),
            burn: self.burn(view),
        }
    }

    fn burn(&mut self, view: &SubsystemView) -> Option<Burn> {
        let now = self.now;
        if is_quiet(now, &view.timeline) {
            return None;
        }
        let zone: &'a civil::Zone = &self.snapshot.inventory.zone;
        let (objective, hours) = self.promised(&view.id, reach(memory(now), zone))?;
        // Without rounds no page fires here: the rates are shown, the engine decides.
        Some(evaluate(objective, &hours.set, now, &view.seen(), &[], zone))
    }

    /// The objective of a subsystem and the hours that it is about.
    fn promised(&mut self, id: &SubsystemId, within: Span) -> Option<(&'a Objective, &HoursSpans)> {
        let inventory = &self.snapshot.inventory;
        let subsystem = inventory.subsystems.get(id)?;
        let objective = inventory.objectives.get(&subsystem.objective)?;
        let hours = objective.hours.as_ref().unwrap_or(&subsystem.hours);
        let owner = Some(id.owner()).filter(|owner| inventory.calendar.has_overlay(owner));
        let known = self.hours.entry((hours.as_str(), owner, within));
        let spans = known.or_insert_with(|| promised_hours(inventory, subsystem, within));
        Some((objective, spans))
    }
}

/// Everything at `now`.
pub fn figures(now: Timestamp, snapshot: &Snapshot) -> Figures {
    let mut reader = Reader::new(now, snapshot);
    let by_subsystem = snapshot.subsystems.iter().map(|view| (view.id.clone(), reader.subsystem(view))).collect();
    Figures { by_subsystem, policies: policies(now, snapshot), covered_until: covered_until(snapshot) }
}

/// Instants inside `within` at which the first policy of the files allows maintenance.
pub fn open_spans(snapshot: &Snapshot, within: Span) -> SpanSet {
    let first = snapshot.inventory.policies.first();
    first.map(|policy| allowed(&snapshot.inventory, policy, within)).unwrap_or_default()
}

/// Which policies are open at `now`.
pub fn policies(now: Timestamp, snapshot: &Snapshot) -> Vec<PolicyFigure> {
    let inventory = &snapshot.inventory;
    let figure = |policy: &Policy| {
        let ahead = Span::new(now, now + OPEN_LOOK_AHEAD_MS);
        let open_until = allowed(inventory, policy, ahead).span_at(now).map(|s| s.end);
        let next_open = match open_until {
            Some(_) => None,
            None => policy::next_open(inventory, policy, now),
        };
        PolicyFigure { id: policy.id.clone(), open_until, next_open }
    };
    inventory.policies.iter().map(figure).collect()
}

/// The calendar's id and the end of its last published year.
pub fn covered_until(snapshot: &Snapshot) -> Option<(String, Timestamp)> {
    let calendar = &snapshot.inventory.calendar;
    calendar.covered_until(&snapshot.inventory.zone).map(|at| (calendar.id.clone(), at))
}

/// Whether `now` lies inside the declared hours.
pub fn in_hours(now: Timestamp, snapshot: &Snapshot, subsystem: &Subsystem) -> bool {
    let inventory = &snapshot.inventory;
    let (at, owner) = (Span::lasting(now, 1), subsystem.id.owner());
    subsystem.hours.is_always()
        || subsystem.hours.spans(&inventory.zone, &inventory.calendar, Some(&owner), at).set.contains(now)
}

/// "May I change this now, for this long?"; `None` for a subsystem that the inventory does not know.
pub fn gate(snapshot: &Snapshot, id: &SubsystemId, span: Span) -> Option<GateAnswer> {
    let known = snapshot.inventory.subsystems.contains_key(id);
    known.then(|| gate::gate(&snapshot.inventory, &snapshot.windows, id, span))
}
