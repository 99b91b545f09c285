//! The one integration binary: the house from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test fails loudly"
)]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the report")]

mod check_command;
mod crash;
mod daemon;
mod delivery;
mod mail;
mod relays;
mod rig;
mod shipped_files;
mod tidy;
