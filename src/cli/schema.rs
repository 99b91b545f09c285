//! `gengfu schema`: writes the JSON Schemas of all files, so that editors complete and check.
//!
//! Exit codes: 0 good, 1 with `--check` if one differs, 2 could not write.

use crate::config::schemas;
use anyhow::{Context, Result};
use std::io::Write;
use std::path::Path;

/// Arguments of `gengfu schema`.
#[derive(Debug, Default, clap::Args)]
pub struct SchemaArgs {
    /// Write nothing; say which files differ.
    #[arg(long)]
    pub check: bool,
}

/// Writes the schemas below the directory of the main file.
///
/// # Errors
/// If a file or `out` cannot be written.
pub fn schema(config: &Path, args: &SchemaArgs, out: &mut dyn Write) -> Result<u8> {
    let root = config.parent().unwrap_or(Path::new(""));
    let mut stale = 0_usize;
    for file in schemas() {
        let path = root.join(&file.path);
        if std::fs::read_to_string(&path).is_ok_and(|text| text == file.text) {
            continue;
        }
        stale += 1;
        if args.check {
            writeln!(out, "{} differs; run `gengfu schema`", path.display())?;
            continue;
        }
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
        }
        std::fs::write(&path, &file.text).with_context(|| format!("cannot write {}", path.display()))?;
        writeln!(out, "{}", path.display())?;
    }
    Ok(u8::from(args.check && stale > 0))
}
