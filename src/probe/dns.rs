//! `dns`: asks one name server one question and compares its answer.
//!
//! Not here: resolving names for ourselves (`network`). Invariants: the question goes out once over UDP, and again over
//! TCP only when the answer says that it was cut; answers to other questions are ignored.

use super::{Attempt, BoxFuture, BuildContext, DnsFacts, Phase, ProbeKind, Prober, dial};
use crate::domain::{Outcome, ReasonKind};
use crate::field::{Code, Field, Problem, Problems, Record, Type};
use crate::network::Network;
use hickory_proto::op::{Message, MessageType, Query, ResponseCode};
use hickory_proto::rr::Name;
use regex::Regex;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

/// Largest answer over UDP; a longer one comes cut, and over TCP in whole.
const UDP_BYTES_MAX: usize = 4_096;

/// This kind.
pub(super) const KIND: ProbeKind = ProbeKind {
    name: "dns",
    about: "Asks a name server a question and compares its answer.",
    example: "server: ns1.bdc.test\nname: ywtb.huangpu.test\nanswers: 10.1.2.3\n",
    fields: FIELDS,
    target: Some("name"),
    build,
};

const TYPES: &[&str] = &["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"];
const RCODES: &[&str] = &["NOERROR", "NXDOMAIN", "REFUSED", "SERVFAIL"];

const FIELDS: &[Field] = &[
    Field::required("server", Type::Host, "Name server to ask."),
    Field::with_default("port", Type::PORT, "53", "Its port."),
    Field::required("name", Type::TEXT, "Name to ask for."),
    Field::with_default("type", Type::Choice(TYPES), "A", "Type of record to ask for."),
    Field::with_default("transport", Type::Choice(&["udp", "tcp"]), "udp", "How to ask."),
    Field::with_default("rcode", Type::Choice(RCODES), "NOERROR", "The response code that is right."),
    Field::optional("answers", Type::OneOrMany(&Type::TEXT), "Values that must all be among the answers."),
    Field::optional("answer_regex", Type::Regex, "Some answer must match it."),
];

fn build(record: &Record, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    let value = |field: &str, text: String| Problems::from(Problem::error(Code::Value, record.at(field), text));
    let mut name =
        Name::from_utf8(record.text("name")).map_err(|error| value("name", format!("not a domain name: {error}")))?;
    name.set_fqdn(true);
    let kind = record.text("type").parse().map_err(|_| value("type", "no such type of record".to_owned()))?;
    Ok(Arc::new(Dns {
        network: Arc::clone(&context.network),
        server: record.text("server").trim_matches(['[', ']']).into(),
        port: u16::try_from(record.int("port")).unwrap_or(53),
        query: Query::query(name, kind),
        tcp_only: record.text("transport") == "tcp",
        rcode: rcode_named(record.text("rcode")),
        answers: record.texts("answers").map(|(text, _)| canonical(text)).collect(),
        answer_regex: record.regex("answer_regex").cloned(),
    }))
}

struct Dns {
    network: Arc<Network>,
    server: Box<str>,
    port: u16,
    query: Query,
    tcp_only: bool,
    rcode: ResponseCode,
    answers: Vec<String>,
    answer_regex: Option<Regex>,
}

impl Prober for Dns {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let answer = self.ask(attempt).await;
            attempt.leave();
            answer.map_or_else(|outcome| outcome, |answer| self.judge(attempt, &answer))
        })
    }
}

impl Dns {
    async fn ask(&self, attempt: &Attempt) -> Result<Message, Outcome> {
        let addresses = dial::resolve(attempt, &self.network, &self.server, self.port).await?;
        let Some(address) = addresses.first().copied() else {
            return Err(Outcome::fail(ReasonKind::Resolve, format!("{} has no address", self.server)));
        };
        let mut question = Message::query();
        question.metadata.recursion_desired = true;
        question.add_query(self.query.clone());
        let bytes =
            question.to_vec().map_err(|error| Outcome::unknown(format!("cannot write the question: {error}")))?;
        let broken = |error: io::Error, phase| dial::broken(&error, phase, &self.server, self.port);
        if !self.tcp_only {
            attempt.enter(Phase::Processing);
            let answer = self.over_udp(&question, &bytes, address).await;
            let answer = answer.map_err(|error| broken(error, Phase::Processing))?;
            if !answer.metadata.truncation {
                return Ok(answer);
            }
            attempt.note("the answer over UDP was cut; asking over TCP");
        }
        attempt.enter(Phase::Connect);
        let stream = TcpStream::connect(address).await.map_err(|error| broken(error, Phase::Connect))?;
        attempt.enter(Phase::Processing);
        self.over_tcp(&question, &bytes, stream).await.map_err(|error| broken(error, Phase::Processing))
    }

