//! Promises: figures with their bounds, what the budgets went on, what burns too fast, and who stands where.

use super::board::{Board, OWNERS, Row, TIERS, Variable};
use super::city::{INCIDENTS, TO_OWNER, WINDOWS};
use super::look::{BAD, GOOD, INSPECTED, LEFT, Look, NEUTRAL, NONE_IS_GOOD, STANDING, WARN};
use super::panel::{Panel, View};
use super::table::Table;

/// What a click on a subsystem opens.
const TO_SUBSYSTEM: ([&str; 2], &str) = (
    ["打开子系统", "Open the subsystem"],
    "subsystem?var-owner=${__data.fields.owner}&var-subsystem=${__data.fields.subsystem}",
);

pub(super) fn board() -> Board {
    let period = Variable::Of(
        "period",
        ["时段", "Period"],
        &[
            ("month", ["本月", "This month"]),
            ("day", ["今天", "Today"]),
            ("rolling_30d", ["最近 30 天", "Last 30 days"]),
        ],
    );
    Board {
        name: "sla",
        title: ["更夫 · 服务水平承诺", "gengfu: SLA"],
        about: [
            "可用率及其上下限、预算去向、消耗速度和单位排名。",
            "Availability with its bounds, what the budgets went on, burn rates, and the league of owners.",
        ],
        variables: vec![OWNERS, TIERS, period],
        marks: vec![INCIDENTS, WINDOWS],
        rows: vec![
            Row { title: ["结论", "Standing"], panels: standing() },
            Row { title: ["口径与上下限", "Figures and bounds"], panels: figures() },
            Row { title: ["预算", "Budgets"], panels: budgets() },
            Row { title: ["消耗速度", "Burn rates"], panels: burn() },
            Row { title: ["排名与检查", "League and inspections"], panels: league() },
        ],
        from: "now-7d",
        to: "now",
    }
}

fn standing() -> Vec<Panel> {
    let count = |test: &str| {
        format!(
            r#"count(gengfu:sla_standing:code{{@,owner=~"$owner",tier=~"$tier",period="$period"}} {test}) or vector(0)"#
        )
    };
    vec![
        Panel::stat(
            ["达标", "Met"],
            ["下限已达目标的子系统数。", "Subsystems whose low bound reaches the target."],
            "short",
            Look::Steps(&[(0.0, GOOD)]),
            &count("== 1"),
        ),
        Panel::stat(
            ["未定", "Undetermined"],
            ["未知时间太多，无法判断。", "Too much time is unknown to say."],
            "short",
            NEUTRAL,
            &count("== 0"),
        ),
        Panel::stat(
            ["未达标", "Missed"],
            ["上限也达不到目标的子系统数。", "Subsystems whose high bound does not reach the target."],
            "short",
            NONE_IS_GOOD,
            &count("== -1"),
        ),
        Panel::stat(
            ["预算已破", "Overdrawn"],
            ["本月错误预算已用完的子系统数。", "Subsystems that have used up this month's error budget."],
            "short",
            NONE_IS_GOOD,
            r#"count(gengfu:sla_budget_left:ratio{@,owner=~"$owner",tier=~"$tier"} < 0) or vector(0)"#,
        ),
        Panel::stat(
            ["告急", "At risk"],
            ["消耗过快的子系统数。", "Subsystems whose budget burns too fast."],
            "short",
            NONE_IS_GOOD,
            r#"count(max without (severity) (gengfu:sla_at_risk{@,owner=~"$owner",tier=~"$tier"})) or vector(0)"#,
        ),
        Panel::stat(
            ["违规时长", "Policy violations"],
            [
                "所选时段内未申报、晚公告、策略外的维护和超时。",
                "Undeclared, late and outside-policy maintenance and overruns within the time shown.",
            ],
            "s",
            NEUTRAL,
            r#"sum(increase(gengfu_policy_violation_seconds_total{@,owner=~"$owner"}[$__range]))"#,
        ),
    ]
}

