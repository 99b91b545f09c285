//! A city for tests: the shared platform, sixteen districts, some bureaus, one bad evening.

mod filings;
mod runs;

use super::state::{Command, Commands, OutboxView, Site, WebState};
use crate::clock::ManualClock;
use crate::domain::access::{Keyring, Token, TokenHash};
use crate::domain::calendar::{Calendar, YearStatus};
use crate::domain::hours::Hours;
use crate::domain::incident::{Saying, Word};
use crate::domain::policy::{Allowed, DayPart, GateMode, Limits, NoticeRule, Policy, Selector};
use crate::domain::sla::UsedWindow;
use crate::domain::timeline::{Health, Timeline};
use crate::domain::window::WindowState;
use crate::domain::*;
use crate::metrics::Metrics;
use crate::probe::{Board, Heartbeats, Phases, Report, TraceLine};
use crate::store::{Batch, Ends, Store};
use arc_swap::ArcSwap;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// 2026-11-24 22:48 in Shanghai, a Tuesday.
pub(super) const NOW: Timestamp = Timestamp(1_795_531_680_000);
const PLATFORM: [(&str, &str, &str, u8); 14] = [
    ("portal-home", "总门户首页", "General portal home page", 1),
    ("citizen-page", "市民主页", "Citizen home page", 1),
    ("enterprise-page", "企业专属网页", "Enterprise page", 1),
    ("identity", "统一身份认证", "Unified identity", 1),
    ("unified-acceptance", "统一受理平台", "Unified acceptance", 1),
    ("public-payment", "统一公共支付", "Unified public payment", 1),
    ("e-certificates", "电子证照库", "E-certificate library", 1),
    ("exchange-national", "数据交换（国家级通道）", "Data exchange (national)", 2),
    ("exchange-city", "数据交换（市级节点）", "Data exchange (city)", 2),
    ("exchange-district", "数据交换（区级通道）", "Data exchange (district)", 2),
    ("app-api", "随申办 App 接口", "Suishenban app API", 1),
    ("kiosk-gateway", "自助终端接入网关", "Kiosk gateway", 2),
    ("haochaping", "好差评系统", "Evaluation system", 3),
    ("e-archive", "电子档案", "E-archive", 3),
];
const DISTRICTS: [(&str, &str, &str); 16] = [
    ("huangpu", "黄浦区", "Huangpu District"),
    ("xuhui", "徐汇区", "Xuhui District"),
    ("changning", "长宁区", "Changning District"),
    ("jingan", "静安区", "Jing'an District"),
    ("putuo", "普陀区", "Putuo District"),
    ("hongkou", "虹口区", "Hongkou District"),
    ("yangpu", "杨浦区", "Yangpu District"),
    ("minhang", "闵行区", "Minhang District"),
    ("baoshan", "宝山区", "Baoshan District"),
    ("jiading", "嘉定区", "Jiading District"),
    ("pudong", "浦东新区", "Pudong New Area"),
    ("jinshan", "金山区", "Jinshan District"),
    ("songjiang", "松江区", "Songjiang District"),
    ("qingpu", "青浦区", "Qingpu District"),
    ("fengxian", "奉贤区", "Fengxian District"),
    ("chongming", "崇明区", "Chongming District"),
];
const BUREAUS: [(&str, &str, &str); 18] = [
    ("ndrc", "上海市发展和改革委员会", "Shanghai Municipal Development and Reform Commission"),
    ("commerce", "上海市商务委员会", "Shanghai Municipal Commission of Commerce"),
    ("education", "上海市教育委员会", "Shanghai Municipal Education Commission"),
    ("science", "上海市科学技术委员会", "Science and Technology Commission of Shanghai Municipality"),
    ("police", "上海市公安局", "Shanghai Municipal Public Security Bureau"),
    ("civil-affairs", "上海市民政局", "Shanghai Municipal Civil Affairs Bureau"),
    ("justice", "上海市司法局", "Shanghai Municipal Bureau of Justice"),
    ("finance", "上海市财政局", "Shanghai Municipal Finance Bureau"),
    ("ecology", "上海市生态环境局", "Shanghai Municipal Bureau of Ecology and Environment"),
    ("transport", "上海市交通委员会", "Shanghai Municipal Transportation Commission"),
    ("water", "上海市水务局（上海市海洋局）", "Shanghai Water Authority (Shanghai Oceanic Bureau)"),
    ("health", "上海市卫生健康委员会", "Shanghai Municipal Health Commission"),
    ("market", "上海市市场监督管理局", "Shanghai Municipal Administration for Market Regulation"),
    ("medical-insurance", "上海市医疗保障局", "Shanghai Municipal Healthcare Security Administration"),
    ("tax", "国家税务总局上海市税务局", "Shanghai Municipal Tax Service"),
    ("provident-fund", "上海市公积金管理中心", "Shanghai Municipal Housing Provident Fund Management Center"),
    ("customs", "上海海关", "Shanghai Customs"),
    ("disabled", "上海市残疾人联合会", "Shanghai Disabled Persons' Federation"),
];

