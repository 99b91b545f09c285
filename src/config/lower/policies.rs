//! When maintenance is allowed (`policies/*.yaml`) and when nothing is (`freezes.yaml`).

use super::registry::{Reference, Thing};
use super::{Draft, tables};
use crate::domain::HOUR;
use crate::domain::policy::*;
use crate::field::{Code, Node, Place, Problem, Record, Value, decode};

impl Draft {
    pub(super) fn policy_file(&mut self, node: &Node) {
        let file = decode(node, tables::POLICY_FILE, &mut self.problems);
        if !file.complete {
            // What a broken rule would have governed is not called ungoverned.
            self.known.note_unread_entry(Thing::Policy);
        }
        for record in file.records("policies").filter(|r| r.has("id")) {
            let id = record.text("id");
            if self.known.register(Thing::Policy, id, record.at("id"), &mut self.problems) {
                let policy = self.policy(id, record);
                self.policies.push(policy);
            }
        }
    }

    fn policy(&mut self, id: &str, record: &Record) -> Policy {
        let longest = record.record("longest");
        let limit = |field: &str| longest.and_then(|l| l.opt_int(field));
        if let (Some(longest), Some(warn), Some(deny)) = (longest, limit("warn"), limit("deny"))
            && warn >= deny
        {
            let problem = Problem::error(Code::Value, longest.at("warn"), "warns only about what is denied anyway");
            self.problems.push(problem.expected("a duration shorter than `deny`"));
        }
        let applies_to = self.selector(record);
        let limits = self.limits(record, &applies_to);
        Policy {
            id: id.into(),
            applies_to,
            gate: if record.text("gate") == "window" { GateMode::Window } else { GateMode::Hours },
            allow: self.allowed(record),
            deny: self.date_spans(record, "deny"),
            longest_warn_ms: limit("warn"),
            longest_deny_ms: limit("deny"),
            notice: if record.text("notice") == "none" { NoticeRule::None } else { NoticeRule::ByLength },
            approvals: u8::try_from(record.int("approvals")).unwrap_or(u8::MAX),
            limits,
            source: record.at("id").source(),
        }
    }

    fn limits(&mut self, record: &Record, applies_to: &Selector) -> Limits {
        let (caps, at_once) = (record.record("caps"), record.record("at_once"));
        let count = |record: Option<&Record>, field: &str| -> Option<u32> {
            record.and_then(|r| r.opt_int(field)).and_then(|n| u32::try_from(n).ok())
        };
        if let Some(caps) = caps.filter(|c| c.complete && !c.has("per_month") && !c.has("hours_per_month")) {
            let problem = Problem::error(Code::Value, &caps.at, "these caps limit nothing");
            self.problems.push(problem.expected("`per_month`, `hours_per_month`, or both"));
        }
        let at_once = at_once.filter(|a| a.complete).map(|limit| {
            let tier = super::owners::tier(limit.int("tier"));
            if !applies_to.tiers.is_empty() && !applies_to.tiers.contains(&tier) {
                let message = format!("limits tier {}, which this policy does not govern", u8::from(tier));
                let problem = Problem::error(Code::Value, limit.at("tier"), message);
                self.problems.push(problem.expected("a tier of `applies_to`"));
            }
            AtOnce { tier, most: count(Some(limit), "most").unwrap_or(u32::MAX) }
        });
        Limits {
            per_month: count(caps, "per_month"),
            hours_per_month_ms: caps.and_then(|c| c.opt_int("hours_per_month")).map(|hours| hours * HOUR),
            at_once,
            budget_needs_ppm: count(record.record("budget"), "needs"),
        }
    }

    fn allowed(&mut self, record: &Record) -> Allowed {
        let Some(allow) = record.record("allow") else {
            return Allowed { always: false, nights: None, non_working_days: false };
        };
        let nights = allow.get("nights").and_then(|v| match &v.value {
            Value::DayPart(part) => Some(*part),
            _ => None,
        });
        let allowed =
            Allowed { always: allow.flag("always"), nights, non_working_days: allow.flag("non_working_days") };
        if allow.complete && !allowed.always && allowed.nights.is_none() && !allowed.non_working_days {
            let problem = Problem::error(Code::Value, &allow.at, "this policy allows nothing, ever");
            self.problems.push(problem.expected("`nights`, `non_working_days: true` or `always: true`"));
        }
        allowed
    }

