//! What is stored: closed, versioned, few. An attempt that changes nothing is no fact.
//!
//! Invariants: a fact has one canonical byte form (compact JSON in the order of the fields, integers only), so that
//! a chain of hashes can be laid over all of them; what was written by an older version stays readable.

use super::attribution::Attribution;
use super::filing::FilingFact;
use super::health::ProbeHealth;
use super::plan::RunFact;
use super::timeline::Health;
use super::window::{About, Amendment, Definition, Emergency, Telling, WindowState};
use super::*;
use serde::{Deserialize, Serialize};

/// Something that happened, in the past tense. `at` of the row is the engine's time of writing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// The daemon started; what lies between `alive_until` and each probe's next attempt is unknown.
    Started {
        /// The last instant at which the former run was alive; `None` for a new store.
        alive_until: Option<Timestamp>,
        /// Version of the program.
        version: String,
    },
    /// A set of files was taken over.
    Reloaded {
        /// SHA-256 of all files read, hexadecimal.
        digest: String,
    },
    /// The wall clock jumped forward; the skipped time is unknown.
    ClockStepped {
        /// Where it was.
        from: Timestamp,
        /// Where it went.
        to: Timestamp,
    },
    /// A probe's confirmed health changed.
    ProbeChanged {
        /// Which probe.
        probe: ProbeId,
        /// What it is now; `None` is unknown.
        to: Option<ProbeHealth>,
        /// Back-dated start of the new span.
        since: Timestamp,
        /// What was seen, if it was not a pass.
        reason: Option<Reason>,
    },
    /// A probe or its subsystem left the inventory; its timeline is kept and closed.
    ProbeRetired {
        /// Which probe.
        probe: ProbeId,
    },
    /// A window went from one state to another.
    WindowChanged {
        /// Which window.
        window: WindowId,
        /// Of which schedule.
        schedule: ScheduleId,
        /// From the start to the approved end.
        span: Span,
        /// What it is now.
        to: WindowState,
        /// Why, for people.
        why: Names,
        /// What it was when it began, since its text may change while it runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        begun: Option<Begun>,
    },
    /// A person asked for a window that is in no file.
    WindowRequested {
        /// Which window.
        window: WindowId,
        /// The name under which its id was made.
        schedule: ScheduleId,
        /// What it is.
        definition: Definition,
        /// From the start to the approved end.
        span: Span,
        /// Work that cannot wait for notice and off-hours.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        emergency: Option<Emergency>,
        /// Why, in the applicant's words.
        reason: String,
        /// The applicant.
        by: Actor,
    },
    /// A person changed one window.
    WindowAmended {
        /// Which window.
        window: WindowId,
        /// Of which schedule.
        schedule: ScheduleId,
        /// Its time as the text or the request has it.
        written: Span,
        /// Who.
        by: Actor,
        /// Why, in that person's words.
        reason: String,
        /// What.
        amendment: Amendment,
    },
    /// A person approved a schedule's text: all its windows, until the text changes.
    ScheduleApproved {
        /// Which schedule.
        schedule: ScheduleId,
        /// Its text, by hash.
        digest: String,
        /// The owners in whose name.
        owners: Vec<OwnerId>,
        /// Who.
        by: Actor,
        /// Why, in that person's words; nothing in facts of older versions.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// The gate opened, and somebody got a lease on it.
    LeaseGranted {
        /// The hash of its secret.
        lease: String,
        /// What may be changed.
        subsystem: SubsystemId,
        /// How long the change takes.
        lasts_ms: Millis,
        /// Who.
        by: Actor,
    },
    /// A change began.
    LeaseUsed {
        /// The hash of the lease's secret.
        lease: String,
    },
    /// A change is over.
    LeaseReleased {
        /// The hash of the lease's secret.
        lease: String,
    },
    /// A notice about a window was put into the outbox.
    WindowNoticed {
        /// Which window.
        window: WindowId,
        /// What it says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<About>,
    },
    /// A notice about a window was accepted by a relay, or fetched by a channel.
    WindowAnnounced {
        /// Which window.
        window: WindowId,
        /// When it was accepted, or fetched.
        accepted: Timestamp,
        /// What it says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<About>,
        /// The holder of the token under which a channel fetched it; nobody if a relay accepted it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<String>,
    },
    /// The owner's people were told about a version of a window, or reminded of it.
    WindowTold {
        /// Which window.
        window: WindowId,
        /// The version that it had.
        version: u32,
        /// What they were told.
        what: Telling,
    },
    /// Inside a window something else was seen than the notice that was up before.
    MaintenanceDefect {
        /// Which window.
        window: WindowId,
        /// Of which subsystem.
        subsystem: SubsystemId,
        /// What was seen.
        reason: Reason,
    },
    /// An incident opened.
    IncidentOpened {
        /// Which one.
        incident: IncidentId,
        /// The root cause.
        subsystem: SubsystemId,
        /// What is wrong.
        symptom: Symptom,
        /// How loud.
        severity: Severity,
        /// Since when.
        since: Timestamp,
        /// The window it is about, for overruns.
        window: Option<WindowId>,
        /// What was seen.
        reason: Option<Reason>,
        /// Whose it is and what was declared, for undeclared maintenance.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attribution: Option<Box<Attribution>>,
    },
    /// An incident opened again within the relapse time.
    IncidentReopened {
        /// Which one.
        incident: IncidentId,
        /// Since when this time.
        since: Timestamp,
    },
    /// A subsystem fails with an incident's root.
    IncidentJoined {
        /// Which incident.
        incident: IncidentId,
        /// Who joined.
        subsystem: SubsystemId,
        /// Since when it fails.
        since: Timestamp,
    },
    /// It recovered, or it now fails for itself.
    IncidentLeft {
        /// Which incident.
        incident: IncidentId,
        /// Who left.
        subsystem: SubsystemId,
    },
    /// The owners of dependants were told that a dependency is in a valid window.
    DependantsTold {
        /// Which window.
        window: WindowId,
        /// Whose dependant.
        subsystem: SubsystemId,
    },
    /// A message of this incident was put into the outbox for these recipients.
    IncidentTold {
        /// Which one.
        incident: IncidentId,
        /// Sequence of the message within the incident.
        sequence: u32,
        /// Who was told; a close goes to the same, and is none's here.
        to: Vec<Recipient>,
        /// What the message reports, if it is between the opening and the closing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        turn: Option<incident::Turn>,
    },
    /// An incident came and went so often that it closes only after a time of quiet.
    IncidentUnstable {
        /// Which one.
        incident: IncidentId,
    },
    /// A ticket became a page: something more important fails with it.
    IncidentRaised {
        /// Which one.
        incident: IncidentId,
    },
    /// A person said something about an incident.
    IncidentSaid {
        /// Which one.
        incident: IncidentId,
        /// What sort of word.
        saying: incident::Saying,
        /// Who.
        by: Actor,
        /// In that person's words.
        text: String,
        /// To whom it was handed over.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        to: Vec<Recipient>,
    },
    /// Somebody wants to hear less for a while.
    Silenced {
        /// Of what, until when, who says so and why.
        silence: Box<silence::Silence>,
    },
    /// A silence was ended early.
    SilenceLifted {
        /// Which one.
        silence: silence::SilenceId,
        /// Who.
        by: Actor,
        /// Why, in that person's words.
        reason: String,
    },
    /// Something happened to a run of a plan.
    Run {
        /// Which one.
        run: RunId,
        /// What.
        event: RunFact,
    },
    /// Something happened to what has to be reported about an incident.
    Filing {
        /// Which incident.
        incident: IncidentId,
        /// What.
        event: FilingFact,
    },
    /// The report about a month was put into the outbox.
    MonthReported {
        /// `2026-10`.
        period: String,
        /// What it said; nothing in facts of older versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        said: Option<ReportSaid>,
    },
    /// A person said how a span that is over counts; what was seen stays as it is.
    SpanCorrected {
        /// Of which subsystem.
        subsystem: SubsystemId,
        /// About when.
        span: Span,
        /// What it counts as; nothing takes former corrections of it back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        counts_as: Option<Health>,
        /// Who.
        by: Actor,
        /// Why, in that person's words.
        reason: String,
    },
    /// An incident is over.
    IncidentClosed {
        /// Which one.
        incident: IncidentId,
        /// When it was over.
        until: Timestamp,
    },
}

/// What a report said, so that it can be made again and compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportSaid {
    /// As it stood then.
    pub as_of: Timestamp,
    /// The id of the last fact that it is made of.
    pub facts: u64,
    /// SHA-256 of its JSON, hexadecimal.
    pub digest: String,
}

/// What a window was when it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Owner, names, scope.
    pub definition: Definition,
    /// Dependants that were bad already: its verification does not wait for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bad_before: Vec<SubsystemId>,
}

/// A fact with its time of writing; the unit of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Engine time.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub fact: Fact,
}
