//! From the past to a report: one ledger for each promise, and sums over them.

use super::league::league;
use super::*;
use crate::domain::composite::Composite;
use crate::domain::history::{Past, PastIncident};
use crate::domain::sla::{Answers, Grain, Reader, Tally, UsedWindow};
use std::collections::BTreeMap;

/// Columns of the chart at most; a longer period gets coarser ones.
const COLUMNS_MAX: usize = 53;

/// Parts that subsystems add to.
#[derive(Default)]
struct Parts {
    columns: BTreeMap<usize, Share>,
    beside_columns: Share,
    windows: BTreeMap<WindowId, (Share, usize)>,
    beside_windows: Share,
    incidents: BTreeMap<IncidentId, Share>,
    beside_incidents: Share,
}

/// Makes the report; `None` for an owner that nobody knows. Costs a ledger for each promise of two periods.
pub fn build(past: &Past, now: Timestamp, question: &Question) -> Option<Report> {
    let Past { snapshot, incidents, made } = past;
    let inventory = &*snapshot.inventory;
    let zone = &inventory.zone;
    let owner = match &question.owner {
        Some(id) => Some((id.clone(), inventory.owners.get(id)?.name.clone())),
        None => None,
    };
    let period = question.period;
    let span = period.span(now, zone);
    let columns = columns(period, span, zone);
    let column_spans: Vec<Span> = columns.iter().map(|c| c.span(now, zone)).collect();
    let mut reader = Reader::new(now, snapshot);
    let mut parts = Parts::default();
    let mut subsystems = Vec::new();
    let wanted = |id: &SubsystemId| question.owner.as_ref().is_none_or(|owner| id.owner() == *owner);
    for view in snapshot.subsystems.iter().filter(|view| wanted(&view.id)) {
        let Some(answers) = reader.answers(view, period, &column_spans) else { continue };
        let before = period.previous().and_then(|former| reader.account(view, former));
        let provisional = reader.is_provisional(view, period);
        if let Some(line) = line(inventory, &view.id, &answers.account, before, provisional, span) {
            subsystems.push(line);
            parts.add(answers);
        }
    }
    let mut composites = Vec::new();
    if owner.is_none() {
        for composite in inventory.composites.values() {
            let seen = reader.evidence_of(composite);
            let Some(account) = reader.composite(composite, &seen, period) else { continue };
            let before = period.previous().and_then(|former| reader.composite(composite, &seen, former));
            let provisional = reader.is_provisional_for(composite, period);
            composites.extend(composite_line(inventory, composite, account, before, provisional, span));
        }
    }
    let corrections = corrections::beside(past, now, period, &mut subsystems, &mut composites);
    let owners = owners(inventory, &subsystems);
    let mut whole = Sum::default();
    owners.iter().for_each(|o| whole.add_sum(&o.sum));
    let Parts { columns: shares, beside_columns, windows, beside_windows, incidents: costs, beside_incidents } = parts;
    let elapsed = columns.into_iter().zip(column_spans).enumerate().filter(|(_, (_, span))| span.start < now);
    let mut columns: Vec<(Option<Period>, Share)> =
        elapsed.map(|(i, (column, _))| (Some(column), shares.get(&i).cloned().unwrap_or_default())).collect();
    if beside_columns.seen.whole_ms() > 0 {
        columns.push((None, beside_columns));
    }
    let mine = |incident: &&PastIncident| {
        let seen = Span::new(span.start, span.end.min(now).max(span.start));
        let own = wanted(&incident.subsystem) && incident.lasted.iter().any(|s| s.overlaps(seen));
        own || costs.contains_key(&incident.id)
    };
    Some(Report {
        audience: Audience::Inside,
        made: made.clone(),
        period,
        span,
        at: now,
        zone: zone.clone(),
        owner,
        league: league(&owners),
        whole,
        owners,
        composites,
        measured: corrections::measured(&subsystems),
        corrections,
        columns,
        incidents: incidents.iter().filter(mine).map(|i| incident_line(inventory, i, &costs)).collect(),
        beside_incidents,
        windows: window_lines(past, now, &subsystems, span, &windows),
        beside_windows,
        subsystems,
    })
}

