//! How mails read, in both languages, and that nothing from outside breaks out.

use super::*;
use crate::domain::attribution::{Attribution, Declared, Ruling};
use crate::domain::window::{Change, Reminder, Telling, WindowState};
use crate::domain::*;

const AT: Timestamp = Timestamp(1_795_445_429_000);

fn context() -> RenderContext {
    RenderContext {
        public_url: "http://127.0.0.1:9424/".into(),
        zone: Zone::named("Asia/Shanghai").unwrap(),
        domain: "gengfu.bdc.test".into(),
        from_name: "更夫".into(),
        from_mail: "gengfu@bdc.test".into(),
    }
}

fn names(zh: &str, en: &str) -> Names {
    Names { zh: zh.into(), en: en.into() }
}

fn news(symptom: Symptom) -> IncidentNews {
    let text = "status 502 Bad Gateway, expected 200 <b>";
    IncidentNews {
        incident: IncidentId(42),
        symptom,
        severity: if symptom == Symptom::Degraded { Severity::Ticket } else { Severity::Page },
        subsystem: "huangpu/portal".into(),
        name: names("黄浦区一网通办频道", "Huangpu channel of the portal"),
        owner: names("黄浦区", "Huangpu District"),
        tier: Tier::Two,
        since: AT - 200 * SECOND,
        until: None,
        evidence: vec![Evidence {
            probe: "huangpu/portal/home".into(),
            at: AT - 200 * SECOND,
            reason: Reason::new(ReasonKind::Status, text),
        }],
        affected: vec![Affected {
            subsystem: "huangpu/hall".into(),
            name: names("黄浦区行政服务中心", "Huangpu service hall"),
            since: AT - 150 * SECOND,
        }],
        affected_total: 3,
        budget_left_ms: Some(2_378 * SECOND),
        target_ppm: Some(999_000),
        burn_milli: None,
        window: None,
        window_end: None,
        attribution: None,
        beside: None,
    }
}

