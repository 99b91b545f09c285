//! `/api/v1/heartbeat/{token}`: jobs say that they ran. The token is the permission, so any peer may beat.

use crate::probe::{Beat, MEMBER_ID_MAX, Taken};
use crate::web::extract::{Path, Query};
use crate::web::problem::Problem;
use crate::web::state::WebState;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

/// Longest token that is looked up.
const TOKEN_BYTES_MAX: usize = 128;

/// `?member=kiosk-0042`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(in crate::web) struct Member {
    /// Which member of a fleet calls; left out for a single job.
    member: Option<String>,
}

type MemberQuery = Result<Query<Member>, Problem>;

/// `…/{token}`.
pub(in crate::web) async fn success(
    State(state): State<WebState>,
    Path(token): Path<String>,
    member: MemberQuery,
) -> Result<&'static str, Problem> {
    beat(&state, &token, member, Beat::Good)
}

/// `…/{token}/start`, `/fail`, `/{exit_code}`.
pub(in crate::web) async fn said(
    State(state): State<WebState>,
    Path((token, what)): Path<(String, String)>,
    member: MemberQuery,
) -> Result<&'static str, Problem> {
    let said = match what.as_str() {
        "start" => Beat::Start,
        "fail" => Beat::Bad(None),
        code => match code.parse::<u8>() {
            Ok(0) => Beat::Good,
            Ok(code) => Beat::Bad(Some(code)),
            Err(_) => return Err(Problem::not_found("a heartbeat ends in start, fail or an exit code from 0 to 255")),
        },
    };
    beat(&state, &token, member, said)
}

fn beat(state: &WebState, token: &str, member: MemberQuery, beat: Beat) -> Result<&'static str, Problem> {
    let member = member.map(|Query(member)| member.member);
    // What cannot be read is answered like a bad id, and only to those who know the token.
    let member = member.unwrap_or_else(|_| Some(String::new()));
    let known = token.len() <= TOKEN_BYTES_MAX;
    let taken =
        if known { state.heartbeats.take(state.now(), token, member.as_deref(), beat) } else { Taken::NobodyListens };
    Err(match taken {
        Taken::Heard => return Ok("ok\n"),
        // One answer for every wrong token, so that nothing is to be learned from it.
        Taken::NobodyListens => Problem::not_found("no probe has this heartbeat token"),
        Taken::WhichMember => Problem::bad_request("this token is a fleet's: say who calls with ?member=ID"),
        Taken::NoFleet => Problem::bad_request("this token is that of a single job: leave ?member= out"),
        Taken::NoId => Problem::bad_request(format!(
            "the member's id is 1 to {MEMBER_ID_MAX} letters, digits, dots, hyphens and underscores"
        )),
        Taken::NotAMember => Problem::forbidden("this fleet's list of members does not have this id"),
        Taken::Full => {
            Problem::new(StatusCode::CONFLICT, "this fleet has all its members; raise `members`, or list their ids")
        }
    })
}
