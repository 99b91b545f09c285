//! `gengfu token`: makes a token, and what `gengfu.yaml` says about it.
//!
//! Not here: who reads it (`config::access`). Invariant: the token is printed once and kept nowhere.

use super::Format;
use crate::domain::access::{Scope, TokenHash};
use crate::entropy;
use anyhow::Result;
use serde_json::json;
use std::io::Write;

/// By this a scanner of files and logs knows a token of ours.
const PREFIX: &str = "gengfu_";

/// Arguments of `gengfu token`.
#[derive(Debug, clap::Args)]
pub(super) struct TokenArgs {
    /// Who gets it: a person or a machine.
    #[arg(long, default_value = "NAME")]
    holder: String,
    /// The owner for whom the holder acts; without it for every owner.
    #[arg(long, value_name = "ID")]
    owner: Option<String>,
    /// What it is good for: read, operate, approve:<owner>, admin. May be repeated.
    #[arg(long = "scope", value_name = "SCOPE", value_parser = scope, default_value = "read")]
    scopes: Vec<Scope>,
    /// The last day on which it is taken: 2027-06-30.
    #[arg(long, value_name = "DATE")]
    expires: Option<jiff::civil::Date>,
    /// How the answer is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn scope(text: &str) -> Result<Scope, String> {
    text.parse().map_err(|why| format!("{why}; write read, operate, approve:<owner> or admin"))
}

/// A token that nobody can guess.
///
/// # Errors
/// If the system gives no randomness.
pub(super) fn fresh() -> Result<String, entropy::NoEntropy> {
    Ok(format!("{PREFIX}{}", entropy::secret()?))
}

/// Prints a new token, its hash, and the line for `gengfu.yaml`.
pub(super) fn token(args: &TokenArgs, out: &mut dyn Write) -> Result<u8> {
    let token = fresh()?;
    let hash = TokenHash::of(&token).to_string();
    match args.format {
        Format::Json => {
            let scopes: Vec<String> = args.scopes.iter().map(ToString::to_string).collect();
            let (holder, owner, expires) = (&args.holder, &args.owner, args.expires.map(|date| date.to_string()));
            let answer = json!({
                "token": token, "sha256": hash, "holder": holder, "owner": owner, "scopes": scopes, "expires": expires,
            });
            writeln!(out, "{answer:#}")?;
        }
        Format::Human => {
            writeln!(out, "token   {token}")?;
            writeln!(out, "sha256  {hash}\n")?;
            writeln!(
                out,
                "Give the token to its holder; it is not shown again. In gengfu.yaml, under `access: tokens:`,"
            )?;
            writeln!(out, "then reload:\n\n  - {}", row(args, &hash))?;
        }
    }
    Ok(0)
}

fn row(args: &TokenArgs, hash: &str) -> String {
    // Text of JSON is text of YAML, whatever a name holds.
    let quoted = |text: &str| json!(text).to_string();
    let scopes: Vec<String> = args.scopes.iter().map(|scope| quoted(&scope.to_string())).collect();
    let owner = args.owner.as_ref().map(|owner| format!(", owner: {}", quoted(owner))).unwrap_or_default();
    let expires = args.expires.map(|date| format!(", expires: {date}")).unwrap_or_default();
    format!("{{ holder: {}{owner}, scopes: [{}], sha256: {hash}{expires} }}", quoted(&args.holder), scopes.join(", "))
}
