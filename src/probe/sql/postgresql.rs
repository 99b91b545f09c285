//! PostgreSQL, spoken by `tokio-postgres` over our own connection and our own TLS.
//!
//! Not here: what the answer must be (`expect`). Invariants: the connection is driven inside the attempt and ends with it;
//! the server itself refuses more than one statement, since the query is prepared before it is run.

use super::capped::Capped;
use super::{Answer, READ_BYTES_MAX, Sql};
use crate::domain::{Outcome, ReasonKind};
use crate::probe::{Attempt, BoxFuture, Phase, Recorder, dial, peer};
use futures_util::TryStreamExt;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_postgres::config::{ChannelBinding as Binding, Config, SslMode};
use tokio_postgres::error::DbError;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_postgres::{Client, Error, SimpleQueryMessage};
use tokio_rustls::client::TlsStream as Tls;

/// Logs in, asks, and leaves.
pub(super) async fn ask(sql: &Sql, attempt: &Attempt) -> Result<Answer, Outcome> {
    let stream = Capped { inner: sql.peer.connect(attempt).await?, left: READ_BYTES_MAX };
    let mut config = Config::new();
    config.user(&sql.user).application_name("gengfu").channel_binding(Binding::Disable);
    config.ssl_mode(if sql.peer.tls_first { SslMode::Require } else { SslMode::Disable });
    config.dbname(sql.database.as_deref().unwrap_or(&sql.user));
    if !sql.password.is_empty() {
        config.password(&sql.password);
    }
    let upgrade = Upgrade { recorder: Recorder::clone(attempt), tls: sql.peer.tls.clone(), port: sql.peer.port };
    attempt.enter(Phase::Processing);
    let (client, connection) =
        config.connect_raw(stream, upgrade).await.map_err(|error| failed(sql, attempt, &error))?;
    attempt.note(format!("logged in as {}", sql.user));
    let mut asking = pin!(query(sql, attempt, &client));
    // Driven here and not in a task of its own: what is dropped with the attempt needs no owner.
    let asked = tokio::select! {
        biased;
        asked = &mut asking => asked,
        // What has come before the end may be all that is needed.
        ended = connection => asking.await.map_err(|error| ended.err().unwrap_or(error)),
    };
    asked.map_err(|error| failed(sql, attempt, &error))
}

async fn query(sql: &Sql, attempt: &Attempt, client: &Client) -> Result<Answer, Error> {
    let patience = Sql::patience(attempt).as_millis();
    client.batch_execute(&format!("BEGIN READ ONLY; SET LOCAL statement_timeout = {patience}")).await?;
    // Kept to the end, since dropping it would say one thing more.
    let _prepared = client.prepare(&sql.query).await?;
    attempt.note("asking");
    let mut messages = pin!(client.simple_query_raw(&sql.query).await?);
    let mut answer = Answer::default();
    while let Some(message) = messages.try_next().await? {
        match message {
            SimpleQueryMessage::RowDescription(_) => attempt.enter(Phase::Transfer),
            SimpleQueryMessage::Row(row) => answer.add(if row.is_empty() { None } else { row.try_get(0)? }),
            _ => {}
        }
        // Closing rolls back as well, and the rest need not be read.
        if answer.rows == sql.expect.rows() {
            return Ok(answer);
        }
    }
    client.batch_execute("ROLLBACK").await?;
    Ok(answer)
}

/// The verdict about whatever the client says went wrong.
fn failed(sql: &Sql, attempt: &Attempt, error: &Error) -> Outcome {
    let phase = attempt.phase().unwrap_or(Phase::Processing);
    attempt.leave();
    if let Some(error) = error.as_db_error() {
        return refused(sql, error);
    }
    if let Some(Refused(outcome)) = dial::cause::<Refused>(error) {
        return outcome.clone();
    }
    let why = dial::innermost(error);
    match error.to_string() {
        text if text.starts_with("error performing TLS handshake") => sql.no_tls(),
        text if text.starts_with("invalid configuration") => {
            sql.protocol("asks for a password, and there is none; give it as `password`")
        }
        text if text.starts_with("authentication error") => {
            sql.protocol(&format!("asks for a login that is not spoken here: {why}"))
        }
        _ if error.is_closed() => sql.protocol("closed the connection before answering"),
        text if text.starts_with("error communicating") => sql.lost(error, phase),
        _ => sql.protocol(&format!("does not answer as PostgreSQL does: {why}")),
    }
}

/// The verdict about an error that the server reports.
fn refused(sql: &Sql, error: &DbError) -> Outcome {
    let state = error.code().code();
    let database = sql.database.as_deref().unwrap_or(&sql.user);
    let status = ReasonKind::Status;
    let (kind, what) = match state {
        "28P01" => (status, format!("refused the login of {}; check `user` and `password`", sql.user)),
        "28000" => (status, format!("refused the login of {}; see its pg_hba.conf", sql.user)),
        "3D000" => (status, format!("has no database {database:?}; check `database`")),
        "53300" => (status, "has no connection left".into()),
        "57P03" => (status, "does not accept connections now, it is starting, stopping or in recovery".into()),
        "57P01" | "57P02" => (status, "is shutting down".into()),
        "57014" => (ReasonKind::Timeout, "gave up the query".into()),
        "25006" => (status, "refused a query that would write".into()),
        "42501" => (status, format!("does not let {} ask this", sql.user)),
        "42601" => (status, "does not understand `query` as one statement".into()),
        _ => (status, "refused".into()),
    };
    sql.refused(kind, &what, &format!("SQLSTATE {state}"), error.message())
}

/// A handshake that failed, on its way through the client.
#[derive(Debug, thiserror::Error)]
#[error("the TLS handshake failed")]
struct Refused(Outcome);

/// Shakes hands when the server has agreed to TLS.
struct Upgrade {
    recorder: Recorder,
    tls: peer::Tls,
    port: u16,
}

impl TlsConnect<Capped<TcpStream>> for Upgrade {
    type Stream = Secured;
    type Error = Refused;
    type Future = BoxFuture<'static, Result<Secured, Refused>>;

    fn connect(self, stream: Capped<TcpStream>) -> Self::Future {
        Box::pin(async move {
            let Capped { inner, left } = stream;
            let stream = dial::handshake(&self.recorder, &self.tls.config, inner, &self.tls.name, self.port).await;
            self.recorder.enter(Phase::Processing);
            Ok(Secured(Capped { inner: stream.map_err(Refused)?, left }))
        })
    }
}

struct Secured(Capped<Tls<TcpStream>>);

impl TlsStream for Secured {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Secured {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Secured {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
