//! What bots say in the body of a 200.

use super::super::{NotifyError, Receipt};
use super::note::cut;
use serde_json::Value;

/// What a bot's numbers mean besides 0; all others are final: a wrong key, a word that is missing, a body that is none.
pub(super) struct Codes {
    /// Keys that may hold the number.
    pub(super) keys: &'static [&'static str],
    /// Keys that may hold the words.
    pub(super) words: &'static [&'static str],
    /// Too many, too fast, or not now.
    pub(super) later: &'static [i64],
}

impl Codes {
    pub(super) fn judge(&self, answer: &str) -> Result<Receipt, NotifyError> {
        let value: Value = serde_json::from_str(answer)
            .map_err(|_| NotifyError::Deferred(format!("answers what is no JSON: {}", cut(answer, 200))))?;
        let code = self.keys.iter().find_map(|key| value.get(key)?.as_i64());
        let words = self.words.iter().find_map(|key| value.get(key)?.as_str()).unwrap_or_default();
        let said = |code: i64| format!("{code} {}", cut(words, 200));
        match code {
            Some(0) => Ok(Receipt { text: said(0) }),
            Some(code) if self.later.contains(&code) => Err(NotifyError::Deferred(format!("answers {}", said(code)))),
            Some(code) => Err(NotifyError::Refused(format!("answers {}", said(code)))),
            None => Err(NotifyError::Deferred(format!("answers without a code: {}", cut(answer, 200)))),
        }
    }
}
