//! Who waits for a permit and may have one: the order of arrival, and a limit for each target host.
//!
//! Not here: what a probe waits with (`agenda`). Invariants: a host never has more than `limit` attempts in flight;
//! among those whose host has room, whoever came first is next, so that a busy host holds up nobody but its own.

use super::Key;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A host in lower case; `None` is everybody who asks none, for whom there is no limit.
pub(super) type Name = Option<Arc<str>>;

/// The place in the line: lower came earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u64);

#[derive(Debug, Default)]
struct Host {
    in_flight: usize,
    line: BTreeMap<Place, Key>,
}

/// All hosts that have somebody in flight or in line.
#[derive(Debug)]
pub(super) struct Hosts {
    limit: usize,
    hosts: HashMap<Name, Host>,
    /// The first in line of every host that has room.
    ready: BTreeSet<(Place, Name)>,
    places: u64,
}

/// How a host is told apart from others: `YWTB.test.` is `ywtb.test`.
pub(super) fn name(host: Option<&str>) -> Name {
    host.map(|host| host.trim_end_matches('.').to_ascii_lowercase().into())
}

impl Hosts {
    /// Nobody in line; at most `limit` in flight for each host.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), hosts: HashMap::new(), ready: BTreeSet::new(), places: 0 }
    }

    /// Whether nobody else may ask this host now.
    pub(super) fn is_busy(&self, name: &Name) -> bool {
        name.is_some() && self.hosts.get(name).is_some_and(|host| host.in_flight >= self.limit)
    }

    /// Puts somebody at the end of the line.
    pub(super) fn enqueue(&mut self, name: &Name, key: Key) -> Place {
        self.places += 1;
        let place = Place(self.places);
        self.change(name, |host| _ = host.line.insert(place, key));
        place
    }

    /// Takes somebody out of the line.
    pub(super) fn leave(&mut self, name: &Name, place: Place) {
        self.change(name, |host| _ = host.line.remove(&place));
    }

    /// Puts somebody in the line of another host, at the same place.
    pub(super) fn change_host(&mut self, from: &Name, to: &Name, place: Place, key: Key) {
        self.leave(from, place);
        self.change(to, |host| _ = host.line.insert(place, key));
    }

    /// Who is next; counts as in flight from now on.
    pub(super) fn next(&mut self) -> Option<Key> {
        let (place, name) = self.ready.first().cloned()?;
        let mut next = None;
        self.change(&name, |host| {
            next = host.line.remove(&place);
            host.in_flight += 1;
        });
        next
    }

    /// An attempt at this host is over.
    pub(super) fn finished(&mut self, name: &Name) {
        self.change(name, |host| host.in_flight = host.in_flight.saturating_sub(1));
    }

    /// Changes a host, and keeps in step who is ready.
    fn change(&mut self, name: &Name, change: impl FnOnce(&mut Host)) {
        let host = self.hosts.entry(name.clone()).or_default();
        let before = host.line.keys().next().copied();
        change(host);
        let after = host.line.keys().next().copied();
        let has_room = name.is_none() || host.in_flight < self.limit;
        if host.in_flight == 0 && after.is_none() {
            self.hosts.remove(name);
        }
        if let Some(place) = before {
            self.ready.remove(&(place, name.clone()));
        }
        if let Some(place) = after.filter(|_| has_room) {
            self.ready.insert((place, name.clone()));
        }
    }
}
