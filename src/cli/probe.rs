//! `gengfu probe`: one attempt now, with everything that it saw.
//!
//! Not here: loading the files and making the runtime, which the caller does. Exit codes: 0 all pass, 1 not, 2 could
//! not run; with `--format nagios` those of the plugin contract: 0 ok, 1 warning, 2 critical, 3 unknown.

use crate::clock::Clock;
use crate::domain::{Inventory, Outcome, ProbeId, SubsystemId, Timestamp};
use crate::probe::{self, BuildContext, Phase, Prober, Report};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

/// Longest deadline that may be asked for.
const TIMEOUT_MAX_MS: i64 = 600_000;

/// Arguments of `gengfu probe`.
#[derive(Args, Debug)]
pub struct ProbeArgs {
    /// A subsystem such as huangpu/portal, or one of its probes: huangpu/portal/home
    #[arg(required_unless_present = "kind", conflicts_with = "kind")]
    pub what: Option<String>,
    /// Kind of a probe that stands in no file
    #[arg(long, requires = "target")]
    pub kind: Option<String>,
    /// Whom it asks: a URL, host:port, a host or a name, by kind
    #[arg(long, requires = "kind")]
    pub target: Option<String>,
    /// Another field of that kind, such as expect.status=200
    #[arg(long = "set", value_name = "FIELD=VALUE", requires = "kind")]
    pub set: Vec<String>,
    /// The deadline; that of the file, else 15s
    #[arg(long)]
    pub timeout: Option<String>,
    /// How to tell
    #[arg(long, value_enum, default_value_t)]
    pub format: ProbeFormat,
}

/// How the result is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ProbeFormat {
    /// For people.
    #[default]
    Human,
    /// For scripts.
    Json,
    /// One line, performance figures and the exit codes of monitoring plugins.
    Nagios,
}

/// A probe that will be tried.
pub struct Chosen {
    /// Its id, or the kind and the target.
    pub name: String,
    /// A row of `KINDS`.
    pub kind: &'static str,
    /// The deadline.
    pub timeout: Duration,
    /// What it does.
    pub prober: Arc<dyn Prober>,
}

/// Says why nothing could be tried, in the form that was asked for. Returns the exit code.
pub fn could_not_run(format: ProbeFormat, why: &str, out: &mut dyn Write) -> u8 {
    match format {
        ProbeFormat::Nagios => {
            // If nobody reads, the exit code still tells.
            let _ = writeln!(out, "UNKNOWN - {}", why.replace('|', "/").replace('\n', "; "));
            3
        }
        _ => {
            let _ = writeln!(io::stderr(), "error: {why}");
            2
        }
    }
}

/// The probe that `--kind`, `--target` and `--set` describe.
///
/// # Errors
/// If the kind is unknown or its fields are refused; the text says what to write.
pub fn described(args: &ProbeArgs, context: &BuildContext) -> Result<Vec<Chosen>, String> {
    let (name, target) = (args.kind.as_deref().unwrap_or_default(), args.target.as_deref().unwrap_or_default());
    let kinds = || probe::KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
    let kind = probe::kind(name).ok_or_else(|| format!("there is no kind `{name}`; kinds are {}", kinds()))?;
    let field = kind.target.ok_or_else(|| format!("a {name} probe asks nobody; name one of the files instead"))?;
    let mut body = json!({ field: target });
    for pair in &args.set {
        let (path, value) = pair.split_once('=').ok_or_else(|| format!("`--set {pair}` is not FIELD=VALUE"))?;
        let mut place = &mut body;
        for part in path.split('.') {
            if !(place.is_object() || place.is_null()) {
                return Err(format!("`--set {pair}`: only mappings have fields"));
            }
            place = &mut place[part];
        }
        *place = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    }
    let record = crate::field::from_json(&body, kind.fields).map_err(|problems| problems.to_string())?;
    let prober = (kind.build)(&record, context).map_err(|problems| problems.to_string())?;
    let timeout = timeout(args)?.unwrap_or(Duration::from_secs(15));
    Ok(vec![Chosen { name: format!("{name} {target}"), kind: kind.name, timeout, prober }])
}

/// The probes of the files that `what` names.
///
/// # Errors
/// If nothing has that id; the text names the nearest one.
pub fn named(
    args: &ProbeArgs,
    inventory: &Inventory,
    probers: &HashMap<ProbeId, Arc<dyn Prober>>,
) -> Result<Vec<Chosen>, String> {
    let what = args.what.as_deref().unwrap_or_default();
    let asked_timeout = timeout(args)?;
    let ids: Vec<ProbeId> = match inventory.subsystems.get(&SubsystemId::new(what)) {
        Some(subsystem) => subsystem.probes.clone(),
        None => vec![ProbeId::new(what)],
    };
    let chosen = ids.iter().filter_map(|id| {
        let (plan, prober) = (inventory.probes.get(id)?, probers.get(id)?);
        let timeout = asked_timeout.unwrap_or(Duration::from_millis(plan.timeout_ms.unsigned_abs()));
        Some(Chosen { name: id.to_string(), kind: plan.kind, timeout, prober: Arc::clone(prober) })
    });
    let chosen: Vec<Chosen> = chosen.collect();
    if !chosen.is_empty() {
        return Ok(chosen);
    }
    let known = inventory.subsystems.keys().map(SubsystemId::as_str);
    let known = known.chain(inventory.probes.keys().map(ProbeId::as_str));
    let nearest = known.max_by(|a, b| strsim::jaro_winkler(a, what).total_cmp(&strsim::jaro_winkler(b, what)));
    let hint = nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"));
    Err(format!("no subsystem and no probe is called `{what}`{hint}"))
}

