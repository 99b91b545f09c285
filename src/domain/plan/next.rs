//! What a run does next: one pure, total function over what has happened and what is around.
//!
//! Not here: the way back (`unwind`) and who carries it out. Invariants: an intent without a result under a former epoch
//! is never taken for "still running" and never tried blindly again; no forward step starts after the point of no
//! return, nor one that could still go on then, nor by a clock that cannot be trusted; a parked run is parked no longer
//! than until then; what leads back into service waits neither for the clock nor for the store.

use super::*;
use std::collections::BTreeSet;

/// While the store refuses records it is looked again after this time.
const LOOK_AGAIN: Millis = 5 * SECOND;

/// How often a look is repeated before it counts as unclear.
pub(super) const LOOKS_MAX: u32 = 3;

/// An undo that must not be tried twice waits this long for a store that refuses its record, and is then left to people:
/// what is drained cannot wait for a disk.
pub(super) const UNDO_WAITS_MAX: Millis = 2 * MINUTE;

/// What a run cannot know of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// Why no forward step may start now, if so: a guard does not hold.
    pub denied: Option<Names>,
    /// Why no forward step may be tried by this clock, if so; a step that puts something back may.
    pub clock: Option<Names>,
    /// The wall clock lies behind: no time passes until it has caught up, so nothing that leads back waits for any.
    pub time_stands: bool,
    /// Good rounds of all probes concerned since the step that waits for them began.
    pub good_rounds: u32,
    /// What other runs are about to put back; it is not taken out meanwhile.
    pub restoring: BTreeSet<String>,
    /// What other runs keep out of service; it is left to the last of them to put it back.
    pub shared: BTreeSet<String>,
    /// Since when the store refuses records, if so: every step forward waits, and for [`UNDO_WAITS_MAX`] an undo that
    /// must not be tried twice.
    pub unrecorded: Option<Timestamp>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Intend this deed of this step, and have it done.
    Intend {
        /// What.
        deed: Deed,
        /// Position of the step.
        step: usize,
    },
    /// Note how a deed ended that needs nobody.
    Settle {
        /// What.
        deed: Deed,
        /// Position of the step.
        step: usize,
        /// How.
        end: End,
    },
    /// Nothing, until then at the latest.
    Wait {
        /// When to look again, if time alone changes something.
        until: Option<Timestamp>,
        /// What for.
        why: Waiting,
    },
    /// Ask a person.
    Park {
        /// About this step.
        step: usize,
        /// Why.
        why: Names,
    },
    /// Turn back.
    Abort {
        /// Why.
        why: Names,
    },
    /// It is over.
    End {
        /// How.
        how: Ending,
    },
}

/// What a run waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// For what is in flight.
    Flight,
    /// For a time to pass.
    Time,
    /// For a guard.
    Guard(Names),
    /// For a person.
    Person,
    /// For nothing any more.
    Over,
}

/// The next move.
pub fn next(now: Timestamp, run: &Run, around: &Circumstances) -> Move {
    let found = by_phase(now, run, around);
    let point = run.point_of_no_return();
    // What is taken back before that is recorded would be gone for a process that goes on after a crash; once the point
    // has passed, that process turns back as well.
    if matches!(found, Move::Abort { .. }) && around.unrecorded.is_some() && now < point {
        let why = because("存储拒绝写入，暂不回退", "the store refuses writes, so turning back cannot be recorded");
        return Move::Wait { until: Some(point.min(now + LOOK_AGAIN)), why: Waiting::Guard(why) };
    }
    if let Move::Intend { deed, step } = found
        && run.plan.steps.get(step).and_then(|s| s.restores(deed)).is_some_and(|t| around.shared.contains(t))
    {
        let end = End::Done { note: "another run keeps it out of service and will put it back".to_owned() };
        return Move::Settle { deed, step, end };
    }
    if let Move::Intend { deed, step } = found
        && let Some(since) = around.unrecorded
        && !run.plan.steps.get(step).is_some_and(|s| s.is_safe_unrecorded(deed))
    {
        if deed == Deed::Undo && (around.time_stands || now >= since + UNDO_WAITS_MAX) {
            let note = "the store refuses writes, and undoing it must not be tried twice".to_owned();
            return Move::Settle { deed, step, end: End::GivenUp { note } };
        }
        let why =
            because("存储拒绝写入，无法先记录再执行", "the store refuses writes, so the intent cannot be recorded");
        return Move::Wait { until: Some(now + LOOK_AGAIN), why: Waiting::Guard(why) };
    }
    found
}