    pub(super) fn freeze_file(&mut self, node: &Node) {
        let file = decode(node, tables::FREEZE_FILE, &mut self.problems);
        for record in file.records("freezes").filter(|r| r.has("id")) {
            let id = record.text("id");
            if !self.known.register(Thing::Freeze, id, record.at("id"), &mut self.problems) {
                continue;
            }
            let freeze = Freeze {
                id: id.to_owned(),
                name: record.names("name").cloned().unwrap_or_default(),
                applies_to: self.selector(record),
                dates: self.date_spans(record, "dates"),
                source: record.at("id").source(),
            };
            self.freezes.push(freeze);
        }
    }

    fn selector(&mut self, record: &Record) -> Selector {
        let Some(applies) = record.record("applies_to") else { return Selector::default() };
        for field in ["ids", "except"] {
            for (id, at) in applies.texts(field) {
                self.known.refer(Reference::new(Thing::Subsystem, id, at));
            }
        }
        for (id, at) in applies.texts("owner") {
            self.known.refer(Reference::new(Thing::Owner, id, at));
        }
        let tiers = applies.list("tier").iter().filter_map(|v| v.value.as_int());
        Selector {
            tiers: tiers.map(super::owners::tier).collect(),
            owners: applies.texts("owner").map(|(id, _)| id.into()).collect(),
            ids: applies.texts("ids").map(|(id, _)| id.into()).collect(),
            except: applies.texts("except").map(|(id, _)| id.into()).collect(),
        }
    }

    fn date_spans(&mut self, record: &Record, field: &str) -> Vec<DateSpan> {
        let mut spans = Vec::new();
        for dates in record.records(field).filter(|d| d.complete) {
            let edge = |field: &str| match dates.get(field).map(|v| &v.value) {
                Some(Value::DateOrYearly(edge)) => Some(*edge),
                _ => None,
            };
            let (Some(first), Some(last)) = (edge("from"), edge("to")) else { continue };
            match (first, last) {
                (DateOrYearly::Date(a), DateOrYearly::Date(b)) if b < a => {
                    let message = format!("ends on {b}, before it starts on {a}");
                    self.problems.push(Problem::error(Code::EndBeforeStart, dates.at("to"), message));
                }
                (DateOrYearly::Date(_), DateOrYearly::Yearly(..))
                | (DateOrYearly::Yearly(..), DateOrYearly::Date(_)) => {
                    let problem = Problem::error(Code::Value, dates.at("to"), "one end has a year, the other has none");
                    self.problems.push(problem.expected("both with a year, or both without"));
                }
                _ => {}
            }
            spans.push(DateSpan { first, last });
        }
        spans
    }

    /// Every subsystem needs a policy.
    pub(super) fn check_policies(&mut self) {
        if !self.known.is_whole(Thing::Policy) {
            return;
        }
        for subsystem in self.subsystems.values() {
            if self.policies.iter().any(|p| p.applies_to.matches(&subsystem.id, subsystem.tier)) {
                continue;
            }
            let Some(at) = self.known.place(Thing::Subsystem, subsystem.id.as_str()) else { continue };
            let message = format!("no policy governs `{}`", subsystem.id);
            let problem = Problem::error(Code::NoPolicy, at, message);
            self.problems.push(problem.hint("widen `applies_to` of one below schedules/policies/"));
        }
    }

    /// A rule that governs nothing is most likely a slip.
    pub(super) fn check_selectors(&mut self) {
        if self.problems.has_errors() {
            return;
        }
        let idle = |selector: &Selector| !self.subsystems.values().any(|s| selector.matches(&s.id, s.tier));
        let named = self.schedules.iter().filter_map(|s| s.policy());
        let added: Vec<&str> = named.collect();
        let policies = self.policies.iter().filter(|p| idle(&p.applies_to) && !added.contains(&p.id.as_str()));
        let policies = policies.map(|p| (Thing::Policy, p.id.as_str(), "policy"));
        let freezes =
            self.freezes.iter().filter(|f| idle(&f.applies_to)).map(|f| (Thing::Freeze, f.id.as_str(), "freeze"));
        let found: Vec<(Place, String)> = policies
            .chain(freezes)
            .filter_map(|(thing, id, name)| {
                Some((self.known.place(thing, id)?.clone(), format!("the {name} `{id}` governs no subsystem")))
            })
            .collect();
        for (at, message) in found {
            self.problems.push(Problem::warning(Code::MatchesNothing, &at, message).hint("check `applies_to`"));
        }
    }
}
