//! The shape that all mails share, and its two forms.

use super::one_line;
use askama::Template;

/// One mail before it takes a form. The HTML template escapes everything.
#[derive(Template)]
#[template(path = "notify/templates/mail.html")]
pub(super) struct Page {
    /// BCP 47, for screen readers and fonts.
    pub(super) lang: &'static str,
    /// Which list it belongs to: `incidents`, `maintenance` or `admins`.
    pub(super) list: &'static str,
    /// State in brackets; an incident's number outside them.
    pub(super) subject: String,
    /// What is wrong or what is to come, in one sentence.
    pub(super) lead: String,
    /// In the order of reading.
    pub(super) sections: Vec<Section>,
    /// Words and address.
    pub(super) links: Vec<(String, String)>,
    /// Why the recipient got this.
    pub(super) why: Vec<String>,
}

/// A heading with rows, lines or a text as it is.
#[derive(Default)]
pub(super) struct Section {
    pub(super) title: String,
    /// Name and value.
    pub(super) rows: Vec<(String, String)>,
    /// Points of a list.
    pub(super) points: Vec<String>,
    /// Kept line by line.
    pub(super) verbatim: Option<String>,
}

impl Section {
    pub(super) fn titled(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    pub(super) fn row(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.rows.push((name.into(), value.into()));
        self
    }

    pub(super) fn point(mut self, text: impl Into<String>) -> Self {
        self.points.push(text.into());
        self
    }
}

impl Page {
    /// Plain text, complete by itself. What comes from outside stays on its line.
    pub(super) fn text(&self) -> String {
        let mut lines = vec![one_line(&self.lead), String::new()];
        for section in &self.sections {
            lines.push(format!("== {} ==", one_line(&section.title)));
            lines.extend(section.rows.iter().map(|(name, value)| one_line(&format!("{name}: {value}"))));
            lines.extend(section.points.iter().map(|point| one_line(&format!("- {point}"))));
            lines.extend(section.verbatim.iter().flat_map(|text| text.lines()).map(|l| one_line(&format!("  {l}"))));
            lines.push(String::new());
        }
        lines.extend(self.links.iter().map(|(words, address)| one_line(&format!("{words}: {address}"))));
        lines.push(String::new());
        // The signature mark of RFC 3676, so that clients fold it and replies leave it out.
        lines.push("-- ".into());
        lines.extend(self.why.iter().map(|why| one_line(why)));
        lines.push(String::new());
        lines.join("\n")
    }

    /// HTML of tables and inline styles.
    pub(super) fn html(&self) -> String {
        // Writing into memory cannot fail; the text part says everything, should the template ever do.
        self.render().unwrap_or_default()
    }
}
