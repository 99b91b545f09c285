//! `exec`: runs a program without a shell.
//!
//! Not here: which programs may run for whom (`commands` of gengfu.yaml). Invariants: when it could not be started,
//! nothing was done; when it ended by itself, its exit code says what came of it; when it was killed, nobody knows.

use super::{Made, Part, StepContext, StepKind, StepRunner, blind, done, failed, never, orphans, saw, unknown};
use crate::domain::plan::{End, Order, Seen};
use crate::field::{Code, Field, Problem, Problems, Record, Spanned, Type, Value};
use crate::probe::{BoxFuture, Tool, ToolError};
use std::sync::Arc;
use std::time::Duration;

/// This kind.
pub(super) const KIND: StepKind = StepKind {
    name: "exec",
    about: "Runs a program of a granted directory; as `observe`, exit code 0 says present and 1 absent.",
    example: "program: migrate\narguments: [--to, \"2.4\"]\n",
    fields: FIELDS,
    part: Part::Run,
    repeat: never,
    looks: blind,
    build,
};

const FIELDS: &[Field] = &[
    Field::required("program", Type::Text { max: 4_096 }, "A file of a granted directory: its name or its whole path."),
    Field::optional(
        "arguments",
        Type::List { of: &Type::Text { max: 4_096 }, min: 0, max: 256 },
        "Handed over as they are; no shell reads them, and they are no secrets.",
    ),
    Field::optional("environment", Type::Map(&Type::Secret), "Variables; gengfu.yaml grants their names."),
];

fn build(record: &Record, context: &StepContext) -> Result<Made, Problems> {
    let arguments = record.texts("arguments").map(|(text, _)| text.to_owned()).collect();
    let variable = |(name, value): &(Spanned<String>, Spanned<Value>)| {
        Some((name.value.clone(), value.value.as_text()?.to_owned()))
    };
    let environment = record.map("environment").iter().filter_map(variable).collect();
    match Tool::granted(&context.commands, &context.asker, record.text("program"), arguments, environment) {
        Ok(tool) => Ok(Made::Runner(Arc::new(Exec { tool: tool.with(orphans::mark(&context.store)) }))),
        Err((text, hint)) => {
            let mut problems = Problems::new();
            problems.push(Problem::error(Code::CommandRefused, record.at("program"), text).hint(hint));
            Err(problems)
        }
    }
}

struct Exec {
    tool: Tool,
}

impl StepRunner for Exec {
    fn run<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, End> {
        Box::pin(async move {
            match run(&self.tool, order, &[]).await {
                Ok((Some(0), said)) => done(said),
                Ok((Some(code), said)) => failed(format!("ended with {code}: {said}")),
                Ok((None, said)) => unknown(format!("was killed: {said}")),
                Err(ToolError::NotStarted(why)) => failed(why),
                Err(ToolError::Lost(why)) => unknown(why),
            }
        })
    }

    fn look<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, End> {
        Box::pin(async move {
            match run(&self.tool, order, &[]).await {
                Ok((Some(0), said)) => saw(Seen::Present, said),
                Ok((Some(1), said)) => saw(Seen::Absent, said),
                Ok((code, said)) => failed(format!("ended with {}: {said}", code.unwrap_or(-1))),
                Err(ToolError::NotStarted(why) | ToolError::Lost(why)) => failed(why),
            }
        })
    }
}

/// Runs a tool for an order.
pub(super) async fn run(tool: &Tool, order: &Order, more: &[String]) -> Result<(Option<i32>, String), ToolError> {
    let known = [
        ("GENGFU_RUN", order.run.to_string()),
        ("GENGFU_EPOCH", order.epoch.to_string()),
        ("GENGFU_PLAN", order.plan.to_string()),
        ("GENGFU_STEP", order.step.to_string()),
        ("GENGFU_DEED", order.deed.as_str().to_owned()),
        ("GENGFU_ATTEMPT", order.attempt.to_string()),
        ("GENGFU_KEY", order.key.clone()),
    ];
    let known = known.map(|(name, value)| (name.to_owned(), value));
    tool.run(&known, more, Duration::from_millis(order.timeout_ms.unsigned_abs())).await
}
