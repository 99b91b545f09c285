//! Random weeks of a small city with faults, windows, people, silences and restarts: what must hold of every mailbox.
//!
//! `GENGFU_WEEKS`, read when the tests are built, says how many weeks; a failure names the seed.

use super::orders::operator;
use super::*;
use crate::domain::incident::{CHANGES_APART, Saying};
use crate::domain::order::{Action, Wanted};
use crate::domain::silence::{Matcher, SilenceId};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// Numbers from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    fn between(&mut self, from: Millis, to: Millis) -> Millis {
        from + i64::try_from(self.next() % to.abs_diff(from)).unwrap()
    }
}

/// What is lived through.
const LASTS: Millis = 7 * DAY;

/// After it everything is well, nobody silences anything, and no window begins: all that is open closes.
const QUIET: Millis = 4 * HOUR;

/// Most mails about incidents that one person gets within an hour, for each subsystem: six changes make two openings and
/// three closings before an incident is unstable, then a change, an escalation and two reminders at most; a degradation
/// and two risks beside it likewise.
const HOURLY_MAX: usize = 14;

/// From tick to tick while nothing changes.
const EVERY: Millis = 10 * MINUTE;

const SUBSYSTEMS: [(&str, u8, &[&str]); 9] = [
    ("a/web", 1, &[]),
    ("a/data", 1, &[]),
    ("b/hall", 2, &["a/web", "a/data"]),
    ("b/desk", 3, &["b/hall"]),
    ("c/alone", 2, &[]),
    ("c/late", 2, &[]),
    ("d/far", 3, &["c/alone"]),
    ("d/base", 3, &[]),
    ("a/shop", 2, &["d/base"]),
];

fn city(rng: &mut Dice) -> Inventory {
    let city = SUBSYSTEMS.iter().fold(City::new(), |city, (id, tier, needs)| city.subsystem(id, *tier, needs));
    let mut city = city.hours("c/late", "daily 08:00-20:00");
    for n in 0..rng.below(5) {
        let (id, ..) = SUBSYSTEMS[rng.below(SUBSYSTEMS.len())];
        let start = T0 + HOUR + rng.between(0, LASTS - DAY) / MINUTE * MINUTE;
        city = city.window(&format!("w{n}"), &[id], start, rng.between(10, 300) * MINUTE);
    }
    let mut inventory = city.inventory();
    for plan in inventory.probes.values_mut() {
        (plan.every_ms, plan.confirm_every_ms) = (EVERY, 20 * SECOND);
    }
    // Burn rates are looked at each minute while anything burns, which is most of such a week: two promises are enough.
    for (id, subsystem) in &mut inventory.subsystems {
        if !["a/web", "c/alone"].contains(&id.as_str()) {
            subsystem.objective = "none".into();
        }
    }
    let duty = inventory.rosters[&RosterId::from("duty")].clone();
    for owner in ["a", "b", "d"] {
        let person = |n: i32| Contact {
            name: format!("{owner}{n}"),
            mail: format!("{owner}{n}@{owner}.test"),
            language: Language::Zh,
            // The second of each hears of what can wait once a day.
            digest_at: (n == 2).then(|| jiff::civil::time(9, 0, 0, 0)),
        };
        let mut roster = duty.clone();
        (roster.id, roster.contacts) = (owner.into(), vec![person(1), person(2)]);
        inventory.owners.get_mut(&OwnerId::from(owner)).unwrap().on_call = roster.id.clone();
        inventory.rosters.insert(roster.id.clone(), roster);
    }
    inventory
}

/// Spans in which a subsystem is not well, and how.
fn faults(rng: &mut Dice) -> Vec<(Span, Outcome)> {
    let mut at = T0 + rng.between(HOUR, DAY);
    let mut all = Vec::new();
    while at < T0 + LASTS - HOUR {
        let outcome = match rng.below(6) {
            0 => Outcome::degraded(ReasonKind::Slow, "4.1 s, expected under 2 s"),
            1 => Outcome::fail(ReasonKind::Maintenance, "503 with retry-after 3600"),
            2 => Outcome::Unknown(Reason::new(ReasonKind::Local, "no local socket")),
            _ => refused(),
        };
        // Blips, outages, long ones, and bursts.
        let (times, lasts) = match rng.below(5) {
            0 => (1, rng.between(SECOND, 2 * MINUTE)),
            1 => (rng.between(3, 12), rng.between(90 * SECOND, 6 * MINUTE)),
            2 => (1, rng.between(2 * HOUR, 10 * HOUR)),
            _ => (1, rng.between(5 * MINUTE, HOUR)),
        };
        for _ in 0..times {
            let end = (at + lasts).min(T0 + LASTS);
            all.push((Span::new(at.min(end), end), outcome.clone()));
            at = at + lasts + rng.between(90 * SECOND, 5 * MINUTE);
        }
        at = at + rng.between(HOUR, 2 * DAY);
    }
    all
}

