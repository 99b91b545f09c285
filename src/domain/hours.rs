//! Declared service hours: the grammar of SEMANTICS §1 and the instants it covers.

/// Parsed hours, with the text they were written as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    text: String,
}

impl Hours {
    /// `7x24`, or rules joined by `;`. The error is a sentence with the byte offset it is about.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        Ok(Self { text: text.to_owned() })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}
