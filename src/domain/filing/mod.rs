//! Filings (上报): what has to be reported to an authority about an incident, by when, and what people did about it.
//!
//! Reading order: the words here, `rules` (who has how long, and from what on), `clock` (the deadline and the warnings
//! before it), `book` (the fold over facts), `draft` (the report as a text to complete). Not here: who is told when
//! (`engine::filing`) and how a mail looks (`notify`). Invariants: nothing is ever sent to an authority; the hours are those of
//! 国家网络安全事件报告管理办法 (2025), Article 4, or fewer; no threshold of a grade is built in, since the two lower grades
//! of the guide are not known to us; everything follows from facts.

mod book;
mod clock;
mod draft;
mod rules;

#[cfg(test)]
mod tests;

pub use book::{ACTS_MAX, Filing, Filings, Outcome, Said};
pub use clock::{Clock, SOON, Stage};
pub use draft::draft;
pub use rules::{Assigned, CountsFrom, Reached, Rules, Share, Threshold};

use super::*;
use serde::{Deserialize, Serialize};

/// How grave an incident is, by the guide 网络安全事件分级指南; the gravest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// 一般: no report is due.
    Ordinary,
    /// 较大: from here on a report is due.
    Considerable,
    /// 重大.
    Serious,
    /// 特别重大.
    EspeciallySerious,
}

impl Grade {
    /// All of them, the gravest last.
    pub const ALL: [Self; 4] = [Self::Ordinary, Self::Considerable, Self::Serious, Self::EspeciallySerious];

    /// The word in files, addresses and facts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::Considerable => "considerable",
            Self::Serious => "serious",
            Self::EspeciallySerious => "especially_serious",
        }
    }

    /// The grade with this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grade| grade.as_str() == word)
    }

    /// For people.
    pub fn text(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Ordinary, Language::Zh) => "一般",
            (Self::Considerable, Language::Zh) => "较大",
            (Self::Serious, Language::Zh) => "重大",
            (Self::EspeciallySerious, Language::Zh) => "特别重大",
            (Self::Ordinary, Language::En) => "ordinary",
            (Self::Considerable, Language::En) => "considerable",
            (Self::Serious, Language::En) => "serious",
            (Self::EspeciallySerious, Language::En) => "especially serious",
        }
    }

    /// Whether a report is due.
    pub fn is_reportable(self) -> bool {
        self >= Self::Considerable
    }
}

/// What sort of operator answers for a system; the one with the least time first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Of critical information infrastructure.
    Critical,
    /// A central or state organ, or one directly under it.
    Central,
    /// Any other.
    Other,
}

impl Category {
    /// All of them, the one with the least time first.
    pub const ALL: [Self; 3] = [Self::Critical, Self::Central, Self::Other];

    /// The word in files and facts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Central => "central",
            Self::Other => "other",
        }
    }

    /// The category with this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == word)
    }

    /// The longest time that it has, in plain hours.
    pub fn within_ms(self) -> Millis {
        match self {
            Self::Critical => HOUR,
            Self::Central => 2 * HOUR,
            Self::Other => 4 * HOUR,
        }
    }

    /// For people.
    pub fn text(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Critical, Language::Zh) => "关键信息基础设施",
            (Self::Central, Language::Zh) => "中央和国家机关",
            (Self::Other, Language::Zh) => "其他网络运营者",
            (Self::Critical, Language::En) => "critical information infrastructure",
            (Self::Central, Language::En) => "central and state organs",
            (Self::Other, Language::En) => "other operators",
        }
    }

    /// To whom the rule sends its report, in general words.
    pub fn authority(self) -> Names {
        let (zh, en) = match self {
            Self::Critical => ("保护工作部门、公安机关", "the protection department and the public security organ"),
            Self::Central => ("本部门网信工作机构", "the cyberspace office of the department itself"),
            Self::Other => ("属地省级网信部门", "the cyberspace administration of the province"),
        };
        Names { zh: zh.to_owned(), en: en.to_owned() }
    }
}

/// Who reports to whom within how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// What sort of operator.
    pub category: Category,
    /// Plain hours from "known".
    pub within_ms: Millis,
    /// The authority, as the files call it.
    pub to: Names,
}

/// What a person did, or says about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// Judged how grave it is.
    Graded {
        /// The grade.
        grade: Grade,
    },
    /// Says that it was known earlier than we knew it.
    Known {
        /// Since when.
        at: Timestamp,
    },
    /// Sent the report.
    Reported {
        /// When.
        at: Timestamp,
        /// To whom; at most [`TO_MAX`] characters.
        to: String,
    },
    /// Judged that no report is due.
    Dismissed,
}

