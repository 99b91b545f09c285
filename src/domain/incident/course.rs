//! How far people were told of an incident, and which mail to them is due next.
//!
//! Not here: who they are (`roster`) and when they are left in peace (`engine::follow`). Invariants: it follows from facts
//! alone; reminders count from the opening mail, so a time of silence costs at most the reminders that fell into it; what
//! changes is told at most every two minutes.

use super::*;

/// Reminders after the opening mail, before they become regular.
const REMINDERS: [Millis; 3] = [30 * MINUTE, HOUR, 2 * HOUR];

/// From one regular reminder to the next.
const REMIND_EVERY: Millis = 4 * HOUR;

/// Changes are told no closer than this to the mail before.
pub const CHANGES_APART: Millis = 2 * MINUTE;

/// What a mail between the opening and the closing reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// More fails with it, somebody took it, or it became unstable.
    Changed,
    /// It still lasts.
    Reminded,
    /// Nobody took it: the next rung is told.
    Escalated,
    /// A ticket became a page.
    Raised,
    /// Somebody handed it over.
    HandedOver,
}

/// What those who were told know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// When the opening mail was decided.
    pub opened: Timestamp,
    /// When the last mail to all of them was.
    pub last: Timestamp,
    /// The last rung that was told; 0 is who is on duty.
    pub rung: usize,
    /// Whether there is something that they do not know.
    pub news: bool,
    reminders: i64,
    /// What they must hear at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pressing: Option<Turn>,
    /// When the ladder began anew, if it did after the opening.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    anew: Option<Timestamp>,
}

impl Course {
    /// The opening mail was decided at `at`.
    pub(super) fn begins(at: Timestamp) -> Self {
        Self { opened: at, last: at, rung: 0, news: false, reminders: 0, pressing: None, anew: None }
    }

    /// Something happened at `at` that all must hear at once, and from which the ladder is climbed anew.
    pub(super) fn presses(&mut self, at: Timestamp, turn: Turn) {
        (self.pressing, self.anew, self.rung) = (Some(turn), Some(at), 0);
    }

    /// From when on nobody answers: the opening mail, or what began the ladder anew.
    pub fn ladder_from(&self) -> Timestamp {
        self.anew.unwrap_or(self.opened)
    }

    /// Whether the ladder began anew, so that its rungs are told once more.
    pub fn is_anew(&self) -> bool {
        self.anew.is_some()
    }

    /// A mail was decided.
    pub(super) fn goes_on(&mut self, at: Timestamp, turn: Turn) {
        match turn {
            Turn::Escalated => self.rung += 1,
            Turn::Reminded | Turn::Changed | Turn::Raised | Turn::HandedOver => {
                self.last = at;
                self.news = false;
                self.pressing = self.pressing.filter(|pressing| *pressing != turn);
            }
        }
        if turn == Turn::Reminded {
            self.reminders = reminders_by(at.since(self.opened));
        }
    }

    /// The mail that is due at `now`; `escalates` is when the next rung is told, if nobody took it until then.
    pub fn due(&self, now: Timestamp, escalates: Option<Timestamp>) -> Option<Turn> {
        if self.pressing.is_some() {
            return self.pressing;
        }
        if escalates.is_some_and(|at| at <= now) {
            return Some(Turn::Escalated);
        }
        if reminders_by(now.since(self.opened)) > self.reminders {
            return Some(Turn::Reminded);
        }
        (self.news && self.last + CHANGES_APART <= now).then_some(Turn::Changed)
    }

    /// When to look again, if nothing is due before.
    pub fn next(&self, escalates: Option<Timestamp>) -> Timestamp {
        let reminder = self.opened + reminder_after(self.reminders);
        let change = self.news.then(|| self.last + CHANGES_APART);
        escalates.into_iter().chain(change).fold(reminder, Timestamp::min)
    }
}

/// How many reminders are due until `elapsed` after the opening mail.
fn reminders_by(elapsed: Millis) -> i64 {
    let early = REMINDERS.iter().filter(|after| **after <= elapsed).count() as i64;
    early + ((elapsed - REMINDERS[2]).max(0) / REMIND_EVERY)
}

/// How long after the opening mail the reminder follows that comes after `so_far` others.
fn reminder_after(so_far: i64) -> Millis {
    match usize::try_from(so_far).ok().and_then(|n| REMINDERS.get(n)) {
        Some(after) => *after,
        None => REMINDERS[2] + (so_far - 2) * REMIND_EVERY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reminders_come_half_an_hour_one_and_two_hours_after_the_opening_and_then_every_four() {
        let minutes = |n: i64| reminder_after(n) / MINUTE;
        assert_eq!([0, 1, 2, 3, 4, 5].map(minutes), [30, 60, 120, 360, 600, 840]);
    }

    #[test]
    fn what_was_missed_in_silence_is_one_reminder() {
        let mut course = Course::begins(Timestamp(0));
        let late = Timestamp(7 * HOUR);
        assert_eq!(course.due(late, None), Some(Turn::Reminded));
        course.goes_on(late, Turn::Reminded);
        assert_eq!((course.due(late, None), course.next(None)), (None, Timestamp(10 * HOUR)));
    }

    proptest! {
        #[test]
        fn the_reminder_that_comes_next_is_the_first_instant_at_which_one_more_is_due(n in 0..200i64) {
            let after = reminder_after(n);
            prop_assert_eq!((reminders_by(after - 1), reminders_by(after)), (n, n + 1));
        }
    }
}
