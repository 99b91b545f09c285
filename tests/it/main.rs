//! The one integration binary: the house from outside.

mod delivery;
mod mail;
mod relays;