fn by_phase(now: Timestamp, run: &Run, around: &Circumstances) -> Move {
    match &run.phase {
        Phase::Forward => forward(now, run, around),
        Phase::Parked { .. } if now >= run.point_of_no_return() => {
            abort("到回退时间点仍无人处理", "nobody answered before the point of no return")
        }
        Phase::Parked { .. } => Move::Wait { until: Some(run.point_of_no_return()), why: Waiting::Person },
        Phase::Unwinding { .. } => unwind::unwind(now, run, around),
        Phase::Ended { .. } => Move::Wait { until: None, why: Waiting::Over },
    }
}

pub(super) fn because(zh: impl Into<String>, en: impl Into<String>) -> Names {
    Names { zh: zh.into(), en: en.into() }
}

fn abort(zh: &str, en: &str) -> Move {
    Move::Abort { why: because(zh, en) }
}

/// The earliest instant among those at which something changes.
#[derive(Default)]
pub(super) struct Alarm(Option<Timestamp>);

impl Alarm {
    pub(super) fn at(&mut self, at: Timestamp) {
        self.0 = Some(self.0.map_or(at, |old| old.min(at)));
    }

    pub(super) fn get(&self) -> Option<Timestamp> {
        self.0
    }
}

fn forward(now: Timestamp, run: &Run, around: &Circumstances) -> Move {
    let mut alarm = Alarm::default();
    let (mut flying, mut waiting) = (false, None);
    // What has begun comes before what might begin.
    for (index, progress) in run.steps.iter().enumerate() {
        match begun(now, run, index, progress, around, &mut alarm) {
            Begun::Not | Begun::Done => {}
            Begun::Flying => flying = true,
            Begun::Pausing => waiting = Some(Waiting::Time),
            Begun::Held(why) => waiting = Some(Waiting::Guard(why)),
            Begun::Moves(next) => return next,
        }
    }
    let undone = |(_, p): &(usize, &Progress)| !matches!(p.forward.standing, Standing::Done { .. });
    let Some((first_open, _)) = run.steps.iter().enumerate().find(undone) else {
        return unwind::restore_all(now, run, around).unwrap_or(Move::End { how: Ending::Done });
    };
    let point = run.point_of_no_return();
    if now >= point {
        return abort("已过回退时间点", "the point of no return has passed");
    }
    alarm.at(point);
    let wave = run.plan.steps.get(first_open).map_or(0, |_| open_wave(run));
    for (index, step) in run.plan.steps.iter().enumerate() {
        let Some(progress) = run.steps.get(index) else { continue };
        if progress.forward.standing != Standing::Idle || step.wave != wave || !needs_are_done(run, step) {
            continue;
        }
        if let Some(rested) = rested_at(run, wave).filter(|at| *at > now) {
            alarm.at(rested);
            waiting = Some(Waiting::Time);
            continue;
        }
        if now + step.longest_ms() > point {
            return abort(
                "剩余时间不够完成下一步并保留回退时间",
                "the next step may not end before the point of no return",
            );
        }
        if let Some(why) = around.denied.as_ref().or(clock_against(step, around)) {
            waiting = Some(Waiting::Guard(why.clone()));
            continue;
        }
        if is_busy(run, step, &around.restoring) {
            flying = true;
            continue;
        }
        return Move::Intend { deed: Deed::Do, step: index };
    }
    let idle = if flying { Waiting::Flight } else { Waiting::Time };
    Move::Wait { until: alarm.get(), why: waiting.unwrap_or(idle) }
}

/// Where a step stands that may have begun.
enum Begun {
    Not,
    Done,
    Flying,
    Pausing,
    Held(Names),
    Moves(Move),
}

/// Why a step may not be tried by this clock.
fn clock_against<'a>(step: &Step, around: &'a Circumstances) -> Option<&'a Names> {
    around.clock.as_ref().filter(|_| !matches!(step.task, Task::Restore(_)))
}

