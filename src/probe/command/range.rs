//! Ranges of the Nagios plugin contract: `10`, `10:`, `~:10`, `10:20`, `@10:20`.
//!
//! A figure is bad when it lies outside; with `@`, when it lies inside. Both ends belong to the range.

/// From where to where figures are good, or with `@`, bad.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Range {
    written: Box<str>,
    low: f64,
    high: f64,
    bad: Bad,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bad {
    Outside,
    Inside,
}

impl Range {
    /// Reads one; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (bad, ends) = match text.strip_prefix('@') {
            Some(ends) => (Bad::Inside, ends),
            None => (Bad::Outside, text),
        };
        let (low, high) = match ends.split_once(':') {
            None => (Some(0.0), number(ends)),
            Some((low, high)) => {
                let low = match low {
                    "" => Some(0.0),
                    "~" => Some(f64::NEG_INFINITY),
                    low => number(low),
                };
                (low, if high.is_empty() { Some(f64::INFINITY) } else { number(high) })
            }
        };
        let (Some(low), Some(high)) = (low, high) else {
            return Err("is not a range such as `10`, `10:`, `~:10`, `10:20` or `@10:20`");
        };
        if low > high {
            return Err("begins above its end");
        }
        Ok(Self { written: text.into(), low, high, bad })
    }

    /// Whether a figure is bad.
    pub(super) fn alerts(&self, figure: f64) -> bool {
        let inside = (self.low..=self.high).contains(&figure);
        inside == (self.bad == Bad::Inside)
    }

    /// What was expected, in words.
    pub(super) fn expectation(&self) -> String {
        match self.bad {
            Bad::Outside => format!("a figure within `{}`", self.written),
            Bad::Inside => format!("a figure outside `{}`", self.written.trim_start_matches('@')),
        }
    }
}

fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse::<f64>().ok().filter(|number| plain && number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_the_plugin_contract() {
        // range, good figures, bad figures
        let table: [(&str, &[f64], &[f64]); 9] = [
            ("10", &[0.0, 10.0], &[-0.1, 10.1]),
            ("10:", &[10.0, 1e9], &[9.9]),
            ("~:10", &[-1e9, 10.0], &[10.1]),
            (":10", &[0.0, 10.0], &[-1.0, 11.0]),
            ("10:20", &[10.0, 20.0], &[9.0, 21.0]),
            ("@10:20", &[9.9, 20.1], &[10.0, 15.0, 20.0]),
            ("-5:-1.5", &[-5.0, -1.5], &[-1.0]),
            ("@~:0", &[0.1], &[0.0, -1.0]),
            ("1e3", &[1_000.0], &[1_001.0]),
        ];
        for (text, good, bad) in table {
            let range = Range::parse(text).unwrap();
            assert!(good.iter().all(|figure| !range.alerts(*figure)), "{text}");
            assert!(bad.iter().all(|figure| range.alerts(*figure)), "{text}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["", "@", "a", "1:2:3", "10:5", "~", "1:~", "inf", "nan:", "5 ", "1e999", "@@1"] {
            assert!(Range::parse(text).is_err(), "{text:?}");
        }
    }
}
