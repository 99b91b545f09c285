//! Keeps secrets out of sentences and traces, also those that a target sends back.
//!
//! Not here: what is a secret (the kinds). Invariants: it works on failures and on traces only, so that an attempt that
//! passes pays nothing; a secret that was cut at the end of what is shown is hidden as well.

use crate::domain::{Outcome, Reason};
use std::borrow::Cow;

/// Shorter texts are no secrets; to hide them would only spoil sentences.
const VEILED_MIN: usize = 3;

/// Secrets and what stands in their place.
#[derive(Clone, Default)]
pub(in crate::probe) struct Veil(Vec<(String, String)>);

impl Veil {
    /// Hides `secret` from now on, as it is and as it stands in addresses, in JSON and in quotes.
    pub(in crate::probe) fn hide(&mut self, secret: &str, name: &str) {
        if secret.chars().count() < VEILED_MIN {
            return;
        }
        let quoted = serde_json::Value::from(secret).to_string();
        let forms = [
            secret.to_owned(),
            super::encoded(secret),
            quoted.trim_matches('"').to_owned(),
            secret.escape_debug().to_string(),
        ];
        for form in forms {
            if !self.0.iter().any(|(known, _)| *known == form) {
                self.0.push((form, name.to_owned()));
            }
        }
        // The longest first: one secret may be part of another.
        self.0.sort_by_key(|(form, _)| std::cmp::Reverse(form.len()));
    }

    /// Hides an `Authorization`: as a whole, and what follows its scheme.
    pub(in crate::probe) fn hide_authorization(&mut self, secret: &str) {
        self.hide(secret, "…");
        if let Some((_, credentials)) = secret.split_once(' ') {
            self.hide(credentials.trim(), "…");
        }
    }

    /// The text without secrets.
    pub(in crate::probe) fn over<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for (secret, name) in &self.0 {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret, name));
            }
        }
        for (secret, name) in &self.0 {
            if let Some((from, to)) = cut_off(&text, secret) {
                text = Cow::Owned(format!("{}{name}{}", &text[..from], &text[to..]));
            }
        }
        text
    }

    /// The verdict without secrets.
    pub(in crate::probe) fn outcome(&self, outcome: Outcome) -> Outcome {
        let over = |reason: Reason| Reason::new(reason.kind, self.over(&reason.text));
        match outcome {
            Outcome::Pass => Outcome::Pass,
            Outcome::Degraded(reason) => Outcome::Degraded(over(reason)),
            Outcome::Fail(reason) => Outcome::Fail(over(reason)),
            Outcome::Unknown(reason) => Outcome::Unknown(over(reason)),
        }
    }
}

/// Where the beginning of a secret stands at the end of what is shown: before `…`, or before the end.
fn cut_off(text: &str, secret: &str) -> Option<(usize, usize)> {
    let beginnings = secret.char_indices().skip(VEILED_MIN).map(|(end, _)| &secret[..end]);
    let longest_first: Vec<&str> = beginnings.collect();
    longest_first.into_iter().rev().find_map(|beginning| {
        let marked = text.find(&format!("{beginning}…"));
        let at = marked.or_else(|| text.ends_with(beginning).then(|| text.len() - beginning.len()))?;
        Some((at, at + beginning.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_whole_cut_and_in_every_form() {
        let mut veil = Veil::default();
        veil.hide("s3cr\"t/token", "{{token}}");
        veil.hide("ab", "{{short}}");
        veil.hide_authorization("Bearer abcdef");
        let cases = [
            ("got \"s3cr\\\"t/token\" ab", "got \"{{token}}\" ab"),
            ("GET /?x=s3cr%22t%2Ftoken", "GET /?x={{token}}"),
            ("begins \"s3cr…\"", "begins \"{{token}}…\""),
            ("ends with s3cr\"t/to", "ends with {{token}}"),
            ("abcdef", "…"),
        ];
        for (text, hidden) in cases {
            assert_eq!(veil.over(text), hidden);
        }
    }
}
