//! The lines that wait for one carbon: a folder of plain files, one for each run.
//!
//! The name of a file says what has become of it: `1795459390-4711-720.lines` are the 720 lines of
//! a run that began at that second, never confirmed; `1795459390-4711-720.1-1795459392.lines` have
//! been confirmed once, at that second. A file is written once and then only renamed and removed,
//! so that there is nothing to repair after a crash but the end of the file that was being written.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::files;

/// What a spool may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How old a run may become.
    pub(crate) age: Duration,
    /// How many bytes there may be.
    pub(crate) size: u64,
}

/// What should be known about a spool beside its files.
const NOTES: &str = "notes.json";
const SUFFIX: &str = ".lines";

/// A spool.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    bounds: Bounds,
}

/// The lines of one run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// When the run began, in seconds since 1970.
    pub(super) timestamp: u64,
    process: u32,
    /// How many lines there are.
    pub(super) lines: usize,
    /// How often they have been confirmed.
    pub(super) confirmed: u32,
    /// When that was last.
    pub(super) at: u64,
    /// How many bytes they are.
    pub(super) size: u64,
}

/// Kept from run to run.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Notes {
    /// Lines that were dropped and have not been counted in a metric yet.
    #[serde(default)]
    dropped: u64,
    /// Files that are not ours, as far as that was said.
    #[serde(default)]
    reported: BTreeSet<String>,
}

impl Spool {
    /// The spool in a folder, which is made if need be.
    pub(super) fn open(folder: &Path, bounds: Bounds) -> io::Result<Self> {
        files::make_folder(folder)?;
        Ok(Spool {
            folder: folder.to_owned(),
            bounds,
        })
    }

