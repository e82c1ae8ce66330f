//! The folder for what runs leave for each other, and how two of them at once share a file in it.

use std::env;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use directories::BaseDirs;
use rustix::fs::{Access, access};
use rustix::io::Errno;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::deadline::Deadline;
use crate::base::error::Error;
use crate::base::files;
use crate::base::lock::{self, Lock, NamedTurn};

/// For cron's root, and for users without a home.
const SYSTEM_FOLDER: &str = "/var/lib/freebox-monitor";
/// Who changes a file here. As all locks its name begins with a dot: it is nothing that anybody has
/// left.
const CHANGING: &str = ".changing.lock";
/// Who logs in.
const LOGGING_IN: &str = "freebox-monitor/login";
/// How long to wait for another run that writes a file here, which takes it a millisecond.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long to wait for another run that logs in.
const PATIENCE_TO_LOG_IN: Duration = Duration::from_secs(5);

/// The folder of one box.
#[derive(Clone, Debug)]
pub(crate) struct StateFolder {
    path: PathBuf,
}

impl StateFolder {
    /// The folder for the box with this name, and for no other. It need not exist yet.
    pub(crate) fn of_box(name: &str) -> Self {
        StateFolder {
            path: folder().join(files::file_name(name)),
        }
    }

    /// Gives what an earlier version has left for the box with this name the name that its folder
    /// has today.
    pub(crate) fn take_over(name: &str) {
        files::take_over(&folder(), name);
    }

    /// Whether there is no place at all where this user may leave anything of the box: no home of its
    /// own, as Telegraf's user has none, and no right to the system's folder, or to what somebody
    /// else has left there. Nobody has to be told that.
    pub(crate) fn is_nowhere(&self) -> bool {
        user_folder().is_none() && !is_allowed(&self.path)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder below which lines wait for carbons.
    pub(crate) fn spools(&self) -> PathBuf {
        self.path.join("spool")
    }

    /// What a file in here says. One that is not there or cannot be understood says nothing: what
    /// is kept here only saves time or words.
    pub(super) fn read<T: DeserializeOwned + Default>(&self, name: &str) -> T {
        let path = self.path.join(name);
        let Ok(content) = files::read_own(&path) else {
            return T::default();
        };
        serde_json::from_slice(&content).unwrap_or_else(|error| {
            log::debug!("{}: not used: {error}", path.display());
            T::default()
        })
    }

    /// Changes what a file in here says, if `change` does change it. Another run that does the same
    /// at the same time waits: what each of them adds is there afterwards.
    ///
    /// # Errors
    /// When the folder or the file cannot be written.
    pub(super) fn update<T>(&self, name: &str, change: impl FnOnce(&mut T)) -> Result<(), Error>
    where
        T: DeserializeOwned + Serialize + Default + Clone + PartialEq,
    {
        let _turn = self.turn(CHANGING, PATIENCE);
        let before: T = self.read(name);
        let mut after = before.clone();
        change(&mut after);
        if after == before {
            return Ok(());
        }
        let content = serde_json::to_vec(&after).map_err(|error| {
            Error::misuse(format!("cannot put {name} into words")).because(error)
        })?;
        files::write_for_now(&self.path.join(name), &content)
    }

    /// The right to log in, until it is dropped: who waits for it finds the session of the other. A
    /// box's challenge is good for one log-in, so that two at once get in each other's way, also
    /// where they can leave no session for each other. Whoever keeps that name to spite us costs
    /// each log-in a few seconds.
    pub(crate) fn turn_to_log_in(&self) -> NamedTurn {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let deadline = Deadline::after(Instant::now(), PATIENCE_TO_LOG_IN);
        lock::take_named(&format!("{LOGGING_IN}/{name}"), deadline)
    }

    /// A right that nobody waits for: `None` while another run has it.
    pub(super) fn turn_now(&self, name: &str) -> Option<Lock> {
        files::make_folder(&self.path).ok()?;
        lock::take_now(&self.path.join(name)).ok()
    }

    /// The right to change a file, until it is dropped. A run that does not get it in time, or
    /// where there are no locks, goes on without: what it may lose then is made anew.
    fn turn(&self, name: &str, patience: Duration) -> Option<Lock> {
        files::make_folder(&self.path).ok()?;
        let deadline = Deadline::after(Instant::now(), patience);
        lock::take(&self.path.join(name), deadline).ok()
    }
}

/// The folder with the folders of all boxes. It need not exist yet.
pub(crate) fn folder() -> PathBuf {
    user_folder().unwrap_or_else(|| PathBuf::from(SYSTEM_FOLDER))
}

/// Whether this user has the right to write there, or to make it. A disk that is full or cannot be
/// written is another matter, as is a file where a folder should be: that is told.
fn is_allowed(path: &Path) -> bool {
    let mut folders = path.ancestors().skip_while(|it| !it.exists());
    let right = Access::WRITE_OK | Access::EXEC_OK;
    let is_closed = |it: &Path| it.is_dir() && access(it, right) == Err(Errno::ACCESS);
    !folders.next().is_some_and(is_closed)
}

/// The user's folder for state, unless it is root's own: what root does by hand and what cron
/// does as root shall meet in one place. A home that is none, or that is somebody else's and cannot
/// be entered or written, has no room for it.
fn user_folder() -> Option<PathBuf> {
    let dirs = BaseDirs::new()?;
    let is_root = rustix::process::geteuid().is_root();
    let is_said = env::var_os("XDG_STATE_HOME").is_some();
    let home = dirs.home_dir();
    let is_roots_own = is_root && !is_said && home == Path::new("/root");
    let has_home = home.is_absolute() && home.is_dir() && home != Path::new("/");
    let is_open = is_said || access(home, Access::EXEC_OK).is_ok();
    let folder = dirs.state_dir()?.join("freebox-monitor");
    let is_usable = has_home && is_open && !is_roots_own && (is_said || is_allowed(&folder));
    is_usable.then_some(folder)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_many_add_at_once_is_all_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("box");
        thread::scope(|scope| {
            for number in 0..8 {
                let state = StateFolder { path: path.clone() };
                scope.spawn(move || {
                    let add = |numbers: &mut Vec<i32>| numbers.push(number);
                    state.update("numbers.json", add).expect("written");
                });
            }
        });
        let state = StateFolder { path };
        let mut numbers: Vec<i32> = state.read("numbers.json");
        numbers.sort_unstable();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
