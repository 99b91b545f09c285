//! A list of shifts, as offices keep them in spreadsheets, to `people` and `shifts` of `schedules/on-call.yaml`.
//!
//! A row is a shift (`开始`, `结束`), a day (`日期`, perhaps with `时间`), or some days (`开始日期`, `结束日期`, the last
//! inside); days begin at the hand-over. Whoever stands in any column of names shares the shift. Not here: encodings
//! (`csv`), and whether anybody is missing (`gengfu check`). Invariant: nobody is invented: a mail address that the list
//! does not have, and `people` do not have either, is listed and stands below `.invalid`.

use super::{Remark, slug};
use crate::config::parse;
use crate::field::{Node, Problems};
use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const DAY: [&str; 2] = ["日期", "date"];
const TIME: [&str; 4] = ["时间", "值班时间", "time", "hours"];
const FROM: [&str; 6] = ["开始", "开始时间", "开始日期", "起", "from", "start"];
const TO: [&str; 6] = ["结束", "结束时间", "结束日期", "止", "to", "end"];
const MAIL: [&str; 4] = ["邮箱", "电子邮箱", "mail", "email"];
/// Columns of names.
const WHO: [&str; 12] =
    ["值班人员", "值班人", "值班员", "姓名", "主班", "副班", "带班领导", "带班", "who", "name", "primary", "lead"];

/// What came out.
#[derive(Clone, Debug, Default)]
pub struct Shifts {
    /// `people` and `shifts`, to be pasted.
    pub yaml: String,
    /// What could not be turned.
    pub left: Vec<Remark>,
}

/// Somebody of the list.
struct Person {
    id: String,
    name: String,
    /// None for somebody whom the file has already.
    mail: Option<String>,
}

/// Turns a list. `known` is the present `on-call.yaml`, whose people keep their ids; `hand_over` begins a day.
///
/// # Errors
/// If it is not a list of shifts.
pub fn import(path: &str, table: &str, known: Option<&str>, hand_over: Time) -> Result<Shifts, String> {
    let mut reader = ::csv::ReaderBuilder::new().flexible(true).from_reader(table.as_bytes());
    let headers = reader.headers().map_err(|error| error.to_string())?;
    let columns: Vec<String> = headers.iter().map(|name| name.trim().to_lowercase()).collect();
    let find = |names: &[&str]| columns.iter().position(|column| names.contains(&column.as_str()));
    let places = Places {
        day: find(&DAY),
        time: find(&TIME),
        from: find(&FROM),
        to: find(&TO),
        mail: find(&MAIL),
        who: (0..columns.len()).filter(|place| WHO.contains(&columns[*place].as_str())).collect(),
        hand_over,
    };
    if places.who.is_empty() {
        return Err(format!("{path}: there is no column of names, such as `值班人员` or `who`"));
    }
    if places.day.is_none() && (places.from.is_none() || places.to.is_none()) {
        return Err(format!("{path}: there is no column `日期` (`date`), and no `开始` and `结束` (`from`, `to`)"));
    }
    let mut people = People::of(known);
    let mut shifts = Shifts::default();
    let mut rows = Vec::new();
    for record in reader.into_records() {
        let record = record.map_err(|error| format!("{path}: {error}"))?;
        let line = record.position().map_or(0, ::csv::Position::line);
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let mut leave = |text: String| shifts.left.push(Remark { file: path.to_owned(), line, text });
        let names = places.names(&record);
        if names.is_empty() {
            leave("nobody is named in this row".to_owned());
            continue;
        }
        match places.span(&record) {
            Err(why) => leave(why),
            Ok((from, to)) => {
                let mail = places.cell(&record, places.mail).filter(|_| names.len() == 1);
                let who = names.iter().map(|name| people.id(name, mail)).collect::<Vec<_>>();
                rows.push((from, to, who));
            }
        }
    }
    for person in people.new.iter().filter(|person| person.mail.is_none()) {
        let text = format!("{} has no mail address in the list; write it into `people`", person.name);
        shifts.left.push(Remark { file: path.to_owned(), line: 0, text });
    }
    shifts.yaml = written(path, &people, &rows);
    Ok(shifts)
}

/// Where what stands.
struct Places {
    day: Option<usize>,
    time: Option<usize>,
    from: Option<usize>,
    to: Option<usize>,
    mail: Option<usize>,
    who: Vec<usize>,
    hand_over: Time,
}

