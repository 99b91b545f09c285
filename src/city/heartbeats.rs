//! The city's own signs of life: heartbeats posted to the daemon, as batch jobs and terminals would.
//!
//! Not here: what the daemon makes of them. Invariants: a subsystem that is not well by the stage stays silent; one
//! post at a time, each under a deadline; a daemon that is not there yet is asked again.

use super::script::{Behaviour, Stage};
use crate::domain::SubsystemId;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// From one round of heartbeats to the next; short, so that a demo's restarted daemon knows soon.
const EVERY: Duration = Duration::from_secs(5);
/// While the daemon does not answer, it is asked this often.
const AGAIN: Duration = Duration::from_millis(300);
/// Members of a fleet take turns: in each round this part of them is heard.
const TURNS: usize = 4;
/// Deadline of one post.
const DEADLINE: Duration = Duration::from_secs(2);

/// Who is expected to be heard of, and under which token.
#[derive(Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// Whose.
    pub subsystem: SubsystemId,
    /// The secret in the URL.
    pub token: String,
    /// Members of a fleet that call under one token; empty for a job.
    pub members: Vec<String>,
}

pub(super) async fn send(base: String, heartbeats: Vec<Heartbeat>, stage: Arc<Stage>, stop: CancellationToken) {
    let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build();
    let client = match client {
        Ok(client) => client,
        Err(error) => return tracing::warn!(%error, "the city cannot send heartbeats"),
    };
    let rounds = async {
        let mut turn = 0;
        loop {
            let heard = round(&client, &base, &heartbeats, &stage, turn).await.is_ok();
            turn += usize::from(heard);
            tokio::time::sleep(if heard { EVERY } else { AGAIN }).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = rounds => {}
    }
}

async fn round(
    client: &reqwest::Client,
    base: &str,
    heartbeats: &[Heartbeat],
    stage: &Stage,
    turn: usize,
) -> Result<(), reqwest::Error> {
    for heartbeat in heartbeats {
        let behaviour = stage.behaviour(&heartbeat.subsystem);
        if !matches!(behaviour, Behaviour::Healthy | Behaviour::ExpiringCertificate | Behaviour::Slow(_)) {
            continue;
        }
        let url = format!("{}/api/v1/heartbeat/{}", base.trim_end_matches('/'), heartbeat.token);
        if heartbeat.members.is_empty() {
            post(client, &url, heartbeat).await?;
        }
        // In the very first round all are heard, so that nobody waits to know them.
        let (skip, step) = if turn == 0 { (0, 1) } else { (turn % TURNS, TURNS) };
        for member in heartbeat.members.iter().skip(skip).step_by(step) {
            post(client, &format!("{url}?member={member}"), heartbeat).await?;
        }
    }
    Ok(())
}

async fn post(client: &reqwest::Client, url: &str, heartbeat: &Heartbeat) -> Result<(), reqwest::Error> {
    let answer = client.post(url).send().await?;
    if !answer.status().is_success() {
        tracing::debug!(subsystem = %heartbeat.subsystem, status = %answer.status(), "heartbeat refused");
    }
    Ok(())
}
