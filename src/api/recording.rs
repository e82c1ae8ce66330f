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
//! The keys of `answers` are paths below the API's base; a value is the whole answer, or a text
//! where it was no JSON. What is not in it is not there, as on a box of another model.

use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::discovery::Endpoint;
use super::envelope;
use super::error::Kind;
use crate::error::Error;
use crate::files;

const FORMAT: &str = "freebox-monitor recording 1";

/// The answers of a box.
#[derive(Debug)]
pub(crate) struct Recording {
    endpoint: Endpoint,
    answers: Map<String, Json>,
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    /// When the file cannot be read or is no recording.
    pub(crate) fn load(path: &Path) -> Result<Self, Error> {
        let bad = |why: &str| Error::misuse(format!("{}: no recording: {why}", path.display()));
        let mut json: Json =
            serde_json::from_slice(&files::read(path)?).map_err(|error| bad(&error.to_string()))?;
        if json.get("format").and_then(Json::as_str) != Some(FORMAT) {
            return Err(bad(&format!("its \"format\" is not \"{FORMAT}\"")));
        }
        let document = json.get("api_version").unwrap_or(&Json::Null);
        let endpoint = Endpoint::of_recording(document)
            .ok_or_else(|| bad("its \"api_version\" names no version"))?;
        match json.get_mut("answers").map(Json::take) {
            Some(Json::Object(answers)) => Ok(Recording { endpoint, answers }),
            _ => Err(bad("it has no \"answers\"")),
        }
    }

    /// The box that was recorded.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What the box answered at `path`; a slash at the end makes no difference.
    pub(super) fn answer(&self, path: &str) -> Result<Json, Kind> {
        let bare = path.trim_end_matches('/');
        let found = self
            .answers
            .get(bare)
            .or_else(|| self.answers.get(&format!("{bare}/")));
        match found {
            Some(Json::String(body)) => envelope::parse(200, body.as_bytes()),
            Some(answer) => Ok(answer.clone()),
            None => Ok(json!({"success": false, "error_code": "invalid_request"})),
        }
    }
}
