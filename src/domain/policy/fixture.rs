//! A small city for tests: two owners, three subsystems, the calendar of 2026, the two shipped policies, one freeze.

use super::*;
use crate::domain::calendar::{Calendar, DayClass, Layer, LayerKind, Row, YearStatus};
use crate::domain::civil::Zone;
use crate::domain::hours::Hours;
use crate::domain::window::{Planned, Recurrence, Schedule, window_id};
use jiff::civil::date;

/// `(month, day, name)` of 2026: holidays first, then make-up workdays.
const OFF: [(i8, i8, &str); 19] = [
    (1, 1, "元旦"),
    (1, 2, "元旦"),
    (2, 16, "春节"),
    (2, 17, "春节"),
    (2, 18, "春节"),
    (2, 19, "春节"),
    (2, 20, "春节"),
    (2, 23, "春节"),
    (4, 6, "清明节"),
    (5, 1, "劳动节"),
    (5, 4, "劳动节"),
    (5, 5, "劳动节"),
    (6, 19, "端午节"),
    (9, 25, "中秋节"),
    (10, 1, "国庆节"),
    (10, 2, "国庆节"),
    (10, 5, "国庆节"),
    (10, 6, "国庆节"),
    (10, 7, "国庆节"),
];
const ON: [(i8, i8, &str); 6] =
    [(1, 4, "元旦"), (2, 14, "春节"), (2, 28, "春节"), (5, 9, "劳动节"), (9, 20, "国庆节"), (10, 10, "国庆节")];

/// Somewhere in a file.
pub(crate) fn source(file: &str, line: u32) -> Source {
    Source { file: file.into(), line }
}

fn names(zh: &str, en: &str) -> Names {
    Names { zh: zh.into(), en: en.into() }
}

/// 2025 and 2026 published, 2027 provisional; rows of 2026 alone.
pub(crate) fn calendar() -> Calendar {
    let row = |class, name: &str, line| Row {
        class,
        name: names(name, "public holiday"),
        published: Some(date(2025, 11, 4)),
        source: source("calendars/china.yaml", line),
    };
    let off = OFF.iter().map(|(m, d, name)| (date(2026, *m, *d), row(DayClass::NonWorking, name, 20)));
    let on = ON.iter().map(|(m, d, name)| (date(2026, *m, *d), row(DayClass::Working, name, 30)));
    let layer = Layer { kind: LayerKind::StateCouncil, owner: None, rows: off.chain(on).collect() };
    let years = [(2025, YearStatus::Published), (2026, YearStatus::Published), (2027, YearStatus::Provisional)];
    Calendar { id: "china".into(), layers: vec![layer], years: years.into() }
}

/// 22:00 to 06:00.
pub(crate) fn night() -> DayPart {
    DayPart { start: Time::constant(22, 0, 0, 0), end: Time::constant(6, 0, 0, 0), end_day_offset: 1 }
}

/// A policy like the shipped ones.
pub(crate) fn policy(id: &str, tiers: &[Tier], gate: GateMode) -> Policy {
    let tier_one = tiers == [Tier::One];
    Policy {
        id: id.into(),
        applies_to: Selector { tiers: tiers.to_vec(), ..Selector::default() },
        gate,
        allow: Allowed { always: false, nights: Some(night()), non_working_days: true },
        deny: Vec::new(),
        longest_warn_ms: tier_one.then_some(4 * HOUR),
        longest_deny_ms: Some(if tier_one { 8 * HOUR } else { 24 * HOUR }),
        notice: NoticeRule::ByLength,
        approvals: if tier_one { 2 } else { 0 },
        limits: Limits::default(),
        source: source("policies/off-hours.yaml", 2),
    }
}

