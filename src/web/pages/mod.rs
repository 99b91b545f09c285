//! Pages for people.
use super::Shared;
use super::problem::Problem;
use axum::Router;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
}

pub(super) async fn not_found() -> Problem {
    Problem::not_found("no such page")
}
