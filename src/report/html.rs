//! The report as one HTML file that needs nothing else: on the screen, and on A4.
//!
//! Invariants: it loads nothing from anywhere; rows are not cut in two and heads are repeated where a page ends; text from
//! files and targets is escaped by the template.

use super::chart::{self, Key};
use super::markdown::totals;
use super::words::Words;
use super::{Line, Ranked, Report, Stamp};
use crate::domain::Language;
use crate::domain::sla::Verdict;
use askama::Template;

/// Rows of one table; what is left out is counted.
const ROWS_MAX: usize = 2_000;

#[derive(Template)]
#[template(path = "report/templates/report.html")]
struct Page<'a> {
    w: Words<'a>,
    r: &'a Report,
    lang: &'static str,
    title: String,
    summary: String,
    caveats: Vec<String>,
    totals: Vec<(&'static str, String)>,
    chart: String,
    keys: Vec<Key>,
    places: Vec<Place<'a>>,
    tables: Vec<Table<'a>>,
    owners: Vec<Vec<String>>,
    incidents: Vec<Vec<String>>,
    windows: Vec<Vec<String>>,
    corrections: Vec<[String; 6]>,
    as_of: String,
    version: &'static str,
    stamp: Option<Stamp>,
}

struct Place<'a> {
    of: &'a Ranked,
    value: String,
    bounds: String,
    gap: String,
}

/// Promises under one heading.
struct Table<'a> {
    title: &'static str,
    rows: Vec<Row<'a>>,
    more: usize,
}

struct Row<'a> {
    name: &'a str,
    id: &'a str,
    target: String,
    agreed: &'static str,
    public: String,
    contract: String,
    bounds: String,
    verdict: &'static str,
    css: &'static str,
    change: String,
    left: String,
    is_over: bool,
    quality: String,
    /// Unknown, excluded and violating time, where there is any.
    beside: Vec<String>,
    marks: String,
    measured: [String; 2],
}

/// Prints it in one language.
///
/// # Errors
/// If the template cannot be printed, which memory never refuses.
pub fn html(report: &Report, language: Language) -> Result<String, askama::Error> {
    let w = Words::of(report, language);
    let mut tables = vec![table(w.say("子系统", "Subsystems"), &report.subsystems, &w)];
    if !report.composites.is_empty() {
        tables.push(table(w.say("事项（不计入合计）", "Matters (not in the sums)"), &report.composites, &w));
    }
    Page {
        lang: if language == Language::Zh { "zh-CN" } else { "en" },
        title: w.title(report),
        summary: w.summary(report),
        caveats: w.caveats(report),
        totals: totals(report, &w),
        chart: chart::columns(report, &w),
        keys: chart::keys(report, &w),
        places: places(report, &w),
        owners: owners(report, &w),
        incidents: incidents(report, &w),
        windows: windows(report, &w),
        corrections: report.corrections.iter().take(ROWS_MAX).map(|line| w.correction(line)).collect(),
        as_of: w.time(report.at),
        version: env!("CARGO_PKG_VERSION"),
        stamp: Stamp::of(report, language),
        tables,
        r: report,
        w,
    }
    .render()
}

fn places<'a>(report: &'a Report, w: &Words<'_>) -> Vec<Place<'a>> {
    let ranked = &report.league.ranked;
    let lows = ranked.iter().filter_map(|place| place.figure.low);
    let worst = lows.map(|low| 1.0 - low.as_f64()).fold(0.0, f64::max);
    let place = |of: &'a Ranked| {
        let share = |ratio: Option<crate::domain::sla::Ratio>| ratio.map_or(1.0, crate::domain::sla::Ratio::as_f64);
        let [low, value, high] = [of.figure.low, of.figure.value, of.figure.high].map(share);
        Place {
            of,
            value: w.share(of.figure.value, 1_000_000),
            bounds: w.bounds(&of.figure, 1_000_000),
            gap: chart::gap(low, value, high, worst),
        }
    };
    ranked.iter().map(place).collect()
}

