//! Reading and writing files: whole, bounded, and private where it matters.
//!
//! What somebody has named is read and written where it is. A symbolic link is followed and stays,
//! a regular file is replaced in one step, a pipe or a device is written to and never replaced.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt, fchown};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{Access, access};
use rustix::io::Errno;
use tempfile::NamedTempFile;

use super::place::{Place, folder_of};
use super::stream;
use crate::base::deadline::Deadline;
use crate::base::error::Error;

/// Larger than any file that is meant: something else was named by mistake.
const LARGEST: u64 = 64 * 1024 * 1024;
/// What the names of files begin with that are about to be something else.
const FRESH: &str = ".freebox-monitor-";
/// Older than any run: whoever made such a file was killed.
const FORGOTTEN: Duration = Duration::from_secs(3600);
/// Only its owner may read it.
const PRIVATE: u32 = 0o600;
/// Everybody may read it.
const FOR_ALL: u32 = 0o644;

/// Reads a file that the user named or that a convention names. It may be a pipe, whose end is
/// waited for.
///
/// # Errors
/// A misuse that names the file and keeps the system's words.
pub(crate) fn read(path: &Path, deadline: Deadline) -> Result<Vec<u8>, Error> {
    try_read(path, deadline)
        .map_err(|cause| Error::misuse(format!("cannot read {}", path.display())).because(cause))
}

/// Reads a file that the program itself keeps. What is no regular file is none of those.
///
/// # Errors
/// The system's.
pub(crate) fn read_own(path: &Path) -> io::Result<Vec<u8>> {
    match fs::metadata(path)?.is_file() {
        true => read_regular(path),
        false => Err(io::Error::other("it is no regular file")),
    }
}

/// Whether there is something at a path, be it something that cannot be read. In a place that
/// cannot be entered there is nothing, as far as we are concerned: a home may be `/dev/null`, or
/// somebody else's.
pub(crate) fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Whether there is certainly nothing at a path.
pub(crate) fn is_missing(path: &Path) -> bool {
    let found = fs::symlink_metadata(path);
    found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// The name of a file that is not there, with the reason if it is not simply missing.
pub(crate) fn not_there(path: &Path) -> String {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            format!("{}: {error}", path.display())
        }
        _ => path.display().to_string(),
    }
}

/// Whether something new could be made in a folder, which need not exist itself.
///
/// # Errors
/// The system's, for what is in the way.
pub(crate) fn may_make_in(folder: &Path) -> io::Result<()> {
    let mut folder = folder;
    loop {
        match fs::metadata(folder) {
            Ok(it) if !it.is_dir() => return Err(io::ErrorKind::NotADirectory.into()),
            Ok(_) => return Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => folder = folder_of(folder),
            Err(error) => return Err(error),
        }
    }
}

/// Whether a path is a symbolic link to what is not there (yet).
pub(crate) fn leads_nowhere(path: &Path) -> bool {
    let is_missing = |error: io::Error| error.kind() == io::ErrorKind::NotFound;
    path.is_symlink() && fs::metadata(path).is_err_and(is_missing)
}

/// Whether a file's mode has any of these bits; a device or a pipe is no file.
pub(crate) fn is_open_to(path: &Path, others: u32) -> bool {
    fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & others != 0)
}

/// Writes a file that only its owner may read, from its first byte on. Whoever reads it meanwhile
/// sees the old content or the new one, whole.
///
/// # Errors
/// A misuse that names the file and keeps the system's words.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<(), Error> {
    keep(path, content, File::sync_all).map_err(|cause| cannot_write(path, cause))
}

/// Writes a file as [`write_private`] does, but does not force it to the disk: for what is made
/// anew when it is lost.
///
/// # Errors
/// A misuse that names the file and keeps the system's words.
pub(crate) fn write_for_now(path: &Path, content: &[u8]) -> Result<(), Error> {
    keep(path, content, |_| Ok(())).map_err(|cause| cannot_write(path, cause))
}

