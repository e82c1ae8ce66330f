//! The real carbon, installed and run for the tests.
//!
//! [`installed`] makes a virtual environment with carbon and whisper in the target directory,
//! once. [`Graphite::start`] runs what a SexiGraf appliance runs, on free ports of the
//! loopback: a relay that spreads the metrics by hash over two caches. What the caches wrote
//! is read back from whisper's files, for only that proves anything; it takes them a second.

#![allow(dead_code, reason = "a tool box: not every test needs every tool")]

mod config;
mod daemon;
mod install;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

pub(crate) use install::{Python, installed, web_installed};

use daemon::{Daemon, PAUSE};

/// How many sets of ports are tried, each of which another process may snatch meanwhile.
const TRIES: u32 = 5;

/// How long the processes may take to end by themselves. A cache often takes a second, and
/// all it could still write is thrown away.
const GRACE: Duration = Duration::from_millis(300);

/// The stored points of each metric, oldest first. Tagged series have paths that begin with
/// `_tagged.`; [`Graphite::points`] finds them under their names.
pub(crate) type Stored = BTreeMap<String, Vec<(i64, f64)>>;

/// What to run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The retentions of every metric, as in storage-schemas.conf.
    pub(crate) schema: String,
    /// A folder whose storage-schemas.conf and storage-aggregation.conf hold instead.
    pub(crate) storage: Option<PathBuf>,
    /// A relay before two caches, or else just the cache `a`.
    pub(crate) relay: bool,
    /// How many series a cache writes in a second, if not as many as it can.
    pub(crate) updates: Option<u32>,
}

impl Default for Options {
    /// Each minute has its own slot. With `1s:1d` each second has.
    fn default() -> Self {
        Self {
            schema: "60s:7d".to_owned(),
            storage: None,
            relay: true,
            updates: None,
        }
    }
}

/// A running Graphite, taken down with all its data when dropped. Its processes are called
/// `relay`, `a` and `b`; should the tests die without a drop, they follow at once.
#[derive(Debug)]
pub(crate) struct Graphite {
    // Ended before their directory goes, as fields are dropped in this order.
    daemons: Vec<Daemon>,
    root: TempDir,
    python: Python,
}

impl Graphite {
    /// Starts the processes and waits until they listen and the relay has both its caches.
    pub(crate) fn start(python: &Python, options: Options) -> Result<Self, String> {
        let mut tries = 1;
        loop {
            match Self::try_start(python, &options) {
                Err(reason) if reason.contains("already in use") && tries < TRIES => tries += 1,
                result => return result,
            }
        }
    }

    fn try_start(python: &Python, options: &Options) -> Result<Self, String> {
        let graphite = Self::set_up(python, options).map_err(|e| format!("carbon: {e}"))?;
        let (relays, caches) = graphite
            .daemons
            .iter()
            .partition::<Vec<_>, _>(|it| it.name == "relay");
        // The caches first: a relay that is refused waits for seconds before it tries again.
        for group in [caches, relays] {
            group.iter().try_for_each(|daemon| daemon.start())?;
            group
                .iter()
                .try_for_each(|daemon| graphite.wait_ready(daemon))?;
        }
        Ok(graphite)
    }

    /// Chooses the ports and writes the files.
    fn set_up(python: &Python, options: &Options) -> std::io::Result<Self> {
        let root = tempfile::Builder::new().prefix("graphite-").tempdir()?;
        let names: &[_] = if options.relay {
            &["a", "b", "relay"]
        } else {
            &["a"]
        };
        let ports = config::free_ports(3 * names.len());
        let daemon = |(name, ports): (&&'static str, &[u16])| {
            let used = if *name == "relay" { 2 } else { 3 };
            Daemon::new(python, root.path(), name, ports[..used].to_vec())
        };
        let daemons: Vec<_> = names.iter().zip(ports.chunks(3)).map(daemon).collect();
        config::write(root.path(), options, &daemons)?;
        for file in ["storage-schemas.conf", "storage-aggregation.conf"] {
            if let Some(storage) = &options.storage {
                std::fs::copy(storage.join(file), root.path().join(file))?;
            }
        }
        std::fs::create_dir(root.path().join("whisper"))?;
        std::fs::write(root.path().join("run.py"), include_str!("graphite/run.py"))?;
        std::fs::write(
            root.path().join("read.py"),
            include_str!("graphite/read.py"),
        )?;
        Ok(Self {
            daemons,
            root,
            python: python.clone(),
        })
    }

