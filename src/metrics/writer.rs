//! A writer of the Prometheus text format for families that are read from a snapshot.
//!
//! A family is opened once and its series follow it. Label text is escaped once per target and reused by every family.

use super::families;
use std::fmt::Write;

/// Text of several families.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
}

/// Escaped `name="value"` pairs without braces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(String);

impl Labels {
    /// Escapes the values; names come from the table.
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        let mut text = String::with_capacity(96);
        for (name, value) in pairs {
            push_pair(&mut text, name, value);
        }
        Self(text)
    }
}

fn push_pair(text: &mut String, name: &str, value: &str) {
    if !text.is_empty() {
        text.push(',');
    }
    text.push_str(name);
    text.push_str("=\"");
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
    text.push('"');
}

/// A family that is being written.
#[derive(Debug)]
pub struct Series<'a> {
    page: &'a mut Page,
    name: &'static str,
}

impl Page {
    /// A page that goes on after `text`.
    pub fn after(text: String) -> Self {
        Self { text }
    }

    /// Opens a family of the table: its help and type lines.
    pub fn family(&mut self, name: &'static str) -> Series<'_> {
        if let Some(f) = families::find(name) {
            let _ = writeln!(self.text, "# HELP {name} {}\n# TYPE {name} {}", f.help, f.kind.as_str());
        }
        Series { page: self, name }
    }

    /// The text.
    pub fn into_text(self) -> String {
        self.text
    }
}

impl Series<'_> {
    /// Writes one sample.
    pub fn sample(&mut self, labels: &Labels, value: f64) {
        self.line("", labels, &[], value);
    }

    /// Writes one sample with more labels, whose values need no escaping.
    pub fn sample_with(&mut self, labels: &Labels, more: &[(&str, &str)], value: f64) {
        self.line("", labels, more, value);
    }

    /// Writes one histogram: cumulative counts, one more than there are bounds, and the sum.
    pub fn histogram(&mut self, labels: &Labels, bounds: &[f64], cumulative: &[u64], sum: f64) {
        let all = cumulative.last().copied().unwrap_or(0) as f64;
        for (bound, n) in bounds.iter().zip(cumulative) {
            self.line("_bucket", labels, &[("le", &bound.to_string())], *n as f64);
        }
        self.line("_bucket", labels, &[("le", "+Inf")], all);
        self.line("_sum", labels, &[], sum);
        self.line("_count", labels, &[], all);
    }

    fn line(&mut self, suffix: &str, labels: &Labels, more: &[(&str, &str)], value: f64) {
        let text = &mut self.page.text;
        text.push_str(self.name);
        text.push_str(suffix);
        if !labels.0.is_empty() || !more.is_empty() {
            text.push('{');
            text.push_str(&labels.0);
            for (i, (name, value)) in more.iter().enumerate() {
                let comma = if i == 0 && labels.0.is_empty() { "" } else { "," };
                for part in [comma, name, "=\"", value, "\""] {
                    text.push_str(part);
                }
            }
            text.push('}');
        }
        text.push(' ');
        if value == value.trunc() && value.abs() < 9e15 {
            push_integer(text, value as i64);
        } else {
            let _ = write!(text, "{value}");
        }
        text.push('\n');
    }
}

/// Most samples are small whole numbers: written without the formatting machinery, they cost a third.
fn push_integer(text: &mut String, value: i64) {
    let mut digits = [0u8; 20];
    let (mut rest, mut first) = (value.unsigned_abs(), digits.len());
    loop {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        text.push('-');
    }
    text.extend(digits[first..].iter().map(|digit| char::from(*digit)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn label_values_are_escaped_once() {
        let labels = Labels::of(&[("a", "x\"y\\z\nw"), ("b", "区")]);
        assert_eq!(labels.0, r#"a="x\"y\\z\nw",b="区""#);
    }

    #[test]
    fn whole_numbers_print_like_whole_numbers() {
        for n in [0, 7, -1, 10, 4_320, -86_400, 1_795_531_680, i64::from(i32::MIN)] {
            let mut text = String::new();
            push_integer(&mut text, n);
            assert_eq!(text, n.to_string());
        }
    }

    proptest! {
        #[test]
        fn every_sample_is_one_line_that_ends_in_a_number(value in ".*", number in prop::num::f64::NORMAL) {
            let mut page = Page::default();
            page.family("gengfu_subsystem_up").sample_with(&Labels::of(&[("owner", &value)]), &[("state", "up")], number);
            let text = page.into_text();
            let line = text.lines().last().unwrap();
            prop_assert_eq!(text.split('\n').count(), 4);
            let opening = line.starts_with("gengfu_subsystem_up{owner=\"");
            prop_assert!(opening);
            prop_assert_eq!(line.rsplit(' ').next().unwrap().parse::<f64>().unwrap(), number);
        }
    }
}
