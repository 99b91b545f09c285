//! The report about a period: figures with bounds, where every second went, incidents, maintenance, and who ranks where.
//!
//! Not here: any rule of accounting (`domain::sla`). Pure: a report follows from the past and an instant. Invariants:
//! each breakdown (by owner, by subsystem, by column of time, by window, by incident, by cause) sums to the whole, to the
//! millisecond; a figure never stands without its bounds; composites are not in the sums.

mod build;
mod chart;
mod corrections;
mod html;
mod league;
mod mail;
mod markdown;
mod stamp;
mod table;
#[cfg(test)]
mod tests;
mod value;
mod words;

pub use build::build;
pub use html::html;
pub use league::{League, Ranked, Unranked, WhyNot};
pub use mail::{city_said, due, letters};
pub use markdown::markdown;
pub use stamp::{Form, Stamp, digest, written};
pub use table::csv;
pub use value::json;

use crate::domain::attribution::Attribution;
use crate::domain::correction::Correction;
use crate::domain::history::Made;
use crate::domain::sla::{Account, Bounded, Period, Share, Standing, Totals};
use crate::domain::timeline::Health;
use crate::domain::window::{Emergency, WindowState};
use crate::domain::*;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// About when.
    pub period: Period,
    /// One owner's part; the city without one.
    pub owner: Option<OwnerId>,
}

/// Whom it may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Those inside.
    Inside,
    /// Everybody: without sentences of evidence, names and reasons of corrections.
    Public,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Report {
    /// Whom it may be shown.
    pub audience: Audience,
    /// What it follows from; `None` if from the engine's memory.
    pub made: Option<Made>,
    /// About when.
    pub period: Period,
    /// Its instants, future included.
    pub span: Span,
    /// As it stood then.
    pub at: Timestamp,
    /// The installation's zone, for people.
    pub zone: civil::Zone,
    /// Whose part; the city without one.
    pub owner: Option<(OwnerId, Names)>,
    /// All of it.
    pub whole: Sum,
    /// By owner, in the order of the ids.
    pub owners: Vec<OwnerLine>,
    /// By subsystem, in the order of the ids.
    pub subsystems: Vec<Line>,
    /// Composites that promise something; not in the sums.
    pub composites: Vec<Line>,
    /// What people said afterwards about the period, in the order of the subsystems; the figures contain it.
    pub corrections: Vec<CorrectionLine>,
    /// The sums without corrections; `None` where there are none.
    pub measured: Option<Totals>,
    /// By day, week or month, and the rest.
    pub columns: Vec<(Option<Period>, Share)>,
    /// What overlapped the period, in the order of the numbers.
    pub incidents: Vec<IncidentLine>,
    /// Time that no incident concerned.
    pub beside_incidents: Share,
    /// What was worked in the period, in the order of the starts.
    pub windows: Vec<WindowLine>,
    /// Time outside all windows.
    pub beside_windows: Share,
    /// Who ranks where.
    pub league: League,
}

/// Sums over promises, and those of the period before.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    /// This period.
    pub totals: Totals,
    /// What each promise's agreed figure is made of, added up: good time and known time.
    pub agreed: Agreed,
    /// The period before; `None` where nothing was seen in it.
    pub before: Option<Agreed>,
    /// Most maintenance that could have been excluded.
    pub allowed_ms: Millis,
    /// Promises that began inside the period.
    pub partial: usize,
    /// Promises whose hours rest on a year that is not published.
    pub provisional: usize,
}

/// Good, bad and unknown time, each promise's under its own agreed figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreed(pub sla::Tally);

impl Agreed {
    fn of(figure: Figure, account: &Account) -> Self {
        match figure {
            Figure::Public => Self(account.share().seen),
            Figure::Contract => Self(account.kept),
        }
    }

    fn add(&mut self, other: Self) {
        self.0 = self.0 + other.0;
    }

    /// The figure with its bounds.
    pub fn bounded(self) -> Bounded {
        self.0.bounded()
    }
}

/// One owner.
#[derive(Clone, Debug)]
pub struct OwnerLine {
    /// Who.
    pub id: OwnerId,
    /// What people call it.
    pub name: Names,
    /// What sort it is.
    pub kind: OwnerKind,
    /// How many promises.
    pub promises: usize,
    /// What happened to them.
    pub sum: Sum,
    /// The same of those that were watched from the beginning of the period on.
    pub full: Agreed,
}

