//! Notices as other channels show them: `/api/v1/notices` for programs, `/notices.html` as a fragment for portals.
//!
//! Not here: mails (`notify::render`) and whose fetch makes a window known (`channel`). Invariants: every text comes from the same fields, fits its
//! channel, ends with a whole sentence, and says always what and when; the fragment has neither scripts nor styles.

use super::access::Asker;
use super::channel::Fetcher;
use super::dto::{Rfc3339, at};
use super::language::Reads;
use super::problem::Problem;
use super::state::WebState;
use super::text::Texts;
use crate::domain::window::WindowState;
use crate::domain::*;
use crate::web::extract::Query;
use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Windows in one answer.
const NOTICES_MAX: usize = 200;
/// How far ahead notices are shown.
pub(super) const AHEAD: Millis = 62 * DAY;
/// Names that a text lists.
const NAMES_MAX: usize = 5;

/// Where a notice is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Channel {
    name: &'static str,
    /// Characters that it can show.
    max_chars: usize,
    /// Words in front of what is read aloud: zh, en.
    greeting: [&'static str; 2],
}

impl Channel {
    /// A screen of a telephone.
    pub(super) const APP: Self = Self { name: "app", max_chars: 300, greeting: ["", ""] };
}

/// Every channel.
const CHANNELS: [Channel; 5] = [
    Channel { name: "portal", max_chars: 1_000, greeting: ["", ""] },
    Channel::APP,
    Channel { name: "mini_programs", max_chars: 200, greeting: ["", ""] },
    Channel { name: "kiosks", max_chars: 160, greeting: ["", ""] },
    Channel { name: "hotline", max_chars: 500, greeting: ["您好。", "Hello. "] },
];

/// What is asked for.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Wanted {
    /// Only what belongs to this owner.
    owner: Option<String>,
    /// Only the words for this channel: `portal`, `app`, `mini_programs`, `kiosks` or `hotline`.
    channel: Option<String>,
}

impl Wanted {
    fn channels(&self) -> Result<Vec<Channel>, Problem> {
        let Some(name) = &self.channel else { return Ok(CHANNELS.to_vec()) };
        let found: Vec<Channel> = CHANNELS.into_iter().filter(|c| c.name == name).collect();
        let known = CHANNELS.map(|c| c.name).join(", ");
        if found.is_empty() {
            return Err(Problem::bad_request(format!("no channel is called {name:?}; there are {known}")));
        }
        Ok(found)
    }

    /// What is shown to everybody, and to a channel also what becomes known by that.
    fn windows<'a>(
        &self,
        now: Timestamp,
        snapshot: &'a Snapshot,
        fetcher: Option<&Fetcher>,
    ) -> Result<Vec<&'a WindowView>, Problem> {
        if let Some(owner) = &self.owner {
            let known = snapshot.inventory.owners.contains_key(&OwnerId::new(owner.as_str()));
            if !known {
                return Err(Problem::not_found(format!("no owner is called {owner:?}; leave it out for all of them")));
            }
        }
        let of = |w: &&WindowView| self.owner.as_ref().is_none_or(|o| w.owner.as_str() == o);
        let near = |w: &&WindowView| w.span.start < now + AHEAD && (w.span.end > now || w.state.is_running());
        let known = |w: &&WindowView| {
            let cancelled = w.state == WindowState::Cancelled && w.version > 1;
            let told = w.state.is_running() || (w.announced.is_some() && !w.state.is_terminal());
            cancelled || told || fetcher.is_some_and(|f| f.makes_known(w))
        };
        Ok(snapshot.windows.iter().filter(of).filter(near).filter(known).take(NOTICES_MAX).collect())
    }
}

/// What the channels say of one window.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct NoticeDto {
    window: String,
    owner: String,
    version: u32,
    #[schemars(extend("enum" = WindowState::ALL.map(WindowState::as_str)))]
    state: &'static str,
    start: Rfc3339,
    end: Rfc3339,
    emergency: bool,
    channels: Vec<TextDto>,
}

/// The words of one channel.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ChannelText")]
struct TextDto {
    channel: &'static str,
    max_chars: usize,
    text: Names,
}

