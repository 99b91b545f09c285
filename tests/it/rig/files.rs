//! The files of a house: one owner, four subsystems, quick probes, mail in one language.

use gengfu::config::{LoadOptions, Sources, Style, load, render};
use gengfu::domain::access::TokenHash;
use gengfu::domain::{Inventory, Timestamp};
use gengfu::probe::Heartbeats;
use std::collections::HashMap;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

/// Tier 1 and three of tier 3, independent of each other.
pub(crate) const SUBSYSTEMS: [&str; 4] = ["alpha", "beta", "gamma", "delta"];

/// The one probe of each.
pub(super) const PROBE: &str = "home";

/// Where the daemon listens, on an address of its own.
pub(super) const PORT: u16 = 9_424;

/// Who asks for changes.
pub(crate) const HOLDER: &str = "duty-officer";

/// The token that this house's changes are asked for with.
pub(crate) const TOKEN: &str = "gengfu_token-of-the-duty-officer-for-tests";

/// What a probe asks for.
pub(super) fn url(subsystem: &str) -> String {
    format!("http://{subsystem}.bdc.test/")
}

/// Writes the whole set below `root`.
pub(super) fn write_all(root: &Path, network: Ipv4Addr) {
    let offset = super::PORT_OFFSET;
    let domain = super::MAIL_DOMAIN;
    let main = format!(
        r#"listen: {network}:{PORT}
zone: Asia/Shanghai
store: {{ path: var/gengfu.db }}
network:
  connect_to: [{{ host: "*.test", network: {network}/28, port_offset: {offset} }}]
mail:
  from: {{ name: 更夫, mail: gengfu@bdc.test }}
  domain: {domain}
  relays: [{{ host: relay.bdc.test, port: 25, tls: none }}]
on_call: {{ fallback: duty, admins: admins }}
alerts: {{ settle: 100ms, reopen: 5s }}
access: {{ tokens: [{{ holder: {HOLDER}, scopes: [operate, admin], sha256: {} }}] }}
"#,
        TokenHash::of(TOKEN)
    );
    let (on_call, admins) = (super::ON_CALL, super::ADMINS);
    let rosters = format!(
        r"rosters:
  - {{ id: duty, contacts: [{{ name: 总值班, mail: duty@bdc.test, language: en }}] }}
  - {{ id: bdc, contacts: [{{ name: 大数据中心值班, mail: {on_call}, language: en }}] }}
  - {{ id: admins, contacts: [{{ name: 管理员, mail: {admins}, language: en }}] }}
"
    );
    // The lowest of targets, so that outages do not open incidents about budgets as well.
    let objectives = "objectives:\n  - { id: public-7x24, target: 1%, period: month, figure: public }\n";
    let policies = "policies:\n  - { id: any-time, applies_to: { tier: [1, 2, 3] }, allow: { always: true } }\n";
    for (name, text) in [
        ("gengfu.yaml", main.as_str()),
        ("probes/platform/bdc.yaml", &owner()),
        ("schedules/on-call.yaml", &rosters),
        ("schedules/objectives.yaml", objectives),
        ("schedules/policies/any-time.yaml", policies),
    ] {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

fn owner() -> String {
    let mut text = String::from(
        r"owner: { id: bdc, kind: platform, name: { zh: 大数据中心, en: Big Data Centre }, on_call: bdc }
defaults: { every: 1s, timeout: 1s, confirm_every: 100ms, fall: 2, rise: 2 }
subsystems:
",
    );
    for subsystem in SUBSYSTEMS {
        let tier = if subsystem == SUBSYSTEMS[0] { 1 } else { 3 };
        let _ = write!(
            text,
            r#"  - id: {subsystem}
    name: {{ zh: {subsystem}, en: {subsystem} }}
    tier: {tier}
    hours: 7x24
    objective: public-7x24
    probes: [{{ name: {PROBE}, http: {{ url: "{}" }} }}]
"#,
            url(subsystem)
        );
    }
    text
}

/// What the daemon makes of the files.
pub(crate) fn inventory(main: &Path, now: Timestamp) -> Inventory {
    let sources = Sources::read(main).unwrap();
    let options = LoadOptions::new(now, HashMap::new(), Arc::new(Heartbeats::new(now)));
    let loaded = load(&sources, &options);
    loaded.unwrap_or_else(|problems| panic!("{}", render(&problems, &sources, Style::Plain))).inventory
}
