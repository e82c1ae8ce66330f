//! An output that somebody has named: stdout, a file, or whatever else has such a name.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::stdout;
use crate::base::deadline::Deadline;
use crate::base::error::Error;
use crate::base::files;

/// Where a text goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// To whoever reads the program's output.
    Stdout,
    /// Into a file, which is replaced in one step, or to whatever has its name.
    File(PathBuf),
}

impl FromStr for Output {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "-" => Output::Stdout,
            path => Output::File(PathBuf::from(path)),
        })
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Output::Stdout => f.write_str("stdout"),
            Output::File(path) => path.display().fmt(f),
        }
    }
}

impl Output {
    /// Makes sure that it will most likely take a text, without giving it any.
    ///
    /// # Errors
    /// A misuse that says what is in the way.
    pub(crate) fn must_be_open(&self) -> Result<(), Error> {
        match self {
            Output::Stdout => stdout::must_be_open(),
            Output::File(path) => files::must_take_output(path),
        }
    }

    /// Writes a text, for everybody to read where that is a new file, as node_exporter's textfile
    /// collector wants it.
    ///
    /// # Errors
    /// When it cannot be written, or nobody reads a pipe before the deadline.
    pub(crate) fn write_for_all(&self, text: &str, deadline: Deadline) -> Result<(), Error> {
        match self {
            Output::Stdout => stdout::deliver(text),
            Output::File(path) => files::write_for_all(path, text.as_bytes(), deadline),
        }
    }

    /// Writes a text, for its owner only where that is a new file.
    ///
    /// # Errors
    /// As [`Output::write_for_all`].
    pub(crate) fn write_for_owner(&self, text: &str, deadline: Deadline) -> Result<(), Error> {
        match self {
            Output::Stdout => stdout::deliver(text),
            Output::File(path) => files::write_for_owner(path, text.as_bytes(), deadline),
        }
    }
}
