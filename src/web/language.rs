//! Which language a reader gets: `?lang=`, else `Accept-Language`, else Chinese.

use crate::domain::Language;
use axum::extract::FromRequestParts;
use axum::http::{header, request::Parts};
use std::convert::Infallible;

/// The language of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reads {
    /// What is shown.
    pub(super) language: Language,
    /// Asked for in the address, so that links carry it on.
    pub(super) explicit: Option<Language>,
}

impl<S: Send + Sync> FromRequestParts<S> for Reads {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let explicit = parts.uri.query().and_then(asked);
        let accepted = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|h| h.to_str().ok());
        let language = explicit.or_else(|| accepted.and_then(preferred)).unwrap_or_default();
        Ok(Self { language, explicit })
    }
}

fn asked(query: &str) -> Option<Language> {
    query.split('&').find_map(|pair| match pair.split_once('=')? {
        ("lang", tag) => tagged(tag),
        _ => None,
    })
}

fn tagged(tag: &str) -> Option<Language> {
    match tag.trim().to_ascii_lowercase().split('-').next() {
        Some("zh") => Some(Language::Zh),
        Some("en") => Some(Language::En),
        _ => None,
    }
}

/// The known language with the highest weight; among equals the first.
fn preferred(header: &str) -> Option<Language> {
    let mut best: Option<(Language, f32)> = None;
    for range in header.split(',') {
        let mut parts = range.split(';');
        let Some(language) = parts.next().and_then(tagged) else { continue };
        let weight = parts.find_map(|p| p.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
        if weight > 0.0 && best.is_none_or(|(_, b)| weight > b) {
            best = Some((language, weight));
        }
    }
    best.map(|(language, _)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_known_language_wins() {
        assert_eq!(preferred("en-GB,en;q=0.9,zh;q=0.8"), Some(Language::En));
        assert_eq!(preferred("fr, zh-CN;q=0.7, en;q=0.3"), Some(Language::Zh));
        assert_eq!(preferred("fr-FR, de;q=0.5"), None);
        assert_eq!(preferred("en;q=0, zh;q=0.1"), Some(Language::Zh));
        assert_eq!(asked("from=x&lang=en"), Some(Language::En));
        assert_eq!(asked("lang=xx"), None);
    }
}
