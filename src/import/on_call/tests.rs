//! Lists as offices keep them.

use super::*;
use crate::import::csv::decode;
use jiff::civil::time;

fn turned(table: &str, known: Option<&str>) -> (Vec<String>, Vec<String>) {
    let shifts = import("list.csv", table, known, time(9, 0, 0, 0)).unwrap();
    let lines = shifts.yaml.lines().map(|line| line.trim_start_matches("  - ").to_owned());
    (lines.filter(|line| line.starts_with('{')).collect(), shifts.left.iter().map(ToString::to_string).collect())
}

#[test]
fn a_row_for_each_day_is_handed_over_in_the_morning_and_known_people_keep_their_ids() {
    let known = "people: [{ id: one, name: 平台值班一组, mail: a@b.test }]\nrosters: []\n";
    let table = "日期,星期,值班人员,带班领导,邮箱\n2026/12/24,四,平台值班一组,值班领导甲,\n2026年12月25日,五,平台值班二组,,two@b.test\n";
    let (lines, left) = turned(table, Some(known));
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[1].contains(r#"name: "平台值班二组", mail: "two@b.test""#), "{lines:?}");
    assert!(lines[2].starts_with("{ from: 2026-12-24T09:00, to: 2026-12-25T09:00, who: [one, x"), "{lines:?}");
    assert!(lines[3].starts_with("{ from: 2026-12-25T09:00, to: 2026-12-26T09:00, who: x"), "{lines:?}");
    assert_eq!(left, ["list.csv:0: 值班领导甲 has no mail address in the list; write it into `people`"]);
}

#[test]
fn weeks_nights_and_exact_times_are_read() {
    let week = turned("开始日期,结束日期,值班人员\n2026-12-21,2026-12-27,one\n", None).0;
    assert_eq!(week[1], "{ from: 2026-12-21T09:00, to: 2026-12-28T09:00, who: one }");
    let night = turned("date,time,who\n2026-12-21,17:30-8:30,one\n2026-12-22,08:30–24:00,two\n", None).0;
    assert_eq!(night[2], "{ from: 2026-12-21T17:30, to: 2026-12-22T08:30, who: one }");
    assert_eq!(night[3], "{ from: 2026-12-22T08:30, to: 2026-12-23T00:00, who: two }");
    let exact = turned("from,to,who\n2026-12-21 09:00,2026-12-21T21:00,one、two\n", None).0;
    assert_eq!(exact[2], "{ from: 2026-12-21T09:00, to: 2026-12-21T21:00, who: [one, two] }");
}

#[test]
fn rows_that_cannot_be_read_are_listed_with_their_line_and_others_stay() {
    let table = "日期,值班人员\n12月24日,甲\n2026-12-25,\n2026-12-26,乙\n";
    let (lines, left) = turned(table, None);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(left.len(), 3, "{left:?}");
    assert_eq!(left[0], "list.csv:2: `12月24日` is not a date; write 2026-12-24");
    assert_eq!(left[1], "list.csv:3: nobody is named in this row");
    for table in ["日期,电话\n2026-12-25,110\n", "值班人员\n甲\n"] {
        assert!(
            import("list.csv", table, None, time(9, 0, 0, 0)).unwrap_err().contains("there is no column"),
            "{table}"
        );
    }
}

#[test]
fn a_list_of_an_older_spreadsheet_is_read_as_gb18030() {
    let (bytes, _, _) = encoding_rs::GB18030.encode("日期,值班人员\n2026-12-26,平台值班一组\n");
    let table = decode(&bytes, None).unwrap();
    assert_eq!(turned(&table, None).0.len(), 2);
    let with_mark = decode("\u{feff}日期,值班人员\n2026-12-26,甲\n".as_bytes(), None).unwrap();
    assert_eq!(turned(&with_mark, None).0.len(), 2);
}

#[test]
fn what_is_written_is_what_the_files_take() {
    let text =
        import("list.csv", "日期,值班人员,邮箱\n2026-12-26,\"甲: \"\"乙\"\"\",a@b.test\n", None, time(9, 0, 0, 0))
            .unwrap();
    let mut problems = Problems::new();
    let node = parse::parse(&"on-call.yaml".into(), &text.yaml, &mut problems).unwrap();
    assert!(problems.is_empty(), "{problems}");
    assert_eq!(node.get("people").unwrap().items()[0].get("name").unwrap().text(), Some("甲: \"乙\""));
    assert!(text.left.is_empty());
}
