//! The report about a month leaves once, over restarts and whoever asks how often.

use super::*;

fn letters() -> Vec<ReportLetter> {
    let to = vec![Recipient { name: "duty".into(), mail: "duty@city.test".into(), language: Language::En }];
    let news = ReportNews {
        period: "2026-02".into(),
        title: "City".into(),
        lead: "All met.".into(),
        caveats: Vec::new(),
        totals: Vec::new(),
        missed: Vec::new(),
        incidents: Vec::new(),
        file: "gengfu-2026-02-city.html".into(),
        html: "<!doctype html>".into(),
    };
    vec![ReportLetter { thread: "report-2026-02-city".into(), to, news }]
}

fn over(period: &str) -> Event {
    Event::MonthOver { period: period.into(), letters: letters(), said: None }
}

#[test]
fn a_months_report_is_sent_once() {
    let city = City::new().subsystem("a/web", 2, &[]);
    let mut bench = Bench::new(&city);
    let out = bench.engine.handle(bench.now, over("2026-02"));
    assert_eq!((out.messages.len(), out.facts.len()), (1, 1));
    let id = out.messages[0].id.clone();
    bench.take(out);
    let again = bench.engine.handle(bench.now, over("2026-02"));
    assert!(again.messages.is_empty() && again.facts.is_empty());
    assert_eq!(bench.engine.snapshot().reported.as_deref(), Some("2026-02"));

    // Killed before the commit: the same letter under the same id. After it: none.
    let mut lost = Bench::new(&city);
    assert_eq!(lost.engine.handle(lost.now, over("2026-02")).messages[0].id, id);
    let mut kept = Engine::new(T0, Arc::new(city.inventory()));
    bench.facts.iter().for_each(|recorded| kept.apply(recorded));
    let bytes = kept.checkpoint();
    assert!(kept.handle(bench.now, over("2026-02")).messages.is_empty());
    let mut restored = Engine::new(T0, Arc::new(city.inventory()));
    assert!(restored.restore(&bytes));
    assert!(restored.handle(bench.now, over("2026-01")).messages.is_empty());
    assert_eq!(restored.handle(bench.now, over("2026-03")).messages.len(), 1);
}
