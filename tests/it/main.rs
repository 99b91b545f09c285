//! The one integration binary: the house from outside.

mod check_command;
mod tidy;
mod mail;
mod relays;
