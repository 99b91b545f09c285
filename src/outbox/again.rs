//! What channels say again while it holds, and what a new one has to know for that.
//!
//! Not here: how it is said (`notify::channel`). Invariants: a channel that was made anew, by a start or a reload, learns
//! from the store what it said about incidents that are open; nothing is said again about one that is over.

use super::{MailSetup, Outbox, within};
use crate::domain::{Content, IncidentId, Message, Recipient, Timestamp};
use crate::notify::channel::{Channel, Note};
use crate::notify::render::render;
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Messages that one channel is reminded of at most, the newest.
const RECALLED_MAX: usize = 5_000;

/// Incidents that are open, and since when.
pub type StillOpen = Arc<dyn Fn() -> BTreeMap<IncidentId, Timestamp> + Send + Sync>;

impl Outbox {
    /// Lets channels say again what holds; those that are new learn first what that is.
    pub(super) async fn say_again(&mut self, setup: &Arc<MailSetup>, now: Timestamp) {
        if !setup.channels.values().any(|channel| channel.repeats()) {
            return;
        }
        let open = (self.still_open)();
        let since = open.values().min().copied();
        let open: BTreeSet<IncidentId> = open.into_keys().collect();
        if self.recalled.as_ref().is_none_or(|former| !Arc::ptr_eq(former, setup)) {
            for (id, channel) in setup.channels.iter().filter(|(_, channel)| channel.repeats()) {
                let (to, since) = (Recipient::at_channel(id), since.unwrap_or(now));
                let sent = within(self.store.outbox_taken(to, since, RECALLED_MAX)).await;
                // A store that fails is asked again at the next look.
                let Some(sent) = self.note(sent) else { return };
                recall(channel, setup, now, sent.into_iter().map(|letter| letter.message), &open);
            }
            self.recalled = Some(Arc::clone(setup));
        }
        join_all(setup.channels.values().map(|channel| channel.again(now, &open))).await;
    }
}

/// Tells a channel the first message about each, which says under which labels it is known, and the last.
fn recall(
    channel: &Channel,
    setup: &MailSetup,
    now: Timestamp,
    sent: impl Iterator<Item = Message>,
    open: &BTreeSet<IncidentId>,
) {
    let mut each: BTreeMap<IncidentId, (Message, Option<Message>)> = BTreeMap::new();
    for message in sent {
        let Some(id) = message.content.incident().map(|news| news.incident).filter(|id| open.contains(id)) else {
            continue;
        };
        if matches!(message.content, Content::Closed(_)) {
            each.remove(&id);
            continue;
        }
        match each.get_mut(&id) {
            Some((_, last)) => *last = Some(message),
            None => _ = each.insert(id, (message, None)),
        }
    }
    let public_url = setup.render.public_url.trim_end_matches('/');
    for message in each.values().flat_map(|(first, last)| [Some(first), last.as_ref()]).flatten() {
        let rendered = render(message, None, &setup.render);
        channel.recall(&Note { message, rendered: &rendered, public_url, now });
    }
}
