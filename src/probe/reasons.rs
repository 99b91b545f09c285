//! Which reasons each kind can give: the matrix of kinds and reasons.
//!
//! Not here: when (the kinds), and what provokes each of them (`every_reason` has a scenario for every pair). Invariants:
//! every kind has a row; the tests accept no report whose reason its kind does not have; `Local` stands for "we could not
//! measure", hence for `Unknown` and for nothing else.

use super::ProbeKind;
use crate::domain::ReasonKind::{self, *};

/// The rows, in the order of the kinds; the reasons in theirs.
static REASONS: &[(&str, &[ReasonKind])] = &[
    ("command", &[Timeout, Status, Content, Slow, Local]),
    ("dns", &[Timeout, Resolve, Connect, Tls, Certificate, Content, Slow, Protocol, Local]),
    ("grpc", &[Timeout, Resolve, Connect, Tls, Certificate, Status, Slow, Maintenance, Protocol, Local]),
    ("heartbeat", &[Heartbeat, Local]),
    ("http", &[Timeout, Resolve, Connect, Tls, Certificate, Status, Content, Slow, Maintenance, Protocol, Local]),
    ("icmp", &[Timeout, Resolve, Connect, Content, Slow, Local]),
    ("journey", &[Timeout, Resolve, Connect, Tls, Certificate, Status, Content, Slow, Maintenance, Protocol, Local]),
    ("redis", &[Timeout, Resolve, Connect, Tls, Certificate, Status, Content, Slow, Protocol, Local]),
    ("sip", &[Timeout, Resolve, Connect, Tls, Certificate, Status, Slow, Maintenance, Protocol, Local]),
    ("smtp", &[Timeout, Resolve, Connect, Tls, Certificate, Status, Content, Slow, Protocol, Local]),
    ("sql", &[Timeout, Resolve, Connect, Tls, Certificate, Status, Content, Slow, Protocol, Local]),
    ("ssh", &[Timeout, Resolve, Connect, Content, Slow, Protocol, Local]),
    // Their `starttls: smtp` compares codes.
    ("tcp", &[Timeout, Resolve, Connect, Tls, Certificate, Status, Content, Slow, Protocol, Local]),
    ("tls", &[Timeout, Resolve, Connect, Tls, Certificate, Status, Slow, Protocol, Local]),
    ("websocket", &[Timeout, Resolve, Connect, Tls, Certificate, Status, Content, Slow, Maintenance, Protocol, Local]),
];

impl ProbeKind {
    /// The reasons that it can give.
    pub fn reasons(&self) -> &'static [ReasonKind] {
        REASONS.iter().find(|(name, _)| *name == self.name).map_or(&[], |(_, reasons)| reasons)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::KINDS;

    #[test]
    fn every_kind_has_its_row_and_every_row_the_order_of_the_reasons() {
        let names: Vec<&str> = REASONS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>());
        for (name, reasons) in REASONS {
            assert!(reasons.is_sorted_by(|a, b| a < b), "{name}");
            assert!(reasons.contains(&Local), "{name}: whatever we do, we may be unable to");
        }
        let given = |reason: &ReasonKind| REASONS.iter().any(|(_, reasons)| reasons.contains(reason));
        assert!(ReasonKind::ALL.iter().all(given), "a reason that no kind gives");
    }
}
