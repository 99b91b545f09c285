//! Rules about the daemon itself: while it sees nothing, no rule about a subsystem fires or recovers, and somebody has
//! to know; and so has somebody when what it needs runs out.
//!
//! Not here: what the daemon mails about itself. Invariant: `GengfuWatchdog` always fires, so that whoever receives it
//! outside can tell when the whole chain of Prometheus and Alertmanager falls silent.

use super::{Alert, Group, Rule};

/// Every alert about the daemon.
pub(super) fn group() -> Group {
    let alerts = [watchdog(), gone(), idle(), blind()].into_iter().chain(files()).chain(messages()).chain(pace());
    Group { name: "gengfu-itself", rules: alerts.map(Rule::Alert).collect() }
}

fn watchdog() -> Alert {
    Alert {
        name: "GengfuWatchdog",
        expr: "vector(1)".to_owned(),
        lasts: "",
        severity: "none",
        runbook: "gengfu-itself",
        summary: ["告警链路正常：此告警应当一直存在", "The chain of alerts works: this one always fires"],
        description: [
            "Prometheus 到 Alertmanager 的链路正常。把它送到外部接收方；接收方收不到时即告警链路中断。",
            "Prometheus and Alertmanager pass alerts on. Send it to a receiver outside, which raises the alarm when it falls silent.",
        ],
    }
}

fn gone() -> Alert {
    Alert {
        name: "GengfuGone",
        expr: "absent(gengfu_build_info)".to_owned(),
        lasts: "2m",
        severity: "page",
        runbook: "gengfu-itself",
        summary: ["更夫没有应答：无人值守", "gengfu does not answer: nobody is on watch"],
        description: [
            "Prometheus 两分钟没有抓到更夫的指标。在它恢复之前，关于子系统的告警既不触发也不恢复。",
            "Prometheus has had no metrics of gengfu for two minutes. Until it is back, alerts about subsystems neither fire nor recover.",
        ],
    }
}

fn idle() -> Alert {
    Alert {
        name: "GengfuIdle",
        expr: "sum by (job, instance) (rate(gengfu_probe_attempts_total[10m])) == 0".to_owned(),
        lasts: "10m",
        summary: ["更夫在运行，但没有在探测", "gengfu runs, but it probes nothing"],
        description: [
            "{{ $labels.instance }} 二十分钟没有完成任何探测。",
            "{{ $labels.instance }} has finished no attempt for twenty minutes.",
        ],
        ..gone()
    }
}

fn blind() -> Alert {
    Alert {
        name: "GengfuBlind",
        expr: "gengfu_vantage_blind == 1".to_owned(),
        lasts: "1m",
        summary: ["更夫所在网络自身故障，无法判断目标", "gengfu's own references fail: it cannot judge targets"],
        description: [
            "本地参照点多数不可达，结果记为未知；错误预算告警既不触发也不恢复。",
            "Most of its local references cannot be reached. Results are unknown, and alerts about budgets neither fire nor recover.",
        ],
        ..gone()
    }
}

fn files() -> [Alert; 2] {
    let refused = Alert {
        name: "GengfuReloadRefused",
        expr: "gengfu_config_last_reload_successful == 0".to_owned(),
        lasts: "5m",
        severity: "ticket",
        runbook: "files-and-calendar",
        summary: ["更夫拒绝了新的配置，仍按旧配置运行", "gengfu refused the new files and runs by the old ones"],
        description: [
            "{{ $labels.instance }}：用 gengfu check 查看全部问题。",
            "{{ $labels.instance }}: gengfu check lists every problem.",
        ],
    };
    let calendar = Alert {
        name: "GengfuCalendarEnds",
        expr: "gengfu_calendar_covered_until_timestamp_seconds - time() < 23 * 86400".to_owned(),
        lasts: "1h",
        summary: [
            "法定日历将尽，之后一切维护都会被拒绝",
            "The statutory calendar ends soon; after it all maintenance is denied",
        ],
        description: [
            "日历 {{ $labels.calendar }} 还剩 {{ $value | humanizeDuration }}。导入下一年的放假通知。",
            "Calendar {{ $labels.calendar }} lasts another {{ $value | humanizeDuration }}. Import the notice of the next year.",
        ],
        ..refused.clone()
    };
    [refused, calendar]
}

