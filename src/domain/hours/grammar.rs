//! Text to rules and rules to their normal text.
//!
//! Not here: what rules cover. Invariant: every error names a byte offset inside the text or at its end.

use super::{Days, Edge, Rule};

/// What is wrong, and where.
type Wrong = (usize, String);

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Parses a whole text; no rules mean around the clock.
pub(super) fn rules(text: &str) -> Result<Vec<Rule>, Wrong> {
    if text.trim() == "7x24" {
        return Ok(Vec::new());
    }
    let mut rules = Vec::new();
    let mut offset = 0;
    for part in text.split(';') {
        rules.push(rule(part, offset)?);
        offset += part.len() + 1;
    }
    Ok(rules)
}

fn rule(part: &str, offset: usize) -> Result<Rule, Wrong> {
    let at = offset + (part.len() - part.trim_start().len());
    let text = part.trim();
    if text == "7x24" {
        return Err((at, "7x24 stands alone; drop the other rules".to_owned()));
    }
    let Some((days_text, times)) = text.split_once(char::is_whitespace) else {
        let wanted = "write 7x24, or days and times like `workdays 09:00-17:30`";
        return Err((at, if text.is_empty() { format!("a rule is missing; {wanted}") } else { wanted.to_owned() }));
    };
    let times_at = at + text.len() - times.trim_start().len();
    let days = days(days_text, at)?;
    let (start, end) = times_of(times.trim_start(), times_at)?;
    Ok(Rule { days, start, end })
}

fn days(text: &str, at: usize) -> Result<Days, Wrong> {
    match text {
        "daily" => return Ok(Days::Daily),
        "workdays" => return Ok(Days::Working),
        "non-workdays" => return Ok(Days::NonWorking),
        _ => {}
    }
    let mut set = [false; 7];
    let mut offset = at;
    for item in text.split(',') {
        let (first, last) = item.split_once('-').unwrap_or((item, item));
        let from = weekday(first, offset)?;
        let to = weekday(last, offset + item.len() - last.len())?;
        (0..=(to + 7 - from) % 7).for_each(|n| set[(from + n) % 7] = true);
        offset += item.len() + 1;
    }
    Ok(Days::Week(set))
}

fn weekday(name: &str, at: usize) -> Result<usize, Wrong> {
    WEEKDAYS.iter().position(|w| w.eq_ignore_ascii_case(name)).ok_or_else(|| {
        (at, format!("`{name}` names no days; write daily, workdays, non-workdays or weekdays from Mon to Sun"))
    })
}

fn times_of(text: &str, at: usize) -> Result<(Edge, Edge), Wrong> {
    let (mut start, rest) = clock(text, at)?;
    let (day, rest) = match rest.strip_prefix("-1").filter(|r| r.starts_with('-')) {
        Some(rest) => (-1, rest),
        None => (0, rest),
    };
    start.day = day;
    if start.minute == 24 * 60 {
        return Err((at, "24:00 may only end a day; a day starts at 00:00".to_owned()));
    }
    let end_at = at + text.len() - rest.len() + 1;
    let rest = rest.strip_prefix('-').ok_or_else(|| (end_at - 1, "expected `-` and an end like 17:30".to_owned()))?;
    let (mut end, rest) = clock(rest, end_at)?;
    let (day, rest) = rest.strip_prefix("+1").map_or((0, rest), |rest| (1, rest));
    end.day = day;
    if !rest.is_empty() {
        let rest_at = at + text.len() - rest.len();
        return Err((rest_at, format!("`{rest}` is left over; only +1 may follow an end, and `;` separates rules")));
    }
    if end.total() <= start.total() {
        let hint = "write +1 behind an end on the next day";
        return Err((end_at, format!("the end is not after the start; {hint}")));
    }
    Ok((start, end))
}

/// Two digits, a colon, two digits.
fn clock(text: &str, at: usize) -> Result<(Edge, &str), Wrong> {
    let wanted = || (at, "expected a time of two digits each, like 09:00".to_owned());
    let (digits, rest) = text.split_at_checked(5).ok_or_else(wanted)?;
    let number = |s: Option<&str>| -> Option<i16> {
        s.filter(|s| s.bytes().all(|b| b.is_ascii_digit())).and_then(|s| s.parse().ok())
    };
    let hour = number(digits.get(..2)).filter(|_| digits.as_bytes()[2] == b':').ok_or_else(wanted)?;
    let minute = number(digits.get(3..)).ok_or_else(wanted)?;
    let total = hour * 60 + minute;
    if minute > 59 || total > 24 * 60 {
        return Err((at, format!("{digits} is no time of a day; it ends at 24:00")));
    }
    Ok((Edge { day: 0, minute: total }, rest))
}

impl Edge {
    fn total(self) -> i16 {
        i16::from(self.day) * 24 * 60 + self.minute
    }

    fn text(self) -> String {
        format!("{:02}:{:02}", self.minute / 60, self.minute % 60)
    }
}

/// The one way of writing these rules: single spaces, weekdays in order with runs of three or more as ranges.
pub(super) fn normal(rules: &[Rule]) -> String {
    if rules.is_empty() {
        return "7x24".to_owned();
    }
    let each = rules.iter().map(|r| {
        let (before, after) = (if r.start.day < 0 { "-1" } else { "" }, if r.end.day > 0 { "+1" } else { "" });
        format!("{} {}{before}-{}{after}", days_text(r.days), r.start.text(), r.end.text())
    });
    each.collect::<Vec<_>>().join("; ")
}

fn days_text(days: Days) -> String {
    let set = match days {
        Days::Daily => return "daily".to_owned(),
        Days::Working => return "workdays".to_owned(),
        Days::NonWorking => return "non-workdays".to_owned(),
        Days::Week(set) => set,
    };
    let mut items = Vec::new();
    let mut day = 0;
    while day < 7 {
        let run = set[day..].iter().take_while(|on| **on).count();
        match run {
            0 => {}
            1 | 2 => items.extend(WEEKDAYS[day..day + run].iter().map(|w| (*w).to_owned())),
            _ => items.push(format!("{}-{}", WEEKDAYS[day], WEEKDAYS[day + run - 1])),
        }
        day += run.max(1);
    }
    items.join(",")
}
