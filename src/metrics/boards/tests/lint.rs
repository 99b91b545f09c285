//! The rules of Grafana's dashboard-linter, and some that it lacks, over every file.

use super::*;
use crate::metrics::families::Kind;

/// What Grafana itself fills in.
const GIVEN: [&str; 3] = ["__rate_interval", "__range", "datasource"];
/// What has no job: alerts about a daemon that is not there, and the one that always fires.
const WITHOUT_JOB: [&str; 1] = ["ALERTS"];

fn each(rule: impl Fn(&str, &Value)) {
    for (name, board) in files() {
        rule(&name, &board);
    }
}

fn variables(board: &Value) -> &[Value] {
    board["templating"]["list"].as_array().unwrap()
}

#[test]
fn boards_can_be_provisioned_anywhere_and_are_edited_at_their_source() {
    let mut uids = BTreeSet::new();
    for (name, board) in files() {
        assert!(board["id"].is_null() && board["editable"] == false, "{name}");
        assert!((39..=42).contains(&board["schemaVersion"].as_u64().unwrap()), "{name}");
        assert!(uids.insert(text(&board["uid"]).to_owned()), "{name}: two boards of one uid");
        assert!(text(&board["uid"]).len() <= 40, "{name}");
        assert!(!text(&board["title"]).is_empty() && !text(&board["description"]).is_empty(), "{name}");
    }
}

#[test]
fn data_source_job_and_instance_are_variables_that_follow_the_time_range() {
    each(|name, board| {
        let [source, job, instance, ..] = variables(board) else { panic!("{name}: too few variables") };
        assert_eq!((&source["name"], &source["type"]), (&"datasource".into(), &"datasource".into()), "{name}");
        for (variable, wanted) in [(job, "job"), (instance, "instance")] {
            assert_eq!(variable["name"], wanted, "{name}");
            assert!(variable["multi"] == true && variable["allValue"] == ".*", "{name}: {wanted}");
        }
        for variable in variables(board).iter().filter(|variable| variable["type"] == "query") {
            assert_eq!(variable["refresh"], 2, "{name}: {}", variable["name"]);
            assert_eq!(variable["datasource"]["uid"], "${datasource}", "{name}: {}", variable["name"]);
        }
    });
}

#[test]
fn panels_have_a_title_a_description_a_unit_and_a_question_to_the_variable_data_source() {
    each(|name, board| {
        for panel in panels(board) {
            let place = format!("{name}: {}", panel["title"]);
            assert!(!text(&panel["title"]).is_empty() && !text(&panel["description"]).is_empty(), "{place}");
            assert!(!text(&panel["fieldConfig"]["defaults"]["unit"]).is_empty(), "{place}");
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{place}");
            let targets = panel["targets"].as_array().unwrap();
            assert!((1..=26).contains(&targets.len()), "{place}");
            assert!(targets.iter().all(|target| target["datasource"]["uid"] == "${datasource}"), "{place}");
        }
    });
}

#[test]
fn panels_lie_beside_each_other_and_have_ids_of_their_own() {
    each(|name, board| {
        let all = board["panels"].as_array().unwrap();
        let ids: BTreeSet<_> = all.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), all.len(), "{name}");
        let mut taken = BTreeSet::new();
        for panel in all {
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
            assert!(x + w <= 24, "{name}: {} is too wide", panel["title"]);
            let cells = (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y)));
            assert!(cells.into_iter().all(|cell| taken.insert(cell)), "{name}: {} lies on another", panel["title"]);
        }
    });
}

#[test]
fn every_selector_is_narrowed_to_job_and_instance() {
    let selector = Regex::new(r"([A-Za-z_:][A-Za-z0-9_:]*)\{([^}]*)\}").unwrap();
    let bare = Regex::new(r"\b(gengfu[_:][a-z0-9_:]+|up|ALERTS|process_\w+|scrape_\w+)(\{)?").unwrap();
    let quoted = Regex::new(r#""[^"]*""#).unwrap();
    each(|name, board| {
        for (place, expr) in queries(board) {
            for found in selector.captures_iter(&expr) {
                let is_narrow = found[2].starts_with(r#"job=~"$job",instance=~"$instance""#);
                assert!(is_narrow || WITHOUT_JOB.contains(&&found[1]), "{name}: {place}: {}", &found[0]);
            }
            for found in bare.captures_iter(&quoted.replace_all(&expr, "\"\"")) {
                assert!(found.get(2).is_some(), "{name}: {place}: {} stands bare", &found[1]);
            }
        }
    });
}

#[test]
fn rates_look_back_as_far_as_grafana_says_and_counters_are_rated() {
    let back = Regex::new(r"\[([^\]]*)\]").unwrap();
    each(|name, board| {
        for (place, expr) in queries(board) {
            for found in back.captures_iter(&expr) {
                assert!(["$__rate_interval", "$__range"].contains(&&found[1]), "{name}: {place}: [{}]", &found[1]);
            }
            let counters = series(&expr)
                .into_iter()
                .filter(|series| families::find(series).is_some_and(|family| family.kind != Kind::Gauge));
            for counter in counters {
                let mut before = expr.match_indices(&counter).map(|(at, _)| &expr[..at]);
                assert!(before.all(|b| b.ends_with("rate(") || b.ends_with("increase(")), "{name}: {place}: {counter}");
            }
        }
    });
}

#[test]
fn every_variable_is_set_by_the_board_or_by_grafana_and_none_is_idle() {
    let variable = Regex::new(r"\$\{?(\w+)").unwrap();
    each(|name, board| {
        let named: BTreeSet<_> = variables(board).iter().map(|variable| text(&variable["name"])).collect();
        let mut used = BTreeSet::new();
        let ours = variables(board).iter().filter_map(|v| v["query"]["query"].as_str()).map(str::to_owned);
        for expr in queries(board).into_iter().map(|(_, expr)| expr).chain(ours) {
            used.extend(variable.captures_iter(&expr).map(|found| found[1].to_owned()));
        }
        let strange: Vec<_> =
            used.iter().filter(|v| !named.contains(v.as_str()) && !GIVEN.contains(&v.as_str())).collect();
        assert!(strange.is_empty(), "{name}: {strange:?}");
        let idle: Vec<_> = named.iter().filter(|v| !used.contains(**v) && **v != "datasource").collect();
        assert!(idle.is_empty(), "{name}: {idle:?} narrow nothing");
    });
}

#[test]
fn no_state_is_told_by_its_colour_alone() {
    each(|name, board| {
        for panel in panels(board).filter(|panel| panel["type"] == "state-timeline") {
            let words = &panel["fieldConfig"]["defaults"]["mappings"][0]["options"];
            assert!(
                words.as_object().is_some_and(|words| words.values().all(|word| word["text"].is_string())),
                "{name}: {}",
                panel["title"]
            );
        }
    });
}
