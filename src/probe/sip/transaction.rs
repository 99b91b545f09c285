//! One client transaction over UDP, TCP or TLS, from the request to the final answer (RFC 3261, 17.1.2).
//!
//! Not here: what the answer means (`sip`). Invariants: provisional answers are waited over; answers of other
//! transactions are ignored; at most [`ANSWERS_MAX`] of all these are read.

use super::Sip;
use super::message::{HEAD_BYTES_MAX, Request, Response, head_length, parse_response};
use crate::domain::{Outcome, ReasonKind};
use crate::probe::{Attempt, Phase, datagram, dial};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};
use tokio_util::either::Either;

/// The first wait before a request is sent again (T1), and the longest (T2).
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
/// Largest datagram.
const DATAGRAM_BYTES_MAX: usize = 65_535;
/// Longest body that is read over, to find the next answer behind it.
const BODY_BYTES_MAX: usize = 64 << 10;
/// Answers that are looked at before we stop waiting for the final one.
const ANSWERS_MAX: usize = 100;

impl Sip {
    pub(super) async fn over_udp(&self, attempt: &Attempt) -> Result<Response, Outcome> {
        let peer = &self.peer;
        let address = datagram::address(attempt, &peer.network, &peer.host, peer.port, peer.family).await?;
        attempt.enter(Phase::Processing);
        let broken = |error: io::Error| peer.broken(&error, Phase::Processing);
        let socket = datagram::socket(address).await.map_err(broken)?;
        let request = self.request(socket.local_addr().map_err(broken)?);
        let bytes = request.to_bytes();
        socket.send(&bytes).await.map_err(broken)?;
        let (mut wait, mut due) = (T1, Instant::now() + T1);
        let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
        let mut answers = 0;
        while answers < ANSWERS_MAX {
            let Ok(read) = timeout_at(due, socket.recv(&mut buffer)).await else {
                socket.send(&bytes).await.map_err(broken)?;
                attempt.note("sent again: the transaction's timer E, which UDP needs");
                wait = (wait * 2).min(T2);
                due = Instant::now() + wait;
                continue;
            };
            answers += 1;
            let datagram = &buffer[..read.map_err(broken)?];
            // Peers keep holes in firewalls open with bare line ends, and may ask us something themselves.
            if datagram.iter().all(u8::is_ascii_whitespace) || is_request(datagram) {
                continue;
            }
            let response = self.read(datagram)?;
            let body = head_length(datagram).map_or(0, |head| datagram.len() - head);
            if let Some(announced) = response.content_length.filter(|announced| *announced > body) {
                return Err(self.wrong(format!("sent {body} of the {announced} bytes of body that it announces")));
            }
            if let Some(response) = take(attempt, &request, response) {
                return Ok(response);
            }
            // Once the peer is at it, there is no hurry any more (17.1.2.2).
            wait = T2;
            due = due.max(Instant::now() + T2);
        }
        Err(self.wrong(format!("sent {ANSWERS_MAX} answers, none of them final")))
    }

    pub(super) async fn over_stream(&self, attempt: &Attempt) -> Result<Response, Outcome> {
        let mut stream = self.peer.open(attempt).await?;
        attempt.enter(Phase::Processing);
        let broken = |error: io::Error| self.failed(&error, attempt.phase().unwrap_or(Phase::Processing));
        let local: SocketAddr = match &stream {
            Either::Left(plain) => plain.local_addr(),
            Either::Right(tls) => tls.get_ref().0.local_addr(),
        }
        .map_err(broken)?;
        let request = self.request(local);
        stream.write_all(&request.to_bytes()).await.map_err(broken)?;
        stream.flush().await.map_err(broken)?;
        let mut heard: Vec<u8> = Vec::new();
        for _ in 0..ANSWERS_MAX {
            let head = loop {
                let blank = heard.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                heard.drain(..blank);
                if let Some(length) = head_length(&heard) {
                    break heard.drain(..length).collect::<Vec<u8>>();
                }
                if heard.len() >= HEAD_BYTES_MAX {
                    return Err(self.wrong(format!("sent {HEAD_BYTES_MAX} bytes without an end of the head")));
                }
                // What does not even begin as SIP will hardly end as it does.
                if heard.len() >= 8 && !heard.starts_with(b"SIP/2.0 ") && !heard.contains(&b' ') {
                    self.read(&heard)?;
                }
                self.more(attempt, &mut stream, &mut heard).await?;
            };
            let response = if is_request(&head) { None } else { Some(self.read(&head)?) };
            let length = match &response {
                Some(response) => response.content_length.unwrap_or_default(),
                None => 0,
            };
            if length > BODY_BYTES_MAX {
                return Err(self.wrong(format!("announces a body of {length} bytes, more than {BODY_BYTES_MAX}")));
            }
            while heard.len() < length {
                self.more(attempt, &mut stream, &mut heard).await?;
            }
            heard.drain(..length);
            if let Some(response) = response.and_then(|response| take(attempt, &request, response)) {
                return Ok(response);
            }
        }
        Err(self.wrong(format!("sent {ANSWERS_MAX} answers, none of them final")))
    }

    /// Reads what has come, at least one byte.
    async fn more(
        &self,
        attempt: &Attempt,
        stream: &mut crate::probe::peer::Stream,
        heard: &mut Vec<u8>,
    ) -> Result<(), Outcome> {
        let mut buffer = [0; 4_096];
        let phase = attempt.phase().unwrap_or(Phase::Processing);
        let read = match stream.read(&mut buffer).await {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            other => other,
        };
        let read = read.map_err(|error: io::Error| self.failed(&error, phase))?;
        if phase == Phase::Processing {
            attempt.enter(Phase::Transfer);
        }
        heard.extend_from_slice(&buffer[..read]);
        Ok(())
    }

    /// The verdict about a stream that broke. Behind the handshake TLS may still refuse us: our certificate is judged
    /// only then.
    fn failed(&self, error: &io::Error, phase: Phase) -> Outcome {
        dial::failed(error, phase, &self.peer.host, self.peer.port)
    }

    fn read(&self, head: &[u8]) -> Result<Response, Outcome> {
        parse_response(head).map_err(|got| self.wrong(format!("does not answer in SIP, but with {got}")))
    }

    fn wrong(&self, what: String) -> Outcome {
        Outcome::fail(ReasonKind::Protocol, format!("{} {what}", self.peer.named()))
    }
}

/// Whether a head begins with a request line.
fn is_request(head: &[u8]) -> bool {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    line.ends_with(b" SIP/2.0")
}

/// The response, if it is the final one to `request`; else it is noted.
fn take(attempt: &Attempt, request: &Request<'_>, response: Response) -> Option<Response> {
    if !request.is_answered_by(&response) {
        attempt.note(format!("ignored {}, which answers another request", response.line()));
        return None;
    }
    let server = response.server.as_ref().map_or_else(String::new, |server| format!(" by {server}"));
    attempt.note(format!("{}{server}", response.line()));
    (response.status >= 200).then_some(response)
}
