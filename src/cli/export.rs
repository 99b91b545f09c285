//! `gengfu export`: our promises in the form that others read.
//!
//! Not here: what is written (`import::openslo`). What the form cannot hold is told on the standard error. Exit codes: 0
//! written, 2 an owner that nobody knows.

use super::COULD_NOT_RUN;
use crate::domain::{Inventory, OwnerId};
use crate::import::openslo;
use anyhow::Result;
use clap::{Args, ValueEnum};
use std::io::Write;

/// In what form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// OpenSLO v1 documents
    Openslo,
}

/// Arguments of `gengfu export`.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// In what form
    #[arg(value_enum)]
    pub form: Form,
    /// The promises of this owner alone
    #[arg(long)]
    pub owner: Option<String>,
}

/// Writes every promise to `out`, and to `err` what is not seen in it.
///
/// # Errors
/// If nobody reads what is written.
pub fn export(inventory: &Inventory, args: &ExportArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8> {
    let owner = args.owner.as_deref().map(OwnerId::from);
    if let Some(owner) = owner.as_ref().filter(|owner| !inventory.owners.contains_key(*owner)) {
        writeln!(err, "error: unknown owner `{owner}`; `probes/` has the owners that there are")?;
        return Ok(COULD_NOT_RUN);
    }
    let Form::Openslo = args.form;
    let exported = openslo::write(inventory, owner.as_ref());
    out.write_all(exported.text.as_bytes())?;
    for loss in &exported.losses {
        writeln!(err, "note: {loss}; the rest stands in annotations that begin with `gengfu/`")?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::fixture;

    #[test]
    fn every_promise_is_written_and_what_is_not_seen_is_told() {
        let (city, mut out, mut err) = (fixture::city(), Vec::new(), Vec::new());
        let args = ExportArgs { form: Form::Openslo, owner: None };
        assert_eq!(export(&city, &args, &mut out, &mut err).unwrap(), 0);
        let (out, err) = (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap());
        assert_eq!(out.matches("kind: SLO\n").count(), city.subsystems.len(), "{out}");
        assert!(out.contains("gengfu_subsystem_up{subsystem=") && err.contains("millisecond"), "{out}{err}");
        let args = ExportArgs { form: Form::Openslo, owner: Some("nobody".into()) };
        let mut err = Vec::new();
        assert_eq!(export(&city, &args, &mut Vec::new(), &mut err).unwrap(), COULD_NOT_RUN);
        assert!(String::from_utf8(err).unwrap().contains("unknown owner `nobody`"));
    }
}
