//! What leaves the house: one message for one recipient, with an id that is known before the first attempt.
//!
//! Not here: how it is worded (`notify::render`) and how it is delivered (`outbox`). A message carries the figures
//! of its moment, so that it reads the same however late it leaves.

use super::*;
use serde::{Deserialize, Serialize};

/// One affected subsystem in a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// Its id.
    pub subsystem: SubsystemId,
    /// What people call it.
    pub name: Names,
    /// Since when.
    pub since: Timestamp,
}

/// The figures of an incident at the moment of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentNews {
    /// Which incident.
    pub incident: IncidentId,
    /// What is wrong.
    pub symptom: Symptom,
    /// How loud.
    pub severity: Severity,
    /// The root cause.
    pub subsystem: SubsystemId,
    /// What people call it.
    pub name: Names,
    /// Its owner's name.
    pub owner: Names,
    /// How much hangs on it.
    pub tier: Tier,
    /// When it began, back-dated to the first contrary attempt.
    pub since: Timestamp,
    /// When it was over; `None` while it lasts.
    pub until: Option<Timestamp>,
    /// Evidence: the probe and what it saw.
    pub evidence: Vec<Evidence>,
    /// Others that fail with it, bounded to 50.
    pub affected: Vec<Affected>,
    /// How many there are in all.
    pub affected_total: usize,
    /// What is left of the month's budget, if there is an objective, in milliseconds; negative when overdrawn.
    pub budget_left_ms: Option<Millis>,
    /// The objective's target, parts per million.
    pub target_ppm: Option<u32>,
    /// Burn rates ×1000 of the pair that fired, long and short, for `SlaAtRisk`.
    pub burn_milli: Option<(i64, i64)>,
    /// The window that overran, or under which it began.
    pub window: Option<WindowId>,
    /// The approved end of that window.
    pub window_end: Option<Timestamp>,
    /// Whose undeclared maintenance it is, and what was declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<Box<attribution::Attribution>>,
    /// The maintenance that runs beside it: what it needs, or what stands in for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<WindowId>,
    /// What it was over the last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lately: Option<Box<lately::Lately>>,
    /// Work on it and on what it needs in the last day, newest first, bounded to 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<lately::Work>,
    /// Address of what its owner wrote about mending it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// Who has it since when, if anybody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<(String, Timestamp)>,
    /// It comes and goes, and closes only after a time of quiet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unstable: bool,
    /// It was a ticket before this message, and is a page now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub raised: bool,
    /// Somebody handed it over, and nobody has confirmed that yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed: Option<Box<HandedOver>>,
}

/// A hand-over that waits for those to whom it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedOver {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// To whom, as people call them.
    pub to: Vec<String>,
    /// What they should know; may be empty.
    pub text: String,
}

impl HandedOver {
    /// That of a word.
    pub fn of(word: &incident::Word) -> Self {
        let to = word.to.iter().map(|one| one.name.clone()).collect();
        Self { at: word.at, by: word.by.name.clone(), to, text: word.text.clone() }
    }
}

/// Who saw what when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Which probe.
    pub probe: ProbeId,
    /// Start of the attempt.
    pub at: Timestamp,
    /// What it saw.
    pub reason: Reason,
}

/// One announced window in a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnouncedWindow {
    /// Which one.
    pub window: WindowId,
    /// What people call it.
    pub name: Names,
    /// From the start to the approved end.
    pub span: Span,
    /// What is affected, bounded to 50.
    pub scope: Vec<(SubsystemId, Names)>,
    /// The owner's own words.
    pub notice: Option<Names>,
    /// What of the window it holds for: a notice of a window that changed since is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<window::About>,
    /// The window's version when this was said.
    #[serde(default)]
    pub version: u32,
    /// The time that was said before, if it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<Span>,
    /// Others that cannot do without it, bounded to 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependants: Vec<(SubsystemId, Names)>,
    /// Of the same owner, what goes on working, bounded to 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub goes_on: Vec<(SubsystemId, Names)>,
    /// Work that cannot wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<window::Emergency>,
}

