//! libFuzzer over `http_bodies`; see `shared`.
#![no_main]

#[path = "../shared.rs"]
mod shared;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| shared::target("http_bodies")(bytes));
