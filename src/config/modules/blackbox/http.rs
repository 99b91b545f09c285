//! `prober: http` of `blackbox.yml`.
//!
//! Not here: what the fields of ours mean. Invariant: an answer that passes there passes here.

use super::{Body, Flag, Section, family, file_of, list, tls};
use crate::field::{Code, Node, NodeKind, Place, Problem, Problems};

/// What their client follows at most.
const REDIRECTS_MAX: &str = "10";
/// The largest body that ours reads; theirs reads all of it unless told otherwise.
const BODY_BYTES_MAX: u64 = 16 << 20;

pub(super) fn http(mut part: Section<'_>, problems: &mut Problems) -> Body {
    let mut body = Body::default();
    let at = part.node.at.clone();
    body.put_some("method", part.take("method"));
    headers(&mut part, &mut body);
    body.put_some("body", part.take("body"));
    family(&mut part, &mut body, problems);
    credentials(&mut part, &mut body, problems);
    body.put_some("proxy", part.take("proxy_url").filter(|node| node.text() != Some("")));
    redirects(&mut part, &mut body, &at);
    if part.flag("enable_http2", Flag::On) == Flag::Off {
        body.say("version", &at, "1.1");
    }
    compression(&mut part, &mut body, problems);
    body_limit(&mut part, &mut body, &at, problems);
    let mut settings = tls(&mut part, problems).unwrap_or_default();
    // Their certificate is checked against the `Host` header where no name is given.
    let host =
        part.node.get("headers").and_then(|node| node.entries().iter().find(|e| e.key.eq_ignore_ascii_case("host")));
    if let (Some(host), false) = (host, settings.0.iter().any(|entry| entry.key == "name")) {
        let name = host.value.text().unwrap_or_default();
        settings.say("name", &host.value.at, name.split(':').next().unwrap_or(name));
    }
    if !settings.0.is_empty() {
        body.put("tls", settings.into_node(&at));
    }
    let expect = expect(&mut part, &at, problems);
    body.put("expect", expect.into_node(&at));
    for (key, why) in [
        ("oauth2", "write a token into `authorization` instead"),
        ("no_proxy", "leave `proxy_url` out where none is wanted"),
        ("proxy_from_environment", "name the proxy in `proxy_url`"),
        ("proxy_connect_header", "name the secret in `proxy_authorization` of modules.yaml"),
        ("body_file", "write the body into `body`"),
        ("fail_if_body_json_matches_cel", "write a rule in `expect.json` of modules.yaml"),
        ("fail_if_body_json_not_matches_cel", "write a rule in `expect.json` of modules.yaml"),
        ("fail_if_body_json_matches_jsonpath", "write a rule in `expect.json` of modules.yaml"),
        ("fail_if_body_json_not_matches_jsonpath", "write a rule in `expect.json` of modules.yaml"),
        ("http_headers", "write them into `headers`"),
        ("enable_http3", "HTTP/3 is not spoken here"),
    ] {
        if !(matches!(key, "proxy_from_environment" | "enable_http3")
            && part.node.get(key).and_then(Node::text) == Some("false"))
        {
            part.refuse(key, why, problems);
        } else {
            part.take(key);
        }
    }
    part.harmless("skip_resolve_phase_with_proxy", "a proxy always resolves the name here", problems);
    part.finish(problems);
    body
}

/// Plain headers; those of 0.26 and later (`http_headers`) only where each has one written value.
fn headers(part: &mut Section<'_>, body: &mut Body) {
    body.put_some("headers", part.take("headers").filter(|node| !node.entries().is_empty()));
}

fn credentials(part: &mut Section<'_>, body: &mut Body, problems: &mut Problems) {
    if let Some(basic) = part.take("basic_auth") {
        let mut inner = Section::of(basic, part.module, part.base);
        let mut auth = Body::default();
        auth.put_some("user", inner.take("username"));
        inner.refuse("username_file", "write the user into `username`", problems);
        let (word, file) = (inner.take("password"), inner.take("password_file"));
        match file {
            Some(file) => auth.put("password", file_of(inner.base, file)),
            None => auth.put_some("password", word),
        }
        inner.refuse("username_ref", "there is no manager of secrets here", problems);
        inner.refuse("password_ref", "there is no manager of secrets here", problems);
        inner.finish(problems);
        body.put("basic_auth", auth.into_node(&basic.at));
    }
    if let Some(authorization) = part.take("authorization") {
        let mut inner = Section::of(authorization, part.module, part.base);
        let scheme = inner.text("type").unwrap_or("Bearer");
        let (word, file) = (inner.take("credentials"), inner.take("credentials_file"));
        inner.refuse("credentials_ref", "there is no manager of secrets here", problems);
        inner.finish(problems);
        let word = file.map(|file| file_of(part.base, file)).or_else(|| word.cloned());
        if let Some(word) = word {
            body.say("authorization", &word.at, format!("{scheme} {}", word.text().unwrap_or_default()));
        }
    }
    let (token, file) = (part.take("bearer_token"), part.take("bearer_token_file"));
    if let Some(word) = file.map(|file| file_of(part.base, file)).or_else(|| token.cloned()) {
        body.say("authorization", &word.at, format!("Bearer {}", word.text().unwrap_or_default()));
    }
}

fn redirects(part: &mut Section<'_>, body: &mut Body, at: &Place) {
    let old = part.flag("no_follow_redirects", Flag::Off);
    let follow = part.flag("follow_redirects", Flag::On);
    let max = if old == Flag::On || follow == Flag::Off { "0" } else { REDIRECTS_MAX };
    body.say("redirects_max", at, max);
}

