//! A set-up on loopback, in good health and in bad.

use super::*;
use crate::probe::Heartbeats;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

/// 2026-11-23T12:00:00Z.
const NOW: Timestamp = Timestamp(1_795_435_200_000);

/// A relay that greets and takes whatever it is told.
async fn relay() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tasks = TaskTracker::new();
    tasks.clone().spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tasks.spawn(async move {
                let _ = stream.write_all(b"220 relay.test\r\n").await;
                let mut bytes = [0; 1_024];
                while let Ok(n @ 1..) = stream.read(&mut bytes).await {
                    let said = String::from_utf8_lossy(&bytes[..n]).into_owned();
                    let answer: &[u8] = match said.get(..4) {
                        Some("DATA") => b"354 go on\r\n",
                        Some("QUIT") => b"221 bye\r\n",
                        _ => b"250 ok\r\n",
                    };
                    if stream.write_all(answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

/// A port on which nobody listens.
async fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

fn house(more: &str, relay: u16, listen: u16) -> tempfile::TempDir {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let house = tempfile::tempdir().unwrap();
    let main = format!(
        "listen: 127.0.0.1:{listen}\nmail: {{ from: {{ mail: a@b.test }}, domain: b.test, relays: [{{ host: 127.0.0.1, \
         port: {relay}, tls: none }}] }}\non_call: {{ fallback: duty, admins: duty }}\n{more}"
    );
    let owner = "owner: { id: bdc, kind: platform, name: bdc, on_call: duty }\nsubsystems: [{ id: a, name: a, tier: 3, \
                 hours: 7x24, objective: o, probes: [{ name: t, tcp: { address: 'a.test:25' } }] }]\n";
    for (name, text) in [
        ("gengfu.yaml", main.as_str()),
        ("probes/platform/bdc.yaml", owner),
        ("schedules/on-call.yaml", "rosters: [{ id: duty, contacts: [{ name: d, mail: d@b.test }] }]\n"),
        ("schedules/objectives.yaml", "objectives: [{ id: o, target: 1%, period: month, figure: public }]\n"),
        (
            "schedules/policies/p.yaml",
            "policies: [{ id: p, applies_to: { tier: [1, 2, 3] }, allow: { always: true } }]\n",
        ),
    ] {
        let path = house.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    house
}

async fn look(house: &Path, mail: Option<&str>) -> (u8, String) {
    let options = LoadOptions::new(NOW, HashMap::new(), Arc::new(Heartbeats::new(NOW)));
    let args = DoctorArgs { mail: mail.map(str::to_owned), format: Format::Human, lang: Language::En };
    let mut out = Vec::new();
    let code = doctor(NOW, &house.join("gengfu.yaml"), &options, &args, &mut out).await.unwrap();
    (code, String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn a_house_in_good_health_has_no_problem_and_sends_a_trial_mail_when_asked() {
    let (kept, witness) = listener().await;
    let mut more = String::from("witnesses:\n");
    (0..3).for_each(|i| _ = writeln!(more, "  - {{ name: w{i}, tcp: {{ address: '127.0.0.1:{witness}' }} }}"));
    let _ = writeln!(more, "heartbeat: {{ url: 'http://127.0.0.1:{witness}/ping' }}");
    let house = house(&more, relay().await, nobody().await);
    let (code, text) = look(house.path(), Some("me@b.test")).await;
    assert_eq!(code, 0, "{text}");
    for line in ["took the trial mail for me@b.test", "ok       witness w2: answers", "can be connected to", ": free"] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    drop(kept);
}

#[tokio::test]
async fn what_is_wrong_is_a_line_with_a_remedy_each_and_the_exit_code_says_so() {
    let dead = nobody().await;
    let (kept, taken) = listener().await;
    let mut more = String::from("witnesses:\n");
    (0..3).for_each(|i| _ = writeln!(more, "  - {{ name: w{i}, tcp: {{ address: '127.0.0.1:{dead}' }} }}"));
    let house = house(&more, dead, taken);
    let (code, text) = look(house.path(), None).await;
    assert_eq!(code, 1, "{text}");
    for line in [
        "problem  relay 127.0.0.1:",
        "problem  witness w0",
        "warning  receiver: none is configured",
        "something else listens there",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    drop(kept);
    std::fs::write(house.path().join("schedules/objectives.yaml"), "objectives: 7\n").unwrap();
    let (code, text) = look(house.path(), None).await;
    assert_eq!(code, 1);
    assert!(text.starts_with("problem  files: ") && text.contains("run `gengfu check`"), "{text}");
}
