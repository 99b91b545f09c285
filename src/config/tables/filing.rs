//! The table of `filing` in `gengfu.yaml`: when an outage has to be reported to an authority.

use super::things;
use crate::field::{Field, Type};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// As in `domain::filing::Category`.
const CATEGORIES: &[&str] = &["critical", "central", "other"];

const WITHIN_DOC: &str = "How long there is from \"known\", in plain hours; else what the rule gives: 1 h, 2 h, 4 h. Local rules may \
                          give less, none gives more.";

const OWNERS_DOC: &str = "All of these owners' subsystems.";

const CATEGORY: &[Field] = &[
    Field::required("category", Type::Choice(CATEGORIES), "What sort of operator."),
    Field::optional("owners", Type::list(&Type::Id), OWNERS_DOC),
    Field::optional(
        "subsystems",
        Type::list(&Type::SubsystemRef),
        "Besides, these; `other` without any is all the rest.",
    ),
    Field::optional("within", Type::Duration { min_ms: 10 * MINUTE, max_ms: 4 * HOUR }, WITHIN_DOC),
    Field::optional("to", Type::Names, "The authority, as drafts call it."),
];

const GRADE: &[Field] = &[
    Field::required(
        "grade",
        Type::Choice(&["considerable", "serious", "especially_serious"]),
        "较大, 重大 or 特别重大: what it is once the threshold is reached.",
    ),
    Field::optional("name", Type::Names, "What it is about, for people."),
    Field::optional("owners", Type::list(&Type::Id), OWNERS_DOC),
    Field::optional("subsystems", Type::list(&Type::SubsystemRef), "Besides, these."),
    Field::optional(
        "category",
        Type::Choice(CATEGORIES),
        "Besides, all of this category. Without any of the three: all that are public.",
    ),
    Field::required(
        "down",
        Type::Duration { min_ms: MINUTE, max_ms: 30 * 24 * HOUR },
        "How long each of them has to be down in one incident.",
    ),
    Field::optional("number", Type::Int { min: 1, max: 100_000 }, "How many of them; else one."),
    Field::optional("share", Type::Percent, "Or how much of them; `100%` is all."),
    Field::optional(
        "people",
        Type::Int { min: 1, max: 2_000_000_000 },
        "Or so many of them that this many people rely on them, by `people`.",
    ),
];

/// `filing`.
pub(super) const FILING: &[Field] = &[
    Field::required("roster", Type::Id, "Who is told, with the draft: a roster of schedules/on-call.yaml."),
    Field::required("unit", Type::Names, "Who reports, as drafts call it."),
    Field::with_default(
        "counts_from",
        Type::Choice(&["incident", "grade"]),
        "incident",
        "\"Known\": from the incident's opening mail on, or from when a threshold was reached, if that is later.",
    ),
    Field::optional(
        "categories",
        things(&Type::Record(CATEGORY)),
        "The first that names a subsystem holds; else `other`.",
    ),
    Field::optional(
        "people",
        Type::Map(&Type::Int { min: 1, max: 2_000_000_000 }),
        "How many people rely on a subsystem: `owner/subsystem: 600000`.",
    ),
    Field::optional("grades", things(&Type::Record(GRADE)), "Thresholds; without them people alone grade."),
];