fn compression(part: &mut Section<'_>, body: &mut Body, problems: &mut Problems) {
    let Some(node) = part.take("compression") else { return };
    match node.text() {
        Some("") | None => {}
        Some("identity") => body.say("compression", &node.at, "none"),
        Some(word @ ("gzip" | "br" | "deflate")) => body.say("compression", &node.at, word),
        Some(_) => {
            let text = format!("`{}`: this `compression` cannot be carried over", part.module);
            problems.push(Problem::error(Code::NotSupported, &node.at, text).expected("gzip, br, deflate or identity"));
        }
    }
}

/// `10MB`, `1MiB`, `0`.
fn body_limit(part: &mut Section<'_>, body: &mut Body, at: &Place, problems: &mut Problems) {
    let node = part.take("body_size_limit");
    let bytes = match node.and_then(Node::text).map(bytes) {
        None | Some(Some(0)) => BODY_BYTES_MAX,
        Some(Some(bytes)) => bytes,
        Some(None) => {
            problems.push(Problem::error(Code::Value, &part.node.at, "not a size").expected("such as `10MB`"));
            return;
        }
    };
    if bytes > BODY_BYTES_MAX {
        let text = format!("`{}`: `body_size_limit` is cut to 16 MiB", part.module);
        problems.push(Problem::warning(Code::OutOfBounds, at, text));
    }
    body.say("body_bytes_max", at, bytes.min(BODY_BYTES_MAX).to_string());
}

fn bytes(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let factor = match text[digits..].trim() {
        "" | "B" => 1,
        "KB" | "KiB" | "kB" => 1 << 10,
        "MB" | "MiB" => 1 << 20,
        "GB" | "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(factor)
}

fn expect(part: &mut Section<'_>, at: &Place, problems: &mut Problems) -> Body {
    let mut expect = Body::default();
    body_rules(part, &mut expect);
    expect.put_some("status", part.take("valid_status_codes").filter(|node| !node.items().is_empty()));
    if let Some(versions) = part.take("valid_http_versions").filter(|node| !node.items().is_empty()) {
        let ours = |node: &Node| match node.text() {
            Some("HTTP/1.0") => Some(Node::plain(node.at.clone(), "1.0")),
            Some("HTTP/1.1") => Some(Node::plain(node.at.clone(), "1.1")),
            Some("HTTP/2.0" | "HTTP/2") => Some(Node::plain(node.at.clone(), "2")),
            _ => None,
        };
        let known: Vec<Node> = versions.items().iter().filter_map(ours).collect();
        if known.len() < versions.items().len() {
            let text = format!("`{}`: a version of HTTP that is not spoken here", part.module);
            problems.push(Problem::error(Code::NotSupported, &versions.at, text));
        }
        expect.put("version", list(&versions.at, known));
    }
    match (part.flag("fail_if_ssl", Flag::Off), part.flag("fail_if_not_ssl", Flag::Off)) {
        (Flag::Off, Flag::Off) => {}
        (Flag::On, Flag::Off) => expect.say("tls", at, "refused"),
        (Flag::Off, Flag::On) => expect.say("tls", at, "required"),
        (Flag::On, Flag::On) => {
            let text = format!("`{}`: `fail_if_ssl` beside `fail_if_not_ssl` always fails", part.module);
            problems.push(Problem::error(Code::Value, at, text).hint("keep one of the two"));
        }
    }
    header_rules(part, &mut expect, problems);
    expect
}

fn body_rules(part: &mut Section<'_>, expect: &mut Body) {
    // A blank page passes there.
    expect.say("not_blank", &part.node.at, "false");
    expect
        .put_some("body_lacks_regex", part.take("fail_if_body_matches_regexp").filter(|node| !node.items().is_empty()));
    expect.put_some("body_regex", part.take("fail_if_body_not_matches_regexp").filter(|node| !node.items().is_empty()));
}

/// `fail_if_header_matches` and its opposite. A header that is missing fails there unless it may be.
fn header_rules(part: &mut Section<'_>, expect: &mut Body, problems: &mut Problems) {
    let (mut must, mut must_not) = (Body::default(), Body::default());
    for key in ["fail_if_header_matches", "fail_if_header_not_matches"] {
        let lacks = key == "fail_if_header_matches";
        for item in part.take(key).map(Node::items).unwrap_or_default() {
            let mut rule = Section::of(item, part.module, part.base);
            let (header, pattern) = (rule.text("header").unwrap_or_default(), rule.take("regexp"));
            let may_miss = rule.flag("allow_missing", Flag::Off) == Flag::On;
            rule.finish(problems);
            let Some(pattern) = pattern else { continue };
            let side = if lacks { &mut must_not } else { &mut must };
            if side.0.iter().any(|entry| entry.key.eq_ignore_ascii_case(header)) {
                let text = format!("`{}`: a second rule about `{header}` in `{key}`", part.module);
                problems.push(Problem::error(Code::NotSupported, &item.at, text).hint("join the two patterns in one"));
                continue;
            }
            side.put(header, pattern.clone());
            if lacks && !may_miss && !must.0.iter().any(|entry| entry.key.eq_ignore_ascii_case(header)) {
                must.say(header, &item.at, "(?s)^.*$");
            }
            if !lacks && may_miss {
                let text = format!("`{}`: `allow_missing` in `{key}` cannot be carried over", part.module);
                problems.push(Problem::error(Code::NotSupported, &item.at, text).hint("take the rule away"));
            }
        }
    }
    for (name, rules) in [("headers_regex", must), ("headers_lack_regex", must_not)] {
        if !rules.0.is_empty() {
            let at = part.node.at.clone();
            expect.put(name, Node { at, kind: NodeKind::Map(rules.0) });
        }
    }
}
