//! `heartbeat` by behaviour: jobs first, then fleets.

use super::*;
use crate::domain::{HOUR, MINUTE, SECOND};
use crate::network::Network;

const START: Timestamp = Timestamp(1_795_435_200_000);

struct Bench {
    context: BuildContext,
}

impl Bench {
    fn new() -> Self {
        let network =
            Network { connect_to: Vec::new(), allow: Vec::new(), roots: Arc::new(rustls::RootCertStore::empty()) };
        Self { context: BuildContext::new(Arc::new(network), Arc::new(Heartbeats::new(START))) }
    }

    fn probe(&self, more: serde_json::Value) -> Arc<dyn Prober> {
        self.build(more).unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn build(&self, more: serde_json::Value) -> Result<Arc<dyn Prober>, Problems> {
        let mut body = serde_json::json!({ "token": "nightly", "period": "5m", "grace": "1m" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        build(&crate::field::from_json(&body, FIELDS)?, &self.context)
    }

    fn beat(&self, at: Timestamp, member: impl Into<Option<&'static str>>, beat: Beat) -> Taken {
        self.context.heartbeats.take(at, "nightly", member.into(), beat)
    }

    fn kiosk(&self, at: Timestamp, n: usize, beat: Beat) -> Taken {
        self.context.heartbeats.take(at, "nightly", Some(&format!("kiosk-{n:04}")), beat)
    }
}

fn judged(probe: &Arc<dyn Prober>, at: Timestamp) -> (Outcome, Recorder) {
    let mut attempt = Attempt::new(at, std::time::Duration::from_secs(15));
    let recorder = Recorder::clone(&attempt);
    let outcome = futures_util::FutureExt::now_or_never(probe.probe(&mut attempt)).unwrap();
    (outcome, recorder)
}

fn verdict(probe: &Arc<dyn Prober>, at: Timestamp) -> Outcome {
    judged(probe, at).0
}

#[track_caller]
fn assert_said(outcome: &Outcome, label: &str, text: &str) {
    assert_eq!((outcome.label(), outcome.reason().map(|r| &*r.text)), (label, Some(text)));
    let kind = if label == "unknown" { ReasonKind::Local } else { ReasonKind::Heartbeat };
    assert_eq!(outcome.reason().unwrap().kind, kind);
}

fn fleet(members: serde_json::Value) -> serde_json::Value {
    serde_json::json!({ "fleet": { "members": members, "share_min": "90%", "share_warn": "95%" } })
}

#[test]
fn job_that_never_called_is_unknown_for_ever() {
    let bench = Bench::new();
    let probe = bench.probe(serde_json::json!({}));
    assert_said(&verdict(&probe, START), "unknown", "waiting for the first beat since the start, up to 6m");
    let never = "this job has never called; call its heartbeat address at the end of each run";
    assert_said(&verdict(&probe, START + 100 * MINUTE), "unknown", never);
}

#[test]
fn known_job_gets_one_period_and_grace_after_a_restart() {
    let bench = Bench::new();
    let probe = bench.probe(serde_json::json!({}));
    bench.context.heartbeats.resume("nightly", START - 60 * MINUTE);
    assert_eq!(bench.context.heartbeats.last_beats(), [("nightly".into(), START - 60 * MINUTE)]);
    assert_eq!(verdict(&probe, START + 6 * MINUTE - 1).label(), "unknown");
    assert_eq!(verdict(&probe, START + 6 * MINUTE).label(), "fail");
}

#[test]
fn silence_fails_only_after_period_and_grace_and_counts_what_was_missed() {
    let bench = Bench::new();
    let probe = bench.probe(serde_json::json!({}));
    let beat = START + 10 * MINUTE;
    assert_eq!(bench.beat(beat, None, Beat::Good), Taken::Heard);
    assert_eq!(verdict(&probe, beat + 6 * MINUTE - 1), Outcome::Pass);
    let text = "expected a beat every 5m, 1 beat missed, 1m overdue";
    assert_said(&verdict(&probe, beat + 6 * MINUTE), "fail", text);
    assert_eq!(bench.beat(beat + 16 * MINUTE, None, Beat::Start), Taken::Heard);
    let text = "expected a beat every 5m, 3 beats missed, 11m5s overdue; a run began 5s ago";
    assert_said(&verdict(&probe, beat + 16 * MINUTE + 5 * SECOND), "fail", text);
}

#[test]
fn reported_failure_fails_at_once_until_the_next_good_run() {
    let bench = Bench::new();
    let probe = bench.probe(serde_json::json!({}));
    assert_eq!(bench.beat(START, None, Beat::Start), Taken::Heard);
    assert_eq!(bench.beat(START + 90 * SECOND, None, Beat::Bad(Some(3))), Taken::Heard);
    let text = "the job reported a failure after 1m30s: it ended with exit code 3";
    assert_said(&verdict(&probe, START + 91 * SECOND), "fail", text);
    assert_eq!(bench.beat(START + 92 * SECOND, None, Beat::Bad(None)), Taken::Heard);
    assert_said(&verdict(&probe, START + 93 * SECOND), "fail", "the job reported a failure");
    assert_eq!(bench.beat(START + 94 * SECOND, None, Beat::Good), Taken::Heard);
    assert_eq!(verdict(&probe, START + 95 * SECOND), Outcome::Pass);
}

#[test]
fn overlong_run_fails_while_it_goes_on_and_the_trace_tells_run_times() {
    let bench = Bench::new();
    let probe = bench.probe(serde_json::json!({ "max_run": "2h", "period": "1d", "grace": "4h" }));
    assert_eq!(bench.beat(START, None, Beat::Start), Taken::Heard);
    assert_eq!(verdict(&probe, START + 2 * HOUR).label(), "unknown");
    let text = "expected a run of at most 2h, it has been running for 2h0s".replace("0s", "1s");
    assert_said(&verdict(&probe, START + 2 * HOUR + SECOND), "fail", &text);
    assert_eq!(bench.beat(START + 3 * HOUR, None, Beat::Good), Taken::Heard);
    let (outcome, recorder) = judged(&probe, START + 3 * HOUR + SECOND);
    assert_eq!(outcome, Outcome::Pass);
    assert!(recorder.lock().trace[0].text.ends_with(", after 3h"), "{:?}", recorder.lock().trace);
}

#[test]
fn reload_forgets_no_beat_and_strangers_are_refused() {
    let bench = Bench::new();
    let probe = bench.probe(serde_json::json!({}));
    let heartbeats = &bench.context.heartbeats;
    assert_eq!(heartbeats.take(START, "stranger", None, Beat::Good), Taken::NobodyListens);
    assert_eq!(bench.beat(START, "a", Beat::Good), Taken::NoFleet);
    assert_eq!(bench.beat(START, None, Beat::Good), Taken::Heard);
    let after = bench.probe(serde_json::json!({}));
    drop(probe);
    heartbeats.retain(|_| true);
    assert_eq!(verdict(&after, START + 1), Outcome::Pass);
    heartbeats.retain(|_| false);
    assert_eq!(bench.beat(START, None, Beat::Good), Taken::NobodyListens);
}

#[test]
fn fleet_fails_by_its_share_and_names_those_that_are_missing_longest() {
    let bench = Bench::new();
    let probe = bench.probe(fleet(80.into()));
    for n in 0..80 {
        let at = START + if n < 61 { 20 * MINUTE } else { (100 - n as i64) * SECOND };
        assert_eq!(bench.kiosk(at, n, Beat::Good), Taken::Heard);
    }
    let (outcome, recorder) = judged(&probe, START + 21 * MINUTE);
    let text = "online 61 of 80 members (76.2 %), expected at least 90 %; missing longest: \
                kiosk-0079 (since 2026-11-23T12:00:21Z), kiosk-0078 (since 2026-11-23T12:00:22Z), \
                kiosk-0077 (since 2026-11-23T12:00:23Z), …";
    assert_said(&outcome, "fail", text);
    let record = recorder.lock();
    assert_eq!(record.fleet, Some(crate::probe::FleetShare { members: 80, online: 61 }));
    assert_eq!(record.trace.len(), 1 + 19);
}

#[test]
fn fleet_is_degraded_below_the_share_that_warns_and_passes_above() {
    let bench = Bench::new();
    let probe = bench.probe(fleet(20.into()));
    (0..20).for_each(|n| assert_eq!(bench.kiosk(START, n, Beat::Good), Taken::Heard));
    assert_eq!(verdict(&probe, START + 1), Outcome::Pass);
    assert_eq!(bench.kiosk(START, 4, Beat::Bad(Some(2))), Taken::Heard);
    assert_eq!(verdict(&probe, START + 1), Outcome::Pass, "95 % are enough for 95 %");
    assert_eq!(bench.kiosk(START, 5, Beat::Bad(None)), Taken::Heard);
    let text = "online 18 of 20 members (90.0 %), below the 95 % that are worth a warning; missing: \
                kiosk-0004 (exit code 2 since 2026-11-23T12:00:00Z), kiosk-0005 (failed since 2026-11-23T12:00:00Z)";
    assert_said(&verdict(&probe, START + 1), "degraded", text);
    assert_eq!(bench.kiosk(START, 6, Beat::Bad(None)), Taken::Heard);
    assert_eq!(verdict(&probe, START + 1).label(), "fail");
}

#[test]
fn members_not_heard_of_keep_the_whole_unknown_only_while_they_could_decide() {
    let bench = Bench::new();
    let probe = bench.probe(fleet(10.into()));
    assert_eq!(verdict(&probe, START + HOUR).label(), "unknown", "nobody called");
    (0..8).for_each(|n| assert_eq!(bench.kiosk(START + HOUR, n, Beat::Good), Taken::Heard));
    let text = "online 8 of 10 members (80.0 %; 2 not heard of yet); whether it is 90 % is not known yet";
    assert_said(&verdict(&probe, START + HOUR), "unknown", text);
    assert_eq!(bench.kiosk(START + HOUR, 8, Beat::Good), Taken::Heard);
    assert_eq!(verdict(&probe, START + HOUR), Outcome::Pass, "nine of ten are enough whatever the tenth does");
    assert_eq!(bench.kiosk(START + HOUR, 0, Beat::Bad(None)), Taken::Heard);
    assert_eq!(verdict(&probe, START + HOUR).label(), "unknown", "eight, and perhaps nine");
    assert_eq!(bench.kiosk(START + HOUR, 1, Beat::Bad(None)), Taken::Heard);
    let text = "online 7 of 10 members (70.0 %; 1 not heard of yet), expected at least 90 %; missing: \
                kiosk-0000 (failed since 2026-11-23T13:00:00Z), kiosk-0001 (failed since 2026-11-23T13:00:00Z)";
    assert_said(&verdict(&probe, START + HOUR), "fail", text);
}

#[test]
fn overlong_member_is_not_online() {
    let bench = Bench::new();
    let mut body = fleet(1.into());
    body["max_run"] = "1m".into();
    let probe = bench.probe(body);
    assert_eq!(bench.kiosk(START, 0, Beat::Good), Taken::Heard);
    assert_eq!(bench.kiosk(START + SECOND, 0, Beat::Start), Taken::Heard);
    assert_eq!(verdict(&probe, START + MINUTE), Outcome::Pass);
    let reason = verdict(&probe, START + 2 * MINUTE);
    assert!(reason.reason().unwrap().text.ends_with("missing: kiosk-0000 (running since 2026-11-23T12:00:01Z)"));
}

#[test]
fn a_count_means_the_first_so_many_and_a_list_means_those() {
    let bench = Bench::new();
    let counted = bench.probe(fleet(2.into()));
    assert_eq!(bench.beat(START, None, Beat::Good), Taken::WhichMember);
    for wrong in ["", "a b", "a/b", "kiosk-é", "<b>", "a\n"] {
        assert_eq!(bench.beat(START, wrong, Beat::Good), Taken::NoId, "{wrong:?}");
    }
    let long = "x".repeat(MEMBER_ID_MAX + 1);
    assert_eq!(bench.context.heartbeats.take(START, "nightly", Some(&long), Beat::Good), Taken::NoId);
    let taken = ["a", "b", "c", "a"].map(|id| bench.beat(START, id, Beat::Good));
    assert_eq!(taken, [Taken::Heard, Taken::Heard, Taken::Full, Taken::Heard]);
    let listed = bench.probe(fleet(serde_json::json!(["b", "c"])));
    drop(counted);
    bench.context.heartbeats.retain(|_| true);
    assert_eq!(verdict(&listed, START + 1).label(), "unknown", "b stayed, c has not called");
    let taken = ["a", "c", "d"].map(|id| bench.beat(START, id, Beat::Good));
    assert_eq!(taken, [Taken::NotAMember, Taken::Heard, Taken::NotAMember]);
    assert_eq!(verdict(&listed, START + 1), Outcome::Pass);
}

#[test]
fn set_that_was_refused_changes_nothing_for_those_who_beat() {
    let bench = Bench::new();
    let running = bench.probe(fleet(serde_json::json!(["a", "b"])));
    drop(bench.probe(fleet(serde_json::json!(["z"]))));
    assert_eq!(bench.beat(START, "z", Beat::Good), Taken::NotAMember);
    assert_eq!(["a", "b"].map(|id| bench.beat(START, id, Beat::Good)), [Taken::Heard; 2]);
    assert_eq!(verdict(&running, START), Outcome::Pass);
}

#[test]
fn ten_thousand_members_beat_and_are_judged_at_once() {
    let bench = Bench::new();
    let probe = bench.probe(fleet(10_000.into()));
    (0..10_000).for_each(|n| assert_eq!(bench.kiosk(START, n, Beat::Good), Taken::Heard));
    assert_eq!(bench.kiosk(START, 10_000, Beat::Good), Taken::Full);
    assert_eq!(verdict(&probe, START + MINUTE), Outcome::Pass);
    let began = tokio::time::Instant::now();
    let reason = verdict(&probe, START + HOUR);
    assert!(began.elapsed().as_millis() < 200, "took {:?}", began.elapsed());
    assert!(reason.reason().unwrap().text.starts_with("online 0 of 10000 members (0.0 %), expected at least 90 %"));
}

#[test]
fn wrong_fleets_are_refused() {
    let bench = Bench::new();
    let refused = |fleet: serde_json::Value| {
        let Err(problems) = bench.build(serde_json::json!({ "fleet": fleet })) else { panic!("{fleet}") };
        problems.to_string()
    };
    assert!(refused(serde_json::json!({ "members": 20_001, "share_min": "90%" })).contains("20001"));
    assert!(refused(serde_json::json!({ "members": ["a b"], "share_min": "90%" })).contains("no id of a member"));
    assert!(refused(serde_json::json!({ "members": ["a", "a"], "share_min": "90%" })).contains("twice"));
    let warns = serde_json::json!({ "members": 3, "share_min": "90%", "share_warn": "80%" });
    assert!(refused(warns).contains("below `share_min`"));
}
