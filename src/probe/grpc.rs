//! `grpc`: asks the health service of a gRPC server (`grpc.health.v1.Health/Check`) whether it serves.
//!
//! Not here: other methods, `Watch`. Invariants: the connection is ours and ends with the attempt, its tasks included;
//! one call, no retry; head and body of the answer are bounded.

mod answer;
mod witness;

use super::peer::{self, ADDRESS, FAMILY, Peer, SLOWER_THAN, TLS};
use super::{Attempt, BoxFuture, BuildContext, Phase, ProbeKind, Prober, Recorder};
use crate::domain::Outcome;
use crate::field::{Code, Field, Problem, Problems, Record, Type};
use answer::NotGrpc;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use http_body_util::Limited;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::either::Either;
use tonic::body::Body;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::Service;
use witness::Witness;

/// Longest message of an answer; a health message has two bytes.
const MESSAGE_BYTES_MAX: usize = 4 << 10;
/// How much of an answer's body is read.
const BODY_BYTES_MAX: usize = 64 << 10;
/// Longest head of an answer.
const HEAD_BYTES_MAX: u32 = 16 << 10;

/// This kind.
pub(super) const KIND: ProbeKind = ProbeKind {
    name: "grpc",
    about: "Asks the health service of a gRPC server, version 1, whether it serves.",
    example: "address: exchange.bdc.test:443\ntls: true\nservice: bdc.exchange.v1.Exchange\n",
    fields: FIELDS,
    target: Some("address"),
    build,
};

const FIELDS: &[Field] = &[
    ADDRESS,
    FAMILY,
    TLS,
    Field::optional("service", Type::TEXT, "Full name of the service to ask about; left out, the server as a whole."),
    Field::optional("authority", Type::TEXT, "The `:authority` of the call, if it is not the address."),
    Field::optional("metadata", Type::Map(&Type::TEXT), "Metadata of the call; names that end in `-bin` take Base64."),
    Field::optional("authorization", Type::Secret, "The `authorization` metadata, such as `Bearer ${TOKEN}`."),
    SLOWER_THAN,
];

fn build(record: &Record, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    let mut problems = Problems::new();
    let mut peer = Peer::of(record, context)?;
    // Servers choose HTTP/2 by ALPN, and gRPC speaks nothing else.
    let mut config = rustls::ClientConfig::clone(&peer.tls.config);
    config.alpn_protocols = vec![b"h2".to_vec()];
    peer.tls.config = Arc::new(config);
    let authority = record.opt_text("authority").map_or_else(|| peer.named(), str::to_owned);
    let scheme = if peer.tls_first { "https" } else { "http" };
    let origin = Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build();
    if let Err(error) = &origin {
        let text = format!("not the authority of a call: {error}");
        problems.push(Problem::error(Code::Value, record.at("authority"), text).expected("a host, or host:port"));
    }
    let metadata = metadata(record, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Arc::new(Grpc {
        peer,
        origin: origin.unwrap_or_default(),
        service: record.text("service").to_owned(),
        metadata,
        slower_than: peer::limit(record),
    }))
}

fn metadata(record: &Record, problems: &mut Problems) -> HeaderMap {
    let mut metadata = HeaderMap::new();
    metadata.insert(header::USER_AGENT, HeaderValue::from_static(concat!("gengfu/", env!("CARGO_PKG_VERSION"))));
    let mut wrong = |at, text: &str| problems.push(Problem::error(Code::Value, at, text));
    for (name, value) in record.map("metadata") {
        let text = value.value.as_text().unwrap_or_default();
        match (HeaderName::try_from(&name.value), HeaderValue::from_str(text)) {
            (Ok(key), _) if reserved(&key) => wrong(&name.at, "gRPC sets this name itself"),
            (Ok(key), Ok(value)) => _ = metadata.insert(key, value),
            (Err(_), _) => wrong(&name.at, "not a name of metadata"),
            (_, Err(_)) => wrong(&value.at, "metadata cannot hold this value"),
        }
    }
    if let Some(secret) = record.opt_text("authorization") {
        match HeaderValue::from_str(secret) {
            Ok(mut value) => {
                value.set_sensitive(true);
                metadata.insert(header::AUTHORIZATION, value);
            }
            Err(_) => wrong(record.at("authorization"), "metadata cannot hold this value"),
        }
    }
    metadata
}

