//! The report as a text to complete and send by hand: what is known is filled in, what only people know is a blank.
//!
//! The headings follow Article 6 of 国家网络安全事件报告管理办法 in our words. Invariants: nothing is guessed; what came from outside
//! stays on its line; the same sheet at the same instant gives the same text.

use super::*;
use crate::domain::civil::Zone;

/// Where a person writes.
const BLANK: &str = "________";

/// The draft as it reads at `now`.
pub fn draft(sheet: &Sheet, zone: &Zone, language: Language, now: Timestamp) -> String {
    let lines = match language {
        Language::Zh => chinese(sheet, zone, now),
        Language::En => english(sheet, zone, now),
    };
    lines.iter().map(|line| one_line(line)).collect::<Vec<_>>().join("\n")
}

fn chinese(s: &Sheet, zone: &Zone, now: Timestamp) -> Vec<String> {
    let at = |t: Timestamp| minute(zone, t);
    let name = |names: &Names| names.zh.clone();
    let mut lines = vec![
        "网络安全事件报告（草稿，须由人工核实、补全并报送）".to_owned(),
        format!("报送：{}", s.duty.to.zh),
        format!("报告单位：{}", or_blank(&s.unit.zh)),
        format!("内部编号：{}    生成时间：{}", s.incident, at(now)),
        String::new(),
        "一、单位和系统基本情况".to_owned(),
        format!("系统：{}（{}）；责任单位：{}", s.name.zh, s.subsystem, s.owner.zh),
        format!("运营者类别：{}；报告时限：{} 前", s.duty.category.text(Language::Zh), at(s.clock().deadline())),
        String::new(),
        "二、事件基本情况".to_owned(),
        format!("发生时间：{}；获知时间：{}；地点：{BLANK}", at(s.since), at(s.known)),
        format!("事件类型：{}；是否遭受攻击：{BLANK}", kind(s.symptom).0),
        graded_zh(s),
        match s.until {
            None => format!("影响：{}无法使用，至今 {}，尚未恢复", s.name.zh, length(now.since(s.since), Language::Zh)),
            Some(until) => {
                let (at, lasted) = (at(until), length(until.since(s.since), Language::Zh));
                format!("影响：{}曾无法使用 {lasted}，已于 {at} 恢复", s.name.zh)
            }
        },
    ];
    if s.affected_total > 0 {
        lines.push(format!("同时受影响的系统 {} 个：{}", s.affected_total, listed(s, "、", name)));
    }
    lines.push(match s.people {
        Some(n) => format!("相关系统的服务人口约 {n} 人（登记数，非实测）；实际影响人数：{BLANK}"),
        None => format!("影响人数：{BLANK}"),
    });
    if let Some(by) = &s.taken {
        lines.push(format!("已采取的措施：由 {by} 负责处置"));
    }
    lines.extend(s.notes.iter().map(|(t, text)| format!("处置记录 {}：{text}", at(*t))));
    lines.push(format!("已采取的措施及效果：{BLANK}"));
    let seen = s.seen.as_ref().map_or_else(|| BLANK.to_owned(), |reason| reason.text.clone());
    lines.extend([
        String::new(),
        "三、事态发展趋势及可能造成的进一步影响和危害".to_owned(),
        BLANK.to_owned(),
        String::new(),
        "四、原因初步分析".to_owned(),
        format!("监测所见：{seen}"),
        format!("初步判断：{BLANK}"),
        String::new(),
        "五、溯源调查线索（未遭受攻击的写“无”）".to_owned(),
        BLANK.to_owned(),
        String::new(),
        "六、拟进一步采取的应对措施及请求支援事项".to_owned(),
        BLANK.to_owned(),
        String::new(),
        "七、现场保护情况".to_owned(),
        BLANK.to_owned(),
        String::new(),
        "八、其他应当报告的情况".to_owned(),
        BLANK.to_owned(),
        String::new(),
        format!("报告人：{BLANK}    联系电话：{BLANK}    报送时间：{BLANK}"),
    ]);
    lines
}

fn graded_zh(s: &Sheet) -> String {
    let why = s.why.iter().map(|why| why.zh.as_str()).collect::<Vec<_>>().join("；");
    let why = if why.is_empty() { String::new() } else { format!("（{why}）") };
    match &s.graded_by {
        Some(by) => format!("事件级别：{}，由 {by} 研判{why}", s.grade.text(Language::Zh)),
        None => format!("事件级别：建议 {}，待人工研判{why}", s.grade.text(Language::Zh)),
    }
}

