//! What a mail about an incident says of the time before it: the last day, and work that may have to do with it.
//!
//! Not here: how it is drawn (`notify::render`). Invariant: it is taken when the mail is decided, so that the mail reads
//! the same however late it leaves; bounded.

use super::*;
use crate::domain::lately::{Lately, Work, WorkKind};

/// Most pieces of work that one message lists.
const WORK_MAX: usize = 10;

impl Engine {
    /// The last day of a subsystem, if anything was seen of it.
    pub(super) fn lately(&self, id: &SubsystemId) -> Option<Box<Lately>> {
        let timeline = &self.watch.subsystem(id)?.timeline;
        timeline.first()?;
        Some(Box::new(Lately::of(self.now, timeline, &self.book.used(id))))
    }

    /// Windows and changes of the last day that touched a subsystem or what it needs, newest first; not the window that
    /// the message is about.
    pub(super) fn recent_work(&self, id: &SubsystemId, about: Option<&WindowId>) -> Vec<Work> {
        let Some(subsystem) = self.inventory.subsystems.get(id) else { return Vec::new() };
        let needs = subsystem.depends_on.iter().flat_map(Dependency::members);
        let scope: Vec<&SubsystemId> = std::iter::once(id).chain(needs).collect();
        let day = Span::new(self.now - DAY, self.now);
        let work = |on: &SubsystemId, span: Span, what: WorkKind| Work {
            subsystem: on.clone(),
            name: self.inventory.subsystems.get(on).map_or_else(|| fallback_names(on), |s| s.name.clone()),
            span: Span::new(span.start, span.end.min(self.now)),
            what,
        };
        let windows = self.book.iter().filter(|w| w.state.took_place() && Some(&w.id) != about).filter_map(|w| {
            let on = scope.iter().find(|id| w.definition.scope.contains(id))?;
            let start = w.started.unwrap_or(w.span.start);
            // Work that is over ended with its verified restore, early or late; the rest goes on.
            let end = w.restored.unwrap_or(self.now).max(start);
            let touches = start < day.end && end >= day.start;
            touches.then(|| work(on, Span::new(start, end), WorkKind::Window(w.id.clone())))
        });
        let changes = self.leases.used_since(day.start).filter(|l| scope.contains(&&l.subsystem)).filter_map(|lease| {
            let span = Span::new(lease.used?, lease.until());
            Some(work(&lease.subsystem, span, WorkKind::Change(lease.holder.clone())))
        });
        let mut found: Vec<Work> = windows.chain(changes).collect();
        found.sort_by(|a, b| (b.span.start, &a.subsystem).cmp(&(a.span.start, &b.subsystem)));
        found.truncate(WORK_MAX);
        found
    }
}

fn fallback_names(id: &SubsystemId) -> Names {
    Names { zh: id.to_string(), en: id.to_string() }
}
