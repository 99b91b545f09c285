//! The table of `gengfu.yaml`.

use super::things;
use crate::field::{Field, Type};
use crate::notify::channel;
use crate::probe::{KINDS, WITNESSES_MAX, WITNESSES_MIN};
use std::sync::OnceLock;

const MILLISECOND: i64 = 1;
const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

const STORE: &[Field] = &[
    Field::with_default("path", Type::TEXT, "var/gengfu.db", "The store's file, relative to this file."),
    Field::with_default(
        "retain",
        Type::Duration { min_ms: 184 * DAY, max_ms: 36_525 * DAY },
        "1095d",
        "How long facts are kept.",
    ),
    Field::with_default(
        "retain_audit",
        Type::Duration { min_ms: 184 * DAY, max_ms: 36_525 * DAY },
        "1095d",
        "How long the audit log is kept, at least half a year.",
    ),
];

const DIRECTORIES: &[Field] = &[
    Field::with_default("probes", Type::TEXT, "probes", "Where owners' files lie, relative to this file."),
    Field::with_default("schedules", Type::TEXT, "schedules", "Where calendars, policies and windows lie."),
];

const CONNECT_TO: &[Field] = &[
    Field::required("host", Type::TEXT, "A name, or `*.` and a suffix."),
    Field::required("network", Type::TEXT, "Each name gets an address in this IPv4 network: `127.64.0.0/10`."),
    Field::with_default("port_offset", Type::Int { min: 0, max: 65_534 }, "0", "Added to every port."),
];

const ALLOW_DOC: &str = "Networks such as `127.0.0.0/8` or `::1/128` that probes may reach although they are this machine's \
                         own, link-local, of a cloud's metadata or of a group; without it none of them may.";

const NETWORK: &[Field] = &[
    Field::optional("connect_to", things(&Type::Record(CONNECT_TO)), "Other addresses for some names; first match."),
    Field::optional("allow", Type::list(&Type::TEXT), ALLOW_DOC),
    Field::optional("ca", Type::list(&Type::TEXT), "Files of roots that are trusted besides the system's."),
];

const PER_HOST_DOC: &str = "Most attempts at the same time that ask one host, by the name that each asks first; others \
                            wait for their turn. Journeys, commands and heartbeats are not counted.";

const USER_AGENT_DOC: &str =
    "Who `http` probes say they are, unless their headers say it; else `gengfu/VERSION (+public_url)`.";

const TRACE_BYTES_DOC: &str = "Bytes of memory for the attempts of all probes that pages and API show: of each probe the last \
                               ten and the last ten bad ones; when they are short, good ones go first.";

const PROBING: &[Field] = &[
    Field::with_default(
        "concurrency",
        Type::Int { min: 1, max: 100_000 },
        "2000",
        "Most attempts that run at the same time.",
    ),
    Field::with_default("per_host", Type::Int { min: 1, max: 1_000 }, "8", PER_HOST_DOC),
    Field::with_default("trace_bytes", Type::Int { min: 0, max: 1 << 40 }, "67108864", TRACE_BYTES_DOC),
    Field::optional("user_agent", Type::Text { max: 200 }, USER_AGENT_DOC),
    Field::optional("maintenance_text", Type::TEXT, "What a maintenance page says, for `http` probes that name none."),
];

const PROBE: &[Field] = &[
    Field::optional(
        "allow",
        Type::list(&Type::TEXT),
        "Whom `/probe` may ask: hosts, `*.suffix`, networks, each with or without a port; else whom the probes ask.",
    ),
    Field::optional(
        "modules",
        Type::list(&Type::TEXT),
        "Files of modules, ours or an unchanged blackbox.yml; else probes/modules.yaml, if it is there.",
    ),
];

const FROM: &[Field] = &[
    Field::with_default("name", Type::TEXT, "更夫", "The sender's name."),
    Field::required("mail", Type::Mail, "The sender's address."),
];

const RELAY: &[Field] = &[
    Field::required("host", Type::Host, "The relay."),
    Field::with_default("port", Type::PORT, "25", "Its port."),
    Field::with_default(
        "tls",
        Type::Choice(&["none", "starttls", "implicit"]),
        "starttls",
        "`implicit` is TLS from the first byte, usually on port 465.",
    ),
    Field::optional("user", Type::TEXT, "For AUTH."),
    Field::optional("password", Type::Secret, "For AUTH: `${NAME}` or `file:/path`."),
    Field::optional("ca", Type::TEXT, "A file of roots for this relay, besides the system's."),
];

