//! The box: one path in, one result out. Finding the box, opening and renewing the session,
//! limits and the envelope stay in here.

mod address;
mod discovery;
mod envelope;
mod error;
mod login;
mod recording;
mod transport;

use std::sync::{Mutex, MutexGuard};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

pub(crate) use address::Address;
pub(crate) use discovery::{Endpoint, Search, find};
pub(crate) use error::{Error, Kind, PERMISSIONS_PAGE};
pub(crate) use login::{App, HashType, Status, authorize, status};
pub(crate) use recording::Recording;
pub(crate) use transport::{Limits, SIZE_OF_HOSTS, Transport, USUAL_SIZE};

use crate::base::secret::Secret;
use crate::base::threads;
use transport::{Answer, Fault};

/// One for a run that has no session, one more for a session that ends in the middle.
const MOST_LOGINS: u64 = 2;

/// What a run may take over from the one before: where the box is, and a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// Where the API is.
    pub(crate) endpoint: Endpoint,
    /// A session that may still be alive.
    pub(crate) session: Option<Secret>,
}

/// A box that can be asked.
#[derive(Debug)]
pub(crate) struct Client {
    source: Source,
}

#[derive(Debug)]
enum Source {
    Live(Box<Live>),
    Replay(Recording),
}

impl Client {
    /// A client of a real box. Nothing is asked yet.
    pub(crate) fn new(
        transport: Transport,
        search: Search,
        app: App,
        known: Option<Known>,
    ) -> Self {
        let live = Live {
            transport,
            search,
            app,
            state: Mutex::new(State {
                known: known.clone(),
                proven: false,
                generation: 0,
                missing: Vec::new(),
                logins: 0,
                verdict: None,
            }),
        };
        Client {
            source: Source::Live(Box::new(live)),
        }
    }

    /// A client of a recording.
    pub(crate) fn replay(recording: Recording) -> Self {
        Client {
            source: Source::Replay(recording),
        }
    }

    /// Begins another run: what was found and opened stays, what was counted and judged does not.
    pub(crate) fn begin(&self, limits: Limits) {
        if let Source::Live(live) = &self.source {
            live.transport.begin(limits);
            let mut state = live.state();
            state.proven = false;
            state.logins = 0;
            state.verdict = None;
        }
    }

    /// Whether a recording stands in for the box.
    pub(crate) fn is_replay(&self) -> bool {
        matches!(self.source, Source::Replay(_))
    }

    /// The result at `path`, `null` where the box says success and nothing else. An answer with
    /// more than `largest` bytes is given up.
    ///
    /// # Errors
    /// See [`Kind`]; the error names the path.
    pub(crate) fn get(&self, path: &str, largest: u64) -> Result<Json, Error> {
        match &self.source {
            Source::Replay(recording) => {
                let answer = recording.answer(path).and_then(envelope::open);
                answer.map_err(|kind| Error::new(path, kind))
            }
            Source::Live(live) => live.get(path, largest),
        }
    }

    /// The major version of the API that is spoken, as soon as the box is found.
    pub(crate) fn api_major(&self) -> Option<u32> {
        match &self.source {
            Source::Replay(recording) => recording.endpoint().major(),
            Source::Live(live) => {
                let mut state = live.state();
                // What keeps it from being found comes up again with the first request.
                live.session(&mut state).ok()?;
                let known = state.known.as_ref()?;
                live.search.version.or_else(|| known.endpoint.major())
            }
        }
    }

    /// How many requests went out, and how many sessions were opened.
    pub(crate) fn efforts(&self) -> (u64, u64) {
        match &self.source {
            Source::Replay(_) => (0, 0),
            Source::Live(live) => (live.transport.requests(), live.state().logins),
        }
    }

    /// Opens a session, if none is open, and says which permissions it lacks.
    ///
    /// # Errors
    /// Whatever kept the box from opening one.
    pub(crate) fn missing_permissions(&self) -> Result<Vec<String>, Error> {
        match &self.source {
            Source::Replay(_) => Ok(Vec::new()),
            Source::Live(live) => {
                let mut state = live.state();
                live.session(&mut state)?;
                Ok(state.missing.clone())
            }
        }
    }

    /// Why this box could not be used at all in this run, if that is so.
    pub(crate) fn verdict(&self) -> Option<Error> {
        match &self.source {
            Source::Replay(_) => None,
            Source::Live(live) => live.state().verdict.clone(),
        }
    }

    /// The box as far as it is known by now.
    pub(crate) fn endpoint(&self) -> Option<Endpoint> {
        match &self.source {
            Source::Replay(recording) => Some(recording.endpoint().clone()),
            Source::Live(live) => live.state().known.as_ref().map(|it| it.endpoint.clone()),
        }
    }

    /// Everything that the box has answered, where the transport keeps that and the box is found.
    pub(crate) fn heard(&self) -> Option<Recording> {
        match &self.source {
            Source::Replay(_) => None,
            Source::Live(live) => live.heard(),
        }
    }

    /// What the next run may take over.
    pub(crate) fn known(&self) -> Option<Known> {
        match &self.source {
            Source::Replay(_) => None,
            Source::Live(live) => live.state().known.clone(),
        }
    }
}

/// A client of a real box. Several threads may ask at once: whatever concerns all of them (the
/// search for the box, the log-in) happens under one lock, and once.
#[derive(Debug)]
struct Live {
    transport: Transport,
    search: Search,
    app: App,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    known: Option<Known>,
    /// Whether the known endpoint has answered in this run. One that has not may be out of date.
    proven: bool,
    /// Counts the changes of endpoint and session, so that a thread whose request failed can see
    /// whether another one has already seen to it.
    generation: u32,
    /// The permissions that the session opened in this run lacks.
    missing: Vec<String>,
    /// How many sessions were opened in this run.
    logins: u64,
    /// Once set, nothing is asked any more.
    verdict: Option<Error>,
}

