//! Corrections: an administrator says how a span that is over counts, in a name and with a reason.
//!
//! Not here: what figures make of it (`correction`, `sla`). Invariants: a correction is a fact more, and no fact is changed;
//! it opens, closes and mails nothing; an owner's people cannot correct what is measured of them.

use super::orders::{Refused, forbidden, refuse};
use super::*;
use crate::domain::access::Scope;
use crate::domain::correction::{CORRECTED_MAX, CORRECTIONS_MAX};
use crate::domain::order::{Order, Ordered, WhyNot};
use crate::domain::policy::people_length;
use crate::domain::timeline::Health;

impl Engine {
    pub(super) fn correct(
        &mut self,
        out: &mut Output,
        order: &Order,
        id: &SubsystemId,
        span: Span,
        counts_as: Option<Health>,
    ) -> Result<Ordered, Refused> {
        order.by.must(Scope::Admin).map_err(forbidden)?;
        let inventory = Arc::clone(&self.inventory);
        let Some(subsystem) = inventory.subsystems.get(id) else {
            let en = format!("there is no subsystem {id}");
            return Err(refuse(WhyNot::Unknown, &format!("没有子系统 {id}"), &en));
        };
        self.may_be_corrected(subsystem, span)?;
        let (by, reason) = (order.by.actor(), order.reason.clone());
        self.record(out, Fact::SpanCorrected { subsystem: id.clone(), span, counts_as, by, reason });
        let text = self.said_of(id, span, counts_as);
        Ok(Ordered { subject: id.to_string(), state: None, span: Some(span), text })
    }

    /// Over, not too long, after the first attempt, and not the hundredth word about it.
    fn may_be_corrected(&self, subsystem: &Subsystem, span: Span) -> Result<(), Refused> {
        if span.is_empty() || span.end > self.now {
            let en = "the span must begin before it ends, and be over";
            return Err(refuse(WhyNot::Senseless, "时段的开始须早于结束，且已经过去", en));
        }
        if span.len_ms() > CORRECTED_MAX {
            let most = people_length(CORRECTED_MAX);
            let en = format!("a correction is about {most} at most; write several");
            return Err(refuse(WhyNot::Senseless, &format!("一次更正至多 {most}，请分次更正"), &en));
        }
        let first = self.watch.subsystem(&subsystem.id).and_then(|state| state.timeline.first());
        let from = first.unwrap_or(Timestamp::MAX).max(self.now - MEMORY);
        if span.start < from {
            let (zh, en) = match first {
                None => ("尚无监测数据".to_owned(), "it was never watched, so there is nothing to correct".to_owned()),
                Some(_) => {
                    let said = |language| self.inventory.zone.people(from, language);
                    (format!("只能更正 {} 以后的时段", said(Language::Zh)), {
                        format!("only what was seen from {} on can be corrected", said(Language::En))
                    })
                }
            };
            return Err(refuse(WhyNot::Senseless, &zh, &en));
        }
        if self.corrections.of(subsystem).len() >= CORRECTIONS_MAX {
            let en = format!("it was corrected {CORRECTIONS_MAX} times within {}", people_length(MEMORY));
            return Err(refuse(WhyNot::Conflict, &format!("更正已达 {CORRECTIONS_MAX} 次"), &en));
        }
        Ok(())
    }

    /// What the span counts as from now on, beside what was seen of it.
    fn said_of(&self, id: &SubsystemId, span: Span, counts_as: Option<Health>) -> Names {
        let seen = self.watch.subsystem(id).map(|state| correction::seen_in(&state.timeline, span)).unwrap_or_default();
        let parts = seen.iter().map(|(health, ms)| format!("{} {}", health.as_str(), people_length(*ms)));
        let seen = parts.collect::<Vec<_>>().join(", ");
        match counts_as {
            Some(health) => Names {
                zh: format!("计为 {}；探测所见：{seen}", health.as_str()),
                en: format!("counts as {}; the probes saw: {seen}", health.as_str()),
            },
            None => Names {
                zh: format!("恢复为探测所见：{seen}"),
                en: format!("counts again as the probes saw it: {seen}"),
            },
        }
    }
}
