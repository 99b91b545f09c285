//! libFuzzer over `nagios_output`; see `shared`.
#![no_main]

#[path = "../shared.rs"]
mod shared;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| shared::target("nagios_output")(bytes));
