//! From the settings to the ways out of the house.

use crate::config::{MailSettings, RelaySettings, RelayTls, Settings};
use crate::domain::{HOUR, Inventory, MINUTE, Millis, Recipient, Roster, Snapshot};
use crate::network::Network;
use crate::notify::Notifier;
use crate::notify::channel::Channel;
use crate::notify::link::LinkKey;
use crate::notify::mail::{Login, MailRelay, MailTls, Patience, RelayPlan};
use crate::notify::render::RenderContext;
use crate::outbox::{MailSetup, StillOpen};
use crate::store::Limits;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;

/// Above the limit: how often a mail that many share leaves, if somebody must act.
const FOLDED_PAGE_EVERY_MS: Millis = MINUTE;

/// The same if nobody must.
const FOLDED_EVERY_MS: Millis = 10 * MINUTE;

/// The relays, the wording, the fallback and the limits.
///
/// # Errors
/// If TLS to a relay cannot be set up; the sentence names the relay.
pub(super) fn setup(
    settings: &Settings,
    network: &Arc<Network>,
    channels: &BTreeMap<String, Arc<Channel>>,
    inventory: &Inventory,
    links: &LinkKey,
) -> Result<MailSetup, String> {
    let MailSettings { domain, relays, per_hour, .. } = &settings.mail;
    let relays = relays.iter().map(|r| relay(r, domain, network)).collect::<Result<_, _>>()?;
    let render = sender(settings, links);
    let fallback = inventory.rosters.get(&inventory.fallback).map(Roster::everybody).unwrap_or_default();
    let limits =
        Limits { most: *per_hour, within_ms: HOUR, page_every_ms: FOLDED_PAGE_EVERY_MS, every_ms: FOLDED_EVERY_MS };
    let fallback = fallback.iter().map(Recipient::from).collect();
    Ok(MailSetup { relays, channels: channels.clone(), render, fallback, limits: Some(limits) })
}

/// Who mails come from, and what they are worded with.
pub fn sender(settings: &Settings, links: &LinkKey) -> RenderContext {
    let MailSettings { from_name, from_mail, domain, .. } = &settings.mail;
    RenderContext {
        public_url: settings.public_url.clone(),
        zone: settings.zone.clone(),
        domain: domain.clone(),
        from_name: from_name.clone(),
        from_mail: from_mail.clone(),
        links: links.clone(),
    }
}

/// What is open by the last picture.
pub(super) fn still_open(picture: watch::Receiver<Arc<Snapshot>>) -> StillOpen {
    Arc::new(move || {
        let incidents = Arc::clone(&picture.borrow().incidents);
        let open = incidents.iter().filter(|incident| incident.until.is_none());
        open.map(|incident| (incident.id, incident.since)).collect()
    })
}

fn relay(relay: &RelaySettings, hello: &str, network: &Arc<Network>) -> Result<Arc<dyn Notifier>, String> {
    let tls = match relay.tls {
        RelayTls::None => MailTls::None,
        RelayTls::StartTls => MailTls::StartTls,
        RelayTls::Implicit => MailTls::Implicit,
    };
    let login = match (&relay.user, &relay.password) {
        (Some(user), Some(password)) => Some(Login { user: user.clone(), password: password.clone() }),
        _ => None,
    };
    let named = |why: String| format!("relay {}:{}: {why}", relay.host, relay.port);
    let plan = RelayPlan {
        host: relay.host.clone(),
        port: relay.port,
        tls,
        login,
        roots: roots(relay, network).map_err(named)?,
        patience: Patience::default(),
    };
    let named = |why: rustls::Error| format!("relay {}:{}: {why}", relay.host, relay.port);
    Ok(Arc::new(MailRelay::new(plan, hello, Arc::clone(network)).map_err(named)?))
}

/// Those of the network, and those of the relay's own file.
fn roots(relay: &RelaySettings, network: &Network) -> Result<Arc<RootCertStore>, String> {
    let Some(path) = &relay.ca else { return Ok(Arc::clone(&network.roots)) };
    let bytes = std::fs::read(path).map_err(|e| format!("cannot read `ca` {}: {e}", path.display()))?;
    let mut roots = RootCertStore::clone(&network.roots);
    let (good, _) = roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&bytes).flatten());
    if good == 0 {
        return Err(format!("`ca` {} holds no certificate; give it PEM", path.display()));
    }
    Ok(Arc::new(roots))
}
