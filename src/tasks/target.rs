//! The box of a run: what the arguments and the credentials say about it, brought together.

use std::path::Path;

use crate::api::{Address, App, Search};
use crate::base::deadline::Deadline;
use crate::base::error::Error;
use crate::base::http::Trust;
use crate::cli::Target;
use crate::state::credentials::{Credentials, DEFAULT_ENDPOINT, Granted};
use crate::state::session::{Remembered, StateFolder};

/// Where to look for the box, and how.
///
/// # Errors
/// When the credentials name a place that is none.
pub(crate) fn search(target: &Target, granted: Option<&Granted>) -> Result<Search, Error> {
    let address = match &target.endpoint {
        Some(address) => address.clone(),
        None => {
            let stored = granted.and_then(|it| it.endpoint.as_deref());
            let stored = stored.unwrap_or(DEFAULT_ENDPOINT);
            let bad =
                |why| Error::misuse(format!("the credentials name the box '{stored}': {why}"));
            stored.parse().map_err(bad)?
        }
    };
    Ok(Search {
        address,
        by_domain: target.by_domain,
        version: target.version,
        force: target.detect_force,
        https_only: granted.is_some_and(|it| it.https),
    })
}

/// The registered box that is meant, and where to look for it.
///
/// # Errors
/// When no registered box is meant, or its credentials cannot be used.
pub(crate) fn registered(
    target: &Target,
    config: Option<&Path>,
    deadline: Deadline,
) -> Result<(Granted, Search), Error> {
    let credentials = Credentials::load(config, deadline)?;
    let granted = credentials.pick(target.endpoint.as_ref(), target.name.as_deref())?;
    let search = search(target, Some(granted))?;
    Ok((granted.clone(), search))
}

/// How this program is known to the box.
pub(crate) fn app(target: &Target, granted: &Granted) -> App {
    App {
        id: granted.app_id.clone(),
        token: granted.app_token.clone(),
        hash: target.hash,
        uid: granted.uid.clone(),
    }
}

/// The session that runs hand on, with everything it depends on.
#[derive(Debug)]
pub(crate) struct Cache {
    /// Where it is.
    pub(crate) folder: StateFolder,
    settings: String,
}

/// The cache for this box and these settings.
pub(crate) fn cache(target: &Target, granted: &Granted, search: &Search) -> Cache {
    let trust = match &target.trust {
        Trust::BuiltIn => "built-in".to_owned(),
        Trust::Only(roots) => format!("{} roots", roots.len()),
        Trust::Anything => "anything".to_owned(),
    };
    let settings = format!(
        "{} domain={} version={:?} trust={trust} app={} track={}",
        search.address, target.by_domain, target.version, granted.app_id, granted.track_id
    );
    Cache {
        folder: folder(granted.uid.as_deref(), &search.address),
        settings,
    }
}

/// The folder for what runs leave for each other.
pub(crate) fn folder(uid: Option<&str>, address: &Address) -> StateFolder {
    StateFolder::of_box(uid.unwrap_or(address.host()))
}

impl Cache {
    /// What an earlier run has left.
    pub(crate) fn load(&self) -> Remembered {
        self.folder.load(&self.settings)
    }

    /// Leaves it for the next run. That one can do without, so that a failure is only told.
    pub(crate) fn keep(&self, remembered: &Remembered) {
        if let Err(error) = self.folder.keep(&self.settings, remembered) {
            log::warn!("the next run will have to log in again: {error}");
        }
    }
}
