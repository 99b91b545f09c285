//! Pages, API and feeds.
pub mod figures;
pub mod state;
