//! A real box: found, logged in to and asked. Whatever concerns all requests of a run happens in
//! here once, and what a run finds is good for the next one.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::{Map, Value as Json};

use super::address::Address;
use super::discovery::{Endpoint, Search, find};
use super::error::{Reason, RequestError};
use super::login::{self, App};
use super::recording::{HISTORY, Recording};
use super::transport::{Limits, Transport, USUAL_ANSWER};
use super::{Known, envelope, opened};
use crate::base::clock;
use crate::base::deadline::Deadline;
use crate::base::http::Trust;
use crate::base::net;
use crate::base::secret::Secret;
use crate::base::threads;

/// One for a run that has no session, one more for a session that ends in the middle.
const MOST_LOGINS: u64 = 2;
/// How often a request gets another session.
const MOST_RENEWALS: u32 = 2;
/// How long it is taken for granted that the box is where it was found and speaks what it spoke.
const GOOD_FOR: u64 = 24 * 3600;
/// How long to wait for the name of a box that was reached a moment ago.
const LOOKUP: Duration = Duration::from_secs(2);

/// Sessions that several processes have together: those that begin at the same moment, when a
/// session has just ended, shall not log in side by side. A box has one challenge at a time.
pub(crate) trait SharedSession: fmt::Debug + Send + Sync {
    /// The session that another process has opened in place of the one that is over, if it is one
    /// of the box that is meant, or the one that `open` opens, which is kept for others.
    ///
    /// # Errors
    /// Those of `open`.
    fn instead_of(
        &self,
        over: Option<&Secret>,
        is_of_box: &dyn Fn(&Known) -> bool,
        open: &mut dyn FnMut() -> Result<Known, RequestError>,
    ) -> Result<Known, RequestError>;
}

/// A client of a real box. Several threads may ask at once: whatever concerns all of them (the
/// search for the box, the log-in) happens under one lock, and once.
#[derive(Debug)]
pub(super) struct Live {
    transport: Transport,
    search: Search,
    app: App,
    state: Mutex<State>,
    shared: Option<Box<dyn SharedSession>>,
    /// What the box's names meant when the run before began.
    addresses: BTreeSet<IpAddr>,
}

#[derive(Debug, Default)]
struct State {
    known: Option<Known>,
    /// Whether the known endpoint has answered in this run. One that has not may be out of date.
    proven: bool,
    /// Whether the box was looked for in this run.
    searched: bool,
    /// Counts the changes of endpoint and session, so that a thread whose request failed can see
    /// whether another one has already seen to it.
    generation: u32,
    /// The permissions that the session opened in this run lacks.
    missing: Vec<String>,
    /// How many sessions were opened in this run.
    logins: u64,
    /// Once set, nothing is asked any more.
    verdict: Option<RequestError>,
}

impl State {
    /// The known endpoint's base; there is one wherever something is asked.
    fn base(&self) -> String {
        let known = self.known.as_ref();
        known.map_or_else(String::new, |it| it.endpoint.base.clone())
    }

    /// Keeps an error that no other request of this run will escape. The next run looks for the
    /// box anew.
    fn judged<T>(&mut self, outcome: Result<T, RequestError>) -> Result<T, RequestError> {
        outcome.inspect_err(|error| {
            self.verdict = Some(error.clone());
            if let Some(known) = &mut self.known {
                known.endpoint.found = 0;
            }
        })
    }
}

impl Live {
    /// Nothing is asked yet.
    pub(super) fn new(
        transport: Transport,
        search: Search,
        app: App,
        known: Option<Known>,
    ) -> Self {
        // Who brings a box without a session has just found it.
        let just_found = |it: &Known| it.session.is_none() && it.endpoint.found > 0;
        Live {
            transport,
            search,
            app,
            state: Mutex::new(State {
                searched: known.as_ref().is_some_and(just_found),
                known,
                ..State::default()
            }),
            shared: None,
            addresses: BTreeSet::new(),
        }
    }

    /// See [`super::Client::sharing`].
    pub(super) fn share(&mut self, shared: Box<dyn SharedSession>) {
        self.shared = Some(shared);
    }

    /// See [`super::Client::begin`].
    pub(super) fn begin(&mut self, limits: Limits, trust: &Trust) {
        let addresses = self.looked_up(limits);
        let is_elsewhere = !addresses.is_empty() && addresses != self.addresses;
        if is_elsewhere || self.state().verdict.is_some() {
            self.transport = Transport::new(trust, limits);
        }
        if !addresses.is_empty() {
            self.addresses = addresses;
        }
        self.transport.begin(limits);
        let mut state = self.state();
        *state = State {
            known: state.known.take(),
            generation: state.generation,
            ..State::default()
        };
    }

