//! What a healthy box answers.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value as Json, json};
use sha1::Sha1;
use sha2::Sha256;

use super::days;
use super::life::{self, Moment};
use super::rrd::{History, Memory, Question, Refusal};
use super::server::{Request, Response};
use super::{App, Hash, Options, Outcome, failure};

/// The permissions of a new application.
const PERMISSIONS: [(&str, bool); 14] = [
    ("settings", false),
    ("calls", true),
    ("contacts", true),
    ("explorer", true),
    ("downloader", true),
    ("pvr", true),
    ("tv", true),
    ("wdo", true),
    ("player", true),
    ("profile", false),
    ("parental", false),
    ("vm", false),
    ("camera", false),
    ("home", false),
];

/// Which permission the paths below these need.
const NEEDS: [(&str, &str); 13] = [
    ("call/", "calls"),
    ("phone/", "calls"),
    ("contact/", "contacts"),
    ("group/", "contacts"),
    ("downloads/", "downloader"),
    ("fs/", "explorer"),
    ("share_link/", "explorer"),
    ("profile/", "profile"),
    ("network_control/", "profile"),
    ("vm/", "vm"),
    ("home/", "home"),
    ("player/", "player"),
    ("pvr/", "pvr"),
];

/// What a box knows.
pub(super) struct State {
    document: Json,
    major: u32,
    uid: String,
    pub(super) answers: BTreeMap<String, Json>,
    pub(super) apps: Vec<KnownApp>,
    pub(super) sessions: HashMap<String, Session>,
    pub(super) permissions: BTreeMap<String, bool>,
    pub(super) registration: Outcome,
    pub(super) pressed: bool,
    pub(super) unknown_version: String,
    pub(super) latency: Duration,
    /// Everything that must not be seen anywhere else.
    pub(super) secrets: BTreeSet<String>,
    /// The clock of a box that lives, where it is not the machine's.
    pub(super) time: Option<u64>,
    alive_since: Option<u64>,
    eventful: bool,
    pub(super) history: History,
    challenges: VecDeque<String>,
    session_lifetime: Option<Duration>,
    session_requests: Option<usize>,
    hash: Hash,
    failures: usize,
    patience: usize,
    issued: u64,
}

/// An application that has asked for access.
pub(super) struct KnownApp {
    pub(super) app: App,
    pub(super) pending: bool,
    polls: usize,
}

/// An open session.
pub(super) struct Session {
    until: Option<Instant>,
    pub(super) requests_left: Option<usize>,
}

impl State {
    pub(super) fn new(options: Options, https_port: Option<u16>) -> Self {
        let mut document = options.recording["api_version"].clone();
        if let Some(uid) = options.uid {
            document["uid"] = json!(uid);
        }
        document["https_available"] = json!(https_port.is_some());
        document["https_port"] = json!(https_port.unwrap_or_default());
        document["api_domain"] = json!(options.api_domain);
        let version = document["api_version"]
            .as_str()
            .unwrap_or("16.0")
            .to_owned();
        let major = version.split('.').next().and_then(|it| it.parse().ok());
        let mut permissions: BTreeMap<String, bool> = PERMISSIONS
            .iter()
            .map(|(name, granted)| ((*name).to_owned(), *granted))
            .collect();
        permissions.extend(options.permissions);
        let mut state = State {
            uid: document["uid"].as_str().unwrap_or_default().to_owned(),
            document,
            major: major.unwrap_or(16),
            answers: BTreeMap::new(),
            secrets: options
                .apps
                .iter()
                .map(|app| app.app_token.clone())
                .collect(),
            apps: options.apps.into_iter().map(KnownApp::granted).collect(),
            sessions: HashMap::new(),
            permissions,
            registration: options.registration,
            pressed: false,
            unknown_version: "invalid_api_version".to_owned(),
            latency: options.latency,
            time: None,
            alive_since: options.alive_since,
            eventful: options.eventful,
            history: options.history,
            challenges: VecDeque::new(),
            session_lifetime: options.session_lifetime,
            session_requests: options.session_requests,
            hash: options.hash,
            failures: 0,
            patience: options.patience,
            issued: 0,
        };
        state.become_model(&options.recording);
        state
    }

    pub(super) fn become_model(&mut self, recording: &Json) {
        self.answers.clear();
        for (path, answer) in recording["answers"].as_object().into_iter().flatten() {
            self.set_answer(path, answer.clone());
        }
    }

    pub(super) fn set_version(&mut self, version: &str) {
        self.document["api_version"] = json!(version);
        let major = version.split('.').next().and_then(|it| it.parse().ok());
        self.major = major.unwrap_or(16);
    }

