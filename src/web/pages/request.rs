//! `/maintenance/request`: an owner asks for a window; what the policies say to it is shown before it is filed.
//!
//! Not here: whether it is admitted (`engine::orders` decides once more, with all that it knows). Invariant: looking
//! changes nothing; what was typed is never lost over a refusal.

use super::{Asked, Frame, show};
use crate::domain::access::Caller;
use crate::domain::impact::impact;
use crate::domain::order::{Order, Request, Wanted};
use crate::domain::policy::{Admission, Circumstances, Hold, Obstacle, Other, admit};
use crate::domain::window::{Definition, Planned, WindowState};
use crate::domain::*;
use crate::web::query;
use crate::web::state::WebState;
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use std::collections::{BTreeMap, BTreeSet};

/// Boxes that the form shows; an owner with more names the others by id.
const BOXES_MAX: usize = 300;
/// What the name of a box begins with.
const BOX: &str = "s.";

#[derive(Template)]
#[template(path = "web/templates/request.html")]
struct Page {
    f: Frame,
    owners: Vec<Choice>,
    /// Nothing more is asked until the owner is known.
    has_owner: bool,
    boxes: Vec<Choice>,
    plans: Vec<Choice>,
    draft: Draft,
    /// Why it was not filed.
    refused: String,
    answer: Option<Answer>,
    may_file: bool,
}

struct Choice {
    id: String,
    name: String,
    chosen: bool,
}

/// What the form holds, as it was typed.
#[derive(Clone, Debug, Default)]
struct Draft {
    owner: String,
    name: String,
    name_en: String,
    start: String,
    lasts: String,
    notice: String,
    notice_en: String,
    plan: String,
    reason: String,
    /// Subsystems of other owners, by id.
    others: String,
    boxes: BTreeSet<SubsystemId>,
}

/// What the policies say.
struct Answer {
    is_good: bool,
    sentence: String,
    lines: Vec<String>,
    /// The earliest start that would do, as the form takes it and as people read it.
    next: Option<(String, String)>,
}

impl Draft {
    fn of(mut typed: BTreeMap<String, String>) -> Self {
        let boxes = typed.keys().filter_map(|key| key.strip_prefix(BOX)).map(SubsystemId::from).collect();
        let mut take = |key: &str| typed.remove(key).map(|text| text.trim().to_owned()).unwrap_or_default();
        Self {
            owner: take("owner"),
            name: take("name"),
            name_en: take("name_en"),
            start: take("start"),
            lasts: take("for"),
            notice: take("notice"),
            notice_en: take("notice_en"),
            plan: take("plan"),
            reason: take("reason"),
            others: take("others"),
            boxes,
        }
    }

    fn scope(&self) -> Vec<SubsystemId> {
        let typed = self.others.split([' ', ',', '，', '、', '\n', '\r']).filter(|text| !text.is_empty());
        let all: BTreeSet<SubsystemId> = self.boxes.iter().cloned().chain(typed.map(SubsystemId::from)).collect();
        all.into_iter().collect()
    }

    /// The request that it is, or what is missing, in a sentence.
    fn request(&self, asked: &Asked) -> Result<Request, String> {
        let pick = |zh: &str, en: &str| if asked.language == Language::Zh { zh.to_owned() } else { en.to_owned() };
        let scope = self.scope();
        if scope.is_empty() {
            return Err(pick("请至少选择一个子系统", "choose a subsystem at least"));
        }
        if let Some(id) = scope.iter().find(|id| !asked.snapshot.inventory.subsystems.contains_key(*id)) {
            return Err(pick(&format!("没有子系统 {id}"), &format!("there is no subsystem {id}")));
        }
        let start = query::instant(&self.start, asked.zone())?;
        let lasts = query::length(&self.lasts)?;
        let both = |zh: &str, en: &str| Names { zh: zh.into(), en: if en.is_empty() { zh.into() } else { en.into() } };
        Ok(Request {
            owner: OwnerId::from(self.owner.as_str()),
            name: both(&self.name, &self.name_en),
            scope,
            span: Span::lasting(start, lasts),
            notice: (!self.notice.is_empty()).then(|| both(&self.notice, &self.notice_en)),
            plan: (!self.plan.is_empty()).then(|| PlanId::from(self.plan.as_str())),
        })
    }
}

/// `GET /maintenance/request`: the form, and what the policies say to what it holds.
pub(super) async fn page(asked: Asked, Query(typed): Query<BTreeMap<String, String>>) -> Response {
    let mut draft = Draft::of(typed);
    let own = asked.asker.caller().and_then(|caller| caller.owner.clone());
    if let Some(own) = own.filter(|_| draft.owner.is_empty()) {
        draft.owner = own.to_string();
    }
    let (refused, answer) = match draft.start.is_empty() && draft.lasts.is_empty() {
        true => (String::new(), None),
        false => match draft.request(&asked) {
            Ok(request) => (String::new(), Some(answer(&asked, &request))),
            Err(why) => (why, None),
        },
    };
    shown(&asked, StatusCode::OK, draft, refused, answer)
}

