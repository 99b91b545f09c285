//! Mails about incidents: opened, opened again, over.

use super::page::{Page, Section, Tone};
use super::strip::Strip;
use super::words::Words;
use crate::domain::lately::{Work, WorkKind};
use crate::domain::{DAY, Evidence, HOUR, IncidentNews, Language, Severity, Symptom, Timestamp};

/// Which turn the incident took.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Opened,
    Reopened,
    Changed,
    Reminded,
    Escalated,
    Closed,
}

/// The mail about one turn of an incident.
pub(super) fn page(turn: Turn, news: &IncidentNews, words: &Words<'_>, url: &str, take: &str) -> Page {
    Page {
        lang: words.lang(),
        list: "incidents",
        tone: tone(turn, news),
        subject: subject(turn, news, words),
        lead: lead(turn, news, words),
        sections: match news.symptom {
            // Budget, work and the last day of the one that happened to be first say nothing about the others.
            Symptom::Storm => {
                vec![affected(turn, news, words), duration(news, words), evidence(news, words), next(turn, news, words)]
            }
            _ => vec![
                affected(turn, news, words),
                duration(news, words),
                evidence(news, words),
                budget(news, words),
                windows(news, words),
                next(turn, news, words),
            ],
        },
        links: links(turn, news, words, url, take),
        why: why(news, words),
    }
}

fn tone(turn: Turn, news: &IncidentNews) -> Tone {
    match (turn, news.symptom, news.severity) {
        (Turn::Closed, ..) => Tone::Good,
        (_, Symptom::Degraded, _) | (_, Symptom::SlaAtRisk, Severity::Ticket) => Tone::Warning,
        _ => Tone::Bad,
    }
}

fn subject(turn: Turn, news: &IncidentNews, words: &Words<'_>) -> String {
    let state = words.state(news.symptom);
    let state = match (turn, words.language) {
        (Turn::Opened, _) => state.to_owned(),
        (Turn::Reopened, Language::Zh) => format!("再次{state}"),
        (Turn::Reopened, Language::En) => format!("{state} AGAIN"),
        (Turn::Changed, _) if news.unstable => words.say("不稳定", "UNSTABLE").to_owned(),
        (Turn::Changed, Language::Zh) if news.raised => format!("{state}·升为紧急"),
        (Turn::Changed, Language::En) if news.raised => format!("{state}, NOW A PAGE"),
        (Turn::Changed, Language::Zh) if news.handed.is_some() => format!("{state}·移交"),
        (Turn::Changed, Language::En) if news.handed.is_some() => format!("{state}, HANDED OVER"),
        (Turn::Changed, Language::Zh) => format!("{state}·有变化"),
        (Turn::Changed, Language::En) => format!("{state}, CHANGED"),
        (Turn::Reminded, Language::Zh) => format!("仍{state}"),
        (Turn::Reminded, Language::En) => format!("STILL {state}"),
        (Turn::Escalated, Language::Zh) => format!("{state}·无人接手"),
        (Turn::Escalated, Language::En) => format!("{state}, NOBODY HAS IT"),
        (Turn::Closed, _) => words.say("恢复", "RECOVERED").to_owned(),
    };
    format!("[{state}] {} {} {}", named(news, words), words.symptom(news.symptom), news.incident)
}

