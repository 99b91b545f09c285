//! Nobody lets through what they asked for themselves, in whatever way they try: by API, by command, by browser, with
//! another token, by another road to the same window.

use crate::rig::{Daemon, House, until};
use gengfu::domain::DAY;
use gengfu::domain::access::TokenHash;
use reqwest::{Client, RequestBuilder, header, redirect};
use serde_json::{Value, json};
use std::fmt::Write;

/// Asks for windows, and holds every scope that there is.
const APPLICANT: &str = "gengfu_first-token-of-the-applicant-for-tests";
/// The token that is to replace it.
const ROTATED: &str = "gengfu_second-token-of-the-applicant-for-tests";
/// Approves what others ask for.
const COLLEAGUE: &str = "gengfu_token-of-the-colleague-for-tests";
/// Acts for the owner of the files.
const INSIDER: &str = "gengfu_token-of-the-owner-s-own-admin-for-tests";
/// Looks after gengfu and approves nothing.
const KEEPER: &str = "gengfu_token-of-whoever-keeps-gengfu-for-tests";

/// A daemon in whose house tier 1 takes one approval, so that a single leak lets a window through.
struct Court {
    house: House,
    daemon: Daemon,
    client: Client,
}

impl Court {
    async fn convene() -> Self {
        let house = House::build().await;
        house.publish_calendars();
        let tokens = [
            ("applicant", "", "[operate, admin, 'approve:bdc']", APPLICANT),
            ("applicant", "", "['approve:bdc']", ROTATED),
            ("colleague", "", "[operate, 'approve:bdc']", COLLEAGUE),
            ("insider", "owner: bdc,", "[operate, 'approve:bdc']", INSIDER),
            ("keeper", "", "[admin]", KEEPER),
        ];
        let mut access = String::from("access: { tokens: [");
        for (holder, owner, scopes, token) in tokens {
            let hash = TokenHash::of(token);
            let _ = write!(access, "{{ holder: {holder}, {owner} scopes: {scopes}, sha256: {hash} }}, ");
        }
        house.edit("gengfu.yaml", "access: { tokens: [", &access);
        let strict = "allow: { always: true }, notice: none, approvals: 1";
        house.edit("schedules/policies/any-time.yaml", "allow: { always: true }", strict);
        let start = house.now().0 + 30 * DAY;
        let once = jiff::Timestamp::from_millisecond(start).unwrap().in_tz("Asia/Shanghai").unwrap();
        let window = format!(
            "windows:\n  - id: written\n    name: {{ zh: 升级, en: Upgrade }}\n    owner: bdc\n    scope: [bdc/alpha]\n    \
             once: {}\n    lasts: 1h\n",
            once.strftime("%Y-%m-%dT23:00")
        );
        house.write("schedules/windows/bdc.yaml", &window);
        let daemon = house.start().await;
        daemon.all_up().await;
        let client = Client::builder().no_proxy().redirect(redirect::Policy::none()).build().unwrap();
        Self { house, daemon, client }
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("http://{}{path}", self.house.address())).header(header::ACCEPT_LANGUAGE, "en")
    }

    async fn send(&self, request: RequestBuilder) -> (u16, String) {
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// An order with a reason, by whoever holds `token`.
    async fn order(&self, token: &str, path: &str, mut body: Value) -> (u16, String) {
        body["reason"] = "CHG-7".into();
        self.send(self.post(path).bearer_auth(token).json(&body)).await
    }

    /// Approves as `token`, which must not go well; the answer.
    async fn fails(&self, token: &str, path: &str, says: &str) {
        let (status, text) = self.order(token, path, json!({})).await;
        assert!((400..500).contains(&status) && text.contains(says), "{path}: {status} {text}");
    }

    /// A window as a picture shows it that is younger than this question.
    async fn window(&self, id: &str) -> Value {
        let asked: jiff::Timestamp = jiff::Timestamp::from_millisecond(self.house.now().0).unwrap();
        let windows = until("a younger picture", 20, async || {
            let status = self.daemon.json("/api/v1/status").await;
            let taken: jiff::Timestamp = status["at"].as_str()?.parse().ok()?;
            if taken <= asked {
                return None;
            }
            Some(self.daemon.json("/api/v1/windows").await)
        })
        .await;
        let found = windows.as_array().unwrap().iter().find(|w| w["id"] == id);
        found.cloned().unwrap_or_else(|| panic!("{id}: {windows:#}"))
    }

    async fn is_draft(&self, id: &str, after: &str) {
        let window = self.window(id).await;
        assert!(["draft", "blocked"].contains(&window["state"].as_str().unwrap()), "{after}: {window:#}");
    }

    /// Asks for a window in `days` days.
    async fn request(&self, days: i64) -> String {
        let start = self.house.now().0 + days * DAY;
        let start = jiff::Timestamp::from_millisecond(start).unwrap().in_tz("Asia/Shanghai").unwrap();
        let body = json!({
            "owner": "bdc", "name": "disks", "scope": ["bdc/alpha"], "for": "1h",
            "start": start.strftime("%Y-%m-%dT23:00").to_string(),
        });
        let (status, text) = self.order(APPLICANT, "/api/v1/windows", body).await;
        assert_eq!(status, 201, "{text}");
        let done: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(done["state"], "draft", "{text}");
        done["subject"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn an_applicant_s_own_request_is_approved_in_no_way_by_the_applicant() {
    let court = Court::convene().await;
    let id = court.request(20).await;
    let approve = format!("/api/v1/windows/{id}/approve");
    court.fails(APPLICANT, &approve, "applied for this window").await;
    court.fails(ROTATED, &approve, "applied for this window").await;
    court.fails(KEEPER, &approve, "approve:bdc").await;
    court.fails("gengfu_token-of-nobody-for-tests", &approve, "nobody holds this token").await;
    for key in ["by", "as", "holder", "owner", "approvers"] {
        let (status, text) = court.order(APPLICANT, &approve, json!({ key: "colleague" })).await;
        assert_eq!(status, 422, "a body that names somebody else: {text}");
    }
    for name in ["x-forwarded-user", "x-remote-user", "remote-user", "from", "x-gengfu-holder"] {
        let asked = court.post(&approve).bearer_auth(APPLICANT).header(name, "colleague");
        assert_eq!(court.send(asked).await.0, 403, "{name}");
    }
    let asked = court.post(&format!("{approve}?as=colleague&holder=colleague")).bearer_auth(APPLICANT);
    assert_eq!(court.send(asked).await.0, 403, "the address names somebody else");
    assert_eq!(court.send(court.post(&approve)).await.0, 401, "nobody");
    let schedule = court.window(&id).await["schedule"].as_str().unwrap().to_owned();
    court.fails(APPLICANT, &format!("/api/v1/schedules/{schedule}/approve"), "no schedule").await;
    court.is_draft(&id, "asking outright").await;

    // The same window by another road.
    let to = court.window(&id).await["start"].as_str().unwrap().replace("T23:", "T22:").replace("T15:", "T14:");
    let (status, text) = court.order(APPLICANT, &format!("/api/v1/windows/{id}/move"), json!({ "to": to })).await;
    assert_eq!(status, 200, "{text}");
    court.fails(APPLICANT, &approve, "applied for this window").await;
    let (status, text) = court.order(COLLEAGUE, &format!("/api/v1/windows/{id}/cancel"), json!({})).await;
    assert_eq!(status, 200, "{text}");
    court.fails(APPLICANT, &approve, "nothing that waits").await;
    let again = court.request(21).await;
    court.fails(ROTATED, &format!("/api/v1/windows/{again}/approve"), "applied for this window").await;
    let (status, text) = court.order(COLLEAGUE, &format!("/api/v1/windows/{again}/approve"), json!({})).await;
    assert!(status == 200 && text.contains("\"announced\""), "somebody else lets it through: {text}");
}

#[tokio::test]
async fn a_signed_in_browser_and_a_command_are_no_other_person() {
    let court = Court::convene().await;
    let id = court.request(20).await;
    for token in [APPLICANT, ROTATED] {
        let form = court.post("/sign-in").header("content-type", "application/x-www-form-urlencoded");
        let answer = form.body(format!("token={token}")).send().await.unwrap();
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let approve = court.post(&format!("/api/v1/windows/{id}/approve")).header(header::COOKIE, cookie);
        let (status, text) = court.send(approve.header("sec-fetch-site", "same-origin")).await;
        assert!(status == 403 && text.contains("applied for this window"), "{status} {text}");
    }
    court.house.write("token", APPLICANT);
    let (server, token) = (format!("http://{}", court.house.address()), court.house.path("token"));
    let words = ["window", "--server", &server, "--token-file", token.to_str().unwrap(), "approve", &id];
    let (code, out, err) = court.house.command(&words).await;
    assert!(code == Some(1) && out.contains("applied for this window"), "{code:?} {out}{err}");
    court.is_draft(&id, "asking by browser and command").await;
}

#[tokio::test]
async fn whoever_acts_for_the_owner_of_a_text_or_moved_a_window_does_not_approve_it() {
    let court = Court::convene().await;
    let windows = court.daemon.json("/api/v1/windows").await;
    let id = windows[0]["id"].as_str().unwrap().to_owned();
    let (window, text) = (format!("/api/v1/windows/{id}/approve"), "/api/v1/schedules/written/approve");
    court.fails(INSIDER, &window, "acts for bdc, the applicant").await;
    court.fails(INSIDER, text, "act for the applicant").await;
    court.is_draft(&id, "the owner's own admin").await;
    let to = windows[0]["start"].as_str().unwrap().replace("T23:", "T22:").replace("T15:", "T14:");
    let (status, told) = court.order(APPLICANT, &format!("/api/v1/windows/{id}/move"), json!({ "to": to })).await;
    assert_eq!(status, 200, "{told}");
    court.fails(APPLICANT, &window, "applied for this window").await;
    // The text says another time, so its approval is none of the moved window's.
    court.order(APPLICANT, text, json!({})).await;
    court.is_draft(&id, "approving the text behind one's own move").await;
}

#[tokio::test]
async fn an_emergency_and_a_longer_time_take_a_second_person() {
    let court = Court::convene().await;
    let body = json!({ "scope": ["bdc/alpha"], "for": "2h", "ticket": "INC-7" });
    let (status, text) = court.order(APPLICANT, "/api/v1/windows/override", body).await;
    assert_eq!(status, 201, "{text}");
    let id = serde_json::from_str::<Value>(&text).unwrap()["subject"].as_str().unwrap().to_owned();
    let approve = format!("/api/v1/windows/{id}/approve");
    court.fails(APPLICANT, &approve, "applied for this window").await;
    court.fails(ROTATED, &approve, "applied for this window").await;
    court.is_draft(&id, "one's own emergency").await;
    let (status, text) = court.order(COLLEAGUE, &approve, json!({})).await;
    assert!(status == 200 && text.contains("\"active\""), "{status} {text}");
    let end = court.window(&id).await["end"].as_str().unwrap().to_owned();
    let later: jiff::Timestamp = end.parse().unwrap();
    let later = (later + jiff::SignedDuration::from_hours(1)).to_string();
    let (status, text) = court.order(COLLEAGUE, &format!("/api/v1/windows/{id}/extend"), json!({ "end": later })).await;
    assert_eq!(status, 200, "{text}");
    court.fails(COLLEAGUE, &approve, "applied for this window").await;
    assert_eq!(court.window(&id).await["end"], end, "the longer time waits for somebody else");
}

#[tokio::test]
async fn two_names_that_look_alike_are_not_two_people() {
    let house = House::build().await;
    let twin = format!(
        "access: {{ tokens: [{{ holder: Duty-Officer, scopes: ['approve:bdc'], sha256: {} }}, ",
        TokenHash::of(COLLEAGUE)
    );
    house.edit("gengfu.yaml", "access: { tokens: [", &twin);
    let (code, told) = house.check().await;
    assert!(code == Some(1) && told.contains("`duty-officer` and `Duty-Officer`"), "{told}");
    assert_eq!(house.spawn(&[]).ends(60).await.code, Some(2));
}
