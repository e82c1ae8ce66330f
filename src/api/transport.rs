//! One request, one answer: the HTTP client with all its limits, and what its failures mean.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::CertificateError;
use serde_json::Value as Json;
use ureq::config::Config;
use ureq::http::{Response, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

use super::error::Kind;
use super::roots::free_roots;
use crate::base::deadline::Deadline;
use crate::base::error::{chain, one_line};
use crate::base::secret::Secret;

/// How many bytes an answer may have. Hardly any comes near.
pub(crate) const USUAL_SIZE: u64 = 8 * 1024 * 1024;
/// The same for the lists of hosts, the only ones that grow for ever: a box forgets nobody, and
/// telephones have a new address every day. A host is about a kilobyte.
pub(crate) const SIZE_OF_HOSTS: u64 = 64 * 1024 * 1024;
/// A box on the same network answers in milliseconds.
const LONGEST_CONNECT: Duration = Duration::from_secs(5);
/// The most that `--jobs` can ask for.
const MOST_CONNECTIONS: usize = 16;
/// The header that carries the session.
const SESSION_HEADER: &str = "X-Fbx-App-Auth";

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

/// The limits of a run, as far as requests are concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// When the last request has to be over.
    pub(crate) deadline: Deadline,
    /// How long one request may take, from the name look-up to the last byte.
    pub(crate) request: Duration,
}

impl Limits {
    /// When a single request that begins now has to be over.
    pub(crate) fn once(&self) -> Deadline {
        let left = self.deadline.left().unwrap_or_default();
        Deadline::after(Instant::now(), left.min(self.request))
    }
}

/// The HTTP client of a run.
#[derive(Debug)]
pub(crate) struct Transport {
    agent: Agent,
    limits: Mutex<Limits>,
    requests: AtomicU64,
    /// What was fetched, by address, where somebody wants to keep it.
    tape: Option<Mutex<Vec<(String, Answer)>>>,
}

/// The name look-ups of a run. One is enough for all the requests to a host, which would else
/// cost a thread and a question to the resolver each.
#[derive(Debug, Default)]
struct Lookups {
    system: DefaultResolver,
    /// By scheme, host and port.
    known: Mutex<HashMap<String, ResolvedSocketAddrs>>,
}

impl Resolver for Lookups {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let scheme = uri.scheme_str().unwrap_or_default();
        let authority = uri.authority().map_or("", |it| it.as_str());
        let origin = format!("{scheme}://{authority}");
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(addresses) = known.get(&origin) {
            return Ok(addresses.clone());
        }
        let addresses = self.system.resolve(uri, config, timeout)?;
        known.insert(origin, addresses.clone());
        Ok(addresses)
    }
}

/// What came back, whatever its status.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: u16,
    /// The whole body.
    pub(super) body: Vec<u8>,
}

/// Why nothing came back. The kinds are those that the search for the box tells apart.
#[derive(Debug)]
pub(super) enum Fault {
    /// Time ran out. Whatever is there will not answer another request in time either.
    TimedOut(Duration),
    /// Nothing listens there, or the name is not known.
    Unreachable(String),
    /// TLS was spoken and the certificate is not good.
    Certificate(String),
    /// The connection broke off. A kept one does so when the box has closed it meanwhile.
    Lost(String),
    /// Something answers there that is no TLS.
    NoTls,
    /// Something else listens there, or the answer is beyond all bounds.
    Broken(String),
}

impl Transport {
    /// A client that trusts `trust` and keeps within `limits`.
    pub(crate) fn new(trust: &Trust, limits: Limits) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(roots(trust))
            .disable_verification(matches!(trust, Trust::Anything))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .timeout_connect(Some(LONGEST_CONNECT.min(limits.request)))
            .max_idle_age(Duration::from_secs(60))
            // Most answers are small; a connection has buffers of its own.
            .input_buffer_size(32 * 1024)
            .output_buffer_size(4 * 1024)
            // As many as there can be at a time.
            .max_idle_connections(MOST_CONNECTIONS)
            .max_idle_connections_per_host(MOST_CONNECTIONS)
            // What looks like an error by its status holds the box's own words.
            .http_status_as_error(false)
            // A redirect could carry the session to another host.
            .max_redirects(0)
            .max_redirects_will_error(false)
            // The box is on this side of any proxy.
            .proxy(None)
            .user_agent(concat!("freebox-monitor/", env!("CARGO_PKG_VERSION")))
            .accept("application/json")
            .build();
        let agent = Agent::with_parts(config, DefaultConnector::default(), Lookups::default());
        Transport {
            agent,
            limits: Mutex::new(limits),
            requests: AtomicU64::new(0),
            tape: None,
        }
    }

    /// The same client, which keeps every answer that it fetches.
    pub(crate) fn with_tape(mut self) -> Self {
        self.tape = Some(Mutex::default());
        self
    }

    /// What was fetched so far, in order, if it was kept.
    pub(super) fn tape(&self) -> Vec<(String, Answer)> {
        let tape = self.tape.as_ref();
        tape.map_or_else(Vec::new, |tape| {
            tape.lock().unwrap_or_else(PoisonError::into_inner).clone()
        })
    }

    /// Begins another run, with limits of its own.
    pub(super) fn begin(&self, limits: Limits) {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = limits;
        self.requests.store(0, Ordering::Relaxed);
    }

    /// How many requests went out in this run.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Fetches `url`. A connection that was kept and turns out to be dead costs a second try.
    pub(super) fn get(
        &self,
        url: &str,
        session: Option<&Secret>,
        largest: u64,
    ) -> Result<Answer, Fault> {
        let ask = |left: Duration| {
            let request = self
                .agent
                .get(url)
                .config()
                .timeout_global(Some(left))
                .build();
            match session {
                Some(token) => request.header(SESSION_HEADER, token.reveal()).call(),
                None => request.call(),
            }
        };
        let answer = match self.exchange(url, largest, ask) {
            Err(Fault::Lost(_)) => {
                log::debug!("{url}: trying once more");
                self.exchange(url, largest, ask)
            }
            other => other,
        };
        if let (Some(tape), Ok(answer)) = (&self.tape, &answer) {
            let mut tape = tape.lock().unwrap_or_else(PoisonError::into_inner);
            tape.push((url.to_owned(), answer.clone()));
        }
        answer
    }

    /// Sends `body` to `url`.
    pub(super) fn post(&self, url: &str, body: &Json) -> Result<Answer, Fault> {
        self.exchange(url, USUAL_SIZE, |left| {
            let request = self
                .agent
                .post(url)
                .config()
                .timeout_global(Some(left))
                .build();
            request
                .content_type("application/json")
                .send(body.to_string())
        })
    }

    fn exchange(
        &self,
        url: &str,
        largest: u64,
        ask: impl FnOnce(Duration) -> Result<Response<Body>, ureq::Error>,
    ) -> Result<Answer, Fault> {
        let limits = *self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = match limits.deadline.left() {
            Some(left) => left.min(limits.request),
            None => return Err(Fault::TimedOut(Duration::ZERO)),
        };
        self.requests.fetch_add(1, Ordering::Relaxed);
        let answer = ask(limit).map_err(|error| fault(error, limit));
        let answer = answer.and_then(|response| read(response, largest, limit));
        match &answer {
            Ok(answer) => log::debug!("{url}: {}, {} bytes", answer.status, answer.body.len()),
            Err(fault) => log::debug!("{url}: {fault}"),
        }
        answer
    }
}

