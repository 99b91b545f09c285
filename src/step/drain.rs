//! `drain`: takes something out of service, by a flag that a web server looks for, or by a call to a load balancer.
//!
//! Not here: putting it back (`restore`, and the end of every run). Draining twice is as good as once.

use super::flag::{FIELDS, Way};
use super::{Made, Part, StepContext, StepKind, StepRunner, idempotent, sighted};
use crate::domain::plan::{End, Order};
use crate::field::{Problems, Record};
use crate::probe::BoxFuture;
use std::sync::Arc;

/// This kind.
pub(super) const KIND: StepKind = StepKind {
    name: "drain",
    about: "Takes something out of service; at the end of the run it is put back, whatever happens.",
    example: "flag: portal\n",
    fields: FIELDS,
    part: Part::Drain,
    repeat: idempotent,
    looks: sighted,
    build,
};

fn build(record: &Record, context: &StepContext) -> Result<Made, Problems> {
    Ok(Made::Runner(Arc::new(Drain(Way::build(record, context)?))))
}

struct Drain(Way);

impl StepRunner for Drain {
    fn run<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, End> {
        Box::pin(self.0.drain(order))
    }

    fn look<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, End> {
        Box::pin(self.0.look(order, true))
    }
}
