//! The doors below `/api/v1` in words, with the types that they read and write.
//!
//! The bodies here are examples for readers; a test sends each to its door.

use super::operation::Operation;
use crate::web::api::orders::OrderedDto;
use crate::web::api::{
    audit, composites, corrections, filings, gate, heartbeat, hours, leases, on_call, orders, outbox, plans, read,
    silences, sla, whoami, words,
};
use crate::web::dto::{IncidentDto, SubsystemDto, WindowDto};
use crate::web::notices;
use crate::web::on_call::OnCallDto;
use crate::web::survey::SurveyDto;
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

const OK: StatusCode = StatusCode::OK;
const CREATED: StatusCode = StatusCode::CREATED;
const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;
const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

/// Every door, by its subject.
pub(super) fn operations() -> Vec<Operation> {
    [about(), services(), incidents(), filings(), windows(), plans(), mail(), gate(), figures(), heartbeats()]
        .into_iter()
        .flatten()
        .collect()
}

fn about() -> Vec<Operation> {
    vec![
        Operation::get("/", "Nothing; the problem says where to look.").refuses(&[NOT_FOUND]),
        Operation::get("/openapi.json", "This document; with `If-None-Match`, 304 to whoever has it.")
            .tells::<Map<String, Value>>(OK)
            .tells_nothing(StatusCode::NOT_MODIFIED),
        Operation::get("/status", "How the city is, in counts.").tells::<read::Status>(OK),
        Operation::get("/whoami", "Whose token this is, and what it is good for.").tells::<whoami::Myself>(OK),
        Operation::get("/events", "Says `snapshot` when something changed, at most once a second.")
            .tells_text("text/event-stream")
            .refuses(&[UNAVAILABLE]),
        Operation::get("/audit", "The audit log in pages, or as an export.")
            .asks::<audit::Asked>()
            .tells::<audit::Page>(OK)
            .tells_text("application/jsonl")
            .tells_text("text/csv")
            .refuses(&[UNAVAILABLE]),
    ]
}

fn services() -> Vec<Operation> {
    vec![
        Operation::get("/subsystems", "Every subsystem.").asks::<read::OwnerFilter>().tells::<Vec<SubsystemDto>>(OK),
        Operation::get("/subsystems/{owner}/{id}", "One subsystem with its probes, windows and accounts.")
            .tells::<read::SubsystemDetail>(OK),
        Operation::get("/subsystems/{owner}/{id}/timeline", "What the probes saw; the last 24 hours without a span.")
            .asks::<read::Between>()
            .tells::<read::TimelineDto>(OK),
        Operation::get("/subsystems/{owner}/{id}/attempts", "The last attempts of each probe, the newest first.")
            .tells::<Vec<read::Attempts>>(OK),
        Operation::get("/composites", "Services that are made of others.").tells::<Vec<composites::CompositeDto>>(OK),
    ]
}

fn incidents() -> Vec<Operation> {
    vec![
        Operation::get("/incidents", "The last 1000 incidents, the newest first.")
            .asks::<read::IncidentFilter>()
            .tells::<Vec<IncidentDto>>(OK),
        Operation::get("/incidents/{id}", "One incident.").tells::<IncidentDto>(OK),
        Operation::post("/incidents/{id}/ack", "I have it. An acknowledgement holds until the incident is over.")
            .may_take::<words::Body>(json!({ "text": "asks the operator" }))
            .orders::<OrderedDto>(OK),
        Operation::post("/incidents/{id}/handover", "You have it.")
            .takes::<words::HandOver>(json!({ "to": "bdc-duty", "text": "the operator calls back at six" }))
            .orders::<OrderedDto>(OK),
        Operation::post("/incidents/{id}/notes", "A note.")
            .takes::<words::Body>(json!({ "text": "a disk was changed" }))
            .orders::<OrderedDto>(OK),
    ]
}

