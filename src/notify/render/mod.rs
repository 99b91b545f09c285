//! What a message says, in the recipient's language: subject, plain text, HTML and headers.
//!
//! Not here: bytes (`compose`). Invariants: the text is complete by itself; the HTML loads nothing and works on light
//! and dark grounds; text from outside is escaped for where it goes and cannot begin a header. The order of the body
//! is that of `docs/mail.md`: symptom, who, since when, evidence, budget, windows, next action, links, why you.

mod canary;
mod digest;
mod filing;
mod folded;
mod incident;
mod maintenance;
mod news;
mod page;
mod plan;
mod report;
mod strip;
mod words;

use crate::domain::civil::Zone;
use crate::domain::window::{Change, Telling};
use crate::domain::{AnnouncedWindow, Content, DAY, IncidentNews, Message, Millis};
use crate::notify::calendar::{Entry, Standing, calendar};
use crate::notify::link::LinkKey;
use page::Page;
use words::Words;

/// How long the link by which a recipient takes an incident is good.
const TAKEN_WITHIN: Millis = 7 * DAY;

/// What the wording needs beside the message.
#[derive(Clone, Debug)]
pub struct RenderContext {
    /// Where the pages are, without a slash at its end.
    pub public_url: String,
    /// Civil times are given in it.
    pub zone: Zone,
    /// Right side of Message-ID and of List-Id.
    pub domain: String,
    /// Sender's name.
    pub from_name: String,
    /// Sender's address.
    pub from_mail: String,
    /// What signs the links by which a recipient takes an incident.
    pub links: LinkKey,
}

/// A wording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// `text/plain`.
    pub text: String,
    /// `text/html`.
    pub html: String,
    /// iCalendar, for calendars that take it over; in notices of windows and of what became of them.
    pub calendar: Option<String>,
    /// Name and text of an HTML file that comes with it.
    pub attached: Option<(String, String)>,
    /// Name and value, beside those of every mail.
    pub headers: Vec<(String, String)>,
}

/// Whom a message to the fallback contact stands in for: address and error.
pub type InPlaceOf<'a> = Option<(&'a str, &'a str)>;

/// Words a message for its recipient.
pub fn render(message: &Message, in_place_of: InPlaceOf<'_>, context: &RenderContext) -> Rendered {
    let words = Words { language: message.to.language, zone: &context.zone, now: message.at };
    let url = context.public_url.trim_end_matches('/');
    let take = |news: &IncidentNews| {
        let link = context.links.take(news.incident, &message.to.mail, message.at + TAKEN_WITHIN);
        format!("{url}{link}")
    };
    let mut page = match &message.content {
        Content::Opened(news) => incident::page(incident::Turn::Opened, news, &words, url, &take(news)),
        Content::Reopened(news) => incident::page(incident::Turn::Reopened, news, &words, url, &take(news)),
        Content::Changed(news) => incident::page(incident::Turn::Changed, news, &words, url, &take(news)),
        Content::Reminder(news) => incident::page(incident::Turn::Reminded, news, &words, url, &take(news)),
        Content::Escalated(news) => incident::page(incident::Turn::Escalated, news, &words, url, &take(news)),
        Content::Closed(news) => incident::page(incident::Turn::Closed, news, &words, url, &take(news)),
        Content::Announcement { name, windows, .. } => maintenance::announcement(name, windows, &words, url),
        Content::WindowNews { owner, telling, windows } => news::page(owner, *telling, windows, &words, url),
        Content::DependencyInMaintenance { window, affected } => maintenance::dependency(window, affected, &words, url),
        Content::Plan(news) => plan::page(news, &words, url),
        Content::Filing { turn, sheet } => filing::page(*turn, sheet, &words, url),
        Content::Digest(news) => digest::page(news, &words, url),
        Content::Report(news) => report::page(news, &words, url),
        Content::Canary => canary::page(&words, url),
        Content::ReloadRefused { text } => maintenance::reload_refused(text, &words, url),
        Content::Folded(news) => folded::page(news, &words, url),
    };
    if let Some((mail, error)) = in_place_of {
        page.why.insert(0, words.stands_in(mail, error));
    }
    Rendered {
        subject: one_line(&page.subject),
        text: page.text(),
        html: page.html(),
        calendar: events(message, url),
        attached: match &message.content {
            Content::Report(news) => Some((news.file.clone(), news.html.clone())),
            _ => None,
        },
        headers: headers(message, &page, context),
    }
}

/// The windows of a notice as a calendar, with the UID and SEQUENCE of the feed.
fn events(message: &Message, url: &str) -> Option<String> {
    let language = message.to.language;
    let (windows, standing): (Vec<&AnnouncedWindow>, Standing) = match &message.content {
        Content::Announcement { windows, .. } => (windows.iter().collect(), Standing::Confirmed),
        Content::WindowNews { windows, telling, .. } => {
            let off = *telling == Telling::Version(Change::Cancelled);
            let standing = if off { Standing::Cancelled } else { Standing::Confirmed };
            (windows.iter().map(|n| &n.window).collect(), standing)
        }
        _ => return None,
    };
    let entries = windows.into_iter().map(|w| {
        let scope: Vec<&str> = w.scope.iter().map(|(_, name)| name.get(language)).collect();
        let notice = w.notice.as_ref().map_or("", |n| n.get(language));
        Entry {
            window: &w.window,
            version: w.version,
            changed: Some(message.at),
            at: message.at,
            span: w.span,
            standing,
            summary: w.name.get(language).to_owned(),
            description: format!("{}\n{notice}", scope.join("\n")),
            url: format!("{url}/maintenance#{}", w.window),
        }
    });
    Some(calendar("gengfu", entries))
}

fn headers(message: &Message, page: &Page, context: &RenderContext) -> Vec<(String, String)> {
    let domain = &context.domain;
    let mut headers = vec![
        ("Message-ID", format!("<{}@{domain}>", message.id)),
        ("Auto-Submitted", "auto-generated".into()),
        ("X-Auto-Response-Suppress", "All".into()),
        ("List-Id", format!("gengfu {} <{}.{domain}>", page.list, page.list)),
    ];
    if message.content == Content::Canary {
        headers.push(("X-Gengfu-Canary", message.at.to_string()));
    }
    if let Some(first) = message.first_id() {
        let first = format!("<{first}@{domain}>");
        headers.push(("In-Reply-To", first.clone()));
        headers.push(("References", first));
    }
    headers.into_iter().map(|(name, value)| (name.to_owned(), one_line(&value))).collect()
}

/// The text without line breaks and other control characters: nothing that comes from outside can begin a header.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c == '\u{2028}' || c == '\u{2029}' { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
