//! Finding by name: whoever answers the telephone has a name and no address.

use super::*;

async fn found(peer: &str, q: &str) -> Answer {
    let (state, _commands) = fixture::state(fixture::snapshot());
    send(&state, request(peer, Method::GET, &format!("/find?lang=en&q={q}"))).await
}

#[tokio::test]
async fn services_owners_and_windows_are_found_by_either_name_and_by_id_by_everybody() {
    for (q, href) in [
        ("exchange-district", "/subsystems/bdc/exchange-district?lang=en"),
        ("BDC/EXCHANGE", "/subsystems/bdc/exchange-district?lang=en"),
        ("%E5%BE%90%E6%B1%87", "/owners/xuhui?lang=en"),
        ("xuhui", "/owners/xuhui?lang=en"),
        ("tax-monthly", "/maintenance/windows/tax-monthly.00000001?lang=en"),
    ] {
        for peer in ["127.0.0.1", "192.0.2.7"] {
            let page = found(peer, q).await;
            assert!(page.status == StatusCode::OK && page.body.contains(href), "{q} {peer}: {}", page.body);
        }
    }
}

#[tokio::test]
async fn the_number_of_an_incident_leads_to_it_and_nothing_is_said_to_be_nothing() {
    let incident = found("192.0.2.7", "inc-0421").await;
    assert_eq!(
        (incident.status, incident.header(header::LOCATION)),
        (StatusCode::SEE_OTHER, "/incidents/INC-0421?lang=en")
    );
    let none = found("192.0.2.7", "%3Cb%3Enothing%26lang%3Dzh").await.body;
    assert!(none.contains("Nothing is called") && !none.contains("<b>nothing"), "{none}");
    assert!(
        none.contains("/find?q=%3Cb%3Enothing%26lang%3Dzh&#38;lang=zh"),
        "the other language asks the same: {none}"
    );
    assert!(found("192.0.2.7", "").await.body.contains("Look for a name"));
}

#[tokio::test]
async fn what_is_wrong_stands_before_what_is_well() {
    let page = found("127.0.0.1", "bdc/").await.body;
    let (down, up) = (page.find("exchange-district?lang=en\"").unwrap(), page.rfind("/subsystems/bdc/").unwrap());
    assert!(down < up && page.find("/subsystems/bdc/").unwrap().abs_diff(down) < 30, "{page}");
}
