//! Loading as a whole: the shipped files, a small good set, comparisons, and files that are damaged at random.

use super::*;
use crate::domain::{Dependency, Figure, HOUR, ObjectivePeriod, SECOND, SubsystemId};
use crate::field::Severity;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// 2026-11-23T12:00:00Z.
const NOW: Timestamp = Timestamp(1_795_435_200_000);

pub(crate) fn options() -> LoadOptions {
    let env = HashMap::from([("KIOSKS_TOKEN".to_owned(), "t".to_owned())]);
    let mut options = LoadOptions::new(NOW, env, Arc::new(Heartbeats::new(NOW)));
    options.system_roots = SystemRoots::Skip;
    options
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The small good set that all bad ones are made of.
pub(crate) fn base() -> BTreeMap<String, String> {
    let root = root().join("tests/fixtures/config/base");
    let sources = Sources::read(&root.join("gengfu.yaml")).unwrap();
    let prefix = format!("{}/", root.display());
    sources.files.iter().map(|f| (f.path.replace(&prefix, ""), f.text.to_string())).collect()
}

pub(crate) fn from_memory(files: &BTreeMap<String, String>) -> Sources {
    Sources::from_memory(files.iter().map(|(path, text)| (path.as_str(), text.as_str())))
}

fn changed(path: &str, from: &str, to: &str) -> Loaded {
    let mut files = base();
    let text = files.get_mut(path).unwrap();
    assert!(text.contains(from), "{from} is not in {path}");
    *text = text.replacen(from, to, 1);
    let sources = from_memory(&files);
    load(&sources, &options()).unwrap_or_else(|p| panic!("{}", render(&p, &sources, Style::Plain)))
}

#[test]
fn shipped_files_are_good() {
    let sources = Sources::read(&root().join("gengfu.yaml")).unwrap();
    let loaded = load(&sources, &options()).unwrap_or_else(|p| panic!("{}", render(&p, &sources, Style::Plain)));
    let inventory = &loaded.inventory;
    assert_eq!((inventory.owners.len(), inventory.subsystems.len()), (80, 250));
    assert_eq!(loaded.probers.len(), inventory.probes.len());
    let portal = &inventory.subsystems["huangpu/portal"];
    let carriers = ["carriers/egress-a", "carriers/egress-b"].map(SubsystemId::from).to_vec();
    assert!(portal.depends_on.contains(&Dependency::AnyOf(carriers)));
    assert!(inventory.dependants["bdc/identity"].contains(&portal.id));
}

#[test]
fn memory_and_disk_load_alike() {
    let loaded = load(&from_memory(&base()), &options()).unwrap();
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    assert_eq!(loaded.inventory.probes["huangpu/portal/home"].timeout_ms, 15 * SECOND);
    assert_eq!(loaded.inventory.probes["bdc/identity/login"].every_ms, 30 * SECOND);
    let disk = root().join("tests/fixtures/config/base/gengfu.yaml");
    let from_disk = load(&Sources::read(&disk).unwrap(), &options()).unwrap();
    let changes = diff(&from_disk, &loaded);
    let beyond_paths: Vec<&Change> = changes.iter().filter(|c| c.thing != "installation").collect();
    assert!(beyond_paths.is_empty(), "{beyond_paths:?}");
}

#[test]
fn overlay_alters_the_inventory_after_all_checks() {
    let mut options = options();
    options.overlay = Some(Arc::new(|inventory: &mut Inventory| {
        inventory.probes.values_mut().for_each(|p| p.every_ms = 2 * SECOND);
    }));
    let loaded = load(&from_memory(&base()), &options).unwrap();
    assert!(loaded.inventory.probes.values().all(|p| p.every_ms == 2 * SECOND) && loaded.warnings.is_empty());
}

#[test]
fn owner_runs_programs_of_granted_directories_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let loaded = |commands: &str, program: &str| {
        let mut files = base();
        files.get_mut("gengfu.yaml").unwrap().push_str(commands);
        let file = files.get_mut("probes/platform/bdc.yaml").unwrap();
        let probes = format!("probes:\n      - {{ name: plugin, command: {{ program: {program} }} }}\n");
        *file = file.replacen("probes:\n", &probes, 1);
        let sources = from_memory(&files);
        load(&sources, &options()).map_err(|problems| problems.to_string())
    };
    let grant = |owners: &str| format!("commands: [{{ directory: {}, owners: {owners} }}]\n", home.path().display());
    let good = loaded(&grant("[bdc]"), "check_it").unwrap();
    let codes: Vec<&str> = good.warnings.iter().map(|p| p.code.as_str()).collect();
    assert_eq!(codes, ["GF0110"], "it is not installed: {}", good.warnings);
    assert!(good.probers.keys().any(|id| id.name() == "plugin"));
    assert!(loaded(&grant("all"), "check_it").is_ok());
    assert!(loaded("", "check_it").unwrap_err().contains("no directory of programs is granted to `bdc`"));
    assert!(loaded(&grant("[huangpu]"), "check_it").unwrap_err().contains("is granted to `bdc`"));
    assert!(loaded(&grant("[nobody-known]"), "check_it").unwrap_err().contains("nobody-known"));
    assert!(loaded(&grant("all"), "../../bin/sh").unwrap_err().contains("`.` or `..`"));
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(loaded(&grant("all"), "check_it").unwrap_err().contains("can be written to by others"));
}

