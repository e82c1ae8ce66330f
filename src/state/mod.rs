//! The files that a run reads and leaves.

pub(crate) mod coverage;
pub(crate) mod credentials;
pub(crate) mod folder;
mod granted;
mod ini;
pub(crate) mod memory;
pub(crate) mod rhythm;
pub(crate) mod said;
pub(crate) mod session;
