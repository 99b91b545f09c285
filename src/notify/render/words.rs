//! Words, times and lengths in both languages.

use crate::domain::civil::Zone;
use crate::domain::timeline::Health;
use crate::domain::{Language, Millis, Names, ReasonKind, SECOND, Span, Symptom, Tier, Timestamp};

/// The recipient's language and the instant of the message.
pub(super) struct Words<'a> {
    pub(super) language: Language,
    pub(super) zone: &'a Zone,
    pub(super) now: Timestamp,
}

impl Words<'_> {
    /// One of two wordings.
    pub(super) fn say<'t>(&self, zh: &'t str, en: &'t str) -> &'t str {
        match self.language {
            Language::Zh => zh,
            Language::En => en,
        }
    }

    pub(super) fn lang(&self) -> &'static str {
        self.say("zh-CN", "en")
    }

    pub(super) fn name<'t>(&self, names: &'t Names) -> &'t str {
        names.get(self.language)
    }

    /// Civil time with its distance from UTC: `2026-11-23 22:40:29 +08:00`.
    pub(super) fn time(&self, at: Timestamp) -> String {
        let local = self.zone.local(at);
        let as_utc = jiff::tz::TimeZone::UTC.to_timestamp(local).map_or(at.0, |t| t.as_millisecond());
        // Truncated to minutes, as zones are; the sign is kept for zones west of Greenwich.
        let minutes = (as_utc - at.0) / 60_000;
        let sign = if minutes < 0 { '-' } else { '+' };
        let (h, m) = (minutes.abs() / 60, minutes.abs() % 60);
        format!("{} {sign}{h:02}:{m:02}", local.strftime("%Y-%m-%d %H:%M:%S"))
    }

    /// Civil time of day: `22:40`.
    pub(super) fn clock(&self, at: Timestamp) -> String {
        self.zone.local(at).strftime("%H:%M").to_string()
    }

    /// What a subsystem was seen to be.
    pub(super) fn health(&self, health: Health) -> &'static str {
        match health {
            Health::Up => self.say("正常", "up"),
            Health::Degraded => self.say("降级", "degraded"),
            Health::Down => self.say("中断", "down"),
            Health::Unknown => self.say("未知", "unknown"),
        }
    }

    /// Civil time to the minute, for subjects: `12-26 23:00`.
    pub(super) fn minute(&self, at: Timestamp) -> String {
        self.zone.local(at).strftime("%m-%d %H:%M").to_string()
    }

    /// A civil date: `2026-12-26`.
    pub(super) fn date(&self, at: Timestamp) -> String {
        self.zone.date(at).to_string()
    }

    /// `2026-12-26 23:00:00 – 2026-12-27 03:00:00 +08:00 (4 h)`; what both ends share is said once.
    pub(super) fn span(&self, span: Span) -> String {
        let (start, end) = (self.time(span.start), self.time(span.end));
        let ((start_at, start_offset), (end_at, end_offset)) = (split_offset(&start), split_offset(&end));
        let start = if start_offset == end_offset { start_at } else { &start };
        let same_day = start_offset == end_offset && self.date(span.start) == self.date(span.end);
        let end = end_at.split_once(' ').filter(|_| same_day).map_or(end_at, |(_, clock)| clock);
        format!("{start} – {end} {end_offset} ({})", self.length(span.len_ms()))
    }

    /// The two largest units: `2 小时 5 分`, `2 h 5 min`.
    pub(super) fn length(&self, ms: Millis) -> String {
        let seconds = ms.max(0) / SECOND;
        let units = [
            (seconds / 86_400, self.say("天", "d")),
            (seconds / 3_600 % 24, self.say("小时", "h")),
            (seconds / 60 % 60, self.say("分", "min")),
            (seconds % 60, self.say("秒", "s")),
        ];
        let first = units.iter().position(|(n, _)| *n > 0).unwrap_or(3);
        let shown = units[first..].iter().take(2).filter(|(n, _)| *n > 0 || seconds == 0);
        shown.map(|(n, unit)| format!("{n} {unit}")).collect::<Vec<_>>().join(" ")
    }

    /// What stands in the brackets of a subject.
    pub(super) fn state(&self, symptom: Symptom) -> &'static str {
        match symptom {
            Symptom::Down => self.say("中断", "DOWN"),
            Symptom::MaintenanceOutsideWindow => self.say("窗外维护", "UNDECLARED MAINTENANCE"),
            Symptom::Overrun => self.say("维护超时", "OVERRUN"),
            Symptom::Degraded => self.say("降级", "DEGRADED"),
            Symptom::SlaAtRisk => self.say("承诺告急", "SLA AT RISK"),
            Symptom::Blind => self.say("观测失明", "BLIND"),
            Symptom::Storm => self.say("大面积异常", "WIDESPREAD"),
        }
    }

    /// The symptom as a noun.
    pub(super) fn symptom(&self, symptom: Symptom) -> &'static str {
        match symptom {
            Symptom::Down => self.say("中断", "outage"),
            Symptom::MaintenanceOutsideWindow => self.say("窗口外维护", "maintenance outside any window"),
            Symptom::Overrun => self.say("维护超时", "maintenance overrun"),
            Symptom::Degraded => self.say("降级", "degradation"),
            Symptom::SlaAtRisk => self.say("可用率承诺告急", "availability promise at risk"),
            Symptom::Blind => self.say("观测失明", "blindness"),
            Symptom::Storm => self.say("大面积异常", "widespread trouble"),
        }
    }

    pub(super) fn tier(&self, tier: Tier) -> String {
        let n = u8::from(tier);
        format!("{}{n}{}", self.say("第 ", "tier "), self.say(" 级", ""))
    }

    /// A probe's reason as a noun; its sentence follows as it came.
    pub(super) fn reason(&self, kind: ReasonKind) -> &'static str {
        match kind {
            ReasonKind::Timeout => self.say("超时", "timeout"),
            ReasonKind::Resolve => self.say("域名解析", "name resolution"),
            ReasonKind::Connect => self.say("连接", "connection"),
            ReasonKind::Tls => self.say("TLS", "TLS"),
            ReasonKind::Certificate => self.say("证书", "certificate"),
            ReasonKind::Status => self.say("状态码", "status"),
            ReasonKind::Content => self.say("内容", "content"),
            ReasonKind::Slow => self.say("缓慢", "slow"),
            ReasonKind::Maintenance => self.say("维护页", "maintenance page"),
            ReasonKind::Protocol => self.say("协议", "protocol"),
            ReasonKind::Heartbeat => self.say("心跳", "heartbeat"),
            ReasonKind::Local => self.say("本机", "our own host"),
        }
    }

    pub(super) fn stands_in(&self, mail: &str, error: &str) -> String {
        match self.language {
            Language::Zh => format!("此信原应寄给 {mail}，对方无法送达，故改寄给您。原因：{error}"),
            Language::En => format!("This was meant for {mail}, who could not be reached, so you got it: {error}"),
        }
    }
}

