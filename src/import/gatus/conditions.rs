//! One condition of Gatus as expectations of ours.
//!
//! Not here: where they are written. Invariants: pure; a condition that means something else here is an error.

use crate::config::modules::go_duration;
use crate::field::{Node, format_duration};
use crate::import::tree::{map, quoted, text};

/// What the conditions of one endpoint ask for.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    /// Beside the target.
    pub(super) top: Vec<(&'static str, Node)>,
    /// Below `expect`.
    pub(super) expect: Vec<(&'static str, Node)>,
    /// Statuses that are right; all, if empty.
    pub(super) status: Vec<Node>,
    /// Patterns of the body.
    pub(super) patterns: Vec<Node>,
    /// Rules about JSON.
    pub(super) json: Vec<Node>,
    /// A limit that only degrades here.
    pub(super) degraded_only: Option<String>,
}

/// The comparisons, longer ones first.
const OPERATORS: [&str; 6] = ["==", "!=", "<=", ">=", "<", ">"];

impl Wishes {
    /// Adds one condition.
    pub(super) fn add(&mut self, kind: &str, condition: &str) -> Result<(), String> {
        let found = OPERATORS.iter().filter_map(|op| Some((condition.find(&format!(" {op} "))?, *op))).min();
        let (at, operator) = found.ok_or("it has no comparison")?;
        let left = condition[..at].trim();
        let right = condition[at + operator.len() + 2..].trim();
        match (left, kind) {
            ("[CONNECTED]", _) if operator == "==" && right == "true" => Ok(()),
            ("[STATUS]", "http") => self.status(operator, right),
            ("[STATUS]", "ssh") if operator == "==" && right == "0" => Ok(()),
            ("[RESPONSE_TIME]", _) => self.time(kind, operator, right),
            ("[CERTIFICATE_EXPIRATION]", "http" | "tls") => self.certificate(kind, operator, right),
            ("[DNS_RCODE]", "dns") if operator == "==" => {
                self.top.push(("rcode", text(right)));
                Ok(())
            }
            ("[BODY]", "dns") if operator == "==" => self.answer(right),
            (left, "http") if left.contains("[BODY]") => self.body(left, operator, right),
            _ => Err("nothing here corresponds to it".into()),
        }
    }

    fn status(&mut self, operator: &str, right: &str) -> Result<(), String> {
        if let Some(words) = call("any", right).filter(|_| operator == "==") {
            self.status.extend(words.split(',').map(|word| text(word.trim())));
            return Ok(());
        }
        let number: i64 = right.parse().map_err(|_| "it is not about a number")?;
        let range = match operator {
            "==" => number.to_string(),
            "<" => format!("100-{}", number - 1),
            "<=" => format!("100-{number}"),
            ">" => format!("{}-599", number + 1),
            ">=" => format!("{number}-599"),
            _ => return Err("statuses that are wrong cannot be listed; list the right ones".into()),
        };
        if operator != "==" && !self.status.is_empty() {
            return Err("a second bound of the status; write the range by hand".into());
        }
        self.status.push(text(range));
        Ok(())
    }

    fn time(&mut self, kind: &str, operator: &str, right: &str) -> Result<(), String> {
        let ms: i64 = right.parse().ok().filter(|ms| *ms > 0).ok_or("it is not about milliseconds")?;
        if !matches!(operator, "<" | "<=") {
            return Err("an answer is never too quick here".into());
        }
        let length = format_duration(ms);
        if kind == "http" {
            self.expect.push(("fail_slower_than", text(length)));
        } else {
            self.degraded_only = Some(length.clone());
            self.top.push(("slower_than", text(length)));
        }
        Ok(())
    }

    fn certificate(&mut self, kind: &str, operator: &str, right: &str) -> Result<(), String> {
        let ms = go_duration(right).filter(|ms| *ms > 0).ok_or("it is not about a duration")?;
        if !matches!(operator, ">" | ">=") {
            return Err("a certificate is never good for too long here".into());
        }
        let length = || text(format_duration(ms));
        if kind == "http" {
            self.expect.push(("certificate_fail_before", length()));
        } else {
            self.top.push(("fail_before", length()));
            self.top.push(("warn_before", length()));
        }
        Ok(())
    }

    fn answer(&mut self, right: &str) -> Result<(), String> {
        match (call("pat", right), call("any", right)) {
            (Some(glob), _) => self.top.push(("answer_regex", quoted(pattern_of(glob)))),
            (_, Some(words)) => self.top.push(("answer_regex", quoted(one_of(words)))),
            (None, None) => self.top.push(("answers", text(right.trim_end_matches('.')))),
        }
        Ok(())
    }

    fn body(&mut self, left: &str, operator: &str, right: &str) -> Result<(), String> {
        let right = right.trim_matches('"');
        if let Some(inner) = call("has", left) {
            let path = path_of(inner).ok_or("it is not about a path")?;
            let exists = match (operator, right) {
                ("==", "true") | ("!=", "false") => "true",
                ("==", "false") | ("!=", "true") => "false",
                _ => return Err("`has()` is true or false".into()),
            };
            self.json.push(map([("path", quoted(path)), ("exists", text(exists))]));
            return Ok(());
        }
        if let Some(inner) = call("len", left) {
            return self.length(inner, operator, right);
        }
        if left == "[BODY]" {
            if operator != "==" {
                return Err("the whole body is compared for equality alone".into());
            }
            self.patterns.push(quoted(right_pattern(right)));
            return Ok(());
        }
        let path = path_of(left).ok_or("it is not about a path")?;
        let number = || right.parse::<i64>().map_err(|_| "it is not about a whole number".to_owned());
        let (key, value) = match operator {
            "==" if call("pat", right).is_some() || call("any", right).is_some() => {
                ("matches", quoted(right_pattern(right)))
            }
            "==" => ("equals", text(right)),
            "<" => ("at_most", text((number()? - 1).to_string())),
            "<=" => ("at_most", text(number()?.to_string())),
            ">" => ("at_least", text((number()? + 1).to_string())),
            ">=" => ("at_least", text(number()?.to_string())),
            _ => return Err("values that are wrong cannot be listed".into()),
        };
        self.json.push(map([("path", quoted(path)), (key, value)]));
        Ok(())
    }

    /// Theirs is the length of a list or of a text; ours counts members.
    fn length(&mut self, inner: &str, operator: &str, right: &str) -> Result<(), String> {
        let path = path_of(inner).filter(|path| path != "$");
        let path = path.ok_or("the length of the body itself is not measured")?;
        let number: i64 = right.parse().map_err(|_| "it is not about a number")?;
        match operator {
            "==" => self.json.push(map([("path", quoted(format!("{path}[*]"))), ("count", text(number.to_string()))])),
            ">" => self.json.push(map([("path", quoted(format!("{path}[{number}]"))), ("exists", text("true"))])),
            ">=" if number > 0 => {
                self.json.push(map([("path", quoted(format!("{path}[{}]", number - 1))), ("exists", text("true"))]));
            }
            "<" => {
                self.json.push(map([("path", quoted(format!("{path}[{}]", number - 1))), ("exists", text("false"))]))
            }
            "<=" => self.json.push(map([("path", quoted(format!("{path}[{number}]"))), ("exists", text("false"))])),
            _ => return Err("lengths that are wrong cannot be listed".into()),
        }
        Ok(())
    }
}

/// What stands in `name(…)`.
fn call<'a>(name: &str, words: &'a str) -> Option<&'a str> {
    words.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')').map(str::trim)
}