#[test]
fn diff_names_what_a_reload_would_change() {
    let old = load(&from_memory(&base()), &options()).unwrap();
    let shown = |new: &Loaded| -> Vec<String> {
        diff(&old, new).iter().map(|c| format!("{} {} {} {:?}", c.kind.sign(), c.thing, c.id, c.parts)).collect()
    };
    let hours = changed("probes/platform/bdc.yaml", "daily 06:00-22:00", "7x24");
    assert_eq!(shown(&hours), [r#"~ subsystem bdc/messages ["hours: daily 06:00-22:00 → 7x24"]"#]);
    let moved = changed("probes/platform/bdc.yaml", "subsystems:", "\n\n# a comment\nsubsystems:");
    assert!(shown(&moved).is_empty());
    let url = changed("probes/platform/bdc.yaml", "https://id.bdc.test/", "https://id.bdc.test/login");
    assert_eq!(diff(&old, &url).iter().map(|c| c.thing).collect::<Vec<_>>(), ["probe"]);
    let renamed = changed("schedules/windows/bdc.yaml", "id: bdc-monthly", "id: bdc-nightly");
    let [gone, new] = &shown(&renamed)[..] else { panic!("{:?}", shown(&renamed)) };
    assert!(gone.starts_with("- schedule bdc-monthly ") && gone.contains("gengfu window request"), "{gone}");
    assert_eq!(new, "+ schedule bdc-nightly []");
}

#[test]
fn diff_shows_that_a_secret_changed_and_not_the_secret() {
    let old = load(&from_memory(&base()), &options()).unwrap();
    let mut options = options();
    options.env.insert("KIOSKS_TOKEN".into(), "other-secret".into());
    let new = load(&from_memory(&base()), &options).unwrap();
    let changes = diff(&old, &new);
    assert_eq!(changes.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["huangpu/portal/beat"]);
    assert!(!format!("{changes:?}").contains("other-secret"));
}

#[test]
fn digest_follows_paths_and_texts() {
    let digest = from_memory(&base()).digest();
    assert_eq!(digest, from_memory(&base()).digest());
    let mut files = base();
    files.get_mut("schedules/freezes.yaml").unwrap().push('\n');
    assert_ne!(digest, from_memory(&files).digest());
}

#[test]
fn published_calendar_replaces_the_provisional_one() {
    let mut files = base();
    let text = "calendar: { id: guess, layer: state-council }\nnotices:\n  - year: 2026\n    status: provisional\n    \
                days: [{ name: 国庆节, holidays: [2026-10-01] }]\n";
    files.insert("schedules/calendars/a-guess.yaml".into(), text.into());
    let loaded = load(&from_memory(&files), &options()).unwrap();
    let calendar = &loaded.inventory.calendar;
    assert!(calendar.id == "china" && calendar.covered(jiff::civil::date(2026, 5, 1)));
    assert!(calendar.day(jiff::civil::date(2026, 10, 1), None).is_working());
}

#[test]
fn promise_that_planned_maintenance_breaks_is_a_warning() {
    let loaded = changed("schedules/objectives.yaml", "figure: contract", "figure: public");
    let codes: Vec<&str> = loaded.warnings.iter().map(|p| p.code.as_str()).collect();
    assert!(codes.is_empty(), "the window lies outside the hours: {}", loaded.warnings);
    let loaded = changed("schedules/objectives.yaml", "figure: contract", "figure: public, hours: 7x24");
    let codes: Vec<&str> = loaded.warnings.iter().map(|p| p.code.as_str()).collect();
    assert_eq!(codes, ["GF0108"], "{}", loaded.warnings);
}

#[test]
fn promise_is_inherited_field_by_field_and_knows_where_each_was_said() {
    let mut files = base();
    files.insert(
        "schedules/objectives.yaml".into(),
        "platform: { figure: contract, pages: [slow_burn] }\n\
         kinds:\n  district: { exclusion_cap: 4h }\n\
         owners:\n  huangpu: { period: rolling_30d }\n\
         objectives:\n  - { id: public-7x24, target: 99.9% }\n\
         subsystems:\n  huangpu/portal: { target: 99.5% }\n"
            .into(),
    );
    let loaded = load(&from_memory(&files), &options()).unwrap();
    let promise =
        |id: &str| &loaded.inventory.objectives[&loaded.inventory.subsystems[&SubsystemId::from(id)].objective];
    let portal = promise("huangpu/portal");
    assert_eq!((portal.id.as_str(), portal.target_ppm), ("public-7x24@huangpu/portal", 995_000));
    assert_eq!((portal.period, portal.figure), (ObjectivePeriod::Rolling30d, Figure::Contract));
    assert_eq!((portal.exclusion_cap_ms, portal.pages.words()), (4 * HOUR, vec!["slow_burn"]));
    let lines: Vec<u32> = portal.origins.iter().map(|o| o.source.as_ref().map_or(0, |s| s.line)).collect();
    assert_eq!(lines, [9, 5, 1, 0, 3, 1]);
    assert!(loaded.inventory.objectives.contains_key("public-7x24"));
    for (id, subsystem) in &loaded.inventory.subsystems {
        assert!(loaded.inventory.objectives.contains_key(&subsystem.objective), "{id}");
    }
}

#[test]
fn cap_as_long_as_all_that_is_promised_is_a_warning() {
    let text = "figure: contract, hours: \"Sat 09:00-10:00\"";
    let loaded = changed("schedules/objectives.yaml", "figure: contract", text);
    let codes: Vec<&str> = loaded.warnings.iter().map(|p| p.code.as_str()).collect();
    assert!(codes.contains(&"GF0113"), "{}", loaded.warnings);
}

#[test]
fn shipped_schemas_are_those_of_the_tables() {
    for file in schemas() {
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            std::fs::create_dir_all(root().join(&file.path).parent().unwrap()).unwrap();
            std::fs::write(root().join(&file.path), &file.text).unwrap();
        }
        let shipped = std::fs::read_to_string(root().join(&file.path)).unwrap_or_default();
        assert!(shipped == file.text, "{} differs; run `gengfu schema`", file.path);
    }
}

#[test]
fn documentation_lists_every_field() {
    let page = std::fs::read_to_string(root().join("docs/configuration.md")).unwrap_or_default();
    let reference = reference();
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        let head = page.split("<!-- reference -->").next().unwrap_or_default();
        std::fs::write(root().join("docs/configuration.md"), format!("{head}<!-- reference -->\n\n{reference}"))
            .unwrap();
        return;
    }
    assert!(page.ends_with(&reference), "docs/configuration.md is stale; UPDATE_EXPECTED=1 writes it");
}

