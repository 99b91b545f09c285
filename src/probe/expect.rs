//! What several kinds expect of JSON, and how a sentence shows what came instead.
//!
//! Not here: fetching, and what only one kind expects. Invariants: what comes from a target is shown on one line, without
//! control characters and cut to [`SHOWN_MAX`]; no path can cost more than a small multiple of its document.

use crate::field::{Code, Field, Place, Problem, Problems, Record, Type, Value};
use regex::Regex;
use serde_json::Value as Json;
use std::ops::RangeInclusive;

/// Longest text that a sentence shows of what came, in characters.
pub(super) const SHOWN_MAX: usize = 80;
/// Longest document that is read as JSON, in bytes; as a tree it takes up to thirty times as much memory.
pub(super) const JSON_BYTES_MAX: usize = 4 << 20;
/// Longest path, in characters.
const PATH_MAX: usize = 300;
/// How deep brackets may stand in each other: the parser tries each level several ways, so every one multiplies its work.
const DEPTH_MAX: usize = 4;
/// Most commas in a path: each may double what it selects.
const COMMAS_MAX: usize = 4;

/// Expectations about values in a document, wherever they stand.
pub(super) const JSON: Field = Field::optional("json", JSON_RULES, "Values that must be in the body, which is JSON.");
/// A path of RFC 9535.
pub(super) const PATH: Type = Type::Text { max: PATH_MAX };

const JSON_RULES: Type = Type::List { of: &Type::Record(JSON_FIELDS), min: 1, max: 50 };
const NUMBER: Type = Type::Text { max: 40 };
const COUNT: Type = Type::Int { min: 0, max: 1_000_000 };
const COUNT_DOC: &str = "How many values the path selects: exactly, or `{ at_least, at_most }`.";
const EXISTS_DOC: &str = "Whether the path selects anything; `true` when nothing else is expected.";

const JSON_FIELDS: &[Field] = &[
    Field::required("path", PATH, "JSONPath of RFC 9535, such as `$.items[0].state`."),
    Field::optional("equals", Type::TEXT, "What every selected value must be; a number, `true` and `null` too."),
    Field::optional("matches", Type::Regex, "Pattern that must match in every selected value."),
    Field::optional("at_least", NUMBER, "Smallest number that is right."),
    Field::optional("at_most", NUMBER, "Largest number that is right."),
    Field::optional("exists", Type::Bool, EXISTS_DOC),
    Field::optional("count", Type::Either(&[COUNT, Type::Record(COUNT_FIELDS)]), COUNT_DOC),
];

const COUNT_FIELDS: &[Field] = &[
    Field::optional("at_least", COUNT, "Fewest values that are right."),
    Field::optional("at_most", COUNT, "Most values that are right."),
];

/// What came, on one line, without control characters, cut, in quotes.
pub(super) fn shown(text: &str) -> String {
    let (mut line, mut length, mut gap) = (String::new(), 0, false);
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            gap = !line.is_empty();
            continue;
        }
        if length + usize::from(gap) >= SHOWN_MAX {
            line.push('…');
            break;
        }
        if gap {
            line.push(' ');
            length += 1;
        }
        gap = false;
        line.push(c);
        length += 1;
    }
    format!("{line:?}")
}

/// The same for a value of JSON; only texts are in quotes.
pub(super) fn shown_json(value: &Json) -> String {
    match value {
        Json::String(text) => shown(text),
        other => shown(&other.to_string()).trim_matches('"').replace("\\\"", "\""),
    }
}

/// Reads a document.
///
/// # Errors
/// A sentence that shows what came instead.
pub(super) fn document(body: &str) -> Result<Json, String> {
    serde_json::from_str(body).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        let got = if body.trim().is_empty() { "nothing".to_owned() } else { shown(body) };
        format!("expected JSON, got {got}, which is none at {place}")
    })
}

/// A path into a document.
#[derive(Debug)]
pub(super) struct JsonPath {
    text: Box<str>,
    path: serde_json_path::JsonPath,
}

