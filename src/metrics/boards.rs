//! Dashboards for Grafana, printed as `dashboards/*.json`: what operators look at, over what the daemon exports.
//!
//! A board is data: rows of panels, each with its queries, in two languages. `board` and `panel` turn it into the
//! classic schema, `print` lays the text out. Not here: recorded series (`super::rules::views`). Invariants: one source
//! for both languages; `uid`s are stable; every query can be narrowed to a job and an instance.

mod board;
mod city;
mod itself;
mod look;
mod maintenance;
mod owner;
mod panel;
mod print;
mod promises;
mod query;
mod subsystem;
mod table;

use board::Board;

/// Chinese and English.
type Text = [&'static str; 2];

/// In which language a file is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Zh,
    En,
}

impl Language {
    const ALL: [Self; 2] = [Self::Zh, Self::En];

    fn of(self, text: Text) -> &'static str {
        text[self as usize]
    }

    fn as_str(self) -> &'static str {
        self.of(["zh", "en"])
    }
}

/// In the order in which they are read: from the city down, then the daemon.
fn boards() -> [Board; 6] {
    [city::board(), owner::board(), subsystem::board(), promises::board(), maintenance::board(), itself::board()]
}

/// Every file of `dashboards/`: its name and its text.
pub(crate) fn documents() -> Vec<(String, String)> {
    let files = boards().into_iter().flat_map(|board| {
        Language::ALL.map(|language| {
            let name = format!("{}.{}.json", board.name, language.as_str());
            (name, print::pretty(&board.json(language)))
        })
    });
    files.collect()
}

#[cfg(test)]
mod tests;
