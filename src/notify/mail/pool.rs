//! Sessions that stay open between mails: a storm does not shake hands for each of them.
//!
//! Invariants: a session is in one place at a time, leased or idle; it is given back only when the relay waits for the
//! next mail on it; few are kept, not for long, and not for many mails.

use super::session::Session;
use futures_util::future::join_all;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// Sessions that are kept while nobody uses them; more are closed at once.
const IDLE_MAX: usize = 8;

/// A session that nobody used for so long is closed, well before relays lose patience (RFC 5321: 5 min).
const IDLE_FOR: Duration = Duration::from_secs(20);

/// No session gets older: a relay that moved behind its name is found again.
const AGE_MAX: Duration = Duration::from_secs(300);

/// Mails over one session; relays dislike more.
const MAILS_MAX: u32 = 100;

/// For the farewell.
const QUIT_WITHIN: Duration = Duration::from_millis(200);

#[derive(Default)]
pub(super) struct Pool {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Since when each waits; the one that was used last is last.
    idle: Vec<(Instant, Session)>,
    leased: usize,
}

impl Pool {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An idle session, the one that was used last.
    pub(super) fn take(&self) -> Option<(Session, Lease<'_>)> {
        let mut state = self.state();
        let now = Instant::now();
        let at = state.idle.iter().rposition(|(since, session)| is_fit(*since, session, now))?;
        let (_, session) = state.idle.remove(at);
        state.leased += 1;
        Some((session, Lease(self)))
    }

    /// Counts a session that is being opened.
    pub(super) fn lease(&self) -> Lease<'_> {
        self.state().leased += 1;
        Lease(self)
    }

    /// Waits for a session that another mail gives back; none if no other mail than ours is out.
    pub(super) async fn given_back(&self) -> Option<(Session, Lease<'_>)> {
        loop {
            let changed = self.changed.notified();
            if let Some(taken) = self.take() {
                return Some(taken);
            }
            if self.state().leased <= 1 {
                return None;
            }
            changed.await;
        }
    }

    /// The relay waits for the next mail on it. Its lease ends afterwards.
    pub(super) fn give_back(&self, session: Session) {
        let now = Instant::now();
        let mut state = self.state();
        if state.idle.len() >= IDLE_MAX {
            state.idle.retain(|(since, session)| is_fit(*since, session, now));
        }
        if state.idle.len() < IDLE_MAX {
            state.idle.push((now, session));
        }
    }

    /// Forgets all that are idle: one of them was found dead.
    pub(super) fn forget(&self) {
        self.state().idle.clear();
    }

    /// Says goodbye on sessions that nobody will use any more.
    pub(super) async fn rest(&self) {
        let now = Instant::now();
        let old: Vec<_> = {
            let mut state = self.state();
            let (kept, old) =
                state.idle.drain(..).partition::<Vec<_>, _>(|(since, session)| is_fit(*since, session, now));
            state.idle = kept;
            old
        };
        let _ = timeout(QUIT_WITHIN, join_all(old.into_iter().map(|(_, session)| session.quit()))).await;
    }
}

fn is_fit(since: Instant, session: &Session, now: Instant) -> bool {
    let (idle, age) = (now.duration_since(since), now.duration_since(session.opened_at));
    idle < IDLE_FOR && age < AGE_MAX && session.mails < MAILS_MAX
}

/// Counts a session while it is opened or used.
pub(super) struct Lease<'a>(&'a Pool);

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.leased = state.leased.saturating_sub(1);
        drop(state);
        self.0.changed.notify_waiters();
    }
}
