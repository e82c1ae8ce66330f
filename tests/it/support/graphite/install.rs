//! carbon and whisper in a virtual environment of their own, made once and kept.

use std::fs::{self, File};
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process_group};

/// The version of carbon and of whisper; they are released together.
const VERSION: &str = "1.1.10";

/// What these two need, pinned.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// What graphite-web needs besides, pinned.
const WEB_REQUIREMENTS: &str = include_str!("web-requirements.txt");

/// What lets carbon live with newer Pythons.
const PREPARE: &str = include_str!("prepare.py");

/// Longest the wait for others and then the installation may take, each. At the end of the
/// latter what it started is killed.
const LIMIT: Duration = Duration::from_secs(300);

/// How often a process or the lock is looked at.
const PAUSE: Duration = Duration::from_millis(10);

/// Written last into the environment, so that half an installation is seen for what it is.
const STAMP: &str = "installed";

/// Settings of the person at the keyboard that would lead Python, pip or carbon astray.
const ASTRAY: [&str; 7] = [
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PIP_TARGET",
    "GRAPHITE_ROOT",
    "GRAPHITE_CONF_DIR",
    "GRAPHITE_STORAGE_DIR",
];

/// A virtual environment that holds carbon and whisper.
#[derive(Clone, Debug)]
pub(crate) struct Python {
    home: PathBuf,
}

impl Python {
    /// The environment's Python, about to be run.
    pub(crate) fn command(&self) -> Command {
        clean(self.bin("python"))
    }

    /// One of the programs in the environment, such as `carbon-cache.py`.
    pub(crate) fn bin(&self, program: &str) -> PathBuf {
        self.home.join("bin").join(program)
    }

    /// Tells whether the installation was finished, is of today's versions and still works:
    /// the Python it was made with may have been replaced since.
    fn works(&self, turn: &Turn) -> bool {
        let stamp = fs::read_to_string(self.home.join(STAMP));
        stamp.is_ok_and(|stamp| stamp == recipe()) && turn.run(&mut self.look()).is_ok()
    }

    fn look(&self) -> Command {
        let mut command = self.command();
        command.args(["-c", "import carbon.conf, whisper"]);
        command
    }
}

/// The virtual environment with carbon and whisper below `target_dir`, made now if there is
/// none yet. Any number of processes may ask at once: one installs, the others wait for it.
///
/// The error is one line that says why there can be none: no Python, no network...
pub(crate) fn installed(target_dir: &Path) -> Result<Python, String> {
    let home = target_dir.join(format!("graphite-{VERSION}"));
    let home = std::path::absolute(home).map_err(|e| e.to_string())?;
    let turn = Turn::wait(&home)?;
    let python = Python { home };
    if !python.works(&turn) {
        install(&python, &turn)?;
    }
    Ok(python)
}

/// Adds graphite-web to the environment, unless that has been done.
///
/// The error is one line that says why it cannot be had: no libcairo, no network...
pub(crate) fn web_installed(python: &Python) -> Result<(), String> {
    let turn = Turn::wait(&python.home)?;
    let stamp = python.home.join("web-installed");
    let look = || {
        let mut command = python.command();
        command.args(["-c", "import cairocffi, django, graphite, tagging"]);
        command
    };
    let done = fs::read_to_string(&stamp).is_ok_and(|stamp| stamp == WEB_REQUIREMENTS);
    if done && turn.run(&mut look()).is_ok() {
        return Ok(());
    }
    let requirements = python.home.join("web-requirements.txt");
    let failed = |e: std::io::Error| format!("{}: {e}", stamp.display());
    fs::write(&requirements, WEB_REQUIREMENTS).map_err(failed)?;
    let pip = [python.bin("python"), "-m".into(), "pip".into()];
    turn.run(pip_install(&pip).arg("-r").arg(requirements))?;
    let mut sources = pip_install(&pip);
    sources.args(["--no-build-isolation", "--use-pep517", "--no-cache-dir"]);
    sources.arg(format!("graphite-web=={VERSION}"));
    turn.run(sources.env("GRAPHITE_NO_PREFIX", "True"))?;
    turn.run(&mut look())?;
    fs::write(&stamp, WEB_REQUIREMENTS).map_err(failed)
}

/// All that decides what an installation looks like.
fn recipe() -> String {
    format!("carbon and whisper {VERSION}\n{REQUIREMENTS}{PREPARE}")
}

fn install(python: &Python, turn: &Turn) -> Result<(), String> {
    let pip = environment(python, turn)?;
    let write = |name: &str, text: &str| {
        let path = python.home.join(name);
        fs::write(&path, text)
            .map(|()| path.clone())
            .map_err(|e| format!("{}: {e}", path.display()))
    };
    let requirements = write("requirements.txt", REQUIREMENTS)?;
    let prepare = write("prepare.py", PREPARE)?;

    let mut wheels = pip_install(&pip);
    wheels
        .args(["--only-binary", ":all:", "-r"])
        .arg(requirements);
    turn.run(&mut wheels)?;
    turn.run(python.command().arg(prepare))?;

    // No cache: a wheel of carbon that was built for /opt/graphite would be taken from it.
    let mut sources = pip_install(&pip);
    sources.args(["--no-build-isolation", "--use-pep517", "--no-cache-dir"]);
    sources.args(["--no-binary", "carbon,whisper"]);
    sources.args(["carbon", "whisper"].map(|name| format!("{name}=={VERSION}")));
    turn.run(sources.env("GRAPHITE_NO_PREFIX", "True"))?;

    // Twisted keeps a list of its plug-ins; later on nobody has to write it.
    let list_plugins = "from twisted.plugin import IPlugin, getPlugins; list(getPlugins(IPlugin))";
    turn.run(python.command().args(["-c", list_plugins]))?;
    turn.run(&mut python.look())?;
    write(STAMP, &recipe()).map(drop)
}

