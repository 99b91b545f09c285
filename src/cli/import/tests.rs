//! What is written passes `gengfu check`, and nothing that exists is lost.

use super::*;
use crate::cli::check::{CheckArgs, check};
use crate::config::Style;
use crate::domain::Timestamp;
use std::collections::HashMap;

/// 2026-11-23T12:00:00Z.
const NOW: Timestamp = Timestamp(1_795_435_200_000);

fn house() -> tempfile::TempDir {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let house = tempfile::tempdir().unwrap();
    for (name, text) in [
        (
            "gengfu.yaml",
            "mail: { from: { mail: a@b.test }, domain: b.test, relays: [{ host: r.test, tls: none }] }\non_call: { fallback: duty, admins: duty }\n",
        ),
        ("schedules/on-call.yaml", "rosters: [{ id: duty, contacts: [{ name: d, mail: d@b.test }] }]\n"),
        ("schedules/objectives.yaml", "objectives: [{ id: public-7x24, target: 1%, period: month, figure: public }]\n"),
        (
            "schedules/policies/p.yaml",
            "policies: [{ id: p, applies_to: { tier: [1, 2, 3] }, allow: { always: true } }]\n",
        ),
    ] {
        let path = house.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    house
}

fn run(house: &Path, from: From, files: &[(&str, &str)], force: bool) -> (u8, String) {
    let written: Vec<PathBuf> = files.iter().map(|(name, _)| house.join(name)).collect();
    files.iter().zip(&written).for_each(|((_, text), path)| std::fs::write(path, text).unwrap());
    let args = ImportArgs {
        from,
        files: written,
        owner: None,
        area: "bureaus".into(),
        on_call: "duty".into(),
        objective: "public-7x24".into(),
        out: house.to_owned(),
        encoding: None,
        hand_over: "09:00".into(),
        force,
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = import(&args, &mut out, &mut err).unwrap();
    (code, String::from_utf8([out, err].concat()).unwrap())
}

fn is_good(house: &Path) {
    let mut out = Vec::new();
    let code = check(NOW, HashMap::new(), &house.join("gengfu.yaml"), &CheckArgs::default(), Style::Plain, &mut out);
    assert_eq!(code.unwrap(), 0, "{}", String::from_utf8_lossy(&out));
}

const TABLE: &str = "\u{feff}owner_id,subsystem_id,name_zh,name_en,kind,criticality,declared_hours,url\nbdc,portal,总门户,Portal,http,tier1,7x24,https://a.test/\nbdc,kiosks,终端,Kiosks,heartbeat,tier3,7x24,\n";

#[test]
fn a_table_passes_check_and_is_not_overwritten() {
    let house = house();
    let (code, told) = run(house.path(), From::Csv, &[("t.csv", TABLE)], false);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("not turned: ") && told.contains("t.csv:3:"), "{told}");
    is_good(house.path());
    let mine = house.path().join("probes/bureaus/bdc.yaml");
    std::fs::write(&mine, "mine").unwrap();
    let (code, told) = run(house.path(), From::Csv, &[("t.csv", TABLE)], false);
    assert_eq!((code, std::fs::read_to_string(&mine).unwrap().as_str()), (COULD_NOT_RUN, "mine"), "{told}");
    let (code, _) = run(house.path(), From::Csv, &[("t.csv", TABLE)], true);
    assert_eq!(code, 1);
    is_good(house.path());
}

#[test]
fn modules_endpoints_and_jobs_pass_check() {
    let house = house();
    let theirs = "modules: { tcp_connect: { prober: tcp, timeout: 5s } }\n";
    let (code, told) = run(house.path(), From::Blackbox, &[("blackbox.yml", theirs)], false);
    assert_eq!(code, 0, "{told}");
    let gatus = "endpoints:\n  - { name: db, group: g, url: 'tcp://db.test:5432', conditions: ['[CONNECTED] == true'] }\n  - { name: ns, group: g, url: 192.0.2.53, dns: { query-name: a.test, query-type: A }, conditions: ['[BODY] == 192.0.2.1', '[DNS_RCODE] == NOERROR'] }\n";
    let (code, told) = run(house.path(), From::Gatus, &[("config.yaml", gatus)], false);
    assert_eq!(code, 0, "{told}");
    let jobs = "scrape_configs: [{ job_name: ports, metrics_path: /probe, params: { module: [tcp_connect] }, static_configs: [{ targets: ['a.test:1'] }], file_sd_configs: [{ files: ['t/*.yml'] }] }]\n";
    std::fs::create_dir(house.path().join("t")).unwrap();
    std::fs::write(house.path().join("t/a.yml"), "[{ targets: ['b.test:2'] }]\n").unwrap();
    let files = [("prometheus.yml", jobs), ("blackbox.yml", theirs)];
    let (code, told) = run(house.path(), From::Prometheus, &files, false);
    assert_eq!(code, 0, "{told}");
    let ports = std::fs::read_to_string(house.path().join("probes/bureaus/ports.yaml")).unwrap();
    assert!(ports.contains("a.test:1") && ports.contains("b.test:2"), "{ports}");
    is_good(house.path());
}