impl JsonPath {
    /// Reads a path that was written at `at`.
    ///
    /// # Errors
    /// What is wrong with it, and how to mend it.
    #[expect(clippy::result_large_err, reason = "a problem is made once, when files are read")]
    pub(super) fn parse(text: &str, at: &Place) -> Result<Self, Problem> {
        let path = parse_path(text).map_err(|(why, hint)| {
            let message = format!("`{}` is not a path that can be followed: {why}", cut(text));
            Problem::error(Code::Value, at, message).expected("a JSONPath of RFC 9535").hint(hint)
        })?;
        Ok(Self { text: cut(text).into(), path })
    }

    /// What it selects.
    pub(super) fn select<'a>(&self, document: &'a Json) -> Vec<&'a Json> {
        self.path.query(document).all()
    }

    /// The path for a sentence.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

fn cut(text: &str) -> String {
    let head: String = text.chars().take(SHOWN_MAX).collect();
    if head.len() < text.len() { format!("{head}…") } else { head }
}

/// Reads a path; the error says why not, and what to write instead.
pub(super) fn parse_path(text: &str) -> Result<serde_json_path::JsonPath, (String, String)> {
    let usual = || "for example `$.items[?@.state == 'UP'].id`".to_owned();
    if !text.starts_with('$') {
        return Err(("it does not begin with `$`".into(), format!("begin with the document: `$.{}`", cut(text))));
    }
    // Paths come from owners' files: one that multiplies what it selects could stop everybody's probes.
    let Some(plain) = unquoted(text) else {
        return Err(("a quote in it is not closed".into(), "close it with the quote that opened it".into()));
    };
    if plain.matches("..").count() > 1 {
        return Err(("`..` stands in it twice".into(), "name one of the two steps".into()));
    }
    if plain.matches('$').count() > 1 {
        return Err((
            "it begins anew with `$` inside a filter".into(),
            "compare with `@` and plain values only".into(),
        ));
    }
    if depth(&plain) > DEPTH_MAX {
        let why = format!("brackets stand more than {DEPTH_MAX} deep in it");
        return Err((why, "ask for what is inside with an expectation of its own".into()));
    }
    if plain.matches(',').count() > COMMAS_MAX {
        return Err((format!("it has more than {COMMAS_MAX} commas"), "write several expectations".into()));
    }
    serde_json_path::JsonPath::parse(text).map_err(|error| {
        let wrong = text.get(error.position()..).unwrap_or_default();
        let hint = match wrong.chars().next() {
            Some('-') => "write a name with a hyphen as `['a-b']`".to_owned(),
            _ => usual(),
        };
        (format!("{} at character {}", error.message(), error.position() + 1), hint)
    })
}

/// How deep brackets and parentheses stand in each other, also where they are never closed.
fn depth(plain: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    for c in plain.chars() {
        match c {
            '[' | '(' => open += 1,
            ']' | ')' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}

/// The path without what stands in its quotes; `None` if one is not closed, over which the parser would panic.
fn unquoted(text: &str) -> Option<String> {
    let (mut plain, mut quote, mut escaped) = (String::new(), None, false);
    for c in text.chars() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None => plain.push(c),
        }
    }
    quote.is_none().then_some(plain)
}

/// One expectation about values in a document.
#[derive(Debug)]
pub(super) struct JsonRule {
    path: JsonPath,
    wants: Vec<Want>,
}

#[derive(Debug)]
enum Want {
    Equals(Box<str>),
    Matches(Regex),
    AtLeast(f64),
    AtMost(f64),
    Something,
    Nothing,
    Count(RangeInclusive<usize>),
}

impl JsonRule {
    /// Of a record that has [`JSON`].
    pub(super) fn of(record: &Record, problems: &mut Problems) -> Vec<Self> {
        record.records("json").filter_map(|rule| Self::one(rule, problems)).collect()
    }

    fn one(record: &Record, problems: &mut Problems) -> Option<Self> {
        let path = JsonPath::parse(record.text("path"), record.at("path")).map_err(|problem| problems.push(problem));
        let mut wants = Vec::new();
        wants.extend(record.opt_text("equals").map(|text| Want::Equals(text.into())));
        wants.extend(record.regex("matches").cloned().map(Want::Matches));
        wants.extend(number(record, "at_least", problems).map(Want::AtLeast));
        wants.extend(number(record, "at_most", problems).map(Want::AtMost));
        wants.extend(count(record).map(Want::Count));
        let nothing = record.has("exists") && !record.flag("exists");
        match (nothing, wants.is_empty()) {
            (true, false) => {
                let text = "`exists: false` beside an expectation about what exists";
                problems.push(Problem::error(Code::Value, record.at("exists"), text).hint("leave one of them out"));
            }
            (true, true) => wants.push(Want::Nothing),
            (false, true) => wants.push(Want::Something),
            (false, false) => {}
        }
        Some(Self { path: path.ok()?, wants })
    }

