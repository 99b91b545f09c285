//! Incidents: every turn of every symptom, and what makes some of them read otherwise.

use super::{AT, Example, names};
use crate::domain::attribution::{Attribution, Declared, Ruling};
use crate::domain::lately::{Lately, Work, WorkKind};
use crate::domain::sla::{Standing, UsedWindow};
use crate::domain::timeline::{Health, Timeline};
use crate::domain::window::WindowState;
use crate::domain::*;

pub(super) fn every() -> Vec<Example> {
    let of = |turn: &str, symptom: Symptom, content| Example::new(format!("{turn}_{}", symptom.as_str()), content);
    let taken = |symptom| IncidentNews { taken: Some(("oncall@huangpu.test".into(), AT - MINUTE)), ..news(symptom) };
    let long = |symptom| IncidentNews { since: AT - 2 * HOUR, ..news(symptom) };
    let mut all: Vec<Example> = Symptom::ALL.iter().map(|s| of("opened", *s, Content::Opened(news(*s)))).collect();
    let mut beside = news(Symptom::Down);
    beside.beside = Some("bdc-monthly.1f3a9c02".into());
    all.push(Example::new("opened_beside_maintenance", Content::Opened(beside)));
    all.push(Example::new("opened_with_little_known", Content::Opened(little())));
    all.extend(Symptom::ALL.iter().map(|s| of("reopened", *s, Content::Reopened(news(*s)))));
    all.extend(Symptom::ALL.iter().map(|s| of("changed", *s, Content::Changed(taken(*s)))));
    let unstable = IncidentNews { unstable: true, ..news(Symptom::Down) };
    all.push(Example::new("changed_unstable", Content::Changed(unstable)));
    let raised = IncidentNews { tier: Tier::Three, raised: true, ..news(Symptom::Down) };
    all.push(Example::new("changed_raised", Content::Changed(raised)));
    let handed = HandedOver {
        at: AT,
        by: "oncall@huangpu.test".into(),
        to: vec!["平台值班一组".into()],
        text: "gateway restarted twice, the log is on the page".into(),
    };
    let handed = IncidentNews { handed: Some(Box::new(handed)), ..news(Symptom::Down) };
    all.push(Example::new("changed_handed_over", Content::Changed(handed)));
    all.extend(Symptom::ALL.iter().map(|s| of("reminder", *s, Content::Reminder(long(*s)))));
    all.extend(Symptom::ALL.iter().map(|s| of("escalated", *s, Content::Escalated(long(*s)))));
    all.extend(Symptom::ALL.iter().map(|s| {
        let closed = IncidentNews { until: Some(AT - 10 * SECOND), ..news(*s) };
        of("closed", *s, Content::Closed(closed))
    }));
    all
}

/// An incident as it is most of the time.
pub(super) fn news(symptom: Symptom) -> IncidentNews {
    if symptom == Symptom::Blind {
        return blind();
    }
    let since = AT - 200 * SECOND;
    let text = "status 502 Bad Gateway, expected 200 <b>";
    let probe = ProbeId::from("huangpu/portal/home");
    let evidence = vec![Evidence { probe, at: since, reason: Reason::new(ReasonKind::Status, text) }];
    let hall = names("黄浦区行政服务中心", "Huangpu service hall");
    let overruns = symptom == Symptom::Overrun;
    let at_risk = symptom == Symptom::SlaAtRisk;
    IncidentNews {
        incident: IncidentId(42),
        symptom,
        severity: if symptom == Symptom::Degraded { Severity::Ticket } else { Severity::Page },
        subsystem: "huangpu/portal".into(),
        name: names("黄浦区一网通办频道", "Huangpu channel of the portal"),
        owner: names("黄浦区", "Huangpu District"),
        tier: Tier::Two,
        since,
        until: None,
        evidence: if at_risk { Vec::new() } else { evidence },
        affected: vec![Affected { subsystem: "huangpu/hall".into(), name: hall, since: AT - 150 * SECOND }],
        affected_total: if symptom == Symptom::Storm { 1_240 } else { 3 },
        budget_left_ms: Some(if at_risk { -61 * SECOND } else { 2_378 * SECOND }),
        target_ppm: Some(999_000),
        burn_milli: at_risk.then_some((14_880, 20_050)),
        window: overruns.then(|| "bdc-monthly.1f3a9c02".into()),
        window_end: overruns.then_some(since),
        attribution: (symptom == Symptom::MaintenanceOutsideWindow).then(|| Box::new(attribution())),
        beside: None,
        taken: None,
        unstable: false,
        raised: false,
        handed: None,
        lately: (symptom != Symptom::Storm).then(|| Box::new(day(symptom))),
        recent: if symptom == Symptom::Storm { Vec::new() } else { work() },
        runbook: (symptom != Symptom::Storm).then(|| "https://wiki.huangpu.test/runbooks/portal".into()),
    }
}

