//! What an attempt can tell besides its verdict: whom it reached, over which protocol, how much came back.
//!
//! Not here: who asks (`/probe`, `gengfu probe`). Invariants: nothing is kept, and nothing allocated, unless somebody
//! asked before the attempt began; texts are as the peer sent them, so whoever shows them escapes them.

use super::Recorder;
use crate::domain::Timestamp;
use hickory_proto::op::Message;
use hickory_proto::rr::RData;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

/// Names of one certificate that are kept.
const NAMES_MAX: usize = 50;

/// Everything that kinds may add; each fills in what it knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The address that was connected to last.
    pub peer: Option<IpAddr>,
    /// What the answer's sender says about TLS, if it was spoken.
    pub tls: Option<TlsFacts>,
    /// The last HTTP answer.
    pub http: HttpFacts,
    /// The last DNS answer.
    pub dns: Option<DnsFacts>,
    /// Hop limit of the last ICMP reply.
    pub icmp_hop_limit: Option<u8>,
    /// Time until the ICMP socket was ready, and mean round trip.
    pub icmp: Option<(Duration, Duration)>,
    /// Status of the last gRPC answer, and what the health service said.
    pub grpc: Option<(i32, Option<&'static str>)>,
}

/// About TLS with the last peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLS 1.3`.
    pub version: Option<&'static str>,
    /// Whether the chain led to a known root.
    pub trusted: bool,
    /// SHA-256 of the leaf, hexadecimal.
    pub fingerprint: String,
    /// Whose it is.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The names that it carries, joined by commas.
    pub names: String,
    /// Its number, hexadecimal.
    pub serial: String,
}

/// About the last HTTP answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HttpFacts {
    /// 1, 1.1 or 2.
    pub version: f64,
    /// Redirects that were followed.
    pub redirects: u32,
    /// Whether the last request was made over TLS.
    pub tls: bool,
    /// The `Content-Length` that was announced.
    pub content_length: Option<u64>,
    /// Bytes of the decoded body that were read.
    pub body_bytes: u64,
    /// `Last-Modified`.
    pub last_modified: Option<Timestamp>,
}

/// About the last DNS answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DnsFacts {
    /// Records in the answer section.
    pub answers: usize,
    /// Records in the authority section.
    pub authorities: usize,
    /// Records in the additional section.
    pub additionals: usize,
    /// Serial of the first SOA record.
    pub serial: Option<u32>,
}

impl DnsFacts {
    /// Of an answer.
    pub(super) fn of(answer: &Message) -> Self {
        let serial = answer.answers.iter().find_map(|record| match &record.data {
            RData::SOA(soa) => Some(soa.serial),
            _ => None,
        });
        let (answers, authorities) = (answer.answers.len(), answer.authorities.len());
        Self { answers, authorities, additionals: answer.additionals.len(), serial }
    }
}

impl Facts {
    /// Takes the leaf of a chain that was presented.
    pub(super) fn leaf(&mut self, der: &[u8]) {
        let Ok((_, certificate)) = x509_parser::parse_x509_certificate(der) else { return };
        let tls = self.tls.get_or_insert_default();
        tls.trusted = false;
        tls.fingerprint = Sha256::digest(der).iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        (tls.subject, tls.issuer) = (certificate.subject().to_string(), certificate.issuer().to_string());
        tls.serial = certificate.raw_serial_as_string().replace(':', "");
        let names = certificate.subject_alternative_name().ok().flatten().map(|names| {
            let dns = names.value.general_names.iter().filter_map(|name| match name {
                x509_parser::extensions::GeneralName::DNSName(name) => Some(*name),
                _ => None,
            });
            dns.take(NAMES_MAX).collect::<Vec<_>>().join(",")
        });
        tls.names = names.unwrap_or_default();
    }

    /// Takes the head of an HTTP answer.
    pub(super) fn http_head(&mut self, version: http::Version, headers: &http::HeaderMap) {
        self.http.version = match version {
            http::Version::HTTP_09 => 0.9,
            http::Version::HTTP_10 => 1.0,
            http::Version::HTTP_2 => 2.0,
            http::Version::HTTP_3 => 3.0,
            _ => 1.1,
        };
        let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        self.http.content_length = text(http::header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
        self.http.last_modified = text(http::header::LAST_MODIFIED).and_then(http_date);
    }
}

/// `Tue, 24 Nov 2026 10:00:00 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    let at = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp(at.timestamp().as_millisecond()))
}

impl Recorder {
    /// Adds a fact, if anybody asked for facts; else `write` is never called.
    pub fn fact(&self, write: impl FnOnce(&mut Facts)) {
        if let Some(facts) = &mut self.lock().facts {
            write(facts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::domain::Outcome;
    use crate::probe::{Attempt, BoxFuture, Prober, attempt, attempt_with_facts};
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Teller(AtomicU32);

    impl Prober for Teller {
        fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
            attempt.fact(|facts| {
                self.0.fetch_add(1, Ordering::Relaxed);
                facts.http.redirects = 2;
            });
            Box::pin(async { Outcome::Pass })
        }
    }

    #[tokio::test]
    async fn facts_are_kept_only_for_those_who_ask() {
        let (teller, clock) = (Teller(AtomicU32::new(0)), ManualClock::at(Timestamp(0)));
        attempt(&teller, Duration::from_secs(1), &clock).await;
        assert_eq!(teller.0.load(Ordering::Relaxed), 0);
        let (report, facts) = attempt_with_facts(&teller, Duration::from_secs(1), &clock).await;
        assert_eq!((report.outcome, facts.http.redirects), (Outcome::Pass, 2));
    }

    #[test]
    fn a_certificate_and_a_head_become_facts() {
        let made = rcgen::generate_simple_self_signed(vec!["a.test".to_owned(), "b.test".to_owned()]).unwrap();
        let mut facts = Facts::default();
        facts.leaf(b"no certificate");
        assert_eq!(facts.tls, None);
        facts.leaf(made.cert.der());
        let tls = facts.tls.clone().unwrap();
        assert_eq!((tls.names.as_str(), tls.fingerprint.len(), tls.trusted), ("a.test,b.test", 64, false));
        let mut headers = http::HeaderMap::new();
        headers.insert("last-modified", "Tue, 24 Nov 2026 10:00:00 GMT".parse().unwrap());
        headers.insert("content-length", "7".parse().unwrap());
        facts.http_head(http::Version::HTTP_2, &headers);
        assert_eq!((facts.http.version, facts.http.content_length), (2.0, Some(7)));
        assert_eq!(facts.http.last_modified, Some(Timestamp(1_795_514_400_000)));
    }
}