fn messages() -> [Alert; 3] {
    let waits = Alert {
        name: "GengfuMailWaits",
        expr: "gengfu_outbox_oldest_seconds > 600".to_owned(),
        lasts: "5m",
        severity: "page",
        runbook: "messages",
        summary: ["更夫的信件发不出去", "Messages of gengfu do not leave"],
        description: [
            "{{ $labels.instance }}：最早的一封已等待 {{ $value | humanizeDuration }}。",
            "{{ $labels.instance }}: the oldest has waited for {{ $value | humanizeDuration }}.",
        ],
    };
    let dead = Alert {
        name: "GengfuDeadLetters",
        expr: "increase(gengfu_notifications_total{result=\"dead\"}[1h]) > 0".to_owned(),
        lasts: "",
        severity: "ticket",
        summary: ["有信件被放弃投递", "A message was given up"],
        description: [
            "{{ $labels.instance }} 在一小时内放弃了 {{ $labels.channel }} 的信件。用 gengfu outbox list 查看。",
            "{{ $labels.instance }} gave up messages by {{ $labels.channel }} within the last hour. gengfu outbox list shows them.",
        ],
        ..waits.clone()
    };
    let unheard = Alert {
        name: "GengfuUnheard",
        expr: "increase(gengfu_signs_of_life_total{result=\"failed\"}[10m]) > 0\n  and ignoring (result) time() - gengfu_sign_of_life_timestamp_seconds > 600"
            .to_owned(),
        lasts: "",
        severity: "ticket",
        summary: ["外部接收方收不到更夫的平安信号", "The receiver outside does not hear gengfu"],
        description: [
            "{{ $labels.instance }} 的平安信号已失败十分钟以上：外部看来它已停止。",
            "Signs of life of {{ $labels.instance }} have failed for more than ten minutes: from outside it looks dead.",
        ],
        ..waits.clone()
    };
    [waits, dead, unheard]
}

fn pace() -> [Alert; 3] {
    let late = Alert {
        name: "GengfuLate",
        expr: "histogram_quantile(0.99, sum by (job, instance, le) (rate(gengfu_scheduler_lag_seconds_bucket[10m]))) > 1\n  or sum by (job, instance) (rate(gengfu_attempts_skipped_total{reason=\"no_permit\"}[10m])) > 0"
            .to_owned(),
        lasts: "10m",
        severity: "ticket",
        runbook: "pace",
        summary: ["更夫跟不上探测计划", "gengfu does not keep pace with its schedule"],
        description: [
            "{{ $labels.instance }} 的探测开始得太晚，或因没有名额被跳过。",
            "Attempts of {{ $labels.instance }} start late, or are skipped for want of a permit.",
        ],
    };
    let slow = Alert {
        name: "GengfuCommitsSlow",
        expr:
            "histogram_quantile(0.99, sum by (job, instance, le) (rate(gengfu_store_commit_seconds_bucket[10m]))) > 0.5"
                .to_owned(),
        summary: ["更夫的存储很慢", "The store of gengfu is slow"],
        description: [
            "{{ $labels.instance }} 的提交 p99 超过半秒：确认和信件都要等它。",
            "Commits of {{ $labels.instance }} take more than half a second at the 99th percentile: confirmations and messages wait for them.",
        ],
        ..late.clone()
    };
    let clock = Alert {
        name: "GengfuClockStepped",
        expr: "increase(gengfu_clock_steps_total[15m]) > 0".to_owned(),
        lasts: "",
        summary: ["更夫主机的时钟跳变了", "The clock of gengfu's host was stepped"],
        description: [
            "{{ $labels.instance }} 的墙上时钟向前跳变；跳过的时间记为未知，十分钟内一切许可都被拒绝。",
            "The wall clock of {{ $labels.instance }} stepped forward. The skipped time is unknown, and for ten minutes every permission is denied.",
        ],
        ..late.clone()
    };
    [late, slow, clock]
}
