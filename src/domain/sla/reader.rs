//! Figures from one snapshot at one instant: the one way in which metrics, pages, mails, reports and simulations ask.
//!
//! Not here: any rule of its own, and how figures are shown. A reader keeps only what many questions share, the hours and
//! who was concerned by which incident, for as long as one page, one scrape or one report takes.

use super::burn::{Burn, Rounds, evaluate, is_quiet, memory};
use super::*;
use crate::domain::civil::Zone;
use crate::domain::composite::Composite;
use crate::domain::hours::{Hours, HoursSpans};
use std::cell::OnceCell;
use std::collections::HashMap;

/// The accounts of one subsystem; `None` where its objective is not known.
#[derive(Clone, Debug, Default)]
pub struct SubsystemFigures {
    /// The civil day.
    pub day: Option<Account>,
    /// The civil month.
    pub month: Option<Account>,
    /// The last 30 × 24 hours.
    pub rolling_30d: Option<Account>,
    /// How fast the budget burns; `None` while no bad time is remembered and nobody was told of any.
    pub burn: Option<Burn>,
}

impl SubsystemFigures {
    /// Those that are known, with their `period` labels.
    pub fn accounts(&self) -> impl Iterator<Item = (&'static str, &Account)> {
        let all = [("day", &self.day), ("month", &self.month), ("rolling_30d", &self.rolling_30d)];
        all.into_iter().filter_map(|(period, account)| account.as_ref().map(|a| (period, a)))
    }
}

/// Which incident concerned a subsystem when.
pub(super) type Concerned<'a> = HashMap<&'a SubsystemId, Vec<(IncidentId, Span)>>;

/// What figures are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Basis {
    /// What counts: what was seen, as people corrected it.
    Counted,
    /// What was seen.
    Measured,
}

impl Basis {
    fn of(self, view: &SubsystemView) -> Evidence<'_> {
        match self {
            Self::Counted => Evidence::of(&view.seen()),
            Self::Measured => Evidence::of(&view.measured()),
        }
    }
}

/// Accounts from one snapshot at one instant.
#[derive(Debug)]
pub struct Reader<'a> {
    basis: Basis,
    pub(super) now: Timestamp,
    pub(super) snapshot: &'a Snapshot,
    /// Hours by their text, and by owner where the calendar knows one's own days.
    hours: HashMap<(&'a str, Option<OwnerId>, Span), HoursSpans>,
    concerned: OnceCell<Concerned<'a>>,
}

impl<'a> Reader<'a> {
    /// A reader without anything kept yet, of what counts.
    pub fn new(now: Timestamp, snapshot: &'a Snapshot) -> Self {
        Self { basis: Basis::Counted, now, snapshot, hours: HashMap::new(), concerned: OnceCell::new() }
    }

    /// A reader of what the probes saw, whatever people said afterwards.
    pub fn of_measured(now: Timestamp, snapshot: &'a Snapshot) -> Self {
        Self { basis: Basis::Measured, ..Self::new(now, snapshot) }
    }

