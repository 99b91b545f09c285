//! The limit for each target host, by behaviour and against a plain model.

use super::*;

fn agenda(concurrency: usize, per_host: usize, probes: &[ScheduledProbe]) -> Agenda {
    let mut agenda = Agenda::new(Limits { concurrency, per_host });
    agenda.replace(Timestamp(0), probes.to_vec());
    agenda
}

/// As many probes of one host, by name of the host and a number.
fn crowd(host: &'static str, size: usize) -> Vec<ScheduledProbe> {
    (0..size).map(|n| asking(Some(host), &format!("a/{host}/{n}"), EVERY)).collect()
}

fn skips(texts: &[String], reason: &str) -> usize {
    texts.iter().filter(|text| *text == reason).count()
}

#[test]
fn busy_host_delays_no_other_and_takes_no_permit_while_it_is_waited_for() {
    let mut probes = crowd("busy", 20);
    probes.extend(crowd("free", 2));
    probes.push(probe("a/none/0", EVERY));
    let mut agenda = agenda(5, 2, &probes);
    let (texts, _) = happens(&mut agenda, EVERY - 1);
    let of = |part: &str| texts.iter().filter(|text| text.contains(part)).count();
    assert_eq!((of("a/busy/"), of("a/free/"), of("a/none/"), agenda.in_flight()), (2, 2, 1, 5));
}

#[test]
fn who_waits_for_a_host_keeps_the_place_and_is_skipped_as_host_busy_after_the_interval() {
    let mut agenda = agenda(100, 1, &crowd("busy", 3));
    let (texts, keys) = happens(&mut agenda, EVERY - 1);
    assert_eq!(texts.len(), 1);
    let mut order: Vec<_> = (0..3).map(|n| (first_tick(&format!("a/busy/{n}")), format!("a/busy/{n}"))).collect();
    order.sort();
    let (texts, _) = happens(&mut agenda, 2 * EVERY - 1);
    assert_eq!((skips(&texts, "host_busy"), skips(&texts, "in_flight"), texts.len()), (2, 1, 3));
    let mut running = keys[0];
    for (first, id) in &order[1..] {
        agenda.finished(Timestamp(2 * EVERY - 1), running);
        let (texts, keys) = happens(&mut agenda, 2 * EVERY - 1);
        assert_eq!(texts, [format!("{id} Tick {}", first + EVERY)], "in the order of arrival, with the latest tick");
        running = keys[0];
    }
}

#[test]
fn where_the_host_has_room_it_is_the_permit_that_is_missing() {
    let mut agenda = agenda(1, 2, &crowd("busy", 2));
    happens(&mut agenda, EVERY - 1);
    let (texts, _) = happens(&mut agenda, 2 * EVERY - 1);
    assert_eq!((skips(&texts, "no_permit"), skips(&texts, "in_flight")), (1, 1));
}

#[test]
fn hosts_are_one_whatever_their_case_and_last_dot() {
    let probes = [asking(Some("YWTB.test."), "a/b/0", EVERY), asking(Some("ywtb.test"), "a/b/1", EVERY)];
    let mut agenda = agenda(9, 1, &probes);
    assert_eq!(happens(&mut agenda, EVERY - 1).0.len(), 1);
}

#[test]
fn reload_frees_who_asks_another_host_now_and_forgets_who_went() {
    let mut agenda = agenda(9, 1, &crowd("busy", 3));
    let (texts, keys) = happens(&mut agenda, EVERY - 1);
    let running = texts[0].split(' ').next().unwrap().to_owned();
    let mut probes = crowd("busy", 3);
    let moves = probes.iter().position(|probe| probe.plan.id.as_str() != running).unwrap();
    let id = probes[moves].plan.id.clone();
    probes[moves] = asking(Some("other"), id.as_str(), EVERY);
    probes.retain(|probe| probe.plan.id == id || probe.plan.id.as_str() == running);
    agenda.replace(Timestamp(EVERY - 1), probes);
    let (texts, _) = happens(&mut agenda, EVERY - 1);
    assert_eq!((texts.len(), texts[0].starts_with(id.as_str())), (1, true), "{texts:?}");
    agenda.finished(Timestamp(EVERY - 1), keys[0]);
    assert_eq!(happens(&mut agenda, EVERY - 1).0, [""; 0], "the third has gone");
}

