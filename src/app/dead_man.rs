//! Tells a receiver outside, at a fixed rate, that we are there: it raises the alarm when we fall silent.
//!
//! Not here: the receiver. Invariants: nothing is said while the engine stands still; what is said carries the time of
//! the last finished round; every request has a deadline, and the next one does not wait for trouble to end.

use crate::clock::Clock;
use crate::config::DeadManSettings;
use crate::metrics::Metrics;
use crate::network::{Network, everything};
use crate::probe::{Call, CallError, Transports};
use crate::runtime::Pulse;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long a request may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How soon it is looked at whether there is a receiver by now, where there is none.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Whom to tell, how often, and the way there.
pub(super) struct Receiver {
    settings: DeadManSettings,
    transports: Transports,
}

impl Receiver {
    /// The receiver of the settings, if they have one. It is the administrator's own word, so no address is refused.
    pub(super) fn of(settings: Option<&DeadManSettings>, network: &Network, user_agent: &str) -> Option<Self> {
        let network = Arc::new(Network { allow: everything(), ..network.clone() });
        let transports = Transports::new(network, user_agent);
        settings.map(|settings| Self { settings: settings.clone(), transports })
    }
}

/// The receiver as the files have it now.
pub(super) type Receivers = Arc<ArcSwap<Option<Receiver>>>;

/// What one turn came to: a label of the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Ok,
    Failed,
    Withheld,
}

/// Says so until `stop`.
pub(super) async fn run(
    receivers: Receivers,
    pulse: Pulse,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) {
    let mut turns = 0;
    loop {
        let receiver = receivers.load_full();
        let mut pause = LOOK_AGAIN;
        if let Some(receiver) = receiver.as_ref() {
            pause = Duration::from_millis(receiver.settings.every_ms.unsigned_abs());
            let now = pulse.count();
            let said = tokio::select! {
                () = stop.cancelled() => return,
                said = say(receiver, &pulse, &*clock, turns != now) => said,
            };
            turns = now;
            note(&metrics, said, &*clock);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn say(receiver: &Receiver, pulse: &Pulse, clock: &dyn Clock, turned: bool) -> Said {
    if !turned {
        tracing::error!("the engine stands still; the receiver outside is not told that all is well");
        return Said::Withheld;
    }
    let call = call(&receiver.settings, clock.now().to_string(), pulse.last_round().map(|at| at.to_string()));
    match receiver.transports.call(&call, ANSWER_WITHIN).await {
        Ok((200..=299, _)) => Said::Ok,
        Ok((status, said)) => {
            tracing::warn!(status, said, "the receiver outside refused the sign of life");
            Said::Failed
        }
        Err(CallError::NotSent(why) | CallError::Lost(why)) => {
            tracing::warn!(why, "the receiver outside did not get the sign of life");
            Said::Failed
        }
    }
}

fn call(settings: &DeadManSettings, at: String, last_round: Option<String>) -> Call {
    let mut url = settings.url.clone();
    let version = env!("CARGO_PKG_VERSION");
    if settings.method == "GET" {
        url.query_pairs_mut().append_pair("at", &at).append_pair("last_round", &last_round.unwrap_or_default());
        return Call { method: "GET".to_owned(), url, headers: Vec::new(), body: None };
    }
    let body = serde_json::json!({ "at": at, "last_round": last_round, "version": version }).to_string();
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Call { method: settings.method.clone(), url, headers, body: Some(body) }
}

fn note(metrics: &Metrics, said: Said, clock: &dyn Clock) {
    let result = match said {
        Said::Ok => "ok",
        Said::Failed => "failed",
        Said::Withheld => "withheld",
    };
    metrics.sign_of_life(result);
    if said == Said::Ok {
        metrics.sign_of_life_timestamp_seconds.set(clock.now().0 as f64 / 1_000.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::domain::Timestamp;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_util::task::TaskTracker;

    /// A receiver that answers each request with the next status, and gives back what it got.
    async fn receiver(answers: Vec<u16>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/ping/abc", listener.local_addr().unwrap());
        let got = TaskTracker::new().spawn(async move {
            let mut got = Vec::new();
            for status in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut bytes = vec![0; 4_096];
                let mut read = 0;
                while !String::from_utf8_lossy(&bytes[..read]).contains('}') {
                    let n = stream.read(&mut bytes[read..]).await.unwrap();
                    read += n;
                    if n == 0 || bytes.starts_with(b"GET") {
                        break;
                    }
                }
                got.push(String::from_utf8_lossy(&bytes[..read]).into_owned());
                let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            got
        });
        (url, got)
    }

    fn ready(url: &str, method: &str) -> Receiver {
        let network =
            Network { connect_to: Vec::new(), allow: Vec::new(), roots: Arc::new(rustls::RootCertStore::empty()) };
        let settings = DeadManSettings { url: url.parse().unwrap(), every_ms: 60_000, method: method.to_owned() };
        Receiver::of(Some(&settings), &network, "gengfu-test").unwrap()
    }

    #[tokio::test]
    async fn the_receiver_learns_when_the_last_round_ended_and_what_it_refuses_is_counted() {
        let (url, got) = receiver(vec![200, 500]).await;
        let (clock, pulse) = (ManualClock::at(Timestamp(1_000_000)), Pulse::default());
        pulse.round_ended(Timestamp(999_000));
        let receiver = ready(&url, "POST");
        assert_eq!(say(&receiver, &pulse, &clock, true).await, Said::Ok);
        assert_eq!(say(&receiver, &pulse, &clock, true).await, Said::Failed);
        assert_eq!(say(&receiver, &pulse, &clock, false).await, Said::Withheld, "the engine stands still");
        let got = got.await.unwrap();
        assert!(got[0].starts_with("POST /ping/abc HTTP/1.1"), "{}", got[0]);
        assert!(got[0].contains(r#""last_round":"1970-01-01T00:16:39Z""#), "{}", got[0]);
    }

    #[tokio::test]
    async fn a_receiver_that_wants_get_is_told_in_the_query_and_a_dead_one_is_a_failure() {
        let (url, got) = receiver(vec![204]).await;
        let (clock, pulse) = (ManualClock::at(Timestamp(1_000_000)), Pulse::default());
        let receiver = ready(&url, "GET");
        assert_eq!(say(&receiver, &pulse, &clock, true).await, Said::Ok);
        assert!(got.await.unwrap()[0].starts_with("GET /ping/abc?at=1970-01-01T00%3A16%3A40Z&last_round= "));
        assert_eq!(say(&receiver, &pulse, &clock, true).await, Said::Failed, "nobody listens any more");
    }
}