    /// A relay is ready once it is connected to every cache that runs.
    fn wait_ready(&self, daemon: &Daemon) -> Result<(), String> {
        daemon.wait_ready(|| {
            let mut caches = self.daemons.iter().filter(|it| it.name != "relay");
            daemon.name != "relay"
                || caches.all(|it| !it.is_running() || self.relay_reaches(it.name))
        })
    }

    /// Where the relay takes lines.
    pub(crate) fn relay_port(&self) -> u16 {
        self.daemon("relay").ports[0]
    }

    /// Where the cache `a` or `b` takes lines.
    pub(crate) fn cache_port(&self, cache: &str) -> u16 {
        self.daemon(cache).ports[0]
    }

    /// Where the relay, `a` or `b` takes pickles: a port that drops lines.
    pub(crate) fn pickle_port(&self, process: &str) -> u16 {
        self.daemon(process).ports[1]
    }

    /// The process id, at present or before it ended.
    pub(crate) fn pid(&self, process: &str) -> u32 {
        self.daemon(process)
            .pid()
            .expect("every process was started")
    }

    /// Tells whether the process is there. One that was stopped by a signal is.
    pub(crate) fn is_running(&self, process: &str) -> bool {
        self.daemon(process).is_running()
    }

    /// What the process logged since it was started last.
    pub(crate) fn log(&self, process: &str) -> String {
        self.daemon(process).log()
    }

    /// Sends a signal to the process. After SIGKILL it is gone on return, and its ports refuse.
    pub(crate) fn kill(&self, process: &str, signal: Signal) {
        self.daemon(process).signal(signal);
    }

    /// Starts the process again on the same ports, after killing it if it still runs, and waits
    /// until it listens; a relay also until it has all caches that run. A relay that lost a
    /// cache takes up to six seconds to find it again: see [`Graphite::relay_reaches`].
    pub(crate) fn restart(&self, process: &str) -> Result<(), String> {
        let daemon = self.daemon(process);
        daemon.start()?;
        self.wait_ready(daemon)
    }

    /// Tells whether the relay's log says that it is connected to this cache.
    pub(crate) fn relay_reaches(&self, cache: &str) -> bool {
        let log = self.log("relay");
        let destination = config::destination(self.daemon(cache));
        let about = |line: &&str| line.contains("Destination is") && line.contains(&destination);
        log.lines()
            .rev()
            .find(about)
            .is_some_and(|line| line.contains("is up"))
    }

    /// Puts lines straight into whisper's files, as the storage schemas and aggregations of a
    /// folder want them: how many series there are then, and how many bytes their files have.
    pub(crate) fn fill(&self, lines: &str, conf: &Path) -> (u64, u64) {
        let script = self.root.path().join("fill.py");
        std::fs::write(&script, include_str!("graphite/fill.py")).expect("a script");
        let mut child = self
            .python
            .command()
            .arg(script)
            .arg(self.root.path().join("whisper"))
            .arg(conf)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python can be run");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(lines.as_bytes()).expect("it reads");
        drop(stdin);
        let output = child.wait_with_output().expect("its end");
        let text = String::from_utf8_lossy(&output.stdout);
        let numbers: Vec<u64> = text.split_whitespace().flat_map(str::parse).collect();
        assert!(output.status.success() && numbers.len() == 2, "{text}");
        (numbers[0], numbers[1])
    }

    /// Starts a graphite-web that shows what is stored here, and what the caches still hold.
    pub(crate) fn web(&self) -> Web {
        let script = self.root.path().join("web.py");
        std::fs::write(&script, include_str!("graphite/web.py")).expect("a script");
        let caches = self.daemons.iter().filter(|daemon| daemon.name != "relay");
        let caches = caches.map(|it| format!("127.0.0.1:{}:{}", it.ports[2], it.name));
        let mut child = self
            .python
            .command()
            .arg(self.root.path().join("run.py"))
            .arg(script)
            .arg(self.root.path())
            .args(caches)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Python can be run");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let url = line.trim().to_owned();
        assert!(url.starts_with("http://"), "graphite-web starts");
        Web { url, child }
    }

