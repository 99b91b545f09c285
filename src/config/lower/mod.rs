//! From nodes to the inventory: each sort of file in a file of its own, references last, when all ids are known.
//!
//! Not here: judging planned windows (`judge`). Invariants: a problem in one place leaves all others visible; a file
//! that could not be read does not make its ids unknown a second time.

mod calendars;
mod channels;
mod composites;
mod depends;
mod filing;
mod objectives;
mod owners;
mod plans;
mod policies;
mod registry;
mod rosters;
mod windows;
mod witnesses;

use registry::{Reference, Registries, Thing};

use super::expand::{Granted, Grants, expand};
use super::modules::{self, Allow, Desk, Module, Rights};
use super::settings::{self, Settings};
use super::{Holes, LoadOptions, Loaded, Role, Sources, access, judge, parse, tables};
use crate::domain::calendar::Calendar;
use crate::domain::composite::Composite;
use crate::domain::plan::Plan;
use crate::domain::policy::{Freeze, Policy};
use crate::domain::roster::Person;
use crate::domain::window::Schedule;
use crate::domain::*;
use crate::field::{Code, Node, NodeKind, Place, Problem, Problems, Record, Severity, Value, decode};
use crate::network::Network;
use crate::notify::channel::Channel;
use crate::probe::{Asker, BuildContext, Prober};
use crate::step::StepContext;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What has been lowered so far.
struct Draft {
    problems: Problems,
    known: Registries,
    context: BuildContext,
    owners: BTreeMap<OwnerId, Owner>,
    subsystems: BTreeMap<SubsystemId, Subsystem>,
    edges: Vec<depends::Edge>,
    probes: HashMap<ProbeId, ProbePlan>,
    probers: HashMap<ProbeId, Arc<dyn Prober>>,
    bodies: HashMap<ProbeId, Record>,
    calendar: Calendar,
    notices: Vec<calendars::Notice>,
    policies: Vec<Policy>,
    plans: BTreeMap<PlanId, Plan>,
    freezes: Vec<Freeze>,
    schedules: Vec<windows::Draft>,
    composites: BTreeMap<CompositeId, Composite>,
    levels: objectives::Levels,
    objectives: BTreeMap<ObjectiveId, Objective>,
    zone: civil::Zone,
    people: HashMap<String, Arc<Person>>,
    rosters: BTreeMap<RosterId, Roster>,
    channels: BTreeMap<String, Arc<Channel>>,
    modules: BTreeMap<String, Module>,
}

impl Draft {
    fn new(context: BuildContext, zone: civil::Zone, problems: Problems) -> Self {
        Self {
            problems,
            known: Registries::default(),
            context,
            owners: BTreeMap::new(),
            subsystems: BTreeMap::new(),
            edges: Vec::new(),
            probes: HashMap::new(),
            probers: HashMap::new(),
            bodies: HashMap::new(),
            calendar: Calendar::default(),
            notices: Vec::new(),
            policies: Vec::new(),
            plans: BTreeMap::new(),
            freezes: Vec::new(),
            schedules: Vec::new(),
            composites: BTreeMap::new(),
            levels: objectives::Levels::default(),
            objectives: BTreeMap::new(),
            zone,
            people: HashMap::new(),
            rosters: BTreeMap::new(),
            channels: BTreeMap::new(),
            modules: BTreeMap::new(),
        }
    }
}

impl judge::Places for Draft {
    fn schedule(&self, id: &ScheduleId) -> Place {
        let at = self.known.place(Thing::Schedule, id.as_str());
        at.cloned().unwrap_or_else(|| Place::of_file("schedules/windows"))
    }

    fn objective(&self, id: &ObjectiveId) -> Place {
        let named = id.as_str().split('@').next().unwrap_or_default();
        let at = self.known.place(Thing::Objective, named);
        at.cloned().unwrap_or_else(|| Place::of_file("schedules/objectives.yaml"))
    }

    fn roster(&self, id: &RosterId) -> Place {
        let at = self.known.place(Thing::Roster, id.as_str());
        at.cloned().unwrap_or_else(|| Place::of_file("schedules/on-call.yaml"))
    }

