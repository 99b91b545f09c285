//! What else would be down if some subsystems stopped: dependants and composites, given redundancy.
//!
//! Not here: whether they may stop (`policy`). Invariant: a redundancy group fails only when all its members do, and a
//! soft dependency never fails anybody.

use super::*;
use std::collections::BTreeSet;

/// Composites that a line for people names.
const NAMED_MAX: usize = 5;

/// What a stop would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    /// Subsystems outside it that would fail with it, by way of hard dependencies, in order of their ids.
    pub dependants: Vec<SubsystemId>,
    /// Subsystems that lose one member of a redundancy group and go on with another.
    pub carried: Vec<SubsystemId>,
    /// Composites that would be down.
    pub composites: Vec<CompositeId>,
}

/// What would be down besides `stopped`, and what redundancy spares.
pub fn impact(inventory: &Inventory, stopped: &[SubsystemId]) -> Impact {
    let mut down: BTreeSet<SubsystemId> = stopped.iter().cloned().collect();
    let mut touched: BTreeSet<&SubsystemId> = BTreeSet::new();
    let mut queue: Vec<SubsystemId> = down.iter().cloned().collect();
    // Each subsystem is put into the queue at most once, when it goes down.
    while let Some(id) = queue.pop() {
        for dependant in inventory.dependants.get(&id).into_iter().flatten() {
            touched.insert(dependant);
            let Some(subsystem) = inventory.subsystems.get(dependant) else { continue };
            let fails = |d: &Dependency| d.is_hard() && d.members().iter().all(|m| down.contains(m));
            if !down.contains(dependant) && subsystem.depends_on.iter().any(fails) {
                down.insert(dependant.clone());
                queue.push(dependant.clone());
            }
        }
    }
    let carried = touched.into_iter().filter(|id| !down.contains(*id)).cloned().collect();
    let works = |id: &SubsystemId| !down.contains(id);
    let composites = inventory.composites.values().filter(|c| !c.needs.works(&works)).map(|c| c.id.clone()).collect();
    let dependants = down.iter().filter(|id| !stopped.contains(id)).cloned().collect();
    Impact { dependants, carried, composites }
}

impl Impact {
    /// Nothing besides is down, and nothing lost a spare.
    pub fn is_empty(&self) -> bool {
        self.dependants.is_empty() && self.carried.is_empty() && self.composites.is_empty()
    }

    /// One line for people: `takes down Paying online and 3 dependants; 17 go on with a spare`. Empty if nothing is.
    pub fn text(&self, inventory: &Inventory) -> Names {
        let name = |id: &CompositeId| inventory.composites.get(id).map(|c| &c.name);
        let named = |language| {
            let names = self.composites.iter().filter_map(name).take(NAMED_MAX).map(|n| n.get(language).to_owned());
            let mut names: Vec<String> = names.collect();
            if self.composites.len() > NAMED_MAX {
                names.push("…".to_owned());
            }
            names
        };
        let (mut zh, mut en) = (Vec::new(), Vec::new());
        if !self.composites.is_empty() {
            zh.push(format!("事项停办：{}", named(Language::Zh).join("、")));
            en.push(format!("takes down {}", named(Language::En).join(", ")));
        }
        let people = |n: usize| if n == 1 { "" } else { "s" };
        if !self.dependants.is_empty() {
            let n = self.dependants.len();
            zh.push(format!("{n} 个依赖方停用"));
            en.push(format!("{n} dependant{} fail{}", people(n), if n == 1 { "s" } else { "" }));
        }
        if !self.carried.is_empty() {
            let n = self.carried.len();
            zh.push(format!("{n} 个依赖方由备份承接"));
            en.push(format!("{n} dependant{} go{} on with a spare", people(n), if n == 1 { "es" } else { "" }));
        }
        Names { zh: zh.join("；"), en: en.join("; ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::composite::{Composite, Expression};
    use crate::domain::fixture::City;

    fn ids(found: &[SubsystemId]) -> Vec<&str> {
        found.iter().map(SubsystemId::as_str).collect()
    }

    fn city() -> Inventory {
        let city = City::new()
            .subsystem("n/a", 2, &[])
            .subsystem("n/b", 2, &[])
            .subsystem("p/portal", 1, &[])
            .subsystem("p/hall", 2, &["p/portal"])
            .subsystem("q/other", 2, &[]);
        let mut inventory = city.needs_any_of("p/portal", &["n/a", "n/b"]).inventory();
        inventory.subsystems.get_mut("q/other").unwrap().depends_on.push(Dependency::Soft("n/a".into()));
        let one = |id: &str| Expression::One(id.into());
        for (id, needs) in [
            ("apply", Expression::all_of(vec![one("p/hall"), one("q/other")])),
            ("ask", Expression::any_of(vec![one("p/hall"), one("q/other")])),
        ] {
            let composite = Composite {
                id: id.into(),
                name: Names { zh: id.into(), en: id.into() },
                needs,
                hours: hours::Hours::always(),
                objective: None,
                source: inventory.policies[0].source.clone(),
            };
            inventory.composites.insert(id.into(), composite);
        }
        inventory
    }

    #[test]
    fn one_member_of_a_group_is_carried_by_the_other_and_both_take_all_behind_them_down() {
        let alone = impact(&city(), &["n/a".into()]);
        assert_eq!((alone.dependants.len(), ids(&alone.carried), alone.composites.len()), (0, vec!["p/portal"], 0));
        let both = impact(&city(), &["n/a".into(), "n/b".into()]);
        assert_eq!(ids(&both.dependants), ["p/hall", "p/portal"]);
        assert_eq!(both.text(&city()).en, "takes down apply; 2 dependants fail");
        assert_eq!(alone.text(&city()).zh, "1 个依赖方由备份承接");
        assert!(both.carried.is_empty());
        assert_eq!(both.composites, ["apply".into()]);
    }

    #[test]
    fn what_stops_itself_is_not_called_a_dependant() {
        let found = impact(&city(), &["p/portal".into(), "p/hall".into()]);
        assert!(found.dependants.is_empty());
        assert_eq!(found.composites, ["apply".into()]);
        assert_eq!(impact(&city(), &[]), Impact::default());
    }
}
