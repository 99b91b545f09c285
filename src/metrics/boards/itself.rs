//! gengfu itself: does it see, is it on time, does its mail leave, and does it have what it needs to decide.

use super::board::{Board, Mark, Row};
use super::look::{BAD, GOOD, Look, NEUTRAL, NONE_IS_GOOD, PLAIN, WARN, YES_IS_BAD, YES_IS_GOOD};
use super::panel::{Panel, View};
use super::table::Table;

/// A set of files was taken over.
const RELOADS: Mark = Mark {
    name: ["载入配置", "Files taken over"],
    expr: "changes(gengfu_config_last_reload_success_timestamp_seconds{@}[$__rate_interval]) > 0",
    title: "{{instance}}",
    text: "{{job}}",
    colour: PLAIN,
};
/// The wall clock was set forward.
const CLOCK: Mark = Mark {
    name: ["时钟跳变", "Clock steps"],
    expr: "increase(gengfu_clock_steps_total{@}[$__rate_interval]) > 0",
    title: "{{instance}}",
    text: "{{job}}",
    colour: WARN,
};

pub(super) fn board() -> Board {
    Board {
        name: "itself",
        title: ["更夫 · 自身", "gengfu: itself"],
        about: [
            "更夫自己是否看得见、跟得上、发得出，以及日历和配置是否够用。",
            "Whether gengfu sees, keeps pace and gets its mail out, and has the calendar and files that it needs.",
        ],
        variables: Vec::new(),
        marks: vec![RELOADS, CLOCK],
        rows: vec![
            Row { title: ["此刻", "Now"], panels: now() },
            Row { title: ["探测的节奏", "Pace of probing"], panels: pace() },
            Row { title: ["引擎与存储", "Engine and store"], panels: engine() },
            Row { title: ["信件", "Messages"], panels: messages() },
            Row { title: ["进程", "Process"], panels: process() },
        ],
        from: "now-6h",
        to: "now",
    }
}

fn now() -> Vec<Panel> {
    vec![
        Panel::stat(
            ["在岗", "On watch"],
            ["Prometheus 是否抓得到它。", "Whether Prometheus can scrape it."],
            "short",
            YES_IS_GOOD,
            "min(up{@})",
        ),
        Panel::stat(
            ["失明", "Blind"],
            ["本地参照点多数失败，无法判断目标。", "Most of its own references fail, so it cannot judge targets."],
            "short",
            YES_IS_BAD,
            "max(gengfu_vantage_blind{@})",
        ),
        Panel::stat(
            ["配置", "Files"],
            ["最近一次载入是否成功。", "Whether the last reload was taken over."],
            "short",
            YES_IS_GOOD,
            "min(gengfu_config_last_reload_successful{@})",
        ),
        Panel::stat(
            ["日历剩余", "Calendar left"],
            [
                "公布的年度还剩多久；少于 60 天请导入下一年。",
                "Until the end of the last published year; under 60 days import the next one.",
            ],
            "s",
            Look::Steps(&[(0.0, BAD), (1_987_200.0, WARN), (5_184_000.0, GOOD)]),
            "min(gengfu_calendar_covered_until_timestamp_seconds{@}) - time()",
        ),
        Panel::stat(
            ["死信", "Dead letters"],
            ["放弃投递的信件。", "Messages that were given up."],
            "short",
            NONE_IS_GOOD,
            "sum(gengfu_outbox_dead_letters{@})",
        ),
        Panel::stat(
            ["最早待发", "Oldest waits"],
            ["等待最久的信件已等多久。", "Age of the oldest message that waits."],
            "s",
            super::look::WAITS,
            "max(gengfu_outbox_oldest_seconds{@})",
        ),
        Panel::table(
            ["实例", "Instances"],
            ["版本、启动时间和上次载入时间。", "Version, start, and when files were last taken over."],
            Table::new()
                .label("instance", ["实例", "Instance"])
                .label("version", ["版本", "Version"])
                .answer(
                    ["启动", "Started"],
                    "dateTimeAsLocal",
                    Look::Series,
                    "max by (instance, version) (gengfu_build_info{@} * on (job, instance) group_left () (1000 * process_start_time_seconds{@}))",
                )
                .answer(
                    ["载入", "Files taken over"],
                    "dateTimeAsLocal",
                    Look::Series,
                    "max by (instance, version) (gengfu_build_info{@} * on (job, instance) group_left () (1000 * gengfu_config_last_reload_success_timestamp_seconds{@}))",
                )
                .answer(
                    ["每次抓取的序列", "Series a scrape"],
                    "short",
                    Look::Series,
                    "max by (instance, version) (gengfu_build_info{@} * on (job, instance) group_left () scrape_samples_scraped{@})",
                )
                .answer(
                    ["抓取耗时", "Scrape takes"],
                    "s",
                    Look::Series,
                    "max by (instance, version) (gengfu_build_info{@} * on (job, instance) group_left () scrape_duration_seconds{@})",
                ),
        )
        .size(14, 6),
        Panel::table(
            ["正在告警", "Alerts"],
            ["关于更夫自身和承诺的告警。", "Alerts about gengfu itself and about promises."],
            Table::new()
                .label("alertname", ["告警", "Alert"])
                .label("severity", ["级别", "Severity"])
                .label("alertstate", ["阶段", "State"])
                .answer(
                    ["数量", "Count"],
                    "short",
                    NEUTRAL,
                    r#"sum by (alertname, severity, alertstate) (ALERTS{alertname=~"Gengfu.*"})"#,
                ),
        )
        .none(["没有告警", "no alerts"])
        .size(10, 6),
    ]
}

