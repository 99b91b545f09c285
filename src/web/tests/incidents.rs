//! Undeclared maintenance on its page and in the API: the same sentences for all, contacts for those inside.

use super::*;
use crate::domain::DAY;
use crate::domain::attribution::{Attribution, Declared, Ruling};

fn attribution() -> Attribution {
    let names = |zh: &str, en: &str| Names { zh: zh.into(), en: en.into() };
    let draft = Declared {
        window: "certificates.00000009".into(),
        state: WindowState::Draft,
        span: Span::lasting(NOW - HOUR, HOUR),
        why: names("还需 2 人批准", "needs 2 approvals"),
    };
    Attribution {
        at: NOW - HOUR / 2,
        owner: "bdc".into(),
        name: names("大数据中心", "Big Data Center"),
        contacts: vec!["duty <duty@bdc.test>".into()],
        declared: vec![draft],
        nearest: None,
        ruling: Ruling::Denied { why: names("白天", "by day"), next_open: Some(NOW + DAY) },
    }
}

#[tokio::test]
async fn an_incident_of_undeclared_maintenance_says_whose_it_is_and_strangers_see_no_contacts() {
    let mut snapshot = fixture::snapshot();
    let mut incidents = snapshot.incidents.to_vec();
    let incident = incidents.iter_mut().find(|i| i.id.0 == 421).unwrap();
    incident.attribution = Some(Box::new(attribution()));
    snapshot.incidents = Arc::new(incidents);
    let (state, _commands) = fixture::state(snapshot);
    for (peer, sees_contacts) in [("127.0.0.1", true), ("192.0.2.7", false)] {
        let ask = async |path: &str| send(&state, request(peer, Method::GET, path)).await;
        let page = ask("/incidents/INC-0421?lang=en").await.body;
        let says = |part: &str| page.contains(part);
        assert!(
            says("certificates.00000009") && says("draft, needs 2 approvals") && says("the next opening is"),
            "{page}"
        );
        let zh = ask("/incidents/INC-0421?lang=zh").await.body;
        assert!(zh.contains("责任单位：大数据中心") && zh.contains("本可覆盖，但不生效"), "{zh}");
        let told = ask("/api/v1/incidents/INC-0421").await.json()["attribution"].clone();
        assert_eq!((&told["owner"], &told["declared"][0]["state"]), (&"bdc".into(), &"draft".into()), "{told}");
        assert_eq!(
            (&told["policy"]["allow"], &told["policy"]["why"]["en"]),
            (&false.into(), &"by day".into()),
            "{told}"
        );
        assert_eq!((says("duty@bdc.test"), told["contacts"].is_array()), (sees_contacts, sees_contacts), "{peer}");
    }
}

#[tokio::test]
async fn a_link_in_a_mail_asks_once_more_and_a_link_of_anybody_else_is_not_good() {
    let (state, _commands) = fixture::state(fixture::snapshot());
    let link = state.links.take(crate::domain::IncidentId(421), "duty@bdc.test", NOW + HOUR);
    let ask = async |path: String| send(&state, request("192.0.2.7", Method::GET, &format!("{path}&lang=en"))).await;
    let page = ask(link.clone()).await;
    assert!(page.body.contains("method=\"post\"") && page.body.contains("duty@bdc.test"), "{}", page.body);
    assert!(page.body.contains("I have it"), "{}", page.body);
    for stranger in [link.replace("duty@", "other@"), link.replace("0421", "0420"), format!("{link}x")] {
        let page = ask(stranger.clone()).await;
        assert!(!page.body.contains("method=\"post\""), "{stranger}: {}", page.body);
    }
    let late = state.links.take(crate::domain::IncidentId(421), "duty@bdc.test", NOW);
    assert!(ask(late).await.body.contains("not any more"));
}
