//! The way of a run's lines to one carbon, and what becomes of those that did not get there.
//!
//! A run's lines are a file before the network is touched. carbon's confirmation says that it has
//! read them, not that it has stored them: for a second or so it may still lose them. So they are
//! sent once more by a later run, and forgotten when that has been confirmed as well; or, where
//! graphite-web can be asked, when it shows them.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use super::Backlog;
use super::carbon::{self, Carbon};
use super::entry::Entry;
use super::graphite_web::GraphiteWeb;
use super::line::{self, Line};
use super::spool::{Bounds, Dropped, Spool, Turn};
use super::spools;
use crate::base::clock::{self, MINUTE};
use crate::base::deadline::Deadline;
use crate::base::error::{Error, Exit};
use crate::base::http::Trust;
use crate::base::lock::Busy;
use crate::base::words;

/// What one connection is given at least a file of, in bytes: a confirmation is for all of it.
const BATCH: u64 = 1024 * 1024;

/// How old a line may be for graphite-web to be asked for it, in seconds: what is kept to the minute.
const LOOKED_FOR: u64 = 8 * 24 * 3600;

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
    rules: &'a Rules,
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
    /// What to trust there.
    pub(crate) trust: Trust,
}

impl<'a> Outbox<'a> {
    /// The outbox for a carbon, with its files below `folder`. Where there can be none, lines are
    /// sent all the same.
    pub(super) fn open(to: &'a Carbon, folder: Option<&Path>, rules: &'a Rules) -> Self {
        let open = |folder: &Path| {
            let cannot = |error: &io::Error| {
                let place = spools::place(folder, to);
                log::warn!(
                    "lines for carbon at {to} cannot be kept in {} while it is away: {error}",
                    place.display()
                );
            };
            spools::open(folder, to).inspect_err(cannot).ok()
        };
        Outbox {
            to,
            spool: folder.and_then(open),
            rules,
        }
    }

    /// What earlier runs have left here. What was dropped is told to one run only, to none where
    /// another one is at it.
    pub(super) fn backlog(&self) -> Backlog {
        let Some(spool) = &self.spool else {
            return Backlog::default();
        };
        Backlog {
            spooled: never_confirmed(&spool.entries()),
            dropped: spool.turn_now().map_or(0, |turn| turn.take_dropped()),
        }
    }