fn timeout(args: &ProbeArgs) -> Result<Option<Duration>, String> {
    let Some(text) = &args.timeout else { return Ok(None) };
    match crate::field::parse_duration(text).ok().filter(|ms| (1..=TIMEOUT_MAX_MS).contains(ms)) {
        Some(ms) => Ok(Some(Duration::from_millis(ms.unsigned_abs()))),
        None => Err(format!("`--timeout {text}` is not a time such as 15s, of at most 10m")),
    }
}

/// Tries all of them, one after the other, and tells. Returns the exit code.
///
/// # Errors
/// If nobody reads what is told.
pub async fn run(
    chosen: Vec<Chosen>,
    format: ProbeFormat,
    clock: &dyn Clock,
    out: &mut (dyn Write + Send),
) -> io::Result<u8> {
    let mut reports = Vec::with_capacity(chosen.len());
    for one in chosen {
        let report = probe::attempt(&*one.prober, one.timeout, clock).await;
        if format == ProbeFormat::Human {
            human(&one, &report, out)?;
        }
        reports.push((one, report));
    }
    match format {
        ProbeFormat::Human => {}
        ProbeFormat::Json => {
            let list: Vec<Value> = reports.iter().map(|(one, report)| as_json(one, report)).collect();
            writeln!(out, "{:#}", Value::Array(list))?;
        }
        ProbeFormat::Nagios => return nagios(&reports, out),
    }
    Ok(u8::from(!reports.iter().all(|(_, report)| report.outcome == Outcome::Pass)))
}

fn ms(length: Duration) -> String {
    format!("{:.1} ms", length.as_secs_f64() * 1_000.0)
}

fn human(one: &Chosen, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} ({}): {} in {}", one.name, one.kind, report.outcome.label(), ms(report.took))?;
    if let Some(reason) = report.outcome.reason() {
        writeln!(out, "  why     {}: {}", reason.kind.as_str(), reason.text)?;
    }
    let phase = |phase: &Phase| Some(format!("{} {}", phase.as_str(), ms(report.phases.get(*phase)?)));
    let phases: Vec<String> = Phase::ALL.iter().filter_map(phase).collect();
    if !phases.is_empty() {
        writeln!(out, "  phases  {}", phases.join(", "))?;
    }
    if let Some(status) = report.http_status {
        writeln!(out, "  status  {status}")?;
    }
    if let Some(not_after) = report.certificate_not_after {
        writeln!(out, "  expires {not_after} ({} days left)", days_left(report.started, not_after))?;
    }
    for line in &report.trace {
        writeln!(out, "  {:>10}  {}", ms(line.at), line.text)?;
    }
    Ok(())
}

fn days_left(now: Timestamp, not_after: Timestamp) -> i64 {
    not_after.since(now).div_euclid(crate::domain::DAY)
}

fn as_json(one: &Chosen, report: &Report) -> Value {
    let seconds = |length: Duration| json!(length.as_secs_f64());
    let phase = |phase: &Phase| Some((phase.as_str().to_owned(), seconds(report.phases.get(*phase)?)));
    let line = |line: &probe::TraceLine| json!({ "at_seconds": seconds(line.at), "text": line.text });
    json!({
        "probe": one.name,
        "kind": one.kind,
        "started": report.started.to_string(),
        "result": report.outcome.label(),
        "reason": report.outcome.reason().map(|reason| json!({ "kind": reason.kind.as_str(), "text": reason.text })),
        "duration_seconds": seconds(report.took),
        "phase_seconds": Phase::ALL.iter().filter_map(phase).collect::<serde_json::Map<_, _>>(),
        "http_status": report.http_status,
        "certificate_not_after": report.certificate_not_after.map(|at| at.to_string()),
        "trace": report.trace.iter().map(line).collect::<Vec<_>>(),
    })
}

/// The plugin's word, its exit code, and how bad it is among several.
fn severity(outcome: &Outcome) -> (u8, &'static str, u8) {
    match outcome {
        Outcome::Pass => (0, "OK", 0),
        Outcome::Unknown(_) => (1, "UNKNOWN", 3),
        Outcome::Degraded(_) => (2, "WARNING", 1),
        Outcome::Fail(_) => (3, "CRITICAL", 2),
    }
}

fn nagios(reports: &[(Chosen, Report)], out: &mut dyn Write) -> io::Result<u8> {
    let worst = reports.iter().map(|(one, report)| (severity(&report.outcome), one, report)).max_by_key(|w| w.0.0);
    let Some(((_, word, code), one, report)) = worst else { return Ok(3) };
    let why = report.outcome.reason().map_or_else(|| format!("pass in {}", ms(report.took)), |r| r.text.clone());
    let figure = |(one, report): &(Chosen, Report)| {
        let label = one.name.replace(['\'', '='], "_");
        format!("'{label}'={:.6}s;;;0", report.took.as_secs_f64())
    };
    let figures: Vec<String> = reports.iter().map(figure).collect();
    writeln!(out, "{word} - {}: {} | {}", one.name, why.replace('|', "/"), figures.join(" "))?;
    if reports.len() > 1 {
        for (one, report) in reports {
            writeln!(out, "{} {}", severity(&report.outcome).1, one.name)?;
        }
    }
    Ok(code)
}

#[cfg(test)]
mod tests;
