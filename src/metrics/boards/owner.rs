//! One owner: its subsystems, its windows, its promises, its certificates and fleets.

use super::board::{Board, Mark, OWNER, Row, TIERS};
use super::look::{
    BAD, EXPIRES, FEW_ARE_GOOD, INSPECTED, LEFT, Look, NONE_IS_GOOD, PHASE, PLANNED, STANDING, STATE, WARN,
};
use super::panel::{Panel, View};
use super::table::Table;

/// The owner's open incidents as marks.
pub(super) const INCIDENTS: Mark = Mark {
    name: ["未结事件", "Open incidents"],
    expr: r#"sum by (owner, severity) (gengfu_incidents_open{@,owner="$owner"}) > 0"#,
    title: "{{owner}}",
    text: "{{severity}}",
    colour: BAD,
};
/// The owner's running windows as marks.
pub(super) const WINDOWS: Mark = Mark {
    name: ["维护窗口", "Maintenance windows"],
    expr: r#"gengfu_window_state{@,owner="$owner",state=~"entering|active|verifying|aborting|overrun|stuck"}"#,
    title: "{{window}}",
    text: "{{state}}",
    colour: PLANNED,
};

pub(super) fn board() -> Board {
    Board {
        name: "owner",
        title: ["更夫 · 单位", "gengfu: owner"],
        about: [
            "一个接入单位的全部子系统、维护和承诺。",
            "All subsystems of one owner, its maintenance and its promises.",
        ],
        variables: vec![OWNER, TIERS],
        marks: vec![INCIDENTS, WINDOWS],
        rows: vec![
            Row { title: ["此刻", "Now"], panels: now() },
            Row { title: ["承诺", "Promises"], panels: promises() },
            Row { title: ["维护", "Maintenance"], panels: maintenance() },
            Row { title: ["探测", "Probes"], panels: probes() },
        ],
        from: "now-24h",
        to: "now",
    }
}

