//! The way of a run's lines to one carbon, and what becomes of those that did not get there.
//!
//! A run's lines are a file before the network is touched. carbon's confirmation says that it has
//! read them, not that it has stored them: for a second or so it may still lose them. So they are
//! sent once more by a later run, and forgotten when that has been confirmed as well; or, where
//! graphite-web can be asked, when it shows them.

use std::io;
use std::path::Path;

use super::Backlog;
use super::carbon::{self, Carbon};
use super::graphite_web::GraphiteWeb;
use super::spool::{Bounds, Entry, Spool};
use crate::base::deadline::Deadline;
use crate::base::error::{Error, Exit};
use crate::base::files;

/// How long after a confirmation the next one means something more, in seconds: what carbon has
/// read then is on its disk, or lost.
const APART: u64 = 45;
/// What one connection is given at least a file of, in bytes: a confirmation is for all of it.
const BATCH: u64 = 1024 * 1024;

/// What is to be delivered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cargo<'a> {
    /// When the run began, in seconds since 1970.
    pub(crate) timestamp: u64,
    /// Its lines.
    pub(crate) text: &'a str,
}

/// How lines get to one carbon.
#[derive(Debug)]
pub(crate) struct Outbox<'a> {
    /// The carbon.
    to: &'a Carbon,
    spool: Option<Spool>,
    /// How often to send again what was confirmed.
    resend: u32,
    verify: Option<&'a GraphiteWeb>,
}

/// How an outbox is to work.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// How often to send again what was confirmed.
    pub(crate) resend: u32,
    /// What may wait.
    pub(crate) bounds: Bounds,
    /// Where to look whether lines have arrived.
    pub(crate) verify: Option<GraphiteWeb>,
}

impl<'a> Outbox<'a> {
    /// The outbox for a carbon, with its files below `folder`. Where there can be none, lines are
    /// sent all the same.
    pub(super) fn open(to: &'a Carbon, folder: Option<&Path>, rules: &'a Rules) -> Self {
        let open = |folder: &Path| {
            let folder = folder.join(files::file_name(&to.to_string()));
            let spool = Spool::open(&folder, rules.bounds);
            let cannot = |error: &io::Error| {
                log::warn!("lines cannot be kept in {}: {error}", folder.display());
            };
            spool.inspect_err(cannot).ok()
        };
        Outbox {
            to,
            spool: folder.and_then(open),
            resend: rules.resend,
            verify: rules.verify.as_ref(),
        }
    }

    /// What earlier runs have left here.
    pub(super) fn backlog(&self) -> Backlog {
        let Some(spool) = &self.spool else {
            return Backlog::default();
        };
        let waiting = spool.entries().into_iter().filter(|it| it.confirmed == 0);
        Backlog {
            spooled: waiting.map(|entry| entry.lines as u64).sum(),
            dropped: spool.take_dropped(),
        }
    }

    /// Delivers what waits and the lines of this run, the oldest first.
    ///
    /// # Errors
    /// When carbon did not confirm all of it. What was not confirmed is kept.
    pub(super) fn deliver(&self, cargo: Cargo<'_>, deadline: Deadline) -> Result<(), Error> {
        let Some(spool) = &self.spool else {
            let sent = carbon::deliver(self.to, cargo.text, deadline);
            return sent.map_err(|error| undelivered(&error, "lines are lost"));
        };
        let fresh = match cargo.text {
            "" => None,
            text => Some(spool.add(cargo.timestamp, text)),
        };
        // What the disk does not take has to do without it.
        let unkept = match &fresh {
            Some(Err(error)) => {
                log::warn!(
                    "carbon at {}: this run's lines cannot be kept: {error}",
                    self.to
                );
                cargo.text
            }
            _ => "",
        };
        let verified = self.verify(spool, cargo.timestamp, deadline);
        let outcome = self.send(spool, cargo.timestamp, unkept, verified, deadline);
        if let (Err(_), Some(Ok(entry))) = (&outcome, &fresh)
            && let Err(error) = spool.sync(entry)
        {
            log::debug!("{error}");
        }
        let dropped = spool.prune(cargo.timestamp);
        if dropped > 0 {
            log::warn!(
                "carbon at {}: {dropped} lines waited too long and were dropped",
                self.to
            );
        }
        outcome
    }

