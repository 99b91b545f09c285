//! Every window of every schedule with the policy's answer, asked in the order in which they rank.
//!
//! From the files alone: nothing is approved or announced, so all of them ask, and the earlier start goes first. Not
//! here: what became of windows (`window::Book`). Invariant: a window that is denied, or waits for another, holds no
//! place against a third.

use super::admit::{Admission, admit};
use super::crowd::Crowd;
use super::limits::{Circumstances, Hold, Other};
use crate::domain::window::{LENGTH_MAX, Planned, Schedule, expand};
use crate::domain::*;

/// One window with what the policies say to it.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// Its text.
    pub schedule: &'a Schedule,
    /// Which window.
    pub planned: Planned,
    /// The answer.
    pub admission: Admission,
}

/// The windows of all schedules that share an instant with `within`, in order of start and id.
pub fn ask_all(inventory: &Inventory, within: Span) -> Vec<Asked<'_>> {
    if within.is_empty() {
        return Vec::new();
    }
    // What started earlier in the month counts against its caps.
    let month = inventory.zone.midnight(inventory.zone.date(within.start - LENGTH_MAX).first_of_month());
    let known = Span::new(month.min(within.start), within.end);
    let each = |schedule| expand(schedule, &inventory.zone, known).into_iter().map(move |planned| (schedule, planned));
    let mut all: Vec<(&Schedule, Planned)> = inventory.schedules.values().flat_map(each).collect();
    all.sort_by(|(_, a), (_, b)| (a.span.start, &a.id).cmp(&(b.span.start, &b.id)));
    let crowd = Crowd::of(&inventory.zone, all.iter().map(|(schedule, planned)| (&schedule.owner, planned.span)));
    let mut holds: Vec<bool> = Vec::with_capacity(all.len());
    let mut answers = Vec::with_capacity(all.len());
    for (schedule, planned) in &all {
        let before = crowd.about(&inventory.zone, &schedule.owner, planned.span).into_iter();
        let holding = before.filter(|place| holds.get(*place).copied().unwrap_or_default());
        let others: Vec<Other<'_>> = holding.map(|place| other(all[place].0, &all[place].1)).collect();
        let around = Circumstances { others: &others, ..Circumstances::default() };
        let admission = admit(inventory, schedule, planned, &around);
        holds.push(!admission.is_rejected() && !admission.waits());
        answers.push(admission);
    }
    let asked =
        all.into_iter().zip(answers).map(|((schedule, planned), admission)| Asked { schedule, planned, admission });
    asked.filter(|a| a.planned.span.overlaps(within)).collect()
}

fn other<'a>(schedule: &'a Schedule, planned: &'a Planned) -> Other<'a> {
    Other {
        id: &planned.id,
        owner: &schedule.owner,
        scope: &schedule.scope,
        policy: schedule.policy.as_ref(),
        span: planned.span,
        hold: Hold::Asking,
    }
}
