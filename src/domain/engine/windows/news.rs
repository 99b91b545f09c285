//! Mails about what became of windows, and reminders: the owner's people, once for each window and version.
//!
//! Not here: notices of windows to come and of their changes of time (`notices`), overruns (`outages`). Invariants: only
//! who got a notice gets news; what one event brings about is one mail for each owner and kind; that somebody was told
//! is a fact, stored together with the mail.

use super::*;
use crate::domain::message::{Summary, WindowNews};
use crate::domain::sla::account_within;
use crate::domain::window::{Change, Reminder, Telling};
use std::collections::BTreeMap;

/// Most windows in one mail, and most lines of a summary.
const LISTED_MAX: usize = 100;
/// Most outages that a summary lists.
const OUTAGES_MAX: usize = 50;

/// Something that people are to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::domain::engine) struct Untold {
    window: WindowId,
    version: u32,
    what: Telling,
}

/// What a mail of its own tells; the rest is in notices and in the mails of incidents.
fn is_mailed(change: Change) -> bool {
    matches!(change, Change::Shortened | Change::Started | Change::FinishedEarly | Change::Finished | Change::Cancelled)
}

impl Engine {
    /// Notes what a fact about a window means for people.
    pub(in crate::domain::engine) fn note_news(&mut self, recorded: &Recorded) {
        let (Fact::WindowChanged { window, .. } | Fact::WindowAmended { window, .. }) = &recorded.fact else { return };
        let Some(w) = self.book.get(window) else { return };
        if let Some(last) = w.versions.last().filter(|v| v.at == recorded.at && is_mailed(v.change)) {
            let what = Telling::Version(last.change);
            self.untold_of(window, last.number, what);
        }
    }

    /// Notes the reminder that is due, unless it was due before people knew of the window as it is now.
    pub(in crate::domain::engine) fn remind(&mut self, id: &WindowId) {
        let Some(window) = self.book.get(id).filter(|w| w.state.is_pending()) else { return };
        let (Some(announced), start) = (window.announced_at(), window.span.start) else { return };
        let Some(reminder) = Reminder::last_due(self.now, start) else { return };
        let known = window.versions.last().map_or(announced, |v| v.at.max(announced));
        if start - reminder.before() > known {
            let version = window.version;
            self.untold_of(id, version, Telling::Reminder(reminder));
        }
    }

    fn untold_of(&mut self, id: &WindowId, version: u32, what: Telling) {
        let Some(window) = self.book.get(id) else { return };
        let untold = Untold { window: id.clone(), version, what };
        let known = window.told.contains(&(version, what)) || self.untold.contains(&untold);
        if window.noticed.is_some() && !known {
            self.untold.push(untold);
        }
    }

    /// Tells what was noted: one mail for each owner and kind.
    pub(in crate::domain::engine) fn tell_news(&mut self, out: &mut Output) {
        let mut groups: BTreeMap<(OwnerId, Telling), Vec<Untold>> = BTreeMap::new();
        for untold in std::mem::take(&mut self.untold) {
            let Some(window) = self.book.get(&untold.window) else { continue };
            groups.entry((window.definition.owner.clone(), untold.what)).or_default().push(untold);
        }
        for ((owner, what), mut group) in groups {
            let start = |untold: &Untold| self.book.get(&untold.window).map(|w| w.span.start);
            group.sort_by(|a, b| (start(a), &a.window).cmp(&(start(b), &b.window)));
            for part in group.chunks(LISTED_MAX) {
                self.tell_part(out, &owner, what, part);
            }
        }
    }

    fn tell_part(&mut self, out: &mut Output, owner: &OwnerId, what: Telling, part: &[Untold]) {
        let Some(first) = part.first() else { return };
        let to: Vec<Recipient> = self.on_duty(owner);
        let name = self.inventory.owners.get(owner).map(|o| o.name.clone()).unwrap_or_default();
        let windows = part.iter().filter_map(|untold| self.window_news(&untold.window)).collect();
        let thread = format!("news-{}-{}-{}", first.window, first.version, word(what));
        self.send(out, &thread, 0, &to, &Content::WindowNews { owner: name, telling: what, windows });
        for untold in part {
            let (window, version) = (untold.window.clone(), untold.version);
            self.record(out, Fact::WindowTold { window, version, what });
        }
    }

    fn window_news(&self, id: &WindowId) -> Option<WindowNews> {
        let window = self.book.get(id)?;
        let mut announced = self.announced(window);
        announced.former = window.versions.last().and_then(|v| v.former);
        let summary = window.restored.map(|restored| self.summary(window, restored));
        Some(WindowNews { window: announced, why: window.why.clone(), summary })
    }

    /// What was seen from the start of a window to the verified service. What counts as a violation, the ledger says.
    fn summary(&self, window: &Window, restored: Timestamp) -> Summary {
        let start = window.started.unwrap_or(window.span.start).min(restored);
        let lasted = Span::new(start, restored);
        let name = |id: &SubsystemId| self.inventory.subsystems.get(id).map(|s| s.name.clone()).unwrap_or_default();
        let mut summary = Summary { took_ms: lasted.len_ms(), approved_ms: window.span.len_ms(), ..Summary::default() };
        for id in &window.definition.scope {
            let Some(state) = self.watch.subsystem(id) else { continue };
            let subsystem = self.inventory.subsystems.get(id);
            let account = subsystem.and_then(|s| account_within(self.now, &self.inventory, &self.view(s), lasted));
            summary.violation_ms += account.map_or(0, |a| a.policy_violation_ms);
            for (span, _) in state.timeline.spans(lasted).filter(|(_, health)| *health == Health::Down) {
                if span.start > start && span.end < restored {
                    summary.outages.push((id.clone(), name(id), span));
                }
            }
        }
        summary.outages.sort_by_key(|(_, _, span)| span.start);
        summary.outages.truncate(OUTAGES_MAX);
        summary.defects = window.defects.iter().map(|(id, n)| (id.clone(), name(id), *n)).collect();
        summary
    }
}

fn word(what: Telling) -> &'static str {
    match what {
        Telling::Version(change) => change.as_str(),
        Telling::Reminder(Reminder::ThreeDays) => "in_3d",
        Telling::Reminder(Reminder::OneDay) => "in_1d",
        Telling::Reminder(Reminder::OneHour) => "in_1h",
    }
}
