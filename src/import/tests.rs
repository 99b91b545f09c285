//! What people have, turned; and what cannot be.

use super::csv::{Encoding, decode};
use super::*;

fn input(path: &str, text: &str) -> Input {
    Input { path: path.into(), text: text.into() }
}

const TABLE: &str = "owner_id,subsystem_id,name_zh,name_en,kind,criticality,declared_hours,url\nbdc,portal,总门户,\"Portal, main\",http,tier1,7x24,https://a.test/\nbdc,relay,邮件,Relay,tcp,tier2,Mon-Fri 09:00-17:00,a.test:25\nbdc,none,无,None,http,tier9,always,\n";

#[test]
fn a_table_becomes_owners_files_and_gaps_are_listed() {
    let imported = csv::import("t.csv", TABLE, &Options::default()).unwrap();
    let text = &imported.files["probes/bureaus/bdc.yaml"];
    for part in ["id: portal", "zh: 总门户", "\"Portal, main\"", "tier: 1", "https://a.test/", "address: \"a.test:25\""]
    {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let left: Vec<String> = imported.left.iter().map(ToString::to_string).collect();
    assert_eq!(left.len(), 3, "{left:#?}");
    assert!(left.iter().all(|remark| remark.starts_with("t.csv:4:")));
    assert!(csv::import("t.csv", "a,b\n1,2\n", &Options::default()).unwrap_err().contains("owner_id"));
}

#[test]
fn encodings_are_found_out_or_forced() {
    let (gb, ..) = encoding_rs::GB18030.encode(TABLE);
    assert_eq!(decode(&gb, None).unwrap(), TABLE);
    assert_eq!(decode(TABLE.as_bytes(), None).unwrap(), TABLE);
    assert_eq!(decode(format!("\u{feff}{TABLE}").as_bytes(), None).unwrap(), TABLE);
    assert_eq!(decode(&gb, Some(Encoding::Gb18030)).unwrap(), TABLE);
    assert!(decode(&gb, Some(Encoding::Utf8)).unwrap_err().contains("not UTF-8"));
    assert!(decode(&[0xff, 0xff, 0xff], None).unwrap_err().contains("neither"));
}

const GATUS: &str = "endpoints:\n  - name: Portal\n    group: 黄浦\n    url: https://a.test/health?x=1\n    interval: 30s\n    conditions:\n      - \"[STATUS] == any(200, 429)\"\n      - \"[BODY].status == UP\"\n      - \"len([BODY].items) > 0\"\n      - \"has([BODY].errors) == false\"\n      - \"[BODY].name == pat(*gov*)\"\n      - \"[RESPONSE_TIME] < 500\"\n      - \"[CERTIFICATE_EXPIRATION] > 48h\"\n      - \"[IP] == 1.2.3.4\"\n  - name: db\n    group: g\n    url: tcp://db.test:5432\n    conditions: [\"[CONNECTED] == true\"]\n  - { name: off, url: 'https://a.test', enabled: false }\n  - { name: var, url: 'https://${HOST}/' }\n";

#[test]
fn endpoints_of_gatus_keep_their_conditions() {
    let imported = gatus::import(&[input("config.yaml", GATUS)], &Options::default());
    let text: String = imported.files.values().cloned().collect();
    for part in [
        "every: 30s",
        "https://a.test/health?x=1",
        "- 200\n",
        "- 429\n",
        "equals: UP",
        "$['items'][0]",
        "exists: false",
        "(?s)^.*gov.*$",
        "fail_slower_than: 500ms",
        "certificate_fail_before: 2d",
        "address: \"db.test:5432\"",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let left: Vec<String> = imported.left.iter().map(ToString::to_string).collect();
    assert_eq!(left.len(), 2, "{left:#?}");
    assert!(left[0].starts_with("config.yaml:14:") && left[0].contains("[IP]"), "{left:#?}");
    assert!(left[1].contains("variable"));
}

const JOBS: &str = "global: { scrape_interval: 30s }\nscrape_configs:\n  - { job_name: node, static_configs: [{ targets: [a.test:9100] }] }\n  - job_name: sites\n    metrics_path: /probe\n    params: { module: [web] }\n    static_configs:\n      - { targets: [https://a.test/x, b.test], labels: { owner: huangpu } }\n      - targets: ['http://u:p@c.test']\n    file_sd_configs: [{ files: [t.json] }]\n    dns_sd_configs: [{ names: [x] }]\n    relabel_configs:\n      - { source_labels: [__address__], target_label: __param_target }\n      - { source_labels: [__param_target], target_label: instance }\n      - { target_label: __address__, replacement: 'blackbox:9115' }\n      - { source_labels: [env], regex: prod, action: keep }\n";

#[test]
fn jobs_of_prometheus_become_a_subsystem_for_each_target() {
    let modules = "modules: { web: { prober: tcp, timeout: 5s }, other: { prober: unix } }\n";
    let jobs = JOBS
        .replace("https://a.test/x, b.test", "'a.test:443', 'b.test:80'")
        .replace("http://u:p@c.test", "u@c.test:1");
    let read = |pattern: &str| match pattern {
        "t.json" => Ok(vec![input("t.json", r#"[{ "targets": ["d.test:1"], "labels": {} }]"#)]),
        other => Err(format!("{other}: no such file")),
    };
    let inputs = [input("prometheus.yml", &jobs), input("blackbox.yml", modules)];
    let imported = prometheus::import(&inputs, std::path::Path::new("/etc"), &read, &Options::default());
    let huangpu = &imported.files["probes/bureaus/huangpu.yaml"];
    assert!(huangpu.contains("address: \"a.test:443\"") && huangpu.contains("every: 30s"), "{huangpu}");
    assert!(imported.files["probes/bureaus/sites.yaml"].contains("d.test:1"));
    let left: Vec<String> = imported.left.iter().map(ToString::to_string).collect();
    assert_eq!(left.len(), 4, "{left:#?}");
    for words in ["unix", "u@c.test", "dns_sd_configs", "chooses targets"] {
        assert!(left.iter().any(|remark| remark.contains(words)), "{words}: {left:#?}");
    }
}

#[test]
fn ids_are_ours() {
    assert_eq!(slug("Портал! A_b  C"), "a-b-c");
    assert!(slug("总门户").starts_with('x') && slug("总门户") != slug("市民主页"));
    let mut taken = BTreeSet::new();
    assert_eq!([unique("a".into(), &mut taken), unique("a".into(), &mut taken)], ["a", "a-2"]);
}
