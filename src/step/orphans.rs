//! Programs that a killed process of ours left running: they are ended before anybody looks what they did.
//!
//! They are found by the store, the run and the epoch in their environment, which only the system and their own user can
//! read. Not here: programs of the present epoch, which end with us. Invariant: nothing but a program that bears the
//! name of our store, the run's and a lower epoch is ended; another daemon on the machine may carry out the same window.

use crate::domain::RunId;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// How often it is looked whether they are gone.
const LOOKS_MAX: u32 = 40;
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// The variable by which programs of a daemon with this store are known.
pub(super) fn mark(store: &Path) -> (String, String) {
    let store = std::path::absolute(store).unwrap_or_else(|_| store.to_owned());
    ("GENGFU_STORE".to_owned(), store.display().to_string())
}

/// Ends what bears the name of `store`, `run` and an epoch below `epoch`; whether nothing of it is left. Blocks for a moment.
pub(super) fn end(store: &Path, run: &RunId, epoch: u32) -> bool {
    for _ in 0..LOOKS_MAX {
        let left = find(store, run, epoch);
        if left.is_empty() {
            return true;
        }
        for pid in left {
            // It may have ended meanwhile.
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::park_timeout(PAUSE);
    }
    false
}

fn find(store: &Path, run: &RunId, epoch: u32) -> Vec<Pid> {
    let (name, value) = mark(store);
    let wanted = [format!("{name}={value}"), format!("GENGFU_RUN={run}")];
    let belongs = |environment: &[u8]| {
        let mut texts = environment.split(|byte| *byte == 0);
        let epoch_of =
            |text: &[u8]| std::str::from_utf8(text.strip_prefix(b"GENGFU_EPOCH=")?).ok()?.parse::<u32>().ok();
        let bears = |wanted: &String| texts.clone().any(|text| text == wanted.as_bytes());
        wanted.iter().all(bears) && texts.find_map(epoch_of).is_some_and(|e| e < epoch)
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pid = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse::<i32>().ok()?;
        let environment = fs::read(entry.path().join("environ")).ok()?;
        belongs(&environment).then(|| Pid::from_raw(pid))?
    };
    entries.filter_map(pid).collect()
}
