//! Runs containers with Debian's podman: real images, first processes, health checks and signals,
//! without a daemon. All it makes is in folders of its own, which go with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// podman in a namespace of its own where control groups are of the second version only: with
/// both, crun does nothing. And where /dev/null is another one: a container's user becomes the owner
/// of what its first process reads and writes, and that of the machine has to stay root's.
const IN_ITS_OWN_WORLD: &str = r#"
set -e
mount -t tmpfs none /mnt
mknod -m 666 /mnt/null c 1 3
mount --bind /mnt/null /dev/null
umount -R /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
exec podman "$@"
"#;

/// Containers are in the network of the machine, where the simulated box is, and have limits that may
/// be had anywhere; nothing is left outside the folders that are named.
const CONFIGURATION: &str = r#"
[containers]
cgroups = "disabled"
netns = "host"
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
"#;

/// The health is looked at when a test asks.
const MANNERS: [&str; 2] = ["--health-interval", "disable"];

/// How long anything may take that a test waits for.
const LIMIT: Duration = Duration::from_secs(30);

/// A place for images, containers and volumes.
#[derive(Debug)]
pub(crate) struct Engine {
    store: TempDir,
    /// Short, for the sake of sockets.
    run: TempDir,
    containers: AtomicUsize,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Said {
    /// The exit code.
    pub(crate) code: i32,
    /// What it printed.
    pub(crate) text: String,
}

impl Engine {
    /// An empty one, with its images below this folder.
    ///
    /// # Errors
    /// One line that says why there can be none.
    pub(crate) fn start(below: &Path) -> Result<Self, String> {
        let folder = |made: std::io::Result<TempDir>| made.map_err(|it| it.to_string());
        let engine = Engine {
            store: folder(
                tempfile::Builder::new()
                    .prefix("containers-")
                    .tempdir_in(below),
            )?,
            run: folder(tempfile::Builder::new().prefix("podman-").tempdir())?,
            containers: AtomicUsize::new(0),
        };
        let written = fs::write(engine.configuration(), CONFIGURATION);
        written.map_err(|it| it.to_string())?;
        match engine.said(&["info"]) {
            Said { code: 0, .. } => Ok(engine),
            Said { text, .. } => {
                let last = text.lines().last().unwrap_or_default();
                Err(format!(
                    "there is no podman that works here (only root can): {last}"
                ))
            }
        }
    }

    fn configuration(&self) -> PathBuf {
        self.run.path().join("containers.conf")
    }

    /// podman with these arguments.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", IN_ITS_OWN_WORLD, "podman"]);
        command.arg("--root").arg(self.store.path().join("store"));
        command.arg("--runroot").arg(self.run.path().join("run"));
        command.arg("--tmpdir").arg(self.run.path().join("tmp"));
        command.env("CONTAINERS_CONF", self.configuration());
        // Nothing here runs the health check by itself, and each command would say so.
        command.args(["--storage-driver", "overlay", "--log-level", "fatal"]);
        command.args(arguments).stdin(Stdio::piped());
        command
    }

    /// What podman does and says, whatever that is.
    pub(crate) fn said(&self, arguments: &[&str]) -> Said {
        match self.command(arguments).output() {
            Ok(output) => Said::of(&output),
            Err(error) => Said {
                code: -1,
                text: error.to_string(),
            },
        }
    }

    /// What podman prints; it has to work.
    #[track_caller]
    pub(crate) fn does(&self, arguments: &[&str]) -> String {
        let said = self.said(arguments);
        assert_eq!(said.code, 0, "podman {arguments:?}: {}", said.text);
        said.text
    }

    /// Makes an image of what is below a folder.
    pub(crate) fn build(&self, image: &str, folder: &Path, more: &[&str]) -> Said {
        let folder = folder.to_str().expect("UTF-8");
        let how = ["build", "--format", "docker", "--isolation", "chroot"];
        let what = ["--pull=never", "--tag", image];
        self.said(&[&how[..], &what, more, &[folder]].concat())
    }

