//! Where the lines go. These functions get bytes and know nothing of metrics.

pub(crate) mod carbon;
pub(crate) mod graphite_web;
pub(crate) mod outbox;
pub(crate) mod spool;
pub(crate) mod stdout;
