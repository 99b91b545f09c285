//! `alertmanager`: incidents as alerts of Prometheus' Alertmanager (API v2), so that routing that exists can be kept.
//!
//! Invariants: an incident is one alert, by labels that stay the same from its opening to its close, over our own starts
//! and reloads, too; while it is open it is said again every minute, for an Alertmanager forgets everything when it
//! starts again; what is over is never said again, even if it could not be told; what is not about an incident is none
//! of its business.

use super::super::{NotifyError, Receipt};
use super::note::cut;
use super::post::{as_json, post};
use super::{ChannelContext, ChannelKind, Note, Pace, Way};
use crate::domain::{Content, DAY, IncidentId, MINUTE, Millis, Timestamp};
use crate::field::{Field, Problems, Record, Type};
use crate::probe::Transports;
use futures_util::future::BoxFuture;
use reqwest::Url;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// How often an open incident is said again.
const AGAIN_EVERY_MS: Millis = MINUTE;

/// When an alert ends by itself after it was last said, should nobody say so: longer than any gap of ours.
const LASTS_MS: Millis = 7 * DAY;

/// Open alerts that are remembered; others are not said again.
const OPEN_MAX: usize = 2_000;

/// Saying them again never takes longer.
const AGAIN_WITHIN: Duration = Duration::from_secs(1);

pub(super) const KIND: ChannelKind = ChannelKind {
    name: "alertmanager",
    about: "Raises and ends an alert of Prometheus' Alertmanager for each incident.",
    example: "url: http://alertmanager.bdc.test:9093\nlabels: { source: gengfu }\n",
    fields: FIELDS,
    pace: Pace::FREE,
    build,
};

const FIELDS: &[Field] = &[
    Field::required("url", Type::Secret, "Where its pages are, with `web.route-prefix` if there is one."),
    Field::optional("bearer", Type::Secret, "A token for the header `Authorization`."),
    Field::optional("labels", Type::Map(&Type::Text { max: 200 }), "Put on every alert."),
];

fn build(record: &Record, context: &ChannelContext<'_>) -> Result<Arc<dyn Way>, Problems> {
    let mut problems = Problems::new();
    let url = super::url(record, context, &mut problems);
    let bearer = context.secret(record, "bearer", &mut problems);
    let text = |value: &crate::field::Value| value.as_text().unwrap_or_default().to_owned();
    let labels = record.map("labels").iter().map(|(name, value)| (name.value.clone(), text(&value.value))).collect();
    let Some(mut url) = url.filter(|_| !problems.has_errors()) else { return Err(problems) };
    let path = format!("{}/api/v2/alerts", url.path().trim_end_matches('/'));
    url.set_path(&path);
    let mut headers = as_json();
    headers.extend(bearer.map(|token| ("authorization".to_owned(), format!("Bearer {token}"))));
    let open = Mutex::default();
    Ok(Arc::new(Alertmanager { transports: Arc::clone(&context.transports), url, headers, labels, open }))
}

struct Alertmanager {
    transports: Arc<Transports>,
    url: Url,
    headers: Vec<(String, String)>,
    labels: BTreeMap<String, String>,
    open: Mutex<Open>,
}

/// Alerts that hold, and when they were last said.
#[derive(Default)]
struct Open {
    alerts: BTreeMap<IncidentId, Alert>,
    said_at: Option<Timestamp>,
}

/// One alert; when it ends is said each time.
#[derive(Clone)]
struct Alert {
    body: Value,
    /// When it was learned or last changed: pictures of what is open are a moment older than messages.
    at: Timestamp,
}

impl Alert {
    fn until(&self, end: Timestamp) -> Value {
        let mut body = self.body.clone();
        body["endsAt"] = end.to_string().into();
        body
    }
}

impl Alertmanager {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The alert, and whether it holds; none if the message is about no incident.
    fn alert(&self, note: &Note<'_>) -> Option<(IncidentId, Alert, bool)> {
        let news = note.news()?;
        let holds = !matches!(note.message.content, Content::Closed(_));
        let subsystem = news.subsystem.to_string();
        let owner = subsystem.split('/').next().unwrap_or_default();
        let mut labels: Map<String, Value> = self.labels.iter().map(|(k, v)| (k.clone(), v.clone().into())).collect();
        let ours = [
            ("alertname", news.symptom.as_str().to_owned()),
            ("incident", news.incident.to_string()),
            ("owner", owner.to_owned()),
            ("subsystem", subsystem.clone()),
            ("severity", news.severity.as_str().to_owned()),
        ];
        labels.extend(ours.map(|(name, value)| (name.to_owned(), Value::from(value))));
        // What was said at the opening is what ends.
        let said = self.open().alerts.get(&news.incident).map(|alert| alert.body["labels"].clone());
        let body = json!({
            "labels": said.unwrap_or(Value::Object(labels)),
            "annotations": { "summary": note.rendered.subject, "description": note.words(4_096) },
            "startsAt": news.since.to_string(),
            "generatorURL": note.link(),
        });
        Some((news.incident, Alert { body, at: note.now }, holds))
    }

    /// Keeps what was said, so that it is said again while it holds.
    fn keep(&self, incident: IncidentId, alert: Alert, holds: bool) {
        let mut open = self.open();
        if !holds {
            open.alerts.remove(&incident);
        } else if open.alerts.len() < OPEN_MAX || open.alerts.contains_key(&incident) {
            open.alerts.insert(incident, alert);
        }
    }

    async fn raise(&self, alerts: Vec<Value>) -> Result<String, NotifyError> {
        post(&self.transports, "POST", &self.url, self.headers.clone(), Value::Array(alerts).to_string()).await
    }
}

impl Way for Alertmanager {
    fn send<'a>(&'a self, note: &'a Note<'a>) -> BoxFuture<'a, Result<Receipt, NotifyError>> {
        Box::pin(async move {
            let Some((incident, alert, holds)) = self.alert(note) else {
                return Ok(Receipt { text: "about no incident, so no alert".to_owned() });
            };
            let until = note.news().and_then(|news| news.until).filter(|_| !holds);
            let end = until.unwrap_or(note.now + if holds { LASTS_MS } else { 0 });
            let answer = self.raise(vec![alert.until(end)]).await?;
            self.keep(incident, alert, holds);
            Ok(Receipt { text: cut(&answer, 200).to_owned() })
        })
    }

    fn repeats(&self) -> bool {
        true
    }

    fn recall(&self, note: &Note<'_>) {
        if let Some((incident, alert, holds)) = self.alert(note) {
            self.keep(incident, alert, holds);
        }
    }

    fn again<'a>(&'a self, now: Timestamp, still: &'a BTreeSet<IncidentId>) -> BoxFuture<'a, ()> {
        let mut open = self.open();
        let mut alerts = Vec::new();
        if open.said_at.is_none_or(|at| now.since(at) >= AGAIN_EVERY_MS) {
            open.said_at = Some(now);
            open.alerts.retain(|id, alert| still.contains(id) || now.since(alert.at) < AGAIN_EVERY_MS);
            let holding = open.alerts.iter().filter(|(id, _)| still.contains(id));
            alerts = holding.map(|(_, alert)| alert.until(now + LASTS_MS)).collect();
        }
        drop(open);
        Box::pin(async move {
            if !alerts.is_empty() {
                let _ = timeout(AGAIN_WITHIN, self.raise(alerts)).await;
            }
        })
    }
}
