//! Every word of the pages in both languages, checked by the compiler: a text that lacks a language does not build.
//!
//! Not here: sentences with figures (`format`) and names of things (the inventory has them).

mod runs;
mod windows;

pub(super) use runs::RunMoment;

use super::look::Look;
use crate::domain::sla::{Cause, Verdict};
use crate::domain::window::WindowState;
use crate::domain::{Language, ReasonKind, Severity, Symptom};

macro_rules! texts {
    ($($name:ident: $zh:literal, $en:literal;)*) => {
        /// The words of one language.
        #[derive(Debug)]
        pub(super) struct Texts {
            $(pub(super) $name: &'static str,)*
        }
        static ZH: Texts = Texts { $($name: $zh,)* };
        static EN: Texts = Texts { $($name: $en,)* };
    };
}

texts! {
    code: "zh-CN", "en";
    brand: "更夫", "gengfu";
    tagline: "全市服务", "City services";
    year: "年份", "Year";
    owner: "单位", "Owner";
    show: "查看", "Show";
    clash: "冲突", "Clash";
    clashes: "冲突", "Clashes";
    reason: "原因", "Reason";
    annual_plan: "年度计划", "Annual plan";
    plan_totals: "各单位合计（按月窗口数）", "What each owner takes, windows by month";
    plan_answer: "可计划 / 草稿 / 不允许", "Planned / drafts / denied";
    plan_trust: "按推定日历预演", "As if the provisional calendar were published";
    plan_guess: "注意：该年放假调休安排尚未发布，本页按推定日历作答，仅供参考，不是许可。", "Note: the notice for this year is not published. This page takes the provisional table for it: a guess, not a permission.";
    plan_unpublished: "该年放假调休安排尚未发布，窗口均为草稿。", "The notice for this year is not published, so its windows stay drafts.";
    composites: "事项", "Matters";
    find: "查找", "Find";
    find_short: "查找服务、单位…", "Find…";
    find_label: "查找服务、单位、窗口、事件编号", "Find a service, owner, window or INC-…";
    find_hint: "可按中文或英文名称、编号查找；事件请输入 INC-0042。", "Look for a name in either language, or an id; INC-0042 leads to an incident.";
    find_more: "还有更多，请再写几个字。", "There is more: write a little more of the name.";
    owners: "单位", "Owners";
    by_owner: "各单位本月", "This month by owner";
    promises: "承诺", "Promises";
    tightest_promise: "预算最紧的服务", "With the tightest budget";
    month_report: "月报", "Report";
    corrections: "更正", "Corrections";
    as_measured: "更正前", "measured";
    as_seen: "按探测所见", "as seen";
    reports: "报告", "Reports";
    report_period: "周期", "Period";
    report_forms: "其他格式", "Other forms";
    report_public: "公众可用率", "Public availability";
    report_contract: "合同可用率", "Contract availability";
    report_missed: "未达标", "Missed";
    this_month: "本月", "This month";
    last_30d: "近 30 天", "Last 30 days";
    blamed: "异常的组成部分", "Members that are not up";
    skip: "跳到正文", "Skip to content";
    nav: "主导航", "Main";
    city: "全市", "City";
    maintenance: "维护", "Maintenance";
    incidents: "事件", "Incidents";
    metrics: "指标", "Metrics";
    calendar_feed: "日历订阅", "Calendar feed";
    news_feed: "变更订阅", "News feed";
    formerly: "原定", "Formerly";
    other_language: "English", "中文";
    public_month: "本月公众可用率", "public availability this month";
    tightest: "预算最紧", "tightest budget";
    budget_left: "剩余预算", "Budget left";
    platform: "共享平台", "Shared platform";
    districts: "个区", "districts";
    bureaus: "委办局", "Bureaus";
    externals: "外部单位", "External parties";
    strip_24h: "条形：最近 24 小时", "Bars: the last 24 hours";
    in_hand: "正在处理", "In hand";
    nothing_open: "没有未关闭的事件。", "No open incident.";
    tonight: "当前与接下来的维护", "Maintenance now and next";
    no_window: "接下来 12 小时没有维护窗口。", "No window in the next 12 hours.";
    next_window: "下一个", "Next";
    shaded: "底纹：允许维护的时段", "Shaded: when maintenance is allowed";
    all: "全部", "All";
    notes: "需要留意", "Worth knowing";
    since: "自", "since";
    until: "至", "until";
    affects: "影响", "affects";
    more: "等", "and more";
    tier: "级别", "Tier";
    hours: "服务时间", "Hours";
    objective: "目标", "Objective";
    audience: "对象", "For";
    public: "公众", "the public";
    internal: "内部", "internal use";
    probes: "探测", "Probes";
    probe: "探测项", "Probe";
    state: "状态", "State";
    last_attempt: "最近一次", "Last attempt";
    phases: "阶段", "Phases";
    every: "每", "every";
    ago: "前", "ago";
    critical: "关键", "critical";
    supporting: "辅助", "supporting";
    trace: "过程", "Trace";
    earlier_attempts: "更早的探测", "Earlier attempts";
    certificate_until: "证书有效期至", "certificate valid until";
    never_tried: "尚未探测", "not tried yet";
    timeline: "时间线", "Timeline";
    day_24h: "最近 24 小时", "Last 24 hours";
    days_90: "最近 90 天", "Last 90 days";
    changes: "最近的变化", "Recent changes";
    no_changes: "没有记录到变化。", "No change on record.";
    windows: "维护窗口", "Windows";
    window: "窗口", "Window";
    no_windows: "没有计划中的窗口。", "No window is planned.";
    policy: "维护政策", "Policy";
    open_now: "现在可以变更，至", "A change may happen now, until";
    closed_now: "现在不可变更", "No change may happen now";
    next_open: "下次开放", "opens next";
    no_next_open: "在日历已覆盖的日期内没有开放时段", "no opening within the dates that the calendar covers";
    needs_window: "须有已公告的窗口", "it takes an announced window";
    dependency_graph: "依赖关系", "Dependencies";
    all_dependants: "其余被依赖方", "All that need it";
    dependencies: "依赖", "Needs";
    dependants: "被依赖", "Needed by";
    soft: "仅供解释", "explains only";
    any_of: "任一", "any of";
    none: "无", "none";
    promise: "承诺", "Promise";
    period: "周期", "Period";
    day: "今天", "Today";
    month: "本月", "This month";
    rolling_30d: "最近 30 天", "Last 30 days";
    figure_public: "公众口径", "Public";
    figure_contract: "合同口径", "Contract";
    bounds: "上下界", "Bounds";
    verdict: "结论", "Verdict";
    spent: "已用预算的原因(本月)", "Budget spent this month, by cause";
    nothing_spent: "本月未使用预算。", "None of this month's budget is spent.";
    partial: "不完整周期", "partial";
    no_figures: "还没有足够的观测来计算。", "Not enough was seen yet to say.";
    subsystems: "子系统", "Subsystems";
    subsystem: "子系统", "Subsystem";
    incident: "事件", "Incident";
    severity: "紧急程度", "Severity";
    from: "开始", "From";
    to: "结束", "To";
    lasted: "时长", "Lasted";
    symptom: "症状", "Symptom";
    evidence: "证据", "Evidence";
    declared: "申报情况", "What was declared";
    answers_for_it: "责任单位：", "Answers for it: ";
    affected: "一并受影响", "Fails with it";
    words: "处置记录", "What was said";
    take: "我来接手", "I have it";
    note_it: "添加备注", "Leave a note";
    acknowledged_by: "接手", "With";
    not_acknowledged: "尚无人接手", "nobody has it yet";
    filing: "上报", "Report to the authority";
    filing_by_hand: "更夫不会向任何主管部门发送报告：请复制草稿，核实补全后人工报送，再在此记录。", "gengfu sends nothing to any authority: copy the draft, check and complete it, send it by hand, then say so here.";
    filing_draft: "报告草稿", "Draft of the report";
    filing_done: "记录处置", "What was done";
    filing_to: "报送对象", "Sent to";
    filing_at: "时间（空为现在）", "When (now if empty)";
    filing_reason: "说明", "Why, how";
    filing_reported: "已报送", "It was sent";
    filing_grade: "研判级别", "Grade it";
    filing_known: "更早获知", "Known earlier";
    filing_dismiss: "无须上报", "No report is due";
    said_ack: "接手", "has it";
    said_hand_over: "移交", "hands it over";
    said_note: "备注", "note";
    hand_over: "移交", "Hand it over";
    hand_over_to: "移交给（名单或人员；须写备注）", "To whom (a roster or a person; leave a note)";
    mails: "已发邮件", "Mails sent";
    still_open: "未关闭", "open";
    scope: "范围", "Scope";
    nothing_runs: "现在没有维护。", "No maintenance at the moment.";
    earlier_month: "上一月", "Former month";
    later_month: "下一月", "Next month";
    allowed_when: "何时允许维护", "What is allowed when";
    governs: "适用范围", "Governs";
    demands: "要求", "Demands";
    now: "现在", "Now";
    is_open: "开放", "open";
    is_shut: "不开放", "shut";
    open_hours: "开放", "open";
    shut_all_day: "全天不开放", "shut all day";
    at_any_time: "任何时间", "at any time";
    next_day: "次日 ", "";
    non_working_days: "非工作日全天", "all of non-working days";
    never: "从不", "never";
    freeze: "封网", "Freeze:";
    freezes: "封网期", "Freezes";
    no_freezes: "没有将来的封网期。", "No freeze is to come.";
    hint_freezes: "封网期写在 schedules/freezes.yaml。", "Freezes are written in schedules/freezes.yaml.";
    hint_windows: "窗口写在 schedules/windows/，或在此申请：", "Windows are written in schedules/windows/, or asked for here:";
    hint_runs: "计划写在 schedules/plans/，由窗口的 plan 指明；窗口开始时执行。", "Plans are written in schedules/plans/ and named by a window's `plan`: they run when it begins.";
    hint_composites: "事项写在 schedules/composites.yaml：一件事由哪些服务共同办成。", "Matters are written in schedules/composites.yaml: which services it takes to get one thing done.";
    no_composites: "还没有定义事项。", "No matter is defined yet.";
    not_published: "放假安排未发布", "not published yet";
    make_up: "调休上班", "make-up workday";
    holiday: "放假", "holiday";
    legend_open: "允许维护的时段", "Maintenance allowed";
    legend_win: "窗口", "Window";
    legend_plan: "已计划", "Planned";
    legend_draft: "草稿", "Draft";
    ask_for_one: "申请窗口", "Ask for a window";
    ask_hint: "填好后可先询问政策：只看不改。提交须登录，并留下姓名与理由。", "Ask the policies first: that changes nothing. Filing needs a sign-in; your name and reason are kept.";
    policies_say: "政策答复", "What the policies say";
    may_be_asked: "可以申请。", "It may be asked for.";
    would_be_denied: "不会被允许。", "It would be denied.";
    start_is_past: "开始时间已过。", "The start lies in the past.";
    earliest: "最早可开始于", "The earliest start that would do:";
    other_owner: "更换单位", "Change the owner";
    next: "下一步", "Next";
    scope_others: "其他单位的子系统（编号，可不填）", "Subsystems of other owners (ids, if any)";
    by_people: "人工执行", "by people";
    window_name: "窗口名称", "Name of the window, in Chinese";
    window_name_en: "英文名称（可不填）", "Name in English (may be left out)";
    notice_zh: "对外公告用语（可不填）", "Words of the notice, in Chinese (may be left out)";
    notice_en: "英文公告用语（可不填）", "Words of the notice in English (may be left out)";
    ask_policies: "询问政策", "Ask the policies";
    file_it: "提交申请", "File it";
    sign_in_to_file: "登录后提交", "Sign in to file it";
    announced_at: "公告于", "Announced";
    restored_at: "恢复于", "Restored";
    ticket: "工单", "Ticket";
    notice_text: "公告用语", "Words of the notice";
    orders: "操作", "Orders";
    approve: "批准", "Approve";
    approve_longer: "批准延长", "Approve the extension";
    skip_it: "本次跳过", "Skip this one";
    call_off: "取消", "Call it off";
    start_anyway: "照常开始", "Start in spite of obstacles";
    finish: "完工，开始验证", "Done: verify";
    abort: "中止", "Abort";
    new_start: "新的开始时间", "New start";
    new_end: "新的结束时间", "New end";
    new_length: "新的时长（可不填）", "New length (if another)";
    move_it: "改期", "Move";
    extend: "延长", "Extend";
    shorten: "缩短", "Shorten";
    defects: "维护缺陷", "Maintenance defects";
    no_versions: "还没有告知过任何人。", "Nobody was told of it yet.";
    decisions: "谁决定的", "Who decided what";
    no_longer_holds: "已失效：窗口此后有变", "void: the window changed since";
    approved: "批准", "Approved";
    yes: "是", "Yes";
    upcoming: "接下来", "To come";
    running: "进行中", "Running";
    past: "已结束", "Over";
    not_found_title: "没有这个页面", "No such page";
    not_found_body: "这里没有内容；请从全市总览开始。", "There is nothing here; start from the city.";
    reload_refused: "新配置未被采用,仍按旧配置运行。", "The new files were refused; the former ones stay in force.";
    store_failed: "存储拒绝写入；告警邮件改由内存发出,请尽快处理。",
        "The store refuses writes; pages leave from memory. Mend it soon.";
    blind: "本观测点自身网络异常,暂不判断任何目标。",
        "This vantage cannot see its own references, so it judges no target for now.";
    sign_in: "登录", "Sign in";
    sign_out: "退出", "Sign out";
    sign_in_hint: "输入管理员发给您的令牌。登录最长 12 小时，闲置 2 小时后失效；令牌不会保存在浏览器里。",
        "Paste the token that an administrator gave you. You stay signed in for 12 hours at most, or 2 without use; the token is not kept in the browser.";
    token: "令牌", "Token";
    not_taken: "令牌无效或已过期。", "This token is not taken: nobody holds it, or it has expired.";
    too_many_guesses: "失败次数过多，请稍后再试。", "Too many tokens that are not taken; try again in a minute.";
    cannot_sign_in: "现在无法登录，请查看日志。", "Nobody can sign in at the moment; look at the log.";
    audit: "审计", "Audit";
    audit_title: "审计日志", "Audit log";
    audit_none: "没有符合条件的记录。", "No row fits.";
    audit_off: "这里没有审计日志。", "No audit log is kept here.";
    who: "谁", "Who";
    what: "做了什么", "What";
    about: "对象", "About";
    when: "时间", "When";
    outcome: "结果", "Outcome";
    done: "已执行", "done";
    refused: "被拒绝", "refused";
    filter: "筛选", "Filter";
    export: "导出", "Export";
    older: "更早", "Older";
    details: "详情", "Details";
    run: "执行记录", "Run";
    runs: "计划执行记录", "Runs of plans";
    no_runs: "还没有执行过计划。", "No plan was carried out yet.";
    plan: "计划", "Plan";
    plan_text: "计划文本", "Text of the plan";
    step: "步骤", "Step";
    steps: "步骤", "Steps";
    wave: "批次", "Wave";
    kind: "类型", "Kind";
    undo: "回退", "Undo";
    tries: "次数", "Tries";
    outbox: "发件箱", "Outbox";
    outbox_none: "没有待发、放弃或近期发出的消息。", "Nothing waits, was given up or left lately.";
    to_whom: "收件人", "To";
    next_try: "下次尝试", "Next try";
    try_again: "重试", "Try again";
    give_up: "放弃", "Give up";
    course: "经过", "What happened";
    started_by: "启动者", "Started by";
    epoch: "接管次数", "Epoch";
    no_return: "回退时间点", "Point of no return";
    no_return_hint: "此后不再开始任何步骤", "no step starts after it";
    kept_out: "仍被摘除", "Out of service";
    last_word: "最近结果", "Last word";
    run_public: "主机名、命令与人员只对登录者显示。", "Hosts, commands and people are shown to those who are signed in.";
    inspection: "巡检视角", "Inspection";
    survey: "服务时间调查", "Service hours";
    on_call: "值班", "On call";
    shifts_ahead: "未来 14 天排班", "Shifts of the next 14 days";
    who_answers: "值班人", "Who";
    who_answers_now: "当前值班", "Who answers now";
    escalation: "无人确认时", "When nobody answers";
    findings: "发现", "Findings";
    no_findings: "未发现与申报不符之处。", "Nothing contradicts what is declared.";
    hint: "提示", "hint";
    declared_hours: "申报", "Declared";
    effective_hours: "依赖允许", "Dependencies leave";
    observed: "观测可用率", "Observed";
    days_seen: "观测天数", "Days seen";
    provisional: "（暂定）", "(provisional)";
    working_days: "工作日（含调休上班）", "Working days, make-up workdays included";
    other_days: "非工作日（含节假日）", "Other days, holidays included";
    heat_hint: "各小时的可用率（%）；无数据为“·”，低于 50 者加下划线。", "Availability of each hour in per cent; · is not seen, below 50 is underlined.";
    confirmation: "确认", "Confirmation";
    declared_true: "申报属实，按此服务", "Declared as served";
    declared_anew: "申报更正为：", "To be declared as:";
    sign_name: "姓名", "Name";
    sign_date: "日期", "Date";
    signature: "签字", "Signature";
    refreshed: "刷新于", "refreshed at";
    live_off: "连接中断,内容可能已过时。", "Connection lost; what you see may be stale.";
}

impl Texts {
    /// The words of `language`.
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::Zh => &ZH,
            Language::En => &EN,
        }
    }

    /// What became of a letter, by the words of the API.
    pub(super) fn letter_state(&self, state: &str) -> &'static str {
        match state {
            "pending" => self.pick("待发", "waits"),
            "sent" => self.pick("已发出", "sent"),
            "dead" => self.pick("已放弃", "given up"),
            "folded" => self.pick("已并入合并邮件", "in a mail with others"),
            _ => self.pick("人工放弃", "dropped"),
        }
    }

    /// How the outbox stands.
    pub(super) fn letters(&self, pending: u64, dead: u64) -> String {
        match self.code {
            "en" => format!("{pending} wait, {dead} were given up"),
            _ => format!("{pending} 条待发，{dead} 条已放弃"),
        }
    }

    fn pick(&self, zh: &'static str, en: &'static str) -> &'static str {
        if self.code == "en" { en } else { zh }
    }

    /// What a state is called.
    pub(super) fn look(&self, look: impl std::borrow::Borrow<Look>) -> &'static str {
        match look.borrow() {
            Look::Up => self.pick("正常", "Up"),
            Look::Degraded => self.pick("降级", "Degraded"),
            Look::Down => self.pick("中断", "Down"),
            Look::Maintenance => self.pick("维护", "Maintenance"),
            Look::Unknown => self.pick("未知", "Unknown"),
            Look::Closed => self.pick("非服务时间", "Outside hours"),
            Look::Absent => self.pick("无数据", "No record"),
        }
    }

    /// What a symptom is called.
    pub(super) fn symptom(&self, symptom: Symptom) -> &'static str {
        match symptom {
            Symptom::Down => self.pick("中断", "down"),
            Symptom::MaintenanceOutsideWindow => self.pick("窗口外维护", "maintenance outside a window"),
            Symptom::Overrun => self.pick("维护超时", "maintenance overrun"),
            Symptom::Degraded => self.pick("降级", "degraded"),
            Symptom::SlaAtRisk => self.pick("可用率承诺告急", "promise at risk"),
            Symptom::Blind => self.pick("观测失明", "blind"),
            Symptom::Storm => self.pick("大面积异常", "widespread trouble"),
        }
    }

    /// How loud it is.
    pub(super) fn severity(&self, severity: Severity) -> &'static str {
        match severity {
            Severity::Page => self.pick("立即处理", "page"),
            Severity::Ticket => self.pick("工作时间处理", "ticket"),
        }
    }

    /// What a reason is called; shown to everybody, so it names no host.
    pub(super) fn reason(&self, kind: ReasonKind) -> &'static str {
        match kind {
            ReasonKind::Timeout => self.pick("超时", "timed out"),
            ReasonKind::Resolve => self.pick("域名无法解析", "name does not resolve"),
            ReasonKind::Connect => self.pick("拒绝连接", "connection refused"),
            ReasonKind::Tls => self.pick("TLS 握手失败", "TLS failed"),
            ReasonKind::Certificate => self.pick("证书将到期或已到期", "certificate due or expired"),
            ReasonKind::Status => self.pick("状态码不符", "unexpected status"),
            ReasonKind::Content => self.pick("内容不符", "unexpected content"),
            ReasonKind::Slow => self.pick("响应缓慢", "slow"),
            ReasonKind::Maintenance => self.pick("像是在维护", "looks like maintenance"),
            ReasonKind::Protocol => self.pick("协议错误", "protocol broken"),
            ReasonKind::Heartbeat => self.pick("心跳缺失", "heartbeat missing"),
            ReasonKind::Local => self.pick("本观测点自身问题", "our own trouble"),
        }
    }

    /// Where a window stands.
    pub(super) fn window_state(&self, state: WindowState) -> &'static str {
        match state {
            WindowState::Draft => self.pick("待批准", "draft"),
            WindowState::Planned => self.pick("已计划", "planned"),
            WindowState::Announced => self.pick("已公告", "announced"),
            WindowState::Armed => self.pick("待开始", "armed"),
            WindowState::Blocked => self.pick("受阻", "blocked"),
            WindowState::Entering => self.pick("正在开始", "entering"),
            WindowState::Active => self.pick("进行中", "running"),
            WindowState::Verifying => self.pick("验证中", "verifying"),
            WindowState::Aborting => self.pick("回退中", "aborting"),
            WindowState::Overrun => self.pick("超时", "overrun"),
            WindowState::Stuck => self.pick("超时待人工处理", "stuck"),
            WindowState::Completed => self.pick("已完成", "completed"),
            WindowState::Failed => self.pick("已恢复，未完成", "failed"),
            WindowState::Cancelled => self.pick("已取消", "cancelled"),
            WindowState::Rejected => self.pick("已拒绝", "rejected"),
            WindowState::Missed => self.pick("已错过", "missed"),
        }
    }

    /// Whose doing a spent second was.
    pub(super) fn cause(&self, cause: Cause) -> &'static str {
        match cause {
            Cause::Emergency => self.pick("紧急维护", "emergency maintenance"),
            Cause::Overrun => self.pick("维护超时", "maintenance overrun"),
            Cause::UndeclaredMaintenance => self.pick("未申报维护", "undeclared maintenance"),
            Cause::PolicyViolation => self.pick("违反维护政策", "policy violation"),
            Cause::Incident => self.pick("故障", "incident"),
        }
    }

    /// What may be said about a promise.
    pub(super) fn verdict(&self, verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Met => self.pick("达标", "met"),
            Verdict::Missed => self.pick("未达标", "missed"),
            Verdict::Undetermined => self.pick("尚不能判断", "undetermined"),
        }
    }
}
