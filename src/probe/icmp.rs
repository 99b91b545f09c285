//! `icmp`: sends echo requests and judges how many come back, and how fast and evenly.
//!
//! Not here: packets (`wire`), sockets (`socket`), figures and verdicts (`tally`). Invariants: each packet is sent once;
//! an answer counts only with our identifier, our sequence number and the payload of this very attempt; a packet is
//! lost when the attempt's time is nearly over, so that the loss is told and not only the time-out.

mod socket;
mod tally;
mod wire;

pub(super) use wire::{Layout, parse_reply};

use super::peer::{self, FAMILY, Family};
use super::{Attempt, BoxFuture, BuildContext, Phase, ProbeKind, Prober, datagram};
use crate::domain::Outcome;
use crate::field::{Code, Field, Problem, Problems, Record, Type};
use crate::network::Network;
use socket::{Fragments, Pinger};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tally::{Limits, Tally};
use tokio::time::{Instant, timeout_at};
use wire::{Echo, Heard};

/// This kind.
pub(super) const KIND: ProbeKind = ProbeKind {
    name: "icmp",
    about: "Sends echo requests (ping); judges loss, mean round trip and jitter.",
    example: "host: gw.huangpu.test\npackets: 5\ninterval: 200ms\nloss_warn: 20%\nslower_than: 50ms\n",
    fields: FIELDS,
    target: Some("host"),
    build,
};

const PACKETS: Type = Type::Int { min: 1, max: 20 };
const INTERVAL: Type = Type::Duration { min_ms: 10, max_ms: 10_000 };
/// The first eight bytes say which attempt they are of.
const PAYLOAD: Type = Type::Int { min: 8, max: wire::PAYLOAD_MAX as i64 };
const TTL: Type = Type::Int { min: 1, max: 255 };

const FIELDS: &[Field] = &[
    Field::required("host", Type::Host, "Host name or IP address to ask."),
    FAMILY,
    Field::with_default("packets", PACKETS, "1", "How many requests are sent."),
    Field::with_default("interval", INTERVAL, "200ms", "Time between two requests."),
    Field::with_default("payload_bytes", PAYLOAD, "56", "Length of the payload; 8 bytes of headers come before it."),
    Field::optional("ttl", TTL, "How many hops a request may take."),
    Field::with_default("dont_fragment", Type::Bool, "false", DONT_FRAGMENT_DOC),
    Field::optional("loss_max", Type::Percent, "Failed when more are lost; when left out, when all are."),
    Field::optional("loss_warn", Type::Percent, "Degraded when more are lost."),
    Field::optional("slower_than", Type::DURATION, "Degraded when the mean round trip takes longer."),
    Field::optional("jitter_warn", Type::DURATION, "Degraded when round trips differ by more from one to the next."),
];

const DONT_FRAGMENT_DOC: &str = "Whether a request that is too long for a link fails instead of being cut; over IPv4 \
    this needs a raw socket (CAP_NET_RAW), over IPv6 no router cuts anyway.";

fn build(record: &Record, context: &BuildContext) -> Result<Arc<dyn Prober>, Problems> {
    Ok(Arc::new(icmp(record, context)?))
}

fn icmp(record: &Record, context: &BuildContext) -> Result<Icmp, Problems> {
    let (warn, max) = (record.opt_int("loss_warn"), record.opt_int("loss_max"));
    if warn.zip(max).is_some_and(|(warn, max)| warn >= max) {
        let text = "`loss_warn` is not below `loss_max`, so it would never warn";
        return Err(Problem::error(Code::Value, record.at("loss_warn"), text).into());
    }
    Ok(Icmp {
        network: Arc::clone(&context.network),
        host: record.text("host").trim_matches(['[', ']']).into(),
        family: Family::of(record),
        packets: u16::try_from(record.int("packets")).unwrap_or(1),
        interval: record.duration("interval"),
        payload_bytes: usize::try_from(record.int("payload_bytes")).unwrap_or(56),
        ttl: record.opt_int("ttl").and_then(|ttl| u8::try_from(ttl).ok()),
        fragments: if record.flag("dont_fragment") { Fragments::Refused } else { Fragments::Allowed },
        limits: Limits {
            loss_max_ppm: max,
            loss_warn_ppm: warn,
            slower_than: peer::limit(record),
            jitter_warn: record.has("jitter_warn").then(|| record.duration("jitter_warn")),
        },
    })
}

struct Icmp {
    network: Arc<Network>,
    host: Box<str>,
    family: Family,
    packets: u16,
    interval: Duration,
    payload_bytes: usize,
    ttl: Option<u8>,
    fragments: Fragments,
    limits: Limits,
}