fn lead(turn: Turn, news: &IncidentNews, words: &Words<'_>) -> String {
    let (what, since) = (what(news, words), words.time(news.since));
    if let (Turn::Closed, until) = (turn, news.until.unwrap_or(words.now)) {
        let (until, lasted) = (words.time(until), words.length(until.since(news.since)));
        let symptom = words.symptom(news.symptom);
        return match words.language {
            Language::Zh => format!("{what}的{symptom}已于 {until} 结束，共 {lasted}。"),
            Language::En => format!("{what}: the {symptom} ended at {until} after {lasted}."),
        };
    }
    let end = news.window_end.map(|end| words.time(end)).unwrap_or_default();
    let text = match (news.symptom, words.language) {
        (Symptom::Down, Language::Zh) => format!("{what}自 {since} 起无法使用"),
        (Symptom::Down, Language::En) => format!("{what} has been unusable since {since}"),
        (Symptom::MaintenanceOutsideWindow, Language::Zh) => {
            format!("{what}自 {since} 起处于维护状态，但不在任何已公告的维护窗口内")
        }
        (Symptom::MaintenanceOutsideWindow, Language::En) => {
            format!("{what} has been in maintenance since {since}, outside any announced window")
        }
        (Symptom::Overrun, Language::Zh) => {
            format!("{what}的维护窗口已于 {end} 到期，服务仍未确认恢复，此后的时间计入不可用")
        }
        (Symptom::Overrun, Language::En) => format!(
            "The maintenance window of {what} ended at {end} and the service is not verified; from then on \
             the time counts as down"
        ),
        (Symptom::Degraded, Language::Zh) => format!("{what}自 {since} 起可用但不正常"),
        (Symptom::Degraded, Language::En) => format!("{what} has been usable but not right since {since}"),
        (Symptom::Blind, Language::Zh) => {
            format!("更夫自 {since} 起失去观测能力：多数本地参照无应答，各单位的状态记为未知，不另行告警")
        }
        (Symptom::Blind, Language::En) => format!(
            "gengfu has been blind since {since}: most of its local references are silent, so what fails is unknown \
             and nobody else is told"
        ),
        (Symptom::SlaAtRisk, Language::Zh) => {
            format!("{what}的可用率余量消耗过快，照此下去本期承诺无法兑现")
        }
        (Symptom::SlaAtRisk, Language::En) => {
            format!("{what} spends its error budget so fast that this period's promise will be missed")
        }
        (Symptom::Storm, Language::Zh) => format!("自 {since} 起{what}在一分钟内相继异常，尚未查明共同原因"),
        (Symptom::Storm, Language::En) => {
            format!("{what} have gone bad within a minute since {since}; no common cause is known")
        }
    };
    match (turn, words.language) {
        (Turn::Reopened, Language::Zh) => format!("再次发生：{text}。"),
        (Turn::Reopened, Language::En) => format!("Again: {text}."),
        (Turn::Reminded, Language::Zh) => format!("仍未恢复：{text}，至今 {}。", lasted(news, words)),
        (Turn::Reminded, Language::En) => format!("Still: {text}, for {} by now.", lasted(news, words)),
        (Turn::Escalated, Language::Zh) => format!("无人接手：{text}，至今 {}。", lasted(news, words)),
        (Turn::Escalated, Language::En) => format!("Nobody has it yet: {text}, for {} by now.", lasted(news, words)),
        (Turn::Changed, Language::Zh) if news.unstable => format!("时好时坏：{text}；稳定 15 分钟后才算恢复。"),
        (Turn::Changed, Language::En) if news.unstable => {
            format!("It comes and goes: {text}; it counts as over after 15 min without a change.")
        }
        (Turn::Changed, Language::Zh) if news.raised => format!("升为紧急，请立即处理：{text}。"),
        (Turn::Changed, Language::En) if news.raised => format!("It is a page now, act at once: {text}."),
        (Turn::Changed, _) => format!("{}{text}{}", handed(news, words), words.say("。", ".")),
        (_, Language::Zh) => format!("{text}。"),
        (_, Language::En) => format!("{text}."),
    }
}

/// Who hands it over to whom, before the rest of the lead.
fn handed(news: &IncidentNews, words: &Words<'_>) -> String {
    let Some(handed) = &news.handed else { return String::new() };
    let to = handed.to.join(words.say("、", ", "));
    match words.language {
        Language::Zh => format!("{} 移交给 {to}（“{}”），请确认接手。", handed.by, handed.text),
        Language::En => format!("{} hands it over to {to} (\"{}\"), who must confirm it. ", handed.by, handed.text),
    }
}

fn lasted(news: &IncidentNews, words: &Words<'_>) -> String {
    words.length(words.now.since(news.since))
}

