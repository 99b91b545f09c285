//! `heartbeat`: a job calls us; silence is the failure.
//!
//! Not here: the HTTP route that receives beats (`web`). Invariants: a job that never beat is unknown, never failing;
//! after a start of the daemon every job gets one full period and its grace; a reload forgets no beat.

use super::{Attempt, BoxFuture, BuildContext, ProbeKind, Prober};
use crate::domain::{Millis, Outcome, ReasonKind, Timestamp};
use crate::field::{Field, Problems, Record, Type};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Longest message of a job that is kept, in characters.
const MESSAGE_MAX: usize = 200;

/// This kind.
pub(super) const KIND: ProbeKind = ProbeKind {
    name: "heartbeat",
    about: "Waits for calls of a job to `/api/v1/heartbeat/{token}`; silence is the failure.",
    example: "token: ${BACKUP_TOKEN:-nightly-backup-7Qm2}\nperiod: 1d\ngrace: 1h\n",
    fields: FIELDS,
    target: None,
    build,
};

const FIELDS: &[Field] = &[
    Field::required("token", Type::Secret, "Last part of the address that the job calls; keep it secret."),
    Field::required("period", Type::DURATION, "How often the job calls."),
    Field::with_default("grace", Type::DURATION, "1m", "How late a call may be."),
];

fn build(record: &Record, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    let token: Arc<str> = record.text("token").into();
    context.heartbeats.listen(&token);
    let heartbeats = Arc::clone(&context.heartbeats);
    let (period_ms, grace_ms) = (record.int("period"), record.int("grace"));
    Ok(Arc::new(Heartbeat { heartbeats, token, period_ms, grace_ms }))
}

/// What a job may tell us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beat {
    /// A run was good.
    Good,
    /// A run begins; it does not count as a beat.
    Start,
    /// A run was bad, with its exit code or message.
    Bad(String),
}

#[derive(Clone, Debug, Default)]
struct Pulse {
    last: Option<(Timestamp, Beat)>,
    begun: Option<Timestamp>,
}

/// All tokens that some probe listens for, and what was heard. Shared by the probers and the web.
#[derive(Debug)]
pub struct Heartbeats {
    daemon_started: Timestamp,
    pulses: Mutex<HashMap<Arc<str>, Pulse>>,
}

impl Heartbeats {
    /// Nothing was heard yet by a daemon that started at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { daemon_started: now, pulses: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Pulse>> {
        self.pulses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Listens for a token; what was heard under it before stays.
    pub fn listen(&self, token: &str) {
        self.lock().entry(token.into()).or_default();
    }

    /// Forgets all tokens that `keep` refuses; called after a reload.
    pub fn retain(&self, keep: impl Fn(&str) -> bool) {
        self.lock().retain(|token, _| keep(token));
    }

    /// Takes over what a former run of the daemon heard: the last good beat of `token`.
    pub fn resume(&self, token: &str, last: Timestamp) {
        let mut pulses = self.lock();
        let pulse = pulses.entry(token.into()).or_default();
        if pulse.last.is_none() {
            pulse.last = Some((last, Beat::Good));
        }
    }

    /// The last beat of each token, for [`Self::resume`] after a restart.
    pub fn last_beats(&self) -> Vec<(Arc<str>, Timestamp)> {
        let pulses = self.lock();
        pulses.iter().filter_map(|(token, pulse)| Some((Arc::clone(token), pulse.last.as_ref()?.0))).collect()
    }

    /// Takes a beat at `now`. Returns whether anybody listens for `token`.
    #[must_use]
    pub fn take(&self, now: Timestamp, token: &str, beat: Beat) -> bool {
        let mut pulses = self.lock();
        let Some(pulse) = pulses.get_mut(token) else { return false };
        match beat {
            Beat::Start => pulse.begun = Some(now),
            Beat::Good => *pulse = Pulse { last: Some((now, Beat::Good)), begun: None },
            Beat::Bad(message) => {
                let message = message.chars().take(MESSAGE_MAX).collect();
                *pulse = Pulse { last: Some((now, Beat::Bad(message))), begun: None };
            }
        }
        true
    }
}

/// The probe of one token.
struct Heartbeat {
    heartbeats: Arc<Heartbeats>,
    token: Arc<str>,
    period_ms: Millis,
    grace_ms: Millis,
}

