//! A table of subsystems to owners' files: UTF-8 with or without a byte order mark, or GB18030.
//!
//! Not here: addresses that the table does not have; a name below `.invalid` stands in for each, and is listed.

use super::tree::{map, text};
use super::{Imported, Options, Owners, Probe, Remark, Subsystem, slug};
use crate::config::modules::aimed;
use crate::domain::hours::Hours;
use crate::field::Node;
use crate::probe::kind;
use std::collections::{BTreeMap, BTreeSet};

/// How a file is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// GB18030, which holds GBK and GB2312.
    Gb18030,
}

/// The text of a file; what is not UTF-8 is taken for GB18030 unless `forced` says otherwise.
///
/// # Errors
/// A sentence.
pub fn decode(bytes: &[u8], forced: Option<Encoding>) -> Result<String, String> {
    let bare = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let utf8 = std::str::from_utf8(bare);
    match (forced, utf8) {
        (None | Some(Encoding::Utf8), Ok(text)) => Ok(text.to_owned()),
        (Some(Encoding::Utf8), Err(error)) => Err(format!("byte {} is not UTF-8", error.valid_up_to())),
        (None | Some(Encoding::Gb18030), _) => {
            let (text, _, broken) = encoding_rs::GB18030.decode(bytes);
            if broken {
                return Err("it is neither UTF-8 nor GB18030; save it as UTF-8".into());
            }
            Ok(text.into_owned())
        }
    }
}

/// Columns that must be there.
const NEEDED: [&str; 2] = ["owner_id", "subsystem_id"];
/// Columns that may hold an address.
const ADDRESSES: [&str; 3] = ["url", "address", "target"];

/// One row.
struct Row<'a> {
    file: &'a str,
    line: u32,
    columns: &'a BTreeMap<String, usize>,
    record: ::csv::StringRecord,
}

impl Row<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.columns.get(name).and_then(|place| self.record.get(*place));
        found.map(str::trim).filter(|text| !text.is_empty())
    }

    fn remark(&self, text: impl Into<String>) -> Remark {
        Remark { file: self.file.to_owned(), line: self.line, text: text.into() }
    }
}

/// Turns a table.
///
/// # Errors
/// If it is not a table of subsystems.
pub fn import(path: &str, table: &str, options: &Options) -> Result<Imported, String> {
    let mut reader = ::csv::ReaderBuilder::new().flexible(true).from_reader(table.as_bytes());
    let headers = reader.headers().map_err(|error| error.to_string())?;
    let columns: BTreeMap<String, usize> =
        headers.iter().enumerate().map(|(place, name)| (name.trim().to_lowercase(), place)).collect();
    if let Some(missing) = NEEDED.iter().find(|name| !columns.contains_key(**name)) {
        return Err(format!("{path}: there is no column `{missing}`"));
    }
    let (mut imported, mut owners, mut taken) = (Imported::default(), Owners::default(), BTreeSet::new());
    for record in reader.into_records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, ::csv::Position::line);
                let line = u32::try_from(line).unwrap_or(u32::MAX);
                imported.left.push(Remark { file: path.into(), line, text: error.to_string() });
                continue;
            }
        };
        let line = record.position().map_or(0, ::csv::Position::line);
        let row = Row { file: path, line: u32::try_from(line).unwrap_or(u32::MAX), columns: &columns, record };
        take(&row, options, &mut owners, &mut taken, &mut imported);
    }
    owners.write(options, &mut imported);
    Ok(imported)
}

