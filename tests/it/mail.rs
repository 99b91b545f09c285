//! Mail against relays that we did not write: Postfix takes it and files it, aiosmtpd fails on demand, and Python's
//! mail parser says what arrived.

use crate::relays;
use gengfu::domain::civil::Zone;
use gengfu::domain::{Content, DAY, Language, Message, Names, Recipient, Timestamp};
use gengfu::notify::compose::compose;
use gengfu::notify::mail::MailTls;
use gengfu::notify::render::{RenderContext, render};
use gengfu::notify::{Mail, Notifier, NotifyError};
use rustls::RootCertStore;
use std::sync::Arc;

pub(crate) fn context() -> RenderContext {
    RenderContext {
        links: gengfu::notify::link::LinkKey::new(b"a secret of tests"),
        public_url: "http://127.0.0.1:9424".into(),
        zone: Zone::named("Asia/Shanghai").unwrap(),
        domain: "gengfu.bdc.test".into(),
        from_name: "更夫".into(),
        from_mail: "gengfu@bdc.test".into(),
    }
}

pub(crate) fn message(thread: &str, sequence: u32, to: &str) -> Message {
    let to = Recipient { name: "黄浦区值班".into(), mail: to.into(), language: Language::Zh };
    let name = Names { zh: "大数据中心".into(), en: "Big Data Center".into() };
    let content = Content::Announcement { owner: "bdc".into(), name, windows: vec![] };
    Message::new(thread.into(), sequence, to, Timestamp(1_795_445_429_000), 3_650 * DAY, content)
}

fn mail(to: &str) -> (Message, Mail) {
    let message = message("notice-bdc", 1, to);
    let mail = compose(&message, &render(&message, None, &context()), &context()).unwrap();
    (message, mail)
}

fn no_roots() -> Arc<RootCertStore> {
    Arc::new(RootCertStore::empty())
}

#[tokio::test]
async fn postfix_takes_mail_plain_and_secured_and_files_it() {
    let certified = relays::certified();
    let Some(relays::Postfix { running, dir, tls_port }) = &relays::postfix(&certified) else { return };
    let roots = &certified.roots;
    for (port, tls) in
        [(running.port, MailTls::None), (running.port, MailTls::StartTls), (*tls_port, MailTls::Implicit)]
    {
        let receipt = relays::ours(port, tls, None, roots).notify(&mail("oncall@huangpu.test").1).await.unwrap();
        assert!(receipt.text.contains("queued as"), "{tls:?}: {}", receipt.text);
    }
    let filed = || std::fs::read_dir(dir.path().join("mail/all/new")).map(|d| d.flatten().collect::<Vec<_>>());
    while filed().map_or(0, |mails| mails.len()) < 3 {
        tokio::task::yield_now().await;
    }
    for file in filed().unwrap() {
        let text = std::fs::read_to_string(file.path()).unwrap();
        let (message, _) = mail("oncall@huangpu.test");
        assert!(text.contains(&format!("Message-ID: <{}@gengfu.bdc.test>", message.id)), "{text}");
        assert!(text.contains("Auto-Submitted: auto-generated"), "{text}");
    }
}

fn mails_in(dir: &std::path::Path) -> usize {
    std::fs::read_dir(dir.join("mail/all/new")).map_or(0, Iterator::count)
}

#[tokio::test]
async fn one_session_with_postfix_serves_mail_after_mail_and_outlives_a_refusal() {
    let certified = relays::certified();
    let Some(postfix) = relays::postfix(&certified) else { return };
    let relay = relays::ours(postfix.running.port, MailTls::StartTls, None, &certified.roots);
    for to in ["a@huangpu.test", "gone@huangpu.test", "b@huangpu.test", "later@huangpu.test", "c@huangpu.test"] {
        assert_eq!(relay.notify(&mail(to).1).await.is_ok(), to.len() == "a@huangpu.test".len(), "{to}");
    }
    while mails_in(postfix.dir.path()) < 3 {
        tokio::task::yield_now().await;
    }
    let log = std::fs::read_to_string(postfix.dir.path().join("log")).unwrap();
    assert_eq!(log.matches(": connect from").count(), 1, "{log}");
}

#[tokio::test]
async fn opensmtpd_takes_mail_over_one_session_and_refuses_whom_it_does_not_know() {
    let Some((running, dir)) = relays::opensmtpd() else { return };
    let relay = relays::ours(running.port, MailTls::None, None, &no_roots());
    let receipt = relay.notify(&mail("a@huangpu.test").1).await.unwrap();
    assert!(receipt.text.contains("accepted for delivery"), "{}", receipt.text);
    let gone = relay.notify(&mail("gone@huangpu.test").1).await.unwrap_err();
    assert!(matches!(&gone, NotifyError::Refused(text) if text.contains("550")), "{gone}");
    relay.notify(&mail("b@huangpu.test").1).await.unwrap();
    while mails_in(dir.path()) < 2 {
        tokio::task::yield_now().await;
    }
    let log = std::fs::read_to_string(dir.path().join("log")).unwrap();
    assert_eq!(log.matches("smtp connected").count(), 1, "{log}");
}

