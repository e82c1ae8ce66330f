//! Words for a person who waits for them. They are no log: they are there whatever the level.

use std::io::{self, Write};

/// Says a line.
pub(crate) fn say(words: &str) {
    write(&format!("{words}\n"));
}

/// Writes text as it is.
pub(crate) fn write(text: &str) {
    // Whoever closed stderr does not want to know.
    let _ = io::stderr().write_all(text.as_bytes());
}
