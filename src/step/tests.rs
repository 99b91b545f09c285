//! Runners on loopback: right, refused, hanging, wrong, twice; and hands that carry orders out.

use super::*;
use crate::domain::plan::{Action, Deed, Report};
use crate::field::from_json;
use crate::network::{Network, everything};
use crate::probe::{CommandGrant, Grantees, USER_AGENT};
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::routing::any;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

fn context(root: &Path) -> StepContext {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let network =
        Network { connect_to: Vec::new(), allow: everything(), roots: Arc::new(rustls::RootCertStore::empty()) };
    let grant = CommandGrant {
        directory: root.join("bin"),
        owners: Grantees::All,
        programs: None,
        environment: ["TOKEN".to_owned()].into(),
    };
    StepContext {
        transports: Arc::new(Transports::new(Arc::new(network), USER_AGENT)),
        commands: Arc::new(Commands::new(vec![grant])),
        asker: Asker::Owner("bdc".into()),
        store: root.join("gengfu.db"),
        flags: root.join("flags"),
        systemctl: root.join("bin/systemctl"),
        units: Arc::new(vec![UnitGrant { owners: ["bdc".into()].into(), names: vec!["portal-*".into()] }]),
        expand: Arc::new(|owner, node| {
            if let Some(crate::field::NodeKind::Scalar { text, .. }) = node_at(node, "bearer").map(|n| &mut n.kind)
                && text == "${TOKEN}"
            {
                *text = format!("secret-of-{owner}");
            }
            Ok(())
        }),
    }
}

fn node_at<'n>(node: &'n mut Node, key: &str) -> Option<&'n mut Node> {
    match &mut node.kind {
        crate::field::NodeKind::Map(entries) => entries.iter_mut().find(|e| e.key == key).map(|e| &mut e.value),
        _ => None,
    }
}

fn runner(kind_name: &str, body: &serde_json::Value, context: &StepContext) -> Arc<dyn StepRunner> {
    let kind = kind(kind_name).unwrap();
    let record = from_json(body, kind.fields).unwrap_or_else(|problems| panic!("{problems}"));
    match (kind.build)(&record, context) {
        Ok(Made::Runner(runner)) => runner,
        Ok(Made::Own(_)) => panic!("{kind_name} is the engine's"),
        Err(problems) => panic!("{problems}"),
    }
}

fn refusal(kind_name: &str, body: &serde_json::Value, context: &StepContext) -> String {
    let kind = kind(kind_name).unwrap();
    let record = from_json(body, kind.fields).unwrap();
    (kind.build)(&record, context).err().expect("it is refused").to_string()
}

fn order(deed: Deed) -> Order {
    Order {
        run: "w.1.1".into(),
        epoch: 1,
        plan: "upgrade".into(),
        owner: "bdc".into(),
        step: "one".into(),
        deed,
        attempt: 1,
        key: "0123456789abcdef".into(),
        action: Action { kind: "http".into(), body: "{}".into(), target: String::new() },
        timeout_ms: 5_000,
        pause_ms: 0,
        safe: false,
    }
}