    /// What the names of the box mean now; nothing where that cannot be found out quickly.
    fn looked_up(&self, limits: Limits) -> BTreeSet<IpAddr> {
        let base = self.state().base().parse::<Address>().ok();
        let once = limits.once().left().unwrap_or_default();
        let deadline = Deadline::after(Instant::now(), once.min(LOOKUP));
        let hosts: BTreeSet<&str> = [Some(&self.search.address), base.as_ref()]
            .into_iter()
            .flatten()
            .map(Address::host)
            .collect();
        let found = hosts
            .into_iter()
            .filter_map(|host| net::resolve(host, 0, deadline).ok());
        found.flatten().map(|it| it.ip()).collect()
    }

    /// The result at a path.
    pub(super) fn get(&self, path: &str, largest: u64) -> Result<Json, RequestError> {
        self.settled(path, MOST_RENEWALS, |url, token| {
            opened(self.transport.get(url, Some(token), largest))
        })
    }

    /// The same for something that a run can do without: it costs one session at the most, and what
    /// is wrong with it is not wrong with the box.
    pub(super) fn get_by_the_way(&self, path: &str) -> Result<Json, RequestError> {
        self.settled(path, 1, |url, token| {
            opened(self.transport.get(url, Some(token), USUAL_ANSWER))
        })
    }

    /// What the box says to a question that is sent to a path, likewise.
    pub(super) fn post_by_the_way(
        &self,
        path: &str,
        question: &Json,
    ) -> Result<Json, RequestError> {
        self.settled(path, 1, |url, token| {
            opened(self.transport.post(url, Some(token), question))
        })
    }

    /// Asks, with one remedy each for a session that is over and a box that has moved.
    fn settled(
        &self,
        path: &str,
        most_renewals: u32,
        exchange: impl Fn(&str, &Secret) -> Result<Json, Reason>,
    ) -> Result<Json, RequestError> {
        let (mut renewals, mut moved) = (0, false);
        loop {
            let (url, token, generation) = self.prepare(path)?;
            let answer = self.noted(path, exchange(&url, &token));
            match &answer {
                // The first may be one that another process had, and be over as well.
                Err(error) if error.wants_login() && renewals < most_renewals => {
                    renewals += 1;
                    self.renew(generation)?;
                }
                Err(error) if self.is_out_of_date(error) && !moved => {
                    moved = true;
                    self.search_again(generation)?;
                }
                _ => {
                    // Another version than the box's own is somebody's wish.
                    let about_version = RequestError::is_about_version;
                    return answer.map_err(|error| match about_version(&error) {
                        true => self.search.blamed(error),
                        false => error,
                    });
                }
            }
        }
    }

    /// Notes whether the box has answered.
    fn noted(&self, path: &str, answer: Result<Json, Reason>) -> Result<Json, RequestError> {
        let answer = answer.map_err(|reason| RequestError::new(path, reason));
        let is_answer = answer.as_ref().err().is_none_or(|error| {
            matches!(error.reason, Reason::Declined(_)) && !error.is_about_version()
        });
        if is_answer {
            self.state().proven = true;
        }
        answer
    }

    /// The address of `path` and the session to ask with.
    fn prepare(&self, path: &str) -> Result<(String, Secret, u32), RequestError> {
        let mut state = self.state();
        let token = self.session(&mut state)?;
        let url = format!("{}{path}", state.base());
        Ok((url, token, state.generation))
    }

    /// The session; the box is found and the session opened if need be.
    fn session(&self, state: &mut State) -> Result<Secret, RequestError> {
        if let Some(verdict) = &state.verdict {
            return Err(verdict.clone());
        }
        let is_good = |known: &&Known| state.searched || self.is_recent(&known.endpoint);
        let token = match state.known.as_ref().filter(is_good) {
            Some(known) => known.session.clone(),
            None => self.find(state)?.session,
        };
        match token {
            Some(token) => Ok(token),
            None => self.log_in(state, None),
        }
    }

    /// Whether a box that an earlier run has found need not be looked for.
    fn is_recent(&self, endpoint: &Endpoint) -> bool {
        // What was found later than now was found by a clock that has been set back.
        let age = clock::now().checked_sub(endpoint.found);
        !self.search.force && age.is_some_and(|age| age < GOOD_FOR)
    }

    fn find(&self, state: &mut State) -> Result<Known, RequestError> {
        let found = find(&self.transport, &self.search).and_then(|endpoint| {
            let checked = self.app.expects(endpoint.uid.as_deref());
            checked.map_err(|reason| RequestError::new(&endpoint.base, reason))?;
            Ok(endpoint)
        });
        let endpoint = state.judged(found)?;
        log::debug!("the box is at {}", endpoint.base);
        // A session belongs to the box, not to the way that leads there.
        let before = state.known.take();
        let before = before.filter(|it| it.endpoint.uid == endpoint.uid);
        let known = Known {
            endpoint,
            session: before.and_then(|it| it.session),
        };
        state.known = Some(known.clone());
        state.proven = true;
        state.searched = true;
        state.generation += 1;
        Ok(known)
    }

