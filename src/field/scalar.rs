//! Single values: from text to number, duration, date, address, and the words for what was expected.
//!
//! Not here: lists and records (`decode`). Invariant: nothing is guessed; `yes` is no truth value and `1.10` no number.

use super::{Code, Type, Value};
use crate::domain::Names;
use crate::domain::hours::Hours;
use crate::domain::policy::{DateOrYearly, DayPart};
use crate::domain::window::check_cron;
use jiff::civil::{Date, DateTime, Time};
use std::net::IpAddr;

/// Longest text that a message shows, in characters.
const SHOWN_MAX: usize = 60;
/// Longest secret, in characters.
const SECRET_MAX: usize = 4_096;
/// Longest id, in characters.
const ID_MAX: usize = 64;

/// Why a text is not a value of a type.
pub(super) struct Wrong {
    pub(super) code: Code,
    pub(super) what: String,
    pub(super) hint: Option<String>,
    /// Byte of the text from which on it is wrong.
    pub(super) offset: usize,
}

fn not(what: impl Into<String>) -> Wrong {
    Wrong { code: Code::WrongType, what: what.into(), hint: None, offset: 0 }
}

fn bounds(what: impl Into<String>) -> Wrong {
    Wrong { code: Code::OutOfBounds, what: what.into(), hint: None, offset: 0 }
}

fn value(what: impl Into<String>) -> Wrong {
    Wrong { code: Code::Value, what: what.into(), hint: None, offset: 0 }
}

/// Reads one scalar.
pub(super) fn parse(text: &str, quoted: bool, ty: &Type) -> Result<Value, Wrong> {
    match ty {
        Type::Text { max } => bounded(text, *max).map(Value::Text),
        Type::Secret => bounded(text, SECRET_MAX).map(Value::Text),
        Type::Bool => parse_bool(text, quoted),
        Type::Int { min, max } => parse_int(text, quoted, *min, *max),
        Type::Duration { min_ms, max_ms } => {
            let ms = parse_duration(text).map_err(not)?;
            let inside = (*min_ms..=*max_ms).contains(&ms);
            if inside { Ok(Value::Int(ms)) } else { Err(bounds("is outside its bounds")) }
        }
        Type::Percent => parse_percent(text).map(Value::Int),
        Type::Url { schemes } => parse_url(text, schemes),
        Type::Host => parse_host(text).map(|()| Value::Text(text.into())),
        Type::HostPort => parse_host_port(text).map(|()| Value::Text(text.into())),
        Type::Mail => parse_mail(text).map(|()| Value::Text(text.into())),
        Type::Regex => parse_regex(text),
        Type::Choice(words) if words.contains(&text) => Ok(Value::Text(text.into())),
        Type::Choice(_) => Err(value("is none of the words that may stand here")),
        Type::Id => parse_id(text).map(|()| Value::Text(text.into())),
        Type::SubsystemRef => match text.split_once('/') {
            Some((owner, name)) => parse_id(owner).and_then(|()| parse_id(name)).map(|()| Value::Text(text.into())),
            None => Err(not("has no slash")),
        },
        Type::Names => bounded(text, 1_000).map(|t| Value::Names(Names { zh: t.clone(), en: t })),
        Type::Date => parse_date(text).map(Value::Date),
        Type::DateOrYearly => parse_date_or_yearly(text).map(Value::DateOrYearly),
        Type::Time => parse_time(text).map(Value::Time),
        Type::DateTime => parse_date_time(text).map(Value::DateTime),
        Type::Hours => Hours::parse(text).map(Value::Hours).map_err(|(at, why)| grammar(Code::Hours, at, why)),
        Type::Cron => match check_cron(text) {
            Ok(_) => Ok(Value::Text(text.into())),
            Err((at, why)) => Err(grammar(Code::Recurrence, at, why)),
        },
        Type::DayPart => parse_day_part(text).map(Value::DayPart),
        Type::OneOrMany(of) => parse(text, quoted, of),
        Type::List { .. } | Type::Map(_) | Type::Record(_) | Type::RecordOf(_) | Type::OneKey(_) | Type::Either(_) => {
            Err(not("is a single value"))
        }
    }
}

fn grammar(code: Code, offset: usize, why: String) -> Wrong {
    Wrong { code, what: format!("cannot be read: {why}"), hint: None, offset }
}

fn bounded(text: &str, max: usize) -> Result<String, Wrong> {
    if text.trim().is_empty() {
        return Err(value("is empty"));
    }
    if text.chars().count() > max {
        return Err(bounds(format!("is longer than {max} characters")));
    }
    Ok(text.to_owned())
}

fn parse_bool(text: &str, quoted: bool) -> Result<Value, Wrong> {
    let meant = match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "y" => Some(true),
        "false" | "no" | "off" | "n" => Some(false),
        _ => None,
    };
    match (text, quoted) {
        ("true", false) => Ok(Value::Bool(true)),
        ("false", false) => Ok(Value::Bool(false)),
        _ => Err(Wrong { hint: meant.map(|m| format!("did you mean `{m}`?")), ..not("is not a truth value") }),
    }
}

