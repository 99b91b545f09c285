//! `verify`: waits until the probes of the window's scope and of its dependants are good.
//!
//! Not here: the probes. The window is verified once more at its end, whatever the plan says.

use super::{Made, Part, StepContext, StepKind, blind, idempotent};
use crate::domain::plan::Task;
use crate::field::{Field, Problems, Record, Type};

/// This kind.
pub(super) const KIND: StepKind = StepKind {
    name: "verify",
    about: "Waits for consecutive good rounds of every critical probe concerned, at most for the step's timeout.",
    example: "rounds: 3\n",
    fields: FIELDS,
    part: Part::Own,
    repeat: idempotent,
    looks: blind,
    build,
};

const FIELDS: &[Field] =
    &[Field::with_default("rounds", Type::Int { min: 1, max: 100 }, "3", "How many good rounds in a row.")];

fn build(record: &Record, _: &StepContext) -> Result<Made, Problems> {
    Ok(Made::Own(Task::Verify { rounds: u32::try_from(record.int("rounds")).unwrap_or(3) }))
}