/// Makes an empty environment, by the first of three ways that works here, and returns the
/// pip that installs into it. Debian's Python has no pip for new environments unless
/// python3-venv is installed; virtualenv brings its own, and python3-pip can be lent.
fn environment(python: &Python, turn: &Turn) -> Result<Vec<PathBuf>, String> {
    let own = vec![python.bin("python"), "-m".into(), "pip".into()];
    let lent = ["python3", "-m", "pip", "--python"].map(PathBuf::from);
    let lent = lent.into_iter().chain([python.bin("python")]).collect();
    let ways: [(&[&str], Vec<PathBuf>); 3] = [
        (&["-m", "venv"], own.clone()),
        (&["-m", "virtualenv"], own),
        (&["-m", "venv", "--without-pip"], lent),
    ];
    let mut reasons = Vec::new();
    for (arguments, pip) in ways {
        match try_environment(python, arguments, &pip, turn) {
            Ok(()) => return Ok(pip),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(format!(
        "no virtual environment (Debian: apt-get install python3 python3-venv): {}",
        reasons.join("; ")
    ))
}

fn try_environment(
    python: &Python,
    arguments: &[&str],
    pip: &[PathBuf],
    turn: &Turn,
) -> Result<(), String> {
    match fs::remove_dir_all(&python.home) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            return Err(format!("{}: {e}", python.home.display()));
        }
        _ => {}
    }
    turn.run(clean("python3").args(arguments).arg(&python.home))?;
    turn.run(clean(&pip[0]).args(&pip[1..]).arg("--version"))
}

/// A pip that installs just what it is told, and does not wait for ever for a silent network.
fn pip_install(pip: &[PathBuf]) -> Command {
    let mut command = clean(&pip[0]);
    command.args(&pip[1..]);
    command.args(["install", "--no-deps", "--timeout", "15", "--retries", "2"]);
    command
}

/// A command that hears nothing of the surrounding settings which would mislead it.
fn clean(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for name in ASTRAY {
        command.env_remove(name);
    }
    command.envs([("PYTHONUTF8", "1"), ("PYTHONUNBUFFERED", "1")]);
    command.envs([
        ("PIP_USER", "0"),
        ("PIP_REQUIRE_VIRTUALENV", "0"),
        ("PIP_NO_INPUT", "1"),
    ]);
    command.env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    command
}

/// The right to change the environment, until it is dropped.
struct Turn {
    lock: File,
    deadline: Instant,
}

impl Turn {
    /// Waits until nobody else is at work. The lock file itself is never removed.
    fn wait(home: &Path) -> Result<Self, String> {
        let mut path = home.as_os_str().to_owned();
        path.push(".lock");
        let failed = |e: std::io::Error| format!("{}: {e}", path.display());
        home.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .map_err(failed)?;
        let lock = File::create(&path).map_err(failed)?;
        let end = Instant::now() + LIMIT;
        // File::lock needs a newer Rust than the package; rustix has `fs` on through tempfile.
        while let Err(e) = flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            if Instant::now() > end {
                return Err(failed(e.into()));
            }
            thread::sleep(PAUSE);
        }
        let deadline = Instant::now() + LIMIT;
        Ok(Self { lock, deadline })
    }

    /// Runs a command to its end, or kills it and what it started at the deadline.
    ///
    /// Standard input is the lock: should this process be killed, the lock is held until the
    /// command that it left behind has ended too.
    fn run(&self, command: &mut Command) -> Result<(), String> {
        let name = describe(command);
        let failed = |e: std::io::Error| format!("{name}: {e}");
        let mut output = tempfile::tempfile().map_err(failed)?;
        command
            .stdin(self.lock.try_clone().map_err(failed)?)
            .process_group(0);
        command.stdout(output.try_clone().map_err(failed)?);
        command.stderr(output.try_clone().map_err(failed)?);
        let mut child = command.spawn().map_err(failed)?;
        loop {
            match child.try_wait().map_err(failed)? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("{name}: {}", reason(&mut output, status))),
                None if Instant::now() > self.deadline => break,
                None => thread::sleep(PAUSE),
            }
        }
        let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
        let _ = child.wait();
        Err(format!("{name}: took too long"))
    }
}

/// The program and its first words, as a person would call it.
fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default();
    let words = command
        .get_args()
        .filter(|word| !word.as_encoded_bytes().contains(&b'/'));
    let mut words: Vec<_> = words.take(4).map(|word| word.to_string_lossy()).collect();
    words.insert(0, program.to_string_lossy());
    words.join(" ")
}

/// The line of the output that says most, else its last one, else the exit status.
fn reason(output: &mut File, status: ExitStatus) -> String {
    let mut bytes = Vec::new();
    let _ = output
        .rewind()
        .and_then(|()| output.read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let telling = lines.iter().find(|line| line.starts_with("ERROR:"));
    telling
        .or(lines.last())
        .map_or_else(|| status.to_string(), |line| (*line).to_owned())
}