fn script(root: &Path, name: &str, text: &str) {
    fs::create_dir_all(root.join("bin")).unwrap();
    fs::set_permissions(root.join("bin"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = root.join("bin").join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What a server was asked: method, path, key, authorization.
type Asked = Arc<Mutex<Vec<(Method, String, String, String)>>>;

async fn record(
    State(asked): State<Asked>,
    method: Method,
    UrlPath(path): UrlPath<String>,
    headers: HeaderMap,
) -> StatusCode {
    let header = |name: &str| headers.get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
    asked.lock().unwrap().push((method, path.clone(), header("idempotency-key"), header("authorization")));
    StatusCode::from_u16(path.parse().unwrap_or(200)).unwrap()
}

/// A server that answers with the status that its path names.
async fn server(tasks: &TaskTracker) -> (String, Asked) {
    let asked = Asked::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let routes = axum::Router::new().route("/{path}", any(record)).with_state(Arc::clone(&asked));
    tasks.spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (url, asked)
}

#[test]
fn every_example_builds_and_kinds_are_in_order() {
    let root = tempfile::tempdir().unwrap();
    script(root.path(), "migrate", "exit 0");
    let context = context(root.path());
    let context = StepContext {
        units: Arc::new(vec![UnitGrant { owners: ["bdc".into()].into(), names: vec!["portal.service".into()] }]),
        ..context
    };
    for kind in KINDS {
        let json: serde_json::Value = serde_yaml::from_str(kind.example).unwrap();
        let record = from_json(&json, kind.fields).unwrap_or_else(|problems| panic!("{}: {problems}", kind.name));
        let made = (kind.build)(&record, &context).unwrap_or_else(|problems| panic!("{}: {problems}", kind.name));
        assert_eq!(matches!(made, Made::Own(_)), kind.part == Part::Own, "{}", kind.name);
        assert!(kind.about.ends_with('.'), "{}", kind.name);
    }
    assert!(KINDS.is_sorted_by_key(|kind| kind.name));
}

#[tokio::test]
async fn flags_come_and_go_as_often_as_asked() {
    let root = tempfile::tempdir().unwrap();
    let context = context(root.path());
    let body = json!({ "flag": "portal" });
    let (drain, restore) = (runner("drain", &body, &context), runner("restore", &body, &context));
    let present = |end: &End| matches!(end, End::Saw { seen: Seen::Present, .. });
    for _ in 0..2 {
        assert!(matches!(drain.run(&order(Deed::Do)).await, End::Done { .. }));
    }
    assert!(present(&drain.look(&order(Deed::Observe)).await) && !present(&restore.look(&order(Deed::Observe)).await));
    fs::write(context.flags.join(".bdc.portal.drained.new"), "left by a kill").unwrap();
    fs::write(context.flags.join("bdc.hand.drained"), "by hand").unwrap();
    assert_eq!(drained(&context.flags), ["flag:bdc.portal"], "what we did not write is not ours");
    for _ in 0..2 {
        assert!(matches!(restore.run(&order(Deed::Restore)).await, End::Done { .. }));
    }
    assert!(!present(&drain.look(&order(Deed::Observe)).await) && present(&restore.look(&order(Deed::Observe)).await));
    assert!(drained(&context.flags).is_empty());
    assert_eq!(fs::read_dir(&context.flags).unwrap().count(), 1, "only what somebody else wrote");
}

#[tokio::test]
async fn answers_say_what_was_done() {
    let (tasks, root) = (TaskTracker::new(), tempfile::tempdir().unwrap());
    let (url, asked) = server(&tasks).await;
    let context = context(root.path());
    let at = |status: u16| runner("http", &json!({ "url": format!("{url}/{status}") }), &context);
    assert!(matches!(at(201).run(&order(Deed::Do)).await, End::Done { .. }));
    assert!(matches!(at(409).run(&order(Deed::Do)).await, End::Failed { .. }));
    assert!(matches!(at(302).run(&order(Deed::Do)).await, End::Unknown { .. }), "no redirect is followed");
    assert!(matches!(at(503).run(&order(Deed::Do)).await, End::Unknown { .. }));
    let looks = [(200, Some(Seen::Present)), (404, Some(Seen::Absent)), (410, Some(Seen::Absent)), (500, None)];
    for (status, expected) in looks {
        let seen = match at(status).look(&order(Deed::Observe)).await {
            End::Saw { seen, .. } => Some(seen),
            _ => None,
        };
        assert_eq!(seen, expected, "{status}");
    }
    let asked = asked.lock().unwrap();
    assert!(asked.iter().take(4).all(|(method, _, key, _)| method == Method::POST && key == "0123456789abcdef"));
    assert!(asked.iter().skip(4).all(|(method, ..)| method == Method::GET));
}

#[tokio::test]
async fn only_a_request_that_never_left_has_certainly_done_nothing() {
    let root = tempfile::tempdir().unwrap();
    let context = context(root.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    let hangs = runner("http", &json!({ "url": url }), &context);
    let short = Order { timeout_ms: 50, ..order(Deed::Do) };
    assert!(matches!(hangs.run(&short).await, End::Unknown { .. }));
    drop(listener);
    assert!(matches!(hangs.run(&order(Deed::Do)).await, End::Failed { .. }), "refused");
    let fence = Network { connect_to: Vec::new(), allow: Vec::new(), roots: Arc::new(rustls::RootCertStore::empty()) };
    let fenced = StepContext { transports: Arc::new(Transports::new(Arc::new(fence), USER_AGENT)), ..context };
    let own = runner("http", &json!({ "url": url }), &fenced);
    let End::Failed { note } = own.run(&order(Deed::Do)).await else { panic!("the fence holds") };
    assert!(note.contains("may not reach"), "{note}");
}

#[tokio::test]
async fn exit_codes_and_deadlines_of_programs() {
    let root = tempfile::tempdir().unwrap();
    script(root.path(), "works", "echo \"$GENGFU_STEP $GENGFU_DEED $GENGFU_KEY $1\"");
    script(root.path(), "fails", "echo no >&2; exit 1");
    script(root.path(), "hangs", "exec sleep 60");
    let context = context(root.path());
    let at = |name: &str| runner("exec", &json!({ "program": name, "arguments": ["next"] }), &context);
    let said = at("works").run(&order(Deed::Do)).await;
    assert_eq!(said, End::Done { note: "one do 0123456789abcdef next".into() });
    assert_eq!(at("fails").run(&order(Deed::Do)).await, End::Failed { note: "ended with 1: no".into() });
    assert!(matches!(at("fails").look(&order(Deed::Observe)).await, End::Saw { seen: Seen::Absent, .. }));
    let short = Order { timeout_ms: 100, ..order(Deed::Do) };
    assert!(matches!(at("hangs").run(&short).await, End::Unknown { .. }));
    assert!(refusal("exec", &json!({ "program": "/bin/sh" }), &context).contains("granted"));
    let foreign = json!({ "program": "works", "environment": { "PATH": "/tmp" } });
    assert!(refusal("exec", &foreign, &context).contains("PATH"));
}

#[tokio::test]
async fn what_a_former_process_left_running_is_ended_before_anybody_looks() {
    let (tasks, root) = (TaskTracker::new(), tempfile::tempdir().unwrap());
    let (url, _) = server(&tasks).await;
    let sleeps = |store: &str, epoch: &str| {
        let mut sleep = tokio::process::Command::new("sleep");
        sleep.arg("60").env("GENGFU_STORE", root.path().join(store)).env("GENGFU_RUN", "w.1.1");
        sleep.env("GENGFU_EPOCH", epoch).kill_on_drop(true).spawn().unwrap()
    };
    let (mut left, mut present) = (sleeps("gengfu.db", "1"), sleeps("gengfu.db", "2"));
    let mut of_another = sleeps("another.db", "1");
    let (reports, mut reported) = mpsc::channel(8);
    let hands = Hands::new(context(root.path()), reports, tasks.clone(), CancellationToken::new());
    let body = json!({ "url": format!("{url}/200") }).to_string();
    let action = Action { kind: "http".into(), body, target: String::new() };
    hands.carry_out(Order { epoch: 2, action, ..order(Deed::Observe) });
    let (reported, status) = tokio::join!(reported.recv(), left.wait());
    assert!(matches!(reported.unwrap().end, End::Saw { .. }) && !status.unwrap().success());
    assert!(present.try_wait().unwrap().is_none(), "the present epoch's is left alone");
    assert!(of_another.try_wait().unwrap().is_none(), "another daemon's is left alone");
}

#[tokio::test]
async fn units_are_those_that_are_granted() {
    let root = tempfile::tempdir().unwrap();
    script(
        root.path(),
        "systemctl",
        "[ $1 = is-active ] && { echo inactive; exit 3; }; echo \"$@\" > \"${0%/*}/../said\"",
    );
    let context = context(root.path());
    let body = |unit: &str, action: &str| json!({ "unit": unit, "action": action });
    let stop = runner("systemd", &body("portal-web.service", "stop"), &context);
    assert!(matches!(stop.run(&order(Deed::Do)).await, End::Done { .. }));
    assert_eq!(fs::read_to_string(root.path().join("said")).unwrap(), "stop portal-web.service\n");
    assert!(matches!(stop.look(&order(Deed::Observe)).await, End::Saw { seen: Seen::Present, .. }));
    let start = runner("systemd", &body("portal-web.service", "start"), &context);
    assert!(matches!(start.look(&order(Deed::Observe)).await, End::Saw { seen: Seen::Absent, .. }));
    for unit in ["sshd.service", "--now.service", "portal-x/../y.service", "portal-web"] {
        assert!(refusal("systemd", &body(unit, "stop"), &context).contains(unit), "{unit}");
    }
}

#[tokio::test]
async fn hands_expand_secrets_when_they_act_and_report_once() {
    let (tasks, root) = (TaskTracker::new(), tempfile::tempdir().unwrap());
    let (url, asked) = server(&tasks).await;
    let (reports, mut reported) = mpsc::channel(8);
    let hands = Hands::new(context(root.path()), reports, tasks.clone(), CancellationToken::new());
    let body = json!({ "url": format!("{url}/200"), "bearer": "${TOKEN}" }).to_string();
    let action = Action { kind: "http".into(), body, target: String::new() };
    hands.carry_out(Order { action, ..order(Deed::Do) });
    let report = reported.recv().await.unwrap();
    assert!(matches!(report, Report { epoch: 1, attempt: 1, end: End::Done { .. }, .. }), "{report:?}");
    assert_eq!(asked.lock().unwrap()[0].3, "Bearer secret-of-bdc");
    let action = Action { kind: "http".into(), body: "{}".into(), target: String::new() };
    hands.carry_out(Order { action, ..order(Deed::Do) });
    assert!(matches!(reported.recv().await.unwrap().end, End::Failed { .. }), "a body that cannot be built");
}

#[test]
fn documentation_lists_every_kind() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plans.md");
    let page = fs::read_to_string(&path).unwrap_or_default();
    let kinds = document();
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        let head = page.split("<!-- kinds -->").next().unwrap_or_default();
        fs::write(&path, format!("{head}<!-- kinds -->\n\n{kinds}")).unwrap();
        return;
    }
    assert!(page.ends_with(&kinds), "docs/plans.md is stale; UPDATE_EXPECTED=1 writes it");
}
