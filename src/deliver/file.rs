//! Lines into a file (`--output`): a regular one is replaced in one step and readable by all, as
//! node_exporter's textfile collector wants it; anything else is written to.

use std::path::Path;

use crate::base::deadline::Deadline;
use crate::base::error::Error;
use crate::base::files;

/// Writes everything to `path`; one that is `-` is stdout.
///
/// # Errors
/// When it cannot be written, or nobody reads a pipe before the deadline.
pub(super) fn deliver(path: &Path, text: &str, deadline: Deadline) -> Result<(), Error> {
    files::write_for_all(path, text.as_bytes(), deadline)
}
