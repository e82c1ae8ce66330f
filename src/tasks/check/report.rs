//! What a check has found. Each step is printed as it ends: some take their time.

use crate::base::error::{Error, Exit};
use crate::deliver::stdout;

/// What was found so far.
#[derive(Debug)]
pub(super) struct Report {
    /// How a run would end that finds the same.
    pub(super) exit: Exit,
}

impl Report {
    /// A report in which nothing is wrong yet.
    pub(super) fn new() -> Self {
        Report { exit: Exit::Done }
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
        stdout::deliver(&format!("✗ {what}: {why}\n  → {advice}\n"))
    }

    /// Something is neither well nor wrong.
    pub(super) fn skip(&self, what: &str, why: &str) -> Result<(), Error> {
        stdout::deliver(&format!("- {what}: {why}\n"))
    }
}
