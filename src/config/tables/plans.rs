//! The tables of plans, and of what `gengfu.yaml` grants to them.

use super::things;
use crate::domain::plan::STEPS_MAX;
use crate::field::{Field, Type};
use crate::step::{KINDS, Part};
use std::sync::OnceLock;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
const TIME: Type = Type::Duration { min_ms: 0, max_ms: 7 * DAY_MS };
const REPEAT: Type = Type::Choice(&["idempotent", "keyed", "never"]);
const REPEAT_DOC: &str = "Whether it may be tried a second time: twice is as good as once, the other side knows the key, \
                          or never; when left out, what fits its kind.";

/// What every step has besides the body of its kind.
pub(in crate::config) const STEP_COMMON: &[Field] = &[
    Field::required("id", Type::Id, "Unique within the plan."),
    Field::optional("needs", Type::list(&Type::Id), "Steps that must be done before; the one above when left out."),
    Field::optional(
        "wave",
        Type::Int { min: 1, max: 100 },
        "A wave begins when the former one is done and has rested.",
    ),
    Field::with_default("timeout", Type::Duration { min_ms: 100, max_ms: DAY_MS }, "5m", "Deadline of one try."),
    Field::optional(
        "retries",
        Type::Int { min: 0, max: 20 },
        "How often a failed try is repeated; 2 where that is safe.",
    ),
    Field::optional("repeat", REPEAT, REPEAT_DOC),
    Field::optional("undo", Type::RecordOf(undo_fields), "What takes it back."),
    Field::optional("observe", Type::RecordOf(look_fields), "How to see whether its effect exists."),
    Field::optional(
        "on_unknown",
        Type::Choice(&["again", "park", "abort"]),
        "When nobody can see whether it was done: again where that is safe, else ask a person; or turn back.",
    ),
];

fn with_kinds(common: &[Field], wanted: fn(Part) -> bool) -> Vec<Field> {
    let common = common.iter().map(|f| Field { name: f.name, ty: f.ty, need: f.need, doc: f.doc });
    let kinds = KINDS.iter().filter(|kind| wanted(kind.part));
    common.chain(kinds.map(|k| Field::optional(k.name, Type::Record(k.fields), k.about))).collect()
}

/// The table of a step: what all have, and one key for each kind, of which exactly one is written.
pub(in crate::config) fn step_fields() -> &'static [Field] {
    static FIELDS: OnceLock<Vec<Field>> = OnceLock::new();
    FIELDS.get_or_init(|| with_kinds(STEP_COMMON, |_| true))
}

/// The table of an `undo`.
pub(in crate::config) fn undo_fields() -> &'static [Field] {
    static FIELDS: OnceLock<Vec<Field>> = OnceLock::new();
    FIELDS.get_or_init(|| with_kinds(&[Field::optional("repeat", REPEAT, REPEAT_DOC)], |part| part == Part::Run))
}

/// The table of an `observe`.
pub(in crate::config) fn look_fields() -> &'static [Field] {
    static FIELDS: OnceLock<Vec<Field>> = OnceLock::new();
    FIELDS.get_or_init(|| with_kinds(&[], |part| part == Part::Run))
}

const GUARD: Type = Type::Choice(&["policy", "incidents"]);

const PLAN: &[Field] = &[
    Field::required("id", Type::Id, "Unique."),
    Field::required("owner", Type::Id, "Whose it is; its programs, units and secrets are those granted to this owner."),
    Field::required("name", Type::Names, "What people call it."),
    Field::with_default(
        "guards",
        Type::OneOrMany(&GUARD),
        "policy",
        "What must hold before each step: the policy still allows the rest of the window; no incident on dependants.",
    ),
    Field::with_default("rest", TIME, "0s", "Between the end of a wave and the start of the next one."),
    Field::required("reserve", TIME, "Kept free before the end for the way back."),
    Field::with_default("verify", TIME, "5m", "Kept free before the end for verification."),
    Field::required(
        "steps",
        Type::List { of: &Type::RecordOf(step_fields), min: 1, max: STEPS_MAX },
        "One after the other, unless `needs` says otherwise.",
    ),
];

/// `schedules/plans/*.yaml`.
pub(in crate::config) const PLAN_FILE: &[Field] =
    &[Field::required("plans", things(&Type::Record(PLAN)), "How maintenance is carried out.")];

const UNITS: &[Field] = &[
    Field::required("owners", Type::List { of: &Type::Id, min: 1, max: 1_000 }, "Whose plans."),
    Field::required(
        "names",
        Type::List { of: &Type::Text { max: 256 }, min: 1, max: 1_000 },
        "Names of units, or beginnings followed by `*`.",
    ),
];

/// `plans` of `gengfu.yaml`.
pub(in crate::config) const PLANS: &[Field] = &[
    Field::with_default("flags", Type::TEXT, "var/flags", "Where `drain` puts its flags, relative to this file."),
    Field::with_default("systemctl", Type::TEXT, "/usr/bin/systemctl", "The program that talks to systemd."),
    Field::optional("units", things(&Type::Record(UNITS)), "Units of systemd that owners' plans may touch."),
];