    fn send(
        &self,
        spool: &Spool,
        now: u64,
        unkept: &str,
        verified: bool,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let due: Vec<Entry> = spool
            .entries()
            .into_iter()
            .filter(|entry| entry.is_due(now))
            .collect();
        let mut rest = due.as_slice();
        let failed = |error: Error, rest: &[Entry]| match unkept {
            "" => {
                let never = rest.iter().filter(|entry| entry.confirmed == 0);
                let kept: usize = never.map(|entry| entry.lines).sum();
                undelivered(&error, &format!("{kept} lines are kept"))
            }
            _ => undelivered(&error, "lines are lost"),
        };
        while !rest.is_empty() {
            let (batch, behind) = rest.split_at(batch_length(rest));
            let (sent, text) = self.text(spool, batch);
            carbon::deliver(self.to, &text, deadline).map_err(|error| failed(error, rest))?;
            for entry in sent {
                self.confirmed(spool, entry, now, verified);
            }
            rest = behind;
        }
        carbon::deliver(self.to, unkept, deadline).map_err(|error| failed(error, rest))
    }

    /// Those of several runs that can be read, and their lines.
    fn text<'b>(&self, spool: &Spool, batch: &'b [Entry]) -> (Vec<&'b Entry>, String) {
        let mut text = String::new();
        let mut read = Vec::new();
        for entry in batch {
            match spool.read(entry) {
                Ok(lines) => {
                    text.push_str(&lines);
                    read.push(entry);
                }
                Err(error) => log::warn!("carbon at {}: a kept run: {error}", self.to),
            }
        }
        (read, text)
    }

    fn confirmed(&self, spool: &Spool, entry: &Entry, now: u64, verified: bool) {
        let is_enough = !verified && entry.confirmed >= self.resend;
        let done = match is_enough {
            true => spool.remove(entry),
            false => spool.confirm(entry, now),
        };
        if let Err(error) = done {
            log::warn!(
                "carbon at {}: a confirmed run will be sent again: {error}",
                self.to
            );
        }
    }

    /// Asks graphite-web for what was confirmed a while ago: what it shows is done with, what it
    /// does not show will be sent anew. Whether it could be asked.
    fn verify(&self, spool: &Spool, now: u64, deadline: Deadline) -> bool {
        let Some(web) = self.verify else { return false };
        for entry in spool.entries() {
            if entry.confirmed == 0 || !entry.is_due(now) {
                continue;
            }
            let Ok(lines) = spool.read(&entry) else {
                continue;
            };
            let missing = match web.missing(&lines, entry.timestamp, deadline) {
                Ok(missing) => missing,
                Err(error) => {
                    log::warn!("{error}; lines are confirmed twice instead");
                    return false;
                }
            };
            let done = match missing.is_empty() {
                true => spool.remove(&entry),
                false => {
                    let count = missing.lines().count();
                    log::warn!("{web} does not show {count} lines of an earlier run; sent again");
                    spool.replace(&entry, &missing).map(|_| ())
                }
            };
            if let Err(error) = done {
                log::warn!("carbon at {}: {error}", self.to);
            }
        }
        true
    }
}

fn undelivered(error: &Error, fate: &str) -> Error {
    Error::new(Exit::Undelivered, format!("{error}; {fate}"))
}

impl Entry {
    /// Whether it is to be sent: what was confirmed rests for a while; what is ahead of the clock
    /// could overwrite good points far away and is held back.
    fn is_due(&self, now: u64) -> bool {
        let has_rested =
            self.confirmed == 0 || now >= self.at.saturating_add(APART) || now < self.at;
        self.timestamp <= now && has_rested
    }
}

/// How many files one connection gets.
fn batch_length(entries: &[Entry]) -> usize {
    let mut size = 0;
    let fitting = entries.iter().take_while(|entry| {
        size += entry.size;
        size <= BATCH
    });
    fitting.count().max(1)
}
