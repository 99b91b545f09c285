//! The demo's play as one table: who fails, how, from which second to which.
//!
//! Not here: how it is shown. Invariants: everybody named here is served around the clock and hangs on nobody with
//! shorter hours, so that the demo behaves alike at any date and hour; nobody acts inside a declared window but its own.

use super::{Act, Behaviour, Script};
use crate::domain::Names;

/// The tier 3 subsystem whose declared windows the overlay adds: price and fee catalogue query.
pub const OVERRUN_SUBSYSTEM: &str = "ndrc/price";

/// The declared windows of [`OVERRUN_SUBSYSTEM`]: seconds after the start, and length in seconds. The work of the first
/// takes 15 s too long; the second ends in time.
pub const WINDOWS: [(u32, u32); 2] = [(10, 15), (200, 30)];

/// Until the end of days.
const FOR_EVER: u32 = u32::MAX;

/// The opening tells the whole story within a minute; its acts are over, but for the certificate, when rounds begin.
pub(super) fn script() -> Script {
    let opening = vec![
        // A certificate that nobody renewed, from the start.
        Act::new("xuhui/portal", 0, FOR_EVER, Behaviour::ExpiringCertificate),
        // An interface that answers, but later than its probe puts up with (2 s), and before the demo's time-out (4 s).
        Act::new("bdc/app-api", 5, 150, Behaviour::Slow(2_500)),
        // A district's channel dies and comes back.
        Act::new("huangpu/portal", 8, 40, Behaviour::Refuse),
        // The declared window: its work begins inside [10, 25) and ends 15 s after the approved end.
        Act::new(OVERRUN_SUBSYSTEM, 12, 41, declared()),
        // A bureau takes its service down and tells nobody.
        Act::new("market/complaints", 12, 55, undeclared()),
        // The shared platform dies …
        Act::new("bdc/unified-acceptance", 15, 45, Behaviour::Status(502)),
        // … and some of those behind it go with it, a moment later, and come back a moment later.
        Act::new("hongkou/portal", 18, 46, Behaviour::Status(504)),
        Act::new("yangpu/portal", 18, 47, Behaviour::Status(504)),
        Act::new("putuo/portal", 19, 47, Behaviour::Status(502)),
        Act::new("bdc/theme-citizen", 19, 46, Behaviour::Status(502)),
        Act::new("bdc/haochaping", 20, 48, Behaviour::Status(502)),
        // All is well, says the status line, and the page is empty.
        Act::new("health/health-record", 20, 50, Behaviour::Blank),
        // The second window: the work is done well before its end.
        Act::new(OVERRUN_SUBSYSTEM, 204, 215, declared()),
    ];
    Script { opening, refrain: refrain(), refrain_from_s: 180, period_s: 360 }
}

/// Two variations of three minutes each, over and over.
fn refrain() -> Vec<Act> {
    vec![
        // First variation: a hanging tier 1 channel, a blank citizen page, identity failing with a few behind it.
        Act::new("pudong/portal", 10, 45, Behaviour::Hang),
        Act::new("bdc/citizen-page", 55, 80, Behaviour::Blank),
        Act::new("justice/legal-aid", 60, 110, undeclared()),
        Act::new("bdc/app-api", 70, 160, Behaviour::Slow(2_500)),
        Act::new("bdc/identity", 100, 130, Behaviour::Status(500)),
        Act::new("jingan/portal", 103, 131, Behaviour::Status(500)),
        Act::new("minhang/portal", 104, 132, Behaviour::Status(500)),
        // Second variation: the opening's troubles, elsewhere.
        Act::new("baoshan/portal", 190, 222, Behaviour::Refuse),
        Act::new("civil-affairs/elderly-card", 200, 240, undeclared()),
        Act::new("ecology/air-quality", 205, 235, Behaviour::Blank),
        Act::new("bdc/portal-home", 210, 330, Behaviour::Slow(3_400)),
        Act::new("bdc/unified-acceptance", 250, 280, Behaviour::Refuse),
        Act::new("fengxian/portal", 253, 281, Behaviour::Status(504)),
        Act::new("chongming/portal", 253, 282, Behaviour::Status(504)),
        Act::new("bdc/theme-enterprise", 254, 282, Behaviour::Status(502)),
    ]
}

fn declared() -> Behaviour {
    Behaviour::Maintenance {
        retry_after_s: 60,
        notice: Names {
            zh: "价格与收费目录查询正在按公告升级维护，期间暂停查询；完成后即恢复，给您带来不便，敬请谅解。".into(),
            en: "The price and fee catalogue is being upgraded as announced; queries are paused until it is done."
                .into(),
        },
    }
}

fn undeclared() -> Behaviour {
    Behaviour::Maintenance {
        retry_after_s: 3_600,
        notice: Names {
            zh: "系统维护中，请稍后再试。".into(),
            en: "Under maintenance, please try again later.".into(),
        },
    }
}
