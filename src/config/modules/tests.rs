//! Modules of a whole set of files, and every trick with targets.

use super::*;
use crate::config::{LoadOptions, Loaded, Sources, SystemRoots, load};
use crate::domain::Timestamp;
use crate::field::Problems;
use crate::probe::Heartbeats;
use std::collections::HashMap;

const MAIN: &str = "listen: 127.0.0.1:1\nmail: { from: { mail: a@b.test }, domain: b.test, relays: [{ host: r.test, tls: none }] }\non_call: { fallback: duty, admins: duty }\n";
const OWNER: &str = "owner: { id: bdc, kind: platform, name: bdc, on_call: duty }\nsubsystems: [{ id: a, name: a, tier: 3, hours: 7x24, objective: o, probes: [{ name: h, http: { url: 'https://a.test/x' } }, { name: t, tcp: { address: 'b.test:25' } }, { name: d, dns: { server: ns.test, name: a.test } }] }]\n";

fn loaded(main: &str, modules: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let main = format!("{MAIN}{main}");
    let mut files = vec![
        ("gengfu.yaml", main.as_str()),
        ("probes/platform/bdc.yaml", OWNER),
        ("schedules/on-call.yaml", "rosters: [{ id: duty, contacts: [{ name: d, mail: d@b.test }] }]\n"),
        ("schedules/objectives.yaml", "objectives: [{ id: o, target: 1%, period: month, figure: public }]\n"),
        (
            "schedules/policies/p.yaml",
            "policies: [{ id: p, applies_to: { tier: [1, 2, 3] }, allow: { always: true } }]\n",
        ),
    ];
    files.extend_from_slice(modules);
    let env = HashMap::from([("TOKEN".to_owned(), "hidden-word".to_owned())]);
    let mut options = LoadOptions::new(Timestamp(0), env, Arc::new(Heartbeats::new(Timestamp(0))));
    (options.system_roots, options.judge_from) = (SystemRoots::Skip, None);
    let sources = Sources::from_memory(files);
    load(&sources, &options)
}

const OURS: &str = "modules:\n  - { name: web, timeout: 5s, http: { expect: { status: 200 } } }\n  - { name: port, tcp: {} }\n  - { name: cert, tls: {} }\n  - { name: zone, dns: { name: a.test } }\n";

fn desk(allow: &str) -> Desk {
    let main = if allow.is_empty() { String::new() } else { format!("probe: {{ allow: [{allow}] }}\n") };
    loaded(&main, &[("probes/modules.yaml", OURS)]).unwrap().desk
}

fn verdict(desk: &Desk, module: &str, target: &str) -> &'static str {
    match desk.ask(desk.module(module).unwrap(), target, None) {
        Ok(_) => "asked",
        Err(Refused::NotAllowed(_)) => "forbidden",
        Err(Refused::NotUnderstood(_)) => "not understood",
        Err(Refused::Unfit(why)) => panic!("{why}"),
    }
}

#[test]
fn by_default_the_targets_of_the_inventory_are_allowed_with_their_ports() {
    let desk = desk("");
    assert_eq!(desk.len(), 4);
    for (module, target) in [
        ("web", "https://a.test/other"),
        ("web", "HTTPS://A.TEST./other"),
        ("port", "b.test:25"),
        ("port", "a.test:443"),
        ("cert", "a.test"),
        ("zone", "ns.test"),
    ] {
        assert_eq!(verdict(&desk, module, target), "asked", "{module} {target}");
    }
    for (module, target) in [
        ("web", "http://a.test/"),
        ("web", "a.test"),
        ("port", "b.test:26"),
        ("port", "127.0.0.1:25"),
        ("cert", "c.test"),
        ("zone", "8.8.8.8"),
    ] {
        assert_eq!(verdict(&desk, module, target), "forbidden", "{module} {target}");
    }
}

