//! The one integration binary: the house from outside.

mod check_command;
mod crash;
mod daemon;
mod mail;
mod relays;
mod rig;
mod tidy;