    pub(super) fn set_uid(&mut self, uid: &str) {
        self.uid = uid.to_owned();
        self.document["uid"] = json!(uid);
        self.apps.clear();
        self.sessions.clear();
    }

    pub(super) fn set_in_document(&mut self, field: &str, value: Json) {
        self.document[field] = value;
    }

    pub(super) fn set_answer(&mut self, path: &str, answer: Json) {
        self.answers
            .insert(path.trim_end_matches('/').to_owned(), answer);
    }

    /// The answer of a healthy box.
    pub(super) fn answer(&mut self, request: &Request, _tls: bool) -> Response {
        let path = request.path.split('?').next().unwrap_or_default();
        if path == "/api_version" {
            return Response::json(200, self.document.clone());
        }
        let Some((version, path)) = path.strip_prefix("/api/").and_then(|it| it.split_once('/'))
        else {
            return unknown_path();
        };
        let major = version
            .strip_prefix('v')
            .and_then(|it| it.parse::<u32>().ok());
        match (version, major) {
            ("latest", _) => {}
            (_, Some(major)) if (1..=self.major).contains(&major) => {}
            (_, Some(_)) => return Response::json(404, failure(&self.unknown_version, "Version")),
            _ => return unknown_path(),
        }
        let path = path.trim_end_matches('/');
        match (request.method.as_str(), path) {
            ("GET", "login") => self.login(request),
            ("POST", "login/session") => self.open_session(&request.body),
            ("POST", "login/authorize") => self.authorize(&request.body),
            ("POST", "login/logout") => {
                self.sessions
                    .remove(request.session.as_deref().unwrap_or_default());
                Response::json(200, json!({"success": true}))
            }
            ("GET", path) if path.starts_with("login/authorize/") => self.track(path),
            _ => self.tell(request, path),
        }
    }

    fn login(&mut self, request: &Request) -> Response {
        let logged_in = request
            .session
            .as_ref()
            .is_some_and(|it| self.sessions.contains_key(it));
        let challenge = self.challenge();
        let result = json!({"logged_in": logged_in, "challenge": challenge,
                            "password_salt": "0a1b2c", "password_set": true});
        Response::json(200, json!({"success": true, "result": result}))
    }

    fn open_session(&mut self, body: &[u8]) -> Response {
        if self.failures >= self.patience {
            return self.refuse("ratelimited", "Trop d'essais infructueux");
        }
        let body: Json = serde_json::from_slice(body).unwrap_or(Json::Null);
        let (Some(app_id), Some(password)) = (body["app_id"].as_str(), body["password"].as_str())
        else {
            return self.refuse("invalid_request", "Requête invalide");
        };
        self.secrets.insert(password.to_owned());
        let known = self.apps.iter().find(|known| known.app.app_id == app_id);
        let is_right = known.is_some_and(|known| {
            let token = &known.app.app_token;
            self.challenges
                .iter()
                .any(|it| self.password(token, it) == password)
        });
        let is_pending = known.is_some_and(|known| known.pending);
        self.challenges.clear();
        if !is_right {
            self.failures += 1;
            return self.refuse(
                "invalid_token",
                "Erreur d'authentification de l'application",
            );
        }
        if is_pending {
            return self.refuse("pending_token", "Token en attente de validation");
        }
        self.failures = 0;
        let token = self.issue("s3ss10n/T0ken+");
        self.sessions.insert(
            token.clone(),
            Session {
                until: self
                    .session_lifetime
                    .map(|lifetime| Instant::now() + lifetime),
                requests_left: self.session_requests,
            },
        );
        let result = json!({"session_token": token, "challenge": self.challenge(),
                            "permissions": self.permissions});
        Response::json(200, json!({"success": true, "result": result}))
    }

