//! What the officer gets who has to report an outage: one mail for each turn.

use super::{Example, center, names};
use crate::domain::filing::{Category, Duty, Grade, Outcome, Sheet, Turn};
use crate::domain::*;

pub(super) fn every() -> Vec<Example> {
    let mail = |name: &str, turn, sheet| Example::new(name, Content::Filing { turn, sheet: Box::new(sheet) });
    let known = |minutes: i64| Sheet { known: super::AT - minutes * MINUTE, ..sheet() };
    let graded = Sheet { grade: Grade::Considerable, graded_by: Some("值班主任".into()), ..known(30) };
    let reported =
        Outcome::Reported { at: super::AT - 2 * MINUTE, to: "市委网信办".into(), by: "值班主任".into() };
    let not_due = Outcome::NotDue { by: "值班主任".into(), text: "演练".into() };
    let settled = |outcome| Sheet { outcome: Some(outcome), ..known(50) };
    vec![
        mail("filing_due", Turn::Due, known(1)),
        mail("filing_half", Turn::Half, graded),
        mail("filing_soon", Turn::Soon, known(45)),
        mail("filing_overdue", Turn::Overdue, Sheet { stated: true, until: Some(super::AT - MINUTE), ..known(61) }),
        mail("filing_rose", Turn::Rose, Sheet { suggested: Grade::EspeciallySerious, ..settled(reported.clone()) }),
        mail("filing_reported", Turn::Settled, settled(reported)),
        mail("filing_not_due", Turn::Settled, settled(not_due)),
    ]
}

fn sheet() -> Sheet {
    let since = super::AT - 95 * MINUTE;
    let portal = names("黄浦区一网通办频道", "Huangpu channel of the portal");
    let seen = "sso.bdc.test:443 refused the connection";
    Sheet {
        incident: IncidentId(42),
        subsystem: "bdc/sso".into(),
        name: names("统一身份认证", "Single sign-on"),
        owner: center(),
        unit: names("上海市大数据中心", "Shanghai Big Data Center"),
        symptom: Symptom::Down,
        since,
        until: None,
        seen: Some(Reason { kind: ReasonKind::Connect, text: seen.into() }),
        affected: vec![Affected { subsystem: "huangpu/portal".into(), name: portal, since: since + MINUTE }],
        affected_total: 12,
        people: Some(16_000_000),
        taken: Some("平台值班一组".into()),
        notes: vec![(super::AT - 40 * MINUTE, "已切换至备用集群".into())],
        duty: Duty { category: Category::Critical, within_ms: HOUR, to: Category::Critical.authority() },
        grade: Grade::Considerable,
        graded_by: None,
        suggested: Grade::Considerable,
        why: vec![names("统一身份认证，中断达 1 小时 30 分钟", "Single sign-on down for 1h30m")],
        known: super::AT,
        stated: false,
        outcome: None,
        acts: Vec::new(),
    }
}