    fn calendar(&self, id: &str) -> Place {
        let at = self.known.place(Thing::Calendar, id);
        at.cloned().unwrap_or_else(|| Place::of_file("schedules/calendars"))
    }
}

/// Lowers everything.
pub(super) fn lower(sources: &Sources, options: &LoadOptions) -> Result<Loaded, Problems> {
    let mut problems = sources.problems.clone();
    let nodes = parse::parse_all(&sources.files, &mut problems);
    let named = sources.files.iter().zip(nodes).map(|(file, node)| (file.role, file.path.clone(), node));
    let mut files: Vec<(Role, Arc<str>, Option<Node>)> = named.collect();
    let unread = files.first().is_none_or(|(_, _, node)| node.as_ref().is_none_or(Node::is_null));
    let main = main_record(&mut files, options, &mut problems);
    let settings = Settings::lower(&sources.root, &main, options.judge_from, &mut problems);
    let network = Arc::new(settings::open_network(&main, &settings, options, &mut problems));
    let mut context = BuildContext::new(network.clone(), options.heartbeats.clone());
    context.introduce(&settings.user_agent);
    context.maintenance_text.clone_from(&settings.maintenance_text);
    context.commands = Arc::clone(&settings.commands);

    let mut draft = Draft::new(context, settings.zone.clone(), problems);
    draft.lower_channels(&sources.root, &main, &settings, &network);
    draft.note_unread(sources, &files);
    let granted = Arc::new(Granted { names: settings::granted(&main), unread });
    let steps = step_context(&draft.context, &settings, &granted, &options.env);
    for (role, path, node) in files {
        if let Some(node) = node {
            match role {
                Role::Plans if node.is_null() => draft.problems.push(nothing(&Place::of_file(path.clone()))),
                Role::Plans => draft.expanded_plan_file(node, &granted, &options.env, &steps),
                _ => draft.file(role, &path, node, &granted, &options.env),
            }
        }
    }
    draft.require_files(sources);
    draft.refer_to(sources, &main);
    draft.finish(sources, options, &main, (settings, steps), network)
}

/// What steps are built and carried out with; bodies are expanded with what is granted to their plan's owner.
fn step_context(
    context: &BuildContext,
    settings: &Settings,
    granted: &Arc<Granted>,
    env: &HashMap<String, String>,
) -> StepContext {
    let (granted, env) = (Arc::clone(granted), env.clone());
    let expand = move |owner: &OwnerId, node: &mut Node| {
        let mut problems = Problems::new();
        expand(node, Grants::Owner(owner.as_str(), &granted), &env, &mut problems);
        if problems.has_errors() { Err(problems.to_string()) } else { Ok(()) }
    };
    StepContext {
        transports: Arc::clone(&context.transports),
        commands: Arc::clone(&settings.commands),
        asker: Asker::Nobody,
        store: settings.store.path.clone(),
        flags: settings.plans.flags.clone(),
        systemctl: settings.plans.systemctl.clone(),
        units: Arc::clone(&settings.plans.units),
        expand: Arc::new(expand),
    }
}

fn main_record(files: &mut [(Role, Arc<str>, Option<Node>)], options: &LoadOptions, problems: &mut Problems) -> Record {
    let (path, node) = match files.first_mut() {
        Some((Role::Main, path, node)) => (path.clone(), node.take()),
        _ => ("gengfu.yaml".into(), None),
    };
    if node.as_ref().is_some_and(Node::is_null) {
        problems.push(nothing(&Place::of_file(path.clone())));
    }
    let Some(mut node) = node.filter(|node| !node.is_null()) else {
        // An empty stand-in lets all other files be checked; what is wrong with this one has been said.
        let empty = Node { at: Place::of_file(path), kind: crate::field::NodeKind::Map(Vec::new()) };
        return decode(&empty, tables::MAIN, &mut Problems::new());
    };
    expand(&mut node, Grants::All, &options.env, problems);
    decode(&node, tables::MAIN, problems)
}

fn nothing(at: &Place) -> Problem {
    Problem::error(Code::Syntax, at, "the file is empty").hint("fill it, or take it away")
}

