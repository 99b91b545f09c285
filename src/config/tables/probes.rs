//! The table of an owner's file.

use super::things;
use crate::field::{Field, Type};
use crate::probe::KINDS;
use std::sync::OnceLock;

const DAY_MS: i64 = 86_400_000;
const EVERY: Type = Type::Duration { min_ms: 100, max_ms: DAY_MS };
const TIMEOUT: Type = Type::Duration { min_ms: 10, max_ms: 300_000 };
const COUNT: Type = Type::Int { min: 1, max: 100 };
const CONFIRM: Type = Type::Duration { min_ms: 10, max_ms: 3_600_000 };

const OWNER: &[Field] = &[
    Field::required("id", Type::Id, "The owner's id; the file is called after it."),
    Field::required("kind", Type::Choice(&["platform", "district", "bureau", "external"]), "What sort it is."),
    Field::required("name", Type::Names, "What people call it."),
    Field::required("on_call", Type::Id, "The roster that is told."),
    Field::optional("runbook", Type::HTTP_URL, "What to do when something of it fails; linked in every mail about it."),
];

const DEFAULTS: &[Field] = &[
    Field::with_default("every", EVERY, "60s", "How often a probe runs."),
    Field::with_default("timeout", TIMEOUT, "15s", "One deadline for a whole attempt."),
    Field::with_default("fall", COUNT, "3", "Consecutive fails that make a probe failing."),
    Field::with_default("rise", COUNT, "2", "Consecutive passes that make it passing."),
    Field::with_default("confirm_every", CONFIRM, "5s", "How often it is re-tried while a change is unconfirmed."),
];

/// What every probe has besides the body of its kind.
pub(in crate::config) const PROBE_COMMON: &[Field] = &[
    Field::required("name", Type::Id, "Unique within the subsystem."),
    Field::optional("every", EVERY, "Instead of the file's default."),
    Field::optional("timeout", TIMEOUT, "Instead of the file's default."),
    Field::optional("fall", COUNT, "Instead of the file's default."),
    Field::optional("rise", COUNT, "Instead of the file's default."),
    Field::optional("confirm_every", CONFIRM, "Instead of the file's default."),
    Field::with_default(
        "role",
        Type::Choice(&["critical", "supporting"]),
        "critical",
        "Whether its failure takes the subsystem down, or leaves it degraded.",
    ),
];

/// The table of a probe: what all have, and one key for each kind, of which exactly one is written.
pub(in crate::config) fn probe_fields() -> &'static [Field] {
    static FIELDS: OnceLock<Vec<Field>> = OnceLock::new();
    FIELDS.get_or_init(|| {
        let common = PROBE_COMMON.iter().map(|f| Field { name: f.name, ty: f.ty, need: f.need, doc: f.doc });
        let kinds = KINDS.iter().map(|k| Field::optional(k.name, Type::Record(k.fields), k.about));
        common.chain(kinds).collect()
    })
}

const DEPENDENCY: &[Field] = &[
    Field::optional(
        "any_of",
        Type::List { of: &Type::SubsystemRef, min: 2, max: 50 },
        "A redundancy group: it fails when all of them fail.",
    ),
    Field::optional("soft", Type::SubsystemRef, "Explains; neither suppresses nor shortens hours."),
];

const SUBSYSTEM: &[Field] = &[
    Field::required("id", Type::Id, "Unique within the owner."),
    Field::optional("was", Type::SubsystemRef, "Its former id, whose history it carries on."),
    Field::required("name", Type::Names, "What people call it."),
    Field::required("tier", Type::Int { min: 1, max: 3 }, "How much hangs on it; 1 is the most."),
    Field::with_default("public", Type::Bool, "false", "Whether citizens see it and inspectors visit it."),
    Field::required("hours", Type::Hours, "The hours that its owner declares."),
    Field::optional("objective", Type::Id, "The promise, of schedules/objectives.yaml, where the rest of it stands."),
    Field::optional(
        "depends_on",
        Type::List { of: &Type::Either(&[Type::SubsystemRef, Type::OneKey(DEPENDENCY)]), min: 0, max: 200 },
        "What it needs.",
    ),
    Field::optional("runbook", Type::HTTP_URL, "What to do when it fails, instead of the owner's."),
    Field::required(
        "probes",
        Type::List { of: &Type::RecordOf(probe_fields), min: 1, max: 200 },
        "How it is asked whether it is open.",
    ),
];

/// `probes/{area}/{owner}.yaml`.
pub(in crate::config) const OWNER_FILE: &[Field] = &[
    Field::required("owner", Type::Record(OWNER), "Who answers for these subsystems."),
    Field::optional("defaults", Type::Record(DEFAULTS), "For all probes of this file."),
    Field::required("subsystems", things(&Type::Record(SUBSYSTEM)), "What there is to watch."),
];
