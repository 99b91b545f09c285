//! Instants, lengths, shares and counts as people read them, in both languages.
//!
//! Not here: words without figures (`text`). Times are civil times of the installation's zone.

use crate::domain::civil::Zone;
use crate::domain::*;
use jiff::civil::DateTime;

/// `11月24日 星期二 22:48`, `Tue 24 Nov 22:48`.
pub(super) fn instant(language: Language, zone: &Zone, at: Timestamp) -> String {
    let local = zone.local(at);
    let weekday = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or_default();
    let (month, day) = (local.month(), local.day());
    let clock = format!("{:02}:{:02}", local.hour(), local.minute());
    match language {
        Language::Zh => {
            let name = ["一", "二", "三", "四", "五", "六", "日"][weekday];
            format!("{month}月{day}日 星期{name} {clock}")
        }
        Language::En => {
            let name = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][weekday];
            format!("{name} {day} {} {clock}", MONTHS[usize::try_from(month - 1).unwrap_or_default()])
        }
    }
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `11月24日`, `24 Nov`.
pub(super) fn day(language: Language, date: jiff::civil::Date) -> String {
    match language {
        Language::Zh => format!("{}月{}日", date.month(), date.day()),
        Language::En => format!("{} {}", date.day(), MONTHS[usize::try_from(date.month() - 1).unwrap_or_default()]),
    }
}

/// `22:48` on the same civil day as `now`, else with its date, else with its year.
pub(super) fn moment(now: Timestamp, language: Language, zone: &Zone, at: Timestamp) -> String {
    let clock = |local: DateTime| format!("{:02}:{:02}", local.hour(), local.minute());
    at_clock(now, language, zone, at, clock)
}

/// The same, to the second.
pub(super) fn moment_s(now: Timestamp, language: Language, zone: &Zone, at: Timestamp) -> String {
    let clock = |local: DateTime| format!("{:02}:{:02}:{:02}", local.hour(), local.minute(), local.second());
    at_clock(now, language, zone, at, clock)
}

fn at_clock(
    now: Timestamp,
    language: Language,
    zone: &Zone,
    at: Timestamp,
    clock: impl Fn(DateTime) -> String,
) -> String {
    let (local, today) = (zone.local(at), zone.local(now));
    let clock = clock(local);
    if local.date() == today.date() {
        return clock;
    }
    let month = usize::try_from(local.month() - 1).unwrap_or_default();
    let year = local.year();
    match (language, year == today.year()) {
        (Language::Zh, true) => format!("{}月{}日 {clock}", local.month(), local.day()),
        (Language::Zh, false) => format!("{year}年{}月{}日 {clock}", local.month(), local.day()),
        (Language::En, true) => format!("{} {} {clock}", local.day(), MONTHS[month]),
        (Language::En, false) => format!("{} {} {year} {clock}", local.day(), MONTHS[month]),
    }
}

/// `22:00 – 02:00`, with the date in front where it is not today's, and behind where it is a day or more later.
pub(super) fn range(now: Timestamp, language: Language, zone: &Zone, span: Span) -> String {
    let start = moment(now, language, zone, span.start);
    let end = zone.local(span.end);
    if span.len_ms() < DAY {
        return format!("{start} – {:02}:{:02}", end.hour(), end.minute());
    }
    // As seen from the start, so that the end carries its date even if that is today's.
    format!("{start} – {}", moment(span.start, language, zone, span.end))
}

/// The two largest units: `1 小时 12 分`, `12 min 40 s`.
pub(super) fn length(language: Language, ms: Millis) -> String {
    let names = match language {
        Language::Zh => ["天", "小时", "分", "秒"],
        Language::En => ["d", "h", "min", "s"],
    };
    let ms = ms.max(0);
    let parts = [ms / DAY, ms / HOUR % 24, ms / MINUTE % 60, ms / SECOND % 60];
    let Some(first) = parts.iter().position(|n| *n > 0) else { return format!("0 {}", names[3]) };
    let second = parts.get(first + 1).filter(|n| **n > 0);
    match second {
        Some(n) => format!("{} {} {n} {}", parts[first], names[first], names[first + 1]),
        None => format!("{} {}", parts[first], names[first]),
    }
}

/// `480 ms`, `4.1 s`.
pub(super) fn took(ms: Millis) -> String {
    if ms < 1_000 { format!("{ms} ms") } else { format!("{:.1} s", ms as f64 / 1_000.0) }
}

