//! The letters of a simulation as files, for mail programs and for tests of threading.
//!
//! Not here: what leaves a real daemon (`outbox`). Invariant: the bytes are those that a relay would have got.

use crate::domain::Message;
use crate::notify::compose::compose;
use crate::notify::render::{RenderContext, render};
use anyhow::{Context, Result, anyhow};
use std::path::{Path, PathBuf};

/// Most letters of one simulation.
const LETTERS_MAX: usize = 100_000;

/// A folder that letters are written into.
pub(super) struct Letters {
    folder: PathBuf,
    context: RenderContext,
    written: usize,
    failed: Option<anyhow::Error>,
}

impl Letters {
    pub(super) fn into(folder: &Path, context: &RenderContext) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(Self { folder: folder.to_owned(), context: context.clone(), written: 0, failed: None })
    }

    /// Writes one; after the first failure nothing more.
    pub(super) fn add(&mut self, message: &Message) {
        if self.failed.is_none() {
            self.failed = self.write(message).err();
        }
    }

    /// How many were written.
    pub(super) fn end(self) -> Result<usize> {
        self.failed.map_or(Ok(self.written), Err)
    }

    fn write(&mut self, message: &Message) -> Result<()> {
        if self.written >= LETTERS_MAX {
            return Err(anyhow!("more than {LETTERS_MAX} letters; ask for a shorter time"));
        }
        let rendered = render(message, None, &self.context);
        let letter = compose(message, &rendered, &self.context).map_err(|e| anyhow!(e))?;
        self.written += 1;
        // In order of time.
        let path = self.folder.join(format!("{:06}.eml", self.written));
        std::fs::write(&path, letter.bytes).with_context(|| format!("cannot write {}", path.display()))
    }
}
