//! What one run leaves for the next: the folder for it, and the cached session in there.

use std::env;
use std::path::{Path, PathBuf};

use directories::BaseDirs;
use rustix::fs::{Access, access};
use serde::{Deserialize, Serialize};

use crate::api::Known;
use crate::base::error::Error;
use crate::base::files;
use crate::base::secret::Secret;

/// For cron's root, and for users without a home.
const SYSTEM_FOLDER: &str = "/var/lib/freebox-monitor";

/// The folder of one box.
#[derive(Debug)]
pub(crate) struct StateFolder {
    path: PathBuf,
}

/// What a run leaves for the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    /// Where the box is, and a session.
    pub(crate) known: Option<Known>,
    /// The sections of which it was said that they want a permission.
    #[serde(default)]
    pub(crate) told: Vec<String>,
}

/// The file, with what it depends on: other settings must not find it.
#[derive(Serialize, Deserialize)]
struct Cache {
    /// The settings it was made with, as [`crate::tasks::target`] describes them.
    settings: String,
    #[serde(flatten)]
    remembered: Remembered,
}

impl StateFolder {
    /// The folder for the box with this name. It need not exist yet.
    pub(crate) fn of_box(name: &str) -> Self {
        StateFolder {
            path: folder().join(files::file_name(name)),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder below which lines wait for carbons.
    pub(crate) fn spools(&self) -> PathBuf {
        self.path.join("spool")
    }

    /// What an earlier run with the same settings has left. A cache that cannot be used is as
    /// good as none: it only saves time.
    pub(crate) fn load(&self, settings: &str) -> Remembered {
        let path = self.cache();
        let Ok(content) = files::read_own(&path) else {
            return Remembered::default();
        };
        let is_good = |cache: &Cache| {
            let session = cache
                .remembered
                .known
                .as_ref()
                .and_then(|it| it.session.as_ref());
            cache.settings == settings && session.is_none_or(Secret::is_token)
        };
        match serde_json::from_slice::<Cache>(&content) {
            Ok(cache) if is_good(&cache) => cache.remembered,
            Ok(_) => Remembered::default(),
            Err(error) => {
                log::debug!("{}: not used: {error}", path.display());
                Remembered::default()
            }
        }
    }

    /// Leaves something for the next run. Only its owner can read it.
    ///
    /// # Errors
    /// When the folder or the file cannot be written.
    pub(crate) fn keep(&self, settings: &str, remembered: &Remembered) -> Result<(), Error> {
        let cache = Cache {
            settings: settings.to_owned(),
            remembered: remembered.clone(),
        };
        let content = serde_json::to_vec(&cache).map_err(|error| {
            Error::misuse("cannot put the session into words".to_owned()).because(error)
        })?;
        files::write_for_now(&self.cache(), &content)
    }

    fn cache(&self) -> PathBuf {
        self.path.join("session.json")
    }
}

/// The folder with the folders of all boxes. It need not exist yet.
pub(crate) fn folder() -> PathBuf {
    user_folder().unwrap_or_else(|| PathBuf::from(SYSTEM_FOLDER))
}

/// The user's folder for state, unless it is root's own: what root does by hand and what cron
/// does as root shall meet in one place. A home that is none, or that is somebody else's and cannot
/// be entered, has no room for it.
fn user_folder() -> Option<PathBuf> {
    let dirs = BaseDirs::new()?;
    let is_root = rustix::process::geteuid().is_root();
    let is_said = env::var_os("XDG_STATE_HOME").is_some();
    let home = dirs.home_dir();
    let is_roots_own = is_root && !is_said && home == Path::new("/root");
    let has_home = home.is_absolute() && home.is_dir() && home != Path::new("/");
    let is_open = is_said || access(home, Access::EXEC_OK).is_ok();
    match has_home && is_open && !is_roots_own {
        true => Some(dirs.state_dir()?.join("freebox-monitor")),
        false => None,
    }
}
