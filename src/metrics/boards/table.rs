//! A table: a row for each set of labels, a column for each label and each question.

use super::look::Look;
use super::panel::link;
use super::query::{Query, expand, ref_id};
use super::{Language, Text};
use serde_json::{Map, Value, json};

/// What a column holds.
#[derive(Clone)]
enum Holds {
    /// A label.
    Label(&'static str),
    /// The answer to the question of this number.
    Answer(usize),
}

#[derive(Clone)]
struct Column {
    holds: Holds,
    title: Text,
    unit: &'static str,
    look: Look,
    link: Option<(Text, &'static str)>,
}

/// A table. Its questions ask for the same labels, so that their answers are put side by side.
#[derive(Clone, Default)]
pub(super) struct Table {
    columns: Vec<Column>,
    queries: Vec<Query>,
    /// The column, and whether the largest comes first.
    sort: Option<(Text, bool)>,
}

impl Table {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// A column for a label.
    pub(super) fn label(mut self, label: &'static str, title: Text) -> Self {
        self.columns.push(Column { holds: Holds::Label(label), title, unit: "", look: Look::Series, link: None });
        self
    }

    /// A column for the answers to one question.
    pub(super) fn answer(mut self, title: Text, unit: &'static str, look: Look, expr: &str) -> Self {
        self.columns.push(Column { holds: Holds::Answer(self.queries.len()), title, unit, look, link: None });
        self.queries.push(Query::rows(expr));
        self
    }

    /// Where a click on the last column leads; `${__data.fields.owner}` is the label of its row.
    pub(super) fn link(mut self, title: Text, to: &'static str) -> Self {
        if let Some(column) = self.columns.last_mut() {
            column.link = Some((title, to));
        }
        self
    }

    /// Sorted by the last column.
    pub(super) fn sorted(mut self, is_largest_first: bool) -> Self {
        self.sort = self.columns.last().map(|column| (column.title, is_largest_first));
        self
    }

    pub(super) fn queries(&self) -> Vec<Query> {
        self.queries.clone()
    }

    pub(super) fn sorting(&self, language: Language) -> Value {
        let by = |(title, desc): (Text, bool)| json!({ "displayName": language.of(title), "desc": desc });
        self.sort.map(by).into_iter().collect()
    }

    /// As Grafana calls it before it is renamed.
    fn field(&self, column: &Column, language: Language) -> String {
        match column.holds {
            Holds::Label(label) => expand(label, language),
            Holds::Answer(_) if self.queries.len() == 1 => "Value".to_owned(),
            Holds::Answer(n) => format!("Value #{}", ref_id(n)),
        }
    }

    /// Answers side by side, in the order of the columns, under their titles.
    pub(super) fn transformations(&self, language: Language) -> Value {
        let (mut index, mut names) = (Map::new(), Map::new());
        for (n, column) in self.columns.iter().enumerate() {
            index.insert(self.field(column, language), n.into());
            names.insert(self.field(column, language), language.of(column.title).into());
        }
        let options = json!({ "excludeByName": { "Time": true }, "indexByName": index, "renameByName": names });
        json!([{ "id": "merge", "options": {} }, { "id": "organize", "options": options }])
    }

    /// Units, words, colours and links of each column.
    pub(super) fn overrides(&self, language: Language) -> Value {
        let overrides = self.columns.iter().filter_map(|column| {
            let mut properties = Vec::new();
            if !column.unit.is_empty() {
                properties.push(json!({ "id": "unit", "value": column.unit }));
            }
            if !matches!(column.look, Look::Series) {
                let look = column.look.properties(language).into_iter();
                properties.extend(look.map(|(id, value)| json!({ "id": id, "value": value })));
                let cell = json!({ "type": "color-text" });
                properties.push(json!({ "id": "custom.cellOptions", "value": cell }));
            }
            if let Some((title, to)) = column.link {
                properties.push(json!({ "id": "links", "value": [link(title, to, language)] }));
            }
            let matcher = json!({ "id": "byName", "options": language.of(column.title) });
            (!properties.is_empty()).then(|| json!({ "matcher": matcher, "properties": properties }))
        });
        overrides.collect()
    }
}