impl Places {
    fn cell<'r>(&self, record: &'r ::csv::StringRecord, place: Option<usize>) -> Option<&'r str> {
        place.and_then(|place| record.get(place)).map(str::trim).filter(|text| !text.is_empty())
    }

    fn names<'r>(&self, record: &'r ::csv::StringRecord) -> Vec<&'r str> {
        let mut names: Vec<&str> = Vec::new();
        let cells = self.who.iter().filter_map(|place| self.cell(record, Some(*place)));
        for name in cells.flat_map(|cell| cell.split(['、', '，', ',', ';', '；', '/', '\n'])).map(str::trim) {
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    fn span(&self, record: &::csv::StringRecord) -> Result<(DateTime, DateTime), String> {
        let (from, to) = match self.cell(record, self.day) {
            Some(day) => {
                let date = date(day).ok_or_else(|| format!("`{day}` is not a date; write 2026-12-24"))?;
                match self.cell(record, self.time) {
                    Some(hours) => on(date, hours)?,
                    None => (date.to_datetime(self.hand_over), next(date)?.to_datetime(self.hand_over)),
                }
            }
            None => {
                let cell = |place| self.cell(record, place).ok_or("this row lacks its beginning or its end".to_owned());
                (self.edge(cell(self.from)?, Edge::First)?, self.edge(cell(self.to)?, Edge::Last)?)
            }
        };
        if from < to { Ok((from, to)) } else { Err(format!("{to} is not after {from}")) }
    }

    /// A local time, or a date: the first day begins at its hand-over, the last ends at the next one.
    fn edge(&self, text: &str, edge: Edge) -> Result<DateTime, String> {
        let wrong = || format!("`{text}` is no date and no time; write 2026-12-24 or 2026-12-24 09:00");
        if let Some(date) = date(text) {
            let day = if edge == Edge::Last { next(date)? } else { date };
            return Ok(day.to_datetime(self.hand_over));
        }
        let (day, time) = text.split_once([' ', 'T']).ok_or_else(wrong)?;
        let day = date(day).ok_or_else(wrong)?;
        let (time, days) = clock(time.trim()).ok_or_else(wrong)?;
        Ok(if days == 0 { day } else { next(day)? }.to_datetime(time))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    First,
    Last,
}

/// `08:30-17:30` of a day; an end at or before its start is the next day's.
fn on(date: Date, hours: &str) -> Result<(DateTime, DateTime), String> {
    let wrong = || format!("`{hours}` is no part of a day; write 08:30-17:30");
    let (from, to) = hours.split_once(['-', '–', '—', '~', '～', '至']).ok_or_else(wrong)?;
    let ((from, _), (to, over)) = (clock(from.trim()).ok_or_else(wrong)?, clock(to.trim()).ok_or_else(wrong)?);
    let end = if over > 0 || to <= from { next(date)? } else { date };
    Ok((date.to_datetime(from), end.to_datetime(to)))
}

/// `9:00`, `09:00:00`, `24:00`; the number of days behind it.
fn clock(text: &str) -> Option<(Time, i8)> {
    let text = text.replace('：', ":");
    let mut parts = text.split(':');
    let hour: i8 = parts.next()?.parse().ok()?;
    let minute: i8 = parts.next().map_or(Some(0), |part| part.parse().ok())?;
    if (hour, minute) == (24, 0) { Some((Time::midnight(), 1)) } else { Some((Time::new(hour, minute, 0, 0).ok()?, 0)) }
}

/// `2026-12-24`, `2026/12/24`, `2026.12.24`, `20261224`, `2026年12月24日`.
fn date(text: &str) -> Option<Date> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = if text.len() == 8 && digits(text) {
        vec![&text[..4], &text[4..6], &text[6..]]
    } else {
        text.trim_end_matches(['日', '号']).split(['-', '/', '.', '年', '月']).map(str::trim).collect()
    };
    let [year, month, day] = parts[..] else { return None };
    if year.len() != 4 || ![year, month, day].iter().all(|part| !part.is_empty() && digits(part)) {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

fn next(date: Date) -> Result<Date, String> {
    date.checked_add(1.day()).map_err(|error| error.to_string())
}

/// Those of the file, and those who come with the list.
struct People {
    known: BTreeMap<String, String>,
    new: Vec<Person>,
}

impl People {
    fn of(file: Option<&str>) -> Self {
        let node = file.and_then(|text| parse::parse(&"on-call.yaml".into(), text, &mut Problems::new()));
        let people = node.as_ref().and_then(|node| node.get("people")).map_or(&[][..], Node::items);
        let pair = |person: &Node| Some((person.get("name")?.text()?.to_owned(), person.get("id")?.text()?.to_owned()));
        Self { known: people.iter().filter_map(pair).collect(), new: Vec::new() }
    }

    fn id(&mut self, name: &str, mail: Option<&str>) -> String {
        if let Some(id) = self.known.get(name) {
            return id.clone();
        }
        if let Some(person) = self.new.iter_mut().find(|person| person.name == name) {
            person.mail = person.mail.take().or_else(|| mail.map(str::to_owned));
            return person.id.clone();
        }
        let wished = slug(name);
        let taken = |id: &str| self.known.values().any(|k| k == id) || self.new.iter().any(|p| p.id == id);
        let mut id = wished.clone();
        let mut number = 2;
        while taken(&id) {
            id = format!("{wished}-{number}");
            number += 1;
        }
        self.new.push(Person { id: id.clone(), name: name.to_owned(), mail: mail.map(str::to_owned) });
        id
    }
}

fn written(path: &str, people: &People, rows: &[(DateTime, DateTime, Vec<String>)]) -> String {
    let quoted = |text: &str| serde_json::Value::String(text.to_owned()).to_string();
    let mut yaml = String::new();
    if !people.new.is_empty() {
        let _ = writeln!(yaml, "# From {path}; below `people` of schedules/on-call.yaml:\npeople:");
        for Person { id, name, mail } in &people.new {
            let mail = mail.clone().unwrap_or_else(|| format!("{id}@change-me.invalid"));
            let _ = writeln!(yaml, "  - {{ id: {id}, name: {}, mail: {} }}", quoted(name), quoted(&mail));
        }
    }
    let _ = writeln!(yaml, "# From {path}; in the roster that it is about:\nshifts:");
    for (from, to, who) in rows {
        let minute = |at: &DateTime| at.strftime("%Y-%m-%dT%H:%M").to_string();
        let who = if who.len() == 1 { who[0].clone() } else { format!("[{}]", who.join(", ")) };
        let _ = writeln!(yaml, "  - {{ from: {}, to: {}, who: {who} }}", minute(from), minute(to));
    }
    yaml
}

#[cfg(test)]
mod tests;
