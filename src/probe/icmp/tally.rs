//! How many packets came back and how fast, and what that means.
//!
//! Not here: sending. Invariant: a packet counts once, however often it is answered.

use crate::domain::{Outcome, ReasonKind};
use std::time::Duration;
use tokio::time::Instant;

/// What is asked of the figures.
#[derive(Debug, Default)]
pub(super) struct Limits {
    pub(super) loss_max_ppm: Option<i64>,
    pub(super) loss_warn_ppm: Option<i64>,
    pub(super) slower_than: Option<Duration>,
    pub(super) jitter_warn: Option<Duration>,
}

/// The packets of one attempt.
#[derive(Debug)]
pub(super) struct Tally {
    within: Duration,
    packets: Vec<(Instant, Option<Duration>)>,
    refused: u16,
    /// The last refusal, as a sentence.
    refusal: Option<String>,
}

impl Tally {
    /// Nothing sent yet; answers are awaited for `within`.
    pub(super) fn new(within: Duration) -> Self {
        Self { within, packets: Vec::new(), refused: 0, refusal: None }
    }

    pub(super) fn sent(&self) -> u16 {
        u16::try_from(self.packets.len()).unwrap_or(u16::MAX)
    }

    pub(super) fn send(&mut self) {
        self.packets.push((Instant::now(), None));
    }

    /// Takes the answer to a packet; its round trip, unless it was answered before or never sent.
    pub(super) fn answer(&mut self, place: u16) -> Option<Duration> {
        let (sent, trip) = self.packets.get_mut(usize::from(place)).filter(|(_, trip)| trip.is_none())?;
        *trip = Some(sent.elapsed());
        *trip
    }

    /// Takes a refusal of one packet.
    pub(super) fn refuse(&mut self, why: String) {
        self.refused = self.refused.saturating_add(1);
        self.refusal = Some(why);
    }

    /// Whether all of `packets` were sent and nothing more is to be expected.
    pub(super) fn is_over(&self, packets: u16) -> bool {
        self.sent() == packets && self.answered() + usize::from(self.refused) >= usize::from(packets)
    }

    fn trips(&self) -> impl Iterator<Item = Duration> {
        self.packets.iter().filter_map(|(_, trip)| *trip)
    }

    fn answered(&self) -> usize {
        self.trips().count()
    }

    fn loss_ppm(&self) -> i64 {
        let (sent, answered) = (self.packets.len().max(1), self.answered());
        i64::try_from((sent - answered.min(sent)) * 1_000_000 / sent).unwrap_or(1_000_000)
    }

    /// The mean round trip.
    pub(super) fn mean(&self) -> Option<Duration> {
        let count = u32::try_from(self.answered()).ok().filter(|count| *count > 0)?;
        Some(self.trips().sum::<Duration>() / count)
    }

    /// The mean difference between one round trip and the next.
    fn jitter(&self) -> Option<Duration> {
        let trips: Vec<Duration> = self.trips().collect();
        let steps = u32::try_from(trips.len().saturating_sub(1)).ok().filter(|steps| *steps > 0)?;
        Some(trips.windows(2).map(|pair| pair[0].abs_diff(pair[1])).sum::<Duration>() / steps)
    }

    /// `4 of 5 answered, 20 % lost; round trip 1.2 ms on average, 0.9 ms to 1.6 ms, jitter 0.2 ms`.
    pub(super) fn summary(&self) -> String {
        let (answered, sent) = (self.answered(), self.packets.len());
        let mut text = format!("{answered} of {sent} answered, {} lost", percent(self.loss_ppm()));
        if let (Some(mean), Some(min), Some(max)) = (self.mean(), self.trips().min(), self.trips().max()) {
            text += &format!("; round trip {} on average, {} to {}", length(mean), length(min), length(max));
        }
        if let Some(jitter) = self.jitter() {
            text += &format!(", jitter {}", length(jitter));
        }
        if let Some(refusal) = &self.refusal {
            text += &format!("; {refusal}");
        }
        text
    }
}

