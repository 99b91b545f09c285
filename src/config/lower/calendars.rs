//! Calendars: notices of the State Council, the city and single owners, as layers.

use super::registry::{Reference, Thing};
use super::{Draft, tables};
use crate::domain::OwnerId;
use crate::domain::calendar::{DayClass, Layer, LayerKind, Row, YearStatus};
use crate::field::{Code, Node, Place, Problem, Record, Value, decode};
use jiff::civil::Date;
use std::collections::{BTreeMap, HashMap};

/// What was published, or will be, about one year.
pub(super) struct Notice {
    year: i16,
    status: YearStatus,
    layer: Layer,
}

impl Draft {
    pub(super) fn calendar_file(&mut self, node: &Node) {
        let file = decode(node, tables::CALENDAR_FILE, &mut self.problems);
        let Some(head) = file.record("calendar").filter(|c| c.has("id")) else { return };
        if !self.known.register(Thing::Calendar, head.text("id"), head.at("id"), &mut self.problems) {
            return;
        }
        let owner = head.opt_text("owner").map(OwnerId::from);
        let kind = match head.text("layer") {
            "owner" => LayerKind::Owner,
            "municipal" => LayerKind::Municipal,
            _ => LayerKind::StateCouncil,
        };
        self.calendar_owner(head, kind);
        let notices: Vec<Notice> =
            file.records("notices").filter_map(|n| self.notice(n, kind, owner.clone())).collect();
        if !head.flag("enabled") || !head.has("layer") {
            return;
        }
        if kind == LayerKind::StateCouncil {
            // The installation's calendar is called after the file that holds what was published.
            let published = notices.iter().any(|n| n.status == YearStatus::Published);
            if self.calendar.id.is_empty() || (published && self.calendar.years.values().all(provisional)) {
                self.calendar.id = head.text("id").to_owned();
            }
            for notice in &notices {
                let known = self.calendar.years.entry(notice.year).or_insert(notice.status);
                if notice.status == YearStatus::Published {
                    *known = YearStatus::Published;
                }
            }
        }
        self.notices.extend(notices);
    }

    fn calendar_owner(&mut self, head: &Record, kind: LayerKind) {
        match (kind, head.opt_text("owner")) {
            (LayerKind::Owner, Some(owner)) => {
                self.known.refer(Reference::new(Thing::Owner, owner, head.at("owner")));
            }
            (LayerKind::Owner, None) if head.complete => {
                let problem = Problem::error(Code::MissingKey, &head.at, "a calendar of an owner without `owner`");
                self.problems.push(problem.expected("`owner`: the id of an owner"));
            }
            (_, Some(_)) if head.has("layer") => {
                let problem =
                    Problem::error(Code::Value, head.key_at("owner"), "`owner` on a layer that is everybody's");
                self.problems.push(problem.hint("did you mean `layer: owner`?"));
            }
            _ => {}
        }
    }

    fn notice(&mut self, notice: &Record, kind: LayerKind, owner: Option<OwnerId>) -> Option<Notice> {
        let year = i16::try_from(notice.opt_int("year")?).ok()?;
        let status =
            if notice.text("status") == "provisional" { YearStatus::Provisional } else { YearStatus::Published };
        let published = date_of(notice, "published");
        let mut rows = BTreeMap::new();
        let mut places: HashMap<Date, Place> = HashMap::new();
        for days in notice.records("days") {
            for (field, class) in [("holidays", DayClass::NonWorking), ("workdays", DayClass::Working)] {
                for item in days.list(field) {
                    let Value::Date(date) = item.value else { continue };
                    if (i32::from(date.year()) - i32::from(year)).abs() > 1 {
                        let message = format!("{date} in the notice for {year}");
                        let problem = Problem::error(Code::OutOfBounds, &item.at, message);
                        self.problems.push(problem.expected("a date of that year, or of a year beside it"));
                        continue;
                    }
                    if let Some(first) = places.get(&date) {
                        let problem = Problem::error(Code::Value, &item.at, format!("{date} twice in one notice"));
                        self.problems.push(problem.related(first, "first written here"));
                        continue;
                    }
                    places.insert(date, item.at.clone());
                    let name = days.names("name").cloned().unwrap_or_default();
                    rows.insert(date, Row { class, name, published, source: item.at.source() });
                }
            }
        }
        Some(Notice { year, status, layer: Layer { kind, owner, rows } })
    }

    /// Puts the layers together: provisional tables give way to the published notice of their year.
    pub(super) fn settle_calendar(&mut self) {
        let years = &self.calendar.years;
        let stays =
            |n: &&Notice| n.status == YearStatus::Published || years.get(&n.year) != Some(&YearStatus::Published);
        self.calendar.layers = self.notices.iter().filter(stays).map(|n| n.layer.clone()).collect();
    }
}

fn provisional(status: &YearStatus) -> bool {
    *status != YearStatus::Published
}

fn date_of(record: &Record, field: &str) -> Option<Date> {
    match record.get(field)?.value {
        Value::Date(date) => Some(date),
        _ => None,
    }
}
