//! Which civil days are working days, by layers, and how far that is known.

use super::*;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Who says it; the first layer that names a date decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayerKind {
    /// One owner's own swaps.
    Owner,
    /// The city's.
    Municipal,
    /// The State Council's notices; a later notice amends an earlier one.
    StateCouncil,
}

/// Whether a date is worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DayClass {
    /// Worked.
    Working,
    /// Not worked.
    NonWorking,
}

/// How far a year is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum YearStatus {
    /// The notice is in hand.
    Published,
    /// Statutory days alone; swaps unknown.
    Provisional,
    /// Nothing is known.
    Absent,
}

/// One row: a date that a notice takes out of the plain week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What the notice makes of the date.
    pub class: DayClass,
    /// 国庆节 / National Day.
    pub name: Names,
    /// When the notice was published, if known; later wins within a layer.
    pub published: Option<Date>,
    /// Where it was written.
    pub source: Source,
}

/// What one layer says.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Whose word it is.
    pub kind: LayerKind,
    /// For whom, when `kind` is `Owner`.
    pub owner: Option<OwnerId>,
    /// Exceptions from the plain week.
    pub rows: BTreeMap<Date, Row>,
}

/// The layers and the years they cover.
#[derive(Clone, Debug, Default)]
pub struct Calendar {
    /// `china`.
    pub id: String,
    /// In order of precedence.
    pub layers: Vec<Layer>,
    /// Of the State Council's layer.
    pub years: BTreeMap<i16, YearStatus>,
}
