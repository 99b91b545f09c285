//! The files that people edit, one after the other in the place of a good one, as `check` and every reload read them:
//! problems are told with their places, never a panic.
//!
//! The first byte says which file the rest stands in for.
#![no_main]

use gengfu::config::{LoadOptions, Sources, Style, SystemRoots, load, render};
use gengfu::domain::Timestamp;
use gengfu::probe::Heartbeats;
use std::collections::HashMap;
use std::sync::Arc;

/// 2026-11-23T12:00:00Z.
const NOW: Timestamp = Timestamp(1_795_435_200_000);

macro_rules! file {
    ($path:literal) => {
        ($path, include_str!(concat!("../../fixtures/config/base/", $path)))
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

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
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
});
