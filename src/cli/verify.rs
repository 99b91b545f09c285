//! `gengfu verify`: proves that nothing in the store was changed, dropped or back-filled, or names the place.
//!
//! Not here: the proof (`store::evidence`). Invariants: nothing is written, and no daemon is asked; what is wrong is exit
//! 1 with its place, a store that cannot be read is exit 2.

mod said;

use super::Format;
use super::answer::language;
use crate::domain::{Inventory, Language, Names};
use crate::store::{Finding, Hash, Proof, PublicKey, Statement, Store, Wanted, Wrong};
use anyhow::Result;
use clap::Args;
use said::{Compared, Facts};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Arguments of `gengfu verify`.
#[derive(Args, Debug)]
pub(super) struct VerifyArgs {
    /// A head of a day that somebody noted elsewhere, as the daily digest has it; may be repeated.
    #[arg(long, value_name = "HEAD")]
    head: Vec<Hash>,
    /// A public key that may have signed; may be repeated. Without it the first day's key is taken for ours.
    #[arg(long, value_name = "KEY")]
    key: Vec<PublicKey>,
    /// A store or a copy of one, instead of that of the files.
    #[arg(long, value_name = "FILE")]
    pub(super) store: Option<std::path::PathBuf>,
    /// A report (HTML, JSON or Markdown) to make again from the facts and to compare; may be repeated.
    #[arg(long, value_name = "FILE")]
    report: Vec<PathBuf>,
    /// Make every month's report that was mailed again from the facts, and compare.
    #[arg(long)]
    rebuild: bool,
    /// How the answer is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The language of the sentences: zh or en.
    #[arg(long, value_parser = language, default_value = "en", env = "GENGFU_LANG")]
    lang: Language,
}

impl VerifyArgs {
    /// Whether reports are to be made again, for which the files are needed.
    pub(super) fn makes_reports(&self) -> bool {
        self.rebuild || !self.report.is_empty()
    }
}

/// What reports are made with besides the facts: the inventory, and the digest of the files that it comes from.
pub(super) type FilesNow = (Arc<Inventory>, String);

/// Verifies the store at `path`, and with the files the reports that are asked for.
pub(super) async fn verify(
    path: &Path,
    files: Option<FilesNow>,
    args: &VerifyArgs,
    out: &mut (dyn Write + Send),
) -> Result<u8> {
    let wanted = Wanted { heads: args.head.clone(), keys: args.key.clone() };
    let store = Store::open_to_read(path)?;
    let proof = store.verify(wanted).await?;
    let compared = match files {
        Some((inventory, files)) => said::all(&Facts { store, inventory, files }, &args.report, args.rebuild).await?,
        None => Vec::new(),
    };
    match args.format {
        Format::Json => {
            let mut answer = to_json(&proof, args.lang);
            answer["reports"] = compared.iter().map(|of| report_json(of, args.lang)).collect();
            writeln!(out, "{answer:#}")?;
        }
        Format::Human => {
            to_people(&proof, args.lang, out)?;
            compared.iter().try_for_each(|of| report_to_people(of, args.lang, out))?;
        }
    }
    Ok(u8::from(!proof.findings.is_empty() || compared.iter().any(|of| of.total > 0)))
}

fn report_json(of: &Compared, lang: Language) -> Value {
    let told = |names: &Names| names.get(lang).to_owned();
    json!({
        "what": of.what,
        "good": of.total == 0,
        "differences": of.differences.iter().map(told).collect::<Vec<_>>(),
        "differences_total": of.total,
        "hint": of.hint.as_ref().map(told),
    })
}

fn report_to_people(of: &Compared, lang: Language, out: &mut dyn Write) -> Result<()> {
    let (what, total) = (&of.what, of.total);
    let head = if total == 0 {
        names(format!("{what}：与按事实重算的一致"), format!("{what}: is what the facts say"))
    } else {
        names(
            format!("{what}：与按事实重算的有 {total} 处不同"),
            format!("{what}: differs from the facts in {total} place(s)"),
        )
    };
    writeln!(out, "{}", head.get(lang))?;
    of.differences.iter().chain(&of.hint).try_for_each(|text| writeln!(out, "  {}", text.get(lang)))?;
    Ok(())
}

fn names(zh: String, en: String) -> Names {
    Names { zh, en }
}

/// Up to which day retention has forgotten, if it has.
fn forgotten(proof: &Proof, number: impl Fn(&Statement) -> u64) -> Option<&str> {
    let number = number(proof.last()?);
    proof.days.iter().find(|day| day.number == number).map(|day| day.day.as_str())
}

