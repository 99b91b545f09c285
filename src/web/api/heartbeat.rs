//! `/api/v1/heartbeat/{token}`: jobs say that they ran. The token is the permission, so any peer may beat.

use crate::web::problem::Problem;
use crate::web::state::{Beat, Command, Known, WebState};
use axum::extract::{Path, State};

/// Longest token that is looked up.
const TOKEN_BYTES_MAX: usize = 128;

/// `…/{token}`.
pub(in crate::web) async fn success(
    State(state): State<WebState>,
    Path(token): Path<String>,
) -> Result<&'static str, Problem> {
    beat(&state, token, Beat::Success).await
}

/// `…/{token}/start`, `/fail`, `/{exit_code}`.
pub(in crate::web) async fn said(
    State(state): State<WebState>,
    Path((token, what)): Path<(String, String)>,
) -> Result<&'static str, Problem> {
    let said = match what.as_str() {
        "start" => Beat::Start,
        "fail" => Beat::Fail,
        code => match code.parse() {
            Ok(code) => Beat::Exit(code),
            Err(_) => return Err(Problem::not_found("a heartbeat ends in start, fail or an exit code from 0 to 255")),
        },
    };
    beat(&state, token, said).await
}

async fn beat(state: &WebState, token: String, beat: Beat) -> Result<&'static str, Problem> {
    // The answer for a token that cannot exist is that for one that does not: nothing is to be learned from it.
    let unknown = || Problem::not_found("no probe has this heartbeat token");
    if token.len() > TOKEN_BYTES_MAX {
        return Err(unknown());
    }
    match state.commands.ask(|reply| Command::Heartbeat { token, beat, reply }).await {
        Ok(Known::Yes) => Ok("ok\n"),
        Ok(Known::No) => Err(unknown()),
        Err(unanswered) => Err(Problem::unavailable(unanswered.to_string())),
    }
}
