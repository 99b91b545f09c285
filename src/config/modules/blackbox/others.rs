//! `prober: tcp`, `dns`, `icmp` and `grpc` of `blackbox.yml`.
//!
//! Not here: what the fields of ours mean. Invariant: an answer that passes there passes here.

use super::{Body, Flag, Section, family, list, tls};
use crate::field::{Code, Node, Place, Problem, Problems};

/// Adds TLS where `on` says so; settings without it have no effect there either.
fn secure(part: &mut Section<'_>, body: &mut Body, on: Flag, problems: &mut Problems) {
    let settings = tls(part, problems).unwrap_or_default();
    let at = part.node.at.clone();
    match (on, settings.0.is_empty()) {
        (Flag::On, true) => body.say("tls", &at, "true"),
        (Flag::On, false) => body.put("tls", settings.into_node(&at)),
        (Flag::Off, _) => {}
    }
}

pub(super) fn tcp(mut part: Section<'_>, problems: &mut Problems) -> Body {
    let mut body = Body::default();
    family(&mut part, &mut body, problems);
    let on = part.flag("tls", Flag::Off);
    secure(&mut part, &mut body, on, problems);
    part.refuse("source_ip_address", "the system chooses the source", problems);
    let mut dialogue = Vec::new();
    for item in part.take("query_response").map(Node::items).unwrap_or_default() {
        let mut line = Section::of(item, part.module, part.base);
        let mut step = Body::default();
        step.put_some("expect", line.take("expect").filter(|node| node.text() != Some("")));
        step.put_some("send", line.take("send").filter(|node| node.text() != Some("")));
        if line.flag("starttls", Flag::Off) == Flag::On {
            step.say("starttls", &item.at, "true");
        }
        line.refuse("expect_bytes", "only lines of text are compared", problems);
        line.harmless("labels", "there is no `probe_expect_info`", problems);
        line.finish(problems);
        dialogue.push(step.into_node(&item.at));
    }
    if !dialogue.is_empty() {
        body.put("dialogue", list(&part.node.at, dialogue));
    }
    part.finish(problems);
    body
}

pub(super) fn dns(mut part: Section<'_>, problems: &mut Problems) -> Body {
    let mut body = Body::default();
    family(&mut part, &mut body, problems);
    part.refuse("source_ip_address", "the system chooses the source", problems);
    body.put_some("name", part.take("query_name"));
    match part.take("query_type") {
        Some(node) => body.put("type", node.clone()),
        None => body.say("type", &part.node.at, "ANY"),
    }
    if let Some(class) = part.take("query_class").filter(|node| !matches!(node.text(), Some("IN" | ""))) {
        body.put("class", class.clone());
    }
    let over_tls = part.flag("dns_over_tls", Flag::Off);
    match (part.text("transport_protocol"), over_tls) {
        (None | Some("" | "tcp" | "tcp4" | "tcp6" | "udp" | "udp4" | "udp6"), Flag::On) => {
            body.say("transport", &part.node.at, "tls");
        }
        (Some("tcp" | "tcp4" | "tcp6"), Flag::Off) => body.say("transport", &part.node.at, "tcp"),
        (None | Some("" | "udp" | "udp4" | "udp6"), Flag::Off) => {}
        (Some(_), _) => {
            let text = format!("`{}`: not a `transport_protocol`", part.module);
            problems.push(Problem::error(Code::Value, &part.node.at, text).expected("`udp` or `tcp`"));
        }
    }
    let settings = tls(&mut part, problems).unwrap_or_default();
    if over_tls == Flag::On && !settings.0.is_empty() {
        body.put("tls", settings.into_node(&part.node.at));
    }
    if part.flag("recursion_desired", Flag::On) == Flag::Off {
        body.say("recursion", &part.node.at, "false");
    }
    // An answer without records passes there.
    body.say("may_be_empty", &part.node.at, "true");
    body.put_some("rcode", part.take("valid_rcodes").filter(|node| !node.items().is_empty()));
    rules(&mut part, &mut body, problems);
    part.finish(problems);
    body
}

fn rules(part: &mut Section<'_>, body: &mut Body, problems: &mut Problems) {
    let at: Place = part.node.at.clone();
    let mut rules = Body::default();
    for (theirs, ours) in [
        ("validate_answer_rrs", "answer"),
        ("validate_authority_rrs", "authority"),
        ("validate_additional_rrs", "additional"),
    ] {
        let Some(node) = part.take(theirs) else { continue };
        let mut inner = Section::of(node, part.module, part.base);
        let mut rule = Body::default();
        let mut patterns = |key| inner.take(key).filter(|node| !node.items().is_empty());
        rule.put_some("none_match", patterns("fail_if_matches_regexp"));
        rule.put_some("any_match", patterns("fail_if_none_matches_regexp"));
        // Both want every record to match; only the first wants a record, too.
        let (each, all) = (patterns("fail_if_not_matches_regexp"), patterns("fail_if_all_match_regexp"));
        let both: Vec<Node> = each.into_iter().chain(all).flat_map(Node::items).cloned().collect();
        if !both.is_empty() {
            rule.put("all_match", list(&node.at, both));
        }
        if let Some(all) = all {
            let text = format!(
                "`{}`: `fail_if_all_match_regexp` passes where all records match, in blackbox_exporter and hence here",
                part.module
            );
            problems.push(
                Problem::warning(Code::MatchesNothing, &all.at, text)
                    .hint("use `fail_if_matches_regexp` if the opposite is meant"),
            );
            if each.is_none() {
                rule.say("may_be_empty", &node.at, "true");
            }
        }
        inner.finish(problems);
        if !rule.0.is_empty() {
            rules.put(ours, rule.into_node(&node.at));
        }
    }
    if !rules.0.is_empty() {
        body.put("rules", rules.into_node(&at));
    }
}

pub(super) fn icmp(mut part: Section<'_>, problems: &mut Problems) -> Body {
    let mut body = Body::default();
    family(&mut part, &mut body, problems);
    part.refuse("source_ip_address", "the system chooses the source", problems);
    body.put_some("payload_bytes", part.take("payload_size").filter(|node| node.text() != Some("0")));
    body.put_some("dont_fragment", part.take("dont_fragment"));
    body.put_some("ttl", part.take("ttl"));
    part.finish(problems);
    body
}

pub(super) fn grpc(mut part: Section<'_>, problems: &mut Problems) -> Body {
    let mut body = Body::default();
    family(&mut part, &mut body, problems);
    body.put_some("service", part.take("service").filter(|node| node.text() != Some("")));
    let on = part.flag("tls", Flag::Off);
    secure(&mut part, &mut body, on, problems);
    body.put_some("metadata", part.take("metadata").filter(|node| !node.entries().is_empty()));
    part.finish(problems);
    body
}
