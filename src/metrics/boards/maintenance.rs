//! The maintenance calendar: windows, freezes, when policies are open, what overran, and what the gate answered.

use super::board::{Board, OWNERS, Row};
use super::city::WINDOWS;
use super::look::{BAD, FEW_ARE_GOOD, FROZEN, GOOD, Look, NEUTRAL, NONE_IS_GOOD, OPEN, PHASE, WARN};
use super::panel::{Panel, View};
use super::table::Table;

pub(super) fn board() -> Board {
    Board {
        name: "maintenance",
        title: ["更夫 · 维护日历", "gengfu: maintenance calendar"],
        about: [
            "窗口、封网、策略开放时段、超时、违规和变更门的应答。",
            "Windows, freezes, when policies are open, overruns, violations and what the gate answered.",
        ],
        variables: vec![OWNERS],
        marks: vec![WINDOWS],
        rows: vec![
            Row { title: ["此刻", "Now"], panels: now() },
            Row { title: ["窗口", "Windows"], panels: windows() },
            Row { title: ["策略与封网", "Policies and freezes"], panels: policies() },
            Row { title: ["违规与变更门", "Violations and the gate"], panels: gate() },
        ],
        from: "now-24h",
        to: "now",
    }
}

fn now() -> Vec<Panel> {
    let count = |phase: u8| format!(r#"count(gengfu:window_phase:code{{@,owner=~"$owner"}} == {phase}) or vector(0)"#);
    vec![
        Panel::stat(["进行中", "Running"], ["正在进行的窗口。", "Windows that run."], "short", NEUTRAL, &count(3)),
        Panel::stat(
            ["待开始", "Ahead"],
            ["七天内将开始的窗口。", "Windows that start within seven days."],
            "short",
            NEUTRAL,
            &count(1),
        ),
        Panel::stat(
            ["受阻", "Blocked"],
            ["失去许可、公告太晚或检查未过。", "Permission lost, notice late, or something stands in the way."],
            "short",
            FEW_ARE_GOOD,
            &count(2),
        ),
        Panel::stat(
            ["超时", "Overrun"],
            ["已过批准的结束时间而服务未验证。", "The approved end has passed and the service is not verified."],
            "short",
            NONE_IS_GOOD,
            &count(4),
        ),
        Panel::stat(
            ["维护中的子系统", "Subsystems in maintenance"],
            ["有窗口正在进行的子系统。", "Subsystems with a running window."],
            "short",
            NEUTRAL,
            r#"sum(gengfu_subsystem_in_maintenance{@,owner=~"$owner"})"#,
        ),
        Panel::stat(
            ["日历剩余", "Calendar left"],
            [
                "法定日历的公布年度还剩多久；之后一切许可都被拒绝。",
                "Until the end of the last published year; after it every permission is denied.",
            ],
            "s",
            Look::Steps(&[(0.0, BAD), (1_987_200.0, WARN), (5_184_000.0, GOOD)]),
            "min(gengfu_calendar_covered_until_timestamp_seconds{@}) - time()",
        ),
    ]
}

/// Windows that `of` selects, as far as `and` leaves them, with the defects that `defects` selects.
pub(super) fn table_of(of: &str, and: &str, defects: &str) -> Table {
    let by = "max by (window, owner, name_@)";
    let named = format!("* on (job, instance, window) group_left (name_@) gengfu_window_info{{@}}{and}");
    let (open, to) = super::city::TO_OWNER;
    Table::new()
        .answer(
            ["开始", "Start"],
            "dateTimeAsLocal",
            Look::Series,
            &format!("{by} (1000 * gengfu_window_start_timestamp_seconds{of} {named})"),
        )
        .sorted(false)
        .answer(
            ["结束", "End"],
            "dateTimeAsLocal",
            Look::Series,
            &format!("{by} (1000 * gengfu_window_end_timestamp_seconds{of} {named})"),
        )
        .label("name_@", ["窗口", "Window"])
        .label("owner", ["owner", "owner"])
        .link(open, to)
        .label("window", ["编号", "Id"])
        .answer(["阶段", "Phase"], "short", PHASE, &format!("{by} (gengfu:window_phase:code{of} {named})"))
        .answer(
            ["缺陷", "Defects"],
            "short",
            NONE_IS_GOOD,
            &format!("{by} (sum without (subsystem) (gengfu_window_defects{defects}) {named})"),
        )
}

fn windows() -> Vec<Panel> {
    let of = r#"{@,owner=~"$owner"}"#;
    vec![
        Panel::table(
            ["窗口", "Windows"],
            ["过去一天到未来七天，按开始时间。", "From a day ago to a week ahead, in the order of their start."],
            table_of(of, "", of),
        )
        .size(24, 10),
        Panel::new(
            View::States,
            ["窗口时间线", "Course of the windows"],
            ["每条是一个窗口。", "A band for each window."],
            "short",
        )
        .look(PHASE)
        .over_time(r#"max by (window) (gengfu:window_phase:code{@,owner=~"$owner"})"#, "{{window}}")
        .size(24, 9),
        Panel::table(
            ["维护方案", "Plan runs"],
            ["每个方案最近一次执行的状态。", "The present state of the latest run of each plan."],
            Table::new().label("plan", ["方案", "Plan"]).label("state", ["状态", "State"]).answer(
                ["执行", "Runs"],
                "short",
                Look::Series,
                "sum by (plan, state) (gengfu_plan_run_state{@})",
            ),
        )
        .none(["还没有执行过方案", "no plan has run yet"])
        .size(24, 5),
    ]
}

fn policies() -> Vec<Panel> {
    vec![
        Panel::new(
            View::States,
            ["策略开放", "Policies"],
            ["此刻是否允许维护。", "Whether maintenance is allowed."],
            "short",
        )
        .look(OPEN)
        .over_time("max by (policy) (gengfu_policy_open{@})", "{{policy}}"),
        Panel::new(
            View::States,
            ["封网", "Freezes"],
            ["封网期间不做任何变更。", "During a freeze nothing is changed."],
            "short",
        )
        .look(FROZEN)
        .over_time("max by (name_@) (gengfu_freeze_active{@})", "{{name_@}}")
        .none(["没有封网规定", "no freezes are set"]),
        Panel::table(
            ["下次开放", "Next opening"],
            [
                "现在关闭的策略何时再开放；日历未覆盖则没有。",
                "When closed policies open next; none if the covered dates hold no such time.",
            ],
            Table::new()
                .label("policy", ["策略", "Policy"])
                .answer(["开放", "Open"], "short", OPEN, "max by (policy) (gengfu_policy_open{@})")
                .answer(
                    ["下次", "Next"],
                    "dateTimeAsLocal",
                    Look::Series,
                    "1000 * max by (policy) (gengfu_policy_next_open_timestamp_seconds{@})",
                ),
        )
        .size(12, 7),
        Panel::table(
            ["封网日期", "Dates of freezes"],
            ["正在进行的或下一次。", "The one that holds, or else the next."],
            Table::new()
                .label("freeze", ["封网", "Freeze"])
                .answer(
                    ["开始", "Start"],
                    "dateTimeAsLocal",
                    Look::Series,
                    "1000 * max by (freeze) (gengfu_freeze_start_timestamp_seconds{@})",
                )
                .sorted(false)
                .answer(
                    ["结束", "End"],
                    "dateTimeAsLocal",
                    Look::Series,
                    "1000 * max by (freeze) (gengfu_freeze_end_timestamp_seconds{@})",
                ),
        )
        .none(["没有封网规定", "no freezes are set"])
        .size(12, 7),
    ]
}

fn gate() -> Vec<Panel> {
    vec![
        Panel::new(
            View::Bars,
            ["违规最多的单位", "Owners with the most violations"],
            [
                "所选时段内未申报、晚公告、策略外的维护和超时。",
                "Undeclared, late and outside-policy maintenance and overruns within the time shown.",
            ],
            "s",
        )
        .look(Look::Steps(&[(0.0, GOOD), (1.0, WARN)]))
        .now(
            r#"topk(10, sum by (owner) (increase(gengfu_policy_violation_seconds_total{@,owner=~"$owner"}[$__range])))"#,
            "{{owner}}",
        )
        .link(["打开单位", "Open the owner"], "owner?var-owner=${__field.labels.owner}")
        .size(8, 8),
        Panel::new(
            View::Stacked,
            ["变更门应答", "Answers of the gate"],
            ["“现在能改吗？”的应答次数。", "Answers to “may I change this now?”."],
            "short",
        )
        .over_time(
            "sum by (decision) (increase(gengfu_gate_decisions_total{@}[$__rate_interval]))",
            "{{decision}}",
        )
        .size(8, 8),
        Panel::new(
            View::Bars,
            ["拒绝的原因", "Why the gate denied"],
            ["所选时段内，按第一个原因。", "Within the time shown, by the first reason."],
            "short",
        )
        .look(Look::Steps(&[(0.0, super::look::PLAIN)]))
        .now(
            r#"sort_desc(sum by (reason) (increase(gengfu_gate_decisions_total{@,decision="deny"}[$__range])))"#,
            "{{reason}}",
        )
        .none(["没有拒绝", "nothing was denied"])
        .size(8, 8),
    ]
}
