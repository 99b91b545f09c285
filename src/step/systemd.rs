//! `systemd`: starts, stops, restarts or reloads a unit.
//!
//! Not here: talking to systemd (`systemctl` does). Invariant: an owner touches the units that `plans.units` of
//! gengfu.yaml grants, and no others.

use super::{Made, Part, StepContext, StepKind, StepRunner, done, exec, failed, orphans, saw, unknown};
use crate::domain::OwnerId;
use crate::domain::plan::{End, Order, Repeat, Seen};
use crate::field::{Code, Field, Problem, Problems, Record, Type};
use crate::probe::{BoxFuture, Tool, ToolError};
use std::collections::BTreeSet;
use std::sync::Arc;

/// This kind.
pub(super) const KIND: StepKind = StepKind {
    name: "systemd",
    about: "Starts, stops, restarts or reloads a unit that gengfu.yaml grants.",
    example: "unit: portal.service\naction: stop\n",
    fields: FIELDS,
    part: Part::Run,
    repeat: |record| match record.text("action") {
        "restart" => Repeat::Never,
        _ => Repeat::Idempotent,
    },
    looks: |record| matches!(record.text("action"), "start" | "stop"),
    build,
};

const FIELDS: &[Field] = &[
    Field::required("unit", Type::Text { max: 256 }, "Which, with its ending: `portal.service`."),
    Field::required("action", Type::Choice(&["start", "stop", "restart", "reload"]), "What to do."),
];

/// Units that owners may touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitGrant {
    /// Whose plans.
    pub owners: BTreeSet<OwnerId>,
    /// Whole names, or beginnings followed by `*`.
    pub names: Vec<String>,
}

impl UnitGrant {
    fn holds(&self, unit: &str) -> bool {
        self.names.iter().any(|name| match name.strip_suffix('*') {
            Some(head) => unit.starts_with(head),
            None => unit == name,
        })
    }
}

fn build(record: &Record, context: &StepContext) -> Result<Made, Problems> {
    let unit = record.text("unit");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | ':');
    let refused = |text: String, hint: &str| {
        let mut problems = Problems::new();
        problems.push(Problem::error(Code::CommandRefused, record.at("unit"), text).hint(hint));
        Err(problems)
    };
    if unit.starts_with('-') || !unit.contains('.') || !unit.chars().all(plain) {
        return refused(format!("`{unit}` is no name of a unit"), "write it with its ending, such as `portal.service`");
    }
    let granted = context
        .owner()
        .is_some_and(|owner| context.units.iter().any(|grant| grant.owners.contains(owner) && grant.holds(unit)));
    if !granted {
        let who = context.owner().map_or("", |owner| owner.as_str());
        return refused(
            format!("the unit `{unit}` is not granted to `{who}`"),
            "an administrator lists it in `plans.units` of gengfu.yaml",
        );
    }
    let tool = Tool::of_system(&context.systemctl).with(orphans::mark(&context.store));
    Ok(Made::Runner(Arc::new(Systemd { tool, unit: unit.to_owned(), action: record.text("action").to_owned() })))
}

struct Systemd {
    tool: Tool,
    unit: String,
    action: String,
}

impl Systemd {
    async fn systemctl(&self, order: &Order, action: &str) -> Result<(Option<i32>, String), ToolError> {
        exec::run(&self.tool, order, &[action.to_owned(), self.unit.clone()]).await
    }
}

impl StepRunner for Systemd {
    fn run<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, End> {
        Box::pin(async move {
            match self.systemctl(order, &self.action).await {
                Ok((Some(0), _)) => done(format!("{} {}: done", self.action, self.unit)),
                Ok((Some(code), said)) => failed(format!("systemctl ended with {code}: {said}")),
                Ok((None, said)) => unknown(format!("systemctl was killed: {said}")),
                Err(ToolError::NotStarted(why)) => failed(why),
                Err(ToolError::Lost(why)) => unknown(why),
            }
        })
    }

    fn look<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, End> {
        Box::pin(async move {
            let wanted = self.action == "start";
            match self.systemctl(order, "is-active").await {
                Ok((Some(code), said)) if matches!(said.as_str(), "active" | "inactive" | "failed") || code == 0 => {
                    let seen = if (said == "active" || code == 0) == wanted { Seen::Present } else { Seen::Absent };
                    saw(seen, format!("{} is {said}", self.unit))
                }
                Ok((code, said)) => failed(format!("is-active ended with {}: {said}", code.unwrap_or(-1))),
                Err(ToolError::NotStarted(why) | ToolError::Lost(why)) => failed(why),
            }
        })
    }
}