fn attribution() -> Attribution {
    let at = AT - 200 * SECOND;
    let blocked = Declared {
        window: "huangpu-monthly.1f3a9c02".into(),
        state: WindowState::Blocked,
        span: Span::lasting(at - HOUR, 2 * HOUR),
        why: names("公告未按时发出", "notice is late"),
    };
    Attribution {
        at,
        owner: "huangpu".into(),
        name: names("黄浦区", "Huangpu District"),
        contacts: vec!["黄浦区值班 <oncall@huangpu.test>".into()],
        declared: vec![blocked],
        nearest: None,
        ruling: Ruling::Denied {
            why: names("不在允许时段内", "it is outside the nights"), next_open: Some(at + HOUR)
        },
    }
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

fn run_news(kind: RunNewsKind) -> RunNews {
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

fn digest() -> DigestNews {
    let line = |n: u64, symptom| DigestLine {
        incident: IncidentId(n),
        symptom,
        name: names("黄浦区一网通办频道", "Huangpu channel of the portal"),
        span: Span::lasting(AT, 90 * MINUTE),
    };
    let coming = DigestWindow {
        window: "bdc-monthly.1f3a9c02".into(),
        name: names("大数据中心月度维护", "Monthly maintenance"),
        span: Span::lasting(AT + DAY, 4 * HOUR),
    };
    DigestNews {
        day: context().zone.day(context().zone.date(AT)),
        outages: vec![line(41, Symptom::Down), line(42, Symptom::Overrun)],
        open: vec![line(42, Symptom::Overrun)],
        windows: vec![coming],
        totals: [2, 1, 60],
        inspections: vec![
            site("黄浦区预约大厅", "Booking hall of Huangpu", -12),
            site("税务网上服务", "Tax services", 31),
        ],
        inspections_total: 2,
        dead_letters: 3,
        head: Some(EvidenceHead { day: "2026-11-22".into(), head: "3f".repeat(32) }),
    }
}

fn site(zh: &str, en: &str, left: i64) -> DigestInspection {
    DigestInspection { name: names(zh, en), visits: 10_080, failed: 503_u64.saturating_add_signed(-left), left }
}

fn quiet() -> DigestNews {
    let (outages, open, windows, inspections) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let rest = DigestNews { totals: [0; 3], inspections_total: 0, dead_letters: 0, head: None, ..digest() };
    DigestNews { outages, open, windows, inspections, ..rest }
}

fn told(change: Change, summary: Option<Summary>) -> Content {
    let why = names("说明文字", "the reason");
    let windows = vec![WindowNews { window: window(), why, summary }];
    Content::WindowNews {
        owner: names("大数据中心", "Big Data Center"), telling: Telling::Version(change), windows
    }
}

fn reminder() -> Content {
    let windows = vec![WindowNews { window: window(), why: Names::default(), summary: None }];
    let telling = Telling::Reminder(Reminder::OneDay);
    Content::WindowNews { owner: names("大数据中心", "Big Data Center"), telling, windows }
}

fn summary() -> Summary {
    let home = || ("bdc/portal-home".into(), names("一网通办首页", "Portal home page"));
    Summary {
        took_ms: 3 * HOUR,
        approved_ms: 4 * HOUR,
        violation_ms: 0,
        outages: vec![(home().0, home().1, Span::lasting(AT + 30 * DAY + HOUR, HOUR))],
        defects: vec![(home().0, home().1, 2)],
    }
}

fn message(content: Content, sequence: u32, language: Language) -> Message {
    let to = Recipient { name: "黄浦区值班".into(), mail: "oncall@huangpu.test".into(), language };
    Message::new("INC-0042".into(), sequence, to, AT, DAY, content)
}

fn every_content() -> Vec<(&'static str, Content)> {
    let mut overrun = news(Symptom::Overrun);
    (overrun.window, overrun.window_end) = (Some("bdc-monthly.1f3a9c02".into()), Some(overrun.since));
    let mut risk = news(Symptom::SlaAtRisk);
    (risk.burn_milli, risk.budget_left_ms) = (Some((14_880, 20_050)), Some(-61 * SECOND));
    risk.evidence.clear();
    let mut undeclared = news(Symptom::MaintenanceOutsideWindow);
    undeclared.attribution = Some(Box::new(attribution()));
    let mut closed = news(Symptom::Down);
    closed.until = Some(AT - 10 * SECOND);
    let owner = ("bdc".into(), names("大数据中心", "Big Data Center"));
    let affected = news(Symptom::Down).affected;
    let moved = AnnouncedWindow { former: Some(Span::lasting(AT + 23 * DAY, 4 * HOUR)), ..window() };
    let mut beside = news(Symptom::Down);
    beside.beside = Some("bdc-monthly.1f3a9c02".into());
    vec![
        ("opened_beside", Content::Opened(beside)),
        ("opened_down", Content::Opened(news(Symptom::Down))),
        ("opened_undeclared", Content::Opened(undeclared)),
        ("opened_overrun", Content::Opened(overrun)),
        ("opened_degraded", Content::Opened(news(Symptom::Degraded))),
        ("opened_sla_at_risk", Content::Opened(risk)),
        ("reopened", Content::Reopened(news(Symptom::Down))),
        ("closed", Content::Closed(closed)),
        ("announcement", Content::Announcement { owner: owner.0, name: owner.1, windows: vec![window()] }),
        (
            "changed",
            Content::Announcement {
                owner: "bdc".into(),
                name: names("大数据中心", "Big Data Center"),
                windows: vec![moved],
            },
        ),
        ("cancelled", told(Change::Cancelled, None)),
        ("started", told(Change::Started, None)),
        ("finished_early", told(Change::FinishedEarly, Some(summary()))),
        ("reminder", reminder()),
        ("dependency", Content::DependencyInMaintenance { window: window(), affected }),
        ("plan_says", Content::Plan(run_news(RunNewsKind::Says))),
        ("plan_parked", Content::Plan(run_news(RunNewsKind::Parked))),
        ("plan_turns_back", Content::Plan(run_news(RunNewsKind::TurnsBack))),
        ("plan_broken", Content::Plan(run_news(RunNewsKind::Broken))),
        ("plan_stays_drained", Content::Plan(run_news(RunNewsKind::StaysDrained))),
        ("digest", Content::Digest(Box::new(digest()))),
        ("digest_quiet", Content::Digest(Box::new(quiet()))),
        (
            "reload_refused",
            Content::ReloadRefused { text: "probes/a.yaml:3:5: unknown key `tir`\n  did you mean `tier`?".into() },
        ),
    ]
}

fn show(rendered: &Rendered) -> String {
    let headers: Vec<String> = rendered.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    format!("Subject: {}\n{}\n\n{}", rendered.subject, headers.join("\n"), rendered.text)
}

#[test]
fn every_content_reads_well_in_both_languages() {
    for (name, content) in every_content() {
        for (suffix, language) in [("zh", Language::Zh), ("en", Language::En)] {
            let rendered = render(&message(content.clone(), 0, language), None, &context());
            insta::assert_snapshot!(format!("{name}_{suffix}"), show(&rendered));
        }
    }
}

#[test]
fn the_html_form_says_the_same_and_loads_nothing() {
    let rendered = render(&message(Content::Opened(news(Symptom::Down)), 0, Language::Zh), None, &context());
    insta::assert_snapshot!("html_opened_down_zh", rendered.html);
    assert!(!rendered.html.contains("src=") && !rendered.html.contains("<b>"), "text from outside is escaped");
}

#[test]
fn later_mails_refer_to_the_first_of_their_thread() {
    let open = message(Content::Opened(news(Symptom::Down)), 0, Language::Zh);
    let close = message(Content::Closed(news(Symptom::Down)), 1, Language::Zh);
    let header = |m: &Message, name: &str| {
        let found = render(m, None, &context()).headers.into_iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value)
    };
    assert_eq!(header(&open, "In-Reply-To"), None);
    assert_eq!(header(&close, "In-Reply-To"), header(&open, "Message-ID"));
    assert_eq!(header(&close, "References"), header(&open, "Message-ID"));
    assert_ne!(header(&close, "Message-ID"), header(&open, "Message-ID"));
}

#[test]
fn nothing_from_outside_can_begin_a_header_or_a_line() {
    let mut evil = news(Symptom::Down);
    evil.name = names("门户\r\nBcc: all@bdc.test\r\n\r\n正文", "portal\nBcc: all@bdc.test");
    evil.evidence[0].reason.text = "a\r\n== Next ==\r\n- pay".into();
    let mut message = message(Content::Opened(evil), 1, Language::Zh);
    message.to.name = "值班\r\nBcc: all@bdc.test".into();
    let context = context();
    let rendered = render(&message, None, &context);
    let mail = crate::notify::compose::compose(&message, &rendered, &context).unwrap();
    let text = String::from_utf8(mail.bytes).unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    assert!(!head.to_lowercase().contains("\nbcc:"), "{head}");
    assert_eq!(rendered.text.lines().filter(|line| line.starts_with("== ")).count(), 6);
}

#[test]
fn the_same_message_makes_the_same_bytes_with_one_content_type() {
    let message = message(Content::Opened(news(Symptom::Down)), 0, Language::Zh);
    let bytes = || {
        let rendered = render(&message, Some(("a@b.test", "550 no such user")), &context());
        crate::notify::compose::compose(&message, &rendered, &context()).unwrap().bytes
    };
    let text = String::from_utf8(bytes()).unwrap();
    assert_eq!(text.as_bytes(), bytes());
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!(head.matches("Content-Type:").count(), 1);
    assert!(head.is_ascii() && head.contains("Subject: [=?utf-8?b?") || head.contains("Subject: =?utf-8?b?"), "{head}");
    assert!(head.contains("Auto-Submitted: auto-generated") && head.contains("X-Auto-Response-Suppress: All"));
    assert!(text.lines().all(|line| line.len() <= 998));
}

#[test]
fn a_mail_to_the_fallback_says_whom_it_stands_in_for() {
    let message = message(Content::Opened(news(Symptom::Down)), 0, Language::En);
    let rendered = render(&message, Some(("gone@huangpu.test", "550 no such user")), &context());
    assert!(rendered.text.contains("This was meant for gone@huangpu.test"), "{}", rendered.text);
}

#[test]
fn a_notice_carries_its_windows_for_calendars_and_says_what_was_called_off() {
    for (content, standing) in [
        (every_content().into_iter().find(|(name, _)| *name == "announcement").unwrap().1, "STATUS:CONFIRMED"),
        (told(Change::Cancelled, None), "STATUS:CANCELLED"),
    ] {
        let message = message(content, 0, Language::En);
        let rendered = render(&message, None, &context());
        let calendar = rendered.calendar.clone().unwrap();
        assert!(calendar.contains(standing) && calendar.contains("METHOD:PUBLISH"), "{calendar}");
        assert!(calendar.contains("UID:bdc-monthly.1f3a9c02@gengfu") && calendar.contains("SEQUENCE:2"), "{calendar}");
        let mail = crate::notify::compose::compose(&message, &rendered, &context()).unwrap();
        let text = String::from_utf8(mail.bytes).unwrap();
        assert!(text.contains("text/calendar; charset=utf-8; method=PUBLISH"), "{text}");
    }
}
