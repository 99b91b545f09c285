//! The gate from files and from a daemon that is a few lines of TCP.

use super::*;
use crate::domain::policy::fixture::{at, city};
use clap::Parser;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: GateArgs,
}

fn args(line: &str) -> Result<GateArgs, clap::Error> {
    Line::try_parse_from(std::iter::once("gate").chain(line.split_whitespace())).map(|l| l.args)
}

fn ask(line: &str) -> (u8, String) {
    let mut out = Vec::new();
    let code = from_files(at("2026-11-24T06:30"), &city(), &args(line).unwrap(), &mut out).unwrap();
    (code, String::from_utf8(out).unwrap())
}

#[test]
fn allowed_change_exits_zero_with_its_end_and_the_rule() {
    let (code, text) = ask("huangpu/portal --for 40m --at 2026-11-28T23:00");
    assert_eq!(code, 0);
    assert_eq!(
        text,
        "allow huangpu/portal until Mon 2026-11-30 06:00\n  \
         the policy off-hours allows Sat 28 Nov (non-working day), until Mon 30 Nov 06:00  (policies/off-hours.yaml:2)\n"
    );
}

#[test]
fn denied_change_exits_one_with_every_reason_and_the_next_opening() {
    let (code, text) = ask("huangpu/portal --for 40m --at 2026-02-14T10:00 --lang zh");
    assert_eq!(code, 1);
    assert_eq!(
        text,
        "不允许 huangpu/portal\n  \
         2月14日 星期六（春节调休上班日） 10:00 不在允许时段（夜间 22:00-06:00+1、非工作日）内  (policies/off-hours.yaml:2)\n  \
         2026-02-14 是春节调休上班日  (calendars/china.yaml:30)\n\
         下次可变更 2026-02-14 星期六 22:00\n"
    );
}

#[test]
fn gate_that_asks_for_a_window_denies_from_the_files() {
    let (code, text) = ask("bdc/portal-home --for 40m --at 2026-11-28T23:00");
    assert_eq!(code, 1);
    assert!(
        text.contains("asks for an announced or running window") && text.ends_with("no opening is known\n"),
        "{text}"
    );
}

#[test]
fn answer_for_scripts_has_the_shape_of_the_api() {
    let (code, text) = ask("huangpu/portal --for 40m --format json");
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &answer["allow"], &answer["until"]), (1, &json!(false), &Value::Null));
    assert_eq!(answer["next_open"], json!("2026-11-24T14:00:00Z"));
    assert_eq!(answer["start"], json!("2026-11-23T22:30:00Z"));
    assert_eq!(answer["reasons"][0]["kind"], json!("outside_allowed_hours"));
    assert_eq!(answer["reasons"][0]["source"], json!("policies/off-hours.yaml:2"));
}

#[test]
fn unknown_id_is_an_error_with_the_nearest_one() {
    let error = from_files(at("2026-11-24"), &city(), &args("huangpu/portl --for 40m").unwrap(), &mut Vec::new());
    assert_eq!(error.unwrap_err().to_string(), "no subsystem is called huangpu/portl; did you mean huangpu/portal?");
}

#[test]
fn a_token_without_a_daemon_is_not_silently_left_out() {
    let line = args("huangpu/portal --for 40m --token-file t").unwrap();
    let error = from_files(at("2026-11-24"), &city(), &line, &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("--server"), "{error}");
}

#[test]
fn lengths_that_say_nothing_are_malformed_usage() {
    for line in ["a/b", "a/b --for 0s", "a/b --for 40", "a/b --for soon", "a/b --for 500d"] {
        assert!(args(line).is_err(), "{line}");
    }
}

/// Answers one request with `response` and gives back its first line and whether a token came along.
async fn daemon(listener: tokio::net::TcpListener, response: &str) -> (String, bool) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.unwrap());
    }
    stream.write_all(response.as_bytes()).await.unwrap();
    let request = String::from_utf8(request).unwrap();
    let token = request.to_lowercase().contains("authorization: bearer s3cret");
    (request.lines().next().unwrap().to_owned(), token)
}

async fn ask_daemon(response: &str, more: &str) -> (Result<u8>, String, String, bool) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let args = args(&format!("huangpu/portal --for 40m --server http://{server} {more}")).unwrap();
    let mut out = Vec::new();
    let (code, (line, token)) = tokio::join!(from_server(&args, &mut out), daemon(listener, response));
    (code, String::from_utf8(out).unwrap(), line, token)
}

#[tokio::test]
async fn daemon_that_allows_is_exit_zero_and_is_asked_with_the_token() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "s3cret\n").unwrap();
    let response = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"allow\":true,\"until\":\"2026-11-29T22:00:00Z\",\"reasons\":[]}";
    let more = format!("--at 2026-11-28T23:00+08:00 --token-file {}", file.path().display());
    let (code, text, line, token) = ask_daemon(response, &more).await;
    assert_eq!(code.unwrap(), 0);
    assert_eq!(text, "allow huangpu/portal until 2026-11-29T22:00:00Z\n");
    assert!(token);
    assert_eq!(line, "GET /api/v1/gate?subsystem=huangpu%2Fportal&for=40m&at=2026-11-28T23%3A00%2B08%3A00 HTTP/1.1");
}

#[tokio::test]
async fn daemon_that_denies_is_exit_one_and_cannot_write_to_the_terminal() {
    let response = "HTTP/1.1 423 Locked\r\nconnection: close\r\n\r\n{\"allow\":false,\"until\":null,\"next_open\":null,\
         \"reasons\":[{\"text\":{\"en\":\"closed \\u001b[31mnow\",\"zh\":\"\"},\"source\":\"p.yaml:2\"}]}";
    let (code, text, _, token) = ask_daemon(response, "").await;
    assert_eq!((code.unwrap(), token), (1, false));
    assert_eq!(text, "deny huangpu/portal\n  closed [31mnow  (p.yaml:2)\n");
}

#[tokio::test]
async fn whatever_is_no_clear_answer_is_an_error() {
    for response in [
        "HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n{\"title\":\"Not Found\",\"detail\":\"no such subsystem\"}",
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"allow\":false}",
        "HTTP/1.1 423 Locked\r\nconnection: close\r\n\r\n{\"allow\":true}",
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n<html>welcome</html>",
        "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\nconnection: close\r\n\r\n{}",
        "",
    ] {
        let (code, text, _, _) = ask_daemon(response, "").await;
        assert!(code.is_err() && text.is_empty(), "{response}");
    }
    let gone = { tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap() };
    let args = args(&format!("huangpu/portal --for 40m --server http://{gone}")).unwrap();
    assert!(from_server(&args, &mut Vec::new()).await.unwrap_err().to_string().starts_with("cannot ask http://127"));
}

#[tokio::test(start_paused = true)]
async fn daemon_that_never_answers_is_given_up_at_the_deadline() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let args = args(&format!("huangpu/portal --for 40m --server http://{}", listener.local_addr().unwrap())).unwrap();
    let error = from_server(&args, &mut Vec::new()).await.unwrap_err();
    assert!(error.to_string().contains("did not answer within 10 s"), "{error:#}");
}
