//! A city in which whatever can be told has a value: for every field of the wire there is one here.

use crate::domain::attribution::{Attribution, Declared, Ruling};
use crate::domain::composite::{Composite, Expression};
use crate::domain::correction::Correction;
use crate::domain::filing::Outcome as Filed;
use crate::domain::roster::tests::person;
use crate::domain::roster::{Layer, Turns, Weight};
use crate::domain::silence::{Matcher, Silence, SilenceId};
use crate::domain::timeline::Health;
use crate::domain::window::{Change, Decided, Decision, DecisionView, Emergency, Version, WindowState};
use crate::domain::*;
use crate::probe::Board;
use crate::store::Tally;
use crate::web::fixture::{NOW, names, report, snapshot, window};
use crate::web::{OutboxRow, OutboxView};
use std::sync::Arc;

/// Whose `bdc/e-archive` is corrected, and down with a window.
pub(super) fn full() -> Snapshot {
    let mut city = snapshot();
    let mut inventory = Inventory::clone(&city.inventory);
    let source = inventory.policies[0].source.clone();
    inventory.composites.insert("apply".into(), composite(source.clone()));
    inventory.rosters.insert("duty".into(), roster(source));
    city.inventory = Arc::new(inventory);
    city.windows = Arc::new(windows(&city));
    city.incidents = Arc::new(incidents(&city));
    city.filings = Arc::new(filings(&city));
    city.silences = Arc::new(vec![silence()]);
    city.runs = Arc::new(runs(&city));
    city.evidence = Some(EvidenceHead { day: "2026-11-23".into(), head: "0f".repeat(32) });
    city.reload_refused = Some("probes/bdc.yaml:3:1: an unknown key".into());
    let corrected = city.subsystems.iter_mut().find(|view| view.id.as_str() == "bdc/exchange-district").unwrap();
    let view = Arc::make_mut(corrected);
    let span = Span::new(NOW - 40 * MINUTE, NOW - 30 * MINUTE);
    let said = Correction { at: NOW, span, counts_as: Some(Health::Up), by: desk(), reason: "our line".into() };
    view.corrected = Corrected::of(&view.timeline, vec![said]);
    let refused = "exchange.bdc.test:443 (127.64.3.9) refused the connection";
    view.probes.iter_mut().for_each(|probe| probe.reason = Some(Reason::new(ReasonKind::Connect, refused)));
    city
}

fn desk() -> Actor {
    Actor { name: "night-desk".into(), owner: Some("bdc".into()), from: "127.0.0.1".into() }
}

fn composite(source: Source) -> Composite {
    Composite {
        id: "apply".into(),
        name: names("在线申请", "Applying online"),
        needs: Expression::all_of(vec![Expression::One("xuhui/portal".into())]),
        hours: hours::Hours::always(),
        objective: Some("public-7x24".into()),
        source,
    }
}

fn roster(source: Source) -> Roster {
    let mut roster = Roster::of_contacts("duty".into(), Vec::new(), source.clone());
    roster.layers.push(Layer {
        id: "weekly".into(),
        weight: Weight::Decides,
        members: vec![vec![person("one")], vec![person("two")]],
        turns: Some(Turns { from: "2026-01-05T09:00".parse().unwrap(), days: 7 }),
        when: hours::Hours::always(),
        source,
    });
    roster
}

fn windows(city: &Snapshot) -> Vec<WindowView> {
    let mut windows = (*city.windows).clone();
    let mut told = window("bdc-urgent.00000001", "bdc/exchange-district", -90, 2, WindowState::Verifying);
    told.emergency = Some(Emergency { ticket: "T-4711".into() });
    told.restored = Some(NOW - MINUTE);
    told.version = 2;
    let first = Version { number: 1, change: Change::Announced, at: NOW - DAY, span: told.span, former: None };
    let former = Some(Span::lasting(NOW - 3 * HOUR, HOUR));
    told.versions = vec![first.clone(), Version { number: 2, change: Change::Moved, at: NOW - HOUR, former, ..first }];
    let said = |what, is_void| DecisionView {
        decision: Decision { at: NOW - DAY, by: desk(), reason: "as agreed".into(), what },
        is_void,
    };
    told.decisions =
        vec![said(Decided::Requested(told.span), false), said(Decided::ApprovedText(vec!["bdc".into()]), true)];
    told.defects = vec![("bdc/exchange-district".into(), 3)];
    windows.push(told);
    windows
}