pub(super) fn names(zh: &str, en: &str) -> Names {
    Names { zh: zh.into(), en: en.into() }
}

fn source() -> Source {
    Source { file: "probes/city.yaml".into(), line: 7 }
}

/// A view without history.
pub(super) fn view(id: &str) -> SubsystemView {
    SubsystemView {
        id: id.into(),
        health: Health::Unknown,
        since: None,
        timeline: Timeline::default(),
        probes: Vec::new(),
        windows: Vec::new(),
        undeclared: SpanSet::EMPTY,
        coverage: None,
        in_maintenance: false,
        corrected: None,
    }
}

/// An inventory without anything in it but rules.
fn rules() -> Inventory {
    let night =
        DayPart { start: jiff::civil::time(22, 0, 0, 0), end: jiff::civil::time(6, 0, 0, 0), end_day_offset: 1 };
    let policy = Policy {
        id: "off-hours".into(),
        applies_to: Selector::default(),
        gate: GateMode::Hours,
        allow: Allowed { always: false, nights: Some(night), non_working_days: true },
        deny: Vec::new(),
        longest_warn_ms: None,
        longest_deny_ms: None,
        notice: NoticeRule::None,
        approvals: 0,
        limits: Limits::default(),
        source: source(),
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
        source: source(),
    };
    Inventory {
        zone: civil::Zone::named("Asia/Shanghai").unwrap(),
        owners: BTreeMap::new(),
        subsystems: BTreeMap::new(),
        probes: HashMap::new(),
        calendar: Calendar {
            id: "china".into(),
            layers: Vec::new(),
            years: BTreeMap::from([(2026, YearStatus::Published)]),
        },
        policies: vec![policy],
        freezes: Vec::new(),
        schedules: BTreeMap::new(),
        composites: Default::default(),
        objectives: BTreeMap::from([(objective.id.clone(), objective)]),
        rosters: BTreeMap::new(),
        fallback: "duty".into(),
        admins: "duty".into(),
        canary: None,
        filing: None,
        timers: AlertTimers::default(),
        plans: Default::default(),
        dependants: HashMap::new(),
    }
}

fn add_owner(inventory: &mut Inventory, id: &str, kind: OwnerKind, name: Names) {
    let owner = Owner { id: id.into(), kind, name, on_call: "duty".into(), runbook: None, source: source() };
    inventory.owners.insert(owner.id.clone(), owner);
}

/// Adds one subsystem with two probes.
pub(super) fn add_subsystem(inventory: &mut Inventory, id: &str, name: Names, tier: u8, hours: &str) {
    let id = SubsystemId::from(id);
    let mut probes = Vec::new();
    for (probe, kind, every_ms, role) in
        [("home", "http", 30 * SECOND, Role::Critical), ("certificate", "tls", HOUR, Role::Supporting)]
    {
        let plan = ProbePlan {
            id: ProbeId::of(&id, probe),
            kind,
            every_ms,
            timeout_ms: 15 * SECOND,
            fall: 3,
            rise: 2,
            confirm_every_ms: 5 * SECOND,
            role,
            knows_notices: kind == "http",
            source: source(),
        };
        probes.push(plan.id.clone());
        inventory.probes.insert(plan.id.clone(), plan);
    }
    let subsystem = Subsystem {
        was: None,
        name,
        tier: Tier::try_from(tier).unwrap(),
        public: true,
        hours: Hours::parse(hours).unwrap(),
        objective: "public-7x24".into(),
        runbook: None,
        depends_on: Vec::new(),
        probes,
        source: source(),
        id: id.clone(),
    };
    inventory.subsystems.insert(id, subsystem);
}