fn filings() -> Vec<Operation> {
    vec![
        Operation::get("/filings", "What may have to be reported to an authority, the most urgent first.")
            .tells::<Vec<filings::FilingDto>>(OK),
        Operation::get("/filings/{id}", "One of them, with its draft.").tells::<filings::FilingDto>(OK),
        Operation::post("/filings/{id}/{action}", "What a person did about it; nothing is sent to an authority.")
            .one_of(&["grade", "known", "reported", "dismiss"])
            .may_take::<filings::Body>(json!({ "grade": "serious", "reason": "the whole city is concerned" }))
            .orders::<OrderedDto>(OK),
    ]
}

fn windows() -> Vec<Operation> {
    let name = json!({ "zh": "更换磁盘", "en": "Change of a disk" });
    vec![
        Operation::get("/windows", "Maintenance windows; from yesterday to 400 days ahead without a span.")
            .asks::<read::Between>()
            .asks::<read::OwnerFilter>()
            .tells::<Vec<WindowDto>>(OK),
        Operation::get("/windows/{id}/impact", "What would be down with a window.").tells::<composites::ImpactDto>(OK),
        Operation::get("/notices", "What the channels say of each window of the next 62 days.")
            .asks::<notices::Wanted>()
            .tells::<Vec<notices::NoticeDto>>(OK)
            .refuses(&[NOT_FOUND]),
        Operation::post("/windows", "Asks for a window that is in no file.")
            .takes::<orders::RequestBody>(json!({
                "owner": "bdc", "name": name, "scope": ["bdc/e-archive"], "start": "2026-12-19T23:00", "for": "2h",
                "reason": "a disk is worn out",
            }))
            .orders::<OrderedDto>(CREATED),
        Operation::post("/windows/override", "Declares an emergency: the work is possible, and its downtime counts.")
            .takes::<orders::OverrideBody>(json!({
                "scope": ["bdc/e-archive"], "for": "90m", "ticket": "T-4711", "reason": "the disk is full",
            }))
            .orders::<OrderedDto>(CREATED),
        Operation::post(
            "/windows/{id}/{action}",
            "An order about a window: `approve` needs the scope `approve:<owner>`, everything else `operate`.",
        )
        .one_of(&["approve", "skip", "move", "shorten", "start", "extend", "finish", "cancel", "abort"])
        .may_take::<orders::ActionBody>(json!({ "end": "2026-12-20T01:30", "reason": "the copy takes longer" }))
        .orders::<OrderedDto>(OK),
        Operation::post(
            "/schedules/{id}/approve",
            "Approves a schedule's text, and with it all its windows until it changes; needs `approve:<owner>`.",
        )
        .may_take::<orders::ActionBody>(json!({ "reason": "as agreed" }))
        .orders::<OrderedDto>(OK),
    ]
}

fn plans() -> Vec<Operation> {
    vec![
        Operation::get("/plans/runs", "The last 500 runs of plans, the newest first.").tells::<Vec<plans::RunDto>>(OK),
        Operation::get("/plans/runs/{id}", "One run with its steps.").tells::<plans::RunDto>(OK),
        Operation::post("/plans/runs", "Starts the plan of a window that runs.")
            .takes::<plans::StartBody>(json!({ "window": "bdc-monthly.1f2e3d4c", "reason": "all are here" }))
            .orders::<OrderedDto>(CREATED),
        Operation::post(
            "/plans/runs/{id}/{action}",
            "An order about a run: `approve` lets a step pass and needs `approve:<owner>`, everything else `operate`.",
        )
        .one_of(&["abort", "resume", "approve"])
        .may_take::<plans::ActionBody>(json!({ "verdict": "done", "reason": "seen in the console" }))
        .orders::<OrderedDto>(OK),
    ]
}