    /// What is wrong with the document, in one sentence.
    pub(super) fn wrong(&self, document: &Json) -> Option<String> {
        let found = self.path.select(document);
        self.wants.iter().find_map(|want| want.wrong(&found, self.path.text()))
    }
}

fn number(record: &Record, field: &str, problems: &mut Problems) -> Option<f64> {
    let text = record.opt_text(field)?;
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    if number.is_none() {
        let message = format!("`{}` is not a number", cut(text));
        problems.push(Problem::error(Code::Value, record.at(field), message).expected("a number such as `99.5`"));
    }
    number
}

fn count(record: &Record) -> Option<RangeInclusive<usize>> {
    let bound = |n: i64| usize::try_from(n).unwrap_or_default();
    match &record.get("count")?.value {
        Value::Int(n) => Some(bound(*n)..=bound(*n)),
        Value::Record(range) => {
            Some(range.opt_int("at_least").map_or(0, bound)..=range.opt_int("at_most").map_or(usize::MAX, bound))
        }
        _ => None,
    }
}

impl Want {
    fn wrong(&self, found: &[&Json], path: &str) -> Option<String> {
        let wrong = match self {
            Self::Count(range) if range.contains(&found.len()) => return None,
            Self::Count(range) => {
                return Some(format!("expected {} at {path}, got {}", counted(range), found.len()));
            }
            Self::Nothing => found.first(),
            _ if found.is_empty() => return Some(format!("expected {} at {path}, got nothing there", self.text())),
            _ => found.iter().find(|value| !self.fits(value)),
        };
        wrong.map(|value| format!("expected {} at {path}, got {}", self.text(), shown_json(value)))
    }

    fn fits(&self, value: &Json) -> bool {
        match self {
            Self::Equals(text) => equals(value, text),
            Self::Matches(regex) => match value {
                Json::String(text) => regex.is_match(text),
                other => regex.is_match(&other.to_string()),
            },
            Self::AtLeast(least) => number_of(value).is_some_and(|number| number >= *least),
            Self::AtMost(most) => number_of(value).is_some_and(|number| number <= *most),
            Self::Something | Self::Nothing | Self::Count(_) => true,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Equals(text) => shown(text),
            Self::Matches(regex) => format!("a match of /{}/", cut(regex.as_str())),
            Self::AtLeast(least) => format!("at least {least}"),
            Self::AtMost(most) => format!("at most {most}"),
            Self::Something => "something".into(),
            Self::Nothing => "nothing".into(),
            Self::Count(range) => counted(range),
        }
    }
}

fn counted(range: &RangeInclusive<usize>) -> String {
    match (*range.start(), *range.end()) {
        (least, most) if least == most => format!("{least} values"),
        (least, usize::MAX) => format!("at least {least} values"),
        (0, most) => format!("at most {most} values"),
        (least, most) => format!("{least} to {most} values"),
    }
}

/// Whether a value is what was written. A number in quotes is one as well: many services write theirs so.
fn equals(value: &Json, text: &str) -> bool {
    match value {
        Json::String(string) => string == text,
        Json::Number(number) => {
            let number = number.to_string();
            // Whole numbers are compared digit by digit, since large ones lose theirs as floating point.
            let whole = |n: &str| n.bytes().all(|b| b.is_ascii_digit() || b == b'-');
            number == text
                || !(whole(&number) && whole(text))
                    && number.parse::<f64>().ok().zip(text.parse::<f64>().ok()).is_some_and(|(a, b)| a == b)
        }
        Json::Null => text == "null",
        Json::Bool(yes) => text == if *yes { "true" } else { "false" },
        Json::Array(_) | Json::Object(_) => {
            let written = value.to_string();
            written == text
        }
    }
}

fn number_of(value: &Json) -> Option<f64> {
    match value {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
