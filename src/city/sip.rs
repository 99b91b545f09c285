//! A trunk's end that answers OPTIONS, over UDP and TCP.
//!
//! Not here: sockets (`endpoint`). Invariants: an answer repeats the headers that tie it to its question, and nothing
//! else of it; what is no request gets no answer; at most [`HEAD_BYTES_MAX`] bytes of one are kept.

use super::script::Behaviour;
use std::fmt::Write as _;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest head of a request.
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// Headers that tie an answer to its question (RFC 3261, 8.2.6.2).
const REPEATED: [&str; 5] = ["via", "from", "to", "call-id", "cseq"];

/// The answer to one request, after the delay that the behaviour asks for; `None` where silence is the answer.
pub(super) async fn answer(request: &[u8], behaviour: &Behaviour) -> Option<Vec<u8>> {
    if let Behaviour::Slow(ms) = behaviour {
        tokio::time::sleep(Duration::from_millis((*ms).into())).await;
    }
    let (status, more) = match behaviour {
        Behaviour::Refuse | Behaviour::Hang | Behaviour::Blank => return None,
        Behaviour::Status(_) => ("500 Server Internal Error", String::new()),
        Behaviour::Maintenance { retry_after_s, .. } => {
            ("503 Service Unavailable", format!("Retry-After: {retry_after_s}\r\n"))
        }
        _ => ("200 OK", "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\n".to_owned()),
    };
    let text = std::str::from_utf8(request).ok()?;
    let mut lines = text.split("\r\n");
    if !lines.next()?.ends_with(" SIP/2.0") {
        return None;
    }
    let mut answer = format!("SIP/2.0 {status}\r\n");
    for line in lines.take_while(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
        if REPEATED.contains(&name.as_str()) {
            let tag = if name == "to" && !line.contains("tag=") { ";tag=city" } else { "" };
            let _ = write!(answer, "{line}{tag}\r\n");
        }
    }
    let _ = write!(answer, "{more}Server: city\r\nContent-Length: 0\r\n\r\n");
    Some(answer.into_bytes())
}

/// Answers the requests of one connection, none of which has a body.
pub(super) async fn serve(mut stream: TcpStream, behaviour: &Behaviour) -> io::Result<()> {
    let mut head = Vec::with_capacity(1024);
    while head.len() < HEAD_BYTES_MAX && stream.read_buf(&mut head).await? > 0 {
        while let Some(end) = head.windows(4).position(|part| part == b"\r\n\r\n") {
            let rest = head.split_off(end + 4);
            if let Some(answer) = answer(&head, behaviour).await {
                stream.write_all(&answer).await?;
            }
            head = rest;
        }
    }
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &str = "OPTIONS sip:trunk.hotline.test SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKa\r\n\
                           From: <sip:gengfu@bdc.test>;tag=1\r\nTo: <sip:trunk.hotline.test>\r\nCall-ID: x\r\n\
                           CSeq: 1 OPTIONS\r\nSubject: kept to itself\r\n\r\n";

    #[tokio::test]
    async fn an_answer_repeats_what_ties_it_to_its_question_and_follows_the_stage() {
        let said = |behaviour| async move {
            String::from_utf8(answer(OPTIONS.as_bytes(), &behaviour).await.unwrap_or_default()).unwrap()
        };
        let well = said(Behaviour::Healthy).await;
        assert!(well.starts_with("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKa\r\n"), "{well}");
        assert!(well.contains("To: <sip:trunk.hotline.test>;tag=city\r\n") && !well.contains("Subject"), "{well}");
        assert!(said(Behaviour::Status(502)).await.starts_with("SIP/2.0 500 "));
        assert_eq!(said(Behaviour::Hang).await, "");
        assert_eq!(answer(b"\xff\r\n\r\n", &Behaviour::Healthy).await, None);
    }
}