fn parse_int(text: &str, quoted: bool, min: i64, max: i64) -> Result<Value, Wrong> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_number {
        return Err(not("is not a whole number"));
    }
    if quoted {
        return Err(Wrong { hint: Some("leave the quotes out".into()), ..not("is a text, not a number") });
    }
    match text.parse::<i64>() {
        Ok(n) if (min..=max).contains(&n) => Ok(Value::Int(n)),
        _ => Err(bounds("is outside its bounds")),
    }
}

/// Reads `90s`, `1h30m`, `2d`, `500ms` as milliseconds; the error says what it is not.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    const UNITS: [(&str, i64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let not = || "is not a duration".to_owned();
    let (mut rest, mut total, mut next_unit) = (text, 0_i64, 0);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: i64 = rest[..digits].parse().map_err(|_| not())?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        // Units come once each, the largest first, so that `30m1h` is refused as the slip that it is.
        let unit = UNITS.iter().position(|(name, _)| *name == &rest[..letters]).ok_or_else(not)?;
        if unit < next_unit {
            return Err("is not a duration: the larger unit comes first, each once".into());
        }
        next_unit = unit + 1;
        total = number.checked_mul(UNITS[unit].1).and_then(|ms| total.checked_add(ms)).ok_or_else(not)?;
        rest = &rest[letters..];
    }
    if text.is_empty() { Err(not()) } else { Ok(total) }
}

