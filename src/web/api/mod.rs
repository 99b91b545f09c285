//! `/api/v1`: JSON in the words of the inventory, errors as RFC 9457 problems.
//!
//! Not here: the shapes (`dto`). Every list is in a stable order and bounded by the inventory or by a named maximum.

mod composites;
mod events;
pub(super) mod gate;
mod heartbeat;
pub(super) mod read;
mod sla;

use super::Shared;
use super::problem::Problem;
use axum::Router;
use axum::routing::{any, get};

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/status", get(read::status))
        .route("/subsystems", get(read::subsystems))
        .route("/subsystems/{owner}/{id}", get(read::subsystem))
        .route("/subsystems/{owner}/{id}/timeline", get(read::timeline))
        .route("/subsystems/{owner}/{id}/attempts", get(read::attempts))
        .route("/incidents", get(read::incidents))
        .route("/incidents/{id}", get(read::incident))
        .route("/windows", get(read::windows))
        .route("/windows/{id}/impact", get(read::impact))
        .route("/composites", get(composites::composites))
        .route("/outbox", get(read::outbox))
        .route("/gate", get(gate::gate))
        .route("/sla", get(sla::sla))
        .route("/events", get(events::events))
        .route("/heartbeat/{token}", get(heartbeat::success).post(heartbeat::success))
        .route("/heartbeat/{token}/{what}", get(heartbeat::said).post(heartbeat::said))
        .route("/", any(nothing))
        .fallback(nothing)
}

async fn nothing() -> Problem {
    Problem::not_found("no such resource; see docs/api.md for what there is")
}