const PER_HOUR_DOC: &str = "Mails to one recipient in an hour; beyond it news of incidents and plans share one mail, at \
                            most one a minute if somebody must act, else one in ten.";

const CANARY: &[Field] = &[
    Field::required("to", Type::Mail, "An address whose receipt an outside system watches."),
    Field::with_default("at", Type::Time, "07:00", "When, in civil time."),
];

const MAIL: &[Field] = &[
    Field::required("from", Type::Record(FROM), "Who writes."),
    Field::required("domain", Type::Host, "The right side of every Message-ID."),
    Field::with_default(
        "life",
        Type::Duration { min_ms: MINUTE, max_ms: 14 * DAY },
        "24h",
        "How long a mail is tried before it is a dead letter.",
    ),
    Field::with_default("per_hour", Type::Int { min: 10, max: 10_000 }, "60", PER_HOUR_DOC),
    Field::required("relays", Type::List { of: &Type::Record(RELAY), min: 1, max: 8 }, "Tried in this order."),
    Field::optional("canary", Type::Record(CANARY), "One mail a day that shows that mail gets out."),
];

const ON_CALL: &[Field] = &[
    Field::required("fallback", Type::Id, "The roster that is told when nobody else can be."),
    Field::required("admins", Type::Id, "The roster that is told about gengfu itself."),
];

/// How a witness may be asked.
const WITNESS_KINDS: [&str; 4] = ["tcp", "http", "dns", "icmp"];

/// The table of a witness: its name, and one key for each kind, of which exactly one is written.
fn witness_fields() -> &'static [Field] {
    static FIELDS: OnceLock<Vec<Field>> = OnceLock::new();
    FIELDS.get_or_init(|| {
        let name = Field::required("name", Type::Id, "Unique.");
        let kinds = KINDS.iter().filter(|kind| WITNESS_KINDS.contains(&kind.name));
        let kinds = kinds.map(|kind| Field::optional(kind.name, Type::Record(kind.fields), kind.about));
        std::iter::once(name).chain(kinds).collect()
    })
}

const DEAD_MAN: &[Field] = &[
    Field::required("url", Type::HTTP_URL, "A receiver outside, which raises the alarm when we fall silent."),
    Field::with_default("every", Type::Duration { min_ms: 10 * SECOND, max_ms: HOUR }, "60s", "How often it is told."),
    Field::with_default("method", Type::Choice(&["POST", "GET", "PUT"]), "POST", "How: JSON, or with `GET` a query."),
];

const ALERTS: &[Field] = &[
    Field::with_default(
        "settle",
        Type::Duration { min_ms: 100 * MILLISECOND, max_ms: 30 * SECOND },
        "15s",
        "How long an incident of tier 2 or 3 waits for its root cause before the first mail.",
    ),
    Field::with_default(
        "reopen",
        Type::Duration { min_ms: SECOND, max_ms: DAY },
        "15m",
        "A relapse within this time of a close reopens the same incident.",
    ),
];

const CLOCK: &[Field] = &[Field::with_default(
    "require_sync",
    Type::Bool,
    "false",
    "Deny every permission while the kernel says that the clock is not synchronised (asked through `timedatectl` every 30 s), or cannot be asked. Takes a restart.",
)];

const COMMANDS: &[Field] = &[
    Field::required("directory", Type::TEXT, "Where the programs lie; only root and gengfu's user may write there."),
    Field::required("owners", GRANTEES, "Whose files may name them: ids, or `all`."),
    Field::optional(
        "programs",
        Type::List { of: &Type::Text { max: 255 }, min: 1, max: 1_000 },
        "Only these; needed for programs that run other programs, such as `negate` and `check_by_ssh`.",
    ),
    Field::optional("environment", Type::list(&Type::TEXT), "Variables that owners' files may set for them."),
];

const GRANTEES: Type = Type::Either(&[Type::Choice(&["all"]), Type::List { of: &Type::Id, min: 1, max: 1_000 }]);

