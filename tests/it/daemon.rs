//! The real program, whole: how it starts and ends, takes over files, delivers mail and endures trouble.

mod approvals;
mod corrects;
mod delivers;
mod endures;
mod filings;
mod leases;
mod orders;
mod reloads;
mod reports;
mod scraped;
mod secured;
mod sees;
mod starts;
mod words;
