//! `tls`: shakes hands and looks at the certificates and at what was agreed on.
//!
//! Not here: reading chains and staples (`trust`). Invariants: the chain's facts are kept also when it is refused; a
//! certificate that is over counts before anything that was agreed on.

use super::peer::{self, FAMILY, Family, Peer, SLOWER_THAN};
use super::starttls::{Protocol, STARTTLS, starttls};
use super::trust::{Revocation, Staple};
use super::{Attempt, BoxFuture, BuildContext, ProbeKind, Prober, trust};
use crate::domain::{Millis, Outcome, ReasonKind};
use crate::field::{Code, Field, Problem, Problems, Record, Type};
use regex::Regex;
use rustls::{ClientConnection, ProtocolVersion};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::either::Either;

/// This kind.
pub(super) const KIND: ProbeKind = ProbeKind {
    name: "tls",
    about: "Shakes hands in TLS; watches when certificates expire, whether they are revoked, and what is agreed on.",
    example: "host: ywtb.huangpu.test\nwarn_before: 30d\nfail_before: 7d\nversion: \"1.3\"\n",
    fields: FIELDS,
    target: Some("host"),
    build,
};

const VERSIONS: Type = Type::Choice(&["1.2", "1.3"]);

const FIELDS: &[Field] = &[
    Field::required("host", Type::Host, "Host name or IP address to connect to."),
    Field::with_default("port", Type::PORT, "443", "Port to connect to."),
    FAMILY,
    STARTTLS,
    Field::with_default("warn_before", Type::DURATION, "30d", "Degraded when a certificate expires within this time."),
    Field::optional(
        "fail_before",
        Type::DURATION,
        "Failed when one expires within this time; else when it has expired.",
    ),
    Field::with_default("chain", Type::Choice(&["leaf", "whole"]), "whole", "Which certificates' expiry counts."),
    Field::optional("version", Type::OneOrMany(&VERSIONS), "Versions of TLS that are right to be agreed on."),
    Field::optional("cipher", Type::Regex, "Pattern for the cipher suite, such as `^TLS_AES_256_`."),
    Field::with_default("ocsp", Type::Choice(&["shown", "required"]), "shown", OCSP_DOC),
    SLOWER_THAN,
    trust::NAME,
    trust::TRUST,
    trust::MIN_VERSION,
    trust::MAX_VERSION,
    trust::CA,
    trust::CERTIFICATE,
    trust::KEY,
];

const OCSP_DOC: &str = "A stapled OCSP response is in the trace, and fails when it says revoked; `required` fails \
    without one that is good and in force. Its signature is not verified.";

fn build(record: &Record, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    let (warn_ms, fail_ms) = (record.int("warn_before"), record.opt_int("fail_before").unwrap_or_default());
    if warn_ms < fail_ms {
        let text = "`warn_before` is shorter than `fail_before`, so it would never warn";
        return Err(Problem::error(Code::Value, record.at("warn_before"), text).into());
    }
    let host = record.text("host").trim_matches(['[', ']']);
    let peer = Peer {
        network: Arc::clone(&context.network),
        tls: peer::tls(Some(record), host, context)?,
        family: Family::of(record),
        host: host.into(),
        port: u16::try_from(record.int("port")).unwrap_or(443),
        tls_first: true,
    };
    Ok(Arc::new(Tls {
        peer,
        starttls: Protocol::of(record),
        warn_ms,
        fail_ms,
        counts: if record.text("chain") == "leaf" { Counts::Leaf } else { Counts::Whole },
        versions: record.texts("version").map(|(version, _)| version.into()).collect(),
        cipher: record.regex("cipher").cloned(),
        staple: if record.text("ocsp") == "required" { Wanted::Required } else { Wanted::Shown },
        slower_than: peer::limit(record),
    }))
}

/// Which certificates' expiry counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    Leaf,
    Whole,
}

/// Whether a staple must be there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Shown,
    Required,
}

struct Tls {
    peer: Peer,
    starttls: Option<Protocol>,
    warn_ms: Millis,
    fail_ms: Millis,
    counts: Counts,
    /// Versions that are right; all when empty.
    versions: Vec<Box<str>>,
    cipher: Option<Regex>,
    staple: Wanted,
    slower_than: Option<Duration>,
}

