//! Waiting for something to become true, never for time to pass.

use std::time::Duration;
use tokio::time::{sleep, timeout};

/// From one look to the next.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Looks until `ask` has an answer, at most for `within_s` seconds.
pub(crate) async fn until<T>(what: &str, within_s: u64, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            sleep(LOOK_EVERY).await;
        }
    };
    let answer = timeout(Duration::from_secs(within_s), looking).await;
    answer.unwrap_or_else(|_| panic!("not within {within_s} s: {what}"))
}
