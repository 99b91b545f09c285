//! Other programs of a run: on a core of their own, ended with the run.

use anyhow::Result;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};

/// The core of whoever is measured.
pub(crate) const MEASURED: usize = 0;

/// The core of everybody else.
pub(crate) const OTHERS: usize = 1;

/// A program on one core, if there are several and util-linux is there.
pub(crate) fn on_core(core: usize, program: &str) -> Command {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let can = Command::new("taskset").arg("-V").stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    if cores <= core || !can {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string(), program]);
    command
}

/// A port that nobody listens on at this moment.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A child that is ended when dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Starts it without input and output.
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        Ok(Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?))
    }

    /// Its number. `taskset` becomes the program that it starts, so it is the same.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A polite end first: nginx takes its worker along. Whoever does not listen is killed.
        let polite = Command::new("kill").arg(self.0.id().to_string()).status();
        for _ in 0..200 {
            if polite.is_err() || self.0.try_wait().is_ok_and(|ended| ended.is_some()) {
                break;
            }
            std::thread::park_timeout(std::time::Duration::from_millis(25));
        }
        // Both fail only for a child that is gone.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
