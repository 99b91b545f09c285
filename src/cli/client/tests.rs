//! The shared client against listeners of a few lines, with real TLS where it matters.

use super::*;
use clap::Parser;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: ServerArgs,
}

fn args(line: &str) -> ServerArgs {
    Line::try_parse_from(std::iter::once("x").chain(line.split_whitespace())).unwrap().args
}

async fn read_head(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn a_change_is_asked_for_with_the_token_and_its_problem_is_told_with_the_remedy() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), " s3cret\n").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let line =
        format!("--server http://u:p@{}/below --token-file {}", listener.local_addr().unwrap(), file.path().display());
    let client = args(&line).client(None, ANSWER_WITHIN).unwrap();
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = read_head(&mut stream).await;
        // What is left unread would end the connection before the answer is read.
        stream.read_exact(&mut [0; r#"{"reason":"x"}"#.len()]).await.unwrap();
        let said =
            "HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n{\"detail\":\"add the scope\\u001b[2J\\nin access\"}";
        stream.write_all(said.as_bytes()).await.unwrap();
        head.to_lowercase()
    };
    let body = serde_json::json!({ "reason": "x" });
    let (answer, head) = tokio::join!(client.post("api/v1/windows/w/skip", &body), serve);
    let answer = answer.unwrap();
    assert!(head.starts_with("post /below/api/v1/windows/w/skip ") && head.contains("authorization: bearer s3cret"));
    assert_eq!((answer.code(), answer.is_good()), (1, false));
    let problem = answer.problem();
    assert!(problem.ends_with("answered 403 Forbidden: add the scope[2J\nin access"), "{problem}");
    assert!(!problem.contains("u:p") && !format!("{client:?}").contains("s3cret"));
}

#[tokio::test]
async fn the_certificate_of_a_daemon_must_be_vouched_for() {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let chain = vec![signed.cert.der().clone()];
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der());
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(chain, key.into()).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let root = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(root.path(), signed.cert.pem()).unwrap();
    for (ca, good) in [(format!("--ca {}", root.path().display()), true), (String::new(), false)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = format!("--server https://localhost:{} {ca}", listener.local_addr().unwrap().port());
        let client = args(&line).client(None, ANSWER_WITHIN).unwrap();
        let serve = async {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            read_head(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}").await;
            let _ = stream.shutdown().await;
        };
        let (answer, ()) = tokio::join!(client.get("api/v1/status", &[]), serve);
        assert_eq!(answer.is_ok(), good, "{answer:?}");
    }
}

#[test]
fn what_cannot_be_used_is_named_before_anything_is_asked() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().display();
    let refused = |line: &str| args(line).client(None, ANSWER_WITHIN).unwrap_err().to_string();
    assert!(refused("").contains("--server"));
    assert!(refused("--server ftp://a.test").contains("http://"));
    assert!(refused(&format!("--server https://a.test --token-file {path}")).contains("holds no token"));
    assert!(refused(&format!("--server https://a.test --ca {path}")).contains("holds no certificate"));
    assert!(refused("--server https://a.test --token-file /nonexistent").contains("/nonexistent"));
    std::fs::write(file.path(), "x".repeat(5_000)).unwrap();
    assert!(refused(&format!("--server https://a.test --token-file {path}")).contains("longer than"));
    assert!(args("").client(Some("http://127.0.0.1:9424"), ANSWER_WITHIN).is_ok());
}

#[test]
fn exit_codes_say_done_denied_or_not_asked() {
    let code = |status: u16| {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            json: Value::Null,
            server: Url::parse("http://a.test").unwrap(),
        }
        .code()
    };
    let codes = [200, 204, 403, 409, 422, 423, 400, 401, 404, 429, 500, 503].map(code);
    assert_eq!(codes, [0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2]);
}
