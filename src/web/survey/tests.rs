//! What the store counted becomes surveys, rows and sheets.

use super::*;
use crate::domain::fixture::City;
use serde_json::json as value;

/// Five weeks of hours that are shut from 00:00 to 06:00 UTC, which is 08:00 to 14:00 in Shanghai.
async fn stored() -> (Store, tempfile::TempDir, Inventory, Span) {
    let inventory = City::new().subsystem("tax/file", 2, &[]).subsystem("tax/=pay", 2, &["tax/file"]).inventory();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("gengfu.db")).unwrap();
    let period = Span::lasting(inventory.zone.parse("2026-10-12").unwrap(), 35 * DAY);
    let mut rows = Vec::new();
    for hour in 0..35 * 24 {
        let start = period.start + hour * HOUR;
        let shut = start.0.rem_euclid(DAY) < 6 * HOUR;
        rows.push(Tally {
            probe: "tax/file/home".into(),
            hour: start,
            ticks: 60,
            pass: if shut { 0 } else { 60 },
            degraded: 0,
            fail: if shut { 60 } else { 0 },
            unknown: 0,
            skipped: 0,
            slow_pass: 0,
            slow_fail: 0,
        });
    }
    store.tally(rows).await.unwrap();
    (store, folder, inventory, period)
}

#[tokio::test]
async fn tallies_become_a_finding_in_every_form() {
    let (store, _folder, inventory, period) = stored().await;
    let gathering = gather(&store, &inventory, period, |_| true).await.unwrap();
    let all = surveys(&inventory, &gathering, period, |_| true);
    let json = json(&inventory, &all);
    assert_eq!(json[1]["subsystem"], "tax/file");
    assert_eq!(json[1]["findings"][0]["kind"], "closed_hours");
    assert_eq!((&json[1]["findings"][0]["from"], &json[1]["findings"][0]["to"]), (&value!("08:00"), &value!("14:00")));
    assert_eq!(json[1]["weeks"]["working"][0][8]["availability"], 0.0);
    assert_eq!(json[1]["weeks"]["working"][0][15]["availability"], 1.0);
    assert_eq!((&json[0]["days_seen"], &json[0]["findings"]), (&value!(0), &value!([])));
    let text: String = all.iter().map(|survey| csv(&inventory, survey, Language::Zh)).collect();
    let text = CSV_HEAD.to_owned() + &text;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let columns = reader.headers().unwrap().len();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert!(rows.len() == 2 && rows.iter().all(|row| row.len() == columns), "{text}");
    let owner = &inventory.owners["tax"];
    let sheet = sheet(&inventory, owner, &all.iter().collect::<Vec<_>>(), Language::En);
    assert!(sheet.contains("Closed 08:00–14:00 every day") && sheet.contains("Signature: ____"), "{sheet}");
}