fn to_people(proof: &Proof, lang: Language, out: &mut dyn Write) -> Result<()> {
    let mut line = |zh: String, en: String| writeln!(out, "{}", names(zh, en).get(lang));
    let total = proof.findings_total;
    match (proof.days.first(), proof.last()) {
        (Some(first), Some(last)) => {
            let (from, to, n) = (&first.day, &last.day, proof.days.len());
            let [facts, audit, tallies] = proof.rows;
            if total == 0 {
                line(
                    format!(
                        "{from} 至 {to} 共 {n} 天与签名一致：事实 {facts} 条，审计 {audit} 条，计数 {tallies} 条。"
                    ),
                    format!(
                        "{n} days from {from} to {to} are what was signed: {facts} facts, {audit} audit rows, {tallies} rows of tallies."
                    ),
                )?;
            } else {
                line(
                    format!("{from} 至 {to} 共 {n} 天，发现 {total} 处问题："),
                    format!("{n} days from {from} to {to}, and {total} places where something is wrong:"),
                )?;
            }
        }
        _ => line("还没有封存任何一天。".to_owned(), "no day is sealed yet.".to_owned())?,
    }
    for finding in &proof.findings {
        let text = sentence(finding);
        line(format!("  {}", text.zh), format!("  {}", text.en))?;
    }
    let more = total - proof.findings.len();
    if more > 0 {
        line(format!("  另有 {more} 处"), format!("  and {more} more"))?;
    }
    if let Some(last) = proof.last() {
        let (head, day, key) = (last.head(), &last.day, last.key);
        line(format!("链头 {head}（{day}）"), format!("head {head} ({day})"))?;
        line(format!("公钥 {key}"), format!("public key {key}"))?;
    }
    for (head, day) in &proof.heads_found {
        line(format!("{head} 是 {day} 的链头"), format!("{head} is the head of {day}"))?;
    }
    let open = proof.open;
    line(
        format!("此后未封存：事实 {} 条，审计 {} 条，当前链头 {}", open.facts, open.audit, open.head),
        format!(
            "since then, not sealed yet: {} facts, {} audit rows, running head {}",
            open.facts, open.audit, open.head
        ),
    )?;
    let late = proof.days.iter().filter(|day| day.late).count();
    if late > 0 {
        line(
            format!("其中 {late} 天在结束一小时之后才封存"),
            format!("{late} of the days were sealed later than an hour after their end"),
        )?;
    }
    if let Some(day) = forgotten(proof, |day| day.forgets_facts) {
        line(
            format!("按 `store.retain` 清除：{day} 及以前的事实和计数"),
            format!("forgotten by `store.retain`: facts and tallies up to and with {day}"),
        )?;
    }
    if let Some(day) = forgotten(proof, |day| day.forgets_audit) {
        line(
            format!("按 `store.retain_audit` 清除：{day} 及以前的审计"),
            format!("forgotten by `store.retain_audit`: audit rows up to and with {day}"),
        )?;
    }
    Ok(())
}

fn to_json(proof: &Proof, lang: Language) -> Value {
    let last = proof.last().map(|day| {
        json!({
            "day": day.day, "number": day.number, "head": day.head().to_string(), "key": day.key.to_string(),
            "sealed": day.sealed.to_string(), "late": day.late,
        })
    });
    let findings = proof.findings.iter().map(|finding| {
        let (place, text) = (&finding.place, sentence(finding).get(lang).to_owned());
        json!({
            "day": place.day, "table": place.table, "row": place.row, "problem": word(&finding.wrong), "text": text,
        })
    });
    let heads = proof.heads_found.iter().map(|(head, day)| json!({ "head": head.to_string(), "day": day }));
    let [facts, audit, tallies] = proof.rows;
    json!({
        "good": proof.findings.is_empty(),
        "days": proof.days.len(),
        "first_day": proof.days.first().map(|day| day.day.clone()),
        "last": last,
        "rows": { "facts": facts, "audit": audit, "tallies": tallies },
        "open": { "facts": proof.open.facts, "audit": proof.open.audit, "head": proof.open.head.to_string() },
        "sealed_late_days": proof.days.iter().filter(|day| day.late).count(),
        "forgotten": {
            "facts_until": forgotten(proof, |day| day.forgets_facts),
            "audit_until": forgotten(proof, |day| day.forgets_audit),
        },
        "heads_found": heads.collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
        "findings_total": proof.findings_total,
    })
}

/// The word for machines.
fn word(wrong: &Wrong) -> &'static str {
    match wrong {
        Wrong::DayMissing => "day_missing",
        Wrong::Unreadable(_) => "unreadable",
        Wrong::Unchained => "unchained",
        Wrong::Unsigned => "bad_signature",
        Wrong::OtherKey(_) => "other_key",
        Wrong::Changed => "changed",
        Wrong::Missing => "missing",
        Wrong::Added => "added",
        Wrong::BackDated(_) => "back_dated",
        Wrong::Differs => "differs",
        Wrong::MarksChanged => "marks_changed",
        Wrong::CutOff(_) => "cut_off",
        Wrong::NoSuchHead(_) => "no_such_head",
    }
}