fn take(row: &Row<'_>, options: &Options, owners: &mut Owners, taken: &mut BTreeSet<String>, imported: &mut Imported) {
    let owner = options.owner.as_deref().or(row.get("owner_id"));
    let (Some(owner), Some(id)) = (owner, row.get("subsystem_id")) else {
        imported.left.push(row.remark("no owner or no subsystem in this row"));
        return;
    };
    let (owner, id) = (slug(owner), slug(id));
    if !taken.insert(format!("{owner}/{id}")) {
        imported.left.push(row.remark(format!("`{owner}/{id}` exists already")));
        return;
    }
    let tier = row.get("criticality").map_or("3", |text| text.trim_start_matches(|c: char| !c.is_ascii_digit()));
    let tier = tier.parse::<u8>().ok().filter(|tier| (1..=3).contains(tier)).unwrap_or_else(|| {
        imported.left.push(row.remark("the criticality is none of tier1, tier2, tier3; 3 stands in"));
        3
    });
    let hours = row.get("declared_hours").unwrap_or("7x24");
    let hours = if Hours::parse(hours).is_ok() {
        hours
    } else {
        imported.left.push(row.remark(format!("the hours `{hours}` cannot be read; 7x24 stands in")));
        "7x24"
    };
    let en = row.get("name_en").or(row.get("name_zh")).unwrap_or(&id).to_owned();
    let zh = row.get("name_zh").unwrap_or(&en).to_owned();
    let probe = probe(row, &owner, &id, imported);
    let subsystem = Subsystem { id, zh, en, tier, hours: hours.to_owned(), probes: vec![probe] };
    let place = owners.of(&owner);
    if let Some(zh) = row.get("owner_name_zh") {
        place.name = Some((zh.to_owned(), row.get("owner_name_en").unwrap_or(zh).to_owned()));
    }
    place.subsystems.push(subsystem);
}

fn probe(row: &Row<'_>, owner: &str, id: &str, imported: &mut Imported) -> Probe {
    let asked = row.get("kind").unwrap_or("http").to_lowercase();
    let address = ADDRESSES.iter().find_map(|name| row.get(name));
    let host = format!("{id}.{owner}.invalid");
    let (name, body) = match asked.as_str() {
        "heartbeat" => {
            let token = format!("change-me-{owner}-{id}");
            imported.left.push(row.remark(format!("the token of `{owner}/{id}` is `{token}`; write a secret one")));
            ("heartbeat", map([("token", text(token)), ("period", text("1h"))]))
        }
        other => {
            if address.is_none() {
                imported.left.push(row.remark(format!("`{owner}/{id}` has no address; `{host}` stands in")));
            }
            asking(row, other, address.unwrap_or(&host), &host, imported)
        }
    };
    Probe { name: slug(name), kind: name, every_ms: None, timeout_ms: None, body }
}

/// The kind that is meant, and its body; `http` where nothing else can be made of the row.
fn asking(row: &Row<'_>, asked: &str, address: &str, host: &str, imported: &mut Imported) -> (&'static str, Node) {
    let with_port = |port: u16| if address.contains(':') { address.to_owned() } else { format!("{address}:{port}") };
    let bare = address.split_once("://").map_or(address, |(_, rest)| rest);
    let bare = bare.split(['/', '?', '#']).next().unwrap_or(bare);
    let (name, target) = match asked {
        "tcp" | "grpc" if bare.contains(':') => (asked, bare.to_owned()),
        "tcp" | "grpc" => (asked, format!("{bare}:443")),
        "smtp" => ("smtp", with_port(25)),
        "tls" | "icmp" => (asked, bare.to_owned()),
        "dns" => ("dns", bare.to_owned()),
        "http" => ("http", address.to_owned()),
        other => {
            imported
                .left
                .push(row.remark(format!("a probe of the kind `{other}` is more than a table says; http stands in")));
            ("http", address.to_owned())
        }
    };
    let https = |target: &str| if target.contains("://") { target.to_owned() } else { format!("https://{target}/") };
    let fallback = || ("http", map([("url", text(format!("https://{host}/")))]));
    let Some(kind) = kind(name) else {
        imported.left.push(row.remark(format!("probes of the kind `{name}` are not known here; http stands in")));
        return fallback();
    };
    let (body, target) = match name {
        "http" => (map([]), https(&target)),
        // The name is what the table is about; the resolver is the usual one of the machine.
        "dns" => (map([("server", text("127.0.0.53"))]), target),
        "grpc" => (map([("tls", text("true"))]), target),
        _ => (map([]), target),
    };
    match aimed(kind, &body, &target) {
        Ok(body) => (kind.name, body),
        Err(refused) => {
            imported.left.push(row.remark(format!("{refused}; `{host}` stands in")));
            fallback()
        }
    }
}