/// `POST /maintenance/request`: files it, and leads to the window's page.
pub(super) async fn file(
    asked: Asked,
    caller: Caller,
    State(state): State<WebState>,
    axum::Form(typed): axum::Form<BTreeMap<String, String>>,
) -> Response {
    let draft = Draft::of(typed);
    let missing = match asked.language {
        _ if !draft.name.is_empty() => None,
        Language::Zh => Some("请填写窗口名称"),
        Language::En => Some("give the window a name"),
    };
    let request = match missing.map_or_else(|| draft.request(&asked), |why| Err(why.to_owned())) {
        Ok(request) => request,
        Err(why) => return shown(&asked, StatusCode::UNPROCESSABLE_ENTITY, draft, why, None),
    };
    let (said, reason) = (answer(&asked, &request), draft.reason.clone());
    match state.commands.order(Order { by: caller, reason, what: Wanted::Request(request) }).await {
        Ok(Ok(done)) => {
            let q = asked.frame("", "").q;
            Redirect::to(&format!("/maintenance/windows/{}{q}", done.subject)).into_response()
        }
        Ok(Err(not)) => {
            let why = not.text.get(asked.language).to_owned();
            shown(&asked, StatusCode::UNPROCESSABLE_ENTITY, draft, why, Some(said))
        }
        Err(unanswered) => shown(&asked, StatusCode::SERVICE_UNAVAILABLE, draft, unanswered.to_string(), Some(said)),
    }
}

/// What the policies say, other windows considered as far as the snapshot knows them.
fn answer(asked: &Asked, request: &Request) -> Answer {
    let inventory = &asked.snapshot.inventory;
    let definition = Definition {
        owner: request.owner.clone(),
        name: request.name.clone(),
        scope: request.scope.clone(),
        notice: request.notice.clone(),
        policy: None,
        plan: request.plan.clone(),
    };
    let schedule = definition.as_schedule(&ScheduleId::from("request"), request.span, &inventory.zone);
    let civil_start = inventory.zone.local(request.span.start);
    let planned = Planned { id: WindowId::from("request"), civil_start, span: request.span };
    let others: Vec<Other<'_>> = asked.snapshot.windows.iter().filter_map(other).collect();
    let admission = admit(inventory, &schedule, &planned, &Circumstances { others: &others, ..Default::default() });
    let mut lines: Vec<String> = admission.obstacles.iter().map(|o| o.text().get(asked.language).to_owned()).collect();
    lines.extend(admission.warnings.iter().map(|w| w.get(asked.language).to_owned()));
    lines.extend(notice(asked, &admission));
    let follows = impact(inventory, &request.scope).text(inventory);
    lines.extend(Some(follows.get(asked.language).to_owned()).filter(|text| !text.is_empty()));
    let denied = |o: &&Obstacle| !matches!(o, Obstacle::Approvals { .. });
    let is_good = request.span.start >= asked.now && !admission.obstacles.iter().any(|o| denied(&o));
    let next = admission.obstacles.iter().find_map(|o| match o {
        Obstacle::Denied { next_open, .. } => *next_open,
        _ => None,
    });
    let t = asked.t;
    Answer {
        is_good,
        sentence: match (is_good, request.span.start < asked.now) {
            (true, _) => t.may_be_asked.to_owned(),
            (false, true) => t.start_is_past.to_owned(),
            (false, false) => t.would_be_denied.to_owned(),
        },
        lines,
        next: next.map(|at| {
            let field = inventory.zone.local(at).strftime("%Y-%m-%dT%H:%M").to_string();
            (field, inventory.zone.people(at, asked.language))
        }),
    }
}

/// By when it must be announced, and whether that can still be done.
fn notice(asked: &Asked, admission: &Admission) -> Option<String> {
    let by = admission.notice_by?;
    let at = asked.zone().people(by, asked.language);
    Some(match (asked.language, by < asked.now) {
        (Language::Zh, false) => format!("须在 {at} 前公告"),
        (Language::Zh, true) => format!("公告期限 {at} 已过：停机将计入合同口径"),
        (Language::En, false) => format!("to be announced by {at}"),
        (Language::En, true) => format!("the notice was due by {at}: its downtime will count"),
    })
}

fn other(window: &WindowView) -> Option<Other<'_>> {
    let hold = match window.state {
        state if state.is_terminal() => return None,
        WindowState::Draft | WindowState::Blocked => Hold::Asking,
        _ => Hold::Settled,
    };
    let WindowView { id, owner, scope, span, .. } = window;
    Some(Other { id, owner, scope, policy: None, span: *span, hold })
}

fn shown(asked: &Asked, status: StatusCode, draft: Draft, refused: String, answer: Option<Answer>) -> Response {
    let inventory = &asked.snapshot.inventory;
    let owner = OwnerId::from(draft.owner.as_str());
    let mine = inventory.subsystems.values().filter(|s| s.id.owner() == owner);
    let name = |names: &Names| names.get(asked.language).to_owned();
    let boxes: Vec<Choice> = mine
        .take(BOXES_MAX)
        .map(|s| Choice { id: s.id.to_string(), name: name(&s.name), chosen: draft.boxes.contains(&s.id) })
        .collect();
    let plans = inventory.plans.values().filter(|plan| plan.owner == owner);
    let mut f = asked.frame("maintenance", asked.t.ask_for_one);
    f.is_still = true;
    let page = Page {
        owners: inventory
            .owners
            .iter()
            .map(|(id, o)| Choice { id: id.to_string(), name: name(&o.name), chosen: *id == owner })
            .collect(),
        has_owner: inventory.owners.contains_key(&owner),
        plans: plans
            .map(|p| Choice { id: p.id.to_string(), name: name(&p.name), chosen: p.id.as_str() == draft.plan })
            .collect(),
        boxes,
        draft,
        refused,
        answer,
        may_file: asked.asker.caller().is_some_and(|caller| caller.may(&access::Scope::Operate)),
        f,
    };
    show(asked, status, &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_takes_boxes_and_typed_ids_together_and_each_once() {
        let typed = [("owner", " bdc "), ("s.bdc/a", "on"), ("others", "bdc/b, bdc/a、pudong/c")];
        let draft = Draft::of(typed.map(|(key, text)| (key.to_owned(), text.to_owned())).into());
        assert_eq!(draft.owner, "bdc");
        assert_eq!(draft.scope(), ["bdc/a", "bdc/b", "pudong/c"].map(SubsystemId::from));
    }
}
