//! Runs the real program in a home of its own.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::hour::set_clock;
use crate::simulated_freebox::SimulatedFreebox;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_freebox-monitor");
/// The application that [`Monitor::registered`] has registered.
pub(crate) const APP_ID: &str = "fr.freebox.test";
/// Its token.
pub(crate) const APP_TOKEN: &str =
    "dGVzdC10b2tlbi9vZi1hLXNpbXVsYXRlZCtib3gvMDEyMzQ1Njc4OWFiY2RlZmdo";

/// A user with a home, and the options that every run of theirs has.
pub(crate) struct Monitor {
    home: TempDir,
    options: Vec<String>,
    variables: Vec<(String, String)>,
}

/// How a run ended.
pub(crate) struct Run {
    /// The exit code.
    pub(crate) code: i32,
    /// The data.
    pub(crate) stdout: String,
    /// The words.
    pub(crate) stderr: String,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Monitor {
    /// A user who has nothing yet.
    pub(crate) fn new() -> Self {
        Monitor {
            home: tempfile::tempdir().expect("a home"),
            options: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// A user who has registered at this box, and trusts it.
    pub(crate) fn registered(at: &SimulatedFreebox) -> Self {
        let monitor = Monitor::trusting(at);
        monitor.write_credentials(&json!({
            "app_id": APP_ID, "app_token": APP_TOKEN, "track_id": 1,
            "endpoint": format!("https://localhost:{}", at.https_port()),
        }));
        monitor
    }

    /// A user who trusts this box and has not registered.
    pub(crate) fn trusting(at: &SimulatedFreebox) -> Self {
        Monitor::new().with(&[
            "--ssl-ca-bundle-file",
            at.ca_file().to_str().expect("UTF-8"),
        ])
    }

    /// The same user with more options in every run.
    pub(crate) fn with(mut self, options: &[&str]) -> Self {
        self.options
            .extend(options.iter().map(|&option| option.to_owned()));
        self
    }

    /// The same user without these options.
    pub(crate) fn without_options(mut self, options: &[&str]) -> Self {
        self.options.retain(|it| !options.contains(&it.as_str()));
        self
    }

    /// The same user with a variable in the environment of every run.
    pub(crate) fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Where lines wait for the carbon at this address, for a user who is [`Monitor::registered`].
    pub(crate) fn spool(&self, at: &SimulatedFreebox, carbon: &str) -> PathBuf {
        self.state(at).join("spool").join(escaped(carbon))
    }

    /// What runs leave for each other about this box, for such a user.
    pub(crate) fn state(&self, at: &SimulatedFreebox) -> PathBuf {
        let name = escaped(&format!("localhost:{}", at.https_port()));
        self.path(".local/state/freebox-monitor").join(name)
    }

    /// Where the credentials are by default.
    pub(crate) fn credentials(&self) -> PathBuf {
        self.path(".config/freebox-monitor/credentials.json")
    }

    /// A path in the home.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.home.path().join(below)
    }

    /// Writes a file in the home, for its owner only.
    pub(crate) fn write(&self, below: &str, content: &str) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        fs::write(&path, content).expect("the file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
        path
    }

    /// Puts one box into the default credentials.
    pub(crate) fn write_credentials(&self, granted: &serde_json::Value) {
        let file = json!({ "boxes": [granted] });
        self.write(
            ".config/freebox-monitor/credentials.json",
            &file.to_string(),
        );
    }

    /// Every file in the home, with its mode.
    pub(crate) fn files(&self) -> Vec<(PathBuf, u32)> {
        let mut found = Vec::new();
        let mut folders = vec![self.home.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => {
                        let mode = fs::metadata(&path).expect("a file").permissions().mode();
                        found.push((path, mode & 0o777));
                    }
                }
            }
        }
        found
    }

    /// The command, ready to be started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", "/usr/bin:/bin");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
            .args(&self.options)
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// A shell that runs this script, in which `"$0" "$@"` is the command.
    pub(crate) fn in_shell(&self, script: &str, arguments: &[&str]) -> Command {
        let program = self.command(arguments);
        let mut shell = Command::new("sh");
        let variables = program.get_envs();
        shell
            .env_clear()
            .envs(variables.filter_map(|(name, value)| Some((name, value?))))
            .args(["-c", script])
            .arg(program.get_program())
            .args(program.get_args())
            .stdin(Stdio::null());
        shell
    }