    fn authorize(&mut self, body: &[u8]) -> Response {
        match self.registration {
            Outcome::NewAppsDenied => {
                return self.refuse(
                    "new_apps_denied",
                    "Les nouvelles applications sont refusées",
                );
            }
            Outcome::AppsDenied => {
                return self.refuse("apps_denied", "L'accès des applications est désactivé");
            }
            Outcome::External => {
                return self.refuse("denied_from_external_ip", "Accès refusé");
            }
            Outcome::RateLimited => return self.refuse("ratelimited", "Trop d'essais"),
            _ => {}
        }
        let body: Json = serde_json::from_slice(body).unwrap_or(Json::Null);
        let fields = ["app_id", "app_name", "app_version", "device_name"];
        if !fields
            .iter()
            .all(|field| body[*field].as_str().is_some_and(|it| !it.is_empty()))
        {
            return self.refuse("invalid_request", "Requête invalide");
        }
        let app_id = body["app_id"].as_str().unwrap_or_default().to_owned();
        let app_token = self.issue("app/T0ken+0123456789abcdefghijklmnopqrstuvwxyzABCDE");
        let taken = self.apps.iter().map(|known| known.app.track_id);
        let track_id = taken.fold(self.issued as i64, i64::max) + 1;
        self.apps.retain(|known| known.app.app_id != app_id);
        self.pressed = false;
        self.apps.push(KnownApp {
            app: App {
                app_id,
                app_token: app_token.clone(),
                track_id,
            },
            pending: true,
            polls: 0,
        });
        let result = json!({"app_token": app_token, "track_id": track_id});
        Response::json(200, json!({"success": true, "result": result}))
    }

    fn track(&mut self, path: &str) -> Response {
        let track_id: Option<i64> = path.rsplit('/').next().and_then(|it| it.parse().ok());
        let (outcome, pressed) = (self.registration.clone(), self.pressed);
        let known = self
            .apps
            .iter_mut()
            .find(|known| Some(known.app.track_id) == track_id);
        let status = match known {
            None => "unknown",
            Some(known) => known.polled(&outcome, pressed),
        };
        let result = json!({"status": status, "challenge": self.challenge()});
        Response::json(200, json!({"success": true, "result": result}))
    }

    /// What is behind the log-in.
    fn tell(&mut self, request: &Request, path: &str) -> Response {
        if !self.session_is_good(request.session.as_deref()) {
            return self.refuse(
                "auth_required",
                "Vous devez vous connecter pour accéder à cette fonction",
            );
        }
        let below = |prefix: &str| format!("{path}/").starts_with(prefix);
        let has_history = !matches!(self.history.refusal, Some(Refusal::NotFound));
        let need = match path == "rrd" && request.method == "POST" && has_history {
            true => Some("settings"),
            false => NEEDS
                .iter()
                .find(|(prefix, _)| below(prefix))
                .map(|(_, need)| *need),
        };
        if let Some(need) = need.filter(|need| self.permissions.get(*need) != Some(&true)) {
            return without_right(need);
        }
        if path == "login/perms" {
            let perms = self.permissions.iter();
            let perms: BTreeMap<_, _> = perms
                .map(|(name, it)| (name, json!({"granted": it, "desc": name})))
                .collect();
            return Response::json(200, json!({"success": true, "result": perms}));
        }
        if path == "rrd" {
            return self.look_back(request);
        }
        match self.answers.get(path).or_else(|| self.since(path)) {
            None => unknown_path(),
            Some(answer) => told(answer, || self.at_this_moment(path, answer)),
        }
    }

    /// The history: what a recording has of it, or what the box remembers.
    fn look_back(&self, request: &Request) -> Response {
        let question = Question::of(request);
        match &self.history.refusal {
            Some(Refusal::InsufficientRights) => return without_right("settings"),
            Some(Refusal::NotFound) => return unknown_path(),
            Some(Refusal::ErrorCode(code)) => {
                let answer = failure(code, "Erreur");
                return Response::json(status_of(&answer), answer);
            }
            Some(Refusal::Nothing) | None => {}
        }
        match self.recorded_history(&question.database) {
            Some(answer) => told(answer, || answer.clone()),
            None => self.memory().answer(&question),
        }
    }

    /// What a recording has of a database, whatever else was asked for then.
    fn recorded_history(&self, database: &str) -> Option<&Json> {
        let is_meant = |path: &str| {
            let query = path.strip_prefix("rrd")?.trim_start_matches('/');
            let of = query.strip_prefix("?db=")?.split('&').next()?;
            Some(of == database)
        };
        let mut answers = self.answers.iter();
        let found = answers.find(|(path, _)| is_meant(path) == Some(true));
        found.map(|(_, it)| it).or_else(|| self.answers.get("rrd"))
    }

