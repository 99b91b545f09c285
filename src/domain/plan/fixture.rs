//! Plans for tests: five steps as an administrator would write them, and single steps to put others together.

pub(crate) mod world;

use super::*;

/// Where the windows of these tests begin.
pub(crate) const START: Timestamp = Timestamp(1_790_000_000_000);

pub(crate) fn action(kind: &str, target: &str) -> Action {
    Action { kind: kind.into(), body: "{}".into(), target: target.into() }
}

/// A step that a runner carries out, after `needs`.
pub(crate) fn step(id: &str, needs: &[usize], task: Task) -> Step {
    let undo = match &task {
        Task::Drain(drain) => Some(Undo { action: action("restore", &drain.target), repeat: Repeat::Idempotent }),
        Task::Restore(restore) => Some(Undo { action: action("drain", &restore.target), repeat: Repeat::Idempotent }),
        Task::Run(_) => Some(Undo { action: action("http", ""), repeat: Repeat::Keyed }),
        _ => None,
    };
    Step {
        id: id.into(),
        needs: needs.to_vec(),
        wave: 1,
        timeout_ms: MINUTE,
        retries: 2,
        repeat: Repeat::Idempotent,
        undo,
        observe: task.action().map(|_| action("http", "")),
        on_unknown: OnUnknown::Park,
        task,
    }
}

/// These steps, with ten minutes to go back and five to verify.
pub(crate) fn plan_of(steps: Vec<Step>) -> Plan {
    Plan {
        id: "upgrade".into(),
        owner: "a".into(),
        name: Names { zh: "升级".into(), en: "Upgrade".into() },
        steps,
        guards: vec![Guard::Policy],
        rest_ms: 0,
        reserve_ms: 10 * MINUTE,
        verify_ms: 5 * MINUTE,
    }
}

/// Drain, migrate (keyed), switch (never twice), restore, tell.
pub(crate) fn five_steps() -> Plan {
    let migrate = Step { repeat: Repeat::Keyed, ..step("migrate", &[0], Task::Run(action("http", ""))) };
    let switch = Step { repeat: Repeat::Never, retries: 0, ..step("switch", &[1], Task::Run(action("exec", ""))) };
    plan_of(vec![
        step("drain", &[], Task::Drain(action("drain", "flag:a"))),
        migrate,
        switch,
        step("restore", &[2], Task::Restore(action("restore", "flag:a"))),
        step("tell", &[3], Task::Announce { text: Names { zh: "完成".into(), en: "done".into() } }),
    ])
}

/// A run of `plan` in a window of four hours, begun and leased.
pub(crate) fn begin(runs: &mut Runs, id: &str, plan: &Plan) {
    let span = Span::lasting(START, 4 * HOUR);
    let started = RunFact::Started {
        plan: Box::new(plan.clone()),
        window: "w.1".into(),
        span,
        scope: vec!["a/web".into()],
        by: "operator".into(),
    };
    runs.apply(START, &id.into(), &started);
    runs.apply(START, &id.into(), &RunFact::Leased { epoch: 1 });
}
