//! From one state of a window to the next: one total function over what is known at an instant.
//!
//! Rules: `docs/schedules.md`. Not here: how it is known (`book`, `engine`). Invariants: terminal states never change;
//! for given knowledge the steps from any state come to rest; a window never runs after its approved end without
//! saying so.

use super::*;

/// Windows are armed this long before their start: the last look at calendar, clock, journal and incidents.
pub const ARMED_BEFORE_MS: Millis = 15 * MINUTE;

/// A window that is not verified this long after its approved end is stuck.
pub const STUCK_AFTER_MS: Millis = 30 * MINUTE;

/// What `admit` says about a window, as far as the life cycle cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Nothing stands in the way; notice must be out by this instant, if any is asked for.
    Admitted {
        /// The latest instant at which notice is in time; `None` when none is asked for.
        notice_by: Option<Timestamp>,
    },
    /// Something that time or people may mend: approvals, dates not covered.
    Waiting(Names),
    /// Denied for a reason that time alone will not mend.
    Denied(Names),
}

/// What a person asked for since the window came to its present state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// Call it off.
    Cancel,
    /// The work is done: verify.
    Finish,
    /// Stop the work and undo it.
    Abort,
}

/// How far the work of a window's plan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// There is no plan: people do the work.
    ByHand,
    /// The plan has not begun.
    Waiting,
    /// Steps are being done.
    Running,
    /// Steps are being undone.
    Unwinding,
    /// The plan came to its end.
    Done,
    /// The plan was undone.
    Undone,
}

/// How the subsystems of the scope are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Not every one is up or degraded.
    Bad,
    /// Every one is up or degraded.
    Well,
    /// That, and every critical probe had its good rounds since the work ended.
    Verified,
}

/// What is known about a window at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// From start to approved end.
    pub span: Span,
    /// The policy's answer.
    pub admission: Admission,
    /// When a relay accepted the notice of just this window.
    pub announced: Option<Timestamp>,
    /// What stands in the way of the start, looked at from a quarter of an hour before it on.
    pub hindrance: Option<Names>,
    /// What a person asked for.
    pub asked: Option<Asked>,
    /// How far the work is.
    pub work: Work,
    /// How long the plan needs at least; nothing without one.
    pub needs_ms: Millis,
    /// How the service is.
    pub service: Service,
    /// Whether the work was called off or failed.
    pub aborted: bool,
    /// Whether the approved end passed without a verified service: the page has left, only good rounds end it.
    pub overran: bool,
}

/// The next state, and why; `None` to stay.
pub fn next(now: Timestamp, state: WindowState, known: &Known) -> Option<(WindowState, Names)> {
    use WindowState::*;
    match state {
        Completed | Failed | Cancelled | Rejected | Missed => None,
        Draft | Planned | Announced | Armed | Blocked => before(now, state, known),
        Entering | Active => at_work(now, state, known),
        Aborting => aborting(now, known),
        Verifying => verifying(now, known),
        Overrun | Stuck => late(now, state, known),
    }
}

fn to(state: WindowState, zh: &str, en: &str) -> Option<(WindowState, Names)> {
    Some((state, because(zh, en)))
}

fn because(zh: &str, en: &str) -> Names {
    Names { zh: zh.to_owned(), en: en.to_owned() }
}

/// Before the start: permission, notice and a clear way decide.
fn before(now: Timestamp, state: WindowState, known: &Known) -> Option<(WindowState, Names)> {
    use WindowState::*;
    if known.asked == Some(Asked::Cancel) {
        return to(Cancelled, "已取消", "called off");
    }
    if now + known.needs_ms.max(1) > known.span.end {
        let en = format!("the time that is left no longer suffices; the window was {}", state.as_str());
        return to(Missed, "剩余时间已不足，窗口未能开始", &en);
    }
    let notice_by = match (&known.admission, state) {
        (Admission::Admitted { notice_by }, _) => *notice_by,
        (Admission::Waiting(_), Draft) | (_, Blocked) => return None,
        (Admission::Denied(why), Draft) => return Some((Rejected, why.clone())),
        (Admission::Waiting(why) | Admission::Denied(why), _) => {
            let lost = because(&format!("许可已失效：{}", why.zh), &format!("permission lost: {}", why.en));
            return Some((Blocked, lost));
        }
    };
    let in_time = notice_by.is_none_or(|by| known.announced.is_some_and(|at| at <= by));
    let late = !in_time && notice_by.is_some_and(|by| now > by);
    let near = now >= known.span.start - ARMED_BEFORE_MS;
    let hindrance = known.hindrance.as_ref().filter(|_| near);
    match (state, hindrance) {
        (Draft, _) => to(Planned, "已准入", "admitted"),
        (Blocked, None) if !late => to(Planned, "障碍已消除", "nothing stands in the way any more"),
        (Blocked, _) => None,
        _ if late => to(Blocked, "公告未按时发出", "notice is late"),
        (Planned, _) if in_time => to(Announced, "公告已按时发出", "notice is out in time"),
        (Planned, _) => None,
        _ if !in_time => to(Planned, "窗口已变更，须重新公告", "the window changed and must be announced again"),
        (_, Some(why)) => Some((Blocked, why.clone())),
        (Announced, None) if near => to(Armed, "已准备就绪", "ready: nothing stands in the way"),
        (Armed, None) if now >= known.span.start => to(Entering, "已到开始时间", "the start is reached"),
        _ => None,
    }
}

