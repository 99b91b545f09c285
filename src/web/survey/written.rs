//! One survey as JSON, as rows of a table for spreadsheets, and as the sheet that an owner signs.

use crate::domain::civil::Zone;
use crate::domain::survey::{Cell, DayKind, Days, Finding, FindingKind, Survey, Week, clock, days_text};
use crate::domain::*;
use crate::web::dto::{Rfc3339, at};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write;

/// What stands before the first row.
pub const CSV_HEAD: &str = "owner,subsystem,declared,declared_hours,effective_hours,observed,days_seen,days,finding,\
                            on_days,seen,low,high,text\r\n";

/// The declared and the observed hours of one subsystem.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SurveyDto {
    subsystem: String,
    name: Names,
    declared: String,
    declared_seconds: i64,
    effective_seconds: i64,
    /// The hours rest on a year whose holidays are not published.
    provisional: bool,
    from: Rfc3339,
    to: Rfc3339,
    days: u32,
    days_seen: u32,
    visits: u64,
    failed: u64,
    findings: Vec<FindingDto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weeks: Option<WeeksDto>,
}

/// Where declared hours and what was seen do not agree.
#[derive(Debug, Serialize, JsonSchema)]
struct FindingDto {
    kind: &'static str,
    days: Option<Names>,
    /// Local times, `17:00`.
    from: Option<String>,
    to: Option<String>,
    chain: Vec<Vec<String>>,
    occasions: u32,
    confirmed: u32,
    low: Option<f64>,
    high: Option<f64>,
    dates: Vec<String>,
    exceptions: Vec<String>,
    text: Names,
}

/// Seven rows, Monday first, of 24 cells each.
#[derive(Debug, Serialize, JsonSchema)]
struct WeeksDto {
    working: Vec<Vec<CellDto>>,
    non_working: Vec<Vec<CellDto>>,
}

/// One hour of the week.
#[derive(Debug, Serialize, JsonSchema)]
struct CellDto {
    days: u32,
    availability: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
}

impl SurveyDto {
    /// With the 2 × 168 cells if `weeks`.
    pub fn of(inventory: &Inventory, survey: &Survey, weeks: bool) -> Self {
        let subsystem = inventory.subsystems.get(&survey.subsystem);
        let week = |kind: DayKind| survey.weeks.iter().find(|w| w.kind == kind).map_or_else(Vec::new, cells);
        Self {
            subsystem: survey.subsystem.to_string(),
            name: subsystem.map(|s| s.name.clone()).unwrap_or_default(),
            declared: declared(inventory, survey),
            declared_seconds: survey.declared_ms / SECOND,
            effective_seconds: survey.effective_ms / SECOND,
            provisional: survey.provisional,
            from: at(survey.period.start),
            to: at(survey.period.end),
            days: survey.days,
            days_seen: survey.days_seen,
            visits: survey.visits.0,
            failed: survey.visits.1,
            findings: survey.findings.iter().map(|finding| FindingDto::of(inventory, finding)).collect(),
            weeks: weeks.then(|| WeeksDto { working: week(DayKind::Working), non_working: week(DayKind::NonWorking) }),
        }
    }
}

fn cells(week: &Week) -> Vec<Vec<CellDto>> {
    let cell = |cell: &Cell| CellDto {
        days: cell.days,
        availability: cell.availability(),
        low: cell.interval().map(|i| i.low),
        high: cell.interval().map(|i| i.high),
    };
    week.cells.iter().map(|row| row.iter().map(cell).collect()).collect()
}

impl FindingDto {
    fn of(inventory: &Inventory, finding: &Finding) -> Self {
        let (days, range) = place(&finding.kind);
        let chain = match &finding.kind {
            FindingKind::Shortened { chain, .. } => {
                chain.iter().map(|link| link.members.iter().map(ToString::to_string).collect()).collect()
            }
            _ => Vec::new(),
        };
        let dates = |dates: &[jiff::civil::Date]| dates.iter().map(ToString::to_string).collect();
        let interval = finding.interval();
        Self {
            kind: finding.kind.as_str(),
            days: days.map(days_text),
            from: range.map(|(from, _)| clock(from)),
            to: range.map(|(_, to)| clock(to)),
            chain,
            occasions: finding.occasions,
            confirmed: finding.confirmed,
            low: interval.map(|i| i.low),
            high: interval.map(|i| i.high),
            dates: dates(&finding.dates),
            exceptions: dates(&finding.exceptions),
            text: Names { zh: said(inventory, finding, Language::Zh), en: said(inventory, finding, Language::En) },
        }
    }
}

fn place(kind: &FindingKind) -> (Option<Days>, Option<(u16, u16)>) {
    match kind {
        FindingKind::ClosedDays(days) => (Some(*days), None),
        FindingKind::ClosedHours { days, from, to } | FindingKind::OpenLonger { days, from, to } => {
            (Some(*days), Some((*from, *to)))
        }
        FindingKind::IgnoresMakeUp => (Some(Days::MakeUp), None),
        FindingKind::NeverOpen | FindingKind::Shortened { .. } => (None, None),
    }
}

/// A finding as a sentence with the names of the inventory.
pub(in crate::web) fn said(inventory: &Inventory, finding: &Finding, language: Language) -> String {
    finding.sentence(language, |id| {
        inventory.subsystems.get(id).map_or_else(|| id.to_string(), |s| s.name.get(language).to_owned())
    })
}

