//! What everybody needs and what knows nobody.

pub(crate) mod columns;
pub(crate) mod deadline;
pub(crate) mod error;
pub(crate) mod files;
pub(crate) mod lock;
pub(crate) mod net;
pub(crate) mod secret;
pub(crate) mod stderr;
pub(crate) mod stdout;
pub(crate) mod words;
