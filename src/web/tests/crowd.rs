//! Many look at the overview: what they share, and what nobody shares.

use super::*;
use crate::clock::ManualClock;
use crate::domain::Snapshot;
use axum::response::Response;
use flate2::read::GzDecoder;
use std::io::Read;
use tokio::sync::{mpsc, watch};

/// One daemon over the fixture's city, whose clock and picture are in the tests' hands.
struct City {
    app: Router,
    clock: Arc<ManualClock>,
    pictures: watch::Sender<Arc<Snapshot>>,
    _commands: mpsc::Receiver<Command>,
}

impl City {
    fn new() -> Self {
        let (state, commands) = fixture::state(fixture::snapshot());
        let clock = Arc::new(ManualClock::at(NOW));
        let (pictures, picture) = watch::channel(state.picture());
        let app = router(WebState { clock: Arc::clone(&clock) as _, snapshot: picture, ..state });
        Self { app, clock, pictures, _commands: commands }
    }

    async fn ask(&self, peer: &str, path: &str, headers: &[(header::HeaderName, &str)]) -> Response {
        let mut request = request(peer, Method::GET, path);
        headers
            .iter()
            .for_each(|(name, value)| drop(request.headers_mut().insert(name.clone(), value.parse().unwrap())));
        self.app.clone().oneshot(request).await.unwrap()
    }

    /// What somebody far away reads, who says this much.
    async fn guest(&self, path: &str, headers: &[(header::HeaderName, &str)]) -> Answer {
        read(self.ask("192.0.2.7", path, headers).await).await
    }

    /// Another picture, in which nothing is open.
    fn all_is_well(&self) {
        let calm = Snapshot { incidents: Arc::default(), ..fixture::snapshot() };
        self.pictures.send_replace(Arc::new(calm));
    }
}

async fn read(response: Response) -> Answer {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 1 << 24).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&bytes).into_owned() }
}

#[tokio::test]
async fn guests_share_one_print_and_after_two_seconds_at_most_they_see_what_changed() {
    let city = City::new();
    let first = city.guest("/", &[]).await;
    assert!(first.body.contains("INC-0421"));
    city.all_is_well();
    city.clock.advance(900);
    let second = read(city.ask("198.51.100.9", "/", &[]).await).await;
    assert_eq!((&second.body, second.header(header::ETAG)), (&first.body, first.header(header::ETAG)));
    city.clock.advance(1_100);
    let third = city.guest("/", &[]).await;
    assert!(!third.body.contains("INC-0421"));
    assert_ne!(third.header(header::ETAG), first.header(header::ETAG));
}

#[tokio::test]
async fn nobody_waits_for_a_print_that_only_lags_a_little_and_the_next_one_is_made_meanwhile() {
    let city = City::new();
    city.guest("/", &[]).await;
    city.all_is_well();
    city.clock.advance(1_000);
    assert!(city.guest("/", &[]).await.body.contains("INC-0421"), "the old one, at once");
    let renewed = async {
        while city.guest("/", &[]).await.body.contains("INC-0421") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), renewed).await.unwrap();
}

#[tokio::test]
async fn a_print_ages_while_the_picture_stays_and_says_as_of_when_it_is() {
    let city = City::new();
    let time = |page: &Answer| page.body.split("<time datetime=\"").nth(1).unwrap()[..20].to_owned();
    let first = city.guest("/", &[]).await;
    assert_eq!(time(&first), "2026-11-24T14:48:00Z");
    city.clock.advance(60_000);
    assert_eq!(time(&city.guest("/", &[]).await), "2026-11-24T14:49:00Z", "time goes on without news");
}

#[tokio::test]
async fn each_language_has_prints_of_its_own_and_links_carry_only_what_the_address_asked_for() {
    let city = City::new();
    let english = [(header::ACCEPT_LANGUAGE, "en")];
    let (zh, en) = (city.guest("/", &[]).await, city.guest("/", &english).await);
    let (zh_asked, en_asked) = (city.guest("/?lang=zh", &english).await, city.guest("/?lang=en", &[]).await);
    for page in [&zh, &zh_asked] {
        assert_eq!(page.header(header::CONTENT_LANGUAGE), "zh-CN");
        assert!(page.body.contains("2 项服务中断") && !page.body.contains("2 services down"));
    }
    for page in [&en, &en_asked] {
        assert_eq!(page.header(header::CONTENT_LANGUAGE), "en");
        assert!(page.body.contains("2 services down") && !page.body.contains("2 项服务中断"));
    }
    assert!(!zh.body.contains("href=\"/incidents?lang") && !en.body.contains("href=\"/incidents?lang"));
    assert!(zh_asked.body.contains("\"/incidents?lang=zh\"") && en_asked.body.contains("\"/incidents?lang=en\""));
}

