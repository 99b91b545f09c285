//! The report as JSON, for scripts: lengths in milliseconds, shares as numbers, `null` where there is no figure.

use super::{CorrectionLine, IncidentLine, Line, OwnerLine, Report, Sum, WindowLine};
use crate::domain::sla::{Bounded, Cause, Ratio, Share, Standing, Verdict};
use crate::domain::timeline::Health;
use crate::domain::{Figure, Names, Span, Timestamp};
use serde_json::{Map, Value, json};

/// The whole report; the names are those of `docs/reports.md`.
pub fn json(report: &Report) -> Value {
    let columns = report.columns.iter().map(|(column, share)| {
        let mut object = share_object(share);
        object.insert("period".to_owned(), column.map(|c| c.to_string()).into());
        Value::Object(object)
    });
    json!({
        "period": report.period.to_string(),
        "start": report.span.start.to_string(),
        "end": report.span.end.to_string(),
        "as_of": report.at.to_string(),
        "is_over": report.span.end <= report.at,
        "audience": report.audience.as_str(),
        "made_from": report.made.as_ref().map(|made| json!({ "facts": made.facts, "files": made.files })),
        "owner": report.owner.as_ref().map(|(id, name)| json!({ "id": id, "name": name })),
        "totals": sum(&report.whole),
        "owners": report.owners.iter().map(owner).collect::<Vec<_>>(),
        "subsystems": report.subsystems.iter().map(line).collect::<Vec<_>>(),
        "composites": report.composites.iter().map(line).collect::<Vec<_>>(),
        "columns": columns.collect::<Vec<_>>(),
        "incidents": report.incidents.iter().map(incident).collect::<Vec<_>>(),
        "beside_incidents": share_object(&report.beside_incidents),
        "windows": report.windows.iter().map(window).collect::<Vec<_>>(),
        "beside_windows": share_object(&report.beside_windows),
        "corrections": report.corrections.iter().map(correction).collect::<Vec<_>>(),
        "measured": report.measured.as_ref().map(|measured| {
            json!({ "public": bounded(&measured.public()), "contract": bounded(&measured.contract()) })
        }),
        "league": league(report),
    })
}

fn league(report: &Report) -> Value {
    let ranked = report.league.ranked.iter().map(|place| {
        json!({ "rank": place.rank, "owner": place.owner, "name": place.name, "agreed": bounded(&place.figure) })
    });
    let unranked = report.league.unranked.iter();
    let unranked = unranked.map(|one| json!({ "owner": one.owner, "name": one.name, "why": one.why.as_str() }));
    json!({ "ranked": ranked.collect::<Vec<_>>(), "unranked": unranked.collect::<Vec<_>>() })
}

fn sum(sum: &Sum) -> Value {
    let mut object = share_object(&sum.totals.share);
    let more = json!({
        "public": bounded(&sum.totals.public()),
        "contract": bounded(&sum.totals.contract()),
        "agreed": bounded(&sum.agreed.bounded()),
        "agreed_before": sum.before.map(|before| bounded(&before.bounded())),
        "quality": share(sum.totals.quality()),
        "budget_ms": sum.totals.budget_ms,
        "allowed_ms": sum.allowed_ms,
        "met": sum.totals.met,
        "missed": sum.totals.missed,
        "undetermined": sum.totals.undetermined,
        "partial": sum.partial,
        "provisional": sum.provisional,
    });
    extend(&mut object, more);
    Value::Object(object)
}

fn owner(owner: &OwnerLine) -> Value {
    let Value::Object(mut object) = sum(&owner.sum) else { return Value::Null };
    extend(&mut object, json!({ "id": owner.id, "name": owner.name, "kind": owner.kind, "promises": owner.promises }));
    Value::Object(object)
}