    /// The runs that wait, the oldest first. Whatever else is in the folder is left alone, and
    /// said once.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut strange = BTreeSet::new();
        let listed = match fs::read_dir(&self.folder) {
            Ok(listed) => listed,
            Err(error) => {
                log::warn!("cannot read {}: {error}", self.folder.display());
                return entries;
            }
        };
        for file in listed.flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            // A file that could block or is no file at all is not ours, whatever its name.
            let metadata = file.metadata().ok().filter(|it| it.is_file());
            match (Entry::of_name(&name), metadata) {
                (Some(entry), Some(metadata)) if metadata.len() <= self.bounds.size => {
                    entries.push(Entry {
                        size: metadata.len(),
                        ..entry
                    });
                }
                _ if name == NOTES || name.starts_with('.') => {}
                _ => drop(strange.insert(name)),
            }
        }
        self.report(strange);
        entries.sort();
        entries
    }

    /// Adds the lines of a run. They are not forced to the disk: the usual run is confirmed before
    /// that could help.
    pub(super) fn add(&self, timestamp: u64, text: &str) -> io::Result<Entry> {
        let entry = Entry {
            timestamp,
            process: std::process::id(),
            lines: text.lines().count(),
            confirmed: 0,
            at: 0,
            size: text.len() as u64,
        };
        self.write(&entry, text)?;
        Ok(entry)
    }

    fn write(&self, entry: &Entry, text: &str) -> io::Result<()> {
        let path = self.path(entry);
        let mut options = OpenOptions::new();
        // What has this name already is of the same second of a clock that was set back.
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(text.as_bytes()).inspect_err(|_| {
            // Half a run is worth less than the room it takes on a full disk.
            let _ = fs::remove_file(&path);
        })
    }

    /// The lines of a run, without a last one that is only half there, and without what carbon
    /// would not take.
    pub(super) fn read(&self, entry: &Entry) -> io::Result<String> {
        let mut bytes = Vec::new();
        let file = File::open(self.path(entry))?;
        file.take(self.bounds.size).read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n');
        let whole = &bytes[..whole.map_or(0, |end| end + 1)];
        let lines = whole.split_inclusive(|byte| *byte == b'\n');
        let good = lines.filter_map(|line| std::str::from_utf8(line).ok());
        Ok(good.filter(|line| is_line(line)).collect())
    }

    /// Notes that the lines of a run were confirmed once more.
    pub(super) fn confirm(&self, entry: &Entry, now: u64) -> io::Result<()> {
        let confirmed = Entry {
            confirmed: entry.confirmed + 1,
            at: now,
            ..*entry
        };
        fs::rename(self.path(entry), self.path(&confirmed))
    }

    /// Keeps only these lines of a run, as if they had never been sent.
    pub(super) fn replace(&self, entry: &Entry, text: &str) -> io::Result<Entry> {
        let rest = Entry {
            lines: text.lines().count(),
            confirmed: 0,
            at: 0,
            size: text.len() as u64,
            ..*entry
        };
        if rest.lines == entry.lines {
            fs::rename(self.path(entry), self.path(&rest))?;
        } else {
            self.write(&rest, text)?;
            fs::remove_file(self.path(entry))?;
        }
        Ok(rest)
    }

    /// Forgets a run.
    pub(super) fn remove(&self, entry: &Entry) -> io::Result<()> {
        fs::remove_file(self.path(entry))
    }

    /// Forces a run to the disk, so that it is still there when the power fails.
    pub(super) fn sync(&self, entry: &Entry) -> io::Result<()> {
        File::open(self.path(entry))?.sync_all()?;
        File::open(&self.folder)?.sync_all()
    }

    /// Drops what is beyond the bounds, the oldest first, and says how many lines those were.
    pub(super) fn prune(&self, now: u64) -> u64 {
        let entries = self.entries();
        let mut size: u64 = entries.iter().map(|entry| entry.size).sum();
        let mut dropped = 0;
        for entry in entries {
            let is_old = entry.timestamp.saturating_add(self.bounds.age.as_secs()) < now;
            if !is_old && size <= self.bounds.size {
                break;
            }
            match self.remove(&entry) {
                Ok(()) => {
                    size -= entry.size;
                    // What was confirmed once has most likely arrived.
                    dropped += if entry.confirmed == 0 {
                        entry.lines as u64
                    } else {
                        0
                    };
                }
                Err(error) => log::warn!("{}: {error}", self.path(&entry).display()),
            }
        }
        if dropped > 0 {
            let mut notes = self.notes();
            notes.dropped += dropped;
            self.keep(&notes);
        }
        dropped
    }

    /// The lines that were dropped since this was last asked.
    pub(super) fn take_dropped(&self) -> u64 {
        let mut notes = self.notes();
        let dropped = std::mem::take(&mut notes.dropped);
        if dropped > 0 {
            self.keep(&notes);
        }
        dropped
    }

    fn report(&self, strange: BTreeSet<String>) {
        let mut notes = self.notes();
        let new: Vec<&str> = strange
            .difference(&notes.reported)
            .map(String::as_str)
            .collect();
        if let [first, others @ ..] = new.as_slice() {
            let more = match others.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let folder = self.folder.display();
            log::warn!("{folder} holds {first}{more}, which is not from here and is left alone");
        }
        if strange != notes.reported {
            notes.reported = strange;
            self.keep(&notes);
        }
    }

    fn notes(&self) -> Notes {
        let notes = fs::read(self.folder.join(NOTES)).unwrap_or_default();
        serde_json::from_slice(&notes).unwrap_or_default()
    }

    /// Nothing depends on the notes but a count and a repeated word.
    fn keep(&self, notes: &Notes) {
        let content = serde_json::to_vec(notes).unwrap_or_default();
        if let Err(error) = files::write_for_now(&self.folder.join(NOTES), &content) {
            log::debug!("{error}");
        }
    }

    fn path(&self, entry: &Entry) -> PathBuf {
        self.folder.join(entry.name())
    }
}

/// Lines that wait for a carbon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// The name of its folder.
    pub(crate) spool: String,
    /// How many lines there are that were never confirmed.
    pub(crate) lines: u64,
    /// The time of the oldest run among them, in seconds since 1970.
    pub(crate) since: u64,
}

/// What waits in the spools below a folder, without touching them.
pub(crate) fn waiting(folder: &Path) -> Vec<Waiting> {
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|it| it.file_name().to_string_lossy().into_owned())
    };
    let of_spool = |spool: String| {
        let entries = names(&folder.join(&spool)).filter_map(|name| Entry::of_name(&name));
        let waiting: Vec<Entry> = entries.filter(|entry| entry.confirmed == 0).collect();
        let since = waiting.iter().map(|entry| entry.timestamp).min()?;
        let lines = waiting.iter().map(|entry| entry.lines as u64).sum();
        Some(Waiting {
            spool,
            lines,
            since,
        })
    };
    let mut found: Vec<Waiting> = names(folder).filter_map(of_spool).collect();
    found.sort_by(|a, b| a.spool.cmp(&b.spool));
    found
}

