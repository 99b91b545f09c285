//! What the wall clock showed last, and whether permissions may be given by it.
//!
//! Not here: engine time, which holds while the wall clock lies behind it, and forward steps, which are facts. Invariant:
//! whoever is refused for the clock is told since when and until when.

use super::*;

/// After a step the clock is not trusted for this long.
pub(super) const DISTRUST: Millis = 10 * MINUTE;

/// The wall clock, as it was last told; memory only.
#[derive(Debug)]
pub(super) struct Wall {
    shown: Timestamp,
    /// What it showed right after it was last set back.
    set_back: Option<Timestamp>,
    /// Why the kernel's clock is not to be trusted, if so; nothing where nobody asks it.
    unsynchronised: Option<Names>,
}

impl Wall {
    pub(super) fn at(shown: Timestamp) -> Self {
        Self { shown, set_back: None, unsynchronised: None }
    }

    /// At a start the stored facts say how late it was.
    pub(super) fn at_start(shown: Timestamp, known: Timestamp) -> Self {
        let set_back = (shown + CLOCK_STEP_MAX < known).then_some(shown);
        Self { set_back, ..Self::at(shown) }
    }

    pub(super) fn shows(&mut self, now: Timestamp) {
        if now + CLOCK_STEP_MAX < self.shown {
            self.set_back = Some(now);
        }
        self.shown = now;
    }
}

impl Engine {
    /// Takes note of what the kernel says about its clock; memory only.
    pub(super) fn hear_of_sync(&mut self, doubt: Option<Names>) {
        if self.wall.unsynchronised != doubt {
            self.wall.unsynchronised = doubt;
            self.picture.touch_all();
        }
    }

    /// Whether no time passes because the wall clock lies behind.
    pub(super) fn time_stands(&self) -> bool {
        self.wall.shown < self.now
    }

    /// Why nothing is allowed by this clock, if so.
    pub(super) fn clock_is_doubtful(&self) -> Option<Names> {
        let zone = &self.inventory.zone;
        if self.wall.shown + CLOCK_STEP_MAX < self.now {
            let (zh, en) = (zone.people(self.now, Language::Zh), zone.people(self.now, Language::En));
            return Some(Names {
                zh: format!("时钟被回拨，到 {zh} 之前不开始任何维护"),
                en: format!("the clock was set back; nothing starts until it is past {en} again"),
            });
        }
        let jumped = self.clock_stepped.is_some_and(|at| self.now < at + DISTRUST);
        let set_back = self.wall.set_back.is_some_and(|at| self.wall.shown < at + DISTRUST);
        let jump = (jumped || set_back).then(|| Names {
            zh: "时钟刚刚跳变，十分钟内不开始维护".into(),
            en: "the clock jumped; nothing starts for ten minutes after that".into(),
        });
        jump.or_else(|| self.wall.unsynchronised.clone())
    }

    /// The same for runs, which are not told of the moment in which a clock is slewed, but keep to it.
    pub(super) fn clock_holds_runs(&self) -> Option<Names> {
        let stands = || Names { zh: "时钟略有回退".into(), en: "the clock was set back a little".into() };
        self.clock_is_doubtful().or_else(|| self.time_stands().then(stands))
    }
}