fn line(line: &Line) -> Value {
    let account = &line.account;
    let mut object = share_object(&account.share());
    let before = line.before.as_ref().map(|before| bounded(before.figure(line.figure)));
    let more = json!({
        "id": line.id,
        "owner": line.owner,
        "name": line.name,
        "tier": line.tier,
        "is_public": line.public,
        "hours": line.hours,
        "objective": line.objective,
        "target_ratio": f64::from(line.target_ppm) / 1e6,
        "figure": match line.figure { Figure::Public => "public", Figure::Contract => "contract" },
        "verdict": match account.verdict {
            Verdict::Met => "met",
            Verdict::Missed => "missed",
            Verdict::Undetermined => "undetermined",
        },
        "public": bounded(&account.public),
        "contract": bounded(&account.contract),
        "agreed_before": before,
        "measured": line.measured.as_ref().map(|measured| {
            json!({ "public": bounded(&measured.public), "contract": bounded(&measured.contract) })
        }),
        "quality": share(account.quality()),
        "elapsed_ms": account.elapsed_ms,
        "budget_ms": account.budget_ms,
        "budget_left_ms": account.budget_left_ms(),
        "allowed_ms": line.allowed_ms,
        "partial": account.partial,
        "provisional": line.provisional,
    });
    extend(&mut object, more);
    Value::Object(object)
}

fn correction(line: &CorrectionLine) -> Value {
    let CorrectionLine { subsystem, name, said, seen } = line;
    let seen: Map<String, Value> = seen.iter().map(|(health, ms)| (health.as_str().to_owned(), (*ms).into())).collect();
    let told = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    json!({
        "subsystem": subsystem,
        "name": name,
        "start": said.span.start.to_string(),
        "end": said.span.end.to_string(),
        "measured_ms": seen,
        "counts_as": said.counts_as.map_or("measured", Health::as_str),
        "written": said.at.to_string(),
        "by": told(&said.by.name),
        "reason": told(&said.reason),
    })
}

fn incident(incident: &IncidentLine) -> Value {
    let mut object = share_object(&incident.share);
    let more = json!({
        "id": incident.id.to_string(),
        "subsystem": incident.subsystem,
        "name": incident.name,
        "owner_name": incident.owner,
        "symptom": incident.symptom.as_str(),
        "severity": incident.severity.as_str(),
        "start": incident.span.start.to_string(),
        "end": end(incident.span),
        "times": incident.times,
        "affected": incident.affected,
        "reason": incident.reason,
        "window": incident.window,
        "answers": incident.attribution.as_ref().map(|a| &a.owner),
    });
    extend(&mut object, more);
    Value::Object(object)
}

fn window(window: &WindowLine) -> Value {
    let mut object = share_object(&window.share);
    let name: &Names = &window.name;
    let more = json!({
        "id": window.id,
        "name": name,
        "owner_name": window.owner,
        "approved_start": window.approved.start.to_string(),
        "approved_end": window.approved.end.to_string(),
        "used_ms": window.used.len_ms(),
        "overrun_ms": window.overrun_ms(),
        "standing": match window.standing {
            Standing::Valid => "valid",
            Standing::Emergency => "emergency",
            Standing::Violation => "violation",
        },
        "state": window.state.map(|state| state.as_str()),
        "ticket": window.emergency.as_ref().map(|e| &e.ticket),
        "scope": window.scope,
    });
    extend(&mut object, more);
    Value::Object(object)
}

fn share_object(share: &Share) -> Map<String, Value> {
    let spent: Map<String, Value> = Cause::ALL
        .into_iter()
        .filter_map(|cause| Some((cause_label(cause).to_owned(), Value::from(*share.spent_ms.get(&cause)?))))
        .collect();
    let mut object = Map::new();
    extend(
        &mut object,
        json!({
            "good_ms": share.seen.good_ms,
            "degraded_ms": share.seen.degraded_ms,
            "bad_ms": share.seen.bad_ms,
            "unknown_ms": share.seen.unknown_ms,
            "excluded_ms": share.excluded_ms,
            "spent_ms": spent,
            "policy_violation_ms": share.policy_violation_ms,
        }),
    );
    object
}

fn cause_label(cause: Cause) -> &'static str {
    match cause {
        Cause::Emergency => "emergency",
        Cause::Overrun => "overrun",
        Cause::UndeclaredMaintenance => "undeclared_maintenance",
        Cause::PolicyViolation => "policy_violation",
        Cause::Incident => "incident",
    }
}

fn extend(object: &mut Map<String, Value>, more: Value) {
    if let Value::Object(more) = more {
        object.extend(more);
    }
}

fn end(span: Span) -> Option<String> {
    Some(span.end).filter(|end| *end < Timestamp::MAX).map(|end| end.to_string())
}

fn bounded(figure: &Bounded) -> Value {
    json!({ "value": share(figure.value), "low": share(figure.low), "high": share(figure.high) })
}

fn share(ratio: Option<Ratio>) -> Option<f64> {
    ratio.map(Ratio::as_f64)
}