/// Writes over the beginning of a file of ours, which needs no room where that is there already.
/// Nobody is waited for who would read it from a pipe.
pub(crate) fn overwrite(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    options
        .mode(PRIVATE)
        .custom_flags(stream::without_waiting());
    options.open(path)?.write_all(content)
}

/// Hands content to whatever a path leads to, for everybody to read where that is a new file.
///
/// # Errors
/// A misuse that names the file and keeps the system's words. What was there before is still whole
/// then, unless nothing but writing over it was possible.
pub(crate) fn write_for_all(path: &Path, content: &[u8], deadline: Deadline) -> Result<(), Error> {
    put(path, content, FOR_ALL, deadline).map_err(|cause| cannot_write(path, cause))
}

/// Does as [`write_for_all`], for its owner only where that is a new file.
///
/// # Errors
/// As there.
pub(crate) fn write_for_owner(
    path: &Path,
    content: &[u8],
    deadline: Deadline,
) -> Result<(), Error> {
    put(path, content, PRIVATE, deadline).map_err(|cause| cannot_write(path, cause))
}

/// Makes a folder that only its owner may look into, with those above it.
///
/// # Errors
/// The system's.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// Makes sure that [`write_private`] will work, before somebody is asked to do something for it.
///
/// # Errors
/// A misuse that names the file and keeps the system's words.
pub(crate) fn must_be_writable(path: &Path) -> Result<(), Error> {
    let fresh = place_to_keep(path).and_then(|path| {
        make_folder(folder_of(&path))?;
        fresh_in(folder_of(&path))
    });
    fresh.map(drop).map_err(|cause| cannot_write(path, cause))
}

/// Makes sure that [`write_for_owner`] and [`write_for_all`] will most likely work, without trying.
///
/// # Errors
/// A misuse that names the file and keeps the system's words.
pub(crate) fn must_take_output(path: &Path) -> Result<(), Error> {
    let may = Place::of(path).and_then(|place| match place {
        Place::File(path) => may_replace(&path),
        Place::Stream(path) => stream::may_write(&path),
    });
    may.map_err(|cause| cannot_write(path, cause))
}

/// A name for a file or a folder that tells what it is for, `localhost%3A2003` for
/// `localhost:2003`. No two texts have the same one.
pub(crate) fn file_name(text: &str) -> String {
    let mut name = String::new();
    for (place, byte) in text.bytes().enumerate() {
        let is_plain = byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.' && place > 0;
        match is_plain {
            true => name.push(char::from(byte)),
            false => name.push_str(&format!("%{byte:02X}")),
        }
    }
    match name.is_empty() {
        true => "%".to_owned(),
        false => name,
    }
}

/// The name that earlier versions gave it, several texts having the same one; `None` where that is
/// a name of today.
pub(crate) fn former_file_name(text: &str) -> Option<String> {
    let plain = |c: char| match c.is_ascii_alphanumeric() || c == '.' {
        true => c,
        false => '_',
    };
    let name: String = text.chars().map(plain).collect();
    let name = name.trim_start_matches('.');
    name.contains('_').then(|| name.to_owned())
}

/// Gives a folder that an earlier version has left for `text` in `parent` the name that it has
/// today, unless there is one of that name already.
pub(crate) fn take_over(parent: &Path, text: &str) {
    let former = former_file_name(text).map(|former| parent.join(former));
    let Some(former) = former.filter(|it| it.is_dir()) else {
        return;
    };
    let today = parent.join(file_name(text));
    if !is_there(&today) {
        let moved = fs::rename(&former, &today);
        log::debug!("{} has another name now: {moved:?}", former.display());
    }
}

/// A private file in a folder, with a name that nobody looks for. It goes when it is dropped, and
/// those that runs left which were killed go when the next is made.
///
/// # Errors
/// The system's.
pub(crate) fn fresh_in(folder: &Path) -> io::Result<NamedTempFile> {
    sweep(folder);
    tempfile::Builder::new()
        .prefix(FRESH)
        .permissions(Permissions::from_mode(PRIVATE))
        .tempfile_in(folder)
        .map_err(systems_own)
}

