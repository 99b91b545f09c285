//! The health service of gRPC: every question gets the same answer, which follows the stage.
//!
//! Not here: TLS and doors that stay shut (`endpoint`). Invariant: the body of a question is not read; the answer is one
//! message and its trailers.

use super::script::Behaviour;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::StreamBody;
use http_body_util::combinators::BoxBody;
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// `grpc-status`: all is well, and nobody is there to answer.
const OK: &str = "0";
const UNAVAILABLE: &str = "14";
/// `HealthCheckResponse { status: SERVING }` and `NOT_SERVING`, behind five bytes: not compressed, two bytes long.
const SERVING: &[u8] = &[0, 0, 0, 0, 2, 8, 1];
const NOT_SERVING: &[u8] = &[0, 0, 0, 0, 2, 8, 2];

type Body = BoxBody<Bytes, Infallible>;

/// Serves one connection.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    behaviour: Behaviour,
) -> io::Result<()> {
    let service = service_fn(|_: Request<Incoming>| {
        let behaviour = behaviour.clone();
        async move { Ok::<_, Infallible>(answer(&behaviour).await) }
    });
    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    server.serve_connection(TokioIo::new(stream), service).await.map_err(io::Error::other)
}

async fn answer(behaviour: &Behaviour) -> Response<Body> {
    match behaviour {
        Behaviour::Slow(ms) => {
            tokio::time::sleep(Duration::from_millis((*ms).into())).await;
            said(SERVING, OK)
        }
        Behaviour::Blank => said(NOT_SERVING, OK),
        Behaviour::Status(_) => said(&[], UNAVAILABLE),
        Behaviour::Maintenance { retry_after_s, .. } => {
            let mut closed = said(&[], UNAVAILABLE);
            *closed.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
            closed.headers_mut().insert(http::header::RETRY_AFTER, HeaderValue::from(*retry_after_s));
            closed
        }
        _ => said(SERVING, OK),
    }
}

fn said(message: &'static [u8], status: &'static str) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert(HeaderName::from_static("grpc-status"), HeaderValue::from_static(status));
    let mut frames = Vec::new();
    if !message.is_empty() {
        frames.push(Ok(Frame::data(Bytes::from_static(message))));
    }
    frames.push(Ok(Frame::trailers(trailers)));
    let mut response = Response::new(BoxBody::new(StreamBody::new(stream::iter(frames))));
    let kind = HeaderValue::from_static("application/grpc+proto");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    response
}