/// The whole of an answer, within bounds.
fn read(mut response: Response<Body>, largest: u64, limit: Duration) -> Result<Answer, Fault> {
    let status = response.status();
    if status.is_redirection() {
        let to = response.headers().get("location");
        let to = to.and_then(|it| it.to_str().ok()).unwrap_or("nowhere");
        let words = format!("redirects to {}, which is not followed", one_line(to));
        return Err(Fault::Broken(words));
    }
    let body = response.body_mut().with_config().limit(largest);
    Ok(Answer {
        status: status.as_u16(),
        body: body.read_to_vec().map_err(|error| fault(error, limit))?,
    })
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

/// What an error of the HTTP client means to a person. `limit` is what the request was given.
fn fault(error: ureq::Error, limit: Duration) -> Fault {
    match error {
        ureq::Error::Timeout(ureq::Timeout::Connect) => Fault::TimedOut(limit.min(LONGEST_CONNECT)),
        ureq::Error::Timeout(_) => Fault::TimedOut(limit),
        ureq::Error::HostNotFound => Fault::Unreachable("the name is not known".to_owned()),
        ureq::Error::Rustls(error) => tls_fault(&error),
        ureq::Error::Io(error) => io_fault(&error, limit),
        ureq::Error::BodyExceedsLimit(largest) => {
            let mebibytes = largest / 1024 / 1024;
            Fault::Broken(format!("the answer is larger than {mebibytes} MiB"))
        }
        ureq::Error::Protocol(error) => {
            Fault::Broken(format!("no proper HTTP: {}", one_line(&chain(&error))))
        }
        other => Fault::Broken(one_line(&chain(&other))),
    }
}

fn io_fault(error: &io::Error, limit: Duration) -> Fault {
    if let Some(tls) = error.get_ref().and_then(|it| it.downcast_ref()) {
        return tls_fault(tls);
    }
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Fault::TimedOut(limit),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => {
            Fault::Lost("the connection broke off in the middle".to_owned())
        }
        io::ErrorKind::ConnectionRefused => Fault::Unreachable("connection refused".to_owned()),
        // No route, no network, a name that does not resolve: the system's words are good.
        _ => Fault::Unreachable(one_line(&error.to_string())),
    }
}

fn tls_fault(error: &rustls::Error) -> Fault {
    use CertificateError as Bad;
    let words = match error {
        rustls::Error::InvalidCertificate(bad) => match bad {
            Bad::Expired | Bad::ExpiredContext { .. } => "its certificate has expired",
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                "its certificate is not valid yet; is the clock of this machine right?"
            }
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
                "its certificate is for another host name; \
                 use --endpoint mafreebox.freebox.fr or --api-endpoint-detect-ssl-domain"
            }
            Bad::UnknownIssuer => {
                "its certificate is not from Free or a public authority; \
                 --ssl-ca-bundle-file names the roots to trust instead"
            }
            other => return Fault::Certificate(format!("its certificate is not good: {other}")),
        },
        rustls::Error::InvalidMessage(_) => {
            return Fault::NoTls;
        }
        other => return Fault::Broken(format!("TLS: {other}")),
    };
    Fault::Certificate(words.to_owned())
}

impl From<Fault> for Kind {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Certificate(words) => Kind::Untrusted(words),
            other => Kind::NoAnswer(other.to_string()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::TimedOut(limit) if limit.is_zero() => f.write_str("no time is left for it"),
            Fault::TimedOut(limit) => {
                write!(f, "no complete answer within {:.1} s", limit.as_secs_f32())
            }
            Fault::NoTls => f.write_str("does not speak TLS"),
            Fault::Unreachable(words)
            | Fault::Certificate(words)
            | Fault::Lost(words)
            | Fault::Broken(words) => f.write_str(words),
        }
    }
}
