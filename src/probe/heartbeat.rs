//! `heartbeat`: a job calls us, or thousands of members of a fleet do; silence is the failure.
//!
//! Not here: the HTTP route that receives beats (`web`). Invariants: a job that never beat is unknown, never failing;
//! after a start of the daemon every job gets one full period and its grace; a reload forgets no beat.

mod ears;
mod fleet;

pub use ears::{Beat, Heartbeats, MEMBER_ID_MAX, Taken};

use self::ears::{Audience, Ear, Ending, MEMBERS_MAX, Pulse, is_member_id};
use self::fleet::{Members, Shares, to_the_second};
use super::{Attempt, BoxFuture, BuildContext, ProbeKind, Prober, Recorder};
use crate::domain::{Millis, Outcome, ReasonKind, Timestamp};
use crate::field::{Code, Field, Problem, Problems, Record, Type, Value, format_duration};
use std::collections::HashSet;
use std::sync::Arc;

/// This kind.
pub(super) const KIND: ProbeKind = ProbeKind {
    name: "heartbeat",
    about: "Waits for calls of a job, or of the members of a fleet, to `/api/v1/heartbeat/{token}`; silence is the \
            failure. `/start` before a run, `/fail` or `/{exit_code}` after it; `?member=ID` says which member calls.",
    example: "token: ${KIOSKS_TOKEN:-huangpu-kiosks-7Qm2}\nperiod: 1m\ngrace: 2m\n\
              fleet: { members: 80, share_min: 90%, share_warn: 95% }\n",
    fields: FIELDS,
    target: None,
    build,
};

const FIELDS: &[Field] = &[
    Field::required("token", Type::Secret, "Last part of the address that the job calls; keep it secret."),
    Field::required("period", Type::DURATION, "How often the job calls."),
    Field::with_default("grace", Type::DURATION, "1m", "How late a call may be."),
    Field::optional("max_run", Type::DURATION, "Fails while a run that told its start goes on for longer."),
    Field::optional("fleet", Type::Record(FLEET_FIELDS), "Many members call, each with `?member=ID`; a share counts."),
];

const FLEET_FIELDS: &[Field] = &[
    Field::required("members", MEMBERS, "The ids of all members; or how many: then the first so many that call."),
    Field::required("share_min", Type::Percent, "Fails when a smaller share of the members is online."),
    Field::optional("share_warn", Type::Percent, "Degraded when a smaller share is."),
];

const MEMBERS: Type = Type::Either(&[Type::Int { min: 1, max: MEMBERS_MAX as i64 }, MEMBER_IDS]);
const MEMBER_IDS: Type = Type::List { of: &Type::Text { max: MEMBER_ID_MAX }, min: 1, max: MEMBERS_MAX };

fn build(record: &Record, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    let fleet = record.record("fleet").map(fleet_of).transpose()?;
    let (members, shares) = fleet.unzip();
    let audience = Arc::new(members.map_or(Audience::Job, Audience::Fleet));
    let times = Times {
        started: context.heartbeats.daemon_started,
        period_ms: record.int("period"),
        patience_ms: record.int("period") + record.int("grace"),
        max_run_ms: record.opt_int("max_run"),
    };
    let ear = context.heartbeats.listen_for(record.text("token"), &audience);
    Ok(Arc::new(Heartbeat { ear, audience, times, shares }))
}

fn fleet_of(record: &Record) -> Result<(Members, Shares), Problems> {
    let mut problems = Problems::new();
    let members = match record.get("members").map(|members| &members.value) {
        Some(Value::Int(count)) => Members::First(usize::try_from(*count).unwrap_or(1)),
        _ => {
            let mut ids: HashSet<Arc<str>> = HashSet::new();
            for (id, at) in record.texts("members") {
                if !is_member_id(id) {
                    let problem = Problem::error(Code::Value, at, format!("`{id}` is no id of a member"));
                    problems.push(problem.expected("1 to 64 letters, digits, dots, hyphens and underscores"));
                } else if !ids.insert(id.into()) {
                    problems.push(Problem::error(Code::DuplicateId, at, format!("the member `{id}` twice")));
                }
            }
            Members::Listed(ids)
        }
    };
    let shares = Shares { min: record.int("share_min"), warn: record.opt_int("share_warn") };
    if shares.warn.is_some_and(|warn| warn < shares.min) {
        let problem = Problem::error(Code::Value, record.at("share_warn"), "`share_warn` is below `share_min`");
        problems.push(problem.hint("a warning comes before a failure: write a larger share"));
    }
    if problems.has_errors() { Err(problems) } else { Ok((members, shares)) }
}

