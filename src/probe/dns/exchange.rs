//! One question and its answer, over UDP, TCP or TLS.
//!
//! Not here: what the answer means (`expect`). Invariants: an answer has the question's id and repeats the question;
//! over UDP everything else is ignored, at most [`DATAGRAMS_MAX`] times, since the true answer may still come.

use crate::domain::{Outcome, ReasonKind};
use crate::network::Network;
use crate::probe::peer::{Family, Tls, named};
use crate::probe::{Phase, Recorder, datagram, dial};
use hickory_proto::op::{Message, MessageType, Query};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// Largest answer over UDP; a longer one comes cut, and over TCP in whole.
const UDP_BYTES_MAX: usize = 4_096;
/// Datagrams that are looked at before we stop waiting for the one that answers.
const DATAGRAMS_MAX: usize = 1_000;

/// How to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Udp,
    Tcp,
    Tls,
}

/// One name server, and how to reach it.
pub(super) struct Server {
    pub(super) host: Box<str>,
    pub(super) port: u16,
    pub(super) family: Family,
    pub(super) transport: Transport,
    pub(super) tls: Tls,
}

impl Server {
    /// `ns1.bdc.test:53`.
    pub(super) fn named(&self) -> String {
        named(&self.host, self.port)
    }

    /// Asks it; `within` bounds the wait for a connection.
    pub(super) async fn ask(
        &self,
        recorder: &Recorder,
        network: &Network,
        question: &Message,
        within: Duration,
    ) -> Result<Message, Outcome> {
        let address = datagram::address(recorder, network, &self.host, self.port, self.family).await?;
        let bytes =
            question.to_vec().map_err(|error| Outcome::unknown(format!("cannot write the question: {error}")))?;
        if self.transport == Transport::Udp {
            recorder.enter(Phase::Processing);
            let answer = self.over_udp(recorder, question, &bytes, address).await?;
            if !answer.metadata.truncation {
                return Ok(answer);
            }
            recorder.note("the answer over UDP was cut; asking over TCP");
        }
        recorder.enter(Phase::Connect);
        let connecting = tokio::time::timeout(within * 2, TcpStream::connect(address)).await;
        let stream = connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = stream.map_err(|error| self.broken(&error, Phase::Connect))?;
        // The question should leave at once; if the option is refused, it leaves a little later.
        let _ = stream.set_nodelay(true);
        if self.transport == Transport::Tls {
            let stream = dial::handshake(recorder, &self.tls.config, stream, &self.tls.name, self.port).await?;
            return self.over_stream(recorder, question, &bytes, stream).await;
        }
        self.over_stream(recorder, question, &bytes, stream).await
    }

    fn broken(&self, error: &io::Error, phase: Phase) -> Outcome {
        dial::broken(error, phase, &self.host, self.port)
    }

    async fn over_udp(
        &self,
        recorder: &Recorder,
        question: &Message,
        bytes: &[u8],
        address: SocketAddr,
    ) -> Result<Message, Outcome> {
        let broken = |error: io::Error| self.broken(&error, Phase::Processing);
        let socket = datagram::socket(address).await.map_err(broken)?;
        socket.send(bytes).await.map_err(broken)?;
        let mut buffer = vec![0; UDP_BYTES_MAX];
        for count in 0..DATAGRAMS_MAX {
            let read = socket.recv(&mut buffer).await.map_err(broken)?;
            match answer_to(question, &buffer[..read]) {
                Ok(answer) => return Ok(answer),
                Err(why) if count < 3 => recorder.note(format!("ignored {read} bytes over UDP: {why}")),
                Err(_) => {}
            }
        }
        let text = format!("{} sent {DATAGRAMS_MAX} datagrams, and no answer to our question", self.named());
        Err(Outcome::fail(ReasonKind::Protocol, text))
    }

    async fn over_stream(
        &self,
        recorder: &Recorder,
        question: &Message,
        bytes: &[u8],
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
    ) -> Result<Message, Outcome> {
        recorder.enter(Phase::Processing);
        // Behind the handshake TLS may still refuse us: our certificate is judged only then.
        let broken = |error: io::Error| {
            dial::failed(&error, recorder.phase().unwrap_or(Phase::Processing), &self.host, self.port)
        };
        let length = u16::try_from(bytes.len())
            .map_err(|_| Outcome::unknown("cannot write the question: it is longer than 65535 bytes"))?;
        stream.write_all(&[&length.to_be_bytes(), bytes].concat()).await.map_err(broken)?;
        stream.flush().await.map_err(broken)?;
        // Two bytes of length bound the answer to 64 KiB.
        let mut buffer = vec![0; stream.read_u16().await.map_err(broken)?.into()];
        recorder.enter(Phase::Transfer);
        stream.read_exact(&mut buffer).await.map_err(broken)?;
        answer_to(question, &buffer).map_err(|why| {
            Outcome::fail(ReasonKind::Protocol, format!("{} gave no answer to our question: {why}", self.named()))
        })
    }
}

/// Reads a message; the error says what is wrong with it.
pub(in crate::probe) fn parse_answer(bytes: &[u8]) -> Result<Message, String> {
    Message::from_vec(bytes).map_err(|error| format!("not a DNS message: {error}"))
}

/// Reads the answer to `question`, or says why it is none.
fn answer_to(question: &Message, bytes: &[u8]) -> Result<Message, String> {
    let answer = parse_answer(bytes)?;
    let same = |a: &Query, b: &Query| {
        a.name() == b.name() && a.query_type() == b.query_type() && a.query_class() == b.query_class()
    };
    if answer.metadata.message_type != MessageType::Response {
        return Err("a question".into());
    }
    if answer.metadata.id != question.metadata.id {
        return Err("an answer with another id".into());
    }
    let is_error = answer.metadata.response_code != hickory_proto::op::ResponseCode::NoError;
    match (answer.queries.as_slice(), question.queries.as_slice()) {
        // Servers that cannot even read a question do not repeat it.
        ([], _) if is_error => Ok(answer),
        ([theirs], [ours]) if same(theirs, ours) => Ok(answer),
        _ => Err("an answer to another question".into()),
    }
}
