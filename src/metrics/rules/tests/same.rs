//! The daemon and the rules over the same random histories: they agree within one scrape interval.
//!
//! promtool evaluates the shipped file over the text that was scraped. At every evaluation the rules must say what the
//! daemon said at some instant no further away than one scrape. `GENGFU_HISTORIES` says how many histories there are.

use super::history::{History, SCRAPE_MS, history};
use super::*;
use crate::domain::{HOUR, Millis, Severity};
use serde_json::{Value, json};

const SEED: u64 = 20_261_129;

/// What is compared: whether there is a page, and whether there is anything. A ticket beside an open page says the same
/// less loudly, and whether there is one hangs on which came first between two scrapes.
#[derive(Clone, Copy)]
struct Level {
    name: &'static str,
    alerts: &'static str,
    counts: fn(Severity) -> bool,
}

const LEVELS: [Level; 2] = [
    Level { name: "page", alerts: "gengfu:sla_at_risk{severity=\"page\"}", counts: |s| s == Severity::Page },
    Level { name: "any", alerts: "gengfu:sla_at_risk", counts: |_| true },
];

impl Level {
    /// The first second of an hour at which the rules say something else than the daemon; nothing if they never do.
    fn differs(self) -> String {
        let (said, alerts) = (format!("daemon_said{{level=\"{}\"}}", self.name), self.alerts);
        format!("min_over_time((time() + 0 * ({said} != on () (max({alerts}) or on () 0 * {said})))[1h:15s])")
    }
}

fn histories() -> u64 {
    std::env::var("GENGFU_HISTORIES").ok().and_then(|n| n.parse().ok()).unwrap_or(4)
}

#[expect(clippy::print_stderr, reason = "figures and seeds are for people")]
#[test]
fn rules_and_daemon_agree_within_one_scrape() {
    let (mut opened, mut unseen, mut asked) = ([0, 0], 0, 0);
    for seed in SEED..SEED + histories() {
        let history = history(seed);
        for (severity, count) in [Severity::Page, Severity::Ticket].into_iter().zip(&mut opened) {
            *count += history.decisions.iter().filter(|d| d.severity == severity && d.opens).count();
        }
        unseen += history.decisions.iter().filter(|d| !d.seen).count();
        let answers = LEVELS.map(|level| answers(&history, level));
        asked += answers.iter().map(Vec::len).sum::<usize>();
        let Some(differs) = ask(seed, &history, &answers) else { return };
        assert!(differs.is_empty(), "seed {seed}: {}\n{:?}\n{differs}", history.about, history.decisions);
    }
    eprintln!(
        "{} histories from seed {SEED}: {opened:?} pages and tickets, {unseen} of them unseen, {asked} answers compared",
        histories()
    );
    assert!(opened.iter().all(|n| *n > 0), "nothing was at risk in any history: {opened:?}");
}

/// What the daemon said around every scrape, where it said one thing only.
fn answers(history: &History, level: Level) -> Vec<(usize, String)> {
    let said = |n: usize| Some((n, u8::from(said(history, level, n as Millis * SCRAPE_MS)?).to_string()));
    (1..history.scrapes).filter_map(said).collect()
}

/// Whether anything of a level was open all the time around `at_ms`; `None` if that changed, or while something is open
/// that no scrape saw a reason for: what is not known keeps it open, and a reader of scrapes cannot know of it.
fn said(history: &History, level: Level, at_ms: Millis) -> Option<bool> {
    let (mut open, mut unseen) = (BTreeSet::new(), BTreeSet::new());
    for decision in history.decisions.iter().take_while(|d| d.at_ms <= at_ms + SCRAPE_MS) {
        let before = !open.is_empty();
        for (set, holds) in
            [(&mut open, decision.opens && (level.counts)(decision.severity)), (&mut unseen, !decision.seen)]
        {
            set.remove(&decision.severity);
            set.extend(holds.then_some(decision.severity));
        }
        if decision.at_ms >= at_ms - SCRAPE_MS && before == open.is_empty() {
            return None;
        }
    }
    unseen.is_empty().then_some(!open.is_empty())
}

/// What promtool finds different; empty if nothing, `None` without promtool.
fn ask(seed: u64, history: &History, answers: &[Vec<(usize, String)>; 2]) -> Option<String> {
    let mut input: Vec<Value> =
        history.series.iter().map(|(name, samples)| json!({ "series": name, "values": values(samples) })).collect();
    let always = format!("1x{}", history.scrapes);
    input.push(json!({ "series": "up{job=\"gengfu\",instance=\"a\"}", "values": always }));
    for (level, said) in LEVELS.iter().zip(answers) {
        let name = format!("daemon_said{{level=\"{}\"}}", level.name);
        input.push(json!({ "series": name, "values": values(said) }));
    }
    // promtool bounds how much one question may read.
    let hours = history.scrapes as Millis * SCRAPE_MS / HOUR;
    let question = |(level, hour): (Level, Millis)| json!({ "expr": level.differs(), "eval_time": format!("{hour}h"), "exp_samples": [] });
    let questions: Vec<Value> = (1..=hours).flat_map(|hour| LEVELS.map(|level| question((level, hour)))).collect();
    let scrape = format!("{}s", SCRAPE_MS / 1_000);
    let test = json!({
        "rule_files": [file()],
        "evaluation_interval": scrape,
        "tests": [{ "interval": scrape, "input_series": input, "promql_expr_test": questions }],
    });
    let path = std::env::temp_dir().join(format!("gengfu-rules-{}-{seed}.json", std::process::id()));
    std::fs::write(&path, test.to_string()).unwrap();
    let run = promtool(&["test".as_ref(), "rules".as_ref(), &path])?;
    let said = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    if run.status.success() {
        std::fs::remove_file(&path).unwrap();
        return Some(String::new());
    }
    Some(format!("{}\n{}", path.display(), said.chars().take(2_000).collect::<String>()))
}

/// Samples in promtool's notation: what a scrape no longer finds is stale at once.
fn values(samples: &[(usize, String)]) -> String {
    let mut text = String::new();
    let mut next = 0;
    for (n, value) in samples {
        if *n > next && next > 0 {
            text += "stale ";
            next += 1;
        }
        if *n > next {
            text += &format!("_x{} ", n - next);
        }
        text += value;
        text.push(' ');
        next = n + 1;
    }
    text + "stale"
}
