//! Maintenance: notices, every change and reminder, what depends on it, and the runs of plans.

use super::{AT, Example, center, names};
use crate::domain::window::{Change, Emergency, Reminder, Telling};
use crate::domain::*;

const RUNS: [RunNewsKind; 5] =
    [RunNewsKind::Says, RunNewsKind::Parked, RunNewsKind::TurnsBack, RunNewsKind::Broken, RunNewsKind::StaysDrained];

pub(super) fn every() -> Vec<Example> {
    let notice = |name: &str, windows| {
        Example::new(name, Content::Announcement { owner: "bdc".into(), name: center(), windows })
    };
    let moved = AnnouncedWindow { former: Some(Span::lasting(AT + 23 * DAY, 4 * HOUR)), ..window() };
    let urgent = AnnouncedWindow { emergency: Some(Emergency { ticket: "INC-2026-114".into() }), ..window() };
    let many = (0..4).map(|n| AnnouncedWindow { span: Span::lasting(AT + (30 + 7 * n) * DAY, 4 * HOUR), ..window() });
    let mut all = vec![
        notice("announcement", vec![window()]),
        notice("announcement_of_many", many.collect()),
        notice("announcement_of_an_emergency", vec![urgent]),
        notice("announcement_changed", vec![moved]),
    ];
    all.extend(Change::ALL.iter().map(|change| {
        let over = matches!(change, Change::Finished | Change::FinishedEarly | Change::Overrun);
        let seen = over.then(|| summary(*change));
        Example::new(format!("window_{}", change.as_str()), told(Telling::Version(*change), seen))
    }));
    all.extend(Reminder::ALL.iter().map(|reminder| {
        let name = match reminder {
            Reminder::ThreeDays => "three_days",
            Reminder::OneDay => "one_day",
            Reminder::OneHour => "one_hour",
        };
        Example::new(format!("reminder_{name}"), told(Telling::Reminder(*reminder), None))
    }));
    let hall = names("黄浦区行政服务中心", "Huangpu service hall");
    let affected = vec![Affected { subsystem: "huangpu/hall".into(), name: hall, since: AT - 150 * SECOND }];
    all.push(Example::new("dependency", Content::DependencyInMaintenance { window: window(), affected }));
    all.extend(
        RUNS.iter()
            .map(|kind| Example::new(format!("plan_{}", kind.as_str().replace('-', "_")), Content::Plan(run(*kind)))),
    );
    all
}

fn window() -> AnnouncedWindow {
    AnnouncedWindow {
        about: None,
        version: 2,
        former: None,
        dependants: vec![("huangpu/portal".into(), names("黄浦区一网通办频道", "Huangpu channel of the portal"))],
        goes_on: vec![("bdc/identity".into(), names("统一身份认证", "Identity"))],
        emergency: None,
        window: "bdc-monthly.1f3a9c02".into(),
        name: names("大数据中心月度维护", "Monthly maintenance"),
        span: Span::lasting(AT + 30 * DAY, 4 * HOUR),
        scope: vec![("bdc/portal-home".into(), names("一网通办首页", "Portal home page"))],
        notice: Some(names("期间首页显示维护公告", "The home page shows a notice meanwhile")),
    }
}

fn told(telling: Telling, summary: Option<Summary>) -> Content {
    let why = match telling {
        Telling::Version(_) => names("说明文字", "the reason"),
        Telling::Reminder(_) => Names::default(),
    };
    let windows = vec![WindowNews { window: window(), why, summary }];
    Content::WindowNews { owner: center(), telling, windows }
}

fn summary(change: Change) -> Summary {
    let home = || ("bdc/portal-home".into(), names("一网通办首页", "Portal home page"));
    let late = change == Change::Overrun;
    Summary {
        took_ms: if late { 4 * HOUR + 25 * MINUTE } else { 3 * HOUR },
        approved_ms: 4 * HOUR,
        violation_ms: if late { 25 * MINUTE } else { 0 },
        outages: vec![(home().0, home().1, Span::lasting(AT + 30 * DAY + HOUR, HOUR))],
        defects: vec![(home().0, home().1, 2)],
    }
}

fn run(kind: RunNewsKind) -> RunNews {
    let text = match kind {
        RunNewsKind::Says => names("升级开始", "the upgrade begins"),
        RunNewsKind::Parked => names("步骤 switch：结果未知", "step switch: nobody can see whether it was done"),
        RunNewsKind::TurnsBack => names("步骤 migrate 未成功", "step migrate did not succeed"),
        RunNewsKind::Broken => names("未能回退的步骤：switch", "not undone: switch"),
        RunNewsKind::StaysDrained => names("lb.bdc.test answered 500", "lb.bdc.test answered 500"),
    };
    RunNews {
        kind,
        run: "bdc-monthly.1f3a9c02.1".into(),
        plan: names("门户前端升级", "Upgrade of the portal's front end"),
        window: "bdc-monthly.1f3a9c02".into(),
        span: Span::lasting(AT, 4 * HOUR),
        step: Some("switch".into()),
        point_of_no_return: AT + 3 * HOUR,
        text,
    }
}
