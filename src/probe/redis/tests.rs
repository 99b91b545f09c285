//! `redis` by behaviour.