#[tokio::test]
async fn nobody_is_given_the_page_of_somebody_who_is_known() {
    let city = City::new();
    let token = [(header::AUTHORIZATION, "Bearer operate")];
    let form = "token=operate";
    let mut sign_in = request("192.0.2.7", Method::POST, "/sign-in").map(|_| Body::from(form));
    for (name, value) in
        [(header::ORIGIN, "http://127.0.0.1:9424"), (header::CONTENT_TYPE, "application/x-www-form-urlencoded")]
    {
        sign_in.headers_mut().insert(name, value.parse().unwrap());
    }
    let signed_in = read(city.app.clone().oneshot(sign_in).await.unwrap()).await;
    let cookie = signed_in.header(header::SET_COOKIE).split(';').next().unwrap().to_owned();
    for shown in [&token[..], &[(header::COOKIE, &*cookie)]] {
        let known = city.guest("/", shown).await;
        assert!(known.body.contains("holder of operate"), "{}", known.body);
        assert_eq!((known.header(header::CACHE_CONTROL), known.header(header::ETAG)), ("no-store", ""));
        let guest = city.guest("/", &[]).await;
        assert!(!guest.body.contains("holder of") && guest.body.contains("/sign-in"));
        // And the other way round: what a browser kept as a guest is not what it is shown once it is known.
        let tag = guest.header(header::ETAG);
        let known = city.guest("/", &[shown, &[(header::IF_NONE_MATCH, tag)]].concat()).await;
        assert!(known.status == StatusCode::OK && known.body.contains("holder of operate"));
        city.clock.advance(10_000);
    }
}

#[tokio::test]
async fn what_strangers_must_not_see_is_on_no_print_of_theirs_and_in_no_cache() {
    let mut refused = fixture::snapshot();
    refused.reload_refused = Some("probes/x.yaml:3:1: unknown key `evry`".into());
    let city = City::new();
    city.pictures.send_replace(Arc::new(refused));
    for _ in 0..2 {
        let inside = read(city.ask("127.0.0.1", "/", &[]).await).await;
        assert!(inside.body.contains("unknown key"));
        assert_eq!((inside.header(header::CACHE_CONTROL), inside.header(header::ETAG)), ("no-store", ""));
        let outside = city.guest("/", &[]).await;
        assert!(!outside.body.contains("unknown key"));
        let forwarded = read(city.ask("127.0.0.1", "/", &[(header::VIA, "1.1 portal.test")]).await).await;
        assert_eq!(forwarded.body, outside.body, "whoever comes through a proxy is a stranger");
    }
}

#[tokio::test]
async fn a_browser_that_has_the_page_is_told_that_it_still_holds_and_is_sent_nothing() {
    let city = City::new();
    let page = city.guest("/", &[]).await;
    let tag = page.header(header::ETAG).to_owned();
    assert_eq!(page.header(header::CACHE_CONTROL), "private, no-cache");
    for named in ["cookie", "authorization", "accept-language", "accept-encoding"] {
        assert!(page.header(header::VARY).contains(named), "{named}");
    }
    for known in [tag.clone(), format!("\"other\", {tag}"), "*".to_owned()] {
        let same = city.guest("/", &[(header::IF_NONE_MATCH, &known), (header::ACCEPT_ENCODING, "gzip")]).await;
        assert_eq!((same.status, &*same.body), (StatusCode::NOT_MODIFIED, ""), "{known}");
        assert_eq!((same.header(header::ETAG), same.header(header::CONTENT_ENCODING)), (&*tag, ""));
    }
    city.all_is_well();
    city.clock.advance(6_000);
    let other = city.guest("/", &[(header::IF_NONE_MATCH, &tag)]).await;
    assert_eq!((other.status, other.header(header::ETAG) == tag), (StatusCode::OK, false));
    let english = [(header::ACCEPT_LANGUAGE, "en"), (header::IF_NONE_MATCH, &tag)];
    assert_eq!(city.guest("/", &english).await.status, StatusCode::OK, "the tag of another language");
}

#[tokio::test]
async fn a_print_is_packed_for_whoever_takes_gzip_and_reads_the_same() {
    let city = City::new();
    let plain = city.guest("/", &[(header::ACCEPT_ENCODING, "identity")]).await;
    assert_eq!(plain.header(header::CONTENT_ENCODING), "");
    assert!(plain.body.starts_with("<!doctype html>"));
    for accepted in ["gzip", "gzip, deflate, br, zstd", "*"] {
        let packed = city.ask("192.0.2.7", "/", &[(header::ACCEPT_ENCODING, accepted)]).await;
        let encodings: Vec<_> = packed.headers().get_all(header::CONTENT_ENCODING).iter().collect();
        assert_eq!(encodings, ["gzip"], "{accepted}");
        let bytes = to_bytes(packed.into_body(), 1 << 24).await.unwrap();
        let mut text = String::new();
        GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
        assert!(text == plain.body && bytes.len() * 3 < text.len());
    }
}

#[tokio::test]
async fn so_many_listen_to_events_and_whoever_leaves_makes_room() {
    let city = City::new();
    let listen = async || city.ask("192.0.2.7", "/api/v1/events", &[]).await;
    let mut listening = Vec::new();
    for _ in 0..SUBSCRIBERS_MAX {
        listening.push(listen().await);
    }
    assert!(listening.iter().all(|answer| answer.status() == StatusCode::OK));
    let refused = read(listen().await).await;
    assert!(refused.status == StatusCode::SERVICE_UNAVAILABLE && refused.body.contains("poll instead"));
    listening.pop();
    assert_eq!(listen().await.status(), StatusCode::OK);
}