fn table<'a>(title: &'static str, lines: &'a [Line], w: &Words<'_>) -> Table<'a> {
    let row = |line: &'a Line| {
        let account = &line.account;
        Row {
            name: line.name.get(w.language),
            id: &line.id,
            target: w.target(line.target_ppm),
            agreed: w.figure(line.figure),
            public: w.share(account.public.value, line.target_ppm),
            contract: w.share(account.contract.value, line.target_ppm),
            bounds: w.bounds(line.agreed(), line.target_ppm),
            verdict: w.verdict(account.verdict),
            css: match account.verdict {
                Verdict::Met => "met",
                Verdict::Missed => "missed",
                Verdict::Undetermined => "open",
            },
            change: w.change(line.change_ppm()),
            left: w.length(account.budget_left_ms()),
            is_over: account.budget_left_ms() < 0,
            quality: w.share(account.quality(), 1_000_000),
            beside: beside(line, w),
            marks: w.marks(line),
            measured: measured(line, w),
        }
    };
    Table { title, rows: lines.iter().take(ROWS_MAX).map(row).collect(), more: lines.len().saturating_sub(ROWS_MAX) }
}

/// Unknown, excluded and violating time, where there is any.
fn beside(line: &Line, w: &Words<'_>) -> Vec<String> {
    let account = &line.account;
    let all = [
        (w.say("未知", "unknown"), account.unknown_ms),
        (w.say("扣除", "left out"), account.excluded_ms),
        (w.say("违规", "violation"), account.policy_violation_ms),
    ];
    all.into_iter().filter(|(_, ms)| *ms > 0).map(|(name, ms)| format!("{name} {}", w.length(ms))).collect()
}

/// The public and the contract figure without corrections; empty where nobody corrected.
fn measured(line: &Line, w: &Words<'_>) -> [String; 2] {
    let figures = line.measured.as_ref().map(|measured| [measured.public.value, measured.contract.value]);
    let shown = |share| format!("{} {}", w.say("更正前", "measured"), w.share(share, line.target_ppm));
    figures.map(|both| both.map(shown)).unwrap_or_default()
}

fn owners(report: &Report, w: &Words<'_>) -> Vec<Vec<String>> {
    let row = |owner: &super::OwnerLine| {
        let totals = &owner.sum.totals;
        let agreed = owner.sum.agreed.bounded();
        vec![
            w.name(&owner.name).to_owned(),
            owner.promises.to_string(),
            format!("{} / {} / {}", totals.met, totals.missed, totals.undetermined),
            w.share(totals.public().value, 1_000_000),
            w.share(agreed.value, 1_000_000),
            w.bounds(&agreed, 1_000_000),
            w.change(owner.sum.change_ppm()),
            w.length(totals.share.spent_total_ms()),
            w.length(totals.share.seen.unknown_ms),
            format!("{} / {}", w.length(totals.share.excluded_ms), w.length(owner.sum.allowed_ms)),
            w.length(totals.share.policy_violation_ms),
        ]
    };
    report.owners.iter().map(row).collect()
}

fn incidents(report: &Report, w: &Words<'_>) -> Vec<Vec<String>> {
    let row = |incident: &super::IncidentLine| {
        let others = match incident.affected {
            0 => String::new(),
            n => format!(" +{n}"),
        };
        vec![
            incident.id.to_string(),
            format!("{}{others}", w.name(&incident.name)),
            w.symptom(incident.symptom).to_owned(),
            w.span(incident.span),
            w.length(incident.share.seen.bad_ms),
            incident.reason.as_ref().map_or_else(|| "–".to_owned(), |r| r.text.clone()),
            w.who(incident),
        ]
    };
    report.incidents.iter().take(ROWS_MAX).map(row).collect()
}

fn windows(report: &Report, w: &Words<'_>) -> Vec<Vec<String>> {
    let row = |window: &super::WindowLine| {
        vec![
            w.name(&window.name).to_owned(),
            w.name(&window.owner).to_owned(),
            w.span(window.approved),
            w.length(window.used.len_ms()),
            w.length(window.share.excluded_ms),
            w.length(window.overrun_ms()),
            w.length(window.share.policy_violation_ms),
            w.standing(window),
        ]
    };
    report.windows.iter().take(ROWS_MAX).map(row).collect()
}