fn pace() -> Vec<Panel> {
    vec![
        Panel::new(
            View::Stacked,
            ["探测", "Attempts"],
            ["每秒探测数，按结果。", "Attempts a second, by result."],
            "cps",
        )
        .over_time("sum by (result) (rate(gengfu_probe_attempts_total{@}[$__rate_interval]))", "{{result}}")
        .size(6, 8),
        lines(
            ["调度滞后", "Scheduler lag"],
            ["从计划时刻到探测开始。", "From the scheduled instant to the attempt's start."],
            "gengfu_scheduler_lag_seconds",
        ),
        Panel::new(
            View::Lines,
            ["跳过的探测", "Skipped ticks"],
            ["按原因；目标是没有。", "By reason; none is the goal."],
            "cps",
        )
        .over_time("sum by (reason) (rate(gengfu_attempts_skipped_total{@}[$__rate_interval]))", "{{reason}}")
        .size(6, 8),
        Panel::new(
            View::Lines,
            ["进行中的探测", "Attempts in flight"],
            ["此刻正在进行的探测数。", "Attempts that run now."],
            "short",
        )
        .over_time("sum by (instance) (gengfu_attempts_in_flight{@})", "{{instance}}")
        .size(6, 8),
    ]
}

fn engine() -> Vec<Panel> {
    vec![
        Panel::new(
            View::Lines,
            ["引擎队列", "Engine queue"],
            ["等待处理的事件数。", "Events that wait for the engine."],
            "short",
        )
        .over_time("max by (instance) (gengfu_engine_queue_depth{@})", "{{instance}}")
        .size(6, 8),
        lines(
            ["处理一个事件", "One event"],
            ["引擎处理一个事件的时间。", "How long the engine takes for one event."],
            "gengfu_engine_handle_seconds",
        ),
        lines(
            ["一次提交", "One commit"],
            ["存储提交一次的时间。", "How long one commit of the store takes."],
            "gengfu_store_commit_seconds",
        ),
        Panel::new(View::Lines, ["提交次数", "Commits"], ["每秒提交次数。", "Commits a second."], "cps")
            .over_time(
                "sum by (instance) (rate(gengfu_store_commit_seconds_count{@}[$__rate_interval]))",
                "{{instance}}",
            )
            .size(6, 8),
    ]
}

