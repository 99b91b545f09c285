//! Which ids exist, and who names them: references are resolved when all files are read.
//!
//! Not here: what the things are. Invariants: an id exists once; where a file could not be read, the ids that it may
//! hold are not called unknown.

use super::super::Role;
use super::super::sources::Missing;
use crate::field::{Code, Place, Problem, Problems};
use std::collections::{HashMap, HashSet};

/// References whose near neighbours are looked for; the search is long, and so many slips have one cause.
const SUGGESTIONS_MAX: usize = 50;

/// What has an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Thing {
    Owner,
    Subsystem,
    Probe,
    Objective,
    Roster,
    Person,
    Policy,
    Plan,
    Freeze,
    Schedule,
    Calendar,
    Composite,
    Channel,
}

impl Thing {
    fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Subsystem => "subsystem",
            Self::Probe => "probe",
            Self::Objective => "objective",
            Self::Roster => "roster",
            Self::Person => "person",
            Self::Policy => "policy",
            Self::Plan => "plan",
            Self::Freeze => "freeze",
            Self::Schedule => "schedule of windows",
            Self::Calendar => "calendar",
            Self::Composite => "composite",
            Self::Channel => "channel",
        }
    }

    /// Where people would look for one.
    fn home(self) -> &'static str {
        match self {
            Self::Owner | Self::Subsystem | Self::Probe => "probes/",
            Self::Objective => "schedules/objectives.yaml",
            Self::Roster => "schedules/on-call.yaml",
            Self::Person => "`people` of schedules/on-call.yaml",
            Self::Policy => "schedules/policies/",
            Self::Plan => "schedules/plans/",
            Self::Freeze => "schedules/freezes.yaml",
            Self::Schedule => "schedules/windows/",
            Self::Calendar => "schedules/calendars/",
            Self::Composite => "schedules/composites.yaml",
            Self::Channel => "channels of gengfu.yaml",
        }
    }
}

/// Somebody names an id.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    thing: Thing,
    id: String,
    at: Place,
}

impl Reference {
    pub(super) fn new(thing: Thing, id: &str, at: &Place) -> Self {
        Self { thing, id: id.to_owned(), at: at.clone() }
    }
}

/// All ids and all references.
#[derive(Debug, Default)]
pub(super) struct Registries {
    seen: HashMap<Thing, HashMap<String, Place>>,
    references: Vec<Reference>,
    /// Things of which a file could not be read.
    unread: HashSet<Thing>,
    /// Names of owners' files that could not be read.
    unread_owners: HashSet<String>,
}

impl Registries {
    /// Registers an id. False, with a problem that names both places, if it exists.
    pub(super) fn register(&mut self, thing: Thing, id: &str, at: &Place, problems: &mut Problems) -> bool {
        let seen = self.seen.entry(thing).or_default();
        if let Some(first) = seen.get(id) {
            let message = format!("the {} `{id}` exists already", thing.name());
            problems.push(
                Problem::error(Code::DuplicateId, at, message).hint("rename one").related(first, "the other one"),
            );
            return false;
        }
        seen.insert(id.to_owned(), at.clone());
        true
    }

    /// Where an id was written.
    pub(super) fn place(&self, thing: Thing, id: &str) -> Option<&Place> {
        self.seen.get(&thing)?.get(id)
    }

    /// Notes that an id is named.
    pub(super) fn refer(&mut self, reference: Reference) {
        self.references.push(reference);
    }

    /// Notes a file that could not be parsed.
    pub(super) fn note_unread(&mut self, role: Role, path: &str) {
        match role {
            Role::Owner if path.contains('{') => {
                self.unread.extend([Thing::Owner, Thing::Subsystem]);
            }
            Role::Owner => {
                self.unread_owners.insert(stem(path).to_owned());
            }
            Role::Policies => {
                self.unread.insert(Thing::Policy);
            }
            Role::Objectives => {
                self.unread.insert(Thing::Objective);
            }
            Role::OnCall => {
                self.unread.extend([Thing::Roster, Thing::Person]);
            }
            Role::Plans => {
                self.unread.insert(Thing::Plan);
            }
            Role::Main => {
                self.unread.insert(Thing::Channel);
            }
            Role::Modules | Role::PlainModules | Role::Calendar | Role::Composites | Role::Freezes | Role::Windows => {}
        }
    }

    /// Notes a path that could not be read at all.
    pub(super) fn note_unread_path(&mut self, path: &str) {
        self.unread_owners.insert(stem(path).to_owned());
        match stem(path) {
            "policies" => self.note_unread_entry(Thing::Policy),
            "objectives" => self.note_unread_entry(Thing::Objective),
            "on-call" => self.note_unread_entry(Thing::Roster),
            _ if path.contains("/policies/") => self.note_unread_entry(Thing::Policy),
            _ if path.contains("/plans/") => self.note_unread_entry(Thing::Plan),
            _ => {}
        }
    }

    /// Notes a directory that could not be read at all.
    pub(super) fn note_missing(&mut self, directory: Missing) {
        match directory {
            Missing::Probes => self.unread.extend([Thing::Owner, Thing::Subsystem]),
            Missing::Schedules => {
                self.unread.extend([Thing::Objective, Thing::Roster, Thing::Policy, Thing::Plan]);
            }
        }
    }

    /// Notes an entry whose id could not be read, so that nobody is told that it does not exist.
    pub(super) fn note_unread_entry(&mut self, thing: Thing) {
        self.unread.insert(thing);
    }

    /// Whether every id of a sort is known.
    pub(super) fn is_whole(&self, thing: Thing) -> bool {
        !self.unread.contains(&thing)
    }

    /// Whether `id` exists, or may exist in a file that could not be read.
    pub(super) fn may_exist(&self, thing: Thing, id: &str) -> bool {
        let owner = match thing {
            Thing::Owner => id,
            Thing::Subsystem => id.split('/').next().unwrap_or_default(),
            _ => "",
        };
        self.unread.contains(&thing)
            || self.unread_owners.contains(owner)
            || self.seen.get(&thing).is_some_and(|seen| seen.contains_key(id))
    }

    /// Reports every reference to an id that does not exist.
    pub(super) fn resolve(&mut self, problems: &mut Problems) {
        let mut suggestions = 0;
        for Reference { thing, id, at } in std::mem::take(&mut self.references) {
            if self.may_exist(thing, &id) {
                continue;
            }
            let mut problem = Problem::error(Code::UnknownId, &at, format!("unknown {} `{id}`", thing.name()))
                .expected(format!("one of {}", thing.home()));
            if suggestions < SUGGESTIONS_MAX {
                suggestions += 1;
                let mut known: Vec<&str> =
                    self.seen.get(&thing).map(|s| s.keys().map(String::as_str).collect()).unwrap_or_default();
                known.sort_unstable();
                problem = problem.did_you_mean(&id, known);
            }
            problems.push(problem);
        }
    }
}

/// `huangpu` of `probes/districts/huangpu.yaml`.
pub(super) fn stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    name.split('.').next().unwrap_or_default()
}
