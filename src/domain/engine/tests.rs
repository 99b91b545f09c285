//! The engine by behaviour: scripted observations, a clock that is an argument, a restart after any fact.

mod attribution;
mod beside;
mod canary;
mod channels;
mod correct;
mod course;
mod digest;
mod filing;
mod filing_histories;
mod leases;
mod limits;
mod model;
mod news;
mod past;
mod reports;
mod severity;
mod sight;
mod silences;
mod storm;
mod threads;
mod weeks;

use super::*;
use crate::domain::fixture::City;
use crate::domain::timeline::Health;
use windows::with_window;

/// A Wednesday in working hours, 02:00 UTC = 10:00 in Shanghai.
const T0: Timestamp = Timestamp(1_773_194_400_000);

struct Bench {
    engine: Engine,
    facts: Vec<Recorded>,
    mails: Vec<Message>,
    retries: Vec<(ProbeId, Timestamp)>,
    orders: Vec<plan::Order>,
    released: Vec<String>,
    now: Timestamp,
}

impl Bench {
    fn new(city: &City) -> Self {
        Self::of(city.inventory())
    }

    fn of(inventory: Inventory) -> Self {
        let engine = Engine::new(T0, Arc::new(inventory));
        let mut bench = Self {
            engine,
            facts: Vec::new(),
            mails: Vec::new(),
            retries: Vec::new(),
            orders: Vec::new(),
            released: Vec::new(),
            now: T0,
        };
        let out = bench.engine.start(T0, None, "digest");
        bench.take(out);
        bench
    }

    fn take(&mut self, out: Output) {
        self.facts.extend(out.facts);
        for message in out.messages {
            // The relay accepts at once.
            self.mails.push(message.clone());
            let accepted = Event::Delivered { message: Box::new(message), accepted: self.now };
            let out = self.engine.handle(self.now, accepted);
            self.take(out);
        }
        for effect in out.effects {
            match effect {
                Effect::Retry { probe, at } => self.retries.push((probe, at)),
                Effect::Step(order) => self.orders.push(*order),
                Effect::Release { target } => self.released.push(target),
            }
        }
    }

    /// Lets time pass up to `second` after T0, waking the engine at each of its deadlines.
    fn until(&mut self, second: i64) {
        self.until_instant(T0 + second * SECOND);
    }

    fn until_instant(&mut self, end: Timestamp) {
        while let Some(at) = self.engine.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let out = self.engine.handle(self.now, Event::Tick);
            self.take(out);
        }
        self.now = end;
    }

    /// One attempt of every probe of a subsystem at `second`.
    fn see(&mut self, second: i64, subsystem: &str, outcome: &Outcome) {
        self.until(second);
        let inventory = Arc::clone(self.engine.inventory());
        for probe in &inventory.subsystems[subsystem].probes {
            let outcome = outcome.clone();
            let seen =
                Observation { probe: probe.clone(), started: self.now, took_ms: 5, trigger: Trigger::Tick, outcome };
            let out = self.engine.handle(self.now, Event::Observed(seen));
            self.take(out);
        }
    }

    /// The same outcome every ten seconds from `from` to before `to`.
    fn seen(&mut self, from: i64, to: i64, subsystems: &[&str], outcome: &Outcome) {
        for second in (from..to).step_by(10) {
            for subsystem in subsystems {
                self.see(second, subsystem, outcome);
            }
        }
    }

    fn health(&self, subsystem: &str) -> Health {
        self.engine.watch.health(&subsystem.into())
    }

    /// What was mailed, in short: `opened down a/web`.
    fn mailed(&self) -> Vec<String> {
        let word = |m: &Message| match &m.content {
            Content::Opened(n) => format!("opened {} {}", n.symptom.as_str(), n.subsystem),
            Content::Reopened(n) => format!("reopened {} {}", n.symptom.as_str(), n.subsystem),
            Content::Changed(n) => format!("changed {} {}", n.symptom.as_str(), n.subsystem),
            Content::Reminder(n) => format!("reminder {} {}", n.symptom.as_str(), n.subsystem),
            Content::Escalated(n) => format!("escalated {} {}", n.symptom.as_str(), n.subsystem),
            Content::Closed(n) => format!("closed {} {}", n.symptom.as_str(), n.subsystem),
            Content::Announcement { owner, .. } => format!("announcement {owner}"),
            Content::WindowNews { telling, windows, .. } => {
                format!("news {telling:?} {}", windows[0].window.scope[0].0)
            }
            Content::DependencyInMaintenance { affected, .. } => format!("informed {}", affected[0].subsystem),
            Content::Plan(news) => format!("{} {}", news.kind.as_str(), news.run),
            Content::Filing { sheet, .. } => format!("filing {}", sheet.subsystem),
            Content::Digest(_) => "digest".to_owned(),
            Content::Canary => "canary".to_owned(),
            Content::ReloadRefused { .. } => "reload refused".to_owned(),
            Content::Folded(_) => "folded".to_owned(),
            Content::Report(news) => format!("report {}", news.period),
        };
        self.mails.iter().filter(|m| about(m).is_none_or(|n| n.symptom != Symptom::SlaAtRisk)).map(word).collect()
    }

    fn outages(&self) -> Vec<String> {
        self.mailed().into_iter().filter(|m| !m.starts_with("announcement") && !m.starts_with("news")).collect()
    }
}

