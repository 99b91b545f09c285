//! Owners' files that try to run what nobody granted them.

use super::*;
use std::os::unix::fs::symlink;

fn refused(bench: &Bench, body: serde_json::Value) -> String {
    match bench.build(body.clone()) {
        Ok(_) => panic!("{body} was let through"),
        Err(problems) => problems.to_string(),
    }
}

fn program(name: &str) -> serde_json::Value {
    json!({ "program": name })
}

#[test]
fn words_do_not_lead_out_of_the_directory() {
    let bench = Bench::new();
    write(&bench.outside().join("check_evil"), "exit 0");
    bench.write("check_it", "exit 0");
    let granted = bench.granted().display().to_string();
    let inside = format!("{granted}/check_it");
    assert!(bench.build(program(&inside)).is_ok());
    let evil = [
        "../outside/check_evil".to_owned(),
        "../../../bin/sh".to_owned(),
        "./check_it".to_owned(),
        "sub/check_it".to_owned(),
        "..".to_owned(),
        ".".to_owned(),
        "/".to_owned(),
        "/bin/sh".to_owned(),
        granted.clone(),
        format!("{granted}/"),
        format!("{granted}/../outside/check_evil"),
        format!("{granted}/./check_it"),
        format!("{granted}-other/check_it"),
        format!("{}/check_evil", bench.outside().display()),
        "check_it\0".to_owned(),
        "check_it\n".to_owned(),
        "\0/bin/sh".to_owned(),
    ];
    for name in evil {
        refused(&bench, program(&name));
    }
}

#[tokio::test]
async fn words_are_no_shell() {
    let bench = Bench::new();
    bench.write("check_it", "exit 0");
    let proof = bench.outside().join("proof");
    for name in ["check_it; touch proof", "check_it | tee", "$(touch proof)", "`id`", "~", "check_*"] {
        let report = bench.attempt(program(name)).await;
        assert_eq!(report.outcome.label(), "unknown", "{name}: {report:?}");
    }
    assert!(!proof.exists());
}

#[tokio::test]
async fn links_do_not_lead_out_of_the_directory() {
    let bench = Bench::new();
    let evil = write(&bench.outside().join("check_evil"), "echo 'I ran'; exit 0");
    symlink(&evil, bench.granted().join("check_link")).unwrap();
    assert!(refused(&bench, program("check_link")).contains("leads out of its directory"));
    symlink("/bin", bench.granted().join("bin")).unwrap();
    refused(&bench, program(&format!("{}/bin/sh", bench.granted().display())));
    // Within the directory a link is as good as a file.
    bench.write("check_it", "exit 0");
    symlink("check_it", bench.granted().join("check_alias")).unwrap();
    assert_eq!(bench.attempt(program("check_alias")).await.outcome, Outcome::Pass);
}

