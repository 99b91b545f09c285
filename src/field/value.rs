//! What comes out of decoding: typed values that keep their places.
//!
//! Not here: how they are read (`decode`). Invariant: a record that is complete has every required and every defaulted
//! field of its table; kinds are built from complete records only.

use super::{Field, Place, Type};
use crate::domain::Names;
use crate::domain::hours::Hours;
use crate::domain::policy::{DateOrYearly, DayPart};
use jiff::civil::{Date, DateTime, Time};
use sha2::{Digest, Sha256};

/// Something and where it was written.
#[derive(Clone, Debug)]
pub struct Spanned<T> {
    /// The thing.
    pub value: T,
    /// Where it stands; for a default, where its record stands.
    pub at: Place,
}

/// A decoded value; `spec::Type` says which one comes of which type.
#[derive(Clone, Debug)]
pub enum Value {
    /// A text.
    Text(String),
    /// A truth value.
    Bool(bool),
    /// A number, milliseconds, or parts per million.
    Int(i64),
    /// An absolute address.
    Url(reqwest::Url),
    /// A pattern.
    Regex(regex::Regex),
    /// A text in both languages.
    Names(Names),
    /// A civil date.
    Date(Date),
    /// A civil date, or one of every year.
    DateOrYearly(DateOrYearly),
    /// A civil time of day.
    Time(Time),
    /// A civil date and time.
    DateTime(DateTime),
    /// Service hours.
    Hours(Hours),
    /// A part of a day.
    DayPart(DayPart),
    /// Several.
    List(Vec<Spanned<Value>>),
    /// Several under free keys.
    Map(Vec<(Spanned<String>, Spanned<Value>)>),
    /// A record.
    Record(Record),
    /// The one key that was written, and what stands behind it.
    Variant(&'static str, Box<Spanned<Value>>),
}

impl Value {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(t) => Some(t),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(*n),
            _ => None,
        }
    }

    /// The record, if it is one.
    pub fn as_record(&self) -> Option<&Record> {
        match self {
            Self::Record(r) => Some(r),
            _ => None,
        }
    }
}

/// A decoded record.
#[derive(Clone, Debug)]
pub struct Record {
    /// Where it stands.
    pub at: Place,
    /// Its table.
    pub fields: &'static [Field],
    /// False if anything in it could not be read; what could be read is here all the same.
    pub complete: bool,
    pub(super) values: Vec<(&'static str, Place, Spanned<Value>)>,
}

impl Record {
    fn find(&self, name: &str) -> Option<&(&'static str, Place, Spanned<Value>)> {
        debug_assert!(self.fields.iter().any(|f| f.name == name), "no field {name} in this table");
        self.values.iter().find(|(n, ..)| *n == name)
    }

    /// The value, with its place; `None` if it was left out and has no default.
    pub fn get(&self, name: &str) -> Option<&Spanned<Value>> {
        self.find(name).map(|(.., v)| v)
    }

    /// Whether it is there.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Where the value stands, or the record if it was left out.
    pub fn at(&self, name: &str) -> &Place {
        self.find(name).map_or(&self.at, |(.., v)| &v.at)
    }

    /// Where the key stands, or the record if it was left out.
    pub fn key_at(&self, name: &str) -> &Place {
        self.find(name).map_or(&self.at, |(_, key_at, _)| key_at)
    }

