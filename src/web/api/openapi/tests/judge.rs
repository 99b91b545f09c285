//! As much of JSON Schema as the document uses, stricter than the standard: a field that is not described is a fault.
//!
//! It keeps in mind which fields it has seen with a value, so that a description of what is never sent is found, too.

use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;

pub(super) struct Judge {
    pub(super) document: Value,
    seen: RefCell<BTreeSet<String>>,
}

type Fields = BTreeSet<String>;

impl Judge {
    pub(super) fn new(document: Value) -> Self {
        Self { document, seen: RefCell::default() }
    }

    /// Whether `value` is as the schema at this place of the document says, and nothing besides.
    pub(super) fn fits(&self, place: &str, value: &Value) -> Result<(), String> {
        let fields = self.fields(place, value)?;
        let stranger = value.as_object().into_iter().flat_map(|o| o.keys()).find(|name| !fields.contains(*name));
        stranger.map_or(Ok(()), |name| Err(format!("{name:?} is not described")))
    }

    /// The described fields of `value`, if it is as the schema says.
    fn fields(&self, place: &str, value: &Value) -> Result<Fields, String> {
        let schema = self.document.pointer(place).ok_or_else(|| format!("there is nothing at {place}"))?;
        let mut fields = Fields::new();
        let Some(schema) = schema.as_object() else { return Ok(all(value)) };
        for (word, says) in schema {
            match word.as_str() {
                "$ref" => fields.extend(self.fields(says.as_str().unwrap().trim_start_matches('#'), value)?),
                "type" => is_a(says, value)?,
                "enum" => {
                    let known = says.as_array().unwrap().contains(value);
                    known.then_some(()).ok_or_else(|| format!("{value} is none of {says}"))?;
                }
                "const" => (says == value).then_some(()).ok_or_else(|| format!("{value} is not {says}"))?,
                "format" => has_form(says.as_str().unwrap(), value)?,
                "minimum" => {
                    let enough = value.as_f64().is_none_or(|n| n >= says.as_f64().unwrap());
                    enough.then_some(()).ok_or_else(|| format!("{value} is less than {says}"))?;
                }
                "maximum" => {
                    let enough = value.as_f64().is_none_or(|n| n <= says.as_f64().unwrap());
                    enough.then_some(()).ok_or_else(|| format!("{value} is more than {says}"))?;
                }
                "anyOf" | "oneOf" => {
                    let branches = 0..says.as_array().unwrap().len();
                    let tried: Vec<_> = branches.map(|n| self.fields(&format!("{place}/{word}/{n}"), value)).collect();
                    let good: Vec<&Fields> = tried.iter().flatten().collect();
                    match good[..] {
                        [one] => fields.extend(one.clone()),
                        [] => return Err(format!("{value} is none of {word}: {tried:?}")),
                        _ if word == "anyOf" => fields.extend(good.into_iter().flatten().cloned()),
                        _ => return Err(format!("{value} is more than one of {word}")),
                    }
                }
                "items" => {
                    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.fits(&format!("{place}/items"), item).map_err(|why| format!("[{n}]: {why}"))?;
                    }
                }
                "properties" => {
                    for name in says.as_object().unwrap().keys() {
                        let Some(field) = value.get(name) else { continue };
                        let place = format!("{place}/properties/{name}");
                        self.fits(&place, field).map_err(|why| format!("{name}: {why}"))?;
                        fields.insert(name.clone());
                        if !field.is_null() {
                            self.seen.borrow_mut().insert(place);
                        }
                    }
                }
                "required" => {
                    let missing = says.as_array().unwrap().iter().find(|name| {
                        value.as_object().is_some_and(|object| !object.contains_key(name.as_str().unwrap()))
                    });
                    missing.map_or(Ok(()), |name| Err(format!("{name} is missing")))?;
                }
                "additionalProperties" if says.is_boolean() => {}
                "additionalProperties" => {
                    for (name, field) in value.as_object().into_iter().flatten() {
                        if schema.get("properties").is_none_or(|known| known.get(name).is_none()) {
                            let place = format!("{place}/additionalProperties");
                            self.fits(&place, field).map_err(|why| format!("{name}: {why}"))?;
                            fields.insert(name.clone());
                        }
                    }
                }
                "title" | "description" | "default" => {}
                other => panic!("{place}: no judgement about {other:?}; teach it"),
            }
        }
        // What says nothing about fields at all lets every object be.
        if schema.get("additionalProperties") == Some(&Value::Bool(true)) {
            fields.extend(all(value));
        }
        Ok(fields)
    }

    /// The fields of the document's schemas that were never there, or always null.
    pub(super) fn unseen(&self) -> Vec<String> {
        let mut described = Vec::new();
        let schemas = "/components/schemas";
        properties(schemas, self.document.pointer(schemas).unwrap(), &mut described);
        let seen = self.seen.borrow();
        described.retain(|place| !seen.contains(place));
        described.iter().map(|place| place.trim_start_matches(schemas).replace("/properties/", ".")).collect()
    }
}

