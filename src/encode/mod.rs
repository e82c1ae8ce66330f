//! Samples to text: one file for each format. None knows where the text goes.

pub(crate) mod graphite;