fn incidents(city: &Snapshot) -> Vec<IncidentView> {
    let mut incidents = (*city.incidents).clone();
    let mut undeclared = incidents[0].clone();
    undeclared.id = IncidentId(424);
    undeclared.symptom = Symptom::MaintenanceOutsideWindow;
    let declared = |state| Declared {
        window: "police-patch.00000002".into(),
        state,
        span: Span::lasting(NOW - HOUR, HOUR),
        why: names("未批准", "not approved"),
    };
    let attribution = Attribution {
        at: NOW - HOUR,
        owner: "police".into(),
        name: names("公安局", "Police"),
        contacts: vec!["desk <desk@police.test>".into()],
        declared: vec![declared(WindowState::Draft)],
        nearest: Some(declared(WindowState::Completed)),
        ruling: Ruling::Denied { why: names("白天", "by day"), next_open: Some(NOW) },
    };
    let allowed = Attribution { ruling: Ruling::Allowed { until: NOW + HOUR }, ..attribution.clone() };
    let mut by_night = undeclared.clone();
    by_night.id = IncidentId(425);
    undeclared.attribution = Some(Box::new(attribution));
    by_night.attribution = Some(Box::new(allowed));
    incidents.extend([undeclared, by_night]);
    incidents
}

fn filings(city: &Snapshot) -> Vec<filing::Sheet> {
    let mut filings = (*city.filings).clone();
    let mut reported = filings[0].clone();
    reported.incident = IncidentId(417);
    reported.until = Some(NOW - HOUR);
    reported.outcome = Some(Filed::Reported { at: NOW - 5 * MINUTE, to: "the office".into(), by: "night-desk".into() });
    filings.push(reported);
    filings
}

fn runs(city: &Snapshot) -> Vec<RunView> {
    let mut runs = (*city.runs).clone();
    runs[0].parked_at = Some("migrate".into());
    runs[0].why = Some(names("无法判断", "cannot be told"));
    runs
}

/// Five weeks in which a service was down from 08:00 to 14:00, and visits of the last hour.
pub(super) fn tallies(city: &Snapshot, board: &Board) -> Vec<Tally> {
    let id = &city.inventory.subsystems["bdc/e-archive"].probes[0];
    board.slot(id).unwrap().record_for(Trigger::Tick, report(90, Outcome::fail(ReasonKind::Connect, "refused")));
    let hour = NOW - NOW.0.rem_euclid(HOUR);
    let tally = |ago: i64| {
        let (hour, ticks) = (hour - ago * HOUR, 60);
        let (fail, pass) = if hour.0.rem_euclid(DAY) < 6 * HOUR { (ticks, 0) } else { (0, ticks) };
        let (degraded, unknown, skipped, slow_pass, slow_fail) = (0, 0, 0, 0, 0);
        Tally { probe: id.clone(), hour, ticks, pass, degraded, fail, unknown, skipped, slow_pass, slow_fail }
    };
    (1..35 * 24).map(tally).collect()
}

fn silence() -> Silence {
    let matches = Matcher {
        owner: Some("bdc".into()),
        subsystem: Some("bdc/e-archive".into()),
        symptom: Some(Symptom::Down),
        person: Some("one@city.test".into()),
    };
    let span = Span::new(NOW - HOUR, NOW);
    Silence { id: SilenceId(7), matches, span, by: desk(), reason: "known".into(), lifted: Some(desk()) }
}

/// One message that was given up, and one that waits.
pub(super) fn outbox(id: &str) -> OutboxView {
    let row = OutboxRow {
        id: id.to_owned(),
        thread: "INC-0421".into(),
        sequence: 0,
        to: "one@city.test".into(),
        language: Language::Zh,
        at: NOW,
        state: "dead",
        attempts: 3,
        next_at: Some(NOW + MINUTE),
        last_error: Some("550 no".into()),
    };
    let mut view = OutboxView { rows: vec![row], ..OutboxView::default() };
    view.counts.oldest = Some(NOW);
    view
}
