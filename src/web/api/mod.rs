//! `/api/v1`: JSON in the words of the inventory, errors as RFC 9457 problems.
//!
//! Not here: the shapes (`dto`). Every list is in a stable order and bounded by the inventory or by a named maximum.

pub(super) mod audit;
mod composites;
mod corrections;
mod events;
mod filings;
pub(super) mod gate;
mod heartbeat;
mod hours;
mod leases;
pub(super) mod on_call;
mod openapi;
mod orders;
pub(in crate::web) mod outbox;
mod plans;
pub(super) mod read;
mod silences;
mod sla;
mod whoami;
mod words;

use super::access::{Doors, Needs};
use super::problem::Problem;
use crate::domain::access::Scope;

pub(super) fn doors() -> Doors {
    Doors::default()
        .get("/status", Needs::Nothing, read::status)
        .get("/subsystems", Needs::Nothing, read::subsystems)
        .get("/subsystems/{owner}/{id}", Needs::Nothing, read::subsystem)
        .get("/subsystems/{owner}/{id}/timeline", Needs::Nothing, read::timeline)
        .get("/subsystems/{owner}/{id}/attempts", Needs::Nothing, read::attempts)
        .get("/incidents", Needs::Nothing, read::incidents)
        .get("/incidents/{id}", Needs::Nothing, read::incident)
        .post("/incidents/{id}/ack", Needs::Scope(Scope::Operate), words::ack)
        .post("/incidents/{id}/handover", Needs::Scope(Scope::Operate), words::hand_over)
        .post("/incidents/{id}/notes", Needs::Scope(Scope::Operate), words::note)
        .get("/windows", Needs::Nothing, read::windows)
        .get("/notices", Needs::Nothing, super::notices::json)
        .get("/windows/{id}/impact", Needs::Nothing, read::impact)
        .get("/composites", Needs::Nothing, composites::composites)
        .post("/windows", Needs::Scope(Scope::Operate), orders::request)
        .post("/windows/override", Needs::Scope(Scope::Operate), orders::overrule)
        // An approval is good for its owner; which that is, the window says.
        .post("/windows/{id}/{action}", Needs::Token, orders::act)
        .post("/schedules/{id}/approve", Needs::Token, orders::approve_text)
        .get("/corrections", Needs::Nothing, corrections::list)
        .post("/corrections", Needs::Scope(Scope::Admin), corrections::correct)
        .get("/plans/runs", Needs::Sight, plans::runs)
        .get("/plans/runs/{id}", Needs::Sight, plans::run)
        .post("/plans/runs", Needs::Scope(Scope::Operate), plans::start)
        // Letting a step pass is an approval, good for its owner; which that is, the run says.
        .post("/plans/runs/{id}/{action}", Needs::Token, plans::act)
        .get("/silences", Needs::Scope(Scope::Read), silences::list)
        .post("/silences", Needs::Scope(Scope::Operate), silences::set)
        .post("/silences/{id}/lift", Needs::Scope(Scope::Operate), silences::lift)
        .get("/filings", Needs::Sight, filings::list)
        .get("/filings/{id}", Needs::Sight, filings::one)
        .post("/filings/{id}/{action}", Needs::Scope(Scope::Operate), filings::act)
        .get("/outbox", Needs::Sight, read::outbox)
        .post("/outbox/{id}/{action}", Needs::Scope(Scope::Admin), outbox::act)
        .get("/gate", Needs::Nothing, gate::gate)
        .post("/gate/leases", Needs::Scope(Scope::Operate), leases::take)
        .post("/gate/leases/{lease}/{what}", Needs::Scope(Scope::Operate), leases::act)
        .get("/hours", Needs::Nothing, hours::hours)
        .get("/on-call", Needs::Sight, on_call::on_call)
        .get("/sla", Needs::Nothing, sla::sla)
        .get("/sla/statement", Needs::Nothing, sla::statement)
        .get("/audit", Needs::Scope(Scope::Read), audit::audit)
        .get("/whoami", Needs::Token, whoami::whoami)
        .get("/events", Needs::Nothing, events::events)
        // The token in the path is the permission.
        .get("/heartbeat/{token}", Needs::Nothing, heartbeat::success)
        .post("/heartbeat/{token}", Needs::Nothing, heartbeat::success)
        .get("/heartbeat/{token}/{what}", Needs::Nothing, heartbeat::said)
        .post("/heartbeat/{token}/{what}", Needs::Nothing, heartbeat::said)
        .get("/openapi.json", Needs::Nothing, openapi::openapi)
        .get("/", Needs::Nothing, nothing)
        .fallback(nothing)
}

async fn nothing() -> Problem {
    Problem::not_found("no such resource; see docs/api.md for what there is")
}
