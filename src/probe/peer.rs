//! Whom a probe talks to over TCP: address, family, TLS. The fields that kinds share, and the connection they describe.
//!
//! Not here: what is said (the kinds) and how a connection fails (`dial`). Invariants: a field means the same in every
//! kind that has it; TLS in a file is public text or a granted secret, never a path, since owners are not administrators.

use super::trust::{self, Profile};
use super::{Attempt, BuildContext, Phase, dial, record};
use crate::domain::{Outcome, ReasonKind};
use crate::field::{Code, Field, Problem, Problems, Record, Type, Value};
use crate::network::Network;
use rustls::ClientConfig;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

/// Whom to connect to.
pub(super) const ADDRESS: Field =
    Field::required("address", Type::HostPort, "Host name or IP address, a colon and a port.");
/// Which addresses of the name are used.
pub(super) const FAMILY: Field = Field::with_default("family", Type::Choice(FAMILIES), "any", FAMILY_DOC);
/// TLS from the first byte, or its settings where a kind turns it on by other means.
pub(super) const TLS: Field = Field::with_default("tls", Type::Either(&[Type::Bool, TLS_RECORD]), "false", TLS_DOC);
/// The settings alone, for kinds whose address says whether TLS is spoken.
pub(super) const TLS_SETTINGS: Field = Field::optional("tls", TLS_RECORD, "Settings of TLS.");
/// How long an attempt may take without being called slow.
pub(super) const SLOWER_THAN: Field =
    Field::optional("slower_than", Type::DURATION, "Degraded when the whole attempt takes longer.");

const TLS_RECORD: Type = Type::Record(TLS_FIELDS);
const FAMILIES: &[&str] = &["any", "ipv4", "ipv6"];
const FAMILY_DOC: &str = "Which of the name's addresses are used; `any` tries all of them in the resolver's order.";
const TLS_DOC: &str = "`true` shakes hands in TLS after connecting; a mapping does, with these settings.";

/// Settings of TLS, wherever they stand.
pub(super) const TLS_FIELDS: &[Field] =
    &[trust::NAME, trust::TRUST, trust::MIN_VERSION, trust::MAX_VERSION, trust::CA, trust::CERTIFICATE, trust::KEY];

/// A connection, in the clear or in TLS.
pub(super) type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Which addresses of a name are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Family {
    /// All, in the resolver's order.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl Family {
    /// Of a record that has [`FAMILY`].
    pub(super) fn of(record: &Record) -> Self {
        match record.text("family") {
            "ipv4" => Self::V4,
            "ipv6" => Self::V6,
            _ => Self::Any,
        }
    }

    /// Leaves out the addresses of the other family.
    pub(super) fn keep(self, addresses: &mut Vec<SocketAddr>) {
        match self {
            Self::Any => {}
            Self::V4 => addresses.retain(SocketAddr::is_ipv4),
            Self::V6 => addresses.retain(SocketAddr::is_ipv6),
        }
    }

    /// What its addresses are called.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Any => "address",
            Self::V4 => "IPv4 address",
            Self::V6 => "IPv6 address",
        }
    }
}

/// TLS with one peer.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) config: Arc<ClientConfig>,
    /// The name that the certificate must carry.
    pub(super) name: Box<str>,
}

/// One host and port, and how to reach it.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) network: Arc<Network>,
    pub(super) host: Box<str>,
    pub(super) port: u16,
    pub(super) family: Family,
    pub(super) tls: Tls,
    /// Whether TLS is spoken from the first byte.
    pub(super) tls_first: bool,
}

impl Peer {
    /// Of a record that has [`ADDRESS`] and [`FAMILY`], for kinds that never speak TLS.
    ///
    /// # Errors
    /// If the address is none.
    pub(super) fn plain(record: &Record, context: &BuildContext) -> Result<Self, Problems> {
        Self::with(record, None, context)
    }

