//! The tables of the files below `schedules/`.

use super::things;
use crate::domain::Pages;
use crate::domain::window::LENGTH_MAX;
use crate::domain::window::rule::RULE_BYTES_MAX;
use crate::field::{Field, Type};

const HOUR_MS: i64 = 3_600_000;
const WEEKDAYS: Type = Type::Choice(&["mon", "tue", "wed", "thu", "fri", "sat", "sun"]);
const TIER: Type = Type::Int { min: 1, max: 3 };

const SELECTOR: &[Field] = &[
    Field::optional("tier", Type::OneOrMany(&TIER), "Any of these tiers."),
    Field::optional("owner", Type::OneOrMany(&Type::Id), "Any of these owners."),
    Field::optional("ids", Type::OneOrMany(&Type::SubsystemRef), "Any of these subsystems."),
    Field::optional("except", Type::OneOrMany(&Type::SubsystemRef), "None of these."),
];

const DATES: &[Field] = &[
    Field::required("from", Type::DateOrYearly, "The first date inside."),
    Field::required("to", Type::DateOrYearly, "The last date inside."),
];

const ALLOW: &[Field] = &[
    Field::with_default("always", Type::Bool, "false", "At any time."),
    Field::optional("nights", Type::DayPart, "In these hours of every day."),
    Field::with_default("non_working_days", Type::Bool, "false", "On days that the statutory calendar has off."),
];

const LONGEST: &[Field] = &[
    Field::optional("warn", Type::DURATION, "Longer windows are warned about."),
    Field::optional("deny", Type::DURATION, "Longer windows are denied."),
];

const CAPS: &[Field] = &[
    Field::optional("per_month", Type::Int { min: 1, max: 1_000 }, "Most windows that start in the month."),
    Field::optional("hours_per_month", Type::Int { min: 1, max: 744 }, "Most hours of the windows that start in it."),
];

const AT_ONCE: &[Field] = &[
    Field::required("tier", TIER, "Subsystems of this tier …"),
    Field::required("most", Type::Int { min: 1, max: 10_000 }, "… and at most so many of them, of all owners."),
];

const BUDGET: &[Field] =
    &[Field::required("needs", Type::Percent, "The share of the month's budget that must be left.")];

const POLICY: &[Field] = &[
    Field::required("id", Type::Id, "Unique."),
    Field::required("applies_to", Type::Record(SELECTOR), "What it governs; all conditions must hold."),
    Field::with_default(
        "gate",
        Type::Choice(&["hours", "window"]),
        "hours",
        "What the gate asks for: allowed hours, or an announced window.",
    ),
    Field::required("allow", Type::Record(ALLOW), "When maintenance is allowed: the union of these."),
    Field::optional("deny", things(&Type::Record(DATES)), "Dates on which it is not, all the same."),
    Field::optional("longest", Type::Record(LONGEST), "How long a window may be."),
    Field::with_default(
        "notice",
        Type::Choice(&["by_length", "none"]),
        "by_length",
        "How long before its start a window must be announced.",
    ),
    Field::with_default(
        "approvals",
        Type::Int { min: 0, max: 9 },
        "0",
        "How many people must approve a window, the applicant not among them.",
    ),
    Field::optional("caps", Type::Record(CAPS), "What one owner may take in a civil month."),
    Field::optional(
        "at_once",
        Type::Record(AT_ONCE),
        "How many subsystems of a tier may be under maintenance at once.",
    ),
    Field::optional("budget", Type::Record(BUDGET), "How much of the error budget must be left for a window."),
];

/// `schedules/policies/*.yaml`.
pub(in crate::config) const POLICY_FILE: &[Field] =
    &[Field::required("policies", things(&Type::Record(POLICY)), "When maintenance is allowed.")];

const FREEZE: &[Field] = &[
    Field::required("id", Type::Id, "Unique."),
    Field::required("name", Type::Names, "What people call it."),
    Field::required("applies_to", Type::Record(SELECTOR), "What must not be changed."),
    Field::required("dates", Type::List { of: &Type::Record(DATES), min: 1, max: 100 }, "When; both ends are inside."),
];

/// `schedules/freezes.yaml`.
pub(in crate::config) const FREEZE_FILE: &[Field] =
    &[Field::required("freezes", things(&Type::Record(FREEZE)), "When nothing is changed, whatever policies say.")];

