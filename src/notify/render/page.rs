//! The shape that all mails share, and its two forms.
//!
//! The HTML form (`templates/mail.html`) is for mail programs, not for browsers: tables and inline styles, widths in a
//! conditional comment for Outlook, and no colour of its own but where it brings both ground and text, so that a dark
//! ground stays readable. Nothing is said by colour alone.

use super::one_line;
use super::strip::Strip;
use askama::Template;

/// One mail before it takes a form. The HTML template escapes everything.
#[derive(Template)]
#[template(path = "notify/templates/mail.html")]
pub(super) struct Page {
    /// BCP 47, for screen readers and fonts.
    pub(super) lang: &'static str,
    /// Which list it belongs to: `incidents`, `maintenance` or `admins`.
    pub(super) list: &'static str,
    /// How it looks at a glance.
    pub(super) tone: Tone,
    /// State in brackets; an incident's number outside them.
    pub(super) subject: String,
    /// What is wrong or what is to come, in one sentence.
    pub(super) lead: String,
    /// In the order of reading.
    pub(super) sections: Vec<Section>,
    /// Words and address; the first one is what the recipient most likely wants.
    pub(super) links: Vec<(String, String)>,
    /// Why the recipient got this.
    pub(super) why: Vec<String>,
}

/// The colour of the band at the top, which has the state's words in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Citizens cannot use something.
    Bad,
    /// Somebody should look.
    Warning,
    /// It is over, or all is well.
    Good,
    /// Work that was planned.
    Planned,
    /// Anything else.
    Plain,
}

impl Tone {
    #[cfg(test)]
    pub(super) const ALL: [Self; 5] = [Self::Bad, Self::Warning, Self::Good, Self::Planned, Self::Plain];

    /// The ground of white words: at least 4.5 to 1 (WCAG 1.4.3), and 3 to 1 against white and near-black (1.4.11).
    pub(super) fn colour(self) -> &'static str {
        match self {
            Self::Bad => "#c5281c",
            Self::Warning => "#9a5b00",
            Self::Good => "#1f7a45",
            Self::Planned => "#2563b8",
            Self::Plain => "#5b6472",
        }
    }
}

/// A heading with rows, a strip, lines or a text as it is.
#[derive(Default)]
pub(super) struct Section {
    pub(super) title: String,
    /// Name and value.
    pub(super) rows: Vec<(String, String)>,
    /// What it was over a day.
    pub(super) strip: Option<Strip>,
    /// Points of a list.
    pub(super) points: Vec<String>,
    /// Words and address.
    pub(super) link: Option<(String, String)>,
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
    /// What stands in the brackets of the subject.
    fn state(&self) -> &str {
        let inside = self.subject.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
        inside.map_or(&self.subject, |(state, _)| state)
    }

    /// Plain text, complete by itself. What comes from outside stays on its line.
    pub(super) fn text(&self) -> String {
        let mut lines = vec![one_line(&self.lead), String::new()];
        for section in &self.sections {
            lines.push(format!("== {} ==", one_line(&section.title)));
            lines.extend(section.rows.iter().map(|(name, value)| one_line(&format!("{name}: {value}"))));
            lines.extend(section.strip.iter().flat_map(Strip::lines));
            lines.extend(section.points.iter().map(|point| one_line(&format!("- {point}"))));
            lines.extend(section.link.iter().map(|(words, address)| one_line(&format!("{words}: {address}"))));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance by WCAG 2.2.
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// What a mail program does that inverts a mail by itself.
    fn inverted(colour: &str) -> String {
        let channel = |at: usize| 255 - u8::from_str_radix(&colour[at..at + 2], 16).unwrap();
        format!("#{:02x}{:02x}{:02x}", channel(1), channel(3), channel(5))
    }

    #[test]
    fn words_on_colour_can_be_read_and_colour_can_be_seen_on_light_dark_and_inverted_grounds() {
        for tone in Tone::ALL {
            let ground = tone.colour();
            assert!(contrast(ground, "#ffffff") >= 4.5, "{tone:?} words {}", contrast(ground, "#ffffff"));
            assert!(contrast(ground, "#121212") >= 3.0, "{tone:?} on dark {}", contrast(ground, "#121212"));
            let (ground, words) = (inverted(ground), inverted("#ffffff"));
            assert!(contrast(&ground, &words) >= 4.5, "{tone:?} inverted {}", contrast(&ground, &words));
        }
        for colour in super::super::strip::colours() {
            for ground in ["#ffffff", "#121212"] {
                assert!(contrast(colour, ground) >= 3.0, "{colour} on {ground} {}", contrast(colour, ground));
            }
        }
    }
}
