//! `/`: the whole city at one glance.
//!
//! One sentence says how it is; below it the shared platform, the districts where they lie, the bureaus, what is in
//! hand, and tonight's maintenance. Not here: details, which are one click away.

mod groups;

use super::tonight::Tonight;
use super::{Asked, Frame, Prints, filing};
use crate::domain::*;
use crate::metrics::targets::left_ms;
use crate::web::look::{self, Look};
use crate::web::state::WebState;
use crate::web::{figures, format};
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use groups::{Cell, Tile, districts, groups, owners, platform};

/// Incidents on this page; the rest is one click away.
const INCIDENTS_MAX: usize = 6;
/// Reports that are due.
const FILINGS_MAX: usize = 6;
/// Names of affected subsystems in one line.
const AFFECTED_MAX: usize = 4;

#[derive(Template)]
#[template(path = "web/templates/overview.html")]
struct Overview {
    f: Frame,
    headline: String,
    change_now: String,
    promise: Option<Promise>,
    alarms: Vec<String>,
    down: Look,
    platform: Vec<Cell>,
    districts: Vec<Tile>,
    bureaus: Vec<Cell>,
    externals: Vec<Cell>,
    legend: &'static [Look],
    incidents: Vec<Card>,
    more_incidents: usize,
    tonight: Tonight,
    notes: Vec<String>,
    /// What has to be reported to an authority, for those inside: words and address.
    filings: Vec<(String, String)>,
}

struct Promise {
    public: String,
    tightest: Option<Tightest>,
}

struct Tightest {
    left: String,
    overdrawn: bool,
    name: String,
    href: String,
}

/// One incident in a few lines.
pub(super) struct Card {
    look: Look,
    href: String,
    id: String,
    name: String,
    symptom: &'static str,
    line: String,
    affects: String,
}

/// `GET /`: what most look at, and leave open.
pub(super) async fn page(
    State(state): State<WebState>,
    State(prints): State<Prints>,
    headers: HeaderMap,
    asked: Asked,
) -> Response {
    prints.show(state, asked, &headers, overview).await
}

fn overview(asked: &Asked) -> Overview {
    let snapshot = &asked.snapshot;
    let looks: Vec<Look> = snapshot.subsystems.iter().map(|view| look::of(asked.now, snapshot, view)).collect();
    let groups = groups(snapshot, &looks);
    let mut open: Vec<_> = snapshot.incidents.iter().filter(|i| i.until.is_none()).collect();
    // Pages before tickets; within both newest first, as the snapshot has them.
    open.sort_by_key(|i| i.severity);
    Overview {
        f: asked.frame("city", asked.t.tagline),
        headline: headline(asked.language, &looks),
        change_now: change_now(asked),
        promise: promise(asked),
        alarms: alarms(asked),
        down: Look::Down,
        platform: platform(asked, &groups),
        districts: districts(asked, &groups),
        bureaus: owners(asked, &groups, OwnerKind::Bureau),
        externals: owners(asked, &groups, OwnerKind::External),
        legend: &Look::LEGEND,
        more_incidents: open.len().saturating_sub(INCIDENTS_MAX),
        incidents: open.into_iter().take(INCIDENTS_MAX).map(|i| card(asked, i)).collect(),
        tonight: Tonight::of(asked),
        notes: notes(asked),
        filings: filing::open(asked, FILINGS_MAX),
    }
}

/// `2 项服务中断，2 项降级，2 项维护中`.
fn headline(language: Language, looks: &[Look]) -> String {
    let count = |look: Look| looks.iter().filter(|l| **l == look).count();
    let (down, degraded, maintenance) = (count(Look::Down), count(Look::Degraded), count(Look::Maintenance));
    let unknown = count(Look::Unknown) + count(Look::Absent);
    let known = [
        (down, "项服务中断", "down"),
        (degraded, "项降级", "degraded"),
        (maintenance, "项维护中", "in maintenance"),
        (unknown, "项未知", "unknown"),
    ];
    let mut parts = Vec::new();
    for (n, zh, en) in known.into_iter().filter(|(n, ..)| *n > 0) {
        let service = if parts.is_empty() && n == 1 { "service " } else { "services " };
        parts.push(match language {
            Language::Zh if parts.is_empty() && zh != "项服务中断" => {
                format!("{n} 项服务{}", zh.trim_start_matches('项'))
            }
            Language::Zh => format!("{n} {zh}"),
            Language::En if parts.is_empty() => format!("{n} {service}{en}"),
            Language::En => format!("{n} {en}"),
        });
    }
    match (parts.is_empty(), language) {
        (false, Language::Zh) => parts.join("，"),
        (false, Language::En) => parts.join(", "),
        (true, Language::Zh) => format!("{} 项服务全部正常", looks.len()),
        (true, Language::En) => format!("All {} services are up", looks.len()),
    }
}

/// Whether tonight's work may begin, by the first policy of the files.
fn change_now(asked: &Asked) -> String {
    let Some(policy) = figures::policies(asked.now, &asked.snapshot).into_iter().next() else { return String::new() };
    match (policy.open_until, policy.next_open, asked.language) {
        (Some(until), _, Language::Zh) => format!("可维护时段，至 {}", asked.moment(until)),
        (Some(until), _, Language::En) => format!("maintenance hours until {}", asked.moment(until)),
        (None, Some(next), Language::Zh) => format!("不可维护，{} 起开放", asked.moment(next)),
        (None, Some(next), Language::En) => format!("no maintenance before {}", asked.moment(next)),
        (None, None, Language::Zh) => "已知日期内不可维护".to_owned(),
        (None, None, Language::En) => "no maintenance within the known dates".to_owned(),
    }
}

