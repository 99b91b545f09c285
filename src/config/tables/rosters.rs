//! The table of `schedules/on-call.yaml`: people, and the rosters that name them.

use super::things;
use crate::field::{Field, Type};

const DAY_MS: i64 = 86_400_000;
const NAME: Field = Field::required("name", Type::TEXT, "A post or a name.");
const MAIL: Field = Field::optional("mail", Type::Mail, "Where to; or `channel`.");
const CHANNEL: Field = Field::optional("channel", Type::Id, "A channel of gengfu.yaml, instead of `mail`.");
const LANGUAGE: Field = Field::with_default("language", Type::Choice(&["zh", "en"]), "zh", "What they read.");

const DIGEST_AT: Field = Field::optional(
    "digest_at",
    Type::Time,
    "The local time at which they hear of tickets of tier 3, in one mail a day; without it each is told at once.",
);

const PERSON: &[Field] = &[Field::required("id", Type::Id, "Unique."), NAME, MAIL, CHANNEL, LANGUAGE, DIGEST_AT];
const CONTACT: &[Field] = &[NAME, MAIL, CHANNEL, LANGUAGE, DIGEST_AT];

/// Somebody alone, or several.
const WHO: Type = Type::OneOrMany(&Type::Id);
const GROUP: Type = Type::List { of: &Type::Id, min: 1, max: 20 };
const FROM: Field = Field::required("from", Type::DateTime, "Local time of the beginning.");
const TO: Field = Field::required("to", Type::DateTime, "Local time of the end, which is outside.");

const LAYER: &[Field] = &[
    Field::required("id", Type::Id, "Unique in its roster."),
    Field::required(
        "members",
        Type::List { of: &Type::Either(&[Type::Id, GROUP]), min: 1, max: 200 },
        "People, in the order of their turns; a list among them shares a turn.",
    ),
    Field::optional(
        "from",
        Type::DateTime,
        "The first hand-over; all others are at the same local time. Nobody has a turn before it. A layer with one \
         member needs none.",
    ),
    Field::with_default(
        "every",
        Type::Duration { min_ms: DAY_MS, max_ms: 366 * DAY_MS },
        "7d",
        "How long a turn is, in whole days.",
    ),
    Field::with_default(
        "when",
        Type::Hours,
        "7x24",
        "When the layer has anybody; at other times the next one is asked.",
    ),
    Field::with_default(
        "beside",
        Type::Bool,
        "false",
        "Whether they are told besides whoever is on duty, instead of being that.",
    ),
];

const SHIFT: &[Field] = &[FROM, TO, Field::required("who", WHO, "People who share the shift.")];

const OVERRIDE: &[Field] = &[
    FROM,
    TO,
    Field::required("who", WHO, "People who stand in."),
    Field::optional("instead_of", Type::Id, "Whose place they take; without it, the place of all who are on duty."),
    Field::optional("reason", Type::Text { max: 200 }, "Why; it is shown."),
];

const STEP: &[Field] = &[
    Field::required(
        "after",
        Type::Duration { min_ms: 60_000, max_ms: 7 * DAY_MS },
        "How long after the opening mail, while nobody says that they have it.",
    ),
    Field::required("to", Type::OneOrMany(&Type::Id), "Rosters whose people on duty are told then."),
];

const ROSTER: &[Field] = &[
    Field::required("id", Type::Id, "Unique."),
    Field::optional(
        "contacts",
        Type::List { of: &Type::Either(&[Type::Id, Type::Record(CONTACT)]), min: 0, max: 100 },
        "Told always, everyone: contacts, or people by their id.",
    ),
    Field::optional(
        "layers",
        Type::List { of: &Type::Record(LAYER), min: 1, max: 20 },
        "Rotations; the first that has somebody decides who is on duty.",
    ),
    Field::optional(
        "shifts",
        Type::List { of: &Type::Record(SHIFT), min: 0, max: 2_000 },
        "Listed shifts; they go before all layers.",
    ),
    Field::optional(
        "overrides",
        Type::List { of: &Type::Record(OVERRIDE), min: 0, max: 1_000 },
        "Who stands in for whom; they go before shifts and layers, each upon the one before.",
    ),
    Field::optional(
        "escalate",
        Type::List { of: &Type::Record(STEP), min: 0, max: 10 },
        "Who is told when nobody answers, in order of time; after 15 min the fallback roster, unless it is said here.",
    ),
];

/// `schedules/on-call.yaml`.
pub(in crate::config) const ROSTER_FILE: &[Field] = &[
    Field::optional("people", things(&Type::Record(PERSON)), "People and posts whom rosters name by their id."),
    Field::required("rosters", things(&Type::Record(ROSTER)), "Who is told."),
];