/// What the subject names: the subsystem, or how many there are.
fn named(news: &IncidentNews, words: &Words<'_>) -> String {
    let many = news.affected_total + 1;
    match (news.symptom, words.language) {
        (Symptom::Storm, Language::Zh) => format!("{many} 个子系统"),
        (Symptom::Storm, Language::En) => format!("{many} subsystems"),
        _ => words.name(&news.name).to_owned(),
    }
}

/// The subsystem with its owner, unless its name says whose it is.
fn what(news: &IncidentNews, words: &Words<'_>) -> String {
    if news.symptom == Symptom::Storm {
        return named(news, words);
    }
    let (owner, name) = (words.name(&news.owner), words.name(&news.name));
    match words.language {
        Language::Zh if name.starts_with(owner) => format!("「{name}」"),
        Language::Zh => format!("{owner}「{name}」"),
        Language::En => format!("{name} ({owner})"),
    }
}

fn affected(turn: Turn, news: &IncidentNews, words: &Words<'_>) -> Section {
    let severity = match news.severity {
        Severity::Page => words.say("紧急，请立即处理", "page: act now"),
        Severity::Ticket => words.say("一般，工作时间内处理", "ticket: act in working hours"),
    };
    let first = match news.symptom {
        Symptom::Storm => words.say("最先异常", "The first of them"),
        _ => words.say("子系统", "Subsystem"),
    };
    let mut section = Section::titled(words.say("影响范围", "Who is affected"))
        .row(first, format!("{} ({})", words.name(&news.name), news.subsystem))
        .row(words.say("接入单位", "Owner"), words.name(&news.owner))
        .row(words.say("级别", "Tier"), words.tier(news.tier));
    if turn != Turn::Closed {
        section = section.row(words.say("紧急程度", "Severity"), severity);
        section = section.row(words.say("接手", "Who has it"), taken(news, words));
    }
    for other in &news.affected {
        let (name, since) = (words.name(&other.name), words.time(other.since));
        section = section.point(match words.language {
            Language::Zh => format!("{name} ({})，自 {since}", other.subsystem),
            Language::En => format!("{name} ({}), since {since}", other.subsystem),
        });
    }
    let more = news.affected_total.saturating_sub(news.affected.len());
    if more > 0 {
        section = section.point(match words.language {
            Language::Zh => format!("另有 {more} 个子系统"),
            Language::En => format!("and {more} more"),
        });
    }
    section
}

fn taken(news: &IncidentNews, words: &Words<'_>) -> String {
    match (&news.taken, words.language) {
        (None, language) => match (&news.handed, language) {
            (None, _) => words.say("尚无人接手", "nobody yet").to_owned(),
            (Some(handed), Language::Zh) => {
                format!("{} 已移交 {}，待确认，自 {}", handed.by, handed.to.join("、"), words.time(handed.at))
            }
            (Some(handed), Language::En) => format!(
                "handed over by {} to {}, not confirmed, since {}",
                handed.by,
                handed.to.join(", "),
                words.time(handed.at)
            ),
        },
        (Some((by, at)), Language::Zh) => format!("{by}，自 {}", words.time(*at)),
        (Some((by, at)), Language::En) => format!("{by}, since {}", words.time(*at)),
    }
}

fn duration(news: &IncidentNews, words: &Words<'_>) -> Section {
    let section = Section::titled(words.say("时间", "Since when"));
    let mut section = section.row(words.say("开始", "Began"), words.time(news.since));
    section.strip = news.lately.as_ref().map(|lately| Strip::of(lately, words));
    match news.until {
        Some(until) => section
            .row(words.say("结束", "Ended"), words.time(until))
            .row(words.say("共持续", "Lasted"), words.length(until.since(news.since))),
        None => section.row(words.say("至本信已持续", "Lasted so far"), words.length(words.now.since(news.since))),
    }
}

