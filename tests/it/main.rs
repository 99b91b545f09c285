//! The one integration binary: the house from outside.

mod check_command;
mod mail;
mod relays;
mod tidy;
