//! Pages of runs: what those who are inside see, and what strangers do not.

use super::*;

const RUN: &str = "/maintenance/runs/jinshan-upgrade.00000001.1";

#[tokio::test]
async fn a_window_leads_to_its_run_and_the_list_to_each() {
    assert!(get("/maintenance").await.body.contains(&format!("href=\"{RUN}\"")));
    let list = get("/maintenance/runs?lang=en").await;
    assert!(list.body.contains(&format!("href=\"{RUN}?lang=en\"")) && list.body.contains("1 at work, 2 in all"));
    assert!(list.body.contains("taken back"), "{}", list.body);
    assert_eq!(get("/maintenance/runs/none.1").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_run_shows_intents_results_evidence_epochs_and_who_ordered_what() {
    let page = get(&format!("{RUN}?lang=en")).await.body;
    for said in
        ["about to do it (try 2)", "did not succeed", "a process took it over #2", "seen: the effect is not there"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(page.contains("answered 409: &#60;b&#62;busy&#60;/b&#62;") && page.contains("flag:a"), "{page}");
    let back = get("/maintenance/runs/bdc-monthly.00000001.1?lang=en").await.body;
    assert!(
        back.contains("called off by duty-officer: complaints") && back.contains("<td>duty-officer</td>"),
        "{back}"
    );
    assert!(get(RUN).await.body.contains("准备执行（第 2 次）"));
}

#[tokio::test]
async fn strangers_see_no_hosts_no_targets_and_no_people() {
    for path in [RUN, "/maintenance/runs/bdc-monthly.00000001.1"] {
        let page = get_from_afar(&format!("{path}?lang=en")).await;
        assert_eq!(page.status, StatusCode::OK);
        for hidden in ["deploy.jinshan", "flag:a", "duty-officer", "the window</dd>"] {
            assert!(!page.body.contains(hidden), "{hidden}: {}", page.body);
        }
        assert!(page.body.contains("about to do it") && page.body.contains("shown to those who are signed in"));
    }
}
