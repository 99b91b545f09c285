//! The description against the doors, and against what they really take and answer.

mod answers;
mod city;
mod house;
mod judge;
mod orders;

use super::*;
use crate::web::access::Needs;
use crate::web::fixture;
use std::collections::BTreeSet;

fn described() -> Value {
    serde_json::from_slice(&DOCUMENT.0).unwrap()
}

/// Each operation that is described: its path, its method, and the operation.
fn each(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |(method, said)| (path, method, said)))
}

#[test]
fn every_door_is_described_once_and_nothing_else_is() {
    let (_, doors) = crate::web::doors().into_parts();
    let doors = doors.iter().filter_map(|door| Some((door.method.to_string(), door.path.strip_prefix(BELOW)?)));
    let doors: BTreeSet<_> = doors.map(|(method, path)| (method, path.to_owned())).collect();
    let operations = operations();
    let told: BTreeSet<_> = operations.iter().map(|o| (o.method().to_string(), o.path().to_owned())).collect();
    assert_eq!(told, doors);
    assert_eq!(told.len(), operations.len(), "an operation stands twice");
    let ids: BTreeSet<String> = operations.iter().map(operation::Operation::id).collect();
    assert_eq!(ids.len(), operations.len(), "an id stands twice");
    assert_eq!(each(&described()).count(), operations.len());
}

#[test]
fn every_operation_parameter_body_field_and_type_has_a_sentence() {
    let document = described();
    for (path, method, said) in each(&document) {
        assert!(said["summary"].as_str().unwrap().ends_with('.'), "{method} {path}");
        for parameter in said["parameters"].as_array().unwrap() {
            let sentence = parameter["description"].as_str().unwrap_or_default();
            assert!(sentence.ends_with('.'), "{method} {path}: {parameter}");
        }
        let Some(to) = said["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str() else { continue };
        let body = document.pointer(to.trim_start_matches('#')).unwrap();
        for (name, field) in body["properties"].as_object().unwrap() {
            assert!(field["description"].is_string(), "{method} {path}: {name}");
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(schema["description"].as_str().is_some_and(|says| says.ends_with('.')), "{name}: {schema}");
    }
}

#[test]
fn what_a_door_needs_is_said_as_security_and_as_refusals() {
    let document = described();
    let of = |path: &str, method: &str| &document["paths"][format!("{BELOW}{path}")][method];
    assert_eq!(of("/status", "get")["security"], json!([{}, { "token": [] }]));
    assert_eq!(of("/audit", "get")["security"], json!([{ "token": ["read"] }]));
    assert_eq!(of("/corrections", "post")["security"], json!([{ "token": ["admin"] }]));
    assert_eq!(of("/windows/{id}/{action}", "post")["security"], json!([{ "token": [] }]));
    let statuses = |said: &Value| said["responses"].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(statuses(of("/status", "get")), "200 401 429 default");
    assert_eq!(statuses(of("/gate", "get")), "200 400 401 404 423 429 default");
    assert_eq!(statuses(of("/gate/leases", "post")), "201 401 403 404 409 413 422 429 503 default");
}

#[test]
fn every_reference_leads_somewhere_and_nothing_is_kept_that_nobody_refers_to() {
    let document = described();
    let mut refers = BTreeSet::new();
    references(&document, &mut refers);
    for to in &refers {
        assert!(document.pointer(to.trim_start_matches('#')).is_some(), "{to} leads nowhere");
    }
    for kind in ["schemas", "responses"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            assert!(refers.contains(&format!("#/components/{kind}/{name}")), "nobody speaks of {name}");
            assert!(!name.ends_with(WRITTEN) && !name.ends_with(char::is_numeric), "{name} is no name for readers");
        }
    }
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    if let Some(to) = value["$ref"].as_str() {
        found.insert(to.to_owned());
    }
    value.as_object().into_iter().flat_map(|o| o.values()).for_each(|value| references(value, found));
    value.as_array().into_iter().flatten().for_each(|value| references(value, found));
}

#[test]
fn what_is_read_and_what_is_written_never_share_a_name() {
    let mut schemas = Schemas::new();
    for operation in operations() {
        operation.describe(&Needs::Nothing, &mut schemas);
    }
    let (read, written) = (schemas.read.definitions(), schemas.written.definitions());
    for (name, schema) in read {
        assert!(written.get(name).is_none_or(|other| other == schema), "{name}");
    }
    let both: BTreeSet<&String> = read.keys().chain(written.keys()).collect();
    let plain: BTreeSet<&str> = both.iter().map(|name| name.strip_suffix(WRITTEN).unwrap_or(name)).collect();
    assert_eq!(plain.len(), both.len(), "two names become one: {both:?}");
}
