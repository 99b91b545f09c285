//! A program for whoever acts and does not probe: steps of plans.
//!
//! Not here: what its exit code means. Invariants: the same grants, bounds and process groups as for plugins; it is said
//! whether the program may have done something.

use super::grants::{Asker, Commands, Program, Refusal};
use super::run::{Order, Trouble, run};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// How much of what it prints is kept.
const OUTPUT_BYTES_MAX: usize = 4_096;

/// A program that may run, and what it is given.
#[derive(Clone, Debug)]
pub struct Tool {
    program: Program,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolError {
    /// It was not started: nothing was done.
    NotStarted(String),
    /// It may have run: nobody knows what was done.
    Lost(String),
}

impl Tool {
    /// The program that `asker` may mean by `written`, if it may set these variables.
    ///
    /// # Errors
    /// What is wrong, and the remedy.
    pub fn granted(
        commands: &Commands,
        asker: &Asker,
        written: &str,
        arguments: Vec<String>,
        environment: Vec<(String, String)>,
    ) -> Result<Self, (String, String)> {
        let program = commands.choose(asker, written).map_err(|refusal| match refusal {
            Refusal::Denied(text, remedy) => (text, remedy),
            other => (other.text().to_owned(), "name a program of a granted directory".to_owned()),
        })?;
        if let Err(refusal @ Refusal::Unsafe(_)) = program.locate() {
            return Err((refusal.text().to_owned(), "mend its place and its modes".to_owned()));
        }
        for (name, value) in &environment {
            let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && !name.is_empty();
            if !plain || value.contains('\0') || !commands.lets_set(asker, &program, name) {
                let text = format!("the variable `{name}` may not be set for `{written}`");
                let remedy = "an administrator adds it to `environment` of that directory in gengfu.yaml";
                return Err((text, remedy.to_owned()));
            }
        }
        if arguments.iter().any(|argument| argument.contains('\0')) {
            return Err(("an argument has a NUL in it".to_owned(), "leave it out".to_owned()));
        }
        Ok(Self { program, arguments, environment })
    }

    /// A program that the administrator named.
    pub fn of_system(path: &Path) -> Self {
        Self { program: Program::of_system(path), arguments: Vec::new(), environment: Vec::new() }
    }

    /// The same with one more variable, whatever was granted.
    #[must_use]
    pub fn with(mut self, variable: (String, String)) -> Self {
        self.environment.push(variable);
        self
    }

    /// Runs it with some variables and arguments more; ends with its exit code and its last line.
    ///
    /// # Errors
    /// If it did not run to its end within `time`, and whether it may have done something.
    pub async fn run(
        &self,
        known: &[(String, String)],
        more: &[String],
        time: Duration,
    ) -> Result<(Option<i32>, String), ToolError> {
        self.run_with(known, more, Vec::new(), time).await
    }

    /// Runs it with something to read, at most 60 KiB; ends with its exit code and its last line.
    ///
    /// # Errors
    /// If it did not run to its end within `time`, and whether it may have done something.
    pub async fn feed(&self, input: Vec<u8>, time: Duration) -> Result<(Option<i32>, String), ToolError> {
        self.run_with(&[], &[], input, time).await
    }

    async fn run_with(
        &self,
        known: &[(String, String)],
        more: &[String],
        input: Vec<u8>,
        time: Duration,
    ) -> Result<(Option<i32>, String), ToolError> {
        let order = Order {
            program: self.program.clone(),
            arguments: self.arguments.iter().chain(more).cloned().collect(),
            environment: self.environment.iter().chain(known).cloned().collect(),
            input,
            output_bytes_max: OUTPUT_BYTES_MAX,
            turn: Arc::new(Semaphore::new(1)),
        };
        match run(&Arc::new(order), Instant::now() + time).await {
            Ok(ended) => Ok((ended.status.code(), last_line(&ended.output, &ended.errors))),
            Err(Trouble::Refused(refusal)) => Err(ToolError::NotStarted(refusal.text().to_owned())),
            Err(Trouble::Undead) => Err(ToolError::NotStarted("the run before does not end".to_owned())),
            Err(Trouble::System(error)) => Err(ToolError::Lost(error.to_string())),
            Err(Trouble::Endless) => Err(ToolError::Lost("it printed without end and was killed".to_owned())),
            Err(Trouble::Late(said)) => {
                let said = last_line(&said, &[]);
                Err(ToolError::Lost(format!("it did not end within {} s and was killed: {said}", time.as_secs_f64())))
            }
        }
    }
}

/// The last line that says something: of the output, else of the errors.
fn last_line(output: &[u8], errors: &[u8]) -> String {
    let last = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.lines().rev().find(|line| !line.trim().is_empty()).map(|line| line.trim().to_owned())
    };
    last(output).or_else(|| last(errors)).unwrap_or_default()
}
