//! The files that a run reads and leaves.

pub(crate) mod credentials;
pub(crate) mod said;
pub(crate) mod session;
