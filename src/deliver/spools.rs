//! The spools of all carbons, below one folder: which is whose.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::carbon::Carbon;
use super::spool::Spool;
use crate::base::files;

/// Where the lines for a carbon wait, below the folder for all of them. No other has its lines
/// there.
pub(super) fn place(folder: &Path, to: &Carbon) -> PathBuf {
    folder.join(files::file_name(&to.to_string()))
}

/// The spool for a carbon, which is made if need be. One that an earlier version has left under
/// another name goes on under this one.
pub(super) fn open(folder: &Path, to: &Carbon) -> io::Result<Spool> {
    files::take_over(folder, &to.to_string());
    Spool::open(&place(folder, to))
}

/// When the runs began whose lines are in the spool for a carbon, in seconds since 1970.
pub(super) fn runs(folder: &Path, to: &Carbon) -> Vec<u64> {
    let spool = Spool::left_in(&place(folder, to));
    let entries = spool.map(|it| it.entries()).unwrap_or_default();
    entries.iter().map(|entry| entry.timestamp).collect()
}

/// Lines that wait for a carbon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// The name of its folder.
    pub(crate) spool: String,
    /// How many lines there are that were never confirmed.
    pub(crate) lines: u64,
    /// The time of the oldest run among them, in seconds since 1970.
    pub(crate) since: u64,
}

impl Waiting {
    /// Whether a run that delivers to this carbon will send them.
    pub(crate) fn is_for(&self, carbon: &Carbon) -> bool {
        let name = carbon.to_string();
        self.spool == files::file_name(&name)
            || files::former_file_name(&name).is_some_and(|former| self.spool == former)
    }
}

/// What waits in the spools below a folder, without touching them.
pub(crate) fn waiting(folder: &Path) -> Vec<Waiting> {
    let folders = fs::read_dir(folder).into_iter().flatten().flatten();
    let of_spool = |path: PathBuf| {
        let mut waiting = Spool::left_in(&path)?.entries();
        waiting.retain(|entry| entry.confirmed == 0);
        Some(Waiting {
            spool: path.file_name()?.to_string_lossy().into_owned(),
            lines: waiting.iter().map(|entry| entry.lines as u64).sum(),
            since: waiting.first()?.timestamp,
        })
    };
    let found = folders.filter_map(|it| of_spool(it.path()));
    let mut found: Vec<Waiting> = found.collect();
    found.sort_by(|a, b| a.spool.cmp(&b.spool));
    found
}