const TARGET: Field = Field::optional("target", Type::Percent, "The share of eligible time.");
const PERIOD: Field = Field::optional(
    "period",
    Type::Choice(&["week", "month", "quarter", "year", "rolling_7d", "rolling_30d"]),
    "The period of the promise; a month unless anybody says otherwise.",
);
const FIGURE: Field = Field::optional(
    "figure",
    Type::Choice(&["public", "contract"]),
    "`contract` leaves out maintenance that was approved, announced in time and inside policy; `public` unless anybody \
     says otherwise.",
);
const PROMISED_HOURS: Field =
    Field::optional("hours", Type::Hours, "Hours of the promise; the declared ones unless anybody says otherwise.");
const EXCLUSION_CAP: Field = Field::optional(
    "exclusion_cap",
    Type::Duration { min_ms: 0, max_ms: 744 * HOUR_MS },
    "At most this much maintenance is left out in a civil month; 8h unless anybody says otherwise.",
);
const PAGES: Field = Field::optional(
    "pages",
    Type::List { of: &Type::Choice(&Pages::WORDS), min: 0, max: 3 },
    "Which signs of a budget at risk wake somebody; the others are tickets. All of them unless anybody says otherwise.",
);

const TERMS: &[Field] = &[TARGET, PERIOD, FIGURE, PROMISED_HOURS, EXCLUSION_CAP, PAGES];

const OBJECTIVE: &[Field] =
    &[Field::required("id", Type::Id, "Unique."), TARGET, PERIOD, FIGURE, PROMISED_HOURS, EXCLUSION_CAP, PAGES];

const KINDS: &[Field] = &[
    Field::optional("platform", Type::Record(TERMS), "The shared platform."),
    Field::optional("district", Type::Record(TERMS), "Districts."),
    Field::optional("bureau", Type::Record(TERMS), "Bureaus, commissions, offices and centres."),
    Field::optional("external", Type::Record(TERMS), "Upstream and external parties."),
];

/// `schedules/objectives.yaml`.
pub(in crate::config) const OBJECTIVE_FILE: &[Field] = &[
    Field::optional(
        "platform",
        Type::Record(TERMS),
        "What holds for everybody, unless somebody nearer says otherwise.",
    ),
    Field::optional("kinds", Type::Record(KINDS), "What holds for a kind of owner."),
    Field::optional("owners", Type::Map(&Type::Record(TERMS)), "What holds for an owner, by id."),
    Field::required("objectives", things(&Type::Record(OBJECTIVE)), "What subsystems and composites name."),
    Field::optional("subsystems", Type::Map(&Type::Record(TERMS)), "What holds for one subsystem, by id."),
];

const PARTS_MAX: usize = 200;
const PARTS_DOC: [&str; 3] = ["All of these.", "Any one of these.", "So many of these."];
const LEAVES: Type = Type::List { of: &Type::SubsystemRef, min: 1, max: PARTS_MAX };
const PARTS: Type =
    Type::List { of: &Type::Either(&[Type::SubsystemRef, Type::OneKey(INNER)]), min: 1, max: PARTS_MAX };
const COUNT: Field =
    Field::required("n", Type::Int { min: 1, max: PARTS_MAX as i64 }, "How many of them must be good.");

const INNER: &[Field] = &[
    Field::optional("all_of", LEAVES, PARTS_DOC[0]),
    Field::optional("any_of", LEAVES, PARTS_DOC[1]),
    Field::optional("at_least", Type::Record(&[COUNT, Field::required("of", LEAVES, "Subsystems.")]), PARTS_DOC[2]),
];

const NEEDS: &[Field] = &[
    Field::optional("all_of", PARTS, PARTS_DOC[0]),
    Field::optional("any_of", PARTS, PARTS_DOC[1]),
    Field::optional(
        "at_least",
        Type::Record(&[COUNT, Field::required("of", PARTS, "Subsystems, or such expressions.")]),
        PARTS_DOC[2],
    ),
];

const COMPOSITE: &[Field] = &[
    Field::required("id", Type::Id, "Unique."),
    Field::required("name", Type::Names, "What people call it."),
    Field::required("needs", Type::OneKey(NEEDS), "Subsystems, or one more such expression in the place of any."),
    Field::with_default("hours", Type::Hours, "7x24", "When its availability counts."),
    Field::optional("objective", Type::Id, "The promise, of schedules/objectives.yaml."),
];

/// `schedules/composites.yaml`.
pub(in crate::config) const COMPOSITE_FILE: &[Field] =
    &[Field::required("composites", things(&Type::Record(COMPOSITE)), "Services that are made of others.")];