    /// Starts a container.
    #[track_caller]
    pub(crate) fn container(&self, image: &str, options: &[&str]) -> Container<'_> {
        let number = self.containers.fetch_add(1, Ordering::Relaxed);
        let name = format!("container-{number}");
        let container = Container { engine: self, name };
        let run = ["run", "--detach", "--name", &container.name];
        self.does(&[&run[..], &MANNERS, options, &[image]].concat());
        container
    }

    /// Runs a container to its end.
    pub(crate) fn once(&self, image: &str, options: &[&str], arguments: &[&str]) -> Said {
        let run = ["run", "--rm"];
        self.said(&[&run[..], &MANNERS, options, &[image], arguments].concat())
    }

    /// A volume, and where its content is on this machine.
    pub(crate) fn volume(&self, name: &str) -> PathBuf {
        let format = ["volume", "inspect", "--format", "{{.Mountpoint}}", name];
        self.does(&format).trim().into()
    }
}

impl Engine {
    /// Removes everything. What is static is never dropped.
    pub(crate) fn clean_up(&self) {
        let _ = self.said(&["rm", "--all", "--force", "--time", "0"]);
        let _ = fs::remove_dir_all(self.store.path());
        let _ = fs::remove_dir_all(self.run.path());
    }
}

impl Said {
    fn of(output: &Output) -> Self {
        let bytes = [&output.stdout[..], &output.stderr].concat();
        Said {
            code: output.status.code().unwrap_or(-1),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

/// A container that was started. It goes when it is dropped; its volumes stay.
#[derive(Debug)]
pub(crate) struct Container<'a> {
    engine: &'a Engine,
    name: String,
}

impl Container<'_> {
    /// All it has said.
    pub(crate) fn log(&self) -> String {
        self.engine.does(&["logs", &self.name])
    }

    /// Waits until it has said this.
    #[track_caller]
    pub(crate) fn wait_for(&self, words: &str) {
        let end = Instant::now() + LIMIT;
        while !self.log().contains(words) {
            assert!(Instant::now() < end, "no {words:?}: {}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// What a command in it does.
    pub(crate) fn exec(&self, command: &[&str]) -> Said {
        self.engine.said(&[&["exec", &self.name], command].concat())
    }

    /// What a shell in it prints.
    #[track_caller]
    pub(crate) fn shell(&self, script: &str) -> String {
        let said = self.exec(&["sh", "-c", script]);
        assert_eq!(said.code, 0, "{script}: {}", said.text);
        said.text
    }

    /// What the health check finds: whether it is well, and the words.
    pub(crate) fn health(&self) -> (bool, String) {
        let said = self.engine.said(&["healthcheck", "run", &self.name]);
        let format = "{{range .State.Health.Log}}{{.Output}}\n{{end}}";
        let words = self
            .engine
            .does(&["inspect", "--format", format, &self.name]);
        let last = words.lines().rfind(|line| !line.trim().is_empty());
        (said.code == 0, last.unwrap_or_default().to_owned())
    }

    /// Ends it as `docker stop` does, within ten seconds: its exit code, and how long that took.
    #[track_caller]
    pub(crate) fn stop(&self) -> (i32, Duration) {
        let start = Instant::now();
        self.engine.does(&["stop", "--time", "10", &self.name]);
        (self.end(), start.elapsed())
    }

    /// Waits for its end: its exit code.
    #[track_caller]
    pub(crate) fn end(&self) -> i32 {
        let code = self.engine.does(&["wait", &self.name]);
        code.trim().parse().expect("an exit code")
    }

    /// Starts it again.
    #[track_caller]
    pub(crate) fn start(&self) {
        self.engine.does(&["start", &self.name]);
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        let _ = self
            .engine
            .said(&["rm", "--force", "--time", "0", &self.name]);
    }
}

/// The tree of a Debian 12 in an archive, as small as apt can work in, made once below a folder.
///
/// # Errors
/// One line that says why there is none.
pub(crate) fn debian(below: &Path) -> Result<PathBuf, String> {
    let path = below.join("debian-12.tar");
    if path.is_file() {
        return Ok(path);
    }
    let fresh = below.join(format!("debian-12-{}.tar", std::process::id()));
    let mut command = Command::new("mmdebstrap");
    command.args(["--variant=apt", "--quiet", "bookworm"]);
    let made = command.arg(&fresh).stdin(Stdio::null()).output();
    let made = made.map_err(|error| format!("mmdebstrap: {error}"))?;
    if !made.status.success() {
        let _ = fs::remove_file(&fresh);
        let said = Said::of(&made).text;
        let last = said.lines().last().unwrap_or_default();
        return Err(format!("mmdebstrap (only root can): {last}"));
    }
    fs::rename(&fresh, &path).map_err(|it| it.to_string())?;
    Ok(path)
}