#[test]
fn attempt_of_a_probe_that_went_counts_for_its_host_until_it_ends() {
    let mut agenda = agenda(9, 1, &crowd("busy", 1));
    let (_, keys) = happens(&mut agenda, EVERY - 1);
    agenda.replace(Timestamp(EVERY), vec![asking(Some("busy"), "a/b/new", EVERY)]);
    assert_eq!(happens(&mut agenda, 2 * EVERY - 1).0, [""; 0]);
    agenda.finished(Timestamp(2 * EVERY - 1), keys[0]);
    assert_eq!(happens(&mut agenda, 2 * EVERY - 1).0.len(), 1);
}

/// What should be done about permits, said as plainly as possible: one line, searched from its front.
struct Model {
    limits: Limits,
    ids: Vec<String>,
    line: Vec<(usize, Millis)>,
    running: Vec<usize>,
}

const HOSTS: [Option<&str>; 8] = [None, Some("a"), Some("a"), Some("a"), Some("a"), Some("b"), Some("b"), Some("b")];

impl Model {
    fn is_busy(&self, which: usize) -> bool {
        let same = self.running.iter().filter(|other| HOSTS[**other] == HOSTS[which]).count();
        HOSTS[which].is_some() && same >= self.limits.per_host
    }

    /// A tick: the reason of its skip or of that of the earlier one, and who starts.
    fn tick(&mut self, at: Millis, which: usize) -> Vec<String> {
        let busy = self.is_busy(which);
        if self.running.contains(&which) {
            return vec!["in_flight".into()];
        }
        if let Some(place) = self.line.iter_mut().find(|(waits, _)| *waits == which) {
            place.1 = at;
            return vec![if busy { "host_busy" } else { "no_permit" }.into()];
        }
        self.line.push((which, at));
        self.hand_out()
    }

    fn hand_out(&mut self) -> Vec<String> {
        let mut started = Vec::new();
        while self.running.len() < self.limits.concurrency {
            let Some(at) = self.line.iter().position(|(which, _)| !self.is_busy(*which)) else { break };
            let (which, since) = self.line.remove(at);
            self.running.push(which);
            started.push(format!("{} Tick {since}", self.ids[which]));
        }
        started
    }
}

/// Remembers which probe of the model each key is.
fn note(keys: &mut HashMap<usize, Key>, texts: &[String], started: Vec<Key>) {
    let which = texts.iter().filter_map(|text| text.strip_prefix("a/b/")?.split(' ').next()?.parse().ok());
    keys.extend(which.zip(started));
}

proptest! {
    /// Ticks and ends of attempts in any order: the same starts and skips in the same order as the model.
    #[test]
    fn permits_go_as_in_the_plain_model(
        concurrency in 1..7usize,
        per_host in 1..4usize,
        ends in prop::collection::vec((0..400i64, 0..8usize), 1..60),
    ) {
        let limits = Limits { concurrency, per_host };
        let ids: Vec<String> = (0..HOSTS.len()).map(|n| format!("a/b/{n}")).collect();
        let probes: Vec<_> = ids.iter().zip(HOSTS).map(|(id, host)| asking(host, id, 1_000)).collect();
        let phases: Vec<Millis> = ids.iter().map(|id| phase_ms(&id.as_str().into(), 1_000)).collect();
        let mut agenda = agenda(concurrency, per_host, &probes);
        let mut model = Model { limits, ids, line: Vec::new(), running: Vec::new() };
        let (mut keys, mut now) = (HashMap::<usize, Key>::new(), -1);
        for (ms, which) in ends {
            for at in now + 1..=now + ms {
                let due = (0..HOSTS.len()).filter(|n| (at - phases[*n]).rem_euclid(1_000) == 0);
                let expected: Vec<String> = due.flat_map(|which| model.tick(at, which)).collect();
                let (texts, started) = happens(&mut agenda, at);
                prop_assert_eq!(&texts, &expected);
                note(&mut keys, &texts, started);
            }
            now += ms;
            if let Some(key) = keys.remove(&which) {
                agenda.finished(Timestamp(now), key);
                model.running.retain(|runs| *runs != which);
                let (texts, started) = happens(&mut agenda, now);
                prop_assert_eq!(&texts, &model.hand_out());
                note(&mut keys, &texts, started);
            }
        }
    }
}
