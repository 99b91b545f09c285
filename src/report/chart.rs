//! Charts as inline SVG: no script, no font, nothing from elsewhere; readable in print and without colours.
//!
//! Invariant: what is drawn are numbers and names of periods, so nothing needs to be escaped.

use super::Report;
use super::words::Words;
use crate::domain::sla::{Cause, Grain, Period, Share};
use crate::domain::{HOUR, MINUTE, Millis};
use std::fmt::Write;

const WIDTH: i64 = 700;
const HEIGHT: i64 = 150;
const LEFT: i64 = 54;
const BOTTOM: i64 = 20;
const TOP: i64 = 8;

/// The part of a share that a layer shows.
type Length = fn(&Share) -> Millis;

/// What is stacked in a column, from the bottom: the class of its colour, and how much.
const LAYERS: [(&str, Length); 6] = [
    ("incident", |s| spent(s, Cause::Incident)),
    ("overrun", |s| spent(s, Cause::Overrun)),
    ("undeclared", |s| spent(s, Cause::UndeclaredMaintenance)),
    ("policy", |s| spent(s, Cause::PolicyViolation)),
    ("emergency", |s| spent(s, Cause::Emergency)),
    ("unknown", |s| s.seen.unknown_ms),
];

fn spent(share: &Share, cause: Cause) -> Millis {
    share.spent_ms.get(&cause).copied().unwrap_or_default()
}

/// One entry of the legend.
pub(super) struct Key {
    pub(super) css: &'static str,
    pub(super) name: &'static str,
    pub(super) length: String,
}

/// What the colours mean, with sums; what did not happen is left out.
pub(super) fn keys(report: &Report, w: &Words<'_>) -> Vec<Key> {
    let share = &report.whole.totals.share;
    let names = [
        w.cause(Cause::Incident),
        w.cause(Cause::Overrun),
        w.cause(Cause::UndeclaredMaintenance),
        w.cause(Cause::PolicyViolation),
        w.cause(Cause::Emergency),
        w.say("未知", "unknown"),
    ];
    let all = LAYERS.iter().zip(names).map(|((css, of), name)| (*css, name, of(share)));
    all.filter(|(_, _, ms)| *ms > 0).map(|(css, name, ms)| Key { css, name, length: w.length(ms) }).collect()
}

/// Lost and unknown time by day, week or month; empty where there are no columns.
pub(super) fn columns(report: &Report, w: &Words<'_>) -> String {
    let columns: Vec<(Period, &Share)> = report.columns.iter().filter_map(|(p, s)| Some(((*p)?, s))).collect();
    let height = |share: &Share| LAYERS.iter().map(|(_, of)| of(share)).sum::<Millis>();
    let top = columns.iter().map(|(_, share)| height(share)).max().unwrap_or_default();
    if columns.len() < 2 || top == 0 {
        return String::new();
    }
    let top = round_up(top);
    let count = i64::try_from(columns.len()).unwrap_or(1);
    let (plot_w, plot_h) = (WIDTH - LEFT, HEIGHT - TOP - BOTTOM);
    let x = |i: i64| LEFT as f64 + plot_w as f64 * i as f64 / count as f64;
    let y = |ms: Millis| (TOP + plot_h) as f64 - plot_h as f64 * ms as f64 / top as f64;
    let label = w.say("中断与未知时间", "Lost and unknown time");
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{label}\" xmlns=\"http://www.w3.org/2000/svg\">"
    );
    for part in 0..=2 {
        let (ms, line) = (top * part / 2, y(top * part / 2));
        put(&mut svg, format_args!("<path class=\"grid\" d=\"M{LEFT} {line:.1}H{WIDTH}\"/>"));
        let text = w.length(ms);
        put(
            &mut svg,
            format_args!("<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>", LEFT - 5, line + 3.0),
        );
    }
    let bar = (plot_w as f64 / count as f64 * 0.72).max(2.0);
    for (i, (period, share)) in (0..).zip(&columns) {
        let (left, mut stacked) = (x(i) + (plot_w as f64 / count as f64 - bar) / 2.0, 0);
        let total = w.length(height(share));
        put(&mut svg, format_args!("<g><title>{}: {total}</title>", period.label(w.language)));
        for (css, of) in LAYERS {
            let ms = of(share);
            if ms > 0 {
                let (from, to) = (y(stacked), y(stacked + ms));
                let size = (from - to).max(0.6);
                put(
                    &mut svg,
                    format_args!(
                        "<rect class=\"{css}\" x=\"{left:.1}\" y=\"{to:.1}\" width=\"{bar:.1}\" height=\"{size:.1}\"/>"
                    ),
                );
                stacked += ms;
            }
        }
        svg.push_str("</g>");
        if count <= 12 || i % 5 == 0 || i + 1 == count {
            let middle = x(i) + plot_w as f64 / count as f64 / 2.0;
            let name = short(*period);
            put(
                &mut svg,
                format_args!("<text x=\"{middle:.1}\" y=\"{}\" text-anchor=\"middle\">{name}</text>", HEIGHT - 5),
            );
        }
    }
    svg.push_str("</svg>");
    svg
}

/// A line whose length is a share of the worst one: how far a figure and its bounds lie below 100 %.
pub(super) fn gap(low: f64, value: f64, high: f64, worst: f64) -> String {
    let width = 120.0;
    let x = |share: f64| width * ((1.0 - share) / worst.max(1e-9)).clamp(0.0, 1.0);
    let (a, b, at) = (x(high), x(low), x(value));
    format!(
        "<svg class=\"gap\" viewBox=\"0 0 {width} 10\" aria-hidden=\"true\" xmlns=\"http://www.w3.org/2000/svg\"><path class=\"grid\" d=\"M0 5H{width}\"/><rect class=\"unknown\" x=\"{a:.1}\" y=\"2\" width=\"{:.1}\" height=\"6\"/><rect class=\"incident\" x=\"0\" y=\"3\" width=\"{at:.1}\" height=\"4\"/></svg>",
        (b - a).max(0.0)
    )
}

/// What stands under a column: a day's number, a week's, a month's.
fn short(period: Period) -> String {
    match period {
        Period::Civil(Grain::Week, _) => period.to_string().split('W').nth(1).unwrap_or_default().to_owned(),
        Period::Civil(Grain::Month, first) => first.month().to_string(),
        Period::Civil(_, first) => first.day().to_string(),
        other => other.to_string(),
    }
}

/// The next length that reads well on an axis.
fn round_up(ms: Millis) -> Millis {
    let steps =
        [MINUTE, 2 * MINUTE, 4 * MINUTE, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR];
    let days = 24 * HOUR;
    let found = steps.into_iter().chain([12 * HOUR]).find(|step| *step >= ms);
    found.unwrap_or_else(|| {
        let mut step = 2 * days;
        while step < ms {
            step *= 2;
        }
        if ms <= days { days } else { step }
    })
}

fn put(svg: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing into memory cannot fail.
    let _ = svg.write_fmt(what);
}
