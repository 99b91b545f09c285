//! Instants, spans and sets of spans: the integer algebra that every figure rests on.
//!
//! Not here: civil time (`civil`) and clocks (`crate::clock`). Invariants: an instant is a UTC integer in
//! milliseconds; every span is half-open; a `SpanSet` is sorted, disjoint, non-adjacent and free of empty spans.

use serde::{Deserialize, Serialize};

/// A UTC instant in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A length in milliseconds; may be negative only as a difference.
pub type Millis = i64;

/// One second, in milliseconds.
pub const SECOND: Millis = 1_000;
/// One minute, in milliseconds.
pub const MINUTE: Millis = 60 * SECOND;
/// One hour, in milliseconds.
pub const HOUR: Millis = 60 * MINUTE;
/// Twenty-four hours, in milliseconds; a civil day may be longer or shorter.
pub const DAY: Millis = 24 * HOUR;

impl Timestamp {
    /// The earliest instant that arithmetic of years around it cannot overflow.
    pub const MIN: Self = Self(i64::MIN / 4);
    /// The latest such instant; stands for "not ended yet".
    pub const MAX: Self = Self(i64::MAX / 4);

    /// Milliseconds from `earlier` to `self`; negative if `earlier` is later.
    pub fn since(self, earlier: Self) -> Millis {
        self.0 - earlier.0
    }
}

impl std::ops::Add<Millis> for Timestamp {
    type Output = Self;
    fn add(self, ms: Millis) -> Self {
        Self(self.0 + ms)
    }
}

impl std::ops::Sub<Millis> for Timestamp {
    type Output = Self;
    fn sub(self, ms: Millis) -> Self {
        Self(self.0 - ms)
    }
}

/// RFC 3339 in UTC, for logs and machine output; people get civil time from `civil::Zone`.
impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(t) => write!(f, "{t}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// A half-open interval `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First instant inside.
    pub start: Timestamp,
    /// First instant outside.
    pub end: Timestamp,
}

impl Span {
    /// `[start, end)`; empty when `end <= start`.
    pub fn new(start: Timestamp, end: Timestamp) -> Self {
        Self { start, end }
    }

    /// A span of `ms` milliseconds from `start`.
    pub fn lasting(start: Timestamp, ms: Millis) -> Self {
        Self { start, end: start + ms }
    }

    /// Length in milliseconds, never negative.
    pub fn len_ms(self) -> Millis {
        self.end.since(self.start).max(0)
    }

    /// Whether no instant is inside.
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// Whether `t` is inside.
    pub fn contains(self, t: Timestamp) -> bool {
        self.start <= t && t < self.end
    }

    /// Whether every instant of `other` is inside.
    pub fn covers(self, other: Self) -> bool {
        other.is_empty() || (self.start <= other.start && other.end <= self.end)
    }

    /// Whether the two share an instant.
    pub fn overlaps(self, other: Self) -> bool {
        !self.intersect(other).is_empty()
    }

    /// The shared part; empty if there is none.
    pub fn intersect(self, other: Self) -> Self {
        Self { start: self.start.max(other.start), end: self.end.min(other.end) }
    }
}

/// A set of instants as sorted, disjoint, non-adjacent, non-empty spans.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SpanSet(Vec<Span>);

impl SpanSet {
    /// The empty set.
    pub const EMPTY: Self = Self(Vec::new());

    /// The spans, in order of time.
    pub fn spans(&self) -> &[Span] {
        &self.0
    }

    /// Whether no instant is inside.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sum of the lengths in milliseconds.
    pub fn len_ms(&self) -> Millis {
        self.0.iter().map(|s| s.len_ms()).sum()
    }

    /// The member span that holds `t`.
    pub fn span_at(&self, t: Timestamp) -> Option<Span> {
        let i = self.0.partition_point(|s| s.end <= t);
        self.0.get(i).copied().filter(|s| s.contains(t))
    }

    /// Whether `t` is inside.
    pub fn contains(&self, t: Timestamp) -> bool {
        self.span_at(t).is_some()
    }

    /// Whether all of `span` lies inside one member.
    pub fn covers(&self, span: Span) -> bool {
        span.is_empty() || self.span_at(span.start).is_some_and(|s| s.covers(span))
    }

    /// Instants in either set.
    pub fn union(&self, other: &Self) -> Self {
        self.0.iter().chain(&other.0).copied().collect()
    }

