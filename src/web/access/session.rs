//! Signed-in browsers: a bounded table from the hash of a cookie to the hash of the token that it stands for.
//!
//! Not here: the page (`pages::sign_in`). Invariants: a session is good for what its token is good for now, so one that
//! was taken away or has expired opens nothing; the cookie itself is kept nowhere; a script cannot read it, and no other
//! site's page can send it.

use crate::domain::access::TokenHash;
use crate::entropy::{NoEntropy, secret};
use axum::http::{Extensions, HeaderMap, header};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Sessions at one time; beyond it the oldest ends.
const SESSIONS_MAX: usize = 4_096;
/// Sessions of one token; beyond it the oldest ends.
const PER_TOKEN_MAX: usize = 16;
/// How long one lasts at most: a shift.
const LASTS: Duration = Duration::from_secs(12 * 60 * 60);
/// How long one lasts that nobody uses.
const IDLE: Duration = Duration::from_secs(2 * 60 * 60);

/// The cookie's name over plain HTTP, which this machine's own browsers use.
const PLAIN: &str = "gengfu_session";
/// Over TLS: browsers take a cookie of this name from this host alone, and only over TLS.
const SECURE: &str = "__Host-gengfu_session";

/// Set on requests that came over a TLS listener of ours.
#[derive(Clone, Copy, Debug)]
pub(in crate::web) struct Encrypted;

/// All sessions. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Sessions(Arc<Mutex<HashMap<TokenHash, Session>>>);

#[derive(Clone, Copy, Debug)]
struct Session {
    token: TokenHash,
    began: Duration,
    used: Duration,
}

impl Session {
    fn is_over(&self, now: Duration) -> bool {
        now >= self.began + LASTS || now >= self.used + IDLE
    }
}

impl Sessions {
    /// Begins a session for a token at `now`; the answer is the cookie's value.
    ///
    /// # Errors
    /// If the system gives no randomness.
    pub(in crate::web) fn begin(&self, now: Duration, token: TokenHash) -> Result<String, NoEntropy> {
        let cookie = secret()?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, session| !session.is_over(now));
        let of_token = all.values().filter(|session| session.token == token).count();
        if of_token >= PER_TOKEN_MAX {
            end_oldest(&mut all, |session| session.token == token);
        }
        if all.len() >= SESSIONS_MAX {
            end_oldest(&mut all, |_| true);
        }
        all.insert(TokenHash::of(&cookie), Session { token, began: now, used: now });
        Ok(cookie)
    }

    /// The token that a session stands for, if it is not over at `now`.
    pub(in crate::web) fn find(&self, now: Duration, session: TokenHash) -> Option<TokenHash> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.get_mut(&session).filter(|session| !session.is_over(now))?;
        found.used = now;
        Some(found.token)
    }

    /// Ends a session.
    pub(in crate::web) fn end(&self, session: TokenHash) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&session);
    }
}

fn end_oldest(all: &mut HashMap<TokenHash, Session>, among: impl Fn(&Session) -> bool) {
    let oldest = all.iter().filter(|(_, session)| among(session)).min_by_key(|(_, session)| session.began);
    if let Some(oldest) = oldest.map(|(id, _)| *id) {
        all.remove(&oldest);
    }
}

/// The session that a browser says it has.
pub(in crate::web) fn shown(headers: &HeaderMap) -> Option<TokenHash> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|all| all.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut ours = pairs.filter(|(name, _)| [SECURE, PLAIN].contains(name));
    ours.next().map(|(_, value)| TokenHash::of(value))
}

/// Whether the browser speaks TLS, with us or with the proxy in front of us.
pub(in crate::web) fn is_encrypted(headers: &HeaderMap, extensions: &Extensions) -> bool {
    let proxied = headers.get("x-forwarded-proto").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"https"));
    proxied || extensions.get::<Encrypted>().is_some()
}

/// `Set-Cookie` of a session that begins.
pub(in crate::web) fn set(cookie: &str, encrypted: Transport) -> String {
    let (name, secure) = encrypted.cookie();
    format!("{name}={cookie}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{secure}", LASTS.as_secs())
}

/// `Set-Cookie` of a session that ends.
pub(in crate::web) fn unset(encrypted: Transport) -> String {
    let (name, secure) = encrypted.cookie();
    format!("{name}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0{secure}")
}

/// What a browser speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Transport {
    /// HTTP.
    Plain,
    /// HTTP over TLS.
    Tls,
}

impl Transport {
    /// Of a request.
    pub(in crate::web) fn of(headers: &HeaderMap, extensions: &Extensions) -> Self {
        if is_encrypted(headers, extensions) { Self::Tls } else { Self::Plain }
    }

    fn cookie(self) -> (&'static str, &'static str) {
        match self {
            Self::Plain => (PLAIN, ""),
            Self::Tls => (SECURE, "; Secure"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(n: u64) -> Duration {
        Duration::from_secs(n * 3_600)
    }

    #[test]
    fn a_session_ends_after_a_shift_or_when_nobody_uses_it() {
        let sessions = Sessions::default();
        let token = TokenHash::of("t");
        let id = TokenHash::of(&sessions.begin(hours(1), token).unwrap());
        for hour in 2..13 {
            assert_eq!(sessions.find(hours(hour), id), Some(token), "hour {hour}");
        }
        assert_eq!(sessions.find(hours(13), id), None);
        let id = TokenHash::of(&sessions.begin(hours(20), token).unwrap());
        assert_eq!(sessions.find(hours(22), id), None, "idle");
        let id = TokenHash::of(&sessions.begin(hours(23), token).unwrap());
        sessions.end(id);
        assert_eq!(sessions.find(hours(23), id), None);
    }

    #[test]
    fn so_many_sessions_and_no_more_the_oldest_goes() {
        let sessions = Sessions::default();
        let token = TokenHash::of("t");
        let begin = |s: u64| TokenHash::of(&sessions.begin(Duration::from_secs(s), token).unwrap());
        let ids: Vec<TokenHash> = (0..=PER_TOKEN_MAX as u64).map(begin).collect();
        let now = Duration::from_secs(100);
        assert_eq!(sessions.find(now, ids[0]), None);
        assert!(ids[1..].iter().all(|id| sessions.find(now, *id).is_some()));
        for n in 0..SESSIONS_MAX {
            sessions.begin(now, TokenHash::of(&n.to_string())).unwrap();
        }
        assert_eq!(sessions.0.lock().unwrap().len(), SESSIONS_MAX);
    }

    #[test]
    fn the_cookie_is_for_this_host_alone_and_out_of_the_reach_of_scripts() {
        for (transport, name) in [(Transport::Plain, PLAIN), (Transport::Tls, SECURE)] {
            let text = set("v", transport);
            assert!(text.starts_with(&format!("{name}=v; Path=/; HttpOnly; SameSite=Strict; ")), "{text}");
            assert_eq!(text.ends_with("; Secure"), transport == Transport::Tls);
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, format!("other=1; {name}=v").parse().unwrap());
            assert_eq!(shown(&headers), Some(TokenHash::of("v")));
        }
        assert_eq!(shown(&HeaderMap::new()), None);
        let mut headers = HeaderMap::new();
        assert_eq!(Transport::of(&headers, &Extensions::new()), Transport::Plain);
        headers.insert("x-forwarded-proto", "HTTPS".parse().unwrap());
        assert_eq!(Transport::of(&headers, &Extensions::new()), Transport::Tls);
    }
}
