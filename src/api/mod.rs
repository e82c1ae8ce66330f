//! The box: one path in, one result out. Finding the box, opening and renewing the session,
//! limits and the envelope stay in here.

mod address;
mod discovery;
mod envelope;
mod error;
mod history;
mod live;
mod login;
pub(crate) mod permission;
mod recording;
mod transport;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub(crate) use address::Address;
pub(crate) use discovery::{Endpoint, FAMILIES, Search, find};
pub(crate) use error::{Meaning, Reason, RequestError};
pub(crate) use history::Query;
pub(crate) use login::{App, HashType, Status, authorize, status};
pub(crate) use recording::{Recording, history_path};
pub(crate) use transport::{LARGEST_ANSWER, Limits, Transport, USUAL_ANSWER};

use crate::base::http::Trust;
use crate::base::secret::Secret;
use live::Live;
pub(crate) use live::SharedSession;
use transport::{Answer, Fault};

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
    /// How the box lets its history be asked for.
    history: history::Way,
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
        Client {
            source: Source::Live(Box::new(Live::new(transport, search, app, known))),
            history: history::Way::default(),
        }
    }

    /// The same client, which shares its sessions with other processes.
    pub(crate) fn sharing(mut self, shared: Box<dyn SharedSession>) -> Self {
        if let Source::Live(live) = &mut self.source {
            live.share(shared);
        }
        self
    }

    /// A client of a recording.
    pub(crate) fn replay(recording: Recording) -> Self {
        Client {
            source: Source::Replay(recording),
            history: history::Way::default(),
        }
    }

    /// Begins another run: what was found and opened stays, what was counted and judged does not.
    /// Connections stay as well, unless the box's name has come to mean another address, or the
    /// last run did not get through.
    pub(crate) fn begin(&mut self, limits: Limits, trust: &Trust) {
        if let Source::Live(live) = &mut self.source {
            live.begin(limits, trust);
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
    /// See [`Reason`]; the error names the path.
    pub(crate) fn get(&self, path: &str, largest: u64) -> Result<Json, RequestError> {
        match &self.source {
            Source::Replay(recording) => {
                let answer = recording.answer(path).and_then(envelope::open);
                answer.map_err(|reason| RequestError::new(path, reason))
            }
            Source::Live(live) => live.get(path, largest),
        }
    }

    /// What the box remembers. The error names the database.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(crate) fn remembered(&self, query: &Query) -> Result<Json, RequestError> {
        let answer = match &self.source {
            Source::Replay(recording) => {
                let answer = recording.history(query.database).and_then(envelope::open);
                answer.map_err(|reason| RequestError::new("", reason))
            }
            Source::Live(live) => self.history.ask(live, query),
        };
        answer.map_err(|error| RequestError::new(query.name(), error.reason))
    }

    /// The major version of the API that is spoken, as soon as the box is found.
    pub(crate) fn api_major(&self) -> Option<u32> {
        match &self.source {
            Source::Replay(recording) => recording.endpoint().major(),
            Source::Live(live) => live.api_major(),
        }
    }

    /// Looks for the box anew, unless that was done in this run already; whether its API is
    /// somewhere else now.
    pub(crate) fn look_again(&self) -> bool {
        match &self.source {
            Source::Replay(_) => false,
            Source::Live(live) => live.look_again(),
        }
    }

    /// How many requests went out, and how many sessions were opened.
    pub(crate) fn efforts(&self) -> (u64, u64) {
        match &self.source {
            Source::Replay(_) => (0, 0),
            Source::Live(live) => live.efforts(),
        }
    }

    /// Opens a session, if none is open, and says which permissions it lacks.
    ///
    /// # Errors
    /// Whatever kept the box from opening one.
    pub(crate) fn missing_permissions(&self) -> Result<Vec<String>, RequestError> {
        match &self.source {
            Source::Replay(_) => Ok(Vec::new()),
            Source::Live(live) => live.missing_permissions(),
        }
    }

    /// Why this box could not be used at all in this run, if that is so.
    pub(crate) fn verdict(&self) -> Option<RequestError> {
        match &self.source {
            Source::Replay(_) => None,
            Source::Live(live) => live.verdict(),
        }
    }

    /// The box as far as it is known by now.
    pub(crate) fn endpoint(&self) -> Option<Endpoint> {
        match &self.source {
            Source::Replay(recording) => Some(recording.endpoint().clone()),
            Source::Live(live) => live.known().map(|it| it.endpoint),
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
            Source::Live(live) => live.known(),
        }
    }
}

/// An answer without its envelope.
fn opened(answer: Result<Answer, Fault>) -> Result<Json, Reason> {
    let answer = answer.map_err(Reason::from)?;
    envelope::open(envelope::parse(answer.status, &answer.body)?)
}
