//! What is fuzzed: one function per parser of bytes from outside, none of which may panic or take long.
//!
//! Not here: libFuzzer (`targets/`) and the replay of the corpora in every test run (`tests/it/corpus.rs`); both include
//! this file. Invariant: a row of [`TARGETS`], a program in `Cargo.toml` and a folder below `corpus` go together.

use gengfu::config::{LoadOptions, Sources, Style, SystemRoots, load, render};
use gengfu::domain::Timestamp;
use gengfu::import;
use gengfu::probe::{Heartbeats, fuzz};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// A parser that takes whatever comes.
pub(crate) type Target = fn(&[u8]);

/// Every target by its name.
pub(crate) const TARGETS: &[(&str, Target)] = &[
    ("certificate", fuzz::certificate),
    ("dns_answer", fuzz::dns_answer),
    ("files", files),
    ("http_bodies", fuzz::http_bodies),
    ("icmp_reply", fuzz::icmp_reply),
    ("imports", imports),
    ("journey_templates", fuzz::journey_templates),
    ("json_path", fuzz::json_path),
    ("ldap_answer", fuzz::ldap_answer),
    ("modules", modules),
    ("mysql_answers", fuzz::mysql_answers),
    ("nagios_output", fuzz::nagios_output),
    ("ocsp_staple", fuzz::ocsp_staple),
    ("redis_answers", fuzz::redis_answers),
    ("sip_response", fuzz::sip_response),
    ("smtp_replies", fuzz::smtp_replies),
    ("ssh_banner", fuzz::ssh_banner),
    ("starttls_preludes", fuzz::starttls_preludes),
];

/// 2026-11-23T12:00:00Z.
const NOW: Timestamp = Timestamp(1_795_435_200_000);

macro_rules! file {
    ($path:literal) => {
        ($path, include_str!(concat!("../fixtures/config/base/", $path)))
    };
}

/// A good set.
const FILES: [(&str, &str); 9] = [
    file!("gengfu.yaml"),
    file!("probes/districts/huangpu.yaml"),
    file!("probes/platform/bdc.yaml"),
    file!("schedules/calendars/china.yaml"),
    file!("schedules/freezes.yaml"),
    file!("schedules/objectives.yaml"),
    file!("schedules/on-call.yaml"),
    file!("schedules/policies/off-hours.yaml"),
    file!("schedules/windows/bdc.yaml"),
];

/// The target of that name.
pub(crate) fn target(name: &str) -> Target {
    let row = TARGETS.iter().find(|row| row.0 == name);
    row.unwrap_or_else(|| panic!("no target {name} in tests/fuzz/shared.rs")).1
}

/// The files that people edit, one of them replaced, as `check` and every reload read them: problems are told with their
/// places. The first byte says which file the rest stands in for.
fn files(bytes: &[u8]) {
    let Some((which, text)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(text);
    let mut files = FILES;
    let place = usize::from(*which) % files.len();
    files[place].1 = &text;
    judge(&Sources::from_memory(files));
}

/// The ways of `/probe`, in our words or in those of `blackbox.yml`: both stand in the same place.
fn modules(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    judge(&Sources::from_memory(FILES.into_iter().chain([("probes/modules.yaml", &*text)])));
}

fn judge(sources: &Sources) {
    let env = HashMap::from([("KIOSKS_TOKEN".to_owned(), "t".to_owned())]);
    let mut options = LoadOptions::new(NOW, env, Arc::new(Heartbeats::new(NOW)));
    options.system_roots = SystemRoots::Skip;
    if let Err(problems) = load(sources, &options) {
        assert!(!render(&problems, sources, Style::Plain).is_empty(), "refused without a word");
    }
}

/// The files that other programs are set up with. The first byte says whose.
fn imports(bytes: &[u8]) {
    let Some((which, rest)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(rest).into_owned();
    let (options, base) = (import::Options::default(), Path::new("/"));
    let input = |path: &str, text: String| import::Input { path: path.into(), text };
    match which % 4 {
        0 => drop(import::blackbox::import(&[input("blackbox.yml", text)], base)),
        1 => drop(import::gatus::import(&[input("config.yaml", text)], &options)),
        2 => {
            let modules = input("blackbox.yml", "modules: { web: { prober: http }, name: { prober: dns } }".into());
            let read = |pattern: &str| Err(format!("{pattern}: not here"));
            drop(import::prometheus::import(&[modules, input("prometheus.yml", text)], base, &read, &options));
        }
        _ => {
            if let Ok(table) = import::csv::decode(rest, None) {
                let _ = import::csv::import("table.csv", &table, &options);
            }
        }
    }
}