/// `GET /api/v1/notices?owner=&channel=`.
pub(super) async fn json(
    asker: Asker,
    State(state): State<WebState>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<NoticeDto>>, Problem> {
    let (now, snapshot) = (state.now(), state.picture());
    let channels = wanted.channels()?;
    let notice = |w: &&WindowView| NoticeDto {
        window: w.id.to_string(),
        owner: w.owner.to_string(),
        version: w.version,
        state: w.state.as_str(),
        start: at(w.span.start),
        end: at(w.span.end),
        emergency: w.emergency.is_some(),
        channels: channels
            .iter()
            .map(|c| TextDto {
                channel: c.name,
                max_chars: c.max_chars,
                text: Names { zh: text(*c, &snapshot, w, Language::Zh), en: text(*c, &snapshot, w, Language::En) },
            })
            .collect(),
    };
    let fetcher = Fetcher::of(&asker);
    let windows = wanted.windows(now, &snapshot, fetcher.as_ref())?;
    let notices = windows.iter().map(notice).collect();
    if let Some(fetcher) = fetcher {
        fetcher.got(&state, windows);
    }
    Ok(Json(notices))
}

#[derive(Template)]
#[template(path = "web/templates/notices.html")]
struct Fragment {
    lang: &'static str,
    title: &'static str,
    none: &'static str,
    notices: Vec<Shown>,
}

struct Shown {
    id: String,
    title: String,
    state: &'static str,
    start: String,
    sentences: Vec<String>,
}

/// `GET /notices.html?lang=&owner=`.
pub(super) async fn fragment(
    asker: Asker,
    reads: Reads,
    State(state): State<WebState>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let (now, snapshot, t) = (state.now(), state.picture(), Texts::of(reads.language));
    let shown = |w: &&WindowView| Shown {
        id: format!("notice-{}", w.id),
        title: w.name.get(reads.language).to_owned(),
        state: t.window_state(w.state),
        start: w.span.start.to_string(),
        sentences: sentences(&snapshot, w, reads.language),
    };
    let fetcher = Fetcher::of(&asker);
    let windows = wanted.windows(now, &snapshot, fetcher.as_ref())?;
    let notices = windows.iter().map(shown).collect();
    if let Some(fetcher) = fetcher {
        fetcher.got(&state, windows);
    }
    let fragment = Fragment { lang: t.code, title: t.maintenance, none: t.no_windows, notices };
    // Writing into memory cannot fail.
    let text = fragment.render().unwrap_or_default();
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response())
}

/// The sentences that fit a channel; the first, with what and when, is always said.
pub(super) fn text(channel: Channel, snapshot: &Snapshot, window: &WindowView, language: Language) -> String {
    let (greeting, gap) = match language {
        Language::Zh => (channel.greeting[0], ""),
        Language::En => (channel.greeting[1], " "),
    };
    let mut text = greeting.to_owned();
    for (n, sentence) in sentences(snapshot, window, language).iter().enumerate() {
        let gap = if n == 0 { "" } else { gap };
        let fits = text.chars().count() + gap.len() + sentence.chars().count() <= channel.max_chars;
        if n == 0 || fits {
            text.push_str(gap);
            text.push_str(sentence);
        }
    }
    text
}