impl Live {
    /// Asks, with one remedy each for a session that is over and a box that has moved.
    fn get(&self, path: &str, largest: u64) -> Result<Json, Error> {
        let (mut renewed, mut moved) = (false, false);
        loop {
            let (url, token, generation) = self.prepare(path)?;
            let answer = self.ask(path, &url, &token, largest);
            match &answer {
                Err(error) if error.wants_login() && !renewed => {
                    renewed = true;
                    self.renew(generation)?;
                }
                Err(error) if self.is_out_of_date(error) && !moved => {
                    moved = true;
                    self.search_again(generation)?;
                }
                _ => return answer,
            }
        }
    }

    fn ask(&self, path: &str, url: &str, token: &Secret, largest: u64) -> Result<Json, Error> {
        let answer = opened(self.transport.get(url, Some(token), largest));
        if matches!(answer, Ok(_) | Err(Kind::Declined(_))) {
            self.state().proven = true;
        }
        answer.map_err(|kind| Error::new(path, kind))
    }

    /// The address of `path` and the session to ask with.
    fn prepare(&self, path: &str) -> Result<(String, Secret, u32), Error> {
        let mut state = self.state();
        let (base, token) = self.session(&mut state)?;
        Ok((format!("{base}{path}"), token, state.generation))
    }

    /// The base and the session, found and opened if need be.
    fn session(&self, state: &mut State) -> Result<(String, Secret), Error> {
        if let Some(verdict) = &state.verdict {
            return Err(verdict.clone());
        }
        let known = match &state.known {
            Some(known) if state.proven || !self.search.force => known.clone(),
            _ => self.find(state)?,
        };
        let base = known.endpoint.base;
        let token = match known.session {
            Some(token) => token,
            None => self.log_in(state)?,
        };
        // A log-in may have moved the base.
        let base = state
            .known
            .as_ref()
            .map_or(base, |it| it.endpoint.base.clone());
        Ok((base, token))
    }

    fn find(&self, state: &mut State) -> Result<Known, Error> {
        let found = find(&self.transport, &self.search).and_then(|endpoint| {
            let checked = self.app.expects(endpoint.uid.as_deref());
            checked.map_err(|kind| Error::new(&endpoint.base, kind))?;
            Ok(endpoint)
        });
        let endpoint = self.judged(state, found)?;
        log::debug!("the box is at {}", endpoint.base);
        // A session belongs to the box, not to the way that leads there.
        let before = state.known.take().and_then(|it| it.session);
        let known = Known {
            endpoint,
            session: before,
        };
        state.known = Some(known.clone());
        state.proven = true;
        state.generation += 1;
        Ok(known)
    }

    fn log_in(&self, state: &mut State) -> Result<Secret, Error> {
        let base = state
            .known
            .as_ref()
            .map_or_else(String::new, |it| it.endpoint.base.clone());
        let mut opened = login::open_session(&self.transport, &base, &self.app);
        if !state.proven && opened.as_ref().is_err_and(|error| error.is_out_of_date()) {
            let base = self.find(state)?.endpoint.base;
            opened = login::open_session(&self.transport, &base, &self.app);
        }
        let session = self.judged(state, opened)?;
        log::debug!("a session is open");
        if let Some(known) = &mut state.known {
            known.session = Some(session.token.clone());
        }
        state.missing = session.missing;
        state.logins += 1;
        state.generation += 1;
        Ok(session.token)
    }

    /// Keeps an error that no other request of this run will escape.
    fn judged<T>(&self, state: &mut State, outcome: Result<T, Error>) -> Result<T, Error> {
        outcome.inspect_err(|error| state.verdict = Some(error.clone()))
    }

    /// Opens a new session in place of the one of `generation`, unless that has been done.
    fn renew(&self, generation: u32) -> Result<(), Error> {
        let mut state = self.state();
        if state.generation != generation {
            return Ok(());
        }
        if state.logins >= MOST_LOGINS {
            let words = "the box opens sessions and ends them at once; it may have too many of them, \
                         or restart";
            let error = Error::new("login/session/", Kind::Refused(words.to_owned()));
            return self.judged(&mut state, Err(error));
        }
        if let Some(known) = &mut state.known {
            known.session = None;
        }
        self.log_in(&mut state)?;
        Ok(())
    }

    /// Looks for the box anew in place of the endpoint of `generation`.
    fn search_again(&self, generation: u32) -> Result<(), Error> {
        let mut state = self.state();
        if state.generation == generation {
            log::debug!("the box is not where it was");
            self.find(&mut state)?;
        }
        Ok(())
    }

    /// Whether an error may come from an endpoint that was good in an earlier run only.
    fn is_out_of_date(&self, error: &Error) -> bool {
        error.is_out_of_date() && !self.state().proven
    }

    fn heard(&self) -> Option<Recording> {
        let endpoint = self.state().known.as_ref()?.endpoint.clone();
        let mut document = Json::Null;
        let mut answers = Map::new();
        for (url, answer) in self.transport.tape() {
            let json = envelope::parse(answer.status, &answer.body)
                .unwrap_or_else(|_| String::from_utf8_lossy(&answer.body).into());
            match url.strip_prefix(&endpoint.base) {
                Some(path) if path.starts_with("login/") => {}
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

/// An answer without its envelope.
fn opened(answer: Result<Answer, Fault>) -> Result<Json, Kind> {
    let answer = answer.map_err(Kind::from)?;
    envelope::open(envelope::parse(answer.status, &answer.body)?)
}