/// One promise.
#[derive(Clone, Debug)]
pub struct Line {
    /// `huangpu/portal`, or a composite's id.
    pub id: String,
    /// Whose; `None` for a composite.
    pub owner: Option<OwnerId>,
    /// What people call it.
    pub name: Names,
    /// How much hangs on it; `None` for a composite.
    pub tier: Option<Tier>,
    /// Whether citizens see it.
    pub public: bool,
    /// The hours of the promise.
    pub hours: String,
    /// Which promise.
    pub objective: ObjectiveId,
    /// Parts per million.
    pub target_ppm: u32,
    /// Which figure was agreed.
    pub figure: Figure,
    /// Most maintenance that could have been excluded.
    pub allowed_ms: Millis,
    /// The figures.
    pub account: Account,
    /// As the probes saw it; `None` where nobody corrected anything.
    pub measured: Option<Account>,
    /// Those of the period before; `None` where nothing was seen in it.
    pub before: Option<Account>,
    /// The hours rest on a year that is not published.
    pub provisional: bool,
}

impl Report {
    /// Leaves out the sentences of evidence, which name hosts, and who corrected what; what went wrong stays.
    pub fn keep_hosts_private(&mut self) {
        self.audience = Audience::Public;
        for incident in &mut self.incidents {
            if let Some(reason) = &mut incident.reason {
                reason.text = reason.kind.as_str().to_owned();
            }
        }
        for line in &mut self.corrections {
            line.said.by.name.clear();
            line.said.reason.clear();
        }
    }
}

impl Line {
    /// The agreed figure with its bounds.
    pub fn agreed(&self) -> &Bounded {
        self.account.figure(self.figure)
    }

    /// How many parts per million the agreed figure rose over the period before.
    pub fn change_ppm(&self) -> Option<i64> {
        change_ppm(self.agreed(), self.before.as_ref()?.figure(self.figure))
    }
}

impl Sum {
    /// How many parts per million the agreed figure rose over the period before.
    pub fn change_ppm(&self) -> Option<i64> {
        change_ppm(&self.agreed.bounded(), &self.before?.bounded())
    }
}

fn change_ppm(now: &Bounded, before: &Bounded) -> Option<i64> {
    let ppm = |b: &Bounded| Some((b.value?.as_f64() * 1e6).round() as i64);
    Some(ppm(now)? - ppm(before)?)
}

/// One correction.
#[derive(Clone, Debug)]
pub struct CorrectionLine {
    /// Of what.
    pub subsystem: SubsystemId,
    /// What people call it.
    pub name: Names,
    /// By whom, about when, as what and why; for strangers without name and reason.
    pub said: Correction,
    /// What the probes saw in its span, in the order of [`Health::ALL`].
    pub seen: Vec<(Health, Millis)>,
}

/// One incident.
#[derive(Clone, Debug)]
pub struct IncidentLine {
    /// Its number.
    pub id: IncidentId,
    /// The root cause.
    pub subsystem: SubsystemId,
    /// What people call it.
    pub name: Names,
    /// Who answers for it.
    pub owner: Names,
    /// What is wrong.
    pub symptom: Symptom,
    /// How loud.
    pub severity: Severity,
    /// From the first beginning to the last end, which is [`Timestamp::MAX`] while it lasts.
    pub span: Span,
    /// How often it opened.
    pub times: usize,
    /// Who else failed with it.
    pub affected: usize,
    /// What was seen first.
    pub reason: Option<Reason>,
    /// Whose undeclared maintenance it is.
    pub attribution: Option<Box<Attribution>>,
    /// The window that it is about.
    pub window: Option<WindowId>,
    /// What it cost in the period.
    pub share: Share,
}

/// One window that was worked in.
#[derive(Clone, Debug)]
pub struct WindowLine {
    /// Which one.
    pub id: WindowId,
    /// What people call it.
    pub name: Names,
    /// Whose.
    pub owner: Names,
    /// From its real start to its approved end.
    pub approved: Span,
    /// From its real start to the verified restore or the report's instant.
    pub used: Span,
    /// How it stands to the rules.
    pub standing: Standing,
    /// Where it stands; unknown where the facts no longer say.
    pub state: Option<WindowState>,
    /// Work that could not wait.
    pub emergency: Option<Emergency>,
    /// How many subsystems.
    pub scope: usize,
    /// What it cost in the period.
    pub share: Share,
}

impl WindowLine {
    /// How far it went over its approved end.
    pub fn overrun_ms(&self) -> Millis {
        self.used.end.since(self.approved.end).max(0)
    }
}
