//! Words and figures of a report in both languages.

use super::{CorrectionLine, IncidentLine, Line, Report, WhyNot, WindowLine};
use crate::domain::civil::Zone;
use crate::domain::sla::{Bounded, Cause, Ratio, Standing, Verdict};
use crate::domain::timeline::Health;
use crate::domain::*;

/// A language with the zone in which times are told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a> {
    pub(super) language: Language,
    zone: &'a Zone,
    year: i16,
}

impl<'a> Words<'a> {
    pub(super) fn of(report: &'a Report, language: Language) -> Self {
        Self { language, zone: &report.zone, year: report.zone.date(report.at).year() }
    }

    /// One of two.
    pub(super) fn say(&self, zh: &'static str, en: &'static str) -> &'static str {
        match self.language {
            Language::Zh => zh,
            Language::En => en,
        }
    }

    pub(super) fn name<'n>(&self, names: &'n Names) -> &'n str {
        names.get(self.language)
    }

    /// `2026-10-03 21:04`: the same in both languages, and it sorts.
    pub(super) fn time(&self, at: Timestamp) -> String {
        let local = self.zone.local(at);
        let date = local.date();
        let day = if date.year() == self.year {
            format!("{:02}-{:02}", date.month(), date.day())
        } else {
            format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
        };
        format!("{day} {:02}:{:02}", local.hour(), local.minute())
    }

    /// From, to, and how long.
    pub(super) fn span(&self, span: Span) -> String {
        if span.end == Timestamp::MAX {
            return format!("{} {}", self.time(span.start), self.say("起，仍在持续", "on, still open"));
        }
        let (start, end) = (self.time(span.start), self.time(span.end));
        let end = if start[..start.len() - 6] == end[..end.len() - 6] { end[end.len() - 5..].to_owned() } else { end };
        format!("{start} – {end}")
    }

    /// The period's first and last instant.
    pub(super) fn whole(&self, report: &Report) -> String {
        self.span(report.span)
    }

    /// The two largest units: `1 小时 12 分`, `12 min 40 s`.
    pub(super) fn length(&self, ms: Millis) -> String {
        let names = match self.language {
            Language::Zh => ["天", "小时", "分", "秒"],
            Language::En => ["d", "h", "min", "s"],
        };
        let parts = [ms.abs() / DAY, ms.abs() / HOUR % 24, ms.abs() / MINUTE % 60, ms.abs() / SECOND % 60];
        let sign = if ms < 0 { "−" } else { "" };
        let Some(first) = parts.iter().position(|n| *n > 0) else {
            return if ms == 0 { "0".to_owned() } else { format!("{sign}< 1 {}", names[3]) };
        };
        match parts.get(first + 1).filter(|n| **n > 0) {
            Some(n) => format!("{sign}{} {} {n} {}", parts[first], names[first], names[first + 1]),
            None => format!("{sign}{} {}", parts[first], names[first]),
        }
    }

    /// A share against a target; a dash where there is none.
    pub(super) fn share(&self, share: Option<Ratio>, target_ppm: u32) -> String {
        share.map_or_else(|| "–".to_owned(), |share| share.percent_against(target_ppm).replace(' ', "\u{a0}"))
    }

    /// Low and high, where unknown time makes a difference.
    pub(super) fn bounds(&self, figure: &Bounded, target_ppm: u32) -> String {
        let (low, high) = (self.share(figure.low, target_ppm), self.share(figure.high, target_ppm));
        if low == high { String::new() } else { format!("{low} – {high}").replace("\u{a0}% –", " –") }
    }

    /// `+0.0123`: points of a per cent over the period before.
    pub(super) fn change(&self, ppm: Option<i64>) -> String {
        match ppm {
            None => "–".to_owned(),
            Some(0) => "±0".to_owned(),
            Some(ppm) => format!("{}{}.{:04}", if ppm < 0 { "−" } else { "+" }, ppm.abs() / 10_000, ppm.abs() % 10_000),
        }
    }

    pub(super) fn target(&self, ppm: u32) -> String {
        format!("{}\u{a0}%", f64::from(ppm) / 1e4)
    }

    pub(super) fn figure(&self, figure: Figure) -> &'static str {
        match figure {
            Figure::Public => self.say("公众", "public"),
            Figure::Contract => self.say("合同", "contract"),
        }
    }

    pub(super) fn verdict(&self, verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Met => self.say("达标", "met"),
            Verdict::Missed => self.say("未达标", "missed"),
            Verdict::Undetermined => self.say("无法判定", "undetermined"),
        }
    }

    pub(super) fn cause(&self, cause: Cause) -> &'static str {
        match cause {
            Cause::Emergency => self.say("紧急维护", "emergency"),
            Cause::Overrun => self.say("维护超时", "overrun"),
            Cause::UndeclaredMaintenance => self.say("未申报维护", "undeclared maintenance"),
            Cause::PolicyViolation => self.say("其他违规", "other policy violation"),
            Cause::Incident => self.say("故障", "incident"),
        }
    }

    pub(super) fn symptom(&self, symptom: Symptom) -> &'static str {
        match symptom {
            Symptom::Down => self.say("不可用", "down"),
            Symptom::MaintenanceOutsideWindow => self.say("未申报维护", "undeclared maintenance"),
            Symptom::Overrun => self.say("维护超时", "overrun"),
            Symptom::Degraded => self.say("降级", "degraded"),
            Symptom::SlaAtRisk => self.say("预算告急", "budget at risk"),
            Symptom::Blind => self.say("观测失明", "blind"),
            Symptom::Storm => self.say("大面积异常", "widespread trouble"),
        }
    }

    pub(super) fn why_not(&self, why: WhyNot) -> &'static str {
        match why {
            WhyNot::External => self.say("外部单位，不参与排名", "an external party is not compared"),
            WhyNot::Partial => self.say("期初尚未开始监测", "not watched from the beginning of the period on"),
            WhyNot::NoFigure => self.say("没有已知数据", "nothing is known"),
            WhyNot::UnknownTooHigh => self.say("未知时间超过 5 %", "more than 5 % of the time is unknown"),
        }
    }

    /// How a window stands to the rules.
    pub(super) fn standing(&self, window: &WindowLine) -> String {
        let ticket = window.emergency.as_ref().map(|e| e.ticket.as_str());
        match (window.standing, ticket) {
            (Standing::Emergency, Some(ticket)) => format!("{} {ticket}", self.say("紧急，工单", "emergency, ticket")),
            (Standing::Emergency, None) => self.say("紧急", "emergency").to_owned(),
            (Standing::Valid, _) => self.say("合规", "valid").to_owned(),
            (Standing::Violation, _) => self.say("违规", "violation").to_owned(),
        }
    }

    /// Who answers for an incident.
    pub(super) fn who(&self, incident: &IncidentLine) -> String {
        match &incident.attribution {
            Some(attribution) => attribution.name.get(self.language).to_owned(),
            None => self.name(&incident.owner).to_owned(),
        }
    }

    /// What a span was, or counts as.
    pub(super) fn health(&self, health: Health) -> &'static str {
        match health {
            Health::Up => self.say("正常", "up"),
            Health::Degraded => self.say("降级", "degraded"),
            Health::Down => self.say("中断", "down"),
            Health::Unknown => self.say("未知", "unknown"),
        }
    }

    /// The cells of a correction: whose, from – to, seen as, counts as, by whom and when, why.
    pub(super) fn correction(&self, line: &CorrectionLine) -> [String; 6] {
        let said = &line.said;
        let seen = line.seen.iter().map(|(health, ms)| format!("{} {}", self.health(*health), self.length(*ms)));
        let written = self.time(said.at);
        [
            self.name(&line.name).to_owned(),
            self.span(said.span),
            seen.collect::<Vec<_>>().join(self.say("，", ", ")),
            said.counts_as.map_or(self.say("按探测所见", "as seen"), |health| self.health(health)).to_owned(),
            if said.by.name.is_empty() { written } else { format!("{}, {written}", said.by.name) },
            if said.reason.is_empty() { "–".to_owned() } else { said.reason.clone() },
        ]
    }

    /// The heads over [`Self::correction`].
    pub(super) fn correction_heads(&self) -> [&'static str; 6] {
        [
            self.say("子系统", "Subsystem"),
            self.say("起止", "From – to"),
            self.say("探测所见", "Seen as"),
            self.say("计为", "Counts as"),
            self.say("何人何时", "By whom, when"),
            self.say("理由", "Why"),
        ]
    }

    /// What the report is about.
    pub(super) fn title(&self, report: &Report) -> String {
        let period = report.period.label(self.language);
        let whose = match &report.owner {
            Some((_, name)) => self.name(name),
            None => self.say("全市", "City"),
        };
        match self.language {
            Language::Zh => format!("{whose}服务可用性报告 · {period}"),
            Language::En => format!("{whose}: availability report, {period}"),
        }
    }

    /// The first sentence.
    pub(super) fn summary(&self, report: &Report) -> String {
        let totals = &report.whole.totals;
        let (n, met, missed, open) = (report.subsystems.len(), totals.met, totals.missed, totals.undetermined);
        match self.language {
            Language::Zh => format!("{n} 个子系统的承诺：{met} 个达标，{missed} 个未达标，{open} 个无法判定。"),
            Language::En => format!("Promises of {n} subsystems: {met} met, {missed} missed, {open} undetermined."),
        }
    }

    /// What must be known before any figure is quoted.
    pub(super) fn caveats(&self, report: &Report) -> Vec<String> {
        let mut caveats = Vec::new();
        if report.span.end > report.at {
            let at = self.time(report.at);
            caveats.push(match self.language {
                Language::Zh => format!("本期尚未结束：数字截至 {at}。"),
                Language::En => format!("The period is not over: figures as of {at}."),
            });
        }
        let (partial, provisional) = (report.whole.partial, report.whole.provisional);
        if partial > 0 {
            caveats.push(match self.language {
                Language::Zh => format!("{partial} 个子系统在期内才开始监测，标为“部分”。"),
                Language::En => {
                    format!("{partial} subsystem(s) began inside the period; their figures are marked “partial”.")
                }
            });
        }
        if provisional > 0 {
            caveats.push(match self.language {
                Language::Zh => format!("{provisional} 个子系统的服务时间依赖尚未发布的节假日安排，标为“暂定”。"),
                Language::En => format!(
                    "The hours of {provisional} subsystem(s) rest on holidays that are not published; marked “provisional”."
                ),
            });
        }
        let corrections = report.corrections.len();
        if corrections > 0 {
            caveats.push(match self.language {
                Language::Zh => format!("本期有 {corrections} 处更正；更正前的数字并列其旁。"),
                Language::En => format!("{corrections} correction(s) are counted; figures as measured stand beside."),
            });
        }
        caveats
    }

    /// Labels of a figure that is not whole, or not as it was measured.
    pub(super) fn marks(&self, line: &Line) -> String {
        let marks = [
            (line.account.partial, self.say("部分", "partial")),
            (line.provisional, self.say("暂定", "provisional")),
            (line.measured.is_some(), self.say("有更正", "corrected")),
        ];
        let marks = marks.into_iter().filter_map(|(holds, mark)| holds.then_some(mark));
        marks.collect::<Vec<_>>().join(self.say("、", ", "))
    }

    /// What everybody may know of how to read the figures.
    pub(super) fn legend(&self) -> [&'static str; 4] {
        [
            self.say(
                "公众：按探测所见计算，维护也计入；合同：扣除合规维护窗口（不超过上限）。未知时间不计入，区间为未知全算中断与全算正常时的值。",
                "Public: as the probes saw it, maintenance included. Contract: valid maintenance left out, up to the cap. Unknown time is left out; bounds count it as down, and as up.",
            ),
            self.say(
                "达标：下限达到目标；未达标：上限达不到目标；否则无法判定。",
                "Met: the low bound reaches the target. Missed: the high bound does not. Else undetermined.",
            ),
            self.say(
                "全市与各单位的数字是其子系统之和：每个子系统的每一秒权重相同。事项不计入合计。",
                "The city and owners are the sum of their subsystems: each second of each weighs the same. Matters are not in the sum.",
            ),
            self.say(
                "排名按约定口径，只比较整期都有监测的子系统；环比为百分点。",
                "The league compares agreed figures of what was watched for the whole period; changes are points of a per cent.",
            ),
        ]
    }
}
