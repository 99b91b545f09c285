//! Records as probe kinds meet them: values, defaults, problems, schemas.

use super::*;
use serde_json::json;

const EXPECT: &[Field] =
    &[Field::with_default("status", Type::OneOrMany(&Type::Int { min: 100, max: 599 }), "200", "Good.")];
const HTTP: &[Field] = &[
    Field::required("url", Type::HTTP_URL, "What to ask for."),
    Field::with_default("method", Type::Choice(&["GET", "HEAD"]), "GET", "How."),
    Field::with_default("slow", Type::Duration { min_ms: 1, max_ms: 60_000 }, "5s", "Slower is degraded."),
    Field::optional("expect", Type::Record(EXPECT), "What is good."),
    Field::optional("verify", Type::Bool, "Whether."),
];

#[test]
fn record_has_its_values_and_its_defaults() {
    let record = from_json(&json!({ "url": "https://a.test/", "expect": { "status": [200, 204] } }), HTTP).unwrap();
    assert_eq!(record.url("url").unwrap().as_str(), "https://a.test/");
    assert_eq!((record.text("method"), record.int("slow"), record.flag("verify")), ("GET", 5_000, false));
    let expect = record.record("expect").unwrap();
    let statuses: Vec<i64> = expect.list("status").iter().filter_map(|v| v.value.as_int()).collect();
    assert_eq!(statuses, [200, 204]);
}

#[test]
fn every_problem_is_reported_at_once() {
    let json = json!({ "url": "ftp://a.test/", "methd": "GET", "method": "GETT", "slow": "90", "verify": "yes" });
    let problems = from_json(&json, HTTP).unwrap_err();
    let text = problems.to_string();
    assert_eq!(problems.len(), 5, "{text}");
    assert!(text.contains("unknown key `methd`") && text.contains("did you mean `method`?"), "{text}");
    assert!(text.contains("did you mean `GET`?") && text.contains("did you mean `true`?"), "{text}");
}

#[test]
fn durations_read_as_they_are_written() {
    for (text, ms) in [("90s", 90_000), ("1h30m", 5_400_000), ("2d", 172_800_000), ("500ms", 500), ("0s", 0)] {
        assert_eq!(parse_duration(text), Ok(ms));
    }
    assert_eq!(format_duration(5_400_000), "1h30m");
    for text in ["", "90", "s", "1.5h", "30m1h", "1h1h", "-5s", "99999999999999999999d", "5 s", "5秒"] {
        assert!(parse_duration(text).is_err(), "{text}");
    }
}

#[test]
fn schema_lists_what_decoding_reads() {
    let schema = schema("http", HTTP);
    assert_eq!(schema["required"], json!(["url"]));
    assert_eq!(schema["properties"]["method"]["default"], "GET");
    assert_eq!(schema["properties"]["expect"]["properties"]["status"]["default"], 200);
    assert_eq!(schema["additionalProperties"], false);
}