fn begun(
    now: Timestamp,
    run: &Run,
    index: usize,
    progress: &Progress,
    around: &Circumstances,
    alarm: &mut Alarm,
) -> Begun {
    let Some(step) = run.plan.steps.get(index) else { return Begun::Not };
    let track = &progress.forward;
    match track.standing {
        Standing::Idle => Begun::Not,
        Standing::Done { .. } => Begun::Done,
        Standing::Flying { since, .. } if step.task.action().is_none() => {
            own_task(now, run, index, since, around, alarm)
        }
        Standing::Flying { .. } if run.is_flying(track) => Begun::Flying,
        Standing::Flying { .. } | Standing::Unknown { .. } => unsettled(now, run, index, around, alarm),
        Standing::Failed { at } => failed(now, run, index, at, around, alarm),
        Standing::GivenUp => Begun::Moves(Move::Abort { why: stopped(step) }),
    }
}

/// What the domain does itself survives a restart: time passes, people answer, probes run.
fn own_task(
    now: Timestamp,
    run: &Run,
    index: usize,
    since: Timestamp,
    around: &Circumstances,
    alarm: &mut Alarm,
) -> Begun {
    let Some((step, progress)) = run.plan.steps.get(index).zip(run.steps.get(index)) else { return Begun::Not };
    let settle = |end| Begun::Moves(Move::Settle { deed: Deed::Do, step: index, end });
    let done = |note: &str| settle(End::Done { note: note.to_owned() });
    let deadline = since + step.longest_ms();
    match &step.task {
        Task::Wait { .. } if now >= deadline => return done("waited"),
        Task::Approve { people } if progress.approved.len() >= *people as usize => {
            let who: Vec<&str> = progress.approved.iter().map(String::as_str).collect();
            return done(&format!("approved by {}", who.join(", ")));
        }
        Task::Verify { rounds } if around.good_rounds >= *rounds => {
            return done(&format!("{rounds} good round{}", if *rounds == 1 { "" } else { "s" }));
        }
        Task::Announce { .. } | Task::Notify { .. } => return done("told"),
        Task::Wait { .. } | Task::Approve { .. } | Task::Verify { .. } => {}
        Task::Run(_) | Task::Drain(_) | Task::Restore(_) => return Begun::Flying,
    }
    if now >= deadline {
        let seconds = step.timeout_ms / SECOND;
        return settle(End::GivenUp { note: format!("not within {seconds} s") });
    }
    alarm.at(deadline);
    Begun::Flying
}

/// Nobody knows whether it was done: look, and if that does not help, do what the step says.
fn unsettled(now: Timestamp, run: &Run, index: usize, around: &Circumstances, alarm: &mut Alarm) -> Begun {
    let Some((step, progress)) = run.plan.steps.get(index).zip(run.steps.get(index)) else { return Begun::Not };
    let track = &progress.forward;
    match look(now, run, index, around, alarm) {
        Look::Moves(next) => Begun::Moves(next),
        Look::Flying => Begun::Flying,
        Look::Pausing => Begun::Pausing,
        Look::Is(Seen::Present) => {
            let end = End::Done { note: "seen to be done".to_owned() };
            Begun::Moves(Move::Settle { deed: Deed::Do, step: index, end })
        }
        Look::Is(Seen::Absent) if step.repeat.is_safe() => again(now, run, index, track, around),
        Look::Is(Seen::Unclear) if step.on_unknown == OnUnknown::Abort => {
            Begun::Moves(Move::Abort { why: stopped(step) })
        }
        Look::Is(Seen::Unclear) if step.on_unknown == OnUnknown::Again && step.repeat.is_safe() => {
            again(now, run, index, track, around)
        }
        Look::Is(seen) => {
            let (zh, en) = match seen {
                Seen::Absent => (
                    "结果未知，查看显示未执行，但该步骤不可重复",
                    "it seems not to have been done, but must not be tried twice",
                ),
                _ => ("结果未知，也无法查看", "nobody can see whether it was done"),
            };
            let why = because(format!("步骤 {}：{zh}", step.id), format!("step {}: {en}", step.id));
            Begun::Moves(Move::Park { step: index, why })
        }
    }
}

