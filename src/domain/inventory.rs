//! What there is to watch and to promise: the validated, immutable result of a load.
//!
//! Not here: how it was written (`config`) and what was seen (`timeline`). Invariants, kept by `config`: every id
//! that is named exists, hard and soft dependencies together form a DAG, every subsystem has a policy.

use super::calendar::Calendar;
use super::civil::Zone;
use super::composite::Composite;
use super::hours::Hours;
use super::plan::Plan;
use super::policy::{Freeze, Policy};
use super::window::Schedule;
use super::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Where something was written: the answer to "who decided this?".
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    /// Path as given on the command line or relative to `gengfu.yaml`.
    pub file: Arc<str>,
    /// Counted from 1.
    pub line: u32,
}

impl Source {
    /// The last two names of its path, by which people know a file, and the line: for pages, where a whole path is noise.
    pub fn brief(&self) -> String {
        let begin = self.file.rmatch_indices('/').nth(1).map_or(0, |(at, _)| at + 1);
        format!("{}:{}", &self.file[begin..], self.line)
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A language that people read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Chinese; the default.
    #[default]
    Zh,
    /// English.
    En,
}

/// A text in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Names {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Names {
    /// The text in one language.
    pub fn get(&self, language: Language) -> &str {
        match language {
            Language::Zh => &self.zh,
            Language::En => &self.en,
        }
    }
}

/// What sort of organisation an owner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OwnerKind {
    /// The shared platform.
    Platform,
    /// A district.
    District,
    /// A bureau, commission, office or centre.
    Bureau,
    /// An upstream or external party.
    External,
}

impl OwnerKind {
    /// `platform`, `district`, `bureau`, `external`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::District => "district",
            Self::Bureau => "bureau",
            Self::External => "external",
        }
    }
}

/// 接入单位: who answers for a subsystem.
#[derive(Clone, Debug)]
pub struct Owner {
    /// `huangpu`.
    pub id: OwnerId,
    /// What sort it is.
    pub kind: OwnerKind,
    /// What people call it.
    pub name: Names,
    /// Who is told.
    pub on_call: RosterId,
    /// Address of what people should do when something of it fails.
    pub runbook: Option<String>,
    /// Where it was written.
    pub source: Source,
}

/// How much hangs on a subsystem; 1 is the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Tier {
    /// The portal is unusable or a legal deadline is at risk without it.
    One,
    /// One family of matters is unusable without it.
    Two,
    /// Convenience.
    Three,
}

impl From<Tier> for u8 {
    fn from(tier: Tier) -> u8 {
        match tier {
            Tier::One => 1,
            Tier::Two => 2,
            Tier::Three => 3,
        }
    }
}

impl TryFrom<u8> for Tier {
    type Error = &'static str;
    fn try_from(n: u8) -> Result<Self, Self::Error> {
        match n {
            1 => Ok(Self::One),
            2 => Ok(Self::Two),
            3 => Ok(Self::Three),
            _ => Err("tier is 1, 2 or 3"),
        }
    }
}

/// What a subsystem needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dependency {
    /// Fails with this one.
    One(SubsystemId),
    /// A redundancy group: fails when all of them fail.
    AnyOf(Vec<SubsystemId>),
    /// Explains; neither suppresses nor shortens hours.
    Soft(SubsystemId),
}

impl Dependency {
    /// Everything it names.
    pub fn members(&self) -> &[SubsystemId] {
        match self {
            Self::One(id) | Self::Soft(id) => std::slice::from_ref(id),
            Self::AnyOf(ids) => ids,
        }
    }

    /// Whether it can suppress and shorten hours.
    pub fn is_hard(&self) -> bool {
        !matches!(self, Self::Soft(_))
    }
}

/// One service of one owner.
#[derive(Clone, Debug)]
pub struct Subsystem {
    /// `huangpu/portal`.
    pub id: SubsystemId,
    /// Its former id, whose history it carries on.
    pub was: Option<SubsystemId>,
    /// What people call it.
    pub name: Names,
    /// How much hangs on it.
    pub tier: Tier,
    /// Whether citizens see it and inspectors visit it.
    pub public: bool,
    /// The hours that its owner declares.
    pub hours: Hours,
    /// The promise that holds, of [`Inventory::objectives`].
    pub objective: ObjectiveId,
    /// What it needs.
    pub depends_on: Vec<Dependency>,
    /// Address of what people should do when it fails; else its owner's.
    pub runbook: Option<String>,
    /// Its probes, at least one, in the order of the file.
    pub probes: Vec<ProbeId>,
    /// Where it was written.
    pub source: Source,
}

/// Whether a failing probe takes its subsystem down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Down when it fails.
    Critical,
    /// Degraded when it fails.
    Supporting,
}

