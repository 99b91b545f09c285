//! `ssh` by behaviour.