fn evidence(news: &IncidentNews, words: &Words<'_>) -> Section {
    let line = |e: &Evidence| {
        let (at, reason) = (words.time(e.at), words.reason(e.reason.kind));
        match words.language {
            Language::Zh => format!("{at} 探测 {}（{reason}）：{}", e.probe, e.reason.text),
            Language::En => format!("{at} probe {} ({reason}): {}", e.probe, e.reason.text),
        }
    };
    let section = Section::titled(words.say("依据", "Evidence"));
    if news.evidence.is_empty() {
        return section.point(words.say("见子系统页面的探测记录", "see the attempts on the subsystem's page"));
    }
    news.evidence.iter().fold(section, |section, e| section.point(line(e)))
}

fn budget(news: &IncidentNews, words: &Words<'_>) -> Section {
    let mut section = Section::titled(words.say("可用率余量", "Error budget"));
    if let Some(ppm) = news.target_ppm {
        section = section.row(words.say("目标", "Target"), percent(ppm));
    }
    if let Some(left) = news.budget_left_ms {
        let length = words.length(left.abs());
        section = match (left < 0, words.language) {
            (true, Language::Zh) => section.row("本月余量", format!("已超支 {length}")),
            (true, Language::En) => section.row("This month", format!("overdrawn by {length}")),
            (false, Language::Zh) => section.row("本月余量", format!("尚余 {length}")),
            (false, Language::En) => section.row("This month", format!("{length} left")),
        };
    }
    if let Some((long, short)) = news.burn_milli {
        let rate = |milli: i64| format!("{}.{:02}×", milli / 1_000, milli.rem_euclid(1_000) / 10);
        let value = match words.language {
            Language::Zh => format!("长窗口 {}，短窗口 {}", rate(long), rate(short)),
            Language::En => format!("long window {}, short window {}", rate(long), rate(short)),
        };
        section = section.row(words.say("消耗速度", "Burn rate"), value);
    }
    if section.rows.is_empty() {
        section = section.point(words.say("该子系统没有可用率承诺", "this subsystem has no objective"));
    }
    section
}

