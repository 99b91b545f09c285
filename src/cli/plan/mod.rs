//! `gengfu plan`: plans of maintenance, before and while they run.
//!
//! Not here: what each does; each has a file of its own.

pub mod order;
pub mod simulate;

#[cfg(test)]
mod tests;

/// What is to be done with a plan.
#[derive(Debug, clap::Subcommand)]
pub enum PlanCommand {
    /// Print the time line of a plan in a window: what history says, the point of no return, the policy's answer
    Simulate(simulate::SimulateArgs),
    /// Begin the plan of a window that runs without one
    Start(order::StartArgs),
    /// List runs, or the steps of one
    Status(order::StatusArgs),
    /// Turn a run back: what was done is undone, what was drained is put back
    Abort(order::AbortArgs),
    /// Go on with a parked run, once you know how it stands with its step
    Resume(order::ResumeArgs),
    /// Let a step pass that waits for people
    Approve(order::ApproveArgs),
}
