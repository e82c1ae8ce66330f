//! What a path that somebody has named leads to: files are replaced in one step and where they
//! are, so that links are followed by hand; pipes and devices are written to and never replaced.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// As many links as the system itself follows.
const MOST_LINKS: usize = 40;

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A regular file or none yet, by its path without links at the end.
    File(PathBuf),
    /// A pipe, a device, or what a process has open (`/dev/stdout`, `/dev/fd/3`).
    Stream(PathBuf),
}

impl Place {
    /// Follows a path to its end, also where nothing is there yet.
    ///
    /// # Errors
    /// When it leads in a circle, or to what can be no file: a folder, a socket.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        if path.as_os_str().as_bytes().ends_with(b"/") {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        let path = followed(path)?;
        let kind = match fs::metadata(&path) {
            Ok(metadata) => metadata.file_type(),
            // Whoever makes it will see why it cannot be made, if so.
            Err(_) => return Ok(Place::File(path)),
        };
        if kind.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        if kind.is_socket() {
            return Err(io::Error::other("it is a socket"));
        }
        match kind.is_file() && !is_open_somewhere(&path) {
            true => Ok(Place::File(path)),
            false => Ok(Place::Stream(path)),
        }
    }
}

/// The same path without links at its end. What `/proc` shows as links to open files are none: they
/// lead to the files themselves, names or not.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        if is_open_somewhere(&path) {
            return Ok(path);
        }
        match fs::read_link(&path) {
            Ok(target) => path = folder_of(&path).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("its symbolic links lead in a circle"))
}

/// Whether a path names an open file of a process: `/proc/self/fd/1` and its like.
fn is_open_somewhere(path: &Path) -> bool {
    fs::canonicalize(folder_of(path)).is_ok_and(|it| it.starts_with("/proc"))
}

/// Standard output or error itself, if a path names it: what is opened anew begins at the start of
/// the file, over what was written before.
pub(super) fn already_open(path: &Path) -> Option<io::Result<File>> {
    let own = fs::canonicalize("/proc/self/fd").ok()?;
    if fs::canonicalize(folder_of(path)).ok()? != own {
        return None;
    }
    let open = match path.file_name()?.to_str()? {
        "1" => io::stdout().as_fd().try_clone_to_owned(),
        "2" => io::stderr().as_fd().try_clone_to_owned(),
        _ => return None,
    };
    Some(open.map(File::from))
}

/// The folder that a file is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn links_are_followed_to_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("deep")).expect("a folder");
        symlink("deep/second", at("first")).expect("a link");
        symlink("../third", at("deep/second")).expect("a link");
        symlink(at("new"), at("third")).expect("a link");
        let end = |name: &str| match Place::of(&at(name)) {
            Ok(Place::File(path)) => fs::canonicalize(folder_of(&path))
                .expect("its folder")
                .join(path.file_name().expect("a name")),
            other => panic!("{other:?}"),
        };
        let root = fs::canonicalize(folder.path()).expect("its path");
        assert_eq!(end("first"), root.join("new"));
        assert_eq!(end("plain"), root.join("plain"));
        symlink("round", at("about")).expect("a link");
        symlink("about", at("round")).expect("a link");
        let error = Place::of(&at("round")).expect_err("a circle");
        assert_eq!(error.to_string(), "its symbolic links lead in a circle");
    }

    #[test]
    fn what_is_no_file_is_written_to_or_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        for stream in ["/dev/null", "/dev/stdout", "/dev/fd/0", "/proc/self/fd/2"] {
            let place = Place::of(Path::new(stream)).expect(stream);
            assert!(matches!(place, Place::Stream(_)), "{stream}: {place:?}");
        }
        for refused in ["/", "/dev", "new/"] {
            assert!(Place::of(Path::new(refused)).is_err(), "{refused}");
        }
        let socket = folder.path().join("socket");
        let _listener = UnixListener::bind(&socket).expect("a socket");
        assert!(Place::of(&socket).is_err());
    }
}