/// What HTTP/2 forbids, and what the call itself is made of.
fn reserved(name: &HeaderName) -> bool {
    const RESERVED: [HeaderName; 7] = [
        header::TE,
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::HOST,
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    RESERVED.contains(name) || name.as_str().starts_with("grpc-")
}

struct Grpc {
    peer: Peer,
    /// Scheme and authority of the call.
    origin: Uri,
    /// Empty for the server as a whole.
    service: String,
    metadata: HeaderMap,
    slower_than: Option<Duration>,
}

impl Prober for Grpc {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.check(attempt).await.unwrap_or_else(|outcome| outcome) })
    }

    fn host(&self) -> Option<&str> {
        Some(&self.peer.host)
    }
}

impl Grpc {
    async fn check(&self, attempt: &Attempt) -> Result<Outcome, Outcome> {
        let stream = self.peer.open(attempt).await?;
        if let Either::Right(tls) = &stream
            && tls.get_ref().1.alpn_protocol().is_none()
        {
            attempt.note("the server agreed to no protocol in TLS; going on in HTTP/2");
        }
        attempt.enter(Phase::Processing);
        let (tasks, witness) = (Tasks::default(), Witness::default());
        let (sender, connection) = http2::Builder::new(tasks.executor())
            .max_header_list_size(HEAD_BYTES_MAX)
            .handshake(TokioIo::new(witness.of(stream)))
            .await
            .map_err(|error| self.lost(&error, &witness, Phase::Processing))?;
        tasks.own(async move { _ = connection.await });
        let call = Call { sender, metadata: self.metadata.clone(), recorder: Recorder::clone(attempt) };
        let mut client =
            HealthClient::with_origin(call, self.origin.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX);
        let mut request = tonic::Request::new(HealthCheckRequest { service: self.service.clone() });
        request.set_timeout(attempt.remaining());
        attempt.note(format!("grpc.health.v1.Health/Check {:?}", self.service));
        let answer = client.check(request).await;
        let phase = attempt.phase().unwrap_or(Phase::Processing);
        attempt.leave();
        match answer {
            Ok(answer) => self.judge(attempt, answer.into_inner().status),
            Err(status) => Err(self.refused(attempt, &status, &witness, phase)),
        }
    }

    /// What the failure is about: `service a.B at relay.bdc.test:443`.
    fn asked(&self) -> String {
        match self.service.as_str() {
            "" => self.peer.named(),
            service => format!("service {service} at {}", self.peer.named()),
        }
    }
}

/// Owns the tasks of a connection: they end when it is dropped.
#[derive(Default)]
struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    /// Hands tasks to their owner; holds it weakly, since the tasks themselves hold executors.
    fn executor(&self) -> Executor {
        Executor(Arc::downgrade(&self.0))
    }

    fn own(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).spawn(task);
    }
}

#[derive(Clone)]
struct Executor(Weak<Mutex<JoinSet<()>>>);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Executor {
    fn execute(&self, task: F) {
        if let Some(tasks) = self.0.upgrade() {
            tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(task);
        }
    }
}

/// One connection as the client of the health service wants it.
struct Call {
    sender: http2::SendRequest<Body>,
    metadata: HeaderMap,
    recorder: Recorder,
}

impl Service<http::Request<Body>> for Call {
    type Response = http::Response<Limited<Incoming>>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.sender.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        request.headers_mut().extend(std::mem::take(&mut self.metadata));
        let (answering, recorder) = (self.sender.send_request(request), self.recorder.clone());
        Box::pin(async move {
            let answer = answering.await?;
            recorder.enter(Phase::Transfer);
            recorder.http_status(answer.status().as_u16());
            match NotGrpc::of(answer.status(), answer.headers()) {
                Some(not) => Err(not.into()),
                None => Ok(answer.map(|body| Limited::new(body, BODY_BYTES_MAX))),
            }
        })
    }
}

#[cfg(test)]
pub(super) mod tests;