/// The incident that a mail is about.
fn about(mail: &Message) -> Option<&IncidentNews> {
    mail.content.incident()
}

fn refused() -> Outcome {
    Outcome::fail(ReasonKind::Connect, "connection refused by a.test:443")
}

/// The event of another set of files.
fn reloaded(inventory: Inventory) -> Event {
    Event::Reloaded { inventory: Arc::new(inventory), digest: "other".into(), by: Actor::ourselves("files") }
}

fn two_tiers() -> City {
    City::new().subsystem("a/web", 1, &[]).subsystem("b/hall", 2, &["a/web"]).subsystem("c/alone", 2, &[])
}

#[test]
fn the_first_result_needs_confirmation_and_is_dated_back() {
    let mut bench = Bench::new(&two_tiers());
    bench.see(0, "a/web", &Outcome::Pass);
    assert_eq!(bench.health("a/web"), Health::Unknown);
    assert_eq!(bench.retries.len(), 1);
    bench.see(5, "a/web", &Outcome::Pass);
    assert_eq!(bench.health("a/web"), Health::Up);
    let timeline = &bench.engine.watch.subsystem(&"a/web".into()).unwrap().timeline;
    assert_eq!(timeline.changes(), [(T0, Health::Up)]);
}

#[test]
fn tier_one_is_mailed_on_confirmation_and_closed_once() {
    let mut bench = Bench::new(&two_tiers());
    bench.seen(0, 30, &["a/web"], &Outcome::Pass);
    bench.seen(30, 60, &["a/web"], &refused());
    assert_eq!(bench.outages(), ["opened down a/web"]);
    assert_eq!(bench.now, T0 + 50 * SECOND);
    bench.seen(60, 200, &["a/web"], &Outcome::Pass);
    assert_eq!(bench.outages(), ["opened down a/web", "closed down a/web"]);
    let timeline = &bench.engine.watch.subsystem(&"a/web".into()).unwrap().timeline;
    let expected = [(T0, Health::Up), (T0 + 30 * SECOND, Health::Down), (T0 + 60 * SECOND, Health::Up)];
    assert_eq!(timeline.changes(), expected);
}

#[test]
fn a_lost_attempt_changes_nothing_and_mails_nobody() {
    let mut bench = Bench::new(&two_tiers());
    bench.seen(0, 30, &["a/web"], &Outcome::Pass);
    let facts = bench.facts.len();
    bench.see(30, "a/web", &refused());
    bench.see(35, "a/web", &Outcome::Pass);
    assert_eq!((bench.facts.len(), bench.outages().len()), (facts, 0));
}

#[test]
fn dependants_join_their_root_and_are_not_mailed() {
    let mut bench = Bench::new(&two_tiers());
    let both = ["a/web", "b/hall"];
    bench.seen(0, 30, &both, &Outcome::Pass);
    bench.seen(30, 90, &both, &refused());
    assert_eq!(bench.outages(), ["opened down a/web"]);
    bench.seen(90, 200, &both, &Outcome::Pass);
    assert_eq!(bench.outages(), ["opened down a/web", "closed down a/web"]);
}

#[test]
fn a_dependant_seen_first_is_merged_while_it_settles() {
    let mut bench = Bench::new(&two_tiers());
    let both = ["b/hall", "a/web"];
    bench.seen(0, 30, &both, &Outcome::Pass);
    bench.seen(30, 90, &both, &refused());
    assert_eq!(bench.outages(), ["opened down a/web"]);
}

