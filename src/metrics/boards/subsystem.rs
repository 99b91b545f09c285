//! One subsystem: what was seen, how long it took, what was promised, and what is left of it.

use super::board::{Board, Mark, OWNER, Row, Variable};
use super::look::{
    BAD, EXPIRES, GOOD, INSPECTED, LEFT, Look, NEUTRAL, NONE_IS_GOOD, PASSED, STANDING, STATE, WARN, YES_IS_BAD,
};
use super::owner::{INCIDENTS, WINDOWS};
use super::panel::{Panel, View};
use super::table::Table;

/// A change of its health, for those who look at one subsystem.
const CHANGES: Mark = Mark {
    name: ["中断", "Down"],
    expr: r#"gengfu_subsystem_health{@,subsystem="$subsystem",state="down"} == 1"#,
    title: "{{subsystem}}",
    text: "{{state}}",
    colour: WARN,
};

pub(super) fn board() -> Board {
    let subsystem = Variable::One("subsystem", ["子系统", "Subsystem"], r#"gengfu_subsystem_info{@,owner=~"$owner"}"#);
    Board {
        name: "subsystem",
        title: ["更夫 · 子系统", "gengfu: subsystem"],
        about: [
            "一个子系统的状态、探测、证书、承诺和预算。",
            "State, attempts, certificate, promise and budget of one subsystem.",
        ],
        variables: vec![OWNER, subsystem],
        marks: vec![INCIDENTS, WINDOWS, CHANGES],
        rows: vec![
            Row { title: ["此刻", "Now"], panels: now() },
            Row { title: ["维护", "Maintenance"], panels: maintenance() },
            Row { title: ["探测", "Attempts"], panels: attempts() },
            Row { title: ["承诺", "Promise"], panels: promise() },
            Row { title: ["消耗速度", "Burn rates"], panels: burn() },
        ],
        from: "now-6h",
        to: "now",
    }
}

fn now() -> Vec<Panel> {
    vec![
        Panel::stat(
            ["状态", "State"],
            ["现在的状态；维护不遮盖实际所见。", "The present state; maintenance does not hide what was seen."],
            "short",
            STATE,
            r#"max(gengfu:subsystem_state:code{@,subsystem="$subsystem"})"#,
        ),
        Panel::stat(
            ["已中断", "Down for"],
            ["承诺时间内连续不可用的时长。", "For how long promised time has been bad without a break."],
            "s",
            NONE_IS_GOOD,
            r#"max(gengfu_sla_outage_seconds{@,subsystem="$subsystem"})"#,
        )
        .none(["没有中断", "not down"]),
        Panel::stat(
            ["维护静音", "Muted"],
            ["维护窗口是否暂停了预算告警。", "Whether a running window keeps alerts about the budget from opening."],
            "short",
            YES_IS_BAD,
            r#"max(gengfu_sla_muted{@,subsystem="$subsystem"})"#,
        ),
        Panel::stat(
            ["证书剩余", "Certificate left"],
            ["证书链中最早到期者的剩余时间。", "Time left of the earliest certificate in the chain."],
            "s",
            EXPIRES,
            r#"min(gengfu_probe_certificate_not_after_timestamp_seconds{@,subsystem="$subsystem"}) - time()"#,
        )
        .none(["不用证书", "no certificate"]),
        Panel::stat(
            ["最近探测", "Last attempt"],
            ["最近一次探测距今多久。", "How long ago the last attempt started."],
            "s",
            Look::Steps(&[(0.0, GOOD), (300.0, WARN), (3_600.0, BAD)]),
            r#"time() - max(gengfu_probe_last_attempt_timestamp_seconds{@,subsystem="$subsystem"})"#,
        ),
        Panel::stat(
            ["检查未过率", "Failed visits"],
            [
                "最近七天 15 秒内未打开的计划访问比例，上限 5%。",
                "Of the scheduled visits of seven days the share that did not open within 15 s; the limit is 5 %.",
            ],
            "percentunit",
            INSPECTED,
            r#"max(gengfu_inspection_failed_visits_ratio{@,subsystem="$subsystem"})"#,
        )
        .none(["非公众网站", "not public"]),
        Panel::new(
            View::States,
            ["状态时间线", "State"],
            ["维护与未知也是状态。", "Maintenance and unknown are states too."],
            "short",
        )
        .look(STATE)
        .over_time(r#"max by (subsystem) (gengfu:subsystem_state:code{@,subsystem="$subsystem"})"#, "{{subsystem}}")
        .size(24, 4),
        Panel::new(
            View::States,
            ["各探测", "Probes"],
            ["每个探测最近一次的结果；空白为未知。", "The last result of each probe; blank while unknown."],
            "short",
        )
        .look(PASSED)
        .over_time(r#"max by (probe, kind) (gengfu_probe_success{@,subsystem="$subsystem"})"#, "{{probe}} ({{kind}})")
        .size(24, 5),
        Panel::table(
            ["登记", "Inventory"],
            ["名称、等级、服务时间和承诺。", "Names, tier, declared hours and objective."],
            Table::new()
                .label("name_zh", ["中文名", "Chinese name"])
                .label("name_en", ["英文名", "English name"])
                .label("tier", ["等级", "Tier"])
                .label("hours", ["服务时间", "Hours"])
                .label("objective", ["承诺", "Objective"])
                .answer(
                    ["目标", "Target"],
                    "percentunit",
                    Look::Series,
                    r#"max by (name_zh, name_en, tier, hours, objective) (gengfu_subsystem_info{@,subsystem="$subsystem"} * on (job, instance, subsystem) group_left () gengfu_sla_target_ratio{@})"#,
                ),
        )
        .size(24, 4),
    ]
}

fn maintenance() -> Vec<Panel> {
    let and = r#" and on (job, instance, window) gengfu_window_scope{@,subsystem="$subsystem"}"#;
    let windows = Panel::table(
        ["窗口", "Windows"],
        [
            "范围含该子系统的窗口，过去一天到未来七天，按开始时间。",
            "Windows that are about it, from a day ago to a week ahead, in the order of their start.",
        ],
        super::maintenance::table_of("{@}", and, r#"{@,subsystem="$subsystem"}"#),
    );
    vec![windows.none(["没有窗口", "no windows"]).size(24, 6)]
}

fn attempts() -> Vec<Panel> {
    vec![
        Panel::new(
            View::Stacked,
            ["各阶段耗时", "Phases"],
            [
                "最近一次探测在解析、连接、TLS、处理、传输上各用了多久。",
                "Where the time of the last attempt went: resolve, connect, tls, processing, transfer.",
            ],
            "s",
        )
        .over_time(r#"sum by (phase) (gengfu_probe_phase_seconds{@,subsystem="$subsystem"})"#, "{{phase}}"),
        Panel::new(
            View::Lines,
            ["探测时长", "Length of attempts"],
            [
                "每个探测最近一次的总时长；15 秒是检查的上限。",
                "Of the last attempt of each probe; 15 s is the limit of inspections.",
            ],
            "s",
        )
        .over_time(r#"max by (probe) (gengfu_probe_duration_seconds{@,subsystem="$subsystem"})"#, "{{probe}}"),
        Panel::new(
            View::Stacked,
            ["结果", "Results"],
            ["每秒探测数，按结果。", "Attempts a second, by result."],
            "cps",
        )
        .over_time(
            r#"sum by (result) (rate(gengfu_probe_attempts_total{@,subsystem="$subsystem"}[$__rate_interval]))"#,
            "{{result}}",
        )
        .size(8, 8),
        Panel::new(
            View::Stacked,
            ["失败原因", "Failures by reason"],
            ["每秒失败数；从未失败时为空。", "Failed attempts a second; empty if it never failed."],
            "cps",
        )
        .over_time(
            r#"sum by (reason) (rate(gengfu_probe_failures_total{@,subsystem="$subsystem"}[$__rate_interval]))"#,
            "{{reason}}",
        )
        .none(["没有失败", "no failures"])
        .size(8, 8),
        Panel::new(
            View::Lines,
            ["HTTP 状态码", "HTTP status"],
            ["最近一次 HTTP 应答的状态码。", "Of the last HTTP answer of each probe."],
            "none",
        )
        .over_time(r#"max by (probe) (gengfu_probe_http_status_code{@,subsystem="$subsystem"})"#, "{{probe}}")
        .none(["没有 HTTP 探测", "no HTTP probe"])
        .size(8, 8),
    ]
}

fn promise() -> Vec<Panel> {
    let figure = |figure: &str| {
        format!(r#"max by (period) (gengfu_sla_availability_ratio{{@,subsystem="$subsystem",figure="{figure}"}})"#)
    };
    vec![
        Panel::table(
            ["可用率", "Availability"],
            [
                "三种口径及上下限，按时段。上下限属于约定口径。",
                "Public, contract, and the bounds of the agreed one, by period.",
            ],
            Table::new()
                .label("period", ["时段", "Period"])
                .sorted(false)
                .answer(["公开", "Public"], "percentunit", Look::Series, &figure("public"))
                .answer(["合同", "Contract"], "percentunit", Look::Series, &figure("contract"))
                .answer(["下限", "Low"], "percentunit", Look::Series, &figure("low"))
                .answer(["上限", "High"], "percentunit", Look::Series, &figure("high"))
                .answer(
                    ["结论", "Standing"],
                    "short",
                    STANDING,
                    r#"max by (period) (gengfu:sla_standing:code{@,subsystem="$subsystem"})"#,
                ),
        )
        .size(14, 7),
        Panel::stat(
            ["预算剩余", "Budget left"],
            ["本月错误预算剩余的比例。", "Share of this month's error budget that is left."],
            "percentunit",
            LEFT,
            r#"min(gengfu:sla_budget_left:ratio{@,subsystem="$subsystem"})"#,
        )
        .size(5, 7),
        Panel::stat(
            ["违规时长", "Policy violations"],
            [
                "所选时段内未申报、晚公告、策略外的维护和超时。",
                "Undeclared, late and outside-policy maintenance and overruns within the time shown.",
            ],
            "s",
            NEUTRAL,
            r#"sum(increase(gengfu_policy_violation_seconds_total{@,subsystem="$subsystem"}[$__range]))"#,
        )
        .size(5, 7),
        Panel::new(
            View::Lines,
            ["预算剩余", "Budget over time"],
            [
                "错误预算剩余的秒数；低于零即承诺已破。",
                "Seconds left of the error budget; below zero the promise is broken.",
            ],
            "s",
        )
        .over_time(r#"max by (period) (gengfu_sla_budget_remaining_seconds{@,subsystem="$subsystem"})"#, "{{period}}"),
        Panel::new(
            View::Stacked,
            ["预算去向", "What the budget was spent on"],
            ["本月累计，按原因。", "Of this month, by cause."],
            "s",
        )
        .over_time(r#"max by (cause) (gengfu_sla_budget_spent_seconds{@,subsystem="$subsystem"})"#, "{{cause}}")
        .none(["没有消耗", "nothing spent"]),
    ]
}

fn burn() -> Vec<Panel> {
    vec![
        Panel::new(
            View::Lines,
            ["消耗速度", "Burn rate"],
            [
                "1 表示恰好在时段末用完预算。没有不良时间时为空。",
                "1 uses the budget up exactly at the end of the period. Empty while no bad time is remembered.",
            ],
            "none",
        )
        .over_time(r#"max by (window) (gengfu_sla_burn_rate{@,subsystem="$subsystem"})"#, "{{window}}")
        .none(["没有不良时间", "no bad time"]),
        Panel::table(
            ["回看窗口", "Look-backs"],
            [
                "一对窗口都超过阈值且数据足够时告警；覆盖低于 50% 不判断。",
                "An alert opens when both look-backs of a pair are over the factor and enough is known; under 50 % nothing is judged.",
            ],
            Table::new()
                .label("window", ["窗口", "Window"])
                .sorted(false)
                .answer(
                    ["速度", "Rate"],
                    "none",
                    Look::Series,
                    r#"max by (window) (gengfu_sla_burn_rate{@,subsystem="$subsystem"})"#,
                )
                .answer(
                    ["阈值", "Factor"],
                    "none",
                    Look::Series,
                    r#"max by (window) (gengfu_sla_burn_factor{@,subsystem="$subsystem"})"#,
                )
                .answer(
                    ["不良时间", "Bad time"],
                    "s",
                    Look::Series,
                    r#"max by (window) (gengfu_sla_window_bad_seconds{@,subsystem="$subsystem"})"#,
                )
                .answer(
                    ["不良轮次", "Bad rounds"],
                    "none",
                    Look::Series,
                    r#"max by (window) (gengfu_sla_window_bad_rounds{@,subsystem="$subsystem"})"#,
                )
                .answer(
                    ["覆盖", "Known"],
                    "percentunit",
                    Look::Steps(&[(0.0, WARN), (0.5, GOOD)]),
                    r#"max by (window) (gengfu_sla_window_coverage_ratio{@,subsystem="$subsystem"})"#,
                ),
        )
        .size(12, 8),
    ]
}
