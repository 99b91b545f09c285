//! The city at one glance: is it open, what is broken, since when, what is planned tonight, what is left of the promise.

use super::board::{Board, Mark, Row, TIERS};
use super::look::{BAD, FEW_ARE_GOOD, LEFT, Look, NEUTRAL, NONE_IS_GOOD, PHASE, PLANNED, STATE};
use super::panel::{Panel, View};
use super::table::Table;

/// Open incidents as marks on every panel.
pub(super) const INCIDENTS: Mark = Mark {
    name: ["未结事件", "Open incidents"],
    expr: r#"sum by (owner, severity) (gengfu_incidents_open{@}) > 0"#,
    title: "{{owner}}",
    text: "{{severity}}",
    colour: BAD,
};
/// Running windows as marks on every panel.
pub(super) const WINDOWS: Mark = Mark {
    name: ["维护窗口", "Maintenance windows"],
    expr: r#"gengfu_window_state{@,state=~"entering|active|verifying|aborting|overrun|stuck"}"#,
    title: "{{window}}",
    text: "{{state}}",
    colour: PLANNED,
};
/// A click on a row leads to its owner.
pub(super) const TO_OWNER: ([&str; 2], &str) =
    (["打开单位", "Open the owner"], "owner?var-owner=${__data.fields.owner}");

pub(super) fn board() -> Board {
    Board {
        name: "city",
        title: ["更夫 · 全市总览", "gengfu: the city"],
        about: [
            "全市是否正常，哪里中断、谁负责，今晚计划了什么，承诺还剩多少。",
            "Whether the city is open, what is broken and whose it is, what is planned tonight, and what is left of the promises.",
        ],
        variables: vec![TIERS],
        marks: vec![INCIDENTS, WINDOWS],
        rows: vec![
            Row { title: ["此刻", "Now"], panels: now() },
            Row { title: ["单位", "Owners"], panels: owners() },
            Row { title: ["计划与承诺", "Plans and promises"], panels: plans() },
            Row { title: ["探测", "Probes"], panels: probes() },
        ],
        from: "now-6h",
        to: "now",
    }
}

