//! From one state of a window to the next: one total function over what is known at an instant.
//!
//! Rules: `docs/schedules.md`. Not here: how it is known (`book`). Invariant: terminal states never change.

use super::*;

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

/// What is known about a window at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// From start to approved end.
    pub span: Span,
    /// The policy's answer.
    pub admission: Admission,
    /// When a relay accepted its notice.
    pub announced: Option<Timestamp>,
    /// Whether every subsystem of the scope is up or degraded.
    pub restored: bool,
}

/// The next state, and why; `None` to stay.
pub fn next(now: Timestamp, state: WindowState, known: &Known) -> Option<(WindowState, Names)> {
    use WindowState::*;
    let to = |state, zh: &str, en: &str| Some((state, because(zh, en)));
    match state {
        Completed | Rejected | Missed => None,
        Active if now < known.span.end => None,
        Active if known.restored => to(
            Completed,
            "已到批准的结束时间，服务已验证恢复",
            "the approved end is reached and the service is verified",
        ),
        Active => {
            to(Overrun, "已到批准的结束时间，服务未恢复", "the approved end is reached and the service is not verified")
        }
        Overrun if known.restored => {
            to(Completed, "超时后服务已验证恢复", "the service is verified after the approved end")
        }
        Overrun => None,
        Announced if now >= known.span.start && matches!(known.admission, Admission::Admitted { .. }) => {
            to(Active, "已到开始时间", "the start is reached")
        }
        Draft | Planned | Announced | Blocked if now >= known.span.start => {
            let en = format!("the start has passed while the window was {}", state.as_str());
            to(Missed, "开始时间已过，窗口尚未就绪", &en)
        }
        Draft => match &known.admission {
            Admission::Admitted { .. } => to(Planned, "已准入", "admitted"),
            Admission::Waiting(_) => None,
            Admission::Denied(why) => Some((Rejected, why.clone())),
        },
        Planned | Announced | Blocked => admitted(now, state, known),
    }
}

fn because(zh: &str, en: &str) -> Names {
    Names { zh: zh.to_owned(), en: en.to_owned() }
}

/// Between admission and start: permission and notice decide.
fn admitted(now: Timestamp, state: WindowState, known: &Known) -> Option<(WindowState, Names)> {
    use WindowState::*;
    let notice_by = match &known.admission {
        Admission::Waiting(why) | Admission::Denied(why) => {
            let lost = because(&format!("许可已失效：{}", why.zh), &format!("permission lost: {}", why.en));
            return (state != Blocked).then_some((Blocked, lost));
        }
        Admission::Admitted { notice_by } => *notice_by,
    };
    let in_time = notice_by.is_none_or(|by| known.announced.is_some_and(|at| at <= by));
    let late = !in_time && notice_by.is_some_and(|by| now > by);
    match state {
        Planned if in_time => Some((Announced, because("公告已按时发出", "notice is out in time"))),
        Planned if late => Some((Blocked, because("公告未按时发出", "notice is late"))),
        Blocked if !late => Some((Planned, because("许可已恢复", "permission is back"))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use WindowState::*;

    const START: Timestamp = Timestamp(1_000);
    const END: Timestamp = Timestamp(2_000);

    fn known() -> Known {
        let admission = Admission::Admitted { notice_by: Some(Timestamp(500)) };
        Known { span: Span::new(START, END), admission, announced: Some(Timestamp(100)), restored: true }
    }

    #[track_caller]
    fn check(now: i64, from: WindowState, known: &Known, expected: Option<WindowState>) {
        assert_eq!(next(Timestamp(now), from, known).map(|(state, _)| state), expected);
    }

    #[test]
    fn a_window_runs_its_course() {
        check(0, Draft, &known(), Some(Planned));
        check(0, Planned, &known(), Some(Announced));
        check(999, Announced, &known(), None);
        check(1_000, Announced, &known(), Some(Active));
        check(1_999, Active, &known(), None);
        check(2_000, Active, &known(), Some(Completed));
    }

    #[test]
    fn overrun_starts_at_the_approved_end_and_lasts_until_restored() {
        let broken = Known { restored: false, ..known() };
        check(2_000, Active, &broken, Some(Overrun));
        check(9_000, Overrun, &broken, None);
        check(9_000, Overrun, &known(), Some(Completed));
    }

    #[test]
    fn late_notice_blocks_and_a_blocked_start_is_missed() {
        let late = Known { announced: Some(Timestamp(501)), ..known() };
        check(500, Planned, &late, None);
        check(501, Planned, &late, Some(Blocked));
        check(600, Blocked, &late, None);
        check(1_000, Blocked, &late, Some(Missed));
    }

    #[test]
    fn what_cannot_be_decided_stays_a_draft_and_what_is_denied_is_rejected() {
        let waiting = Known { admission: Admission::Waiting(because("", "needs 2 approvals")), ..known() };
        check(0, Draft, &waiting, None);
        check(0, Announced, &waiting, Some(Blocked));
        let denied = Known { admission: Admission::Denied(because("", "longer than 8 h")), ..known() };
        check(0, Draft, &denied, Some(Rejected));
    }

    #[test]
    fn terminal_states_never_change() {
        for state in [Completed, Rejected, Missed] {
            for now in [0, 1_000, 2_000, 9_000] {
                check(now, state, &known(), None);
            }
        }
    }
}