    /// Of a record that has [`ADDRESS`], [`FAMILY`] and [`TLS`]. Where no TLS is asked for, it has the usual settings.
    ///
    /// # Errors
    /// All fields that are wrong.
    pub(super) fn of(record: &Record, context: &BuildContext) -> Result<Self, Problems> {
        Self::with(record, record.get("tls").map(|tls| &tls.value), context)
    }

    fn with(record: &Record, tls_field: Option<&Value>, context: &BuildContext) -> Result<Self, Problems> {
        let address = record.text("address");
        let parts = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let (host, port) = parts.ok_or_else(|| {
            Problem::error(Code::Value, record.at("address"), "no host and port")
                .expected("such as `relay.bdc.test:25`")
        })?;
        let host = host.trim_matches(['[', ']']);
        let (settings, tls_first) = match tls_field {
            Some(Value::Record(settings)) => (Some(settings), true),
            Some(Value::Bool(on)) => (None, *on),
            _ => (None, false),
        };
        Ok(Self {
            network: Arc::clone(&context.network),
            host: host.into(),
            port,
            family: Family::of(record),
            tls: tls(settings, host, context)?,
            tls_first,
        })
    }

    /// Connects, and shakes hands where TLS comes first.
    pub(super) async fn open(&self, attempt: &Attempt) -> Result<Stream, Outcome> {
        let stream = self.connect(attempt).await?;
        if self.tls_first { self.secure(attempt, stream).await } else { Ok(Either::Left(stream)) }
    }

    /// Connects, without TLS.
    pub(super) async fn connect(&self, attempt: &Attempt) -> Result<TcpStream, Outcome> {
        dial::connect(attempt, &self.network, &self.host, self.port, self.family).await
    }

    /// Shakes hands over a connection.
    pub(super) async fn secure(&self, attempt: &Attempt, stream: TcpStream) -> Result<Stream, Outcome> {
        let stream = dial::handshake(attempt, &self.tls.config, stream, &self.tls.name, self.port).await?;
        Ok(Either::Right(Box::new(stream)))
    }

    /// The verdict about an input or output error in `phase`.
    pub(super) fn broken(&self, error: &io::Error, phase: Phase) -> Outcome {
        dial::broken(error, phase, &self.host, self.port)
    }

    /// `relay.bdc.test:25`.
    pub(super) fn named(&self) -> String {
        named(&self.host, self.port)
    }
}

/// Host and port for a sentence, an IPv6 address in brackets.
pub(super) fn named(host: &str, port: u16) -> String {
    let is_bare = host.contains(':') && !host.starts_with('[');
    if is_bare { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// TLS by a record that has [`TLS_FIELDS`], or as usual without one; the certificate is for `host` unless it says so.
///
/// # Errors
/// All fields that are wrong.
pub(super) fn tls(settings: Option<&Record>, host: &str, context: &BuildContext) -> Result<Tls, Problems> {
    let profile = settings.map(Profile::of).transpose()?.unwrap_or_default();
    let place = |text: String| match settings {
        Some(settings) => Problems::from(Problem::error(Code::Value, &settings.at, text)),
        None => Problems::from(Problem::error(Code::Value, &crate::field::Place::of_file("tls"), text)),
    };
    let config = context.transports.tls(&profile).map_err(place)?;
    let name = settings.and_then(|settings| settings.opt_text("name")).unwrap_or(host);
    Ok(Tls { config, name: name.trim_matches(['[', ']']).into() })
}

/// The limit of a record that has [`SLOWER_THAN`].
pub(super) fn limit(record: &Record) -> Option<Duration> {
    record.has("slower_than").then(|| record.duration("slower_than"))
}

/// The verdict about an attempt that went well but took longer than `limit`.
pub(super) fn slow(limit: Option<Duration>, took: Duration) -> Option<Outcome> {
    let limit = limit.filter(|limit| took > *limit)?;
    let text = format!("took {}, expected at most {}", record::seconds(took), record::seconds(limit));
    Some(Outcome::degraded(ReasonKind::Slow, text))
}
