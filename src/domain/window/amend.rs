//! What people change about one window: requests, approvals, amendments, and whether approvals suffice.
//!
//! Not here: whether a change is allowed (`engine::orders`), and who may ask (`web`). Invariants: an approval and a
//! notice are about just what was approved and announced, so any change that widens it voids them; an applicant never
//! approves.

use super::*;
use crate::domain::audit::Actor;
use schemars::JsonSchema;
use sha2::Digest;

/// What a window is, apart from its time: what a text or a request says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Whose it is: its applicant.
    pub owner: OwnerId,
    /// What people call it.
    pub name: Names,
    /// What is affected, sorted.
    pub scope: Vec<SubsystemId>,
    /// The owner's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Names>,
    /// A stricter policy that is added to those that match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyId>,
    /// How it is carried out; by people when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanId>,
}

/// What an approval or a notice is about. One that was stored by an older version is about anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// [`Definition::digest`].
    pub digest: String,
    /// From the start to the approved end.
    pub span: Span,
    /// Of an approval: the text of the plan that carries it out, by [`Plan::digest`](crate::domain::plan::Plan::digest).
    /// Notices do not name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

/// What the files say now about a window, by hash: approvals of anything else are void.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wording {
    /// The schedule's text, by [`Schedule::digest`].
    pub schedule: Option<String>,
    /// The text of the plan.
    pub plan: Option<String>,
}

/// Work that cannot wait for notice and off-hours: it makes the work possible, not free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Emergency {
    /// The number under which the trouble is known.
    pub ticket: String,
}

/// Who said yes, and to what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: Actor,
    /// The owners in whose name.
    pub owners: Vec<OwnerId>,
    /// To what; for a schedule's text, its digest and no span.
    pub about: Assent,
    /// When.
    pub at: Timestamp,
    /// Why, in that person's words.
    pub reason: String,
}

/// What was approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assent {
    /// One window.
    Window(About),
    /// A schedule's text, by [`Schedule::digest`]: all its windows.
    Text(String),
}

/// A later approved end that was asked for and is not approved yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// The end that was asked for.
    pub end: Timestamp,
    /// By whom.
    pub by: Actor,
}

/// What a person changed about one window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amendment {
    /// Approved, in the name of these owners.
    Approved {
        /// The owners in whose name.
        owners: Vec<OwnerId>,
        /// To what.
        about: About,
    },
    /// This one does not take place; the schedule's others do.
    Skipped,
    /// Called off.
    Cancelled,
    /// To another time. Approvals and notices are about the former one, and void.
    Moved {
        /// The new time.
        to: Span,
    },
    /// Ends earlier.
    Shortened {
        /// The new approved end.
        end: Timestamp,
    },
    /// A later end is asked for and needs approvals.
    ExtensionAsked {
        /// The end that was asked for.
        end: Timestamp,
    },
    /// Ends later.
    Extended {
        /// The new approved end.
        end: Timestamp,
    },
    /// Starts in spite of open incidents and other windows.
    Waived,
    /// The work is done.
    Finished,
    /// The work is stopped and undone.
    Aborted,
}

impl Amendment {
    /// The word for the audit log and for the API.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Approved { .. } => "approve",
            Self::Skipped => "skip",
            Self::Cancelled => "cancel",
            Self::Moved { .. } => "move",
            Self::Shortened { .. } => "shorten",
            Self::ExtensionAsked { .. } | Self::Extended { .. } => "extend",
            Self::Waived => "start",
            Self::Finished => "finish",
            Self::Aborted => "abort",
        }
    }
}

/// What approvals are still missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// How many people, the applicant not among them.
    pub people: u8,
    /// Owners of foreign subsystems whose consent is missing.
    pub owners: Vec<OwnerId>,
}

impl Missing {
    /// Whether nobody is missing.
    pub fn is_none(&self) -> bool {
        self.people == 0 && self.owners.is_empty()
    }
}

impl Definition {
    /// What is left of a window whose text is gone.
    pub fn forgotten() -> Self {
        let (name, scope) = (Names::default(), Vec::new());
        Self { owner: OwnerId::new(""), name, scope, notice: None, policy: None, plan: None }
    }

    /// What approvals and notices hold for: owner, scope, policy and plan, by hash. Names may be mended.
    pub fn digest(&self) -> String {
        let policy = self.policy.as_ref().map(PolicyId::as_str).unwrap_or_default();
        let scope: Vec<&str> = self.scope.iter().map(SubsystemId::as_str).collect();
        let plan = self.plan.as_ref().map(|plan| format!("\n\n{plan}")).unwrap_or_default();
        hex(format!("{}\n{policy}\n{}{plan}", self.owner, scope.join("\n")).as_bytes(), 16)
    }

