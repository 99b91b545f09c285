//! The picture for readers: unchanged parts are shared with the last one.

use super::*;
use crate::domain::incident::Incident;
use crate::domain::sla::burn;
use crate::domain::timeline::{Health, Timeline};
use crate::domain::watch::ProbeState;
use crate::domain::window::Window;
use std::collections::{BTreeMap, BTreeSet};

/// Most incidents in a picture.
const INCIDENTS_MAX: usize = 1_000;

/// What changed since the last picture, and the parts of that one.
#[derive(Debug, Default)]
pub(super) struct Picture {
    views: BTreeMap<SubsystemId, Arc<SubsystemView>>,
    touched: BTreeSet<SubsystemId>,
    all: bool,
    runs: bool,
}

impl Picture {
    /// One subsystem's view is out of date.
    pub(super) fn touch(&mut self, id: Option<SubsystemId>) {
        self.touched.extend(id);
    }

    /// The runs are out of date.
    pub(super) fn touch_runs(&mut self) {
        self.runs = true;
    }

    /// Every view is out of date.
    pub(super) fn touch_all(&mut self) {
        self.all = true;
    }
}

impl Engine {
    /// Whether a new picture would differ from the last one.
    pub fn has_news(&self) -> bool {
        self.picture.all || self.picture.runs || !self.picture.touched.is_empty()
    }

    /// Takes the picture.
    pub fn snapshot(&mut self) -> Snapshot {
        let inventory = Arc::clone(&self.inventory);
        self.picture.runs = false;
        if std::mem::take(&mut self.picture.all) {
            self.picture.views.clear();
            self.picture.touched = inventory.subsystems.keys().cloned().collect();
        }
        for id in std::mem::take(&mut self.picture.touched) {
            if let Some(subsystem) = inventory.subsystems.get(&id) {
                let view = Arc::new(self.view(subsystem));
                self.picture.views.insert(id, view);
            }
        }
        let mut windows = self.window_views();
        windows.sort_by(|a, b| (a.span.start, &a.id).cmp(&(b.span.start, &b.id)));
        let mut incidents: Vec<IncidentView> = self.desk.open().map(incident_view).collect();
        incidents.extend(self.desk.closed().map(incident_view));
        incidents.sort_by_key(|i| (i.until.is_some(), std::cmp::Reverse(i.id)));
        incidents.truncate(INCIDENTS_MAX);
        Snapshot {
            at: self.now,
            inventory,
            subsystems: self.picture.views.values().cloned().collect(),
            windows: Arc::new(windows),
            incidents: Arc::new(incidents),
            silences: Arc::new(self.silences.iter().cloned().collect()),
            filings: Arc::new(self.sheets()),
            runs: Arc::new(self.run_views()),
            clock_doubt: self.clock_is_doubtful(),
            store_failed: false,
            reload_refused: self.reload_refused.clone(),
            reported: self.reported.clone(),
            evidence: self.daily_digest.head().cloned(),
        }
    }

    pub(super) fn view(&self, subsystem: &Subsystem) -> SubsystemView {
        let id = &subsystem.id;
        let state = self.watch.subsystem(id);
        let rounds_from = state.and_then(|s| self.counts_rounds_from(&s.timeline));
        let probes = subsystem.probes.iter().map(|probe| {
            let state = self.watch.probe(probe);
            let last = state.and_then(|s| s.timeline.last());
            ProbeView {
                id: probe.clone(),
                health: last.and_then(|(_, health)| health),
                since: last.map_or(self.now, |(since, _)| since),
                reason: state.and_then(|s| s.reason.clone()),
                lately: state.zip(rounds_from).map(|(s, from)| s.timeline.lately(from)).unwrap_or_default(),
                recovering_since: state.and_then(ProbeState::recovering_since),
            }
        });
        let timeline = state.map(|s| s.timeline.clone()).unwrap_or_default();
        SubsystemView {
            id: id.clone(),
            health: self.watch.health(id),
            since: state.and_then(|s| s.timeline.last()).map(|(since, _)| since),
            corrected: Corrected::of(&timeline, self.corrections.of(subsystem)),
            timeline,
            probes: probes.collect(),
            windows: self.book.used(id),
            undeclared: state.map(|s| s.undeclared.iter().copied().collect()).unwrap_or_default(),
            coverage: self.book.covering(id).map(|w| w.id.clone()),
            in_maintenance: self.book.covering(id).or_else(|| self.book.overrun(id)).is_some(),
        }
    }
}

impl Engine {
    fn window_views(&self) -> Vec<WindowView> {
        // What a schedule says is dear to know, and the same for all its windows.
        let mut wordings: BTreeMap<(&ScheduleId, Option<&PlanId>), window::Wording> = BTreeMap::new();
        let each = self.book.iter().map(|w| {
            let key = (&w.schedule, w.definition.plan.as_ref());
            let wording = || wordings.entry(key).or_insert_with(|| self.wording(w)).clone();
            let decisions = w.decisions(self.book.text_approvals(&w.schedule), wording);
            WindowView { decisions, ..window_view(w) }
        });
        each.collect()
    }

    /// From when on bad rounds of a subsystem matter: those of the present outage, and those that a page looks back on.
    fn counts_rounds_from(&self, timeline: &Timeline<Health>) -> Option<Timestamp> {
        let lately = self.now - burn::ROUNDS_MEMORY_MS;
        let (since, health) = timeline.last()?;
        if health == Health::Down {
            return Some(since.min(lately));
        }
        (!burn::is_quiet(self.now, timeline)).then_some(lately)
    }
}

pub(in crate::domain) fn window_view(window: &Window) -> WindowView {
    WindowView {
        id: window.id.clone(),
        schedule: window.schedule.clone(),
        owner: window.definition.owner.clone(),
        name: window.definition.name.clone(),
        scope: window.definition.scope.clone(),
        span: window.span,
        state: window.state,
        why: window.reason(),
        announced: window.announced_at(),
        emergency: window.emergency.clone(),
        restored: window.restored,
        notice: window.definition.notice.clone(),
        version: window.version,
        versions: window.versions.clone(),
        defects: window.defects.iter().map(|(id, n)| (id.clone(), *n)).collect(),
        decisions: Vec::new(),
    }
}

fn incident_view(incident: &Incident) -> IncidentView {
    IncidentView {
        id: incident.id,
        subsystem: incident.subsystem.clone(),
        symptom: incident.symptom,
        severity: incident.severity,
        since: incident.since,
        until: incident.until,
        affected: incident.joined.iter().map(|(id, since)| (id.clone(), *since)).collect(),
        told: incident.sequence,
        reason: incident.reason.clone(),
        window: incident.window.clone(),
        attribution: incident.attribution.clone(),
        words: incident.words.clone(),
        handed_over: incident.handed_over().filter(|_| incident.until.is_none()).cloned(),
        acknowledged: incident.acknowledged().filter(|_| incident.until.is_none()).cloned(),
    }
}
