//! The daemon with TLS of its own, asked by the program's own commands with a token.

use crate::rig::{HOLDER, House, TOKEN, until};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// Where TLS is spoken, beside the plain address.
const PORT: u16 = 9_443;

/// Writes a certificate for the house's address, and the root that vouches for it.
fn certify(house: &House, root: &str) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![house.address().ip().to_string()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    house.write("own.key", &key.serialize_pem());
    house.write("own.pem", &certificate.pem());
    house.write(root, &authority.pem());
}

#[tokio::test]
async fn commands_ask_over_tls_with_a_token_and_a_renewed_certificate_is_taken_up() {
    let house = House::build().await;
    certify(&house, "first.pem");
    house.write("token", TOKEN);
    let tls = format!("tls: {{ certificate: own.pem, key: own.key, listen: \"{}:{PORT}\" }}\nzone:", house.network);
    house.edit("gengfu.yaml", "zone:", &tls);
    let daemon = house.start().await;
    assert_eq!(daemon.post("/-/reload").await.0, 200);
    let server = format!("https://{}:{PORT}", house.network);
    let (token, first, second) = (house.path("token"), house.path("first.pem"), house.path("second.pem"));
    let [token, first, second] = [&token, &first, &second].map(|path| path.to_str().unwrap());
    let audit = ["audit", "--server", &server, "--who", HOLDER, "--format", "json"];
    let asked = async |more: &[&str]| house.command(&[&audit[..], more].concat()).await;
    let (code, out, err) = until("the row is stored", 20, async || {
        let said = asked(&["--ca", first, "--token-file", token]).await;
        (said.0 != Some(0) || !said.1.is_empty()).then_some(said)
    })
    .await;
    assert_eq!((code, out.lines().count()), (Some(0), 1), "{out}{err}");
    assert!(out.contains("\"action\":\"reload\""), "{out}");

    let (code, out, err) = asked(&["--ca", first]).await;
    assert_eq!((code, &*out), (Some(2), ""));
    assert!(err.contains("401") && err.contains("show a token"), "{err}");
    let (code, _, err) = asked(&["--token-file", token]).await;
    assert_eq!(code, Some(2), "nobody vouches for it");
    assert!(err.contains("cannot ask https://"), "{err}");

    certify(&house, "second.pem");
    assert_eq!(daemon.post("/-/reload").await.0, 200);
    let (code, _, err) = asked(&["--ca", second, "--token-file", token]).await;
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(asked(&["--ca", first, "--token-file", token]).await.0, Some(2));
    let gate = ["gate", "bdc/beta", "--for", "40m", "--server", &server, "--ca", second, "--token-file", token];
    let (code, out, err) = house.command(&gate).await;
    // The house has no calendar, so that the gate's clear answer is no.
    assert_eq!((code, out.starts_with("deny bdc/beta\n")), (Some(1), true), "{out}{err}");
    assert!(daemon.log().contains(&format!("serving {server}/")));
}

#[tokio::test]
async fn a_key_of_another_certificate_is_told_before_anything_starts() {
    let house = House::build().await;
    certify(&house, "root.pem");
    house.write("own.key", &KeyPair::generate().unwrap().serialize_pem());
    house.edit("gengfu.yaml", "zone:", "tls: { certificate: own.pem, key: own.key }\nzone:");
    let (code, told) = house.check().await;
    assert_eq!(code, Some(1));
    assert!(told.contains("the certificate and its key cannot be used"), "{told}");
    assert_eq!(house.spawn(&[]).ends(60).await.code, Some(2));
}
