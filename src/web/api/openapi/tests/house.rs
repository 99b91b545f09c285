//! A whole API over a full city, whose every answer is held against the document.

use super::judge::Judge;
use super::*;
use crate::domain::order::{NotOrdered, Ordered, WhyNot};
use crate::domain::window::WindowState;
use crate::domain::{Content, DAY, HOUR, Language, Message, Recipient, Span};
use crate::store::{Letter, LetterState, Store};
use crate::web::fixture::{NOW, names};
use crate::web::{Asked, Commands, OrderAsked, WebState, router};
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Method, Request};
use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tower::ServiceExt;

/// A whole API over a full city, what its engine says to orders, and all that is not as described.
pub(super) struct House {
    pub(super) app: axum::Router,
    pub(super) judge: Judge,
    pub(super) faults: RefCell<Vec<String>>,
    pub(super) refuses: Arc<Mutex<Option<WhyNot>>>,
    pub(super) message: String,
    _store: tempfile::TempDir,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    kind: String,
    pub(super) body: Bytes,
}

impl House {
    pub(super) async fn build() -> Self {
        let (state, _, folder) = fixture::audited().await;
        let (full, _) = fixture::state(city::full());
        let store = state.store.unwrap();
        store.tally(city::tallies(&full.picture(), &full.board)).await.unwrap();
        let message = dead_letter(&store).await;
        let (commands, Asked { mut orders, commands: mut noted }) = Commands::channel(64);
        let refuses = Arc::new(Mutex::new(None));
        let says = Arc::clone(&refuses);
        let tasks = tokio_util::task::TaskTracker::new();
        tasks.spawn(async move { while noted.recv().await.is_some() {} });
        tasks.spawn(async move {
            while let Some(OrderAsked { order, reply }) = orders.recv().await {
                let kind = *says.lock().unwrap();
                let (state, span) = (Some(WindowState::Planned), Some(Span::lasting(NOW, HOUR)));
                let text = names("已完成", "done");
                drop(reply.send(match kind {
                    None => Ok(Ordered { subject: order.what.subject(), state, span, text }),
                    Some(kind) => Err(NotOrdered { kind, text, next_open: Some(NOW + HOUR) }),
                }));
            }
        });
        let outbox = tokio::sync::watch::channel(Arc::new(city::outbox(&message))).1;
        let app = router(WebState { store: Some(store), commands, outbox, ..full });
        let faults = RefCell::default();
        Self { app, judge: Judge::new(described()), faults, refuses, message, _store: folder }
    }

    pub(super) async fn send(&self, method: Method, path: &str, token: Option<&str>, body: Body) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{BELOW}{path}"));
        request = request.header(header::HOST, "127.0.0.1:9424");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let peer: SocketAddr = "192.0.2.7:5000".parse().unwrap();
        let request = request.extension(ConnectInfo(peer)).body(body).unwrap();
        let (parts, body) = self.app.clone().oneshot(request).await.unwrap().into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE).map_or("", |kind| kind.to_str().unwrap());
        let body = if kind == "text/event-stream" { Bytes::new() } else { to_bytes(body, 1 << 24).await.unwrap() };
        Answer { status: parts.status, kind: kind.split(';').next().unwrap().to_owned(), body }
    }

    /// The answer of a door, which is as the document says: its status is named, and its body fits.
    pub(super) async fn ask(&self, door: (&Method, &str), path: &str, token: Option<&str>, body: &Value) -> Answer {
        let sent = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let answer = self.send(door.0.clone(), path, token, sent).await;
        let (method, status) = (door.0.as_str().to_ascii_lowercase(), answer.status.as_u16());
        let mut place = format!("/paths/{}/{method}/responses/{status}", escaped(&format!("{BELOW}{}", door.1)));
        match self.judge.document.pointer(&place) {
            Some(named) => {
                if let Some(to) = named["$ref"].as_str() {
                    place = to.trim_start_matches('#').to_owned();
                }
            }
            None => self.must(false, || format!("{method} {path}: {status} is not described")),
        }
        let place = format!("{place}/content/{}/schema", escaped(&answer.kind));
        let value = match answer.kind.ends_with("json") {
            true => serde_json::from_slice(&answer.body).unwrap(),
            false => Value::String(String::from_utf8(answer.body.to_vec()).unwrap()),
        };
        let fits = self.judge.fits(&place, &value);
        self.must(fits.is_ok(), || format!("{method} {path} ({status}): {}", fits.unwrap_err()));
        answer
    }

    /// A body that the document lets pass.
    pub(super) fn may_send(&self, door: &str, body: &Value) {
        let fits = self.judge.fits(&body_of(door), body);
        self.must(fits.is_ok(), || format!("{door} {body}: {}", fits.unwrap_err()));
    }

    pub(super) fn must(&self, good: bool, fault: impl FnOnce() -> String) {
        if !good {
            self.faults.borrow_mut().push(fault());
        }
    }

    pub(super) async fn look(&self, door: &str, path: &str, token: Option<&str>) -> StatusCode {
        self.ask((&Method::GET, door), path, token, &Value::Null).await.status
    }
}

/// A message that was given up, for whoever does something about it.
async fn dead_letter(store: &Store) -> String {
    let to = Recipient { name: "one".into(), mail: "one@city.test".into(), language: Language::Zh };
    let content = Content::ReloadRefused { text: "no".into() };
    let message = Message::new("INC-0421".into(), 0, to, NOW, DAY, content);
    let mut dead = Letter::new(message.clone());
    (dead.state, dead.settled_at) = (LetterState::Dead, Some(NOW));
    store.outbox_record(vec![dead], vec![]).await.unwrap();
    message.id
}

/// Where the document says what a door takes.
pub(super) fn body_of(door: &str) -> String {
    format!("/paths/{}/post/requestBody/content/application~1json/schema", escaped(&format!("{BELOW}{door}")))
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
