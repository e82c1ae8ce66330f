//! Reading and writing what may keep somebody waiting: pipes, terminals, devices. Every wait ends
//! with a deadline, also the one for somebody at the other end of a pipe.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Access, OFlags, access};
use rustix::io::Errno;

use super::place;
use crate::base::deadline::Deadline;

/// What a pipe that is ready takes at once.
const CHUNK: usize = 4096;
/// How often to look whether somebody has opened the other end for reading; nothing tells.
const GLANCE: Duration = Duration::from_millis(20);

/// Reads to the end, but no more than `most` bytes. A pipe has its end when those who wrote have
/// closed it; until somebody has opened it this waits.
///
/// # Errors
/// The system's, or that time ran out.
pub(super) fn read(path: &Path, most: u64, deadline: Deadline) -> io::Result<Vec<u8>> {
    let silent = || time_ran_out("nobody writes to this pipe, or not to its end");
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .custom_flags(without_waiting())
        .open(path)?;
    let mut file = file.take(most);
    let mut content = Vec::new();
    // Nothing is the end of a pipe only after somebody has been there.
    until_ready(file.get_ref(), PollFlags::IN, deadline, silent)?;
    loop {
        match file.read_to_end(&mut content) {
            Ok(_) => return Ok(content),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                until_ready(file.get_ref(), PollFlags::IN, deadline, silent)?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Writes all of it to what is there already; waits for a reader where there is none.
///
/// # Errors
/// The system's, or that time ran out.
pub(super) fn write(path: &Path, content: &[u8], deadline: Deadline) -> io::Result<()> {
    let slow = || time_ran_out("nobody reads this pipe, or not to its end");
    let mut file = match place::already_open(path) {
        Some(file) => file?,
        None => open_to_write(path, deadline)?,
    };
    let mut rest = content;
    while !rest.is_empty() {
        until_ready(&file, PollFlags::OUT, deadline, slow)?;
        match file.write(&rest[..rest.len().min(CHUNK)]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => rest = &rest[written..],
            Err(error) if is_for_now(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether what is there already may be written to, without trying.
///
/// # Errors
/// The system's, for what is in the way.
pub(super) fn may_write(path: &Path) -> io::Result<()> {
    match place::already_open(path) {
        Some(open) => open.map(drop),
        None => Ok(access(path, Access::WRITE_OK)?),
    }
}

/// Opens what is there for writing at its end.
fn open_to_write(path: &Path, deadline: Deadline) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).custom_flags(without_waiting());
    let is_pipe = path.metadata()?.file_type().is_fifo();
    let has_no_reader = |error: &io::Error| Errno::from_io_error(error) == Some(Errno::NXIO);
    loop {
        match options.open(path) {
            Err(error) if is_pipe && has_no_reader(&error) => match deadline.left() {
                Some(left) => thread::sleep(left.min(GLANCE)),
                None => return Err(time_ran_out("nobody reads this pipe")),
            },
            other => return other,
        }
    }
}

/// Nothing waits in `open`, and no terminal becomes this program's own.
pub(super) fn without_waiting() -> i32 {
    (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed()
}

fn is_for_now(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// Waits until a file can be read or written.
fn until_ready(
    file: &File,
    what: PollFlags,
    deadline: Deadline,
    too_late: impl Fn() -> io::Error,
) -> io::Result<()> {
    loop {
        let left = deadline.left().ok_or_else(&too_late)?;
        let left = Timespec::try_from(left).map_err(|_| too_late())?;
        match poll(&mut [PollFd::new(file, what)], Some(&left)) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

fn time_ran_out(while_what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        format!("time ran out: {while_what}"),
    )
}