    /// Runs it to its end, by a clock that stands at this time when it starts.
    pub(crate) fn run_at(&self, clock: u64, arguments: &[&str]) -> Run {
        let start = Instant::now();
        let mut command = self.command(arguments);
        set_clock(&mut command, clock);
        let output = command.output().expect("the program starts");
        Run::of(output, start.elapsed())
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let start = Instant::now();
        let output = self
            .command(arguments)
            .output()
            .expect("the program starts");
        Run::of(output, start.elapsed())
    }
}

impl Run {
    fn of(output: Output, took: Duration) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Run {
            code: output.status.code().expect("an exit, not a signal"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            took,
        }
    }

    /// Everything went well and nothing was said.
    #[track_caller]
    pub(crate) fn is_fine(&self) -> &Self {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{}", self.all());
        self
    }

    /// It ended with this code and one line that holds these words, and no data but about the run
    /// itself.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, words: &str) -> &Self {
        assert_eq!(self.untimed(), "", "{}", self.all());
        self.complained(code, words)
    }

    /// It ended with this code and one line that holds these words.
    #[track_caller]
    pub(crate) fn complained(&self, code: i32, words: &str) -> &Self {
        assert_eq!(self.code, code, "{}", self.all());
        assert_eq!(self.stderr.matches('\n').count(), 1, "{}", self.all());
        assert!(
            self.stderr.starts_with("freebox-monitor: "),
            "{}",
            self.all()
        );
        assert!(
            self.stderr.contains(words),
            "no {words:?} in it: {}",
            self.all()
        );
        self
    }

    /// The value of the line whose path ends like this.
    #[track_caller]
    pub(crate) fn value(&self, path_end: &str) -> &str {
        let lines = self
            .stdout
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>());
        let mut fitting = lines.filter(|fields| fields[0].ends_with(path_end));
        match (fitting.next(), fitting.next()) {
            (Some(fields), None) => fields[1],
            _ => panic!("not one line for {path_end}: {}", self.all()),
        }
    }

    /// The lines about the box, without their timestamps. A number that is the timestamp itself is
    /// `now`.
    pub(crate) fn untimed(&self) -> String {
        let mut out = String::new();
        for line in self.stdout.lines().filter(|line| !line.contains(".exec.")) {
            let (rest, timestamp) = line.rsplit_once(' ').expect("three fields");
            let (path, value) = rest.rsplit_once(' ').expect("three fields");
            let value = if value == timestamp { "now" } else { value };
            writeln!(out, "{path} {value}").expect("a line");
        }
        out
    }

    fn all(&self) -> String {
        format!(
            "exit {} after {:?}\n{}\n{}",
            self.code, self.took, self.stderr, self.stdout
        )
    }
}

/// Makes sure that these are lines that carbon takes: ASCII, three fields, plain numbers, no empty
/// node, one timestamp.
#[track_caller]
pub(crate) fn check_lines(text: &str) {
    assert!(text.is_ascii() && text.ends_with('\n'), "{text:?}");
    let mut timestamps = std::collections::HashSet::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [path, value, timestamp] = fields[..] else {
            panic!("{line:?}")
        };
        let name = path.split(';').next().unwrap_or_default();
        assert!(!name.split('.').any(str::is_empty), "{line:?}");
        assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line:?}");
        assert!(!value.contains(['e', 'E', '+']), "{line:?}");
        timestamps.insert(timestamp.parse::<u64>().expect(line));
    }
    assert_eq!(timestamps.len(), 1, "{timestamps:?}");
}

/// A place as a name of a folder.
pub(crate) fn escaped(place: &str) -> String {
    let escaped = place.replace(':', "%3A");
    escaped.replace('[', "%5B").replace(']', "%5D")
}

/// A file of the project.
pub(crate) fn project_file(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}
