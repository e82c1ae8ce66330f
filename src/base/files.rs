//! Reading and writing files: whole, bounded, and private where it matters.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{Access, access};
use tempfile::NamedTempFile;

use crate::base::deadline::Deadline;
use crate::base::error::Error;

/// Larger than any file that is meant: something else was named by mistake.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Reads a file that the user named or that a convention names.
///
/// # Errors
/// A misuse that names the file and keeps the system's words.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let cannot =
        |cause: io::Error| Error::misuse(format!("cannot read {}", path.display())).because(cause);
    let file = File::open(path).map_err(cannot)?;
    let mut content = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut content)
        .map_err(cannot)?;
    match content.len() as u64 > LARGEST {
        true => Err(cannot(io::Error::other("it is larger than 64 MiB"))),
        false => Ok(content),
    }
}

/// Whether there is something at a path, be it something that cannot be read. In a place that
/// cannot be entered there is nothing, as far as we are concerned: a home may be `/dev/null`, or
/// somebody else's.
pub(crate) fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
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

/// Whether something could be written at a path, without trying: over what is there, or as
/// something new in the nearest folder above it that exists.
///
/// # Errors
/// The system's, for what is in the way.
pub(crate) fn may_write(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(it) if it.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => Ok(access(path, Access::WRITE_OK)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => may_make_in(folder_of(path)),
        Err(error) => Err(error),
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

/// Whether anybody but the owner may read or change it.
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|it| it.permissions().mode() & 0o077 != 0)
}

/// Writes a file that only its owner may read, from its first byte on. Whoever reads it meanwhile
/// sees the old content or the new one, whole.
///
/// # Errors
/// A misuse that names the file and keeps the system's words.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<(), Error> {
    try_write_private(path, content).map_err(|cause| cannot_write(path, cause))
}

/// Writes a file as [`write_private`] does, but does not force it to the disk: for what is made
/// anew when it is lost.
///
/// # Errors
/// A misuse that names the file and keeps the system's words.
pub(crate) fn write_for_now(path: &Path, content: &[u8]) -> Result<(), Error> {
    let written = fresh_beside(path).and_then(|mut fresh| {
        fresh.write_all(content)?;
        fresh.persist(path)?;
        Ok(())
    });
    written.map_err(|cause| cannot_write(path, cause))
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

/// Makes the folder that a file is to be in.
///
/// # Errors
/// The system's.
pub(crate) fn make_folder_of(path: &Path) -> io::Result<()> {
    make_folder(folder_of(path))
}

/// Makes sure that [`write_private`] will work, before somebody is asked to do something for it.
///
/// # Errors
/// A misuse that names the file and keeps the system's words.
pub(crate) fn must_be_writable(path: &Path) -> Result<(), Error> {
    match fresh_beside(path) {
        Ok(_) => Ok(()),
        Err(cause) => Err(cannot_write(path, cause)),
    }
}

/// A name for a file that tells what it is for.
pub(crate) fn file_name(text: &str) -> String {
    let plain = |c: char| match c.is_ascii_alphanumeric() || c == '.' {
        true => c,
        false => '_',
    };
    let name: String = text.chars().map(plain).collect();
    name.trim_start_matches('.').to_owned()
}

/// Writes a file that everybody may read, replaced in one step.
///
/// # Errors
/// A misuse that names the file and keeps the system's words.
pub(crate) fn write_for_all(path: &Path, content: &[u8], _deadline: Deadline) -> Result<(), Error> {
    let written = fresh_beside(path).and_then(|mut fresh| {
        fresh.write_all(content)?;
        fresh
            .as_file()
            .set_permissions(Permissions::from_mode(0o644))?;
        fresh.persist(path)?;
        Ok(())
    });
    written.map_err(|cause| cannot_write(path, cause))
}

fn cannot_write(path: &Path, cause: io::Error) -> Error {
    Error::misuse(format!("cannot write {}", path.display())).because(cause)
}

fn try_write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut fresh = fresh_beside(path)?;
    fresh.write_all(content)?;
    fresh.as_file().sync_all()?;
    fresh.persist(path)?;
    Ok(())
}

/// A private file in the folder of `path`, which is made if need be. It goes when it is dropped.
fn fresh_beside(path: &Path) -> io::Result<NamedTempFile> {
    make_folder_of(path)?;
    tempfile::Builder::new()
        .prefix(".freebox-monitor-")
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(folder_of(path))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_file_is_private_and_replaced_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new/deep/file");
        write_private(&path, b"one").expect("the first");
        write_private(&path, b"two").expect("the second");
        assert_eq!(read(&path).expect("its content"), b"two");
        assert!(!is_open_to_others(&path));
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
        may_write(&path("new")).expect("a new file");
        may_write(&path("new/deep/file")).expect("a new file in new folders");
        may_write(Path::new("/dev/null")).expect("a device");
        assert!(may_write(folder.path()).is_err());
        fs::write(path("file"), "").expect("a file");
        may_write(&path("file")).expect("an old file");
        assert!(may_write(&path("file/below")).is_err());
        assert!(may_make_in(&path("file")).is_err());
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = read(Path::new("/nonexistent/file")).expect_err("no file");
        assert!(
            error
                .to_string()
                .starts_with("cannot read /nonexistent/file: No such file")
        );
    }
}