/// A subsystem without probes.
pub(crate) fn subsystem(id: &str, tier: Tier, hours: &str, depends_on: Vec<Dependency>) -> Subsystem {
    Subsystem {
        id: id.into(),
        was: None,
        name: names(id, id),
        tier,
        public: tier != Tier::Three,
        hours: Hours::parse(hours).unwrap(),
        objective: "public-7x24".into(),
        runbook: None,
        depends_on,
        probes: Vec::new(),
        source: source("probes/huangpu.yaml", 4),
    }
}

/// The city.
pub(crate) fn city() -> Inventory {
    let owner = |id: &str, kind| Owner {
        id: id.into(),
        kind,
        name: names(id, id),
        on_call: "duty".into(),
        runbook: None,
        source: source("probes/huangpu.yaml", 1),
    };
    let owners = [owner("bdc", OwnerKind::Platform), owner("huangpu", OwnerKind::District)];
    let subsystems = [
        subsystem("bdc/portal-home", Tier::One, "7x24", Vec::new()),
        subsystem("huangpu/portal", Tier::Two, "7x24", vec![Dependency::One("bdc/portal-home".into())]),
        subsystem(
            "huangpu/kiosks",
            Tier::Three,
            "workdays 09:00-17:30",
            vec![Dependency::One("huangpu/portal".into())],
        ),
    ];
    let yearly = |m, d| DateOrYearly::Yearly(m, d);
    let expo = Freeze {
        id: "import-expo".into(),
        name: names("进博会", "Import Expo"),
        applies_to: Selector { tiers: vec![Tier::One, Tier::Two], ..Selector::default() },
        dates: vec![DateSpan { first: yearly(11, 1), last: yearly(11, 10) }],
        source: source("freezes.yaml", 3),
    };
    let objective = Objective {
        id: "public-7x24".into(),
        target_ppm: 999_000,
        period: ObjectivePeriod::Month,
        figure: Figure::Public,
        hours: None,
        exclusion_cap_ms: 8 * HOUR,
        pages: Pages::default(),
        origins: Origins::new(),
        source: source("objectives.yaml", 2),
    };
    Inventory {
        zone: Zone::named("Asia/Shanghai").unwrap(),
        owners: owners.map(|o| (o.id.clone(), o)).into(),
        subsystems: subsystems.map(|s| (s.id.clone(), s)).into(),
        probes: Default::default(),
        calendar: calendar(),
        policies: vec![
            policy("off-hours", &[Tier::Two, Tier::Three], GateMode::Hours),
            policy("public-front", &[Tier::One], GateMode::Window),
        ],
        freezes: vec![expo],
        schedules: Default::default(),
        composites: Default::default(),
        objectives: [(objective.id.clone(), objective)].into(),
        rosters: Default::default(),
        fallback: "duty".into(),
        admins: "duty".into(),
        canary: None,
        filing: None,
        timers: AlertTimers::default(),
        plans: Default::default(),
        dependants: Default::default(),
    }
}

/// A local time of the city as an instant.
pub(crate) fn at(text: &str) -> Timestamp {
    city().zone.parse(text).unwrap()
}

/// A span from a local time.
pub(crate) fn lasting(from: &str, ms: Millis) -> Span {
    Span::lasting(at(from), ms)
}

/// A schedule of `owner` with one start.
pub(crate) fn once(owner: &str, scope: &[&str], start: &str, lasts_ms: Millis) -> (Schedule, Planned) {
    let civil_start = city().zone.parse_civil(start).unwrap();
    let schedule = Schedule {
        id: "upgrade".into(),
        name: names("升级", "Upgrade"),
        owner: owner.into(),
        scope: scope.iter().map(|id| SubsystemId::from(*id)).collect(),
        starts: Recurrence::Dates(vec![civil_start]),
        except: Vec::new(),
        also: Vec::new(),
        lasts_ms,
        policy: None,
        plan: None,
        notice: Some(names("系统升级，暂停服务", "Upgrade, service paused")),
        source: source("windows/huangpu.yaml", 2),
    };
    let planned = Planned { id: window_id(&schedule.id, civil_start), civil_start, span: lasting(start, lasts_ms) };
    (schedule, planned)
}
