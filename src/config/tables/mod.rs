//! The tables of all files: which keys, which types, which defaults. Decoding, schemas and documentation read them.
//!
//! Not here: what the values become (`lower`). Invariant: a key that is not in a table is refused.

mod filing;
mod main;
mod modules;
mod plans;
mod probes;
mod rosters;
mod schedules;

pub(super) use main::{CHANNEL_COMMON, MAIN};
pub(super) use modules::{MODULE_FILE, is_asked};
pub(super) use plans::{PLAN_FILE, PLANS, STEP_COMMON};
pub(super) use probes::{OWNER_FILE, PROBE_COMMON};
pub(super) use rosters::ROSTER_FILE;
pub(super) use schedules::{CALENDAR_FILE, COMPOSITE_FILE, FREEZE_FILE, OBJECTIVE_FILE, POLICY_FILE, WINDOW_FILE};

use crate::field::{Field, Type};

/// Most members of any list of things that have an id.
const THINGS_MAX: usize = 100_000;

/// A list of records.
const fn things(of: &'static Type) -> Type {
    Type::List { of, min: 0, max: THINGS_MAX }
}

/// A file of the kinds that people edit.
#[derive(Debug)]
pub struct Document {
    /// Name of its schema, without `.json`.
    pub name: &'static str,
    /// Directory of its schema, relative to `gengfu.yaml`.
    pub schema_directory: &'static str,
    /// Which files it describes.
    pub files: &'static str,
    /// Its table.
    pub fields: &'static [Field],
}

/// Every sort of file, for the schemas and the documentation.
pub static DOCUMENTS: &[Document] = &[
    Document { name: "gengfu", schema_directory: "schedules/.schema", files: "gengfu.yaml", fields: MAIN },
    Document {
        name: "owner",
        schema_directory: "probes/.schema",
        files: "probes/{platform,districts,bureaus,external}/*.yaml",
        fields: OWNER_FILE,
    },
    Document { name: "modules", schema_directory: "probes/.schema", files: "probes/modules.yaml", fields: MODULE_FILE },
    Document {
        name: "windows",
        schema_directory: "schedules/.schema",
        files: "schedules/windows/*.yaml",
        fields: WINDOW_FILE,
    },
    Document {
        name: "plans",
        schema_directory: "schedules/.schema",
        files: "schedules/plans/*.yaml",
        fields: PLAN_FILE,
    },
    Document {
        name: "policies",
        schema_directory: "schedules/.schema",
        files: "schedules/policies/*.yaml",
        fields: POLICY_FILE,
    },
    Document {
        name: "freezes",
        schema_directory: "schedules/.schema",
        files: "schedules/freezes.yaml",
        fields: FREEZE_FILE,
    },
    Document {
        name: "calendar",
        schema_directory: "schedules/.schema",
        files: "schedules/calendars/*.yaml",
        fields: CALENDAR_FILE,
    },
    Document {
        name: "objectives",
        schema_directory: "schedules/.schema",
        files: "schedules/objectives.yaml",
        fields: OBJECTIVE_FILE,
    },
    Document {
        name: "composites",
        schema_directory: "schedules/.schema",
        files: "schedules/composites.yaml",
        fields: COMPOSITE_FILE,
    },
    Document {
        name: "on-call",
        schema_directory: "schedules/.schema",
        files: "schedules/on-call.yaml",
        fields: ROSTER_FILE,
    },
];