    /// The points of one metric, oldest first; of a tagged one too, as `name;tag=value`.
    pub(crate) fn points(&self, path: &str) -> Vec<(i64, f64)> {
        self.read(&["points", path])
            .remove(path)
            .unwrap_or_default()
    }

    /// The points of one metric in one of its archives, the finest being 0.
    pub(crate) fn archive(&self, path: &str, number: usize) -> Vec<(i64, f64)> {
        self.read(&["archive", path, &number.to_string()])
            .remove(path)
            .unwrap_or_default()
    }

    /// Waits until that very point is stored, and returns its value.
    pub(crate) fn wait_for(&self, path: &str, timestamp: i64, within: Duration) -> Option<f64> {
        let (timestamp, seconds) = (timestamp.to_string(), within.as_secs_f64().to_string());
        let found = self
            .read(&["wait", path, &timestamp, &seconds])
            .remove(path)?;
        found.first().map(|(_, value)| *value)
    }

    /// Every metric there is a file of, with its points, of which there may be none.
    pub(crate) fn read_all(&self) -> Stored {
        self.read(&["all"])
    }

    /// Reads all until it is as wanted or time is up, and returns what was read last.
    pub(crate) fn read_until(&self, within: Duration, wanted: impl Fn(&Stored) -> bool) -> Stored {
        let deadline = Instant::now() + within;
        loop {
            let stored = self.read_all();
            if wanted(&stored) || Instant::now() > deadline {
                return stored;
            }
            thread::sleep(PAUSE);
        }
    }

    /// The paths of all metrics there is a file of, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        self.read_all().into_keys().collect()
    }

    /// Asks whisper, by read.py.
    fn read(&self, task: &[&str]) -> Stored {
        let mut command = self.python.command();
        command
            .arg(self.root.path().join("read.py"))
            .arg(self.root.path().join("whisper"));
        let output = command.args(task).output().expect("Python can be run");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "read.py {task:?}: {errors}");
        parse(&String::from_utf8_lossy(&output.stdout))
    }

    fn daemon(&self, name: &str) -> &Daemon {
        let found = self.daemons.iter().find(|daemon| daemon.name == name);
        found.unwrap_or_else(|| panic!("this Graphite has no process {name:?}"))
    }
}

/// A running graphite-web. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Web {
    url: String,
    child: Child,
}

impl Web {
    /// Where it answers.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Graphite {
    /// Asks the processes to end; those that do not are killed as the fields are dropped.
    fn drop(&mut self) {
        self.daemons
            .iter()
            .for_each(|daemon| daemon.signal(Signal::TERM));
        let deadline = Instant::now() + GRACE;
        while self.daemons.iter().any(Daemon::is_running) && Instant::now() < deadline {
            thread::sleep(PAUSE);
        }
    }
}

/// Takes what read.py prints apart.
fn parse(text: &str) -> Stored {
    let mut stored = Stored::new();
    let mut path = String::new();
    for line in text.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        match fields[..] {
            ["F", name] => {
                name.clone_into(&mut path);
                stored.entry(path.clone()).or_default();
            }
            ["P", timestamp, value] => {
                let point = (
                    timestamp.parse().expect("a timestamp"),
                    value.parse().expect("a number"),
                );
                stored.entry(path.clone()).or_default().push(point);
            }
            _ => panic!("read.py printed {line:?}"),
        }
    }
    stored
}

/// The netcat of OpenBSD, if one is installed: it knows `-q` and `-N`. There are others.
pub(crate) fn nc() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let named = |name| folders.iter().map(move |folder| folder.join(name));
    named("nc.openbsd").chain(named("nc")).find(|program| {
        let help = Command::new(program).arg("-h").output();
        help.is_ok_and(|help| {
            let text = [help.stdout, help.stderr].concat();
            let text = String::from_utf8_lossy(&text);
            text.contains("OpenBSD") && text.contains("-q ") && text.contains("-N")
        })
    })
}
