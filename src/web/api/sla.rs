//! `/api/v1/sla`: accounts by period and owner, and statements of where the time went.

use super::corrections::CorrectionDto;
use crate::domain::composite::Composite;
use crate::domain::sla::{Account, Bounded, Period, Reader, Share, Statement, Subject, Totals};
use crate::domain::{CompositeId, Millis, Objective, OwnerId, Snapshot, SubsystemId, SubsystemView, Timestamp};
use crate::metrics::targets::cause_label;
use crate::web::archive::Archive;
use crate::web::dto::{AccountDto, BoundedDto, Rfc3339, at};
use crate::web::extract::Query;
use crate::web::guard::Viewer;
use crate::web::problem::Problem;
use crate::web::state::WebState;
use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Deserialize, JsonSchema)]
pub(in crate::web) struct Asked {
    /// `day`, `week`, `month` (without it), `quarter`, `year`, `rolling_7d`, `rolling_30d`, or a named one like `2026-11`.
    period: Option<String>,
    /// Only this owner's subsystems, and no composites.
    owner: Option<String>,
}

/// The account of one subsystem or composite.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AccountOf")]
pub(in crate::web) struct Row {
    #[serde(flatten)]
    subject: SubjectDto,
    objective: String,
    /// The hours rest on a year whose holidays are not published.
    provisional: bool,
    #[serde(flatten)]
    account: AccountDto,
}

/// Who promises something: `"subsystem": "bdc/identity"`, and likewise for composites.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum SubjectDto {
    Subsystem(String),
    Composite(String),
}

/// `GET /api/v1/sla?period=&owner=`: every subsystem, and every composite unless an owner is named.
pub(in crate::web) async fn sla(
    State(state): State<WebState>,
    Query(asked): Query<Asked>,
) -> Result<Json<Vec<Row>>, Problem> {
    let period = period(asked.period.as_deref(), state.now(), &state.picture())?;
    let past = Archive::about(&state, period).await?;
    let snapshot = &past.snapshot;
    let mut reader = Reader::new(snapshot.at, snapshot);
    let of_owner = |view: &SubsystemView| asked.owner.as_ref().is_none_or(|o| *o == view.id.owner().as_str());
    let views = snapshot.subsystems.iter().filter(|view| of_owner(view));
    let mut rows: Vec<Row> = views.filter_map(|view| Row::of_subsystem(&mut reader, snapshot, view, period)).collect();
    if asked.owner.is_none() {
        let composites = snapshot.inventory.composites.values();
        rows.extend(composites.filter_map(|c| Row::of_composite(&mut reader, snapshot, c, period)));
    }
    Ok(Json(rows))
}

fn period(text: Option<&str>, now: Timestamp, snapshot: &Snapshot) -> Result<Period, Problem> {
    Period::named(text.unwrap_or("month"), now, &snapshot.inventory.zone).map_err(Problem::bad_request)
}

impl Row {
    fn of_subsystem(
        reader: &mut Reader<'_>,
        snapshot: &Snapshot,
        view: &SubsystemView,
        period: Period,
    ) -> Option<Self> {
        let subsystem = snapshot.inventory.subsystems.get(&view.id)?;
        let objective = snapshot.inventory.objectives.get(&subsystem.objective)?;
        let account = reader.account(view, period)?;
        let provisional = reader.is_provisional(view, period);
        Some(Self::new(SubjectDto::Subsystem(view.id.to_string()), objective, provisional, period, &account))
    }

    fn of_composite<'a>(
        reader: &mut Reader<'a>,
        snapshot: &'a Snapshot,
        composite: &'a Composite,
        period: Period,
    ) -> Option<Self> {
        let objective = snapshot.inventory.objectives.get(composite.objective.as_ref()?)?;
        let account = reader.composite(composite, &reader.evidence_of(composite), period)?;
        let provisional = reader.is_provisional_for(composite, period);
        Some(Self::new(SubjectDto::Composite(composite.id.to_string()), objective, provisional, period, &account))
    }

    fn new(subject: SubjectDto, objective: &Objective, provisional: bool, period: Period, account: &Account) -> Self {
        let account = AccountDto::of(period.to_string(), objective.target_ppm, account);
        Self { subject, objective: objective.id.to_string(), provisional, account }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(in crate::web) struct AskedOne {
    /// `day`, `week`, `month` (without it), `quarter`, `year`, `rolling_7d`, `rolling_30d`, or a named one like `2026-11`.
    period: Option<String>,
    /// About this subsystem, `owner/id`. At most one of the three; the city without any.
    subsystem: Option<String>,
    /// About this composite.
    composite: Option<String>,
    /// About everything that belongs to this owner.
    owner: Option<String>,
}

/// What can be said about one subject; shares of every breakdown sum to `totals`.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct StatementDto {
    subject: String,
    period: String,
    start: Rfc3339,
    end: Rfc3339,
    provisional: bool,
    totals: TotalsDto,
    promises: Vec<PromiseDto>,
    by_window: Vec<PartDto>,
    by_incident: Vec<PartDto>,
    /// Corrections that the totals contain, and the totals without them; left out where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    corrections: Vec<CorrectionDto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<TotalsDto>,
}

