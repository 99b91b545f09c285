//! What a demo changes in the shipped inventory, so that it behaves alike at any date and hour, and shows it soon.
//!
//! Not here: who fails when (`script`). Invariants: intervals and time-outs only ever get shorter; one tier 3
//! subsystem gets a policy without night or notice and its declared windows; everything else stays as it was written.

use super::script::{OVERRUN_SUBSYSTEM, WINDOWS};
use crate::domain::calendar::YearStatus;
use crate::domain::policy::{Allowed, GateMode, Limits, NoticeRule, Policy, Selector};
use crate::domain::window::{Recurrence, Schedule};
use crate::domain::{
    Inventory, Millis, Names, PolicyId, ProbePlan, SECOND, ScheduleId, Source, SubsystemId, Tier, Timestamp,
};
use jiff::civil::DateTime;

/// What is shortened to what, and the declared windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlay {
    /// Longest interval of a probe of tier 1, 2 and 3.
    pub every_ms: [Millis; 3],
    /// Longest time-out.
    pub timeout_ms: Millis,
    /// Longest pause before a re-try.
    pub confirm_every_ms: Millis,
    /// How long an incident of tier 2 or 3 waits for its root cause.
    pub settle_ms: Millis,
    /// The subsystem of the declared windows.
    pub subsystem: SubsystemId,
    /// Its windows: seconds after the start, and length in seconds.
    pub windows: Vec<(u32, u32)>,
}

impl Default for Overlay {
    fn default() -> Self {
        Self {
            every_ms: [2 * SECOND, 3 * SECOND, 5 * SECOND],
            // Longer than any `slower_than` of the shipped files, so that slow and timed out stay two things.
            timeout_ms: 4 * SECOND,
            confirm_every_ms: 300,
            settle_ms: 1_500,
            subsystem: OVERRUN_SUBSYSTEM.into(),
            windows: WINDOWS.to_vec(),
        }
    }
}

impl Overlay {
    /// Changes `inventory` for a demo that starts at `now`.
    ///
    /// A reload must be given the `now` of the demo's start again, or the windows would move with it.
    pub fn apply(&self, now: Timestamp, inventory: &mut Inventory) {
        let Inventory { probes, subsystems, .. } = inventory;
        for plan in probes.values_mut() {
            let tier = subsystems.get(&plan.id.subsystem()).map_or(Tier::Three, |s| s.tier);
            self.shorten(plan, tier);
        }
        inventory.timers.settle_ms = inventory.timers.settle_ms.min(self.settle_ms);
        if inventory.subsystems.contains_key(&self.subsystem) {
            self.free(inventory);
            self.declare(now, inventory);
        }
    }

    fn shorten(&self, plan: &mut ProbePlan, tier: Tier) {
        let every_ms = self.every_ms[usize::from(u8::from(tier)) - 1];
        plan.every_ms = plan.every_ms.min(every_ms);
        plan.timeout_ms = plan.timeout_ms.min(self.timeout_ms);
        plan.confirm_every_ms = plan.confirm_every_ms.min(self.confirm_every_ms);
    }

    /// Takes the subsystem out of every rule and puts it under one that always allows.
    fn free(&self, inventory: &mut Inventory) {
        let selectors = inventory.policies.iter_mut().map(|p| &mut p.applies_to);
        for selector in selectors.chain(inventory.freezes.iter_mut().map(|f| &mut f.applies_to)) {
            selector.except.push(self.subsystem.clone());
        }
        inventory.policies.push(Policy {
            id: PolicyId::from("demo-any-time"),
            applies_to: Selector { ids: vec![self.subsystem.clone()], ..Selector::default() },
            gate: GateMode::Hours,
            allow: Allowed { always: true, nights: None, non_working_days: false },
            deny: Vec::new(),
            longest_warn_ms: None,
            longest_deny_ms: None,
            notice: NoticeRule::None,
            approvals: 0,
            limits: Limits::default(),
            source: source(),
        });
    }

    fn declare(&self, now: Timestamp, inventory: &mut Inventory) {
        // Lengths differ, so each length is a schedule of its own.
        for (nth, (after_s, lasts_s)) in self.windows.iter().enumerate() {
            let start = civil_start(now, *after_s, inventory);
            // A year without a notice would deny even this window; a demo in January must show it all the same.
            inventory.calendar.years.insert(start.year(), YearStatus::Published);
            let id = ScheduleId::new(format!("demo-upgrade-{}", nth + 1));
            let schedule = Schedule {
                id: id.clone(),
                name: Names {
                    zh: "价格目录升级（演示）".into(), en: "Upgrade of the price catalogue (demo)".into()
                },
                owner: self.subsystem.owner(),
                scope: vec![self.subsystem.clone()],
                starts: Recurrence::Dates(vec![start]),
                except: Vec::new(),
                also: Vec::new(),
                lasts_ms: Millis::from(*lasts_s) * SECOND,
                policy: None,
                plan: None,
                notice: Some(notice()),
                source: source(),
            };
            inventory.schedules.insert(id, schedule);
        }
    }
}

/// The first whole civil second at least `after_s` seconds from now.
fn civil_start(now: Timestamp, after_s: u32, inventory: &Inventory) -> DateTime {
    let at = now + Millis::from(after_s) * SECOND;
    let late_ms = at.0.rem_euclid(SECOND);
    inventory.zone.local(if late_ms == 0 { at } else { at + (SECOND - late_ms) })
}

fn source() -> Source {
    Source { file: "demo overlay".into(), line: 1 }
}

fn notice() -> Names {
    Names {
        zh: "为更新价格与收费目录，定于公告时段升级系统，期间网上查询暂停，其他事项不受影响。\
             如提前或延后完成，将及时更新；咨询请拨打12345。给您带来不便，敬请谅解。"
            .into(),
        en: "The price and fee catalogue is renewed at the announced time. Online queries pause; nothing else is \
             affected. Should the work end earlier or later, this notice follows. Questions: 12345. We apologise."
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::civil::Zone;

    #[test]
    fn a_window_starts_at_a_whole_second_that_is_never_too_early() {
        let inventory = super::super::tests::inventory(Zone::named("Asia/Shanghai").unwrap());
        for ms in [0, 1, 999] {
            let now = Timestamp(1_790_000_000_000 + ms);
            let start = civil_start(now, 10, &inventory);
            let earliest = inventory.zone.local(now + 10 * SECOND);
            assert_eq!(start.subsec_nanosecond(), 0);
            assert!(start >= earliest && start < inventory.zone.local(now + 11 * SECOND), "{start}");
        }
    }

    #[test]
    fn only_the_chosen_subsystem_changes_its_rules() {
        let mut inventory = super::super::tests::inventory(Zone::utc());
        Overlay::default().apply(Timestamp(1_790_000_000_123), &mut inventory);
        let chosen = SubsystemId::from(OVERRUN_SUBSYSTEM);
        let governing = |id: &SubsystemId| -> Vec<&str> {
            let matches = inventory.policies.iter().filter(|p| p.applies_to.matches(id, Tier::Three));
            matches.map(|p| p.id.as_str()).collect()
        };
        assert_eq!(governing(&chosen), ["demo-any-time"]);
        assert_eq!(governing(&"huangpu/portal".into()), ["off-hours"]);
        assert_eq!(inventory.schedules.len(), WINDOWS.len());
        assert_eq!(inventory.calendar.years[&2026], YearStatus::Published);
        let plan = &inventory.probes["huangpu/portal/home"];
        assert_eq!((plan.every_ms, plan.timeout_ms, plan.confirm_every_ms), (3_000, 4_000, 300));
    }
}
