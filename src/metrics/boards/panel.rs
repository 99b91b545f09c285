//! One panel: what it asks, how it is drawn, and how large it is.

use super::look::Look;
use super::query::{Query, datasource};
use super::table::Table;
use super::{Language, Text};
use serde_json::{Map, Value, json};

/// Columns of a board.
pub(super) const COLUMNS: u32 = 24;

/// How values are drawn.
#[derive(Clone)]
pub(super) enum View {
    /// One large number or word.
    Stat,
    /// Lines over time.
    Lines,
    /// Areas on top of each other over time.
    Stacked,
    /// A bar for each, the present value.
    Bars,
    /// A band for each over time, in the colour of its state.
    States,
    /// Buckets over time.
    Heatmap,
    /// A row for each.
    Table(Table),
}

/// One panel.
#[derive(Clone)]
pub(super) struct Panel {
    view: View,
    title: Text,
    about: Text,
    unit: &'static str,
    look: Look,
    queries: Vec<Query>,
    /// What is shown where nothing is; a board, for those who follow the panel; bounds of the axis.
    none: Text,
    link: Option<(Text, &'static str)>,
    bounds: Option<(f64, f64)>,
    /// The name of the series is shown in place of its value.
    is_name: bool,
    /// Columns and lines of the board.
    pub(super) size: (u32, u32),
}

impl Panel {
    /// `unit` is one of Grafana's names for it.
    pub(super) fn new(view: View, title: Text, about: Text, unit: &'static str) -> Self {
        let size = match view {
            View::Stat => (4, 4),
            View::Table(_) => (24, 10),
            _ => (12, 8),
        };
        let none = ["无数据", "no data"];
        Self {
            view,
            title,
            about,
            unit,
            look: Look::Series,
            queries: Vec::new(),
            none,
            link: None,
            bounds: None,
            is_name: false,
            size,
        }
    }

    /// A number or a word, with what is said where there is none.
    pub(super) fn stat(title: Text, about: Text, unit: &'static str, look: Look, expr: &str) -> Self {
        Self::new(View::Stat, title, about, unit).look(look).ask(Query::now(expr, ["", ""]))
    }

    /// A table.
    pub(super) fn table(title: Text, about: Text, table: Table) -> Self {
        let queries = table.queries();
        Self { queries, ..Self::new(View::Table(table), title, about, "short") }
    }

    /// The number is not shown, but the name of its series.
    pub(super) fn named_by(mut self, legend: &'static str) -> Self {
        self.queries.iter_mut().for_each(|query| *query = query.clone().named([legend, legend]));
        Self { is_name: true, ..self }
    }

    /// One more question.
    pub(super) fn ask(mut self, query: Query) -> Self {
        self.queries.push(query);
        self
    }

    /// The course of a value; the legend is the same in both languages.
    pub(super) fn over_time(self, expr: &str, legend: &'static str) -> Self {
        self.ask(Query::over_time(expr, [legend, legend]))
    }

    /// The present value; the legend is the same in both languages.
    pub(super) fn now(self, expr: &str, legend: &'static str) -> Self {
        self.ask(Query::now(expr, [legend, legend]))
    }

    pub(super) fn look(self, look: Look) -> Self {
        Self { look, ..self }
    }

    /// At most 24 columns wide.
    pub(super) fn size(self, width: u32, height: u32) -> Self {
        Self { size: (width, height), ..self }
    }

    /// What is said where nothing is.
    pub(super) fn none(self, none: Text) -> Self {
        Self { none, ..self }
    }

    /// Where a click leads: a board, with the variables that it wants from the series, such as
    /// `owner?var-owner=${__field.labels.owner}`.
    pub(super) fn link(self, title: Text, to: &'static str) -> Self {
        Self { link: Some((title, to)), ..self }
    }

    pub(super) fn bounds(self, min: f64, max: f64) -> Self {
        Self { bounds: Some((min, max)), ..self }
    }

    /// As the schema has it, at a place on the board.
    pub(super) fn json(&self, id: usize, (x, y): (u32, u32), language: Language) -> Value {
        let (kind, options) = self.drawn();
        let mut panel = json!({
            "id": id,
            "type": kind,
            "title": language.of(self.title),
            "description": language.of(self.about),
            "datasource": datasource(),
            "gridPos": { "x": x, "y": y, "w": self.size.0, "h": self.size.1 },
            "fieldConfig": { "defaults": self.defaults(language), "overrides": self.overrides(language) },
            "options": options,
            "targets": self.queries.iter().enumerate().map(|(n, q)| q.json(n, language)).collect::<Vec<_>>(),
        });
        if let View::Table(table) = &self.view {
            panel["transformations"] = table.transformations(language);
            panel["options"]["sortBy"] = table.sorting(language);
        }
        panel
    }

