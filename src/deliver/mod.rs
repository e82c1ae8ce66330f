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
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::deadline::Deadline;
use crate::base::error::Error;
use crate::base::threads::side_by_side;

pub(crate) use carbon::{Carbon, probe};
pub(crate) use graphite_web::GraphiteWeb;
pub(crate) use outbox::{Cargo, Rules};
use outbox::{Kept, Outbox};
pub(crate) use output::Output;
pub(crate) use spool::Bounds;
pub(crate) use spools::waiting;

/// How long lines wait unless somebody says otherwise.
pub(crate) const USUAL_AGE: Duration = Duration::from_secs(7 * 24 * 3600);

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
                let carbons = carbons.iter().map(named);
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

    /// Whether the lines go to carbons, and nowhere else.
    pub(crate) fn is_carbon(&self) -> bool {
        matches!(self, Destination::Carbons(..))
    }

    /// What it is called where it is remembered what has gone there. What goes to stdout or into a
    /// file goes on from there, who knows where: `command_line` tells one such way from another.
    /// None for a person at a terminal.
    pub(crate) fn places(&self, command_line: &str) -> Vec<String> {
        match self {
            Destination::Output(Output::Stdout) if io::stdout().is_terminal() => Vec::new(),
            Destination::Output(output) => vec![format!("{output}: {command_line}")],
            Destination::Carbons(carbons, _) => carbons.iter().map(named).collect(),
        }
    }

    /// When the runs began whose lines are in a spool below `folder`, in seconds since 1970.
    pub(crate) fn runs_in_hand(&self, folder: &Path) -> Vec<u64> {
        match self {
            Destination::Output(_) => Vec::new(),
            Destination::Carbons(carbons, _) => carbons
                .iter()
                .flat_map(|it| spools::runs(folder, it))
                .collect(),
        }
    }

    /// How old lines may be that are worth delivering.
    pub(crate) fn age(&self) -> Duration {
        match self {
            Destination::Output(_) => USUAL_AGE,
            Destination::Carbons(_, rules) => rules.bounds.age,
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

fn named(carbon: &Carbon) -> String {
    format!("carbon at {carbon}")
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

/// Why not all of a text has arrived.
#[derive(Debug)]
pub(crate) struct Undelivered {
    /// The first reason; the others are logged.
    pub(crate) error: Error,
    /// Where it has not, by the place among the carbons that it was for.
    at: Vec<usize>,
}

impl Undelivered {
    /// Takes those carbons out of a list with something for each that it was for.
    pub(crate) fn take_out_of<T>(&self, of_each: &mut Vec<T>) {
        let mut place = 0;
        of_each.retain(|_| {
            place += 1;
            !self.at.contains(&(place - 1))
        });
    }
}

impl From<Undelivered> for Error {
    fn from(undelivered: Undelivered) -> Self {
        undelivered.error
    }
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

    /// Whether several texts can be delivered one after the other: a file holds the last one only.
    pub(crate) fn takes_parts(&self) -> bool {
        !matches!(self, Delivery::Output(Output::File(_)))
    }

    /// Has no more delivered to where a text has not arrived; whether there is anything else.
    pub(crate) fn leave_out(&mut self, undelivered: &Undelivered) -> bool {
        match self {
            Delivery::Output(_) => false,
            Delivery::Carbons { outboxes, .. } => {
                undelivered.take_out_of(outboxes);
                !outboxes.is_empty()
            }
        }
    }

    /// Delivers. `in_hand` is done as soon as nothing that happens to this process can cost the
    /// lines: they are written, or wait in a spool.
    ///
    /// # Errors
    /// When not all of it has arrived, as far as that can be known.
    pub(crate) fn deliver(
        &self,
        cargo: Cargo<'_>,
        deadline: Deadline,
        in_hand: impl FnOnce(),
    ) -> Result<(), Undelivered> {
        match self {
            Delivery::Output(output) => {
                let written = output.write_for_all(cargo.text, deadline);
                written.map_err(|error| Undelivered { error, at: vec![0] })?;
                in_hand();
                Ok(())
            }
            Delivery::Carbons {
                outboxes,
                folder,
                named,
                bounds,
            } => {
                let outcome = to_all(outboxes, cargo, deadline, in_hand);
                if let Some(folder) = folder {
                    forgotten::expire(folder, named, *bounds, cargo.timestamp);
                }
                outcome
            }
        }
    }
}

/// Each carbon has its own fate: one that is stuck delays no other.
fn to_all(
    outboxes: &[Outbox],
    cargo: Cargo<'_>,
    deadline: Deadline,
    in_hand: impl FnOnce(),
) -> Result<(), Undelivered> {
    let kept = outboxes.iter().map(|outbox| (outbox, outbox.keep(cargo)));
    let kept: Vec<(&Outbox, Kept)> = kept.collect();
    let is_kept = kept.iter().any(|(_, kept)| kept.is_safe());
    let mut in_hand = Some(in_hand);
    let mut tell = || in_hand.take().map_or((), |it| it());
    if is_kept {
        tell();
    }
    let outcomes = side_by_side(&kept, |(outbox, kept)| {
        outbox.deliver(kept, cargo, deadline)
    });
    if outcomes.iter().any(Result::is_ok) {
        tell();
    }
    let failed = outcomes.into_iter().enumerate();
    let mut failed = failed.filter_map(|(place, it)| Some((place, it.err()?)));
    let Some((place, error)) = failed.next() else {
        return Ok(());
    };
    let mut at = vec![place];
    for (place, error) in failed {
        log::error!("{error}");
        at.push(place);
    }
    Err(Undelivered { error, at })
}

#[cfg(test)]
mod tests;