fn english(s: &Sheet, zone: &Zone, now: Timestamp) -> Vec<String> {
    let at = |t: Timestamp| minute(zone, t);
    let name = |names: &Names| names.en.clone();
    let mut lines = vec![
        "Report of a network security incident (draft: people check it, complete it and send it)".to_owned(),
        format!("To: {}", s.duty.to.en),
        format!("Reporting unit: {}", or_blank(&s.unit.en)),
        format!("Our number: {}    Made at: {}", s.incident, at(now)),
        String::new(),
        "1. Unit and system".to_owned(),
        format!("System: {} ({}); owner: {}", s.name.en, s.subsystem, s.owner.en),
        format!("Sort of operator: {}; report by {}", s.duty.category.text(Language::En), at(s.clock().deadline())),
        String::new(),
        "2. The incident".to_owned(),
        format!("Began: {}; known since: {}; place: {BLANK}", at(s.since), at(s.known)),
        format!("Sort: {}; attack: {BLANK}", kind(s.symptom).1),
        graded_en(s),
        match s.until {
            None => {
                let lasted = length(now.since(s.since), Language::En);
                format!("Impact: {} unusable for {lasted} by now, not restored", s.name.en)
            }
            Some(until) => {
                let lasted = length(until.since(s.since), Language::En);
                format!("Impact: {} was unusable for {lasted}, restored at {}", s.name.en, at(until))
            }
        },
    ];
    if s.affected_total > 0 {
        lines.push(format!("Others that fail with it, {}: {}", s.affected_total, listed(s, ", ", name)));
    }
    lines.push(match s.people {
        Some(n) => format!("People who rely on these systems: {n} (registered, not measured); really hit: {BLANK}"),
        None => format!("People hit: {BLANK}"),
    });
    if let Some(by) = &s.taken {
        lines.push(format!("Measures: {by} works on it"));
    }
    lines.extend(s.notes.iter().map(|(t, text)| format!("Note of {}: {text}", at(*t))));
    lines.push(format!("Measures taken and their effect: {BLANK}"));
    let seen = s.seen.as_ref().map_or_else(|| BLANK.to_owned(), |reason| reason.text.clone());
    lines.extend([
        String::new(),
        "3. Trend, and what else may be hit".to_owned(),
        BLANK.to_owned(),
        String::new(),
        "4. First analysis of the cause".to_owned(),
        format!("Seen by probes: {seen}"),
        format!("First judgement: {BLANK}"),
        String::new(),
        "5. Leads for tracing (\"none\" if there was no attack)".to_owned(),
        BLANK.to_owned(),
        String::new(),
        "6. Further measures, and support that is asked for".to_owned(),
        BLANK.to_owned(),
        String::new(),
        "7. How the scene is preserved".to_owned(),
        BLANK.to_owned(),
        String::new(),
        "8. Anything else".to_owned(),
        BLANK.to_owned(),
        String::new(),
        format!("Reported by: {BLANK}    Telephone: {BLANK}    Sent at: {BLANK}"),
    ]);
    lines
}

fn graded_en(s: &Sheet) -> String {
    let why = s.why.iter().map(|why| why.en.as_str()).collect::<Vec<_>>().join("; ");
    let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
    match &s.graded_by {
        Some(by) => format!("Grade: {}, judged by {by}{why}", s.grade.text(Language::En)),
        None => format!("Grade: {} is suggested, a person has to judge{why}", s.grade.text(Language::En)),
    }
}

/// The sort of event, as far as probes can tell.
fn kind(symptom: Symptom) -> (&'static str, &'static str) {
    match symptom {
        Symptom::Storm => ("多系统运行中断", "outage of many systems"),
        Symptom::Overrun => ("运行中断（维护超时）", "outage (maintenance overran)"),
        Symptom::MaintenanceOutsideWindow => ("运行中断（未报备维护）", "outage (undeclared maintenance)"),
        _ => ("运行中断", "outage"),
    }
}

fn listed(s: &Sheet, between: &str, name: impl Fn(&Names) -> String) -> String {
    let more = if s.affected_total > s.affected.len() { "…" } else { "" };
    let names: Vec<String> = s.affected.iter().map(|a| name(&a.name)).collect();
    format!("{}{more}", names.join(between))
}

fn or_blank(text: &str) -> &str {
    if text.is_empty() { BLANK } else { text }
}

/// `2026-11-23 22:40`: civil time, whose zone the reader knows.
fn minute(zone: &Zone, at: Timestamp) -> String {
    zone.local(at).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Whole minutes: `1 小时 30 分钟`, `1h30m`.
pub(super) fn length(ms: Millis, language: Language) -> String {
    let minutes = ms.max(0) / MINUTE;
    match (language, minutes / 60, minutes % 60) {
        (Language::En, 0, 0) => "0m".to_owned(),
        (Language::En, ..) => policy::people_length(minutes * MINUTE),
        (Language::Zh, 0, minutes) => format!("{minutes} 分钟"),
        (Language::Zh, hours, 0) => format!("{hours} 小时"),
        (Language::Zh, hours, minutes) => format!("{hours} 小时 {minutes} 分钟"),
    }
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect()
}
