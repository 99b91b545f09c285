//! The mail sink against a real client, its faults, and the mailbox site.

use super::*;
use lettre::message::{Mailbox as Person, MultiPart};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

fn transport(rig: &Rig) -> Transport {
    let address = rig.city.smtp[0];
    Transport::builder_dangerous(address.ip().to_string()).port(address.port()).build()
}

fn message(to: &str, subject: &str, text: &str) -> Message {
    let from: Person = "更夫 <gengfu@bdc.test>".parse().unwrap();
    let body = MultiPart::alternative_plain_html(text.to_owned(), format!("<p>{text}</p>"));
    Message::builder().from(from).to(to.parse().unwrap()).subject(subject).multipart(body).unwrap()
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let rig = Rig::start("mail", &[]).await;
    let text = ".\n..两个点开头的行\n中断\n";
    transport(&rig).send(message("oncall@huangpu.test", "[中断] 黄浦区 INC-0001", text)).await.unwrap();
    let mail = rig.city.mails.wait_for(|m| m.id == 1).await;
    assert_eq!((mail.from.as_str(), mail.to.as_slice()), ("gengfu@bdc.test", &["oncall@huangpu.test".to_owned()][..]));
    assert_eq!(mail.subject, "[中断] 黄浦区 INC-0001");
    assert_eq!(mail.get("From"), Some("更夫 <gengfu@bdc.test>"));
    assert_eq!(mail.text.as_deref().map(str::trim_end), Some(text.trim_end()));
    assert!(mail.html.as_deref().unwrap().starts_with("<p>.\n..两个点"));
    rig.city.stop().await;
}

#[tokio::test]
async fn starttls_is_offered_under_the_citys_authority() {
    let rig = Rig::start("starttls", &[]).await;
    let root = Certificate::from_pem(rig.city.ca_pem.as_bytes()).unwrap();
    let tls = TlsParameters::builder(rig.host("relay")).add_root_certificate(root).build().unwrap();
    let address = rig.city.smtp[0];
    let builder = Transport::builder_dangerous(address.ip().to_string()).port(address.port());
    builder.tls(Tls::Required(tls)).build().send(message("a@x.test", "s", "t")).await.unwrap();
    assert_eq!(rig.city.mails.mails().len(), 1);
    rig.city.stop().await;
}

#[tokio::test]
async fn faults_defer_reject_and_hang_until_mended() {
    let rig = Rig::start("faults", &[]).await;
    let transport = transport(&rig);
    rig.city.faults.defer(1);
    assert!(transport.send(message("a@x.test", "s", "t")).await.unwrap_err().is_transient());
    transport.send(message("a@x.test", "s", "t")).await.unwrap();

    rig.city.faults.reject("Gone@x.test");
    assert!(transport.send(message("gone@x.test", "s", "t")).await.unwrap_err().is_permanent());
    transport.send(message("a@x.test", "s", "t")).await.unwrap();

    rig.city.faults.hang(Hang::AfterMail);
    let send = transport.send(message("a@x.test", "hung", "t"));
    let mails = rig.city.mails.clone();
    tokio::select! {
        answer = send => panic!("must not be answered: {answer:?}"),
        mail = mails.wait_for(|m| m.subject == "hung") => assert_eq!(mail.id, 3),
    }
    rig.city.faults.hang(Hang::AtGreeting);
    let fresh = TcpStream::connect(rig.city.smtp[0]).await;
    let mut greeting = [0; 1];
    let silent = tokio::time::timeout(Duration::from_millis(100), fresh.unwrap().read(&mut greeting)).await;
    assert!(silent.is_err());

    rig.city.faults.mend();
    super::mails::transport(&rig).send(message("gone@x.test", "s", "t")).await.unwrap();
    rig.city.stop().await;
}

#[tokio::test]
async fn nonsense_gets_a_code_and_the_sink_goes_on() {
    let rig = Rig::start("nonsense", &[]).await;
    let mut stream = TcpStream::connect(rig.city.smtp[0]).await.unwrap();
    let script = "RCPT TO:<a@x.test>\r\nMAIL nobody\r\nDATA\r\nBLA\r\nMAIL FROM:<>\r\nRCPT TO:<>\r\nRSET\r\n\
                  RCPT TO:<a@x.test>\r\nNOOP\r\nQUIT\r\n";
    stream.write_all(script.as_bytes()).await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    let codes: Vec<_> = answers.lines().map(|l| &l[..3]).collect();
    assert_eq!(codes, ["220", "503", "501", "503", "502", "250", "501", "250", "503", "250", "221"]);

    let mut stream = TcpStream::connect(rig.city.smtp[0]).await.unwrap();
    stream.write_all(&vec![b'x'; 5_000]).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    assert!(answers.ends_with("500 line too long\r\n"), "{answers}");
    rig.city.stop().await;
}

async fn site(rig: &Rig, method: reqwest::Method, path: &str, host: Option<&str>) -> (u16, String) {
    let mut request = rig.client().request(method, format!("http://{}{path}", rig.city.mailbox));
    if let Some(host) = host {
        request = request.header("host", host);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn the_site_lists_shows_and_forgets_and_escapes_what_mails_bring() {
    let rig = Rig::start("site", &[]).await;
    let hostile = "<script>alert(1)</script>";
    transport(&rig).send(message("a@x.test", hostile, hostile)).await.unwrap();
    let get = reqwest::Method::GET;

    let (code, json) = site(&rig, get.clone(), "/api/mails", None).await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, json[0]["subject"].as_str(), json[0]["to"][0].as_str()), (200, Some(hostile), Some("a@x.test")));
    for key in ["id", "received", "from", "to", "subject", "headers", "text", "html"] {
        assert!(!json[0][key].is_null(), "{key}");
    }

    for path in ["/", "/mails/1", "/mails/1?lang=en"] {
        let (code, page) = site(&rig, get.clone(), path, None).await;
        assert!(code == 200 && !page.contains(hostile) && page.contains("&#60;script&#62;"), "{path} {page}");
    }
    assert!(site(&rig, get.clone(), "/mails/1?lang=en", None).await.1.contains("Received"));
    assert_eq!(site(&rig, get.clone(), "/mails/2", None).await.0, 404);
    assert_eq!(site(&rig, get.clone(), "/", Some("evil.example:9425")).await.0, 403);
    assert_eq!(site(&rig, get.clone(), "/", Some("localhost:9425")).await.0, 200);
    assert_eq!(site(&rig, reqwest::Method::DELETE, "/api/mails", None).await.0, 204);
    assert_eq!(site(&rig, get, "/api/mails", None).await.1, "[]");
    rig.city.stop().await;
}

#[test]
fn the_mailbox_keeps_the_newest_mails() {
    let mailbox = Mailbox::default();
    for _ in 0..=MAILS_MAX {
        mailbox.keep(Mail::parse(crate::domain::Timestamp(0), String::new(), Vec::new(), b""));
    }
    let mails = mailbox.mails();
    assert_eq!((mails.len(), mails[0].id), (MAILS_MAX, 2));
}