fn mail() -> Vec<Operation> {
    vec![
        Operation::get("/on-call", "Who answers for each owner, why, and who comes next.")
            .asks::<on_call::Asked>()
            .tells::<Vec<OnCallDto>>(OK)
            .refuses(&[NOT_FOUND]),
        Operation::get("/silences", "What is held back from whom, and the last silences that are over.")
            .tells::<Vec<silences::SilenceDto>>(OK),
        Operation::post("/silences", "Holds mail back.")
            .takes::<silences::Body>(
                json!({ "subsystem": "bdc/e-archive", "lasts": "8h", "reason": "known until Monday" }),
            )
            .orders::<OrderedDto>(CREATED),
        Operation::post("/silences/{id}/lift", "Holds mail back no longer.")
            .takes::<silences::Why>(json!({ "reason": "mended" }))
            .orders::<OrderedDto>(OK),
        Operation::get("/outbox", "Messages that wait, were given up, or left lately.").tells::<read::OutboxDto>(OK),
        Operation::post("/outbox/{id}/{action}", "Tries a message for another day, or gives it up.")
            .one_of(&["retry", "drop"])
            .tells::<outbox::ActedDto>(OK)
            .refuses(&[UNAVAILABLE]),
    ]
}

fn gate() -> Vec<Operation> {
    vec![
        Operation::get(
            "/gate",
            "May I change this, for this long? 200 allows; 423 denies, with `Retry-After` where an opening is known.",
        )
        .asks::<gate::Question>()
        .tells::<gate::GateDto>(OK)
        .tells::<gate::GateDto>(StatusCode::LOCKED)
        .refuses(&[NOT_FOUND]),
        Operation::post("/gate/leases", "Asks the gate, and takes a lease if it opens.")
            .takes::<leases::Body>(json!({ "subsystem": "bdc/e-archive", "for": "40m", "reason": "release 7" }))
            .orders::<leases::LeaseDto>(CREATED),
        Operation::post("/gate/leases/{lease}/{what}", "The change begins, or is over.")
            .one_of(&["use", "release"])
            .orders::<OrderedDto>(OK),
    ]
}

fn figures() -> Vec<Operation> {
    vec![
        Operation::get("/sla", "Accounts of every subsystem and composite over a period.")
            .asks::<sla::Asked>()
            .tells::<Vec<sla::Row>>(OK)
            .refuses(&[UNAVAILABLE]),
        Operation::get(
            "/sla/statement",
            "Where the time of one of them, or of the city, went; all parts sum to the totals.",
        )
        .asks::<sla::AskedOne>()
        .tells::<sla::StatementDto>(OK)
        .refuses(&[NOT_FOUND, UNAVAILABLE]),
        Operation::get("/hours", "The service-hours survey of the last 92 days.")
            .asks::<hours::Asked>()
            .tells::<Vec<SurveyDto>>(OK)
            .refuses(&[UNAVAILABLE]),
        Operation::get("/corrections", "How spans that are over count, about the last 64 days.")
            .asks::<corrections::Asked>()
            .tells::<Vec<corrections::CorrectionDto>>(OK),
        Operation::post("/corrections", "Says how a span that is over counts.")
            .takes::<corrections::Body>(json!({
                "subsystem": "bdc/e-archive", "from": "2026-11-24T03:00", "to": "2026-11-24T03:20", "as": "up",
                "reason": "the probe's own line was cut",
            }))
            .orders::<OrderedDto>(CREATED),
    ]
}

fn heartbeats() -> Vec<Operation> {
    let beat = |operation: Operation| {
        operation
            .asks::<heartbeat::Member>()
            .tells_text("text/plain")
            .refuses(&[StatusCode::FORBIDDEN, StatusCode::CONFLICT])
    };
    let (ran, said) = ("The job ran; the token is the permission.", "What a job says of itself.");
    vec![
        beat(Operation::get("/heartbeat/{token}", ran)),
        beat(Operation::post("/heartbeat/{token}", ran)),
        beat(Operation::get("/heartbeat/{token}/{what}", said)),
        beat(Operation::post("/heartbeat/{token}/{what}", said)),
    ]
}
