//! Doors that change something: what the document lets pass they take, and what they answer is as described.

use super::house::{House, body_of};
use super::*;
use axum::http::Method;

/// The path of a door that changes something, with names for its parts.
pub(super) fn concrete(door: &str, word: &str, message: &str) -> String {
    let id = match door.split('/').nth(1).unwrap() {
        "incidents" | "filings" => "INC-0421",
        "silences" => "SIL-0007",
        "outbox" => message,
        _ => "bdc-monthly.00000002",
    };
    let filled = door.replace("{id}", id).replace("{lease}", "lease_x").replace("{token}", "t0ken");
    filled.replace("{action}", word).replace("{what}", word)
}

/// Each door that changes something, with each word that its path may end in, and the example of its body.
pub(super) fn changes(document: &Value) -> Vec<(String, Vec<String>, Value)> {
    let each = each(document).filter(|(_, method, _)| *method == "post");
    each.map(|(path, _, said)| {
        let words = said["parameters"].as_array().unwrap().iter().filter_map(|p| p["schema"]["enum"].as_array());
        let mut words: Vec<String> = words.flatten().map(|word| word.as_str().unwrap().to_owned()).collect();
        if words.is_empty() {
            words.push("start".to_owned());
        }
        let example = said["requestBody"]["content"]["application/json"]["example"].clone();
        (path.strip_prefix(BELOW).unwrap().to_owned(), words, example)
    })
    .collect()
}

pub(super) async fn orders(house: &House) {
    let document = described();
    for (door, words, example) in changes(&document) {
        if !example.is_null() {
            house.may_send(&door, &example);
        }
        let mut good = 0;
        for word in &words {
            let path = concrete(&door, word, &house.message);
            let answer = house.ask((&Method::POST, &door), &path, Some("admin"), &example).await;
            good += usize::from(answer.status.is_success());
            let said = String::from_utf8_lossy(&answer.body).into_owned();
            house.must(answer.status != StatusCode::NOT_FOUND, || format!("{path}: {said}"));
            house.ask((&Method::POST, &door), &path, None, &example).await;
        }
        house.must(good > 0, || format!("no {door} takes {example}"));
        if let Value::Object(mut body) = example {
            body.insert("unknown".to_owned(), json!(1));
            let (path, body) = (concrete(&door, &words[0], &house.message), Value::Object(body));
            let answer = house.ask((&Method::POST, &door), &path, Some("admin"), &body).await;
            house.must(answer.status == StatusCode::UNPROCESSABLE_ENTITY, || format!("{path} takes {body}"));
            house.must(house.judge.fits(&body_of(&door), &body).is_err(), || format!("{door} may take {body}"));
        }
    }
}

/// Bodies with the fields that the examples leave out.
pub(super) async fn longer_orders(house: &House) {
    let names = json!({ "zh": "公告", "en": "notice" });
    for (door, path, body) in [
        (
            "/windows",
            "/windows",
            json!({
                "owner": "bdc", "name": "one for both", "scope": ["bdc/e-archive"], "start": "2026-12-19T23:00",
                "for": "2h", "notice": names, "plan": "upgrade", "reason": "a disk is worn out",
            }),
        ),
        (
            "/windows/{id}/{action}",
            "/windows/bdc-monthly.00000002/move",
            json!({ "to": "2026-12-20T23:00", "for": "3h", "reason": "others are at work" }),
        ),
        ("/plans/runs/{id}/{action}", "/plans/runs/w.1/approve", json!({ "step": "migrate" })),
        (
            "/filings/{id}/{action}",
            "/filings/421/reported",
            json!({ "at": "2026-11-24T22:40", "to": "the office", "reason": "by telephone" }),
        ),
        (
            "/silences",
            "/silences",
            json!({ "owner": "bdc", "symptom": "down", "person": "one@city.test", "lasts": "8h", "reason": "known" }),
        ),
    ] {
        house.may_send(door, &body);
        let answer = house.ask((&Method::POST, door), path, Some("admin"), &body).await;
        house.must(answer.status.is_success(), || format!("{path}: {:?}", answer.body));
    }
}