    /// The same as a schedule's text, for those who judge texts: one start, one length.
    pub fn as_schedule(&self, id: &ScheduleId, span: Span, zone: &Zone) -> Schedule {
        Schedule {
            id: id.clone(),
            name: self.name.clone(),
            owner: self.owner.clone(),
            scope: self.scope.clone(),
            starts: Recurrence::Dates(vec![zone.local(span.start)]),
            except: Vec::new(),
            also: Vec::new(),
            lasts_ms: span.len_ms(),
            policy: self.policy.clone(),
            plan: self.plan.clone(),
            notice: self.notice.clone(),
            source: Source { file: "a request".into(), line: 0 },
        }
    }
}

impl Schedule {
    /// What every window of this text is.
    pub fn definition(&self) -> Definition {
        Definition {
            owner: self.owner.clone(),
            name: self.name.clone(),
            scope: self.scope.clone(),
            notice: self.notice.clone(),
            policy: self.policy.clone(),
            plan: self.plan.clone(),
        }
    }

    /// The whole text by hash, that of its plan with it, where it stands left out: any change voids its approvals.
    pub fn digest(&self, plan_text: Option<&str>) -> String {
        let Self { id, name, owner, scope, starts, except, also, lasts_ms, policy, plan, notice, source: _ } = self;
        let text = (id, name, owner, scope, starts, except, also, lasts_ms, policy, notice);
        let plan = plan.as_ref().map(|plan| format!("{plan:?}{plan_text:?}")).unwrap_or_default();
        hex(format!("{text:?}{plan}").as_bytes(), 32)
    }
}

impl About {
    /// Whether what it is about holds `span` of `definition`, whatever carries it out.
    pub fn holds(&self, definition: &Definition, span: Span) -> bool {
        self.span.covers(span) && self.digest == definition.digest()
    }
}

impl Window {
    /// What a notice of today is about.
    pub fn about(&self) -> About {
        About { digest: self.definition.digest(), span: self.span, plan: None }
    }

    /// What an approval of today is about.
    pub fn about_with(&self, wording: &Wording) -> About {
        About { plan: wording.plan.clone(), ..self.about() }
    }

    /// Who must approve what `needed` and `owners` ask for and has not, given the approvals of its schedule's text.
    /// What the files say now is dear to know, and asked for only where somebody approved.
    pub fn missing(
        &self,
        needed: u8,
        owners: &[OwnerId],
        texts: &[Approval],
        wording: impl FnOnce() -> Wording,
    ) -> Missing {
        let any: Vec<&Approval> = self.approvals.iter().chain(texts).collect();
        let wording = if any.is_empty() { Wording::default() } else { wording() };
        let given: Vec<&Approval> = any.into_iter().filter(|a| self.is_about_this(a, &wording)).collect();
        let mut people: Vec<&str> = given.iter().filter(|a| self.counts(a)).map(|a| a.by.name.as_str()).collect();
        people.sort_unstable();
        people.dedup();
        let people = u8::try_from(people.len()).unwrap_or(u8::MAX);
        let consents = |owner: &&OwnerId| given.iter().any(|a| a.owners.contains(owner));
        let owners = owners.iter().filter(|o| !consents(o)).cloned().collect();
        Missing { people: needed.saturating_sub(people), owners }
    }

    pub(super) fn is_about_this(&self, approval: &Approval, wording: &Wording) -> bool {
        match &approval.about {
            Assent::Window(about) => about.plan == wording.plan && about.holds(&self.definition, self.span),
            Assent::Text(digest) => wording.schedule.as_ref() == Some(digest) && self.written.covers(self.span),
        }
    }

    fn counts(&self, approval: &Approval) -> bool {
        approval.owners.contains(&self.definition.owner) && self.why_no_approver(&approval.by).is_none()
    }

    /// Why somebody's approval cannot count: whoever applied for it, or acts for the owner of its text, is no judge.
    pub fn why_no_approver(&self, by: &Actor) -> Option<Names> {
        if self.applicants.contains(&by.name) {
            return Some(Names {
                zh: format!("{} 是该窗口的申请人，不能批准", by.name),
                en: format!("{} applied for this window and cannot approve it; ask somebody else", by.name),
            });
        }
        let owner = &self.definition.owner;
        (!self.requested && by.owner.as_ref() == Some(owner)).then(|| Names {
            zh: format!("{} 代表 {owner}，而该窗口由 {owner} 申请", by.name),
            en: format!("{} acts for {owner}, the applicant of this window; ask somebody else", by.name),
        })
    }
}

fn hex(bytes: &[u8], length: usize) -> String {
    let digits = sha2::Sha256::digest(bytes).into_iter().take(length).flat_map(|b| [b >> 4, b & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

#[cfg(test)]
mod tests;
