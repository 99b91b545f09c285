//! `command`: runs a Nagios plugin and takes its word for it.
//!
//! Not here: which programs may run (`grants`), running (`run`), reading what was printed (`plugin`). Invariants: the
//! plugin's `unknown`, and everything that keeps a plugin from ending as its contract says, is `Unknown`: then nothing
//! was measured; arguments and environment, which may hold secrets, are never shown.

pub(super) mod grants;
mod plugin;
mod range;
mod run;
pub(super) mod tool;

use self::grants::{Program, Refusal};
use self::plugin::{Said, parse_output};
use self::range::Range;
use self::run::{Ended, Order, Trouble, run};
use super::peer::SLOWER_THAN;
use super::record::seconds;
use super::{Attempt, BoxFuture, BuildContext, Phase, ProbeKind, Prober};
use crate::domain::{Outcome, ReasonKind};
use crate::field::{Code, Field, Problem, Problems, Record, Spanned, Type, Value};
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Figures of one run that the trace shows.
const TRACED_METRICS_MAX: usize = 24;
/// Further lines of output that the trace shows.
const TRACED_LINES_MAX: usize = 8;

/// This kind.
pub(super) const KIND: ProbeKind = ProbeKind {
    name: "command",
    about: "Runs a Nagios plugin from a directory that gengfu.yaml grants, without a shell.",
    example: "program: check_tcp\narguments: [-H, relay.bdc.test, -p, \"25\"]\nmetrics: { time: \":2.5\" }\n",
    fields: FIELDS,
    target: Some("program"),
    build,
};

const FIELDS: &[Field] = &[
    Field::required("program", Type::Text { max: 4_096 }, "A file of a granted directory: its name or its whole path."),
    Field::optional("arguments", ARGUMENTS, "Handed over as they are; no shell reads them, and they are no secrets."),
    Field::optional("environment", Type::Map(&Type::Secret), "Variables; gengfu.yaml grants their names."),
    Field::with_default("output_bytes_max", OUTPUT_BYTES, "65536", "How much of what it prints is kept."),
    Field::optional("metrics", Type::Map(&LIMIT), "Ranges by label: outside it fails; or `warn` and `fail`."),
    SLOWER_THAN,
];

const ARGUMENTS: Type = Type::List { of: &Type::Text { max: 4_096 }, min: 0, max: 256 };
const OUTPUT_BYTES: Type = Type::Int { min: 1, max: 1 << 20 };
const LIMIT: Type = Type::Either(&[Type::Text { max: 64 }, Type::Record(LIMIT_FIELDS)]);
const LIMIT_FIELDS: &[Field] = &[
    Field::optional("warn", Type::Text { max: 64 }, "Degraded outside this range."),
    Field::optional("fail", Type::Text { max: 64 }, "Fails outside this range."),
];

fn build(record: &Record, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    let mut problems = Problems::new();
    let limits = limits(record, &mut problems);
    let program = program(record, context, &mut problems);
    if let Some(program) = &program {
        check_environment(record, context, program, &mut problems);
    }
    let Some(program) = program.filter(|_| !problems.has_errors()) else { return Err(problems) };
    let variable = |(name, value): &(Spanned<String>, Spanned<Value>)| {
        Some((name.value.clone(), value.value.as_text()?.to_owned()))
    };
    let order = Order {
        program,
        arguments: record.texts("arguments").map(|(text, _)| text.to_owned()).collect(),
        environment: record.map("environment").iter().filter_map(variable).collect(),
        input: Vec::new(),
        output_bytes_max: usize::try_from(record.int("output_bytes_max")).unwrap_or(1),
        turn: Arc::new(Semaphore::new(1)),
    };
    let slower_than = record.has("slower_than").then(|| record.duration("slower_than"));
    Ok(Arc::new(Plugin { order: Arc::new(order), limits, slower_than }))
}

fn program(record: &Record, context: &BuildContext, problems: &mut Problems) -> Option<Program> {
    let at = record.at("program");
    let refused = |text: &str| Problem::error(Code::CommandRefused, at, text);
    let program = match context.commands.choose(&context.asker, record.text("program")) {
        Ok(program) => program,
        Err(Refusal::Denied(text, remedy)) => {
            problems.push(refused(&text).hint(remedy));
            return None;
        }
        Err(other) => {
            problems.push(refused(other.text()));
            return None;
        }
    };
    match program.locate() {
        Ok(_) => {}
        Err(Refusal::Absent(text)) => context.remark(
            Problem::warning(Code::CommandAbsent, at, text).hint("install it; until then the probe is unknown"),
        ),
        Err(other) => problems.push(refused(other.text())),
    }
    Some(program)
}

