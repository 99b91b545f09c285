//! `gengfu plan`: plans of maintenance, before and while they run.
//!
//! Not here: what each does; each has a file of its own.

pub mod simulate;

#[cfg(test)]
mod tests;

/// What is to be done with a plan.
#[derive(Debug, clap::Subcommand)]
pub enum PlanCommand {
    /// Print the time line of a plan in a window: what history says, the point of no return, the policy's answer
    Simulate(simulate::SimulateArgs),
}
