//! What a check has found. Each step is printed as it ends: some take their time.

use crate::base::error::{Error, Exit};
use crate::deliver::stdout;

/// What was found so far.
#[derive(Debug)]
pub(super) struct Report {
    /// How a run would end that finds the same.
    pub(super) exit: Exit,
    crosses: usize,
}

impl Report {
    /// A report in which nothing is wrong yet.
    pub(super) fn new() -> Self {
        Report {
            exit: Exit::Done,
            crosses: 0,
        }
    }

    /// Something is well.
    ///
    /// # Errors
    /// When it cannot be printed, as with all of these.
    pub(super) fn tick(&self, what: &str, words: &str) -> Result<(), Error> {
        stdout::deliver(&format!("✓ {what}: {words}\n"))
    }

    /// Something is wrong, and what to do. A run would end with this code because of it, unless
    /// something weighs more: it meets things in the same order, but a section that fails ends no
    /// run.
    pub(super) fn cross(
        &mut self,
        exit: Exit,
        what: &str,
        why: &str,
        advice: &str,
    ) -> Result<(), Error> {
        if matches!(self.exit, Exit::Done | Exit::Partial) && exit != Exit::Done {
            self.exit = exit;
        }
        self.crosses += 1;
        stdout::deliver(&format!("✗ {what}: {why}\n  → {advice}\n"))
    }

    /// Something is not as it could be, and what to do for whoever wants it so.
    pub(super) fn advise(&self, what: &str, why: &str, advice: &str) -> Result<(), Error> {
        stdout::deliver(&format!("- {what}: {why}\n  → {advice}\n"))
    }

    /// Says in one line what it comes to.
    pub(super) fn end(&self) -> Result<(), Error> {
        let crosses = match self.crosses {
            0 => return stdout::deliver("all is well\n"),
            1 => "1 thing is wrong".to_owned(),
            many => format!("{many} things are wrong"),
        };
        let code = self.exit as u8;
        stdout::deliver(&format!(
            "{crosses}; a run with these options ends with exit code {code}\n"
        ))
    }

    /// Something is neither well nor wrong.
    pub(super) fn skip(&self, what: &str, why: &str) -> Result<(), Error> {
        stdout::deliver(&format!("- {what}: {why}\n"))
    }
}