impl Draft {
    fn file(&mut self, role: Role, path: &Arc<str>, mut node: Node, granted: &Granted, env: &HashMap<String, String>) {
        let problems = &mut self.problems;
        if node.is_null() {
            problems.push(nothing(&Place::of_file(path.clone())));
            return;
        }
        match role {
            Role::Main | Role::Plans => {}
            Role::Modules => {
                // A `${1}` in their file is a part of a match, and they know no variables.
                if node.get("modules").is_none_or(|modules| matches!(modules.kind, NodeKind::List(_))) {
                    expand(&mut node, Grants::All, env, problems);
                }
                modules::lower(node, Rights::Administrator, &mut self.modules, &self.context, problems);
            }
            Role::PlainModules => {
                expand(&mut node, Grants::Nobody, env, problems);
                modules::lower(node, Rights::Nobody, &mut self.modules, &self.context, problems);
            }
            Role::Owner => {
                let owner = node.get("owner").and_then(|o| o.get("id")).and_then(Node::text).map(str::to_owned);
                let owner = owner.unwrap_or_else(|| registry::stem(path).to_owned());
                expand(&mut node, Grants::Owner(&owner, granted), env, problems);
                self.owner_file(path, &node);
            }
            Role::Windows => {
                windows::expand_each(&mut node, granted, env, problems);
                self.window_file(&node);
            }
            Role::Calendar | Role::Policies | Role::Composites | Role::Freezes | Role::Objectives | Role::OnCall => {
                expand(&mut node, Grants::Nobody, env, problems);
                match role {
                    Role::Calendar => self.calendar_file(&node),
                    Role::Policies => self.policy_file(&node),
                    Role::Composites => self.composite_file(&node),
                    Role::Freezes => self.freeze_file(&node),
                    Role::Objectives => self.objective_file(&node),
                    _ => self.roster_file(&node),
                }
            }
        }
    }

    /// A file of plans, of which both the written and the expanded form are wanted.
    fn expanded_plan_file(&mut self, raw: Node, granted: &Granted, env: &HashMap<String, String>, steps: &StepContext) {
        let mut node = raw.clone();
        windows::expand_each(&mut node, granted, env, &mut self.problems);
        self.plan_file(&raw, &node, steps);
    }

    /// Remembers which ids may exist although they are not seen.
    fn note_unread(&mut self, sources: &Sources, files: &[(Role, Arc<str>, Option<Node>)]) {
        for problem in sources.problems.iter() {
            self.known.note_unread_path(&problem.at.file);
        }
        for directory in &sources.missing {
            self.known.note_missing(*directory);
        }
        for (role, path, node) in files {
            if node.as_ref().is_none_or(Node::is_null) {
                self.known.note_unread(*role, path);
            }
        }
    }

    /// Without these files nothing can be promised, told or allowed.
    fn require_files(&mut self, sources: &Sources) {
        let main = sources.files.first().map_or_else(|| "gengfu.yaml".into(), |f| f.path.clone());
        if sources.problems.has_errors() {
            return;
        }
        for (role, path) in [
            (Role::Owner, "probes/{platform,districts,bureaus,external}/*.yaml"),
            (Role::Policies, "schedules/policies/*.yaml"),
            (Role::Objectives, "schedules/objectives.yaml"),
            (Role::OnCall, "schedules/on-call.yaml"),
        ] {
            if !sources.files.iter().any(|f| f.role == role) {
                self.known.note_unread(role, path);
                let message = format!("there is no file {path}");
                let problem = Problem::error(Code::Unreadable, &Place::of_file(main.clone()), message);
                self.problems.push(problem.hint("create it, or name another directory in `directories`"));
            }
        }
    }

    /// Notes the ids that the main file names.
    fn refer_to(&mut self, sources: &Sources, main: &Record) {
        let on_call = main.record("on_call");
        for field in ["fallback", "admins"] {
            if let Some((id, at)) = on_call.and_then(|r| Some((r.opt_text(field)?, r.at(field)))) {
                self.known.refer(Reference::new(Thing::Roster, id, at));
            }
        }
        for (owner, _) in main.map("secrets") {
            self.known.refer(Reference::new(Thing::Owner, &owner.value, &owner.at));
        }
        let units = main.record("plans").into_iter().flat_map(|plans| plans.records("units"));
        for (owner, at) in main.records("commands").chain(units).flat_map(|grant| grant.texts("owners")) {
            self.known.refer(Reference::new(Thing::Owner, owner, at));
        }
        self.refer_to_filing(main);
        for (owner, at) in access::owners(sources, main) {
            self.known.refer(Reference::new(Thing::Owner, owner, &at));
        }
    }

