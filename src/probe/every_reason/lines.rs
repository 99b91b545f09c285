//! What goes wrong in conversations in lines: `redis`, `smtp`, `ssh`, `tcp`, `tls` behind STARTTLS.
//!
//! Not here: connections and TLS from the first byte (`shared`). Invariant: every peer follows a script.

use super::Stage;
use crate::domain::ReasonKind;
use crate::probe::aim::HOST;
use crate::probe::lines::tests::Act::{self, Hang, Hear, Say, Take, Tls};
use crate::probe::lines::tests::script;
use crate::probe::ssh::tests::{ed25519, sshd};
use serde_json::{Value, json};

/// What a peer of SMTP says up to its offers.
const OFFERS: [Act; 3] = [Say(b"220 a ESMTP\r\n"), Hear("EHLO"), Say(b"250-a\r\n250 STARTTLS\r\n")];
/// A fingerprint that no server here has.
const PIN: &str = "SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDoXs9qU9Jc5d5Y8rM";

pub(super) async fn set(stage: &mut Stage, reason: ReasonKind) {
    match stage.kind {
        "redis" => redis(stage, reason).await,
        "smtp" => smtp(stage, reason).await,
        "ssh" => ssh(stage, reason).await,
        "tcp" => tcp(stage, reason).await,
        _ => tls(stage, reason).await,
    }
}

/// A probe of a peer that follows a script.
async fn add<'a>(
    stage: &'a mut Stage,
    what: &'static str,
    acts: &[Act],
    more: Value,
    parts: &[&str],
) -> &'a mut super::Case {
    let port = script(&mut stage.rig, acts).await;
    let mut body = if stage.kind == "tls" {
        json!({ "host": HOST, "port": port })
    } else {
        json!({ "address": format!("{HOST}:{port}") })
    };
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stage.add(what, body, parts)
}

async fn redis(stage: &mut Stage, reason: ReasonKind) {
    const PING: Act = Take(14);
    match reason {
        ReasonKind::Status => {
            let acts = [PING, Say(b"-NOAUTH Authentication required.\r\n"), Hang];
            let parts = ["PING: expected PONG, got \"NOAUTH Authentication required.\"; set `password`"];
            add(stage, "wants a password", &acts, json!({}), &parts).await;
        }
        ReasonKind::Content => {
            let acts = [PING, Say(b"+HELLO\r\n"), Hang];
            add(stage, "says something else", &acts, json!({}), &["PING: expected PONG, got \"HELLO\""]).await;
            let acts = [PING, Say(b"+PONG\r\n"), PING, Say(b"$12\r\nrole:slave\r\n\r\n"), Hang];
            let more = json!({ "expect": { "role": "master" } });
            add(stage, "has another role", &acts, more, &["expected role master, got \"replica\""]).await;
            let info = b"$37\r\nrole:slave\r\nmaster_link_status:down\r\n\r\n";
            let acts = [PING, Say(b"+PONG\r\n"), PING, Say(info), Hang];
            let more = json!({ "expect": { "role": "replica" } });
            add(stage, "has lost its master", &acts, more, &["has lost its master"]).await.degraded();
        }
        ReasonKind::Protocol => {
            let acts = [PING, Say(b"220 smtp\r\n"), Hang];
            let parts = [&*format!("{HOST}:"), "does not speak RESP: got \"220 smtp\""];
            add(stage, "is another server", &acts, json!({}), &parts).await;
            let parts = [&*format!("{HOST}:"), "closed the connection before answering"];
            add(stage, "hangs up", &[PING], json!({}), &parts).await;
        }
        _ => {}
    }
}