/// The same where nothing is known but that it is down: no promise, no evidence, no history, no page.
fn little() -> IncidentNews {
    IncidentNews {
        evidence: Vec::new(),
        affected: Vec::new(),
        affected_total: 0,
        budget_left_ms: None,
        target_ppm: None,
        lately: None,
        recent: Vec::new(),
        runbook: None,
        tier: Tier::One,
        ..news(Symptom::Down)
    }
}

/// We ourselves do not see.
fn blind() -> IncidentNews {
    let text = "this vantage is blind: 1 of 3 witnesses answer; silent: gateway (no result within 2 s)";
    let reason = Reason::new(ReasonKind::Local, text);
    let probe = ProbeId::of(&our_sight(), "witnesses");
    IncidentNews {
        symptom: Symptom::Blind,
        subsystem: our_sight(),
        name: our_names(),
        owner: ourselves(),
        tier: Tier::Three,
        evidence: vec![Evidence { probe, at: AT - 200 * SECOND, reason }],
        ..little()
    }
}

/// A night's window, an unquiet morning, half an hour that nobody saw, and what it is about.
fn day(symptom: Symptom) -> Lately {
    let before = |minutes: i64| AT - minutes * MINUTE;
    let mut timeline = Timeline::default();
    timeline.set(before(1_700), Health::Up);
    for (from, lasts, health) in [(1_200, 70, Health::Down), (810, 95, Health::Degraded), (500, 55, Health::Unknown)] {
        timeline.set(before(from), health);
        timeline.set(before(from - lasts), Health::Up);
    }
    match symptom {
        Symptom::Down | Symptom::MaintenanceOutsideWindow | Symptom::Overrun | Symptom::Storm => {
            timeline.set(AT - 200 * SECOND, Health::Down);
        }
        Symptom::Degraded => timeline.set(AT - 200 * SECOND, Health::Degraded),
        Symptom::Blind => timeline.set(AT - 200 * SECOND, Health::Unknown),
        Symptom::SlaAtRisk => {
            for from in [120, 80, 35] {
                timeline.set(before(from), Health::Down);
                timeline.set(before(from - 9), Health::Up);
            }
        }
    }
    let night = UsedWindow {
        window: "bdc-identity.0badcafe".into(),
        approved: Span::new(before(1_215), before(1_095)),
        restored: before(1_125),
        standing: Standing::Valid,
    };
    Lately::of(AT, &timeline, &[night])
}

fn work() -> Vec<Work> {
    let before = |minutes: i64| AT - minutes * MINUTE;
    vec![
        Work {
            subsystem: "huangpu/portal".into(),
            name: names("黄浦区一网通办频道", "Huangpu channel of the portal"),
            span: Span::new(before(26), before(9)),
            what: WorkKind::Change("portal-deploy".into()),
        },
        Work {
            subsystem: "bdc/identity".into(),
            name: names("统一身份认证", "Identity"),
            span: Span::new(before(1_215), before(1_125)),
            what: WorkKind::Window("bdc-identity.0badcafe".into()),
        },
    ]
}

fn attribution() -> Attribution {
    let at = AT - 200 * SECOND;
    let blocked = Declared {
        window: "huangpu-monthly.1f3a9c02".into(),
        state: WindowState::Blocked,
        span: Span::lasting(at - HOUR, 2 * HOUR),
        why: names("公告未按时发出", "notice is late"),
    };
    Attribution {
        at,
        owner: "huangpu".into(),
        name: names("黄浦区", "Huangpu District"),
        contacts: vec!["黄浦区值班 <oncall@huangpu.test>".into()],
        declared: vec![blocked],
        nearest: None,
        ruling: Ruling::Denied {
            why: names("不在允许时段内", "it is outside the nights"), next_open: Some(at + HOUR)
        },
    }
}
