//! Texts with `{{name}}` in them, and the values that stand there during one attempt.
//!
//! Not here: where values come from. Invariants: a value cannot change the shape of what it stands in (an address, JSON,
//! a form); no value is shown once it is known, `{{name}}` is shown instead.

use crate::probe::http::{Veil, encoded};

/// Longest value, in characters.
pub(super) const VALUE_MAX: usize = 4_096;

/// What a value stands in, which says how it is written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// An address: as a part of it, unless it is where the address begins.
    Address,
    /// A form: as in an address.
    Form,
    /// JSON: as between quotes.
    Json,
    /// As it is.
    Plain,
}

impl Shape {
    /// Every shape.
    pub(super) const ALL: [Self; 4] = [Self::Address, Self::Form, Self::Json, Self::Plain];
}

/// A text with places for values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    Variable(Box<str>),
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    /// Which place in it cannot be read.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or("`{{` without `}}`")?;
            let name = name.trim();
            if !is_name(name) {
                let shown: String = name.chars().take(40).collect();
                return Err(format!("`{{{{{shown}}}}}` is no variable: a name has letters, digits, `_` and `-`"));
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.into()));
            }
            parts.push(Part::Variable(name.into()));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        Ok(Self(parts))
    }

    /// The variables in it.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(&**name),
            Part::Text(_) => None,
        })
    }

    /// Whether its beginning is not known in advance.
    pub(super) fn begins_with_variable(&self) -> bool {
        matches!(self.0.first(), Some(Part::Variable(_)))
    }

    /// The text with `value` in every place.
    pub(super) fn with(&self, value: &str) -> String {
        self.written(Shape::Plain, |_| Some(value)).unwrap_or_default()
    }

    /// The text with the values; `None` if one is not known.
    pub(super) fn expand(&self, values: &Values, shape: Shape) -> Option<String> {
        self.written(shape, |name| values.get(name))
    }

    fn written<'a>(&self, shape: Shape, value_of: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Variable(name) => {
                    let value = value_of(name)?;
                    match shape {
                        // A value at the very beginning is an address itself, such as a link that was extracted.
                        Shape::Address if text.is_empty() => text.push_str(value),
                        Shape::Address | Shape::Form => text.push_str(&encoded(value)),
                        Shape::Json => {
                            let quoted = serde_json::Value::from(value).to_string();
                            text.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
                        }
                        Shape::Plain => text.push_str(value),
                    }
                }
            }
        }
        Some(text)
    }
}

/// Whether a variable may be called so.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !name.is_empty() && name.len() <= 64 && name.chars().all(plain)
}

/// The values of one attempt, and what hides them.
#[derive(Clone, Default)]
pub(super) struct Values {
    known: Vec<(Box<str>, Box<str>)>,
    pub(super) veil: Veil,
}

impl Values {
    /// The value of that name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.known.iter().find(|(known, _)| **known == *name).map(|(_, value)| &**value)
    }

    /// Keeps a value, which hides it from now on.
    pub(super) fn put(&mut self, name: &str, value: &str) {
        self.veil.hide(value, &format!("{{{{{name}}}}}"));
        self.known.retain(|(known, _)| **known != *name);
        self.known.push((name.into(), value.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_change_the_shape_of_what_they_stand_in() {
        let mut values = Values::default();
        values.put("id", "1/../x?y\"\r\n");
        values.put("link", "https://a.test/x?y=1");
        let expand = |text: &str, shape| Template::parse(text).unwrap().expand(&values, shape).unwrap();
        assert_eq!(expand("/orders/{{id}}", Shape::Address), "/orders/1%2F..%2Fx%3Fy%22%0D%0A");
        assert_eq!(
            expand("{{ link }}&z={{link}}", Shape::Address),
            "https://a.test/x?y=1&z=https%3A%2F%2Fa.test%2Fx%3Fy%3D1"
        );
        assert_eq!(expand("{\"id\":\"{{id}}\"}", Shape::Json), "{\"id\":\"1/../x?y\\\"\\r\\n\"}");
        assert_eq!(expand("id={{id}}", Shape::Form), "id=1%2F..%2Fx%3Fy%22%0D%0A");
        assert_eq!(expand("{{id}}", Shape::Plain), "1/../x?y\"\r\n");
        assert_eq!(Template::parse("{{none}}").unwrap().expand(&values, Shape::Plain), None);
    }

    #[test]
    fn places_that_cannot_be_read_are_named() {
        assert_eq!(Template::parse("{{a").unwrap_err(), "`{{` without `}}`");
        assert!(Template::parse("{{a b}}").unwrap_err().starts_with("`{{a b}}` is no variable"));
        assert_eq!(Template::parse("a}}{b}").unwrap().names().count(), 0);
    }
}
