//! One mail of every kind, with made-up news: for `gengfu mail preview`, for documents, and for tests.
//!
//! Not here: wording (`render`). Invariant: no kind is missing; the test asks serde for the names of all variants, so a
//! variant without an example fails it. Nobody in here exists; addresses end in `.test`.

mod filings;
mod incidents;
mod others;
mod windows;

use super::link::LinkKey;
use super::render::RenderContext;
use crate::domain::civil::Zone;
use crate::domain::*;

/// The instant of every example: 2026-11-23 22:50:29 in Shanghai.
pub const AT: Timestamp = Timestamp(1_795_445_429_000);

/// One kind of mail.
#[derive(Clone, Debug)]
pub struct Example {
    /// Unique; a file name.
    pub name: String,
    /// What it says.
    pub content: Content,
}

impl Example {
    fn new(name: impl Into<String>, content: Content) -> Self {
        Self { name: name.into(), content }
    }

    /// The row of the outbox, to somebody who reads a language.
    pub fn message(&self, language: Language) -> Message {
        let name = match language {
            Language::Zh => "黄浦区值班",
            Language::En => "Huangpu on duty",
        };
        let to = Recipient { name: name.into(), mail: "oncall@huangpu.test".into(), language };
        Message::new("INC-0042".into(), 0, to, AT, DAY, self.content.clone())
    }
}

/// Every kind, in the order in which people meet them.
pub fn every() -> Vec<Example> {
    [incidents::every(), windows::every(), filings::every(), others::every()].concat()
}

/// Who sends the examples.
pub fn context(zone: Zone) -> RenderContext {
    RenderContext {
        public_url: "https://gengfu.bdc.test/".into(),
        zone,
        domain: "gengfu.bdc.test".into(),
        from_name: "更夫".into(),
        from_mail: "gengfu@bdc.test".into(),
        links: LinkKey::of_examples(),
    }
}

fn names(zh: &str, en: &str) -> Names {
    Names { zh: zh.into(), en: en.into() }
}

fn center() -> Names {
    names("大数据中心", "Big Data Center")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::window::{Change, Reminder};
    use serde::de::DeserializeOwned;
    use serde_json::Value;
    use std::collections::{BTreeMap, BTreeSet};

    /// The names of all variants, by serde's own word about one that there is not.
    fn variants<T: DeserializeOwned + std::fmt::Debug>(unknown: &str) -> BTreeSet<String> {
        let said = serde_json::from_str::<T>(unknown).unwrap_err().to_string();
        let (_, known) = said.split_once("expected").unwrap_or_else(|| panic!("{said}"));
        known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    fn found(values: &[Value], of: &str, at: &[&str]) -> BTreeSet<String> {
        let of = values.iter().filter(|v| v["what"] == of);
        of.filter_map(|v| at.iter().fold(v, |v, name| &v[*name]).as_str()).map(str::to_owned).collect()
    }

    #[test]
    fn every_kind_of_mail_has_an_example() {
        let values: Vec<Value> = every().iter().map(|e| serde_json::to_value(&e.content).unwrap()).collect();
        let kinds: BTreeSet<String> = values.iter().filter_map(|v| v["what"].as_str()).map(str::to_owned).collect();
        assert_eq!(kinds, variants::<Content>(r#"{"what":"?"}"#));
        let symptoms = variants::<Symptom>(r#""?""#);
        let with_symptom = values.iter().filter(|v| v["symptom"].is_string()).filter_map(|v| v["what"].as_str());
        for kind in with_symptom.collect::<BTreeSet<_>>() {
            assert_eq!(found(&values, kind, &["symptom"]), symptoms, "{kind}");
        }
        assert_eq!(found(&values, "plan", &["kind"]), variants::<RunNewsKind>(r#""?""#));
        assert_eq!(found(&values, "filing", &["turn"]), variants::<filing::Turn>(r#""?""#));
        assert_eq!(found(&values, "window_news", &["telling", "version"]), variants::<Change>(r#""?""#));
        assert_eq!(found(&values, "window_news", &["telling", "reminder"]), variants::<Reminder>(r#""?""#));
    }

    #[test]
    fn examples_have_names_of_their_own_and_come_back_from_the_outbox() {
        let mut seen = BTreeMap::new();
        for example in every() {
            assert!(example.name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{}", example.name);
            assert!(seen.insert(example.name.clone(), ()).is_none(), "{} twice", example.name);
            let text = serde_json::to_string(&example.content).unwrap();
            assert_eq!(serde_json::from_str::<Content>(&text).unwrap(), example.content, "{}", example.name);
        }
    }
}
