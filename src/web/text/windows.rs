//! Words about windows: what changed for readers, and what people decided.

use super::Texts;
use crate::domain::window::{Amendment, Change, Decided};

impl Texts {
    /// What changed about a window.
    pub(in crate::web) fn change(&self, change: Change) -> &'static str {
        match change {
            Change::Announced => self.pick("维护预告", "Maintenance announced"),
            Change::Moved => self.pick("维护改期", "Maintenance moved"),
            Change::Shortened => self.pick("维护缩短", "Maintenance shortened"),
            Change::Extended => self.pick("维护延长", "Maintenance extended"),
            Change::Rescoped => self.pick("维护范围变更", "Maintenance changed in scope"),
            Change::Started => self.pick("维护开始", "Maintenance started"),
            Change::FinishedEarly => self.pick("维护提前结束", "Maintenance finished early"),
            Change::Finished => self.pick("维护结束", "Maintenance finished"),
            Change::Cancelled => self.pick("维护取消", "Maintenance cancelled"),
            Change::Overrun => self.pick("维护超时", "Maintenance overruns"),
        }
    }

    /// What somebody decided about a window.
    pub(in crate::web) fn decided(&self, what: &Decided) -> &'static str {
        let amendment = match what {
            Decided::Requested(_) => return self.pick("申请", "asked for it"),
            Decided::ApprovedText(_) => return self.pick("批准计划文本", "approved its schedule"),
            Decided::Amended(amendment) => amendment,
        };
        match amendment {
            Amendment::Approved { .. } => self.pick("批准", "approved"),
            Amendment::Skipped => self.pick("跳过本次", "skipped it"),
            Amendment::Cancelled => self.pick("取消", "called it off"),
            Amendment::Moved { .. } => self.pick("改期", "moved it"),
            Amendment::Shortened { .. } => self.pick("缩短", "shortened it"),
            Amendment::ExtensionAsked { .. } => self.pick("申请延长", "asked for a later end"),
            Amendment::Extended { .. } => self.pick("延长", "extended it"),
            Amendment::Waived => self.pick("照常开始", "started it in spite of obstacles"),
            Amendment::Finished => self.pick("完工", "said that it is done"),
            Amendment::Aborted => self.pick("中止", "aborted it"),
        }
    }
}
