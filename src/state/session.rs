//! The cached sessions: where a box is and how to speak to it without looking and logging in.

use serde::{Deserialize, Serialize};

use super::folder::StateFolder;
use crate::api::Known;
use crate::base::error::Error;
use crate::base::secret::Secret;

const FILE: &str = "session.json";

/// For how many different settings a session is kept: those of a crontab, and of who tries
/// something out.
const MOST: usize = 4;

/// The file. The last that was written stands at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Sessions {
    sessions: Vec<Cached>,
}

/// A session, with what it depends on: other settings must not find it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cached {
    /// The settings it was made with, as [`crate::tasks::target`] describes them.
    settings: String,
    known: Known,
}

impl StateFolder {
    /// What an earlier run with the same settings has left, if anything that can be used.
    pub(crate) fn session(&self, settings: &str) -> Option<Known> {
        let sessions: Sessions = self.read(FILE);
        let mut sessions = sessions.sessions.into_iter();
        let cached = sessions.find(|it| it.settings == settings)?;
        let is_good = cached.known.session.as_ref().is_none_or(Secret::is_token);
        is_good.then_some(cached.known)
    }

    /// Leaves it for the next run. Only its owner can read it.
    ///
    /// # Errors
    /// When the folder or the file cannot be written.
    pub(crate) fn keep_session(&self, settings: &str, known: &Known) -> Result<(), Error> {
        self.update(FILE, |file: &mut Sessions| {
            file.sessions.retain(|it| it.settings != settings);
            let surplus = (file.sessions.len() + 1).saturating_sub(MOST);
            file.sessions.drain(..surplus);
            file.sessions.push(Cached {
                settings: settings.to_owned(),
                known: known.clone(),
            });
        })
    }
}