fn now() -> Vec<Panel> {
    let few = Look::Steps(&[(0.0, super::look::GOOD), (1.0, super::look::WARN), (5.0, BAD)]);
    let mut panels = vec![
        Panel::stat(
            ["可用", "Open now"],
            [
                "可用（正常或降级）的子系统占已知者的比例。",
                "Of the subsystems that are known, the share that is up or degraded.",
            ],
            "percentunit",
            Look::Steps(&[(0.0, BAD), (0.95, super::look::WARN), (0.999, super::look::GOOD)]),
            r#"avg(gengfu_subsystem_up{@,tier=~"$tier"})"#,
        ),
        Panel::stat(
            ["中断", "Down"],
            ["已确认中断的子系统数。", "Subsystems that are confirmed down."],
            "short",
            NONE_IS_GOOD,
            r#"sum(gengfu_subsystem_health{@,tier=~"$tier",state="down"})"#,
        ),
        Panel::stat(
            ["降级", "Degraded"],
            ["可用但不正常：慢，或证书将到期。", "Works, but not as it should: slow, or a certificate is due."],
            "short",
            FEW_ARE_GOOD,
            r#"sum(gengfu_subsystem_health{@,tier=~"$tier",state="degraded"})"#,
        ),
        Panel::stat(
            ["未知", "Unknown"],
            ["无法测量：是我们的问题，不是目标的。", "Could not be measured: our trouble, not theirs."],
            "short",
            FEW_ARE_GOOD,
            r#"sum(gengfu_subsystem_health{@,tier=~"$tier",state="unknown"})"#,
        ),
        Panel::stat(
            ["维护中", "In maintenance"],
            ["有维护窗口正在进行的子系统数。", "Subsystems with a running window."],
            "short",
            NEUTRAL,
            r#"sum(gengfu_subsystem_in_maintenance{@,tier=~"$tier"})"#,
        ),
        Panel::stat(
            ["未结事件", "Open incidents"],
            ["每个根因一个事件。", "One for each root cause."],
            "short",
            few,
            "sum(gengfu_incidents_open{@}) or vector(0)",
        ),
        Panel::stat(
            ["承诺告急", "Promises at risk"],
            ["错误预算消耗过快的子系统数。", "Subsystems whose error budget burns too fast."],
            "short",
            NONE_IS_GOOD,
            r#"count(max without (severity) (gengfu:sla_at_risk{@,tier=~"$tier"})) or vector(0)"#,
        ),
        Panel::stat(
            ["待报告", "To be reported"],
            [
                "可能须向主管部门报告、尚未办结的中断，含已逾时的。",
                "Outages that may have to be reported to an authority and that nobody settled, overdue ones among them.",
            ],
            "short",
            FEW_ARE_GOOD,
            "sum(gengfu_filings_open{@})",
        ),
    ];
    panels = panels.into_iter().map(|panel| panel.size(3, 4)).collect();
    panels.extend([
        Panel::table(
            ["此刻不正常", "Not well right now"],
            [
                "中断、降级、未知的子系统，最严重的在前。点击打开。",
                "What is down, degraded or unknown, the worst first. Click to open.",
            ],
            Table::new()
                .label("subsystem", ["子系统", "Subsystem"])
                .link(
                    ["打开子系统", "Open the subsystem"],
                    "subsystem?var-owner=${__data.fields.owner}&var-subsystem=${__data.fields.subsystem}",
                )
                .label("name_@", ["名称", "Name"])
                .label("owner", ["owner", "owner"])
                .label("tier", ["等级", "Tier"])
                .answer(
                    ["状态", "State"],
                    "short",
                    STATE,
                    r#"max by (owner, subsystem, tier, name_@) ((gengfu:subsystem_state:code{@,tier=~"$tier"} > 0) * on (job, instance, subsystem) group_left (name_@) gengfu_subsystem_info{@})"#,
                )
                .sorted(true),
        )
        .none(["全部正常", "all is well"])
        .size(14, 9),
        Panel::new(
            View::Stacked,
            ["状态变化", "Health over time"],
            ["不正常的子系统数，按状态。", "How many subsystems are not up, by state."],
            "short",
        )
        .over_time(r#"sum by (state) (gengfu_subsystem_health{@,tier=~"$tier",state!="up"})"#, "{{state}}")
        .size(10, 9),
    ]);
    panels
}

/// The worst state of each owner's subsystems of each tier, what is open, and what is left.
fn owners() -> Vec<Panel> {
    let tier = |n: u8| {
        format!(
            r#"max by (owner, name_@, kind) (gengfu:owner_tier_state:code{{@,tier="{n}"}} * on (job, instance, owner) group_left (name_@, kind) gengfu_owner_info{{@}})"#
        )
    };
    let with_name = |expr: &str| {
        format!(
            "max by (owner, name_@, kind) ({expr} * on (job, instance, owner) group_left (name_@, kind) gengfu_owner_info{{@}})"
        )
    };
    let (to_owner, to) = TO_OWNER;
    vec![
        Panel::table(
            ["单位 × 等级", "Owners by tier"],
            [
                "每格是该单位该等级中最差的状态；空格表示没有该等级的子系统。点击单位打开。",
                "Each cell is the worst state among the owner's subsystems of that tier; empty where it has none. Click an owner to open it.",
            ],
            Table::new()
                .label("owner", ["owner", "owner"])
                .link(to_owner, to)
                .label("name_@", ["单位", "Owner"])
                .label("kind", ["类别", "Kind"])
                .answer(["一级", "Tier 1"], "short", STATE, &tier(1))
                .answer(["二级", "Tier 2"], "short", STATE, &tier(2))
                .answer(["三级", "Tier 3"], "short", STATE, &tier(3))
                .answer(
                    ["未结事件", "Incidents"],
                    "short",
                    NONE_IS_GOOD,
                    &with_name("sum without (severity) (gengfu_incidents_open{@})"),
                )
                .answer(
                    ["最少预算", "Least budget"],
                    "percentunit",
                    LEFT,
                    &with_name("gengfu:owner_budget_left:ratio_min{@}"),
                ),
        )
        .size(24, 14),
    ]
}

fn plans() -> Vec<Panel> {
    vec![
        Panel::table(
            ["今晚：正在进行和 24 小时内的窗口", "Tonight: windows that run or start within 24 hours"],
            ["按开始时间；时间为浏览器时区。", "In the order of their start, in the browser's time zone."],
            tonight(),
        )
        .none(["24 小时内没有窗口", "no window within 24 hours"])
        .size(14, 9),
        Panel::new(
            View::Bars,
            ["预算剩余最少的单位", "Owners with the least budget left"],
            [
                "每个单位取本月剩余比例最小的子系统；低于零即承诺已破。",
                "Of each owner the subsystem with the smallest share of this month's error budget; below zero the promise is broken.",
            ],
            "percentunit",
        )
        .look(LEFT)
        .now(
            "bottomk(12, max by (owner, name_@) (gengfu:owner_budget_left:ratio_min{@} * on (job, instance, owner) group_left (name_@) gengfu_owner_info{@}))",
            "{{name_@}}",
        )
        .link(["打开单位", "Open the owner"], "owner?var-owner=${__field.labels.owner}")
        .size(10, 9),
        Panel::new(
            View::Bars,
            ["本月可用率最低", "Lowest availability this month"],
            ["公开口径：维护期间按探测所见计。", "Public figure: maintenance counts as the probes saw it."],
            "percentunit",
        )
        .look(Look::Steps(&[(0.0, BAD), (0.99, super::look::WARN), (0.999, super::look::GOOD)]))
        .now(
            r#"bottomk(12, gengfu_sla_availability_ratio{@,tier=~"$tier",figure="public",period="month"})"#,
            "{{subsystem}}",
        )
        .link(
            ["打开子系统", "Open the subsystem"],
            "subsystem?var-owner=${__field.labels.owner}&var-subsystem=${__field.labels.subsystem}",
        ),
        Panel::new(
            View::Stacked,
            ["预算去向", "What the budgets were spent on"],
            ["本月全市累计，按原因。", "Of this month, over the city, by cause."],
            "s",
        )
        .over_time(r#"sum by (cause) (gengfu_sla_budget_spent_seconds{@,tier=~"$tier"})"#, "{{cause}}"),
    ]
}

/// Windows that run or start within a day.
fn tonight() -> Table {
    let soon = "(gengfu_window_start_timestamp_seconds{@} < time() + 86400 and gengfu_window_end_timestamp_seconds{@} > time())";
    let named = "group_left (name_@) gengfu_window_info{@}";
    let by = "max by (window, owner, name_@)";
    Table::new()
        .answer(
            ["开始", "Start"],
            "dateTimeAsLocal",
            Look::Series,
            &format!("{by} (1000 * {soon} * on (job, instance, window) {named})"),
        )
        .sorted(false)
        .answer(
            ["结束", "End"],
            "dateTimeAsLocal",
            Look::Series,
            &format!(
                "{by} ((1000 * gengfu_window_end_timestamp_seconds{{@}} and {soon}) * on (job, instance, window) {named})"
            ),
        )
        .label("name_@", ["窗口", "Window"])
        .label("owner", ["owner", "owner"])
        .label("window", ["编号", "Id"])
        .answer(
            ["阶段", "Phase"],
            "short",
            PHASE,
            &format!("{by} ((gengfu:window_phase:code{{@}} and {soon}) * on (job, instance, window) {named})"),
        )
}

fn probes() -> Vec<Panel> {
    vec![
        Panel::new(
            View::Lines,
            ["时延 p95", "Latency, 95th percentile"],
            ["全部探测，按等级。", "Of all attempts, by tier."],
            "s",
        )
        .over_time(
            r#"histogram_quantile(0.95, sum by (le, tier) (rate(gengfu_probe_latency_seconds_bucket{@,tier=~"$tier"}[$__rate_interval])))"#,
            "{{tier}}",
        )
        .size(8, 8),
        Panel::new(
            View::Stacked,
            ["失败原因", "Failures by reason"],
            ["每秒失败的探测数。", "Failed attempts a second."],
            "cps",
        )
        .over_time(
            r#"sum by (reason) (rate(gengfu_probe_failures_total{@,tier=~"$tier"}[$__rate_interval]))"#,
            "{{reason}}",
        )
        .size(8, 8),
        Panel::new(
            View::Bars,
            ["最先到期的证书", "Certificates that expire first"],
            ["各证书链中最早到期者的剩余时间。", "Time left of the earliest certificate in each chain."],
            "s",
        )
        .look(super::look::EXPIRES)
        .now(
            r#"bottomk(10, min by (owner, subsystem) (gengfu_probe_certificate_not_after_timestamp_seconds{@,tier=~"$tier"}) - time())"#,
            "{{subsystem}}",
        )
        .size(8, 8),
    ]
}
