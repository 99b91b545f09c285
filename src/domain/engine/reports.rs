//! The report about a month: sent once, whoever asks how often.

use super::*;

/// How long a report is worth sending.
const REPORT_LIFE: Millis = 7 * DAY;

impl Engine {
    /// A month is over and its report is made: its letters go out unless it, or that of a later month, was sent.
    pub(super) fn month_over(
        &mut self,
        out: &mut Output,
        period: String,
        letters: Vec<ReportLetter>,
        said: Option<ReportSaid>,
    ) {
        if self.reported.as_deref().is_some_and(|sent| *sent >= *period) {
            return;
        }
        for ReportLetter { thread, to, news } in letters {
            let content = Content::Report(Box::new(news));
            let row = |to| Message::new(thread.clone(), 0, to, self.now, REPORT_LIFE, content.clone());
            out.messages.extend(to.into_iter().map(row));
        }
        self.record(out, Fact::MonthReported { period, said });
        self.picture.touch_all();
    }
}
