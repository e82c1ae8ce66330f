//! Taking turns: what only one process may do at a time, and how long the others wait for it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::base::deadline::Deadline;

/// How often to look whether it is free.
const GLANCE: Duration = Duration::from_millis(20);
/// How often the file may be replaced under our hands.
const TRIES: usize = 3;

/// A turn. It ends with its value and at the latest with the process, however that ends, as the
/// system holds it; the file only says who has it.
#[derive(Debug)]
pub(crate) struct Lock {
    /// None where there can be no lock: a file system without them, or a disk that may not be
    /// written, has to do.
    _file: Option<File>,
}

/// A turn that needs no place in a file system: while somebody has it, the system knows its name.
/// That of users without a home, too.
#[derive(Debug)]
pub(crate) struct NamedTurn {
    /// None where there is no such thing, or where somebody else had it for too long.
    _name: Option<UnixListener>,
}

/// Takes the turn with this name as soon as it is free, or goes on without when it is not before the
/// deadline.
pub(crate) fn take_named(name: &str, deadline: Deadline) -> NamedTurn {
    loop {
        match (bind(name), deadline.left()) {
            (Ok(listener), _) => {
                let _name = Some(listener);
                return NamedTurn { _name };
            }
            (Err(error), Some(left)) if error.kind() == io::ErrorKind::AddrInUse => {
                thread::sleep(left.min(GLANCE));
            }
            (Err(error), _) => {
                log::debug!("no turn for {name}: {error}");
                return NamedTurn { _name: None };
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn bind(name: &str) -> io::Result<UnixListener> {
    use std::os::linux::net::SocketAddrExt;
    UnixListener::bind_addr(&SocketAddr::from_abstract_name(name)?)
}

#[cfg(not(target_os = "linux"))]
fn bind(_: &str) -> io::Result<UnixListener> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Somebody else's turn.
#[derive(Debug)]
pub(crate) struct Busy {
    /// The process that has it, as far as it has said so.
    pub(crate) holder: Option<u32>,
}

/// Takes the lock as soon as it is free.
///
/// # Errors
/// When it is not before the deadline.
pub(crate) fn take(path: &Path, deadline: Deadline) -> Result<Lock, Busy> {
    loop {
        match take_now(path) {
            Err(busy) => match deadline.left() {
                Some(left) => thread::sleep(left.min(GLANCE)),
                None => return Err(busy),
            },
            taken => return taken,
        }
    }
}

/// Takes the lock if it is free.
///
/// # Errors
/// When it is not.
pub(crate) fn take_now(path: &Path) -> Result<Lock, Busy> {
    for _ in 0..TRIES {
        let without = |error: io::Error| log::debug!("{}: no lock: {error}", path.display());
        let Ok(mut file) = open(path).map_err(without) else {
            return Ok(Lock { _file: None });
        };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) if is_at(&file, path) => {
                // Only for people; the lock holds without it.
                let _ = sign(&mut file);
                return Ok(Lock { _file: Some(file) });
            }
            // It was removed meanwhile with its folder, and may be somebody else's by now.
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let holder = signature(file);
                return Err(Busy { holder });
            }
            Err(error) => {
                without(error.into());
                return Ok(Lock { _file: None });
            }
        }
    }
    Err(Busy { holder: None })
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600);
    // A disk that may not be written any more has locks all the same.
    options.open(path).or_else(|_| File::open(path))
}

/// Whether a path still leads to this file.
fn is_at(file: &File, path: &Path) -> bool {
    let same = |a: fs::Metadata, b: fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(there)) => same(open, there),
        _ => false,
    }
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "{}", std::process::id())
}

fn signature(file: File) -> Option<u32> {
    let mut holder = String::new();
    file.take(20).read_to_string(&mut holder).ok()?;
    holder.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn one_at_a_time_and_the_next_within_its_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(".lock");
        let first = take_now(&path).expect("it is free");
        let busy = take_now(&path).expect_err("it is not");
        assert_eq!(busy.holder, Some(std::process::id()));
        let soon = Deadline::after(Instant::now(), Duration::from_millis(50));
        assert!(take(&path, soon).is_err() && soon.left().is_none());
        let later = Deadline::after(Instant::now(), Duration::from_secs(10));
        let waiting = thread::spawn({
            let path = path.clone();
            move || take(&path, later).is_ok()
        });
        drop(first);
        assert!(waiting.join().expect("no fault"));
    }

    #[test]
    fn a_name_is_had_by_one_at_a_time() {
        let name = format!("freebox-monitor/test/{}", std::process::id());
        let soon = || Deadline::after(Instant::now(), Duration::from_millis(50));
        let first = take_named(&name, soon());
        assert!(first._name.is_some());
        assert!(take_named(&name, soon())._name.is_none());
        drop(first);
        assert!(take_named(&name, soon())._name.is_some());
    }

    #[test]
    fn a_lock_whose_folder_went_is_not_shared_with_the_next() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(".lock");
        let _old = take_now(&path).expect("it is free");
        fs::remove_file(&path).expect("it goes");
        let _new = take_now(&path).expect("another file");
        assert!(take_now(&path).is_err());
    }

    #[test]
    fn where_no_lock_can_be_nobody_waits_for_one() {
        assert!(take_now(Path::new("/nonexistent/.lock")).is_ok());
    }
}
