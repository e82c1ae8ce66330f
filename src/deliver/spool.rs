//! The lines that wait for one carbon: a folder of plain files, one for each run.
//!
//! A file appears whole, under a name that says what has become of its lines (see [`super::entry`]),
//! and is then only renamed and removed, so that there is nothing to repair after a crash but the
//! end of a file that a power cut has torn off. Anybody may add a file at any time; whatever else
//! is done with them is done by the one whose [`Turn`] it is.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::entry::Entry;
use super::line::Line;
use crate::base::deadline::Deadline;
use crate::base::files;
use crate::base::lock::{self, Busy, Lock};

/// What a spool may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bounds {
    /// How old a run may become.
    pub(crate) age: Duration,
    /// How many bytes there may be, beside the newest run.
    pub(crate) size: u64,
}

/// What should be known about a spool beside its files.
const NOTES: &str = "notes.json";
/// Who may do something with the files.
const LOCK: &str = ".lock";
/// No run has so many bytes, whatever its bounds: a larger file was not made here.
const LARGEST: u64 = 256 << 20;
/// No spool has dropped so many lines: a larger number was not written here.
const MOST_DROPPED: u64 = 1 << 53;

/// A spool.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
}

/// The right to do something with the files of a spool. It ends with its value.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    spool: &'a Spool,
    _lock: Lock,
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
    /// The bounds that the last run had which named this carbon.
    #[serde(default)]
    bounds: Option<Bounds>,
}

impl Spool {
    /// The spool in a folder, which is made if need be.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        files::make_folder(folder)?;
        Ok(Spool {
            folder: folder.to_owned(),
        })
    }

    /// The spool in a folder that an earlier run has made, if it is one.
    pub(super) fn left_in(folder: &Path) -> Option<Self> {
        let is_folder = fs::symlink_metadata(folder).is_ok_and(|it| it.is_dir());
        let spool = Spool {
            folder: folder.to_owned(),
        };
        let has = |name: &str| folder.join(name).is_file();
        let is_spool = is_folder && (has(LOCK) || has(NOTES) || !spool.entries().is_empty());
        is_spool.then_some(spool)
    }

    /// The runs that wait, the oldest first; none where that cannot be known.
    pub(super) fn entries(&self) -> Vec<Entry> {
        self.listed().unwrap_or_default().0
    }

    /// The runs that wait, the oldest first, and the names of whatever else is in the folder.
    pub(super) fn listed(&self) -> io::Result<(Vec<Entry>, BTreeSet<String>)> {
        let (mut entries, mut strange) = (Vec::new(), BTreeSet::new());
        for file in fs::read_dir(&self.folder)? {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            // A file that could block or is no file at all is not ours, whatever its name.
            let metadata = file.metadata().ok().filter(|it| it.is_file());
            let size = metadata.map(|it| it.len()).filter(|it| *it <= LARGEST);
            match (Entry::of_name(&name), size) {
                (Some(entry), Some(size)) => entries.push(Entry { size, ..entry }),
                _ if name == NOTES || name.starts_with('.') => {}
                _ => drop(strange.insert(name)),
            }
        }
        entries.sort();
        Ok((entries, strange))
    }

    /// Adds the lines of a run. They are not forced to the disk: the usual run is confirmed before
    /// that could help.
    pub(super) fn add(&self, timestamp: u64, text: &str) -> io::Result<Entry> {
        if text.len() as u64 > LARGEST {
            return Err(io::Error::other("a run has 256 MiB at most"));
        }
        self.write(Entry::new(timestamp, std::process::id(), text), text)
    }

    /// Writes a file that nobody sees before it is whole, and that takes no other's place.
    fn write(&self, mut entry: Entry, text: &str) -> io::Result<Entry> {
        let mut fresh = self.fresh()?;
        fresh.as_file_mut().write_all(text.as_bytes())?;
        loop {
            match fresh.persist_noclobber(self.path(&entry)) {
                Ok(_) => return Ok(entry),
                // The same second of a clock that was set back, or of another machine's process.
                Err(it) if it.error.kind() == io::ErrorKind::AlreadyExists => {
                    fresh = it.file;
                    entry.process = entry.process.wrapping_add(1);
                }
                // A file system without a way to say so; the name is as good as free.
                Err(it) if it.error.kind() == io::ErrorKind::PermissionDenied => {
                    it.file.persist(self.path(&entry))?;
                    return Ok(entry);
                }
                Err(it) => return Err(it.error),
            }
        }
    }

    fn fresh(&self) -> io::Result<NamedTempFile> {
        files::fresh_in(&self.folder).or_else(|_| {
            // Somebody may just have found it empty and removed it.
            files::make_folder(&self.folder)?;
            files::fresh_in(&self.folder)
        })
    }

    /// Forces a run to the disk, so that it is still there when the power fails.
    pub(super) fn sync(&self, entry: &Entry) -> io::Result<()> {
        File::open(self.path(entry))?.sync_all()?;
        File::open(&self.folder)?.sync_all()
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// When it does not come before the deadline.
    pub(super) fn turn(&self, deadline: Deadline) -> Result<Turn<'_>, Busy> {
        let lock = lock::take(&self.folder.join(LOCK), deadline)?;
        Ok(self.turn_with(lock))
    }

    /// A turn, if it can be had right now.
    pub(super) fn turn_now(&self) -> Option<Turn<'_>> {
        let lock = lock::take_now(&self.folder.join(LOCK)).ok()?;
        Some(self.turn_with(lock))
    }

    fn turn_with(&self, lock: Lock) -> Turn<'_> {
        Turn {
            spool: self,
            _lock: lock,
        }
    }

    /// When the last file came or went.
    pub(super) fn changed(&self) -> Option<SystemTime> {
        fs::metadata(&self.folder).ok()?.modified().ok()
    }

    /// The folder, for people.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn notes(&self) -> Notes {
        let notes = files::read_own(&self.folder.join(NOTES)).unwrap_or_default();
        let mut notes: Notes = serde_json::from_slice(&notes).unwrap_or_default();
        notes.dropped = notes.dropped.min(MOST_DROPPED);
        notes
    }

    fn path(&self, entry: &Entry) -> PathBuf {
        self.folder.join(entry.name())
    }
}