#[test]
fn tricks_with_the_spelling_of_a_url_do_not_get_through() {
    let desk = desk("a.test, '*.bdc.test', 10.0.0.0/8");
    for target in [
        "http://evil.test/",
        "http://evil.test#a.test",
        "http://evil.test?a.test",
        "http://evil.test\\a.test",
        "http://a.test.evil.test/",
        "http://evilbdc.test/",
        "http://bdc.test/",
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://1.10.0.0.evil.test/",
        "evil.test/a.test",
        "file://a.test/etc/passwd",
        "gopher://evil.test/_x",
        "//evil.test/",
        "https:evil.test",
    ] {
        assert_ne!(verdict(&desk, "web", target), "asked", "{target}");
    }
    for target in [
        "http://a.test@evil.test/",
        "http://evil.test@a.test/",
        "http://@a.test/",
        "http://a.test:pw@evil.test/",
        "http://a.test\r\nX: y/",
        "http://a.test/ HTTP/1.1",
        "http://a.test/\u{0}",
        "file:///etc/passwd",
        "http://",
        "http://a.test:99999/",
    ] {
        assert_eq!(verdict(&desk, "web", target), "not understood", "{target:?}");
    }
    for target in [
        "a.test",
        "A.TEST.",
        "http://x.bdc.test:8080/",
        "http://10.1.2.3/",
        "http://0xa010203/",
        "http://[::ffff:10.1.2.3]/",
    ] {
        assert_eq!(verdict(&desk, "web", target), "asked", "{target}");
    }
}

#[test]
fn tricks_with_the_spelling_of_an_address_do_not_get_through() {
    let desk = desk("a.test, '*.bdc.test', 10.0.0.0/8");
    for target in [
        "a.test@evil.test:25",
        "a.test:25@evil.test:25",
        "evil.test:25",
        "evil.test:25/a.test",
        "2130706433:25",
        "0x7f.1:25",
        "[::1]:25",
        "::1:25",
        "[::ffff:127.0.0.1]:25",
        "fe80::1%eth0:25",
        "a.test:25 ",
        "a.test",
        "a.test:0",
        "a.test:66000",
        ":25",
        "a.test..:25",
        "http://a.test:25",
    ] {
        assert_ne!(verdict(&desk, "port", target), "asked", "{target:?}");
    }
    for target in ["a.test:25", "A.test.:25", "x.bdc.test:1", "10.9.9.9:22", "[::ffff:10.9.9.9]:22"] {
        assert_eq!(verdict(&desk, "port", target), "asked", "{target}");
    }
}

#[test]
fn a_redirect_is_followed_to_whom_allow_matches_alone() {
    let desk = desk("a.test, 'b.test:443'");
    let reach = desk.context.reach.clone().unwrap();
    assert!(reach.allows("a.test", 80) && reach.allows("B.test.", 443));
    assert!(!reach.allows("b.test", 80) && !reach.allows("169.254.169.254", 80) && !reach.allows("[::1]", 80));
}

#[test]
fn a_host_name_is_a_name_and_nothing_else() {
    let desk = desk("a.test");
    let ask =
        |module: &str, target: &str, name: &str| desk.ask(desk.module(module).unwrap(), target, Some(name)).map(drop);
    assert_eq!(ask("web", "https://a.test/", "b.test"), Ok(()));
    for name in ["b.test\r\nX: y", "b test", "b.test/x", "é.test"] {
        assert!(matches!(ask("web", "https://a.test/", name), Err(Refused::NotUnderstood(_))), "{name:?}");
    }
    assert!(matches!(ask("cert", "a.test", "b.test"), Err(Refused::Unfit(_))));
}