/// One window in a mail about what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowNews {
    /// The window.
    pub window: AnnouncedWindow,
    /// Why it stands where it does.
    pub why: Names,
    /// What was seen, once it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
}

/// What was seen while a window lasted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// From its start to the verified service.
    pub took_ms: Millis,
    /// What was approved.
    pub approved_ms: Millis,
    /// Policy violation of that time in the ledgers of the scope, added up.
    pub violation_ms: Millis,
    /// What began and ended inside, in order of time, bounded to 50.
    pub outages: Vec<(SubsystemId, Names, Span)>,
    /// How often what was out of service showed something else than its notice.
    pub defects: Vec<(SubsystemId, Names, u32)>,
}

/// Why a run of a plan writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunNewsKind {
    /// A step says something.
    Says,
    /// Nobody knows whether a step was done: a person has to say.
    Parked,
    /// It turns back.
    TurnsBack,
    /// Something could not be taken back.
    Broken,
    /// Something cannot be put back into service.
    StaysDrained,
}

impl RunNewsKind {
    /// The word in threads.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Says => "says",
            Self::Parked => "parked",
            Self::TurnsBack => "turns-back",
            Self::Broken => "broken",
            Self::StaysDrained => "stays-drained",
        }
    }
}

/// A run of a plan at the moment of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunNews {
    /// Why it writes.
    pub kind: RunNewsKind,
    /// Which run.
    pub run: RunId,
    /// The plan's name.
    pub plan: Names,
    /// In which window.
    pub window: WindowId,
    /// From its start to its approved end.
    pub span: Span,
    /// About which step.
    pub step: Option<StepId>,
    /// From when on no step starts.
    pub point_of_no_return: Timestamp,
    /// The step's words, or the reason.
    pub text: Names,
}

/// The report about a month, in the recipient's language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportNews {
    /// `2026-10`.
    pub period: String,
    /// Whose report about when.
    pub title: String,
    /// How many promises were met, and how many not.
    pub lead: String,
    /// What must be known before any figure is quoted.
    pub caveats: Vec<String>,
    /// Name and value.
    pub totals: Vec<(String, String)>,
    /// Promises that were not met, bounded.
    pub missed: Vec<String>,
    /// Incidents, bounded.
    pub incidents: Vec<String>,
    /// What the attached report is called.
    pub file: String,
    /// The whole report: one HTML file that loads nothing.
    pub html: String,
}

/// One letter about a month, for everybody who reads its language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportLetter {
    /// One for each owner and month.
    pub thread: String,
    /// Who gets it.
    pub to: Vec<Recipient>,
    /// What it says.
    pub news: ReportNews,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Content {
    /// An incident opened.
    Opened(IncidentNews),
    /// An incident opened again within the relapse time.
    Reopened(IncidentNews),
    /// More fails with an open incident, somebody took it, or it became unstable.
    Changed(IncidentNews),
    /// An incident still lasts.
    Reminder(IncidentNews),
    /// Nobody took an incident, and the recipient is next on the ladder.
    Escalated(IncidentNews),
    /// An incident is over.
    Closed(IncidentNews),
    /// Windows to come, at most 100, for one owner.
    Announcement {
        /// Whose.
        owner: OwnerId,
        /// Its name.
        name: Names,
        /// In order of time.
        windows: Vec<AnnouncedWindow>,
    },
    /// What became of windows, at most 100, for one owner.
    WindowNews {
        /// Its name.
        owner: Names,
        /// What they are told of.
        telling: window::Telling,
        /// In order of time.
        windows: Vec<WindowNews>,
    },
    /// A dependency is in a valid window; told once to the dependants' owners.
    DependencyInMaintenance {
        /// The window.
        window: AnnouncedWindow,
        /// What of the recipient's is affected.
        affected: Vec<Affected>,
    },
    /// A step of a plan speaks, or a run needs people.
    Plan(RunNews),
    /// A report to an authority may be due, or what became of it.
    Filing {
        /// Why this goes out.
        turn: filing::Turn,
        /// All that is known.
        sheet: Box<filing::Sheet>,
    },
    /// What was, is and will be, once a day.
    Digest(Box<DigestNews>),
    /// What came of the promises over a month.
    Report(Box<ReportNews>),
    /// Nothing but that mail gets out.
    Canary,
    /// A reload was refused; the text is what `check` prints.
    ReloadRefused {
        /// Diagnostics, cut to 16 KiB.
        text: String,
    },
    /// Messages that share a mail because their recipient had many; written by the outbox alone.
    Folded(Box<FoldedNews>),
}

