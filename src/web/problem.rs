//! Errors on the wire: RFC 9457 problems with a sentence that names the thing and the remedy.

use super::access::{Denial, Denied};
use super::dto::{Rfc3339, at};
use crate::domain::Timestamp;
use crate::domain::access::{NotTaken, Refusal};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

/// What is wrong, and what to do about it (RFC 9457).
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Problem {
    /// Always `about:blank`: the status says what sort it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status code.
    status: u16,
    /// A sentence.
    detail: String,
    /// Set on whoever is turned away, for the metric and the audit log.
    #[serde(skip)]
    denial: Option<Denial>,
    /// When policy would allow what was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_open: Option<Rfc3339>,
    /// When to come back.
    #[serde(skip)]
    wait: Option<Duration>,
}

impl Problem {
    /// A problem with this status.
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        let (status, detail) = (status.as_u16(), detail.into());
        Self { kind: "about:blank", title, status, detail, denial: None, next_open: None, wait: None }
    }

    /// Whoever asks is turned away.
    pub(super) fn denied(denial: Denial, detail: impl Into<String>) -> Self {
        let status = match denial {
            Denial::NoToken | Denial::UnknownToken | Denial::ExpiredToken => StatusCode::UNAUTHORIZED,
            Denial::Scope | Denial::Owner | Denial::CrossSite => StatusCode::FORBIDDEN,
            Denial::Rate => StatusCode::TOO_MANY_REQUESTS,
            Denial::Connections => StatusCode::SERVICE_UNAVAILABLE,
            Denial::Host => StatusCode::MISDIRECTED_REQUEST,
        };
        Self { denial: Some(denial), ..Self::new(status, detail) }
    }

    /// A token is needed, and none was shown.
    pub(super) fn no_token(detail: impl Into<String>) -> Self {
        Self::denied(Denial::NoToken, detail)
    }

    /// What was shown is not taken.
    pub(super) fn not_taken(why: &NotTaken) -> Self {
        Self::denied(why.into(), why.to_string())
    }

    /// The same was asked too often.
    pub(super) fn too_often(what: &str, wait: Duration) -> Self {
        let seconds = wait.as_secs_f64().ceil();
        Self { wait: Some(wait), ..Self::denied(Denial::Rate, format!("{what}; come back in {seconds} s")) }
    }

    /// Policy would allow it from this instant on.
    pub(super) fn opens(self, next: Option<Timestamp>) -> Self {
        Self { next_open: next.map(at), ..self }
    }

    /// The request is not understood.
    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// There is no such thing.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// The caller may not do this.
    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// The daemon cannot answer now.
    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }
}

impl Problem {
    /// Whether showing a token would help.
    pub(super) fn asks_for_a_token(&self) -> bool {
        self.denial == Some(Denial::NoToken)
    }

    /// What the metric and the audit log need, if somebody is turned away.
    pub(super) fn as_denied(&self) -> Option<Denied> {
        self.denial.map(|denial| Denied { denial, why: self.detail.clone() })
    }

    /// The sentence.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// The status.
    pub(super) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let denied = self.as_denied();
        let wait = self.wait;
        let mut response = (status, Json(self)).into_response();
        if let Some(wait) = wait {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            let challenge = match denied.as_ref().map(|denied| denied.denial) {
                Some(Denial::UnknownToken | Denial::ExpiredToken) => r#"Bearer realm="gengfu", error="invalid_token""#,
                _ => r#"Bearer realm="gengfu""#,
            };
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(denied) = denied {
            response.extensions_mut().insert(denied);
        }
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

impl From<Refusal> for Problem {
    fn from(why: Refusal) -> Self {
        Self::denied((&why).into(), why.to_string())
    }
}
