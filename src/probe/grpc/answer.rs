//! What the answer of a health service means, and what the lack of one does.
//!
//! Not here: the call. Invariant: whatever the server says is cut and cleaned where it becomes a reason.

use super::witness::Witness;
use super::{BODY_BYTES_MAX, Grpc, MESSAGE_BYTES_MAX};
use crate::domain::{Outcome, ReasonKind};
use crate::probe::{Attempt, Phase, dial, peer};
use http::{HeaderMap, StatusCode, header};
use http_body_util::LengthLimitError;
use std::error::Error;
use std::io;
use tonic::{Code, Status};
use tonic_health::pb::health_check_response::ServingStatus;

/// An answer of HTTP that no gRPC server gives: a proxy's, mostly.
#[derive(Debug, thiserror::Error)]
#[error("no answer of gRPC")]
pub(super) struct NotGrpc {
    status: StatusCode,
    retry_after: Option<String>,
    content_type: String,
}

impl NotGrpc {
    /// Of the head of an answer, if it is one.
    pub(super) fn of(status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let content_type = text(header::CONTENT_TYPE).unwrap_or_default();
        let is_grpc = status == StatusCode::OK && content_type.starts_with("application/grpc");
        let retry_after = text(header::RETRY_AFTER);
        (!is_grpc).then_some(Self { status, retry_after, content_type })
    }

    fn outcome(&self, from: &str) -> Outcome {
        match (self.status, &self.retry_after) {
            (StatusCode::OK, _) => {
                let text = format!("expected application/grpc from {from}, got {:?}", self.content_type);
                Outcome::fail(ReasonKind::Protocol, text)
            }
            (status, Some(after)) => {
                let is_notice = status == StatusCode::SERVICE_UNAVAILABLE;
                let kind = if is_notice { ReasonKind::Maintenance } else { ReasonKind::Status };
                let text = format!("expected gRPC from {from}, got HTTP {status} (retry-after {after})");
                Outcome::fail(kind, text)
            }
            (status, None) => {
                Outcome::fail(ReasonKind::Status, format!("expected gRPC from {from}, got HTTP {status}"))
            }
        }
    }
}

impl Grpc {
    /// The verdict about a health status.
    pub(super) fn judge(&self, attempt: &Attempt, status: i32) -> Result<Outcome, Outcome> {
        let asked = self.asked();
        let Ok(status) = ServingStatus::try_from(status) else {
            let text = format!("expected SERVING from {asked}, got status {status}, which the health service has not");
            return Err(Outcome::fail(ReasonKind::Protocol, text));
        };
        let got = status.as_str_name();
        attempt.fact(|facts| facts.grpc = Some((Code::Ok as i32, Some(got))));
        attempt.note(format!("got {got}"));
        let remedy = match status {
            ServingStatus::Serving => {
                return Ok(peer::slow(self.slower_than, attempt.elapsed()).unwrap_or(Outcome::Pass));
            }
            ServingStatus::NotServing => "",
            ServingStatus::Unknown => "; the server has not said yet how it is: let it set its health status",
            ServingStatus::ServiceUnknown => "; the server does not know it: check `service`",
        };
        Err(Outcome::fail(ReasonKind::Status, format!("expected SERVING from {asked}, got {got}{remedy}")))
    }

    /// The verdict about a call that brought no health status.
    pub(super) fn refused(&self, attempt: &Attempt, status: &Status, witness: &Witness, phase: Phase) -> Outcome {
        attempt.fact(|facts| facts.grpc = Some((status.code() as i32, None)));
        attempt.note(format!("failed: {} {}", name(status.code()), dial::innermost(status)));
        if let Some(not) = dial::cause::<NotGrpc>(status) {
            return not.outcome(&self.peer.named());
        }
        if dial::cause::<LengthLimitError>(status).is_some() {
            let text = format!("{} sent more than {} KiB, expected a few bytes", self.asked(), BODY_BYTES_MAX >> 10);
            return Outcome::fail(ReasonKind::Protocol, text);
        }
        if status.source().is_some() {
            return self.lost(status, witness, phase);
        }
        self.by_code(status)
    }

    fn by_code(&self, status: &Status) -> Outcome {
        let (asked, code, message) = (self.asked(), name(status.code()), status.message());
        let (kind, remedy) = match status.code() {
            Code::NotFound => (ReasonKind::Status, "; the server does not know it: check `service`, or leave it out"),
            Code::Unimplemented => {
                (ReasonKind::Status, "; the server has no health service: let it register grpc.health.v1.Health")
            }
            Code::Unauthenticated | Code::PermissionDenied => (ReasonKind::Status, "; check `authorization`"),
            Code::DeadlineExceeded => (ReasonKind::Timeout, ""),
            Code::OutOfRange if message.contains("length too large") => {
                let text = format!("{asked} sent a message above {MESSAGE_BYTES_MAX} bytes, expected a few");
                return Outcome::fail(ReasonKind::Protocol, text);
            }
            Code::Internal => (ReasonKind::Protocol, ""),
            _ => (ReasonKind::Status, ""),
        };
        // The remedy goes first, lest a long message of the server cut it off.
        let said = if message.is_empty() { String::new() } else { format!(": {message}") };
        Outcome::fail(kind, format!("expected SERVING from {asked}, got {code}{remedy}{said}"))
    }

    /// The verdict about a connection that broke.
    pub(super) fn lost(&self, error: &(dyn Error + 'static), witness: &Witness, phase: Phase) -> Outcome {
        let peer = &self.peer;
        if let Some(error) = witness.error() {
            return dial::failed(&error, phase, &peer.host, peer.port);
        }
        // What the client itself says of a connection that only ended is called a broken pipe.
        let ended = dial::cause::<io::Error>(error).is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        let why = if ended { "it closed the connection".into() } else { dial::innermost(error) };
        Outcome::fail(ReasonKind::Protocol, format!("{} gave no answer of gRPC: {why}", peer.named()))
    }
}

/// What the specification calls a code.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
