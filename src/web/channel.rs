//! Channels that fetch notices: whose fetch makes a window known, and of which windows.
//!
//! A fetch counts as an announcement (SEMANTICS: "fetched from a channel") only if it can be named and did not come from
//! whoever profits: by a token that may read and nothing else, of a holder who does not act for the window's owner. A
//! browser, a crawler and the applicant's own look prove nothing. Not here: what follows (`engine::windows::notices`).
//! Invariant: what is not admitted is not shown to a channel either.

use super::access::Asker;
use super::state::WebState;
use crate::domain::access::Scope;
use crate::domain::window::{Shown, WindowState};
use crate::domain::{OwnerId, WindowView};

/// A machine that shows notices to people.
pub(super) struct Fetcher {
    holder: String,
    owner: Option<OwnerId>,
}

impl Fetcher {
    /// The channel that asks, if it is one.
    pub(super) fn of(asker: &Asker) -> Option<Self> {
        let caller = asker.caller().filter(|caller| asker.session().is_none() && caller.scopes == [Scope::Read])?;
        Some(Self { holder: caller.name.clone(), owner: caller.owner.clone() })
    }

    /// Whether its fetch makes a window known that is not yet.
    pub(super) fn makes_known(&self, window: &WindowView) -> bool {
        window.state == WindowState::Planned && window.announced.is_none() && self.owner.as_ref() != Some(&window.owner)
    }

    /// Tells the engine what it got.
    pub(super) fn got<'a>(self, state: &WebState, windows: impl IntoIterator<Item = &'a WindowView>) {
        let new = windows.into_iter().filter(|w| self.makes_known(w));
        let shown: Vec<Shown> =
            new.map(|w| Shown { window: w.id.clone(), span: w.span, scope: w.scope.clone() }).collect();
        if !shown.is_empty() {
            state.commands.fetched(self.holder, shown);
        }
    }
}