impl Heartbeat {
    fn judge(&self, now: Timestamp) -> Outcome {
        let pulse = self.heartbeats.lock().get(&self.token).cloned().unwrap_or_default();
        let patience_ms = self.period_ms + self.grace_ms;
        match pulse.last {
            Some((_, Beat::Bad(message))) => {
                Outcome::fail(ReasonKind::Heartbeat, format!("the job reported a failure: {message}"))
            }
            Some((at, _)) if now < at + patience_ms => Outcome::Pass,
            _ if now < self.heartbeats.daemon_started + patience_ms => {
                Outcome::unknown(format!("waiting for the first beat since the start, up to {} s", patience_ms / 1_000))
            }
            None => Outcome::unknown("this job has never called; call its heartbeat address at the end of each run"),
            Some((at, _)) => {
                let late_s = now.since(at + self.period_ms) / 1_000;
                let running = pulse.begun.map(|begun| format!("; a run began {} s ago", now.since(begun) / 1_000));
                let running = running.unwrap_or_default();
                let text =
                    format!("expected a beat every {} s, the last is {late_s} s overdue", self.period_ms / 1_000);
                Outcome::fail(ReasonKind::Heartbeat, text + &running)
            }
        }
    }
}

impl Prober for Heartbeat {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(std::future::ready(self.judge(attempt.started)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{MINUTE, SECOND};

    const START: Timestamp = Timestamp(1_000_000);

    fn rig() -> (Arc<Heartbeats>, Heartbeat) {
        let heartbeats = Arc::new(Heartbeats::new(START));
        heartbeats.listen("nightly");
        let (period_ms, grace_ms) = (5 * MINUTE, MINUTE);
        (Arc::clone(&heartbeats), Heartbeat { heartbeats, token: "nightly".into(), period_ms, grace_ms })
    }

    #[test]
    fn job_that_never_called_is_unknown_for_ever() {
        let (_, probe) = rig();
        assert_eq!(probe.judge(START).label(), "unknown");
        assert_eq!(probe.judge(START + 100 * MINUTE).label(), "unknown");
    }

    #[test]
    fn known_job_gets_one_period_and_grace_after_a_restart() {
        let (heartbeats, probe) = rig();
        heartbeats.resume("nightly", START - 60 * MINUTE);
        assert_eq!(heartbeats.last_beats(), [("nightly".into(), START - 60 * MINUTE)]);
        assert_eq!(probe.judge(START + 6 * MINUTE - 1).label(), "unknown");
        assert_eq!(probe.judge(START + 6 * MINUTE).label(), "fail");
    }

    #[test]
    fn silence_fails_only_after_period_and_grace() {
        let (heartbeats, probe) = rig();
        let beat = START + 10 * MINUTE;
        assert!(heartbeats.take(beat, "nightly", Beat::Good));
        assert_eq!(probe.judge(beat + 6 * MINUTE - 1), Outcome::Pass);
        let text = "expected a beat every 300 s, the last is 60 s overdue";
        assert_eq!(probe.judge(beat + 6 * MINUTE), Outcome::fail(ReasonKind::Heartbeat, text));
        assert!(heartbeats.take(beat + 7 * MINUTE, "nightly", Beat::Start));
        let reason = probe.judge(beat + 7 * MINUTE + 5 * SECOND);
        assert!(reason.reason().unwrap().text.ends_with("a run began 5 s ago"));
    }

    #[test]
    fn reported_failure_fails_at_once_until_the_next_good_run() {
        let (heartbeats, probe) = rig();
        assert!(heartbeats.take(START, "nightly", Beat::Bad("exit code 3".into())));
        assert_eq!(probe.judge(START + 1).reason().unwrap().text, "the job reported a failure: exit code 3");
        assert!(heartbeats.take(START + 2, "nightly", Beat::Good));
        assert_eq!(probe.judge(START + 3), Outcome::Pass);
    }

    #[test]
    fn reload_forgets_no_beat_and_strangers_are_refused() {
        let (heartbeats, probe) = rig();
        assert!(!heartbeats.take(START, "stranger", Beat::Good));
        assert!(heartbeats.take(START, "nightly", Beat::Good));
        heartbeats.listen("nightly");
        assert_eq!(probe.judge(START + 1), Outcome::Pass);
        heartbeats.retain(|_| false);
        assert!(!heartbeats.take(START, "nightly", Beat::Good));
    }
}
