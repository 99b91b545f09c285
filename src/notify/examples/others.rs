//! What administrators get: digests, the report about a month, files that were refused; the canary, and a mail that many
//! share.

use super::{Example, names};
use crate::domain::*;

pub(super) fn every() -> Vec<Example> {
    let refused = "probes/a.yaml:3:5: unknown key `tir`\n  did you mean `tier`?";
    vec![
        Example::new("digest", Content::Digest(Box::new(digest()))),
        Example::new("digest_quiet", Content::Digest(Box::new(quiet()))),
        Example::new("canary", Content::Canary),
        Example::new("report", Content::Report(Box::new(report()))),
        Example::new("folded", Content::Folded(Box::new(folded()))),
        Example::new("folded_quiet", Content::Folded(Box::new(FoldedNews { quiet: true, ..folded() }))),
        Example::new("reload_refused", Content::ReloadRefused { text: refused.into() }),
    ]
}

/// The day before the example's, in Shanghai.
fn yesterday() -> Span {
    const MIDNIGHT: Timestamp = Timestamp(1_795_363_200_000);
    Span::new(MIDNIGHT - DAY, MIDNIGHT)
}

fn digest() -> DigestNews {
    let day = yesterday();
    let line = |n: u64, symptom, hour: i64, minutes: i64| DigestLine {
        incident: IncidentId(n),
        symptom,
        name: names("黄浦区一网通办频道", "Huangpu channel of the portal"),
        span: Span::lasting(day.start + hour * HOUR, minutes * MINUTE),
    };
    let coming = DigestWindow {
        window: "bdc-monthly.1f3a9c02".into(),
        name: names("大数据中心月度维护", "Monthly maintenance"),
        span: Span::lasting(day.end + 46 * HOUR, 4 * HOUR),
    };
    DigestNews {
        day,
        outages: vec![line(41, Symptom::Down, 9, 12), line(42, Symptom::Overrun, 26, 91)],
        open: vec![line(42, Symptom::Overrun, 26, 1_250)],
        windows: vec![coming],
        totals: [2, 1, 60],
        inspections: vec![
            site("黄浦区预约大厅", "Booking hall of Huangpu", -12),
            site("税务网上服务", "Tax services", 31),
        ],
        inspections_total: 2,
        dead_letters: 3,
        head: Some(EvidenceHead { day: "2026-11-22".into(), head: "3f".repeat(32) }),
    }
}

fn folded() -> FoldedNews {
    let line = |n: u32, minutes: i64, mark: &str, state| FoldedLine {
        thread: format!("INC-{n:04}"),
        subject: format!("[{mark}] 黄浦区一网通办频道 INC-{n:04}"),
        at: super::AT - HOUR + minutes * MINUTE,
        state,
    };
    let lines = vec![
        line(42, 0, "中断", FoldedState::Open),
        line(43, 1, "中断", FoldedState::Open),
        line(44, 2, "维护中", FoldedState::News),
        line(42, 5, "已恢复", FoldedState::Closed),
    ];
    FoldedNews { lines, quiet: false }
}

fn site(zh: &str, en: &str, left: i64) -> DigestInspection {
    DigestInspection { name: names(zh, en), visits: 10_080, failed: 503_u64.saturating_add_signed(-left), left }
}

fn quiet() -> DigestNews {
    let (outages, open, windows, inspections) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let rest = DigestNews { totals: [0; 3], inspections_total: 0, dead_letters: 0, head: None, ..digest() };
    DigestNews { outages, open, windows, inspections, ..rest }
}

/// In one language, as every report is.
fn report() -> ReportNews {
    let text = |s: &str| s.to_owned();
    ReportNews {
        period: text("2026-10"),
        title: text("黄浦区 2026 年 10 月可用率报告"),
        lead: text("本月 12 项承诺，10 项达标，1 项未达标，1 项无法判定。"),
        caveats: vec![text("11 月的法定日历尚为暂行")],
        totals: vec![(text("公开可用率"), text("99.9321%")), (text("合同可用率"), text("99.9514%"))],
        missed: vec![text("黄浦区一网通办频道：目标 99.9%，实际 99.8712%（99.8701% – 99.8790%）")],
        incidents: vec![text("INC-0007 黄浦区一网通办频道 中断，2026-10-12 09:14 起，47 分")],
        file: text("gengfu-huangpu-2026-10.html"),
        html: text("<!DOCTYPE html><html lang=\"zh-CN\"><title>2026-10</title><p>黄浦区</p></html>"),
    }
}
