//! Whether we see at all, as those who are asked about it say.
//!
//! Not here: asking (`crate::probe`). The trouble of a vantage is an incident like any other, about a subsystem of ours
//! that no file declares and that the roster of the administrators answers for.

use super::*;

/// The owner of what is wrong with ourselves; no file may take the name.
pub const OURSELVES: &str = "gengfu";

/// What the witnesses say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sight {
    /// Most of them answer, or there are none.
    #[default]
    Clear,
    /// Most of them are silent: a failure of anybody else's proves nothing. The reason names them.
    Blind(Reason),
}

impl Sight {
    /// Whether a failure proves nothing.
    pub fn is_blind(&self) -> bool {
        matches!(self, Self::Blind(_))
    }
}

/// What is down while we are blind.
pub fn our_sight() -> SubsystemId {
    SubsystemId::of(&OURSELVES.into(), "sight")
}

/// Whose it is.
pub fn ourselves() -> Names {
    Names { zh: "更夫".into(), en: OURSELVES.into() }
}

/// What people call it.
pub fn our_names() -> Names {
    Names { zh: "更夫的观测能力".into(), en: "gengfu's own sight".into() }
}
