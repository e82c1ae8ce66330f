//! One of carbon's processes: started, watched, killed, started again on the same ports.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::install::Python;

/// Longest a process may take until it listens; usually it is half a second.
const START_LIMIT: Duration = Duration::from_secs(30);

/// How often a process or its log is looked at.
pub(super) const PAUSE: Duration = Duration::from_millis(10);

/// What a process is and where; it stays so over all its lives.
#[derive(Debug)]
pub(super) struct Daemon {
    /// `relay`, or the name of a cache.
    pub(super) name: &'static str,
    /// The port for lines, then all others it listens on.
    pub(super) ports: Vec<u16>,
    program: &'static str,
    python: Python,
    root: PathBuf,
    life: Mutex<Option<Life>>,
}

/// One life of the process.
#[derive(Debug)]
struct Life {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// A process that is not started yet.
    pub(super) fn new(python: &Python, root: &Path, name: &'static str, ports: Vec<u16>) -> Self {
        let program = if name == "relay" {
            "carbon-relay.py"
        } else {
            "carbon-cache.py"
        };
        let (python, root) = (python.clone(), root.to_owned());
        Self {
            name,
            ports,
            program,
            python,
            root,
            life: Mutex::new(None),
        }
    }

    /// Ends the present life, if there is one, and begins another.
    pub(super) fn start(&self) -> Result<(), String> {
        self.end();
        let failed = |e: std::io::Error| format!("carbon {}: {e}", self.name);
        let life = self.spawn().map_err(failed)?;
        *self.life() = Some(life);
        Ok(())
    }

    /// The child is the leader of a group of its own. The pipe to it is never written to: its
    /// end tells the child that the tests are gone (see run.py).
    fn spawn(&self) -> std::io::Result<Life> {
        let pid_file = self.root.join(format!("{}.pid", self.name));
        let _ = fs::remove_file(&pid_file);
        let (log, output) = self.new_log()?;
        let mut command = self.python.command();
        command
            .arg(self.root.join("run.py"))
            .arg(self.python.bin(self.program));
        command.args(["--nodaemon", "--instance", self.instance()]);
        command.arg("--config").arg(self.root.join("carbon.conf"));
        command.arg("--pidfile").arg(pid_file).arg("start");
        command
            .current_dir(&self.root)
            .process_group(0)
            .stdin(Stdio::piped());
        command.stderr(output.try_clone()?).stdout(output);
        command.spawn().map(|child| Life { child, log })
    }

    /// A cache is known by its name; the one relay has none.
    fn instance(&self) -> &'static str {
        if self.name == "relay" { "a" } else { self.name }
    }

    /// Each life has its own log, so that what a former one said is not taken for news.
    fn new_log(&self) -> std::io::Result<(PathBuf, File)> {
        let mut number = 1;
        loop {
            let path = self.root.join(format!("{}-{number}.log", self.name));
            match File::create_new(&path) {
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                file => return file.map(|file| (path, file)),
            }
        }
    }

    /// Waits until the process says that it listens on all its ports, and `also` holds.
    /// Asking the ports themselves would not do: another process may have taken one.
    pub(super) fn wait_ready(&self, also: impl Fn() -> bool) -> Result<(), String> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let (running, log) = (self.is_running(), self.log());
            if running && self.ports.iter().all(|port| listens(&log, *port)) && also() {
                return Ok(());
            }
            if !running || Instant::now() > deadline {
                let last = log.trim_end().lines().next_back().unwrap_or("no output");
                return Err(format!("carbon {} did not start: {last}", self.name));
            }
            thread::sleep(PAUSE);
        }
    }

    /// What the process wrote in its present or last life.
    pub(super) fn log(&self) -> String {
        let path = self.life().as_ref().map(|life| life.log.clone());
        let bytes = path
            .and_then(|path| fs::read(path).ok())
            .unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The id of the present or last process.
    pub(super) fn pid(&self) -> Option<u32> {
        self.life().as_ref().map(|life| life.child.id())
    }

    /// Tells whether the process is there; a stopped one is.
    pub(super) fn is_running(&self) -> bool {
        self.life()
            .as_mut()
            .is_some_and(|life| matches!(life.child.try_wait(), Ok(None)))
    }

    /// Sends a signal; returns at once, but after SIGKILL only when the process is gone.
    pub(super) fn signal(&self, signal: Signal) {
        if !self.is_running() {
            return;
        }
        if let Some(life) = self.life().as_mut() {
            let _ = kill_process(Pid::from_child(&life.child), signal);
            if signal == Signal::KILL {
                let _ = life.child.wait();
            }
        }
    }

    /// Kills the process with its whole group, if it is still there.
    fn end(&self) {
        if self.is_running()
            && let Some(life) = self.life().as_mut()
        {
            let _ = kill_process_group(Pid::from_child(&life.child), Signal::KILL);
            let _ = life.child.wait();
        }
    }

    fn life(&self) -> MutexGuard<'_, Option<Life>> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end();
    }
}

/// Tells whether carbon's log says that it listens on this port.
fn listens(log: &str, port: u16) -> bool {
    let end = format!(" starting on {port}");
    log.lines().any(|line| line.ends_with(&end))
}
