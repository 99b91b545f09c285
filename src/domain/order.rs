//! What people ask the daemon to do with windows, gates and what was seen, and what it answers.
//!
//! Not here: whether it is done (`engine::orders`), and how it travels (`web`, `cli`). Invariants: every order carries
//! a name and, but for approvals, leases, acknowledgements and reports that were sent, a reason; every answer is a sentence in both languages.

use super::access::Caller;
use super::filing::Act;
use super::incident::Saying;
use super::plan::Resolution;
use super::silence::{Matcher, SilenceId};
use super::timeline::Health;
use super::window::WindowState;
use super::*;

/// One order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Who asks, and what that person may.
    pub by: Caller,
    /// Why, at most [`REASON_MAX`] characters.
    pub reason: String,
    /// What.
    pub what: Wanted,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A window that is in no file.
    Request(Request),
    /// Work that cannot wait for notice and off-hours.
    Override {
        /// What is affected.
        scope: Vec<SubsystemId>,
        /// How long it may take from now on, at most 24 h.
        lasts_ms: Millis,
        /// The number under which the trouble is known.
        ticket: String,
    },
    /// Approval of a schedule's text: all its windows, until the text changes.
    ApproveText(ScheduleId),
    /// A lease on a gate that opens now.
    TakeLease {
        /// What is to be changed.
        subsystem: SubsystemId,
        /// How long that takes.
        lasts_ms: Millis,
        /// The hash of the lease's secret.
        lease: String,
    },
    /// The change begins: the lease with this hash is used.
    UseLease(String),
    /// The change is over: the lease with this hash is given back.
    ReleaseLease(String),
    /// How a span that is over counts.
    Correct {
        /// Of which subsystem.
        subsystem: SubsystemId,
        /// About when.
        span: Span,
        /// What it counts as; `None` takes former corrections of it back.
        counts_as: Option<Health>,
    },
    /// A word about an incident: the reason is the word.
    Incident(IncidentId, Saying),
    /// What somebody did about the report that an incident may need: the reason says why.
    Filing(IncidentId, Act),
    /// An incident is somebody else's from now on: a person by id, name or address, or a roster. The reason is the word
    /// that goes with it.
    HandOver(IncidentId, String),
    /// Mails about something are held back for so long.
    Silence(Matcher, Millis),
    /// A silence ends early.
    Lift(SilenceId),
    /// Something about one window.
    Window(WindowId, Action),
    /// Something about the run of a plan.
    Run(RunWish),
}

/// What is asked for about runs of plans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunWish {
    /// Begin in a window that runs and whose plan does not.
    Start(WindowId),
    /// Turn back.
    Abort(RunId),
    /// Go on: the step was done, or do it once more.
    Resume(RunId, Resolution),
    /// Let a step that waits for people pass.
    Approve(RunId, StepId),
}

/// A window that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Whose it is.
    pub owner: OwnerId,
    /// What people call it.
    pub name: Names,
    /// What is affected.
    pub scope: Vec<SubsystemId>,
    /// From the start to the approved end.
    pub span: Span,
    /// The owner's own words.
    pub notice: Option<Names>,
    /// How it is carried out; by people when absent.
    pub plan: Option<PlanId>,
}

/// Something about one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Approve it, or the longer time that was asked for while it runs.
    Approve,
    /// This one does not take place; the schedule's others do.
    Skip,
    /// Another time, as long as before unless a length is given.
    Move {
        /// The new start.
        to: Timestamp,
        /// The new length.
        lasts_ms: Option<Millis>,
    },
    /// An earlier end.
    Shorten {
        /// The new approved end.
        end: Timestamp,
    },
    /// Start in spite of open incidents and other windows.
    Start,
    /// A later end, asked for before the approved one.
    Extend {
        /// The end that is asked for.
        end: Timestamp,
    },
    /// The work is done: verify.
    Finish,
    /// Call it off before it begins.
    Cancel,
    /// Stop the work.
    Abort,
}

impl Action {
    /// The last part of the address, the command's name, and the word of the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Skip => "skip",
            Self::Move { .. } => "move",
            Self::Shorten { .. } => "shorten",
            Self::Start => "start",
            Self::Extend { .. } => "extend",
            Self::Finish => "finish",
            Self::Cancel => "cancel",
            Self::Abort => "abort",
        }
    }
}

