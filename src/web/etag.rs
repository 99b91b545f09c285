//! Tags of what is sent, so that whoever has the same already is told so in a few bytes.
//!
//! Invariant: a tag is weak, since one stands for the text in every encoding; the same text has the same tag.

use axum::http::{HeaderMap, HeaderValue, header};
use sha2::{Digest, Sha256};

/// The tag of a text.
pub(super) fn of(text: &[u8]) -> HeaderValue {
    let hash: String = Sha256::digest(text).iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    // Hexadecimal digits are a valid header.
    HeaderValue::from_str(&format!("W/\"{hash}\"")).unwrap_or(HeaderValue::from_static("W/\"\""))
}

/// Whether whoever asks has the text with this tag: `If-None-Match` names it.
pub(super) fn is_held(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    let values = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|asked| names(asked.trim(), tag))
}

/// Whether one of the asked tags is this one; whether weak or strong does not matter there.
fn names(asked: &str, tag: &HeaderValue) -> bool {
    let bare = |tag: &[u8]| tag.strip_prefix(b"W/").unwrap_or(tag).to_vec();
    asked == "*" || bare(asked.as_bytes()) == bare(tag.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_has_the_same_tag_and_another_has_another() {
        let [one, same, other] = ["a", "a", "b"].map(|text| of(text.as_bytes()));
        assert!(one == same && one != other);
    }

    #[test]
    fn a_tag_is_held_by_whoever_names_it_weak_or_strong_alone_or_among_others() {
        let tag = of(b"a");
        let weak = tag.to_str().unwrap();
        let strong = weak.trim_start_matches("W/");
        let asks =
            |value: &str| is_held(&HeaderMap::from_iter([(header::IF_NONE_MATCH, value.parse().unwrap())]), &tag);
        assert!(asks(weak) && asks(strong) && asks("*") && asks(&format!("\"other\", {weak}")));
        assert!(!asks(of(b"b").to_str().unwrap()) && !asks("") && !is_held(&HeaderMap::new(), &tag));
    }
}