/// The system's error, where one has the name of a fresh file about it: that name tells nobody
/// anything, and is another one each time.
fn systems_own(error: io::Error) -> io::Error {
    let about_a_path = error.get_ref().and_then(std::error::Error::source);
    let inner = about_a_path.and_then(|it| it.downcast_ref::<io::Error>());
    let code = inner.and_then(io::Error::raw_os_error);
    code.map_or(error, io::Error::from_raw_os_error)
}

/// Removes what runs that were killed have left in a folder of being about to write.
pub(crate) fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(FRESH);
        let Some(metadata) = is_ours.then(|| entry.metadata().ok()).flatten() else {
            continue;
        };
        if metadata.is_file() && is_forgotten(&metadata) {
            let removed = fs::remove_file(entry.path());
            log::debug!(
                "{}: left by a killed run: {removed:?}",
                entry.path().display()
            );
        }
    }
}

fn is_forgotten(metadata: &Metadata) -> bool {
    let changed = metadata.modified().ok();
    let age = changed.and_then(|it| SystemTime::now().duration_since(it).ok());
    age.is_some_and(|age| age > FORGOTTEN)
}

fn cannot_write(path: &Path, cause: io::Error) -> Error {
    Error::misuse(format!("cannot write {}", path.display())).because(cause)
}

fn try_read(path: &Path, deadline: Deadline) -> io::Result<Vec<u8>> {
    let kind = fs::metadata(path)?.file_type();
    if kind.is_file() {
        return read_regular(path);
    }
    if kind.is_socket() {
        return Err(io::Error::other("it is a socket"));
    }
    bounded(stream::read(path, LARGEST + 1, deadline)?)
}

fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut content)?;
    bounded(content)
}

fn bounded(content: Vec<u8>) -> io::Result<Vec<u8>> {
    match content.len() as u64 > LARGEST {
        true => Err(io::Error::other("it is larger than 64 MiB")),
        false => Ok(content),
    }
}

/// Where something that must not be lost is to be kept.
fn place_to_keep(path: &Path) -> io::Result<std::path::PathBuf> {
    match Place::of(path)? {
        Place::File(path) => Ok(path),
        Place::Stream(_) => Err(io::Error::other(
            "it is a pipe or a device, which keeps nothing",
        )),
    }
}

/// Replaces a private file, in a folder that is made if need be.
fn keep(
    path: &Path,
    content: &[u8],
    force: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    let path = place_to_keep(path)?;
    make_folder(folder_of(&path))?;
    let mut fresh = fresh_in(folder_of(&path))?;
    fresh.as_file_mut().write_all(content)?;
    let before = give_to_owner_of(&path, fresh.as_file());
    let_group_read(before, fresh.as_file())?;
    force(fresh.as_file())?;
    fresh.persist(path)?;
    Ok(())
}

/// A group that may read the file that was there may read what takes its place: a service's, such as
/// Telegraf's. Nobody else may.
fn let_group_read(before: Option<Metadata>, fresh: &File) -> io::Result<()> {
    const READ: u32 = 0o040;
    let group = fresh.metadata()?.gid();
    match before {
        Some(it) if it.gid() == group && it.mode() & READ != 0 => {
            fresh.set_permissions(Permissions::from_mode(0o600 | READ))
        }
        _ => Ok(()),
    }
}

/// Hands content over; a new file has `mode`.
fn put(path: &Path, content: &[u8], mode: u32, deadline: Deadline) -> io::Result<()> {
    match Place::of(path)? {
        Place::File(path) => match replace(&path, content, mode) {
            Err(error) if forbids_replacing(&error) && path.is_file() => write_over(&path, content),
            other => other,
        },
        Place::Stream(path) => match stream::write(&path, content, deadline) {
            // Whoever has read enough is content.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        },
    }
}

fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut fresh = fresh_in(folder_of(path))?;
    fresh.as_file_mut().write_all(content)?;
    let before = give_to_owner_of(path, fresh.as_file());
    let mode = before.map_or(mode, |it| it.permissions().mode() & 0o777);
    fresh
        .as_file()
        .set_permissions(Permissions::from_mode(mode))?;
    fresh.persist(path)?;
    Ok(())
}

