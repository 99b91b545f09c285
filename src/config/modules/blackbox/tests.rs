//! What becomes of modules of `blackbox.yml`, and what is refused by name.

use super::*;
use crate::config::modules::{Secrets, write};
use crate::config::parse::parse;

fn carried(text: &str) -> (Vec<Carried>, Problems) {
    let mut problems = Problems::new();
    let node = parse(&"/etc/prometheus/blackbox.yml".into(), text, &mut problems).unwrap();
    let modules = carry(&node, Path::new("/etc/prometheus"), &mut problems);
    (modules, problems)
}

/// The body that comes of one module.
fn body(text: &str) -> String {
    let (modules, problems) = carried(&format!("modules:\n  m: {text}\n"));
    assert!(!problems.has_errors(), "{problems}");
    write(&modules[0].body, Secrets::Written)
}

fn refused(text: &str) -> String {
    let (modules, problems) = carried(&format!("modules:\n  m: {text}\n"));
    assert!(modules.is_empty(), "{modules:?}");
    problems.to_string()
}

#[test]
fn an_http_module_keeps_its_verdict() {
    let body = body(
        "{ prober: http, timeout: 1m30s, http: { method: POST, headers: { Host: a.test, X: y }, body: '{}', valid_status_codes: [200, 302], valid_http_versions: [HTTP/1.1, HTTP/2.0], fail_if_not_ssl: true, follow_redirects: false, enable_http2: false, fail_if_body_matches_regexp: [bad], fail_if_body_not_matches_regexp: [good], fail_if_header_matches: [{ header: Set-Cookie, regexp: x, allow_missing: true }], fail_if_header_not_matches: [{ header: Server, regexp: nginx }], tls_config: { ca_file: ca.pem, insecure_skip_verify: true, min_version: TLS13 }, basic_auth: { username: u, password_file: /run/p }, proxy_url: 'http://proxy.test:3128', preferred_ip_protocol: ip4, ip_protocol_fallback: false, compression: gzip, body_size_limit: 1MB } }",
    );
    for line in [
        "method: POST",
        "family: ipv4",
        "password: \"file:/run/p\"",
        "proxy: http://proxy.test:3128",
        "redirects_max: 0",
        "version: \"1.1\"",
        "compression: gzip",
        "body_bytes_max: 1048576",
        "ca: \"file:/etc/prometheus/ca.pem\"",
        "trust: ignored",
        "min_version: \"1.3\"",
        "name: a.test",
        "not_blank: false",
        "tls: required",
        "Server: nginx",
        "Set-Cookie: x",
    ] {
        assert!(body.replace('"', "").contains(&line.replace('"', "")), "{line} is not in\n{body}");
    }
}

#[test]
fn other_probers_are_carried() {
    let tcp = body(
        "{ prober: tcp, tcp: { query_response: [{ expect: '^220 ' }, { expect: 'PING (.+)', send: 'PONG $1' }, { send: 'EHLO ${1}' }, { starttls: true }], tls_config: { server_name: a.test } } }",
    );
    assert!(tcp.contains("dialogue:") && tcp.contains("starttls: true") && tcp.contains("EHLO $${1}"), "{tcp}");
    assert!(tcp.contains("\"PONG $1\""), "{tcp}");
    assert!(!tcp.contains("tls:\n"), "settings of TLS without TLS have no effect: {tcp}");
    let dns = body(
        "{ prober: dns, dns: { query_name: a.test, query_type: SOA, transport_protocol: tcp, dns_over_tls: true, recursion_desired: false, valid_rcodes: [NOERROR], validate_answer_rrs: { fail_if_matches_regexp: [bad], fail_if_none_matches_regexp: [good] } } }",
    );
    for line in ["name: a.test", "type: SOA", "transport: tls", "recursion: false", "none_match:", "any_match:"] {
        assert!(dns.contains(line), "{line} is not in\n{dns}");
    }
    assert!(
        body("{ prober: icmp, icmp: { ttl: 5, payload_size: 100, dont_fragment: true } }")
            .contains("payload_bytes: 100")
    );
    assert!(body("{ prober: grpc, grpc: { service: a, tls: true } }").contains("tls: true"));
    assert!(body("{ prober: http }").contains("redirects_max: 10"));
}

#[test]
fn rules_on_records_keep_their_verdict_also_where_there_is_none() {
    let dns =
        |rules: &str| body(&format!("{{ prober: dns, dns: {{ query_name: a.test, validate_answer_rrs: {rules} }} }}"));
    let flat = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let head = "name: a.test type: ANY may_be_empty: true";
    assert_eq!(flat(body("{ prober: dns, dns: { query_name: a.test } }")), head, "an answer without records passes");
    for (theirs, ours) in [
        ("{ fail_if_matches_regexp: [x] }", "none_match: - x"),
        // These two fail without a record, and the third does not.
        ("{ fail_if_not_matches_regexp: [x] }", "all_match: - x"),
        ("{ fail_if_none_matches_regexp: [x, y] }", "any_match: - x - y"),
        ("{ fail_if_all_match_regexp: [x] }", "all_match: - x may_be_empty: true"),
        ("{ fail_if_all_match_regexp: [x], fail_if_not_matches_regexp: [y] }", "all_match: - y - x"),
    ] {
        assert_eq!(flat(dns(theirs)), format!("{head} rules: answer: {ours}"), "{theirs}");
    }
    let all = "modules: { m: { prober: dns, dns: { query_name: a, validate_answer_rrs: { fail_if_all_match_regexp: [x] } } } }";
    let (_, problems) = carried(all);
    assert!(problems.to_string().contains("passes where all records match"), "{problems}");
}

#[test]
fn what_cannot_be_carried_is_refused_by_name() {
    for (module, name) in [
        ("{ prober: unix }", "unix"),
        ("{ prober: http, http: { oauth2: { client_id: x } } }", "oauth2"),
        ("{ prober: http, http: { fail_if_body_json_matches_cel: 'true' } }", "cel"),
        ("{ prober: http, http: { no_such_field: 1 } }", "no_such_field"),
        ("{ prober: http, http: { tls_config: { max_version: TLS11 } } }", "max_version"),
        ("{ prober: tcp, tcp: { source_ip_address: 10.0.0.1 } }", "source_ip_address"),
        ("{ prober: tcp, tcp: { query_response: [{ expect_bytes: x }] } }", "expect_bytes"),
        (
            "{ prober: http, http: { fail_if_header_not_matches: [{ header: A, regexp: b, allow_missing: true }] } }",
            "allow_missing",
        ),
        ("{ prober: http, timeout: soon }", "duration"),
        ("{ timeout: 5s }", "prober"),
    ] {
        let text = refused(module);
        assert!(text.contains(name) && text.contains("blackbox.yml:2:"), "{name}: {text}");
    }
}

#[test]
fn durations_of_go_are_read() {
    for (text, ms) in [("5s", 5_000), ("1m30s", 90_000), ("1.5s", 1_500), ("100ms", 100), ("2d", 172_800_000), ("0", 0)]
    {
        assert_eq!(go_duration(text), Some(ms), "{text}");
    }
    for text in ["", "5", "s", "5 s", "-5s", "5x"] {
        assert_eq!(go_duration(text), None, "{text}");
    }
}
