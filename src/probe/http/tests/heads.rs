//! Heads before the answer's own: some are skipped, and no number of them outlasts the deadline.

use super::{SHORT, get, page};
use crate::domain::{Outcome, ReasonKind};
use crate::probe::tests::{Rig, assert_fail};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Says `part` over and over, in the clear.
async fn babbler(rig: &mut Rig, part: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    rig.run(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            while stream.write_all(part).await.is_ok() {}
        }
    });
    port
}

#[tokio::test]
async fn some_heads_of_1xx_come_before_an_answer() {
    let mut rig = Rig::new();
    let port = rig
        .serve(|_| {
            let early = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(20);
            [early.into_bytes(), page("200 OK", "there")].concat()
        })
        .await;
    assert_eq!(get(&rig, port, json!({ "body_contains": "there" })).await.outcome, Outcome::Pass);
}

#[tokio::test]
async fn heads_of_1xx_without_end_are_a_failure_of_the_protocol() {
    let mut rig = Rig::new();
    let port = babbler(&mut rig, b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100).leak()).await;
    let report = get(&rig, port, json!({})).await;
    assert_fail(&report, ReasonKind::Protocol, "gave no HTTP answer: no answer among 512 KiB of heads");
}

#[tokio::test]
async fn body_without_end_is_read_up_to_the_cap_and_leaves_others_their_turn() {
    let mut rig = Rig::new();
    let port = babbler(&mut rig, b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n").await;
    let url = format!("http://a.huangpu.test:{port}/");
    let report = rig.attempt_within(SHORT * 10, "http", json!({ "url": url, "body_bytes_max": 4 << 20 })).await;
    assert_eq!(report.outcome, Outcome::Pass, "{report:#?}");
    assert_eq!(report.trace.last().unwrap().text.as_ref(), "read 4194304 bytes, and left the rest");
}
