//! How a record is described: its fields, their types, bounds, defaults and meaning.
//!
//! Not here: reading values (`decode`, `scalar`). Invariant: everything is `'static` and `const`, so that a table can
//! stand beside the code it configures.

/// One field of a record.
#[derive(Debug)]
pub struct Field {
    /// The key in the file.
    pub name: &'static str,
    /// What may stand there, with bounds.
    pub ty: Type,
    /// Whether it may be left out.
    pub need: Need,
    /// One sentence for the schema and the documentation.
    pub doc: &'static str,
}

impl Field {
    /// A field that must be written.
    pub const fn required(name: &'static str, ty: Type, doc: &'static str) -> Self {
        Self { name, ty, need: Need::Required, doc }
    }

    /// A field that may be left out and is then absent.
    pub const fn optional(name: &'static str, ty: Type, doc: &'static str) -> Self {
        Self { name, ty, need: Need::Optional, doc }
    }

    /// A field that has `default`, written as in a file, when it is left out. For scalars and one-or-many of scalars.
    pub const fn with_default(name: &'static str, ty: Type, default: &'static str, doc: &'static str) -> Self {
        Self { name, ty, need: Need::Default(default), doc }
    }
}

/// Whether a field may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It must be written.
    Required,
    /// It may be left out.
    Optional,
    /// This text stands in for it.
    Default(&'static str),
}

/// What may stand behind a key. The comment says which `Value` comes out.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// Not empty, at most `max` characters → `Text`.
    Text {
        /// In characters.
        max: usize,
    },
    /// A text that must not be shown: literal, from the environment, or `file:/path` → `Text`.
    Secret,
    /// `true` or `false` → `Bool`.
    Bool,
    /// A whole number → `Int`.
    Int {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// `90s`, `40m`, `8h`, `2d`, `1h30m`, `500ms` → `Int`, in milliseconds.
    Duration {
        /// Shortest, in milliseconds.
        min_ms: i64,
        /// Longest, in milliseconds.
        max_ms: i64,
    },
    /// `99.9%` → `Int`, in parts per million.
    Percent,
    /// An absolute URL with one of these schemes and a host → `Url`.
    Url {
        /// `["http", "https"]`.
        schemes: &'static [&'static str],
    },
    /// A host name or an IP address, without a port → `Text`.
    Host,
    /// A host name or an IP address, a colon and a port → `Text`.
    HostPort,
    /// An e-mail address → `Text`.
    Mail,
    /// A regular expression → `Regex`.
    Regex,
    /// One of these words → `Text`.
    Choice(&'static [&'static str]),
    /// Small letters, digits and hyphens → `Text`.
    Id,
    /// `owner/subsystem` → `Text`.
    SubsystemRef,
    /// `{ zh: …, en: … }`, or one text for both → `Names`.
    Names,
    /// `2026-12-19` → `Date`.
    Date,
    /// `2026-12-19`, or `12-19` for every year → `DateOrYearly`.
    DateOrYearly,
    /// `23:00` → `Time`.
    Time,
    /// `2026-12-19T23:00` → `DateTime`.
    DateTime,
    /// Service hours, such as `7x24` or `workdays 08:30-17:00` → `Hours`.
    Hours,
    /// A five-field cron expression → `Text`.
    Cron,
    /// `22:00-06:00+1` → `DayPart`.
    DayPart,
    /// A list → `List`.
    List {
        /// Of what.
        of: &'static Type,
        /// Fewest members.
        min: usize,
        /// Most members.
        max: usize,
    },
    /// One, or a list of at least one → `List`.
    OneOrMany(&'static Type),
    /// Free keys, at most 256 → `Map`.
    Map(&'static Type),
    /// A record → `Record`.
    Record(&'static [Field]),
    /// A record whose table is put together when it is first asked for → `Record`.
    RecordOf(fn() -> &'static [Field]),
    /// A record with exactly one of these keys → `Variant`.
    OneKey(&'static [Field]),
    /// The first of these whose shape (scalar, list, mapping) is that of what was written → its value.
    Either(&'static [Type]),
}

impl Type {
    /// A text of ordinary length.
    pub const TEXT: Self = Self::Text { max: 1_000 };
    /// A TCP or UDP port.
    pub const PORT: Self = Self::Int { min: 1, max: 65_535 };
    /// A web address.
    pub const HTTP_URL: Self = Self::Url { schemes: &["http", "https"] };
    /// From 1 ms to 400 days.
    pub const DURATION: Self = Self::Duration { min_ms: 1, max_ms: 400 * 86_400_000 };

    /// A list of any length up to 10 000.
    pub const fn list(of: &'static Self) -> Self {
        Self::List { of, min: 0, max: 10_000 }
    }

    /// The table, if it is a record.
    pub fn fields(&self) -> Option<&'static [Field]> {
        match self {
            Self::Record(fields) => Some(fields),
            Self::RecordOf(table) => Some(table()),
            _ => None,
        }
    }
}
