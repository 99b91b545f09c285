//! The audit log over HTTP.

use crate::web::fixture;
use crate::web::router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use serde_json::Value;
use tower::ServiceExt;

async fn get(app: &axum::Router, query: &str) -> (StatusCode, String, String) {
    let request = Request::builder().uri(format!("/api/v1/audit?{query}")).header(header::HOST, "127.0.0.1");
    let request = request.header(header::AUTHORIZATION, "Bearer read").body(Body::empty()).unwrap();
    let (parts, body) = app.clone().oneshot(request).await.unwrap().into_parts();
    let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
    let kind = parts.headers[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    (parts.status, kind, body)
}

async fn json(app: &axum::Router, query: &str) -> Value {
    let (status, _, body) = get(app, query).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn rows_come_in_pages_newest_first_and_are_filtered() {
    let (state, _commands, _store) = fixture::audited().await;
    let app = router(state);
    let (mut seen, mut query) = (Vec::new(), "limit=2".to_owned());
    loop {
        let page = json(&app, &query).await;
        seen.extend(page["rows"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => query = format!("limit=2&behind={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["request", "window.approve", "window.extend", "sign_in", "reload"]);
    let of = async |query: &str| json(&app, query).await["rows"].as_array().unwrap().len();
    assert_eq!(of("what=window").await, 2);
    assert_eq!(of("who=pipeline").await, 1);
    assert_eq!(of("about=tax-monthly.00000001&who=").await, 1);
    assert_eq!(of("from=2026-11-24T22:00&to=2026-11-24T22:30").await, 1, "civil times");
    assert_eq!(json(&app, "order=oldest&limit=1").await["rows"][0]["from"], "files");
    for wrong in ["format=xml", "order=odd", "behind=x", "from=soon", "from=2026-11-24T22:00&to=2026-11-24T21:00"] {
        assert_eq!(get(&app, wrong).await.0, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn an_export_holds_every_row_the_oldest_first_and_no_formula() {
    let (state, _commands, _store) = fixture::audited().await;
    let app = router(state);
    let (_, kind, text) = get(&app, "format=csv&limit=1").await;
    assert_eq!(kind, "text/csv; charset=utf-8");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!((rows.len(), &rows[0][5], &rows[2][7]), (5, "reload", "'=数据迁移比预计慢, +40m"));
    let (_, kind, text) = get(&app, "format=jsonl&what=window").await;
    assert_eq!((&*kind, text.lines().count()), ("application/jsonl", 2));
}
