//! The engine's state as bytes, so that a start need not replay a year of facts.
//!
//! A checkpoint is a cache: the facts alone decide, and one that cannot be read is ignored. The shape may change with
//! any version; the number in front tells.

use super::*;
use crate::domain::plan::Runs;
use serde::{Deserialize, Serialize};

/// Changes whenever the shape of the state changes.
const SHAPE: u32 = 11;

#[derive(Serialize)]
struct Written<'a> {
    shape: u32,
    now: Timestamp,
    watch: &'a Watch,
    book: &'a Book,
    runs: &'a Runs,
    desk: &'a Desk,
    leases: &'a Leases,
    corrections: &'a Corrections,
    silences: &'a silence::Silences,
    filings: &'a crate::domain::filing::Filings,
    clock_stepped: Option<Timestamp>,
    digest: &'a str,
    reported: Option<&'a str>,
}

#[derive(Deserialize)]
struct Read {
    shape: u32,
    now: Timestamp,
    watch: Watch,
    book: Book,
    runs: Runs,
    desk: Desk,
    leases: Leases,
    corrections: Corrections,
    silences: silence::Silences,
    filings: crate::domain::filing::Filings,
    clock_stepped: Option<Timestamp>,
    digest: String,
    reported: Option<String>,
}

impl Engine {
    /// The state as of the last applied fact.
    pub fn checkpoint(&self) -> Vec<u8> {
        let Self { watch, book, runs, desk, leases, corrections, silences, filings, digest, .. } = self;
        let (shape, now, clock_stepped) = (SHAPE, self.now, self.clock_stepped);
        // Plain data with text keys always serialises; an empty checkpoint would only cost a longer start.
        let reported = self.reported.as_deref();
        let written = Written {
            reported,
            shape,
            now,
            watch,
            book,
            runs,
            desk,
            leases,
            corrections,
            silences,
            filings,
            clock_stepped,
            digest,
        };
        serde_json::to_vec(&written).unwrap_or_default()
    }

    /// Takes the state from a checkpoint; false if it is of another shape, and all facts have to be replayed.
    pub fn restore(&mut self, bytes: &[u8]) -> bool {
        match serde_json::from_slice::<Read>(bytes) {
            Ok(read) if read.shape == SHAPE => {
                (self.now, self.watch, self.book, self.desk) = (read.now, read.watch, read.book, read.desk);
                (self.leases, self.clock_stepped, self.digest) = (read.leases, read.clock_stepped, read.digest);
                (self.runs, self.corrections, self.silences) = (read.runs, read.corrections, read.silences);
                self.filings = read.filings;
                self.reported = read.reported.map(Into::into);
                true
            }
            _ => false,
        }
    }
}
