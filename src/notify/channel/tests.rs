//! Channels against places that keep the real limits, byte by byte: what is sent, what is signed, what answers mean.

use super::*;
use crate::domain::civil::Zone;
use crate::domain::{
    Content, DAY, IncidentId, IncidentNews, Language, Message, Names, Recipient, Severity, Symptom, Tier,
};
use crate::field::from_json;
use crate::network::{Network, everything};
use crate::notify::render::{RenderContext, Rendered, render};
use crate::probe::{CommandGrant, Grantees, USER_AGENT};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex as Lock;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const NOW: Timestamp = Timestamp(1_795_445_429_000);

/// One request: path and query, headers, body.
type Asked = (String, HeaderMap, String);

/// A place that answers by `judge` and keeps what it was asked.
#[derive(Clone)]
struct Place {
    asked: Arc<Lock<Vec<Asked>>>,
    judge: fn(&Asked) -> (u16, String),
}

struct Served {
    place: Place,
    url: String,
    _running: JoinSet<()>,
}

async fn answer(State(place): State<Place>, uri: OriginalUri, headers: HeaderMap, body: Bytes) -> (StatusCode, String) {
    let asked = (uri.0.to_string(), headers, String::from_utf8(body.to_vec()).unwrap());
    let (status, text) = (place.judge)(&asked);
    place.asked.lock().unwrap().push(asked);
    (StatusCode::from_u16(status).unwrap(), text)
}

async fn serve(judge: fn(&Asked) -> (u16, String)) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let place = Place { asked: Arc::default(), judge };
    let router = Router::new().fallback(answer).with_state(place.clone());
    let mut running = JoinSet::new();
    running.spawn(async move { axum::serve(listener, router).await.unwrap() });
    Served { place, url, _running: running }
}

impl Served {
    fn asked(&self) -> Vec<Asked> {
        self.place.asked.lock().unwrap().clone()
    }

    fn bodies(&self) -> Vec<Value> {
        self.asked().iter().map(|(_, _, body)| serde_json::from_str(body).unwrap()).collect()
    }
}

fn context(commands: Commands) -> ChannelContext<'static> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let roots = Arc::new(rustls::RootCertStore::empty());
    let network = Network { connect_to: vec![], allow: everything(), roots };
    ChannelContext {
        transports: Arc::new(Transports::new(Arc::new(network), USER_AGENT)),
        commands: Arc::new(commands),
        secret: &|text: &str, _: &crate::field::Place, _: &mut Problems| Some(text.to_owned()),
    }
}

fn channel_with(name: &str, body: &Value, context: &ChannelContext<'_>) -> Result<Channel, Problems> {
    let kind = kind(name).unwrap();
    let way = (kind.build)(&from_json(body, kind.fields)?, context)?;
    Ok(Channel::new("ops", kind, way))
}

fn channel(name: &str, body: &Value) -> Channel {
    channel_with(name, body, &context(Commands::default())).unwrap_or_else(|problems| panic!("{problems}"))
}

fn news(name: &str, severity: Severity) -> IncidentNews {
    IncidentNews {
        taken: None,
        unstable: false,
        raised: false,
        handed: None,
        incident: IncidentId(42),
        symptom: Symptom::Down,
        severity,
        subsystem: "huangpu/portal".into(),
        name: Names { zh: name.into(), en: name.into() },
        owner: Names { zh: "黄浦区".into(), en: "Huangpu".into() },
        tier: Tier::Two,
        since: NOW,
        until: None,
        evidence: vec![],
        affected: vec![],
        affected_total: 0,
        budget_left_ms: None,
        target_ppm: None,
        burn_milli: None,
        window: None,
        window_end: None,
        attribution: None,
        beside: None,
        lately: None,
        recent: vec![],
        runbook: None,
    }
}

fn message(sequence: u32, content: Content) -> Message {
    let to = Recipient { name: "运维群".into(), mail: Recipient::at_channel("ops"), language: Language::Zh };
    Message::new("INC-0042".into(), sequence, to, NOW, DAY, content)
}

fn page() -> Message {
    message(0, Content::Opened(news("一网通办频道", Severity::Page)))
}

fn wording(message: &Message) -> Rendered {
    let context = RenderContext {
        links: crate::notify::link::LinkKey::of_examples(),
        public_url: "http://gengfu.bdc.test".into(),
        zone: Zone::utc(),
        domain: "bdc.test".into(),
        from_name: "更夫".into(),
        from_mail: "gengfu@bdc.test".into(),
    };
    render(message, None, &context)
}