/// Once more with the same key, unless it failed too often or the time is up.
fn again(now: Timestamp, run: &Run, index: usize, track: &Track, around: &Circumstances) -> Begun {
    let step = &run.plan.steps[index];
    if track.failures > step.retries || now + step.longest_ms() > run.point_of_no_return() {
        return Begun::Moves(Move::Abort { why: stopped(step) });
    }
    match clock_against(step, around) {
        Some(why) => Begun::Held(why.clone()),
        None => Begun::Moves(Move::Intend { deed: Deed::Do, step: index }),
    }
}

fn failed(now: Timestamp, run: &Run, index: usize, at: Timestamp, around: &Circumstances, alarm: &mut Alarm) -> Begun {
    let (step, track) = (&run.plan.steps[index], &run.steps[index].forward);
    if !step.repeat.is_safe() || track.failures > step.retries {
        return Begun::Moves(Move::Abort { why: stopped(step) });
    }
    let due = at + backoff_ms(track.failures);
    if now < due {
        alarm.at(due);
        return Begun::Pausing;
    }
    again(now, run, index, track, around)
}

fn stopped(step: &Step) -> Names {
    because(format!("步骤 {} 未成功", step.id), format!("step {} did not succeed", step.id))
}

/// What a look at the effect of a step says.
pub(super) enum Look {
    /// It says this.
    Is(Seen),
    /// It is being looked.
    Flying,
    /// It will be looked again.
    Pausing,
    /// It has to be looked first.
    Moves(Move),
}

/// Looks whether the effect of a step exists, unless that was seen since the last try.
pub(super) fn look(now: Timestamp, run: &Run, index: usize, around: &Circumstances, alarm: &mut Alarm) -> Look {
    let Some((step, progress)) = run.plan.steps.get(index).zip(run.steps.get(index)) else {
        return Look::Is(Seen::Unclear);
    };
    if step.observe.is_none() {
        return Look::Is(Seen::Unclear);
    }
    if run.is_flying(&progress.observe) {
        return Look::Flying;
    }
    let once_more = Look::Moves(Move::Intend { deed: Deed::Observe, step: index });
    match (progress.seen, &progress.observe.standing) {
        (Some(Seen::Unclear), Standing::Failed { at } | Standing::Unknown { at })
            if progress.observe.failures % LOOKS_MAX != 0 =>
        {
            let due = *at + backoff_ms(progress.observe.failures % LOOKS_MAX);
            if now < due && !around.time_stands {
                alarm.at(due);
                return Look::Pausing;
            }
            once_more
        }
        (Some(seen), _) => Look::Is(seen),
        (None, _) => once_more,
    }
}

/// The first wave that is not done.
fn open_wave(run: &Run) -> u32 {
    let open =
        run.plan.steps.iter().zip(&run.steps).filter(|(_, p)| !matches!(p.forward.standing, Standing::Done { .. }));
    open.map(|(step, _)| step.wave).min().unwrap_or_default()
}

/// When the waves before `wave` have rested.
fn rested_at(run: &Run, wave: u32) -> Option<Timestamp> {
    let before = run.plan.steps.iter().zip(&run.steps).filter(|(step, _)| step.wave < wave);
    let ended = before.filter_map(|(_, progress)| match progress.forward.standing {
        Standing::Done { at } => Some(at),
        _ => None,
    });
    ended.max().map(|at| at + run.plan.rest_ms)
}

fn needs_are_done(run: &Run, step: &Step) -> bool {
    step.needs.iter().all(|n| run.steps.get(*n).is_some_and(|p| matches!(p.forward.standing, Standing::Done { .. })))
}

/// Whether what the step drains or restores is in somebody's hands just now.
fn is_busy(run: &Run, step: &Step, restoring: &BTreeSet<String>) -> bool {
    let Some(target) = step.drains(Deed::Do).or_else(|| step.restores(Deed::Do)) else { return false };
    // One that has begun and is not settled may still be tried again.
    let open = |progress: &Progress| !matches!(progress.forward.standing, Standing::Idle | Standing::Done { .. });
    let own = run.plan.steps.iter().zip(&run.steps).any(|(other, progress)| {
        open(progress) && (other.drains(Deed::Do) == Some(target) || other.restores(Deed::Do) == Some(target))
    });
    own || restoring.contains(target)
}
