//! The counter of a service that is used in several steps: open the page, hand in with the ticket that it shows, look at
//! the receipt, withdraw; or open the page and query.
//!
//! Not here: reading requests and whole pages (`http`), behaviours (`endpoint`). Invariant: it remembers nothing; ticket
//! and receipt follow from the visitor's cookie, so that a step without the one before it is refused.

use super::http::{Method, Request, page_with, response};
use super::target::Target;
use sha2::{Digest, Sha256};

/// The cookie that makes several requests one visit.
const COOKIE: &str = "visit";
/// Longest cookie that is believed to be ours.
const VISIT_CHARS_MAX: usize = 32;

/// The answer of a counter that is open.
pub(super) fn answer(request: &Request, target: &Target) -> Vec<u8> {
    let base = target.path.split('?').next().unwrap_or_default().trim_end_matches('/');
    let path = request.path.split('?').next().unwrap_or_default();
    let below = path.strip_prefix(base).unwrap_or(path).trim_matches('/');
    let Some(visit) = request.cookie(COOKIE).filter(|visit| is_visit(visit)) else {
        return if below.is_empty() { open(target) } else { refused(403, "open the page first") };
    };
    let shows = |ticket: &str| request.form().any(|(name, value)| name == "ticket" && value == ticket);
    match (below.split_once('/').unwrap_or((below, "")), request.method) {
        (("", ""), _) => open(target),
        (("applications" | "query", ""), _) if !shows(&derived(target, "ticket", visit)) => {
            refused(403, "no ticket of this visit")
        }
        (("applications", ""), Method::Post) => accepted(201, &derived(target, "receipt", visit)),
        (("query", ""), Method::Get) => json(200, r#"{"status":"found"}"#),
        (("applications", receipt), method) if receipt == derived(target, "receipt", visit) => match method {
            Method::Delete => response(204, "", ""),
            _ => accepted(200, receipt),
        },
        _ => refused(404, "no such application"),
    }
}

fn is_visit(text: &str) -> bool {
    !text.is_empty() && text.len() <= VISIT_CHARS_MAX && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The first page of a new visit.
fn open(target: &Target) -> Vec<u8> {
    let visit = format!("{:016x}", fastrand::u64(..));
    let ticket = derived(target, "ticket", &visit);
    let form = format!("<form method=\"post\"><input type=\"hidden\" name=\"ticket\" value=\"{ticket}\"></form>\n");
    page_with(target, &format!("Set-Cookie: {COOKIE}={visit}; Path=/; Secure; HttpOnly\r\n"), &form)
}

fn derived(target: &Target, what: &str, visit: &str) -> String {
    let digest = Sha256::digest(format!("{what} {} {visit}", target.host));
    digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn accepted(code: u16, receipt: &str) -> Vec<u8> {
    json(code, &format!(r#"{{"status":"accepted","receipt":"{receipt}"}}"#))
}

fn refused(code: u16, why: &str) -> Vec<u8> {
    json(code, &format!(r#"{{"status":"refused","why":"{why}"}}"#))
}

fn json(code: u16, body: &str) -> Vec<u8> {
    response(code, "Content-Type: application/json; charset=utf-8\r\n", body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::city::target::{Proto, Serves};
    use crate::domain::Names;

    fn target() -> Target {
        Target {
            subsystem: "police/household".into(),
            probe: "police/household/application".into(),
            name: Names { zh: "户口办理".into(), en: "Household".into() },
            host: "household.police.test".into(),
            port: 443,
            path: "/apply".into(),
            proto: Proto::Https,
            serves: Serves::Counter,
            says: Some("户口办理".into()),
        }
    }

    fn ask(method: Method, path: &str, cookie: &str, body: &str) -> String {
        let cookies = format!("a=b; visit={cookie}");
        let request = Request { host: String::new(), path: path.into(), method, cookies, body: body.into() };
        String::from_utf8(answer(&request, &target())).unwrap()
    }

    fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
        text.split(before).nth(1).unwrap().split(after).next().unwrap()
    }

    #[test]
    fn a_visit_goes_from_the_page_to_the_receipt_and_can_be_withdrawn() {
        let page = ask(Method::Get, "/apply", "", "");
        assert!(page.contains("户口办理"), "{page}");
        let (visit, ticket) = (between(&page, "visit=", ";"), between(&page, "value=\"", "\""));
        let handed_in = ask(Method::Post, "/apply/applications", visit, &format!("ticket={ticket}"));
        assert!(handed_in.starts_with("HTTP/1.1 201 "), "{handed_in}");
        let receipt = format!("/apply/applications/{}", between(&handed_in, "receipt\":\"", "\""));
        assert!(ask(Method::Get, &receipt, visit, "").contains("accepted"));
        assert!(ask(Method::Delete, &receipt, visit, "").starts_with("HTTP/1.1 204 "));
        assert!(ask(Method::Get, &format!("/apply/query?ticket={ticket}"), visit, "").contains("found"));
    }

    #[test]
    fn a_step_without_the_one_before_it_is_refused() {
        assert!(ask(Method::Post, "/apply/applications", "", "ticket=1").contains(" 403 "));
        assert!(ask(Method::Post, "/apply/applications", "0a", "ticket=1").contains(" 403 "));
        assert!(ask(Method::Get, "/apply/applications/0b", "0a", "").contains(" 404 "));
        assert!(ask(Method::Get, "/apply/applications", "\"<script>", "").contains(" 403 "));
    }
}