async fn smtp(stage: &mut Stage, reason: ReasonKind) {
    match reason {
        ReasonKind::Status => {
            let parts = ["the greeting: expected 220, got 554 5.3.2 closed"];
            add(stage, "lets nobody in", &[Say(b"554 5.3.2 closed\r\n"), Hang], json!({}), &parts).await;
            let mail = [Hear("MAIL"), Say(b"250 ok\r\n"), Hear("RCPT"), Say(b"451 4.7.1 greylisted\r\n"), Hang];
            let acts = [&[Say(b"220 a\r\n"), Hear("EHLO"), Say(b"250 a\r\n")][..], &mail].concat();
            let more = json!({ "to": "b@bdc.test" });
            let parts = ["RCPT TO <b@bdc.test>: expected 250, got 451 4.7.1 greylisted"];
            add(stage, "wants us to come again", &acts, more, &parts).await.degraded();
        }
        ReasonKind::Tls => {
            let acts = [Say(b"220 a\r\n"), Hear("EHLO"), Say(b"250 a\r\n"), Hang];
            let parts = [&*format!("{HOST}:"), "does not offer STARTTLS"];
            add(stage, "offers no TLS", &acts, json!({ "starttls": "required" }), &parts).await;
            let more = json!({ "auth": { "user": "probe", "password": "geheim" } });
            let parts = [&*format!("{HOST}:"), "offers no TLS, and a password is said in TLS only"];
            add(stage, "would hear a password in the clear", &acts, more, &parts).await;
        }
        ReasonKind::Content => {
            let acts = [Tls, Say(b"220 a\r\n"), Hear("EHLO"), Say(b"250-a\r\n250 AUTH CRAM-MD5\r\n"), Hang];
            let more = json!({ "tls": true, "auth": { "user": "probe", "password": "geheim" } });
            let parts = ["expected AUTH PLAIN or LOGIN among what is offered, got CRAM-MD5"];
            add(stage, "knows no common login", &acts, more, &parts).await;
        }
        ReasonKind::Protocol => {
            let parts = [&*format!("{HOST}:"), "does not speak SMTP: expected a reply, got \"HTTP/1.1 400 Bad\""];
            add(stage, "is another server", &[Say(b"HTTP/1.1 400 Bad\r\n"), Hang], json!({}), &parts).await;
            let acts = [&OFFERS[..], &[Hear("STARTTLS"), Say(b"220 go\r\n250 evil\r\n"), Hang]].concat();
            let parts = ["sent \"250 evil\" in the clear behind its consent to TLS"];
            add(stage, "speaks before TLS", &acts, json!({}), &parts).await;
        }
        _ => {}
    }
}

async fn ssh(stage: &mut Stage, reason: ReasonKind) {
    let banner = Say(b"SSH-2.0-OpenSSH_9.2\r\n");
    match reason {
        ReasonKind::Content => {
            let parts = ["expected a banner that matches /OpenSSH_10/ from a.bdc.test:", "got \"SSH-2.0-OpenSSH_9.2\""];
            add(stage, "is older", &[banner, Hang], json!({ "banner": "OpenSSH_10" }), &parts).await;
            let port = sshd(&mut stage.rig, vec![ed25519(1)]).await;
            let body = json!({ "address": format!("{HOST}:{port}"), "host_key": PIN });
            let parts = [&*format!("{HOST}:{port}: expected host key {PIN}, got ssh-ed25519 SHA256:")];
            stage.add("has another key", body, &parts);
        }
        ReasonKind::Protocol => {
            let parts = [&*format!("{HOST}:"), "speaks no SSH 2.0: got \"SSH-1.5-old\""];
            add(stage, "is too old", &[Say(b"SSH-1.5-old\r\n"), Hang], json!({}), &parts).await;
            let acts = [banner, Hear("SSH-2.0-gengfu")];
            let parts = [&*format!("{HOST}:"), "closed the connection in the exchange of keys"];
            add(stage, "hangs up", &acts, json!({ "host_key": PIN }), &parts).await;
        }
        _ => {}
    }
}

