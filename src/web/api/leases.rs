//! Leases of the gate: `POST gate/leases`, `gate/leases/{lease}/use`, `gate/leases/{lease}/release`.
//!
//! Not here: whether the gate opens, and who holds what (`domain::engine`). Invariant: the secret of a lease is told
//! once, to whoever took it; what is stored is its hash.

use super::orders::{OrderedDto, give, length, read};
use crate::domain::access::{Caller, TokenHash};
use crate::domain::order::{Order, Wanted};
use crate::domain::*;
use crate::entropy;
use crate::web::extract::Path;
use crate::web::language::Reads;
use crate::web::problem::Problem;
use crate::web::state::WebState;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest secret that is looked at.
const LEASE_BYTES_MAX: usize = 100;

/// What a lease is wanted for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "LeaseWanted")]
pub(super) struct Body {
    /// What is changed: `owner/id`.
    #[schemars(with = "String")]
    subsystem: SubsystemId,
    /// For how long: `40m`, `8h` or `1h30m`.
    #[serde(rename = "for")]
    lasts: String,
    /// Why, for the audit log.
    #[serde(default)]
    reason: String,
}

/// A lease, and what came of the order.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct LeaseDto {
    /// The secret, told once.
    lease: String,
    #[serde(flatten)]
    ordered: OrderedDto,
}

/// `POST /api/v1/gate/leases`: asks the gate, and takes a lease if it opens.
pub(in crate::web) async fn take(
    caller: Caller,
    reads: Reads,
    State(state): State<WebState>,
    body: Bytes,
) -> Result<(StatusCode, Json<LeaseDto>), Problem> {
    let Body { subsystem, lasts, reason } = read(&body)?;
    let secret = entropy::secret().map_err(|e| Problem::unavailable(e.to_string()))?;
    let lease = format!("lease_{secret}");
    let what = Wanted::TakeLease { subsystem, lasts_ms: length(&lasts)?, lease: hash(&lease) };
    let (status, Json(ordered)) = give(&state, reads, Order { by: caller, reason, what }, StatusCode::CREATED).await?;
    Ok((status, Json(LeaseDto { lease, ordered })))
}

/// `POST /api/v1/gate/leases/{lease}/{what}`: the change begins, or is over.
pub(in crate::web) async fn act(
    caller: Caller,
    reads: Reads,
    State(state): State<WebState>,
    Path((lease, what)): Path<(String, String)>,
) -> Result<(StatusCode, Json<OrderedDto>), Problem> {
    if lease.len() > LEASE_BYTES_MAX {
        return Err(Problem::not_found("that is no lease"));
    }
    let what = match what.as_str() {
        "use" => Wanted::UseLease(hash(&lease)),
        "release" => Wanted::ReleaseLease(hash(&lease)),
        other => return Err(Problem::not_found(format!("a lease cannot {other:?}; it can use or release"))),
    };
    give(&state, reads, Order { by: caller, reason: String::new(), what }, StatusCode::OK).await
}

fn hash(lease: &str) -> String {
    TokenHash::of(lease).to_string()
}
