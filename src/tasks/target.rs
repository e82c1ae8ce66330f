//! The box of a run: what the arguments and the credentials say about it, brought together.

use std::path::Path;

use crate::api::{Address, App, Known, RequestError, Search, SharedSession};
use crate::base::deadline::Deadline;
use crate::base::error::Error;
use crate::base::http::Trust;
use crate::base::secret::Secret;
use crate::cli::Target;
use crate::state::credentials::{Credentials, DEFAULT_ENDPOINT, Granted};
use crate::state::folder::StateFolder;
use crate::tasks::naming;

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

/// The registered box that is meant, with the name that it has in paths, and where to look for it.
///
/// # Errors
/// When no registered box is meant, or its credentials cannot be used.
pub(crate) fn registered(
    target: &Target,
    config: Option<&Path>,
    deadline: Deadline,
) -> Result<(Granted, Search), Error> {
    let credentials = Credentials::load(config, deadline)?;
    let said = target.name.as_deref().filter(|name| !name.is_empty());
    let mut granted = credentials.pick(target.endpoint.as_ref(), said)?.clone();
    let search = search(target, Some(&granted))?;
    let name = naming::in_run(&credentials, &granted, said, &search.address)?;
    granted.name = Some(name);
    Ok((granted, search))
}

/// The URL of the API as the credentials have it: a tag of all series, so that what is found now,
/// which may be another version or another way to the box, would begin new ones.
pub(crate) fn written_url<'a>(target: &Target, granted: &'a Granted) -> Option<&'a str> {
    granted.api_url.as_deref().filter(|_| !target.detect_force)
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

/// What runs of one box hand on to each other.
#[derive(Clone, Debug)]
pub(crate) struct Handover {
    /// Where it is.
    pub(crate) folder: StateFolder,
    /// What a session depends on.
    settings: String,
}

/// The handover for this box and these settings.
pub(crate) fn handover(target: &Target, granted: &Granted, search: &Search) -> Handover {
    let trust = match &target.trust {
        Trust::BuiltIn => "built-in".to_owned(),
        Trust::Only(roots) => format!("{} roots", roots.len()),
        Trust::Anything => "anything".to_owned(),
    };
    let settings = format!(
        "{} domain={} version={:?} trust={trust} app={} track={}",
        search.address, target.by_domain, target.version, granted.app_id, granted.track_id
    );
    Handover {
        folder: folder(granted.uid.as_deref(), &search.address),
        settings,
    }
}

/// The sessions of processes that run at the same time.
#[derive(Debug)]
pub(crate) struct Shared {
    handover: Handover,
    writes: bool,
}

impl SharedSession for Shared {
    fn instead_of(
        &self,
        over: Option<&Secret>,
        is_of_box: &dyn Fn(&Known) -> bool,
        open: &mut dyn FnMut() -> Result<Known, RequestError>,
    ) -> Result<Known, RequestError> {
        let _turn = self.handover.folder.turn_to_log_in();
        let known = self.handover.session();
        let is_new = |it: &Known| it.endpoint.found > 0 && it.session.is_some();
        let is_other = |it: &Known| it.session.as_ref() != over;
        match known.filter(|it| is_new(it) && is_other(it) && is_of_box(it)) {
            Some(known) => Ok(known),
            None => {
                let known = open()?;
                if self.writes {
                    // What keeps it from being written is told when the run leaves it.
                    let kept = self.handover.keep(&known);
                    let _ = kept.inspect_err(|error| log::debug!("{error}"));
                }
                Ok(known)
            }
        }
    }
}

/// The folder for what runs leave for each other.
pub(crate) fn folder(uid: Option<&str>, address: &Address) -> StateFolder {
    StateFolder::of_box(uid.unwrap_or(&address.place()))
}

/// Goes on with what an earlier version has left for the box.
pub(crate) fn take_over(uid: Option<&str>, address: &Address) {
    StateFolder::take_over(uid.unwrap_or(&address.place()));
}

impl Handover {
    /// Where the box is and a session, if an earlier run has left that.
    pub(crate) fn session(&self) -> Option<Known> {
        self.folder.session(&self.settings)
    }

    /// The same for this process and others that run meanwhile; one that may write nothing only
    /// takes.
    pub(crate) fn shared(&self, writes: bool) -> Shared {
        Shared {
            handover: self.clone(),
            writes,
        }
    }

    /// Leaves it for the next run.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn keep(&self, known: &Known) -> Result<(), Error> {
        self.folder.keep_session(&self.settings, known)
    }
}
