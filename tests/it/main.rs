//! The one integration binary: the house from outside.

// `cfg(test)` tells clippy that helpers may unwrap here, too.
#[cfg(test)]
mod check_command;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod relays;
#[cfg(test)]
mod tidy;