/// The time-weighted share over all public subsystems, and whose budget is nearest to its end.
fn promise(asked: &Asked) -> Option<Promise> {
    let (mut good, mut seen) = (0, 0);
    let mut tightest: Option<(Millis, &SubsystemView)> = None;
    let mut reader = figures::Reader::new(asked.now, &asked.snapshot);
    for view in &asked.snapshot.subsystems {
        let subsystem = asked.snapshot.inventory.subsystems.get(&view.id)?;
        let Some(account) = reader.month(view) else { continue };
        if subsystem.public
            && let Some(ratio) = account.public.value
        {
            good += ratio.part;
            seen += ratio.whole;
        }
        let left = left_ms(&account);
        if account.budget_ms > 0 && tightest.is_none_or(|(least, _)| left < least) {
            tightest = Some((left, view));
        }
    }
    let tightest = tightest.map(|(left, view)| Tightest {
        left: format::left(asked.language, left),
        overdrawn: left < 0,
        name: asked.name(&view.id),
        href: format!("/subsystems/{}", view.id),
    });
    let ratio = sla::Ratio { part: good, whole: seen };
    (seen > 0).then(|| Promise { public: ratio.percent(), tightest })
}

/// What is wrong with gengfu itself comes first.
fn alarms(asked: &Asked) -> Vec<String> {
    let mut alarms = Vec::new();
    if asked.snapshot.store_failed {
        alarms.push(asked.t.store_failed.to_owned());
    }
    if asked.is_blind {
        alarms.push(asked.t.blind.to_owned());
    }
    if let Some(text) = &asked.snapshot.reload_refused {
        let first = text.lines().next().filter(|_| asked.viewer.is_inside()).unwrap_or_default();
        alarms.push(format!("{} {first}", asked.t.reload_refused));
    }
    alarms
}

fn card(asked: &Asked, incident: &IncidentView) -> Card {
    let t = asked.t;
    let mut line =
        format!("{} {} · {}", t.since, asked.moment(incident.since), asked.length(asked.now.since(incident.since)));
    if let Some(reason) = &incident.reason {
        line = format!("{line} · {}", t.reason(reason.kind));
    }
    let names: Vec<String> = incident.affected.iter().take(AFFECTED_MAX).map(|(id, _)| asked.name(id)).collect();
    let more = incident.affected.len().saturating_sub(AFFECTED_MAX);
    let separator = if asked.language == Language::Zh { "、" } else { ", " };
    let affects = match (names.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!("{} {}", t.affects, names.join(separator)),
        (false, n) => format!("{} {} {} {}", t.affects, names.join(separator), t.more, n),
    };
    Card {
        look: symptom_look(incident.symptom),
        href: format!("/incidents/{}", incident.id),
        id: incident.id.to_string(),
        name: asked.name(&incident.subsystem),
        symptom: t.symptom(incident.symptom),
        line,
        affects,
    }
}

/// The look of an incident.
pub(super) fn symptom_look(symptom: Symptom) -> Look {
    match symptom {
        Symptom::Blind => Look::Unknown,
        Symptom::Down | Symptom::Storm | Symptom::Overrun | Symptom::MaintenanceOutsideWindow => Look::Down,
        Symptom::Degraded | Symptom::SlaAtRisk => Look::Degraded,
    }
}

fn notes(asked: &Asked) -> Vec<String> {
    let mut notes = Vec::new();
    let zone = asked.zone();
    let next_year = zone.local(asked.now).year() + 1;
    // The notice for the next year is due in November.
    let month = zone.local(asked.now).month();
    if month >= 11 && asked.snapshot.inventory.calendar.status(next_year) != calendar::YearStatus::Published {
        notes.push(match asked.language {
            Language::Zh => format!("{next_year} 年放假安排尚未收录：跨年和明年的维护暂不能批准。"),
            Language::En => format!(
                "The holidays of {next_year} are not in the calendar yet: no maintenance can be approved there."
            ),
        });
    }
    let blocked = |w: &&WindowView| w.state == window::WindowState::Blocked && w.span.end > asked.now;
    for window in asked.snapshot.windows.iter().filter(blocked).take(3) {
        notes.push(format!(
            "{} · {} · {}",
            window.name.get(asked.language),
            format::range(asked.now, asked.language, zone, window.span),
            window.why.get(asked.language)
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_counts_what_is_not_well_and_says_so_when_all_is() {
        let looks = [Look::Down, Look::Down, Look::Degraded, Look::Up, Look::Closed];
        assert_eq!(headline(Language::Zh, &looks), "2 项服务中断，1 项降级");
        assert_eq!(headline(Language::En, &looks), "2 services down, 1 degraded");
        assert_eq!(headline(Language::Zh, &[Look::Maintenance]), "1 项服务维护中");
        assert_eq!(headline(Language::En, &[Look::Unknown]), "1 service unknown");
        assert_eq!(headline(Language::Zh, &[Look::Up, Look::Closed]), "2 项服务全部正常");
    }
}