    /// Delivers what waits and the lines of this run, the oldest first, when it is this run's turn.
    /// `kept` is where its lines are.
    ///
    /// # Errors
    /// When carbon did not confirm all of it, or another run was at it for all of the time. What
    /// was not confirmed is kept.
    pub(super) fn deliver(
        &self,
        kept: &Kept,
        cargo: Cargo<'_>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let Some(spool) = &self.spool else {
            let sent = carbon::deliver(self.to, cargo.text, deadline);
            return sent.map_err(|error| undelivered(&error, LOST));
        };
        let work_off = |turn: &Turn, unkept| {
            self.give_way(turn, cargo);
            self.work_off(turn, cargo.timestamp, unkept, deadline)
        };
        let outcome = match kept {
            // What the disk does not take has to do without it, and need not wait for a turn.
            Kept::Not => match spool.turn_now() {
                Some(turn) => work_off(&turn, cargo.text),
                None => carbon::deliver(self.to, cargo.text, deadline)
                    .map_err(|error| undelivered(&error, LOST)),
            },
            Kept::Nothing | Kept::As(_) => match spool.turn(deadline) {
                Ok(turn) => work_off(&turn, ""),
                Err(busy) => Err(self.still_busy(spool, &busy)),
            },
        };
        if let (Err(_), Kept::As(entry)) = (&outcome, kept)
            && let Err(error) = spool.sync(entry)
        {
            log::debug!("{error}");
        }
        outcome
    }

    /// Puts this run's lines with those that wait, if they can.
    pub(super) fn keep(&self, cargo: Cargo<'_>) -> Kept {
        let Some(spool) = &self.spool else {
            return Kept::Not;
        };
        if cargo.text.is_empty() {
            return Kept::Nothing;
        }
        match spool.add(cargo.timestamp, cargo.text) {
            Ok(entry) => Kept::As(entry),
            Err(error) => {
                log::warn!(
                    "carbon at {}: this run's lines cannot be kept: {error}",
                    self.to
                );
                Kept::Not
            }
        }
    }

    /// Takes out of runs of later times, which wait since the clock was set back, what they say of
    /// minutes before their own that this run tells itself: sent once more it would be written over.
    fn give_way(&self, turn: &Turn, cargo: Cargo<'_>) {
        let mut entries = turn.entries().unwrap_or_default();
        entries.retain(|it| it.is_ahead_of(cargo.timestamp));
        if entries.is_empty() {
            return;
        }
        let told: HashSet<_> = line::lines(cargo.text).map(|it| place(&it)).collect();
        for entry in entries {
            let Ok(text) = turn.read(&entry) else {
                continue;
            };
            let is_own = |it: &Line| it.time >= entry.timestamp;
            let lines = line::lines(&text).filter(|it| is_own(it) || !told.contains(&place(it)));
            let rest: String = lines.map(|it| it.text).collect();
            if rest.len() < text.len()
                && let Err(error) = turn.shorten(&entry, &rest)
            {
                log::debug!("carbon at {}: {error}", self.to);
            }
        }
    }

    /// Sends what is due, and `unkept`, and drops what is beyond the bounds. The run began at
    /// `start`, and may have waited for its turn since.
    fn work_off(
        &self,
        turn: &Turn,
        start: u64,
        unkept: &str,
        deadline: Deadline,
    ) -> Result<(), Error> {
        turn.keep_bounds(self.rules.bounds);
        let sent = self.due(turn, start).and_then(|due| {
            let verified = self.verify(turn, due, deadline);
            self.send(turn, self.due(turn, start)?, start, verified, deadline)
        });
        let sent = sent.and_then(|()| carbon::deliver(self.to, unkept, deadline));
        let dropped = turn.prune(self.rules.bounds, start);
        self.tell(dropped);
        sent.map_err(|error| match unkept {
            "" => undelivered(&error, &are_kept(turn.spool())),
            _ => undelivered(&error, LOST),
        })
    }

    fn tell(&self, dropped: Dropped) {
        let Dropped { too_old, too_much } = dropped;
        if too_old > 0 {
            log::warn!(
                "carbon at {}: {too_old} lines waited too long and were dropped (--spool-age)",
                self.to
            );
        }
        if too_much > 0 {
            log::warn!(
                "carbon at {}: {too_much} lines were dropped: more wait than --spool-size allows",
                self.to
            );
        }
    }

    /// What is to be sent, the oldest first.
    fn due(&self, turn: &Turn, start: u64) -> Result<Vec<Entry>, Error> {
        let mut due = turn.entries().map_err(|error| {
            let folder = turn.spool().folder().display();
            let words = format!("carbon at {}: cannot read {folder}", self.to);
            Error::new(Exit::Undelivered, words).because(error)
        })?;
        let now = clock::now();
        due.retain(|entry| !entry.is_ahead_of(start) && entry.has_rested(now));
        Ok(due)
    }

    /// Sends what is due. A run that cannot be read keeps no other back.
    fn send(
        &self,
        turn: &Turn,
        due: Vec<Entry>,
        start: u64,
        verified: bool,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let mut rest = due.as_slice();
        let mut unread = None;
        while !rest.is_empty() {
            let (batch, behind) = rest.split_at(batch_length(rest));
            let batch = self.text(turn, batch, start);
            carbon::deliver(self.to, &batch.text, deadline)?;
            // A run that began long ago confirms now: the next confirmation means more only a
            // while from here.
            let now = clock::now();
            for entry in batch.read {
                self.confirmed(turn, entry, now, verified);
            }
            unread = unread.or(batch.unread);
            rest = behind;
        }
        unread.map_or(Ok(()), |error| {
            let words = format!("carbon at {}: cannot read a kept run", self.to);
            Err(Error::new(Exit::Undelivered, words).because(error))
        })
    }

    /// Those of several runs that can be sent, and their lines.
    fn text<'b>(&self, turn: &Turn, entries: &'b [Entry], start: u64) -> Batch<'b> {
        let mut batch = Batch::default();
        for entry in entries {
            match turn.read(entry) {
                Ok(lines) if newest(&lines) > start => {
                    log::debug!("{}: is ahead of the clock", entry.name());
                }
                Ok(lines) => {
                    batch.text.push_str(&lines);
                    batch.read.push(entry);
                }
                // Somebody has taken it away by hand.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => batch.unread = batch.unread.or(Some(error)),
            }
        }
        batch
    }

    fn confirmed(&self, turn: &Turn, entry: &Entry, now: u64, verified: bool) {
        let is_enough = !verified && entry.confirmed >= self.rules.resend;
        let done = match is_enough {
            true => turn.remove(entry),
            false => turn.confirm(entry, now),
        };
        if let Err(error) = done {
            log::warn!(
                "carbon at {}: a confirmed run will be sent again: {error}",
                self.to
            );
        }
    }

    /// Asks graphite-web for what was confirmed a while ago: what it shows is done with, what it
    /// does not show will be sent anew. That may be so for a while: tagged series are shown only
    /// when carbon has written them, which some do slowly. Whether it could be asked.
    fn verify(&self, turn: &Turn, due: Vec<Entry>, deadline: Deadline) -> bool {
        let Some(web) = &self.rules.verify else {
            return false;
        };
        let reader = web.reader(&self.rules.trust);
        let (mut overdue, mut has_answered) = (0, false);
        for entry in due.into_iter().filter(|it| it.confirmed > 0) {
            let Ok(lines) = turn.read(&entry) else {
                continue;
            };
            let (recent, old) = by_age(&lines, entry.timestamp);
            if !old.is_empty() && entry.confirmed <= self.rules.resend {
                continue;
            }
            let missing = match reader.missing(&recent, deadline) {
                Ok(missing) => missing,
                Err(error) => {
                    log::warn!("{error}; lines are confirmed twice instead");
                    return false;
                }
            };
            has_answered = true;
            let now = clock::now();
            let count = missing.lines().count();
            log::debug!("{web} does not show {count} lines of {}", entry.name());
            if entry.is_overdue(now) {
                overdue += count;
            }
            let done = match missing.is_empty() {
                true => turn.remove(&entry),
                false => turn.replace(&entry, &missing, now),
            };
            if let Err(error) = done {
                log::warn!("carbon at {}: {error}", self.to);
            }
        }
        // Whoever had nothing to ask has not seen whether it answers.
        if has_answered {
            words::looked_at(&web.to_string());
        }
        if overdue > 0 {
            log::warn!(
                "{web}: {overdue} lines are not shown that carbon confirmed half an hour ago or \
                 earlier; they are sent again"
            );
        }
        true
    }

    fn still_busy(&self, spool: &Spool, busy: &Busy) -> Error {
        let holder = busy.holder.map(|process| format!(" (process {process})"));
        let words = format!(
            "carbon at {}: another run{} was still delivering when the time was over; {}",
            self.to,
            holder.unwrap_or_default(),
            are_kept(spool)
        );
        Error::new(Exit::Busy, words)
    }
}

