//! How delivery behaves.
