//! What is wrong with what was written: a code, a place, a sentence, what was expected, and a way out.
//!
//! Not here: how it is shown (`config::render`). Invariant: no value of a secret enters a sentence.

use super::Place;

macro_rules! codes {
    ($($name:ident = $code:literal, $about:literal;)*) => {
        /// Stable names of problems, for scripts and for searching. A code is never reused; from `GF0101` on they warn.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $about] $name,)*
        }

        impl Code {
            /// Every code, for the documentation.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// `GF0001`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            /// What it is about, in half a sentence.
            pub fn about(self) -> &'static str {
                match self {
                    $(Self::$name => $about,)*
                }
            }
        }
    };
}

codes! {
    Syntax = "GF0001", "the file is not YAML, or not the part of it that is read here";
    DuplicateKey = "GF0002", "a key is written twice in one mapping";
    UnknownKey = "GF0003", "a key that no table knows";
    MissingKey = "GF0004", "a key that must be written is not there";
    WrongType = "GF0005", "another shape or type was expected";
    OutOfBounds = "GF0006", "a value outside its bounds";
    Value = "GF0007", "a value that is of the right type and still makes no sense";
    Environment = "GF0008", "a variable that is empty, missing or not granted";
    Unreadable = "GF0009", "a file or directory that cannot be read";
    UnknownId = "GF0010", "an id that nothing has";
    DuplicateId = "GF0011", "an id that two things have";
    Cycle = "GF0012", "dependencies that lead back to where they began";
    NoPolicy = "GF0013", "a subsystem that no policy governs";
    Hours = "GF0014", "service hours that cannot be read";
    Recurrence = "GF0015", "a recurrence that cannot be read or never starts";
    EmptyRoster = "GF0016", "a roster without anybody";
    ForeignScope = "GF0017", "a window over another owner's subsystem";
    NeverAllowed = "GF0018", "a schedule none of whose windows can be allowed";
    EndBeforeStart = "GF0019", "an end that is not after its start";
    NotSupported = "GF0020", "something that this version does not read yet";
    NoProbe = "GF0021", "a subsystem without a probe, or a probe without a kind";
    EmptyScope = "GF0022", "a scope that holds no subsystem";
    Misplaced = "GF0023", "a file where nothing reads it";
    CommandRefused = "GF0024", "a program that may not run for whoever names it";
    RosterHole = "GF0025", "a roster that has nobody at some time";
    ShortInterval = "GF0101", "a probe that is due again before it can be over";
    PlainWeek = "GF0102", "the plain week where the statutory calendar is likely meant";
    MatchesNothing = "GF0103", "a rule that governs nothing";
    MissingRoots = "GF0104", "a file of trusted roots that is not there";
    WouldBeDenied = "GF0105", "windows that would be denied";
    NotCovered = "GF0106", "dates whose year has no published calendar";
    CannotFire = "GF0107", "an alert that can never fire";
    PromiseBroken = "GF0108", "a promise that planned maintenance alone will break";
    LongWindow = "GF0109", "a window that is allowed and unwise";
    LateNotice = "GF0112", "a window whose notice would come too late";
    CommandAbsent = "GF0110", "a program or its directory that is not there";
    Clash = "GF0111", "windows that would wait for others";
    BoundlessCap = "GF0113", "exclusions that may be all that is promised";
    TokenExpires = "GF0121", "a token whose time is over, or soon will be";
    TokenShown = "GF0122", "a token in the file itself";
    CertificateAbsent = "GF0123", "a file of the daemon's own TLS that is not there";
    CertificateDue = "GF0124", "a certificate of the daemon's own whose time is over, or soon will be";
    SharedShift = "GF0125", "shifts or overrides of one time that name different people";
    NothingSuggested = "GF0126", "a grade from which on a report is due and which no threshold gives";
    NoUndo = "GF0120", "a step that stays when its run turns back";
}

/// Whether it stops a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The set of files is refused.
    Error,
    /// Worth a look; refused with `--strict` only.
    Warning,
}

impl Severity {
    /// The word in both formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether it stops a load.
    pub severity: Severity,
    /// Its stable name.
    pub code: Code,
    /// Where.
    pub at: Place,
    /// What is wrong, in one sentence without a capital and a full stop.
    pub message: String,
    /// What may stand there.
    pub expected: Option<String>,
    /// The remedy: "did you mean …?".
    pub hint: Option<String>,
    /// What should stand at `at` instead, when there is one likely answer.
    pub patch: Option<String>,
    /// Other places that belong to it, each with a word of why.
    pub related: Vec<(Place, String)>,
}

impl Problem {
    /// An error.
    pub fn error(code: Code, at: &Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, at, message.into())
    }

    /// A warning.
    pub fn warning(code: Code, at: &Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, at, message.into())
    }

    fn new(severity: Severity, code: Code, at: &Place, message: String) -> Self {
        let at = at.clone();
        Self { severity, code, at, message, expected: None, hint: None, patch: None, related: Vec::new() }
    }

    /// Says what may stand there.
    #[must_use]
    pub fn expected(mut self, text: impl Into<String>) -> Self {
        self.expected = Some(text.into());
        self
    }

    /// Says how to mend it.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hint = Some(text.into());
        self
    }

    /// Offers the nearest of `known`, if one is near.
    #[must_use]
    pub fn did_you_mean<'a>(mut self, written: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        if let Some(near) = suggestion(written, known) {
            self.hint = Some(format!("did you mean `{near}`?"));
            self.patch = Some(near);
        }
        self
    }

    /// Adds another place that belongs to it.
    #[must_use]
    pub fn related(mut self, at: &Place, why: impl Into<String>) -> Self {
        self.related.push((at.clone(), why.into()));
        self
    }
}

/// The nearest of `known` to what was written, if it is near enough to be a slip of the hand.
pub fn suggestion<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let lower = written.to_lowercase();
    known
        .into_iter()
        .map(|k| (strsim::normalized_damerau_levenshtein(&lower, &k.to_lowercase()), k))
        .filter(|(score, _)| *score >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k.to_owned())
}

/// All problems of a load, in the order in which they were met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// None so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Adds those of another.
    pub fn extend(&mut self, others: impl IntoIterator<Item = Problem>) {
        self.0.extend(others);
    }

    /// How many there are, warnings included.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them stops the load.
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// How many there are of one severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.0.iter().filter(|p| p.severity == severity).count()
    }

    /// One after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// By file, line and column, without repetitions.
    pub fn sort(&mut self) {
        self.0.sort_by(|a, b| {
            (&a.at.file, a.at.line, a.at.column, a.code, &a.message).cmp(&(
                &b.at.file,
                b.at.line,
                b.at.column,
                b.code,
                &b.message,
            ))
        });
        self.0.dedup();
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// One line each, `file:line:column: message; expected …; did you mean …?`, for logs and mail.
impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, p) in self.0.iter().enumerate() {
            let gap = if i == 0 { "" } else { "\n" };
            write!(f, "{gap}{}: {}[{}]: {}", p.at, p.severity.as_str(), p.code.as_str(), p.message)?;
            if let Some(expected) = &p.expected {
                write!(f, "; expected {expected}")?;
            }
            if let Some(hint) = &p.hint {
                write!(f, "; {hint}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
