//! The one integration binary: the house from outside.

mod check_command;
mod delivery;
mod mail;
mod relays;
mod shipped_files;
mod tidy;