fn check_environment(record: &Record, context: &BuildContext, program: &Program, problems: &mut Problems) {
    for (name, value) in record.map("environment") {
        let mut letters = name.value.bytes();
        let first = letters.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        if !first || !letters.all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            let problem = Problem::error(Code::Value, &name.at, format!("`{}` is no name of a variable", name.value));
            problems.push(problem.expected("letters, digits and underscores"));
        } else if !context.commands.lets_set(&context.asker, program, &name.value) {
            let text = format!("the variable `{}` may not be set for `{}`", name.value, program.written);
            let remedy = "an administrator adds it to `environment` of that directory in gengfu.yaml";
            problems.push(Problem::error(Code::CommandRefused, &name.at, text).hint(remedy));
        }
        if value.value.as_text().is_some_and(|text| text.contains('\0')) {
            problems.push(Problem::error(Code::Value, &value.at, "the value has a NUL in it").hint("leave it out"));
        }
    }
    for (argument, at) in record.texts("arguments") {
        if argument.contains('\0') {
            problems.push(Problem::error(Code::Value, at, "an argument has a NUL in it").hint("leave it out"));
        }
    }
}

/// What is expected of one figure.
struct Limit {
    label: String,
    warn: Option<Range>,
    fail: Option<Range>,
}

fn limits(record: &Record, problems: &mut Problems) -> Vec<Limit> {
    let mut range = |text: &str, at| match Range::parse(text) {
        Ok(range) => Some(range),
        Err(why) => {
            problems.push(Problem::error(Code::Value, at, format!("`{text}` {why}")));
            None
        }
    };
    let mut limits = Vec::new();
    for (label, value) in record.map("metrics") {
        let (warn, fail) = match &value.value {
            Value::Text(text) => (None, range(text, &value.at)),
            Value::Record(both) => {
                let mut of = |name| both.opt_text(name).and_then(|text| range(text, both.at(name)));
                (of("warn"), of("fail"))
            }
            _ => continue,
        };
        limits.push(Limit { label: label.value.clone(), warn, fail });
    }
    limits
}

struct Plugin {
    order: Arc<Order>,
    limits: Vec<Limit>,
    slower_than: Option<Duration>,
}

impl Prober for Plugin {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(self.ask(attempt))
    }
}

impl Plugin {
    fn name(&self) -> &str {
        &self.order.program.written
    }

    async fn ask(&self, attempt: &Attempt) -> Outcome {
        // What is left and what has passed, to the hundredth of a second: the time-out as it was configured.
        let total = attempt.elapsed() + attempt.remaining() + Duration::from_millis(5);
        attempt.note(format!("run {} with {} arguments", self.name(), self.order.arguments.len()));
        attempt.enter(Phase::Processing);
        let ended = run(&self.order, attempt.deadline).await;
        attempt.leave();
        match ended {
            Ok(ended) => self.judge(attempt, &ended),
            Err(Trouble::Late(output)) => {
                let total = Duration::from_millis(u64::try_from(total.as_millis() / 10 * 10).unwrap_or(u64::MAX));
                let said = parse_output(&output).text;
                let said = if said.is_empty() { String::new() } else { format!("; it had said: {said}") };
                let name = self.name();
                let text =
                    format!("{name} did not end within {} and was killed with its children{said}", seconds(total));
                Outcome::fail(ReasonKind::Timeout, text)
            }
            Err(trouble) => Outcome::unknown(self.not_run(&trouble)),
        }
    }

    fn not_run(&self, trouble: &Trouble) -> String {
        let name = self.name();
        match trouble {
            Trouble::Refused(refusal) => format!("{name} may not run: {}", refusal.text()),
            Trouble::Undead => {
                format!(
                    "{name} was killed in the run before and is still there: it hangs in the system, on a disk perhaps"
                )
            }
            Trouble::Endless => format!("{name} printed without end and was killed"),
            Trouble::Late(_) => format!("{name} did not end in time"),
            Trouble::System(error) => match error.kind() {
                ErrorKind::NotFound => {
                    format!("{name} cannot start: it, or the interpreter in its first line, is not there")
                }
                ErrorKind::PermissionDenied => format!("{name} cannot start: gengfu's user has no right to execute it"),
                _ => format!("{name} cannot start: {error}"),
            },
        }
    }

