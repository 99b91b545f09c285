//! `starttls` by behaviour.