const TOKEN: &[Field] = &[
    Field::required("holder", Type::Text { max: 80 }, "Who has it: a person or a machine; the audit log names it."),
    Field::optional("owner", Type::Id, "For whom the holder acts; without it for every owner."),
    Field::required("scopes", Type::List { of: &Type::Text { max: 80 }, min: 1, max: 100 }, SCOPES_DOC),
    Field::optional("sha256", Type::Text { max: 80 }, "The hash that `gengfu token` prints beside the token."),
    Field::optional("token", Type::Secret, "The token itself, instead of its hash: `${NAME}` or `file:/path`."),
    Field::optional("expires", Type::Date, "The last day on which it is taken, in the zone of this installation."),
];

const SCOPES_DOC: &str =
    "`read`, `operate`, `approve:` and an owner's id, `admin`; docs/access.md says what they allow.";

const TLS: &[Field] = &[
    Field::required(
        "certificate",
        Type::TEXT,
        "The chain in PEM, the daemon's own certificate first; read again when it changes.",
    ),
    Field::required("key", Type::TEXT, "Its private key in PEM."),
    Field::optional("client_roots", Type::TEXT, "Roots in PEM; with them every client must show a certificate."),
    Field::optional("listen", Type::HostPort, "An address for TLS alone; without it `listen` speaks TLS."),
];

const ACCESS: &[Field] = &[Field::optional(
    "tokens",
    Type::List { of: &Type::Record(TOKEN), min: 0, max: 10_000 },
    "Who may ask for changes; two tokens of one holder are a rotation.",
)];

/// What every channel has besides the body of its kind.
pub(in crate::config) const CHANNEL_COMMON: &[Field] =
    &[Field::required("id", Type::Id, "Unique; contacts of rosters name it.")];

/// The table of a channel: what all have, and one key for each kind, of which exactly one is written.
fn channel_fields() -> &'static [Field] {
    static FIELDS: OnceLock<Vec<Field>> = OnceLock::new();
    FIELDS.get_or_init(|| {
        let common = CHANNEL_COMMON.iter().map(|f| Field { name: f.name, ty: f.ty, need: f.need, doc: f.doc });
        let kinds = channel::KINDS.iter().map(|k| Field::optional(k.name, Type::Record(k.fields), k.about));
        common.chain(kinds).collect()
    })
}

/// `gengfu.yaml`.
pub(in crate::config) const MAIN: &[Field] = &[
    Field::with_default("listen", Type::HostPort, "127.0.0.1:9424", "Where pages and API are served."),
    Field::with_default("public_url", Type::HTTP_URL, "http://127.0.0.1:9424", "The address in mails."),
    Field::with_default("zone", Type::TEXT, "Asia/Shanghai", "The one civil time zone of this installation."),
    Field::optional("store", Type::Record(STORE), "Where facts are kept."),
    Field::optional("directories", Type::Record(DIRECTORIES), "Where the other files lie."),
    Field::optional("network", Type::Record(NETWORK), "Names, addresses and trust."),
    Field::optional("probing", Type::Record(PROBING), "How attempts are made."),
    Field::optional("probe", Type::Record(PROBE), "What `/probe` offers, and whom it may be pointed at."),
    Field::required("mail", Type::Record(MAIL), "How mail leaves."),
    Field::optional("channels", things(&Type::RecordOf(channel_fields)), "Ways to people and machines besides mail."),
    Field::required("on_call", Type::Record(ON_CALL), "Rosters of schedules/on-call.yaml."),
    Field::optional("alerts", Type::Record(ALERTS), "Timers of on-call."),
    Field::optional(
        "filing",
        Type::Record(super::filing::FILING),
        "When an outage may have to be reported to an authority; nothing is graded without it.",
    ),
    Field::optional(
        "witnesses",
        Type::List { of: &Type::RecordOf(witness_fields), min: WITNESSES_MIN, max: WITNESSES_MAX },
        "Local references that are asked when a probe fails; while most are silent, failures are unknown.",
    ),
    Field::optional("heartbeat", Type::Record(DEAD_MAN), "Whom we tell that we are there."),
    Field::optional("clock", Type::Record(CLOCK), "Trust in the wall clock."),
    Field::optional(
        "secrets",
        Type::Map(&Type::list(&Type::TEXT)),
        "Environment variables that each owner's files may name.",
    ),
    Field::optional("tls", Type::Record(TLS), "TLS for pages and API."),
    Field::optional("access", Type::Record(ACCESS), "Who may do what."),
    Field::optional("plans", Type::Record(super::PLANS), "What plans of maintenance are granted."),
    Field::optional("commands", things(&Type::Record(COMMANDS)), "Where the programs of `command` probes lie."),
];
