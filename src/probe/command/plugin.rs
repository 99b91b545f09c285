//! What a Nagios plugin printed: a line of text, long text, and performance figures.
//!
//! Not here: its exit code (`super`). Invariants: any bytes are read without a panic; lengths and numbers are bounded;
//! what cannot be read is counted and skipped, since a plugin with odd figures still has a verdict.

/// Figures of one run that are kept.
const METRICS_MAX: usize = 256;
/// Longest text, label and unit that are kept, in characters.
const TEXT_MAX: usize = 300;
const LABEL_MAX: usize = 100;
const UNIT_MAX: usize = 12;
/// Lines of long output that are kept.
const LONG_LINES_MAX: usize = 16;

/// What was printed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Said {
    /// The first line, up to its bar.
    pub(super) text: String,
    /// Further lines, at most [`LONG_LINES_MAX`].
    pub(super) long: Vec<String>,
    /// Figures, at most [`METRICS_MAX`].
    pub(super) metrics: Vec<Metric>,
    /// Figures that could not be read, or were too many.
    pub(super) unreadable: usize,
}

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Metric {
    /// Its name.
    pub(super) label: String,
    /// `None` where the plugin says `U`: it does not know.
    pub(super) value: Option<f64>,
    /// `s`, `%`, `B`, `c`, …
    pub(super) unit: String,
    /// What the plugin thinks is worth a warning, and what is critical; as written.
    pub(super) limits: [String; 2],
}

/// Reads the output of a plugin.
pub(super) fn parse_output(bytes: &[u8]) -> Said {
    let output = String::from_utf8_lossy(bytes);
    let mut lines = output.lines();
    let first = lines.next().unwrap_or_default();
    let (text, figures) = first.split_once('|').unwrap_or((first, ""));
    let mut said = Said { text: cut(text.trim(), TEXT_MAX), ..Said::default() };
    parse_figures(figures, &mut said);
    let mut part = Part::Text;
    for line in lines {
        match (part, line.split_once('|')) {
            (Part::Figures, _) => parse_figures(line, &mut said),
            (Part::Text, None) => add_long(line, &mut said),
            (Part::Text, Some((text, figures))) => {
                add_long(text, &mut said);
                parse_figures(figures, &mut said);
                part = Part::Figures;
            }
        }
    }
    said
}

/// After its first bar, everything below the first line is figures.
#[derive(Clone, Copy, Debug)]
enum Part {
    Text,
    Figures,
}

fn add_long(line: &str, said: &mut Said) {
    if !line.trim().is_empty() && said.long.len() < LONG_LINES_MAX {
        said.long.push(cut(line.trim_end(), TEXT_MAX));
    }
}

fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

fn parse_figures(text: &str, said: &mut Said) {
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let read = label(rest).and_then(|(label, after)| {
            let end = after.find(char::is_whitespace).unwrap_or(after.len());
            Some((metric(label, &after[..end])?, &after[end..]))
        });
        match read {
            Some((metric, after)) if said.metrics.len() < METRICS_MAX => {
                said.metrics.push(metric);
                rest = after;
            }
            Some((_, after)) => {
                said.unreadable += 1;
                rest = after;
            }
            None => {
                said.unreadable += 1;
                rest = &rest[rest.find(char::is_whitespace).unwrap_or(rest.len())..];
            }
        }
        rest = rest.trim_start();
    }
}

/// The label before a `=`, and what comes after it. In quotes anything may stand, a quote itself doubled.
fn label(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('\'') else {
        let end = text.find(|c: char| c == '=' || c.is_whitespace())?;
        let after = text[end..].strip_prefix('=')?;
        return (end > 0).then(|| (cut(&text[..end], LABEL_MAX), after));
    };
    let mut label = String::new();
    let mut at = 0;
    loop {
        let end = at + quoted[at..].find('\'')?;
        label.push_str(&quoted[at..end]);
        match quoted[end + 1..].strip_prefix('\'') {
            Some(_) => {
                label.push('\'');
                at = end + 2;
            }
            None => {
                let after = quoted[end + 1..].strip_prefix('=')?;
                return (!label.is_empty()).then(|| (cut(&label, LABEL_MAX), after));
            }
        }
    }
}

/// `value[unit];[warn];[crit];[min];[max]`.
fn metric(label: String, text: &str) -> Option<Metric> {
    let mut parts = text.split(';');
    let figure = parts.next()?;
    let mut limit = || cut(parts.next().unwrap_or_default(), LABEL_MAX);
    let limits = [limit(), limit()];
    let (value, unit) = if figure == "U" { (None, "") } else { number(figure).map(|(n, unit)| (Some(n), unit))? };
    Some(Metric { label, value, unit: cut(unit, UNIT_MAX), limits })
}