/// What people must know, the most important first.
fn sentences(snapshot: &Snapshot, window: &WindowView, language: Language) -> Vec<String> {
    let inventory = &snapshot.inventory;
    let owner = inventory.owners.get(&window.owner).map_or(window.owner.as_str(), |o| o.name.get(language));
    let names = |ids: &[&SubsystemId]| -> String {
        let named = ids.iter().filter_map(|id| inventory.subsystems.get(*id)).take(NAMES_MAX);
        named.map(|s| s.name.get(language)).collect::<Vec<_>>().join(pick(language, "、", ", "))
    };
    let when = when(snapshot, window.span, language);
    let name = window.name.get(language);
    let first = match (window.state, window.emergency.is_some(), language) {
        (WindowState::Cancelled, _, Language::Zh) => format!("{owner}原定于{when}的维护（{name}）取消，服务照常。"),
        (WindowState::Cancelled, _, Language::En) => {
            format!("{owner}: the maintenance on {when} ({name}) is called off; the service goes on as usual.")
        }
        (state, _, _) if state.is_running() => under_way(snapshot, window, owner, language),
        (_, true, Language::Zh) => format!("{owner}将于{when}进行紧急维护（{name}）。"),
        (_, true, Language::En) => format!("{owner}: emergency maintenance ({name}), {when}."),
        (_, _, Language::Zh) => format!("{owner}将于{when}进行维护（{name}）。"),
        (_, _, Language::En) => format!("{owner}: maintenance ({name}), {when}."),
    };
    if window.state == WindowState::Cancelled {
        return vec![first];
    }
    let scope: Vec<&SubsystemId> = window.scope.iter().collect();
    let own = inventory.subsystems.values().filter(|s| s.id.owner() == window.owner && !window.scope.contains(&s.id));
    let free = own.filter(|s| !s.depends_on.iter().flat_map(Dependency::members).any(|on| window.scope.contains(on)));
    let going_on: Vec<&SubsystemId> = free.filter(|s| s.public).map(|s| &s.id).collect();
    let mut all = vec![first];
    all.push(match language {
        Language::Zh => format!("期间暂停：{}。", names(&scope)),
        Language::En => format!("Not available meanwhile: {}.", names(&scope)),
    });
    all.push(pick(language, "如有变化将另行公告。", "Changes will be announced.").to_owned());
    if !going_on.is_empty() {
        all.push(match language {
            Language::Zh => format!("照常服务：{}。", names(&going_on)),
            Language::En => format!("Goes on working: {}.", names(&going_on)),
        });
    }
    all.extend(window.notice.as_ref().map(|n| n.get(language).to_owned()));
    all.push(pick(language, "咨询请拨打 12345。", "Questions: hotline 12345.").to_owned());
    all.push(pick(language, "给您带来不便，敬请谅解。", "We are sorry for the trouble.").to_owned());
    all
}

/// What is said of a window that has begun and is not over.
fn under_way(snapshot: &Snapshot, window: &WindowView, owner: &str, language: Language) -> String {
    let (name, end) = (window.name.get(language), day(snapshot.inventory.zone.local(window.span.end), language));
    let urgent = match (window.emergency.is_some(), language) {
        (false, _) => "",
        (true, Language::Zh) => "紧急",
        (true, Language::En) => "emergency ",
    };
    let late = window.state.is_late() || window.span.end <= snapshot.at;
    match (late, language) {
        (false, Language::Zh) => format!("{owner}正在进行{urgent}维护（{name}），预计{end}结束。"),
        (false, Language::En) => format!("{owner}: {urgent}maintenance ({name}) is under way until {end}."),
        (true, Language::Zh) => format!("{owner}的{urgent}维护（{name}）原定{end}结束，目前仍在进行。"),
        (true, Language::En) => {
            format!("{owner}: {urgent}maintenance ({name}) was to end on {end} and is still under way.")
        }
    }
}

fn when(snapshot: &Snapshot, span: Span, language: Language) -> String {
    let zone = &snapshot.inventory.zone;
    let (from, to) = (zone.local(span.start), zone.local(span.end));
    let until = if from.date() == to.date() { to.strftime("%H:%M").to_string() } else { day(to, language) };
    match language {
        Language::Zh => format!("{}至{until}", day(from, language)),
        Language::En => format!("{} to {until}", day(from, language)),
    }
}

fn day(at: jiff::civil::DateTime, language: Language) -> String {
    match language {
        Language::Zh => {
            let weekday = ["一", "二", "三", "四", "五", "六", "日"];
            let n = usize::try_from(at.weekday().to_monday_zero_offset()).unwrap_or_default();
            format!("{}月{}日（星期{}）{}", at.month(), at.day(), weekday[n % 7], at.strftime("%H:%M"))
        }
        Language::En => at.strftime("%a %-d %b %Y %H:%M").to_string(),
    }
}

fn pick(language: Language, zh: &'static str, en: &'static str) -> &'static str {
    match language {
        Language::Zh => zh,
        Language::En => en,
    }
}
