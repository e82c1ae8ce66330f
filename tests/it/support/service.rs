//! Servers from Debian's packages, on free ports of the loopback with a folder of their own.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value as Json;
use tempfile::TempDir;

/// Longest a server may take until it answers; usually it is a second.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How often it is asked.
const PAUSE: Duration = Duration::from_millis(20);
/// How many ports are tried, each of which another process may snatch meanwhile.
const TRIES: u32 = 5;

/// Where a program is, in the usual places and in those of servers.
pub(crate) fn program(name: &str) -> Result<PathBuf, String> {
    let folders = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/bin", "/sbin"];
    let paths = folders.iter().map(|folder| Path::new(folder).join(name));
    let mut there = paths.filter(|path| path.is_file());
    there
        .next()
        .ok_or_else(|| format!("there is no {name} on this machine"))
}

/// A server that is running; it ends when it is dropped, and with the tests in any case.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Service {
    /// Starts a program and waits until it answers at this path. `arguments` are given its port and
    /// its folder.
    pub(crate) fn start(
        name: &str,
        path: &str,
        arguments: impl Fn(u16, &Path) -> Vec<String>,
    ) -> Self {
        let program = program(name).expect("a program");
        for _ in 0..TRIES {
            let folder = tempfile::tempdir().expect("a folder");
            let port = free_port();
            let log = File::create(folder.path().join("log")).expect("a log");
            // Should the tests die without a drop, it follows.
            let child = Command::new("setpriv")
                .args(["--pdeathsig", "KILL"])
                .arg(&program)
                .args(arguments(port, folder.path()))
                .env_clear()
                .env("HOME", folder.path())
                .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
                .current_dir(folder.path())
                .process_group(0)
                .stdin(Stdio::null())
                .stdout(log.try_clone().expect("a log"))
                .stderr(log)
                .spawn()
                .expect("setpriv starts");
            let mut service = Service {
                child,
                port,
                folder,
            };
            if service.answers(path) {
                return service;
            }
        }
        panic!("{name} did not start on any of {TRIES} ports");
    }

    fn answers(&mut self, path: &str) -> bool {
        let deadline = Instant::now() + START_LIMIT;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                let log = fs::read_to_string(self.folder.path().join("log"));
                println!("a server ended: {}", log.unwrap_or_default());
                return false;
            }
            if ureq::get(self.url(path)).call().is_ok() {
                return true;
            }
            thread::sleep(PAUSE);
        }
        false
    }

    /// A URL of it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// A real InfluxDB with one database.
#[derive(Debug)]
pub(crate) struct Influxdb {
    service: Service,
}

impl Influxdb {
    /// Starts one that is empty.
    pub(crate) fn start() -> Self {
        let service = Service::start("influxd", "/ping", |port, folder| {
            let below = |name: &str| folder.join(name).display().to_string();
            let config = format!(
                "reporting-disabled = true\nbind-address = \"127.0.0.1:{}\"\n\
                 [meta]\ndir = \"{}\"\n\
                 [data]\ndir = \"{}\"\nwal-dir = \"{}\"\n\
                 [monitor]\nstore-enabled = false\n\
                 [http]\nbind-address = \"127.0.0.1:{port}\"\nlog-enabled = false\n",
                free_port(),
                below("meta"),
                below("data"),
                below("wal"),
            );
            fs::write(folder.join("influxdb.conf"), config).expect("a file");
            vec!["-config".to_owned(), below("influxdb.conf")]
        });
        let influxdb = Influxdb { service };
        influxdb.query("CREATE DATABASE freebox");
        influxdb
    }

    /// Writes lines; the status of the answer, and what it says.
    pub(crate) fn write(&self, lines: &str) -> (u16, String) {
        let url = self.service.url("/write?db=freebox");
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let mut answer = agent.post(url).send(lines).expect("an answer");
        let words = answer.body_mut().read_to_string().expect("a body");
        (answer.status().as_u16(), words)
    }

    /// Writes lines, all of which it must take.
    #[track_caller]
    pub(crate) fn takes(&self, lines: &str) {
        assert_eq!(self.write(lines), (204, String::new()));
    }

    /// The series of the answer to a query.
    pub(crate) fn answer(&self, query: &str) -> Vec<Json> {
        let url = self.service.url("/query?db=freebox");
        let mut answer = ureq::post(url)
            .send_form([("q", query)])
            .unwrap_or_else(|error| panic!("{query}: {error}"));
        // Ten thousand names are more than the usual bound.
        let text = answer
            .body_mut()
            .with_config()
            .limit(1 << 28)
            .read_to_string();
        let json: Json = serde_json::from_str(&text.expect("a body")).expect("JSON");
        assert!(json["results"][0]["error"].is_null(), "{query}: {json}");
        let series = json["results"][0]["series"].as_array().cloned();
        series.unwrap_or_default()
    }

    /// The rows of the answer to a query.
    pub(crate) fn query(&self, query: &str) -> Vec<Json> {
        let series = self.answer(query).into_iter();
        let rows = series.flat_map(|it| it["values"].as_array().cloned().unwrap_or_default());
        rows.collect()
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        self.service.url("")
    }

    /// The keys of all its series, as it writes them.
    pub(crate) fn series(&self) -> Vec<String> {
        let rows = self.query("SHOW SERIES");
        let keys = rows.iter().filter_map(|row| row[0].as_str());
        keys.map(str::to_owned).collect()
    }
}

/// A real Prometheus with a history.
#[derive(Debug)]
pub(crate) struct Prometheus {
    service: Service,
    _blocks: TempDir,
}

impl Prometheus {
    /// Starts one that has seen these samples: names with labels, values, and times in seconds.
    pub(crate) fn with_history(samples: &str) -> Self {
        let blocks = tempfile::tempdir().expect("a folder");
        let input = blocks.path().join("samples");
        fs::write(&input, samples.to_owned() + "# EOF\n").expect("a file");
        let data = blocks.path().join("data");
        let made = Command::new(program("promtool").expect("promtool"))
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([&input, &data])
            .output()
            .expect("promtool runs");
        let words = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{words}");
        let service = Service::start("prometheus", "/-/ready", |port, folder| {
            let config = folder.join("prometheus.yml");
            fs::write(&config, "scrape_configs: []\n").expect("a file");
            vec![
                format!("--config.file={}", config.display()),
                format!("--storage.tsdb.path={}", data.display()),
                "--storage.tsdb.retention.time=1y".to_owned(),
                format!("--web.listen-address=127.0.0.1:{port}"),
            ]
        });
        Prometheus {
            service,
            _blocks: blocks,
        }
    }

    /// What its API says to a question.
    pub(crate) fn answer(&self, path: &str, form: &[(&str, &str)]) -> Json {
        let mut answer = ureq::post(self.service.url(path))
            .send_form(form.iter().copied())
            .unwrap_or_else(|error| panic!("{form:?}: {error}"));
        let text = answer.body_mut().read_to_string().expect("a body");
        let json: Json = serde_json::from_str(&text).expect("JSON");
        json["data"].clone()
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        self.service.url("")
    }
}
