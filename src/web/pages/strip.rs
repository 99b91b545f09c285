//! Bars of the past: cells of equal length, each drawn as the worst that was seen in it.
//!
//! Height speaks with colour: what is good stays low, what is down reaches the top. Not here: exact spans (the API).

use crate::domain::timeline::Health;
use crate::domain::*;
use crate::web::look::Look;
use std::fmt::Write;

/// Cells of a day, half an hour each.
pub(super) const DAY_CELLS: usize = 48;
/// Cells of the long strip, one civil day each.
pub(super) const LONG_CELLS: usize = 90;

/// The worst of each cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cells {
    edges: Vec<Timestamp>,
    worst: Vec<Look>,
}

/// Ready to be drawn: one path per look.
#[derive(Clone, Debug, Default)]
pub(super) struct Strip {
    pub(super) cells: usize,
    pub(super) paths: Vec<(Look, String)>,
    /// For those who cannot see it: how many cells were of which look.
    pub(super) summary: String,
}

impl Cells {
    /// The last 24 hours in half hours; the last cell holds `now`.
    pub(super) fn day(now: Timestamp) -> Self {
        let half = 30 * MINUTE;
        let end = Timestamp((now.0.div_euclid(half) + 1) * half);
        let cells = i64::try_from(DAY_CELLS).unwrap_or_default();
        Self::between((0..=cells).map(|i| end - (cells - i) * half).collect())
    }

    /// The last 90 civil days, today included.
    pub(super) fn long(now: Timestamp, zone: &civil::Zone) -> Self {
        let mut date = zone.date(now);
        let mut edges = vec![zone.day(date).end];
        for _ in 0..LONG_CELLS {
            edges.push(zone.midnight(date));
            date = civil::day_before(date);
        }
        edges.reverse();
        Self::between(edges)
    }

    fn between(edges: Vec<Timestamp>) -> Self {
        let worst = vec![Look::Absent; edges.len().saturating_sub(1)];
        Self { edges, worst }
    }

    /// Draws what was seen of one subsystem up to `now` over what is there.
    pub(super) fn add(&mut self, now: Timestamp, view: &SubsystemView) {
        let (Some(first), Some(last)) = (self.edges.first(), self.edges.last()) else { return };
        let within = Span::new(*first, (*last).min(now));
        let valid = |w: &&sla::UsedWindow| {
            w.standing == sla::Standing::Valid && Span::new(w.approved.start, w.restored).overlaps(within)
        };
        let used: Vec<Span> = view
            .windows
            .iter()
            .filter(valid)
            .map(|w| Span::new(w.approved.start, w.restored.min(w.approved.end)))
            .collect();
        for (span, health) in view.timeline.spans(within) {
            // Inside a valid window what is not up is maintenance; what sticks out is what it was.
            let covered: SpanSet = used.iter().map(|w| w.intersect(span)).collect();
            for part in SpanSet::from(span).subtract(&covered).spans() {
                self.mark(*part, health.into());
            }
            let under = if health == Health::Up { Look::Up } else { Look::Maintenance };
            for part in covered.spans() {
                self.mark(*part, under);
            }
        }
    }

    fn mark(&mut self, span: Span, look: Look) {
        let first = self.edges.partition_point(|edge| *edge <= span.start).saturating_sub(1);
        for (edge, worst) in self.edges.iter().zip(&mut self.worst).skip(first) {
            if *edge >= span.end {
                break;
            }
            *worst = look.max(*worst);
        }
    }

    /// One path per look, and the sentence for those who cannot see it.
    pub(super) fn draw(&self, t: &crate::web::text::Texts) -> Strip {
        let mut strip = Strip { cells: self.worst.len(), ..Strip::default() };
        for look in [Look::Absent, Look::Up, Look::Closed, Look::Unknown, Look::Maintenance, Look::Degraded, Look::Down]
        {
            let mut path = String::new();
            for (x, _) in self.worst.iter().enumerate().filter(|(_, l)| **l == look) {
                // A cell is one wide with a fifth of gap, ten high at most.
                let _ = write!(path, "M{x} {}h.8V10h-.8z", 10 - height(look));
            }
            if !path.is_empty() {
                let n = self.worst.iter().filter(|l| **l == look).count();
                let _ = write!(strip.summary, " {} {n}", t.look(look));
                strip.paths.push((look, path));
            }
        }
        strip
    }
}

fn height(look: Look) -> u8 {
    match look {
        Look::Absent | Look::Closed => 2,
        Look::Unknown => 3,
        Look::Up => 5,
        Look::Maintenance => 6,
        Look::Degraded => 8,
        Look::Down => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(changes: &[(i64, Health)]) -> SubsystemView {
        let mut view = crate::web::fixture::view("bdc/portal-home");
        view.timeline = timeline::Timeline::default();
        changes.iter().for_each(|(t, health)| view.timeline.set(Timestamp(*t), *health));
        view
    }

    #[test]
    fn a_cell_shows_the_worst_that_touched_it() {
        let now = Timestamp(2 * DAY - 1);
        let mut cells = Cells::day(now);
        cells.add(now, &view(&[(0, Health::Up), (DAY + HOUR, Health::Down), (DAY + HOUR + 1, Health::Up)]));
        let down: Vec<usize> = (0..DAY_CELLS).filter(|i| cells.worst[*i] == Look::Down).collect();
        assert_eq!(down, [2]);
        assert_eq!(cells.worst[DAY_CELLS - 1], Look::Up);
    }

    #[test]
    fn a_valid_window_turns_down_into_maintenance_until_its_approved_end() {
        let now = Timestamp(2 * DAY - 1);
        let mut view = view(&[(0, Health::Up), (DAY, Health::Down), (DAY + 2 * HOUR, Health::Up)]);
        view.windows = vec![sla::UsedWindow {
            window: "w.1".into(),
            approved: Span::lasting(Timestamp(DAY), HOUR),
            restored: Timestamp(DAY + 2 * HOUR),
            standing: sla::Standing::Valid,
        }];
        let mut cells = Cells::day(now);
        cells.add(now, &view);
        assert_eq!(cells.worst[..5], [Look::Maintenance, Look::Maintenance, Look::Down, Look::Down, Look::Up]);
    }

    #[test]
    fn nothing_is_drawn_before_the_first_attempt_or_after_now() {
        let now = Timestamp(2 * DAY - HOUR);
        let mut cells = Cells::day(now);
        cells.add(now, &view(&[(2 * DAY - 3 * HOUR, Health::Up)]));
        assert_eq!(cells.worst.iter().filter(|l| **l == Look::Up).count(), 4);
        assert_eq!(cells.worst[0], Look::Absent);
    }
}
