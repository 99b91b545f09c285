//! Pages that many guests look at: printed once for all who are shown the same, and packed once.
//!
//! Not here: what is on a page. Invariants: a print is for whoever has shown no token and is in no session, so nobody's
//! name is on it; it serves those of one view and one language, and no longer than it says here; what strangers must not
//! see is in no browser's cache; one is made at a time, and whoever leaves does not end that.

use super::{Asked, show};
use crate::domain::{Language, Snapshot};
use crate::web::etag;
use crate::web::problem::Problem;
use crate::web::state::WebState;
use arc_swap::ArcSwapOption;
use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::JoinHandle;

/// While pictures change, a print is so old when the next one is made.
const RENEWED_AFTER: Duration = Duration::from_secs(1);
/// Until it is so old nobody waits for the next one.
const LAGS_MAX: Duration = Duration::from_secs(2);
/// While the picture stays it serves for so long, since time goes on: as long as a picture does.
const LASTS_MAX: Duration = Duration::from_secs(5);
/// Two views, two languages, each asked for in the address or not.
const AUDIENCES: usize = 8;
/// A browser may keep it for itself if it asks each time whether it still holds.
const ASK_EACH_TIME: HeaderValue = HeaderValue::from_static("private, no-cache");
/// All that an answer depends on.
const DEPENDS_ON: HeaderValue = HeaderValue::from_static("accept-language, accept-encoding, cookie, authorization");

/// The prints of one page, one for each audience. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Prints([Arc<Place>; AUDIENCES]);

/// Where the print of one audience lies.
#[derive(Debug, Default)]
struct Place {
    latest: ArcSwapOption<Print>,
    /// Held by whoever makes the next one.
    press: Arc<Mutex<()>>,
}

/// A page as it was printed.
#[derive(Clone, Debug)]
struct Print {
    /// By the monotonic clock.
    at: Duration,
    picture: Weak<Snapshot>,
    plain: Bytes,
    packed: Bytes,
    /// The same as long as the page reads the same.
    tag: HeaderValue,
}

impl Prints {
    /// Shows the page that `page` lays out: a guest a print of it, somebody who is known their own.
    pub(super) async fn show<T: Template + 'static>(
        &self,
        state: WebState,
        asked: Asked,
        headers: &HeaderMap,
        page: fn(&Asked) -> T,
    ) -> Response {
        if asked.asker.caller().is_some() {
            return show(&asked, StatusCode::OK, &page(&asked));
        }
        let (is_inside, code) = (asked.viewer.is_inside(), asked.t.code);
        match Arc::clone(&self.0[audience(&asked)]).print(state, asked, page).await {
            Ok(print) => print.answer(headers, is_inside, code),
            Err(problem) => problem.into_response(),
        }
    }
}

impl Place {
    /// The print for whoever asks; made now, unless there is one that is good enough.
    async fn print<T: Template + 'static>(
        self: Arc<Self>,
        state: WebState,
        asked: Asked,
        page: fn(&Asked) -> T,
    ) -> Result<Arc<Print>, Problem> {
        let now = state.clock.monotonic();
        if let Some(print) = self.good(now, &asked.snapshot, RENEWED_AFTER) {
            return Ok(print);
        }
        let press = Arc::clone(&self.press);
        if let Some(print) = self.good(now, &asked.snapshot, LAGS_MAX) {
            if let Ok(press) = press.try_lock_owned() {
                // Nobody waits for it; a fault is said in the log.
                drop(self.make(press, state, asked, page));
            }
            return Ok(print);
        }
        let press = press.lock_owned().await;
        // Somebody else may have made one meanwhile.
        if let Some(print) = self.good(state.clock.monotonic(), &state.picture(), RENEWED_AFTER) {
            return Ok(print);
        }
        let made = self.make(press, state, asked, page).await.ok().flatten();
        let failed = "this page cannot be printed; the log says more";
        made.ok_or_else(|| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, failed))
    }

    fn good(&self, now: Duration, picture: &Arc<Snapshot>, lags: Duration) -> Option<Arc<Print>> {
        self.latest.load_full().filter(|print| print.serves(now, picture, lags))
    }

    /// Makes a print of the latest picture, whoever waits for it.
    fn make<T: Template + 'static>(
        self: Arc<Self>,
        press: OwnedMutexGuard<()>,
        state: WebState,
        asked: Asked,
        page: fn(&Asked) -> T,
    ) -> JoinHandle<Option<Arc<Print>>> {
        tokio::task::spawn_blocking(move || {
            let at = state.clock.monotonic();
            let asked = Asked { now: state.now(), snapshot: state.picture(), ..asked };
            let html = page(&asked).render();
            let html = html.inspect_err(|error| tracing::error!(%error, "a page cannot be printed")).ok()?;
            let print = Arc::new(Print::of(at, &asked.snapshot, html));
            self.latest.store(Some(Arc::clone(&print)));
            drop(press);
            Some(print)
        })
    }
}

