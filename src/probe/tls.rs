//! `tls`: shakes hands and looks at the certificates.
//!
//! Not here: reading chains (`trust`). Invariant: the chain's facts are kept also when it is refused.

use super::peer::{self, FAMILY, Family};
use super::{Attempt, BoxFuture, BuildContext, ProbeKind, Prober, dial, trust};
use crate::domain::{Millis, Outcome, ReasonKind};
use crate::field::{Code, Field, Problem, Problems, Record, Type};
use crate::network::Network;
use std::sync::Arc;

/// This kind.
pub(super) const KIND: ProbeKind = ProbeKind {
    name: "tls",
    about: "Shakes hands in TLS and watches when certificates expire.",
    example: "host: ywtb.huangpu.test\nwarn_before: 30d\nfail_before: 7d\n",
    fields: FIELDS,
    target: Some("host"),
    build,
};

const FIELDS: &[Field] = &[
    Field::required("host", Type::Host, "Host name or IP address to connect to."),
    Field::with_default("port", Type::PORT, "443", "Port to connect to."),
    FAMILY,
    Field::with_default("warn_before", Type::DURATION, "30d", "Degraded when a certificate expires within this time."),
    Field::optional(
        "fail_before",
        Type::DURATION,
        "Failed when one expires within this time; else when it has expired.",
    ),
    trust::NAME,
    trust::TRUST,
    trust::MIN_VERSION,
    trust::MAX_VERSION,
    trust::CA,
    trust::CERTIFICATE,
    trust::KEY,
];

fn build(record: &Record, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    let (warn_ms, fail_ms) = (record.int("warn_before"), record.opt_int("fail_before").unwrap_or_default());
    if warn_ms < fail_ms {
        let text = "`warn_before` is shorter than `fail_before`, so it would never warn";
        return Err(Problem::error(Code::Value, record.at("warn_before"), text).into());
    }
    let host = record.text("host").trim_matches(['[', ']']);
    let tls = peer::tls(Some(record), host, context)?;
    Ok(Arc::new(Tls {
        network: Arc::clone(&context.network),
        tls,
        family: Family::of(record),
        host: host.into(),
        port: u16::try_from(record.int("port")).unwrap_or(443),
        warn_ms,
        fail_ms,
    }))
}

struct Tls {
    network: Arc<Network>,
    tls: peer::Tls,
    family: Family,
    host: Box<str>,
    port: u16,
    warn_ms: Millis,
    fail_ms: Millis,
}

impl Prober for Tls {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.look(attempt).await.unwrap_or_else(|outcome| outcome) })
    }
}

impl Tls {
    async fn look(&self, attempt: &Attempt) -> Result<Outcome, Outcome> {
        let stream = dial::connect(attempt, &self.network, &self.host, self.port, self.family).await?;
        dial::handshake(attempt, &self.tls.config, stream, &self.tls.name, self.port).await?;
        let Some(not_after) = attempt.certificate_not_after() else {
            return Ok(Outcome::fail(ReasonKind::Tls, format!("{} showed no certificate", self.tls.name)));
        };
        let left_ms = not_after.since(attempt.started);
        let text = || trust::expiry_text(attempt.started, not_after);
        Ok(match left_ms {
            _ if left_ms <= self.fail_ms => Outcome::fail(ReasonKind::Certificate, text()),
            _ if left_ms < self.warn_ms => Outcome::degraded(ReasonKind::Certificate, text()),
            _ => Outcome::Pass,
        })
    }
}

#[cfg(test)]
mod tests;
