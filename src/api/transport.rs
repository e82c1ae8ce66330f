//! One request, one answer: the HTTP client with all its limits, and what its failures mean.

use std::fmt;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustls::CertificateError;
use serde_json::Value as Json;
use ureq::http::Response;
use ureq::{Agent, Body};

use super::error::Reason;
use crate::base::deadline::Deadline;
use crate::base::error::{chain, one_line};
use crate::base::http::{self, LONGEST_CONNECT, Lookups, Trust, about_certificate};
use crate::base::secret::Secret;
use crate::base::threads::lock;

/// How many bytes an answer may have. Hardly any comes near.
pub(crate) const USUAL_ANSWER: u64 = 8 * 1024 * 1024;
/// The same for the lists of hosts, the only ones that grow for ever: a box forgets nobody, and
/// telephones have a new address every day. A host is about a kilobyte.
pub(crate) const LARGEST_ANSWER: u64 = 64 * 1024 * 1024;
/// The header that carries the session.
const SESSION_HEADER: &str = "X-Fbx-App-Auth";

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
    lookups: Lookups,
    limits: Mutex<Limits>,
    requests: AtomicU64,
    /// What was fetched, by address, where somebody wants to keep it.
    tape: Option<Mutex<Vec<(String, Answer)>>>,
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
        let (agent, lookups) = http::agent(trust, limits.request);
        Transport {
            agent,
            lookups,
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
        tape.map_or_else(Vec::new, |tape| lock(tape).clone())
    }

    /// Begins another run, with limits of its own.
    pub(super) fn begin(&self, limits: Limits) {
        *lock(&self.limits) = limits;
        self.lookups.forget();
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
            lock(tape).push((url.to_owned(), answer.clone()));
        }
        answer
    }

    /// Sends `body` to `url`.
    pub(super) fn post(
        &self,
        url: &str,
        session: Option<&Secret>,
        body: &Json,
    ) -> Result<Answer, Fault> {
        self.exchange(url, USUAL_ANSWER, |left| {
            let request = self
                .agent
                .post(url)
                .config()
                .timeout_global(Some(left))
                .build();
            let request = match session {
                Some(token) => request.header(SESSION_HEADER, token.reveal()),
                None => request,
            };
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
        let limits = *lock(&self.limits);
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
    match error {
        rustls::Error::InvalidCertificate(bad) => {
            let mut words = about_certificate(bad);
            if let Bad::NotValidForName | Bad::NotValidForNameContext { .. } = bad {
                words.push_str(
                    "; use --endpoint mafreebox.freebox.fr or --api-endpoint-detect-ssl-domain",
                );
            }
            Fault::Certificate(words)
        }
        rustls::Error::InvalidMessage(_) => Fault::NoTls,
        other => Fault::Broken(format!("TLS: {other}")),
    }
}

impl From<Fault> for Reason {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Certificate(words) => Reason::Untrusted(words),
            other => Reason::NoAnswer(other.to_string()),
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
