//! One field of a cron expression: numbers, names, ranges, steps and lists to a set of values.
//!
//! Not here: what fields mean together. Invariant: a parsed set is never empty.

/// What a field may hold.
pub(super) struct Field {
    label: &'static str,
    least: u8,
    most: u8,
    /// From `least` on.
    names: &'static [&'static str],
}

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
/// The second number of Sunday.
const SUNDAY: u8 = 7;

impl Field {
    pub(super) const MINUTE: Self = Self { label: "minute", least: 0, most: 59, names: &[] };
    pub(super) const HOUR: Self = Self { label: "hour", least: 0, most: 23, names: &[] };
    pub(super) const DAY_OF_MONTH: Self = Self { label: "day of month", least: 1, most: 31, names: &[] };
    pub(super) const MONTH: Self = Self { label: "month", least: 1, most: 12, names: MONTHS };
    pub(super) const DAY_OF_WEEK: Self = Self { label: "day of week", least: 0, most: SUNDAY, names: WEEKDAYS };

    fn is_weekday(&self) -> bool {
        self.most == SUNDAY
    }
}

/// The values of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Values {
    /// Bit n stands for the value n; Sunday is bit 0.
    bits: u64,
    /// Written as `*`, so that it restricts nothing.
    star: bool,
}

/// Parses one word at its byte offset.
pub(super) fn parse(field: &Field, (offset, word): (usize, &str)) -> Result<Values, (usize, String)> {
    let (mut bits, mut at) = (0, offset);
    for item in word.split(',') {
        bits |= item_bits(field, item, at)?;
        at += item.len() + 1;
    }
    Ok(Values { bits, star: word == "*" })
}

fn item_bits(field: &Field, item: &str, at: usize) -> Result<u64, (usize, String)> {
    let (range, step) = match item.split_once('/') {
        None => (item, 1),
        Some((range, step)) => (range, step_of(field, step, at + range.len() + 1)?),
    };
    let (first, last) = if range == "*" {
        (field.least, if field.is_weekday() { SUNDAY - 1 } else { field.most })
    } else if let Some((first, last)) = range.split_once('-') {
        (value(field, first, at)?, value(field, last, at + first.len() + 1)?)
    } else if item.len() > range.len() {
        return Err((at, format!("a step needs `*` or a range before it, like {range}-{}/{step}", field.most)));
    } else {
        let only = value(field, range, at)?;
        (only, only)
    };
    let last = match (first <= last, field.is_weekday()) {
        (true, _) => last,
        // FRI-MON runs over the end of the week.
        (false, true) => last + SUNDAY,
        (false, false) => return Err((at, format!("{range} runs backward; write two ranges, joined by a comma"))),
    };
    let fold = |n: u8| if field.is_weekday() { n % SUNDAY } else { n };
    Ok((first..=last).step_by(step).fold(0, |bits, n| bits | 1 << fold(n)))
}

fn step_of(field: &Field, text: &str, at: usize) -> Result<usize, (usize, String)> {
    let step =
        text.parse().ok().filter(|n| text.bytes().all(|b| b.is_ascii_digit()) && (1..=field.most.into()).contains(n));
    step.ok_or_else(|| {
        (at, format!("`{text}` is no step of the {}; it lies between 1 and {}", field.label, field.most))
    })
}

fn value(field: &Field, text: &str, at: usize) -> Result<u8, (usize, String)> {
    if let Some(n) = field.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return Ok(field.least + u8::try_from(n).unwrap_or_default());
    }
    let digits = !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|n| digits && (field.least..=field.most).contains(n));
    number.ok_or_else(|| {
        let names = field.names.first().zip(field.names.last());
        let names = names.map(|(first, last)| format!(", or a name from {first} to {last}")).unwrap_or_default();
        (at, format!("`{text}` is no {}; it is a number from {} to {}{names}", field.label, field.least, field.most))
    })
}

impl Values {
    /// Whether it was written as `*`.
    pub(super) fn is_star(&self) -> bool {
        self.star
    }

    /// Whether a value is inside.
    pub(super) fn has(&self, n: u8) -> bool {
        self.bits & (1 << n) != 0
    }

    /// How many values there are.
    pub(super) fn count(&self) -> usize {
        self.bits.count_ones() as usize
    }

    /// The smallest value.
    pub(super) fn least(&self) -> u8 {
        u8::try_from(self.bits.trailing_zeros()).unwrap_or(u8::MAX)
    }

    /// Every value, joined by commas.
    pub(super) fn list(&self) -> String {
        self.joined(0)
    }

    /// The same with Sunday as 1, as the engine counts.
    pub(super) fn list_from_one(&self) -> String {
        self.joined(1)
    }

    fn joined(&self, shift: u8) -> String {
        let all: Vec<String> = (0..64).filter(|n| self.has(*n)).map(|n| (n + shift).to_string()).collect();
        all.join(",")
    }
}
