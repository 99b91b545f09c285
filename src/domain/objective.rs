//! Promises about availability: what each level says, and what holds for one subsystem or composite, field by field.
//!
//! Not here: figures (`sla`) and how it is written (`config`). Invariants: the nearest level that says a field decides
//! it alone; a promise knows of each field which level that was, and where it is written.

use super::hours::Hours;
use super::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Exclusions of a civil month where nobody says otherwise.
pub const EXCLUSION_CAP_MS: Millis = 8 * HOUR;

/// A promise as it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objective {
    /// `public-7x24`; with `@` and the nearest owner, kind of owner or subsystem that says something else than the
    /// objective of that name.
    pub id: ObjectiveId,
    /// Parts per million of eligible time: 99.9 % is 999 000.
    pub target_ppm: u32,
    /// The period that the promise is about.
    pub period: ObjectivePeriod,
    /// Which figure was agreed.
    pub figure: Figure,
    /// Hours of the promise; the declared ones when absent.
    pub hours: Option<Hours>,
    /// At most this much maintenance is excluded in a civil month.
    pub exclusion_cap_ms: Millis,
    /// What wakes somebody.
    pub pages: Pages,
    /// Whose word each field is.
    pub origins: Origins,
    /// Where the target was written.
    pub source: Source,
}

/// The period of a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectivePeriod {
    /// Monday to Sunday.
    Week,
    /// Civil month.
    Month,
    /// Three civil months.
    Quarter,
    /// Civil year.
    Year,
    /// The last 7 × 24 hours.
    #[serde(rename = "rolling_7d")]
    Rolling7d,
    /// The last 30 × 24 hours.
    #[serde(rename = "rolling_30d")]
    Rolling30d,
}

/// Which of the two figures a promise is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Figure {
    /// Maintenance as the probes saw it.
    Public,
    /// Approved, announced maintenance left out.
    Contract,
}

/// Which signs of a budget at risk wake somebody; those that do not are tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pages {
    /// The pair 1 h / 5 m.
    pub fast_burn: bool,
    /// The pair 6 h / 30 m.
    pub slow_burn: bool,
    /// Confirmed down for 60 s, where that is asked for.
    pub confirmed_down: bool,
}

impl Default for Pages {
    fn default() -> Self {
        Self { fast_burn: true, slow_burn: true, confirmed_down: true }
    }
}

impl Pages {
    /// The words of the files, in the order of urgency.
    pub const WORDS: [&str; 3] = ["fast_burn", "slow_burn", "confirmed_down"];

    /// Those that are named.
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut pages = Self { fast_burn: false, slow_burn: false, confirmed_down: false };
        for word in words {
            match word {
                "fast_burn" => pages.fast_burn = true,
                "slow_burn" => pages.slow_burn = true,
                _ => pages.confirmed_down = true,
            }
        }
        pages
    }

    /// Their words.
    pub fn words(self) -> Vec<&'static str> {
        let is = [self.fast_burn, self.slow_burn, self.confirmed_down];
        Self::WORDS.into_iter().zip(is).filter_map(|(word, is)| is.then_some(word)).collect()
    }
}

/// Who says a field, from the nearest to the farthest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The subsystem's own entry.
    Subsystem,
    /// The objective that it names.
    Objective,
    /// Its owner's entry.
    Owner,
    /// That of its kind of owner.
    Kind,
    /// That of the platform, which holds for all.
    Platform,
    /// Nobody: it is so unless somebody says otherwise.
    Default,
}

impl Level {
    /// The JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subsystem => "subsystem",
            Self::Objective => "objective",
            Self::Owner => "owner",
            Self::Kind => "kind",
            Self::Platform => "platform",
            Self::Default => "default",
        }
    }
}

/// Whose word a field is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The field's key in the file.
    pub field: &'static str,
    /// Who says it.
    pub level: Level,
    /// Where; nowhere for a default.
    pub source: Option<Source>,
}

/// Of every field, in the order of the file.
pub type Origins = Vec<Origin>;

/// A value, and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said<T> {
    /// What.
    pub value: T,
    /// Where.
    pub source: Source,
}

/// What one level says; what it leaves out is for levels farther away to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Parts per million.
    pub target_ppm: Option<Said<u32>>,
    /// See [`Objective::period`].
    pub period: Option<Said<ObjectivePeriod>>,
    /// See [`Objective::figure`].
    pub figure: Option<Said<Figure>>,
    /// See [`Objective::hours`].
    pub hours: Option<Said<Hours>>,
    /// See [`Objective::exclusion_cap_ms`].
    pub exclusion_cap_ms: Option<Said<Millis>>,
    /// See [`Objective::pages`].
    pub pages: Option<Said<Pages>>,
}

