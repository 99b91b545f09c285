//! Asks the kernel, by way of systemd, whether its clock is synchronised, where `clock.require_sync` wants to know.
//!
//! Not here: what follows from it (`engine::wall`). Invariants: what cannot be asked is in doubt; the question has a
//! deadline; nobody is asked where nobody wants to know. `timedatectl` says what `adjtimex(2)` says of `STA_UNSYNC`.

use crate::domain::Names;
use crate::domain::engine::Event;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How often it is asked.
const ASK_EVERY: Duration = Duration::from_secs(30);

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What is run, found by `PATH`; without a shell.
const PROGRAM: &str = "timedatectl";
const QUESTION: [&str; 3] = ["show", "--property=NTPSynchronized", "--value"];

/// Asks until `stop`. Until the first answer the clock is in doubt.
pub(super) async fn ask(events: mpsc::Sender<Event>, stop: CancellationToken) {
    let mut doubt = Some(unanswered("nobody has answered yet"));
    let mut turn = tokio::time::interval(ASK_EVERY);
    loop {
        // The runtime is gone only while the daemon stops.
        let _ = events.send(Event::ClockAsked { doubt }).await;
        tokio::select! {
            () = stop.cancelled() => return,
            _ = turn.tick() => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            answered = answer() => doubt = answered,
        }
    }
}

/// Why the kernel's clock is not to be trusted, if so; asks once, under a deadline.
pub async fn answer() -> Option<Names> {
    let mut command = Command::new(PROGRAM);
    command.args(QUESTION).stdin(Stdio::null()).kill_on_drop(true).env("LC_ALL", "C");
    match tokio::time::timeout(ANSWER_WITHIN, command.output()).await {
        Err(_) => Some(unanswered("it took too long")),
        Ok(Err(error)) => Some(unanswered(&error.to_string())),
        Ok(Ok(output)) => understood(&output.stdout),
    }
}

/// `yes`, `no`, or whatever else is no answer.
fn understood(said: &[u8]) -> Option<Names> {
    match said.trim_ascii() {
        b"yes" => None,
        b"no" => Some(Names {
            zh: "系统时钟尚未同步（timedatectl），而 clock.require_sync 要求同步".into(),
            en: "the clock is not synchronised (timedatectl), and clock.require_sync asks for it".into(),
        }),
        _ => Some(unanswered("it gave no answer")),
    }
}

fn unanswered(why: &str) -> Names {
    Names {
        zh: format!("无法得知时钟是否同步（{PROGRAM}：{why}），而 clock.require_sync 要求同步"),
        en: format!(
            "whether the clock is synchronised is not known ({PROGRAM}: {why}), and clock.require_sync asks for it"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_leaves_no_doubt() {
        assert_eq!(understood(b"yes\n"), None);
        assert!(understood(b"no\n").unwrap().en.contains("is not synchronised"));
        for other in [&b""[..], b"yes no", b"NTPSynchronized=yes", b"\xff"] {
            assert!(understood(other).unwrap().en.contains("gave no answer"), "{other:?}");
        }
    }
}
