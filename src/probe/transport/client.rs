//! Sends one request on a connection of its own and decodes what comes back.
//!
//! Not here: the way (`connector`), redirects and verdicts (`http`). Invariants: what a caller set is never replaced;
//! nothing is retried; no connection is kept.

use super::connector::Connector;
use super::wire::Bounded;
use super::{Compression, HttpVersion, Profile};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use reqwest::Url;
use tower::{BoxError, Service};
use tower_http::decompression::{Decompression, DecompressionBody};

/// A body in the making.
pub(in crate::probe) type Body = DecompressionBody<Incoming>;

/// A client of one profile.
#[derive(Clone, Debug)]
pub(in crate::probe) struct Client {
    sender: Decompression<legacy::Client<Connector, Full<Bytes>>>,
    user_agent: HeaderValue,
    /// For a proxy that reads the requests that go in the clear.
    proxy_authorization: Option<HeaderValue>,
}

impl Client {
    pub(super) fn new(profile: &Profile, connector: Connector) -> Self {
        let offered = |one| [Compression::Any, one].contains(&profile.compression);
        let user_agent = connector.settings.user_agent.clone();
        let proxy_authorization = connector.forwarding().cloned();
        let client = legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .http2_only(profile.version == HttpVersion::Http2)
            // Without it two attempts for one host could meet on one connection, and stopwatches would mix.
            .pool_max_idle_per_host(0)
            .retry_canceled_requests(false)
            .build(connector);
        let sender = Decompression::new(client)
            .gzip(offered(Compression::Gzip))
            .br(offered(Compression::Brotli))
            .zstd(offered(Compression::Zstd))
            .deflate(offered(Compression::Deflate));
        Self { sender, user_agent, proxy_authorization }
    }

    /// Sends a request; ends with the head of its answer.
    ///
    /// # Errors
    /// If no answer came; causes say why.
    pub(in crate::probe) async fn send(
        &self,
        method: Method,
        url: &Url,
        mut headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Response<Body>, BoxError> {
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        headers.entry(header::USER_AGENT).or_insert_with(|| self.user_agent.clone());
        if let Some(value) = self.proxy_authorization.as_ref().filter(|_| url.scheme() == "http") {
            headers.entry(header::PROXY_AUTHORIZATION).or_insert_with(|| value.clone());
        }
        let mut request = Request::new(Full::new(body.unwrap_or_default()));
        *request.method_mut() = method;
        *request.uri_mut() = url.as_str().parse::<Uri>()?;
        *request.headers_mut() = headers;
        let response = self.sender.clone().call(request).await?;
        if let Some(bounded) = response.extensions().get::<Bounded>() {
            bounded.head_has_ended();
        }
        Ok(response)
    }
}