#[test]
fn a_dependant_that_stays_down_stands_for_itself_when_its_root_recovers() {
    let mut bench = Bench::new(&two_tiers());
    let both = ["a/web", "b/hall"];
    bench.seen(0, 30, &both, &Outcome::Pass);
    bench.seen(30, 90, &both, &refused());
    for second in (90..200).step_by(10) {
        bench.see(second, "a/web", &Outcome::Pass);
        bench.see(second, "b/hall", &refused());
    }
    assert_eq!(bench.outages(), ["opened down a/web", "closed down a/web", "opened down b/hall"]);
}

#[test]
fn silence_makes_unknown_and_neither_opens_nor_closes() {
    let mut bench = Bench::new(&two_tiers());
    bench.seen(0, 30, &["a/web"], &Outcome::Pass);
    bench.until(600);
    assert_eq!(bench.health("a/web"), Health::Unknown);
    assert!(bench.outages().is_empty());
    bench.see(600, "a/web", &Outcome::Pass);
    let timeline = &bench.engine.watch.subsystem(&"a/web".into()).unwrap().timeline;
    let expected = [(T0, Health::Up), (T0 + 30 * SECOND, Health::Unknown), (T0 + 600 * SECOND, Health::Up)];
    assert_eq!(timeline.changes(), expected);
}

#[test]
fn an_unknown_subsystem_keeps_its_incident_open() {
    let mut bench = Bench::new(&two_tiers());
    bench.seen(0, 30, &["a/web"], &Outcome::Pass);
    bench.seen(30, 60, &["a/web"], &refused());
    bench.until(600);
    assert_eq!(bench.health("a/web"), Health::Unknown);
    assert_eq!(bench.outages(), ["opened down a/web"]);
}

#[test]
fn a_relapse_reopens_the_same_incident_and_each_opening_has_one_closing() {
    let mut bench = Bench::new(&two_tiers());
    bench.seen(0, 30, &["a/web"], &Outcome::Pass);
    bench.seen(30, 60, &["a/web"], &refused());
    bench.seen(60, 120, &["a/web"], &Outcome::Pass);
    bench.seen(120, 150, &["a/web"], &refused());
    bench.seen(150, 200, &["a/web"], &Outcome::Pass);
    let expected = ["opened down a/web", "closed down a/web", "reopened down a/web", "closed down a/web"];
    assert_eq!(bench.outages(), expected);
    let threads: std::collections::BTreeSet<&str> = bench
        .mails
        .iter()
        .filter(|m| !matches!(m.content, Content::Announcement { .. }))
        .map(|m| m.thread.as_str())
        .collect();
    assert!(threads.contains("INC-0001"));
    let ids: std::collections::BTreeSet<&str> = bench.mails.iter().map(|m| m.id.as_str()).collect();
    assert_eq!(ids.len(), bench.mails.len(), "every message has an id of its own");
}

#[test]
fn maintenance_outside_a_window_replaces_down() {
    let mut bench = Bench::new(&two_tiers());
    bench.seen(0, 30, &["a/web"], &Outcome::Pass);
    bench.seen(30, 70, &["a/web"], &Outcome::fail(ReasonKind::Maintenance, "503 with retry-after 3600"));
    assert_eq!(bench.outages(), ["opened maintenance_outside_window a/web"]);
    bench.seen(70, 200, &["a/web"], &Outcome::Pass);
    let mut again = Engine::new(T0, Arc::clone(bench.engine.inventory()));
    bench.facts.iter().for_each(|fact| again.apply(fact));
    for engine in [&bench.engine, &again] {
        let state = engine.watch.subsystem(&"a/web".into()).unwrap();
        assert_eq!(state.undeclared, [Span::new(T0 + 30 * SECOND, T0 + 70 * SECOND)], "also from the facts alone");
    }
}

#[test]
fn what_was_seen_of_undeclared_maintenance_ends_where_the_watch_lost_sight() {
    let mut bench = Bench::new(&two_tiers());
    bench.seen(0, 30, &["a/web"], &Outcome::Pass);
    bench.seen(30, 70, &["a/web"], &Outcome::fail(ReasonKind::Maintenance, "503 with retry-after 3600"));
    let mut engine = Engine::new(T0, Arc::clone(bench.engine.inventory()));
    bench.facts.iter().for_each(|fact| engine.apply(fact));
    engine.start(T0 + 600 * SECOND, Some(T0 + 70 * SECOND), "digest");
    let state = engine.watch.subsystem(&"a/web".into()).unwrap();
    assert_eq!(state.undeclared, [Span::new(T0 + 30 * SECOND, T0 + 70 * SECOND)]);
}

