//! What people say about an incident: that somebody has it, and whatever the next one on duty should know.
//!
//! Not here: whether somebody may say it (`engine::words`). Invariants: nothing that was said is changed or taken back; an
//! acknowledgement holds for one opening, so whoever had the incident before a relapse has to say so again.

use super::*;

/// Words that are kept about one incident.
pub const WORDS_MAX: usize = 200;

/// What a person said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Actor,
    /// What sort of word.
    pub saying: Saying,
    /// In that person's words.
    pub text: String,
}

/// Sorts of words about an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Saying {
    /// "I have it": from now on this person does.
    Acknowledged,
    /// Anything else.
    Noted,
}

impl Saying {
    /// `acknowledged`, `noted`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Noted => "noted",
        }
    }
}

/// Who has an incident that opened at `opened`, and since when: the last one who said so.
pub fn acknowledged(words: &[Word], opened: Timestamp) -> Option<&Word> {
    let since = |word: &&Word| word.saying == Saying::Acknowledged && word.at >= opened;
    words.iter().rev().find(since)
}
