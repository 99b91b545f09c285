//! A past for a city: every subsystem was down now and then.
//!
//! Not here: what the past costs to read. Invariant: the same numbers give the same facts.

use crate::files::T0;
use gengfu::domain::health::ProbeHealth;
use gengfu::domain::{DAY, Fact, Inventory, MINUTE, Millis, ProbeId, Reason, ReasonKind, Recorded, Timestamp};

/// How far back the past of the figures goes.
pub(crate) const DAYS: i64 = 60;

/// Changes of health, in order of time: `per_probe` over `days` before [`T0`], every other one a failure of ten minutes.
pub(crate) fn facts(inventory: &Inventory, days: i64, per_probe: i64) -> Vec<Recorded> {
    let mut probes: Vec<&ProbeId> = inventory.probes.keys().collect();
    probes.sort_unstable();
    let begins = T0 + -(days * DAY);
    let step: Millis = days * DAY / per_probe;
    let mut facts = Vec::with_capacity(probes.len() * usize::try_from(per_probe).unwrap_or_default());
    for n in 0..per_probe {
        for (i, probe) in probes.iter().enumerate() {
            let down = n % 2 == 1;
            // Each failure is over after ten minutes: the change after it comes early.
            let at = if n > 0 && !down { begins + (n - 1) * step + 10 * MINUTE } else { begins + n * step };
            let at = at + i as Millis % MINUTE;
            facts.push(changed(at, probe, down));
        }
    }
    facts.sort_by_key(|recorded| recorded.at);
    facts
}

/// So many facts of the last ten minutes: the first probes fail, and recover.
pub(crate) fn bad_day(inventory: &Inventory, facts: usize) -> Vec<Recorded> {
    let mut probes: Vec<&ProbeId> = inventory.probes.keys().collect();
    probes.sort_unstable();
    probes.truncate(facts / 2);
    let failed = probes.iter().map(|probe| changed(T0 + -10 * MINUTE, probe, true));
    failed.chain(probes.iter().map(|probe| changed(T0 + -5 * MINUTE, probe, false))).collect()
}

fn changed(at: Timestamp, probe: &ProbeId, down: bool) -> Recorded {
    let refused = Reason::new(ReasonKind::Connect, "portal.huangpu.test:443 refused the connection");
    let to = if down { ProbeHealth::Failing } else { ProbeHealth::Passing };
    let fact = Fact::ProbeChanged { probe: probe.clone(), to: Some(to), since: at, reason: down.then_some(refused) };
    Recorded { at, fact }
}
