//! A file that stands in for a box (`--replay`): the answers it once gave.
//!
//! ```json
//! {
//!   "format": "freebox-monitor recording 1",
//!   "api_version": { "api_version": "16.0", "uid": "…", … },
//!   "answers": { "connection/": { "success": true, "result": { … } }, … }
//! }
//! ```
//!
//! The keys of `answers` are paths below the API's base, those of the history without its times; a
//! value is the whole answer, or a text where it was no JSON. What is not in it is not there, as on a
//! box of another model.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::discovery::Endpoint;
use super::envelope;
use super::error::Reason;
use crate::base::deadline::Deadline;
use crate::base::error::Error;
use crate::base::files;

const FORMAT: &str = "freebox-monitor recording 1";

/// A path that ends in a moment in milliseconds asks for what came after it.
const SHORTEST_MOMENT: usize = 12;

/// Where the history is.
pub(super) const HISTORY: &str = "rrd/";

/// A database of the history by its path, without the times.
pub(crate) fn history_path(database: &str) -> String {
    format!("{HISTORY}?db={database}")
}

/// The answers of a box.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Recording {
    #[serde(default)]
    format: String,
    /// The answer to `/api_version`.
    #[serde(default)]
    pub(crate) api_version: Json,
    /// Every other one, by its path.
    #[serde(default)]
    pub(crate) answers: Map<String, Json>,
    #[serde(skip)]
    endpoint: Endpoint,
}

impl Recording {
    /// Puts one together.
    pub(super) fn new(endpoint: Endpoint, api_version: Json, answers: Map<String, Json>) -> Self {
        Recording {
            format: FORMAT.to_owned(),
            api_version,
            answers,
            endpoint,
        }
    }

    /// Reads a recording.
    ///
    /// # Errors
    /// When the file cannot be read or is no recording.
    pub(crate) fn load(path: &Path, deadline: Deadline) -> Result<Self, Error> {
        let bad = |why: &str| Error::misuse(format!("{}: no recording: {why}", path.display()));
        let content = files::read(path, deadline)?;
        let mut recording: Recording = serde_json::from_slice(without_mark(&content))
            .map_err(|error| bad(&error.to_string()))?;
        if recording.format != FORMAT {
            return Err(bad(&format!("its \"format\" is not \"{FORMAT}\"")));
        }
        recording.endpoint = Endpoint::of_recording(&recording.api_version)
            .ok_or_else(|| bad("its \"api_version\" names no version"))?;
        if recording.answers.is_empty() {
            return Err(bad("it has no \"answers\""));
        }
        Ok(recording)
    }

    /// The file's content.
    ///
    /// # Errors
    /// None that can be expected: every recording has a form as JSON.
    pub(crate) fn to_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// The box that was recorded.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What the box answered at `path`; a slash at the end makes no difference.
    pub(super) fn answer(&self, path: &str) -> Result<Json, Reason> {
        match self.find(path.trim_end_matches('/')) {
            Some(Json::String(body)) => envelope::parse(200, body.as_bytes()),
            Some(answer) => Ok(answer.clone()),
            None => Ok(json!({"success": false, "error_code": "invalid_request"})),
        }
    }

    /// What the box remembered in a database, whatever time is asked for.
    pub(super) fn history(&self, database: &str) -> Result<Json, Reason> {
        self.answer(&history_path(database))
    }

    fn find(&self, path: &str) -> Option<&Json> {
        let exact = self.answers.get(path);
        exact
            .or_else(|| self.answers.get(&format!("{path}/")))
            .or_else(|| self.at_another_time(path))
    }

    /// The answer at a path that differs only in the moment at its end: the clock has gone on
    /// since the recording.
    fn at_another_time(&self, path: &str) -> Option<&Json> {
        let wanted = timed(path)?;
        let mut answers = self.answers.iter();
        let found = answers.find(|(path, _)| timed(path) == Some(wanted));
        found.map(|(_, answer)| answer)
    }
}

/// A file without the byte order mark that some editors put before it.
fn without_mark(content: &[u8]) -> &[u8] {
    content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content)
}

/// A path without the moment at its end, if it has one.
fn timed(path: &str) -> Option<&str> {
    let (rest, last) = path.rsplit_once('/')?;
    let is_moment = last.len() >= SHORTEST_MOMENT && last.bytes().all(|it| it.is_ascii_digit());
    is_moment.then_some(rest)
}
