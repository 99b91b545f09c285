//! The parsers of bytes from outside, one function each, so that a fuzzer can reach them.
//!
//! Not here: judging what they make of it. Invariant: no function here panics, whatever the bytes.

use super::sql::mysql_packets;
use std::hint::black_box;

/// What a MySQL server may say: greeting, error, another login method, row.
pub fn mysql_answers(bytes: &[u8]) {
    mysql_packets(bytes, |shown| _ = black_box(shown));
}