/// Days of a week or a month, weeks of a quarter, months of a year; none of a day.
fn columns(period: Period, span: Span, zone: &civil::Zone) -> Vec<Period> {
    let grain = match period {
        Period::Civil(Grain::Day, _) => return Vec::new(),
        Period::Civil(Grain::Week | Grain::Month, _) | Period::Rolling7d | Period::Rolling30d => Grain::Day,
        Period::Civil(Grain::Quarter, _) => Grain::Week,
        Period::Civil(Grain::Year, _) => Grain::Month,
    };
    let mut columns = Period::all_in(grain, span, zone);
    columns.truncate(COLUMNS_MAX);
    columns
}

impl Parts {
    fn add(&mut self, answers: Answers) {
        for (column, share) in answers.by_column {
            match column {
                Some(i) => self.columns.entry(i).or_default().add(&share),
                None => self.beside_columns.add(&share),
            }
        }
        for (window, share) in answers.by_window {
            match window {
                Some(id) => {
                    let (sum, scope) = self.windows.entry(id).or_default();
                    sum.add(&share);
                    *scope += 1;
                }
                None => self.beside_windows.add(&share),
            }
        }
        for (incident, share) in answers.by_incident {
            match incident {
                Some(id) => self.incidents.entry(id).or_default().add(&share),
                None => self.beside_incidents.add(&share),
            }
        }
    }
}

impl Sum {
    fn add_line(&mut self, line: &Line) {
        self.totals.add(&line.account);
        self.agreed.add(Agreed::of(line.figure, &line.account));
        if let Some(before) = &line.before {
            self.before.get_or_insert_default().add(Agreed::of(line.figure, before));
        }
        self.allowed_ms += line.allowed_ms;
        self.partial += usize::from(line.account.partial);
        self.provisional += usize::from(line.provisional);
    }

    fn add_sum(&mut self, other: &Self) {
        let Totals { share, budget_ms, met, missed, undetermined } = &other.totals;
        self.totals.share.add(share);
        self.totals.budget_ms += budget_ms;
        self.totals.met += met;
        self.totals.missed += missed;
        self.totals.undetermined += undetermined;
        self.agreed.add(other.agreed);
        if let Some(before) = other.before {
            self.before.get_or_insert_default().add(before);
        }
        self.allowed_ms += other.allowed_ms;
        self.partial += other.partial;
        self.provisional += other.provisional;
    }
}

fn line(
    inventory: &Inventory,
    id: &SubsystemId,
    account: &Account,
    before: Option<Account>,
    provisional: bool,
    span: Span,
) -> Option<Line> {
    let subsystem = inventory.subsystems.get(id)?;
    let objective = inventory.objectives.get(&subsystem.objective)?;
    Some(Line {
        id: id.to_string(),
        owner: Some(id.owner()),
        name: subsystem.name.clone(),
        tier: Some(subsystem.tier),
        public: subsystem.public,
        hours: objective.hours.as_ref().unwrap_or(&subsystem.hours).as_str().to_owned(),
        ..promised(inventory, objective, account.clone(), before, provisional, span)
    })
}

fn composite_line(
    inventory: &Inventory,
    composite: &Composite,
    account: Account,
    before: Option<Account>,
    provisional: bool,
    span: Span,
) -> Option<Line> {
    let objective = inventory.objectives.get(composite.objective.as_ref()?)?;
    Some(Line {
        id: composite.id.to_string(),
        name: composite.name.clone(),
        hours: objective.hours.as_ref().unwrap_or(&composite.hours).as_str().to_owned(),
        ..promised(inventory, objective, account, before, provisional, span)
    })
}

/// What a line says of the promise, whoever gave it.
fn promised(
    inventory: &Inventory,
    objective: &Objective,
    account: Account,
    before: Option<Account>,
    provisional: bool,
    span: Span,
) -> Line {
    let months = Period::all_in(Grain::Month, span, &inventory.zone).len();
    Line {
        id: String::new(),
        owner: None,
        name: Names::default(),
        tier: None,
        public: true,
        hours: String::new(),
        objective: objective.id.clone(),
        target_ppm: objective.target_ppm,
        figure: objective.figure,
        allowed_ms: objective.exclusion_cap_ms.saturating_mul(i64::try_from(months).unwrap_or(1)),
        before: before.filter(|before| before.elapsed_ms > 0),
        provisional,
        measured: None,
        account,
    }
}

