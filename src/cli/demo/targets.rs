//! What the simulated city has to stand for, from the decoded bodies of the probes.

use crate::city::{Heartbeat, ProbeTarget, Target, targets_from};
use crate::config::Loaded;
use crate::field::Record;

/// The targets of all probes.
pub(super) fn targets(loaded: &Loaded) -> Vec<Target> {
    let bodies = loaded.bodies.iter();
    let probes: Vec<ProbeTarget> = bodies
        .filter_map(|(id, body)| {
            let kind = loaded.inventory.probes.get(id)?.kind;
            let (at, says) = described(kind, body)?;
            Some(ProbeTarget { probe: id.clone(), kind: kind.to_owned(), at, says })
        })
        .collect();
    targets_from(&loaded.inventory, &probes)
}

fn described(kind: &str, body: &Record) -> Option<(String, Option<String>)> {
    let first = |record: &Record, field: &str| record.texts(field).next().map(|(text, _)| text.to_owned());
    let wanted = |record: &Record| record.record("expect").and_then(|expect| first(expect, "body_contains"));
    let at = |host: &str, usual: i64| format!("{}:{}", body.text(host), body.opt_int("port").unwrap_or(usual));
    Some(match kind {
        "http" => (body.url("url")?.to_string(), wanted(body)),
        "journey" => {
            let step = body.records("steps").next()?;
            let page = match body.url("base") {
                Some(base) => base.join(step.text("url")).ok()?.to_string(),
                None => step.text("url").to_owned(),
            };
            (page, wanted(step))
        }
        "tcp" if in_tls(body) => {
            (format!("tls://{}", body.text("address")), body.opt_text("expect").map(str::to_owned))
        }
        "tcp" => (body.text("address").to_owned(), body.opt_text("expect").map(str::to_owned)),
        "tls" => (at("host", 443), None),
        "dns" => (at("server", 53), first(body, "answers")),
        "grpc" if in_tls(body) => (format!("grpcs://{}", body.text("address")), None),
        "grpc" | "sip" => (body.text("address").to_owned(), None),
        _ => return None,
    })
}

/// Whether TLS comes first: `tls: true`, or a mapping of its settings.
fn in_tls(body: &Record) -> bool {
    body.flag("tls") || body.record("tls").is_some()
}

/// The jobs that call the daemon.
pub(super) fn heartbeats(loaded: &Loaded) -> Vec<Heartbeat> {
    let of_kind = |id| loaded.inventory.probes.get(id).is_some_and(|plan| plan.kind == "heartbeat");
    let heartbeats = loaded.bodies.iter().filter(|(id, _)| of_kind(*id));
    heartbeats
        .map(|(id, body)| Heartbeat {
            subsystem: id.subsystem(),
            token: body.text("token").to_owned(),
            members: body.record("fleet").map(members).unwrap_or_default(),
        })
        .collect()
}

/// As many as the fleet counts, by their names if it lists them.
fn members(fleet: &Record) -> Vec<String> {
    match fleet.opt_int("members") {
        Some(count) => (1..=count).map(|number| format!("terminal-{number:02}")).collect(),
        None => fleet.texts("members").map(|(id, _)| id.to_owned()).collect(),
    }
}