impl Content {
    /// The incident's figures, if it is about one.
    pub fn incident(&self) -> Option<&IncidentNews> {
        match self {
            Self::Opened(news)
            | Self::Reopened(news)
            | Self::Changed(news)
            | Self::Reminder(news)
            | Self::Escalated(news)
            | Self::Closed(news) => Some(news),
            _ => None,
        }
    }
}

/// One row of the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `hash(thread, sequence, recipient)`: the left part of the Message-ID.
    pub id: String,
    /// Messages of one thread to one recipient leave in order and refer to the first: `INC-0042`, `notice-bdc-…`.
    pub thread: String,
    /// Counts from 0 within the thread.
    pub sequence: u32,
    /// Sequence of the thread's first message to the same recipient: its own, if they came in with this one.
    #[serde(default)]
    pub first: u32,
    /// Where it goes.
    pub to: Recipient,
    /// When it was decided.
    pub at: Timestamp,
    /// When it is given up.
    pub expires: Timestamp,
    /// Set on what waits for its recipient's quiet digest: the time of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Timestamp>,
    /// What it says.
    pub content: Content,
}

/// Where a message goes, and in which language.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Recipient {
    /// A name or a post.
    pub name: String,
    /// An e-mail address, or `channel:` and the id of a channel.
    pub mail: String,
    /// What they read.
    pub language: Language,
}

/// Before the id of a channel, where an address stands.
const CHANNEL: &str = "channel:";

impl Recipient {
    /// The address of a channel.
    pub fn at_channel(id: &str) -> String {
        format!("{CHANNEL}{id}")
    }

    /// The channel that an address leads to; `None` if it is one of mail.
    pub fn channel(address: &str) -> Option<&str> {
        address.strip_prefix(CHANNEL)
    }
}

impl From<&Contact> for Recipient {
    fn from(c: &Contact) -> Self {
        Self { name: c.name.clone(), mail: c.mail.clone(), language: c.language }
    }
}

impl Message {
    /// Makes the row; the id follows from thread, sequence and recipient alone, so it can be computed again.
    pub fn new(thread: String, sequence: u32, to: Recipient, at: Timestamp, life_ms: Millis, content: Content) -> Self {
        let id = id_of(&thread, sequence, &to.mail);
        Self { id, thread, sequence, first: 0, to, at, expires: at + life_ms, held_until: None, content }
    }

    /// The same row, not to be sent before `until`, from which its life counts.
    pub fn held_until(self, until: Option<Timestamp>) -> Self {
        let Some(at) = until else { return self };
        Self { expires: self.expires + at.since(self.at), held_until: until, ..self }
    }

    /// The same row for somebody who came into the thread with that sequence.
    pub fn since(self, first: u32) -> Self {
        Self { first, ..self }
    }

    /// The id of the thread's first message to the same recipient, unless this is it.
    pub fn first_id(&self) -> Option<String> {
        (self.first < self.sequence).then(|| id_of(&self.thread, self.first, &self.to.mail))
    }
}

fn id_of(thread: &str, sequence: u32, mail: &str) -> String {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(format!("{thread}\n{sequence}\n{mail}"));
    digest.iter().take(16).map(|b| format!("{b:02x}")).collect()
}
