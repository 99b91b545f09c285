//! `announce`: tells the owners of everything in the window's scope and of what depends on it.
//!
//! Not here: composing and sending; the message is stored with the fact that the step is done, so it leaves once.

use super::{Made, Part, StepContext, StepKind, blind, keyed};
use crate::domain::plan::Task;
use crate::field::{Field, Problems, Record, Type};

/// This kind.
pub(super) const KIND: StepKind = StepKind {
    name: "announce",
    about: "Mails the on-call contacts of the window's scope and of its dependants.",
    example: "text: { zh: 升级开始, en: The upgrade begins }\n",
    fields: FIELDS,
    part: Part::Own,
    repeat: keyed,
    looks: blind,
    build,
};

const FIELDS: &[Field] = &[Field::required("text", Type::Names, "What they read.")];

fn build(record: &Record, _: &StepContext) -> Result<Made, Problems> {
    Ok(Made::Own(Task::Announce { text: record.names("text").cloned().unwrap_or_default() }))
}