    async fn over_udp(&self, question: &Message, bytes: &[u8], address: SocketAddr) -> io::Result<Message> {
        let any: SocketAddr = if address.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
        let socket = UdpSocket::bind(any).await?;
        socket.connect(address).await?;
        socket.send(bytes).await?;
        let mut buffer = vec![0; UDP_BYTES_MAX];
        loop {
            let read = socket.recv(&mut buffer).await?;
            // What does not parse or answers another question may be forged; the real answer may still come.
            if let Some(answer) = Message::from_vec(&buffer[..read]).ok().filter(|answer| answers(question, answer)) {
                return Ok(answer);
            }
        }
    }

    async fn over_tcp(&self, question: &Message, bytes: &[u8], mut stream: TcpStream) -> io::Result<Message> {
        let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), bytes].concat()).await?;
        let mut buffer = vec![0; stream.read_u16().await?.into()];
        stream.read_exact(&mut buffer).await?;
        let answer = Message::from_vec(&buffer).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        if answers(question, &answer) {
            Ok(answer)
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is to another question"))
        }
    }

    fn judge(&self, attempt: &Attempt, answer: &Message) -> Outcome {
        let (name, kind) = (self.query.name(), self.query.query_type());
        attempt.fact(|facts| facts.dns = Some(DnsFacts::of(answer)));
        let records: Vec<String> = answer.answers.iter().map(|record| canonical(&record.data.to_string())).collect();
        let rcode = answer.metadata.response_code;
        let list = if records.is_empty() { "nothing".to_owned() } else { records.join(", ") };
        attempt.note(format!("{} answers {} for {kind} {name}: {list}", self.server, rcode_text(rcode)));
        if rcode != self.rcode {
            let (expected, got) = (rcode_text(self.rcode), rcode_text(rcode));
            let text = format!("expected {expected} for {kind} {name}, {} answers {got}", self.server);
            return Outcome::fail(ReasonKind::Content, text);
        }
        let wanted = matches!(self.rcode, ResponseCode::NoError);
        if wanted && !answer.answers.iter().any(|record| record.record_type() == kind) {
            let text = format!("{} has no {kind} record for {name}, it answers {list}", self.server);
            return Outcome::fail(ReasonKind::Content, text);
        }
        if let Some(missing) = self.answers.iter().find(|value| !records.contains(value)) {
            let text = format!("expected {missing} for {kind} {name}, {} answers {list}", self.server);
            return Outcome::fail(ReasonKind::Content, text);
        }
        match &self.answer_regex {
            Some(regex) if !records.iter().any(|record| regex.is_match(record)) => {
                let text = format!("expected a match of /{regex}/ for {kind} {name}, {} answers {list}", self.server);
                Outcome::fail(ReasonKind::Content, text)
            }
            _ => Outcome::Pass,
        }
    }
}

fn answers(question: &Message, answer: &Message) -> bool {
    let same_query = |a: &Query, b: &Query| a.name() == b.name() && a.query_type() == b.query_type();
    answer.metadata.id == question.metadata.id
        && answer.metadata.message_type == MessageType::Response
        && answer.queries.iter().zip(&question.queries).all(|(a, b)| same_query(a, b))
}

/// As people write it: without the final dot, in small letters.
fn canonical(text: &str) -> String {
    text.trim_end_matches('.').to_lowercase()
}

fn rcode_named(name: &str) -> ResponseCode {
    match name {
        "NXDOMAIN" => ResponseCode::NXDomain,
        "REFUSED" => ResponseCode::Refused,
        "SERVFAIL" => ResponseCode::ServFail,
        _ => ResponseCode::NoError,
    }
}

fn rcode_text(rcode: ResponseCode) -> String {
    match rcode {
        ResponseCode::NoError => "NOERROR".into(),
        ResponseCode::NXDomain => "NXDOMAIN".into(),
        ResponseCode::Refused => "REFUSED".into(),
        ResponseCode::ServFail => "SERVFAIL".into(),
        other => other.to_str().to_owned(),
    }
}

#[cfg(test)]
mod tests;
