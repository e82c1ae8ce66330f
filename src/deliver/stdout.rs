//! Lines for a pipe, a file or a person.

use std::io::{self, Write};

use crate::base::error::{Error, Exit};
use crate::base::stdout::was_closed;

/// Makes sure that there is a stdout.
///
/// # Errors
/// When there is none.
pub(super) fn must_be_open() -> Result<(), Error> {
    match was_closed() {
        true => Err(Error::misuse(
            "cannot write to stdout: it was closed by whoever started the program",
        )),
        false => Ok(()),
    }
}

/// Writes everything to stdout. A reader that has seen enough (`| head`) is no failure.
///
/// # Errors
/// When it cannot be written for any other reason, or there is no stdout.
pub(crate) fn deliver(text: &str) -> Result<(), Error> {
    if text.is_empty() {
        return Ok(());
    }
    must_be_open()?;
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => {
            other.map_err(|error| Error::new(Exit::Misuse, "cannot write to stdout").because(error))
        }
    }
}
