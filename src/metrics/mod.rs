//! What a metric is, how it is read from an answer, and a number of one.

pub(crate) mod group;
pub(crate) mod metric;
pub(crate) mod reading;
pub(crate) mod sample;
pub(crate) mod value;
