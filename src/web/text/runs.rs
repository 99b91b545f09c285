//! Words about runs of plans: where one stands, what was done about a step, and what came of it.
//!
//! Not here: what steps said, which may name hosts.

use super::Texts;
use crate::domain::plan::{Deed, End, Ending, Resolution, RunState, Seen};

impl Texts {
    /// Where a run stands.
    pub(in crate::web) fn run_state(&self, state: RunState) -> &'static str {
        match state {
            RunState::Running => self.pick("执行中", "running"),
            RunState::Parked => self.pick("等待处理", "waits for a person"),
            RunState::Aborting => self.pick("回退中", "turns back"),
            RunState::Done => self.pick("已完成", "done"),
            RunState::Undone => self.pick("已回退", "taken back"),
            RunState::Broken => self.pick("有遗留", "left something behind"),
        }
    }

    /// How far a step, or its undo, is; by the words of the API.
    pub(in crate::web) fn step_state(&self, state: &str) -> &'static str {
        match state {
            "running" => self.pick("执行中", "running"),
            "done" => self.pick("已完成", "done"),
            "failed" => self.pick("失败", "failed"),
            "unknown" => self.pick("结果未知", "result unknown"),
            "given_up" => self.pick("留待人工", "left to people"),
            _ => self.pick("未开始", "not begun"),
        }
    }

    /// What is about to be tried.
    pub(in crate::web) fn intent(&self, deed: Deed) -> &'static str {
        match deed {
            Deed::Do => self.pick("准备执行", "about to do it"),
            Deed::Undo => self.pick("准备回退", "about to undo it"),
            Deed::Observe => self.pick("准备查看", "about to look"),
            Deed::Restore => self.pick("准备恢复", "about to restore"),
        }
    }

    /// What came of it.
    pub(in crate::web) fn result(&self, deed: Deed, end: &End) -> &'static str {
        match (end, deed) {
            (End::Done { .. }, Deed::Do | Deed::Observe) => self.pick("已执行", "done"),
            (End::Done { .. }, Deed::Undo) => self.pick("已回退", "undone"),
            (End::Done { .. }, Deed::Restore) => self.pick("已恢复", "restored"),
            (End::Failed { .. }, _) => self.pick("未成功", "did not succeed"),
            (End::Unknown { .. }, _) => self.pick("结果未知", "nobody knows what came of it"),
            (End::Withheld { .. }, _) => self.pick("未执行", "was not tried"),
            (End::GivenUp { .. }, _) => self.pick("留待人工", "left to people"),
            (End::Saw { seen, .. }, _) => match seen {
                Seen::Present => self.pick("查看：已生效", "seen: the effect is there"),
                Seen::Absent => self.pick("查看：未生效", "seen: the effect is not there"),
                Seen::Unclear => self.pick("查看：无法判断", "looked, and cannot tell"),
            },
        }
    }

    /// What a person said about a parked run.
    pub(in crate::web) fn verdict_of(&self, verdict: Resolution) -> &'static str {
        match verdict {
            Resolution::Done => self.pick("人工确认已执行，继续", "a person says that it was done; it goes on"),
            Resolution::Again => self.pick("人工要求重试", "a person asks for another try"),
        }
    }

    /// How a run ended.
    pub(in crate::web) fn ending(&self, how: Ending) -> &'static str {
        match how {
            Ending::Done => self.pick("全部完成，已恢复服务", "all was done, everything is in service"),
            Ending::Undone => self.pick("已全部回退，已恢复服务", "all was taken back, everything is in service"),
            Ending::Broken => {
                self.pick("已恢复服务，部分步骤未能回退", "everything is in service; something was not taken back")
            }
        }
    }

    /// Other moments of a run.
    pub(in crate::web) fn moment(&self, moment: RunMoment) -> &'static str {
        match moment {
            RunMoment::Leased => self.pick("进程接管", "a process took it over"),
            RunMoment::Moved => self.pick("窗口时间变更", "its window has another time"),
            RunMoment::Approved => self.pick("已批准", "let pass"),
            RunMoment::Parked => self.pick("停下等待人工", "waits for a person"),
            RunMoment::Aborting => self.pick("开始回退", "turns back"),
        }
    }
}

/// Moments that are not about one deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum RunMoment {
    /// Another process.
    Leased,
    /// Another time.
    Moved,
    /// A person let a step pass.
    Approved,
    /// It cannot help itself.
    Parked,
    /// It goes back.
    Aborting,
}