/// Several runs for one connection.
#[derive(Default)]
struct Batch<'a> {
    text: String,
    /// Those whose lines are in the text.
    read: Vec<&'a Entry>,
    /// Why one of the others is not.
    unread: Option<io::Error>,
}

/// What has become of the lines of this run, before they are sent.
#[derive(Debug)]
pub(super) enum Kept {
    /// There are none.
    Nothing,
    /// They are in this file.
    As(Entry),
    /// They are in no file.
    Not,
}

impl Kept {
    /// Whether they survive the end of this process.
    pub(super) fn is_safe(&self) -> bool {
        !matches!(self, Kept::Not)
    }
}

const LOST: &str = "lines are lost";

fn are_kept(spool: &Spool) -> String {
    match spool.listed() {
        Ok((entries, _)) => format!("{} lines are kept", never_confirmed(&entries)),
        Err(_) => "the lines are kept".to_owned(),
    }
}

/// The lines that wait and were never confirmed.
fn never_confirmed(entries: &[Entry]) -> u64 {
    let waiting = entries.iter().filter(|it| it.confirmed == 0);
    waiting.map(|entry| entry.lines as u64).sum()
}

fn undelivered(error: &Error, fate: &str) -> Error {
    Error::new(Exit::Undelivered, format!("{error}; {fate}"))
}

/// Where carbon keeps a line: one number of each minute.
fn place<'a>(line: &Line<'a>) -> (&'a str, u64) {
    (line.path, line.time / MINUTE)
}

/// The newest time of some lines.
fn newest(lines: &str) -> u64 {
    line::lines(lines).map(|it| it.time).max().unwrap_or(0)
}

/// The lines of a run that graphite-web can be asked for, and those that are so old that carbon may
/// keep them in a coarse archive, or not at all: confirmations have to do for them.
fn by_age(lines: &str, run: u64) -> (String, String) {
    let is_recent = |line: &Line| line.time.saturating_add(LOOKED_FOR) >= run;
    let (recent, old): (Vec<Line>, Vec<Line>) = line::lines(lines).partition(is_recent);
    let text = |lines: Vec<Line>| lines.iter().map(|it| it.text).collect();
    (text(recent), text(old))
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::tests::rules;
    use super::*;

    #[test]
    fn a_run_that_is_gone_is_nothing_and_one_that_cannot_be_read_keeps_no_other_back() {
        let rules = rules(None);
        let folder = tempfile::tempdir().expect("a folder");
        let to = "localhost".parse().expect("a carbon");
        let outbox = Outbox::open(&to, Some(folder.path()), &rules);
        let spool = spools::open(folder.path(), &to).expect("a spool");
        let turn = spool.turn_now().expect("a turn");
        let file = |number: u64| {
            let entry = spool.add(number, &format!("a 1 {number}\n"));
            entry.expect("a file")
        };
        let entries = [file(1), file(2), file(3)];
        let path = spool.folder().join(entries[0].name());
        fs::remove_file(&path).expect("it");
        let batch = outbox.text(&turn, &entries, 5);
        assert_eq!(batch.text, "a 1 2\na 1 3\n");
        assert!(batch.unread.is_none());
        fs::create_dir(path).expect("what nobody can read");
        let batch = outbox.text(&turn, &entries, 2);
        assert_eq!(batch.text, "a 1 2\n", "the last is ahead of the clock");
        assert!(batch.unread.is_some());
    }
}
