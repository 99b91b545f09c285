//! From a wording to the bytes of a mail.
//!
//! Invariant: the bytes follow from the message and the wording alone (the date is when it was decided, the boundary
//! comes from its id), so that a second attempt is the same mail, also after a crash.

use super::Mail;
use super::render::{RenderContext, Rendered};
use crate::domain::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message as Letter};
use std::time::{Duration, SystemTime};

/// Builds the mail; the error is a sentence about an address that is none.
pub fn compose(message: &Message, rendered: &Rendered, context: &RenderContext) -> Result<Mail, String> {
    let mailbox = |name: &str, mail: &str| -> Result<Mailbox, String> {
        let address: Address = mail.parse().map_err(|e| format!("{mail} is no mail address: {e}"))?;
        Ok(Mailbox::new(Some(super::render::one_line(name)), address))
    };
    let decided = Duration::from_millis(u64::try_from(message.at.0).unwrap_or_default());
    let mut builder = Letter::builder()
        .from(mailbox(&context.from_name, &context.from_mail)?)
        .to(mailbox(&message.to.name, &message.to.mail)?)
        .date(SystemTime::UNIX_EPOCH + decided)
        .subject(rendered.subject.clone());
    for (name, value) in &rendered.headers {
        let name = HeaderName::new_from_ascii(name.clone()).map_err(|e| format!("header {name}: {e}"))?;
        builder = builder.raw_header(HeaderValue::new(name, value.clone()));
    }
    let body = MultiPart::alternative()
        .boundary(format!("gengfu-{}", message.id))
        .singlepart(SinglePart::plain(rendered.text.clone()))
        .singlepart(SinglePart::html(rendered.html.clone()));
    let calendar = rendered
        .calendar
        .iter()
        .map(|calendar| ("maintenance.ics".to_owned(), calendar, "text/calendar; charset=utf-8; method=PUBLISH"));
    let report = rendered.attached.iter().map(|(name, html)| (name.clone(), html, "text/html; charset=utf-8"));
    let attached = calendar.chain(report).next();
    let body = match attached {
        None => body,
        Some((name, text, kind)) => {
            let kind = ContentType::parse(kind).map_err(|e| format!("the attached part: {e}"))?;
            let part = Attachment::new(name).body(text.clone(), kind);
            MultiPart::mixed().boundary(format!("gengfu-all-{}", message.id)).multipart(body).singlepart(part)
        }
    };
    let letter = builder.multipart(body).map_err(|e| format!("mail to {}: {e}", message.to.mail))?;
    let (id, from, to) = (message.id.clone(), context.from_mail.clone(), message.to.mail.clone());
    Ok(Mail { id, from, to, bytes: letter.formatted() })
}
