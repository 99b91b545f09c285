//! Replays every file that fuzzing kept, and every seed, through the functions that are fuzzed.
//!
//! Not here: fuzzing itself (`make fuzz`). Invariants: whatever once was a defect stays mended; rows, programs and folders
//! go together; the corpora stay small.

#[path = "../fuzz/shared.rs"]
mod shared;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

/// All corpora together.
const BYTES_MAX: u64 = 4 << 20;
/// One input, in a debug build on a busy machine.
const TOOK_MAX: Duration = Duration::from_secs(10);

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut entries: Vec<PathBuf> = listed.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

#[test]
fn every_kept_input_is_taken_quickly_and_without_a_panic() {
    for (name, target) in shared::TARGETS {
        for input in entries(&home().join("corpus").join(name)) {
            let bytes = fs::read(&input).unwrap();
            let began = Instant::now();
            assert!(catch_unwind(|| target(&bytes)).is_ok(), "{name} panics over {}", input.display());
            assert!(began.elapsed() < TOOK_MAX, "{name} takes {:?} over {}", began.elapsed(), input.display());
        }
    }
}

#[test]
fn every_target_has_its_program_and_its_seeds() {
    let names: Vec<&str> = shared::TARGETS.iter().map(|row| row.0).collect();
    assert!(names.is_sorted(), "rows of TARGETS are in alphabetical order");
    assert_eq!(names.iter().filter(|name| std::ptr::fn_addr_eq(shared::target(name), shared::TARGETS[0].1)).count(), 1);
    let manifest = fs::read_to_string(home().join("Cargo.toml")).unwrap();
    let programs = manifest.lines().filter_map(|line| line.strip_prefix("path = \"targets/")?.strip_suffix(".rs\""));
    assert_eq!(programs.collect::<Vec<_>>(), names, "programs of tests/fuzz/Cargo.toml");
    let folders = entries(&home().join("corpus"));
    let folders: Vec<&str> = folders.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(folders, names, "folders of tests/fuzz/corpus");
    for name in names {
        assert!(!entries(&home().join("corpus").join(name)).is_empty(), "{name} has no seed");
    }
}

#[test]
fn corpora_stay_small() {
    let files = shared::TARGETS.iter().flat_map(|(name, _)| entries(&home().join("corpus").join(name)));
    let bytes: u64 = files.map(|file| fs::metadata(file).unwrap().len()).sum();
    assert!(bytes < BYTES_MAX, "{bytes} bytes; minimise them with `-set_cover_merge=1` of libFuzzer");
}
