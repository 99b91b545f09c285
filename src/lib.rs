//! gengfu 更夫: watches every subsystem, decides when it may be changed, and calls out when a 7×24 promise slips.
//!
//! `domain` is the meaning (pure), everything else is the shell around it. Arrows never point left:
//! `main → cli → app → {runtime, scheduler, web, metrics, config} → {probe, step, notify, store, network, clock} → field → domain`.
//! Start reading at `domain`, then `runtime`. The long form is `docs/ARCHITECTURE.md`.

pub mod domain;

pub mod app;
pub mod city;
pub mod cli;
pub mod clock;
pub mod config;
pub mod entropy;
pub mod field;
pub mod import;
pub mod metrics;
pub mod network;
pub mod notify;
pub mod outbox;
pub mod probe;
pub mod report;
pub mod runtime;
pub mod scheduler;
pub mod step;
pub mod store;
pub mod web;