/// The number at the beginning of `text`, and the unit behind it.
fn number(text: &str) -> Option<(f64, &str)> {
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let sign = usize::from(text.starts_with(['+', '-']));
    let mut end = sign + digits(sign);
    if text[end..].starts_with('.') {
        end += 1 + digits(end + 1);
    }
    // An exponent has digits; an `e` without them begins a unit.
    if text[end..].starts_with(['e', 'E']) {
        let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
        let power = digits(end + 1 + sign);
        if power > 0 {
            end += 1 + sign + power;
        }
    }
    let number = text[..end].parse::<f64>().ok().filter(|number| number.is_finite())?;
    Some((number, &text[end..]))
}

impl Metric {
    /// `time=0.012s (warn 1, crit 2)`.
    pub(super) fn shown(&self) -> String {
        let mut text = match self.value {
            Some(value) => format!("{}={value}{}", self.label, self.unit),
            None => format!("{} is unknown", self.label),
        };
        let named = ["warn", "crit"].iter().zip(&self.limits).filter(|(_, limit)| !limit.is_empty());
        let limits: Vec<String> = named.map(|(name, limit)| format!("{name} {limit}")).collect();
        if !limits.is_empty() {
            text.push_str(&format!(" ({})", limits.join(", ")));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn figures(text: &str) -> Vec<(String, Option<f64>, String)> {
        let said = parse_output(text.as_bytes());
        said.metrics.into_iter().map(|m| (m.label, m.value, m.unit)).collect()
    }

    fn figure(label: &str, value: f64, unit: &str) -> (String, Option<f64>, String) {
        (label.into(), Some(value), unit.into())
    }

    #[test]
    fn long_output_and_long_figures_are_put_together() {
        let text = "DISK OK - free space: / 3326 MB (56%); | /=2643MB;5948;5958;0;5968\n/ 15272 MB (77%);\n\
                    /boot 68 MB (69%);\n/home 69357 MB (27%); | /boot=68MB;88;93;0;98\n/home=69357MB;253404;253409;0;253414\n\
                    '/var log'=818MB;970;975;0;980\n";
        let said = parse_output(text.as_bytes());
        assert_eq!(said.text, "DISK OK - free space: / 3326 MB (56%);");
        assert_eq!(said.long, ["/ 15272 MB (77%);", "/boot 68 MB (69%);", "/home 69357 MB (27%); "].map(str::trim_end));
        let labels: Vec<&str> = said.metrics.iter().map(|m| &*m.label).collect();
        assert_eq!((labels, said.unreadable), (vec!["/", "/boot", "/home", "/var log"], 0));
        assert_eq!(said.metrics[0].limits, ["5948", "5958"]);
        assert_eq!(said.metrics[0].shown(), "/=2643MB (warn 5948, crit 5958)");
    }

    #[test]
    fn labels_numbers_and_units_are_read() {
        let expected = [
            figure("a", 1.0, ""),
            figure("it's = | 忙", -0.5, "s"),
            figure("load1", 1.5e-5, "ms"),
            figure("share", 97.0, "%"),
            figure("n", 3.0, "c"),
            figure("x", 1.0, "eB"),
            ("u".to_owned(), None, String::new()),
        ];
        let text = "OK|a=1 'it''s = | 忙'=-.5s load1=1.5e-05ms;; share=97%;@10:20;~:5;0;100 n=3c x=1eB u=U";
        assert_eq!(figures(text), expected);
    }

    #[test]
    fn what_cannot_be_read_is_counted_and_hides_nothing() {
        let said = parse_output(b"OK | =1 a b=2 'c=3 d=x e=1e999 f=4 '='=5");
        assert_eq!(said.metrics.iter().map(|m| &*m.label).collect::<Vec<_>>(), ["b", "f", "="]);
        assert_eq!(said.unreadable, 5);
        assert_eq!(parse_output(b""), Said::default());
        assert_eq!(parse_output(b"\xff\xfe | \xff=1").metrics.len(), 1);
    }

    #[test]
    fn output_is_bounded() {
        let many = format!("{}|{}\n{}", "长".repeat(5_000), "a=1 ".repeat(5_000), "b\n".repeat(5_000));
        let said = parse_output(many.as_bytes());
        assert_eq!((said.text.chars().count(), said.metrics.len()), (TEXT_MAX, METRICS_MAX));
        assert_eq!((said.long.len(), said.unreadable), (LONG_LINES_MAX, 5_000 - METRICS_MAX));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            parse_output(&bytes);
        }

        #[test]
        fn any_figures_are_read_without_panic(text in "\\|[a-z='; .0-9eEU%|+\\n忙-]{0,200}") {
            let said = parse_output(text.as_bytes());
            said.metrics.iter().for_each(|metric| _ = metric.shown());
        }
    }
}
