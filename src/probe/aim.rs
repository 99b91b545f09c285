//! How a probe of any kind is pointed at a target, for the tests of all kinds.
//!
//! Not here: what the target does. Invariant: whoever adds a kind says here how it is pointed, or the tests fail.

use super::command::tests::write;
use super::tests::Rig;
use super::{CommandGrant, Commands, Grantees};
use serde_json::{Value, json};
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;

/// A name that leads to loopback in a [`Rig`].
pub(super) const HOST: &str = "a.bdc.test";

/// Bodies that ask `host` at `port` over TCP in the clear, one for each way to speak; none for kinds that ask no host.
pub(super) fn aimed(kind: &str, host: &str, port: u16) -> Vec<Value> {
    let address = format!("{host}:{port}");
    let sql = |engine: &str| json!({ "engine": engine, "address": address, "user": "probe", "password": "geheim" });
    let one = match kind {
        "redis" | "smtp" | "ssh" | "grpc" => json!({ "address": address }),
        "tcp" => json!({ "address": address, "expect": "220" }),
        "sip" => json!({ "address": address, "transport": "tcp" }),
        "sql" => return vec![sql("postgresql"), sql("mysql")],
        "http" => json!({ "url": format!("http://{address}/") }),
        "journey" => json!({ "steps": [{ "name": "home", "url": format!("http://{address}/") }] }),
        "websocket" => json!({ "url": format!("ws://{address}/") }),
        "tls" => json!({ "host": host, "port": port }),
        "dns" => json!({ "server": host, "port": port, "name": "a.test", "transport": "tcp" }),
        // There are no ports.
        "icmp" => json!({ "host": host }),
        "command" | "heartbeat" => return Vec::new(),
        new => panic!("say here how a {new} probe is pointed at a target"),
    };
    vec![one]
}

/// The same in TLS from the first byte, or as soon as the protocol lets us; none for kinds that speak no TLS.
pub(super) fn in_tls(kind: &str, host: &str, port: u16) -> Vec<Value> {
    let mut bodies = aimed(kind, host, port);
    bodies.retain_mut(|body| {
        let url = |scheme: &str, path: &str| json!(format!("{scheme}://{host}:{port}{path}"));
        match kind {
            "redis" | "smtp" | "grpc" | "tcp" | "sql" => body["tls"] = json!(true),
            "sip" | "dns" => body["transport"] = json!("tls"),
            "http" => body["url"] = url("https", "/"),
            "journey" => body["steps"][0]["url"] = url("https", "/"),
            "websocket" => body["url"] = url("wss", "/"),
            "tls" => {}
            _ => return false,
        }
        true
    });
    bodies
}

/// A body with another field, where that kind has it.
pub(super) fn with(kind: &str, mut body: Value, field: &str, value: Value) -> Value {
    match (kind, field) {
        ("journey", "family" | "maintenance_text") => body["steps"][0][field] = value,
        ("http", "slower_than") => body["expect"][field] = value,
        _ => body[field] = value,
    }
    body
}

/// Grants a directory in which this script is the only program, `check_it`, for as long as it is held.
pub(super) fn granted(rig: &mut Rig, script: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("granted");
    fs::create_dir(&directory).unwrap();
    write(&directory.join("check_it"), script);
    let grant = CommandGrant { directory, owners: Grantees::All, programs: None, environment: Default::default() };
    rig.context.commands = Arc::new(Commands::new(vec![grant]));
    home
}
