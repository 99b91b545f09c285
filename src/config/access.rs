//! Who may do what: `access` of `gengfu.yaml` becomes a ring of tokens.
//!
//! Not here: what a scope allows (`domain::access`), how a token is shown (`web`). Invariants: no token and no whole
//! hash enters a message; a token is in the ring once; two tokens of one holder act for the same owner.

use super::settings::secret;
use super::{LoadOptions, Sources};
use crate::domain::access::{Keyring, Scope, Token, TokenHash};
use crate::domain::civil::{Zone, day_after, people_date};
use crate::domain::{Actor, DAY, Language, Millis, OwnerId, Timestamp};
use crate::field::{Code, Place, Problem, Problems, Record, Value};
use jiff::civil::Date;

/// Whoever holds a token that ends within this time is warned about.
const SOON: Millis = 30 * DAY;

/// A token that people make up is at least so long, in characters; `gengfu token` makes better ones.
const TOKEN_CHARS_MIN: usize = 32;

/// Lowers `access.tokens`; what is wrong with one leaves the others visible.
pub(super) fn lower(
    sources: &Sources,
    main: &Record,
    zone: &Zone,
    options: &LoadOptions,
    problems: &mut Problems,
) -> Keyring {
    let mut ring: Vec<(Token, &Place)> = Vec::new();
    for record in main.record("access").into_iter().flat_map(|access| access.records("tokens")) {
        let Some(token) = token(sources, record, zone, problems) else { continue };
        if let Some(now) = options.judge_from {
            judge_time(now, &token, record, problems);
        }
        judge_company(&token, record, &ring, problems);
        ring.push((token, &record.at));
    }
    Keyring::new(ring.into_iter().map(|(token, _)| token).collect())
}

fn token(sources: &Sources, record: &Record, zone: &Zone, problems: &mut Problems) -> Option<Token> {
    let scopes: Vec<Scope> = record.texts("scopes").filter_map(|(text, at)| scope(text, at, problems)).collect();
    let hash = hash(sources, record, problems)?;
    if Actor::ourselves("").name == record.text("holder") {
        let message = "a holder by the name of the daemon itself";
        problems.push(Problem::error(Code::Value, record.at("holder"), message).hint("name the person or the machine"));
    }
    if !record.complete {
        return None;
    }
    Some(Token {
        holder: record.text("holder").to_owned(),
        owner: record.opt_text("owner").map(OwnerId::new),
        scopes,
        hash,
        expires: last_day(record).map(|date| zone.midnight(day_after(date))),
    })
}

/// Every owner that a token names, with its place, for whoever checks that it exists.
pub(super) fn owners<'a>(sources: &Sources, main: &'a Record) -> Vec<(&'a str, Place)> {
    let tokens = main.record("access").into_iter().flat_map(|access| access.records("tokens"));
    let named = tokens.flat_map(|token| {
        let own = token.opt_text("owner").map(|owner| (owner, token.at("owner").clone()));
        let scopes = token.texts("scopes").filter_map(|(text, at)| {
            let owner = text.strip_prefix("approve:").filter(|owner| !owner.is_empty())?;
            Some((owner, tail(sources, at, owner)))
        });
        own.into_iter().chain(scopes)
    });
    named.collect()
}

/// The place of the last part of a value, if the value stands in the file as it is.
fn tail(sources: &Sources, at: &Place, part: &str) -> Place {
    let (start, end) = (at.start as usize, at.end as usize);
    let found = sources.text(&at.file).and_then(|text| text.get(start..end)).and_then(|written| {
        let before = &written[..written.rfind(part)?];
        Some((u32::try_from(before.len()).ok()?, u32::try_from(before.chars().count()).ok()?))
    });
    let Some((bytes, chars)) = found else { return at.clone() };
    let start = at.start + bytes;
    let end = start + u32::try_from(part.len()).unwrap_or_default();
    Place { start, end, column: at.column + chars, ..at.clone() }
}

fn scope(text: &str, at: &Place, problems: &mut Problems) -> Option<Scope> {
    let wrong = |why: &str| {
        let known: Vec<String> = Scope::PLAIN.iter().map(ToString::to_string).collect();
        let problem = Problem::error(Code::Value, at, format!("`{text}` {why}"));
        let problem = problem.expected(format!("{}, or `approve:` and an owner's id", ticked(&known)));
        problem.did_you_mean(text, known.iter().map(String::as_str))
    };
    text.parse().map_err(|why| problems.push(wrong(why))).ok()
}