/// What is left of a budget: `12 min 40 s`, or by how much it is overdrawn.
pub(super) fn left(language: Language, ms: Millis) -> String {
    match (ms < 0, language) {
        (false, _) => length(language, ms),
        (true, Language::Zh) => format!("已超 {}", length(language, -ms)),
        (true, Language::En) => format!("over by {}", length(language, -ms)),
    }
}

/// The target as it was agreed: `99.9 %`.
pub(super) fn target(ppm: u32) -> String {
    format!("{} %", f64::from(ppm) / 1e4)
}

/// A name without what every name of its sort has: `黄浦`, `Huangpu`, `公安局`.
pub(super) fn short(language: Language, names: &Names) -> String {
    let name = names.get(language);
    let aside = name.ends_with(['）', ')']).then(|| name.rfind(['（', '('])).flatten();
    let bare = aside.map_or(name, |i| &name[..i]).trim();
    let cut = match language {
        Language::Zh => {
            let local = bare.rsplit_once("上海市").map_or(bare, |(_, rest)| rest);
            let local = local.strip_prefix("人民政府").unwrap_or(local);
            let area = local.strip_suffix("新区").or_else(|| local.strip_suffix('区')).unwrap_or(local);
            match area.strip_suffix("委员会") {
                Some(commission) => format!("{commission}委"),
                None => area.to_owned(),
            }
        }
        Language::En => {
            let local = bare.strip_prefix("Shanghai Municipal ").or_else(|| bare.strip_prefix("Shanghai "));
            let local = local.unwrap_or(bare);
            let area = local.strip_suffix(" District").or_else(|| local.strip_suffix(" New Area")).unwrap_or(local);
            let office =
                area.strip_prefix("Bureau of ").or_else(|| area.strip_prefix("Commission of ")).unwrap_or(area);
            office.strip_suffix(" of Shanghai Municipality").unwrap_or(office).to_owned()
        }
    };
    if cut.chars().count() < 2 { name.to_owned() } else { cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(zh: &str, en: &str) -> Names {
        Names { zh: zh.into(), en: en.into() }
    }

    #[test]
    fn lengths_show_their_two_largest_units() {
        assert_eq!(length(Language::Zh, 72 * MINUTE), "1 小时 12 分");
        assert_eq!(length(Language::En, 760 * SECOND), "12 min 40 s");
        assert_eq!(length(Language::En, 2 * DAY), "2 d");
        assert_eq!(length(Language::Zh, 0), "0 秒");
    }

    #[test]
    fn instants_carry_a_date_only_when_it_is_not_today() {
        let zone = Zone::named("Asia/Shanghai").unwrap();
        let now = Timestamp(1_795_531_680_000);
        assert_eq!(instant(Language::Zh, &zone, now), "11月24日 星期二 22:48");
        assert_eq!(instant(Language::En, &zone, now), "Tue 24 Nov 22:48");
        assert_eq!(moment(now, Language::En, &zone, now - HOUR), "21:48");
        assert_eq!(moment(now, Language::Zh, &zone, now + 2 * HOUR), "11月25日 00:48");
        assert_eq!(range(now, Language::Zh, &zone, Span::new(now - 3 * DAY, now)), "11月21日 22:48 – 11月24日 22:48");
        assert_eq!(range(now, Language::En, &zone, Span::new(now, now + 2 * HOUR)), "22:48 – 00:48");
        assert_eq!(moment(now, Language::En, &zone, now + 60 * DAY), "23 Jan 2027 22:48");
    }

    #[test]
    fn short_names_lose_what_all_share_but_never_everything() {
        assert_eq!(short(Language::Zh, &names("上海市公安局", "")), "公安局");
        assert_eq!(short(Language::En, &names("", "Pudong New Area")), "Pudong");
        assert_eq!(short(Language::Zh, &names("浦东新区", "")), "浦东");
        assert_eq!(short(Language::Zh, &names("国家税务总局上海市税务局", "")), "税务局");
        assert_eq!(short(Language::Zh, &names("上海市水务局（上海市海洋局）", "")), "水务局");
        let aside = "中国（上海）自由贸易试验区临港新片区管理委员会";
        assert!(short(Language::Zh, &names(aside, "")).ends_with("临港新片区管理委"));
        assert_eq!(short(Language::Zh, &names("上海市商务委员会", "")), "商务委");
        assert_eq!(short(Language::En, &names("", "Shanghai Municipal Bureau of Justice")), "Justice");
        assert_eq!(short(Language::Zh, &names("上海市", "")), "上海市");
    }
}
