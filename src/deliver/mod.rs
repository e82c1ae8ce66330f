//! Where the lines go. These functions get bytes and know nothing of metrics.

pub(crate) mod carbon;
pub(crate) mod stdout;