/// One week: the engine, the world, and when what is looked at next.
struct Week {
    bench: Bench,
    faults: BTreeMap<ProbeId, Vec<(Span, Outcome)>>,
    /// Attempts to come: when, of which probe, and whether they meet a tick.
    attempts: BinaryHeap<std::cmp::Reverse<(Timestamp, ProbeId, bool)>>,
    /// Probes that wait for a re-try.
    retried: BTreeSet<ProbeId>,
    /// When somebody last silenced something, or the daemon was away: what was not told then may be told later.
    disturbed: Timestamp,
}

impl Week {
    fn new(rng: &mut Dice) -> Self {
        let bench = Bench::of(city(rng));
        let probes: Vec<ProbeId> =
            bench.engine.inventory().probes.keys().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        let mut faults_of: BTreeMap<ProbeId, Vec<(Span, Outcome)>> =
            probes.iter().map(|probe| (probe.clone(), faults(rng))).collect();
        if rng.below(2) == 0 {
            // A day on which what is needed fails, and with it whatever needs it.
            let shared = faults_of[&ProbeId::of(&"a/web".into(), "home")].clone();
            faults_of.get_mut(&ProbeId::of(&"b/hall".into(), "home")).unwrap().extend(shared);
        }
        let attempts = probes.into_iter().map(|probe| std::cmp::Reverse((T0 + rng.between(0, EVERY), probe, true)));
        Self { bench, faults: faults_of, attempts: attempts.collect(), retried: BTreeSet::new(), disturbed: T0 }
    }

    fn seen(&self, probe: &ProbeId, at: Timestamp) -> Outcome {
        let found = self.faults[probe].iter().find(|(span, _)| span.contains(at));
        found.map_or(Outcome::Pass, |(_, outcome)| outcome.clone())
    }

    /// The next tick, and sooner what the world changes before it: a week has many quiet hours.
    fn next_tick(&self, probe: &ProbeId, at: Timestamp) -> Timestamp {
        let edges = self.faults[probe].iter().flat_map(|(span, _)| [span.start, span.end]).map(|edge| edge + SECOND);
        edges.filter(|edge| *edge > at).fold(at + EVERY, Timestamp::min)
    }

    /// Lets the next attempt happen; false after the end.
    fn step(&mut self) -> bool {
        let Some(std::cmp::Reverse((at, probe, tick))) = self.attempts.pop() else { return false };
        if at > T0 + LASTS + QUIET {
            return false;
        }
        self.bench.until_instant(at);
        let outcome = self.seen(&probe, at);
        let trigger = if tick { Trigger::Tick } else { Trigger::Retry };
        let seen = Observation { probe: probe.clone(), started: at, took_ms: 5, trigger, outcome };
        let out = self.bench.engine.handle(at, Event::Observed(seen));
        self.bench.take(out);
        if !tick {
            self.retried.remove(&probe);
        }
        for (probe, at) in std::mem::take(&mut self.bench.retries) {
            // The scheduler keeps one re-try of a probe at a time.
            if self.retried.insert(probe.clone()) {
                self.attempts.push(std::cmp::Reverse((at, probe, false)));
            }
        }
        if tick {
            let next = self.next_tick(&probe, at);
            self.attempts.push(std::cmp::Reverse((next, probe, true)));
        }
        true
    }