/// Longest name of who got a report, in characters.
pub const TO_MAX: usize = 200;

/// How far back "known" may be stated, and a report may have been sent.
pub const BACK_MAX: Millis = 30 * DAY;

impl Act {
    /// The last part of the address, the command's name, and the word of the audit log.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Graded { .. } => "grade",
            Self::Known { .. } => "known",
            Self::Reported { .. } => "reported",
            Self::Dismissed => "dismiss",
        }
    }

    /// Whether no warning is wanted after it.
    pub fn settles(&self) -> bool {
        match self {
            Self::Graded { grade } => !grade.is_reportable(),
            Self::Known { .. } => false,
            Self::Reported { .. } | Self::Dismissed => true,
        }
    }
}

/// Why a mail about a filing goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// A report may be due: here is the draft.
    Due,
    /// Half of the time is over.
    Half,
    /// A quarter of an hour is left, or less.
    Soon,
    /// The deadline has passed.
    Overdue,
    /// A higher grade is reached than the last mail said.
    Rose,
    /// A person says that it was sent, or that none is due.
    Settled,
}

/// What happened to a filing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum FilingFact {
    /// A report may be due; the clock runs.
    Opened {
        /// About which root.
        subsystem: SubsystemId,
        /// What is wrong with it.
        symptom: Symptom,
        /// Since when.
        since: Timestamp,
        /// Who reports to whom within how long.
        duty: Duty,
        /// From when on it counts.
        known: Timestamp,
    },
    /// Something with less time fails with it.
    Tightened {
        /// Who reports to whom within how long.
        duty: Duty,
    },
    /// Thresholds of a grade are reached.
    Suggested {
        /// The grade.
        grade: Grade,
        /// Which thresholds, for people.
        why: Vec<Names>,
    },
    /// A mail was put into the outbox.
    Told {
        /// Why.
        turn: Turn,
        /// Where the clock stood.
        stage: Stage,
        /// Its sequence in the thread.
        sequence: u32,
        /// To whom.
        to: Vec<Recipient>,
    },
    /// A person did something, or says something about it.
    Said {
        /// What.
        act: Act,
        /// Who.
        by: Actor,
        /// In that person's words.
        text: String,
    },
}

/// Everything that a draft, a page and a mail say about a filing, at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// About which incident.
    pub incident: IncidentId,
    /// The root cause.
    pub subsystem: SubsystemId,
    /// What people call it.
    pub name: Names,
    /// Its owner's name.
    pub owner: Names,
    /// Who reports.
    pub unit: Names,
    /// What is wrong.
    pub symptom: Symptom,
    /// When it began, back-dated.
    pub since: Timestamp,
    /// When it was over.
    pub until: Option<Timestamp>,
    /// What was seen.
    pub seen: Option<Reason>,
    /// Others that fail with it, bounded to 50.
    pub affected: Vec<Affected>,
    /// How many there are in all.
    pub affected_total: usize,
    /// People who rely on what fails, as far as the files say.
    pub people: Option<u64>,
    /// Who has it, if anybody said so.
    pub taken: Option<String>,
    /// What people noted about the incident, the last 20.
    pub notes: Vec<(Timestamp, String)>,
    /// Who reports to whom within how long.
    pub duty: Duty,
    /// The grade that holds: a person's, else the suggested one.
    pub grade: Grade,
    /// Who judged it so; nobody for a suggested grade.
    pub graded_by: Option<String>,
    /// What the thresholds say.
    pub suggested: Grade,
    /// Which thresholds, for people.
    pub why: Vec<Names>,
    /// From when on the time counts.
    pub known: Timestamp,
    /// Whether a person stated that.
    pub stated: bool,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// What people did, in order.
    pub acts: Vec<Said>,
}

impl Sheet {
    /// The clock.
    pub fn clock(&self) -> Clock {
        Clock { known: self.known, within_ms: self.duty.within_ms }
    }

    /// Whether somebody has to act.
    pub fn is_open(&self) -> bool {
        self.outcome.is_none() && self.grade.is_reportable()
    }

    /// `running`, `overdue`, `reported`, `reported_late` or `not_due`.
    pub fn standing(&self, now: Timestamp) -> &'static str {
        let deadline = self.clock().deadline();
        match &self.outcome {
            Some(Outcome::Reported { at, .. }) if *at > deadline => "reported_late",
            Some(Outcome::Reported { .. }) => "reported",
            Some(Outcome::NotDue { .. }) => "not_due",
            None if !self.grade.is_reportable() => "not_due",
            None if now > deadline => "overdue",
            None => "running",
        }
    }
}