fn properties(place: &str, value: &Value, found: &mut Vec<String>) {
    for (name, inner) in value.as_object().into_iter().flatten() {
        let place = format!("{place}/{name}");
        if name == "properties" {
            found.extend(inner.as_object().unwrap().keys().map(|field| format!("{place}/{field}")));
        }
        properties(&place, inner, found);
    }
    for (n, inner) in value.as_array().into_iter().flatten().enumerate() {
        properties(&format!("{place}/{n}"), inner, found);
    }
}

fn all(value: &Value) -> Fields {
    value.as_object().into_iter().flat_map(|o| o.keys()).cloned().collect()
}

fn is_a(kinds: &Value, value: &Value) -> Result<(), String> {
    let is = |kind: &Value| match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other:?} is no type"),
    };
    let good = kinds.as_array().map_or_else(|| is(kinds), |kinds| kinds.iter().any(is));
    good.then_some(()).ok_or_else(|| format!("{value} is not of the type {kinds}"))
}

fn has_form(form: &str, value: &Value) -> Result<(), String> {
    let (text, number) = (value.as_str(), value.as_f64());
    let good = match form {
        "date-time" => text.is_none_or(|text| text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok()),
        "double" | "int64" | "uint64" | "uint32" | "uint16" | "uint8" | "uint" => text.is_none(),
        other => panic!("{other:?} is no format that is judged"),
    };
    let small = form != "uint32" || number.is_none_or(|n| n <= f64::from(u32::MAX));
    (good && small).then_some(()).ok_or_else(|| format!("{value} is no {form}"))
}

#[test]
fn a_value_that_is_not_as_described_is_found_out() {
    let judge = Judge::new(serde_json::json!({ "components": { "schemas": {
        "Thing": {
            "type": "object", "required": ["at"],
            "properties": {
                "at": { "type": "string", "format": "date-time" },
                "n": { "type": ["integer", "null"], "minimum": 0 },
                "more": { "anyOf": [{ "$ref": "#/components/schemas/Thing" }, { "type": "null" }] },
                "parts": { "type": "object", "additionalProperties": { "type": "string" } },
            },
            "oneOf": [
                { "type": "object", "required": ["a"], "properties": { "a": { "const": "x" } } },
                { "type": "object", "required": ["b"], "properties": { "b": { "enum": ["x", "y"] } } },
            ],
        },
    } } }));
    let says = |text: &str| judge.fits("/components/schemas/Thing", &serde_json::from_str(text).unwrap());
    let at = r#""at":"2026-11-24T14:48:00Z""#;
    for good in [
        format!(r#"{{{at},"a":"x"}}"#),
        format!(r#"{{{at},"b":"y","n":1,"parts":{{"c":"d"}}}}"#),
        format!(r#"{{{at},"b":"y","more":{{{at},"a":"x"}}}}"#),
    ] {
        assert_eq!(says(&good), Ok(()), "{good}");
    }
    for (bad, why) in [
        (r#"{"a":"x"}"#.to_owned(), "\"at\" is missing"),
        (r#"{"at":"yesterday","a":"x"}"#.to_owned(), "no date-time"),
        (r#"{"at":"2026-11-24T22:48:00+08:00","a":"x"}"#.to_owned(), "no date-time"),
        (format!(r#"{{{at},"a":"x","c":1}}"#), "\"c\" is not described"),
        (format!(r#"{{{at},"a":"x","b":"x"}}"#), "more than one"),
        (format!(r#"{{{at},"b":"z"}}"#), "none of"),
        (format!(r#"{{{at},"a":"x","n":-1}}"#), "less than 0"),
        (format!(r#"{{{at},"a":"x","n":1.5}}"#), "not of the type"),
        (format!(r#"{{{at},"a":"x","parts":{{"c":1}}}}"#), "parts: c: 1"),
        (format!(r#"{{{at},"a":"x","more":{{{at},"a":"x","c":1}}}}"#), "\"c\" is not described"),
        ("[]".to_owned(), "not of the type"),
    ] {
        let said = says(&bad).unwrap_err();
        assert!(said.contains(why), "{bad}: {said}");
    }
    assert!(judge.unseen().is_empty(), "{:?}", judge.unseen());
}