/// Writes milliseconds as `parse_duration` reads them.
pub fn format_duration(ms: i64) -> String {
    let mut rest = ms.max(0);
    let mut text = String::new();
    for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        if rest >= length {
            text.push_str(&format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

fn parse_percent(text: &str) -> Result<i64, Wrong> {
    let number = text.strip_suffix('%').ok_or_else(|| not("has no per cent sign"))?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || whole.len() > 3 {
        return Err(not("is not a per cent value"));
    }
    if part.len() > 4 {
        return Err(bounds("has more than four decimals"));
    }
    let ppm = format!("{whole}{part:0<4}").parse::<i64>().map_err(|_| not("is not a per cent value"))?;
    if ppm > 1_000_000 { Err(bounds("is more than 100%")) } else { Ok(ppm) }
}

fn parse_url(text: &str, schemes: &[&str]) -> Result<Value, Wrong> {
    let url = reqwest::Url::parse(text).map_err(|e| value(format!("is not an absolute address: {e}")))?;
    if !schemes.contains(&url.scheme()) {
        return Err(value(format!("has the scheme `{}`", url.scheme())));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(value("has no host"));
    }
    Ok(Value::Url(url))
}

fn parse_host(text: &str) -> Result<(), Wrong> {
    if text.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.len() <= 253 && name.split('.').all(label) {
        return Ok(());
    }
    let hint = text.contains("://").then(|| "leave the scheme and the path out".to_owned());
    Err(Wrong { hint, ..value("is neither a host name nor an address") })
}

fn parse_host_port(text: &str) -> Result<(), Wrong> {
    let (host, port) = text.rsplit_once(':').ok_or_else(|| not("has no port"))?;
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    if bare.is_none() && host.contains(':') {
        return Err(Wrong { hint: Some("write an IPv6 address in brackets".into()), ..not("has no port") });
    }
    parse_host(bare.unwrap_or(host))?;
    match port.parse::<u16>() {
        Ok(port) if port > 0 => Ok(()),
        _ => Err(bounds("has a port outside 1 to 65535")),
    }
}

fn parse_mail(text: &str) -> Result<(), Wrong> {
    let wrong = || value("is not an e-mail address");
    let (local, domain) = text.rsplit_once('@').ok_or_else(wrong)?;
    let fine = !local.is_empty()
        && local.len() <= 64
        && local.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>(),;:\"[]\\@".contains(c));
    if fine { parse_host(domain).map_err(|_| wrong()) } else { Err(wrong()) }
}

fn parse_regex(text: &str) -> Result<Value, Wrong> {
    // A pattern comes from an owner's file; its compiled size is bounded so that none can eat the memory of all.
    let built = regex::RegexBuilder::new(text).size_limit(1 << 20).build();
    built.map(Value::Regex).map_err(|e| {
        let last = e.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        value(format!("is not a regular expression: {last}"))
    })
}

fn parse_id(text: &str) -> Result<(), Wrong> {
    let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if text.is_empty() || text.starts_with('-') || text.ends_with('-') || !text.bytes().all(fine) {
        return Err(value("is not an id"));
    }
    if text.len() > ID_MAX { Err(bounds(format!("is longer than {ID_MAX} characters"))) } else { Ok(()) }
}

fn parse_date(text: &str) -> Result<Date, Wrong> {
    if text.len() != 10 {
        return Err(not("is not a date"));
    }
    text.parse().map_err(|_| not("is not a date"))
}

fn parse_date_or_yearly(text: &str) -> Result<DateOrYearly, Wrong> {
    if text.len() == 5 {
        // A leap year lends the twenty-ninth of February.
        let date = format!("2024-{text}").parse::<Date>().map_err(|_| not("is not a date"))?;
        return Ok(DateOrYearly::Yearly(date.month(), date.day()));
    }
    parse_date(text).map(DateOrYearly::Date)
}

fn parse_time(text: &str) -> Result<Time, Wrong> {
    let shape = text.len() == 5 && text.as_bytes()[2] == b':';
    let digits = |r: std::ops::Range<usize>| text.as_bytes()[r].iter().all(u8::is_ascii_digit);
    let parsed = if shape && digits(0..2) && digits(3..5) { text.parse::<Time>().ok() } else { None };
    parsed.ok_or_else(|| not("is not a time of day"))
}

fn parse_date_time(text: &str) -> Result<DateTime, Wrong> {
    let wrong = || not("is not a date with a time of day");
    let (date, time) = text.split_once('T').ok_or_else(wrong)?;
    Ok(parse_date(date).map_err(|_| wrong())?.to_datetime(parse_time(time).map_err(|_| wrong())?))
}

fn parse_day_part(text: &str) -> Result<DayPart, Wrong> {
    let wrong = || not("is not a part of a day");
    let (start, end) = text.split_once('-').ok_or_else(wrong)?;
    let (end, next_day) = end.strip_suffix("+1").map_or((end, 0), |end| (end, 1));
    let start = parse_time(start).map_err(|_| wrong())?;
    // Midnight that ends a day is that which begins the next one.
    let (end, end_day_offset) = match (end, next_day) {
        ("24:00", 0) => (Time::midnight(), 1),
        (end, next_day) => (parse_time(end).map_err(|_| wrong())?, next_day),
    };
    if end_day_offset == 0 && end <= start {
        let hint = Some(format!("did you mean `{text}+1`, on the next day?"));
        return Err(Wrong { code: Code::EndBeforeStart, hint, ..not("ends before it starts") });
    }
    if end_day_offset == 1 && end > start {
        return Err(bounds("is longer than a day"));
    }
    Ok(DayPart { start, end, end_day_offset })
}

/// Cuts a text for a message and hides its control characters.
pub(super) fn shorten(text: &str) -> String {
    let clean: String = text.chars().take(SHOWN_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() > SHOWN_MAX { format!("{clean}…") } else { clean }
}

/// What may stand there, for people.
pub fn describe(ty: &Type) -> String {
    match ty {
        Type::Text { .. } => "a text".into(),
        Type::Secret => "a secret: a text, `${NAME}`, or `file:/path`".into(),
        Type::Bool => "`true` or `false`".into(),
        Type::Int { min, max } => format!("a whole number from {min} to {max}"),
        Type::Duration { min_ms, max_ms } => {
            format!(
                "a duration such as `90s` or `1h30m`, from {} to {}",
                format_duration(*min_ms),
                format_duration(*max_ms)
            )
        }
        Type::Percent => "a per cent value such as `99.9%`".into(),
        Type::Url { schemes } => {
            format!("an address such as `{}://host.test/path`", schemes.first().unwrap_or(&"https"))
        }
        Type::Host => "a host name or an IP address".into(),
        Type::HostPort => "a host and a port such as `host.test:443`".into(),
        Type::Mail => "an e-mail address".into(),
        Type::Regex => "a regular expression".into(),
        Type::Choice(words) => words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", "),
        Type::Id => "an id of small letters, digits and hyphens".into(),
        Type::SubsystemRef => "a subsystem such as `bdc/identity`".into(),
        Type::Names => "a text, or `{ zh: …, en: … }`".into(),
        Type::Date => "a date such as `2026-12-19`".into(),
        Type::DateOrYearly => "a date such as `2026-12-19`, or `12-19` for every year".into(),
        Type::Time => "a time of day such as `\"23:00\"`".into(),
        Type::DateTime => "a local date and time such as `2026-12-19T23:00`".into(),
        Type::Hours => "hours such as `7x24`, `daily 06:00-22:00` or `workdays 08:30-17:00`".into(),
        Type::Cron => "five fields: minute, hour, day, month, weekday".into(),
        Type::DayPart => "a part of a day such as `\"22:00-06:00+1\"`".into(),
        Type::List { of, min: 0, max: 10_000 } => format!("a list, each {}", describe(of)),
        Type::List { of, min, max } => format!("a list of {min} to {max}, each {}", describe(of)),
        Type::OneOrMany(of) => format!("one or a list of at least one, each {}", describe(of)),
        Type::Map(of) => format!("a mapping, each value {}", describe(of)),
        Type::Record(fields) => format!("a mapping with {}", super::decode::keys(fields)),
        Type::RecordOf(table) => format!("a mapping with {}", super::decode::keys(table())),
        Type::OneKey(fields) => format!("a mapping with one of {}", super::decode::keys(fields)),
        Type::Either(types) => types.iter().map(describe).collect::<Vec<_>>().join(", or "),
    }
}
