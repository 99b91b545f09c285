//! The way back: what was done is undone in reverse order, and what was drained is put back, whatever else failed.
//!
//! Not here: when a run turns back (`next`). Invariants: a step is undone only when everything that came after it is;
//! an undo that is not safe to repeat is never tried blindly, it is left to people; restoring is tried until it
//! succeeds.

use super::next::{Alarm, Look, look};
use super::*;

/// The next move of a run that turns back.
pub(super) fn unwind(now: Timestamp, run: &Run, around: &Circumstances) -> Move {
    let mut alarm = Alarm::default();
    for (index, (step, progress)) in run.plan.steps.iter().zip(&run.steps).enumerate() {
        let flying = matches!(progress.forward.standing, Standing::Flying { .. });
        if flying && step.task.action().is_none() {
            let end = End::GivenUp { note: "the run turned back".to_owned() };
            return Move::Settle { deed: Deed::Do, step: index, end };
        }
        // What is still being done may be done in the end: first it ends, then it is undone.
        if run.is_flying(&progress.forward) || run.is_flying(&progress.observe) {
            return Move::Wait { until: None, why: Waiting::Flight };
        }
    }
    for index in (0..run.steps.len()).rev() {
        match back(now, run, index, around, &mut alarm) {
            Back::Clear => {}
            Back::Flying => return Move::Wait { until: None, why: Waiting::Flight },
            Back::Pausing => return Move::Wait { until: alarm.get(), why: Waiting::Time },
            Back::Moves(next) => return next,
        }
    }
    restore_all(now, run, around).unwrap_or_else(|| {
        let left = run.steps.iter().any(|p| p.undo.standing == Standing::GivenUp);
        Move::End { how: if left { Ending::Broken } else { Ending::Undone } }
    })
}

/// Where a step stands on the way back.
enum Back {
    Clear,
    Flying,
    Pausing,
    Moves(Move),
}

fn back(now: Timestamp, run: &Run, index: usize, around: &Circumstances, alarm: &mut Alarm) -> Back {
    let (step, progress) = (&run.plan.steps[index], &run.steps[index]);
    let Some(undo) = step.undo.as_ref().filter(|_| step.order(Deed::Undo).is_some()) else { return Back::Clear };
    let safe = undo.repeat.is_safe();
    if progress.undo.standing == Standing::Idle
        && step.drains(Deed::Undo).is_some_and(|target| around.restoring.contains(target))
    {
        return Back::Flying;
    }
    match progress.undo.standing {
        Standing::Done { .. } | Standing::GivenUp => Back::Clear,
        Standing::Flying { .. } if run.is_flying(&progress.undo) => Back::Flying,
        Standing::Idle => first_undo(now, run, index, safe, around, alarm),
        Standing::Failed { at } if safe && progress.undo.failures <= step.retries => {
            let due = at + backoff_ms(progress.undo.failures);
            if now < due && !around.time_stands {
                alarm.at(due);
                return Back::Pausing;
            }
            Back::Moves(Move::Intend { deed: Deed::Undo, step: index })
        }
        Standing::Failed { .. } => give_up(index, "undoing it failed"),
        Standing::Flying { .. } | Standing::Unknown { .. } if safe && progress.undo.failures <= step.retries => {
            Back::Moves(Move::Intend { deed: Deed::Undo, step: index })
        }
        Standing::Flying { .. } | Standing::Unknown { .. } => match look(now, run, index, around, alarm) {
            Look::Is(Seen::Absent) => nothing_left(index),
            Look::Is(_) => give_up(index, "nobody knows whether it was undone"),
            Look::Flying => Back::Flying,
            Look::Pausing => Back::Pausing,
            Look::Moves(next) => Back::Moves(next),
        },
    }
}

/// A step that was done is undone; one of which that is not known is looked at first.
fn first_undo(now: Timestamp, run: &Run, index: usize, safe: bool, around: &Circumstances, alarm: &mut Alarm) -> Back {
    let undo = Back::Moves(Move::Intend { deed: Deed::Undo, step: index });
    match run.steps[index].forward.standing {
        Standing::Idle => Back::Clear,
        Standing::Done { .. } => undo,
        _ => match look(now, run, index, around, alarm) {
            Look::Is(Seen::Absent) => nothing_left(index),
            Look::Is(Seen::Present) => undo,
            Look::Is(Seen::Unclear) if safe => undo,
            Look::Is(Seen::Unclear) => give_up(index, "nobody knows whether there is something to undo"),
            Look::Flying => Back::Flying,
            Look::Pausing => Back::Pausing,
            Look::Moves(next) => Back::Moves(next),
        },
    }
}

fn nothing_left(index: usize) -> Back {
    let end = End::Done { note: "seen that there is nothing to undo".to_owned() };
    Back::Moves(Move::Settle { deed: Deed::Undo, step: index, end })
}

fn give_up(index: usize, note: &str) -> Back {
    let end = End::GivenUp { note: note.to_owned() };
    Back::Moves(Move::Settle { deed: Deed::Undo, step: index, end })
}

/// Puts back what the run still holds; `None` when it holds nothing.
pub(super) fn restore_all(now: Timestamp, run: &Run, around: &Circumstances) -> Option<Move> {
    let mut alarm = Alarm::default();
    let mut flying = false;
    for index in run.held.values() {
        let track = &run.steps.get(*index)?.restore;
        match track.standing {
            Standing::Flying { .. } if run.is_flying(track) => flying = true,
            Standing::Failed { at } | Standing::Unknown { at }
                if at + backoff_ms(track.failures) > now && !around.time_stands =>
            {
                alarm.at(at + backoff_ms(track.failures));
            }
            _ => return Some(Move::Intend { deed: Deed::Restore, step: *index }),
        }
    }
    let why = if flying { Waiting::Flight } else { Waiting::Time };
    (!run.held.is_empty()).then(|| Move::Wait { until: alarm.get(), why })
}