/// Whether [`put`] could make or replace this file, or write over it.
fn may_replace(path: &Path) -> io::Result<()> {
    let folder = folder_of(path);
    let in_folder = match fs::metadata(folder)?.is_dir() {
        true => access(folder, Access::WRITE_OK | Access::EXEC_OK),
        false => Err(Errno::NOTDIR),
    };
    let may = in_folder.or_else(|cause| match path.is_file() {
        true => access(path, Access::WRITE_OK).map_err(|_| cause),
        false => Err(cause),
    });
    Ok(may?)
}

/// A file that takes another's place belongs to whom the other belonged, as far as that may be.
fn give_to_owner_of(path: &Path, fresh: &File) -> Option<Metadata> {
    let before = fs::metadata(path).ok()?;
    let own = fresh.metadata().ok()?;
    if (before.uid(), before.gid()) != (own.uid(), own.gid()) {
        let given = fchown(fresh, Some(before.uid()), Some(before.gid()))
            .or_else(|_| fchown(fresh, None, Some(before.gid())));
        log::debug!("{}: its owner: {given:?}", path.display());
    }
    Some(before)
}

/// Whether the folder does not let a file be replaced: it may not be written, or the file is a
/// mount of its own, as in a container.
fn forbids_replacing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::ResourceBusy
            | io::ErrorKind::CrossesDevices
    )
}

