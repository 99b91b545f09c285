//! `/api/v1/whoami`: whose token this is, and what it is good for.

use crate::domain::OwnerId;
use crate::domain::access::Caller;
use axum::Json;
use schemars::JsonSchema;
use serde::Serialize;

/// Whose token was shown, and what it is good for.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct Myself {
    holder: String,
    #[schemars(with = "Option<String>")]
    owner: Option<OwnerId>,
    scopes: Vec<String>,
    from: String,
}

/// `GET /api/v1/whoami`.
pub(in crate::web) async fn whoami(caller: Caller) -> Json<Myself> {
    let Caller { name: holder, owner, scopes, from } = caller;
    Json(Myself { holder, owner, scopes: scopes.iter().map(ToString::to_string).collect(), from })
}
