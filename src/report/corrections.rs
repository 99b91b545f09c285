//! What people said afterwards about a period, and the figures without it.
//!
//! Invariant: whatever a correction changes has its measured figure beside it: the promise, the composites that it is part of,
//! and the sums.

use super::{CorrectionLine, Line};
use crate::domain::correction::seen_in;
use crate::domain::history::Past;
use crate::domain::sla::{Period, Reader, Totals};
use crate::domain::*;

/// Puts the measured figures beside those that were corrected, and tells by what.
pub(super) fn beside(
    past: &Past,
    now: Timestamp,
    period: Period,
    subsystems: &mut [Line],
    composites: &mut [Line],
) -> Vec<CorrectionLine> {
    let snapshot = &past.snapshot;
    let span = period.span(now, &snapshot.inventory.zone);
    let is_corrected = |view: &SubsystemView| view.corrections(span).next().is_some();
    let mut reader = Reader::of_measured(now, snapshot);
    let mut corrections = Vec::new();
    for line in subsystems {
        let view = snapshot.subsystem(&SubsystemId::from(line.id.as_str()));
        let Some(view) = view.filter(|view| is_corrected(view)) else { continue };
        line.measured = reader.account(view, period);
        corrections.extend(view.corrections(span).map(|said| CorrectionLine {
            subsystem: view.id.clone(),
            name: line.name.clone(),
            said: said.clone(),
            seen: seen_in(&view.timeline, said.span),
        }));
    }
    for line in composites {
        let Some(composite) = snapshot.inventory.composites.get(line.id.as_str()) else { continue };
        let mut members = composite.needs.members().into_iter().filter_map(|id| snapshot.subsystem(id));
        if members.any(|view| is_corrected(view)) {
            let seen = reader.evidence_of(composite);
            line.measured = reader.composite(composite, &seen, period);
        }
    }
    corrections
}

/// The sums without corrections; `None` where there are none.
pub(super) fn measured(lines: &[Line]) -> Option<Totals> {
    lines.iter().find(|line| line.measured.is_some())?;
    let mut totals = Totals::default();
    lines.iter().for_each(|line| totals.add(line.measured.as_ref().unwrap_or(&line.account)));
    Some(totals)
}
