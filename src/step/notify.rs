//! `notify`: tells one roster.
//!
//! Not here: composing and sending; the message is stored with the fact that the step is done, so it leaves once.

use super::{Made, Part, StepContext, StepKind, blind, keyed};
use crate::domain::RosterId;
use crate::domain::plan::Task;
use crate::field::{Field, Problems, Record, Type};

/// This kind.
pub(super) const KIND: StepKind = StepKind {
    name: "notify",
    about: "Mails a roster.",
    example: "text: { zh: 请留意, en: Please watch }\n",
    fields: FIELDS,
    part: Part::Own,
    repeat: keyed,
    looks: blind,
    build,
};

const FIELDS: &[Field] = &[
    Field::required("text", Type::Names, "What they read."),
    Field::optional("roster", Type::Id, "Who; the owner's on-call roster when left out."),
];

fn build(record: &Record, _: &StepContext) -> Result<Made, Problems> {
    let roster = record.opt_text("roster").map(RosterId::from);
    Ok(Made::Own(Task::Notify { roster, text: record.names("text").cloned().unwrap_or_default() }))
}
