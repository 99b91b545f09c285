//! `probe` by what it prints and by its exit codes.

use super::*;
use crate::clock::ManualClock;
use crate::network::Network;
use crate::probe::{Attempt, BoxFuture, Heartbeats};
use clap::Parser;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: ProbeArgs,
}

fn args(words: &[&str]) -> ProbeArgs {
    Line::try_parse_from([&["probe"], words].concat()).unwrap_or_else(|error| panic!("{error}")).args
}

fn context() -> BuildContext {
    let network =
        Network { connect_to: Vec::new(), allow: Vec::new(), roots: Arc::new(rustls::RootCertStore::empty()) };
    BuildContext::new(Arc::new(network), Arc::new(Heartbeats::new(Timestamp(0))))
}

struct Fixed(Outcome);
impl Prober for Fixed {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async {
            attempt.note("looked");
            attempt.http_status(503);
            self.0.clone()
        })
    }
}

async fn told(outcomes: &[Outcome], format: ProbeFormat) -> (u8, String) {
    let chosen = outcomes.iter().enumerate().map(|(n, outcome)| Chosen {
        name: format!("bdc/portal/{n}"),
        kind: "http",
        timeout: Duration::from_secs(15),
        prober: Arc::new(Fixed(outcome.clone())),
    });
    let mut out = Vec::new();
    let code = run(chosen.collect(), format, &ManualClock::at(Timestamp(0)), &mut out).await.unwrap();
    (code, String::from_utf8(out).unwrap())
}

#[tokio::test(start_paused = true)]
async fn plugin_contract_is_kept() {
    use crate::domain::ReasonKind::*;
    let (fail, slow) = (Outcome::fail(Status, "a|b"), Outcome::degraded(Slow, "late"));
    let unknown = Outcome::unknown("no socket");
    let (code, text) = told(&[Outcome::Pass], ProbeFormat::Nagios).await;
    assert_eq!((code, text.as_str()), (0, "OK - bdc/portal/0: pass in 0.0 ms | 'bdc/portal/0'=0.000000s;;;0\n"));
    assert_eq!(told(std::slice::from_ref(&slow), ProbeFormat::Nagios).await.0, 1);
    assert_eq!(told(std::slice::from_ref(&unknown), ProbeFormat::Nagios).await.0, 3);
    let (code, text) = told(&[Outcome::Pass, unknown, fail, slow], ProbeFormat::Nagios).await;
    assert_eq!(code, 2);
    assert!(text.starts_with("CRITICAL - bdc/portal/2: a/b | "), "{text}");
    assert_eq!(text.lines().count(), 5);
}

#[tokio::test(start_paused = true)]
async fn people_and_scripts_get_everything_that_was_seen() {
    let fail = Outcome::fail(crate::domain::ReasonKind::Status, "expected status 200, got 503");
    let (code, text) = told(std::slice::from_ref(&fail), ProbeFormat::Human).await;
    assert_eq!(code, 1);
    let expected =
        "bdc/portal/0 (http): fail in 0.0 ms\n  why     status: expected status 200, got 503\n  status  503\n";
    assert_eq!(text, format!("{expected}      0.0 ms  looked\n"));
    let (_, text) = told(&[fail], ProbeFormat::Json).await;
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&json[0]["result"], &json[0]["reason"]["kind"]), (&json!("fail"), &json!("status")));
    assert_eq!(told(&[Outcome::Pass], ProbeFormat::Human).await.0, 0);
}

#[test]
fn probe_that_stands_in_no_file_is_described_by_kind_target_and_fields() {
    let line = ["--kind", "http", "--target", "http://a.test/", "--set", "expect.status=200", "--timeout", "3s"];
    let chosen = described(&args(&line), &context()).unwrap();
    assert_eq!((chosen[0].name.as_str(), chosen[0].timeout), ("http http://a.test/", Duration::from_secs(3)));
    let refused = |words: &[&str]| described(&args(words), &context()).err().unwrap();
    assert!(refused(&["--kind", "htp", "--target", "x"]).contains("there is no kind `htp`"));
    assert!(refused(&["--kind", "heartbeat", "--target", "x"]).contains("asks nobody"));
    assert!(refused(&["--kind", "tls", "--target", "a.test", "--set", "colour=red"]).contains("colour"));
    assert!(refused(&["--kind", "tls", "--target", "a.test", "--timeout", "soon"]).contains("--timeout soon"));
    assert!(Line::try_parse_from(["probe"]).is_err());
    assert!(Line::try_parse_from(["probe", "a/b", "--kind", "tls", "--target", "x"]).is_err());
}

#[test]
fn what_kept_it_from_running_is_told_in_the_plugin_contract_too() {
    let mut out = Vec::new();
    assert_eq!(could_not_run(ProbeFormat::Nagios, "no | file\nhere", &mut out), 3);
    assert_eq!(String::from_utf8(out).unwrap(), "UNKNOWN - no / file; here\n");
    assert_eq!(could_not_run(ProbeFormat::Human, "no file", &mut Vec::new()), 2);
}
