//! JSON Schema from a table, so that editors complete and check.
//!
//! Not here: which files have which schema (`config`). Invariant: what the schema refuses, decoding refuses as well;
//! the schema may be laxer, since it knows nothing of other files.

use super::{Field, Need, Type};
use serde_json::{Map, Value, json};

/// The schema of a whole file.
pub fn schema(title: &str, fields: &'static [Field]) -> Value {
    let mut schema = record(fields);
    if let Some(map) = schema.as_object_mut() {
        map.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
        map.insert("title".into(), json!(title));
    }
    schema
}

fn record(fields: &'static [Field]) -> Value {
    let property = |f: &Field| {
        let mut schema = schema_of(&f.ty);
        if let Some(map) = schema.as_object_mut() {
            map.insert("description".into(), json!(f.doc));
            if let Need::Default(text) = f.need {
                map.insert("default".into(), default_of(&f.ty, text));
            }
        }
        (f.name.to_owned(), schema)
    };
    let required: Vec<&str> = fields.iter().filter(|f| f.need == Need::Required).map(|f| f.name).collect();
    let properties: Map<String, Value> = fields.iter().map(property).collect();
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

fn default_of(ty: &Type, text: &str) -> Value {
    match ty {
        Type::Bool | Type::Int { .. } => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
        Type::OneOrMany(of) => default_of(of, text),
        _ => json!(text),
    }
}

/// The schema of one type.
pub fn schema_of(ty: &Type) -> Value {
    let pattern = |p: &str| json!({ "type": "string", "pattern": p });
    match ty {
        Type::Text { max } => json!({ "type": ["string", "number"], "minLength": 1, "maxLength": max }),
        Type::Secret | Type::Regex => json!({ "type": ["string", "number"] }),
        Type::Bool => json!({ "type": ["boolean", "string"], "pattern": r"^\$\{" }),
        Type::Int { min, max } => {
            json!({ "type": ["integer", "string"], "minimum": min, "maximum": max, "pattern": r"^\$\{" })
        }
        Type::Duration { .. } => pattern(r"^(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$|^\$\{"),
        Type::Percent => pattern(r"^\d{1,3}(\.\d{1,4})?%$"),
        Type::Url { schemes } => pattern(&format!(r"^({})://|^\$\{{", schemes.join("|"))),
        Type::Host | Type::HostPort => pattern(r"^\S+$"),
        Type::Mail => pattern(r"@|^\$\{"),
        Type::Choice(words) => json!({ "enum": words }),
        Type::Id => pattern("^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"),
        Type::SubsystemRef => pattern("^[a-z0-9-]+/[a-z0-9-]+$"),
        Type::Names => json!({ "anyOf": [{ "type": "string", "minLength": 1 }, record(super::decode::NAMES)] }),
        Type::Date => pattern(r"^\d{4}-\d{2}-\d{2}$"),
        Type::DateOrYearly => pattern(r"^(\d{4}-)?\d{2}-\d{2}$"),
        Type::Time => pattern(r"^\d{2}:\d{2}$"),
        Type::DateTime => pattern(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$"),
        Type::Hours | Type::Cron => json!({ "type": "string", "minLength": 1 }),
        Type::DayPart => pattern(r"^\d{2}:\d{2}-\d{2}:\d{2}(\+1)?$"),
        Type::List { of, min, max } => {
            json!({ "type": "array", "items": schema_of(of), "minItems": min, "maxItems": max })
        }
        Type::OneOrMany(of) => {
            json!({ "anyOf": [schema_of(of), { "type": "array", "items": schema_of(of), "minItems": 1 }] })
        }
        Type::Map(of) => json!({ "type": "object", "additionalProperties": schema_of(of) }),
        Type::Record(fields) => record(fields),
        Type::RecordOf(table) => record(table()),
        Type::OneKey(fields) => {
            let mut schema = record(fields);
            if let Some(map) = schema.as_object_mut() {
                map.insert("minProperties".into(), json!(1));
                map.insert("maxProperties".into(), json!(1));
                map.insert("required".into(), json!([]));
            }
            schema
        }
        Type::Either(types) => json!({ "anyOf": types.iter().map(schema_of).collect::<Vec<_>>() }),
    }
}
