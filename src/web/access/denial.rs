//! Why a request was turned away: a closed set, which is a label of `gengfu_http_denied_total`.
//!
//! Not here: the answer's form (`problem`). Invariant: whoever turns a request away leaves a [`Denied`] on the answer,
//! so that it is counted and audited in one place.

use crate::domain::access::{NotTaken, Refusal};

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Denial {
    /// Nothing was shown where a token is needed.
    NoToken,
    /// Nobody holds what was shown.
    UnknownToken,
    /// Its time is over.
    ExpiredToken,
    /// Its holder may do other things.
    Scope,
    /// Its holder acts for another owner.
    Owner,
    /// Asked too often.
    Rate,
    /// A page of another site asked.
    CrossSite,
    /// The request names another host.
    Host,
    /// There is no place for another connection; nothing is answered.
    Connections,
}

impl Denial {
    /// Every one, for the metrics.
    pub(in crate::web) const ALL: [Self; 9] = [
        Self::NoToken,
        Self::UnknownToken,
        Self::ExpiredToken,
        Self::Scope,
        Self::Owner,
        Self::Rate,
        Self::CrossSite,
        Self::Host,
        Self::Connections,
    ];

    /// The label's value.
    pub(in crate::web) fn as_str(self) -> &'static str {
        match self {
            Self::NoToken => "no_token",
            Self::UnknownToken => "unknown_token",
            Self::ExpiredToken => "expired_token",
            Self::Scope => "scope",
            Self::Owner => "owner",
            Self::Rate => "rate",
            Self::CrossSite => "cross_site",
            Self::Host => "host",
            Self::Connections => "connections",
        }
    }
}

impl From<&NotTaken> for Denial {
    fn from(why: &NotTaken) -> Self {
        match why {
            NotTaken::Unknown => Self::UnknownToken,
            NotTaken::Expired { .. } => Self::ExpiredToken,
        }
    }
}

impl From<&Refusal> for Denial {
    fn from(why: &Refusal) -> Self {
        match why {
            Refusal::Scope { .. } => Self::Scope,
            Refusal::Owner { .. } => Self::Owner,
        }
    }
}

/// What an answer carries, inside, when it turns a request away.
#[derive(Clone, Debug)]
pub(in crate::web) struct Denied {
    /// Why.
    pub(in crate::web) denial: Denial,
    /// The sentence that the asker reads.
    pub(in crate::web) why: String,
}