impl Wanted {
    /// The word of the audit log: `window.approve`.
    pub fn action(&self) -> String {
        let word = match self {
            Self::TakeLease { .. } => return "gate.lease".to_owned(),
            Self::UseLease(_) => return "gate.use".to_owned(),
            Self::ReleaseLease(_) => return "gate.release".to_owned(),
            Self::Correct { .. } => return "correct".to_owned(),
            Self::Incident(_, Saying::Acknowledged) => return "incident.ack".to_owned(),
            Self::Incident(_, Saying::HandedOver) | Self::HandOver(..) => return "incident.handover".to_owned(),
            Self::Incident(_, Saying::Noted) => return "incident.note".to_owned(),
            Self::Filing(_, act) => return format!("filing.{}", act.as_str()),
            Self::Silence(..) => return "silence.set".to_owned(),
            Self::Lift(_) => return "silence.lift".to_owned(),
            Self::Request(_) => "request",
            Self::Override { .. } => "override",
            Self::ApproveText(_) => "approve_text",
            Self::Window(_, action) => action.as_str(),
            Self::Run(wish) => return wish.action().to_owned(),
        };
        format!("window.{word}")
    }

    /// What it is about, for the audit log.
    pub fn subject(&self) -> String {
        let scope = |scope: &[SubsystemId]| scope.iter().map(SubsystemId::as_str).collect::<Vec<_>>().join(" ");
        match self {
            Self::Request(request) => scope(&request.scope),
            Self::Override { scope: ids, .. } => scope(ids),
            Self::TakeLease { subsystem, .. } | Self::Correct { subsystem, .. } => subsystem.to_string(),
            // Enough to tell two apart.
            Self::UseLease(lease) | Self::ReleaseLease(lease) => lease.chars().take(8).collect(),
            Self::ApproveText(schedule) => schedule.to_string(),
            Self::Incident(incident, _) | Self::HandOver(incident, _) | Self::Filing(incident, _) => {
                incident.to_string()
            }
            Self::Silence(matches, _) => matches.to_string(),
            Self::Lift(silence) => silence.to_string(),
            Self::Window(window, _) => window.to_string(),
            Self::Run(wish) => wish.subject().to_owned(),
        }
    }
}

impl RunWish {
    /// The word of the audit log: `plan.abort`.
    fn action(&self) -> &'static str {
        match self {
            Self::Start(_) => "plan.start",
            Self::Abort(_) => "plan.abort",
            Self::Resume(..) => "plan.resume",
            Self::Approve(..) => "plan.approve",
        }
    }

    fn subject(&self) -> &str {
        match self {
            Self::Start(window) => window.as_str(),
            Self::Abort(run) | Self::Resume(run, _) | Self::Approve(run, _) => run.as_str(),
        }
    }
}

/// What came of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered {
    /// The window, or the schedule whose text was approved.
    pub subject: String,
    /// Where the window stands now.
    pub state: Option<WindowState>,
    /// Its time now.
    pub span: Option<Span>,
    /// What was done and what it waits for, for people.
    pub text: Names,
}

/// Why an order was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotOrdered {
    /// Which sort of refusal.
    pub kind: WhyNot,
    /// For people, with what would help.
    pub text: Names,
    /// When policy would allow what was asked for, if that is what stands in the way.
    pub next_open: Option<Timestamp>,
}

impl NotOrdered {
    /// The store refused it after it was carried out: it is stored when the store takes facts again.
    pub fn unrecorded() -> Self {
        let text = Names {
            zh: "指令已执行，但存储拒绝写入；恢复后补录，请届时核对窗口".into(),
            en: "the order was carried out, but the store refuses writes; it is stored when that is over, look at the \
                 window then"
                .into(),
        };
        Self { kind: WhyNot::Unrecorded, text, next_open: None }
    }
}

/// Sorts of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyNot {
    /// There is no such window, schedule, subsystem or owner.
    Unknown,
    /// This person may not.
    Forbidden,
    /// The order makes no sense as it is: no length, in the past, no reason.
    Senseless,
    /// The window is in a state in which this cannot be done.
    Conflict,
    /// The policy does not allow it.
    Denied,
    /// The store refuses writes, so that it could not be recorded.
    Unrecorded,
}