    /// A text (also of `Choice`, `Id`, `Host`, …) that may be absent.
    pub fn opt_text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|v| v.value.as_text())
    }

    /// A text that is required or has a default; empty if it is not there after all.
    pub fn text(&self, name: &str) -> &str {
        self.opt_text(name).unwrap_or_default()
    }

    /// A number, milliseconds or parts per million that may be absent.
    pub fn opt_int(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(|v| v.value.as_int())
    }

    /// A number, milliseconds or parts per million that is required or has a default; 0 if it is not there after all.
    pub fn int(&self, name: &str) -> i64 {
        self.opt_int(name).unwrap_or_default()
    }

    /// A duration for tokio; zero if it is not there.
    pub fn duration(&self, name: &str) -> std::time::Duration {
        std::time::Duration::from_millis(u64::try_from(self.int(name)).unwrap_or_default())
    }

    /// A truth value; false if it is not there.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Spanned { value: Value::Bool(true), .. }))
    }

    /// An address.
    pub fn url(&self, name: &str) -> Option<&reqwest::Url> {
        match self.get(name) {
            Some(Spanned { value: Value::Url(url), .. }) => Some(url),
            _ => None,
        }
    }

    /// A pattern.
    pub fn regex(&self, name: &str) -> Option<&regex::Regex> {
        match self.get(name) {
            Some(Spanned { value: Value::Regex(regex), .. }) => Some(regex),
            _ => None,
        }
    }

    /// A text in both languages.
    pub fn names(&self, name: &str) -> Option<&Names> {
        match self.get(name) {
            Some(Spanned { value: Value::Names(names), .. }) => Some(names),
            _ => None,
        }
    }

    /// The members of a list; empty if it is not there.
    pub fn list(&self, name: &str) -> &[Spanned<Value>] {
        match self.get(name) {
            Some(Spanned { value: Value::List(items), .. }) => items,
            _ => &[],
        }
    }

    /// The texts of a list, with their places.
    pub fn texts<'a>(&'a self, name: &str) -> impl Iterator<Item = (&'a str, &'a Place)> {
        self.list(name).iter().filter_map(|v| v.value.as_text().map(|t| (t, &v.at)))
    }

    /// The records of a list.
    pub fn records<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Record> {
        self.list(name).iter().filter_map(|v| v.value.as_record())
    }

    /// The pairs of a map; empty if it is not there.
    pub fn map(&self, name: &str) -> &[(Spanned<String>, Spanned<Value>)] {
        match self.get(name) {
            Some(Spanned { value: Value::Map(pairs), .. }) => pairs,
            _ => &[],
        }
    }

    /// A record inside this one.
    pub fn record(&self, name: &str) -> Option<&Record> {
        self.get(name).and_then(|v| v.value.as_record())
    }

    /// The one key of a `OneKey` field, and what stands behind it.
    pub fn variant(&self, name: &str) -> Option<(&'static str, &Spanned<Value>)> {
        match self.get(name) {
            Some(Spanned { value: Value::Variant(key, value), .. }) => Some((key, value)),
            _ => None,
        }
    }

    /// The meaning as text, without places: equal for records that mean the same. Secrets are hashed.
    pub fn canonical(&self) -> String {
        let field = |f: &Field| Some(format!("{}: {}", f.name, canonical(&self.get(f.name)?.value, &f.ty)));
        format!("{{{}}}", self.fields.iter().filter_map(field).collect::<Vec<_>>().join(", "))
    }
}

fn canonical(value: &Value, ty: &Type) -> String {
    let list = |items: Vec<String>| items.join(", ");
    match (value, ty) {
        (Value::Text(text), Type::Secret) => {
            let digest = Sha256::digest(text);
            format!("secret {:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3])
        }
        (Value::List(items), Type::List { of, .. } | Type::OneOrMany(of)) => {
            format!("[{}]", list(items.iter().map(|i| canonical(&i.value, of)).collect()))
        }
        (Value::Map(pairs), Type::Map(of)) => {
            format!(
                "{{{}}}",
                list(pairs.iter().map(|(k, v)| format!("{}: {}", k.value, canonical(&v.value, of))).collect())
            )
        }
        (Value::Record(record), _) => record.canonical(),
        (Value::Variant(key, value), Type::OneKey(fields)) => {
            let ty = fields.iter().find(|f| f.name == *key).map_or(&Type::TEXT, |f| &f.ty);
            format!("{key} {}", canonical(&value.value, ty))
        }
        (Value::Text(text), _) => text.clone(),
        (Value::Int(n), _) => n.to_string(),
        (Value::Bool(b), _) => b.to_string(),
        (Value::Url(url), _) => url.to_string(),
        (Value::Regex(regex), _) => regex.to_string(),
        (Value::List(items), _) => {
            format!("[{}]", list(items.iter().map(|i| canonical(&i.value, &Type::TEXT)).collect()))
        }
        (Value::Variant(key, value), _) => format!("{key} {}", canonical(&value.value, &Type::TEXT)),
        (other, _) => format!("{other:?}"),
    }
}