#[test]
fn outside_its_hours_a_subsystem_is_measured_and_opens_when_hours_begin() {
    // T0 is 10:00; the hours begin at 10:02 local time.
    let city = City::new().subsystem("a/web", 1, &[]).hours("a/web", "daily 10:02-11:00");
    let mut bench = Bench::new(&city);
    bench.seen(0, 110, &["a/web"], &refused());
    assert_eq!((bench.health("a/web"), bench.outages().len()), (Health::Down, 0));
    bench.seen(110, 140, &["a/web"], &refused());
    assert_eq!(bench.outages(), ["opened down a/web"]);
}

#[test]
fn a_restart_leaves_a_gap_of_unknown_and_resumes_the_confirmed_state() {
    let mut bench = Bench::new(&two_tiers());
    bench.seen(0, 30, &["a/web"], &Outcome::Pass);
    let mut engine = Engine::new(T0, Arc::clone(bench.engine.inventory()));
    bench.facts.iter().for_each(|f| engine.apply(f));
    bench.engine = engine;
    bench.now = T0 + 1_230 * SECOND;
    let out = bench.engine.start(bench.now, Some(T0 + 30 * SECOND), "digest");
    bench.take(out);
    assert_eq!(bench.health("a/web"), Health::Unknown);
    bench.see(1_230, "a/web", &Outcome::Pass);
    let timeline = &bench.engine.watch.subsystem(&"a/web".into()).unwrap().timeline;
    let unknown: i64 = timeline
        .spans(Span::new(T0, bench.now))
        .filter(|(_, health)| *health == Health::Unknown)
        .map(|(span, _)| span.len_ms())
        .sum();
    assert_eq!(unknown, 1_200 * SECOND);
    assert_eq!(bench.health("a/web"), Health::Up);
}

#[test]
fn a_replay_of_the_facts_arrives_at_the_same_state_and_so_does_a_checkpoint() {
    let mut bench = Bench::new(&with_window());
    let all = ["a/web", "b/hall", "c/alone"];
    bench.seen(0, 60, &all, &Outcome::Pass);
    bench.seen(60, 230, &["a/web", "c/alone"], &refused());
    bench.seen(230, 300, &all, &Outcome::Pass);
    let mut replayed = Engine::new(T0, Arc::clone(bench.engine.inventory()));
    replayed.book.adopt(T0, bench.engine.inventory());
    bench.facts.iter().for_each(|f| replayed.apply(f));
    let shape = |e: &Engine| {
        let incidents: Vec<_> = e.desk.closed().chain(e.desk.open()).cloned().collect();
        let windows: Vec<_> = e.book.iter().map(|w| (w.id.clone(), w.state, w.restored)).collect();
        let lines: Vec<_> = all.iter().map(|s| e.watch.subsystem(&(*s).into()).unwrap().timeline.clone()).collect();
        (incidents, windows, lines)
    };
    assert_eq!(shape(&replayed), shape(&bench.engine));
    let mut restored = Engine::new(T0, Arc::clone(bench.engine.inventory()));
    assert!(restored.restore(&bench.engine.checkpoint()));
    assert_eq!(shape(&restored), shape(&bench.engine));
}

#[test]
fn a_forward_step_of_the_clock_makes_the_skipped_time_unknown() {
    let mut bench = Bench::new(&two_tiers());
    bench.seen(0, 30, &["a/web"], &Outcome::Pass);
    let (from, to) = (T0 + 30 * SECOND, T0 + 3_630 * SECOND);
    let out = bench.engine.handle(to, Event::ClockStepped { from, to });
    bench.now = to;
    bench.take(out);
    assert_eq!(bench.health("a/web"), Health::Unknown);
}