async fn send_at(channel: &Channel, message: &Message, now: Timestamp) -> Result<Receipt, NotifyError> {
    let rendered = wording(message);
    let note = Note { message, rendered: &rendered, public_url: "http://gengfu.bdc.test", now };
    channel.notify(&note).await
}

async fn send(channel: &Channel, message: &Message) -> Result<Receipt, NotifyError> {
    send_at(channel, message, NOW).await
}

#[test]
fn every_example_builds_and_kinds_are_in_order() {
    assert!(KINDS.is_sorted_by(|a, b| a.name < b.name));
    for kind in KINDS {
        let record = from_json(&example(kind.example), kind.fields).unwrap_or_else(|e| panic!("{}: {e}", kind.name));
        let grant = CommandGrant {
            directory: "/usr/bin".into(),
            owners: Grantees::All,
            programs: Some(["logger".to_owned()].into()),
            environment: [].into(),
        };
        let built = (kind.build)(&record, &context(Commands::new(vec![grant])));
        assert!(built.is_ok(), "{}: {}", kind.name, built.err().unwrap());
    }
}

/// Examples are YAML of one level and flow collections.
fn example(text: &str) -> Value {
    let line = |line: &str| {
        let (key, value) = line.split_once(": ").unwrap();
        let value = match value.as_bytes()[0] {
            b'\'' => Value::from(value.trim_matches('\'')),
            b'[' if value.contains('"') => serde_json::from_str(value).unwrap(),
            b'[' => value.trim_matches(['[', ']']).split(", ").collect(),
            b'{' => {
                let pair = value.trim_matches(['{', '}']).trim().split_once(": ").unwrap();
                json!({ pair.0: pair.1 })
            }
            _ => Value::from(value),
        };
        (key.to_owned(), value)
    };
    Value::Object(text.lines().map(line).collect())
}