/// Figures of all promises together.
#[derive(Debug, Serialize, JsonSchema)]
struct TotalsDto {
    public: BoundedDto,
    contract: BoundedDto,
    quality: Option<f64>,
    budget_ms: Millis,
    met: usize,
    missed: usize,
    undetermined: usize,
    #[serde(flatten)]
    share: ShareDto,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ShareDto {
    good_ms: Millis,
    degraded_ms: Millis,
    bad_ms: Millis,
    unknown_ms: Millis,
    excluded_ms: Millis,
    spent_ms: BTreeMap<&'static str, Millis>,
    policy_violation_ms: Millis,
}

/// What one of them promised, and how it went.
#[derive(Debug, Serialize, JsonSchema)]
struct PromiseDto {
    #[serde(flatten)]
    subject: SubjectDto,
    public: BoundedDto,
    contract: BoundedDto,
    budget_ms: Millis,
    #[serde(flatten)]
    share: ShareDto,
}

/// A part of the time; without a name it is the rest.
#[derive(Debug, Serialize, JsonSchema)]
struct PartDto {
    name: Option<String>,
    #[serde(flatten)]
    share: ShareDto,
}

/// `GET /api/v1/sla/statement?period=&subsystem=|composite=|owner=`; the city when none is named.
pub(in crate::web) async fn statement(
    viewer: Viewer,
    State(state): State<WebState>,
    Query(asked): Query<AskedOne>,
) -> Result<Json<StatementDto>, Problem> {
    let period = period(asked.period.as_deref(), state.now(), &state.picture())?;
    let subject = match (&asked.subsystem, &asked.composite, &asked.owner) {
        (None, None, None) => Subject::City,
        (Some(id), None, None) => Subject::Subsystem(SubsystemId::new(id.clone())),
        (None, Some(id), None) => Subject::Composite(CompositeId::new(id.clone())),
        (None, None, Some(id)) => Subject::Owner(OwnerId::new(id.clone())),
        _ => {
            return Err(Problem::bad_request("name one of `subsystem`, `composite` and `owner`, or none for the city"));
        }
    };
    let name = name(&subject);
    let past = Archive::about(&state, period).await?;
    let snapshot = &past.snapshot;
    let said = Reader::new(snapshot.at, snapshot).statement(subject.clone(), period);
    let said = said.ok_or_else(|| Problem::not_found(format!("nothing is promised by {name}")))?;
    let mut statement = StatementDto::of(name, &said);
    let concerned = concerned(snapshot, &subject);
    statement.corrections = concerned.flat_map(|view| CorrectionDto::all(viewer, view, said.span)).collect();
    if !statement.corrections.is_empty() {
        let measured = Reader::of_measured(snapshot.at, snapshot).statement(subject, period);
        statement.measured = measured.map(|measured| (&measured.totals).into());
    }
    Ok(Json(statement))
}

/// Whatever the figures of a subject are made of.
fn concerned<'s>(snapshot: &'s Snapshot, subject: &'s Subject) -> impl Iterator<Item = &'s SubsystemView> {
    let members = match subject {
        Subject::Composite(id) => snapshot.inventory.composites.get(id).map(|c| c.needs.members()).unwrap_or_default(),
        _ => Default::default(),
    };
    let is_in = move |view: &&SubsystemView| match subject {
        Subject::Subsystem(id) => view.id == *id,
        Subject::Composite(_) => members.contains(&view.id),
        Subject::Owner(owner) => view.id.owner() == *owner,
        Subject::City => true,
    };
    snapshot.subsystems.iter().map(|view| &**view).filter(is_in)
}

fn name(subject: &Subject) -> String {
    match subject {
        Subject::Subsystem(id) => id.to_string(),
        Subject::Composite(id) => id.to_string(),
        Subject::Owner(id) => id.to_string(),
        Subject::City => "city".to_owned(),
    }
}

impl StatementDto {
    fn of(subject: String, statement: &Statement) -> Self {
        let promise = |(subject, account): &(Subject, Account)| PromiseDto {
            subject: match subject {
                Subject::Composite(id) => SubjectDto::Composite(id.to_string()),
                other => SubjectDto::Subsystem(name(other)),
            },
            public: (&account.public).into(),
            contract: (&account.contract).into(),
            budget_ms: account.budget_ms,
            share: (&account.share()).into(),
        };
        Self {
            subject,
            period: statement.period.to_string(),
            start: at(statement.span.start),
            end: at(statement.span.end),
            provisional: statement.provisional,
            totals: (&statement.totals).into(),
            promises: statement.promises.iter().map(promise).collect(),
            by_window: parts(&statement.by_window),
            by_incident: parts(&statement.by_incident),
            corrections: Vec::new(),
            measured: None,
        }
    }
}

fn parts<K: ToString>(shares: &BTreeMap<Option<K>, Share>) -> Vec<PartDto> {
    let part = |(name, share): (&Option<K>, &Share)| PartDto {
        name: name.as_ref().map(ToString::to_string),
        share: share.into(),
    };
    shares.iter().map(part).collect()
}

impl From<&Totals> for TotalsDto {
    fn from(totals: &Totals) -> Self {
        let bounded = |b: Bounded| BoundedDto::from(&b);
        Self {
            public: bounded(totals.public()),
            contract: bounded(totals.contract()),
            quality: totals.quality().map(crate::domain::sla::Ratio::as_f64),
            budget_ms: totals.budget_ms,
            met: totals.met,
            missed: totals.missed,
            undetermined: totals.undetermined,
            share: (&totals.share).into(),
        }
    }
}

impl From<&Share> for ShareDto {
    fn from(share: &Share) -> Self {
        Self {
            good_ms: share.seen.good_ms,
            degraded_ms: share.seen.degraded_ms,
            bad_ms: share.seen.bad_ms,
            unknown_ms: share.seen.unknown_ms,
            excluded_ms: share.excluded_ms,
            spent_ms: share.spent_ms.iter().map(|(cause, ms)| (cause_label(*cause), *ms)).collect(),
            policy_violation_ms: share.policy_violation_ms,
        }
    }
}