fn figures() -> Vec<Panel> {
    let by = "max by (owner, subsystem, tier)";
    let figure = |figure: &str| {
        format!(
            r#"{by} (gengfu_sla_availability_ratio{{@,owner=~"$owner",tier=~"$tier",figure="{figure}",period="$period"}})"#
        )
    };
    let (open, to) = TO_SUBSYSTEM;
    vec![
        Panel::table(
            ["可用率", "Availability"],
            [
                "公开口径含维护；合同口径扣除有效窗口；下限把未知算作中断，上限算作正常。",
                "Public counts maintenance, contract leaves valid windows out; low takes unknown as down, high as up.",
            ],
            Table::new()
                .label("subsystem", ["子系统", "Subsystem"])
                .link(open, to)
                .label("owner", ["owner", "owner"])
                .label("tier", ["等级", "Tier"])
                .answer(
                    ["目标", "Target"],
                    "percentunit",
                    Look::Series,
                    &format!(r#"{by} (gengfu_sla_target_ratio{{@,owner=~"$owner",tier=~"$tier"}})"#),
                )
                .answer(["公开", "Public"], "percentunit", Look::Series, &figure("public"))
                .answer(["合同", "Contract"], "percentunit", Look::Series, &figure("contract"))
                .answer(["下限", "Low"], "percentunit", Look::Series, &figure("low"))
                .sorted(false)
                .answer(["上限", "High"], "percentunit", Look::Series, &figure("high"))
                .answer(
                    ["结论", "Standing"],
                    "short",
                    STANDING,
                    &format!(r#"{by} (gengfu:sla_standing:code{{@,owner=~"$owner",tier=~"$tier",period="$period"}})"#),
                )
                .answer(
                    ["本月预算剩余", "Month's budget left"],
                    "percentunit",
                    LEFT,
                    &format!(r#"{by} (gengfu:sla_budget_left:ratio{{@,owner=~"$owner",tier=~"$tier"}})"#),
                ),
        )
        .size(24, 11),
    ]
}

fn budgets() -> Vec<Panel> {
    vec![
        Panel::new(
            View::Stacked,
            ["本月预算去向", "What this month's budgets went on"],
            ["互不重叠，按第一个符合的原因。", "Disjoint: the first cause that applies."],
            "s",
        )
        .over_time(r#"sum by (cause) (gengfu_sla_budget_spent_seconds{@,owner=~"$owner",tier=~"$tier"})"#, "{{cause}}"),
        Panel::new(
            View::Bars,
            ["预算剩余最少", "Least budget left"],
            [
                "本月错误预算剩余的比例；低于零即承诺已破。",
                "Share of this month's error budget; below zero the promise is broken.",
            ],
            "percentunit",
        )
        .look(LEFT)
        .now(r#"bottomk(15, gengfu:sla_budget_left:ratio{@,owner=~"$owner",tier=~"$tier"})"#, "{{subsystem}}")
        .link(
            ["打开子系统", "Open the subsystem"],
            "subsystem?var-owner=${__field.labels.owner}&var-subsystem=${__field.labels.subsystem}",
        ),
    ]
}

fn burn() -> Vec<Panel> {
    let (open, to) = TO_SUBSYSTEM;
    vec![
        Panel::new(
            View::Lines,
            ["最快的消耗（1 小时）", "Fastest burn, 1 h"],
            ["1 小时回看的消耗速度，最高的十个。", "The ten highest burn rates of the last hour."],
            "none",
        )
        .over_time(
            r#"topk(10, gengfu_sla_burn_rate{@,owner=~"$owner",tier=~"$tier",window="1h"})"#,
            "{{subsystem}}",
        )
        .none(["没有不良时间", "no bad time"]),
        Panel::table(
            ["触发的窗口对", "Pairs that fire"],
            [
                "两个窗口都超过阈值且数据足够；“叫人”为 1 的会呼叫值班人。",
                "Both look-backs are over the factor and enough is known; where pages is yes, somebody is paged.",
            ],
            Table::new()
                .label("subsystem", ["子系统", "Subsystem"])
                .link(open, to)
                .label("owner", ["owner", "owner"])
                .label("pair", ["窗口对", "Pair"])
                .answer(
                    ["叫人", "Pages"],
                    "short",
                    super::look::YES_IS_BAD,
                    r#"max by (owner, subsystem, pair) (gengfu:sla_pair_fires{@,owner=~"$owner",tier=~"$tier"} * 0 + on (job, instance, subsystem, pair) group_left () gengfu_sla_page_wakes{@} or gengfu:sla_pair_fires{@,owner=~"$owner",tier=~"$tier"} * 0)"#,
                )
                .sorted(true),
        )
        .none(["没有触发", "none fires"])
        .size(12, 8),
        Panel::new(
            View::Bars,
            ["已知时间最少（1 天）", "Least known, 1 d"],
            ["覆盖低于 50% 的窗口既不告警也不恢复。", "Under 50 % a look-back neither fires nor recovers."],
            "percentunit",
        )
        .look(Look::Steps(&[(0.0, BAD), (0.5, WARN), (0.95, GOOD)]))
        .now(
            r#"bottomk(10, gengfu_sla_window_coverage_ratio{@,owner=~"$owner",tier=~"$tier",window="1d"})"#,
            "{{subsystem}}",
        ),
        Panel::new(
            View::Lines,
            ["页面呼叫所需的不良时间", "Bad time before a page"],
            [
                "探测间隔越长，需要的不良时间越多：60 秒或两个间隔。按此时长分组的子系统数。",
                "The sparser the probes, the more: 60 s or two intervals. How many subsystems need how much.",
            ],
            "short",
        )
        .over_time(
            r#"count_values by (job) ("seconds", gengfu_sla_page_bad_seconds{@,owner=~"$owner",tier=~"$tier"})"#,
            "{{seconds}} s",
        ),
    ]
}

fn league() -> Vec<Panel> {
    let by = "(job, instance, owner)";
    let with_name =
        |expr: &str| format!("max by (owner, name_@) ({expr} * on {by} group_left (name_@) gengfu_owner_info{{@}})");
    let standing = r#"gengfu:sla_standing:code{@,owner=~"$owner",tier=~"$tier",period="$period"}"#;
    let (open, to) = TO_OWNER;
    vec![
        Panel::table(
            ["单位排名", "League of owners"],
            [
                "达标比例、最低的公开可用率、最少的预算。不取平均：一个子系统的好不抵另一个的坏。",
                "Share that met its target, lowest public availability, least budget. No means: what one subsystem has left does not help another.",
            ],
            Table::new()
                .label("owner", ["owner", "owner"])
                .link(open, to)
                .label("name_@", ["单位", "Owner"])
                .answer(
                    ["子系统", "Subsystems"],
                    "short",
                    Look::Series,
                    &with_name(&format!("count by {by} ({standing})")),
                )
                .answer(
                    ["达标比例", "Met"],
                    "percentunit",
                    Look::Series,
                    &with_name(&format!("avg by {by} ({standing} == bool 1)")),
                )
                .answer(
                    ["最低可用率", "Lowest availability"],
                    "percentunit",
                    Look::Series,
                    &with_name(&format!(
                        r#"min by {by} (gengfu_sla_availability_ratio{{@,owner=~"$owner",tier=~"$tier",figure="public",period="$period"}})"#
                    )),
                )
                .sorted(false)
                .answer(
                    ["最少预算", "Least budget"],
                    "percentunit",
                    LEFT,
                    &with_name(r#"gengfu:owner_budget_left:ratio_min{@,owner=~"$owner"}"#),
                ),
        )
        .size(14, 11),
        Panel::new(
            View::Bars,
            ["检查余量最少", "Nearest to failing an inspection"],
            [
                "最近七天 15 秒内未打开的计划访问比例；访问不足 140 次的不判断。",
                "Share of the scheduled visits of seven days that did not open within 15 s, where there were at least 140.",
            ],
            "percentunit",
        )
        .look(INSPECTED)
        .now(
            r#"topk(12, gengfu_inspection_failed_visits_ratio{@,owner=~"$owner",tier=~"$tier"} and gengfu_inspection_visits{@} >= 140)"#,
            "{{subsystem}}",
        )
        .none(["访问次数还不够", "too few visits yet"])
        .size(10, 11),
    ]
}