/// Computed by Python's `hmac`; the last one is the vector of standardwebhooks.com.
#[test]
fn signatures_are_right_to_the_byte() {
    let dingtalk = sign::dingtalk("SEC0123456789abcdef", 1_795_445_429_000);
    assert_eq!(dingtalk, "bFkNKY1obfgwOtVX4aKwe3VUuQ37jPWtqKhNojGd8BY=");
    assert_eq!(sign::feishu("sample", 1_795_445_429), "qQc9Zz1ez1jd/ztwdSLAI4+gBc6iytZHk3WIssQrmOU=");
    let plain = sign::webhook(&sign::webhook_key("plain secret").unwrap(), "a1", 1_795_445_429, r#"{"text":"更夫"}"#);
    assert_eq!(plain, "v1,zu5iEKRtaPJ+xLSaL4idtffzlFtW6fTAj2aBRtKMJ0o=");
    let key = sign::webhook_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let standard = sign::webhook(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
    assert_eq!(standard, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_eq!(sign::webhook_key("whsec_?"), None);
}

/// WeCom counts bytes and says 40058 to what is longer.
fn wecom(asked: &Asked) -> (u16, String) {
    let body: Value = serde_json::from_str(&asked.2).unwrap();
    let text = body["text"]["content"].as_str().unwrap();
    let code = if text.len() > 2_048 {
        40_058
    } else if asked.0.ends_with("key=wrong") {
        93_000
    } else {
        0
    };
    (200, json!({ "errcode": code, "errmsg": if code == 0 { "ok" } else { "no" } }).to_string())
}

#[tokio::test]
async fn wecom_gets_texts_of_at_most_2048_bytes_and_calls_people_for_pages_alone() {
    let place = serve(wecom).await;
    let body = json!({ "url": format!("{}/cgi-bin/webhook/send?key=right", place.url), "mobiles": ["@all"] });
    let ops = channel("wecom", &body);
    send(&ops, &page()).await.unwrap();
    let long = message(1, Content::Closed(news(&"很".repeat(900), Severity::Page)));
    send(&ops, &long).await.unwrap();
    let bodies = place.bodies();
    assert_eq!(bodies[0]["text"]["mentioned_mobile_list"], json!(["@all"]));
    assert_eq!(bodies[1]["text"]["mentioned_mobile_list"], json!([]), "nobody is called when it is over");
    let text = bodies[1]["text"]["content"].as_str().unwrap();
    assert!(text.ends_with("…\nhttp://gengfu.bdc.test/incidents/INC-0042") && text.len() > 2_040, "{text}");
    let wrong = channel("wecom", &json!({ "url": format!("{}/cgi-bin/webhook/send?key=wrong", place.url) }));
    let error = send(&wrong, &page()).await.unwrap_err();
    assert_eq!(error, NotifyError::Refused("wecom ops: answers 93000 no".into()));
}

/// DingTalk wants a signature of the last hour over the time that is named.
fn dingtalk(asked: &Asked) -> (u16, String) {
    let url = reqwest::Url::parse(&format!("http://a.test{}", asked.0)).unwrap();
    let query = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let at = query("timestamp").and_then(|at| at.parse::<i64>().ok()).unwrap_or_default();
    let signed = query("sign").is_some_and(|sign| sign == sign::dingtalk("SEC1", at));
    let code = if signed && (at - NOW.0).abs() <= 3_600_000 { 0 } else { 310_000 };
    (200, json!({ "errcode": code, "errmsg": "sign not match" }).to_string())
}

#[tokio::test]
async fn dingtalk_is_signed_in_the_address_and_names_whom_it_calls() {
    let place = serve(dingtalk).await;
    let url = format!("{}/robot/send?access_token=t", place.url);
    let ops = channel("dingtalk", &json!({ "url": url, "secret": "SEC1", "mobiles": ["13800000000"] }));
    send(&ops, &page()).await.unwrap();
    let body = &place.bodies()[0];
    assert_eq!(body["at"], json!({ "atMobiles": ["13800000000"], "isAtAll": false }));
    assert!(body["text"]["content"].as_str().unwrap().ends_with(" @13800000000"), "{body}");
    let unsigned = channel("dingtalk", &json!({ "url": url, "secret": "SEC2" }));
    assert!(matches!(send(&unsigned, &page()).await, Err(NotifyError::Refused(text)) if text.contains("310000")));
}

/// Feishu wants time and signature in the body, at most 20 KB, and is crowded at times.
fn feishu(asked: &Asked) -> (u16, String) {
    let body: Value = serde_json::from_str(&asked.2).unwrap();
    let at = body["timestamp"].as_str().unwrap().parse::<i64>().unwrap();
    let code = match () {
        () if asked.2.len() > 20_000 => 9_499,
        () if body["sign"] != sign::feishu("s", at) => 19_021,
        () if asked.0.ends_with("crowded") => 11_232,
        () => 0,
    };
    (200, json!({ "code": code, "msg": "as said", "data": {} }).to_string())
}

#[tokio::test]
async fn feishu_is_signed_in_the_body_and_a_crowded_hour_is_waited_for() {
    let place = serve(feishu).await;
    let hook = |name: &str| json!({ "url": format!("{}/open-apis/bot/v2/hook/{name}", place.url), "secret": "s" });
    let hostile = message(0, Content::Opened(news(&"\u{1}\"\\".repeat(2_000), Severity::Page)));
    send(&channel("feishu", &hook("quiet")), &hostile).await.unwrap();
    let crowded = send(&channel("feishu", &hook("crowded")), &page()).await.unwrap_err();
    assert_eq!(crowded, NotifyError::Deferred("feishu ops: answers 11232 as said".into()));
}

fn by_path(asked: &Asked) -> (u16, String) {
    (asked.0.trim_start_matches('/').split(['?', '/']).next().unwrap().parse().unwrap_or(200), "said so".into())
}

#[tokio::test]
async fn webhooks_are_signed_by_the_standard_and_say_the_same_id_again() {
    let place = serve(by_path).await;
    let hook = channel("webhook", &json!({ "url": format!("{}/200", place.url), "secret": "plain secret" }));
    send(&hook, &page()).await.unwrap();
    send_at(&hook, &page(), NOW + 60_000).await.unwrap();
    let asked = place.asked();
    let header = |n: usize, name: &str| asked[n].1[name].to_str().unwrap().to_owned();
    for (n, at) in [(0, 1_795_445_429), (1, 1_795_445_489)] {
        assert_eq!(header(n, "webhook-id"), page().id);
        assert_eq!(header(n, "webhook-timestamp"), at.to_string());
        assert_eq!(header(n, "webhook-signature"), sign::webhook(b"plain secret", &page().id, at, &asked[n].2));
    }
    let body = &place.bodies()[0];
    assert_eq!((&body["what"], &body["incident"]["id"]), (&json!("opened"), &json!("INC-0042")), "{body}");
    assert_eq!(body["url"], "http://gengfu.bdc.test/incidents/INC-0042");
}

#[tokio::test]
async fn what_a_status_means_and_that_addresses_are_not_repeated() {
    let place = serve(by_path).await;
    let hook =
        |status: u16| channel("webhook", &json!({ "url": format!("{}/{status}/a-long-secret-path", place.url) }));
    for (status, later) in [(429, true), (503, true), (401, false), (302, false)] {
        let error = send(&hook(status), &page()).await.unwrap_err();
        assert_eq!(matches!(error, NotifyError::Deferred(_)), later, "{error}");
        assert!(error.to_string().starts_with("webhook ops: 127.0.0.1 answers"), "{error}");
    }
    let nowhere = channel("webhook", &json!({ "url": "http://127.0.0.1:1/a-long-secret-path?key=a-long-secret" }));
    let error = send(&nowhere, &page()).await.unwrap_err();
    assert!(matches!(&error, NotifyError::Deferred(text) if !text.contains("secret")), "{error}");
}

#[tokio::test]
async fn a_template_is_filled_so_that_nothing_breaks_out_of_its_place() {
    let place = serve(by_path).await;
    let hostile = message(0, Content::Opened(news("门\"户\\ & =", Severity::Ticket)));
    let subject = wording(&hostile).subject;
    let url = format!("{}/200", place.url);
    let json = json!({ "url": url, "body": r#"{"t": "{{subject}}", "s": "{{ severity }}"}"# });
    send(&channel("webhook", &json), &hostile).await.unwrap();
    assert_eq!(place.bodies()[0], json!({ "t": subject, "s": "ticket" }));
    let form = json!({ "url": url, "form": "form", "body": "text={{subject}}&to=1" });
    send(&channel("webhook", &form), &hostile).await.unwrap();
    let parsed = reqwest::Url::parse(&format!("http://a.test?{}", place.asked()[1].2)).unwrap();
    let pairs: Vec<_> = parsed.query_pairs().map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
    assert_eq!(pairs, [("text".to_owned(), subject), ("to".to_owned(), "1".to_owned())]);
    let wrong = channel_with("webhook", &json!({ "url": url, "body": "{{sbject}}" }), &context(Commands::default()));
    assert!(wrong.err().unwrap().to_string().contains("nothing is called `{{sbject}}`"));
}

fn gateway(asked: &Asked) -> (u16, String) {
    (200, if asked.2.contains("13800000000,13900000000") { r#"{"code":0}"# } else { r#"{"code":7}"# }.into())
}

#[tokio::test]
async fn a_short_message_is_short_and_a_gateway_is_asked_whether_it_took_it() {
    let place = serve(gateway).await;
    let body = r#"{"to": "{{numbers}}", "text": "{{short}}"}"#;
    let sms = |numbers: &[&str]| json!({ "url": place.url, "numbers": numbers, "body": body, "answer": "\"code\":0", "headers": { "X-Key": "k" } });
    let long = message(0, Content::Opened(news(&"长".repeat(200), Severity::Page)));
    send(&channel("sms", &sms(&["13800000000", "13900000000"])), &long).await.unwrap();
    let text = place.bodies()[0]["text"].as_str().unwrap().to_owned();
    assert_eq!((text.chars().count(), text.ends_with('…')), (70, true), "{text}");
    assert_eq!(place.asked()[0].1["x-key"], "k");
    let refused = send(&channel("sms", &sms(&["1"])), &long).await.unwrap_err();
    assert!(matches!(&refused, NotifyError::Refused(text) if text.contains(r#"{"code":7}"#)), "{refused}");
}

#[tokio::test]
async fn an_incident_is_one_alert_that_is_said_again_until_it_ends() {
    let place = serve(by_path).await;
    let body = json!({ "url": format!("{}/am/", place.url), "labels": { "source": "gengfu" } });
    let am = channel("alertmanager", &body);
    send(&am, &page()).await.unwrap();
    let open = BTreeSet::from([IncidentId(42)]);
    am.again(NOW + 5_000, &open).await;
    am.again(NOW + 6_000, &open).await;
    am.again(NOW + 65_000, &open).await;
    let mut over = news("一网通办频道", Severity::Ticket);
    over.until = Some(NOW + 90_000);
    send_at(&am, &message(1, Content::Closed(over)), NOW + 100_000).await.unwrap();
    am.again(NOW + 200_000, &open).await;
    let quiet = message(0, Content::ReloadRefused { text: "no".into() });
    send(&am, &quiet).await.unwrap();
    let bodies = place.bodies();
    assert_eq!(bodies.len(), 4, "opened, twice again, closed");
    assert_eq!(place.asked()[0].0, "/am/api/v2/alerts");
    let labels = json!({ "alertname": "down", "incident": "INC-0042", "owner": "huangpu", "severity": "page",
        "source": "gengfu", "subsystem": "huangpu/portal" });
    assert!(bodies.iter().all(|b| b[0]["labels"] == labels && b[0]["startsAt"] == NOW.to_string()), "{bodies:?}");
    assert_eq!(bodies[0][0]["endsAt"], (NOW + 7 * DAY).to_string());
    assert_eq!(bodies[2][0]["endsAt"], (NOW + 65_000 + 7 * DAY).to_string(), "as long as it lasts");
    assert_eq!(bodies[3][0]["endsAt"], (NOW + 90_000).to_string());
}

#[tokio::test]
async fn an_alert_of_a_former_run_keeps_its_labels_and_one_that_is_over_is_not_said_again() {
    let place = serve(by_path).await;
    let am = channel("alertmanager", &json!({ "url": place.url }));
    let learn = |message: Message, at| {
        let rendered = wording(&message);
        am.recall(&Note { message: &message, rendered: &rendered, public_url: "http://gengfu.bdc.test", now: at });
    };
    learn(message(0, Content::Opened(news("一网通办频道", Severity::Ticket))), NOW);
    let raised = message(1, Content::Changed(news("一网通办频道", Severity::Page)));
    learn(raised, NOW);
    assert_eq!(place.bodies().len(), 0, "learning says nothing");
    let open = BTreeSet::from([IncidentId(42)]);
    am.again(NOW + 1_000, &open).await;
    let bodies = place.bodies();
    assert_eq!((bodies.len(), &bodies[0][0]["labels"]["severity"]), (1, &json!("ticket")), "{bodies:?}");
    assert!(bodies[0][0]["annotations"]["summary"].as_str().unwrap().contains("INC-0042"), "{bodies:?}");
    // Its end could not be told, or is on its way: it is not said to last.
    am.again(NOW + 70_000, &BTreeSet::new()).await;
    am.again(NOW + 140_000, &open).await;
    assert_eq!(place.bodies().len(), 1);
    // A message may be ahead of the picture of what is open.
    send_at(&am, &message(2, Content::Opened(news("一网通办频道", Severity::Page))), NOW + 209_000).await.unwrap();
    am.again(NOW + 210_000, &BTreeSet::new()).await;
    am.again(NOW + 275_000, &open).await;
    assert_eq!(place.bodies().len(), 3, "opened, and said again");
}

#[tokio::test]
async fn a_program_reads_the_message_and_its_exit_code_says_what_became_of_it() {
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let write = |path: &Path, text: &str| {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    write(&home.path().join("tell"), "#!/bin/sh\ncat >\"$1\"\necho told\nexit \"$2\"\n");
    let grant = CommandGrant {
        directory: home.path().to_path_buf(),
        owners: Grantees::All,
        programs: None,
        environment: [].into(),
    };
    let context = context(Commands::new(vec![grant]));
    let read = home.path().join("read.json");
    for (code, wanted) in [(0, "told"), (75, "ends with 75"), (1, "ends with 1")] {
        let body = json!({ "program": "tell", "arguments": [read.to_str().unwrap(), code.to_string()] });
        let told = send(&channel_with("command", &body, &context).unwrap(), &page()).await;
        let text = told.as_ref().map_or_else(ToString::to_string, |receipt| receipt.text.clone());
        assert!(text.contains(wanted), "{code}: {text}");
        assert_eq!(matches!(told, Err(NotifyError::Deferred(_))), code == 75);
        let value: Value = serde_json::from_str(&fs::read_to_string(&read).unwrap()).unwrap();
        assert_eq!((&value["id"], &value["urgency"]), (&json!(page().id), &json!("page")));
    }
    let other = channel_with("command", &json!({ "program": "/bin/sh" }), &context);
    assert!(other.is_err(), "only what is granted runs");
}

#[test]
fn documentation_lists_every_channel() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/channels.md");
    let page = fs::read_to_string(&path).unwrap_or_default();
    let kinds = document();
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        let head = page.split("<!-- kinds -->").next().unwrap_or_default();
        fs::write(&path, format!("{head}<!-- kinds -->\n\n{kinds}")).unwrap();
        return;
    }
    assert!(page.ends_with(&kinds), "docs/channels.md is stale; UPDATE_EXPECTED=1 writes it");
}
