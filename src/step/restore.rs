//! `restore`: puts back what was drained, before the end of the run.
//!
//! Not here: taking it out (`drain`). Restoring twice is as good as once.

use super::flag::{FIELDS, Way};
use super::{Made, Part, StepContext, StepKind, StepRunner, idempotent, sighted};
use crate::domain::plan::{End, Order};
use crate::field::{Problems, Record};
use crate::probe::BoxFuture;
use std::sync::Arc;

/// This kind.
pub(super) const KIND: StepKind = StepKind {
    name: "restore",
    about: "Puts back what a `drain` of the same flag or URL took out, before the end of the run.",
    example: "flag: portal\n",
    fields: FIELDS,
    part: Part::Restore,
    repeat: idempotent,
    looks: sighted,
    build,
};

fn build(record: &Record, context: &StepContext) -> Result<Made, Problems> {
    Ok(Made::Runner(Arc::new(Restore(Way::build(record, context)?))))
}

struct Restore(Way);

impl StepRunner for Restore {
    fn run<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, End> {
        Box::pin(self.0.restore(order))
    }

    fn look<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, End> {
        Box::pin(self.0.look(order, false))
    }
}
