//! The report as CSV: one row a promise, for spreadsheets.
//!
//! Invariant: no cell begins like a formula; lengths are whole seconds with three decimals, shares per cent with four.

use super::words::Words;
use super::{Line, Report};
use crate::domain::sla::{Cause, Ratio};
use crate::domain::{Language, Millis};

/// What spreadsheets open as UTF-8.
const BOM: &str = "\u{feff}";

/// The table; `bom` puts the mark in front by which spreadsheets know UTF-8.
///
/// # Errors
/// If a row cannot be written, which memory never refuses.
pub fn csv(report: &Report, language: Language, bom: bool) -> Result<String, csv::Error> {
    let w = Words::of(report, language);
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(head(&w))?;
    for line in report.subsystems.iter().chain(&report.composites) {
        table.write_record(cells(report, line, &w).iter().map(|cell| harmless(cell)))?;
    }
    let bytes = table.into_inner().map_err(|e| csv::Error::from(e.into_error()))?;
    let text = String::from_utf8(bytes).unwrap_or_default();
    Ok(if bom { format!("{BOM}{text}") } else { text })
}

fn head(w: &Words<'_>) -> Vec<String> {
    let fixed = [
        ("周期", "period"),
        ("单位", "owner"),
        ("编号", "id"),
        ("名称", "name"),
        ("等级", "tier"),
        ("面向公众", "public"),
        ("服务时间", "hours"),
        ("目标 %", "target %"),
        ("口径", "agreed"),
        ("结论", "verdict"),
        ("公众 %", "public %"),
        ("公众下限 %", "public low %"),
        ("公众上限 %", "public high %"),
        ("合同 %", "contract %"),
        ("合同下限 %", "contract low %"),
        ("合同上限 %", "contract high %"),
        ("公众（更正前） %", "public as measured %"),
        ("合同（更正前） %", "contract as measured %"),
        ("质量 %", "quality %"),
        ("较上期（百分点）", "change (points)"),
        ("监测 秒", "watched s"),
        ("正常 秒", "good s"),
        ("降级 秒", "degraded s"),
        ("中断 秒", "down s"),
        ("未知 秒", "unknown s"),
        ("预算 秒", "budget s"),
        ("预算余 秒", "budget left s"),
        ("维护扣除 秒", "left out s"),
        ("维护上限 秒", "allowed s"),
        ("违规 秒", "violations s"),
    ];
    let fixed = fixed.into_iter().map(|(zh, en)| w.say(zh, en).to_owned());
    let causes =
        Cause::ALL.map(|cause| format!("{}{}{}", w.say("已用：", "spent: "), w.cause(cause), w.say(" 秒", " s")));
    fixed.chain(causes).chain([w.say("备注", "marks").to_owned()]).collect()
}

fn cells(report: &Report, line: &Line, w: &Words<'_>) -> Vec<String> {
    let a = &line.account;
    let share =
        |ratio: Option<Ratio>| ratio.map_or_else(String::new, |r| r.percent_against(line.target_ppm).replace(" %", ""));
    let mut cells = vec![
        report.period.to_string(),
        line.owner.as_ref().map(ToString::to_string).unwrap_or_default(),
        line.id.clone(),
        w.name(&line.name).to_owned(),
        line.tier.map(|tier| u8::from(tier).to_string()).unwrap_or_default(),
        (if line.public { w.say("是", "yes") } else { w.say("否", "no") }).to_owned(),
        line.hours.clone(),
        (f64::from(line.target_ppm) / 1e4).to_string(),
        w.figure(line.figure).to_owned(),
        w.verdict(a.verdict).to_owned(),
    ];
    for figure in [&a.public, &a.contract] {
        cells.extend([share(figure.value), share(figure.low), share(figure.high)]);
    }
    let measured = line.measured.as_ref();
    cells.extend([measured.and_then(|m| m.public.value), measured.and_then(|m| m.contract.value)].map(share));
    cells.push(share(a.quality()));
    cells.push(line.change_ppm().map(points).unwrap_or_default());
    let lengths = [
        a.elapsed_ms,
        a.good_ms,
        a.degraded_ms,
        a.bad_ms,
        a.unknown_ms,
        a.budget_ms,
        a.budget_left_ms(),
        a.excluded_ms,
        line.allowed_ms,
        a.policy_violation_ms,
    ];
    cells.extend(lengths.map(seconds));
    cells.extend(Cause::ALL.map(|cause| seconds(a.spent_ms.get(&cause).copied().unwrap_or_default())));
    cells.push(w.marks(line));
    cells
}

fn points(ppm: i64) -> String {
    format!("{}{}.{:04}", if ppm < 0 { "-" } else { "" }, ppm.abs() / 10_000, ppm.abs() % 10_000)
}

fn seconds(ms: Millis) -> String {
    format!("{}{}.{:03}", if ms < 0 { "-" } else { "" }, ms.abs() / 1_000, ms.abs() % 1_000)
}

/// A cell that begins like a formula, and is no number, is made text.
fn harmless(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && cell.parse::<f64>().is_err();
    if formula { format!("'{cell}") } else { cell.to_owned() }
}