/// The city's shape.
pub(super) fn inventory() -> Inventory {
    let mut inventory = rules();
    add_owner(
        &mut inventory,
        "bdc",
        OwnerKind::Platform,
        names("上海市大数据中心", "Shanghai Municipal Big Data Center"),
    );
    for (id, zh, en, tier) in PLATFORM {
        add_subsystem(&mut inventory, &format!("bdc/{id}"), names(zh, en), tier, "7x24");
    }
    for (id, zh, en) in DISTRICTS {
        add_owner(&mut inventory, id, OwnerKind::District, names(zh, en));
        for (name, a, b) in [("portal", "一网通办频道", "portal channel"), ("hall", "政务服务大厅", "service hall")]
        {
            let name_of = names(&format!("{zh}{a}"), &format!("{en} {b}"));
            add_subsystem(&mut inventory, &format!("{id}/{name}"), name_of, 2, "7x24");
            let subsystem = SubsystemId::from(format!("{id}/{name}").as_str());
            let needs: SubsystemId = "bdc/exchange-district".into();
            let member = inventory.subsystems.get_mut(&subsystem).unwrap();
            member.depends_on = vec![
                Dependency::One(needs.clone()),
                Dependency::AnyOf(vec!["carriers/egress-a".into(), "carriers/egress-b".into()]),
                Dependency::Soft("bdc/haochaping".into()),
            ];
            inventory.dependants.entry(needs).or_default().push(subsystem);
        }
    }
    for (id, zh, en) in BUREAUS {
        add_owner(&mut inventory, id, OwnerKind::Bureau, names(zh, en));
        let hours = if id == "medical-insurance" { "workdays 09:00-17:00" } else { "7x24" };
        add_subsystem(&mut inventory, &format!("{id}/services"), names(&format!("{zh}业务"), en), 2, hours);
    }
    add_owner(&mut inventory, "carriers", OwnerKind::External, names("电信运营商", "Carriers"));
    for (id, zh) in [("egress-a", "出口甲"), ("egress-b", "出口乙")] {
        add_subsystem(&mut inventory, &format!("carriers/{id}"), names(zh, id), 2, "7x24");
    }
    inventory
}

/// (id, state, minutes ago at which it began).
const BAD: [(&str, Health, i64); 7] = [
    ("bdc/exchange-district", Health::Down, 72),
    ("bdc/public-payment", Health::Degraded, 18),
    ("xuhui/portal", Health::Down, 70),
    ("qingpu/portal", Health::Degraded, 130),
    ("jinshan/portal", Health::Down, 44),
    ("medical-insurance/services", Health::Down, 300),
    ("provident-fund/services", Health::Unknown, 12),
];

/// The city at [`NOW`].
pub(super) fn snapshot() -> Snapshot {
    let inventory = inventory();
    let mut subsystems = Vec::new();
    for (n, subsystem) in inventory.subsystems.values().enumerate() {
        subsystems.push(Arc::new(seen(n, subsystem)));
    }
    let windows = windows();
    Snapshot {
        at: NOW,
        inventory: Arc::new(inventory),
        subsystems,
        windows: Arc::new(windows),
        incidents: Arc::new(incidents()),
        silences: Arc::default(),
        filings: Arc::new(filings::filings()),
        runs: Arc::new(runs::runs()),
        clock_doubt: None,
        store_failed: false,
        reload_refused: None,
        reported: None,
        evidence: None,
    }
}

fn seen(n: usize, subsystem: &Subsystem) -> SubsystemView {
    let mut view = view(subsystem.id.as_str());
    view.timeline.set(NOW - 38 * DAY, Health::Up);
    // Every ninth had two short troubles within the last weeks, so that strips are not all alike.
    if n.is_multiple_of(9) {
        let at = NOW - (i64::try_from(n).unwrap() % 20 + 2) * DAY;
        view.timeline.set(at, Health::Down);
        view.timeline.set(at + 9 * MINUTE, Health::Up);
        view.timeline.set(NOW - 9 * HOUR, Health::Degraded);
        view.timeline.set(NOW - 9 * HOUR + 25 * MINUTE, Health::Up);
    }
    if let Some((_, health, minutes)) = BAD.iter().find(|(id, ..)| *id == subsystem.id.as_str()) {
        view.timeline.set(NOW - minutes * MINUTE, *health);
    }
    let (since, health) = view.timeline.last().unwrap();
    (view.health, view.since) = (health, Some(since));
    if subsystem.id.as_str() == "jinshan/portal" {
        (view.coverage, view.in_maintenance) = (Some("jinshan-upgrade.00000001".into()), true);
        view.windows = vec![UsedWindow {
            window: "jinshan-upgrade.00000001".into(),
            approved: Span::lasting(NOW - 48 * MINUTE, 2 * HOUR),
            restored: NOW,
            standing: sla::Standing::Valid,
        }];
    }
    let state = match health {
        Health::Up => Some(health::ProbeHealth::Passing),
        Health::Degraded => Some(health::ProbeHealth::Degraded),
        Health::Down => Some(health::ProbeHealth::Failing),
        Health::Unknown => None,
    };
    let probe = |id: &ProbeId| ProbeView {
        id: id.clone(),
        health: state,
        since,
        reason: None,
        lately: Default::default(),
        recovering_since: None,
    };
    view.probes = subsystem.probes.iter().map(probe).collect();
    view
}

