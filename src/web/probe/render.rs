//! A report in the words of blackbox_exporter: the same names, types and help texts, in the order of the names.
//!
//! Not here: probing. Invariants: a figure that the report cannot tell is left out, or is 0 where theirs is; text of a
//! target is escaped.

use crate::domain::{Outcome, ReasonKind};
use crate::probe::{DnsFacts, Facts, Phase, Report, TlsFacts};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// The zero of their clock, which theirs shows where no chain was verified.
const NO_TIME: f64 = -62_135_596_800.0;

/// Gauges by name.
#[derive(Default)]
struct Page(BTreeMap<&'static str, Family>);

/// The help text, and each series with its labels.
type Family = (&'static str, Vec<(String, f64)>);

impl Page {
    fn gauge(&mut self, name: &'static str, help: &'static str, value: f64) {
        self.with(name, help, String::new(), value);
    }

    fn with(&mut self, name: &'static str, help: &'static str, labels: String, value: f64) {
        self.0.entry(name).or_insert((help, Vec::new())).1.push((labels, value));
    }

    fn phases(&mut self, name: &'static str, help: &'static str, phases: &[(&str, Option<Duration>)]) {
        for (phase, length) in phases {
            let length = length.unwrap_or_default().as_secs_f64();
            self.with(name, help, format!("{{phase=\"{phase}\"}}"), length);
        }
    }

    fn into_text(self) -> String {
        let mut text = String::new();
        for (name, (help, series)) in self.0 {
            text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
            for (labels, value) in series {
                text.push_str(&format!("{name}{labels} {}\n", number(value)));
            }
        }
        text
    }
}

/// As Go writes the shortest form of a number.
fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || (1e-4..1e21).contains(&size) && size < 1e6 {
        return format!("{value}");
    }
    let text = format!("{value:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let (sign, exponent) = exponent.strip_prefix('-').map_or(("+", exponent), |exponent| ("-", exponent));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// Everything that is known about one attempt.
pub(super) fn metrics(kind: &str, report: &Report, facts: &Facts) -> String {
    let mut page = Page::default();
    common(&mut page, report, facts);
    match kind {
        "http" => http(&mut page, report, facts),
        "tcp" | "smtp" | "websocket" => regex(&mut page, report),
        "dns" => dns(&mut page, report, facts),
        "icmp" => icmp(&mut page, report, facts),
        "grpc" => grpc(&mut page, report, facts),
        _ => {}
    }
    if report.certificate_not_after.is_some() || facts.tls.is_some() {
        tls(&mut page, report, facts.tls.as_ref());
    }
    page.into_text()
}

fn common(page: &mut Page, report: &Report, facts: &Facts) {
    let success = matches!(report.outcome, Outcome::Pass | Outcome::Degraded(_));
    page.gauge("probe_success", "Displays whether or not the probe was a success", f64::from(success));
    let help = "Returns how long the probe took to complete in seconds";
    page.gauge("probe_duration_seconds", help, report.took.as_secs_f64());
    let lookup = report.phases.resolve.unwrap_or_default().as_secs_f64();
    let help = "Returns the time taken for probe dns lookup in seconds";
    page.gauge("probe_dns_lookup_time_seconds", help, lookup);
    let protocol = facts.peer.map_or(0.0, |peer| if peer.is_ipv4() { 4.0 } else { 6.0 });
    page.gauge("probe_ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6", protocol);
    let help = "Specifies the hash of IP address. It's useful to detect if the IP address changes.";
    page.gauge("probe_ip_addr_hash", help, facts.peer.map_or(0.0, hash));
}

/// FNV-1a over the bytes of the address.
fn hash(address: IpAddr) -> f64 {
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(16_777_619);
    let hash = match address.to_canonical() {
        IpAddr::V4(address) => address.octets().iter().fold(2_166_136_261, step),
        IpAddr::V6(address) => address.octets().iter().fold(2_166_136_261, step),
    };
    f64::from(hash)
}

fn regex(page: &mut Page, report: &Report) {
    let failed = matches!(&report.outcome, Outcome::Fail(reason) if reason.kind == ReasonKind::Content);
    page.gauge("probe_failed_due_to_regex", "Indicates if probe failed due to regex", f64::from(failed));
}

fn http(page: &mut Page, report: &Report, facts: &Facts) {
    regex(page, report);
    let phases = Phase::ALL.map(|phase| (phase.as_str(), report.phases.get(phase)));
    let mut phases = phases.to_vec();
    phases.sort_by_key(|(name, _)| *name);
    let help = "Duration of http request by phase, summed over all redirects";
    page.phases("probe_http_duration_seconds", help, &phases);
    let status = f64::from(report.http_status.unwrap_or_default());
    page.gauge("probe_http_status_code", "Response HTTP status code", status);
    let http = &facts.http;
    page.gauge("probe_http_version", "Returns the version of HTTP of the probe response", http.version);
    page.gauge("probe_http_redirects", "The number of redirects", f64::from(http.redirects));
    page.gauge("probe_http_ssl", "Indicates if SSL was used for the final redirect", f64::from(http.tls));
    let length = match (report.http_status, http.content_length) {
        (Some(_), None) => -1.0,
        (_, length) => length.unwrap_or_default() as f64,
    };
    page.gauge("probe_http_content_length", "Length of http content response", length);
    let help = "Length of uncompressed response body";
    page.gauge("probe_http_uncompressed_body_length", help, http.body_bytes as f64);
    if let Some(modified) = http.last_modified {
        let help = "Returns the Last-Modified HTTP response header in unixtime";
        let seconds = modified.0.div_euclid(1_000) as f64;
        page.gauge("probe_http_last_modified_timestamp_seconds", help, seconds);
    }
}

fn tls(page: &mut Page, report: &Report, facts: Option<&TlsFacts>) {
    let expiry = report.certificate_not_after.map(|at| at.0.div_euclid(1_000) as f64);
    if let Some(expiry) = expiry {
        page.gauge("probe_ssl_earliest_cert_expiry", "Returns last SSL chain expiry in unixtime", expiry);
    }
    let Some(tls) = facts else { return };
    let trusted = expiry.filter(|_| tls.trusted).unwrap_or(NO_TIME);
    let help = "Returns last SSL chain expiry in timestamp";
    page.gauge("probe_ssl_last_chain_expiry_timestamp_seconds", help, trusted);
    if let Some(version) = tls.version {
        let help = "Returns the TLS version used or NaN when unknown";
        page.with("probe_tls_version_info", help, format!("{{version=\"{version}\"}}"), 1.0);
    }
    if !tls.fingerprint.is_empty() {
        let labels = format!(
            "{{fingerprint_sha256=\"{}\",issuer=\"{}\",serialnumber=\"{}\",subject=\"{}\",subjectalternative=\"{}\"}}",
            tls.fingerprint,
            escaped(&tls.issuer),
            escaped(&tls.serial),
            escaped(&tls.subject),
            escaped(&tls.names)
        );
        page.with("probe_ssl_last_chain_info", "Contains SSL leaf certificate information", labels, 1.0);
    }
}

/// A label's value: what the peer put into its certificate breaks out of nothing.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().take(2_000) {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn dns(page: &mut Page, report: &Report, facts: &Facts) {
    let phases = &report.phases;
    let request = [phases.processing, phases.transfer].into_iter().flatten().reduce(|a, b| a + b);
    let lengths = [("connect", phases.connect), ("request", request), ("resolve", phases.resolve)];
    page.phases("probe_dns_duration_seconds", "Duration of DNS request by phase", &lengths);
    let DnsFacts { answers, authorities, additionals, serial } = facts.dns.unwrap_or_default();
    let help = "Returns number of entries in the answer resource record list";
    page.gauge("probe_dns_answer_rrs", help, answers as f64);
    let help = "Returns number of entries in the authority resource record list";
    page.gauge("probe_dns_authority_rrs", help, authorities as f64);
    let help = "Returns number of entries in the additional resource record list";
    page.gauge("probe_dns_additional_rrs", help, additionals as f64);
    let help = "Displays whether or not the query was executed successfully";
    page.gauge("probe_dns_query_succeeded", help, f64::from(facts.dns.is_some()));
    if let Some(serial) = serial {
        page.gauge("probe_dns_serial", "Returns the serial number of the zone", f64::from(serial));
    }
}

fn icmp(page: &mut Page, report: &Report, facts: &Facts) {
    let (setup, round_trip) = facts.icmp.map_or((None, report.phases.processing), |(s, r)| (Some(s), Some(r)));
    let lengths = [("resolve", report.phases.resolve), ("rtt", round_trip), ("setup", setup)];
    page.phases("probe_icmp_duration_seconds", "Duration of icmp request by phase", &lengths);
    if let Some(limit) = facts.icmp_hop_limit {
        let help = "Replied packet hop limit (TTL for ipv4)";
        page.gauge("probe_icmp_reply_hop_limit", help, f64::from(limit));
    }
}

fn grpc(page: &mut Page, report: &Report, facts: &Facts) {
    let check = [report.phases.processing, report.phases.transfer].into_iter().flatten().reduce(|a, b| a + b);
    let lengths = [("check", check), ("resolve", report.phases.resolve)];
    page.phases("probe_grpc_duration_seconds", "Duration of gRPC request by phase", &lengths);
    page.gauge("probe_grpc_ssl", "Indicates if SSL was used for the connection", f64::from(facts.tls.is_some()));
    let (status, serving) = facts.grpc.unwrap_or_default();
    page.gauge("probe_grpc_status_code", "Response gRPC status code", f64::from(status));
    if let Some(serving) = serving {
        for name in ["NOT_SERVING", "SERVICE_UNKNOWN", "SERVING", "UNKNOWN"] {
            let labels = format!("{{serving_status=\"{name}\"}}");
            let value = f64::from(name == serving);
            page.with("probe_grpc_healthcheck_response", "Response HealthCheck response", labels, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_look_as_those_of_go() {
        for (value, text) in [
            (0.0, "0"),
            (7.0, "7"),
            (-1.0, "-1"),
            (0.002846645, "0.002846645"),
            (9.3329e-05, "9.3329e-05"),
            (1_795_514_400.0, "1.7955144e+09"),
            (3_668_918_509.0, "3.668918509e+09"),
            (NO_TIME, "-6.21355968e+10"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn hash_of_an_address_is_theirs() {
        assert_eq!(hash("127.0.0.1".parse().unwrap()), 3_668_918_509.0);
    }
}
