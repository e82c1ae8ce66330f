//! Lines for a pipe, a file or a person.

use std::io::{self, Write};

use crate::base::error::{Error, Exit};

/// Writes everything to stdout. A reader that has seen enough (`| head`) is no failure.
///
/// # Errors
/// When it cannot be written for any other reason.
pub(crate) fn deliver(text: &str) -> Result<(), Error> {
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
