//! What people say about an incident: that somebody has it, and whatever the next one on duty should know.
//!
//! Not here: whether somebody may say it (`engine::words`). Invariants: nothing that was said is changed or taken back; an
//! acknowledgement holds for one opening, so whoever had the incident before a relapse has to say so again; what was
//! handed over is nobody's until one of those says so.

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
    /// To whom it was handed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<Recipient>,
}

/// Sorts of words about an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Saying {
    /// "I have it": from now on this person does.
    Acknowledged,
    /// "You have it": nobody does until one of those who were named says so.
    HandedOver,
    /// Anything else.
    Noted,
}

impl Saying {
    /// `acknowledged`, `noted`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::HandedOver => "handed_over",
            Self::Noted => "noted",
        }
    }
}

/// Who has an incident that opened at `opened`, and since when: the last one who said so, unless it was handed over since.
pub fn acknowledged(words: &[Word], opened: Timestamp) -> Option<&Word> {
    last_of_hands(words, opened).filter(|word| word.saying == Saying::Acknowledged)
}

/// The hand-over of an incident that nobody has confirmed yet.
pub fn handed_over(words: &[Word], opened: Timestamp) -> Option<&Word> {
    last_of_hands(words, opened).filter(|word| word.saying == Saying::HandedOver)
}

fn last_of_hands(words: &[Word], opened: Timestamp) -> Option<&Word> {
    words.iter().rev().find(|word| word.saying != Saying::Noted && word.at >= opened)
}
