//! What the cases need: the program with a home of its own, the real carbon, receivers that
//! misbehave, random numbers that can be repeated.

pub(crate) mod catalogue;
pub(crate) mod day;
pub(crate) mod engine;
pub(crate) mod graphite;
pub(crate) mod kept;
pub(crate) mod monitor;
pub(crate) mod overlay;
pub(crate) mod random;
pub(crate) mod receiver;
pub(crate) mod rehearsal;
pub(crate) mod script;
pub(crate) mod service;
pub(crate) mod until;
pub(crate) mod web;