    fn judge(&self, attempt: &Attempt, ended: &Ended) -> Outcome {
        let said = parse_output(&ended.output);
        tell(attempt, ended, &said);
        let name = self.name();
        let text = if said.text.is_empty() { "(it printed nothing)" } else { &said.text };
        match ended.status.code() {
            Some(0 | 1) => {}
            Some(2) => return Outcome::fail(ReasonKind::Status, format!("{name} ended with 2 (critical): {text}")),
            Some(3) => return Outcome::unknown(format!("{name} ended with 3 (unknown): {text}")),
            Some(code) => {
                return Outcome::unknown(format!("expected an exit code from 0 to 3 of {name}, got {code}: {text}"));
            }
            None => {
                let signal = ended.status.signal().unwrap_or_default();
                return Outcome::unknown(format!("{name} was ended by signal {signal}: {text}"));
            }
        }
        let verdicts = self.limits.iter().filter_map(|limit| limit.judge(&said, name));
        // A failure counts for more than what is not known, and that for more than a warning.
        let rank = |outcome: &Outcome| match outcome {
            Outcome::Fail(_) => 0,
            Outcome::Unknown(_) => 1,
            _ => 2,
        };
        let worst = verdicts.min_by_key(rank);
        let warned = || {
            let warned = ended.status.code() == Some(1);
            warned.then(|| Outcome::degraded(ReasonKind::Status, format!("{name} ended with 1 (warning): {text}")))
        };
        match worst {
            Some(worst) if rank(&worst) < 2 => worst,
            worst => warned().or(worst).or_else(|| self.slow(attempt)).unwrap_or(Outcome::Pass),
        }
    }

    fn slow(&self, attempt: &Attempt) -> Option<Outcome> {
        let (took, most) = (attempt.elapsed(), self.slower_than?);
        let text = || format!("{} took {}, expected at most {}", self.name(), seconds(took), seconds(most));
        (took > most).then(|| Outcome::degraded(ReasonKind::Slow, text()))
    }
}

impl Limit {
    /// What the figure comes to; `None` if it is good.
    fn judge(&self, said: &Said, name: &str) -> Option<Outcome> {
        let label = &self.label;
        let metric = said.metrics.iter().find(|metric| metric.label == *label);
        let Some(metric) = metric else {
            return Some(Outcome::unknown(format!("expected the figure `{label}` of {name}, got none of that name")));
        };
        let Some(value) = metric.value else {
            return Some(Outcome::unknown(format!("{name} does not know its figure `{label}`")));
        };
        let text = |range: &Range| {
            format!("expected {} for `{label}` of {name}, got {value}{}", range.expectation(), metric.unit)
        };
        let beyond = |range: &Option<Range>| range.as_ref().filter(|range| range.alerts(value)).map(text);
        if let Some(text) = beyond(&self.fail) {
            return Some(Outcome::fail(ReasonKind::Content, text));
        }
        beyond(&self.warn).map(|text| Outcome::degraded(ReasonKind::Content, text))
    }
}

/// Reads the output of a plugin and the ranges in it, for the fuzz target.
pub(super) fn read_output(bytes: &[u8]) {
    for metric in parse_output(bytes).metrics {
        let ranges = metric.limits.iter().filter_map(|limit| Range::parse(limit).ok());
        ranges.for_each(|range| _ = range.alerts(metric.value.unwrap_or_default()));
        let _ = metric.shown();
    }
}

/// Writes what the plugin said into the trace.
fn tell(attempt: &Attempt, ended: &Ended, said: &Said) {
    match (ended.status.code(), ended.status.signal()) {
        (Some(code), _) => attempt.note(format!("ended with {code}: {}", said.text)),
        (None, signal) => attempt.note(format!("ended by signal {}: {}", signal.unwrap_or_default(), said.text)),
    }
    said.long.iter().take(TRACED_LINES_MAX).for_each(|line| attempt.note(line));
    said.metrics.iter().take(TRACED_METRICS_MAX).for_each(|metric| attempt.note(metric.shown()));
    let more = said.metrics.len().saturating_sub(TRACED_METRICS_MAX);
    if more > 0 || said.unreadable > 0 {
        attempt.note(format!("{more} more figures, {} that cannot be read", said.unreadable));
    }
    if ended.discarded > 0 {
        attempt.note(format!("{} bytes of output were thrown away", ended.discarded));
    }
    let errors = String::from_utf8_lossy(&ended.errors);
    errors
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(4)
        .for_each(|line| attempt.note(format!("stderr: {line}")));
}

#[cfg(test)]
pub(super) mod tests;