fn now() -> Vec<Panel> {
    let count =
        |state: &str| format!(r#"sum(gengfu_subsystem_health{{@,owner="$owner",tier=~"$tier",state="{state}"}})"#);
    vec![
        Panel::stat(
            ["名称", "Name"],
            ["单位的名称。", "What people call the owner."],
            "short",
            super::look::NEUTRAL,
            r#"max by (name_@) (gengfu_owner_info{@,owner="$owner"})"#,
        )
        .named_by("{{name_@}}"),
        Panel::stat(
            ["中断", "Down"],
            ["已确认中断的子系统数。", "Subsystems that are confirmed down."],
            "short",
            NONE_IS_GOOD,
            &count("down"),
        ),
        Panel::stat(
            ["降级", "Degraded"],
            ["可用但不正常的子系统数。", "Subsystems that work, but not as they should."],
            "short",
            FEW_ARE_GOOD,
            &count("degraded"),
        ),
        Panel::stat(
            ["未知", "Unknown"],
            ["无法测量的子系统数。", "Subsystems that could not be measured."],
            "short",
            FEW_ARE_GOOD,
            &count("unknown"),
        ),
        Panel::stat(
            ["未结事件", "Open incidents"],
            ["该单位的未结事件数。", "Open incidents of this owner."],
            "short",
            NONE_IS_GOOD,
            r#"sum(gengfu_incidents_open{@,owner="$owner"}) or vector(0)"#,
        ),
        Panel::stat(
            ["最少预算", "Least budget"],
            ["本月错误预算剩余比例最小的子系统。", "The smallest share of this month's error budget that a subsystem has left."],
            "percentunit",
            LEFT,
            r#"min(gengfu:owner_budget_left:ratio_min{@,owner="$owner"})"#,
        ),
        Panel::new(
            View::States,
            ["子系统状态", "Subsystems"],
            [
                "每条是一个子系统；维护与未知也是状态，维护不遮盖实际所见。",
                "A band for each subsystem; maintenance and unknown are states too, and maintenance does not hide what was seen.",
            ],
            "short",
        )
        .look(STATE)
        .over_time(r#"max by (subsystem) (gengfu:subsystem_state:code{@,owner="$owner",tier=~"$tier"})"#, "{{subsystem}}")
        .link(
            ["打开子系统", "Open the subsystem"],
            "subsystem?var-owner=${owner}&var-subsystem=${__field.labels.subsystem}",
        )
        .size(24, 9),
    ]
}

fn promises() -> Vec<Panel> {
    let by = "max by (subsystem, tier, name_@)";
    let with_name = |expr: &str| {
        format!("{by} ({expr} * on (job, instance, subsystem) group_left (name_@) gengfu_subsystem_info{{@}})")
    };
    let figure = |figure: &str| {
        with_name(&format!(
            r#"gengfu_sla_availability_ratio{{@,owner="$owner",tier=~"$tier",figure="{figure}",period="month"}}"#
        ))
    };
    vec![
        Panel::table(
            ["本月承诺", "Promises of this month"],
            [
                "公开口径含维护；合同口径扣除有效窗口；下限把未知算作中断，上限算作正常。达标以下限为准。",
                "Public counts maintenance, contract leaves valid windows out; low takes unknown as down, high as up. Only the low bound can meet a target.",
            ],
            Table::new()
                .label("subsystem", ["子系统", "Subsystem"])
                .link(
                    ["打开子系统", "Open the subsystem"],
                    "subsystem?var-owner=${owner}&var-subsystem=${__data.fields.subsystem}",
                )
                .label("name_@", ["名称", "Name"])
                .label("tier", ["等级", "Tier"])
                .answer(
                    ["目标", "Target"],
                    "percentunit",
                    Look::Series,
                    &with_name(r#"gengfu_sla_target_ratio{@,owner="$owner",tier=~"$tier"}"#),
                )
                .answer(["公开", "Public"], "percentunit", Look::Series, &figure("public"))
                .answer(["合同", "Contract"], "percentunit", Look::Series, &figure("contract"))
                .answer(["下限", "Low"], "percentunit", Look::Series, &figure("low"))
                .answer(["上限", "High"], "percentunit", Look::Series, &figure("high"))
                .answer(
                    ["结论", "Standing"],
                    "short",
                    STANDING,
                    &with_name(r#"gengfu:sla_standing:code{@,owner="$owner",tier=~"$tier",period="month"}"#),
                )
                .answer(
                    ["预算剩余", "Budget left"],
                    "percentunit",
                    LEFT,
                    &with_name(r#"gengfu:sla_budget_left:ratio{@,owner="$owner",tier=~"$tier"}"#),
                )
                .sorted(false),
        )
        .size(24, 9),
        Panel::new(
            View::Lines,
            ["预算剩余", "Budget left"],
            ["本月错误预算的剩余秒数。", "Seconds left of this month's error budgets."],
            "s",
        )
        .over_time(
            r#"gengfu_sla_budget_remaining_seconds{@,owner="$owner",tier=~"$tier",period="month"}"#,
            "{{subsystem}}",
        ),
        Panel::new(
            View::Bars,
            ["网站检查", "Inspections"],
            [
                "最近七天的计划访问中 15 秒内未打开的比例；上限 5%，维护与服务时间均不例外。",
                "Of the scheduled visits of seven days the share that did not open within 15 s; the limit is 5 %, without exception for maintenance or hours.",
            ],
            "percentunit",
        )
        .look(INSPECTED)
        .now(r#"gengfu_inspection_failed_visits_ratio{@,owner="$owner",tier=~"$tier"}"#, "{{subsystem}}"),
    ]
}

fn maintenance() -> Vec<Panel> {
    let by = "max by (window, name_@)";
    let named = "* on (job, instance, window) group_left (name_@) gengfu_window_info{@}";
    vec![
        Panel::table(
            ["维护窗口", "Windows"],
            ["过去一天到未来七天。", "From a day ago to a week ahead."],
            Table::new()
                .answer(
                    ["开始", "Start"],
                    "dateTimeAsLocal",
                    Look::Series,
                    &format!(r#"{by} (1000 * gengfu_window_start_timestamp_seconds{{@,owner="$owner"}} {named})"#),
                )
                .sorted(false)
                .answer(
                    ["结束", "End"],
                    "dateTimeAsLocal",
                    Look::Series,
                    &format!(r#"{by} (1000 * gengfu_window_end_timestamp_seconds{{@,owner="$owner"}} {named})"#),
                )
                .label("name_@", ["窗口", "Window"])
                .label("window", ["编号", "Id"])
                .answer(
                    ["阶段", "Phase"],
                    "short",
                    PHASE,
                    &format!(r#"{by} (gengfu:window_phase:code{{@,owner="$owner"}} {named})"#),
                ),
        )
        .none(["前后都没有窗口", "no windows near"])
        .size(14, 8),
        Panel::new(
            View::Bars,
            ["违规时长", "Policy violations"],
            [
                "所选时段内未申报、晚公告、策略外的维护和超时。",
                "Undeclared, late and outside-policy maintenance and overruns within the time shown.",
            ],
            "s",
        )
        .look(Look::Steps(&[(0.0, super::look::GOOD), (1.0, WARN)]))
        .now(
            r#"sum by (subsystem) (increase(gengfu_policy_violation_seconds_total{@,owner="$owner"}[$__range]))"#,
            "{{subsystem}}",
        )
        .size(10, 8),
    ]
}

fn probes() -> Vec<Panel> {
    vec![
        Panel::new(
            View::Heatmap,
            ["时延分布", "Latency"],
            ["全部探测的时延分布。", "Of all attempts."],
            "short",
        )
        .ask(super::query::Query::buckets(
            r#"sum by (le) (increase(gengfu_probe_latency_seconds_bucket{@,owner="$owner",tier=~"$tier"}[$__rate_interval]))"#,
        )),
        Panel::new(
            View::Lines,
            ["时延 p95", "Latency, 95th percentile"],
            ["按探测类型。", "By kind of probe."],
            "s",
        )
        .over_time(
            r#"histogram_quantile(0.95, sum by (le, kind) (rate(gengfu_probe_latency_seconds_bucket{@,owner="$owner",tier=~"$tier"}[$__rate_interval])))"#,
            "{{kind}}",
        ),
        Panel::new(
            View::Stacked,
            ["失败原因", "Failures by reason"],
            ["每秒失败的探测数。", "Failed attempts a second."],
            "cps",
        )
        .over_time(
            r#"sum by (reason) (rate(gengfu_probe_failures_total{@,owner="$owner",tier=~"$tier"}[$__rate_interval]))"#,
            "{{reason}}",
        )
        .size(8, 8),
        Panel::new(
            View::Bars,
            ["证书", "Certificates"],
            ["各证书链中最早到期者的剩余时间。", "Time left of the earliest certificate in each chain."],
            "s",
        )
        .look(EXPIRES)
        .now(
            r#"sort(min by (subsystem) (gengfu_probe_certificate_not_after_timestamp_seconds{@,owner="$owner",tier=~"$tier"}) - time())"#,
            "{{subsystem}}",
        )
        .size(8, 8),
        Panel::new(
            View::Lines,
            ["设备在线", "Fleets online"],
            ["成批设备（如自助终端）中按时上报的比例。", "Of a fleet, such as kiosks, the share whose last beat was good and in time."],
            "percentunit",
        )
        .bounds(0.0, 1.0)
        .over_time(
            r#"gengfu_fleet_online{@,owner="$owner"} / (gengfu_fleet_members{@,owner="$owner"} > 0)"#,
            "{{subsystem}} {{probe}}",
        )
        .size(8, 8),
    ]
}
