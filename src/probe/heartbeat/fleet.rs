//! Fleets: thousands of members that beat under one token, and which share of them is online.
//!
//! Not here: taking beats (`ears`). Invariants: judging looks at every member once and allocates only for what it
//! names; a member of whom nothing was heard is unknown, and the whole is judged by bounds: it fails only if it fails
//! even with all of them online.

use super::ears::{Ending, MEMBERS_MAX, Pulse};
use super::{Sign, Times};
use crate::domain::{Outcome, ReasonKind, Timestamp};
use crate::probe::{FleetShare, Recorder};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Members that are named in the reason, and in the trace.
const NAMED_MAX: usize = 3;
const TRACED_MAX: usize = 20;

/// Who belongs to a fleet.
#[derive(Debug)]
pub(super) enum Members {
    /// The first so many that beat.
    First(usize),
    /// These.
    Listed(HashSet<Arc<str>>),
}

impl Members {
    /// How many there are.
    fn len(&self) -> usize {
        match self {
            Self::First(count) => *count,
            Self::Listed(ids) => ids.len(),
        }
    }

    /// Whether `id` may be the member after `known` others.
    pub(super) fn admit(&self, id: &str, known: usize) -> bool {
        match self {
            Self::First(count) => known < *count,
            Self::Listed(ids) => ids.contains(id),
        }
    }
}

/// Those that beat, in the order in which they were heard first.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    members: Vec<(Arc<str>, Pulse)>,
    places: HashMap<Arc<str>, usize>,
}

impl Fleet {
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn knows(&self, id: &str) -> bool {
        self.places.contains_key(id)
    }

    /// The pulse of a member, new or known; `None` if there is no room for a new one.
    pub(super) fn pulse(&mut self, id: &str) -> Option<&mut Pulse> {
        let place = match self.places.get(id) {
            Some(place) => *place,
            None if self.members.len() >= MEMBERS_MAX => return None,
            None => {
                let (id, place): (Arc<str>, usize) = (id.into(), self.members.len());
                self.places.insert(Arc::clone(&id), place);
                self.members.push((id, Pulse::default()));
                place
            }
        };
        self.members.get_mut(place).map(|(_, pulse)| pulse)
    }

    /// Keeps the members that `keep` wants, given how many are kept before each.
    pub(super) fn retain(&mut self, keep: impl Fn(usize, &str) -> bool) {
        let mut kept = 0;
        self.members.retain(|(id, _)| {
            let stays = keep(kept, id);
            kept += usize::from(stays);
            stays
        });
        self.places = self.members.iter().enumerate().map(|(place, (id, _))| (Arc::clone(id), place)).collect();
    }

    /// The pulses of the members of a fleet that were heard.
    fn of<'a>(&'a self, members: &'a Members) -> impl Iterator<Item = (&'a Arc<str>, &'a Pulse)> {
        let first = match members {
            Members::First(count) => *count,
            Members::Listed(_) => usize::MAX,
        };
        let listed = move |id: &Arc<str>| match members {
            Members::First(_) => true,
            Members::Listed(ids) => ids.contains(id),
        };
        self.members.iter().take(first).filter(move |(id, _)| listed(id)).map(|(id, pulse)| (id, pulse))
    }
}

/// Which share of a fleet has to be online, in parts per million.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shares {
    pub(super) min: i64,
    pub(super) warn: Option<i64>,
}

/// Somebody who is not online, and since when.
struct Missing {
    since: Timestamp,
    text: String,
}

#[derive(Default)]
struct Count {
    online: usize,
    silent: usize,
    failed: usize,
    overlong: usize,
    /// The longest missing first, at most [`TRACED_MAX`].
    missing: Vec<Missing>,
}

impl Count {
    fn add(&mut self, now: Timestamp, id: &str, pulse: &Pulse, times: Times) {
        let (since, what) = match times.sign(now, pulse) {
            Sign::Online => {
                self.online += 1;
                return;
            }
            Sign::Unknown => return,
            Sign::Silent(since) => {
                self.silent += 1;
                (since, String::new())
            }
            Sign::Failed(since, code) => {
                self.failed += 1;
                (since, code.map_or_else(|| "failed ".to_owned(), |code| format!("exit code {code} ")))
            }
            Sign::Overlong(since) => {
                self.overlong += 1;
                (since, "running ".to_owned())
            }
        };
        let place = self.missing.partition_point(|other| other.since <= since);
        if place < TRACED_MAX {
            let text = format!("{id} ({what}since {})", to_the_second(since));
            self.missing.insert(place, Missing { since, text });
            self.missing.truncate(TRACED_MAX);
        }
    }
}

/// Seconds are enough for people.
pub(super) fn to_the_second(at: Timestamp) -> Timestamp {
    Timestamp(at.0 - at.0.rem_euclid(1_000))
}

/// The verdict about a fleet.
pub(super) fn judge(
    now: Timestamp,
    fleet: &Fleet,
    members: &Members,
    times: Times,
    shares: Shares,
    trace: &Recorder,
) -> Outcome {
    let mut count = Count::default();
    for (id, pulse) in fleet.of(members) {
        count.add(now, id, pulse, times);
    }
    let total = members.len();
    let known = count.online + count.silent + count.failed + count.overlong;
    let unknown = total.saturating_sub(known);
    let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    trace.fleet(FleetShare { members: narrow(total), online: narrow(count.online) });
    let Count { online, silent, failed, overlong, missing } = count;
    trace.note(format!(
        "of {total} members {online} are online, {silent} silent, {failed} failed, {overlong} running too long, \
         {unknown} not heard of since the start"
    ));
    missing.iter().for_each(|missing| trace.note(&missing.text));
    let reaches = |n: usize, share: i64| n as i128 * 1_000_000 >= i128::from(share) * total as i128;
    let not_heard = match unknown {
        0 => String::new(),
        n => format!("; {n} not heard of yet"),
    };
    let head = format!("online {online} of {total} members ({}{not_heard})", tenths(online, total));
    let names: Vec<&str> = missing.iter().take(NAMED_MAX).map(|missing| &*missing.text).collect();
    let names = match (names.len(), known - online) {
        (0, _) => String::new(),
        (named, all) if all > named => format!("; missing longest: {}, …", names.join(", ")),
        _ => format!("; missing: {}", names.join(", ")),
    };
    if !reaches(online + unknown, shares.min) {
        let text = format!("{head}, expected at least {}{names}", percent(shares.min));
        return Outcome::fail(ReasonKind::Heartbeat, text);
    }
    if !reaches(online, shares.min) {
        return Outcome::unknown(format!("{head}; whether it is {} is not known yet{names}", percent(shares.min)));
    }
    // Usable for certain: those not heard of are no reason for a warning.
    match shares.warn.filter(|warn| !reaches(online + unknown, *warn)) {
        Some(warn) => {
            let text = format!("{head}, below the {} that are worth a warning{names}", percent(warn));
            Outcome::degraded(ReasonKind::Heartbeat, text)
        }
        None => Outcome::Pass,
    }
}

/// `76.3 %`, rounded down, so that it never shows a share that was not reached.
fn tenths(part: usize, total: usize) -> String {
    let tenths = part * 1_000 / total.max(1);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// `90 %`, `99.95 %`.
fn percent(ppm: i64) -> String {
    let text = format!("{}.{:04}", ppm / 10_000, ppm % 10_000);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// How a bad end is told.
pub(super) fn ending(ending: Ending) -> String {
    match ending {
        Ending::Good => "well".to_owned(),
        Ending::Bad(None) => "as a failure".to_owned(),
        Ending::Bad(Some(code)) => format!("with exit code {code}"),
    }
}
