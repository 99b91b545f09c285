//! The one integration binary: the house from outside.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the report")]

mod check_command;
mod crash;
mod daemon;
mod mail;
mod relays;
mod rig;
mod tidy;
