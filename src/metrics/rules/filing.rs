//! The rule about what has to be reported to an authority: the mails say so too, but a deadline of the law may be watched
//! twice.

use super::{Alert, Group, Rule};

pub(super) fn group() -> Group {
    let overdue = Alert {
        name: "GengfuFilingOverdue",
        expr: "gengfu_filings_open{standing=\"overdue\"} > 0".to_owned(),
        lasts: "",
        severity: "page",
        runbook: "filing-overdue",
        summary: ["{{ $value }} 起中断的上报已逾期", "{{ $value }} reports to the authority are overdue"],
        description: [
            "法定时限已过，没有人记录已报送，也没有人判定无须上报。更夫不会替人报送。",
            "The legal time has passed, and nobody said that the report was sent or that none is due. gengfu sends none by itself.",
        ],
    };
    Group { name: "gengfu-filings", rules: vec![Rule::Alert(overdue)] }
}
