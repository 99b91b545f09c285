//! The outbox on its page: who sees it, and who does something about a message.

use super::*;
use crate::domain::{Content, DAY, Language, Message, Recipient};
use crate::store::{Letter, LetterState};
use crate::web::{OutboxRow, OutboxView};
use tokio::sync::watch;

#[tokio::test]
async fn what_was_given_up_is_shown_and_only_administrators_do_something_about_it() {
    let (state, _commands, _folder) = fixture::audited().await;
    let store = state.store.clone().unwrap();
    let to = Recipient { name: "值班".into(), mail: "gone@bdc.test".into(), language: Language::Zh };
    let message = Message::new("INC-0421".into(), 0, to, NOW, DAY, Content::ReloadRefused { text: "no".into() });
    let mut dead = Letter::new(message.clone());
    (dead.state, dead.settled_at, dead.last_error) = (LetterState::Dead, Some(NOW), Some("550 <no>".into()));
    store.outbox_record(vec![dead], vec![]).await.unwrap();
    let row = OutboxRow {
        id: message.id.clone(),
        thread: message.thread.clone(),
        sequence: 0,
        to: message.to.mail.clone(),
        language: Language::Zh,
        at: NOW,
        state: "dead",
        attempts: 3,
        next_at: None,
        last_error: Some("550 <no>".into()),
    };
    let view = OutboxView { rows: vec![row], ..OutboxView::default() };
    let state = WebState { outbox: watch::channel(Arc::new(view)).1, ..state };
    let ask = async |method: Method, path: &str, token: &str| {
        send(&state, with_token(request("192.0.2.7", method, path), token)).await
    };
    let retry = format!("/outbox/{}/retry", message.id);
    for (token, may_act) in [("read", false), ("admin", true)] {
        let page = ask(Method::GET, "/outbox?lang=en", token).await;
        assert!(page.status == StatusCode::OK && page.body.contains("gone@bdc.test"), "{token}: {}", page.body);
        assert!(!page.body.contains("<no>") && page.body.contains("given up"), "{}", page.body);
        assert_eq!(page.body.contains(&retry), may_act, "{token}");
    }
    let api = format!("/api/v1{retry}");
    assert_eq!(ask(Method::POST, &api, "operate").await.status, StatusCode::FORBIDDEN);
    assert_eq!(ask(Method::POST, &api, "admin").await.json()["state"], "pending");
    let stands = async || store.outbox_get(message.id.clone()).await.unwrap().unwrap();
    assert_eq!((stands().await.state, stands().await.message.expires), (LetterState::Pending, NOW + DAY));
    let drop = ask(Method::POST, &format!("/outbox/{}/drop", message.id), "admin").await;
    assert_eq!((drop.status, stands().await.state), (StatusCode::SEE_OTHER, LetterState::Dropped));
    assert_eq!(ask(Method::POST, "/api/v1/outbox/none/retry", "admin").await.status, StatusCode::NOT_FOUND);
    assert_eq!(ask(Method::POST, &api.replace("retry", "burn"), "admin").await.status, StatusCode::NOT_FOUND);
}
