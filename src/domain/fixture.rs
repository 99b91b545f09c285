//! A small city for tests: subsystems with one probe each, windows at given instants, a policy that always allows.

use super::calendar::Calendar;
use super::civil::Zone;
use super::hours::Hours;
use super::policy::{Allowed, GateMode, Limits, NoticeRule, Policy, Selector};
use super::window::{Recurrence, Schedule};
use super::*;
use std::collections::{BTreeMap, HashMap};

/// Builds an [`Inventory`].
#[derive(Clone, Debug)]
pub(crate) struct City {
    inventory: Inventory,
}

fn source() -> Source {
    Source { file: "city.yaml".into(), line: 1 }
}

fn names(text: &str) -> Names {
    Names { zh: text.to_owned(), en: text.to_owned() }
}

impl City {
    pub(crate) fn new() -> Self {
        let duty =
            Contact { name: "duty".into(), mail: "duty@city.test".into(), language: Language::En, digest_at: None };
        let roster = Roster::of_contacts("duty".into(), vec![duty], source());
        let objective = Objective {
            id: "public".into(),
            target_ppm: 999_000,
            period: ObjectivePeriod::Month,
            figure: Figure::Public,
            hours: None,
            exclusion_cap_ms: 8 * HOUR,
            pages: Pages::default(),
            origins: Origins::new(),
            source: source(),
        };
        let policy = Policy {
            id: "always".into(),
            applies_to: Selector::default(),
            gate: GateMode::Hours,
            allow: Allowed { always: true, nights: None, non_working_days: false },
            deny: Vec::new(),
            longest_warn_ms: None,
            longest_deny_ms: None,
            notice: NoticeRule::None,
            approvals: 0,
            limits: Limits::default(),
            source: source(),
        };
        let mut calendar = Calendar { id: "china".into(), ..Calendar::default() };
        calendar.years.extend((2000..2100).map(|y| (y, calendar::YearStatus::Published)));
        let inventory = Inventory {
            zone: Zone::named("Asia/Shanghai").unwrap(),
            owners: BTreeMap::new(),
            subsystems: BTreeMap::new(),
            probes: HashMap::new(),
            calendar,
            policies: vec![policy],
            freezes: Vec::new(),
            schedules: BTreeMap::new(),
            composites: Default::default(),
            objectives: BTreeMap::from([(objective.id.clone(), objective)]),
            rosters: BTreeMap::from([(roster.id.clone(), roster)]),
            fallback: "duty".into(),
            admins: "duty".into(),
            canary: None,
            filing: None,
            timers: AlertTimers::default(),
            plans: Default::default(),
            dependants: HashMap::new(),
        };
        Self { inventory }
    }

    /// Adds `owner/name` with one critical probe every 10 s, and hard dependencies.
    pub(crate) fn subsystem(mut self, id: &str, tier: u8, needs: &[&str]) -> Self {
        let id = SubsystemId::from(id);
        let owner = Owner {
            id: id.owner(),
            kind: OwnerKind::Bureau,
            name: names(id.owner().as_str()),
            on_call: "duty".into(),
            runbook: None,
            source: source(),
        };
        let probe = ProbePlan {
            id: ProbeId::of(&id, "home"),
            kind: "http",
            every_ms: 10 * SECOND,
            timeout_ms: 5 * SECOND,
            fall: 3,
            rise: 2,
            confirm_every_ms: 5 * SECOND,
            role: Role::Critical,
            knows_notices: true,
            source: source(),
        };
        for need in needs {
            self.inventory.dependants.entry((*need).into()).or_default().push(id.clone());
        }
        let subsystem = Subsystem {
            id: id.clone(),
            was: None,
            name: names(id.as_str()),
            tier: Tier::try_from(tier).unwrap(),
            public: false,
            hours: Hours::parse("7x24").unwrap(),
            objective: "public".into(),
            runbook: None,
            depends_on: needs.iter().map(|n| Dependency::One((*n).into())).collect(),
            probes: vec![probe.id.clone()],
            source: source(),
        };
        self.inventory.probes.insert(probe.id.clone(), probe);
        self.inventory.owners.insert(owner.id.clone(), owner);
        self.inventory.subsystems.insert(id, subsystem);
        self
    }

    /// Gives a subsystem other hours.
    pub(crate) fn hours(mut self, id: &str, hours: &str) -> Self {
        self.inventory.subsystems.get_mut(id).unwrap().hours = Hours::parse(hours).unwrap();
        self
    }

    /// Lets a subsystem need one of some others.
    pub(crate) fn needs_any_of(mut self, id: &str, members: &[&str]) -> Self {
        for member in members {
            self.inventory.dependants.entry((*member).into()).or_default().push(id.into());
        }
        let members = members.iter().map(|m| (*m).into()).collect();
        self.inventory.subsystems.get_mut(id).unwrap().depends_on.push(Dependency::AnyOf(members));
        self
    }

    /// Changes the policy that governs everything.
    pub(crate) fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.inventory.policies[0]);
        self
    }

    /// Adds one window.
    pub(crate) fn window(mut self, id: &str, scope: &[&str], start: Timestamp, lasts_ms: Millis) -> Self {
        let schedule = Schedule {
            id: id.into(),
            name: names(id),
            owner: SubsystemId::from(scope[0]).owner(),
            scope: scope.iter().map(|s| (*s).into()).collect(),
            starts: Recurrence::Dates(vec![self.inventory.zone.local(start)]),
            except: Vec::new(),
            also: Vec::new(),
            lasts_ms,
            policy: None,
            plan: None,
            notice: None,
            source: source(),
        };
        self.inventory.schedules.insert(schedule.id.clone(), schedule);
        self
    }

    pub(crate) fn inventory(&self) -> Inventory {
        self.inventory.clone()
    }
}