const CALENDAR: &[Field] = &[
    Field::required("id", Type::Id, "Unique."),
    Field::required(
        "layer",
        Type::Choice(&["owner", "municipal", "state-council"]),
        "Whose word it is; the first of these that names a date decides.",
    ),
    Field::optional("owner", Type::Id, "For whom, on the layer `owner`."),
    Field::with_default("enabled", Type::Bool, "true", "Whether it is in force."),
];

const DAYS: &[Field] = &[
    Field::required("name", Type::Names, "The holiday."),
    Field::optional("holidays", Type::list(&Type::Date), "Dates that are off."),
    Field::optional("workdays", Type::list(&Type::Date), "Dates that are worked."),
];

const NOTICE: &[Field] = &[
    Field::required("year", Type::Int { min: 1990, max: 2200 }, "The year it is about."),
    Field::required("status", Type::Choice(&["published", "provisional"]), "Whether the notice is in hand."),
    Field::optional("published", Type::Date, "When; a later notice amends an earlier one."),
    Field::optional("source", Type::TEXT, "Where it can be read."),
    Field::required("days", things(&Type::Record(DAYS)), "What differs from the plain week."),
];

/// `schedules/calendars/*.yaml`.
pub(in crate::config) const CALENDAR_FILE: &[Field] = &[
    Field::required("calendar", Type::Record(CALENDAR), "What this file is."),
    Field::required("notices", things(&Type::Record(NOTICE)), "What was published."),
];

const NTH: &[Field] = &[
    Field::required("weekday", WEEKDAYS, "Which weekday."),
    Field::required("n", Type::Int { min: -1, max: 5 }, "The first to the fifth of the month, or -1 for the last."),
    Field::required("at", Type::Time, "Local time of the start."),
];

const CRON_DOC: &str = "Minute, hour, day, month, weekday; if both day fields are restricted, either one matches.";
const RRULE_DOC: &str = "A rule of RFC 5545, such as `FREQ=MONTHLY;BYDAY=4SA`; lines with `EXDATE:` and `RDATE:` may \
                         follow. All times are local.";
const DATES_DOC: &str = "Local times of the starts.";

const RECURRENCE: &[Field] = &[
    Field::optional("nth", Type::Record(NTH), "The nth weekday of every month."),
    Field::optional("cron", Type::Cron, CRON_DOC),
    Field::optional("dates", Type::List { of: &Type::DateTime, min: 1, max: 1_000 }, DATES_DOC),
    Field::optional("once", Type::DateTime, "Local time of the only start."),
    Field::optional("rrule", Type::Text { max: RULE_BYTES_MAX }, RRULE_DOC),
    Field::optional("from", Type::DateTime, "Local time from which `rrule` counts."),
];

const SCOPE: &[Field] = &[
    Field::required("owner", Type::Id, "All subsystems of this owner …"),
    Field::optional("tier", TIER, "… that are of this tier."),
];

const WINDOW: &[Field] = &[
    Field::required("id", Type::Id, "Unique."),
    Field::required("name", Type::Names, "What people call it."),
    Field::required("owner", Type::Id, "Whose it is."),
    Field::required(
        "scope",
        Type::Either(&[Type::List { of: &Type::SubsystemRef, min: 1, max: 10_000 }, Type::Record(SCOPE)]),
        "What is affected.",
    ),
    Field::optional("every", Type::Record(RECURRENCE), "When it starts: one of these, and `from` with `rrule`."),
    Field::optional("nth", Type::Record(NTH), "The nth weekday of every month."),
    Field::optional("cron", Type::Cron, CRON_DOC),
    Field::optional("dates", Type::List { of: &Type::DateTime, min: 1, max: 1_000 }, DATES_DOC),
    Field::optional("once", Type::DateTime, "Local time of the only start."),
    Field::optional("except", Type::list(&Type::Date), "Dates of starts that are left out."),
    Field::optional(
        "also",
        Type::List { of: &Type::DateTime, min: 1, max: 1_000 },
        "Local times of starts besides those, on excepted dates too.",
    ),
    Field::required("lasts", Type::Duration { min_ms: 1_000, max_ms: LENGTH_MAX }, "From start to approved end."),
    Field::optional("notice", Type::Names, "The owner's own words."),
    Field::optional("policy", Type::Id, "A stricter policy, besides those that govern."),
    Field::optional("plan", Type::Id, "A plan of the same owner that carries it out; else people do."),
];

/// `schedules/windows/*.yaml`.
pub(in crate::config) const WINDOW_FILE: &[Field] =
    &[Field::required("windows", things(&Type::Record(WINDOW)), "When what is maintained.")];