/// What holds where these levels speak, the nearest first; `None` if nobody says a target.
pub fn resolve(id: ObjectiveId, levels: &[(Level, &Terms)]) -> Option<Objective> {
    let mut origins = Origins::new();
    let target = nearest("target", levels, |t| t.target_ppm.as_ref(), &mut origins)?;
    let source = origins.first().and_then(|origin| origin.source.clone())?;
    Some(Objective {
        id,
        target_ppm: target,
        period: nearest("period", levels, |t| t.period.as_ref(), &mut origins).unwrap_or(ObjectivePeriod::Month),
        figure: nearest("figure", levels, |t| t.figure.as_ref(), &mut origins).unwrap_or(Figure::Public),
        hours: nearest("hours", levels, |t| t.hours.as_ref(), &mut origins),
        exclusion_cap_ms: nearest("exclusion_cap", levels, |t| t.exclusion_cap_ms.as_ref(), &mut origins)
            .unwrap_or(EXCLUSION_CAP_MS),
        pages: nearest("pages", levels, |t| t.pages.as_ref(), &mut origins).unwrap_or_default(),
        origins,
        source,
    })
}

fn nearest<T: Clone>(
    field: &'static str,
    levels: &[(Level, &Terms)],
    get: impl Fn(&Terms) -> Option<&Said<T>>,
    origins: &mut Origins,
) -> Option<T> {
    let said = levels.iter().find_map(|(level, terms)| Some((*level, get(terms)?)));
    let (level, source) = said.map_or((Level::Default, None), |(level, said)| (level, Some(said.source.clone())));
    origins.push(Origin { field, level, source });
    said.map(|(_, said)| said.value.clone())
}

/// Every promise that holds, each once, by its id.
#[derive(Debug, Default)]
pub struct Promises(BTreeMap<ObjectiveId, Objective>);

impl Promises {
    /// Takes a promise under the name of its objective, or, where a nearer or farther level than that says something
    /// else, under that name and `who` says it. `alone` is who it is about, if both are taken.
    pub fn take(&mut self, mut promise: Objective, who: Option<&str>, alone: &str) -> ObjectiveId {
        let name = promise.id.clone();
        let wanted = who.map_or_else(|| name.clone(), |who| ObjectiveId::new(format!("{name}@{who}")));
        for id in [wanted, ObjectiveId::new(format!("{name}@{alone}"))] {
            promise.id = id.clone();
            match self.0.get(&id) {
                Some(taken) if *taken != promise => {}
                Some(_) => return id,
                None => {
                    self.0.insert(id.clone(), promise);
                    return id;
                }
            }
        }
        promise.id
    }

    /// By id.
    pub fn into_map(self) -> BTreeMap<ObjectiveId, Objective> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said<T>(value: T, line: u32) -> Option<Said<T>> {
        Some(Said { value, source: Source { file: "objectives.yaml".into(), line } })
    }

    #[test]
    fn nearest_level_that_says_a_field_decides_it_and_is_remembered() {
        let named = Terms { target_ppm: said(999_500, 9), ..Terms::default() };
        let kind =
            Terms { target_ppm: said(990_000, 4), period: said(ObjectivePeriod::Rolling30d, 4), ..Terms::default() };
        let platform = Terms {
            period: said(ObjectivePeriod::Week, 2),
            figure: said(Figure::Contract, 3),
            pages: said(Pages::of(["slow_burn"]), 3),
            ..Terms::default()
        };
        let levels = [(Level::Objective, &named), (Level::Kind, &kind), (Level::Platform, &platform)];
        let promise = resolve("core".into(), &levels).unwrap();
        assert_eq!((promise.target_ppm, promise.period), (999_500, ObjectivePeriod::Rolling30d));
        assert_eq!((promise.figure, promise.exclusion_cap_ms), (Figure::Contract, EXCLUSION_CAP_MS));
        assert_eq!(promise.pages.words(), ["slow_burn"]);
        let origin = |o: &Origin| (o.field, o.level, o.source.as_ref().map_or(0, |s| s.line));
        assert_eq!(
            promise.origins.iter().map(origin).collect::<Vec<_>>(),
            [
                ("target", Level::Objective, 9),
                ("period", Level::Kind, 4),
                ("figure", Level::Platform, 3),
                ("hours", Level::Default, 0),
                ("exclusion_cap", Level::Default, 0),
                ("pages", Level::Platform, 3),
            ]
        );
        assert_eq!(promise.source.line, 9);
        assert_eq!(resolve("none".into(), &levels[2..]), None);
    }

    #[test]
    fn promises_that_differ_never_share_an_id() {
        let terms = |ppm| Terms { target_ppm: said(ppm, 1), ..Terms::default() };
        let promise = |ppm| resolve("core".into(), &[(Level::Objective, &terms(ppm))]).unwrap();
        let mut promises = Promises::default();
        assert_eq!(promises.take(promise(1), None, "a/a").as_str(), "core");
        assert_eq!(promises.take(promise(1), None, "b/b").as_str(), "core");
        assert_eq!(promises.take(promise(2), Some("bdc"), "c/c").as_str(), "core@bdc");
        assert_eq!(promises.take(promise(3), Some("bdc"), "d/d").as_str(), "core@d/d");
        let ids: Vec<_> = promises.into_map().into_keys().collect();
        assert_eq!(ids, ["core".into(), "core@bdc".into(), ObjectiveId::from("core@d/d")]);
    }
}
