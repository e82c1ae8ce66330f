//! Words for a person who waits for them. They are no log: they are there whatever the level.

use std::env;
use std::io::{self, IsTerminal as _, Write};

/// Says a line.
pub(crate) fn say(words: &str) {
    write(&format!("{words}\n"));
}

/// Whether a line can be shown that gives way to the next: at a terminal that knows more than lines.
pub(crate) fn takes_turns() -> bool {
    io::stderr().is_terminal() && env::var_os("TERM").is_none_or(|it| it != "dumb")
}

/// Shows a line in the place of the one before, as much of it as the terminal is wide.
pub(crate) fn show(words: &str) {
    write(&format!("\r\x1b[K\x1b[?7l{words}\x1b[?7h"));
}

/// Writes text as it is.
fn write(text: &str) {
    // Whoever closed stderr does not want to know.
    let _ = io::stderr().write_all(text.as_bytes());
}
