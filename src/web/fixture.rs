//! A small city for tests.
use crate::domain::*;
/// A view without history.
pub(super) fn view(id: &str) -> SubsystemView {
    SubsystemView {
        id: id.into(),
        health: timeline::Health::Unknown,
        since: None,
        timeline: Default::default(),
        probes: Vec::new(),
        windows: Vec::new(),
        undeclared: SpanSet::EMPTY,
        coverage: None,
        in_maintenance: false,
    }
}