#[tokio::test]
async fn postfix_tells_what_is_final_from_what_may_be_tried_again() {
    let certified = relays::certified();
    let Some(postfix) = relays::postfix(&certified) else { return };
    let relay = relays::ours(postfix.running.port, MailTls::StartTls, None, &certified.roots);
    let gone = relay.notify(&mail("gone@huangpu.test").1).await.unwrap_err();
    assert!(matches!(&gone, NotifyError::Refused(text) if text.contains("550")), "{gone}");
    let later = relay.notify(&mail("later@huangpu.test").1).await.unwrap_err();
    assert!(matches!(&later, NotifyError::Deferred(text) if text.contains("450")), "{later}");
}

#[tokio::test]
async fn an_independent_reader_sees_what_was_written() {
    let Some(running) = relays::faulty(&[]) else { return };
    let (message, mail) = mail("oncall@huangpu.test");
    relays::ours(running.port, MailTls::None, None, &no_roots()).notify(&mail).await.unwrap();
    let read = running.mail();
    let rendered = render(&message, None, &context());
    assert_eq!(read["subject"], rendered.subject);
    assert_eq!(read["message_id"], format!("<{}@gengfu.bdc.test>", message.id));
    assert_eq!(read["defects"], serde_json::json!([]));
    assert_eq!((&read["recipients"], &read["sender"]), (&1.into(), &"gengfu@bdc.test".into()));
    let header = |name: &str| {
        let all = read["headers"].as_array().unwrap().iter().filter(|h| h[0] == name);
        all.map(|h| h[1].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(header("Auto-Submitted"), ["auto-generated"]);
    assert_eq!(header("X-Auto-Response-Suppress"), ["All"]);
    assert_eq!(header("List-Id"), ["gengfu maintenance <maintenance.gengfu.bdc.test>"]);
    assert_eq!(header("In-Reply-To"), header("References"));
    assert_eq!(header("To"), ["黄浦区值班 <oncall@huangpu.test>"]);
    assert_eq!(header("Content-Type").len(), 1);
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(read["text"].as_str().unwrap()), lines(&rendered.text));
    assert_eq!(lines(read["html"].as_str().unwrap()), lines(&rendered.html));
}

#[tokio::test]
async fn both_forms_of_tls_and_a_login_are_spoken() {
    let certified = relays::certified();
    let (certificate, key) = (certified.certificate.to_str().unwrap(), certified.key.to_str().unwrap());
    for (form, tls) in [("--starttls", MailTls::StartTls), ("--implicit", MailTls::Implicit)] {
        let arguments = [form, "--tls", certificate, key, "--login", "gengfu", "p%40 ss"];
        let Some(running) = relays::faulty(&arguments) else { return };
        let relay = relays::ours(running.port, tls, Some(("gengfu", "p%40 ss")), &certified.roots);
        relay.notify(&mail("oncall@huangpu.test").1).await.unwrap();
        let read = running.mail();
        assert_eq!((&read["secured"], &read["authenticated"]), (&true.into(), &true.into()), "{form}");
        let stranger = relays::ours(running.port, tls, Some(("gengfu", "wrong")), &certified.roots);
        let error = stranger.notify(&mail("oncall@huangpu.test").1).await.unwrap_err();
        assert!(matches!(&error, NotifyError::Unreachable(text) if text.contains("`gengfu`")), "{error}");
        assert!(!error.to_string().contains("wrong"), "a password is never printed");
    }
}

#[tokio::test]
async fn a_relay_that_cannot_be_trusted_gets_nothing() {
    let certified = relays::certified();
    let (certificate, key) = (certified.certificate.to_str().unwrap(), certified.key.to_str().unwrap());
    let (mail, roots) = (mail("oncall@huangpu.test").1, &certified.roots);
    let Some(secured) = relays::faulty(&["--starttls", "--tls", certificate, key]) else { return };
    let Some(plain) = relays::faulty(&[]) else { return };
    let old = relays::expired(2025);
    let files = (old.certificate.to_str().unwrap(), old.key.to_str().unwrap());
    let Some(run_out) = relays::faulty(&["--implicit", "--tls", files.0, files.1]) else { return };
    let refusals = [
        (relays::ours(run_out.port, MailTls::Implicit, None, &old.roots), "expired"),
        (relays::ours(secured.port, MailTls::StartTls, None, &no_roots()), "UnknownIssuer"),
        (relays::named("other.bdc.test", secured.port, MailTls::StartTls, None, roots), "other.bdc.test"),
        (relays::ours(plain.port, MailTls::StartTls, None, roots), "does not offer STARTTLS"),
    ];
    for (relay, why) in refusals {
        let error = relay.notify(&mail).await.unwrap_err();
        assert!(matches!(&error, NotifyError::Unreachable(text) if text.contains(why)), "{why}: {error}");
    }
}

#[tokio::test]
async fn faults_are_told_apart() {
    let Some(running) = relays::faulty(&[]) else { return };
    let Some(silent) = relays::faulty(&["--silent"]) else { return };
    let relay = relays::impatient(running.port);
    let try_it = async |to: &str| relay.notify(&mail(to).1).await;
    assert!(matches!(try_it("gone@huangpu.test").await, Err(NotifyError::Refused(_))));
    assert!(matches!(try_it("refused@huangpu.test").await, Err(NotifyError::Refused(_))));
    assert!(matches!(try_it("later-1@huangpu.test").await, Err(NotifyError::Deferred(_))));
    assert!(try_it("later-1@huangpu.test").await.is_ok());
    assert!(matches!(try_it("hang@huangpu.test").await, Err(NotifyError::Deferred(_))));
    assert!(matches!(try_it("dropped@huangpu.test").await, Err(NotifyError::Deferred(_))), "it may have been taken");
    assert!(try_it("dropped@huangpu.test").await.is_ok());
    let ids: Vec<_> = (0..3).map(|_| running.mail()).map(|m| (m["to"].clone(), m["message_id"].clone())).collect();
    assert_eq!(ids[1], ids[2], "taken twice, under one id");
    let silence = relays::impatient(silent.port).notify(&mail("a@huangpu.test").1).await.unwrap_err();
    assert!(matches!(&silence, NotifyError::Unreachable(text) if text.contains("no session within")), "{silence}");
    let port = silent.port;
    drop(silent);
    let nobody = relays::impatient(port).notify(&mail("a@huangpu.test").1).await.unwrap_err();
    assert!(matches!(nobody, NotifyError::Unreachable(_)), "{nobody}");
}

#[tokio::test]
async fn a_relay_that_breaks_off_before_the_mail_is_tried_again_and_one_that_is_full_refuses() {
    let Some(running) = relays::faulty(&[]) else { return };
    let relay = relays::impatient(running.port);
    let try_it = async |to: &str| relay.notify(&mail(to).1).await;
    assert!(matches!(try_it("large@huangpu.test").await, Err(NotifyError::Refused(text)) if text.contains("552")));
    drop(relay);
    for to in ["closing@huangpu.test", "cut@huangpu.test"] {
        // On a session of its own it is told at once; it was not taken, and is taken the next time.
        let relay = relays::impatient(running.port);
        assert!(matches!(relay.notify(&mail(to).1).await, Err(NotifyError::Deferred(_))), "{to}");
        relay.notify(&mail(to).1).await.unwrap();
        assert_eq!(running.mail()["to"], to);
    }
}

#[tokio::test]
async fn a_session_that_went_stale_costs_no_attempt() {
    let Some(running) = relays::faulty(&[]) else { return };
    let relay = relays::impatient(running.port);
    let all = ["a@huangpu.test", "last@huangpu.test", "b@huangpu.test", "closing@huangpu.test", "cut@huangpu.test"];
    for to in all {
        relay.notify(&mail(to).1).await.unwrap();
    }
    let seen: Vec<_> = all.iter().map(|_| running.mail()).map(|m| m["session"].as_u64().unwrap()).collect();
    assert_eq!(seen, [1, 1, 2, 3, 4]);
    // Once the mail was on its way nothing is done twice: whether it was taken is for the outbox to sort out.
    let dropped = relay.notify(&mail("dropped@huangpu.test").1).await.unwrap_err();
    assert!(matches!(dropped, NotifyError::Deferred(_)), "{dropped}");
    relay.notify(&mail("c@huangpu.test").1).await.unwrap();
    let seen: Vec<_> = (0..2).map(|_| running.mail()["to"].as_str().unwrap().to_owned()).collect();
    assert_eq!(seen, ["dropped@huangpu.test", "c@huangpu.test"]);
}

#[tokio::test]
async fn a_relay_may_take_its_time_within_our_patience() {
    let Some(running) = relays::faulty(&[]) else { return };
    // A thirtieth of the real thing: 29 s with a patience of 60 s. `make soak` takes all of it.
    let times = std::env::var("GENGFU_SLOW_RELAY").ok().and_then(|n| n.parse().ok()).unwrap_or(1_u64);
    let slow = |ms: u64| mail(&format!("slow-{}@huangpu.test", ms * times)).1;
    let relay = relays::patient_for(running.port, std::time::Duration::from_millis(2_000 * times));
    relay.notify(&slow(967)).await.unwrap();
    let late = relay.notify(&slow(9_000)).await.unwrap_err();
    assert!(matches!(&late, NotifyError::Deferred(text) if text.contains("did not take the mail within")), "{late}");
}

#[tokio::test]
async fn a_relay_that_allows_few_sessions_is_served_over_those() {
    let Some(running) = relays::faulty(&["--sessions", "2"]) else { return };
    let relay = relays::patient_for(running.port, std::time::Duration::from_secs(10));
    let mails: Vec<_> = (0..12).map(|n| mail(&format!("n{n}@huangpu.test")).1).collect();
    let sent = futures_util::future::join_all(mails.iter().map(|mail| relay.notify(mail))).await;
    sent.into_iter().for_each(|result| drop(result.unwrap()));
    let sessions: std::collections::BTreeSet<_> = (0..12).map(|_| running.mail()["session"].to_string()).collect();
    assert!(sessions.len() <= 2, "{sessions:?}");
}
