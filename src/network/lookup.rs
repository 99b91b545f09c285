//! One question to the system's resolver, which reads hosts, nsswitch and resolv.conf as every program here does.
//!
//! Not here: rules and refusals (`network`). Invariants: nobody waits longer than he says; a resolver that gives no
//! answer is told from one that says that there is no such name; at most [`AT_ONCE`] threads wait for the system.

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType, getaddrinfo};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long a resolver may take at most. The system's own turns to its second server after 5 s, which must still count.
pub const WAIT_MAX: Duration = Duration::from_secs(8);
/// How many questions are with the system at once: when its servers are dead, each holds a thread for long, and the
/// threads are those that the store works on as well.
const AT_ONCE: usize = 128;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// The resolver said nothing about a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// It is silent, or too slow.
    #[error("the resolver gave no answer within {}", tenths(*.0))]
    Silent(Duration),
    /// It says that it could not find out (EAI_AGAIN): its servers are silent, refuse or fail.
    #[error("the resolver could not find out: {0}")]
    Failed(String),
}

impl From<NoAnswer> for io::Error {
    fn from(error: NoAnswer) -> Self {
        Self::other(error)
    }
}

/// Seconds to one tenth; what was lost on the way is no part of a sentence.
fn tenths(length: Duration) -> String {
    let text = format!("{:.1}", length.as_secs_f64());
    format!("{} s", text.strip_suffix(".0").unwrap_or(&text))
}

/// The addresses of a name.
pub(super) async fn lookup(host: &str, port: u16, within: Duration) -> io::Result<Vec<SocketAddr>> {
    let mut addresses = asked(host, within, system).await?;
    addresses.iter_mut().for_each(|address| address.set_port(port));
    Ok(addresses)
}

async fn asked<R>(host: &str, within: Duration, resolver: R) -> io::Result<Vec<SocketAddr>>
where
    R: FnOnce(&str) -> Result<Vec<SocketAddr>, LookupError> + Send + 'static,
{
    let host = host.to_owned();
    let answer = async {
        let turn = TURNS.acquire().await;
        let asking = move || {
            let found = resolver(&host);
            drop(turn);
            found
        };
        tokio::task::spawn_blocking(asking).await
    };
    match tokio::time::timeout(within, answer).await {
        Ok(Ok(found)) => found.map_err(meaning),
        Ok(Err(error)) => Err(io::Error::other(error)),
        Err(_) => Err(NoAnswer::Silent(within).into()),
    }
}

fn system(host: &str) -> Result<Vec<SocketAddr>, LookupError> {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let found = getaddrinfo(Some(host), None, Some(hints))?;
    let addresses = found.map(|one| one.map(|one| one.sockaddr)).collect::<io::Result<Vec<_>>>()?;
    Ok(addresses)
}

fn meaning(error: LookupError) -> io::Error {
    match error.kind() {
        LookupErrorKind::Again => NoAnswer::Failed(said(&error)).into(),
        LookupErrorKind::Memory => io::ErrorKind::OutOfMemory.into(),
        // With the system's own number, such as that of too many open files.
        LookupErrorKind::System | LookupErrorKind::IO => error.into(),
        _ => io::Error::other(said(&error)),
    }
}

/// What the system says, without what stands before it everywhere.
fn said(error: &LookupError) -> String {
    let text = error.to_string();
    text.rsplit_once(": ").map_or_else(|| text.clone(), |(_, end)| end.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn verdict(code: i32) -> io::Error {
        asked("a.test", WAIT_MAX, move |_| Err(LookupError::new(code))).await.unwrap_err()
    }

    fn no_answer(error: &io::Error) -> Option<&NoAnswer> {
        error.get_ref()?.downcast_ref()
    }

    #[tokio::test]
    async fn resolver_that_cannot_find_out_is_told_from_one_that_knows_no_such_name() {
        let again = verdict(libc_code("EAI_AGAIN")).await;
        assert!(matches!(no_answer(&again), Some(NoAnswer::Failed(_))), "{again:?}");
        assert_eq!(again.to_string(), "the resolver could not find out: Temporary failure in name resolution");
        for (code, text) in [("EAI_NONAME", "Name or service not known"), ("EAI_NODATA", "No address associated")] {
            let error = verdict(libc_code(code)).await;
            assert!(no_answer(&error).is_none() && error.to_string().starts_with(text), "{error:?}");
        }
    }

    #[tokio::test]
    async fn resolver_that_is_silent_is_waited_for_as_long_as_was_said() {
        let (end, silence) = std::sync::mpsc::channel::<()>();
        let within = Duration::from_millis(60);
        let mute = move |_: &str| {
            let _ = silence.recv();
            Ok(Vec::new())
        };
        let error = asked("a.test", within, mute).await.unwrap_err();
        assert_eq!(no_answer(&error), Some(&NoAnswer::Silent(within)));
        drop(end);
        let text = |ms| NoAnswer::Silent(Duration::from_millis(ms)).to_string();
        assert_eq!(text(4_000), "the resolver gave no answer within 4 s");
        assert_eq!(text(1_496), "the resolver gave no answer within 1.5 s");
    }

    #[tokio::test]
    async fn names_of_this_machine_are_known_without_a_server() {
        let addresses = lookup("localhost", 80, WAIT_MAX).await.unwrap();
        assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == 80), "{addresses:?}");
    }

    /// The numbers of glibc.
    fn libc_code(name: &str) -> i32 {
        match name {
            "EAI_NONAME" => -2,
            "EAI_AGAIN" => -3,
            _ => -5,
        }
    }
}