    fn defaults(&self, language: Language) -> Value {
        let mut defaults = Map::new();
        defaults.insert("unit".into(), self.unit.into());
        defaults.insert("noValue".into(), language.of(self.none).into());
        for (name, value) in self.look.properties(language) {
            defaults.insert(name.into(), value);
        }
        if let Some((min, max)) = self.bounds {
            defaults.insert("min".into(), min.into());
            defaults.insert("max".into(), max.into());
        }
        if let Some((title, to)) = self.link {
            defaults.insert("links".into(), json!([link(title, to, language)]));
        }
        let custom = match self.view {
            View::Lines => Some(json!({ "drawStyle": "line", "lineWidth": 1, "fillOpacity": 8, "showPoints": "never",
                "spanNulls": false, "axisSoftMin": 0 })),
            View::Stacked => {
                Some(json!({ "drawStyle": "line", "lineWidth": 1, "fillOpacity": 60, "showPoints": "never",
                "spanNulls": false, "stacking": { "mode": "normal", "group": "A" } }))
            }
            View::States => Some(json!({ "lineWidth": 0, "fillOpacity": 80 })),
            View::Table(_) => Some(json!({ "align": "auto", "filterable": true })),
            View::Stat | View::Bars | View::Heatmap => None,
        };
        if let Some(custom) = custom {
            defaults.insert("custom".into(), custom);
        }
        Value::Object(defaults)
    }

    fn overrides(&self, language: Language) -> Value {
        match &self.view {
            View::Table(table) => table.overrides(language),
            _ => json!([]),
        }
    }

    /// The schema's name of the view, and its options.
    fn drawn(&self) -> (&'static str, Value) {
        let last = json!({ "calcs": ["lastNotNull"], "fields": "", "values": false });
        let legend = json!({ "displayMode": "list", "placement": "bottom", "showLegend": true });
        let tooltip = json!({ "mode": "multi", "sort": "desc" });
        match &self.view {
            View::Stat => {
                let options = json!({ "colorMode": "background", "graphMode": "none", "justifyMode": "center",
                    "orientation": "auto",
                    "textMode": if self.is_name { "name" } else { "value" }, "reduceOptions": last });
                ("stat", options)
            }
            View::Lines | View::Stacked => ("timeseries", json!({ "legend": legend, "tooltip": tooltip })),
            View::Bars => {
                let options = json!({ "displayMode": "basic", "orientation": "horizontal", "showUnfilled": true,
                    "valueMode": "text", "minVizHeight": 14, "minVizWidth": 8, "reduceOptions": last });
                ("bargauge", options)
            }
            View::States => {
                let options = json!({ "alignValue": "left", "mergeValues": true, "rowHeight": 0.85, "showValue": "auto",
                    "legend": legend, "tooltip": { "mode": "single", "sort": "none" } });
                ("state-timeline", options)
            }
            View::Heatmap => {
                let options = json!({ "calculate": false, "cellGap": 1, "legend": { "show": true },
                    "color": { "mode": "scheme", "scheme": "Cividis", "scale": "exponential", "exponent": 0.5, "steps": 64 },
                    "yAxis": { "axisPlacement": "left", "unit": "s" }, "tooltip": { "mode": "single", "yHistogram": true } });
                ("heatmap", options)
            }
            View::Table(_) => ("table", json!({ "showHeader": true, "cellHeight": "sm" })),
        }
    }
}

/// A link to another board of ours that keeps data source, job, instance and time range.
pub(super) fn link(title: Text, to: &str, language: Language) -> Value {
    let (board, variables) = to.split_once('?').unwrap_or((to, ""));
    let and = if variables.is_empty() { "" } else { "&" };
    let uid = super::board::uid(board, language);
    json!({
        "title": language.of(title),
        "url": format!(
            "/d/{uid}?{variables}{and}${{datasource:queryparam}}&${{job:queryparam}}&${{instance:queryparam}}&${{__url_time_range}}"
        ),
    })
}
