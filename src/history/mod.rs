//! What the box remembers: its own history of traffic, bandwidth, temperatures, fans, the ports of
//! the switch and the DSL line (`rrd/`). <https://dev.freebox.fr/sdk/os/rrd/>
//!
//! - `series`: which of our metrics it knows, and by which names
//! - `search`: what to ask for at a time, and when that is settled
//! - `answer`: what the box has told, and of which part of a window
//! - `moments`: the numbers of an answer as samples, each moment by itself
//!
//! What a step of the box is about is told by its time; whether that is its beginning or its end
//! cannot be seen from outside. It is taken for the beginning: the error is a step at most.

mod answer;
mod moments;
mod search;
mod series;

#[cfg(test)]
mod tests;
mod window;

pub(crate) use answer::Answer;
pub(crate) use moments::{Moment, Moments, moments};
pub(crate) use search::Search;
pub(crate) use series::{DATABASES, Database, known_metrics};
