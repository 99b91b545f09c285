//! `smtp` by behaviour.
