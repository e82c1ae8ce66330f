//! Certificates of every kind, made anew for each box.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// What kind of certificate a box shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// From the published authority, for every name of the box.
    Good,
    /// The same, but its time is over.
    Expired,
    /// The same, but its time has not come.
    NotYetValid,
    /// For another host.
    WrongHost,
    /// From an authority that nobody knows.
    ForeignCa,
    /// From itself.
    SelfSigned,
}

/// What [`make`] makes.
pub(super) struct Made {
    /// The published authority.
    pub(super) ca_pem: String,
    /// For the server.
    pub(super) config: Arc<ServerConfig>,
}

/// Makes an authority and a certificate of this kind.
pub(super) fn make(kind: Certificate, api_domain: &str) -> Made {
    let published = authority("Simulated Freebox CA");
    let foreign = authority("Foreign CA");
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(names(kind, api_domain)).expect("host names");
    params
        .distinguished_name
        .push(DnType::CommonName, "Simulated Freebox");
    match kind {
        Certificate::Expired => params.not_after = date_time_ymd(2020, 1, 1),
        Certificate::NotYetValid => {
            params.not_before = date_time_ymd(2200, 1, 1);
            params.not_after = date_time_ymd(2210, 1, 1);
        }
        _ => {}
    }
    let certificate = match kind {
        Certificate::SelfSigned => params.self_signed(&key),
        Certificate::ForeignCa => params.signed_by(&key, &foreign.0),
        _ => params.signed_by(&key, &published.0),
    };
    let chain = vec![certificate.expect("a certificate").der().clone()];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate and its key");
    Made {
        ca_pem: published.1,
        config: Arc::new(config),
    }
}

fn names(kind: Certificate, api_domain: &str) -> Vec<String> {
    let names = match kind {
        Certificate::WrongHost => vec!["other.example"],
        _ => vec!["localhost", "127.0.0.1", "mafreebox.freebox.fr", api_domain],
    };
    names.into_iter().map(str::to_owned).collect()
}

/// An authority and its certificate in PEM.
fn authority(name: &str) -> (Issuer<'static, KeyPair>, String) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let pem = params.self_signed(&key).expect("a CA certificate").pem();
    (Issuer::new(params, key), pem)
}
