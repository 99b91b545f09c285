//! The table of `probes/modules.yaml`: how `/probe` asks whom it is told to ask.

use super::things;
use crate::field::{Field, Need, Type};
use crate::probe::{KINDS, ProbeKind};
use std::sync::OnceLock;

const TIMEOUT: Type = Type::Duration { min_ms: 10, max_ms: 300_000 };
/// Kinds whom nobody outside may point at something: they have no target, or run programs.
const NOT_ASKED: [&str; 3] = ["command", "heartbeat", "journey"];
/// Fields that say whom a kind asks; the question fills in the first that a module leaves out.
const TARGETS: [&str; 7] = ["url", "address", "uri", "host", "server", "name", "port"];

/// Whether a module may be of this kind.
pub(in crate::config) fn is_asked(kind: &ProbeKind) -> bool {
    kind.target.is_some() && !NOT_ASKED.contains(&kind.name)
}

/// The body of a kind in which the target may be missing.
fn body(kind: &ProbeKind) -> &'static [Field] {
    let loosened = |field: &Field| {
        let is_target = TARGETS.contains(&field.name) && field.need == Need::Required;
        let need = if is_target { Need::Optional } else { field.need };
        Field { name: field.name, ty: field.ty, need, doc: field.doc }
    };
    Vec::leak(kind.fields.iter().map(loosened).collect())
}

/// A module: its name, its deadline, and one key for each kind, of which exactly one is written.
pub(in crate::config) fn module_fields() -> &'static [Field] {
    static FIELDS: OnceLock<Vec<Field>> = OnceLock::new();
    FIELDS.get_or_init(|| {
        let common = [
            Field::required("name", Type::Text { max: 100 }, "What `module=` says."),
            Field::optional("timeout", TIMEOUT, "One deadline for a whole attempt; else what the asker grants."),
        ];
        let kinds = KINDS.iter().filter(|kind| is_asked(kind));
        let kinds = kinds.map(|kind| Field::optional(kind.name, Type::Record(body(kind)), kind.about));
        common.into_iter().chain(kinds).collect()
    })
}

/// `probes/modules.yaml`.
pub(in crate::config) const MODULE_FILE: &[Field] =
    &[Field::required("modules", things(&Type::RecordOf(module_fields)), "Ways to ask that `/probe` offers.")];
