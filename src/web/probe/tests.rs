//! Whose time counts.

use super::*;
use crate::config::modules::Module;
use crate::field::{Node, Place};

fn module(own_s: Option<u64>) -> Module {
    let at = Place::of_file("modules.yaml");
    let kind = crate::probe::kind("http").unwrap();
    let body = Node::plain(at.clone(), "");
    Module { name: "m".into(), kind, timeout: own_s.map(Duration::from_secs), body, at }
}

fn granted(text: Option<&str>, own_s: Option<u64>) -> Result<f64, String> {
    let mut headers = HeaderMap::new();
    if let Some(text) = text {
        headers.insert(GRANTED, text.parse().unwrap());
    }
    timeout(&headers, &module(own_s)).map(|length| length.as_secs_f64())
}

#[test]
fn the_shorter_of_what_is_granted_and_what_the_module_says_counts() {
    assert_eq!(granted(Some("10"), Some(5)), Ok(5.0));
    assert_eq!(granted(Some("3"), Some(5)), Ok(2.5));
    assert_eq!(granted(Some("3"), None), Ok(2.5));
    assert_eq!(granted(Some("0.2"), Some(5)), Ok(5.0));
    assert_eq!(granted(None, Some(5)), Ok(5.0));
    assert_eq!(granted(None, None), Ok(28.0));
    assert_eq!(granted(Some("600"), Some(300)), Ok(28.0));
    for wrong in ["soon", "NaN", "inf"] {
        assert!(granted(Some(wrong), None).unwrap_err().starts_with("Failed to parse timeout"), "{wrong}");
    }
}
