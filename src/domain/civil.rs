//! The one civil time zone of an installation: local times to instants and back.

use super::*;

/// A civil time zone.
#[derive(Clone, Debug)]
pub struct Zone(jiff::tz::TimeZone);

impl Zone {
    /// A zone of the bundled database by its IANA name; the error is a sentence.
    pub fn named(name: &str) -> Result<Self, String> {
        jiff::tz::TimeZone::get(name).map(Self).map_err(|e| e.to_string())
    }

    /// UTC.
    pub fn utc() -> Self {
        Self(jiff::tz::TimeZone::UTC)
    }

    /// The local date and time at an instant.
    pub fn local(&self, at: Timestamp) -> jiff::civil::DateTime {
        let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
        self.0.to_datetime(instant)
    }
}
