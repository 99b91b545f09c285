//! The one integration binary: the house from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test fails loudly"
)]

// `cfg(test)` tells clippy that helpers may unwrap here, too.
#[cfg(test)]
mod check_command;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod crash;
mod daemon;
mod mail;
#[cfg(test)]
mod relays;
mod shipped_files;
#[cfg(test)]
mod rig;
mod tidy;
