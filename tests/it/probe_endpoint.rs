//! `/probe` of the real daemon: figures, refusals, and what a redirect may lead to.

use crate::rig::House;
use gengfu::city::Behaviour;

const MODULES: &str = "modules:\n  - { name: http_2xx, timeout: 5s, http: {} }\n  - { name: port, http: { authorization: 'Bearer very-secret' } }\n";

fn figure(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).and_then(|value| value.parse().ok())
}

#[tokio::test]
async fn probe_answers_as_blackbox_exporter_does() {
    let house = House::build().await;
    house.write("probes/modules.yaml", MODULES);
    let daemon = house.start().await;
    let ask = async |query: &str| daemon.get(&format!("/probe?{query}")).await;

    let (status, text) = ask("module=http_2xx&target=http://alpha.bdc.test/").await;
    assert_eq!(status, 200, "{text}");
    for (name, value) in [
        ("probe_success", 1.0),
        ("probe_http_status_code", 200.0),
        ("probe_http_redirects", 0.0),
        ("probe_http_ssl", 0.0),
        ("probe_http_version", 1.1),
        ("probe_ip_protocol", 4.0),
        ("probe_failed_due_to_regex", 0.0),
    ] {
        assert_eq!(figure(&text, name), Some(value), "{name} in\n{text}");
        assert!(text.contains(&format!("# TYPE {name} gauge")), "{text}");
    }
    assert!(figure(&text, "probe_duration_seconds").unwrap() > 0.0);
    assert!(figure(&text, r#"probe_http_duration_seconds{phase="processing"}"#).is_some());
    assert!(figure(&text, "probe_http_uncompressed_body_length").unwrap() > 0.0);
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next()).collect();
    assert!(names.is_sorted(), "{names:?}");

    house.behaves("alpha", Behaviour::Status(503));
    let (status, text) = ask("module=http_2xx&target=http://alpha.bdc.test/").await;
    assert_eq!((status, figure(&text, "probe_success")), (200, Some(0.0)), "{text}");
    assert!(figure(&text, "probe_http_status_code").unwrap() >= 500.0, "{text}");

    let (status, text) = ask("module=none&target=x").await;
    assert_eq!((status, text.as_str()), (400, "Unknown module \"none\"\n"));
    let (status, text) = ask("module=http_2xx").await;
    assert_eq!((status, text.as_str()), (400, "Target parameter is missing\n"));
    for target in ["http://evil.test/", "http://169.254.169.254/", "http://2130706433/", "http://[::1]:22/"] {
        let (status, text) = ask(&format!("target={target}")).await;
        assert!(status == 403 && text.contains("probe.allow"), "{target}: {status} {text}");
    }
    let (status, text) = ask("target=http://alpha.bdc.test@evil.test/").await;
    assert_eq!(status, 400, "{text}");
}

#[tokio::test]
async fn whoever_sits_on_the_machine_sees_the_log_and_no_secret() {
    let house = House::build().await;
    house.write("probes/modules.yaml", MODULES);
    let daemon = house.start().await;
    let (status, text) = daemon.get("/probe?module=port&target=http://beta.bdc.test/&debug=true").await;
    assert_eq!(status, 200, "{text}");
    for part in
        ["Logs for the probe:", "Metrics that would have been returned:", "Module configuration:", "probe_success 1"]
    {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(text.contains("<secret>") && !text.contains("very-secret"), "{text}");

    let stranger = reqwest::Client::builder().no_proxy().build().unwrap();
    let address = format!("http://{}/probe?module=port&target=http://beta.bdc.test/&debug=true", house.address());
    let answer = stranger.get(address).header("X-Forwarded-For", "192.0.2.1").send().await.unwrap();
    assert_eq!(answer.status(), 401);
}

#[tokio::test]
async fn a_reload_changes_what_is_offered() {
    let house = House::build().await;
    house.write("probes/modules.yaml", MODULES);
    let daemon = house.start().await;
    house.edit("probes/modules.yaml", "name: port", "name: other");
    assert_eq!(daemon.post("/-/reload").await.0, 200);
    assert_eq!(daemon.get("/probe?module=port&target=http://beta.bdc.test/").await.0, 400);
    assert_eq!(daemon.get("/probe?module=other&target=http://beta.bdc.test/").await.0, 200);
}
