//! What the store says, read as anybody may read it beside the daemon or after it.

use gengfu::domain::engine::Engine;
use gengfu::domain::{Inventory, Recorded, Span, Timestamp};
use gengfu::store::Store;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Every fact of the log by its id, also those that a checkpoint contains.
pub(crate) async fn all_facts(store: &Path) -> BTreeMap<u64, Recorded> {
    let store = Store::open_to_read(store).unwrap();
    let mut facts = BTreeMap::new();
    let (mut from, mut after) = (Timestamp::MIN, 0);
    loop {
        let page = store.facts_between(Span::new(from, Timestamp::MAX), after).await.unwrap();
        let Some((id, last)) = page.last() else { return facts };
        (from, after) = (last.at, *id);
        facts.extend(page);
    }
}

/// An engine that has seen what the log tells, and nothing else.
pub(crate) fn replayed(inventory: Inventory, facts: &BTreeMap<u64, Recorded>) -> Engine {
    let begin = facts.values().next().map_or(Timestamp::MIN, |first| first.at);
    let mut engine = Engine::new(begin, Arc::new(inventory));
    facts.values().for_each(|recorded| engine.apply(recorded));
    engine
}