    /// What people and machines do now and then.
    fn disturb(&mut self, rng: &mut Dice) {
        let open: Vec<IncidentId> = self.bench.engine.desk.open().map(|i| i.id).collect();
        let silence = |rng: &mut Dice| {
            let (id, ..) = SUBSYSTEMS[rng.below(SUBSYSTEMS.len())];
            let id = SubsystemId::from(id);
            match rng.below(3) {
                0 => Matcher { owner: Some(id.owner()), ..Matcher::default() },
                1 => Matcher { subsystem: Some(id), ..Matcher::default() },
                _ => Matcher { person: Some("a1@a.test".into()), ..Matcher::default() },
            }
        };
        match rng.below(6) {
            0 | 1 if !open.is_empty() => {
                let id = open[rng.below(open.len())];
                let saying = if rng.below(2) == 0 { Saying::Acknowledged } else { Saying::Noted };
                let _ = self.bench.give(&operator(), Wanted::Incident(id, saying));
            }
            2 => {
                let left = (T0 + LASTS).since(self.bench.now);
                let lasts = rng.between(10 * MINUTE, 20 * HOUR).min(left);
                if lasts >= MINUTE {
                    self.bench.give(&operator(), Wanted::Silence(silence(rng), lasts)).unwrap();
                }
            }
            5 if !open.is_empty() => {
                let to = ["a1@a.test", "b2", "a", "duty"][rng.below(4)].to_owned();
                let _ = self.bench.give(&operator(), Wanted::HandOver(open[rng.below(open.len())], to));
            }
            3 => {
                let id = SilenceId(1 + rng.below(3) as u64);
                let _ = self.bench.give(&operator(), Wanted::Lift(id));
                self.disturbed = self.bench.now;
            }
            4 => {
                let mut engine = Engine::new(T0, Arc::clone(self.bench.engine.inventory()));
                if rng.below(4) > 0 {
                    assert!(engine.restore(&self.bench.engine.checkpoint()));
                } else {
                    self.bench.facts.iter().for_each(|fact| engine.apply(fact));
                }
                self.bench.engine = engine;
                let out = self.bench.engine.start(self.bench.now, Some(self.bench.now), "digest");
                self.bench.take(out);
                self.disturbed = self.bench.now;
            }
            _ => {}
        }
    }

    /// Stuck windows wait for a person.
    fn tidy_up(&mut self) {
        let stuck = self.bench.engine.book.iter().filter(|w| w.state == window::WindowState::Stuck);
        for id in stuck.map(|w| w.id.clone()).collect::<Vec<_>>() {
            self.bench.give(&operator(), Wanted::Window(id, Action::Finish)).unwrap();
        }
    }

    /// Who is down for a quarter of an hour with nothing that holds mails back is somebody's to mend, and somebody knows.
    fn nothing_is_lost(&self) {
        let (engine, now) = (&self.bench.engine, self.bench.now);
        // A dependant waits a round for its root to show.
        let recent = now - EVERY - 5 * MINUTE;
        for (id, ..) in SUBSYSTEMS {
            let id = SubsystemId::from(id);
            let state = engine.watch.subsystem(&id).unwrap();
            let Some((since, Health::Down)) = state.timeline.last() else { continue };
            let subsystem = &engine.inventory().subsystems[&id];
            let hours = engine
                .hours(subsystem, Span::new(recent, now + 1))
                .spans()
                .iter()
                .any(|s| s.start <= recent && s.end >= now);
            let covered = engine.book.iter().any(|w| {
                w.definition.scope.iter().any(|s| *s == id || root_needs(engine, &id, s))
                    && w.span.end > recent
                    && w.span.start < now
            });
            let silenced = engine.silences.iter().any(|s| s.span.start < now && s.span.end > recent);
            // The tick of a dependant can come before its root's.
            if since > now - 2 * EVERY - 10 * MINUTE || !hours || covered || silenced || self.disturbed > recent {
                continue;
            }
            let incident = engine
                .desk
                .explains(&id)
                .unwrap_or_else(|| panic!("{id} is down since {since} and no incident says why"));
            let root = &engine.inventory().subsystems[&incident.subsystem];
            if engine.in_hours(root) && incident.opened < recent {
                assert!(!incident.told.is_empty(), "nobody was told of {} about {id}", incident.id);
            }
        }
    }
}

fn root_needs(engine: &Engine, id: &SubsystemId, other: &SubsystemId) -> bool {
    let needs = &engine.inventory().subsystems[id].depends_on;
    needs.iter().flat_map(Dependency::members).any(|on| on == other || root_needs(engine, on, other))
}