async fn tcp(stage: &mut Stage, reason: ReasonKind) {
    let starttls = json!({ "starttls": "smtp" });
    match reason {
        ReasonKind::Timeout => {
            let more = json!({ "dialogue": [{ "expect": "^220 " }] });
            let parts = ["step 1: expected a line that matches /^220 /"];
            add(stage, "says nothing", &[Hang], more, &parts).await.within(super::SHORT);
        }
        ReasonKind::Tls => {
            let acts = [Say(b"220 a\r\n"), Hear("EHLO"), Say(b"250 a\r\n"), Hang];
            add(stage, "offers no TLS", &acts, starttls, &[&format!("{HOST}:"), "does not offer STARTTLS"]).await;
        }
        ReasonKind::Status => {
            let acts = [&OFFERS[..], &[Hear("STARTTLS"), Say(b"454 4.7.0 no key\r\n"), Hang]].concat();
            add(stage, "takes back its offer", &acts, starttls, &["STARTTLS: expected 220, got 454 4.7.0 no key"])
                .await;
        }
        ReasonKind::Content => {
            let acts = [Say(b"554 away\r\n"), Hang];
            let more = json!({ "dialogue": [{ "expect": "^220 " }] });
            let parts = ["step 1: expected a line that matches /^220 /", "got \"554 away\" and then no more in time"];
            add(stage, "says something else in a dialogue, and stays", &acts, more, &parts).await.within(super::SHORT);
            let parts = ["expected \"220\" from a.bdc.test:", "got \"554 away\""];
            add(stage, "says something else", &[Say(b"554 away\r\n")], json!({ "expect": "220" }), &parts).await;
            let parts = ["expected \"220\" from a.bdc.test:", "got \"2\" and then no more in time"];
            let begins = [Say(b"2"), Hang];
            add(stage, "stops in the middle", &begins, json!({ "expect": "220" }), &parts).await.within(super::SHORT);
            let parts = ["expected \"220\" from a.bdc.test:", "got nothing"];
            add(stage, "hangs up", &[], json!({ "expect": "220" }), &parts).await;
        }
        ReasonKind::Protocol => {
            let parts = [&*format!("{HOST}:"), "does not speak SMTP: expected a reply, got \"+OK pop\""];
            add(stage, "is another server", &[Say(b"+OK pop\r\n"), Hang], starttls, &parts).await;
            let more = json!({ "expect": "never" });
            let parts = [&*format!("{HOST}:"), "sent 65536 bytes without an end"];
            add(stage, "speaks for ever", &[Act::Flood(&[b'x'; 4_096])], more, &parts).await;
        }
        _ => {}
    }
}

async fn tls(stage: &mut Stage, reason: ReasonKind) {
    match reason {
        ReasonKind::Tls => {
            let port = stage.rig.serve_tls(stage.rig.certificate(HOST, (2020, 2090)), |_| Vec::new()).await;
            let body = |more: &str| json!({ "host": HOST, "port": port, "version": more });
            stage.add("agrees on another version", body("1.2"), &["expected TLS 1.2 with a.bdc.test, got 1.3"]);
            let acts = [Take(8), Say(b"N"), Hang];
            let parts = [&*format!("{HOST}:"), "does not offer TLS (SSLRequest: expected S, got N)"];
            add(stage, "is unwilling", &acts, json!({ "starttls": "postgres" }), &parts).await;
        }
        ReasonKind::Certificate => {
            let port = stage.rig.serve_tls(stage.rig.certificate_for_days(HOST, 20), |_| Vec::new()).await;
            let body = |more: Value| {
                let mut body = json!({ "host": HOST, "port": port });
                body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                body
            };
            let parts = ["the certificate expires in 19 days, at "];
            stage.add("ends soon", body(json!({})), &parts).degraded();
            let more = json!({ "warn_before": "60d", "fail_before": "30d" });
            stage.add("ends too soon", body(more), &parts);
            let parts = ["expected a good OCSP staple from a.bdc.test, got none"];
            stage.add("staples nothing", body(json!({ "ocsp": "required" })), &parts);
        }
        ReasonKind::Status => {
            let acts = [Say(b"554 5.3.2 closed\r\n"), Hang];
            let parts = ["the greeting: expected 220, got 554 5.3.2 closed"];
            add(stage, "lets nobody in", &acts, json!({ "starttls": "smtp" }), &parts).await;
        }
        ReasonKind::Protocol => {
            let acts = [Say(b"SSH-2.0-x\r\n"), Hang];
            let parts = [&*format!("{HOST}:"), "does not speak POP3: expected `+OK`, got \"SSH-2.0-x\""];
            add(stage, "is another server", &acts, json!({ "starttls": "pop3" }), &parts).await;
        }
        _ => {}
    }
}
