//! What a metric is, how it is read from an answer, and what one says.

pub(crate) mod group;
pub(crate) mod label;
pub(crate) mod metric;
pub(crate) mod reading;
pub(crate) mod sample;
pub(crate) mod unit;
pub(crate) mod value;
