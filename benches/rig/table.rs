//! The table that the benchmarks print: each figure beside its goal, and what it cost in wall time and CPU.
//!
//! Not here: measuring. Invariant: a missed goal is printed, never an exit code; a benchmark is not a test.

use super::cpu::Spent;
use std::io::Write;

/// What a figure is held against.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// Not less than this.
    AtLeast(f64),
    /// Not more than this.
    AtMost(f64),
    /// No goal; for comparison.
    None,
}

/// How a figure is written.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    /// A plain count: `1 234 567`.
    Count,
    /// So many times another: `6.1 ×`.
    Times,
    /// With a suffix, three digits behind the point: `0.123 s`.
    Of(&'static str),
}

impl Unit {
    fn write(self, value: f64) -> String {
        match self {
            Self::Count => grouped(value),
            Self::Times => format!("{value:.2} ×"),
            Self::Of(unit) if value >= 100.0 => format!("{} {unit}", grouped(value)),
            Self::Of(unit) => format!("{value:.3} {unit}"),
        }
    }
}

/// Thousands are set apart by a blank.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Prints a heading and the head of a table.
pub(crate) fn head(title: &str) {
    let rule = "-".repeat(53);
    say(&format!(
        "\n{title}\n\n| {:<58} | {:>14} | {:>14} | {:<6} | {:>7} | {:>7} |",
        "what", "figure", "goal", "", "wall s", "CPU s"
    ));
    say(&format!("|{rule}-------|---------------:|---------------:|--------|--------:|--------:|"));
}

/// Prints one row.
pub(crate) fn row(what: &str, unit: Unit, value: f64, goal: Goal, spent: Spent) {
    let (wanted, verdict) = match goal {
        Goal::AtLeast(goal) => (format!("≥ {}", unit.write(goal)), value >= goal),
        Goal::AtMost(goal) => (format!("≤ {}", unit.write(goal)), value <= goal),
        Goal::None => (String::new(), true),
    };
    let verdict = match (goal, verdict) {
        (Goal::None, _) => "",
        (_, true) => "met",
        (_, false) => "MISSED",
    };
    let Spent { wall_s, cpu_s } = spent;
    let figure = unit.write(value);
    say(&format!("| {what:<58} | {figure:>14} | {wanted:>14} | {verdict:<6} | {wall_s:>7.2} | {cpu_s:>7.2} |"));
}

/// Prints a line.
pub(crate) fn say(line: &str) {
    // Whoever closed the pipe wants no more of it.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
