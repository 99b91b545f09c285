//! What is asked over the network: relays, witnesses, the receiver of signs of life.
//!
//! Each by a probe of its kind, under a deadline; the receiver is only connected to, since a sign of life that is sent by
//! hand would hide that the daemon is dead.

use super::{Finding, names, quoted};
use crate::clock::SystemClock;
use crate::config::{Loaded, RelaySettings, RelayTls};
use crate::domain::*;
use crate::field::from_json;
use crate::network::{Network, everything};
use crate::probe::{Asker, BuildContext, Heartbeats, Prober, Report, WITNESS_WITHIN, attempt, kind};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How long a relay may take: some greet late on purpose.
const RELAY_WITHIN: Duration = Duration::from_secs(40);
/// How long the receiver may take to take a connection.
const RECEIVER_WITHIN: Duration = Duration::from_secs(10);
/// A certificate that ends within this time is a warning.
const EXPIRES_SOON: Millis = 30 * DAY;

/// Asks them, one after the other.
pub(super) async fn look(now: Timestamp, loaded: &Loaded, mail_to: Option<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for settings in &loaded.settings.mail.relays {
        findings.push(relay(now, loaded, settings, mail_to).await);
    }
    findings.extend(witnesses(loaded).await);
    findings.push(receiver(loaded).await);
    findings
}

/// The administrator's own word: no address is refused.
fn context(loaded: &Loaded, settings: Option<&RelaySettings>) -> BuildContext {
    let mut network = Network { allow: everything(), ..(*loaded.network).clone() };
    if let Some(ca) = settings.and_then(|settings| settings.ca.as_ref()) {
        let pem = std::fs::read(ca).unwrap_or_default();
        let mut roots = rustls::RootCertStore::clone(&network.roots);
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
        network.roots = Arc::new(roots);
    }
    let mut context = BuildContext::new(Arc::new(network), Arc::new(Heartbeats::new(Timestamp(0))));
    context.introduce(&loaded.settings.user_agent);
    context.asker = Asker::Administrator;
    context
}

async fn ask(name: &str, body: &Value, context: &BuildContext, within: Duration) -> Result<Report, String> {
    let kind = kind(name).ok_or_else(|| format!("probes of the kind `{name}` are not known"))?;
    let record = from_json(body, kind.fields).map_err(|problems| problems.to_string())?;
    let prober: Arc<dyn Prober> = (kind.build)(&record, context).map_err(|problems| problems.to_string())?;
    Ok(attempt(&*prober, within, &SystemClock::default()).await)
}

async fn relay(now: Timestamp, loaded: &Loaded, settings: &RelaySettings, mail_to: Option<&str>) -> Finding {
    let RelaySettings { host, port, tls, user, password, .. } = settings;
    let check = format!("relay {host}:{port}");
    let bare = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let mut body = json!({ "address": bare, "hello": loaded.settings.mail.domain });
    match tls {
        RelayTls::None => body["starttls"] = json!("never"),
        RelayTls::StartTls => body["starttls"] = json!("required"),
        RelayTls::Implicit => body["tls"] = json!(true),
    }
    if let (Some(user), Some(password)) = (user, password) {
        body["auth"] = json!({ "user": user, "password": password });
    }
    if let Some(to) = mail_to {
        body["from"] = json!(loaded.settings.mail.from_mail);
        body["to"] = json!(to);
        body["send_test"] = json!(true);
    }
    let report = match ask("smtp", &body, &context(loaded, Some(settings)), RELAY_WITHIN).await {
        Ok(report) => report,
        Err(why) => return Finding::problem(check, quoted(why), names("修改 `mail.relays`", "mend `mail.relays`")),
    };
    let remedy =
        || names("检查 `mail.relays`、防火墙与中继日志", "look at `mail.relays`, the firewall, and the relay's log");
    let ends = report.certificate_not_after;
    match report.outcome {
        Outcome::Pass => match ends.filter(|at| *at < now + EXPIRES_SOON) {
            Some(at) => {
                let day = loaded.settings.zone.date(at);
                let text =
                    names(format!("能用，但证书 {day} 到期"), format!("answers, but its certificate ends on {day}"));
                Finding::warning(check, text, names("更换中继的证书", "renew the relay's certificate"))
            }
            None => Finding::ok(check, said(mail_to, ends.map(|at| loaded.settings.zone.date(at).to_string()))),
        },
        Outcome::Degraded(reason) => Finding::warning(check, quoted(reason.text), remedy()),
        Outcome::Fail(reason) | Outcome::Unknown(reason) => Finding::problem(check, quoted(reason.text), remedy()),
    }
}

