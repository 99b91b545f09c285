//! The canary: one mail a day to an address whose receipt an outside system watches, so that a way out which is shut
//! is noticed although nothing is wrong.
//!
//! Not here: its wording (`notify::render`), and who watches. Invariants: one for each civil day, after a restart that
//! was late for it too; its id follows from the date, so the outbox keeps it once.

use super::*;

impl Engine {
    /// At a start: today's at once if its time passed while nobody was there, else at its time. After a reload the next.
    pub(super) fn plan_canary(&mut self, alive_until: Option<Timestamp>) {
        if !self.daily_digest.is_wanted() {
            return;
        }
        let Some(today) = self.canary_time(self.inventory.zone.date(self.now)) else { return };
        let missed = today <= self.now && alive_until.is_some_and(|until| until <= today);
        let next = if missed { Some(self.now) } else { self.next_canary() };
        next.into_iter().for_each(|at| self.wakes.at(at, Wake::Canary));
    }

    /// Sends today's, and waits for the next. One whose time was put off waits until then.
    pub(super) fn send_canary(&mut self, out: &mut Output) {
        let today = self.inventory.zone.date(self.now);
        if let Some(canary) = &self.inventory.canary
            && self.canary_time(today).is_some_and(|at| at <= self.now)
        {
            let to = Recipient { name: "canary".into(), mail: canary.to.clone(), language: Language::default() };
            self.send(out, &format!("canary-{today}"), 0, &[to], &Content::Canary);
        }
        self.next_canary().into_iter().for_each(|at| self.wakes.at(at, Wake::Canary));
    }

    fn canary_time(&self, date: jiff::civil::Date) -> Option<Timestamp> {
        let at = self.inventory.canary.as_ref()?.at;
        Some(self.inventory.zone.instant(date.to_datetime(at)))
    }

    fn next_canary(&self) -> Option<Timestamp> {
        let today = self.inventory.zone.date(self.now);
        let later = |at: &Timestamp| *at > self.now;
        self.canary_time(today).filter(later).or_else(|| self.canary_time(civil::day_after(today)))
    }
}
