//! `/api/v1/heartbeat/{token}`: jobs say that they ran. The token is the permission, so any peer may beat.

use crate::probe::Beat;
use crate::web::problem::Problem;
use crate::web::state::WebState;
use axum::extract::{Path, State};

/// Longest token that is looked up.
const TOKEN_BYTES_MAX: usize = 128;

/// `…/{token}`.
pub(in crate::web) async fn success(
    State(state): State<WebState>,
    Path(token): Path<String>,
) -> Result<&'static str, Problem> {
    beat(&state, &token, Beat::Good)
}

/// `…/{token}/start`, `/fail`, `/{exit_code}`.
pub(in crate::web) async fn said(
    State(state): State<WebState>,
    Path((token, what)): Path<(String, String)>,
) -> Result<&'static str, Problem> {
    let said = match what.as_str() {
        "start" => Beat::Start,
        "fail" => Beat::Bad("the job reported a failure".to_owned()),
        code => match code.parse::<u8>() {
            Ok(0) => Beat::Good,
            Ok(code) => Beat::Bad(format!("the job ended with exit code {code}")),
            Err(_) => return Err(Problem::not_found("a heartbeat ends in start, fail or an exit code from 0 to 255")),
        },
    };
    beat(&state, &token, said)
}

fn beat(state: &WebState, token: &str, beat: Beat) -> Result<&'static str, Problem> {
    // One answer for every wrong token, so that nothing is to be learned from it.
    if token.len() <= TOKEN_BYTES_MAX && state.heartbeats.take(state.now(), token, beat) {
        Ok("ok\n")
    } else {
        Err(Problem::not_found("no probe has this heartbeat token"))
    }
}
