//! The daemon's own settings, of `gengfu.yaml`.
//!
//! Not here: rosters and timers, which go into the inventory. Invariant: paths are resolved against the main file.

use super::LoadOptions;
use super::SystemRoots;
use super::tls::{self, TlsSettings};
use crate::domain::civil::Zone;
use crate::domain::{Millis, OwnerId, Timestamp};
use crate::field::{Code, Place, Problem, Problems, Record};
use crate::network::{ConnectTo, Network};
use crate::probe::{CommandGrant, Commands, Grantees, TRACE_BYTES, USER_AGENT};
use ipnet::IpNet;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Longest secret in a file, in bytes.
const SECRET_BYTES_MAX: usize = 4_096;

/// Everything of `gengfu.yaml` that is not part of the inventory.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Relative paths begin here.
    pub root: PathBuf,
    /// Where pages and API are served: `host:port`.
    pub listen: String,
    /// TLS, if it is spoken.
    pub tls: Option<TlsSettings>,
    /// The address in mails, without a slash at its end.
    pub public_url: String,
    /// The civil time zone.
    pub zone: Zone,
    /// Where facts are kept.
    pub store: StoreSettings,
    /// Names, addresses and trust.
    pub network: NetworkSettings,
    /// Most attempts that run at the same time.
    pub concurrency: usize,
    /// Most of them that ask one host.
    pub per_host: usize,
    /// Bytes that the kept attempts of all probes may take.
    pub trace_bytes: usize,
    /// Who `http` probes say they are.
    pub user_agent: String,
    /// The common maintenance notice of `http` probes.
    pub maintenance_text: Option<String>,
    /// How mail leaves.
    pub mail: MailSettings,
    /// Whom we tell that we are there.
    pub dead_man: Option<DeadManSettings>,
    /// Whether permissions need a clock that the kernel calls synchronised.
    pub require_sync: bool,
    /// What plans are granted.
    pub plans: super::PlanSettings,
    /// Programs that `command` probes may run.
    pub commands: Arc<Commands>,
}

/// Where facts are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// The file.
    pub path: PathBuf,
    /// For how long facts are kept.
    pub retain_ms: Millis,
    /// For how long the audit log is kept.
    pub retain_audit_ms: Millis,
}

/// Names, addresses and trust.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkSettings {
    /// The first rule that matches wins.
    pub connect_to: Vec<ConnectTo>,
    /// What probes may reach although it would be refused.
    pub allow: Vec<IpNet>,
    /// Files of extra roots.
    pub ca: Vec<PathBuf>,
}

/// How mail leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailSettings {
    /// The sender's name.
    pub from_name: String,
    /// The sender's address.
    pub from_mail: String,
    /// The right side of every Message-ID.
    pub domain: String,
    /// How long a mail is tried.
    pub life_ms: Millis,
    /// Mails to one recipient in an hour before others share one.
    pub per_hour: u32,
    /// In the order in which they are tried; at least one.
    pub relays: Vec<RelaySettings>,
}

/// One relay.
#[derive(Clone, PartialEq, Eq)]
pub struct RelaySettings {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// When the conversation is encrypted.
    pub tls: RelayTls,
    /// For AUTH.
    pub user: Option<String>,
    /// For AUTH; never shown.
    pub password: Option<String>,
    /// Roots besides the system's.
    pub ca: Option<PathBuf>,
}

impl std::fmt::Debug for RelaySettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RelaySettings({}:{}, {:?}, user {:?})", self.host, self.port, self.tls, self.user)
    }
}

/// When a conversation with a relay is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayTls {
    /// Never.
    None,
    /// From STARTTLS on; refused where the relay does not offer it.
    StartTls,
    /// From the first byte.
    Implicit,
}

/// A receiver outside that raises the alarm when we fall silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadManSettings {
    /// Its address.
    pub url: reqwest::Url,
    /// How often it is told.
    pub every_ms: Millis,
    /// `POST`, `PUT` or `GET`.
    pub method: String,
}

fn dead_man(record: &Record) -> Option<DeadManSettings> {
    let (url, method) = (record.url("url")?.clone(), record.text("method").to_owned());
    Some(DeadManSettings { url, every_ms: record.int("every"), method })
}

