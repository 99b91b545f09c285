//! How no is said: the kind for programs, the sentence for people, in both languages.

use crate::domain::order::{NotOrdered, WhyNot};
use crate::domain::policy::people_length;
use crate::domain::window::Window;
use crate::domain::{Millis, Names, Span};

pub(in crate::domain::engine) type Refused = NotOrdered;

pub(in crate::domain::engine) fn refuse(kind: WhyNot, zh: &str, en: &str) -> Refused {
    NotOrdered { kind, text: Names { zh: zh.to_owned(), en: en.to_owned() }, next_open: None }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(in crate::domain::engine) fn forbidden(why: crate::domain::access::Refusal) -> Refused {
    let text = why.to_string();
    NotOrdered { kind: WhyNot::Forbidden, text: Names { zh: format!("无权限：{text}"), en: text }, next_open: None }
}

pub(super) fn state_refusal(window: &Window, zh: &str, en: &str) -> Refused {
    let (id, state) = (&window.id, window.state.as_str());
    refuse(WhyNot::Conflict, &format!("窗口 {id}（{state}）{zh}"), &format!("the window {id} ({state}) {en}"))
}

pub(super) fn too_long(span: Span, most: Millis) -> Result<(), Refused> {
    if span.len_ms() <= most {
        return Ok(());
    }
    let (length, most) = (people_length(span.len_ms()), people_length(most));
    let en = format!("{length} is longer than the {most} that are possible at most");
    Err(refuse(WhyNot::Senseless, &format!("时长 {length} 超过上限 {most}"), &en))
}
