//! `command`: a program of the administrator's choice, for whatever else there is.
//!
//! Invariants: no shell; the message is JSON on its standard input; an exit code of 75 (EX_TEMPFAIL) and whatever kept
//! it from ending is tried again, every other one is final.

use super::super::{NotifyError, Receipt};
use super::{ChannelContext, ChannelKind, Note, Pace, Way};
use crate::field::{Code, Field, Problem, Problems, Record, Type};
use crate::probe::{Asker, Tool, ToolError};
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;

/// EX_TEMPFAIL of sysexits.h.
const TRY_AGAIN: i32 = 75;

pub(super) const KIND: ChannelKind = ChannelKind {
    name: "command",
    about: "Runs a program of a directory that `commands` lists, without a shell, with the message as JSON on its input.",
    example: "program: /usr/bin/logger\narguments: [-t, gengfu]\n",
    fields: FIELDS,
    pace: Pace::FREE,
    build,
};

const FIELDS: &[Field] = &[
    Field::required("program", Type::Text { max: 4_096 }, "A file of a granted directory: its name or its whole path."),
    Field::optional("arguments", ARGUMENTS, "Handed over as they are."),
    Field::optional("environment", Type::Map(&Type::Secret), "Variables for it."),
    Field::with_default("timeout", Type::Duration { min_ms: 100, max_ms: 60_000 }, "10s", "Then it is killed."),
];

const ARGUMENTS: Type = Type::List { of: &Type::Text { max: 4_096 }, min: 0, max: 256 };

fn build(record: &Record, context: &ChannelContext<'_>) -> Result<Arc<dyn Way>, Problems> {
    let mut problems = Problems::new();
    let mut environment = Vec::new();
    for (name, value) in record.map("environment") {
        let text = value.value.as_text().unwrap_or_default();
        let text = (context.secret)(text, &value.at, &mut problems).unwrap_or_default();
        environment.push((name.value.clone(), text));
    }
    let arguments = record.texts("arguments").map(|(text, _)| text.to_owned()).collect();
    let asker = Asker::Administrator;
    let tool = Tool::granted(&context.commands, &asker, record.text("program"), arguments, environment);
    match tool {
        Ok(tool) if !problems.has_errors() => {
            let timeout = record.duration("timeout");
            Ok(Arc::new(Program { tool, timeout }))
        }
        Ok(_) => Err(problems),
        Err((text, remedy)) => {
            problems.push(Problem::error(Code::CommandRefused, record.at("program"), text).hint(remedy));
            Err(problems)
        }
    }
}

struct Program {
    tool: Tool,
    timeout: Duration,
}

impl Way for Program {
    fn send<'a>(&'a self, note: &'a Note<'a>) -> BoxFuture<'a, Result<Receipt, NotifyError>> {
        Box::pin(async move {
            let input = note.json().to_string().into_bytes();
            match self.tool.feed(input, self.timeout).await {
                Ok((Some(0), said)) => Ok(Receipt { text: said }),
                Ok((Some(TRY_AGAIN), said)) => Err(NotifyError::Deferred(format!("ends with {TRY_AGAIN}: {said}"))),
                Ok((Some(code), said)) => Err(NotifyError::Refused(format!("ends with {code}: {said}"))),
                Ok((None, said)) => Err(NotifyError::Deferred(format!("was killed: {said}"))),
                Err(ToolError::NotStarted(text) | ToolError::Lost(text)) => Err(NotifyError::Deferred(text)),
            }
        })
    }
}
