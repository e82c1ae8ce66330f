//! One run at a time: cron starts the next one whether or not the last has ended.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::base::error::{Error, Exit};
use crate::base::files;

/// The right to run. It ends with the process, however that ends, as the system holds it: the
/// file says who has it and is never removed, since two could lock two files of one name.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Takes the lock. Where no file can be written there is none, and nothing else can be kept there
/// either, which is told and no reason not to run.
///
/// # Errors
/// When another run has it.
pub(crate) fn take(path: &Path) -> Result<Option<Lock>, Error> {
    match open(path) {
        Ok(file) => lock(file),
        Err(error) => {
            let folder = path.parent().unwrap_or(path).display();
            log::warn!(
                "cannot write in {folder}: {error}; each run logs in, and lines that carbon does not \
                 confirm are lost"
            );
            Ok(None)
        }
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    files::make_folder_of(path)?;
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600);
    options.open(path)
}

fn lock(mut file: File) -> Result<Option<Lock>, Error> {
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {
            // Only for people; the lock holds without it.
            let _ = file.set_len(0);
            let _ = file
                .rewind()
                .and_then(|()| write!(file, "{}", std::process::id()));
            Ok(Some(Lock { _file: file }))
        }
        Err(Errno::WOULDBLOCK) => {
            let mut holder = String::new();
            let _ = file.take(20).read_to_string(&mut holder);
            let holder = match holder.parse::<u32>() {
                Ok(process) => format!(" (process {process})"),
                Err(_) => String::new(),
            };
            let words = format!("another run{holder} for this box is still going");
            Err(Error::new(Exit::Busy, words))
        }
        // A file system without locks has to do.
        Err(error) => {
            log::debug!("no lock: {error}");
            Ok(Some(Lock { _file: file }))
        }
    }
}
