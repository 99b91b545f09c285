//! `wait`: lets time pass.
//!
//! Not here: the clock. A restart does not begin the time anew.

use super::{Made, Part, StepContext, StepKind, blind, idempotent};
use crate::domain::plan::Task;
use crate::field::{Field, Problems, Record, Type};

/// This kind.
pub(super) const KIND: StepKind = StepKind {
    name: "wait",
    about: "Lets time pass, for connections to end, say.",
    example: "lasts: 5m\n",
    fields: FIELDS,
    part: Part::Own,
    repeat: idempotent,
    looks: blind,
    build,
};

const FIELDS: &[Field] = &[Field::required("lasts", Type::Duration { min_ms: 1, max_ms: 86_400_000 }, "How long.")];

fn build(record: &Record, _: &StepContext) -> Result<Made, Problems> {
    Ok(Made::Own(Task::Wait { ms: record.int("lasts") }))
}
