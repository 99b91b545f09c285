//! `gengfu mail`: how mails look.
//!
//! Exit codes: 0 good, 2 could not write. `preview` reads no files and sends nothing: the news in it is made up.

use crate::domain::civil::Zone;
use crate::domain::{Language, Message};
use crate::notify::compose::compose;
use crate::notify::examples;
use crate::notify::render::render;
use anyhow::{Context, Result, anyhow};
use askama::Template;
use clap::{Args, Subcommand};
use std::fs;
use std::io::Write;
use std::path::PathBuf;

/// What to do about mails.
#[derive(Debug, Subcommand)]
pub(super) enum MailCommand {
    /// Write one mail of every kind, in both languages, into a folder, with a page that shows them side by side
    Preview(PreviewArgs),
}

/// Arguments of `gengfu mail preview`.
#[derive(Args, Debug)]
pub(super) struct PreviewArgs {
    /// The folder; files of the same names in it are replaced.
    #[arg(long, default_value = "mail-preview")]
    out: PathBuf,
}

/// Every mail at the widths of a telephone and of a desk.
#[derive(Template)]
#[template(path = "cli/mail/preview.html")]
struct Gallery {
    mails: Vec<Shown>,
}

/// One mail in one language.
struct Shown {
    /// Its files, without the ending.
    name: String,
    lang: &'static str,
    subject: String,
}

/// Runs one command.
///
/// # Errors
/// If a file or `out` cannot be written.
pub(super) fn mail(command: &MailCommand, out: &mut dyn Write) -> Result<u8> {
    match command {
        MailCommand::Preview(args) => preview(args, out),
    }
}

fn preview(args: &PreviewArgs, out: &mut dyn Write) -> Result<u8> {
    let zone = Zone::named("Asia/Shanghai").map_err(|e| anyhow!("{e}"))?;
    let context = examples::context(zone);
    fs::create_dir_all(&args.out).with_context(|| format!("cannot create {}", args.out.display()))?;
    let write = |name: &str, bytes: &[u8]| {
        let path = args.out.join(name);
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    };
    let mut mails = Vec::new();
    for example in examples::every() {
        for (lang, language) in [("zh", Language::Zh), ("en", Language::En)] {
            let message: Message = example.message(language);
            let rendered = render(&message, None, &context);
            let letter = compose(&message, &rendered, &context).map_err(|e| anyhow!("{}: {e}", example.name))?;
            let name = format!("{}.{lang}", example.name);
            write(&format!("{name}.html"), rendered.html.as_bytes())?;
            write(&format!("{name}.txt"), format!("{}\n\n{}", rendered.subject, rendered.text).as_bytes())?;
            write(&format!("{name}.eml"), &letter.bytes)?;
            mails.push(Shown { name, lang, subject: rendered.subject });
        }
    }
    let written = mails.len();
    write("index.html", Gallery { mails }.render()?.as_bytes())?;
    writeln!(out, "{written} mails; open {}", args.out.join("index.html").display())?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_has_every_mail_in_both_languages_and_three_forms() {
        let folder = tempfile::tempdir().unwrap();
        let args = PreviewArgs { out: folder.path().join("new/folder") };
        let mut said = Vec::new();
        assert_eq!(preview(&args, &mut said).unwrap(), 0);
        let count = |ending: &str| {
            let files = fs::read_dir(&args.out).unwrap().flatten();
            files.filter(|f| f.file_name().to_string_lossy().ends_with(ending)).count()
        };
        let mails = examples::every().len() * 2;
        assert_eq!([".txt", ".eml", ".html"].map(count), [mails, mails, mails + 1]);
        assert!(String::from_utf8(said).unwrap().starts_with(&format!("{mails} mails; open ")));
        let index = fs::read_to_string(args.out.join("index.html")).unwrap();
        assert!(index.contains("src=\"opened_down.zh.html\"") && index.contains("lang=\"en\""), "{index}");
    }
}
