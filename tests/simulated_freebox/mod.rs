//! A simulated Freebox on loopback: discovery, registration, challenge and HMAC, sessions,
//! permissions, the error envelope, HTTP and HTTPS with an authority of its own, and faults on
//! demand. What it knows to tell comes from a recording, the same file that `--replay` reads.
//!
//! - `mod`: starting, stopping, and what a test may change or look at meanwhile
//! - `server`: connections and HTTP
//! - `api`: what the box answers
//! - `life`: what it answers as time goes by
//! - `days`: what happens meanwhile
//! - `rrd`: what it remembers of all that
//! - `households`: boxes with a house around them
//! - `faults`: everything it can do wrong
//! - `tls`: its certificates

// The tests and the program for people each use a part of it.
#![allow(dead_code, unreachable_pub)]

mod api;
mod days;
mod faults;
pub mod households;
mod life;
mod rrd;
mod server;
mod tls;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tempfile::TempDir;

pub use faults::Fault;
#[allow(unused_imports)]
pub use rrd::{History, Refusal};
pub use tls::Certificate;

/// A certificate of this kind for `localhost`, for another server than a box: the authority in PEM,
/// and what the server needs.
pub fn certified(kind: Certificate) -> (String, Arc<rustls::ServerConfig>) {
    let made = tls::make(kind, "localhost");
    (made.ca_pem, made.config)
}

/// What a box is like when it starts.
pub struct Options {
    /// What it has to tell.
    pub recording: Json,
    /// 0 for any.
    pub http_port: u16,
    /// The kind of certificate, or no HTTPS at all.
    pub https: Option<Certificate>,
    /// 0 for any.
    pub https_port: u16,
    /// The domain it says to have.
    pub api_domain: String,
    /// The address of this machine to listen at.
    pub address: &'static str,
    /// Its identity, if not that of the recording.
    pub uid: Option<String>,
    /// The applications that have been granted access.
    pub apps: Vec<App>,
    /// What every answer waits for.
    pub latency: Duration,
    /// How long a session lives.
    pub session_lifetime: Option<Duration>,
    /// How many requests a session is good for.
    pub session_requests: Option<usize>,
    /// What becomes of a request for access.
    pub registration: Outcome,
    /// The hash of its log-in.
    pub hash: Hash,
    /// The permissions that differ from those of a new application.
    pub permissions: Vec<(String, bool)>,
    /// How many failed log-ins in a row it takes.
    pub patience: usize,
    /// Whether it lives: since when, in seconds since 1970; see [`SimulatedFreebox::set_time`].
    pub alive_since: Option<u64>,
    /// Whether things happen in its life: drops of the line, devices that come and go.
    pub eventful: bool,
    /// What is peculiar about the history that it keeps; see [`SimulatedFreebox::set_history`].
    pub history: History,
    /// Whether to print each request.
    pub verbose: bool,
}

impl Default for Options {
    fn default() -> Self {
        let recording = include_str!("../boxes/ultra.json");
        Options {
            recording: serde_json::from_str(recording).expect("the recording is JSON"),
            http_port: 0,
            https: Some(Certificate::Good),
            https_port: 0,
            api_domain: "localhost".to_owned(),
            address: "127.0.0.1",
            uid: None,
            apps: Vec::new(),
            latency: Duration::ZERO,
            session_lifetime: None,
            session_requests: None,
            registration: Outcome::Granted { after_polls: 2 },
            hash: Hash::Sha1,
            permissions: Vec::new(),
            patience: 10,
            alive_since: None,
            eventful: false,
            history: History::default(),
            verbose: false,
        }
    }
}

/// An application that the box knows.
#[derive(Clone, Debug)]
pub struct App {
    /// Its identity.
    pub app_id: String,
    /// The token it was granted.
    pub app_token: String,
    /// The number of its request.
    pub track_id: i64,
}

/// The hash of the log-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// As documented.
    Sha1,
    /// As some say.
    Sha256,
}

/// What becomes of a request for access. It is pending for so many polls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Somebody says yes.
    Granted {
        /// Polls until then.
        after_polls: usize,
    },
    /// Somebody says no.
    Denied {
        /// Polls until then.
        after_polls: usize,
    },
    /// Nobody says anything.
    Timeout {
        /// Polls until then.
        after_polls: usize,
    },
    /// Somebody presses a button: see [`SimulatedFreebox::press`].
    Button,
    /// The request is forgotten.
    Unknown,
    /// New applications may not ask.
    NewAppsDenied,
    /// No application may do anything.
    AppsDenied,
    /// The request comes from outside.
    External,
    /// There were too many failures.
    RateLimited,
}

