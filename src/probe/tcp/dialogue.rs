//! A dialogue in lines: what must come, what is said then, and where TLS begins.
//!
//! Not here: the connection. Invariants: the meaning is that of `query_response` in blackbox_exporter, but that a line
//! said ends with CR LF; what came last is in the failure, also when the time ran out.

use crate::domain::{Outcome, ReasonKind};
use crate::field::{Field, Record, Type};
use crate::probe::lines::{Lines, shown};
use regex::Regex;
use std::time::Duration;

/// Steps of one dialogue.
const STEPS: Type = Type::List { of: &Type::Record(STEP), min: 1, max: 64 };
/// How long before the attempt's end a dialogue gives up, so that it can still say what came last.
pub(super) const LAST_WORD_TIME: Duration = Duration::from_millis(20);

/// The field.
pub(super) const DIALOGUE: Field = Field::optional(
    "dialogue",
    STEPS,
    "Steps in lines, one after the other, instead of `send` and `expect`; each awaits, says, or changes to TLS.",
);

const STEP: &[Field] = &[
    Field::optional("expect", Type::Regex, "Pattern; lines are read until one matches."),
    Field::optional(
        "send",
        Type::TEXT,
        "A line to say then; CR LF is added. Behind an `expect`, `$1` or `$${1}` is what its first group matched.",
    ),
    Field::with_default("starttls", Type::Bool, "false", "Whether to shake hands in TLS after that."),
];

/// One step.
#[derive(Debug)]
pub(super) struct Step {
    expect: Option<Regex>,
    send: Option<String>,
    pub(super) starttls: bool,
}

/// The steps of a record that has [`DIALOGUE`].
pub(super) fn of(record: &Record) -> Vec<Step> {
    let step = |step: &Record| Step {
        expect: step.regex("expect").cloned(),
        send: step.opt_text("send").map(str::to_owned),
        starttls: step.flag("starttls"),
    };
    record.records("dialogue").map(step).collect()
}

/// Holds the dialogue.
pub(super) async fn hold(mut lines: Lines<'_>, steps: &[Step]) -> Result<(), Outcome> {
    for (place, step) in steps.iter().enumerate() {
        let mut send = step.send.clone();
        if let Some(pattern) = &step.expect {
            let line = expect(&mut lines, pattern, place + 1).await?;
            lines.attempt.note(format!("heard {}", shown(&line)));
            if let (Some(captures), Some(template)) = (pattern.captures(&line), &step.send) {
                let mut text = String::new();
                captures.expand(template, &mut text);
                send = Some(text);
            }
        }
        if let Some(line) = send {
            // A configuration that comes from elsewhere may have its own CR at the end.
            lines.tell(line.strip_suffix('\r').unwrap_or(&line)).await?;
        }
        if step.starttls {
            lines = lines.secure().await?;
        }
    }
    Ok(())
}

async fn expect(lines: &mut Lines<'_>, pattern: &Regex, place: usize) -> Result<String, Outcome> {
    let (deadline, mut last) = (lines.attempt.deadline - LAST_WORD_TIME, None);
    let wanted = |last: &Option<String>, named: String| {
        let got = last.as_deref().map_or("nothing".to_owned(), shown);
        format!("step {place}: expected a line that matches /{pattern}/ from {named}, got {got}")
    };
    loop {
        let line = match tokio::time::timeout_at(deadline, lines.line()).await {
            Ok(line) => line?,
            Err(_) => {
                let rest = String::from_utf8_lossy(lines.held()).into_owned();
                let last = last.or_else(|| (!rest.is_empty()).then_some(rest));
                // A wrong line is a wrong answer, however long we waited for a right one.
                let kind = if last.is_some() { ReasonKind::Content } else { ReasonKind::Timeout };
                let text = format!("{} and then no more in time", wanted(&last, lines.peer.named()));
                return Err(Outcome::fail(kind, text));
            }
        };
        match line {
            Some(line) if pattern.is_match(&line) => return Ok(line),
            Some(line) => last = Some(line),
            None => return Err(Outcome::fail(ReasonKind::Content, wanted(&last, lines.peer.named()))),
        }
    }
}