#[test]
fn a_subsystem_that_left_the_inventory_is_closed_and_forgotten() {
    let mut bench = Bench::new(&two_tiers());
    bench.seen(0, 30, &["c/alone"], &Outcome::Pass);
    bench.seen(30, 120, &["c/alone"], &refused());
    let smaller = City::new().subsystem("a/web", 1, &[]).inventory();
    let event = Event::Reloaded { inventory: Arc::new(smaller), digest: "other".into(), by: Actor::ourselves("files") };
    let out = bench.engine.handle(bench.now, event);
    bench.take(out);
    assert_eq!(bench.outages(), ["opened down c/alone", "closed down c/alone"]);
    assert_eq!(bench.engine.snapshot().subsystems.len(), 1);
}

/// Pages alone: with minutes of history, a ticket follows from the first bad seconds.
fn risks(bench: &Bench) -> Vec<String> {
    let risk = |m: &Message| match &m.content {
        Content::Opened(n) if n.symptom == Symptom::SlaAtRisk && n.severity == Severity::Page => {
            Some(format!("opened {}", n.subsystem))
        }
        Content::Closed(n) if n.symptom == Symptom::SlaAtRisk => Some(format!("closed {}", n.subsystem)),
        _ => None,
    };
    bench.mails.iter().filter_map(risk).collect()
}

#[test]
fn a_long_outage_puts_the_promise_at_risk_once() {
    let mut bench = Bench::new(&two_tiers());
    bench.seen(0, 600, &["a/web"], &Outcome::Pass);
    bench.seen(600, 640, &["a/web"], &refused());
    assert_eq!(risks(&bench), [""; 0], "forty bad seconds are no evidence yet");
    bench.seen(640, 720, &["a/web"], &refused());
    assert_eq!(risks(&bench), ["opened a/web"]);
}

#[test]
fn a_promise_that_wakes_nobody_opens_a_ticket_instead() {
    let mut inventory = two_tiers().inventory();
    inventory.objectives.values_mut().for_each(|objective| objective.pages = Pages::of(std::iter::empty()));
    let mut bench = Bench::of(inventory);
    bench.seen(0, 600, &["a/web"], &Outcome::Pass);
    bench.seen(600, 720, &["a/web"], &refused());
    assert_eq!(risks(&bench), [""; 0]);
    let is_ticket = |m: &Message| matches!(&m.content, Content::Opened(n) if n.symptom == Symptom::SlaAtRisk && n.severity == Severity::Ticket);
    assert!(bench.mails.iter().any(is_ticket));
}

#[test]
fn the_risk_of_a_dependant_is_hidden_with_its_roots_incident_and_after_it() {
    let mut bench = Bench::new(&two_tiers());
    let both = ["a/web", "b/hall"];
    bench.seen(0, 600, &both, &Outcome::Pass);
    bench.seen(600, 720, &both, &refused());
    bench.seen(720, 1_200, &both, &Outcome::Pass);
    assert!(risks(&bench).iter().all(|r| r.ends_with("a/web")), "{:?}", risks(&bench));
}

#[test]
fn a_dependant_that_follows_its_root_is_not_mailed_even_in_tier_one() {
    let city = City::new().subsystem("a/web", 1, &[]).subsystem("b/top", 1, &["a/web"]);
    let mut bench = Bench::new(&city);
    let both = ["a/web", "b/top"];
    bench.seen(0, 30, &both, &Outcome::Pass);
    bench.seen(30, 90, &both, &refused());
    bench.see(90, "a/web", &Outcome::Pass);
    bench.see(91, "a/web", &Outcome::Pass);
    bench.see(95, "b/top", &Outcome::Pass);
    bench.see(96, "b/top", &Outcome::Pass);
    bench.seen(100, 200, &both, &Outcome::Pass);
    assert_eq!(bench.outages(), ["opened down a/web", "closed down a/web"]);
}

#[test]
fn an_outage_supersedes_a_degradation_that_nobody_was_told_about() {
    let mut bench = Bench::new(&two_tiers());
    bench.seen(0, 30, &["c/alone"], &Outcome::Pass);
    for second in [30, 31, 32] {
        bench.see(second, "c/alone", &Outcome::degraded(ReasonKind::Slow, "4.1 s, expected under 2 s"));
    }
    bench.seen(33, 36, &["c/alone"], &refused());
    for second in [36, 37, 38] {
        bench.see(second, "c/alone", &refused());
    }
    bench.seen(40, 100, &["c/alone"], &refused());
    assert_eq!(bench.outages(), ["opened down c/alone"]);
}

mod orders;
mod plan_histories;
mod plan_texts;
mod plans;
mod windows;
mod words;
