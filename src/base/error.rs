//! What ends a run, and the exit codes: the part of the errors that cron and scripts see.

use std::fmt;
use std::process::ExitCode;

/// How a run ended. The numbers are a promise to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything asked for was collected and delivered.
    Done = 0,
    /// Misuse, an unreadable file, a bad template: nothing was done.
    Misuse = 1,
    /// Delivered, but some section failed.
    Partial = 2,
    /// The box refuses: not registered, not yet granted, revoked, another box.
    Refused = 3,
    /// The box cannot be reached or does not speak the API.
    Unreachable = 4,
    /// Carbon did not confirm the lines.
    Undelivered = 5,
    /// A fault of the program itself.
    Fault = 70,
    /// Another run was still delivering to that carbon when the time was over.
    Busy = 75,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// A reason to stop: what was attempted, why it failed, and the exit code that follows from it.
#[derive(Debug)]
pub(crate) struct Error {
    exit: Exit,
    is_forgiven: bool,
    words: String,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error that explains itself.
    pub(crate) fn new(exit: Exit, words: impl Into<String>) -> Self {
        Error {
            exit,
            is_forgiven: false,
            words: words.into(),
            cause: None,
        }
    }

    /// A misuse: bad arguments or files, noticed before anything was done.
    pub(crate) fn misuse(words: impl Into<String>) -> Self {
        Error::new(Exit::Misuse, words)
    }

    /// Adds the error of a lower layer, which is printed behind a colon.
    pub(crate) fn because(
        mut self,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Has the program end well all the same: what went wrong is only said.
    pub(crate) fn forgiven(mut self) -> Self {
        self.is_forgiven = true;
        self
    }

    /// What kind of trouble it is, by the exit code that is usual for it.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The exit code of a run that ended with this error.
    pub(crate) fn ends_with(&self) -> Exit {
        match self.is_forgiven {
            true => Exit::Done,
            false => self.exit,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)?;
        match &self.cause {
            Some(cause) => write!(f, ": {}", chain(cause.as_ref())),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// An error and its causes on one line. A wrapper that already says what its cause says is not
/// followed by it again.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        source = cause.source();
    }
    words
}

/// Makes one harmless line of a text that came from outside: control characters become blanks,
/// and what is longer than a person would read is cut.
pub(crate) fn one_line(text: &str) -> String {
    const LONGEST: usize = 300;
    let calm = |c: char| if c.is_control() { ' ' } else { c };
    let mut line: String = text.chars().map(calm).take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() {
        line.push('…');
    }
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_stands_behind_a_colon() {
        let cause = std::io::Error::other("no such file");
        let error = Error::misuse("cannot read x").because(cause);
        assert_eq!(error.to_string(), "cannot read x: no such file");
        assert_eq!(error.exit(), Exit::Misuse);
    }

    #[test]
    fn foreign_text_is_one_line() {
        assert_eq!(one_line("a\nb\u{1b}[31m\r"), "a b [31m");
        assert_eq!(one_line(&"x".repeat(301)).chars().count(), 301);
    }
}