fn messages() -> Vec<Panel> {
    vec![
        Panel::new(View::Lines, ["待发", "Waiting"], ["等待投递的信件数。", "Messages that wait to be sent."], "short")
            .over_time("sum by (instance) (gengfu_outbox_pending{@})", "{{instance}}")
            .size(8, 8),
        Panel::new(
            View::Stacked,
            ["投递", "Sent"],
            ["每分钟投递次数，按渠道与结果。", "Attempts to send a minute, by channel and result."],
            "cpm",
        )
        .over_time(
            "60 * sum by (channel, result) (rate(gengfu_notifications_total{@}[$__rate_interval]))",
            "{{channel}} {{result}}",
        )
        .size(8, 8),
        Panel::new(
            View::Lines,
            ["向外报平安", "Signs of life"],
            [
                "每分钟向外部接收方报平安的次数，按结果；没有设置接收方时为零。",
                "Signs of life to the receiver outside a minute, by result; none where no receiver is set.",
            ],
            "cpm",
        )
        .over_time("60 * sum by (result) (rate(gengfu_signs_of_life_total{@}[$__rate_interval]))", "{{result}}")
        .size(8, 8),
        Panel::stat(
            ["上次报平安", "Last sign of life"],
            ["外部接收方上次收到是多久以前。", "How long ago the receiver outside took one."],
            "s",
            Look::Steps(&[(0.0, GOOD), (180.0, WARN), (600.0, BAD)]),
            "time() - max(gengfu_sign_of_life_timestamp_seconds{@} > 0)",
        )
        .none(["没有设置接收方", "no receiver is set"])
        .size(6, 6),
        Panel::stat(
            ["时钟跳变", "Clock steps"],
            ["所选时段内墙上时钟向前跳变的次数。", "Forward steps of the wall clock within the time shown."],
            "short",
            NONE_IS_GOOD,
            "sum(increase(gengfu_clock_steps_total{@}[$__range]))",
        )
        .size(6, 6),
        Panel::new(
            View::Lines,
            ["拒绝的请求", "Requests turned away"],
            ["每分钟，按原因。", "A minute, by reason."],
            "cpm",
        )
        .over_time("60 * sum by (reason) (rate(gengfu_http_denied_total{@}[$__rate_interval]))", "{{reason}}")
        .none(["没有拒绝", "none was turned away"])
        .size(12, 6),
    ]
}

fn process() -> Vec<Panel> {
    vec![
        Panel::new(View::Lines, ["处理器", "Processor"], ["占用的核数。", "Cores that it uses."], "none")
            .over_time("sum by (instance) (rate(process_cpu_seconds_total{@}[$__rate_interval]))", "{{instance}}")
            .size(8, 7),
        Panel::new(View::Lines, ["内存", "Memory"], ["常驻内存。", "Resident memory."], "bytes")
            .over_time("sum by (instance) (process_resident_memory_bytes{@})", "{{instance}}")
            .size(8, 7),
        Panel::new(
            View::Lines,
            ["打开的文件", "Open files"],
            ["占上限的比例。", "As a share of the limit."],
            "percentunit",
        )
        .over_time("process_open_fds{@} / process_max_fds{@}", "{{instance}}")
        .size(8, 7),
    ]
}

/// The middle and the slowest hundredth of a histogram.
fn lines(title: super::Text, about: super::Text, family: &str) -> Panel {
    let quantile =
        |q: &str| format!("histogram_quantile({q}, sum by (le) (rate({family}_bucket{{@}}[$__rate_interval])))");
    Panel::new(View::Lines, title, about, "s")
        .over_time(&quantile("0.5"), "p50")
        .over_time(&quantile("0.99"), "p99")
        .size(6, 8)
}
