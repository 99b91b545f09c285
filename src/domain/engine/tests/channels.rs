//! Channels that fetch notices while no relay accepts any.

use super::*;
use crate::domain::policy::NoticeRule;
use crate::domain::window::{Shown, WindowState};

/// A window in ten days that needs notice, over `scope`.
fn city(scope: &[&str]) -> City {
    two_tiers().policy(|p| p.notice = NoticeRule::ByLength).window("w", scope, T0 + 10 * DAY, HOUR)
}

fn fetch(engine: &mut Engine, change: impl FnOnce(&mut Shown)) -> Vec<Fact> {
    let window = engine.book.iter().next().unwrap();
    let scope = window.definition.scope.clone();
    let mut shown = Shown { window: window.id.clone(), span: window.span, scope };
    change(&mut shown);
    let fetched = Event::Fetched { channel: "kiosks".into(), shown: vec![shown] };
    engine.handle(T0 + HOUR, fetched).facts.into_iter().map(|f| f.fact).collect()
}

fn state(engine: &Engine) -> WindowState {
    engine.book.iter().next().unwrap().state
}

#[test]
fn a_fetch_announces_what_is_planned_once_and_only_as_it_was_shown() {
    let mut engine = Engine::new(T0, Arc::new(city(&["c/alone"]).inventory()));
    let mut facts = engine.start(T0, None, "digest").facts;
    assert_eq!(state(&engine), WindowState::Planned, "its mail waits for a relay");
    assert_eq!(fetch(&mut engine, |shown| shown.span.end = shown.span.end - 1), []);
    assert_eq!(fetch(&mut engine, |shown| shown.scope.clear()), []);
    let told = fetch(&mut engine, |_| {});
    let channel = told.iter().find_map(|f| match f {
        Fact::WindowAnnounced { channel, accepted, .. } => Some((channel.clone(), *accepted)),
        _ => None,
    });
    assert_eq!(channel, Some((Some("kiosks".to_owned()), T0 + HOUR)));
    assert_eq!(state(&engine), WindowState::Announced);
    assert_eq!(fetch(&mut engine, |_| {}), [], "once for each version");
    facts.extend(told.into_iter().map(|fact| Recorded { at: T0 + HOUR, fact }));
    let mut again = Engine::new(T0, Arc::new(city(&["c/alone"]).inventory()));
    facts.iter().for_each(|fact| again.apply(fact));
    assert_eq!(state(&again), WindowState::Announced);
}

#[test]
fn what_changed_after_a_fetch_is_announced_anew() {
    let mut engine = Engine::new(T0, Arc::new(city(&["c/alone"]).inventory()));
    engine.start(T0, None, "digest");
    fetch(&mut engine, |_| {});
    engine.handle(T0 + HOUR, reloaded(city(&["a/web", "c/alone"]).inventory()));
    assert_ne!(state(&engine), WindowState::Announced, "other subsystems are another window");
}
