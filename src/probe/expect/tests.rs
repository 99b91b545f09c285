//! Expectations about JSON by behaviour.

use super::*;
use serde_json::json;

const TABLE: &[Field] = &[JSON];

fn rules(rules: Json) -> Result<Vec<JsonRule>, Problems> {
    let record = crate::field::from_json(&json!({ "json": rules }), TABLE)?;
    let mut problems = Problems::new();
    let rules = JsonRule::of(&record, &mut problems);
    if problems.is_empty() { Ok(rules) } else { Err(problems) }
}

fn wrong(rule: Json, document: Json) -> Option<String> {
    rules(json!([rule])).unwrap()[0].wrong(&document)
}

#[test]
fn every_expectation_passes_and_fails_in_one_sentence_with_the_actual_value() {
    let document = json!({
        "status": "UP", "queue": 7, "load": "0.75", "big": 9_007_199_254_740_993_u64, "ready": true,
        "items": [{ "id": 1, "state": "UP" }, { "id": 2, "state": "DOWN" }],
    });
    let cases = [
        (json!({ "path": "$.status", "equals": "UP" }), None),
        (json!({ "path": "$.ready", "equals": true }), None),
        (json!({ "path": "$.queue", "equals": "7.0", "at_most": 7 }), None),
        (json!({ "path": "$.load", "at_least": 0.5, "at_most": 1 }), None),
        (json!({ "path": "$.nothing", "exists": false }), None),
        (json!({ "path": "$.items[?@.state == 'UP'].id", "equals": 1, "count": 1 }), None),
        (json!({ "path": "$.items[*]", "count": { "at_least": 1 } }), None),
        (json!({ "path": "$.status", "equals": "DOWN" }), Some("expected \"DOWN\" at $.status, got \"UP\"")),
        (json!({ "path": "$.big", "equals": "9007199254740992" }), Some("at $.big, got 9007199254740993")),
        (json!({ "path": "$.items[*].state", "equals": "UP" }), Some("at $.items[*].state, got \"DOWN\"")),
        (json!({ "path": "$.status", "matches": "^D" }), Some("expected a match of /^D/ at $.status, got \"UP\"")),
        (json!({ "path": "$.queue", "at_least": 8 }), Some("expected at least 8 at $.queue, got 7")),
        (json!({ "path": "$.status", "at_most": 8 }), Some("expected at most 8 at $.status, got \"UP\"")),
        (json!({ "path": "$.nothing" }), Some("expected something at $.nothing, got nothing there")),
        (json!({ "path": "$.items[0]", "exists": false }), Some("got {\"id\":1,\"state\":\"UP\"}")),
        (json!({ "path": "$.items[*]", "count": 3 }), Some("expected 3 values at $.items[*], got 2")),
        (json!({ "path": "$.items[*]", "count": { "at_most": 1 } }), Some("expected at most 1 values")),
    ];
    for (rule, sentence) in cases {
        let got = wrong(rule.clone(), document.clone());
        let fits = match sentence {
            None => got.is_none(),
            Some(part) => got.as_ref().is_some_and(|got| got.contains(part)),
        };
        assert!(fits, "{rule}: {got:?}");
    }
}

#[test]
fn path_that_cannot_be_read_or_would_cost_too_much_is_a_problem_with_a_hint() {
    let cases = [
        ("status", "it does not begin with `$`", "begin with the document: `$.status`"),
        ("$.a-b", "at character 4", "['a-b']"),
        ("$.items[", "at character", "for example"),
        (r"$['t(\u", "a quote in it is not closed", "close it"),
        ("$[?@.a[?@.b[?@.c[?@.d[?@.e]]]]]", "brackets stand more than 4 deep", "of its own"),
        ("$[?(((((@.a)))))]", "brackets stand more than 4 deep", "of its own"),
        ("$..*..*", "`..` stands in it twice", "name one"),
        ("$[?@.a == $.b]", "begins anew with `$`", "compare with `@`"),
        ("$[*,*][*,*][*,*][*,*][*,*]", "more than 4 commas", "several"),
    ];
    for (path, why, hint) in cases {
        let problems = rules(json!([{ "path": path }])).unwrap_err();
        let problem = problems.iter().next().unwrap();
        assert!(problem.message.contains(why), "{path}: {problem:?}");
        assert!(problem.hint.as_ref().is_some_and(|h| h.contains(hint)), "{path}: {problem:?}");
    }
    assert!(rules(json!([{ "path": "$['a,b,c,d,e,f$..']" }])).is_ok(), "what stands in quotes is a name");
    assert!(rules(json!([{ "path": "$.a", "at_least": "many" }])).is_err());
    assert!(rules(json!([{ "path": "$.a", "exists": false, "equals": "x" }])).is_err());
}

#[test]
fn what_came_is_shown_on_one_line_and_cut() {
    assert_eq!(shown(" a\r\n\u{1b}[31m b\t"), "\"a [31m b\"");
    assert_eq!(shown(&"长".repeat(1_000)).chars().count(), SHOWN_MAX + 3);
    assert_eq!(shown_json(&json!([1, "a"])), "[1,\"a\"]");
    let sentence = document("<html>\n<title>系统维护中").unwrap_err();
    assert_eq!(sentence, "expected JSON, got \"<html> <title>系统维护中\", which is none at line 1 column 1");
    assert!(document("").unwrap_err().starts_with("expected JSON, got nothing"));
}

#[test]
fn deep_documents_end_with_a_sentence_and_not_with_the_stack() {
    let deep = "[".repeat(100_000);
    assert!(document(&deep).unwrap_err().starts_with("expected JSON, got \"[[["));
}
