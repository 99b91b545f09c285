//! `/api/v1/openapi.json`: what each door below `/api/v1` takes and answers, as OpenAPI 3.1.
//!
//! Reading order: `operations` (the doors in words), `operation` (one of them as the document says it), and the whole here.
//! Not here: pages, feeds and what is for Prometheus. Invariants: paths and permissions are those of the doors, schemas
//! those of the types that are read and written; every door has one operation and every operation one door.

mod operation;
mod operations;

use crate::web::access::Door;
use crate::web::etag;
use crate::web::problem::Problem;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use operation::{PROBLEM, REFUSALS, named, problem};
use operations::operations;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// What stands before every path.
const BELOW: &str = "/api/v1";
/// Where schemas lie in the document.
const SCHEMAS: &str = "/components/schemas";
/// Ends the names of types that are written, and says nothing to readers.
const WRITTEN: &str = "Dto";
/// What readers should know before anything else.
const ABOUT: &str = "Availability and maintenance. Instants are RFC 3339 in UTC; in questions a local civil time of the \
                     configured zone works too. Lengths in questions are like `40m` or `8h`, in answers they have their \
                     unit in the name. Names come in both languages. Whoever is not on gengfu's machine and shows no \
                     token sees no host names, addresses, sentences from targets and traces. A signed-in browser sends \
                     its session instead of a token.";

/// The schemas of what is read, and of what is written: one type may look different in the two.
struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = || SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = SCHEMAS.into());
        Self {
            read: settings().for_deserialize().into_generator(),
            written: settings().for_serialize().into_generator(),
        }
    }

    /// Everything that was referred to, by name.
    fn into_definitions(mut self) -> Map<String, Value> {
        let mut all = self.read.take_definitions(true);
        all.extend(self.written.take_definitions(true));
        all
    }
}

/// The whole document. A door without an operation is left out.
fn document(doors: &[Door]) -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    for operation in operations() {
        let path = format!("{BELOW}{}", operation.path());
        let door = doors.iter().find(|door| door.path == path && door.method == *operation.method());
        let Some(door) = door else { continue };
        let method = operation.method().as_str().to_ascii_lowercase();
        paths.entry(path).or_insert(json!({}))[method] = operation.describe(&door.needs, &mut schemas);
    }
    let sentence = schemas.written.subschema_for::<Problem>().to_value();
    let refusals = REFUSALS.iter().map(|(status, says)| (named(*status), problem(says, &sentence)));
    let other = (PROBLEM.to_owned(), problem("Anything else: what is wrong, and what to do about it.", &sentence));
    let responses: Map<String, Value> = refusals.chain([other]).collect();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "gengfu 更夫", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT,
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "responses": responses,
            "schemas": schemas.into_definitions(),
        },
    });
    plain_names(&mut document);
    document
}

/// Takes the ending off the names of schemas, where they are and where they are referred to.
fn plain_names(document: &mut Value) {
    if let Some(Value::Object(schemas)) = document.pointer_mut(SCHEMAS) {
        let plain = |name: String| name.strip_suffix(WRITTEN).map(str::to_owned).unwrap_or(name);
        *schemas = std::mem::take(schemas).into_iter().map(|(name, schema)| (plain(name), schema)).collect();
    }
    plain_references(document);
}

fn plain_references(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(to)) = object.get_mut("$ref")
                && let Some(plain) = to.strip_suffix(WRITTEN)
            {
                *to = plain.to_owned();
            }
            object.values_mut().for_each(plain_references);
        }
        Value::Array(values) => values.iter_mut().for_each(plain_references),
        _ => {}
    }
}

/// The document as it is sent: it is the same as long as the program is.
static DOCUMENT: LazyLock<(Bytes, HeaderValue)> = LazyLock::new(|| {
    let (_, doors) = crate::web::doors().into_parts();
    let text = Bytes::from(document(&doors).to_string());
    let tag = etag::of(&text);
    (text, tag)
});

/// `GET /api/v1/openapi.json`; 304 to whoever has it.
pub(super) async fn openapi(asked: HeaderMap) -> Response {
    let (text, tag) = &*DOCUMENT;
    // Whoever keeps a copy asks each time whether it still holds: the next start may be that of another version.
    let kept = [(header::CACHE_CONTROL, HeaderValue::from_static("no-cache")), (header::ETAG, tag.clone())];
    if etag::is_held(&asked, tag) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    (kept, [(header::CONTENT_TYPE, "application/json")], text.clone()).into_response()
}

#[cfg(test)]
mod tests;
