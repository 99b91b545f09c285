//! The daily digest: what was, is and will be, for the administrators, so that silence is visible.
//!
//! Not here: its wording (`notify::render`). Invariants: one for each civil day, after a restart that was late for it too;
//! its id follows from the date, so the outbox keeps it once; it carries the head of the evidence chain out of the house.

use super::*;
use crate::domain::incident::{Incident, is_outage};
use crate::domain::inspection::Inspection;
use jiff::civil::Date;

/// Lines of each list; all are counted.
const LINES_MAX: usize = 50;

/// Civil time of the digest: after the night's maintenance, before the working day.
const AT: (i8, i8) = (8, 30);

/// What the shell tells about itself for the digest; memory only.
#[derive(Debug, Default)]
pub(super) struct Digest {
    wanted: bool,
    head: Option<EvidenceHead>,
    dead_letters: u64,
    inspections: Vec<(SubsystemId, Inspection)>,
}

impl Digest {
    /// Whether this is a daemon, and no simulation: daily mails are sent.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// The last day that was sealed, as far as the shell told.
    pub(super) fn head(&self) -> Option<&EvidenceHead> {
        self.head.as_ref()
    }
}

impl Engine {
    /// Sends digests from now on; said before the start. `simulate` leaves it out.
    pub fn send_digests(&mut self) {
        self.daily_digest.wanted = true;
    }

    /// Notes the last day that was sealed.
    pub fn note_evidence(&mut self, head: EvidenceHead) {
        self.daily_digest.head = Some(head);
        // The part of a picture that costs least makes for a new one.
        self.picture.touch_runs();
    }

    /// Notes which public subsystems an inspector would fail, or nearly.
    pub fn note_inspections(&mut self, at_risk: Vec<(SubsystemId, Inspection)>) {
        self.daily_digest.inspections = at_risk;
    }

    /// Notes how many letters were given up and wait for a person.
    pub fn note_dead_letters(&mut self, count: u64) {
        self.daily_digest.dead_letters = count;
    }

    /// At a start: today's digest at once if its time passed meanwhile, else at its time.
    pub(super) fn plan_digest(&mut self, alive_until: Option<Timestamp>) {
        if !self.daily_digest.wanted {
            return;
        }
        let today = self.digest_time(self.inventory.zone.date(self.now));
        let missed = today <= self.now && alive_until.is_some_and(|until| until <= today);
        let at = if missed { self.now } else { self.next_digest() };
        self.wakes.at(at, Wake::Digest);
    }

    /// The digest of today, about yesterday.
    pub(super) fn tell_digest(&mut self, out: &mut Output) {
        let zone = &self.inventory.zone;
        let today = zone.date(self.now);
        let yesterday = zone.day(civil::day_before(today));
        let to = self.people(&self.admins);
        let news = self.digest_news(yesterday);
        self.send(out, &format!("digest-{today}"), 0, &to, &Content::Digest(Box::new(news)));
        self.wakes.at(self.next_digest(), Wake::Digest);
    }

    fn digest_time(&self, date: Date) -> Timestamp {
        self.inventory.zone.instant(date.at(AT.0, AT.1, 0, 0))
    }

    fn next_digest(&self) -> Timestamp {
        let today = self.inventory.zone.date(self.now);
        let at = self.digest_time(today);
        if at > self.now { at } else { self.digest_time(civil::day_after(today)) }
    }

    fn digest_news(&self, day: Span) -> DigestNews {
        let line = |incident: &Incident| DigestLine {
            incident: incident.id,
            symptom: incident.symptom,
            name: self.people_call(&incident.subsystem),
            span: Span::new(incident.since, incident.until.unwrap_or(self.now)),
        };
        let touches = |i: &&Incident| i.since < day.end && i.until.is_none_or(|until| until > day.start);
        let all = self.desk.open().chain(self.desk.closed());
        let mut outages: Vec<DigestLine> = all.filter(|i| is_outage(i.symptom)).filter(touches).map(line).collect();
        outages.sort_by_key(|line| (line.span.start, line.incident));
        let mut open: Vec<DigestLine> = self.desk.open().map(line).collect();
        open.sort_by_key(|line| (line.span.start, line.incident));
        let soon = Span::lasting(self.now, DAY);
        let comes = |w: &&window::Window| !w.state.is_terminal() && w.span.start < soon.end && w.span.end > soon.start;
        let mut windows: Vec<DigestWindow> = self
            .book
            .iter()
            .filter(comes)
            .map(|w| DigestWindow { window: w.id.clone(), name: w.definition.name.clone(), span: w.span })
            .collect();
        windows.sort_by(|a, b| (a.span.start, &a.window).cmp(&(b.span.start, &b.window)));
        let totals = [outages.len(), open.len(), windows.len()];
        outages.truncate(LINES_MAX);
        open.truncate(LINES_MAX);
        windows.truncate(LINES_MAX);
        let Digest { head, dead_letters, inspections, .. } = &self.daily_digest;
        let (inspections_total, inspections) = (inspections.len(), self.inspected(inspections));
        let (dead_letters, head) = (*dead_letters, head.clone());
        DigestNews { day, outages, open, windows, totals, inspections, inspections_total, dead_letters, head }
    }

    /// Those with the least left first.
    fn inspected(&self, at_risk: &[(SubsystemId, Inspection)]) -> Vec<DigestInspection> {
        let line = |(id, seen): &(SubsystemId, Inspection)| DigestInspection {
            name: self.people_call(id),
            visits: seen.visits,
            failed: seen.failed,
            left: seen.left(),
        };
        let mut lines: Vec<DigestInspection> = at_risk.iter().map(line).collect();
        lines.sort_by(|a, b| (a.left, &a.name.en).cmp(&(b.left, &b.name.en)));
        lines.truncate(LINES_MAX);
        lines
    }

    fn people_call(&self, id: &SubsystemId) -> Names {
        let unknown = || Names { zh: id.to_string(), en: id.to_string() };
        self.inventory.subsystems.get(id).map_or_else(unknown, |s| s.name.clone())
    }
}