#[test]
fn a_blackbox_file_is_read_unchanged_beside_ours() {
    let theirs = "modules:\n  http_2xx: { prober: http, timeout: 5s }\n  tcp_connect: { prober: tcp }\n";
    let main = "probe: { modules: [probes/modules.yaml, etc/blackbox.yml] }\n";
    let desk = loaded(main, &[("probes/modules.yaml", OURS), ("etc/blackbox.yml", theirs)]).unwrap().desk;
    assert_eq!(desk.len(), 6);
    assert_eq!(verdict(&desk, "http_2xx", "https://a.test/"), "asked");
    assert_eq!(desk.module("http_2xx").unwrap().timeout, Some(Duration::from_secs(5)));
}

#[test]
fn wrong_modules_refuse_the_load_at_their_place() {
    for (text, words) in [
        ("modules: [{ name: a, http: { url: 'https://a.test/', nonsense: 1 } }]\n", "nonsense"),
        ("modules: [{ name: a }]\n", "0 kinds"),
        ("modules: [{ name: a, http: {} , tcp: {} }]\n", "2 kinds"),
        ("modules: [{ name: a, heartbeat: { token: x } }]\n", "heartbeat"),
        ("modules: [{ name: a, http: {} }, { name: a, tcp: {} }]\n", "exists already"),
        ("modules: { a: { prober: http, http: { oauth2: {} } } }\n", "oauth2"),
        ("modules: [{ name: a, http: { authorization: 'Bearer ${TOKEN}' } }]\n", "TOKEN"),
        ("modules: [{ name: a, http: { authorization: 'file:/etc/hostname' } }]\n", "file"),
    ] {
        let problems = loaded("", &[("probes/modules.yaml", text)]).unwrap_err().to_string();
        assert!(problems.contains(words) && problems.contains("probes/modules.yaml:"), "{words}: {problems}");
    }
    let problems = loaded("probe: { allow: ['http://a.test/'] }\n", &[]).unwrap_err().to_string();
    assert!(problems.contains("gengfu.yaml:4:") && problems.contains("`http://a.test/`"), "{problems}");
}

#[test]
fn an_administrators_file_may_name_secrets_and_shows_none() {
    let text = "modules: [{ name: a, http: { authorization: 'Bearer ${TOKEN}' } }]\n";
    let main = "probe: { modules: [probes/modules.yaml] }\n";
    let desk = loaded(main, &[("probes/modules.yaml", text)]).unwrap().desk;
    let shown = desk.module("a").unwrap().shown();
    assert!(shown.contains("<secret>") && !shown.contains("hidden-word"), "{shown}");
    assert_eq!(verdict(&desk, "a", "https://a.test/"), "asked");
}

/// Answers every connection with a redirect to `location`; returns the port.
async fn redirecting(tasks: &mut tokio::task::JoinSet<()>, location: &'static str) -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4_096]).await;
            let head =
                format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
        }
    });
    port
}

#[tokio::test]
async fn redirects_from_an_allowed_target_lead_nowhere_else() {
    let rule = "probe: { allow: [a.test] }\nnetwork: { connect_to: [{ host: '*.test', network: 127.0.0.1/32 }] }\n";
    let desk = loaded(rule, &[("probes/modules.yaml", OURS)]).unwrap().desk;
    let mut tasks = tokio::task::JoinSet::new();
    for location in [
        "http://169.254.169.254/latest/",
        "http://127.0.0.1:22/",
        "http://evil.test/",
        "//[::1]/",
        "http://a.test@evil.test/",
    ] {
        let target = format!("http://a.test:{}/", redirecting(&mut tasks, location).await);
        let asked = desk.ask(desk.module("web").unwrap(), &target, None).unwrap();
        let clock = crate::clock::ManualClock::at(Timestamp(0));
        let (report, facts) = crate::probe::attempt_with_facts(&*asked.prober, Duration::from_secs(5), &clock).await;
        let reason = report.outcome.reason().unwrap();
        assert!(reason.text.contains("probe.allow"), "{location}: {}", reason.text);
        assert_eq!((facts.http.redirects, report.http_status), (1, Some(302)));
    }
}
