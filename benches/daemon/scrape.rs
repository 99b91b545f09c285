//! The text of `/metrics`, read just well enough to add series up.

use std::collections::BTreeMap;

/// Series by name and labels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scrape(BTreeMap<(String, String), f64>);

impl Scrape {
    /// Reads the text format; what is not a sample is left out.
    pub(crate) fn parse(text: &str) -> Self {
        let sample = |line: &str| {
            let (series, value) = line.rsplit_once(' ')?;
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            Some(((name.to_owned(), labels.trim_end_matches('}').to_owned()), value.parse().ok()?))
        };
        Self(text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect())
    }

    /// The sum of a family.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        self.sum_where(name, |_| true)
    }

    /// The sum of those series of a family whose labels are wanted.
    pub(crate) fn sum_where(&self, name: &str, wanted: impl Fn(&str) -> bool) -> f64 {
        self.0.iter().filter(|((n, labels), _)| n == name && wanted(labels)).map(|(_, value)| value).sum()
    }

    /// What came on top of a former scrape.
    pub(crate) fn since(&self, former: &Self) -> Self {
        let grown = |(series, value): (&(String, String), &f64)| {
            (series.clone(), value - former.0.get(series).copied().unwrap_or_default())
        };
        Self(self.0.iter().map(grown).collect())
    }

    /// The upper bound of the bucket in which a quantile of a histogram lies.
    pub(crate) fn quantile(&self, name: &str, q: f64) -> f64 {
        let bucket = format!("{name}_bucket");
        let wanted = q * self.sum(&format!("{name}_count"));
        let bound = |labels: &str| labels.split("le=\"").nth(1)?.split('"').next()?.parse::<f64>().ok();
        let buckets = self.0.iter().filter(|((n, _), _)| *n == bucket);
        let reached = buckets.filter(|(_, count)| **count >= wanted).filter_map(|((_, labels), _)| bound(labels));
        reached.fold(f64::INFINITY, f64::min)
    }
}
