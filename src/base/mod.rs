//! What everybody needs and what knows nobody.

pub(crate) mod clock;
pub(crate) mod columns;
pub(crate) mod deadline;
pub(crate) mod error;
pub(crate) mod fault;
pub(crate) mod files;
pub(crate) mod http;
pub(crate) mod limits;
pub(crate) mod lock;
pub(crate) mod net;
mod place;
pub(crate) mod roots;
pub(crate) mod secret;
pub(crate) mod signals;
pub(crate) mod spans;
pub(crate) mod stderr;
pub(crate) mod stdout;
mod stream;
pub(crate) mod threads;
pub(crate) mod words;