    /// Opens a session in place of the one that is over, or takes the one of another process.
    fn log_in(&self, state: &mut State, over: Option<&Secret>) -> Result<Secret, RequestError> {
        // What this run has found is newer than what another has left.
        let known = state.known.as_ref().filter(|_| state.searched);
        let found = known.map(|it| it.endpoint.clone());
        let is_of_box = |it: &Known| {
            found
                .as_ref()
                .is_none_or(|found| found.is_same(&it.endpoint))
        };
        let mut open = || self.open_session(state);
        let known = match &self.shared {
            Some(shared) => shared.instead_of(over, &is_of_box, &mut open)?,
            None => open()?,
        };
        let token = known.session.clone();
        state.known = Some(known);
        state.generation += 1;
        let none =
            || RequestError::new("login/session/", Reason::NoAnswer("no session".to_owned()));
        token.ok_or_else(none)
    }

    /// A session ends when the box restarts, and then it may speak another version of its API.
    fn open_session(&self, state: &mut State) -> Result<Known, RequestError> {
        let mut known = match &state.known {
            Some(known) if state.searched => known.clone(),
            _ => self.find(state)?,
        };
        let opened = login::open_session(&self.transport, &known.endpoint.base, &self.app);
        let opened = opened.map_err(|error| self.search.blamed(error));
        let session = state.judged(opened)?;
        log::debug!("a session is open");
        state.missing = session.missing;
        state.logins += 1;
        known.session = Some(session.token);
        Ok(known)
    }

    /// Opens a new session in place of the one of `generation`, unless that has been done.
    fn renew(&self, generation: u32) -> Result<(), RequestError> {
        let mut state = self.state();
        if state.generation != generation {
            return Ok(());
        }
        if state.logins >= MOST_LOGINS {
            let words = "the box opens sessions and ends them at once; it may have too many of them, \
                         or restart";
            let error = RequestError::new("login/session/", Reason::Refused(words.to_owned()));
            return state.judged(Err(error));
        }
        let over = state.known.as_mut().and_then(|it| it.session.take());
        self.log_in(&mut state, over.as_ref())?;
        Ok(())
    }

    /// Looks for the box anew in place of the endpoint of `generation`.
    fn search_again(&self, generation: u32) -> Result<(), RequestError> {
        let mut state = self.state();
        if state.generation == generation {
            log::debug!("the box is not where it was");
            self.find(&mut state)?;
        }
        Ok(())
    }

    /// Whether an error may come from an endpoint that was good in an earlier run only.
    fn is_out_of_date(&self, error: &RequestError) -> bool {
        error.is_out_of_date() && !self.state().proven
    }

    /// See [`super::Client::look_again`].
    pub(super) fn look_again(&self) -> bool {
        let mut state = self.state();
        if state.searched || state.verdict.is_some() {
            return false;
        }
        let before = state.base();
        self.find(&mut state)
            .is_ok_and(|known| known.endpoint.base != before)
    }

    /// See [`super::Client::api_major`].
    pub(super) fn api_major(&self) -> Option<u32> {
        let mut state = self.state();
        // What keeps it from being found comes up again with the first request.
        self.session(&mut state).ok()?;
        let known = state.known.as_ref()?;
        self.search.version.or_else(|| known.endpoint.major())
    }

    /// See [`super::Client::missing_permissions`].
    pub(super) fn missing_permissions(&self) -> Result<Vec<String>, RequestError> {
        let mut state = self.state();
        self.session(&mut state)?;
        Ok(state.missing.clone())
    }

    /// How many requests went out, and how many sessions were opened.
    pub(super) fn efforts(&self) -> (u64, u64) {
        (self.transport.requests(), self.state().logins)
    }

    /// See [`super::Client::verdict`].
    pub(super) fn verdict(&self) -> Option<RequestError> {
        self.state().verdict.clone()
    }

    /// What is known of the box by now.
    pub(super) fn known(&self) -> Option<Known> {
        self.state().known.clone()
    }

    /// See [`super::Client::heard`].
    pub(super) fn heard(&self) -> Option<Recording> {
        let endpoint = self.known()?.endpoint;
        let mut document = Json::Null;
        let mut answers = Map::new();
        for (url, answer) in self.transport.tape() {
            let json = envelope::parse(answer.status, &answer.body)
                .unwrap_or_else(|_| String::from_utf8_lossy(&answer.body).into());
            match url.strip_prefix(&endpoint.base) {
                Some(path) if path.starts_with("login/") || path.starts_with(HISTORY) => {}
                // A later answer at the same path is the one that counted.
                Some(path) => drop(answers.insert(path.to_owned(), json)),
                None if url.ends_with("/api_version") => document = json,
                None => {}
            }
        }
        Some(Recording::new(endpoint, document, answers))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        threads::lock(&self.state)
    }
}
