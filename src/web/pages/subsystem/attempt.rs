//! One probe with its last attempts: verdict, length, phases, and for those inside what it said and how it went.

use crate::domain::health::ProbeHealth;
use crate::domain::*;
use crate::metrics::targets::phases;
use crate::probe::{Board, Report};
use crate::web::format;
use crate::web::look::Look;
use crate::web::pages::Asked;
use std::fmt::Write;
use std::time::Duration;

pub(super) struct ProbeRow {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) every: String,
    pub(super) role: &'static str,
    pub(super) look: Look,
    pub(super) since: String,
    pub(super) last: Option<Tried>,
    /// Those before it, the newest first.
    pub(super) earlier: Vec<Tried>,
}

/// One attempt.
pub(super) struct Tried {
    pub(super) look: Look,
    pub(super) took: String,
    pub(super) ago: String,
    pub(super) when: String,
    /// Names it among the attempts of its probe.
    pub(super) key: i64,
    pub(super) status: String,
    /// (class, x, width) of a drawing that is 1000 wide.
    pub(super) phases: Vec<(&'static str, u64, u64)>,
    pub(super) phases_text: String,
    pub(super) said: String,
    pub(super) certificate: String,
    pub(super) trace: String,
}

impl ProbeRow {
    pub(super) fn of(asked: &Asked, board: &Board, view: &ProbeView) -> Option<Self> {
        let plan = asked.snapshot.inventory.probes.get(&view.id)?;
        let reports = board.slot(&view.id).map(|slot| slot.attempts()).unwrap_or_default();
        let mut tried = reports.iter().map(|report| Tried::of(asked, report));
        Some(Self {
            name: view.id.name().to_owned(),
            kind: plan.kind,
            every: asked.length(plan.every_ms),
            role: match plan.role {
                Role::Critical => asked.t.critical,
                Role::Supporting => asked.t.supporting,
            },
            look: match view.health {
                Some(ProbeHealth::Passing) => Look::Up,
                Some(ProbeHealth::Degraded) => Look::Degraded,
                Some(ProbeHealth::Failing) => Look::Down,
                None => Look::Unknown,
            },
            since: format!("{} {}", asked.t.since, asked.moment(view.since)),
            last: tried.next(),
            earlier: tried.collect(),
        })
    }
}

impl Tried {
    fn of(asked: &Asked, report: &Report) -> Self {
        let inside = asked.viewer.is_inside();
        let reason = report.outcome.reason();
        let said = match reason {
            None => String::new(),
            Some(r) if inside => format!("{}: {}", asked.t.reason(r.kind), r.text),
            Some(r) => asked.t.reason(r.kind).to_owned(),
        };
        let reached: Vec<_> = phases(&report.phases).collect();
        let ago = asked.length(asked.now.since(report.started));
        Self {
            look: match report.outcome {
                Outcome::Pass => Look::Up,
                Outcome::Degraded(_) => Look::Degraded,
                Outcome::Fail(_) => Look::Down,
                Outcome::Unknown(_) => Look::Unknown,
            },
            key: report.started.0,
            when: asked.moment_s(report.started),
            took: format::took(ms(report.took)),
            ago: match asked.language {
                Language::Zh => format!("{ago}{}", asked.t.ago),
                Language::En => format!("{ago} {}", asked.t.ago),
            },
            status: report.http_status.map(|status| format!("HTTP {status}")).unwrap_or_default(),
            phases: drawn(&reached, report.took),
            phases_text: reached
                .iter()
                .map(|(n, d)| format!("{n} {}", format::took(ms(*d))))
                .collect::<Vec<_>>()
                .join(" · "),
            said,
            certificate: report.certificate_not_after.map(|at| asked.moment(at)).unwrap_or_default(),
            trace: if inside { trace(report) } else { String::new() },
        }
    }
}

fn ms(took: Duration) -> Millis {
    i64::try_from(took.as_millis()).unwrap_or(i64::MAX)
}

fn drawn(reached: &[(&'static str, Duration)], took: Duration) -> Vec<(&'static str, u64, u64)> {
    const CLASSES: [(&str, &str); 5] =
        [("resolve", "p0"), ("connect", "p1"), ("tls", "p2"), ("processing", "p3"), ("transfer", "p4")];
    let sum: Duration = reached.iter().map(|(_, d)| *d).sum();
    let whole = sum.max(took).as_micros().max(1);
    let mut x = 0;
    let mut parts = Vec::new();
    for (name, lasted) in reached {
        let width = u64::try_from(lasted.as_micros() * 1_000 / whole).unwrap_or(0).max(4);
        let class = CLASSES.iter().find(|(phase, _)| phase == name).map_or("p0", |(_, class)| class);
        parts.push((class, x, width));
        x += width;
    }
    parts
}

fn trace(report: &Report) -> String {
    let mut text = String::new();
    for line in &report.trace {
        let _ = writeln!(text, "{:>9.1} ms  {}", line.at.as_secs_f64() * 1_000.0, line.text);
    }
    text
}
