//! What can be said about anybody's promise over a period: the figures, and where every millisecond went.
//!
//! Not here: any rule of its own (`ledger`), and how statements look. Invariant: each of the breakdowns, by promise, by
//! cause, by window and by incident, sums to the whole.
//!
//! An owner and the city are the sum of their subsystems: each second of each subsystem weighs the same, and what is not
//! known or excluded of one leaves the sum as it leaves its own figure. Composites are not in the sum, for their time is
//! their members'.

use super::*;
use crate::domain::composite::Composite;

/// Whose promise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// One subsystem.
    Subsystem(SubsystemId),
    /// One composite.
    Composite(CompositeId),
    /// All subsystems of an owner.
    Owner(OwnerId),
    /// All subsystems.
    City,
}

/// Figures that add up over promises.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// What happened, by cause where it was spent.
    pub share: Share,
    /// Each under its own target and agreed figure.
    pub budget_ms: Millis,
    /// Promises that were met, missed, and neither.
    pub met: usize,
    /// See `met`.
    pub missed: usize,
    /// See `met`.
    pub undetermined: usize,
}

/// What can be said about one subject over one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Whose.
    pub subject: Subject,
    /// About when.
    pub period: Period,
    /// Its instants, future included.
    pub span: Span,
    /// The sum of `promises`.
    pub totals: Totals,
    /// The account of each promise: one of a subsystem or a composite, else those of the subsystems by id.
    pub promises: Vec<(Subject, Account)>,
    /// By the window that an instant lies in or overran, the first that began if there are several.
    pub by_window: BTreeMap<Option<WindowId>, Share>,
    /// By the outage that concerned the subject, the lowest number if there are several.
    pub by_incident: BTreeMap<Option<IncidentId>, Share>,
    /// Some hours rest on a year whose holidays are not published.
    pub provisional: bool,
}

impl Totals {
    /// Adds one promise.
    pub fn add(&mut self, account: &Account) {
        self.share.add(&account.share());
        self.budget_ms += account.budget_ms;
        match account.verdict {
            Verdict::Met => self.met += 1,
            Verdict::Missed => self.missed += 1,
            Verdict::Undetermined => self.undetermined += 1,
        }
    }

    /// Maintenance as the probes saw it.
    pub fn public(&self) -> Bounded {
        self.share.seen.bounded()
    }

    /// Valid maintenance left out.
    pub fn contract(&self) -> Bounded {
        self.share.kept.bounded()
    }

    /// The share of good time that was not degraded; `None` without good time.
    pub fn quality(&self) -> Option<Ratio> {
        Ratio::of(self.share.seen.good_ms - self.share.seen.degraded_ms, self.share.seen.good_ms)
    }
}

/// What the ledger of one promise answers; each breakdown sums to the account.
#[derive(Clone, Debug)]
pub struct Answers {
    /// The figures.
    pub account: Account,
    /// See [`Statement::by_window`].
    pub by_window: Vec<(Option<WindowId>, Share)>,
    /// See [`Statement::by_incident`].
    pub by_incident: Vec<(Option<IncidentId>, Share)>,
    /// By the stretches of time that were asked for, by their number; the rest is told without one.
    pub by_column: Vec<(Option<usize>, Share)>,
}