/// `2026-12-26 23:00:00` and `+08:00`.
fn split_offset(time: &str) -> (&str, &str) {
    time.rsplit_once(' ').unwrap_or((time, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DAY, HOUR, Timestamp};

    #[test]
    fn a_span_says_once_what_both_ends_share() {
        let said = |zone: &str, start: i64, lasts: i64| {
            let zone = Zone::named(zone).unwrap();
            let words = Words { language: Language::En, zone: &zone, now: Timestamp(0) };
            words.span(Span::lasting(Timestamp(start), lasts))
        };
        // 2026-11-23 22:50:29 in Shanghai.
        let evening = 1_795_445_429_000;
        assert_eq!(said("Asia/Shanghai", evening, HOUR), "2026-11-23 22:50:29 – 23:50:29 +08:00 (1 h)");
        assert_eq!(said("Asia/Shanghai", evening, 2 * HOUR), "2026-11-23 22:50:29 – 2026-11-24 00:50:29 +08:00 (2 h)");
        // Summer time ends in Berlin within these two days.
        let october = 1_792_792_800_000;
        assert_eq!(
            said("Europe/Berlin", october, 2 * DAY),
            "2026-10-24 00:00:00 +02:00 – 2026-10-25 23:00:00 +01:00 (2 d)"
        );
    }
}