impl Settings {
    /// Lowers the record of the main file; fields that could not be read have harmless values.
    pub(super) fn lower(root: &Path, record: &Record, now: Option<Timestamp>, problems: &mut Problems) -> Self {
        let at = |name: &str, field: &str| record.record(name).map(|r| r.text(field).to_owned());
        let url = record.url("public_url").map(|u| u.as_str().trim_end_matches('/').to_owned());
        let public_url = url.unwrap_or_default();
        let probing = record.record("probing");
        Self {
            root: root.to_owned(),
            listen: record.text("listen").to_owned(),
            tls: tls::lower(root, record, now, problems),
            zone: zone(record, problems),
            store: StoreSettings {
                path: root.join(at("store", "path").unwrap_or_else(|| "var/gengfu.db".into())),
                retain_ms: record.record("store").map_or(1_095 * crate::domain::DAY, |r| r.int("retain")),
                retain_audit_ms: record.record("store").map_or(1_095 * crate::domain::DAY, |r| r.int("retain_audit")),
            },
            network: network(root, record, problems),
            concurrency: probing.map_or(2_000, |r| usize::try_from(r.int("concurrency")).unwrap_or(1)),
            per_host: probing.map_or(8, |r| usize::try_from(r.int("per_host")).unwrap_or(1)),
            trace_bytes: probing.map_or(TRACE_BYTES, |r| usize::try_from(r.int("trace_bytes")).unwrap_or(TRACE_BYTES)),
            user_agent: user_agent(record, &public_url, problems),
            public_url,
            maintenance_text: probing.and_then(|r| r.opt_text("maintenance_text")).map(str::to_owned),
            mail: mail(root, record, problems),
            dead_man: record.record("heartbeat").and_then(dead_man),
            require_sync: record.record("clock").is_some_and(|r| r.flag("require_sync")),
            plans: super::PlanSettings::lower(root, record),
            commands: Arc::new(commands(root, record, problems)),
        }
    }
}

/// What stands in the file, or our name and where to read about us.
fn user_agent(record: &Record, public_url: &str, problems: &mut Problems) -> String {
    let probing = record.record("probing");
    let Some((probing, name)) = probing.and_then(|probing| Some((probing, probing.opt_text("user_agent")?))) else {
        return format!("{USER_AGENT} (+{public_url})");
    };
    if name.is_empty() || !name.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        let problem = Problem::error(Code::Value, probing.at("user_agent"), "cannot stand in a header of HTTP");
        problems.push(problem.expected("printable ASCII such as `gengfu (operations@bdc.test)`"));
        return USER_AGENT.into();
    }
    name.to_owned()
}

fn zone(record: &Record, problems: &mut Problems) -> Zone {
    let name = record.text("zone");
    Zone::named(name).unwrap_or_else(|_| {
        if record.has("zone") {
            let known = jiff::tz::db().available().map(|n| n.to_string()).collect::<Vec<_>>();
            problems.push(
                Problem::error(Code::UnknownId, record.at("zone"), format!("unknown time zone `{name}`"))
                    .expected("a name of the IANA database such as `Asia/Shanghai`")
                    .did_you_mean(name, known.iter().map(String::as_str)),
            );
        }
        Zone::utc()
    })
}

fn network(root: &Path, record: &Record, problems: &mut Problems) -> NetworkSettings {
    let Some(record) = record.record("network") else { return NetworkSettings::default() };
    let rules = record.records("connect_to").filter_map(|rule| {
        let (network, prefix) = parse_network(rule.text("network")).or_else(|| {
            if rule.has("network") {
                problems.push(
                    Problem::error(Code::Value, rule.at("network"), "not an IPv4 network")
                        .expected("an address, a slash and a length, such as `127.64.0.0/10`"),
                );
            }
            None
        })?;
        let port_offset = u16::try_from(rule.int("port_offset")).unwrap_or_default();
        Some(ConnectTo { host: rule.text("host").to_owned(), network, prefix, port_offset })
    });
    let connect_to = rules.collect();
    let allow = record.texts("allow").filter_map(|(text, at)| {
        let parsed = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        if parsed.is_err() {
            problems.push(
                Problem::error(Code::Value, at, format!("`{text}` is not a network"))
                    .expected("an address, a slash and a length, such as `127.0.0.0/8` or `::1/128`"),
            );
        }
        parsed.ok()
    });
    let allow = allow.collect();
    NetworkSettings { connect_to, allow, ca: record.texts("ca").map(|(path, _)| root.join(path)).collect() }
}

fn parse_network(text: &str) -> Option<(Ipv4Addr, u8)> {
    let (address, prefix) = text.split_once('/')?;
    let prefix = prefix.parse::<u8>().ok().filter(|p| *p <= 32)?;
    Some((address.parse().ok()?, prefix))
}

fn mail(root: &Path, record: &Record, problems: &mut Problems) -> MailSettings {
    let mail = record.record("mail");
    let text = |field: &str| mail.map(|r| r.text(field).to_owned()).unwrap_or_default();
    let from = |field: &str| mail.and_then(|r| r.record("from")).map(|r| r.text(field).to_owned()).unwrap_or_default();
    let relays = mail.into_iter().flat_map(|r| r.records("relays")).map(|r| relay(root, r, problems)).collect();
    MailSettings {
        from_name: from("name"),
        from_mail: from("mail"),
        domain: text("domain"),
        life_ms: mail.map_or(0, |r| r.int("life")),
        per_hour: mail.map_or(1, |r| u32::try_from(r.int("per_hour")).unwrap_or(1)),
        relays,
    }
}

