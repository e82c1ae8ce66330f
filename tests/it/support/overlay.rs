//! This machine with another surface: whatever is changed in it is gone afterwards. For what only
//! root can try out, such as an installation with its user and the cron daemon.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::monitor::{PROGRAM, project_file};

/// Makes the surface below `$1` and runs `$2` on it. The folders that follow are seen in it wherever
/// they are, which may be in `/tmp` or on another file system. Everything is in a mount namespace and a
/// process namespace of its own, so that nothing outlives it.
const ENTER: &str = r#"
set -e
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/all"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/all"
mount -t tmpfs none "$1/all/dev"
for device in null zero full random urandom; do
    touch "$1/all/dev/$device"
    mount --bind "/dev/$device" "$1/all/dev/$device"
done
ln -s /proc/self/fd "$1/all/dev/fd"
mkdir -m 1777 "$1/all/dev/shm"
mount -t proc proc "$1/all/proc"
mount -t tmpfs none "$1/all/tmp"
all=$1/all script=$2
shift 2
for folder; do
    mkdir -p "$all$folder"
    mount --bind "$folder" "$all$folder"
done
exec chroot "$all" sh -e -c "$script"
"#;

/// Why there can be no such thing here, if that is so.
pub(crate) fn is_there() -> Result<(), String> {
    let output = enter("true");
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "no file system can be laid over this one (only root can): {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
    }
}

/// Runs a shell script on such a machine, to its end.
pub(crate) fn enter(script: &str) -> Output {
    enter_with(script, &[])
}

/// The same where further folders are seen.
pub(crate) fn enter_with(script: &str, folders: &[&Path]) -> Output {
    run(&[], script, folders)
}

/// The same with a network of its own, in which there is nothing yet.
pub(crate) fn enter_alone(script: &str) -> Output {
    run(&["--net"], script, &[])
}

fn run(namespaces: &[&str], script: &str, folders: &[&Path]) -> Output {
    let folder = TempDir::new().expect("a folder");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child"]);
    command.args(namespaces);
    command.args(["sh", "-c", ENTER, "enter"]);
    command.arg(folder.path()).arg(script);
    command
        .arg(project_file(""))
        .args(Path::new(PROGRAM).parent())
        .args(folders);
    command.stdin(Stdio::null());
    match command.output() {
        Ok(output) => output,
        Err(error) => panic!("unshare: {error}"),
    }
}