fn declared(inventory: &Inventory, survey: &Survey) -> String {
    inventory.subsystems.get(&survey.subsystem).map_or_else(String::new, |s| s.hours.as_str().to_owned())
}

/// The share of visits that opened, `99.98 %`; a dash without any.
pub(in crate::web) fn observed(survey: &Survey) -> String {
    match survey.visits {
        (0, _) => "–".to_owned(),
        (visits, failed) => {
            // Cut, not rounded: what failed once is not 100 %.
            let hundredths = (visits - failed) * 10_000 / visits;
            format!("{}.{:02} %", hundredths / 100, hundredths % 100)
        }
    }
}

/// Everything as one JSON array.
pub fn json(inventory: &Inventory, surveys: &[Survey]) -> serde_json::Value {
    let all: Vec<SurveyDto> = surveys.iter().map(|survey| SurveyDto::of(inventory, survey, true)).collect();
    serde_json::to_value(all).unwrap_or_default()
}

/// A row for each finding; one without for a subsystem that has none.
pub fn csv(inventory: &Inventory, survey: &Survey, language: Language) -> String {
    let hours = |ms: Millis| format!("{:.1}", ms as f64 / HOUR as f64);
    let mut head: Vec<String> = vec![
        survey.subsystem.owner().to_string(),
        survey.subsystem.to_string(),
        declared(inventory, survey),
        hours(survey.declared_ms),
        hours(survey.effective_ms),
        observed(survey),
        survey.days_seen.to_string(),
        survey.days.to_string(),
    ];
    let row = |cells: &[String]| cells.iter().map(|text| guarded(text)).collect::<Vec<_>>().join(",") + "\r\n";
    if survey.findings.is_empty() {
        head.extend(std::iter::repeat_n(String::new(), 6));
        return row(&head);
    }
    let rows = survey.findings.iter().map(|finding| {
        let bound = |bound: Option<f64>| bound.map_or_else(String::new, |b| format!("{b:.4}"));
        let (number, interval) = (|n: u32| n.to_string(), finding.interval());
        let mut cells = head.clone();
        cells.extend([
            finding.kind.as_str().to_owned(),
            number(finding.confirmed),
            number(finding.occasions),
            bound(interval.map(|i| i.low)),
            bound(interval.map(|i| i.high)),
            said(inventory, finding, language),
        ]);
        row(&cells)
    });
    rows.collect()
}

/// Quoted where it must be; an apostrophe keeps spreadsheets from computing.
fn guarded(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{guard}{}\"", text.replace('"', "\"\"")),
        false => format!("{guard}{text}"),
    }
}

/// The sheet that one owner signs, in Markdown: what is declared, what was observed, what was found, lines to sign.
pub fn sheet(inventory: &Inventory, owner: &Owner, surveys: &[&Survey], language: Language) -> String {
    let zh = language == Language::Zh;
    let name = plain(owner.name.get(language));
    let period = surveys.first().map(|s| dates(&inventory.zone, s.period)).unwrap_or_default();
    let mut text = match zh {
        true => format!("# 服务时间确认单：{name}\n\n观测期：{period}\n\n"),
        false => format!("# Service hours to be signed: {name}\n\nObserved: {period}\n\n"),
    };
    text += match zh {
        true => "| 子系统 | 申报 | 有效（小时/周） | 观测可用率 | 观测天数 |\n|---|---|---:|---:|---:|\n",
        false => "| Subsystem | Declared | Effective, h a week | Observed | Days seen |\n|---|---|---:|---:|---:|\n",
    };
    for survey in surveys {
        let called = inventory.subsystems.get(&survey.subsystem).map_or("", |s| s.name.get(language));
        let weekly = survey.effective_ms as f64 / HOUR as f64 * (7 * DAY) as f64 / survey.period.len_ms().max(1) as f64;
        let _ = writeln!(
            text,
            "| {} ({}) | {} | {weekly:.1} | {} | {}/{} |",
            plain(called),
            survey.subsystem,
            plain(&declared(inventory, survey)),
            observed(survey),
            survey.days_seen,
            survey.days,
        );
    }
    text += if zh { "\n## 调查发现\n\n" } else { "\n## Findings\n\n" };
    let before = text.len();
    for survey in surveys {
        for finding in &survey.findings {
            let _ = writeln!(text, "- **{}**: {}", survey.subsystem, plain(&said(inventory, finding, language)));
        }
    }
    if text.len() == before {
        text += if zh { "未发现与申报不符之处。\n" } else { "Nothing contradicts what is declared.\n" };
    }
    text + match zh {
        true => {
            "\n## 确认\n\n☐ 申报属实，按此服务　　☐ 申报更正为：____________________\n\n姓名：______________　日期：______________　签字：______________\n"
        }
        false => {
            "\n## Confirmation\n\n☐ Declared as served   ☐ To be declared as: ____________________\n\nName: ______________   Date: ______________   Signature: ______________\n"
        }
    }
}

/// `2026-10-01 – 2026-12-31`.
pub(in crate::web) fn dates(zone: &Zone, period: Span) -> String {
    format!("{} – {}", zone.date(period.start), zone.date(period.end - 1))
}

/// Nothing in it is markup of a table.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_control()) {
        if matches!(c, '|' | '*' | '_' | '`' | '[' | ']' | '<' | '>' | '\\' | '#') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
