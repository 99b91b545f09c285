//! How often somebody may ask: a bounded table of peers or holders, each with one instant.
//!
//! Not here: who they are (`identify`). Invariants: what the table has no room for shares one allowance, so that many
//! addresses win nothing and nobody's row is pushed out; time is monotonic.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Rows of one table.
const ROWS_MAX: usize = 8_192;

/// Rows that say nothing any more are looked for this often at most.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// So many at once, and then one each time.
#[derive(Clone, Copy, Debug)]
pub(in crate::web) struct Allowance {
    /// How many at once.
    pub(in crate::web) burst: u32,
    /// From one to the next.
    pub(in crate::web) every: Duration,
}

/// Requests of one peer that shows no token; a page takes a handful, and many readers may share an address.
pub(in crate::web) const PEER: Allowance = Allowance { burst: 2_000, every: Duration::from_millis(5) };
/// Requests of one holder.
pub(in crate::web) const HOLDER: Allowance = Allowance { burst: 2_000, every: Duration::from_millis(1) };
/// Changes that one holder asks for.
pub(in crate::web) const CHANGES: Allowance = Allowance { burst: 100, every: Duration::from_millis(200) };
/// Rows of the audit log about what one holder was refused; the metric counts all.
pub(in crate::web) const REFUSALS: Allowance = Allowance { burst: 60, every: Duration::from_secs(10) };
/// Tokens that nobody holds, of one peer. The right one is always taken, whatever a neighbour behind one address does.
pub(in crate::web) const GUESSES: Allowance = Allowance { burst: 10, every: Duration::from_secs(6) };
/// Questions to the gate of one peer that shows no token.
pub(in crate::web) const GATE: Allowance = Allowance { burst: 60, every: Duration::from_secs(1) };

/// Who asked how often.
#[derive(Debug)]
pub(in crate::web) struct Meter<K> {
    allowance: Allowance,
    rows: Mutex<Rows<K>>,
}

/// For each key the instant at which its whole allowance is back.
#[derive(Debug)]
struct Rows<K> {
    known: HashMap<K, Duration>,
    others: Duration,
    swept: Duration,
}

impl<K: Eq + Hash> Meter<K> {
    /// Nobody has asked yet.
    pub(in crate::web) fn new(allowance: Allowance) -> Self {
        let rows = Rows { known: HashMap::new(), others: Duration::ZERO, swept: Duration::ZERO };
        Self { allowance, rows: Mutex::new(rows) }
    }

    /// Takes one at `now`.
    ///
    /// # Errors
    /// How long to wait for the next one.
    pub(in crate::web) fn take(&self, now: Duration, key: K) -> Result<(), Duration> {
        let Allowance { burst, every } = self.allowance;
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = &mut *rows;
        if rows.known.len() >= ROWS_MAX && !rows.known.contains_key(&key) && now >= rows.swept + SWEEP_EVERY {
            rows.swept = now;
            rows.known.retain(|_, whole_at| *whole_at > now);
        }
        let room = rows.known.len() < ROWS_MAX;
        let whole_at = match rows.known.get_mut(&key) {
            Some(whole_at) => whole_at,
            None if room => rows.known.entry(key).or_default(),
            None => &mut rows.others,
        };
        let then = (*whole_at).max(now) + every;
        match then.checked_sub(now + every * burst) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                *whole_at = then;
                Ok(())
            }
        }
    }
}

/// What counts as one peer: an IPv4 address, or the network of an IPv6 one, which its user may vary at will.
pub(in crate::web) fn peer(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: Allowance = Allowance { burst: 3, every: Duration::from_secs(10) };

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn so_many_at_once_and_then_one_each_time() {
        let meter = Meter::new(THREE);
        let taken: Vec<bool> = (0..5).map(|_| meter.take(s(100), "a").is_ok()).collect();
        assert_eq!(taken, [true, true, true, false, false]);
        assert_eq!(meter.take(s(103), "a"), Err(s(7)));
        assert!(meter.take(s(103), "b").is_ok(), "the neighbour has its own");
        assert!(meter.take(s(110), "a").is_ok() && meter.take(s(110), "a").is_err());
        assert_eq!((0..5).filter(|_| meter.take(s(1_000), "a").is_ok()).count(), 3, "no more than at once");
    }

    #[test]
    fn many_keys_share_what_is_left_and_push_nobody_out() {
        let meter = Meter::new(THREE);
        for _ in 0..3 {
            meter.take(s(100), 0).unwrap();
        }
        let strangers = (1..2 * ROWS_MAX).filter(|key| meter.take(s(100), *key).is_ok()).count();
        assert_eq!(strangers, ROWS_MAX - 1 + 3);
        assert!(meter.take(s(100), 0).is_err(), "its row is still there");
        assert!(meter.rows.lock().unwrap().known.len() <= ROWS_MAX);
        assert!(meter.take(s(200), usize::MAX).is_ok(), "rows that say nothing make room");
        assert_eq!(meter.rows.lock().unwrap().known.len(), 1);
    }

    #[test]
    fn a_user_of_ipv6_is_one_peer_whatever_the_last_half_says() {
        let ip = |text: &str| peer(text.parse().unwrap());
        assert_eq!(ip("2001:db8::1"), ip("2001:db8::ffff:1"));
        assert_ne!(ip("2001:db8::1"), ip("2001:db8:0:1::1"));
        assert_eq!(ip("::ffff:192.0.2.7"), ip("192.0.2.7"));
    }
}
