//! The one HTTP client, for the box and for graphite-web, with all its limits.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::CertificateError;
use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use crate::base::deadline::Deadline;
use crate::base::net::{self, Failure};
use crate::base::roots::free_roots;
use crate::base::threads::lock;

/// Whatever is asked answers a connection in milliseconds.
pub(crate) const LONGEST_CONNECT: Duration = Duration::from_secs(5);
/// The most that `--jobs` can ask for.
const MOST_CONNECTIONS: usize = 16;
/// How many addresses of a name are tried; there is room for no more.
const MOST_ADDRESSES: usize = 16;

/// What to trust.
#[derive(Clone, Debug)]
pub(crate) enum Trust {
    /// Free's roots and the public ones.
    BuiltIn,
    /// These roots and no others.
    Only(Vec<Certificate<'static>>),
    /// Anything (`--ssl-no-verify`).
    Anything,
}

/// A client that trusts `trust` and gives up a connection after `longest_connect`, and its name
/// look-ups. How long a request may take is for each request to say; its answer has to be read
/// within bounds.
pub(crate) fn agent(trust: &Trust, longest_connect: Duration) -> (Agent, Lookups) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(roots(trust))
        .disable_verification(matches!(trust, Trust::Anything))
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .timeout_connect(Some(longest_connect.min(LONGEST_CONNECT)))
        .max_idle_age(Duration::from_secs(60))
        // Most answers are small; a connection has buffers of its own.
        .input_buffer_size(32 * 1024)
        .output_buffer_size(4 * 1024)
        // As many as there can be at a time.
        .max_idle_connections(MOST_CONNECTIONS)
        .max_idle_connections_per_host(MOST_CONNECTIONS)
        // What looks like an error by its status holds words of its own.
        .http_status_as_error(false)
        // A redirect could carry the session to another host.
        .max_redirects(0)
        .max_redirects_will_error(false)
        // The box is on this side of any proxy, and so is what stores its numbers.
        .proxy(None)
        .user_agent(concat!("freebox-monitor/", env!("CARGO_PKG_VERSION")))
        .accept("application/json")
        .build();
    let lookups = Lookups::default();
    let agent = Agent::with_parts(config, DefaultConnector::default(), lookups.clone());
    (agent, lookups)
}

fn roots(trust: &Trust) -> RootCerts {
    match trust {
        Trust::BuiltIn => {
            let public = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
            let public = public
                .iter()
                .map(|root| Certificate::from_der(root.as_ref()));
            RootCerts::from(free_roots().chain(public))
        }
        Trust::Only(roots) => RootCerts::new_with_certs(roots),
        Trust::Anything => RootCerts::new_with_certs(&[]),
    }
}

/// The name look-ups of a run. One is enough for all the requests to a host, which would else
/// cost a thread and a question to the resolver each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lookups {
    /// By scheme, host and port.
    known: Arc<Mutex<HashMap<String, Vec<SocketAddr>>>>,
}

impl Lookups {
    /// Forgets what names meant: by the next run they may mean something else.
    pub(crate) fn forget(&self) {
        lock(&self.known).clear();
    }

    /// The addresses of a host, asked for once.
    fn of(&self, uri: &Uri, timeout: &NextTimeout) -> Result<Vec<SocketAddr>, ureq::Error> {
        let bad = || ureq::Error::BadUri(uri.to_string());
        let scheme = uri.scheme_str().ok_or_else(bad)?;
        let authority = uri.authority().ok_or_else(bad)?;
        let usual_port = if scheme == "https" { 443 } else { 80 };
        let port = authority.port_u16().unwrap_or(usual_port);
        let origin = format!("{scheme}://{authority}");
        let mut known = lock(&self.known);
        if let Some(addresses) = known.get(&origin) {
            return Ok(addresses.clone());
        }
        let host = authority.host().trim_matches(['[', ']']);
        let deadline = Deadline::after(Instant::now(), (*timeout.after).min(MOST_PATIENCE));
        let found = net::resolve(host, port, deadline).map_err(|failure| match failure {
            Failure::NoAddress(error) | Failure::NoConnection(_, error) => ureq::Error::Io(error),
            Failure::TimedOut(_) => ureq::Error::Timeout(timeout.reason),
        })?;
        known.insert(origin, found.clone());
        Ok(found)
    }
}

/// More than any limit of a run, for a request that has none.
const MOST_PATIENCE: Duration = Duration::from_secs(24 * 3600);

impl Resolver for Lookups {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.of(uri, &timeout)?.into_iter();
        let mut addresses = self.empty();
        for address in config.ip_family().keep_wanted(found).take(MOST_ADDRESSES) {
            addresses.push(address);
        }
        match addresses.is_empty() {
            true => Err(ureq::Error::HostNotFound),
            false => Ok(addresses),
        }
    }
}

/// What is wrong with a certificate, to a person.
pub(crate) fn about_certificate(bad: &CertificateError) -> String {
    use CertificateError as Bad;
    let words = match bad {
        Bad::Expired | Bad::ExpiredContext { .. } => "its certificate has expired",
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            "its certificate is not valid yet; is the clock of this machine right?"
        }
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
            "its certificate is for another host name"
        }
        Bad::UnknownIssuer => {
            "its certificate is not from an authority that is trusted here; --ssl-ca-bundle-file \
             names those to trust, with any intermediate certificate that the server does not send"
        }
        Bad::BadSignature => {
            "its certificate is not signed by the authority of that name that is trusted here; \
             --ssl-ca-bundle-file names those to trust"
        }
        Bad::Other(_) if bad.to_string().contains("CaUsedAsEndEntity") => {
            "its certificate is that of an authority, which is not one for a server"
        }
        other => return format!("its certificate is not good: {other}"),
    };
    words.to_owned()
}

/// What TLS has found wrong, if an error is about that.
pub(crate) fn tls_error(error: &ureq::Error) -> Option<&rustls::Error> {
    match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_certificate_is_told_in_words_that_say_what_to_do() {
        let words = about_certificate(&CertificateError::BadSignature);
        assert!(words.ends_with("; --ssl-ca-bundle-file names those to trust"));
        assert!(!words.contains("BadSignature"));
        // What nobody has words for has the library's.
        let words = about_certificate(&CertificateError::BadEncoding);
        assert!(words.starts_with("its certificate is not good: "));
    }
}