/// When a probe runs and how its verdicts are confirmed; what it does lies in `crate::probe`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbePlan {
    /// `huangpu/portal/home`.
    pub id: ProbeId,
    /// `http`, `tcp`, …: a row of `crate::probe::KINDS`.
    pub kind: &'static str,
    /// Fixed rate.
    pub every_ms: Millis,
    /// One deadline for the whole attempt.
    pub timeout_ms: Millis,
    /// Consecutive fails that make it failing.
    pub fall: u32,
    /// Consecutive passes that make it passing.
    pub rise: u32,
    /// From one re-try's start to the next while a change is unconfirmed.
    pub confirm_every_ms: Millis,
    /// Whether its failure is the subsystem's.
    pub role: Role,
    /// Whether its kind can tell a maintenance notice from a failure.
    pub knows_notices: bool,
    /// Where it was written.
    pub source: Source,
}

impl ProbePlan {
    /// The instant of every tick modulo the interval, from the probe's id alone, so that restarts and reloads neither
    /// stampede nor shift.
    pub fn phase_ms(&self) -> Millis {
        phase_ms(&self.id, self.every_ms)
    }
}

/// First 8 bytes of SHA-256(probe id), modulo the interval: stable over restarts, spread over the interval.
pub fn phase_ms(probe: &ProbeId, every_ms: Millis) -> Millis {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(probe.as_str());
    let head = digest.iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    i64::try_from(head % every_ms.max(1).unsigned_abs()).unwrap_or_default()
}

/// Timers of on-call that a test city may shorten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertTimers {
    /// How long a tier 2 or 3 incident waits for its root cause before the first mail; tier 1 never waits.
    pub settle_ms: Millis,
    /// A relapse within this time of a close reopens the same incident.
    pub reopen_ms: Millis,
}

impl Default for AlertTimers {
    fn default() -> Self {
        Self { settle_ms: 15 * SECOND, reopen_ms: 15 * MINUTE }
    }
}

/// One mail a day to an address whose receipt an outside system watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// The address.
    pub to: String,
    /// Civil time.
    pub at: jiff::civil::Time,
}

/// Everything that the engine knows about the world's shape. A reload builds a new one.
#[derive(Clone, Debug)]
pub struct Inventory {
    /// The civil time zone of this installation.
    pub zone: Zone,
    /// By id.
    pub owners: BTreeMap<OwnerId, Owner>,
    /// By id.
    pub subsystems: BTreeMap<SubsystemId, Subsystem>,
    /// By id.
    pub probes: HashMap<ProbeId, ProbePlan>,
    /// The statutory calendar with its overlays.
    pub calendar: Calendar,
    /// In the order of the files.
    pub policies: Vec<Policy>,
    /// By id.
    pub plans: BTreeMap<PlanId, Plan>,
    /// In the order of the files.
    pub freezes: Vec<Freeze>,
    /// By id.
    pub schedules: BTreeMap<ScheduleId, Schedule>,
    /// By id.
    pub composites: BTreeMap<CompositeId, Composite>,
    /// Promises as they hold, each once, by id.
    pub objectives: BTreeMap<ObjectiveId, Objective>,
    /// By id.
    pub rosters: BTreeMap<RosterId, Roster>,
    /// Who is told when nobody else can be.
    pub fallback: RosterId,
    /// Who is told about gengfu itself.
    pub admins: RosterId,
    /// A mail a day that shows that mail gets out.
    pub canary: Option<Canary>,
    /// When a report to an authority may be due; nothing is graded without it.
    pub filing: Option<Arc<filing::Rules>>,
    /// Timers of on-call.
    pub timers: AlertTimers,
    /// Subsystems that name each one as a hard dependency, directly.
    pub dependants: HashMap<SubsystemId, Vec<SubsystemId>>,
}

impl Inventory {
    /// What its owner wrote about mending a subsystem: its own page, else that of the whole owner.
    pub fn runbook(&self, id: &SubsystemId) -> Option<&str> {
        let own = self.subsystems.get(id).and_then(|s| s.runbook.as_deref());
        own.or_else(|| self.owners.get(&id.owner())?.runbook.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_a_file_by_its_last_two_names() {
        let brief = |file: &str| Source { file: file.into(), line: 26 }.brief();
        assert_eq!(brief("/etc/gengfu/schedules/on-call.yaml"), "schedules/on-call.yaml:26");
        assert_eq!(brief("schedules/on-call.yaml"), "schedules/on-call.yaml:26");
        assert_eq!(brief("/x.yaml"), "/x.yaml:26");
        assert_eq!(brief("on-call.yaml"), "on-call.yaml:26");
    }
}