fn write_over(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(content)?;
    file.set_len(content.len() as u64)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::os::unix::fs::symlink;
    use std::time::Instant;

    use super::*;

    fn soon() -> Deadline {
        Deadline::after(Instant::now(), Duration::from_secs(5))
    }

    #[test]
    fn nobody_is_waited_for_who_would_read_what_is_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        let kind = rustix::fs::FileType::Fifo;
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind, mode, 0).expect("a pipe");
        assert!(overwrite(&pipe, b"x").is_err());
        let file = folder.path().join("file");
        for content in ["long", "so"] {
            overwrite(&file, content.as_bytes()).expect("a file");
        }
        assert_eq!(fs::read_to_string(&file).expect("it"), "song");
    }

    #[test]
    fn a_private_file_is_private_and_replaced_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new/deep/file");
        write_private(&path, b"one").expect("the first");
        write_private(&path, b"two").expect("the second");
        assert_eq!(read(&path, soon()).expect("its content"), b"two");
        assert!(!is_open_to(&path, 0o077));
        let parent = path.parent().expect("a parent");
        assert_eq!(fs::read_dir(parent).expect("the folder").count(), 1);
    }

    #[test]
    fn nothing_is_where_nobody_can_go() {
        assert!(is_there(Path::new("/dev/null")));
        for path in ["/nonexistent/file", "/dev/null/file", "/proc/self/exe/x"] {
            assert!(!is_there(Path::new(path)), "{path}");
        }
        let folder = tempfile::tempdir().expect("a folder");
        let round = folder.path().join("round");
        std::os::unix::fs::symlink(&round, &round).expect("a link");
        assert!(!is_there(&round.join("file")));
    }

    #[test]
    fn what_may_be_written_is_known_without_trying() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |below: &str| folder.path().join(below);
        must_take_output(&path("new")).expect("a new file");
        must_take_output(Path::new("/dev/null")).expect("a device");
        assert!(must_take_output(folder.path()).is_err());
        assert!(must_take_output(&path("new/file")).is_err());
        fs::write(path("file"), "").expect("a file");
        must_take_output(&path("file")).expect("an old file");
        assert!(must_take_output(&path("file/below")).is_err());
        may_make_in(&path("new/deep")).expect("new folders");
        assert!(may_make_in(&path("file")).is_err());
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = read(Path::new("/nonexistent/file"), soon()).expect_err("no file");
        assert!(
            error
                .to_string()
                .starts_with("cannot read /nonexistent/file: No such file")
        );
    }

    #[test]
    fn a_link_stays_and_its_target_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let (link, target) = (folder.path().join("link"), folder.path().join("a/target"));
        fs::create_dir(folder.path().join("a")).expect("a folder");
        symlink("a/target", &link).expect("a link");
        for write in [write_private, write_for_now] {
            write(&link, b"secret").expect("through the link");
            assert_eq!(fs::read(&target).expect("the target"), b"secret");
            assert!(link.is_symlink() && !is_open_to(&target, 0o077));
        }
        write_for_all(&link, b"for all", soon()).expect("through the link");
        assert_eq!(fs::read(&target).expect("the target"), b"for all");
        // As it was before.
        assert!(link.is_symlink() && !is_open_to(&target, 0o077));
        fs::remove_file(&target).expect("no target");
        write_for_all(&link, b"anew", soon()).expect("through the link");
        assert_eq!(target.metadata().expect("it").mode() & 0o777, FOR_ALL);
    }

    #[test]
    fn what_keeps_nothing_takes_output_only() {
        let null = Path::new("/dev/null");
        write_for_all(null, b"x", soon()).expect("anything");
        must_take_output(null).expect("anything");
        assert!(must_be_writable(null).is_err());
        assert!(write_private(null, b"x").is_err());
        assert!(write_for_all(Path::new("/dev/full"), b"x", soon()).is_err());
        assert!(read_own(null).is_err());
    }

    #[test]
    fn a_name_tells_what_it_is_for_and_is_nothing_elses() {
        let cases = [
            ("mafreebox.freebox.fr", "mafreebox.freebox.fr"),
            ("localhost:2003", "localhost%3A2003"),
            ("[::1]:2003", "%5B%3A%3A1%5D%3A2003"),
            ("x-y", "x-y"),
            ("x_y", "x%5Fy"),
            ("x%5Fy", "x%255Fy"),
            ("é/", "%C3%A9%2F"),
            ("..", "%2E."),
            ("", "%"),
            ("%", "%25"),
        ];
        for (text, expected) in cases {
            assert_eq!(file_name(text), expected);
        }
        // What had the same name once.
        let alike = [
            "a-b", "a_b", "a:b", ".a-b", "..a:b", "a%b", "a%5Fb", "a%3Ab",
        ];
        let names: HashSet<String> = alike.iter().map(|it| file_name(it)).collect();
        assert_eq!(names.len(), alike.len());
    }

    #[test]
    fn what_had_another_name_goes_on_under_its_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |below: &str| folder.path().join(below);
        fs::create_dir(at("a_1")).expect("a folder");
        fs::write(at("a_1/file"), "x").expect("a file");
        take_over(folder.path(), "a:1");
        assert!(at("a%3A1/file").exists() && !at("a_1").exists());
        // There is one already: both stay as they are.
        fs::create_dir(at("a_1")).expect("a folder");
        take_over(folder.path(), "a:1");
        assert!(at("a%3A1/file").exists() && at("a_1").exists());
        // A name of today is never another's.
        fs::create_dir(at("a")).expect("a folder");
        take_over(folder.path(), ".a");
        assert!(at("a").exists());
        take_over(folder.path(), "nothing_there");
    }

    #[test]
    fn only_what_a_killed_run_has_left_is_swept_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let old = SystemTime::now() - 2 * FORGOTTEN;
        let make = |name: &str, changed: SystemTime| {
            let file = File::create(folder.path().join(name)).expect("a file");
            file.set_modified(changed).expect("a time");
        };
        make(".freebox-monitor-a1b2c3", old);
        make(".freebox-monitor-d4e5f6", SystemTime::now());
        make("freebox-monitor-mine", old);
        make(".lock", old);
        sweep(folder.path());
        let left = fs::read_dir(folder.path()).expect("the folder").flatten();
        let mut left: Vec<_> = left.map(|it| it.file_name()).collect();
        left.sort();
        assert_eq!(
            left,
            [".freebox-monitor-d4e5f6", ".lock", "freebox-monitor-mine"]
        );
    }
}
