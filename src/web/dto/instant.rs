//! Instants on the wire.

use crate::domain::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// An instant, written in RFC 3339 and UTC.
#[derive(Clone, Copy, Debug)]
pub(in crate::web) struct Rfc3339(Timestamp);

/// How an instant is written.
pub(in crate::web) fn at(instant: Timestamp) -> Rfc3339 {
    Rfc3339(instant)
}

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl JsonSchema for Rfc3339 {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Instant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}
