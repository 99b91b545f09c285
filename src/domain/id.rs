//! Names of things: cheap to clone, ordered, never empty once they leave `config`.
//!
//! Not here: what the things are. An id is the text that people type and see, so it is compared as text.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as it is; `config` has checked its form.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text that people type and see.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

id! {
    /// A district, a bureau, the platform or an external party: `huangpu`.
    OwnerId;
    /// One service of one owner: `huangpu/portal`.
    SubsystemId;
    /// One check of a subsystem: `huangpu/portal/home`.
    ProbeId;
    /// A schedule of maintenance windows: `bdc-monthly`.
    ScheduleId;
    /// One window of a schedule: `bdc-monthly.1f3a9c02`.
    WindowId;
    /// A rule about when maintenance is allowed: `off-hours`.
    PolicyId;
    /// A service that is made of others: `marriage-booking`.
    CompositeId;
    /// A promise about availability: `public-7x24`.
    ObjectiveId;
    /// A list of people who answer for an owner: `huangpu`.
    RosterId;
    /// Somebody, or a post, whom rosters name: `platform-one`.
    PersonId;
    /// A plan of maintenance: `portal-upgrade`.
    PlanId;
    /// A step of a plan: `drain-a`.
    StepId;
    /// One run of a plan in a window: `bdc-monthly.1f3a9c02.1`.
    RunId;
}

impl SubsystemId {
    /// `owner/name`.
    pub fn of(owner: &OwnerId, name: &str) -> Self {
        Self::new(format!("{owner}/{name}"))
    }

    /// The part before the slash.
    pub fn owner(&self) -> OwnerId {
        OwnerId::new(self.0.split('/').next().unwrap_or_default())
    }

    /// The part behind the slash.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

impl ProbeId {
    /// `owner/subsystem/name`.
    pub fn of(subsystem: &SubsystemId, name: &str) -> Self {
        Self::new(format!("{subsystem}/{name}"))
    }

    /// `owner/subsystem`.
    pub fn subsystem(&self) -> SubsystemId {
        SubsystemId::new(self.0.rsplit_once('/').map_or("", |(subsystem, _)| subsystem))
    }

    /// The part behind the last slash.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(_, name)| name)
    }
}

/// `INC-` and a counter that is never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub u64);

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "INC-{:04}", self.0)
    }
}

impl IncidentId {
    /// The incident that a thread of messages is about, if it is about one.
    pub fn of_thread(thread: &str) -> Option<Self> {
        thread.strip_prefix("INC-")?.parse().ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_split_into_the_parts_they_were_made_of() {
        let subsystem = SubsystemId::of(&"bdc".into(), "portal-home");
        let probe = ProbeId::of(&subsystem, "home");
        assert_eq!((probe.as_str(), probe.name()), ("bdc/portal-home/home", "home"));
        assert_eq!(probe.subsystem(), subsystem);
        assert_eq!((subsystem.owner().as_str(), subsystem.name()), ("bdc", "portal-home"));
        assert_eq!(IncidentId(42).to_string(), "INC-0042");
        let threads = ["INC-0042", "INC-12345", "notice-bdc-1", "INC-x"].map(IncidentId::of_thread);
        assert_eq!(threads, [Some(IncidentId(42)), Some(IncidentId(12_345)), None, None]);
    }
}