impl Prober for Tls {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.look(attempt).await.unwrap_or_else(|outcome| outcome) })
    }

    fn host(&self) -> Option<&str> {
        Some(&self.peer.host)
    }
}

impl Tls {
    async fn look(&self, attempt: &Attempt) -> Result<Outcome, Outcome> {
        let stream = match self.starttls {
            None => self.peer.open(attempt).await?,
            Some(protocol) => starttls(attempt, &self.peer, self.peer.connect(attempt).await?, protocol).await?,
        };
        let warning = self.expiry(attempt)?;
        self.revocation(attempt)?;
        if let Either::Right(stream) = &stream {
            self.agreed(attempt, stream.get_ref().1)?;
        }
        let slow = || peer::slow(self.slower_than, attempt.elapsed());
        Ok(warning.or_else(slow).unwrap_or(Outcome::Pass))
    }

    /// Fails when a certificate is over or soon to be; else warns where it is due.
    fn expiry(&self, attempt: &Attempt) -> Result<Option<Outcome>, Outcome> {
        let not_after = match self.counts {
            Counts::Leaf => attempt.leaf_not_after(),
            Counts::Whole => attempt.certificate_not_after(),
        };
        let Some(not_after) = not_after else {
            return Err(Outcome::fail(ReasonKind::Tls, format!("{} showed no certificate", self.peer.tls.name)));
        };
        let left_ms = not_after.since(attempt.started);
        let text = || trust::expiry_text(attempt.started, not_after);
        match left_ms {
            _ if left_ms <= self.fail_ms => Err(Outcome::fail(ReasonKind::Certificate, text())),
            _ if left_ms < self.warn_ms => Ok(Some(Outcome::degraded(ReasonKind::Certificate, text()))),
            _ => Ok(None),
        }
    }

    /// Fails by what the staple says, or where one is required and there is none that helps.
    fn revocation(&self, attempt: &Attempt) -> Result<(), Outcome> {
        let (name, staple) = (&self.peer.tls.name, attempt.staple());
        let wrong = |text: String| Err(Outcome::fail(ReasonKind::Certificate, text));
        if let Some(Staple::Says { revocation: Revocation::Revoked { at, why }, .. }) = &staple {
            let why = why.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
            return wrong(format!("the certificate of {name} was revoked at {at}{why}, its OCSP staple says"));
        }
        if self.staple == Wanted::Shown {
            return Ok(());
        }
        let expected = format!("expected a good OCSP staple from {name}");
        match staple {
            None => wrong(format!("{expected}, got none")),
            Some(Staple::Says { revocation: Revocation::Good, this_update, .. }) if this_update > attempt.started => {
                wrong(format!("{expected}, got one that holds only from {this_update}"))
            }
            Some(Staple::Says { revocation: Revocation::Good, next_update: Some(until), .. })
                if until <= attempt.started =>
            {
                wrong(format!("{expected}, got one that held until {until}"))
            }
            Some(Staple::Says { revocation: Revocation::Good, .. }) => Ok(()),
            Some(other) => wrong(format!("{expected}, got: {other}")),
        }
    }

    /// Fails when another version or cipher suite was agreed on than is right.
    fn agreed(&self, attempt: &Attempt, session: &ClientConnection) -> Result<(), Outcome> {
        let version = match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "1.2",
            Some(ProtocolVersion::TLSv1_3) => "1.3",
            _ => "an unknown version",
        };
        let suite = session.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str()).unwrap_or("unknown");
        // The registered names of 1.3 do not say 13.
        let suite = suite.replacen("TLS13_", "TLS_", 1);
        let group = session.negotiated_key_exchange_group().map_or_else(String::new, |g| format!(", {:?}", g.name()));
        let alpn = session.alpn_protocol().map_or_else(|| "none".into(), String::from_utf8_lossy);
        attempt.note(format!("agreed on TLS {version}, {suite}{group}, ALPN {alpn}"));
        let wrong = |text: String| Err(Outcome::fail(ReasonKind::Tls, text));
        if !self.versions.is_empty() && !self.versions.iter().any(|right| &**right == version) {
            let expected = self.versions.join(" or ");
            return wrong(format!("expected TLS {expected} with {}, got {version}", self.peer.tls.name));
        }
        match self.cipher.as_ref().filter(|right| !right.is_match(&suite)) {
            Some(right) => {
                wrong(format!("expected a cipher suite like /{right}/ with {}, got {suite}", self.peer.tls.name))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
