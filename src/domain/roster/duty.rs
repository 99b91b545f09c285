//! Who is on duty at an instant and why, and the same for every instant of a span.
//!
//! Invariant: what a span says of an instant is what the instant alone says.

use super::*;
use crate::domain::calendar::Calendar;
use crate::domain::civil::Zone;
use std::collections::BTreeSet;

/// What civil time means for a roster.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// The zone of hand-overs.
    pub zone: &'a Zone,
    /// Which days are worked.
    pub calendar: &'a Calendar,
    /// For the calendar's overlays.
    pub owner: Option<&'a OwnerId>,
}

/// Why somebody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// A contact of the roster, who is told always.
    Listed,
    /// The turn of a layer.
    Turn {
        /// Which layer.
        layer: Arc<str>,
        /// Whether it fills the roster.
        weight: Weight,
    },
    /// A listed shift.
    Shift,
    /// In somebody's place.
    Override {
        /// Whose; `None` for the place of all.
        instead_of: Option<PersonId>,
        /// Why, in the owner's words.
        reason: Option<String>,
    },
    /// The roster of that name has nobody at this time.
    Hole(RosterId),
}

/// Somebody who is told, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duty {
    /// Of the people of the file; `None` for a contact that is written in its roster.
    pub id: Option<PersonId>,
    /// How they are reached.
    pub contact: Contact,
    /// Why.
    pub why: Why,
    /// Where that was written.
    pub source: Source,
}

impl Duty {
    fn of(person: &Person, why: &Why, source: &Source) -> Self {
        let (contact, why, source) = (person.contact.clone(), why.clone(), source.clone());
        Self { id: Some(person.id.clone()), contact, why, source }
    }
}

/// Everybody whom a roster tells at an instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Duties {
    /// Each contact once: whoever decides, then whoever is told besides, then the contacts that are told always.
    pub told: Vec<Duty>,
    /// Nobody is there but, perhaps, those who are told besides or always.
    pub hole: bool,
}

/// A roster inside a span.
#[derive(Clone, Debug)]
pub struct Timetable<'a> {
    roster: &'a Roster,
    world: World<'a>,
    within: Span,
    /// When each layer has anybody.
    open: Vec<SpanSet>,
}

/// An unbroken time of one duty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stint {
    /// Who, and why.
    pub duty: Duty,
    /// When, as far as it was asked for.
    pub span: Span,
}

impl<'a> Timetable<'a> {
    /// What a roster says of the instants of `within`.
    pub fn new(roster: &'a Roster, world: World<'a>, within: Span) -> Self {
        let open = |layer: &Layer| layer.when.spans(world.zone, world.calendar, world.owner, within).set;
        Self { roster, world, within, open: roster.layers.iter().map(open).collect() }
    }

    /// Who is told at an instant of the span.
    pub fn at(&self, at: Timestamp) -> Duties {
        let roster = self.roster;
        let mut deciding: Vec<Duty> = Vec::new();
        // By their start, so that those to come need not be looked at.
        for shift in roster.shifts.iter().take_while(|shift| shift.span.start <= at) {
            if shift.span.contains(at) {
                deciding.extend(shift.who.iter().map(|person| Duty::of(person, &Why::Shift, &shift.source)));
            }
        }
        let mut beside = Vec::new();
        for (layer, open) in roster.layers.iter().zip(&self.open) {
            match layer.weight {
                Weight::Decides if deciding.is_empty() => deciding = self.turn(layer, open, at),
                Weight::Decides => {}
                Weight::Beside => beside.extend(self.turn(layer, open, at)),
            }
        }
        for change in roster.overrides.iter().filter(|change| change.span.contains(at)) {
            overrule(change, &mut deciding, &mut beside);
        }
        let hole = deciding.is_empty() && (roster.has_turns() || roster.contacts.is_empty());
        let always = |contact: &Contact| Duty {
            id: None,
            contact: contact.clone(),
            why: Why::Listed,
            source: roster.source.clone(),
        };
        let mut told: Vec<Duty> = Vec::new();
        for duty in deciding.into_iter().chain(beside).chain(roster.contacts.iter().map(always)) {
            if told.iter().all(|known| known.contact != duty.contact) {
                told.push(duty);
            }
        }
        Duties { told, hole }
    }