/// A window of `scope` that starts `minutes` from now.
pub(super) fn window(id: &str, scope: &str, minutes: i64, hours: i64, state: WindowState) -> WindowView {
    let scope = SubsystemId::from(scope);
    WindowView {
        id: id.into(),
        schedule: id.split('.').next().unwrap().into(),
        owner: scope.owner(),
        name: names("月度维护", "Monthly maintenance"),
        scope: vec![scope],
        span: Span::lasting(NOW + minutes * MINUTE, hours * HOUR),
        state,
        why: Names::default(),
        announced: Some(NOW - 9 * DAY),
        emergency: None,
        restored: None,
        notice: None,
        version: 0,
        versions: Vec::new(),
        defects: Vec::new(),
        decisions: Vec::new(),
    }
}

fn windows() -> Vec<WindowView> {
    let mut draft = window("fund-batch.00000001", "provident-fund/services", 252, 3, WindowState::Draft);
    draft.why = Names { zh: "需要 2 人批准".into(), en: "needs 2 approvals".into() };
    vec![
        window("bdc-monthly.00000001", "bdc/e-archive", -4 * 24 * 60, 4, WindowState::Completed),
        window("police-patch.00000001", "police/services", -168, 2, WindowState::Overrun),
        window("jinshan-upgrade.00000001", "jinshan/portal", -48, 2, WindowState::Active),
        window("tax-monthly.00000001", "tax/services", -18, 4, WindowState::Active),
        window("certificates.00000001", "bdc/e-certificates", 132, 3, WindowState::Announced),
        draft,
        window("bdc-monthly.00000002", "bdc/e-archive", 4 * 24 * 60, 4, WindowState::Planned),
    ]
}

fn incident(n: u64, subsystem: &str, symptom: Symptom, minutes: i64, reason: Reason) -> IncidentView {
    IncidentView {
        id: IncidentId(n),
        subsystem: subsystem.into(),
        symptom,
        severity: if symptom == Symptom::Degraded { Severity::Ticket } else { Severity::Page },
        since: NOW - minutes * MINUTE,
        until: None,
        affected: Vec::new(),
        told: 2,
        reason: Some(reason),
        window: None,
        attribution: None,
        words: Vec::new(),
        acknowledged: None,
        handed_over: None,
    }
}

fn incidents() -> Vec<IncidentView> {
    let refused = Reason::new(ReasonKind::Connect, "exchange.bdc.test:443 (127.64.3.9) refused the connection");
    let slow = Reason::new(ReasonKind::Slow, "answered in 4.1 s, expected 2 s");
    let late = Reason::new(ReasonKind::Maintenance, "status 503, retry-after 3600");
    let mut root = incident(421, "bdc/exchange-district", Symptom::Down, 72, refused.clone());
    root.affected = vec![("xuhui/portal".into(), NOW - 70 * MINUTE)];
    let by = Actor { name: "night-desk".into(), owner: None, from: "127.0.0.1".into() };
    let text = "asks the operator of 127.64.3.9".into();
    let word = Word { at: NOW - 60 * MINUTE, by, saying: Saying::Acknowledged, text, to: Vec::new() };
    (root.words, root.acknowledged) = (vec![word.clone()], Some(word));
    let mut closed = incident(417, "huangpu/hall", Symptom::Down, 3 * 24 * 60, refused);
    closed.until = Some(closed.since + 9 * MINUTE);
    let mut overrun = incident(423, "police/services", Symptom::Overrun, 48, late);
    overrun.window = Some("police-patch.00000001".into());
    vec![overrun, incident(422, "bdc/public-payment", Symptom::Degraded, 18, slow), root, closed]
}