impl<'s> Reader<'s> {
    /// The statement of a subject; `None` for one that the inventory does not know, or that promises nothing.
    pub fn statement(&mut self, subject: Subject, period: Period) -> Option<Statement> {
        let snapshot = self.snapshot;
        let inventory = &*snapshot.inventory;
        let mut statement = Statement {
            span: period.span(self.now, self.zone()),
            subject: subject.clone(),
            period,
            totals: Totals::default(),
            promises: Vec::new(),
            by_window: BTreeMap::new(),
            by_incident: BTreeMap::new(),
            provisional: false,
        };
        match &subject {
            Subject::Composite(id) => {
                let composite = inventory.composites.get(id)?;
                let answers = self.answers_of(composite, period)?;
                statement.provisional = self.is_provisional_for(composite, period);
                statement.add(subject, answers);
            }
            Subject::Subsystem(id) => {
                statement.add_subsystem(self, snapshot.subsystem(id)?);
            }
            Subject::Owner(owner) => {
                inventory.owners.get(owner)?;
                let views = snapshot.subsystems.iter().filter(|view| view.id.owner() == *owner);
                views.for_each(|view| statement.add_subsystem(self, view));
            }
            Subject::City => snapshot.subsystems.iter().for_each(|view| statement.add_subsystem(self, view)),
        }
        (!statement.promises.is_empty()).then_some(statement)
    }

    /// The account of a subsystem with every breakdown; `None` where its objective is not known.
    pub fn answers(&mut self, view: &SubsystemView, period: Period, columns: &[Span]) -> Option<Answers> {
        let windows = by_window(&view.windows);
        let incidents = self.concerned().get(&view.id).cloned().unwrap_or_default();
        self.ledger(view, period, |ledger| Answers::of(ledger, windows, &incidents, columns))
    }

    /// The same of a composite, without columns.
    pub fn answers_of(&mut self, composite: &'s Composite, period: Period) -> Option<Answers> {
        let members = composite.needs.members();
        let views = members.iter().filter_map(|id| self.snapshot.subsystem(id));
        let mut windows: Vec<UsedWindow> = views.flat_map(|view| view.windows.iter().cloned()).collect();
        windows.sort_by(|a, b| (a.approved.start, &a.window).cmp(&(b.approved.start, &b.window)));
        let concerned = members.iter().filter_map(|id| self.concerned().get(id));
        let mut incidents: Vec<(IncidentId, Span)> = concerned.flatten().copied().collect();
        incidents.sort_by_key(|(id, span)| (*id, span.start));
        let seen = self.evidence_of(composite);
        self.composite_ledger(composite, &seen, period, |ledger| {
            Answers::of(ledger, by_window(&windows), &incidents, &[])
        })
    }
}

impl Statement {
    fn add_subsystem(&mut self, reader: &mut Reader<'_>, view: &SubsystemView) {
        if let Some(answers) = reader.answers(view, self.period, &[]) {
            self.provisional |= reader.is_provisional(view, self.period);
            self.add(Subject::Subsystem(view.id.clone()), answers);
        }
    }

    fn add(&mut self, subject: Subject, answers: Answers) {
        self.totals.add(&answers.account);
        self.promises.push((subject, answers.account));
        for (window, share) in answers.by_window {
            self.by_window.entry(window).or_default().add(&share);
        }
        for (incident, share) in answers.by_incident {
            self.by_incident.entry(incident).or_default().add(&share);
        }
    }
}

impl Answers {
    fn of(
        ledger: &Ledger<'_>,
        windows: Vec<(WindowId, SpanSet)>,
        incidents: &[(IncidentId, Span)],
        columns: &[Span],
    ) -> Self {
        Self {
            account: ledger.account(),
            by_window: ledger.breakdown(windows),
            by_incident: ledger.breakdown(incidents.iter().map(|(id, span)| (*id, SpanSet::from(*span)))),
            by_column: if columns.is_empty() { Vec::new() } else { ledger.breakdown(numbered(columns)) },
        }
    }
}

fn numbered(columns: &[Span]) -> impl Iterator<Item = (usize, SpanSet)> + '_ {
    columns.iter().map(|span| SpanSet::from(*span)).enumerate()
}

/// Used time and overrun of each window, in the order of their starts.
fn by_window(windows: &[UsedWindow]) -> Vec<(WindowId, SpanSet)> {
    let taken = |w: &UsedWindow| SpanSet::from(Span::new(w.approved.start, w.restored.max(w.approved.start)));
    windows.iter().map(|w| (w.window.clone(), taken(w))).collect()
}