    fn turn(&self, layer: &Layer, open: &SpanSet, at: Timestamp) -> Vec<Duty> {
        if !open.contains(at) {
            return Vec::new();
        }
        let turn = match &layer.turns {
            None => 0,
            Some(turns) => match turns.at(self.world.zone, at) {
                Some((turn, _)) => usize::try_from(turn).unwrap_or_default(),
                None => return Vec::new(),
            },
        };
        let why = Why::Turn { layer: Arc::clone(&layer.id), weight: layer.weight };
        let group = layer.members.get(turn % layer.members.len().max(1));
        group.into_iter().flatten().map(|person| Duty::of(person, &why, &layer.source)).collect()
    }

    /// The whole span in order, without gaps, cut where anything may change.
    pub fn pieces(&self) -> Vec<(Span, Duties)> {
        let mut pieces: Vec<(Span, Duties)> = Vec::new();
        let edges: Vec<Timestamp> = self.edges().into_iter().collect();
        for (start, end) in edges.iter().zip(edges.iter().skip(1)) {
            let duties = self.at(*start);
            match pieces.last_mut() {
                Some((span, last)) if *last == duties => span.end = *end,
                _ => pieces.push((Span::new(*start, *end), duties)),
            }
        }
        pieces
    }

    /// Every instant at which anything may change, the ends of the span among them.
    fn edges(&self) -> BTreeSet<Timestamp> {
        let shifts = self.roster.shifts.iter().map(|shift| shift.span);
        let overrides = self.roster.overrides.iter().map(|change| change.span);
        let open = self.open.iter().flat_map(|open| open.spans().iter().copied());
        let turns = self.roster.layers.iter().filter_map(|layer| layer.turns.as_ref());
        let turns = turns.flat_map(|turns| turns.within(self.world.zone, self.within).map(|(_, span)| span));
        let inner = shifts.chain(overrides).chain(open).chain(turns).flat_map(|span| [span.start, span.end]);
        let inner = inner.filter(|at| self.within.contains(*at));
        inner.chain([self.within.start, self.within.end]).collect()
    }

    /// Times in which nobody decides.
    pub fn holes(&self) -> SpanSet {
        self.pieces().into_iter().filter(|(_, duties)| duties.hole).map(|(span, _)| span).collect()
    }

    /// Who is told when, by the start of each time, as a list of shifts would say it; without the contacts that are
    /// told always.
    pub fn stints(&self) -> Vec<Stint> {
        let mut stints: Vec<Stint> = Vec::new();
        for (span, duties) in self.pieces() {
            for duty in duties.told.into_iter().filter(|duty| duty.why != Why::Listed) {
                let goes_on = |stint: &&mut Stint| stint.span.end == span.start && stint.duty == duty;
                match stints.iter_mut().rev().find(goes_on) {
                    Some(stint) => stint.span.end = span.end,
                    None => stints.push(Stint { duty, span }),
                }
            }
        }
        stints.sort_by_key(|stint| stint.span.start);
        stints
    }
}

/// Puts people into others' place.
fn overrule(change: &Override, deciding: &mut Vec<Duty>, beside: &mut Vec<Duty>) {
    let why = Why::Override { instead_of: change.instead_of.clone(), reason: change.reason.clone() };
    let instead: Vec<Duty> = change.who.iter().map(|person| Duty::of(person, &why, &change.source)).collect();
    let Some(whose) = &change.instead_of else {
        *deciding = instead;
        return;
    };
    for duties in [deciding, beside] {
        if let Some(place) = duties.iter().position(|duty| duty.id.as_ref() == Some(whose)) {
            duties.splice(place..=place, instead.iter().cloned());
        }
    }
}