/// A report of an attempt that started `seconds` ago.
pub(super) fn report(seconds: i64, outcome: Outcome) -> Report {
    let ms = Duration::from_millis;
    let line = |at, text: &str| TraceLine { at: ms(at), text: text.into() };
    Report {
        started: NOW - seconds * SECOND,
        took: ms(183),
        outcome,
        phases: Phases {
            resolve: Some(ms(2)),
            connect: Some(ms(9)),
            tls: Some(ms(41)),
            processing: Some(ms(118)),
            transfer: Some(ms(13)),
        },
        http_status: Some(200),
        certificate_not_after: Some(NOW + 61 * DAY),
        fleet: None,
        trace: vec![
            line(0, "resolve exchange.bdc.test"),
            line(2, "connect 127.64.3.9:443"),
            line(52, "GET / HTTP/1.1"),
        ],
    }
}

/// Tokens that stand for one scope each: their text is the scope's. `expired` is over, `bdc` acts for that owner.
pub(super) fn keyring() -> Keyring {
    let token = |text: &str, scope: &str, owner: Option<&str>, expires| Token {
        holder: format!("holder of {text}"),
        owner: owner.map(OwnerId::from),
        scopes: vec![scope.parse().unwrap()],
        hash: TokenHash::of(text),
        expires,
    };
    let mut ring =
        Keyring::new(vec![token("expired", "admin", None, Some(NOW)), token("bdc", "operate", Some("bdc"), None)]);
    for scope in ["read", "operate", "approve:bdc", "admin"] {
        ring.add(token(scope, scope, None, Some(NOW + DAY)));
    }
    ring
}

/// The same with an audit log of a few rows; the folder is the store's.
pub(super) async fn audited() -> (WebState, mpsc::Receiver<Command>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("gengfu.db")).unwrap();
    let actor = |name: &str, owner: Option<&str>| Actor {
        name: name.into(),
        owner: owner.map(OwnerId::from),
        from: "192.0.2.7".into(),
    };
    let at = |minutes: i64| NOW - minutes * MINUTE;
    let officer = || actor("值班长", Some("bdc"));
    let refused = "the applicant may not approve";
    let audit = vec![
        AuditEntry::done(at(300), Actor::ourselves("files"), "reload", "9f2c", "taken over"),
        AuditEntry::done(at(90), officer(), "sign_in", "值班长", ""),
        AuditEntry::done(at(80), officer(), "window.extend", "tax-monthly.00000001", "=数据迁移比预计慢, +40m"),
        AuditEntry::refused(at(60), officer(), "window.approve", "bdc-monthly.00000002", "", refused),
        AuditEntry::refused(at(20), actor("pipeline", None), "request", "POST /-/reload", "", "<b>lacks</b> `admin`"),
    ];
    store.keep(Ends::default(), Batch { audit, ..Batch::default() }).await.unwrap();
    let (state, commands) = state(snapshot());
    (WebState { store: Some(store), ..state }, commands, folder)
}

/// Handlers over `snapshot`, and the far end of their commands.
pub(super) fn state(snapshot: Snapshot) -> (WebState, mpsc::Receiver<Command>) {
    let board = Board::new(&snapshot.inventory);
    for (n, id) in snapshot.inventory.probes.keys().enumerate() {
        let slot = board.slot(id).unwrap();
        let down = snapshot.subsystem(&id.subsystem()).is_some_and(|v| v.health == Health::Down);
        let slow = Outcome::degraded(ReasonKind::Slow, "took 2.2 s");
        slot.record(report(9, if n % 7 == 0 { slow } else { Outcome::Pass }));
        let refused = "exchange.bdc.test:443 (127.64.3.9) refused the connection";
        slot.record(report(4, if down { Outcome::fail(ReasonKind::Connect, refused) } else { Outcome::Pass }));
    }
    let heartbeats = Heartbeats::new(NOW - DAY);
    heartbeats.listen("t0ken");
    let (commands, asked) = Commands::channel(64);
    let state = WebState {
        snapshot: watch::channel(Arc::new(snapshot)).1,
        board: Arc::new(board),
        heartbeats: Arc::new(heartbeats),
        clock: Arc::new(ManualClock::at(NOW)),
        commands,
        outbox: watch::channel(Arc::new(OutboxView::default())).1,
        desk: std::sync::Arc::default(),
        access: Arc::new(ArcSwap::from_pointee(keyring())),
        store: None,
        archive: Default::default(),
        links: crate::notify::link::LinkKey::new(b"a secret of tests"),
        metrics: Arc::new(Metrics::new("0.1.0").unwrap()),
        site: Arc::new(Site {
            public_url: "http://127.0.0.1:9424".into(),
            hosts: vec!["gengfu.bdc.test".into()],
            version: "0.1.0",
        }),
    };
    (state, asked.commands)
}
