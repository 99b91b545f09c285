//! Changes of one window: what each asks of the window's state, and of policy.
//!
//! Invariants: nothing that is over changes; a later time has to be admitted like a new one; an end is moved only before
//! it has passed.

use super::refusals::{Refused, refuse, state_refusal, too_long};
use super::requests::OVERRIDE_MAX;
use super::*;
use crate::domain::window::{LENGTH_MAX, WindowState};

impl Engine {
    pub(super) fn moved(&self, window: &Window, to: Timestamp, lasts_ms: Option<Millis>) -> Result<Amendment, Refused> {
        let amendment = |to| pending(window, Amendment::Moved { to });
        let span = Span::lasting(to, lasts_ms.unwrap_or(window.span.len_ms()));
        amendment(span)?;
        if window.emergency.is_some() {
            return Err(state_refusal(window, "是紧急维护，不能改期", "is an emergency and cannot be moved"));
        }
        self.in_range(span)?;
        self.holds_its_plan(window, span)?;
        self.admissible(window, span)?;
        amendment(span)
    }

    pub(super) fn shortened(&self, window: &Window, end: Timestamp) -> Result<Amendment, Refused> {
        if window.state.is_terminal() || window.is_past_its_end() {
            return Err(state_refusal(window, "已结束或已超时", "is over, or past its approved end"));
        }
        let earliest = window.span.start.max(self.now) + 1;
        if end < earliest || end >= window.span.end {
            return Err(refuse(
                WhyNot::Senseless,
                "新的结束时间须晚于现在和开始时间，早于原结束时间",
                "the new end must lie after now and after the start, and before the present end",
            ));
        }
        self.holds_its_plan(window, Span::new(window.span.start, end))?;
        Ok(Amendment::Shortened { end })
    }

    /// A later end: inside policy, without new notice, and approved where the window had to be.
    pub(super) fn extended(&self, window: &Window, end: Timestamp) -> Result<Amendment, Refused> {
        if window.state.is_pending() {
            return Err(state_refusal(
                window,
                "尚未开始；请用 move --for 改变时长",
                "has not begun: change its length with `move --for`",
            ));
        }
        if !window.state.is_running() || window.is_past_its_end() || self.now >= window.span.end {
            return Err(state_refusal(
                window,
                "已结束或已超时；延长须在批准的结束时间之前提出",
                "is over, or past its approved end; an extension must be asked for before that",
            ));
        }
        if end <= window.span.end {
            return Err(refuse(
                WhyNot::Senseless,
                "新的结束时间须晚于原结束时间",
                "the new end is not later than the present one",
            ));
        }
        let longer = Span::new(window.span.start, end);
        if window.emergency.is_some() {
            too_long(longer, OVERRIDE_MAX)?;
        } else {
            too_long(longer, LENGTH_MAX)?;
            self.admissible(window, longer)?;
        }
        let missing = self.missing_for(window, longer);
        Ok(if missing { Amendment::ExtensionAsked { end } } else { Amendment::Extended { end } })
    }

    /// Whether approvals are missing for another time of this window.
    pub(super) fn missing_for(&self, window: &Window, span: Span) -> bool {
        let other = Window { span, ..window.clone() };
        matches!(self.admission(&other), window::lifecycle::Admission::Waiting(_))
    }

    fn admissible(&self, window: &Window, span: Span) -> Result<(), Refused> {
        self.judged(&Window { span, ..window.clone() })
    }
}

pub(super) fn pending(window: &Window, amendment: Amendment) -> Result<Amendment, Refused> {
    if window.state.is_pending() {
        return Ok(amendment);
    }
    if window.state.is_running() {
        return Err(state_refusal(window, "已开始；请用 finish 或 abort", "has begun: use `finish` or `abort`"));
    }
    Err(state_refusal(window, "已结束", "is over"))
}

pub(super) fn at_work(window: &Window, amendment: Amendment) -> Result<Amendment, Refused> {
    if matches!(window.state, WindowState::Entering | WindowState::Active) {
        return Ok(amendment);
    }
    Err(state_refusal(window, "并未在进行", "is not at work"))
}

pub(super) fn finished(window: &Window, known: &window::lifecycle::Known) -> Result<Amendment, Refused> {
    use window::lifecycle::Service;
    match window.state {
        WindowState::Active => Ok(Amendment::Finished),
        WindowState::Stuck if known.service == Service::Bad => Err(state_refusal(
            window,
            "服务尚未恢复，恢复后再报告完工",
            "has subsystems that are not up yet; report it done once they are",
        )),
        WindowState::Stuck => Ok(Amendment::Finished),
        WindowState::Overrun => {
            Err(state_refusal(window, "服务恢复后会自动验证", "is verified by itself as soon as its subsystems are up"))
        }
        _ => Err(state_refusal(window, "并未在进行", "is not at work")),
    }
}