/// 999 000 ppm is `99.9%`; nothing is rounded.
fn percent(ppm: u32) -> String {
    let text = format!("{}.{:04}", ppm / 10_000, ppm % 10_000);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

fn windows(news: &IncidentNews, words: &Words<'_>) -> Section {
    let section = Section::titled(words.say("近期维护与变更", "Recent maintenance and changes"));
    let section = involved(news, section, words);
    let section = news.recent.iter().fold(section, |section, work| section.point(recent(work, words)));
    if section.rows.is_empty() && section.points.is_empty() {
        return section.point(words.say("24 小时内没有维护或变更", "none within 24 hours"));
    }
    section
}

/// One piece of work of the last day.
fn recent(work: &Work, words: &Words<'_>) -> String {
    let (name, span) = (words.name(&work.name), words.span(work.span));
    match (&work.what, words.language) {
        (WorkKind::Window(window), Language::Zh) => format!("维护：{name} ({})，{span}，窗口 {window}", work.subsystem),
        (WorkKind::Window(window), Language::En) => {
            format!("maintenance: {name} ({}), {span}, window {window}", work.subsystem)
        }
        (WorkKind::Change(by), Language::Zh) => format!("变更：{name} ({})，{span}，由 {by}", work.subsystem),
        (WorkKind::Change(by), Language::En) => format!("change: {name} ({}), {span}, by {by}", work.subsystem),
    }
}

/// The window that the incident is about, or whose undeclared work it is.
fn involved(news: &IncidentNews, section: Section, words: &Words<'_>) -> Section {
    if let Some(of) = &news.attribution {
        let section = section.row(words.say("责任单位", "Answers for it"), of.answers(words.language));
        let declared = of.declarations(words.zone, words.language);
        return declared
            .into_iter()
            .chain([of.verdict(words.zone, words.language)])
            .fold(section, |section, sentence| section.point(sentence));
    }
    if let Some(beside) = &news.beside {
        return section.row(words.say("相邻的维护窗口", "Runs beside it"), beside.as_str()).point(words.say(
            "它所依赖或与它互为备份的服务正在维护，请先与该窗口的负责人联系",
            "what it needs, or what stands in for it, is under maintenance: ask those at work there first",
        ));
    }
    let Some(window) = &news.window else { return section };
    let section = section.row(words.say("窗口", "Window"), window.as_str());
    match news.window_end {
        Some(end) => section.row(words.say("批准的结束时间", "Approved end"), words.time(end)),
        None => section,
    }
}

fn next(turn: Turn, news: &IncidentNews, words: &Words<'_>) -> Section {
    let mut section = Section::titled(words.say("下一步", "Next"));
    let runbook = news.runbook.as_ref().filter(|_| turn != Turn::Closed);
    section.link = runbook.map(|address| (words.say("处置手册", "Runbook").to_owned(), address.clone()));
    if turn == Turn::Closed {
        return section.point(
            words.say(
                "无需操作；请在事件页面补记原因",
                "nothing to do now; please note the cause on the incident's page",
            ),
        );
    }
    section.point(match news.symptom {
        Symptom::Down => words.say(
            "认领事件，按依据排查；恢复后系统会再发一信",
            "acknowledge, then look into the evidence; one more mail follows when it is over",
        ),
        Symptom::MaintenanceOutsideWindow => words.say(
            "停止维护并恢复服务，或申请紧急维护；这段时间计为不可用和违规维护",
            "end the work and restore the service, or ask for an override; this time counts as down and as a policy \
             violation",
        ),
        Symptom::Overrun => words.say(
            "立即恢复服务或回退变更；窗口已到期，不能再延长",
            "restore the service or roll the change back now; an ended window cannot be extended",
        ),
        Symptom::Degraded => {
            words.say("按依据排查，以免发展为中断", "look into the evidence before it becomes an outage")
        }
        Symptom::Blind => words.say(
            "检查更夫所在主机的网络、路由与域名解析；恢复后系统会再发一信",
            "check network, routes and name resolution of the host that gengfu runs on; one more mail follows when it \
             sees again",
        ),
        Symptom::Storm => words.say(
            "先查共同的原因：网络、机房、电力、统一认证；逐个排查在后",
            "look for what they share first: network, site, power, sign-in; the single ones later",
        ),
        Symptom::SlaAtRisk => words.say(
            "暂停有风险的变更，优先处理消耗余量的问题",
            "hold risky changes, and mend first what spends the budget",
        ),
    })
}

fn links(turn: Turn, news: &IncidentNews, words: &Words<'_>, url: &str, take: &str) -> Vec<(String, String)> {
    let incident = format!("{url}/incidents/{}", news.incident);
    let first = match turn {
        Turn::Closed => (words.say("事件页面", "Incident").to_owned(), incident),
        _ => (words.say("认领事件", "Acknowledge").to_owned(), take.to_owned()),
    };
    if news.symptom == Symptom::Blind {
        // It is about us, and we have no page of a subsystem; the city's says what is unknown.
        return vec![first, (words.say("全市状态", "The city").to_owned(), format!("{url}/"))];
    }
    // An hour before it began shows what was normal; of a long incident the last 30 days are shown.
    let end = news.until.map_or(words.now, |until| until + HOUR);
    let start = (news.since - HOUR).max(end - 30 * DAY);
    let query = |t: Timestamp| Timestamp(t.0 / 1_000 * 1_000).to_string();
    let range = format!("{url}/subsystems/{}?from={}&to={}", news.subsystem, query(start), query(end));
    vec![first, (words.say("当时的状态", "What it looked like then").to_owned(), range)]
}

fn why(news: &IncidentNews, words: &Words<'_>) -> Vec<String> {
    let owner = words.name(&news.owner);
    vec![match words.language {
        Language::Zh => format!("您收到此信，是因为您在{owner}或受影响单位的值班名单上。由更夫自动发出，请勿回复。"),
        Language::En => format!(
            "You got this because you are on the on-call roster of {owner} or of an owner that is affected. Sent by \
             gengfu; replies are not read."
        ),
    }]
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_target_is_printed_as_it_was_promised() {
        let printed = [999_000, 999_950, 1_000_000, 950_001].map(percent);
        assert_eq!(printed, ["99.9%", "99.995%", "100%", "95.0001%"]);
    }
}