fn said(mail_to: Option<&str>, ends: Option<String>) -> Names {
    let (zh, en) = match mail_to {
        Some(to) => (format!("收下了给 {to} 的测试邮件"), format!("took the trial mail for {to}")),
        None => ("应答正常".to_owned(), "answers".to_owned()),
    };
    match ends {
        Some(day) => names(format!("{zh}，证书有效至 {day}"), format!("{en}, certificate until {day}")),
        None => names(zh, en),
    }
}

async fn witnesses(loaded: &Loaded) -> Vec<Finding> {
    if loaded.witnesses.is_empty() {
        let text = names("没有配置", "none are configured");
        let remedy = names(
            "在 gengfu.yaml 的 `witnesses` 中写三个本地参照，否则自身断网会误报别人",
            "name three local references in `witnesses` of gengfu.yaml, or our own trouble is blamed on others",
        );
        return vec![Finding::warning("witnesses", text, remedy)];
    }
    let mut findings = Vec::new();
    for witness in &loaded.witnesses {
        let check = format!("witness {}", witness.name);
        let report = attempt(&*witness.prober, WITNESS_WITHIN, &SystemClock::default()).await;
        findings.push(match report.outcome {
            Outcome::Pass | Outcome::Degraded(_) => Finding::ok(check, names("应答正常", "answers")),
            Outcome::Fail(reason) | Outcome::Unknown(reason) => {
                let remedy = names("换一个总是应答的参照", "choose a reference that answers on every good day");
                Finding::problem(check, quoted(reason.text), remedy)
            }
        });
    }
    findings
}

async fn receiver(loaded: &Loaded) -> Finding {
    let Some(settings) = &loaded.settings.dead_man else {
        let text = names("没有配置", "none is configured");
        let remedy = names(
            "在 gengfu.yaml 的 `heartbeat` 中写一个外部接收方，否则无人知道更夫停了",
            "name a receiver outside in `heartbeat` of gengfu.yaml, or nobody learns that gengfu is gone",
        );
        return Finding::warning("receiver", text, remedy);
    };
    let (host, port) =
        (settings.url.host_str().unwrap_or_default(), settings.url.port_or_known_default().unwrap_or(443));
    let check = format!("receiver {host}:{port}");
    let (name, body) = match settings.url.scheme() {
        "https" => ("tls", json!({ "host": host.trim_matches(['[', ']']), "port": port })),
        _ => ("tcp", json!({ "address": format!("{host}:{port}") })),
    };
    let remedy = || names("检查 `heartbeat.url`、代理与防火墙", "look at `heartbeat.url`, proxies and the firewall");
    match ask(name, &body, &context(loaded, None), RECEIVER_WITHIN).await.map(|report| report.outcome) {
        Ok(Outcome::Pass) => Finding::ok(check, names("可以连接", "can be connected to")),
        Ok(Outcome::Degraded(reason)) => Finding::warning(check, quoted(reason.text), remedy()),
        Ok(Outcome::Fail(reason) | Outcome::Unknown(reason)) => Finding::problem(check, quoted(reason.text), remedy()),
        Err(why) => Finding::problem(check, quoted(why), remedy()),
    }
}