/// When what is expected.
#[derive(Clone, Copy, Debug)]
struct Times {
    started: Timestamp,
    period_ms: Millis,
    patience_ms: Millis,
    max_run_ms: Option<Millis>,
}

/// What a pulse says at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// The last run was good, and not too long ago.
    Online,
    /// Nothing was heard, or not since the start of the daemon.
    Unknown,
    /// The last good beat was then, and that is too long ago.
    Silent(Timestamp),
    /// The last run was bad, then, with this code.
    Failed(Timestamp, Option<u8>),
    /// The run that began then goes on for too long.
    Overlong(Timestamp),
}

impl Times {
    fn sign(&self, now: Timestamp, pulse: &Pulse) -> Sign {
        let overlong = pulse.begun.filter(|begun| self.max_run_ms.is_some_and(|max| now.since(*begun) > max));
        match (overlong, pulse.last) {
            (Some(begun), _) => Sign::Overlong(begun),
            (None, Some((at, Ending::Bad(code)))) => Sign::Failed(at, code),
            (None, Some((at, Ending::Good))) if now < at + self.patience_ms => Sign::Online,
            _ if now < self.started + self.patience_ms => Sign::Unknown,
            (None, None) => Sign::Unknown,
            (None, Some((at, Ending::Good))) => Sign::Silent(at),
        }
    }
}

/// The probe of one token.
struct Heartbeat {
    ear: Arc<Ear>,
    audience: Arc<Audience>,
    times: Times,
    /// Of a fleet.
    shares: Option<Shares>,
}

impl Heartbeat {
    fn judge(&self, now: Timestamp, trace: &Recorder) -> Outcome {
        match (&*self.audience, self.shares) {
            (Audience::Fleet(members), Some(shares)) => {
                fleet::judge(now, &self.ear.lock().fleet, members, self.times, shares, trace)
            }
            _ => {
                let pulse = self.ear.lock().job;
                trace_of(&pulse, trace);
                self.judge_job(now, &pulse)
            }
        }
    }

    fn judge_job(&self, now: Timestamp, pulse: &Pulse) -> Outcome {
        let times = &self.times;
        let fail = |text: String| Outcome::fail(ReasonKind::Heartbeat, text);
        match times.sign(now, pulse) {
            Sign::Online => Outcome::Pass,
            Sign::Failed(_, code) => {
                let ran = pulse.ran_ms.map(|ms| format!(" after {}", length(ms))).unwrap_or_default();
                let how = code.map_or_else(String::new, |code| format!(": it ended with exit code {code}"));
                fail(format!("the job reported a failure{ran}{how}"))
            }
            Sign::Overlong(begun) => {
                let max = format_duration(times.max_run_ms.unwrap_or_default());
                fail(format!("expected a run of at most {max}, it has been running for {}", length(now.since(begun))))
            }
            Sign::Silent(at) => {
                let missed = now.since(at) / times.period_ms.max(1);
                let (period, late) = (format_duration(times.period_ms), length(now.since(at + times.period_ms)));
                let beats = if missed == 1 { "beat" } else { "beats" };
                let running = pulse.begun.map(|begun| format!("; a run began {} ago", length(now.since(begun))));
                let running = running.unwrap_or_default();
                fail(format!("expected a beat every {period}, {missed} {beats} missed, {late} overdue{running}"))
            }
            Sign::Unknown if now < times.started + times.patience_ms => Outcome::unknown(format!(
                "waiting for the first beat since the start, up to {}",
                format_duration(times.patience_ms)
            )),
            Sign::Unknown => {
                Outcome::unknown("this job has never called; call its heartbeat address at the end of each run")
            }
        }
    }
}

/// To the second, or exact where that would be nothing.
fn length(ms: Millis) -> String {
    let whole = ms - ms.rem_euclid(1_000);
    format_duration(if whole > 0 { whole } else { ms })
}

fn trace_of(pulse: &Pulse, trace: &Recorder) {
    if let Some((at, how)) = pulse.last {
        let ran = pulse.ran_ms.map(|ms| format!(", after {}", length(ms))).unwrap_or_default();
        trace.note(format!("the last run ended {} at {}{ran}", fleet::ending(how), to_the_second(at)));
    }
    if let Some(begun) = pulse.begun {
        trace.note(format!("a run began at {}", to_the_second(begun)));
    }
}

impl Prober for Heartbeat {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(std::future::ready(self.judge(attempt.started, attempt)))
    }
}

#[cfg(test)]
mod tests;