/// Who is shown the same as whoever asks.
fn audience(asked: &Asked) -> usize {
    let language = usize::from(asked.language == Language::En);
    let explicit = usize::from(asked.reads.explicit.is_some());
    let view = usize::from(asked.viewer.is_inside());
    language + 2 * explicit + 4 * view
}

impl Print {
    fn of(at: Duration, picture: &Arc<Snapshot>, html: String) -> Self {
        let mut packer = GzEncoder::new(Vec::with_capacity(html.len() / 4), Compression::default());
        // Writing into memory cannot fail.
        let packed = packer.write_all(html.as_bytes()).and_then(|()| packer.finish()).unwrap_or_default();
        let tag = etag::of(html.as_bytes());
        Self { at, picture: Arc::downgrade(picture), plain: html.into(), packed: packed.into(), tag }
    }

    /// Whether it may be shown, if it may lag behind the latest picture for so long.
    fn serves(&self, now: Duration, picture: &Arc<Snapshot>, lags: Duration) -> bool {
        let age = now.saturating_sub(self.at);
        let is_latest = std::ptr::eq(self.picture.as_ptr(), Arc::as_ptr(picture));
        age < lags || (is_latest && age < LASTS_MAX)
    }

    fn answer(&self, asked: &HeaderMap, is_inside: bool, code: &'static str) -> Response {
        let encodings = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let packed = takes_gzip(encodings.flat_map(|value| value.split(',')));
        let mut response = match (!is_inside && etag::is_held(asked, &self.tag), packed) {
            (true, _) => StatusCode::NOT_MODIFIED.into_response(),
            (false, true) => ([(header::CONTENT_ENCODING, "gzip")], self.packed.clone()).into_response(),
            (false, false) => self.plain.clone().into_response(),
        };
        let headers = response.headers_mut();
        headers.insert(header::VARY, DEPENDS_ON);
        if !is_inside {
            headers.insert(header::ETAG, self.tag.clone());
            headers.insert(header::CACHE_CONTROL, ASK_EACH_TIME);
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(code));
        response
    }
}

/// Whether whoever sent these ranges of `Accept-Encoding` takes gzip: by its name, else by `*`.
fn takes_gzip<'a>(ranges: impl Iterator<Item = &'a str>) -> bool {
    let mut any = false;
    for range in ranges {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => return weight > 0.0,
            "*" => any = weight > 0.0,
            _ => {}
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_whoever_takes_it() {
        let takes = |header: &str| takes_gzip(header.split(','));
        for yes in ["gzip", "br, GZIP;q=0.5", "deflate, gzip ; q=1.0, br, zstd", "*", "br;q=0, *;q=0.1"] {
            assert!(takes(yes), "{yes}");
        }
        for no in ["", "identity", "br, zstd", "gzip;q=0", "gzip;q=0, *", "*;q=0"] {
            assert!(!takes(no), "{no}");
        }
    }

    #[test]
    fn a_print_may_lag_a_little_and_serves_five_seconds_while_nothing_happens() {
        let [then, now] = [(); 2].map(|()| Arc::new(crate::web::fixture::snapshot()));
        let print = Print::of(Duration::from_secs(100), &then, "page".to_owned());
        let serves = |ms: u64, picture| print.serves(Duration::from_millis(100_000 + ms), picture, RENEWED_AFTER);
        assert!(serves(999, &now) && !serves(1_000, &now));
        assert!(serves(4_999, &then) && !serves(5_000, &then));
    }
}