    pub(super) fn zone(&self) -> &'a Zone {
        &self.snapshot.inventory.zone
    }

    /// The account of one subsystem over `period`; `None` where its objective is not known.
    pub fn account(&mut self, view: &SubsystemView, period: Period) -> Option<Account> {
        self.ledger(view, period, |ledger| ledger.account())
    }

    /// Asks the ledger of one subsystem over `period`; `None` where its objective is not known.
    pub fn ledger<T>(&mut self, view: &SubsystemView, period: Period, ask: impl FnOnce(&Ledger<'_>) -> T) -> Option<T> {
        let (basis, now, zone) = (self.basis, self.now, self.zone());
        let span = period.span(now, zone);
        let (objective, hours) = self.promised(&view.id, reach(span, zone))?;
        let evidence = basis.of(view);
        Some(ask(&Ledger::open(objective, &hours.set, span, now, &evidence, zone)))
    }

    /// What follows for a composite from what was seen of its members.
    pub fn evidence_of(&self, composite: &Composite) -> Evidence<'static> {
        let views = composite.needs.members().into_iter().filter_map(|id| self.snapshot.subsystem(id));
        let members: BTreeMap<&SubsystemId, Evidence<'_>> = views.map(|view| (&view.id, self.basis.of(view))).collect();
        derived(&composite.needs, &|id| members.get(id))
    }

    /// The account of a composite over `period`; `None` where its objective is not known.
    pub fn composite(&mut self, composite: &'a Composite, seen: &Evidence<'_>, period: Period) -> Option<Account> {
        self.composite_ledger(composite, seen, period, |ledger| ledger.account())
    }

    /// Asks the ledger of a composite over `period`; `None` where its objective is not known.
    pub fn composite_ledger<T>(
        &mut self,
        composite: &'a Composite,
        seen: &Evidence<'_>,
        period: Period,
        ask: impl FnOnce(&Ledger<'_>) -> T,
    ) -> Option<T> {
        let (now, zone) = (self.now, self.zone());
        let span = period.span(now, zone);
        let (objective, hours) = self.promised_of(composite, reach(span, zone))?;
        Some(ask(&Ledger::open(objective, &hours.set, span, now, seen, zone)))
    }

    /// Whether the hours behind [`Self::account`] rest on a year that is not published.
    pub fn is_provisional(&mut self, view: &SubsystemView, period: Period) -> bool {
        let within = reach(period.span(self.now, self.zone()), self.zone());
        self.promised(&view.id, within).is_some_and(|(_, hours)| hours.provisional)
    }

    /// The same of a composite.
    pub fn is_provisional_for(&mut self, composite: &'a Composite, period: Period) -> bool {
        let within = reach(period.span(self.now, self.zone()), self.zone());
        self.promised_of(composite, within).is_some_and(|(_, hours)| hours.provisional)
    }

    /// The account of the present month.
    pub fn month(&mut self, view: &SubsystemView) -> Option<Account> {
        let period = Period::current(Grain::Month, self.now, self.zone());
        self.account(view, period)
    }

    /// Every account of one subsystem that pages and metrics show.
    pub fn subsystem(&mut self, view: &SubsystemView) -> SubsystemFigures {
        let day = Period::current(Grain::Day, self.now, self.zone());
        SubsystemFigures {
            day: self.account(view, day),
            month: self.month(view),
            rolling_30d: self.account(view, Period::Rolling30d),
            burn: self.burn(view),
        }
    }

    fn burn(&mut self, view: &SubsystemView) -> Option<Burn> {
        let (now, zone) = (self.now, self.zone());
        if is_quiet(now, &view.timeline) && !self.is_at_risk(&view.id) {
            return None;
        }
        let plans = &self.snapshot.inventory.probes;
        let critical = view.probes.iter().filter_map(|p| Some((p, plans.get(&p.id)?)));
        let critical = critical.filter(|(_, plan)| plan.role == Role::Critical);
        let rounds: Vec<Rounds<'_>> =
            critical.map(|(p, plan)| Rounds::of(plan, &p.lately, p.recovering_since)).collect();
        let within = reach(memory(now), zone);
        let (objective, hours) = self.promised(&view.id, Span::new(within.start, within.end + 1))?;
        Some(evaluate(objective, &hours.set, now, &view.measured(), &rounds, zone))
    }

    /// Whether somebody was told that the budget burns, and not yet that it is over: only evidence ends that, and the
    /// look-backs may be too blind for it for longer than bad time is remembered.
    fn is_at_risk(&self, id: &SubsystemId) -> bool {
        let mut open = self.snapshot.incidents.iter().take_while(|i| i.until.is_none());
        open.any(|i| i.symptom == Symptom::SlaAtRisk && i.subsystem == *id)
    }

    /// The objective of a subsystem and the hours that it is about.
    fn promised(&mut self, id: &SubsystemId, within: Span) -> Option<(&'a Objective, &HoursSpans)> {
        let inventory = &*self.snapshot.inventory;
        let subsystem = inventory.subsystems.get(id)?;
        let objective = inventory.objectives.get(&subsystem.objective)?;
        let hours = objective.hours.as_ref().unwrap_or(&subsystem.hours);
        Some((objective, self.spans(hours, Some(id.owner()), within)))
    }

    fn promised_of(&mut self, composite: &'a Composite, within: Span) -> Option<(&'a Objective, &HoursSpans)> {
        let objective = self.snapshot.inventory.objectives.get(composite.objective.as_ref()?)?;
        let hours = objective.hours.as_ref().unwrap_or(&composite.hours);
        Some((objective, self.spans(hours, None, within)))
    }

    fn spans(&mut self, hours: &'a Hours, owner: Option<OwnerId>, within: Span) -> &HoursSpans {
        let Inventory { zone, calendar, .. } = &*self.snapshot.inventory;
        let owner = owner.filter(|owner| calendar.has_overlay(owner));
        let known = self.hours.entry((hours.as_str(), owner, within));
        known.or_insert_with_key(|(_, owner, within)| hours.spans(zone, calendar, owner.as_ref(), *within))
    }

    /// The outages that concerned each subsystem, in the order of their numbers.
    pub(super) fn concerned(&self) -> &Concerned<'a> {
        self.concerned.get_or_init(|| {
            let mut concerned = Concerned::new();
            for incident in self.snapshot.incidents.iter().filter(|i| incident::is_outage(i.symptom)) {
                let until = incident.until.unwrap_or(Timestamp::MAX);
                let joined = incident.affected.iter().map(|(id, since)| (id, *since));
                for (id, since) in std::iter::once((&incident.subsystem, incident.since)).chain(joined) {
                    let span = Span::new(since.min(until), until);
                    concerned.entry(id).or_default().push((incident.id, span));
                }
            }
            concerned.values_mut().for_each(|list| list.sort_by_key(|(id, _)| *id));
            concerned
        })
    }
}
