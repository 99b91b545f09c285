//! What `gengfu.yaml` grants to plans: where flags lie, who talks to systemd, and whose units are whose.
//!
//! Not here: the plans (`lower`). Invariant: paths are resolved against the main file.

use crate::domain::OwnerId;
use crate::field::Record;
use crate::step::UnitGrant;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `plans` of `gengfu.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanSettings {
    /// Where `drain` puts its flags.
    pub flags: PathBuf,
    /// The program that talks to systemd.
    pub systemctl: PathBuf,
    /// Units that owners may touch.
    pub units: Arc<Vec<UnitGrant>>,
}

impl PlanSettings {
    /// Lowers the record of the main file.
    pub(super) fn lower(root: &Path, main: &Record) -> Self {
        let record = main.record("plans");
        let text = |field: &str, ours: &str| record.map_or_else(|| ours.to_owned(), |r| r.text(field).to_owned());
        let grant = |unit: &Record| UnitGrant {
            owners: unit.texts("owners").map(|(id, _)| OwnerId::new(id)).collect(),
            names: unit.texts("names").map(|(name, _)| name.to_owned()).collect(),
        };
        let absolute = |path: &str| std::path::absolute(root.join(path)).unwrap_or_default();
        Self {
            flags: absolute(&text("flags", "var/flags")),
            systemctl: absolute(&text("systemctl", "/usr/bin/systemctl")),
            units: Arc::new(record.into_iter().flat_map(|r| r.records("units")).map(grant).collect()),
        }
    }
}
