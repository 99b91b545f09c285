//! Parsers of bytes from outside, for fuzz targets: none of them may panic, whatever comes.
//!
//! Not here: the parsers themselves, and what their results mean. Hidden from the documentation.

/// The output of a Nagios plugin, and the ranges in it.
pub fn nagios_output(bytes: &[u8]) {
    super::command::read_output(bytes);
}