fn owners(inventory: &Inventory, subsystems: &[Line]) -> Vec<OwnerLine> {
    let mut lines: BTreeMap<&OwnerId, OwnerLine> = BTreeMap::new();
    for line in subsystems {
        let Some((id, owner)) = line.owner.as_ref().and_then(|id| inventory.owners.get_key_value(id)) else { continue };
        let of = lines.entry(id).or_insert_with(|| OwnerLine {
            id: id.clone(),
            name: owner.name.clone(),
            kind: owner.kind,
            promises: 0,
            sum: Sum::default(),
            full: Agreed(Tally::default()),
        });
        of.promises += 1;
        of.sum.add_line(line);
        if !line.account.partial {
            of.full.add(Agreed::of(line.figure, &line.account));
        }
    }
    lines.into_values().collect()
}

fn incident_line(inventory: &Inventory, incident: &PastIncident, costs: &BTreeMap<IncidentId, Share>) -> IncidentLine {
    let id = &incident.subsystem;
    let itself = |text: &str| Names { zh: text.to_owned(), en: text.to_owned() };
    let owner = inventory.owners.get(&id.owner());
    IncidentLine {
        id: incident.id,
        subsystem: id.clone(),
        name: inventory.subsystems.get(id).map_or_else(|| itself(id.as_str()), |s| s.name.clone()),
        owner: owner.map_or_else(|| itself(id.owner().as_str()), |o| o.name.clone()),
        symptom: incident.symptom,
        severity: incident.severity,
        span: incident.span(),
        times: incident.lasted.len(),
        affected: incident.joined.iter().map(|(id, _)| id).collect::<std::collections::BTreeSet<_>>().len(),
        reason: incident.reason.clone(),
        attribution: incident.attribution.clone(),
        window: incident.window.clone(),
        share: costs.get(&incident.id).cloned().unwrap_or_default(),
    }
}

/// Windows whose work lies in the period, whether or not it took promised time.
fn window_lines(
    past: &Past,
    now: Timestamp,
    subsystems: &[Line],
    span: Span,
    shares: &BTreeMap<WindowId, (Share, usize)>,
) -> Vec<WindowLine> {
    let inventory = &*past.snapshot.inventory;
    let views: BTreeMap<&WindowId, &WindowView> = past.snapshot.windows.iter().map(|w| (&w.id, w)).collect();
    let mut used: BTreeMap<&WindowId, &UsedWindow> = BTreeMap::new();
    for view in subsystems.iter().filter_map(|line| past.snapshot.subsystem(&SubsystemId::from(line.id.as_str()))) {
        used.extend(view.windows.iter().map(|w| (&w.window, w)));
    }
    let mut lines: Vec<WindowLine> = Vec::new();
    for (id, window) in used {
        let worked = Span::new(window.approved.start, window.restored.min(now).max(window.approved.start));
        if !worked.overlaps(span) {
            continue;
        }
        let view = views.get(id);
        let owner = view.and_then(|v| inventory.owners.get(&v.owner));
        lines.push(WindowLine {
            id: id.clone(),
            name: view.map(|v| v.name.clone()).unwrap_or_else(|| Names { zh: id.to_string(), en: id.to_string() }),
            owner: owner.map(|o| o.name.clone()).unwrap_or_default(),
            approved: window.approved,
            used: worked,
            standing: window.standing,
            state: view.map(|v| v.state),
            emergency: view.and_then(|v| v.emergency.clone()),
            scope: view.map_or_else(|| shares.get(id).map_or(0, |(_, n)| *n), |v| v.scope.len()),
            share: shares.get(id).map(|(share, _)| share.clone()).unwrap_or_default(),
        });
    }
    lines.sort_by(|a, b| (a.approved.start, &a.id).cmp(&(b.approved.start, &b.id)));
    lines
}
