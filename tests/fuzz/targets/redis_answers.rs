//! libFuzzer over `redis_answers`; see `shared`.
#![no_main]

#[path = "../shared.rs"]
mod shared;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| shared::target("redis_answers")(bytes));
