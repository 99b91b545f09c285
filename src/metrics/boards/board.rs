//! A whole board: its variables, annotations, links and rows, as the classic schema has them.

use super::panel::{COLUMNS, Panel};
use super::query::{datasource, expand};
use super::{Language, Text};
use serde_json::{Value, json};

/// The newest of the classic schema.
const SCHEMA_VERSION: u32 = 42;

/// What a reader may choose.
#[derive(Clone, Copy)]
pub(super) enum Variable {
    /// Any number of the values of a label of a family; all of them at first.
    Any(&'static str, Text, &'static str),
    /// One of them.
    One(&'static str, Text, &'static str),
    /// One of these; the first at first.
    Of(&'static str, Text, &'static [(&'static str, Text)]),
}

/// Owners, tiers and subsystems, as most boards let one choose them.
pub(super) const OWNERS: Variable = Variable::Any("owner", ["单位", "Owner"], "gengfu_subsystem_info{@}");
pub(super) const TIERS: Variable = Variable::Any("tier", ["等级", "Tier"], "gengfu_subsystem_info{@}");
pub(super) const OWNER: Variable = Variable::One("owner", ["单位", "Owner"], "gengfu_subsystem_info{@}");

/// Something that happened, drawn over every panel with a time axis.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    pub(super) name: Text,
    pub(super) expr: &'static str,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    pub(super) colour: &'static str,
}

/// Panels under one heading.
pub(super) struct Row {
    pub(super) title: Text,
    pub(super) panels: Vec<Panel>,
}

/// A whole board.
pub(super) struct Board {
    /// Of the file and of the `uid`.
    pub(super) name: &'static str,
    pub(super) title: Text,
    pub(super) about: Text,
    pub(super) variables: Vec<Variable>,
    pub(super) marks: Vec<Mark>,
    pub(super) rows: Vec<Row>,
    /// How far it looks back at first.
    pub(super) from: &'static str,
    /// How far ahead it looks at first.
    pub(super) to: &'static str,
}

/// `gengfu-city` in Chinese, `gengfu-city-en` in English. Links and bookmarks rest on it.
pub(super) fn uid(name: &str, language: Language) -> String {
    format!("gengfu-{name}{}", language.of(["", "-en"]))
}

impl Board {
    pub(super) fn json(&self, language: Language) -> Value {
        let uid = |language| uid(self.name, language);
        let tag = format!("gengfu-{}", language.as_str());
        let other = Language::ALL.into_iter().find(|l| *l != language).unwrap_or(language);
        json!({
            "id": null,
            "uid": uid(language),
            "title": language.of(self.title),
            "description": language.of(self.about),
            "tags": ["gengfu", tag],
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": false,
            "graphTooltip": 1,
            "timezone": "browser",
            "weekStart": "monday",
            "fiscalYearStartMonth": 0,
            "refresh": "30s",
            "time": { "from": self.from, "to": self.to },
            "timepicker": {},
            "links": [
                {
                    "type": "dashboards", "title": language.of(["看板", "Dashboards"]), "tags": [tag], "asDropdown": true,
                    "includeVars": true, "keepTime": true, "targetBlank": false, "icon": "external link",
                    "tooltip": "", "url": "",
                },
                {
                    "type": "link", "title": language.of(["English", "中文"]), "tags": [], "asDropdown": false,
                    "includeVars": true, "keepTime": true, "targetBlank": false, "icon": "dashboard",
                    "tooltip": "", "url": format!("/d/{}", uid(other)),
                },
            ],
            "annotations": { "list": self.annotations(language) },
            "templating": { "list": self.templating(language) },
            "panels": self.panels(language),
        })
    }

    fn annotations(&self, language: Language) -> Value {
        let own = json!({
            "builtIn": 1, "datasource": { "type": "grafana", "uid": "-- Grafana --" }, "enable": true, "hide": true,
            "iconColor": "rgba(0, 211, 255, 1)", "name": "Annotations & Alerts", "type": "dashboard",
        });
        let marks = self.marks.iter().map(|mark| {
            json!({
                "name": language.of(mark.name),
                "datasource": datasource(),
                "enable": true,
                "iconColor": mark.colour,
                "target": { "refId": "Anno", "expr": expand(mark.expr, language), "interval": "" },
                "titleFormat": expand(mark.title, language),
                "textFormat": expand(mark.text, language),
            })
        });
        std::iter::once(own).chain(marks).collect()
    }

    fn templating(&self, language: Language) -> Value {
        let source = json!({
            "name": "datasource", "label": language.of(["数据源", "Data source"]), "type": "datasource",
            "query": "prometheus", "hide": 0, "includeAll": false, "multi": false, "options": [],
            "refresh": 1, "regex": "", "skipUrlSync": false,
        });
        let base = [
            Variable::Any("job", ["任务", "Job"], "gengfu_build_info"),
            Variable::Any("instance", ["实例", "Instance"], r#"gengfu_build_info{job=~"$job"}"#),
        ];
        let ours = base.iter().chain(&self.variables).map(|variable| variable.json(language));
        std::iter::once(source).chain(ours).collect()
    }

    /// Rows one below the other; in a row, panels from left to right, and on when a line is full.
    fn panels(&self, language: Language) -> Value {
        let (mut panels, mut top) = (Vec::new(), 0);
        for row in &self.rows {
            let place = json!({ "x": 0, "y": top, "w": COLUMNS, "h": 1 });
            panels.push(json!({
                "id": panels.len() + 1, "type": "row", "title": language.of(row.title), "collapsed": false,
                "gridPos": place, "panels": [],
            }));
            top += 1;
            let (mut x, mut height) = (0, 0);
            for panel in &row.panels {
                let (width, tall) = panel.size;
                if x + width > COLUMNS {
                    (top, x, height) = (top + height, 0, 0);
                }
                panels.push(panel.json(panels.len() + 1, (x, top), language));
                (x, height) = (x + width, height.max(tall));
            }
            top += height;
        }
        Value::Array(panels)
    }
}

impl Variable {
    fn json(self, language: Language) -> Value {
        let (name, label, family, is_many) = match self {
            Self::Any(name, label, family) => (name, label, family, true),
            Self::One(name, label, family) => (name, label, family, false),
            Self::Of(name, label, values) => return chosen(name, label, values, language),
        };
        let query = format!("label_values({}, {name})", expand(family, language));
        let mut variable = json!({
            "name": name,
            "label": language.of(label),
            "type": "query",
            "datasource": datasource(),
            "query": { "query": query, "refId": "StandardVariableQuery" },
            "refresh": 2,
            "sort": 1,
            "multi": is_many,
            "includeAll": is_many,
            "hide": 0,
            "options": [],
            "regex": "",
            "skipUrlSync": false,
        });
        if is_many {
            variable["allValue"] = ".*".into();
            variable["current"] = json!({ "selected": true, "text": ["All"], "value": ["$__all"] });
        }
        variable
    }
}

fn chosen(name: &str, label: Text, values: &[(&str, Text)], language: Language) -> Value {
    let options: Vec<_> = values
        .iter()
        .enumerate()
        .map(|(n, (value, text))| json!({ "selected": n == 0, "text": language.of(*text), "value": value }))
        .collect();
    let query: Vec<_> = values.iter().map(|(value, text)| format!("{} : {value}", language.of(*text))).collect();
    json!({
        "name": name,
        "label": language.of(label),
        "type": "custom",
        "query": query.join(", "),
        "multi": false,
        "includeAll": false,
        "current": options.first(),
        "hide": 0,
        "options": options,
        "skipUrlSync": false,
    })
}