impl Limits {
    /// The verdict about `host`.
    pub(super) fn judge(&self, host: &str, tally: &Tally) -> Outcome {
        let (loss, summary) = (tally.loss_ppm(), tally.summary());
        if tally.answered() == 0 {
            return match &tally.refusal {
                Some(why) => Outcome::fail(ReasonKind::Connect, format!("no way leads to {host}: {why}")),
                None => {
                    let (sent, within) = (tally.sent(), length(tally.within));
                    let text = format!("{host} answered none of {sent} echo requests within {within}");
                    Outcome::fail(ReasonKind::Timeout, text)
                }
            };
        }
        let over = |limit: Option<i64>| limit.filter(|limit| loss > *limit);
        if let Some(max) = over(self.loss_max_ppm) {
            let text = format!("expected at most {} of the packets to {host} lost, got {summary}", percent(max));
            return Outcome::fail(ReasonKind::Content, text);
        }
        if let Some(warn) = over(self.loss_warn_ppm) {
            let text = format!("expected at most {} of the packets to {host} lost, got {summary}", percent(warn));
            return Outcome::degraded(ReasonKind::Content, text);
        }
        let slow = |what, got: Option<Duration>, limit: Option<Duration>| {
            let (got, limit) = got.zip(limit).filter(|(got, limit)| got > limit)?;
            let text = format!("expected {what} of at most {} to {host}, got {}", length(limit), length(got));
            Some(Outcome::degraded(ReasonKind::Slow, text))
        };
        slow("a mean round trip", tally.mean(), self.slower_than)
            .or_else(|| slow("a jitter", tally.jitter(), self.jitter_warn))
            .unwrap_or(Outcome::Pass)
    }
}

/// `20 %`, `33.3 %`.
fn percent(ppm: i64) -> String {
    match ppm % 10_000 {
        0 => format!("{} %", ppm / 10_000),
        rest => format!("{}.{} %", ppm / 10_000, rest / 1_000),
    }
}

/// Finer than other phases are told: `12.3 ms`, `1.25 s`.
pub(super) fn length(length: Duration) -> String {
    let us = length.as_micros();
    match us {
        0..10_000 => format!("{}.{:02} ms", us / 1_000, us % 1_000 / 10),
        10_000..1_000_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        _ => format!("{}.{:02} s", us / 1_000_000, us % 1_000_000 / 10_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Round trips in milliseconds; `None` is lost.
    fn tally(trips: &[Option<u64>]) -> Tally {
        let mut tally = Tally::new(Duration::from_secs(14));
        let packets = trips.iter().map(|trip| (Instant::now(), trip.map(Duration::from_millis)));
        tally.packets = packets.collect();
        tally
    }

    #[test]
    fn figures_are_told_in_one_line() {
        let tally = tally(&[Some(10), Some(20), None, Some(12)]);
        let text = "3 of 4 answered, 25 % lost; round trip 14.0 ms on average, 10.0 ms to 20.0 ms, jitter 9.00 ms";
        assert_eq!(tally.summary(), text);
        assert!(!tally.is_over(4));
    }

    #[test]
    fn every_limit_has_its_verdict() {
        let lossy = || tally(&[Some(10), Some(20), None]);
        let judge = |limits: Limits, tally: Tally| {
            let outcome = limits.judge("gw.test", &tally);
            let reason = outcome.reason().map(|reason| (reason.kind, reason.text.clone()));
            (outcome.label(), reason)
        };
        assert_eq!(judge(Limits::default(), lossy()), ("pass", None));
        let text = "expected at most 10 % of the packets to gw.test lost, got 2 of 3 answered, 33.3 % lost; round trip \
            15.0 ms on average, 10.0 ms to 20.0 ms, jitter 10.0 ms";
        let content = Some((ReasonKind::Content, text.to_owned()));
        let limits = || Limits { loss_max_ppm: Some(100_000), ..Limits::default() };
        assert_eq!(judge(limits(), lossy()), ("fail", content.clone()));
        let limits = Limits { loss_warn_ppm: Some(100_000), ..Limits::default() };
        assert_eq!(judge(limits, lossy()), ("degraded", content));
        let limits = Limits { slower_than: Some(Duration::from_millis(14)), ..Limits::default() };
        let text = "expected a mean round trip of at most 14.0 ms to gw.test, got 15.0 ms".to_owned();
        assert_eq!(judge(limits, lossy()), ("degraded", Some((ReasonKind::Slow, text))));
        let limits = Limits { jitter_warn: Some(Duration::from_millis(9)), ..Limits::default() };
        let text = "expected a jitter of at most 9.00 ms to gw.test, got 10.0 ms".to_owned();
        assert_eq!(judge(limits, lossy()), ("degraded", Some((ReasonKind::Slow, text))));
        let text = "gw.test answered none of 2 echo requests within 14.00 s".to_owned();
        assert_eq!(judge(limits_none(), tally(&[None, None])), ("fail", Some((ReasonKind::Timeout, text))));
        let mut refused = tally(&[None]);
        refused.refuse("10.0.0.1 says the host is unreachable".into());
        assert!(refused.is_over(1));
        let text = "no way leads to gw.test: 10.0.0.1 says the host is unreachable".to_owned();
        assert_eq!(judge(limits_none(), refused), ("fail", Some((ReasonKind::Connect, text))));
    }

    fn limits_none() -> Limits {
        Limits::default()
    }
}
