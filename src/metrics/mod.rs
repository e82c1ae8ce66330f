//! What a metric is, how it is read from an answer, and what one says.

pub(crate) mod group;
pub(crate) mod label;
pub(crate) mod lenient;
pub(crate) mod metric;
pub(crate) mod sample;
pub(crate) mod unit;
pub(crate) mod value;