/// Lines that nobody has confirmed, and that wait no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dropped {
    /// Those beyond the bound on age.
    pub(super) too_old: u64,
    /// Those beyond the bound on size.
    pub(super) too_much: u64,
}

impl Turn<'_> {
    /// The spool that this is a turn of.
    pub(super) fn spool(&self) -> &Spool {
        self.spool
    }

    /// The runs that wait, the oldest first. Whatever else is in the folder is left alone, and
    /// said once.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(super) fn entries(&self) -> io::Result<Vec<Entry>> {
        let (entries, strange) = self.spool.listed()?;
        self.report(strange);
        Ok(entries)
    }

    /// The lines of a run, without a last one that is only half there, and without what carbon
    /// would not take.
    pub(super) fn read(&self, entry: &Entry) -> io::Result<String> {
        let mut bytes = Vec::new();
        let file = File::open(self.spool.path(entry))?;
        file.take(LARGEST).read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n');
        let whole = &bytes[..whole.map_or(0, |end| end + 1)];
        let lines = whole.split_inclusive(|byte| *byte == b'\n');
        let good = lines.filter_map(|line| std::str::from_utf8(line).ok());
        Ok(good.filter_map(Line::of).map(|line| line.text).collect())
    }

    /// Notes that the lines of a run were confirmed once more.
    pub(super) fn confirm(&self, entry: &Entry, now: u64) -> io::Result<()> {
        let confirmed = entry.confirmed(now);
        fs::rename(self.spool.path(entry), self.spool.path(&confirmed))
    }

    /// Keeps only those lines of a run that are not shown although they were confirmed, to be sent
    /// anew.
    pub(super) fn replace(&self, entry: &Entry, text: &str, now: u64) -> io::Result<()> {
        let rest = entry.unshown(text, now);
        if rest.lines == entry.lines {
            return fs::rename(self.spool.path(entry), self.spool.path(&rest));
        }
        self.spool.write(rest, text)?;
        self.remove(entry)
    }

    /// Keeps only some of the lines of a run.
    pub(super) fn shorten(&self, entry: &Entry, text: &str) -> io::Result<()> {
        if !text.is_empty() {
            let lines = text.lines().count();
            self.spool.write(
                Entry {
                    lines,
                    ..entry.clone()
                },
                text,
            )?;
        }
        self.remove(entry)
    }

    /// Forgets a run.
    pub(super) fn remove(&self, entry: &Entry) -> io::Result<()> {
        fs::remove_file(self.spool.path(entry))
    }

    /// Drops what is beyond the bounds, the oldest first, and says how many lines those were. The
    /// newest run may be as large as it is: it has to be somewhere.
    pub(super) fn prune(&self, bounds: Bounds, now: u64) -> Dropped {
        let entries = self.spool.entries();
        let newest = entries.iter().rposition(|it| it.timestamp <= now);
        let mut size: u64 = entries.iter().map(|entry| entry.size).sum();
        let mut dropped = Dropped::default();
        for (number, entry) in entries.iter().enumerate() {
            let is_old = entry.timestamp.saturating_add(bounds.age.as_secs()) < now;
            let is_too_much = size > bounds.size && newest != Some(number);
            if !is_old && !is_too_much {
                continue;
            }
            match self.remove(entry) {
                Ok(()) => {
                    size -= entry.size;
                    let lost = if entry.is_missing() { entry.lines } else { 0 };
                    match is_old {
                        true => dropped.too_old += lost as u64,
                        false => dropped.too_much += lost as u64,
                    }
                }
                Err(error) => log::warn!("{}: {error}", self.spool.path(entry).display()),
            }
        }
        if dropped != Dropped::default() {
            let mut notes = self.spool.notes();
            notes.dropped += dropped.too_old + dropped.too_much;
            self.keep(&notes);
        }
        dropped
    }

    /// The lines that were dropped since this was last asked.
    pub(super) fn take_dropped(&self) -> u64 {
        let mut notes = self.spool.notes();
        let dropped = std::mem::take(&mut notes.dropped);
        if dropped > 0 {
            self.keep(&notes);
        }
        dropped
    }

    /// The bounds that the last run had which named this carbon.
    pub(super) fn bounds(&self) -> Option<Bounds> {
        self.spool.notes().bounds
    }

    /// Leaves the bounds for whoever finds this spool when its carbon is not named any more.
    pub(super) fn keep_bounds(&self, bounds: Bounds) {
        let mut notes = self.spool.notes();
        if notes.bounds != Some(bounds) {
            notes.bounds = Some(bounds);
            self.keep(&notes);
        }
    }

    /// Removes the folder, if there is nothing but our own in it.
    pub(super) fn remove_folder(&self) {
        // Whoever makes a file sweeps, and nobody makes one here any more.
        files::sweep(&self.spool.folder);
        let is_bare =
            |(entries, strange): (Vec<_>, BTreeSet<_>)| entries.is_empty() && strange.is_empty();
        if self.spool.listed().is_ok_and(is_bare) {
            let folder = &self.spool.folder;
            let removed = fs::remove_file(folder.join(NOTES))
                .or_else(|error| match error.kind() {
                    io::ErrorKind::NotFound => Ok(()),
                    _ => Err(error),
                })
                .and_then(|()| fs::remove_file(folder.join(LOCK)))
                .and_then(|()| fs::remove_dir(folder));
            log::debug!("{}: empty: {removed:?}", folder.display());
        }
    }

    fn report(&self, strange: BTreeSet<String>) {
        let mut notes = self.spool.notes();
        let new: Vec<&str> = strange
            .difference(&notes.reported)
            .map(String::as_str)
            .collect();
        if let [first, others @ ..] = new.as_slice() {
            let more = match others.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let folder = self.spool.folder.display();
            log::warn!("{folder} holds {first}{more}, which is not from here and is left alone");
        }
        if strange != notes.reported {
            notes.reported = strange;
            self.keep(&notes);
        }
    }

    /// Nothing depends on the notes but a count and a repeated word.
    fn keep(&self, notes: &Notes) {
        let content = serde_json::to_vec(notes).unwrap_or_default();
        if let Err(error) = files::write_for_now(&self.spool.folder.join(NOTES), &content) {
            log::debug!("{error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        age: Duration::from_secs(1000),
        size: 90,
    };

    fn spool() -> (tempfile::TempDir, Spool) {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Spool::open(&folder.path().join("deep/spool")).expect("a spool");
        (folder, spool)
    }

    fn dropped(too_old: u64, too_much: u64) -> Dropped {
        Dropped { too_old, too_much }
    }

    fn timestamps(spool: &Spool) -> Vec<u64> {
        let entries = spool.entries();
        entries.iter().map(|entry| entry.timestamp).collect()
    }

    #[test]
    fn runs_come_back_oldest_first_with_what_became_of_them() {
        let (_folder, spool) = spool();
        let turn = spool.turn_now().expect("a turn");
        spool.add(2000, "a 1 2000\nb 2 2000\n").expect("the second");
        let first = spool.add(1000, "a 1 1000\n").expect("the first");
        turn.confirm(&first, 1001).expect("a name");
        let entries = turn.entries().expect("the folder");
        let seen = entries
            .iter()
            .map(|it| (it.timestamp, it.lines, it.confirmed, it.at));
        let seen: Vec<_> = seen.collect();
        assert_eq!(seen, [(1000, 1, 1, 1001), (2000, 2, 0, 0)]);
        turn.replace(&entries[1], "b 2 2000\n", 2001)
            .expect("the rest");
        let rest = &spool.entries()[1];
        assert_eq!(turn.read(rest).expect("its lines"), "b 2 2000\n");
        assert_eq!(spool.entries().len(), 2);
        // Where there is nothing to note, nothing is written.
        assert_eq!(turn.take_dropped(), 0);
        assert!(!spool.folder.join(NOTES).exists());
    }

    #[test]
    fn what_is_torn_or_strange_in_a_file_is_left_out() {
        let (_folder, spool) = spool();
        let turn = spool.turn_now().expect("a turn");
        let bad = "a 1 5\nb nan 5\nc 1\nd é 5\ne 1 99999999999\nf  1 5\n\0\0\ng 1 5\nh 1 1795";
        let entry = spool.add(5, bad).expect("a file");
        assert_eq!(turn.read(&entry).expect("its lines"), "a 1 5\ng 1 5\n");
        let torn = spool.add(6, "a 1").expect("a file");
        assert_eq!(turn.read(&torn).expect("its lines"), "");
    }

    #[test]
    fn the_oldest_goes_first_and_is_counted() {
        let (_folder, spool) = spool();
        let turn = spool.turn_now().expect("a turn");
        for timestamp in [100, 5000, 5001, 5002] {
            spool
                .add(timestamp, &"a 1 0123456789\n".repeat(2))
                .expect("a file");
        }
        assert_eq!(turn.prune(BOUNDS, 5002), dropped(2, 0));
        assert_eq!(timestamps(&spool), [5000, 5001, 5002]);
        spool.add(5003, "a 1 0123456789\n").expect("a file");
        assert_eq!(turn.prune(BOUNDS, 5003), dropped(0, 2));
        assert_eq!(timestamps(&spool), [5001, 5002, 5003]);
        assert_eq!((turn.take_dropped(), turn.take_dropped()), (4, 0));
    }

    #[test]
    fn absurd_numbers_in_notes_and_names_are_borne() {
        let (_folder, spool) = spool();
        let turn = spool.turn_now().expect("a turn");
        let notes = format!("{{\"dropped\":{}}}", u64::MAX);
        fs::write(spool.folder.join(NOTES), notes).expect("notes");
        for lines in [1, u64::from(u32::MAX), u64::MAX] {
            let name = format!("0000000001-2-{lines}.lines");
            fs::write(spool.folder.join(name), "a 1 1\n").expect("a file");
        }
        let most = 1 + u64::from(u32::MAX);
        assert_eq!(turn.prune(BOUNDS, 5000), dropped(most, 0));
        assert_eq!(turn.take_dropped(), MOST_DROPPED);
    }

    #[test]
    fn the_newest_is_kept_whatever_its_size() {
        let (_folder, spool) = spool();
        let turn = spool.turn_now().expect("a turn");
        for timestamp in [4000, 5000, 9000] {
            spool
                .add(timestamp, &"a 1 0123456789\n".repeat(20))
                .expect("a file");
        }
        // What is ahead of the clock is not the newest: that one was just made.
        assert_eq!(turn.prune(BOUNDS, 5000), dropped(0, 40));
        assert_eq!(timestamps(&spool), [5000]);
        // Its age it may not exceed.
        assert_eq!(turn.prune(BOUNDS, 6001), dropped(20, 0));
        assert!(timestamps(&spool).is_empty());
    }

    #[test]
    fn two_runs_of_one_second_and_one_name_are_two() {
        let (_folder, spool) = spool();
        let first = spool.add(5, "a 1 5\n").expect("a file");
        let second = spool.add(5, "b 1 5\n").expect("another");
        let turn = spool.turn_now().expect("a turn");
        assert_eq!(turn.read(&first).expect("its line"), "a 1 5\n");
        assert_eq!(turn.read(&second).expect("its line"), "b 1 5\n");
    }

    #[test]
    fn other_files_are_left_alone() {
        let (_folder, spool) = spool();
        let turn = spool.turn_now().expect("a turn");
        let others = ["README", "1-2.lines", "0000000001-2-3.0-4.lines"];
        for name in others {
            fs::write(spool.folder.join(name), "x").expect("a file");
        }
        fs::create_dir(spool.folder.join("0000000001-2-3.lines")).expect("a folder");
        for (size, is_ours) in [(LARGEST, true), (LARGEST + 1, false)] {
            let path = spool.folder.join("0000000001-2-9.lines");
            let file = File::create(&path).expect("a file");
            file.set_len(size).expect("nothing but a length");
            assert_eq!(timestamps(&spool).len(), usize::from(is_ours), "{size}");
            fs::remove_file(path).expect("it");
        }
        let (ours, strange) = spool.listed().expect("the folder");
        assert!(ours.is_empty());
        assert_eq!(strange.len(), 4, "{strange:?}");
        assert!(turn.entries().expect("the folder").is_empty());
        assert_eq!(turn.prune(BOUNDS, u64::MAX), dropped(0, 0));
        turn.remove_folder();
        let is_there = |name: &&str| spool.folder.join(name).exists();
        assert!(others.iter().chain(&[NOTES, LOCK]).all(is_there));
    }

    #[test]
    fn a_folder_that_went_meanwhile_comes_again() {
        let (_folder, spool) = spool();
        let other = || Spool::left_in(&spool.folder);
        assert!(other().is_none(), "nothing was ever in it");
        let turn = spool.turn_now().expect("a turn");
        assert!(other().is_some(), "somebody has had a turn there");
        turn.remove_folder();
        assert!(!spool.folder.exists());
        spool.add(5, "a 1 5\n").expect("a file");
        assert_eq!(timestamps(&spool), [5]);
    }
}