impl Prober for Icmp {
    fn probe<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.ping(attempt).await.unwrap_or_else(|outcome| outcome) })
    }

    fn host(&self) -> Option<&str> {
        Some(&self.host)
    }
}

impl Icmp {
    async fn ping(&self, attempt: &Attempt) -> Result<Outcome, Outcome> {
        let address = datagram::address(attempt, &self.network, &self.host, 0, self.family).await?.ip();
        let found = attempt.elapsed();
        let pinger = Pinger::open(address, self.ttl, self.fragments)?;
        let ready = attempt.elapsed().saturating_sub(found);
        attempt.fact(|facts| facts.icmp = Some((ready, Duration::ZERO)));
        self.ask(attempt, &pinger, address).await
    }

    async fn ask(&self, attempt: &Attempt, pinger: &Pinger, address: IpAddr) -> Result<Outcome, Outcome> {
        attempt.note(format!("asking {address} over {}", pinger.named()));
        attempt.enter(Phase::Processing);
        let tally = self.run(attempt, pinger, address).await?;
        match tally.mean() {
            Some(mean) => {
                attempt.measured(Phase::Processing, mean);
                attempt.fact(|facts| facts.icmp = facts.icmp.map(|(ready, _)| (ready, mean)));
            }
            None => attempt.leave(),
        }
        attempt.note(tally.summary());
        Ok(self.limits.judge(&self.host, &tally))
    }

    /// Sends all packets at their times and listens until all are accounted for, or nearly no time is left.
    async fn run(&self, attempt: &Attempt, pinger: &Pinger, address: IpAddr) -> Result<Tally, Outcome> {
        let began = Instant::now();
        // Unlike a connection, a lost packet is an answer: it has to be told before the deadline cuts us off.
        let end = began + attempt.remaining() * 19 / 20;
        if began + self.interval * u32::from(self.packets - 1) >= end {
            let text = format!(
                "{} packets every {} do not fit into one attempt; send fewer, or faster",
                self.packets,
                tally::length(self.interval)
            );
            return Err(Outcome::unknown(text));
        }
        let echo = Echo { ident: fastrand::u16(..), token: fastrand::u64(..), payload_bytes: self.payload_bytes };
        let first = fastrand::u16(..);
        let mut tally = Tally::new(end - began);
        let mut buffer = Box::new([0; wire::REPLY_BYTES_MAX]);
        while !tally.is_over(self.packets) {
            let sent = tally.sent();
            let due = began + self.interval * u32::from(sent);
            if sent < self.packets && Instant::now() >= due {
                let packet = pinger.packet(&echo, first.wrapping_add(sent), address);
                tally.send();
                // An error that an earlier packet brought back is reported here too.
                if let Err(error) = pinger.send(&packet, address).await {
                    tally.refuse(self.refusal(&error)?);
                }
                continue;
            }
            let until = if sent < self.packets { due.min(end) } else { end };
            match timeout_at(until, pinger.receive(&mut buffer)).await {
                Err(_) if until >= end => break,
                Err(_) => {}
                Ok(Err(error)) => tally.refuse(self.refusal(&error)?),
                Ok(Ok(bytes)) => self.hear(attempt, &mut tally, parse_reply(bytes, pinger.layout()), &echo, first),
            }
        }
        Ok(tally)
    }

    /// What an error of the socket says about the target; our own trouble ends the attempt.
    fn refusal(&self, error: &std::io::Error) -> Result<String, Outcome> {
        match super::dial::local_trouble(error) {
            Some(trouble) => Err(Outcome::unknown(format!("cannot reach {}: {trouble}", self.host))),
            None => Ok(error.to_string()),
        }
    }

    fn hear(&self, attempt: &Attempt, tally: &mut Tally, heard: Option<Heard>, echo: &Echo, first: u16) {
        match heard {
            Some(Heard::Reply { sequence, token, hops, .. }) if token == Some(echo.token) => {
                attempt.fact(|facts| facts.icmp_hop_limit = hops);
                let place = sequence.wrapping_sub(first);
                if let Some(trip) = tally.answer(place) {
                    attempt.note(format!("answer {} after {}", place + 1, tally::length(trip)));
                }
            }
            Some(Heard::Refused { what, from, ident, sequence }) if ident == echo.ident => {
                let from = from.map_or_else(|| "a router".to_owned(), |from| from.to_string());
                if sequence.wrapping_sub(first) < tally.sent() {
                    tally.refuse(format!("{from} says {what}"));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
