//! Notices of windows to come: one for each owner, and what it means that a relay accepted or a channel fetched one.

use super::*;
use crate::domain::window::Shown;
use std::collections::BTreeMap;

/// Windows that start within this time are announced as soon as they are admitted.
const ANNOUNCE_AHEAD: Millis = 62 * DAY;

/// Most windows in one announcement.
const ANNOUNCED_MAX: usize = 100;

/// Most notices of one fetch that are looked at.
const FETCHED_MAX: usize = 1_000;

impl Engine {
    /// One announcement for each owner with the windows that are admitted and not announced as they are now.
    pub(in crate::domain::engine) fn announce(&mut self, out: &mut Output) {
        let soon = self.now + ANNOUNCE_AHEAD;
        let open = |w: &&Window| w.state == WindowState::Planned || w.state.opens_gates();
        let mut fresh: BTreeMap<OwnerId, Vec<Window>> = BTreeMap::new();
        for window in self.book.iter().filter(open) {
            // Whether it is noticed is a matter of hashes: the times are compared first.
            if window.span.start < soon && window.span.end > self.now && !window.is_noticed() {
                fresh.entry(window.definition.owner.clone()).or_default().push(window.clone());
            }
        }
        for (owner, mut windows) in fresh {
            windows.sort_by_key(|w| w.span.start);
            windows.truncate(ANNOUNCED_MAX);
            self.announce_for(out, &owner, &windows);
        }
    }

    fn announce_for(&mut self, out: &mut Output, owner: &OwnerId, windows: &[Window]) {
        let Some(first) = windows.first() else { return };
        let name = self.inventory.owners.get(owner).map(|o| o.name.clone()).unwrap_or_default();
        let to: Vec<Recipient> = self.on_duty(owner);
        let announced = windows.iter().map(|w| self.announced(w)).collect();
        let content = Content::Announcement { owner: owner.clone(), name, windows: announced };
        self.send(out, &format!("notice-{owner}-{}", first.id), first.notices, &to, &content);
        for window in windows {
            self.record(out, Fact::WindowNoticed { window: window.id.clone(), about: Some(window.about()) });
        }
    }

    /// A relay accepted a message: the windows that it announces are announced.
    pub(in crate::domain::engine) fn delivered(&mut self, out: &mut Output, message: &Message, accepted: Timestamp) {
        let Content::Announcement { windows, .. } = &message.content else { return };
        for announced in windows {
            let (id, about) = (&announced.window, announced.about.clone());
            let Some(window) = self.book.get(id) else { continue };
            let holds = about.as_ref().is_none_or(|a| a.holds(&window.definition, window.span));
            if holds && window.announced_at().is_none() {
                let window = id.clone();
                self.record(out, Fact::WindowAnnounced { window, accepted, about, channel: None });
                self.advance_window(out, id);
            }
        }
    }

    /// A channel fetched notices: what is planned, and still is as it was shown, is announced by that, once.
    pub(in crate::domain::engine) fn fetched(&mut self, out: &mut Output, channel: &str, shown: &[Shown]) {
        for notice in shown.iter().take(FETCHED_MAX) {
            let Some(window) = self.book.get(&notice.window) else { continue };
            let same = window.span == notice.span && window.definition.scope == notice.scope;
            if window.state == WindowState::Planned && same && window.announced_at().is_none() {
                let (window, about) = (window.id.clone(), Some(window.about()));
                let channel = Some(channel.to_owned());
                self.record(out, Fact::WindowAnnounced { window, accepted: self.now, about, channel });
                self.advance_window(out, &notice.window);
            }
        }
    }
}
