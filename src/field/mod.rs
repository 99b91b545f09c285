//! Tables of fields: what a record in a file may hold. Decoding, JSON Schema and documentation come from one table.
//!
//! Not here: where the text comes from (`config`) and what it means (`domain`, `probe`). Invariants: decoding reports
//! every problem it meets, each at its place in the file; a value never leaves without its place; a table is written
//! once. Reading order: `spec` (the tables), `node` (what was written), `decode`, `value` (what comes out), `problem`.

mod decode;
mod node;
mod problem;
mod scalar;
mod schema;
mod spec;
mod value;

pub use decode::{decode, from_json, json_of_node, node_of_json};
pub use node::{Entry, Node, NodeKind, Place};
pub use problem::{Code, Problem, Problems, Severity, suggestion};
pub use scalar::{describe, format_duration, parse_duration};
pub use schema::{schema, schema_of};
pub use spec::{Field, Need, Type};
pub use value::{Record, Spanned, Value};

#[cfg(test)]
mod tests;
