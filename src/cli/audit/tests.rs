//! The audit log from a store and from a daemon that is a few lines of axum.

use super::*;
use crate::domain::policy::fixture::city;
use crate::store::{Batch, Ends};
use clap::Parser;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: AuditArgs,
}

fn args(line: &str) -> AuditArgs {
    Line::try_parse_from(std::iter::once("audit").chain(line.split_whitespace())).unwrap().args
}

fn entry(minute: i64, holder: &str, action: &str) -> AuditEntry {
    let actor = Actor { name: holder.into(), owner: Some("bdc".into()), from: "192.0.2.7".into() };
    let at = Timestamp(1_795_531_680_000) + minute * MINUTE;
    match action {
        "reload" => AuditEntry::refused(at, actor, action, "", "", "a.yaml:1:1: unknown \u{1b}[31mkey"),
        _ => AuditEntry::done(at, actor, action, "bdc-monthly.0a1b2c3d", "needs longer"),
    }
}

async fn printed(line: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gengfu.db");
    let many = (0..1_500).map(|minute| entry(minute, "pipeline", "window.extend"));
    let audit = many.chain([entry(2_000, "duty-officer", "reload")]).collect();
    let store = Store::open(&path).unwrap();
    store.keep(Ends::default(), Batch { audit, ..Batch::default() }).await.unwrap();
    let mut out = Vec::new();
    assert_eq!(from_store(&path, &city(), &args(line), &mut out).await.unwrap(), 0);
    String::from_utf8(out).unwrap()
}

#[tokio::test]
async fn people_read_two_lines_for_each_row() {
    let text = printed("--who duty-officer").await;
    assert_eq!(
        text,
        "Thu 2026-11-26 08:08  duty-officer (bdc) from 192.0.2.7\n  reload — refused: a.yaml:1:1: unknown  [31mkey\n"
    );
    let text = printed("--who pipeline --last 1 --lang zh").await;
    assert!(text.ends_with("  window.extend · bdc-monthly.0a1b2c3d · needs longer — 已执行\n"), "{text}");
}

#[tokio::test]
async fn more_than_a_page_is_printed_in_the_order_of_time() {
    let text = printed("--format csv --what window").await;
    assert_eq!(text.lines().count(), 1_501);
    let times: Vec<&str> = text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    assert!(times.is_sorted());
    let last = printed("--format json --last 2").await;
    let rows: Vec<AuditLine> = last.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((rows.len(), &*rows[0].action, &*rows[1].action), (2, "window.extend", "reload"));
}