fn relay(root: &Path, record: &Record, problems: &mut Problems) -> RelaySettings {
    let password = record.opt_text("password").and_then(|p| secret(root, p, record.at("password"), problems));
    if record.has("user") != record.has("password") {
        let (there, missing) = if record.has("user") { ("user", "password") } else { ("password", "user") };
        problems.push(
            Problem::error(Code::MissingKey, record.key_at(there), format!("`{there}` without `{missing}`"))
                .hint("write both, or neither"),
        );
    }
    let tls = match record.text("tls") {
        "none" => RelayTls::None,
        "implicit" => RelayTls::Implicit,
        _ => RelayTls::StartTls,
    };
    if record.has("password") && tls == RelayTls::None {
        problems.push(
            Problem::error(Code::Value, record.at("tls"), "a password over a conversation that anybody can read")
                .hint("did you mean `tls: starttls`?"),
        );
    }
    RelaySettings {
        host: record.text("host").to_owned(),
        port: u16::try_from(record.int("port")).unwrap_or_default(),
        tls,
        user: record.opt_text("user").map(str::to_owned),
        password,
        ca: record.opt_text("ca").map(|path| root.join(path)),
    }
}

/// A secret as written, or of the file that it names.
pub(super) fn secret(root: &Path, text: &str, at: &Place, problems: &mut Problems) -> Option<String> {
    let Some(path) = text.strip_prefix("file:") else { return Some(text.to_owned()) };
    let mut wrong = |what: String, hint: &str| {
        problems.push(Problem::error(Code::Environment, at, what).hint(hint));
        None
    };
    match std::fs::read(root.join(path)) {
        Err(e) => wrong(format!("the secret's file cannot be read: {e}"), "check the path and the file's mode"),
        Ok(bytes) if bytes.len() > SECRET_BYTES_MAX => {
            wrong(format!("the secret's file is larger than {SECRET_BYTES_MAX} bytes"), "name the right file")
        }
        Ok(bytes) => match String::from_utf8(bytes).map(|t| t.trim_end_matches(['\r', '\n']).to_owned()) {
            Ok(secret) if !secret.is_empty() => Some(secret),
            Ok(_) => wrong("the secret's file is empty".into(), "write the secret into it"),
            Err(_) => wrong("the secret's file is not UTF-8".into(), "name the right file"),
        },
    }
}

/// Whose files may name which programs. A directory that is not there is a warning: files are checked elsewhere, too.
fn commands(root: &Path, record: &Record, problems: &mut Problems) -> Commands {
    let mut grants = Vec::new();
    for one in record.records("commands").filter(|one| one.complete) {
        let texts = |field: &str| one.texts(field).map(|(text, _)| text.to_owned()).collect::<BTreeSet<String>>();
        let at = one.at("directory");
        for (name, at) in one.texts("programs").filter(|(name, _)| name.contains('/') || matches!(*name, "." | "..")) {
            let problem = Problem::error(Code::Value, at, format!("`{name}` is no name of a file"));
            problems.push(problem.expected("a name without a slash; list another directory for others"));
        }
        let owners = one.texts("owners").map(|(id, _)| OwnerId::new(id)).collect();
        let grant = CommandGrant {
            directory: std::path::absolute(root.join(one.text("directory"))).unwrap_or_default(),
            owners: if one.opt_text("owners").is_some() { Grantees::All } else { Grantees::Only(owners) },
            programs: one.has("programs").then(|| texts("programs")),
            environment: texts("environment"),
        };
        match grant.look() {
            Ok(None) => grants.push(grant),
            Ok(Some(remark)) => {
                problems.push(Problem::warning(Code::CommandAbsent, at, remark).hint("install what is missing"));
                grants.push(grant);
            }
            Err(why) => problems.push(Problem::error(Code::CommandRefused, at, why)),
        }
    }
    Commands::new(grants)
}

/// Which owners may name which variables.
pub(super) fn granted(record: &Record) -> BTreeMap<String, BTreeSet<String>> {
    let names = |value: &crate::field::Value| match value {
        crate::field::Value::List(items) => items.iter().filter_map(|i| i.value.as_text().map(str::to_owned)).collect(),
        _ => BTreeSet::new(),
    };
    record.map("secrets").iter().map(|(owner, value)| (owner.value.clone(), names(&value.value))).collect()
}

/// Makes the network that probers share; roots that cannot be loaded are warnings.
pub(super) fn open_network(
    record: &Record,
    settings: &Settings,
    options: &LoadOptions,
    problems: &mut Problems,
) -> Network {
    let mut roots = rustls::RootCertStore::empty();
    if options.system_roots == SystemRoots::Load {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let places = record.record("network").into_iter().flat_map(|r| r.texts("ca"));
    for (path, (written, at)) in settings.network.ca.iter().zip(places) {
        let found = match std::fs::read(path) {
            Ok(bytes) => CertificateDer::pem_slice_iter(&bytes).flatten().collect(),
            Err(_) => Vec::new(),
        };
        if found.is_empty() {
            problems.push(
                Problem::warning(Code::MissingRoots, at, format!("`{written}` holds no certificate or is not there"))
                    .hint("certificates that it should vouch for will be refused"),
            );
        }
        roots.add_parsable_certificates(found);
    }
    for path in &options.ca {
        let pem = std::fs::read(path).unwrap_or_default();
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
    }
    let NetworkSettings { connect_to, allow, .. } = settings.network.clone();
    Network { connect_to, allow, roots: Arc::new(roots) }
}