#[tokio::test]
async fn file_that_is_exchanged_after_the_check_is_refused_when_it_runs() {
    let bench = Bench::new();
    let path = bench.write("check_it", "exit 0");
    let evil = write(&bench.outside().join("check_evil"), "echo 'I ran'; exit 2");
    let prober = bench.build(program("check_it")).unwrap();
    let clock = crate::clock::SystemClock::default();
    assert_eq!(attempt(&*prober, Duration::from_secs(20), &clock).await.outcome, Outcome::Pass);
    fs::remove_file(&path).unwrap();
    symlink(&evil, &path).unwrap();
    let report = attempt(&*prober, Duration::from_secs(20), &clock).await;
    assert!(report.outcome.reason().unwrap().text.contains("leads out of its directory"), "{report:?}");
    fs::remove_file(&path).unwrap();
    let path = bench.write("check_it", "exit 0");
    for (what, mode) in [(path, 0o757), (bench.granted(), 0o777), (bench.home.path().to_owned(), 0o775)] {
        fs::set_permissions(&what, fs::Permissions::from_mode(mode)).unwrap();
        let report = attempt(&*prober, Duration::from_secs(20), &clock).await;
        assert_eq!(report.outcome.label(), "unknown");
        assert!(report.outcome.reason().unwrap().text.contains("can be written to by others"), "{report:?}");
        fs::set_permissions(&what, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(attempt(&*prober, Duration::from_secs(20), &clock).await.outcome, Outcome::Pass);
    }
}

#[test]
fn what_others_can_write_is_refused() {
    let bench = Bench::new();
    let path = bench.write("check_it", "exit 0");
    for (what, mode) in [(path, 0o775), (bench.granted(), 0o1777)] {
        fs::set_permissions(&what, fs::Permissions::from_mode(mode)).unwrap();
        assert!(refused(&bench, program("check_it")).contains("can be written to by others"));
        fs::set_permissions(&what, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::create_dir(bench.granted().join("check_dir")).unwrap();
    assert!(refused(&bench, program("check_dir")).contains("is not a file"));
}

#[test]
fn only_those_who_were_granted_a_directory_may_use_it() {
    let mut bench = Bench::new();
    bench.write("check_it", "exit 0");
    bench.grant(Grantees::Only(BTreeSet::from([OwnerId::new("bdc")])), None, &[]);
    let text = refused(&bench, program("check_it"));
    assert!(text.contains("no directory of programs is granted to `huangpu`"), "{text}");
    bench.rig.context.asker = Asker::Owner(OwnerId::new("bdc"));
    assert!(bench.build(program("check_it")).is_ok());
    bench.rig.context.asker = Asker::Administrator;
    assert!(bench.build(program("check_it")).is_ok());
    refused(&bench, program("/bin/sh"));
    bench.grant(Grantees::All, None, &[]);
    bench.rig.context.asker = Asker::Nobody;
    refused(&bench, program("check_it"));
    bench.rig.context.asker = Asker::Administrator;
    bench.rig.context.commands = Arc::default();
    refused(&bench, program("check_it"));
}

#[test]
fn programs_that_run_anything_are_granted_by_name_alone() {
    let mut bench = Bench::new();
    for name in ["negate", "check_by_ssh", "check_it", "check_other"] {
        bench.write(name, "exit 0");
    }
    symlink("negate", bench.granted().join("check_harmless")).unwrap();
    assert!(refused(&bench, program("negate")).contains("granted by name"));
    refused(&bench, program(&format!("{}/check_by_ssh", bench.granted().display())));
    assert!(refused(&bench, program("check_harmless")).contains("is `negate`"));
    bench.grant(Grantees::All, Some(&["negate", "check_it"]), &[]);
    assert!(bench.build(program("negate")).is_ok());
    assert!(bench.build(program("check_it")).is_ok());
    refused(&bench, program("check_other"));
    // A directory with a shell in it is a directory of everything.
    bench.write("env", "exit 0");
    assert!(bench.build(program("check_it")).is_ok());
    bench.grant(Grantees::All, None, &[]);
    assert!(refused(&bench, program("check_it")).contains("holds `env`"));
}

#[test]
fn variables_are_granted_by_name() {
    let mut bench = Bench::new();
    bench.write("check_it", "exit 0");
    let with = |name: &str, value: &str| json!({ "program": "check_it", "environment": { name: value } });
    for name in ["LD_PRELOAD", "PATH", "BASH_ENV", "PERL5OPT", "COMMUNITY"] {
        assert!(refused(&bench, with(name, "x")).contains("may not be set"), "{name}");
    }
    bench.grant(Grantees::All, None, &["COMMUNITY"]);
    assert!(bench.build(with("COMMUNITY", "x")).is_ok());
    refused(&bench, with("LD_PRELOAD", "x"));
    let secret = refused(&bench, with("COMMUNITY", "s3cr3t\0"));
    assert!(!secret.contains("s3cr3t"), "{secret}");
    bench.rig.context.asker = Asker::Administrator;
    for name in ["BASH_FUNC_echo%%", "A=B", "", "1A"] {
        refused(&bench, with(name, "x"));
    }
    assert!(refused(&bench, json!({ "program": "check_it", "arguments": ["a\0b"] })).contains("NUL"));
}
