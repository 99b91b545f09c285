//! What is fuzzed: one function per parser of bytes from outside, none of which may panic or take long.
//!
//! Not here: libFuzzer (`targets/`) and the replay of the corpora in every test run (`tests/it/corpus.rs`); both include
//! this file. Invariant: a row of [`TARGETS`], a program in `Cargo.toml` and a folder below `corpus` go together.

use gengfu::config::{LoadOptions, Sources, Style, SystemRoots, load, render};
use gengfu::domain::Timestamp;
use gengfu::probe::{Heartbeats, fuzz};
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

/// A parser that takes whatever comes.
pub(crate) type Target = fn(&[u8]);

/// Every target by its name.
pub(crate) const TARGETS: &[(&str, Target)] = &[
    ("certificate", fuzz::certificate),
    ("dns_answer", fuzz::dns_answer),
    ("files", files),
    ("icmp_reply", fuzz::icmp_reply),
    ("json_path", json_path),
    ("ldap_answer", fuzz::ldap_answer),
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
    let sources = Sources::from_memory(files);
    let env = HashMap::from([("KIOSKS_TOKEN".to_owned(), "t".to_owned())]);
    let mut options = LoadOptions::new(NOW, env, Arc::new(Heartbeats::new(NOW)));
    options.system_roots = SystemRoots::Skip;
    if let Err(problems) = load(&sources, &options) {
        assert!(!render(&problems, &sources, Style::Plain).is_empty(), "refused without a word");
    }
}

/// A JSONPath in the first line, and the body that it is asked of.
fn json_path(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Some((path, body)) = text.split_once('\n') else { return };
    if let (Ok(path), Ok(body)) = (serde_json_path::JsonPath::parse(path), serde_json::from_str(body)) {
        black_box(path.query(&body).all().len());
    }
}