/// What is wrong, for people: the place first.
fn sentence(finding: &Finding) -> Names {
    let Finding { place, wrong } = finding;
    let row = place.row.as_deref().unwrap_or("?");
    let table = place.table;
    let (zh, en) = match wrong {
        Wrong::DayMissing => {
            let after = place.day.as_deref().unwrap_or("-");
            return names(
                format!("{after} 之后：第 {row} 天的记录不见了"),
                format!("after {after}: the statement of day number {row} is missing"),
            );
        }
        Wrong::NoSuchHead(head) => {
            return names(
                format!("链头 {head} 不属于任何一天：链尾被截断，或整条链被重新签过"),
                format!("head {head} is in no day: the end was cut off, or the chain was made anew"),
            );
        }
        Wrong::Unreadable(why) => (format!("{row} 无法读取：{why}"), format!("{row} cannot be read: {why}")),
        Wrong::Unchained => {
            (format!("第 {row} 天不承接前一天"), format!("day number {row} does not continue the day before it"))
        }
        Wrong::Unsigned => {
            (format!("第 {row} 天的签名不对"), format!("the signature of day number {row} is not that of its key"))
        }
        Wrong::OtherKey(key) => (
            format!("从这一天起由另一把密钥签名：{key}；若是有意更换，请用 --key 列出所有密钥"),
            format!(
                "signed with another key from here on: {key}; if it was changed on purpose, name all keys with --key"
            ),
        ),
        Wrong::Changed => (format!("{row} 被改动"), format!("{row} was changed")),
        Wrong::Missing => (format!("{row} 不见了"), format!("{row} is missing")),
        Wrong::Added => (format!("{row} 是后来加的"), format!("{row} was added later")),
        Wrong::BackDated(at) => (format!("{row} 被倒填日期为 {at}"), format!("{row} is dated back to {at}")),
        Wrong::Differs => ("与签名不一致".to_owned(), "the rows are not those that were signed".to_owned()),
        Wrong::MarksChanged => (
            "行标记被改动，无法指出具体的行".to_owned(),
            "the marks were changed, so that rows cannot be named".to_owned(),
        ),
        Wrong::CutOff(id) => {
            (format!("末尾被截断：曾有第 {id} 条"), format!("the end is missing: there was a row {id} once"))
        }
    };
    match &place.day {
        Some(day) => names(format!("{day}，{table}：{zh}"), format!("{day}, {table}: {en}")),
        None => names(format!("未封存部分，{table}：{zh}"), format!("not sealed yet, {table}: {en}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::civil::Zone;
    use crate::domain::{DAY, Fact, Recorded, Timestamp};
    use crate::store::Sealing;
    use rusqlite::Connection;

    async fn asked(path: &Path, format: Format, lang: Language) -> (u8, String) {
        let args = VerifyArgs { head: vec![], key: vec![], store: None, report: vec![], rebuild: false, format, lang };
        let mut out = Vec::new();
        let code = verify(path, None, &args, &mut out).await.unwrap();
        (code, String::from_utf8(out).unwrap())
    }

    #[tokio::test]
    async fn a_good_store_is_exit_0_and_a_changed_row_is_exit_1_with_its_place_in_both_languages() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gengfu.db");
        let store = Store::open(&path).unwrap();
        let fact = |at| Recorded { at: Timestamp(at), fact: Fact::Reloaded { digest: "first".into() } };
        store.commit(0, vec![fact(1), fact(DAY), fact(2 * DAY)], vec![]).await.unwrap();
        assert!(asked(&path, Format::Human, Language::En).await.1.starts_with("no day is sealed yet"));
        let now = Timestamp(2 * DAY + DAY / 2);
        store.seal(Sealing { now, zone: Zone::utc(), retain_ms: DAY, retain_audit_ms: DAY }).await.unwrap();
        let (code, text) = asked(&path, Format::Human, Language::En).await;
        assert!(code == 0 && text.starts_with("2 days from 1970-01-01 to 1970-01-02 are what was signed"), "{text}");
        assert!(text.contains("forgotten by `store.retain`: facts and tallies up to and with 1970-01-01"), "{text}");
        Connection::open(&path).unwrap().execute_batch("UPDATE facts SET at = at + 1 WHERE id = 2").unwrap();
        let (code, text) = asked(&path, Format::Human, Language::En).await;
        assert!(code == 1 && text.contains("\n  1970-01-02, facts: 2 was changed\n"), "{text}");
        assert!(asked(&path, Format::Human, Language::Zh).await.1.contains("1970-01-02，facts：2 被改动"));
        let (_, text) = asked(&path, Format::Json, Language::En).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&answer["good"], &answer["findings"][0]["problem"]), (&json!(false), &json!("changed")));
    }
}