/// A request that the box has seen.
#[derive(Clone, Debug)]
pub struct SeenRequest {
    /// Whether it came over TLS.
    pub tls: bool,
    /// Which connection it came over.
    pub connection: u64,
    /// `GET` or `POST`.
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// The session it was sent with.
    pub session_header: Option<String>,
    /// The status of the answer; 0 where a fault took its place.
    pub status: u16,
    /// Its body.
    pub body: String,
}

/// A box that is running. It stops when it is dropped.
pub struct SimulatedFreebox {
    shared: Arc<Shared>,
    folder: TempDir,
    address: &'static str,
    ports: Ports,
    tls: Option<Arc<rustls::ServerConfig>>,
    listeners: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Clone, Copy)]
struct Ports {
    http: u16,
    https: Option<u16>,
}

/// What all the threads of a box share.
pub(crate) struct Shared {
    state: Mutex<api::State>,
    faults: Mutex<faults::Plan>,
    seen: Mutex<Vec<SeenRequest>>,
    connections: AtomicU64,
    stopped: AtomicBool,
    refusing: AtomicBool,
    verbose: bool,
}

/// A lock that a falling test does not close for the others.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SimulatedFreebox {
    /// Sets the clock of a box that lives, in seconds since 1970. Until then it is the machine's.
    pub fn set_time(&self, now: u64) {
        lock(&self.shared.state).time = Some(now);
    }

    /// Changes what is peculiar about the history that it keeps. Every box keeps one; where the
    /// recording has answers for it (`rrd/?db=net`), it is those.
    pub fn set_history(&self, history: History) {
        lock(&self.shared.state).history = history;
    }

    /// What the history of a database has the averages of: the value of a field at a second of the
    /// box's clock, not rounded and not multiplied. Nothing where the box was away, or had no such
    /// thing.
    pub fn remembered(&self, database: &str, field: &str, time: u64) -> Option<f64> {
        lock(&self.shared.state).remembered(database, field, time)
    }

    /// Starts a box.
    pub fn start(options: Options) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the certificate");
        let tls = options.https.map(|kind| {
            let made = tls::make(kind, &options.api_domain);
            std::fs::write(folder.path().join("ca.pem"), made.ca_pem).expect("the CA file");
            made.config
        });
        let address = options.address;
        let http = bind(address, options.http_port);
        let https = tls.as_ref().map(|_| bind(address, options.https_port));
        let ports = Ports {
            http: port(&http),
            https: https.as_ref().map(port),
        };
        let shared = Arc::new(Shared {
            verbose: options.verbose,
            state: Mutex::new(api::State::new(options, ports.https)),
            faults: Mutex::default(),
            seen: Mutex::default(),
            connections: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            refusing: AtomicBool::new(false),
        });
        let started = SimulatedFreebox {
            shared,
            folder,
            address,
            ports,
            tls,
            listeners: Mutex::default(),
        };
        started.listen(http, https);
        started
    }

    fn listen(&self, http: TcpListener, https: Option<TcpListener>) {
        let mut listeners = lock(&self.listeners);
        for (listener, tls) in [(Some(http), None), (https, self.tls.clone())] {
            if let Some(listener) = listener {
                let shared = Arc::clone(&self.shared);
                listeners.push(thread::spawn(move || {
                    server::accept(&shared, &listener, tls)
                }));
            }
        }
    }

    /// The port for plain HTTP.
    pub fn http_port(&self) -> u16 {
        self.ports.http
    }

    /// The port for HTTPS.
    pub fn https_port(&self) -> u16 {
        self.ports.https.expect("a box with HTTPS")
    }

    /// A PEM file with the authority that its certificate is from (of a good one).
    pub fn ca_file(&self) -> PathBuf {
        let path = self.folder.path().join("ca.pem");
        if !path.exists() {
            // A user who trusts an authority that this box has nothing to do with.
            let made = tls::make(Certificate::Good, "localhost");
            std::fs::write(&path, made.ca_pem).expect("the CA file");
        }
        path
    }

    /// From now on, requests whose path below the API's base starts with `prefix` meet `fault`.
    /// The empty prefix is every request.
    pub fn fault(&self, prefix: &str, fault: Fault) {
        lock(&self.shared.faults).add(prefix, fault, 0, usize::MAX);
    }

    /// The same for the path `path` and no other; a moment at its end makes no difference.
    pub fn fault_at(&self, path: &str, fault: Fault) {
        lock(&self.shared.faults).add_exact(path, fault);
    }

    /// The same for the next `times` such requests only.
    pub fn fault_times(&self, prefix: &str, fault: Fault, times: usize) {
        lock(&self.shared.faults).add(prefix, fault, 0, times);
    }

    /// The same after `healthy` such requests have been answered properly.
    pub fn fault_after(&self, prefix: &str, fault: Fault, healthy: usize) {
        lock(&self.shared.faults).add(prefix, fault, healthy, usize::MAX);
    }

    /// No more faults.
    pub fn clear_faults(&self) {
        *lock(&self.shared.faults) = faults::Plan::default();
    }

    /// Ends every session.
    pub fn expire_sessions(&self) {
        lock(&self.shared.state).sessions.clear();
    }

    /// Lets every session that is open now end after so many more requests.
    pub fn expire_sessions_after(&self, requests: usize) {
        for session in lock(&self.shared.state).sessions.values_mut() {
            session.requests_left = Some(requests);
        }
    }

    /// Forgets an application, as its user may in Freebox OS. Its sessions live on.
    pub fn revoke(&self, app_id: &str) {
        lock(&self.shared.state)
            .apps
            .retain(|app| app.app.app_id != app_id);
    }

    /// Makes an application one that has asked and was not yet granted access.
    pub fn set_pending(&self, app_id: &str) {
        for app in &mut lock(&self.shared.state).apps {
            app.pending |= app.app.app_id == app_id;
        }
    }

    /// Gives or takes a permission; sessions feel it at once.
    pub fn set_permission(&self, name: &str, granted: bool) {
        lock(&self.shared.state)
            .permissions
            .insert(name.to_owned(), granted);
    }

    /// Changes what the box has to tell at a path.
    pub fn set_answer(&self, path: &str, answer: Json) {
        lock(&self.shared.state).set_answer(path, answer);
    }

    /// What the box has to tell at every path.
    pub fn answers(&self) -> BTreeMap<String, Json> {
        lock(&self.shared.state).answers.clone()
    }

    /// Lets every path that a recording has answer as it does there, and no other.
    pub fn become_model(&self, recording: &Json) {
        lock(&self.shared.state).become_model(recording);
    }

    /// Speaks another version of the API from now on, as after an update or a factory reset.
    pub fn set_version(&self, version: &str) {
        lock(&self.shared.state).set_version(version);
    }

    /// Says this, from now on, when it is asked in a version that it does not speak.
    pub fn set_words_for_unknown_versions(&self, error_code: &str) {
        lock(&self.shared.state).unknown_version = error_code.to_owned();
    }

    /// Becomes another box at the same address, which has never heard of anybody.
    pub fn set_uid(&self, uid: &str) {
        lock(&self.shared.state).set_uid(uid);
    }

    /// Says something else in the answer to `/api_version`.
    pub fn set_in_document(&self, field: &str, value: Json) {
        lock(&self.shared.state).set_in_document(field, value);
    }

    /// Changes what becomes of requests for access.
    pub fn set_registration(&self, outcome: Outcome) {
        lock(&self.shared.state).registration = outcome;
    }

    /// Presses the button on the front panel.
    pub fn press(&self) {
        lock(&self.shared.state).pressed = true;
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<SeenRequest> {
        lock(&self.shared.seen).clone()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        lock(&self.shared.seen).clear();
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Everything secret that this box has ever said or been told: tokens, challenges, passwords.
    pub fn secrets(&self) -> Vec<String> {
        lock(&self.shared.state).secrets.iter().cloned().collect()
    }

    /// Closes the ports; the connections that are open are dropped.
    pub fn refuse(&self) {
        self.shared.refusing.store(true, Ordering::Relaxed);
        for listener in lock(&self.listeners).drain(..) {
            listener.join().expect("a listener");
        }
    }

    /// Opens the same ports again.
    pub fn accept_again(&self) {
        self.shared.refusing.store(false, Ordering::Relaxed);
        let bind = |port| bind(self.address, port);
        self.listen(bind(self.ports.http), self.ports.https.map(bind));
    }
}

impl Drop for SimulatedFreebox {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        self.refuse();
    }
}

impl Shared {
    /// Whether connections have to end.
    fn is_closing(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || self.refusing.load(Ordering::Relaxed)
    }

    /// Waits, unless the box is stopped meanwhile.
    fn pause(&self, time: Duration) {
        let until = Instant::now() + time;
        while !self.is_closing() && Instant::now() < until {
            let left = until.saturating_duration_since(Instant::now());
            thread::sleep(left.min(Duration::from_millis(20)));
        }
    }

    /// Waits until the box is stopped.
    fn hang(&self) {
        while !self.is_closing() {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn bind(address: &str, port: u16) -> TcpListener {
    // A port that was just closed may be held for a moment by what was not read to its end.
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        match TcpListener::bind((address, port)) {
            Ok(listener) => return listener,
            Err(error) if Instant::now() > until => panic!("port {port}: {error}"),
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn port(listener: &TcpListener) -> u16 {
    listener
        .local_addr()
        .expect("a listener has an address")
        .port()
}

/// Reads a recording.
pub fn load_recording(path: &Path) -> Result<Json, String> {
    let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// A failure in the envelope, as the box words it.
fn failure(error_code: &str, message: &str) -> Json {
    json!({"success": false, "error_code": error_code, "msg": message})
}