fn ticked(words: &[String]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn hash(sources: &Sources, record: &Record, problems: &mut Problems) -> Option<TokenHash> {
    match (record.opt_text("sha256"), record.opt_text("token")) {
        (Some(_), Some(_)) => {
            let problem = Problem::error(Code::Value, record.key_at("token"), "`token` beside `sha256`");
            problems.push(problem.hint("keep the hash, and give the token to its holder"));
            None
        }
        (Some(text), None) => {
            let wrong = |why| {
                let problem = Problem::error(Code::Value, record.at("sha256"), format!("the hash {why}"));
                problem.expected("64 hexadecimal digits, as `gengfu token` prints them")
            };
            text.parse().map_err(|why| problems.push(wrong(why))).ok()
        }
        (None, Some(text)) => {
            let at = record.at("token");
            let token = secret(&sources.root, text, at, problems)?;
            if is_literal(sources, at) {
                let problem =
                    Problem::warning(Code::TokenShown, at, "a token that everybody reads who reads this file");
                problems.push(problem.hint("write its `sha256` instead; `gengfu token` prints both"));
            }
            if token.chars().count() < TOKEN_CHARS_MIN {
                let message = format!("a token of fewer than {TOKEN_CHARS_MIN} characters can be guessed");
                problems.push(Problem::error(Code::Value, at, message).hint("let `gengfu token` make one"));
                return None;
            }
            Some(TokenHash::of(&token))
        }
        (None, None) if record.has("sha256") || record.has("token") || !record.complete => None,
        (None, None) => {
            let problem = Problem::error(Code::MissingKey, &record.at, "a token without `sha256` and without `token`");
            problems.push(problem.expected("one of them").hint("let `gengfu token` make a token and its hash"));
            None
        }
    }
}

/// Whether a value stands in the file itself, and came neither from the environment nor from a file of its own.
fn is_literal(sources: &Sources, at: &Place) -> bool {
    let written = sources.text(&at.file).and_then(|text| text.get(at.start as usize..at.end as usize));
    written.is_some_and(|text| !text.contains("${") && !text.trim_start_matches(['"', '\'']).starts_with("file:"))
}

fn last_day(record: &Record) -> Option<Date> {
    match record.get("expires").map(|value| &value.value) {
        Some(Value::Date(date)) => Some(*date),
        _ => None,
    }
}

fn judge_time(now: Timestamp, token: &Token, record: &Record, problems: &mut Problems) {
    let (Some(expires), Some(date)) = (token.expires, last_day(record)) else { return };
    let (holder, date) = (&token.holder, people_date(date, Language::En));
    let message = match expires.since(now) {
        ..=0 => format!("the token of `{holder}` expired with {date}"),
        1..SOON => format!("the token of `{holder}` expires with {date}"),
        _ => return,
    };
    let hint = "add another token of the same holder, hand it out, and take this one away";
    problems.push(Problem::warning(Code::TokenExpires, record.at("expires"), message).hint(hint));
}

/// A name as people read it, who overlook case, spaces, dots, hyphens and underscores.
fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn judge_company(token: &Token, record: &Record, ring: &[(Token, &Place)], problems: &mut Problems) {
    if let Some((_, first)) = ring.iter().find(|(other, _)| other.hash == token.hash) {
        let problem = Problem::error(Code::DuplicateId, &record.at, "this token stands here twice");
        problems.push(problem.hint("give every holder a token of its own").related(first, "the other one"));
    }
    let alike = |a: &str, b: &str| a != b && folded(a) == folded(b);
    if let Some((other, first)) = ring.iter().find(|(other, _)| alike(&other.holder, &token.holder)) {
        let message = format!("`{}` and `{}` look like one person by two names", token.holder, other.holder);
        let problem = Problem::error(Code::Value, record.at("holder"), message);
        let hint = "spell one person alike everywhere: whoever applies for a window must not approve it";
        problems.push(problem.hint(hint).related(first, "the other one"));
    }
    let other = ring.iter().find(|(other, _)| other.holder == token.holder && other.owner != token.owner);
    if let Some((_, first)) = other {
        let message = format!("`{}` acts for two owners", token.holder);
        let problem = Problem::error(Code::Value, record.at("owner"), message);
        problems.push(problem.hint("name the holders apart, or the owner alike").related(first, "the other token"));
    }
}