/// `[BODY].a.b[0]` as RFC 9535.
fn path_of(words: &str) -> Option<String> {
    let rest = words.trim().strip_prefix("[BODY]")?;
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '[' | ']');
    if !rest.chars().all(plain) {
        return None;
    }
    let mut path = String::from("$");
    for part in rest.trim_start_matches('.').split('.').filter(|part| !part.is_empty()) {
        let (name, index) = part.find('[').map_or((part, ""), |at| part.split_at(at));
        if !name.is_empty() {
            path.push_str(&format!("['{name}']"));
        }
        path.push_str(index);
    }
    Some(path)
}

fn right_pattern(right: &str) -> String {
    match (call("pat", right), call("any", right)) {
        (Some(glob), _) => pattern_of(glob),
        (_, Some(words)) => one_of(words),
        (None, None) => format!("^{}$", regex::escape(right)),
    }
}

/// `*` stands for anything, `?` for one character.
fn pattern_of(glob: &str) -> String {
    let mut pattern = String::from("(?s)^");
    for c in glob.chars() {
        match c {
            '*' => pattern.push_str(".*"),
            '?' => pattern.push('.'),
            c => pattern.push_str(&regex::escape(&c.to_string())),
        }
    }
    pattern + "$"
}

fn one_of(words: &str) -> String {
    let words: Vec<String> = words.split(',').map(|word| regex::escape(word.trim())).collect();
    format!("^({})$", words.join("|"))
}
