//! What the program can be asked to do: one file for each task.

pub(crate) mod check;
pub(crate) mod every;
pub(crate) mod listing;
pub(crate) mod pseudonym;
pub(crate) mod record;
pub(crate) mod register;
pub(crate) mod run;
pub(crate) mod target;