impl Entry {
    fn name(&self) -> String {
        let run = format!("{:010}-{}-{}", self.timestamp, self.process, self.lines);
        match self.confirmed {
            0 => format!("{run}{SUFFIX}"),
            confirmed => format!("{run}.{confirmed}-{}{SUFFIX}", self.at),
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        let (run, state) = match name.strip_suffix(SUFFIX)?.split_once('.') {
            Some((run, state)) => (run, Some(state)),
            None => (name.strip_suffix(SUFFIX)?, None),
        };
        let mut parts = run.split('-');
        let (confirmed, at) = match state.map(|state| state.split_once('-')) {
            None => (0, 0),
            Some(state) => {
                let (confirmed, at) = state?;
                (confirmed.parse().ok()?, at.parse().ok()?)
            }
        };
        let entry = Entry {
            timestamp: parts.next()?.parse().ok()?,
            process: parts.next()?.parse().ok()?,
            lines: parts.next()?.parse().ok()?,
            confirmed,
            at,
            size: 0,
        };
        // Nothing that only looks alike: what is renamed must be what was read.
        (entry.name() == name).then_some(entry)
    }
}

/// Whether carbon takes a line as one: three fields of ASCII, a number, a time.
fn is_line(line: &str) -> bool {
    let fields: Vec<&str> = line.trim_end_matches('\n').split(' ').collect();
    let [path, value, timestamp] = fields.as_slice() else {
        return false;
    };
    let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_graphic());
    is_plain(path)
        && is_plain(value)
        && value.parse::<f64>().is_ok_and(f64::is_finite)
        && timestamp.len() <= 10
        && timestamp.bytes().all(|it| it.is_ascii_digit())
        && !timestamp.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spool() -> (tempfile::TempDir, Spool) {
        let folder = tempfile::tempdir().expect("a folder");
        let bounds = Bounds {
            age: Duration::from_secs(1000),
            size: 100,
        };
        let spool = Spool::open(&folder.path().join("deep/spool"), bounds).expect("a spool");
        (folder, spool)
    }

    fn timestamps(spool: &Spool) -> Vec<u64> {
        spool
            .entries()
            .iter()
            .map(|entry| entry.timestamp)
            .collect()
    }

    #[test]
    fn runs_come_back_oldest_first_with_what_became_of_them() {
        let (_folder, spool) = spool();
        spool.add(2000, "a 1 2000\nb 2 2000\n").expect("the second");
        let first = spool.add(1000, "a 1 1000\n").expect("the first");
        spool.confirm(&first, 1001).expect("a name");
        let entries = spool.entries();
        let seen = entries
            .iter()
            .map(|it| (it.timestamp, it.lines, it.confirmed, it.at));
        let seen: Vec<_> = seen.collect();
        assert_eq!(seen, [(1000, 1, 1, 1001), (2000, 2, 0, 0)]);
        let rest = spool.replace(&entries[1], "b 2 2000\n").expect("the rest");
        assert_eq!(spool.read(&rest).expect("its lines"), "b 2 2000\n");
        assert_eq!(spool.entries().len(), 2);
    }

    #[test]
    fn what_is_torn_or_strange_in_a_file_is_left_out() {
        let (_folder, spool) = spool();
        let bad = "a 1 5\nb nan 5\nc 1\nd é 5\ne 1 99999999999\nf  1 5\n\0\0\ng 1 5\nh 1 1795";
        let entry = spool.add(5, bad).expect("a file");
        assert_eq!(spool.read(&entry).expect("its lines"), "a 1 5\ng 1 5\n");
        let torn = spool.add(6, "a 1").expect("a file");
        assert_eq!(spool.read(&torn).expect("its lines"), "");
    }

    #[test]
    fn the_oldest_goes_first_and_is_counted() {
        let (_folder, spool) = spool();
        for timestamp in [100, 5000, 5001, 5002] {
            spool
                .add(timestamp, &"a 1 0123456789\n".repeat(2))
                .expect("a file");
        }
        assert_eq!(spool.prune(5002), 2);
        assert_eq!(timestamps(&spool), [5000, 5001, 5002]);
        spool.add(5003, "a 1 0123456789\n").expect("a file");
        assert_eq!(spool.prune(5003), 2);
        assert_eq!(timestamps(&spool), [5001, 5002, 5003]);
        assert_eq!((spool.take_dropped(), spool.take_dropped()), (4, 0));
    }

    #[test]
    fn other_files_are_left_alone() {
        let (_folder, spool) = spool();
        let others = [
            "README",
            "1-2.lines",
            "01-2-3.lines",
            "0000000001-2-3.0-4.lines",
        ];
        for name in others {
            fs::write(spool.folder.join(name), "x").expect("a file");
        }
        fs::create_dir(spool.folder.join("0000000001-2-3.lines")).expect("a folder");
        assert!(spool.entries().is_empty());
        assert_eq!(spool.prune(u64::MAX), 0);
        assert!(others.iter().all(|name| spool.folder.join(name).exists()));
    }
}