    /// Instants in both sets.
    pub fn intersect(&self, other: &Self) -> Self {
        let (mut i, mut j, mut out) = (0, 0, Vec::new());
        while let (Some(a), Some(b)) = (self.0.get(i), other.0.get(j)) {
            let shared = a.intersect(*b);
            if !shared.is_empty() {
                out.push(shared);
            }
            if a.end < b.end { i += 1 } else { j += 1 }
        }
        Self(out)
    }

    /// The part inside one span.
    pub fn clip(&self, span: Span) -> Self {
        let first = self.0.partition_point(|s| s.end <= span.start);
        let parts = self.0[first..].iter().map(|s| s.intersect(span));
        Self(parts.take_while(|s| !s.is_empty()).collect())
    }

    /// Instants in `self` and not in `other`.
    pub fn subtract(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        let mut first = 0;
        for span in &self.0 {
            let mut from = span.start;
            first += other.0[first..].partition_point(|o| o.end <= span.start);
            for o in other.0[first..].iter().take_while(|o| o.start < span.end) {
                out.push(Span::new(from, o.start.max(from)));
                from = from.max(o.end);
            }
            out.push(Span::new(from, span.end));
        }
        out.retain(|s| !s.is_empty());
        Self(out)
    }

    /// The instants of `within` that are not inside.
    pub fn complement(&self, within: Span) -> Self {
        Self::from(within).subtract(self)
    }
}

impl From<Span> for SpanSet {
    fn from(span: Span) -> Self {
        if span.is_empty() { Self::EMPTY } else { Self(vec![span]) }
    }
}

/// Sorts and merges; overlapping, adjacent and empty spans are welcome.
impl FromIterator<Span> for SpanSet {
    fn from_iter<I: IntoIterator<Item = Span>>(spans: I) -> Self {
        let mut all: Vec<Span> = spans.into_iter().filter(|s| !s.is_empty()).collect();
        all.sort_unstable();
        let mut out: Vec<Span> = Vec::with_capacity(all.len());
        for span in all {
            match out.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                _ => out.push(span),
            }
        }
        Self(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(spans: &[(i64, i64)]) -> SpanSet {
        spans.iter().map(|(a, b)| Span::new(Timestamp(*a), Timestamp(*b))).collect()
    }

    fn members(set: &SpanSet) -> Vec<bool> {
        (0..64).map(|t| set.contains(Timestamp(t))).collect()
    }

    fn naive(spans: &[(i64, i64)]) -> Vec<bool> {
        (0..64).map(|t| spans.iter().any(|(a, b)| *a <= t && t < *b)).collect()
    }

    #[test]
    fn adjacent_spans_merge_and_empty_ones_vanish() {
        assert_eq!(set(&[(5, 9), (0, 5), (20, 20)]).spans(), set(&[(0, 9)]).spans());
    }

    proptest! {
        #[test]
        fn set_operations_agree_with_membership_instant_by_instant(
            a in prop::collection::vec((0i64..64, 0i64..64), 0..6),
            b in prop::collection::vec((0i64..64, 0i64..64), 0..6),
            lo in 0i64..64, hi in 0i64..64,
        ) {
            let (x, y) = (set(&a), set(&b));
            let (na, nb) = (naive(&a), naive(&b));
            let within = Span::new(Timestamp(lo), Timestamp(hi));
            let zip = |f: fn(bool, bool) -> bool| na.iter().zip(&nb).map(|(p, q)| f(*p, *q)).collect::<Vec<_>>();
            prop_assert_eq!(members(&x), na.clone());
            prop_assert_eq!(members(&x.union(&y)), zip(|p, q| p || q));
            prop_assert_eq!(members(&x.intersect(&y)), zip(|p, q| p && q));
            prop_assert_eq!(members(&x.subtract(&y)), zip(|p, q| p && !q));
            let clipped: Vec<bool> = (0..64).map(|t| na[t as usize] && lo <= t && t < hi).collect();
            prop_assert_eq!(members(&x.clip(within)), clipped);
            for result in [x.union(&y), x.intersect(&y), x.subtract(&y), x.clip(within), x.complement(within)] {
                prop_assert!(result.spans().iter().all(|s| !s.is_empty()));
                prop_assert!(result.spans().windows(2).all(|w| w[0].end < w[1].start));
            }
        }
    }
}
