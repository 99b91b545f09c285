//! The platform's chips, the districts where they lie, the bureaus and external parties.
//!
//! Order never depends on state, so that everything stays where eyes expect it.

use crate::domain::*;
use crate::web::look::Look;
use crate::web::pages::Asked;
use crate::web::pages::strip::{Cells, Strip};
use crate::web::{figures, format};
use std::collections::HashMap;

/// Where the districts lie, roughly: column and row.
const PLACES: [(&str, &str); 16] = [
    ("jiading", "c2 r1"),
    ("baoshan", "c3 r1"),
    ("chongming", "c5 r1"),
    ("putuo", "c2 r2"),
    ("jingan", "c3 r2"),
    ("hongkou", "c4 r2"),
    ("yangpu", "c5 r2"),
    ("qingpu", "c1 r3"),
    ("changning", "c2 r3"),
    ("xuhui", "c3 r3"),
    ("huangpu", "c4 r3"),
    ("pudong", "c5 r3"),
    ("songjiang", "c2 r4"),
    ("minhang", "c3 r4"),
    ("jinshan", "c2 r5"),
    ("fengxian", "c4 r5"),
];

pub(super) struct Cell {
    pub(super) look: Look,
    pub(super) href: String,
    pub(super) name: String,
    pub(super) full: String,
    pub(super) note: String,
}

pub(super) struct Tile {
    pub(super) look: Look,
    pub(super) href: String,
    pub(super) name: String,
    pub(super) full: String,
    pub(super) count: String,
    pub(super) place: &'static str,
    pub(super) strip: Strip,
    pub(super) strip_label: String,
}

pub(super) type Group<'a> = Vec<(&'a SubsystemView, Look)>;

pub(super) fn groups<'a>(snapshot: &'a Snapshot, looks: &[Look]) -> HashMap<OwnerId, Group<'a>> {
    let mut groups: HashMap<OwnerId, Group<'a>> = HashMap::new();
    for (view, look) in snapshot.subsystems.iter().zip(looks) {
        groups.entry(view.id.owner()).or_default().push((view, *look));
    }
    groups
}

pub(super) fn platform(asked: &Asked, groups: &HashMap<OwnerId, Group<'_>>) -> Vec<Cell> {
    let owners = asked.snapshot.inventory.owners.values().filter(|o| o.kind == OwnerKind::Platform);
    let mut reader = figures::Reader::new(asked.now, &asked.snapshot);
    let views = owners.filter_map(|o| groups.get(&o.id)).flatten();
    let mut cells: Vec<(Tier, Cell)> = Vec::new();
    for (view, look) in views {
        let Some(subsystem) = asked.snapshot.inventory.subsystems.get(&view.id) else { continue };
        let name = subsystem.name.get(asked.language).to_owned();
        let value = reader.month(view).and_then(|a| a.public.value);
        let cell = Cell {
            look: *look,
            href: format!("/subsystems/{}", view.id),
            full: name.clone(),
            name,
            // What missed nothing needs no figure; so the others stand out.
            note: value.filter(|r| r.part < r.whole).map(sla::Ratio::percent).unwrap_or_default(),
        };
        cells.push((subsystem.tier, cell));
    }
    // By tier, and within one in the order of the ids; a state never moves a chip.
    cells.sort_by_key(|(tier, _)| *tier);
    cells.into_iter().map(|(_, cell)| cell).collect()
}

pub(super) fn districts(asked: &Asked, groups: &HashMap<OwnerId, Group<'_>>) -> Vec<Tile> {
    let owners = asked.snapshot.inventory.owners.values().filter(|o| o.kind == OwnerKind::District);
    let mut tiles: Vec<(usize, Tile)> = Vec::new();
    for owner in owners {
        let Some(group) = groups.get(&owner.id) else { continue };
        let mut cells = Cells::day(asked.now);
        group.iter().for_each(|(view, _)| cells.add(asked.now, view));
        let good = group.iter().filter(|(_, look)| matches!(look, Look::Up | Look::Closed)).count();
        let place = PLACES.iter().position(|(id, _)| *id == owner.id.as_str());
        let tile = Tile {
            look: worst(group),
            href: format!("/owners/{}", owner.id),
            name: format::short(asked.language, &owner.name),
            full: owner.name.get(asked.language).to_owned(),
            count: format!("{good}/{}", group.len()),
            place: place.map_or("", |i| PLACES[i].1),
            strip: cells.draw(asked.t),
            strip_label: asked.t.day_24h.to_owned(),
        };
        tiles.push((place.unwrap_or(PLACES.len()), tile));
    }
    // The order of the map, so that reading order and narrow screens follow it too.
    tiles.sort_by_key(|(place, _)| *place);
    tiles.into_iter().map(|(_, tile)| tile).collect()
}

fn worst(group: &Group<'_>) -> Look {
    let worst = group.iter().map(|(_, look)| *look).max().unwrap_or(Look::Absent);
    // A service that rests outside its hours does not colour its owner.
    if worst == Look::Closed { Look::Up } else { worst }
}

pub(super) fn owners(asked: &Asked, groups: &HashMap<OwnerId, Group<'_>>, kind: OwnerKind) -> Vec<Cell> {
    let owners = asked.snapshot.inventory.owners.values().filter(|o| o.kind == kind);
    let cell = |owner: &Owner| {
        let group = groups.get(&owner.id)?;
        let good = group.iter().filter(|(_, look)| matches!(look, Look::Up | Look::Closed)).count();
        let note = if good == group.len() { String::new() } else { format!("{good}/{}", group.len()) };
        Some(Cell {
            look: worst(group),
            href: format!("/owners/{}", owner.id),
            name: format::short(asked.language, &owner.name),
            full: owner.name.get(asked.language).to_owned(),
            note,
        })
    };
    owners.filter_map(cell).collect()
}
