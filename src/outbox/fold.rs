//! One mail from many: what it is called and what it lists.

use crate::domain::{Content, DAY, FoldedLine, FoldedNews, Message, Timestamp};
use crate::notify::render::{RenderContext, render};
use crate::store::Letter;

/// The letter that says what `letters`, at least one and all to one recipient, say. It lives as long as the last.
pub(super) fn fold(letters: &[Letter], now: Timestamp, context: &RenderContext) -> Letter {
    let line = |letter: &Letter| FoldedLine {
        thread: letter.message.thread.clone(),
        subject: render(&letter.message, None, context).subject,
        at: letter.message.at,
        state: (&letter.message.content).into(),
    };
    let lines = letters.iter().map(line).collect();
    let quiet = letters.iter().all(|letter| letter.message.held_until.is_some());
    let first = &letters[0].message;
    let thread = format!("folded-{}", first.id);
    let content = Content::Folded(Box::new(FoldedNews { lines, quiet }));
    let mut message = Message::new(thread, 0, first.to.clone(), now, DAY, content);
    message.expires = letters.iter().map(|l| l.message.expires).max().unwrap_or(message.expires);
    Letter::new(message)
}