    fn memory(&self) -> Memory<'_> {
        Memory {
            history: &self.history,
            answers: &self.answers,
            alive_since: self.alive_since,
            eventful: self.eventful,
            now: self.now(),
        }
    }

    /// What the history has averages of: a value at a moment.
    pub(super) fn remembered(&self, database: &str, field: &str, time: u64) -> Option<f64> {
        self.memory().value(database, field, time)
    }

    /// The clock of the box.
    fn now(&self) -> u64 {
        let machine = || {
            SystemTime::UNIX_EPOCH
                .elapsed()
                .unwrap_or_default()
                .as_secs()
        };
        self.time.unwrap_or_else(machine)
    }

    /// What was recorded, as it is by now.
    fn at_this_moment(&self, path: &str, recorded: &Json) -> Json {
        let Some(start) = self.alive_since else {
            return recorded.clone();
        };
        let moment = Moment::new(start, self.now());
        match self.eventful {
            true => days::answer(path, recorded, moment),
            false => life::answer(path, recorded, moment),
        }
    }

    /// A path may end in a moment in milliseconds; the answers are the same at any.
    fn since(&self, path: &str) -> Option<&Json> {
        let without = |path: &str| {
            let (rest, last) = path.rsplit_once('/')?;
            let is_moment = last.len() >= 12 && last.bytes().all(|it| it.is_ascii_digit());
            is_moment.then(|| rest.to_owned())
        };
        let wanted = without(path)?;
        let mut answers = self.answers.iter();
        let found = answers.find(|(path, _)| without(path).as_ref() == Some(&wanted));
        found.map(|(_, answer)| answer)
    }

    fn session_is_good(&mut self, token: Option<&str>) -> bool {
        let Some(token) = token else { return false };
        let Some(session) = self.sessions.get_mut(token) else {
            return false;
        };
        let over = session.until.is_some_and(|until| Instant::now() > until)
            || session.requests_left == Some(0);
        if over {
            self.sessions.remove(token);
        } else if let Some(left) = &mut session.requests_left {
            *left -= 1;
        }
        !over
    }

    /// A failure about access: with the box's identity and a fresh challenge.
    fn refuse(&mut self, error_code: &str, message: &str) -> Response {
        let mut answer = failure(error_code, message);
        answer["uid"] = json!(self.uid);
        answer["result"] = json!({"challenge": self.challenge()});
        Response::json(403, answer)
    }

    /// A new challenge; the last few are good.
    fn challenge(&mut self) -> String {
        let challenge = self.issue("Ch4ll/enge+");
        self.challenges.push_back(challenge.clone());
        if self.challenges.len() > 8 {
            self.challenges.pop_front();
        }
        challenge
    }

    /// A text that nobody else has: secret from now on.
    fn issue(&mut self, start: &str) -> String {
        self.issued += 1;
        let text = format!("{start}{:013}", self.issued * 7_919);
        self.secrets.insert(text.clone());
        text
    }

    fn password(&self, token: &str, challenge: &str) -> String {
        let bytes = match self.hash {
            Hash::Sha1 => mac::<Hmac<Sha1>>(token, challenge),
            Hash::Sha256 => mac::<Hmac<Sha256>>(token, challenge),
        };
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn mac<M: Mac + KeyInit>(key: &str, message: &str) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key.as_bytes()).expect("a key of any length");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

impl KnownApp {
    fn granted(app: App) -> Self {
        KnownApp {
            app,
            pending: false,
            polls: 0,
        }
    }

    /// The status after one more poll.
    fn polled(&mut self, outcome: &Outcome, pressed: bool) -> &'static str {
        if !self.pending {
            return "granted";
        }
        self.polls += 1;
        let (status, after) = match outcome {
            Outcome::Granted { after_polls } => ("granted", *after_polls),
            Outcome::Denied { after_polls } => ("denied", *after_polls),
            Outcome::Timeout { after_polls } => ("timeout", *after_polls),
            Outcome::Button if pressed => ("granted", 0),
            Outcome::Button => ("pending", 0),
            _ => ("unknown", 0),
        };
        if self.polls <= after {
            return "pending";
        }
        self.pending = status != "granted";
        status
    }
}

/// The box answers with 200 to whatever is not about access or an unknown path.
fn status_of(answer: &Json) -> u16 {
    match answer["error_code"].as_str() {
        Some("invalid_request") => 404,
        Some("insufficient_rights" | "auth_required" | "invalid_token" | "access_denied") => 403,
        _ => 200,
    }
}

/// What was recorded: a text stands for itself.
fn told(recorded: &Json, by_now: impl FnOnce() -> Json) -> Response {
    match recorded {
        Json::String(body) => Response::raw(200, body.clone().into_bytes()),
        _ => Response::json(status_of(recorded), by_now()),
    }
}

/// The failure of an application that has no such permission.
fn without_right(need: &str) -> Response {
    let mut answer = failure("insufficient_rights", "Droits insuffisants");
    answer["missing_right"] = json!(need);
    Response::json(403, answer)
}

fn unknown_path() -> Response {
    Response::json(404, failure("invalid_request", "Requête invalide (404)"))
}
