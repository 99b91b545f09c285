//! A mail as it came in, taken apart for people and for JSON.
//!
//! Not here: the conversation that brought it (`smtp`) and where it is kept (`mailbox`). Invariants: header words and
//! bodies are decoded; lines end in `\n`; a mail that cannot be parsed is kept with its raw text.

use crate::domain::Timestamp;
use mailparse::{MailHeaderMap, ParsedMail};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// Deepest nesting of parts that is looked at.
const DEPTH_MAX: usize = 8;

/// One mail.
#[derive(Clone, Debug, Serialize)]
pub struct Mail {
    /// Counted from 1, never reused.
    pub id: u64,
    /// When the last byte was in.
    #[serde(serialize_with = "rfc3339")]
    pub received: Timestamp,
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// Decoded.
    pub subject: String,
    /// Decoded, in order; of several with one name the values are joined by a line break.
    #[serde(serialize_with = "object")]
    pub headers: Vec<(String, String)>,
    /// The plain text.
    pub text: Option<String>,
    /// The HTML, as it was sent.
    pub html: Option<String>,
}

impl Mail {
    /// Takes `raw` apart.
    pub fn parse(received: Timestamp, from: String, to: Vec<String>, raw: &[u8]) -> Self {
        let mut mail =
            Self { id: 0, received, from, to, subject: String::new(), headers: Vec::new(), text: None, html: None };
        match mailparse::parse_mail(raw) {
            Ok(parsed) => {
                mail.subject = parsed.headers.get_first_value("Subject").unwrap_or_default();
                for header in &parsed.headers {
                    mail.header(header.get_key(), header.get_value());
                }
                mail.bodies(&parsed, 0);
            }
            Err(_) => mail.text = Some(String::from_utf8_lossy(raw).into_owned()),
        }
        mail
    }

    /// A header's value; names are compared without case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn header(&mut self, name: String, value: String) {
        match self.headers.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(&name)) {
            Some((_, known)) => {
                known.push('\n');
                known.push_str(&value);
            }
            None => self.headers.push((name, value)),
        }
    }

    /// The first text and the first HTML win; attachments are left alone.
    fn bodies(&mut self, part: &ParsedMail<'_>, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        if part.get_content_disposition().disposition == mailparse::DispositionType::Attachment {
            return;
        }
        let body = match part.ctype.mimetype.as_str() {
            "text/plain" => &mut self.text,
            "text/html" => &mut self.html,
            _ => return part.subparts.iter().for_each(|p| self.bodies(p, depth + 1)),
        };
        if body.is_none() {
            *body = part.get_body().ok().map(|text| text.replace("\r\n", "\n"));
        }
    }
}

fn rfc3339<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(at)
}

fn object<S: Serializer>(headers: &[(String, String)], to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(Some(headers.len()))?;
    for (name, value) in headers {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(raw: &str) -> Mail {
        Mail::parse(Timestamp(0), "a@x.test".into(), vec!["b@x.test".into()], raw.replace('\n', "\r\n").as_bytes())
    }

    #[test]
    fn words_and_bodies_are_decoded() {
        let mail = parsed(
            "From: =?utf-8?b?5pu05aSr?= <gengfu@bdc.test>\nSubject: =?utf-8?b?5Lit5pat?= INC-0042\nReceived: one\n\
             Received: two\nContent-Type: multipart/alternative; boundary=B\n\n--B\nContent-Type: text/plain; \
             charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n=E4=B8=AD=E6=96=AD\nsecond=\n line\n--B\n\
             Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\nPHA+5Lit5patPC9wPg==\n--B--\n",
        );
        assert_eq!(mail.subject, "中断 INC-0042");
        assert_eq!(mail.get("from"), Some("更夫 <gengfu@bdc.test>"));
        assert_eq!(mail.get("received"), Some("one\ntwo"));
        assert_eq!(mail.text.as_deref().map(str::trim_end), Some("中断\nsecond line"));
        assert_eq!(mail.html.as_deref(), Some("<p>中断</p>"));
        let json = serde_json::to_value(&mail).unwrap();
        assert_eq!(json["received"], "1970-01-01T00:00:00Z");
        assert_eq!(json["headers"]["Received"], "one\ntwo");
    }

    #[test]
    fn a_mail_without_headers_is_kept_as_text() {
        assert_eq!(parsed("\njust a line\n").text.as_deref(), Some("just a line\n"));
    }

    #[test]
    fn an_attached_text_is_not_the_body() {
        let mail = parsed(
            "Content-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: text/plain\nContent-Disposition: \
             attachment; filename=a.txt\n\nattached\n--B\nContent-Type: text/plain\n\nbody\n--B--\n",
        );
        assert_eq!(mail.text.as_deref().map(str::trim_end), Some("body"));
    }
}