    fn finish(
        mut self,
        sources: &Sources,
        options: &LoadOptions,
        main: &Record,
        (settings, steps): (Settings, StepContext),
        network: Arc<Network>,
    ) -> Result<Loaded, Problems> {
        self.settle_calendar();
        let schedules = self.resolve_windows();
        let allow = self.allow(main);
        let witnesses = self.witnesses(main, &network, &settings.user_agent);
        let access = access::lower(sources, main, &settings.zone, options, &mut self.problems);
        self.known.resolve(&mut self.problems);
        self.settle_objectives();
        self.check_cycles();
        self.check_policies();
        self.check_selectors();
        let mut inventory = self.inventory(main, &settings, schedules);
        if let (Some(from), false) = (options.judge_from, self.problems.has_errors()) {
            let found = judge::judge_windows(&inventory, from, &self);
            self.problems.extend(found);
            let mut holes = judge::holes(&inventory, from, &self);
            if options.holes == Holes::Borne {
                holes.iter_mut().for_each(|hole| hole.severity = Severity::Warning);
            }
            self.problems.extend(holes);
        }
        self.problems.sort();
        if self.problems.has_errors() {
            return Err(self.problems);
        }
        if let Some(overlay) = &options.overlay {
            overlay(&mut inventory);
        }
        Ok(Loaded {
            inventory,
            probers: self.probers,
            bodies: self.bodies,
            settings,
            network,
            witnesses,
            steps,
            channels: self.channels,
            desk: Desk::new(self.modules, allow, &self.context),
            access,
            digest: sources.digest(),
            warnings: self.problems,
        })
    }

    /// Whom `/probe` may ask: what the main file says, else whom the probes ask.
    fn allow(&mut self, main: &Record) -> Allow {
        let mut allow = Allow::default();
        let Some(probe) = main.record("probe").filter(|probe| probe.has("allow")) else {
            self.bodies.values().for_each(|body| allow.add_targets_of(body));
            return allow;
        };
        for (pattern, at) in probe.texts("allow") {
            if let Err(why) = allow.add(pattern) {
                let problem = Problem::error(Code::Value, at, format!("`{pattern}` {why}"));
                self.problems.push(problem.expected("such as `a.test`, `*.bdc.test:443` or `10.0.0.0/8`"));
            }
        }
        allow
    }

    fn inventory(&mut self, main: &Record, settings: &Settings, schedules: Vec<Schedule>) -> Inventory {
        let roster = |field: &str| RosterId::new(main.record("on_call").map_or("", |r| r.text(field)));
        let timers = main.record("alerts").map_or_else(AlertTimers::default, |r| AlertTimers {
            settle_ms: r.int("settle"),
            reopen_ms: r.int("reopen"),
        });
        let filing = self.filing(main).map(Arc::new);
        let subsystems = std::mem::take(&mut self.subsystems);
        Inventory {
            zone: settings.zone.clone(),
            owners: std::mem::take(&mut self.owners),
            dependants: depends::dependants(&subsystems),
            subsystems,
            probes: std::mem::take(&mut self.probes),
            calendar: std::mem::take(&mut self.calendar),
            policies: std::mem::take(&mut self.policies),
            plans: std::mem::take(&mut self.plans),
            freezes: std::mem::take(&mut self.freezes),
            schedules: schedules.into_iter().map(|s| (s.id.clone(), s)).collect(),
            composites: std::mem::take(&mut self.composites),
            objectives: std::mem::take(&mut self.objectives),
            rosters: std::mem::take(&mut self.rosters),
            fallback: roster("fallback"),
            admins: roster("admins"),
            canary: canary(main),
            filing,
            timers,
        }
    }
}

/// The daily mail that shows that mail gets out.
fn canary(main: &Record) -> Option<Canary> {
    let canary = main.record("mail")?.record("canary")?;
    let Some(Value::Time(at)) = canary.get("at").map(|v| &v.value) else { return None };
    Some(Canary { to: canary.text("to").to_owned(), at: *at })
}