fn survives(files: &BTreeMap<String, String>) {
    let sources = from_memory(files);
    let problems = match load(&sources, &options()) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => {
            assert!(problems.has_errors());
            problems
        }
    };
    let text = render(&problems, &sources, Style::Plain);
    assert!(problems.is_empty() || text.contains("GF0"));
    assert!(render_json(&problems).is_array());
    assert_eq!(problems.iter().filter(|p| p.severity == Severity::Error).count() > 0, problems.has_errors());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn any_text_is_answered_without_panic(which in 0..9_usize, text in "\\PC{0,200}|[ \\t\\n:\\-\\[\\]{}#&*!|>'\"%@,?a-c0-9é更]{0,200}") {
        let mut files = base();
        let path = files.keys().nth(which).unwrap().clone();
        files.insert(path, text);
        survives(&files);
    }

    #[test]
    fn damaged_files_are_answered_without_panic(
        which in 0..9_usize,
        at in any::<prop::sample::Index>(),
        length in 0..12_usize,
        patch in prop::sample::select(vec!["", ":", "- ", "{", "]", "\"", "\n", "\t", "~", "${X", "*a", "&a ", "<<: ", "99999999999999999999", "é", "\u{feff}", "---\n", "|\n", "!!binary "]),
    ) {
        let mut files = base();
        let path = files.keys().nth(which).unwrap().clone();
        let text = &files[&path];
        let characters: Vec<char> = text.chars().collect();
        let start = at.index(characters.len());
        let end = (start + length).min(characters.len());
        let damaged: String =
            characters[..start].iter().chain(patch.chars().collect::<Vec<_>>().iter()).chain(&characters[end..]).collect();
        files.insert(path, damaged);
        survives(&files);
    }
}

#[test]
fn documentation_explains_every_code() {
    let page = std::fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    for code in crate::field::Code::ALL {
        let row = format!("| `{}` | {} |", code.as_str(), code.about());
        assert!(page.contains(&row), "docs/configuration.md lacks: {row}");
    }
}

#[test]
fn a_hole_in_a_roster_refuses_changed_files_and_keeps_no_daemon_from_starting() {
    let mut files = base();
    let roster = "people: [{ id: one, name: one, mail: one@bdc.test }]\nrosters:\n  - { id: duty, contacts: [one] }\n  - { id: \
                  huangpu, layers: [{ id: nights, when: \"daily 18:00-08:00+1\", members: [one] }] }\n";
    files.insert("schedules/on-call.yaml".into(), roster.into());
    let sources = from_memory(&files);
    let codes = |problems: &Problems| problems.iter().map(|p| p.code.as_str()).collect::<Vec<_>>();
    assert!(codes(&load(&sources, &options()).unwrap_err()).contains(&"GF0025"));
    let borne = LoadOptions { holes: Holes::Borne, ..options() };
    assert!(codes(&load(&sources, &borne).unwrap().warnings).contains(&"GF0025"));
}
