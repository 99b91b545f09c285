//! What stands around a window when the policy is asked: the others of the book, and the error budgets.
//!
//! Not here: what that means (`policy::limits`) and what becomes of the window (`window::lifecycle`). Invariants: a
//! window that waits for another holds no place against a third; a running one holds its place until it is over; what is
//! remembered between two facts follows from the book alone.

use super::*;
use crate::domain::policy::{self, Circumstances, Crowd, Hold, Other, admit, asks_budgets, has_room};
use crate::domain::sla::{self, Grain, Period};
use crate::domain::window::{Definition, Schedule, Window, WindowState};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// Rounds in which windows that wait are asked again after others were settled or refused.
const ROUNDS_MAX: usize = 4;

/// The windows that hold or ask for a place, in the order in which they go.
#[derive(Debug, Default)]
struct Survey {
    windows: Vec<WindowId>,
    crowd: Crowd,
    /// Places of those that run: when they end is not known.
    running: Vec<usize>,
    /// Those that wait for others.
    waiting: BTreeSet<WindowId>,
}

/// The survey, for as long as it is true.
#[derive(Debug, Default)]
pub(super) struct Surveyed {
    survey: OnceLock<Survey>,
    /// While all windows are advanced one survey serves.
    pinned: bool,
}

/// How firmly a window holds its place; `None` if it holds none.
fn hold(state: WindowState) -> Option<Hold> {
    match state {
        WindowState::Draft | WindowState::Blocked => Some(Hold::Asking),
        state if state.is_pending() || state.took_place() => Some(Hold::Settled),
        _ => None,
    }
}

/// The time that a window takes: what it really took once it is over, and at least until now while it runs.
fn taken(now: Timestamp, window: &Window) -> Span {
    let start = window.started.unwrap_or(window.span.start);
    match window.restored {
        Some(restored) if window.state.is_terminal() => Span::new(start, restored.max(start)),
        _ if window.state.is_running() => Span::new(start, window.span.end.max(now + 1)),
        _ => window.span,
    }
}

impl Engine {
    /// Asks the policies about a window, with what stands around it.
    pub(super) fn ask(&self, window: &Window, schedule: &Schedule) -> policy::Admission {
        let inventory = &*self.inventory;
        let survey = self.surveyed.survey.get_or_init(|| self.survey());
        let planned = self.as_planned(window, window.span);
        let near = survey.crowd.about(&inventory.zone, &window.definition.owner, window.span);
        let places = near.into_iter().chain(survey.running.iter().copied());
        let ids: BTreeSet<&WindowId> = places.filter_map(|place| survey.windows.get(place)).collect();
        let holding = ids.into_iter().filter(|id| **id != window.id && !survey.waiting.contains(*id));
        let others: Vec<Other<'_>> = holding.filter_map(|id| self.other(self.book.get(id)?)).collect();
        let budgets = self.budgets(window, schedule);
        // A time that it does not have yet, by a move or an extension, is asked for like any other.
        let has_it = self.book.get(&window.id).is_none_or(|w| w.span == window.span);
        let hold = hold(window.state).filter(|_| has_it).unwrap_or_default();
        admit(inventory, schedule, &planned, &Circumstances { hold, others: &others, budgets })
    }

    fn other<'a>(&'a self, window: &'a Window) -> Option<Other<'a>> {
        let (hold, span) = (hold(window.state)?, taken(self.now, window));
        let Definition { owner, scope, policy, .. } = &window.definition;
        Some(Other { id: &window.id, owner, scope, policy: policy.as_ref(), span, hold })
    }

    /// Who holds a place and who waits, found by giving places away in the order in which windows go.
    fn survey(&self) -> Survey {
        let zone = &self.inventory.zone;
        let mut others: Vec<Other<'_>> = self.book.iter().filter_map(|window| self.other(window)).collect();
        others.sort_by(|a, b| (a.hold, a.span.start, a.id).cmp(&(b.hold, b.span.start, b.id)));
        let crowd = Crowd::of(zone, others.iter().map(|o| (o.owner, o.span)));
        let is_running = |o: &Other<'_>| self.book.get(o.id).is_some_and(|w| w.state.is_running());
        let running: Vec<usize> = (0..others.len()).filter(|place| is_running(&others[*place])).collect();
        let mut holds = vec![true; others.len()];
        let mut waiting = BTreeSet::new();
        for (place, mine) in others.iter().enumerate().filter(|(_, o)| o.hold == Hold::Asking) {
            let Some(window) = self.book.get(mine.id) else { continue };
            let asked = window.definition.as_schedule(&window.schedule, window.span, zone);
            let near = crowd.about(zone, mine.owner, mine.span).into_iter().chain(running.iter().copied());
            let ahead: Vec<Other<'_>> = near.filter(|p| *p < place && holds[*p]).map(|p| others[p]).collect();
            let around = Circumstances { others: &ahead, ..Circumstances::default() };
            if !has_room(&self.inventory, &asked, &self.as_planned(window, window.span), &around) {
                holds[place] = false;
                waiting.insert(mine.id.clone());
            }
        }
        let windows = others.iter().map(|o| o.id.clone()).collect();
        Survey { windows, crowd, running, waiting }
    }

    /// What is left of the error budgets of a window's scope; of this month's windows alone, since no other month's
    /// budget is known.
    fn budgets(&self, window: &Window, schedule: &Schedule) -> BTreeMap<SubsystemId, u32> {
        let (inventory, now) = (&self.inventory, self.now);
        let month = Period::current(Grain::Month, now, &inventory.zone);
        if !month.span(now, &inventory.zone).contains(window.span.start)
            || !asks_budgets(&policy::policies(inventory, schedule))
        {
            return BTreeMap::new();
        }
        let left = |id: &SubsystemId| {
            let subsystem = inventory.subsystems.get(id)?;
            let account = sla::account_of(now, inventory, &self.view(subsystem), month)?;
            let (left, whole) = (i128::from(account.budget_left_ms()), i128::from(account.budget_ms.max(1)));
            Some((id.clone(), u32::try_from(left.max(0) * 1_000_000 / whole).unwrap_or(u32::MAX)))
        };
        window.definition.scope.iter().filter_map(left).collect()
    }

    /// Notes that something happened to a window: who holds a place is looked at again, and those that wait are asked.
    pub(super) fn window_moved(&mut self) {
        if self.surveyed.pinned {
            return;
        }
        let former = self.surveyed.survey.take();
        for id in former.into_iter().flat_map(|survey| survey.waiting) {
            self.wakes.at(self.now, Wake::Window(id));
        }
    }

    /// Asks all windows of one list with one survey, and then those whose turn that changed.
    pub(super) fn in_turn(
        &mut self,
        out: &mut Output,
        ids: &[WindowId],
        advance: fn(&mut Self, &mut Output, &WindowId),
    ) {
        self.surveyed = Surveyed { survey: OnceLock::from(self.survey()), pinned: true };
        let mut turn = ids.to_vec();
        for _ in 0..ROUNDS_MAX {
            turn.iter().for_each(|id| advance(self, out, id));
            let former = self.surveyed.survey.take().unwrap_or_default().waiting;
            let survey = self.survey();
            turn = former.symmetric_difference(&survey.waiting).cloned().collect();
            self.surveyed.survey = OnceLock::from(survey);
            if turn.is_empty() {
                break;
            }
        }
        self.surveyed.pinned = false;
    }
}