/// What must hold of one person's mails about one incident, in the order in which they were decided.
fn thread_is_right(mails: &[&Message]) {
    let (mut open, mut last): (bool, Option<&Message>) = (false, None);
    // Whether the ladder may be climbed once more.
    let mut anew = false;
    for mail in mails {
        let news = about(mail).unwrap();
        let presses = news.raised || news.handed.is_some();
        anew |= presses;
        let said = || format!("{} {} to {} at {}", mail.thread, mail.sequence, mail.to.mail, mail.at);
        assert!(last.is_none_or(|before| before.sequence < mail.sequence && before.at <= mail.at), "{}", said());
        match &mail.content {
            Content::Escalated(_) if anew => open = true,
            Content::Opened(_) | Content::Reopened(_) | Content::Escalated(_) => {
                assert!(!open, "opened twice: {}", said());
                open = true;
            }
            Content::Changed(_) => {
                let apart = presses
                    || last.is_none_or(|before| {
                        mail.at.since(before.at) >= CHANGES_APART || matches!(before.content, Content::Escalated(_))
                    });
                assert!(apart, "too soon after the mail before: {}", said());
                open = true;
            }
            Content::Reminder(_) => assert!(open, "a reminder of nothing: {}", said()),
            Content::Closed(_) => {
                assert!(open, "closed what was not open: {}", said());
                open = false;
            }
            _ => {}
        }
        last = Some(mail);
    }
    assert!(!open, "never closed: {} to {}", mails[0].thread, mails[0].to.mail);
}

fn mailboxes_are_right(mails: &[Message]) {
    let mut ids = BTreeSet::new();
    let mut threads: BTreeMap<(&str, &str), Vec<&Message>> = BTreeMap::new();
    let mut hours: BTreeMap<(&str, i64), usize> = BTreeMap::new();
    for mail in mails {
        assert!(ids.insert(&mail.id), "two mails under one id: {} {}", mail.thread, mail.sequence);
        if let Some(news) = about(mail) {
            let can_wait = news.severity == Severity::Ticket && news.tier == Tier::Three;
            assert_eq!(
                mail.held_until.is_some(),
                can_wait && mail.to.name.ends_with('2'),
                "{} to {:?}",
                mail.thread,
                mail.to
            );
            threads.entry((&mail.thread, &mail.to.mail)).or_default().push(mail);
            *hours.entry((&mail.to.mail, mail.at.0 / HOUR)).or_default() += 1;
        }
    }
    threads.values().for_each(|mails| thread_is_right(mails));
    let most = hours.iter().max_by_key(|(_, n)| **n);
    assert!(most.is_none_or(|(_, n)| *n <= HOURLY_MAX * SUBSYSTEMS.len()), "{most:?} mails within an hour");
}

fn live(seed: u64) {
    let mut rng = Dice(seed);
    let mut week = Week::new(&mut rng);
    let (mut looks, mut tidied) = (0, false);
    while week.step() {
        if !tidied && week.bench.now > T0 + LASTS + QUIET / 3 {
            week.tidy_up();
            tidied = true;
        }
        if week.bench.now < T0 + LASTS && rng.below(500) == 0 {
            week.disturb(&mut rng);
        }
        looks += 1;
        if looks % 50 == 0 && week.bench.now < T0 + LASTS {
            week.nothing_is_lost();
        }
    }
    let open: Vec<String> =
        week.bench.engine.desk.open().map(|i| format!("{} {} {}", i.id, i.subsystem, i.symptom.as_str())).collect();
    assert!(open.iter().all(|i| i.ends_with("sla_at_risk")), "quiet hours later there is still {open:?}");
    let still: BTreeSet<String> = week.bench.engine.desk.open().map(|i| i.id.to_string()).collect();
    let mails: Vec<Message> = week.bench.mails.iter().filter(|m| !still.contains(&m.thread)).cloned().collect();
    mailboxes_are_right(&mails);
}

/// `make soak` compiles with more.
fn weeks() -> u32 {
    option_env!("GENGFU_WEEKS").and_then(|n| n.parse().ok()).unwrap_or(20)
}

proptest! {
    // A week of another seed is no simpler one.
    #![proptest_config(ProptestConfig { cases: weeks(), max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn every_mailbox_of_random_weeks_is_right(seed in any::<u64>()) {
        live(seed);
    }
}
