//! Which windows may concern one: those that overlap it, and those of its owner in the same civil month.
//!
//! Not here: what they do to it (`limits`). Invariant: whatever `limits` could count is among what is found.

use crate::domain::civil::Zone;
use crate::domain::*;
use jiff::civil::Date;
use std::collections::HashMap;

/// Windows by time and by owner and month; a window is known by its place in the order in which it was given.
#[derive(Clone, Debug, Default)]
pub struct Crowd {
    /// By start.
    by_start: Vec<(Span, usize)>,
    longest_ms: Millis,
    months: HashMap<(OwnerId, Date), Vec<usize>>,
}

impl Crowd {
    /// Takes owners and spans.
    pub fn of<'a>(zone: &Zone, windows: impl Iterator<Item = (&'a OwnerId, Span)>) -> Self {
        let mut crowd = Self::default();
        for (place, (owner, span)) in windows.enumerate() {
            crowd.longest_ms = crowd.longest_ms.max(span.len_ms());
            crowd.by_start.push((span, place));
            crowd.months.entry((owner.clone(), month(zone, span))).or_default().push(place);
        }
        crowd.by_start.sort_unstable();
        crowd
    }

    /// The places of those that may concern a window of `owner`, itself among them, in ascending order.
    pub fn about(&self, zone: &Zone, owner: &OwnerId, span: Span) -> Vec<usize> {
        let first = self.by_start.partition_point(|(other, _)| other.start + self.longest_ms <= span.start);
        let near = self.by_start[first..].iter().take_while(|(other, _)| other.start < span.end);
        let mut places: Vec<usize> = near.filter(|(other, _)| other.overlaps(span)).map(|(_, place)| *place).collect();
        places.extend(self.months.get(&(owner.clone(), month(zone, span))).into_iter().flatten());
        places.sort_unstable();
        places.dedup();
        places
    }
}

fn month(zone: &Zone, span: Span) -> Date {
    zone.date(span.start).first_of_month()
}
