//! What a reload would change between two sets of files.
//!
//! Not here: doing it (`app`). Invariant: places and order are no change; meaning is.

use super::{Loaded, Settings};
use crate::domain::roster::{Group, Layer, Override, Shift, Step};
use crate::domain::*;
use crate::field::Record;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// What happened to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has another meaning.
    Changed,
}

impl ChangeKind {
    /// The JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }

    /// The sign before a line.
    pub fn sign(self) -> char {
        match self {
            Self::Added => '+',
            Self::Removed => '-',
            Self::Changed => '~',
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// `owner`, `subsystem`, `probe`, `schedule`, `policy`, …
    pub thing: &'static str,
    /// Its id.
    pub id: String,
    /// Which parts differ: `hours: 7x24 → workdays 08:30-17:00`.
    pub parts: Vec<String>,
    /// Where it is written now, or was.
    pub source: Option<Source>,
}

/// Names and values of the parts of a thing that have a meaning.
type Parts = Vec<(&'static str, String)>;

/// One thing of one inventory.
struct Item {
    parts: Parts,
    source: Option<Source>,
}

/// Everything that differs, by sort and id.
pub fn diff(old: &Loaded, new: &Loaded) -> Vec<Change> {
    let mut changes = Vec::new();
    for (thing, items) in SORTS {
        compare(thing, items(old), items(new), &mut changes);
    }
    changes.iter_mut().filter(|c| c.thing == "schedule" && c.calls_off()).for_each(|c| c.parts.push(FOR_GOOD.into()));
    changes
}

/// What a reload does to windows that their text no longer yields.
const FOR_GOOD: &str = "announced windows that it no longer yields are called off, and stay so if the text comes back: \
                        ask for such a time again with `gengfu window request`";

impl Change {
    /// Whether windows of a schedule may be gone by it.
    fn calls_off(&self) -> bool {
        let drops = |part: &String| ["starts: ", "except: ", "also: "].iter().any(|name| part.starts_with(name));
        self.kind == ChangeKind::Removed || self.parts.iter().any(drops)
    }
}

type Items = fn(&Loaded) -> BTreeMap<String, Item>;

const SORTS: [(&str, Items); 12] = [
    ("installation", installation),
    ("owner", owners),
    ("subsystem", subsystems),
    ("probe", probes),
    ("schedule", schedules),
    ("policy", policies),
    ("freeze", freezes),
    ("composite", composites),
    ("objective", objectives),
    ("channel", channels),
    ("roster", rosters),
    ("token", tokens),
];

fn compare(
    thing: &'static str,
    old: BTreeMap<String, Item>,
    mut new: BTreeMap<String, Item>,
    changes: &mut Vec<Change>,
) {
    let mut found = Vec::new();
    for (id, was) in old {
        match new.remove(&id) {
            None => found.push(Change { kind: ChangeKind::Removed, thing, id, parts: Vec::new(), source: was.source }),
            Some(is) => {
                let parts: Vec<String> = was
                    .parts
                    .iter()
                    .zip(&is.parts)
                    .filter(|(a, b)| a.1 != b.1)
                    .map(|((name, a), (_, b))| format!("{name}: {a} → {b}"))
                    .collect();
                if !parts.is_empty() {
                    found.push(Change { kind: ChangeKind::Changed, thing, id, parts, source: is.source });
                }
            }
        }
    }
    let added =
        |(id, is): (String, Item)| Change { kind: ChangeKind::Added, thing, id, parts: Vec::new(), source: is.source };
    found.extend(new.into_iter().map(added));
    found.sort_by(|a, b| a.id.cmp(&b.id));
    changes.append(&mut found);
}

fn show(value: &impl Debug) -> String {
    format!("{value:?}")
}

fn list<T: ToString>(items: &[T]) -> String {
    format!("[{}]", items.iter().map(T::to_string).collect::<Vec<_>>().join(", "))
}

fn names(names: &Names) -> String {
    format!("{} / {}", names.zh, names.en)
}

fn duration(ms: Millis) -> String {
    crate::field::format_duration(ms)
}

fn item<K: ToString>(id: &K, source: &Source, parts: Parts) -> (String, Item) {
    (id.to_string(), Item { parts, source: Some(source.clone()) })
}

fn installation(loaded: &Loaded) -> BTreeMap<String, Item> {
    let i = &loaded.inventory;
    let layers: Vec<String> = i
        .calendar
        .layers
        .iter()
        .flat_map(|l| l.rows.iter().map(move |(d, r)| format!("{d} {:?} {:?} {:?}", l.kind, l.owner, r.class)))
        .collect();
    let parts = vec![
        ("settings", settings(&loaded.settings)),
        ("zone", i.zone.name().to_owned()),
        ("fallback", i.fallback.to_string()),
        ("admins", i.admins.to_string()),
        ("canary", i.canary.as_ref().map(|c| format!("{} {}", c.to, c.at)).unwrap_or_default()),
        ("filing", i.filing.as_ref().map(|rules| format!("{:016x}", fingerprint(&[show(rules)]))).unwrap_or_default()),
        ("settle", duration(i.timers.settle_ms)),
        ("reopen", duration(i.timers.reopen_ms)),
        ("calendar years", show(&i.calendar.years)),
        ("calendar days", format!("{} ({:016x})", layers.len(), fingerprint(&layers))),
    ];
    BTreeMap::from([("gengfu".to_owned(), Item { parts, source: None })])
}

/// What of the daemon's own settings takes a reload or a restart; passwords show as a change of the fingerprint.
fn settings(s: &Settings) -> String {
    let passwords: Vec<String> = s.mail.relays.iter().filter_map(|r| r.password.clone()).collect();
    let marks = if passwords.is_empty() { String::new() } else { format!(" {:016x}", fingerprint(&passwords)) };
    format!(
        "{} {:?} {} {:?} {:?} {} {} {} {:?} {} {:?}{marks} require_sync {} {:?}",
        s.listen,
        s.tls,
        s.public_url,
        s.store,
        s.network,
        s.concurrency,
        s.per_host,
        s.trace_bytes,
        s.maintenance_text,
        s.user_agent,
        s.mail,
        s.require_sync,
        s.commands
    )
}

/// Tells two long texts apart without printing them.
fn fingerprint(lines: &[String]) -> u64 {
    use sha2::{Digest, Sha256};
    let hash = Sha256::digest(lines.join("\n"));
    hash.iter().take(8).fold(0, |n, b| (n << 8) | u64::from(*b))
}

fn owners(loaded: &Loaded) -> BTreeMap<String, Item> {
    let i = &loaded.inventory;
    let parts = |o: &Owner| {
        let runbook = o.runbook.clone().unwrap_or_default();
        vec![
            ("kind", show(&o.kind)),
            ("name", names(&o.name)),
            ("on_call", o.on_call.to_string()),
            ("runbook", runbook),
        ]
    };
    i.owners.values().map(|o| item(&o.id, &o.source, parts(o))).collect()
}

fn subsystems(loaded: &Loaded) -> BTreeMap<String, Item> {
    let i = &loaded.inventory;
    let dependency = |d: &Dependency| match d {
        Dependency::One(id) => id.to_string(),
        Dependency::AnyOf(ids) => format!("any_of {}", list(ids)),
        Dependency::Soft(id) => format!("soft {id}"),
    };
    let parts = |s: &Subsystem| {
        vec![
            ("was", show(&s.was)),
            ("name", names(&s.name)),
            ("tier", u8::from(s.tier).to_string()),
            ("public", s.public.to_string()),
            ("hours", s.hours.as_str().to_owned()),
            ("objective", s.objective.to_string()),
            ("runbook", s.runbook.clone().unwrap_or_default()),
            ("depends_on", list(&s.depends_on.iter().map(dependency).collect::<Vec<_>>())),
            ("probes", list(&s.probes.iter().map(|p| p.name().to_owned()).collect::<Vec<_>>())),
        ]
    };
    i.subsystems.values().map(|s| item(&s.id, &s.source, parts(s))).collect()
}

fn probes(loaded: &Loaded) -> BTreeMap<String, Item> {
    let i = &loaded.inventory;
    let parts = |p: &ProbePlan| {
        vec![
            ("kind", p.kind.to_owned()),
            ("every", duration(p.every_ms)),
            ("timeout", duration(p.timeout_ms)),
            ("fall", p.fall.to_string()),
            ("rise", p.rise.to_string()),
            ("confirm_every", duration(p.confirm_every_ms)),
            ("role", show(&p.role)),
            ("body", loaded.bodies.get(&p.id).map(Record::canonical).unwrap_or_default()),
        ]
    };
    i.probes.values().map(|p| item(&p.id, &p.source, parts(p))).collect()
}

fn schedules(loaded: &Loaded) -> BTreeMap<String, Item> {
    let i = &loaded.inventory;
    let parts = |s: &window::Schedule| {
        vec![
            ("name", names(&s.name)),
            ("owner", s.owner.to_string()),
            ("scope", list(&s.scope)),
            ("starts", show(&s.starts)),
            ("except", list(&s.except)),
            ("also", list(&s.also)),
            ("lasts", duration(s.lasts_ms)),
            ("policy", show(&s.policy)),
            ("notice", s.notice.as_ref().map(names).unwrap_or_default()),
        ]
    };
    i.schedules.values().map(|s| item(&s.id, &s.source, parts(s))).collect()
}

fn policies(loaded: &Loaded) -> BTreeMap<String, Item> {
    let i = &loaded.inventory;
    let parts = |p: &policy::Policy| {
        vec![
            ("applies_to", show(&p.applies_to)),
            ("gate", show(&p.gate)),
            ("allow", show(&p.allow)),
            ("deny", show(&p.deny)),
            ("longest.warn", p.longest_warn_ms.map(duration).unwrap_or_default()),
            ("longest.deny", p.longest_deny_ms.map(duration).unwrap_or_default()),
            ("notice", show(&p.notice)),
            ("approvals", p.approvals.to_string()),
            ("caps.per_month", show(&p.limits.per_month)),
            ("caps.hours_per_month", p.limits.hours_per_month_ms.map(duration).unwrap_or_default()),
            ("at_once", show(&p.limits.at_once)),
            ("budget.needs", p.limits.budget_needs_ppm.map(|ppm| format!("{ppm} ppm")).unwrap_or_default()),
        ]
    };
    i.policies.iter().map(|p| item(&p.id, &p.source, parts(p))).collect()
}

fn freezes(loaded: &Loaded) -> BTreeMap<String, Item> {
    let i = &loaded.inventory;
    let parts = |f: &policy::Freeze| {
        vec![("name", names(&f.name)), ("applies_to", show(&f.applies_to)), ("dates", show(&f.dates))]
    };
    i.freezes.iter().map(|f| item(&f.id, &f.source, parts(f))).collect()
}

fn composites(loaded: &Loaded) -> BTreeMap<String, Item> {
    let i = &loaded.inventory;
    let parts = |c: &composite::Composite| {
        vec![
            ("name", names(&c.name)),
            ("needs", show(&c.needs)),
            ("hours", c.hours.as_str().to_owned()),
            ("objective", c.objective.as_ref().map(ToString::to_string).unwrap_or_default()),
        ]
    };
    i.composites.values().map(|c| item(&c.id, &c.source, parts(c))).collect()
}

fn objectives(loaded: &Loaded) -> BTreeMap<String, Item> {
    let i = &loaded.inventory;
    let parts = |o: &Objective| {
        vec![
            ("target", format!("{} ppm", o.target_ppm)),
            ("period", show(&o.period)),
            ("figure", show(&o.figure)),
            ("hours", o.hours.as_ref().map_or("declared", |h| h.as_str()).to_owned()),
            ("exclusion_cap", duration(o.exclusion_cap_ms)),
            ("pages", list(&o.pages.words())),
        ]
    };
    i.objectives.values().map(|o| item(&o.id, &o.source, parts(o))).collect()
}

/// Channels by kind alone: their addresses are secrets.
fn channels(loaded: &Loaded) -> BTreeMap<String, Item> {
    let parts = |kind: &str| Item { parts: vec![("kind", kind.to_owned())], source: None };
    loaded.channels.iter().map(|(id, channel)| (id.clone(), parts(channel.kind()))).collect()
}

fn rosters(loaded: &Loaded) -> BTreeMap<String, Item> {
    let i = &loaded.inventory;
    let contact = |c: &Contact| format!("{} <{}> {:?}", c.name, c.mail, c.language);
    let group =
        |g: &Group| g.iter().map(|p| format!("{} {}", p.id, contact(&p.contact))).collect::<Vec<_>>().join(" + ");
    let layer = |l: &Layer| {
        let turns = l.turns.map_or_else(String::new, |t| format!(" from {} every {}d", t.from, t.days));
        let members = l.members.iter().map(group).collect::<Vec<_>>().join(", ");
        format!("{} {:?} {}{turns}: {members}", l.id, l.weight, l.when.as_str())
    };
    let span = |s: Span| format!("{} to {}", i.zone.rfc3339(s.start), i.zone.rfc3339(s.end));
    let shift = |s: &Shift| format!("{}: {}", span(s.span), group(&s.who));
    let change = |o: &Override| {
        let whose = o.instead_of.as_ref().map_or_else(|| "all".to_owned(), ToString::to_string);
        format!("{}: {} for {whose} {}", span(o.span), group(&o.who), o.reason.as_deref().unwrap_or_default())
    };
    let step = |s: &Step| format!("{} {}", duration(s.after_ms), list(&s.to));
    let parts = |r: &Roster| {
        vec![
            ("contacts", list(&r.contacts.iter().map(contact).collect::<Vec<_>>())),
            ("layers", list(&r.layers.iter().map(layer).collect::<Vec<_>>())),
            ("shifts", list(&r.shifts.iter().map(shift).collect::<Vec<_>>())),
            ("overrides", list(&r.overrides.iter().map(change).collect::<Vec<_>>())),
            (
                "escalate",
                r.escalate.as_ref().map_or_else(String::new, |e| list(&e.iter().map(step).collect::<Vec<_>>())),
            ),
        ]
    };
    i.rosters.values().map(|r| item(&r.id, &r.source, parts(r))).collect()
}

/// Tokens by holder and the beginning of their hash; the two of a rotation stand side by side.
fn tokens(loaded: &Loaded) -> BTreeMap<String, Item> {
    let parts = |t: &access::Token| {
        let expires = t.expires.map(|at| loaded.inventory.zone.rfc3339(at)).unwrap_or_default();
        vec![("owner", show(&t.owner)), ("scopes", list(&t.scopes)), ("expires", expires)]
    };
    let named = |t: &access::Token| (format!("{} {:?}", t.holder, t.hash), Item { parts: parts(t), source: None });
    loaded.access.tokens().iter().map(named).collect()
}
