//! What gengfu means: pure folds over facts. No tokio, no I/O, no clock, no randomness.
//!
//! Reading order: `time` and `id`, then `inventory` (what there is), `observation` → `health` → `timeline`
//! (what was seen), `composite` → `impact` (what is made of it, and what falls with it), `civil` → `calendar` → `hours`
//! → `policy` → `window` → `coverage` → `gate` (when it may be changed), `plan` (how it is changed step by step),
//! `annual` (a year's plan), `correction` (what people say afterwards), `sla` (what is left of the promise), `survey` (whether declared hours are true), `inspection`
//! (how visitors find a site), `filing` (what has to be reported about an outage), `roster` (who answers when), `lately` (the last day, for mails), `incident`
//! (who is told what), and `engine`, which only routes. The words are those of `docs/glossary.md`.

mod audit;
mod digest;
mod fact;
#[cfg(test)]
pub(crate) mod fixture;
mod id;
mod inventory;
mod message;
mod objective;
mod observation;
mod sight;
mod snapshot;
mod symptom;
mod time;
mod urgency;

pub mod access;
pub mod annual;
pub mod attribution;
pub mod calendar;
pub mod civil;
pub mod composite;
pub mod correction;
pub mod engine;
pub mod filing;
pub mod gate;
pub mod health;
pub mod history;
pub mod hours;
pub mod impact;
pub mod incident;
pub mod inspection;
pub mod lately;
pub mod lease;
pub mod order;
pub mod plan;
pub mod policy;
pub mod roster;
pub mod silence;
pub mod sla;
pub mod survey;
pub mod timeline;
pub mod watch;
pub mod window;

pub use audit::*;
pub use digest::*;
pub use fact::*;
pub use id::*;
pub use inventory::*;
pub use message::*;
pub use objective::*;
pub use observation::*;
pub use roster::{Contact, Roster};
pub use sight::*;
pub use snapshot::*;
pub use symptom::*;
pub use time::*;
pub use urgency::{FoldedLine, FoldedNews, FoldedState, Urgency};
