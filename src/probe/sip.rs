//! `sip`: asks a SIP peer for its capabilities (OPTIONS, RFC 3261) and judges the final status.
//!
//! Not here: messages (`message`) and their exchange (`transaction`). Invariants: one transaction per attempt; what is
//! sent again over UDP is the same request of that transaction, by its timer E, which the protocol asks for: no retry.

mod message;
mod transaction;

pub(super) use message::parse_response;

use super::peer::{self, ADDRESS, FAMILY, Peer, SLOWER_THAN, TLS_SETTINGS};
use super::{Attempt, BoxFuture, BuildContext, ProbeKind, Prober};
use crate::domain::{Outcome, ReasonKind};
use crate::field::{Code, Field, Problem, Problems, Record, Type};
use message::{Request, Response};
use std::sync::Arc;
use std::time::Duration;

/// This kind.
pub(super) const KIND: ProbeKind = ProbeKind {
    name: "sip",
    about: "Asks a SIP peer with OPTIONS whether it takes calls, over UDP, TCP or TLS.",
    example: "address: trunk.hotline.test:5060\nexpect_status: [200, 405]\nslower_than: 500ms\n",
    fields: FIELDS,
    target: Some("address"),
    build,
};

const STATUS: Type = Type::Int { min: 200, max: 699 };

const FIELDS: &[Field] = &[
    ADDRESS,
    FAMILY,
    Field::with_default("transport", Type::Choice(&["udp", "tcp", "tls"]), "udp", TRANSPORT_DOC),
    TLS_SETTINGS,
    Field::optional("uri", Type::TEXT, "Whom to ask, such as `sip:12345@hotline.test`; `sip:` and the host else."),
    Field::with_default("from", Type::TEXT, "sip:gengfu@gengfu.invalid", "Who asks."),
    Field::with_default("expect_status", Type::OneOrMany(&STATUS), "200", "Final statuses that are right."),
    SLOWER_THAN,
];

const TRANSPORT_DOC: &str = "How to ask; over UDP the request is sent again after 0.5 s, 1 s, 2 s and then every 4 s, \
    as RFC 3261 says.";

fn build(record: &Record, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    let mut problems = Problems::new();
    let mut wrong = |field: &str, text: &str| problems.push(Problem::error(Code::Value, record.at(field), text));
    let transport = match record.text("transport") {
        "tcp" => Transport::Tcp,
        "tls" => Transport::Tls,
        _ => Transport::Udp,
    };
    if record.has("tls") && transport != Transport::Tls {
        wrong("tls", "settings of TLS without `transport: tls`");
    }
    for field in ["uri", "from"] {
        if record.opt_text(field).is_some_and(|uri| !message::is_uri(uri)) {
            wrong(field, "not an address of SIP, such as `sip:12345@hotline.test`");
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut peer = Peer::of(record, context)?;
    peer.tls_first = transport == Transport::Tls;
    let usual = if peer.host.contains(':') { format!("sip:[{}]", peer.host) } else { format!("sip:{}", peer.host) };
    let statuses = record.list("expect_status").iter().filter_map(|status| status.value.as_int());
    Ok(Arc::new(Sip {
        transport,
        uri: record.opt_text("uri").map_or(usual, str::to_owned),
        from: record.text("from").to_owned(),
        statuses: statuses.filter_map(|status| u16::try_from(status).ok()).collect(),
        slower_than: peer::limit(record),
        peer,
    }))
}

/// How to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Udp,
    Tcp,
    Tls,
}

impl Transport {
    /// As it stands in `Via`.
    fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }
}

struct Sip {
    peer: Peer,
    transport: Transport,
    uri: String,
    from: String,
    statuses: Vec<u16>,
    slower_than: Option<Duration>,
}

impl Prober for Sip {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.ask(attempt).await.unwrap_or_else(|outcome| outcome) })
    }

    fn host(&self) -> Option<&str> {
        Some(&self.peer.host)
    }
}

impl Sip {
    async fn ask(&self, attempt: &Attempt) -> Result<Outcome, Outcome> {
        let response = match self.transport {
            Transport::Udp => self.over_udp(attempt).await?,
            Transport::Tcp | Transport::Tls => self.over_stream(attempt).await?,
        };
        attempt.leave();
        self.judge(&response)?;
        Ok(peer::slow(self.slower_than, attempt.elapsed()).unwrap_or(Outcome::Pass))
    }

    fn request(&self, local: std::net::SocketAddr) -> Request<'_> {
        Request::new(&self.uri, &self.from, self.transport.as_str(), local)
    }

    fn judge(&self, response: &Response) -> Result<(), Outcome> {
        if self.statuses.contains(&response.status) {
            return Ok(());
        }
        let expected = self.statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ");
        // A peer that says when to come back is being worked on, as a web server that does is.
        let (kind, when) = match &response.retry_after {
            Some(when) if response.status == 503 => (ReasonKind::Maintenance, format!(" (retry-after {when})")),
            Some(when) => (ReasonKind::Status, format!(" (retry-after {when})")),
            None => (ReasonKind::Status, String::new()),
        };
        let text = format!("expected status {expected} from {}, got {}{when}", self.peer.named(), response.line());
        Err(Outcome::fail(kind, text))
    }
}

#[cfg(test)]
pub(super) mod tests;
