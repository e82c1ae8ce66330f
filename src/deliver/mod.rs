//! Where the text goes. Nobody in here knows of metrics.

mod carbon;
mod entry;
mod forgotten;
mod graphite_web;
mod line;
mod outbox;
mod output;
mod spool;
mod spools;
pub(crate) mod stdout;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::base::deadline::Deadline;
use crate::base::error::Error;
use crate::base::threads::side_by_side;

pub(crate) use carbon::{Carbon, probe};
pub(crate) use graphite_web::GraphiteWeb;
use outbox::Outbox;
pub(crate) use outbox::{Cargo, Rules};
pub(crate) use output::Output;
pub(crate) use spool::Bounds;
pub(crate) use spools::waiting;

/// Where the text of a run goes.
#[derive(Clone, Debug)]
pub(crate) enum Destination {
    /// To one place, as it is.
    Output(Output),
    /// To these carbons, each by a spool of its own.
    Carbons(Vec<Carbon>, Rules),
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Destination::Output(output) => output.fmt(f),
            Destination::Carbons(carbons, _) => {
                let carbons = carbons.iter().map(|it| format!("carbon at {it}"));
                f.write_str(&carbons.collect::<Vec<_>>().join(" and "))
            }
        }
    }
}

impl Destination {
    /// Makes sure that it will most likely take a text, without giving it any. A carbon may be away:
    /// its lines wait.
    ///
    /// # Errors
    /// A misuse that says what is in the way.
    pub(crate) fn must_be_open(&self) -> Result<(), Error> {
        match self {
            Destination::Output(output) => output.must_be_open(),
            Destination::Carbons(..) => Ok(()),
        }
    }

    /// Gets ready for one delivery. Lines for carbons wait below `folder`, if they can.
    pub(crate) fn open<'a>(&'a self, folder: Option<&'a Path>) -> Delivery<'a> {
        match self {
            Destination::Output(output) => Delivery::Output(output),
            Destination::Carbons(carbons, rules) => {
                let outbox = |carbon| Outbox::open(carbon, folder, rules);
                let folders = folder.into_iter().flat_map(|folder| {
                    let own = |carbon| spools::place(folder, carbon);
                    carbons.iter().map(own)
                });
                Delivery::Carbons {
                    outboxes: carbons.iter().map(outbox).collect(),
                    folder,
                    named: folders.collect(),
                    bounds: rules.bounds,
                }
            }
        }
    }
}

/// A destination that is about to get the text of a run.
#[derive(Debug)]
pub(crate) enum Delivery<'a> {
    /// See [`Destination::Output`].
    Output(&'a Output),
    /// See [`Destination::Carbons`].
    Carbons {
        /// One for each.
        outboxes: Vec<Outbox<'a>>,
        /// Where the spools are, of these carbons and of others that were named once.
        folder: Option<&'a Path>,
        /// The spools of these.
        named: Vec<PathBuf>,
        /// For those without bounds of their own.
        bounds: Bounds,
    },
}

/// What earlier runs have left undelivered, in lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// Those that wait and were never confirmed.
    pub(crate) spooled: u64,
    /// Those that waited too long, since this was last asked.
    pub(crate) dropped: u64,
}

impl Delivery<'_> {
    /// What earlier runs have left.
    pub(crate) fn backlog(&self) -> Backlog {
        let Delivery::Carbons { outboxes, .. } = self else {
            return Backlog::default();
        };
        outboxes
            .iter()
            .map(Outbox::backlog)
            .fold(Backlog::default(), |sum, one| Backlog {
                spooled: sum.spooled + one.spooled,
                dropped: sum.dropped + one.dropped,
            })
    }

    /// Delivers.
    ///
    /// # Errors
    /// When not all of it has arrived, as far as that can be known.
    pub(crate) fn deliver(&self, cargo: Cargo<'_>, deadline: Deadline) -> Result<(), Error> {
        match self {
            Delivery::Output(output) => output.write_for_all(cargo.text, deadline),
            Delivery::Carbons {
                outboxes,
                folder,
                named,
                bounds,
            } => {
                let outcome = to_all(outboxes, cargo, deadline);
                if let Some(folder) = folder {
                    forgotten::expire(folder, named, *bounds, cargo.timestamp);
                }
                outcome
            }
        }
    }
}

/// Each carbon has its own fate: one that is stuck delays no other.
fn to_all(outboxes: &[Outbox], cargo: Cargo<'_>, deadline: Deadline) -> Result<(), Error> {
    let outcomes = side_by_side(outboxes, |outbox| outbox.deliver(cargo, deadline));
    let mut failed = outcomes.into_iter().filter_map(Result::err);
    let first = failed.next();
    for error in failed {
        log::error!("{error}");
    }
    first.map_or(Ok(()), Err)
}
