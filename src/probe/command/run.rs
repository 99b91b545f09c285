//! One run of a program, in a process group of its own.
//!
//! Not here: which program may run (`grants`) and what its output means. Invariants: no shell, no environment but ours
//! and what was configured, nothing to read but what it is fed; what it prints is bounded; when the run is over, was too long or is no
//! longer wanted, the whole group is killed, and the program is reaped.

use super::grants::{Program, Refusal};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

/// What is kept of the words that go to the standard error.
const ERROR_BYTES_MAX: usize = 4_096;
/// Output beyond what is kept is read and thrown away, up to this: then the program is killed.
const DISCARDED_BYTES_MAX: usize = 16 << 20;
/// How long a pipe may stay open after the program's end, because something outside its group holds it.
const LINGER: Duration = Duration::from_millis(250);
/// How long the former run may take to die after it was killed.
const DEATH: Duration = Duration::from_secs(1);

/// What is run.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) program: Program,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    /// What it reads; nothing if empty.
    pub(super) input: Vec<u8>,
    /// Bytes of output that are kept.
    pub(super) output_bytes_max: usize,
    /// One run at a time; a run that cannot be killed stays the only one.
    pub(super) turn: Arc<Semaphore>,
}

/// What a run left behind.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) output: Vec<u8>,
    /// Bytes of output that were thrown away.
    pub(super) discarded: usize,
    pub(super) errors: Vec<u8>,
}

/// Why a run has no result.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It may not run.
    Refused(Refusal),
    /// The run before is still there, although it was killed.
    Undead,
    /// The system could not start it, or read from it.
    System(io::Error),
    /// It printed without end.
    Endless,
    /// The deadline came; this is what it had printed.
    Late(Vec<u8>),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// Runs the program until its end or the deadline.
pub(super) async fn run(order: &Arc<Order>, deadline: Instant) -> Result<Ended, Trouble> {
    let permit = timeout(DEATH, Arc::clone(&order.turn).acquire_owned()).await;
    let Ok(Ok(permit)) = permit else { return Err(Trouble::Undead) };
    // Listened for from before the start, so that no end is missed.
    let mut ends = signal(SignalKind::child())?;
    let order_of_start = Arc::clone(order);
    // Files are looked at and the program is started in one go, away from the threads that must not wait.
    let started = tokio::task::spawn_blocking(move || start(&order_of_start, permit)).await;
    let mut group = started.map_err(|_| io::Error::other("starting it panicked"))??;
    let mut output = Pipe::new(group.child.as_mut().and_then(|child| child.stdout.take()), order.output_bytes_max);
    let mut errors = Pipe::new(group.child.as_mut().and_then(|child| child.stderr.take()), ERROR_BYTES_MAX);
    let over = timeout_at(deadline, async {
        loop {
            if group.has_ended()? {
                return Ok::<(), Trouble>(());
            }
            tokio::select! {
                _ = ends.recv() => {}
                read = output.read(), if output.is_open() => read?,
                read = errors.read(), if errors.is_open() => read?,
            }
        }
    });
    match over.await {
        Err(_) => return Err(Trouble::Late(output.kept)),
        Ok(ended) => ended?,
    }
    // Before it is reaped, while its number cannot be anybody else's: whatever it left running goes with it.
    group.kill();
    let rest = async { tokio::try_join!(output.read_all(), errors.read_all()) };
    if let Ok(Err(trouble)) = timeout(LINGER, rest).await {
        return Err(trouble);
    }
    let status = group.reap().await?;
    let discarded = output.total - output.kept.len();
    Ok(Ended { status, output: output.kept, discarded, errors: errors.kept })
}

fn start(order: &Order, permit: OwnedSemaphorePermit) -> Result<Group, Trouble> {
    let program = order.program.locate().map_err(Trouble::Refused)?;
    let mut command = Command::new(program);
    command.args(&order.arguments).env_clear().env("LANG", "C").env("LC_ALL", "C").current_dir("/").process_group(0);
    command.envs(order.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(fed(&order.input)?).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn()?;
    Ok(Group { child: Some(child), permit: Some(permit) })
}

/// Longest input: what a pipe holds while nobody reads, so that feeding never waits.
pub(super) const INPUT_BYTES_MAX: usize = 60 * 1_024;

/// A pipe that holds the whole input already.
fn fed(input: &[u8]) -> io::Result<Stdio> {
    if input.is_empty() {
        return Ok(Stdio::null());
    }
    let (reader, mut writer) = io::pipe()?;
    writer.write_all(&input[..input.len().min(INPUT_BYTES_MAX)])?;
    Ok(reader.into())
}

/// A running program and its children; killed when dropped.
struct Group {
    child: Option<Child>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Group {
    /// The leader's number, while it has not been reaped and is therefore nobody else's.
    fn id(&self) -> Option<Pid> {
        let id = self.child.as_ref()?.id()?;
        Pid::from_raw(i32::try_from(id).ok()?)
    }

    /// Whether the program has ended; it is not reaped by this question.
    fn has_ended(&self) -> io::Result<bool> {
        let Some(id) = self.id() else { return Ok(true) };
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(id), look)?.is_some())
    }

    fn kill(&self) {
        if let Some(id) = self.id() {
            // There may be nobody left to kill.
            let _ = kill_process_group(id, Signal::KILL);
        }
    }

    async fn reap(&mut self) -> io::Result<ExitStatus> {
        match &mut self.child {
            Some(child) => child.wait().await,
            None => Ok(ExitStatus::from_raw(0)),
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
        let (child, permit) = (self.child.take(), self.permit.take());
        // The task ends with the program, which was killed; without a runtime the system reaps after our own end.
        if let (Some(mut child), Ok(runtime)) = (child, Handle::try_current())
            && child.id().is_some()
        {
            runtime.spawn(async move {
                let _ = child.wait().await;
                drop(permit);
            });
        }
    }
}

/// One end of a pipe: what is kept of it, and how much came.
struct Pipe<R> {
    end: Option<R>,
    kept: Vec<u8>,
    max: usize,
    total: usize,
}

impl<R: AsyncRead + Unpin> Pipe<R> {
    fn new(end: Option<R>, max: usize) -> Self {
        Self { end, kept: Vec::new(), max, total: 0 }
    }

    fn is_open(&self) -> bool {
        self.end.is_some()
    }

    async fn read(&mut self) -> Result<(), Trouble> {
        let Some(end) = &mut self.end else { return Ok(()) };
        let mut buffer = [0; 4_096];
        let read = match end.read(&mut buffer).await {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            read => read?,
        };
        if read == 0 {
            self.end = None;
        }
        let room = self.max - self.kept.len();
        self.kept.extend_from_slice(&buffer[..read.min(room)]);
        self.total += read;
        if self.total > self.max + DISCARDED_BYTES_MAX { Err(Trouble::Endless) } else { Ok(()) }
    }

    async fn read_all(&mut self) -> Result<(), Trouble> {
        while self.is_open() {
            self.read().await?;
        }
        Ok(())
    }
}