/// From the start to the end of the work.
fn at_work(now: Timestamp, state: WindowState, known: &Known) -> Option<(WindowState, Names)> {
    use WindowState::*;
    match (known.work, known.asked) {
        (_, Some(Asked::Abort)) => return to(Aborting, "已中止", "called off while it ran"),
        (Work::Unwinding | Work::Undone, _) => {
            return to(Aborting, "执行失败，正在回退", "the work failed and is undone");
        }
        (Work::ByHand, _) if state == Entering => return to(Active, "已开始", "begun"),
        (Work::Running | Work::Done, _) if state == Entering => {
            return to(Active, "计划开始执行", "the plan is at work");
        }
        _ => {}
    }
    let by_hand = known.work == Work::ByHand;
    if now >= known.span.end {
        return match known.service {
            Service::Well | Service::Verified if by_hand => completed(),
            _ => overrun(),
        };
    }
    match (known.work, known.asked) {
        (Work::Done, _) => to(Verifying, "计划已执行完毕，正在验证", "the plan is done; good rounds are counted"),
        (Work::ByHand, Some(Asked::Finish)) => {
            to(Verifying, "报告完工，正在验证", "reported done; good rounds are counted")
        }
        _ => None,
    }
}

fn aborting(now: Timestamp, known: &Known) -> Option<(WindowState, Names)> {
    if now >= known.span.end {
        return overrun();
    }
    match known.work {
        Work::ByHand | Work::Waiting | Work::Done | Work::Undone => {
            to(WindowState::Verifying, "已回退，正在验证", "undone; good rounds are counted")
        }
        Work::Running | Work::Unwinding => None,
    }
}

fn verifying(now: Timestamp, known: &Known) -> Option<(WindowState, Names)> {
    match known.service {
        Service::Verified => over(known),
        // People who do the work by hand have until the approved end, and no longer.
        Service::Well if now >= known.span.end && known.work == Work::ByHand && !known.overran => over(known),
        Service::Well if known.overran => None,
        _ if now >= known.span.end => overrun(),
        _ => None,
    }
}

/// After the approved end.
fn late(now: Timestamp, state: WindowState, known: &Known) -> Option<(WindowState, Names)> {
    use WindowState::*;
    let at_work = matches!(known.work, Work::Running | Work::Unwinding);
    let again = || to(Verifying, "服务已恢复，正在验证", "the service is back; good rounds are counted");
    match state {
        _ if at_work || known.service == Service::Bad => {}
        Overrun => return again(),
        _ if known.asked == Some(Asked::Finish) => return again(),
        _ => {}
    }
    let stuck = state == Overrun && now >= known.span.end + STUCK_AFTER_MS;
    if stuck {
        to(Stuck, "超时已达 30 分钟，需要人工处理", "half an hour over: a person must look")
    } else {
        None
    }
}

fn over(known: &Known) -> Option<(WindowState, Names)> {
    if known.aborted {
        return to(WindowState::Failed, "服务已验证恢复，维护未完成", "the service is verified; the work was not done");
    }
    completed()
}

fn completed() -> Option<(WindowState, Names)> {
    to(WindowState::Completed, "服务已验证恢复", "the service is verified")
}

fn overrun() -> Option<(WindowState, Names)> {
    to(
        WindowState::Overrun,
        "已到批准的结束时间，服务未恢复",
        "the approved end is reached and the service is not verified",
    )
}

#[cfg(test)]
mod tests;
