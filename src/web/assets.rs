//! The style sheet, the script and the mark, embedded. Nothing is fetched from anywhere else.

use super::problem::Problem;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

const FILES: [(&str, &str, &str); 3] = [
    ("style.css", "text/css; charset=utf-8", include_str!("assets/style.css")),
    ("live.js", "text/javascript; charset=utf-8", include_str!("assets/live.js")),
    ("mark.svg", "image/svg+xml", include_str!("assets/mark.svg")),
];

/// `GET /assets/{file}`.
pub(super) async fn asset(Path(file): Path<String>) -> Response {
    match FILES.iter().find(|(name, ..)| *name == file) {
        Some((_, kind, text)) => {
            // Addresses carry the version, so a day of caching never outlives an upgrade.
            ([(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, "public, max-age=86400")], *text).into_response()
        }
        None => Problem::not_found(format!("no asset is called {file:?}")).into_response(),
    }
}
