//! Who ranks where, and who does not, and why.
//!
//! Agreed exclusions: the agreed figure of each promise counts, so valid maintenance is left out just where a contract says
//! so; only promises that were watched from the beginning of the period on are compared. Invariant: who is not ranked is
//! named with a reason; equal figures share a rank.

use super::OwnerLine;
use crate::domain::sla::{Bounded, Ratio};
use crate::domain::{Names, OwnerId, OwnerKind};

/// With more unknown time than this nobody is compared, in parts per million of the time.
pub(super) const UNKNOWN_PPM_MAX: u32 = 50_000;

/// The table.
#[derive(Clone, Debug, Default)]
pub struct League {
    /// The best first.
    pub ranked: Vec<Ranked>,
    /// In the order of the ids.
    pub unranked: Vec<Unranked>,
}

/// One place.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// From 1; equals share it.
    pub rank: usize,
    /// Who.
    pub owner: OwnerId,
    /// What people call it.
    pub name: Names,
    /// What is compared.
    pub figure: Bounded,
}

/// Who has none.
#[derive(Clone, Debug)]
pub struct Unranked {
    /// Who.
    pub owner: OwnerId,
    /// What people call it.
    pub name: Names,
    /// Why not.
    pub why: WhyNot,
}

/// Why somebody is not ranked; the first that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyNot {
    /// Not a party of the city.
    External,
    /// Nothing of it was watched from the beginning of the period on.
    Partial,
    /// Nothing is known.
    NoFigure,
    /// More than 5 % of the time is unknown.
    UnknownTooHigh,
}

impl WhyNot {
    /// The JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::External => "external",
            Self::Partial => "partial",
            Self::NoFigure => "no_figure",
            Self::UnknownTooHigh => "unknown_too_high",
        }
    }
}

/// Ranks owners.
pub(super) fn league(owners: &[OwnerLine]) -> League {
    let mut league = League::default();
    for owner in owners {
        let (id, name) = (owner.id.clone(), owner.name.clone());
        match why_not(owner) {
            Some(why) => league.unranked.push(Unranked { owner: id, name, why }),
            None => league.ranked.push(Ranked { rank: 0, owner: id, name, figure: owner.full.bounded() }),
        }
    }
    league.ranked.sort_by(|a, b| better(&b.figure, &a.figure).then_with(|| a.owner.cmp(&b.owner)));
    for i in 0..league.ranked.len() {
        let equal = i > 0 && better(&league.ranked[i].figure, &league.ranked[i - 1].figure).is_eq();
        league.ranked[i].rank = if equal { league.ranked[i - 1].rank } else { i + 1 };
    }
    league
}

fn why_not(owner: &OwnerLine) -> Option<WhyNot> {
    let tally = owner.full.0;
    let unknown = Ratio::of(tally.unknown_ms, tally.whole_ms());
    match unknown {
        _ if owner.kind == OwnerKind::External => Some(WhyNot::External),
        None if owner.sum.partial > 0 => Some(WhyNot::Partial),
        None => Some(WhyNot::NoFigure),
        Some(share) if share.part == share.whole => Some(WhyNot::NoFigure),
        Some(share) if share.reaches(UNKNOWN_PPM_MAX + 1) => Some(WhyNot::UnknownTooHigh),
        Some(_) => None,
    }
}

/// Compares exactly.
fn better(a: &Bounded, b: &Bounded) -> std::cmp::Ordering {
    let cross = |x: Option<Ratio>, y: Option<Ratio>| match (x, y) {
        (Some(x), Some(y)) => i128::from(x.part) * i128::from(y.whole),
        (Some(_), None) => 1,
        _ => 0,
    };
    cross(a.value, b.value).cmp(&cross(b.value, a.value))
}
