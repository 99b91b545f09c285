//! "May I change this now, for this long?" for one subsystem: what a pipeline is told.
//!
//! Not here: who asked and leases. Invariants: an answer that allows is inside what `decide` allows, and where a policy
//! asks for a window, inside one that is announced or running; notice, approvals and caps bind windows, not the gate. An emergency opens every gate of its scope.

use super::policy::{Decision, DenyKind, DenyReason, GateMode, Grant, GrantKind, decide, governing};
use super::*;

/// What the gate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateAnswer {
    /// Whether it may be changed for the whole span.
    pub allow: bool,
    /// End of what is allowed from the asked start on; `None` when denied.
    pub until: Option<Timestamp>,
    /// What denies it; empty when allowed.
    pub reasons: Vec<DenyReason>,
    /// What allows it; empty when denied.
    pub because: Vec<Grant>,
    /// The earliest start from the asked one on at which this very request would be allowed, as far as is known.
    pub next_open: Option<Timestamp>,
}

/// Answers about now: as [`gate`] does, but no permission is given by a clock that is in doubt. An emergency is people's
/// own decision and stands.
pub fn gate_now(
    inventory: &Inventory,
    windows: &[WindowView],
    subsystem: &SubsystemId,
    span: Span,
    doubt: Option<&Names>,
) -> GateAnswer {
    let mut answer = gate(inventory, windows, subsystem, span);
    let Some(text) = doubt.filter(|_| emergency(windows, subsystem, span).is_none()) else { return answer };
    let reason =
        DenyReason { kind: DenyKind::ClockUnsynchronised, text: text.clone(), rule: "clock".to_owned(), source: None };
    answer.reasons.insert(0, reason);
    GateAnswer { allow: false, until: None, because: Vec::new(), ..answer }
}

fn emergency<'a>(windows: &'a [WindowView], subsystem: &SubsystemId, span: Span) -> Option<&'a WindowView> {
    let open = |w: &&WindowView| w.state.opens_gates() && w.scope.contains(subsystem);
    windows.iter().filter(open).find(|w| w.emergency.is_some() && w.span.covers(span))
}

/// Answers for one subsystem and span, given every window that is known. The asker names the instant, so that no clock is
/// asked.
pub fn gate(inventory: &Inventory, windows: &[WindowView], subsystem: &SubsystemId, span: Span) -> GateAnswer {
    let scope = std::slice::from_ref(subsystem);
    let open = |w: &&WindowView| w.state.opens_gates() && w.scope.contains(subsystem);
    if let Some(window) = emergency(windows, subsystem, span) {
        let (until, because) = (Some(window.span.end), vec![window_grant(window)]);
        return GateAnswer { allow: true, until, reasons: Vec::new(), because, next_open: None };
    }
    let decision = decide(inventory, scope, None, span);
    let asks_window = governing(inventory, subsystem).into_iter().find(|p| p.gate == GateMode::Window);
    let Some(policy) = asks_window else {
        return GateAnswer::from(decision);
    };
    let covering = windows.iter().filter(open).filter(|w| w.span.covers(span)).max_by_key(|w| w.span.end);
    let mut answer = GateAnswer::from(decision);
    match covering {
        Some(window) if answer.allow => {
            answer.until = answer.until.map(|until| until.min(window.span.end));
            answer.because.push(window_grant(window));
        }
        Some(_) => answer.next_open = next_inside(inventory, windows.iter().filter(open), scope, span),
        None => {
            answer.reasons.push(no_window(policy));
            answer.next_open = next_inside(inventory, windows.iter().filter(open), scope, span);
            (answer.allow, answer.until, answer.because) = (false, None, Vec::new());
        }
    }
    answer
}

impl From<Decision> for GateAnswer {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Allow { until, because } => {
                Self { allow: true, until: Some(until), reasons: Vec::new(), because, next_open: None }
            }
            Decision::Deny { reasons, next_open } => {
                Self { allow: false, until: None, reasons, because: Vec::new(), next_open }
            }
        }
    }
}

/// The earliest start at which the request fits into a window and `decide` allows it.
fn next_inside<'a>(
    inventory: &Inventory,
    windows: impl Iterator<Item = &'a WindowView>,
    scope: &[SubsystemId],
    span: Span,
) -> Option<Timestamp> {
    let fits = |start: &Timestamp, window: &WindowView| window.span.covers(Span::lasting(*start, span.len_ms()));
    let starts = windows.filter_map(|window| {
        let earliest = Some(window.span.start.max(span.start)).filter(|t| fits(t, window))?;
        let allowed = match decide(inventory, scope, None, Span::lasting(earliest, span.len_ms())) {
            Decision::Allow { .. } => Some(earliest),
            Decision::Deny { next_open, .. } => next_open,
        };
        allowed.filter(|t| fits(t, window))
    });
    starts.min()
}

fn window_grant(window: &WindowView) -> Grant {
    if let Some(emergency) = &window.emergency {
        let ticket = &emergency.ticket;
        let text = Names {
            zh: format!("在紧急维护 {}（{ticket}）内", window.id),
            en: format!("inside the emergency {} ({ticket})", window.id),
        };
        return Grant { kind: GrantKind::Window, text, rule: format!("window {}", window.id), source: None };
    }
    let text = Names {
        zh: format!("在维护窗口 {}（{}）内", window.id, window.name.zh),
        en: format!("inside the window {} ({})", window.id, window.name.en),
    };
    Grant { kind: GrantKind::Window, text, rule: format!("window {}", window.id), source: None }
}

fn no_window(policy: &policy::Policy) -> DenyReason {
    let text = Names {
        zh: format!("政策 {} 只允许在已公告或进行中的维护窗口内变更，而该时段没有这样的窗口", policy.id),
        en: format!("the policy {} asks for an announced or running window, and none covers the request", policy.id),
    };
    let (rule, source) = (format!("policy {}", policy.id), Some(policy.source.clone()));
    DenyReason { kind: DenyKind::NoWindow, text, rule, source }
}

#[cfg(test)]
mod tests;
