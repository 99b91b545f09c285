//! `approve`: waits until people have let the run pass.
//!
//! Not here: who they are (`web`, tokens). Whoever started the run is not among them.

use super::{Made, Part, StepContext, StepKind, blind, idempotent};
use crate::domain::plan::Task;
use crate::field::{Field, Problems, Record, Type};

/// This kind.
pub(super) const KIND: StepKind = StepKind {
    name: "approve",
    about: "Waits for people, at most for the step's timeout; then the run turns back.",
    example: "people: 1\n",
    fields: FIELDS,
    part: Part::Own,
    repeat: idempotent,
    looks: blind,
    build,
};

const FIELDS: &[Field] = &[Field::with_default("people", Type::Int { min: 1, max: 9 }, "1", "How many.")];

fn build(record: &Record, _: &StepContext) -> Result<Made, Problems> {
    Ok(Made::Own(Task::Approve { people: u32::try_from(record.int("people")).unwrap_or(1) }))
}
