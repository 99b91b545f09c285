//! The one integration binary: the house from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test fails loudly"
)]

mod check_command;
mod corpus;
mod crash;
mod daemon;
mod delivery;
mod mail;
mod plans;
mod probe_endpoint;
mod relays;
mod rig;
mod shipped_files;
mod tidy;
