//! Findings in words, in both languages, with their evidence.

use super::chain::Link;
use super::finding::{Days, Finding, FindingKind, Minute};
use crate::domain::civil::people_date;
use crate::domain::{Language, Names, SubsystemId};

/// Dates that a sentence names.
const NAMED_MAX: usize = 4;

/// `23:00`; `24:00` for the end of a day, and the clock's own time behind it.
pub fn clock(minute: Minute) -> String {
    let minute = if minute > 1440 { minute - 1440 } else { minute };
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// `every day`, `每天`.
pub fn days_text(days: Days) -> Names {
    const WEEKDAYS: [(&str, &str); 7] = [
        ("每周一", "on Mondays"),
        ("每周二", "on Tuesdays"),
        ("每周三", "on Wednesdays"),
        ("每周四", "on Thursdays"),
        ("每周五", "on Fridays"),
        ("每周六", "on Saturdays"),
        ("每周日", "on Sundays"),
    ];
    let (zh, en) = match days {
        Days::Every => ("每天", "every day"),
        Days::Working => ("工作日", "on working days"),
        Days::NonWorking => ("非工作日", "on non-working days"),
        Days::Weekends => ("每个周末（不看调休）", "on weekends, make-up workdays or not"),
        Days::Weekday(index) => WEEKDAYS[index % 7],
        Days::Holidays => ("法定节假日", "on public holidays"),
        Days::MonthEnd(1) => ("每月最后一天", "on the last day of the month"),
        Days::MonthEnd(last) => {
            let zh = format!("每月最后 {last} 天");
            return Names { zh, en: format!("on the last {last} days of the month") };
        }
        Days::MonthStart => ("每月第一天", "on the first day of the month"),
        Days::MakeUp => ("调休上班日", "on make-up workdays"),
    };
    Names { zh: zh.to_owned(), en: en.to_owned() }
}

/// `bdc/public-payment → treasury/payments (workdays 08:30-17:00)`, each by what `name` calls it.
pub fn chain_text(chain: &[Link], language: Language, name: impl Fn(&SubsystemId) -> String) -> String {
    let or = match language {
        Language::Zh => " 或 ",
        Language::En => " or ",
    };
    let links = chain.iter().enumerate().map(|(place, link)| {
        let members: Vec<String> = link.members.iter().map(&name).collect();
        let who = members.join(or);
        if place + 1 == chain.len() { format!("{who} ({})", link.declared) } else { who }
    });
    links.collect::<Vec<_>>().join(" → ")
}

impl Finding {
    /// What was found and what it rests on, as one sentence each.
    pub fn sentence(&self, language: Language, name: impl Fn(&SubsystemId) -> String) -> String {
        let claim = self.claim(language, name);
        match (self.evidence(language), language) {
            (None, _) => claim,
            (Some(evidence), Language::Zh) => format!("{claim}。{evidence}。"),
            (Some(evidence), Language::En) => format!("{claim}. {evidence}."),
        }
    }

    /// What was found.
    pub fn claim(&self, language: Language, name: impl Fn(&SubsystemId) -> String) -> String {
        let on = |days: &Days| days_text(*days).get(language).to_owned();
        let zh = language == Language::Zh;
        match &self.kind {
            FindingKind::NeverOpen if zh => "申报时间内从未正常应答".to_owned(),
            FindingKind::NeverOpen => "Never answers inside its declared hours".to_owned(),
            FindingKind::ClosedDays(days) if zh => format!("{}全天停服，与申报不符", on(days)),
            FindingKind::ClosedDays(days) => format!("Closed all day {}, against what is declared", on(days)),
            FindingKind::ClosedHours { days, from, to } if zh => {
                format!("{} {} 停服，与申报不符", on(days), range(*from, *to, "次日"))
            }
            FindingKind::ClosedHours { days, from, to } => {
                format!("Closed {} {}, against what is declared", range(*from, *to, ""), on(days))
            }
            FindingKind::IgnoresMakeUp if zh => "按普通周末停服，未按调休安排在补班日提供服务".to_owned(),
            FindingKind::IgnoresMakeUp => {
                "Keeps the plain Monday-to-Friday week: closed on make-up workdays, on which the city works".to_owned()
            }
            FindingKind::Shortened { chain, lost_ms, declared_ms } => {
                let left = 100.0 * (declared_ms - lost_ms) as f64 / (*declared_ms).max(1) as f64;
                let chain = chain_text(chain, language, name);
                match language {
                    Language::Zh => format!("受依赖限制，实际只能服务申报时间的 {left:.1} %：依赖 {chain}"),
                    Language::En => format!("Dependencies leave {left:.1} % of the declared hours: it needs {chain}"),
                }
            }
            FindingKind::OpenLonger { days, from, to } if zh => {
                format!("{} {} 也在服务，申报可以更长", on(days), range(*from, *to, "次日"))
            }
            FindingKind::OpenLonger { days, from, to } => {
                format!("Also open {} {}: more could be declared", range(*from, *to, ""), on(days))
            }
        }
    }

    /// What it rests on; `None` where it follows from the files alone.
    pub fn evidence(&self, language: Language) -> Option<String> {
        let interval = self.interval()?;
        let (low, high) = (100.0 * interval.low, 100.0 * interval.high);
        let (k, n) = (self.confirmed, self.occasions);
        let dates = |dates: &[jiff::civil::Date], sep: &str| {
            let last = &dates[dates.len().saturating_sub(NAMED_MAX)..];
            last.iter().map(|date| people_date(*date, language)).collect::<Vec<_>>().join(sep)
        };
        Some(match language {
            Language::Zh => {
                let except = match self.exceptions.is_empty() {
                    true => String::new(),
                    false => format!("；例外：{}", dates(&self.exceptions, "、")),
                };
                let last = dates(&self.dates, "、");
                format!("观测 {n} 天中 {k} 天如此（95 % 置信区间 {low:.1}–{high:.1} %），最近：{last}{except}")
            }
            Language::En => {
                let except = match self.exceptions.is_empty() {
                    true => String::new(),
                    false => format!("; not so on {}", dates(&self.exceptions, ", ")),
                };
                let last = dates(&self.dates, ", ");
                format!("So on {k} of {n} days seen (95 % interval {low:.1}–{high:.1} %), last on {last}{except}")
            }
        })
    }
}

fn range(from: Minute, to: Minute, next_day: &str) -> String {
    let next_day = if to > 1440 { next_day } else { "" };
    format!("{}–{next_day}{}", clock(from), clock(to))
}
