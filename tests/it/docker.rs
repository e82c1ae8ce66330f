//! `contrib/docker`: the images are built from a Debian 12 and run with podman, at the simulated box.
//!
//! Two things in them are stand-ins, since neither image of theirs can be had: Cargo, which hands
//! over the program that `contrib/release` has made, and Telegraf, which shows the configuration that
//! it was given. So these tests do not show that Cargo works in the official image of Rust, nor what
//! Telegraf makes of a configuration; that this is TOML, with the values that were meant, they do.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::archive::{archive, target};
use crate::engine::{self, Container, Engine, Said};
use crate::monitor::{APP_TOKEN, project_file};
use crate::receiver::Sink;
use crate::session::known_app;
use crate::simulated_freebox::{App, Options, Outcome, SeenRequest, SimulatedFreebox};
use crate::trials;
use crate::until::until;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        an_image_is_built_from_all_that_the_program_is_made_of,
        grafana_finds_the_dashboards_and_their_source,
        the_page_names_what_there_is,
    ]
}

pub(crate) fn trials_with_engine() -> Vec<Trial> {
    trials![
        the_image_is_small_and_not_for_root,
        it_registers_at_the_first_start_delivers_and_asks_nobody_again,
        a_signal_ends_the_wait_for_the_button,
        what_was_refused_is_not_asked_again_at_once,
        the_volume_of_the_python_script_is_taken_as_it_is,
        options_make_it_a_command,
    ]
}

pub(crate) fn trials_with_toml() -> Vec<Trial> {
    trials![
        telegraf_is_told_what_the_variables_say,
        telegraf_runs_what_it_is_told_to,
    ]
}

pub(crate) fn trials_with_compose() -> Vec<Trial> {
    trials![
        the_compose_file_has_two_profiles,
        values_come_through_the_compose_file_as_they_are,
    ]
}

const IMAGE: &str = "localhost/freebox-monitor";
const WITH_TELEGRAF: &str = "localhost/freebox-monitor-telegraf";

/// How many bytes the image may have; README.md says about how many.
const LARGEST: u64 = 8_000_000;

/// What stands in for the image of Rust, and for that of Telegraf.
const STAND_INS: &str = "\
FROM localhost/debian
COPY cargo telegraf /usr/local/bin/
COPY freebox-monitor /usr/local/lib/
RUN chmod 755 /usr/local/bin/* && apt-get update
";
const CARGO: &str = r#"#!/bin/sh -e
[ "$*" = "build --release --locked --bin freebox-monitor" ]
[ -s Cargo.toml ] && [ -s Cargo.lock ] && [ -s src/main.rs ]
mkdir -p target/release
cp /usr/local/lib/freebox-monitor target/release/
"#;
const TELEGRAF: &str = r#"#!/bin/sh -e
[ $# = 2 ] && [ "$1" = --config ]
[ -z "${STAY-}" ] || {
    trap 'exit 0' TERM
    echo "Telegraf is there"
    sleep 1000 &
    wait
}
cat "$2"
"#;

/// Whether images can be built and run here, or why not.
pub(crate) fn is_there() -> Result<(), String> {
    prepared().as_ref().map(drop).map_err(Clone::clone)
}

/// Removes what the cases have made.
pub(crate) fn clean_up() {
    if let Some(Ok(engine)) = PREPARED.get() {
        engine.clean_up();
    }
}

static PREPARED: OnceLock<Result<Engine, String>> = OnceLock::new();

/// An engine with the stand-ins.
fn prepared() -> &'static Result<Engine, String> {
    PREPARED.get_or_init(|| {
        let archive = archive().ok_or("contrib/release has not made an archive")?;
        let engine = Engine::start(target())?;
        let made = stand_ins(&engine, &archive);
        made.inspect_err(|_| engine.clean_up()).map(|()| engine)
    })
}

fn stand_ins(engine: &Engine, archive: &Path) -> Result<(), String> {
    let debian = engine::debian(target())?;
    let debian = debian.to_str().expect("UTF-8");
    engine.does(&["import", debian, "localhost/debian"]);
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text);
    write("Dockerfile", STAND_INS).expect("a file");
    write("cargo", CARGO).expect("a file");
    write("telegraf", TELEGRAF).expect("a file");
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(archive).arg("-C").arg(folder.path());
    tar.args(["--strip-components=1", "--wildcards", "*/freebox-monitor"]);
    assert!(tar.status().expect("tar").success());
    let made = engine.build("localhost/stand-ins", folder.path(), &[]);
    match made.code {
        0 => Ok(()),
        _ => Err(format!("no image can be made here: {}", made.text)),
    }
}

/// The engine with the images, which are built once.
fn engine() -> &'static Engine {
    static BUILT: OnceLock<Result<(), String>> = OnceLock::new();
    let engine = prepared().as_ref().expect("left out otherwise");
    let built = BUILT.get_or_init(|| {
        build(engine, IMAGE, &[])?;
        build(engine, WITH_TELEGRAF, &["--target", "telegraf"])
    });
    assert_eq!(built.as_ref().err(), None);
    engine
}

fn build(engine: &Engine, image: &str, more: &[&str]) -> Result<(), String> {
    let file = project_file("contrib/docker/Dockerfile");
    let how = [
        "--file",
        file.to_str().expect("UTF-8"),
        "--build-arg=BUILD_IMAGE=localhost/stand-ins",
        "--build-arg=TELEGRAF_IMAGE=localhost/stand-ins",
    ];
    let said = engine.build(image, &project_file(""), &[&how[..], more].concat());
    (said.code == 0).then_some(()).ok_or(said.text)
}

/// A new set of volumes, and a container as the compose file has it.
struct Household {
    data: String,
    state: String,
}

impl Household {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Household {
            data: format!("data-{number}"),
            state: format!("state-{number}"),
        }
    }

    /// One with a folder of this machine for its data.
    fn with_data(folder: &Path) -> Self {
        Household {
            data: folder.to_str().expect("UTF-8").to_owned(),
            ..Household::new()
        }
    }

    /// Starts the image with these variables and options.
    #[track_caller]
    fn start(&self, image: &str, variables: &[&str], options: &[&str]) -> Container<'static> {
        let volumes = self.volumes();
        let mut all: Vec<&str> = volumes.iter().map(String::as_str).collect();
        all.extend(["--security-opt", "no-new-privileges"]);
        if image == IMAGE {
            all.extend([
                "--read-only",
                "--read-only-tmpfs=false",
                "--cap-drop",
                "all",
            ]);
        }
        all.extend(variables.iter().flat_map(|it| ["--env", it]));
        all.extend(options);
        engine().container(image, &all)
    }

    fn volumes(&self) -> [String; 2] {
        [
            format!("--volume={}:/data", self.data),
            format!("--volume={}:/var/lib/freebox-monitor", self.state),
        ]
    }

    /// Every second, to a carbon.
    #[track_caller]
    fn monitor(&self, at: &SimulatedFreebox, carbon: &Sink) -> Container<'static> {
        let options = format!(
            "FB_MONITOR_ARGS=--endpoint 'localhost:{}' --ssl-no-verify --resend 0 --carbon {}",
            at.https_port(),
            carbon.address()
        );
        self.start(IMAGE, &[&options, "FB_MONITOR_EVERY=1"], &[])
    }
}

fn a_box(registration: Outcome) -> SimulatedFreebox {
    SimulatedFreebox::start(Options {
        registration,
        ..Options::default()
    })
}

/// How often the box was asked for access.
fn asked(at: &SimulatedFreebox) -> usize {
    let requests = at.requests();
    let is_it = |it: &&SeenRequest| it.method == "POST" && it.path.contains("authorize");
    requests.iter().filter(is_it).count()
}

#[track_caller]
fn delivers(carbon: &Sink, container: &Container<'_>) {
    carbon.take();
    until(&format!("no lines: {}", container.log()), || {
        carbon.take().concat().contains(".exec.up 1 ")
    });
}

fn the_image_is_small_and_not_for_root() {
    let engine = engine();
    let inspected = engine.does(&["image", "inspect", IMAGE]);
    let image: Json = serde_json::from_str(&inspected).expect("JSON");
    let size = image[0]["Size"].as_u64().expect("a number");
    println!("the image has {size} bytes");
    assert!(size < LARGEST, "{size}");
    let config = &image[0]["Config"];
    assert_eq!(config["User"], "999:999");
    assert!(config["Volumes"]["/data"].is_object(), "{config}");
    // Nothing is there that is of the builder or of a box.
    let script = "ls -A /data /var/lib/freebox-monitor; ls /";
    let said = engine.once(IMAGE, &["--entrypoint", "sh"], &["-c", script]);
    assert_eq!(said.code, 0, "{}", said.text);
    assert!(
        !said.text.contains("credentials") && !said.text.contains("src"),
        "{}",
        said.text
    );
}

fn it_registers_at_the_first_start_delivers_and_asks_nobody_again() {
    let (at, carbon, household) = (a_box(Outcome::Button), Sink::start(), Household::new());
    let container = household.monitor(&at, &carbon);
    container.wait_for("Go to its front panel");
    let (is_well, words) = container.health();
    assert_eq!(
        (is_well, words.as_str()),
        (false, "waiting for access to the box")
    );
    at.press();
    container.wait_for("Access is granted");
    delivers(&carbon, &container);
    until("never healthy", || container.health().0);
    let (_, words) = container.health();
    assert!(words.starts_with("the last good run began "), "{words}");

    // Who it is, and what others can see of it.
    let process = container.shell("cat /proc/1/comm /proc/1/status");
    assert!(process.starts_with("freebox-monitor\n"), "{process}");
    for line in [
        "Uid:\t999\t999\t999\t999\n",
        "Gid:\t999\t999\t999\t999\n",
        "CapEff:\t0000000000000000\n",
    ] {
        assert!(process.contains(line), "{line}: {process}");
    }
    let seen = container.log() + &container.shell("cat /proc/[0-9]*/cmdline");
    let secrets = at.secrets();
    assert!(
        !secrets.is_empty() && !secrets.iter().any(|it| seen.contains(it)),
        "{seen}"
    );
    let file = engine().volume(&household.data).join(".credentials");
    let file = fs::metadata(file).expect("the credentials");
    assert_eq!((file.uid(), file.mode() & 0o777), (999, 0o600));

    // Again, and another one with the same volumes, as after an upgrade.
    let (code, took) = container.stop();
    assert!(
        code == 0 && took < Duration::from_secs(8),
        "{code} after {took:?}"
    );
    at.clear_requests();
    container.start();
    delivers(&carbon, &container);
    drop(container);
    let container = household.monitor(&at, &carbon);
    delivers(&carbon, &container);
    assert_eq!(asked(&at), 0);

    // A box that is away for too long.
    at.refuse();
    until("healthy without a box", || {
        container.shell("echo 1 >/var/lib/freebox-monitor/heartbeat");
        !container.health().0
    });
    assert_eq!(container.stop().0, 0);
}

fn a_signal_ends_the_wait_for_the_button() {
    let (at, carbon, household) = (a_box(Outcome::Button), Sink::start(), Household::new());
    let container = household.monitor(&at, &carbon);
    container.wait_for("Go to its front panel");
    let (code, took) = container.stop();
    assert!(
        code == 143 && took < Duration::from_secs(5),
        "{code} after {took:?}"
    );
    let data = fs::read_dir(engine().volume(&household.data)).expect("a folder");
    assert_eq!(data.count(), 0);
}

fn what_was_refused_is_not_asked_again_at_once() {
    let at = a_box(Outcome::Denied { after_polls: 1 });
    let (carbon, household) = (Sink::start(), Household::new());
    let container = household.monitor(&at, &carbon);
    container.wait_for("access was denied at the box");
    container.wait_for("Asking again in 600 s");
    let (code, took) = container.stop();
    assert!(
        code == 143 && took < Duration::from_secs(5),
        "{code} after {took:?}"
    );
    assert_eq!(asked(&at), 1);
}

/// A folder as the container of freebox_monitor.py leaves it, and a box that knows that script.
fn of_the_python_script(group: u32) -> (SimulatedFreebox, TempDir) {
    let at = SimulatedFreebox::start(Options {
        apps: vec![App {
            app_id: "fr.freebox.seximonitor".to_owned(),
            ..known_app()
        }],
        https: None,
        ..Options::default()
    });
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(".credentials");
    let text = format!(
        "[general]\ntrack_id = 1\napp_token = {APP_TOKEN}\n\n\
         [api]\napi_endpoint = http://localhost:{}/api/v16\n",
        at.http_port()
    );
    fs::write(&file, text).expect("the file");
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    mode(folder.path(), 0o755).expect("a mode");
    mode(&file, 0o640).expect("a mode");
    chown(&file, Some(0), Some(group)).expect("a group");
    (at, folder)
}

fn the_volume_of_the_python_script_is_taken_as_it_is() {
    for (group, options) in [(999, &[][..]), (4242, &["--group-add", "4242"])] {
        let (at, folder) = of_the_python_script(group);
        let file = folder.path().join(".credentials");
        let look = || {
            let about = fs::metadata(&file).expect("the file");
            let content = fs::read(&file).expect("its content");
            (
                content,
                about.mode(),
                about.uid(),
                about.gid(),
                about.mtime(),
            )
        };
        let before = look();
        let carbon = Sink::start();
        let household = Household::with_data(folder.path());
        let arguments = format!("FB_MONITOR_ARGS=--resend 0 --carbon {}", carbon.address());
        let variables = [arguments.as_str(), "FB_MONITOR_EVERY=1"];
        if !options.is_empty() {
            let container = household.start(IMAGE, &variables, &[]);
            assert_eq!(container.end(), 1);
            let log = container.log();
            assert!(log.contains(r#"(group_add: ["4242"])"#), "{log}");
        }
        let container = household.start(IMAGE, &variables, options);
        delivers(&carbon, &container);
        assert_eq!((container.log().as_str(), asked(&at)), ("", 0));
        assert_eq!(container.stop().0, 0);
        assert!(look() == before);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }
}

fn options_make_it_a_command() {
    let version = format!("freebox-monitor {}\n", env!("CARGO_PKG_VERSION"));
    for image in [IMAGE, WITH_TELEGRAF] {
        let said = engine().once(image, &[], &["--version"]);
        assert_eq!((said.code, said.text.as_str()), (0, version.as_str()));
        let said = engine().once(image, &[], &["--register-status"]);
        assert_eq!(said.code, 1, "{}", said.text);
        assert!(said.text.contains("/data/.credentials"), "{}", said.text);
    }
}

/// Python, which reads TOML and knows how a shell splits words.
fn python(script: &str, input: &str) -> Option<Json> {
    let mut python = Command::new("python3");
    python.args(["-c", script]).stdin(Stdio::piped());
    let mut child = python.stdout(Stdio::piped()).spawn().ok()?;
    child.stdin.take()?.write_all(input.as_bytes()).ok()?;
    let output = child.wait_with_output().ok()?;
    serde_json::from_slice(&output.stdout).ok()
}

/// Whether TOML can be read here, or why not.
pub(crate) fn toml() -> Result<(), String> {
    match python(TOML, "x = 1") {
        Some(_) => Ok(()),
        None => Err("there is no Python 3.11 that reads TOML".to_owned()),
    }
}

const TOML: &str = "import json, shlex, sys, tomllib
read = tomllib.loads(sys.stdin.read())
for input in read.get('inputs', {}).get('exec', []):
    input['words'] = [shlex.split(command) for command in input['commands']]
print(json.dumps(read))";

/// What Telegraf is told with these variables: the text, or why there is none.
fn configuration(container: &Container<'_>, variables: &[(&str, &str)]) -> Said {
    let pairs: Vec<String> = variables
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let pairs = pairs.iter().map(String::as_str);
    let command: Vec<&str> = ["env"]
        .into_iter()
        .chain(pairs)
        .chain(["telegraf.sh"])
        .collect();
    container.exec(&command)
}

#[track_caller]
fn told(container: &Container<'_>, variables: &[(&str, &str)]) -> Json {
    let said = configuration(container, variables);
    assert_eq!(said.code, 0, "{}", said.text);
    // Nothing that Telegraf would replace or cut off before it reads TOML.
    assert!(!said.text.contains(['$', '#']), "{}", said.text);
    python(TOML, &said.text).unwrap_or_else(|| panic!("no TOML: {}", said.text))
}

fn telegraf_is_told_what_the_variables_say() {
    let (_at, folder) = of_the_python_script(999);
    let household = Household::with_data(folder.path());
    let sleeps = ["--entrypoint", r#"["sleep", "1000"]"#];
    let container = household.start(WITH_TELEGRAF, &[], &sleeps);
    let told = |variables: &[(&str, &str)]| told(&container, variables);
    let configuration = |variables: &[(&str, &str)]| configuration(&container, variables);
    let url = ("INFLUXDB_URL", "http://influxdb:8086");
    // What it is without anything.
    let plain = told(&[url]);
    let input = &plain["inputs"]["exec"][0];
    let begin = json!([
        "/usr/local/bin/freebox-monitor",
        "-f",
        "influxdb",
        "-c",
        "/data/.credentials",
        "--heartbeat",
        "/var/lib/freebox-monitor/heartbeat",
    ]);
    assert_eq!(input["words"], json!([begin]));
    assert_eq!(
        (&input["timeout"], &input["data_format"]),
        (&json!("45s"), &json!("influx"))
    );
    assert_eq!(
        plain["agent"],
        json!({"interval": "60s", "omit_hostname": true})
    );
    let influxdb = json!({"urls": ["http://influxdb:8086"], "database": "telegraf", "username": "",
                          "password": "", "skip_database_creation": false});
    assert_eq!(plain["outputs"], json!({"influxdb": [influxdb]}));

    // Which outputs, and everything that is not text.
    let both = told(&[
        url,
        ("FB_TELEGRAF_OUTPUT", "influx:prometheus"),
        ("TELEGRAF_AGENT_INTERVAL", "1m30s"),
        ("TELEGRAF_SCRIPT_TIMEOUT", "20"),
        ("INFLUXDB_SKIP_DATABASE_CREATION", "true"),
        (
            "PROMETHEUS_IP_RANGE",
            r#""192.168.1.0/24", 'fd00::/8' 10.0.0.1/32"#,
        ),
    ]);
    assert_eq!(both["agent"]["interval"], "90s");
    assert_eq!(both["inputs"]["exec"][0]["timeout"], "20s");
    assert_eq!(
        both["outputs"]["influxdb"][0]["skip_database_creation"],
        true
    );
    let prometheus = json!({"listen": ":9273", "basic_username": "", "basic_password": "",
                            "ip_range": ["192.168.1.0/24", "fd00::/8", "10.0.0.1/32"],
                            "expiration_interval": "270s"});
    assert_eq!(both["outputs"]["prometheus_client"], json!([prometheus]));
    let alone = told(&[("FB_TELEGRAF_OUTPUT", "prometheus")]);
    assert_eq!(
        alone["outputs"].as_object().map(serde_json::Map::len),
        Some(1)
    );

    // Texts, whatever is in them.
    for (one, other) in [
        (r#"p"a\ss"#, "$HOME ${INFLUXDB_URL} $$ %s"),
        ("'# `id` $(id) ]", r#"""" \u0041\n é€ ; {} "#),
    ] {
        let texts = told(&[
            ("FB_TELEGRAF_OUTPUT", "influx:prometheus"),
            ("INFLUXDB_URL", one),
            ("INFLUXDB_DATABASE", other),
            ("INFLUXDB_USERNAME", one),
            ("INFLUXDB_PASSWORD", other),
            ("PROMETHEUS_BASIC_USERNAME", one),
            ("PROMETHEUS_BASIC_PASSWORD", other),
        ]);
        let influxdb = &texts["outputs"]["influxdb"][0];
        assert_eq!(influxdb["urls"], json!([one]));
        let of_influxdb = [
            &influxdb["database"],
            &influxdb["username"],
            &influxdb["password"],
        ];
        assert_eq!(of_influxdb, [other, one, other]);
        let prometheus = &texts["outputs"]["prometheus_client"][0];
        let of_prometheus = [&prometheus["basic_username"], &prometheus["basic_password"]];
        assert_eq!(of_prometheus, [one, other]);
    }

    // The options, split as a shell does it.
    let begin = begin.as_array().expect("a list").len();
    for (arguments, words) in [
        ("-S -H", &["-S", "-H"][..]),
        ("-SHDWX4", &["-SHDWX4"]),
        (
            r#"--name 'a  b'  'c "d"' e\ f "\n""#,
            &["--name", "a  b", r#"c "d""#, "e f", r"\n"],
        ),
        (
            r#"; $(id) `id` ${HOME} * "it's""#,
            &[";", "$(id)", "`id`", "${HOME}", "*", "it's"],
        ),
    ] {
        let split = told(&[url, ("FB_MONITOR_ARGS", arguments)]);
        let all = split["inputs"]["exec"][0]["words"][0]
            .as_array()
            .expect("words");
        assert_eq!(all[begin..], *words, "{arguments}");
    }

    // What cannot be meant.
    for (name, value, words) in [
        (
            "FB_TELEGRAF_OUTPUT",
            "graphite",
            "FB_TELEGRAF_OUTPUT is none of influx",
        ),
        (
            "FB_MONITOR_ARGS",
            "--name 'x",
            "FB_MONITOR_ARGS: a quote has no end",
        ),
        ("INFLUXDB_URL", "", "INFLUXDB_URL is not set"),
        ("INFLUXDB_PASSWORD", "S3cret\nurls = []", "has a line break"),
        (
            "INFLUXDB_SKIP_DATABASE_CREATION",
            "maybe",
            "neither true nor false",
        ),
        (
            "TELEGRAF_AGENT_INTERVAL",
            "soon",
            "'soon' is no time such as 60s",
        ),
        (
            "TELEGRAF_SCRIPT_TIMEOUT",
            "1s2s",
            "'1s2s' is no time such as 60s",
        ),
    ] {
        let said = configuration(&[url, (name, value)]);
        assert_eq!(said.code, 1, "{name}: {}", said.text);
        assert!(said.text.contains(words), "{name}: {}", said.text);
        assert!(!said.text.contains("S3cret"), "{}", said.text);
    }
    let range = [
        ("FB_TELEGRAF_OUTPUT", "prometheus"),
        ("PROMETHEUS_IP_RANGE", "\"]\nx = y"),
    ];
    assert_eq!(configuration(&range).code, 1);
}

fn telegraf_runs_what_it_is_told_to() {
    let (at, household) = (a_box(Outcome::Granted { after_polls: 1 }), Household::new());
    let arguments = format!(
        "FB_MONITOR_ARGS=-H --ssl-no-verify -e localhost:{}",
        at.https_port()
    );
    let variables = [
        &arguments,
        "INFLUXDB_URL=http://influxdb:8086",
        "INFLUXDB_PASSWORD=S3cret",
        "STAY=1",
    ];
    let container = household.start(WITH_TELEGRAF, &variables, &[]);
    container.wait_for("Telegraf is there");
    assert!(container.log().contains("Access is granted"));
    let (is_well, words) = container.health();
    assert_eq!(
        (is_well, words.as_str()),
        (false, "no run has been good since the start")
    );
    let file = "/tmp/telegraf.conf";
    assert_eq!(
        container.shell(&format!("stat -c '%a %u' {file}")),
        "600 999\n"
    );
    let told = python(TOML, &container.shell(&format!("cat {file}"))).expect("TOML");
    let command = told["inputs"]["exec"][0]["words"][0]
        .as_array()
        .expect("words");
    let command: Vec<&str> = command.iter().flat_map(Json::as_str).collect();
    for _ in 0..2 {
        let said = container.exec(&command);
        assert_eq!(said.code, 0, "{}", said.text);
        assert!(
            said.text.lines().all(|it| it.starts_with("freebox")),
            "{}",
            said.text
        );
        assert!(said.text.contains("hw_board="), "{}", said.text);
    }
    assert!(container.health().0);
    let seen = container.log() + &container.shell("cat /proc/[0-9]*/cmdline");
    let secrets = at.secrets();
    assert!(
        !secrets.iter().any(|it| seen.contains(it)) && !seen.contains("S3cret"),
        "{seen}"
    );
    let logins = at
        .requests()
        .iter()
        .filter(|it| it.path.contains("login/session"))
        .count();
    assert_eq!((asked(&at), logins), (1, 1), "a session for all");
    let (code, took) = container.stop();
    assert!(
        code == 0 && took < Duration::from_secs(5),
        "{code} after {took:?}"
    );
}

fn an_image_is_built_from_all_that_the_program_is_made_of() {
    // What the Dockerfile copies, and the builder is given.
    let read = |name: &str| fs::read_to_string(project_file(name)).expect("a file");
    let dockerfile = read("contrib/docker/Dockerfile");
    let copied: Vec<&str> = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "))
        .filter(|line| !line.starts_with("--from"))
        .collect();
    let expected = [
        "Cargo.toml Cargo.lock ./",
        "src src",
        "contrib/docker/*.sh /image/usr/local/bin/",
    ];
    assert_eq!(copied, expected);
    let given = read(".dockerignore");
    let given: Vec<&str> = given
        .lines()
        .filter_map(|it| it.strip_prefix('!'))
        .collect();
    assert_eq!(
        given,
        ["Cargo.toml", "Cargo.lock", "src", "contrib/docker/*.sh"]
    );
    // Cargo is content with these, and the program has nothing of any other folder.
    let folder = tempfile::tempdir().expect("a folder");
    let mut copy = Command::new("cp");
    copy.arg("-r")
        .args(["Cargo.toml", "Cargo.lock", "src"].map(project_file));
    assert!(copy.arg(folder.path()).status().expect("cp").success());
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut metadata = Command::new(cargo);
    metadata.args(["metadata", "--no-deps", "--locked", "--format-version=1"]);
    let metadata = metadata.current_dir(folder.path()).output().expect("cargo");
    let error = String::from_utf8_lossy(&metadata.stderr);
    assert!(metadata.status.success(), "{error}");
    let mut folders = vec![folder.path().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.extension().is_some_and(|it| it == "rs") {
                true => {
                    let text = fs::read_to_string(&path).expect("a file");
                    let is_outside = |line: &str| line.contains("include_") && line.contains("../");
                    // Tests may look at the rest of the project.
                    let program = text.split("#[cfg(test)]").next().unwrap_or_default();
                    assert!(!program.lines().any(is_outside), "{}", path.display());
                }
                false if path.is_dir() => folders.push(path),
                false => {}
            }
        }
    }
}

/// The names that are set in docker-compose.env.
fn variables() -> Vec<String> {
    let path = project_file("contrib/docker/docker-compose.env");
    let text = fs::read_to_string(path).expect("a file");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let names = lines.filter_map(|line| Some(line.split_once('=')?.0.to_owned()));
    names.collect()
}

fn the_page_names_what_there_is() {
    let read = |name: &str| {
        let path = project_file("contrib/docker").join(name);
        fs::read_to_string(path).expect("a file")
    };
    let (page, compose) = (read("README.md"), read("docker-compose.yml"));
    let variables = variables();
    for name in &variables {
        let is_used = name == "COMPOSE_PROJECT_NAME" || compose.contains(&format!("${{{name}"));
        assert!(is_used, "{name} is not used");
    }
    for used in compose.split("${").skip(1) {
        let name = used.split([':', '-', '}']).next().unwrap_or_default();
        assert!(variables.iter().any(|it| it == name), "{name} is not set");
    }
    for name in OF_THE_PYTHON_SCRIPT {
        assert!(variables.iter().any(|it| it == name), "{name} is not set");
    }
    let about = format!("about {} MB", LARGEST / 1_000_000 - 1);
    assert!(page.contains(&about), "the size of the image: {about}");
    for file in ["Dockerfile", "docker-compose.yml", "docker-compose.env"] {
        assert!(page.contains(file), "{file}");
    }
}

fn grafana_finds_the_dashboards_and_their_source() {
    let read = |name: &str| fs::read_to_string(project_file(name)).expect("a file");
    let source = read("contrib/docker/grafana/datasources.yml");
    for line in ["uid: local", "type: graphite", "url: http://graphite"] {
        assert!(source.lines().any(|it| it.trim() == line), "{line}");
    }
    let dashboards = fs::read_dir(project_file("sexigraf/dashboards")).expect("a folder");
    for dashboard in dashboards {
        let text = fs::read_to_string(dashboard.expect("an entry").path()).expect("a file");
        assert!(text.contains(r#""uid": "local""#), "{text}");
    }
}

/// The variables of the container of freebox_monitor.py.
const OF_THE_PYTHON_SCRIPT: [&str; 14] = [
    "FB_MONITOR_ARGS",
    "FB_TELEGRAF_OUTPUT",
    "TELEGRAF_AGENT_INTERVAL",
    "TELEGRAF_SCRIPT_TIMEOUT",
    "INFLUXDB_URL",
    "INFLUXDB_DATABASE",
    "INFLUXDB_USERNAME",
    "INFLUXDB_PASSWORD",
    "INFLUXDB_SKIP_DATABASE_CREATION",
    "PROMETHEUS_BASIC_USERNAME",
    "PROMETHEUS_BASIC_PASSWORD",
    "PROMETHEUS_IP_RANGE",
    "DOCKER_HOST_IP",
    "DOCKER_HOST_PORT",
];

const YAML: &str = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))";

/// What Compose makes of the file with these variables, or why there is no Compose.
fn composed(variables: &Path) -> Result<Json, String> {
    let file = project_file("contrib/docker/docker-compose.yml");
    let ways: [(&str, &[&str]); 2] = [("docker-compose", &[]), ("docker", &["compose"])];
    let mut reason = String::new();
    for (program, first) in ways {
        let mut command = Command::new(program);
        command.args(first).arg("--env-file").arg(variables);
        command.arg("--file").arg(&file);
        command.args(["--profile", "graphite", "--profile", "telegraf", "config"]);
        for name in OF_THE_PYTHON_SCRIPT {
            command.env_remove(name);
        }
        match command.stdin(Stdio::null()).output() {
            Ok(output) if output.status.success() => {
                let text = String::from_utf8_lossy(&output.stdout);
                let read = python(YAML, &text);
                return read.ok_or_else(|| "there is no Python that reads YAML".to_owned());
            }
            Ok(output) => reason = String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => reason = format!("{program}: {error}"),
        }
    }
    Err(format!("there is no Docker Compose: {}", reason.trim_end()))
}

/// Whether there is a Compose here, or why not.
pub(crate) fn compose() -> Result<(), String> {
    let mut version = Command::new("docker-compose");
    let is_there = version.arg("version").output().is_ok()
        || Command::new("docker")
            .args(["compose", "version"])
            .output()
            .is_ok_and(|it| it.status.success());
    match is_there && python(YAML, "{}").is_some() {
        true => Ok(()),
        false => Err("there is no Docker Compose, or no Python that reads YAML".to_owned()),
    }
}

fn the_compose_file_has_two_profiles() {
    let file = project_file("contrib/docker/docker-compose.env");
    let all = composed(&file).expect("it is a compose file");
    let services = all["services"].as_object().expect("services");
    let mut profiles: Vec<(&str, &Json)> = services
        .iter()
        .map(|(name, service)| (name.as_str(), &service["profiles"]))
        .collect();
    profiles.sort_unstable_by_key(|(name, _)| *name);
    let (graphite, telegraf) = (json!(["graphite"]), json!(["telegraf"]));
    let expected = [
        ("freebox-monitor", &graphite),
        ("grafana", &graphite),
        ("graphite", &graphite),
        ("telegraf", &telegraf),
    ];
    assert_eq!(profiles, expected);
    let monitor = &services["freebox-monitor"]["environment"];
    let arguments = "--carbon graphite --template sexigraf --all";
    assert_eq!(monitor["FB_MONITOR_ARGS"], arguments);
    assert_eq!(monitor["FB_MONITOR_EVERY"], "60");
    let telegraf = &services["telegraf"];
    assert_eq!(telegraf["build"]["target"], "telegraf");
    let in_it = telegraf["environment"].as_object().expect("variables");
    let (host, inside): (Vec<&str>, Vec<&str>) = OF_THE_PYTHON_SCRIPT
        .iter()
        .partition(|name| name.starts_with("DOCKER_HOST"));
    assert_eq!(host.len(), 2);
    assert!(
        in_it.keys().all(|name| inside.contains(&name.as_str())),
        "{in_it:?}"
    );
    assert_eq!(in_it.len(), inside.len());
    // Every file of the project that a container is given is there.
    let path = project_file("contrib/docker/docker-compose.yml");
    let raw = python(YAML, &fs::read_to_string(path).expect("a file")).expect("YAML");
    let mut seen = 0;
    for service in raw["services"].as_object().expect("services").values() {
        for volume in service["volumes"].as_array().expect("volumes") {
            let from = volume.as_str().and_then(|it| it.split(':').next());
            let from = from.expect("a place");
            if from.starts_with('.') {
                seen += 1;
                assert!(project_file("contrib/docker").join(from).exists(), "{from}");
            }
        }
    }
    assert_eq!(seen, 5);
}

fn values_come_through_the_compose_file_as_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("variables");
    let password = r#"p"a$HOME $$ \n # %s"#;
    let text = format!(
        "INFLUXDB_PASSWORD='{password}'\nFB_TELEGRAF_OUTPUT=influx:prometheus\n\
         FB_MONITOR_ARGS=-SPHDWX --name \"my box\"\nFB_MONITOR_CARBON=carbon.example:2103\n\
         DOCKER_HOST_IP=192.168.1.2\nDOCKER_HOST_PORT=9999\nFB_MONITOR_VOLUME=of_the_script\n"
    );
    fs::write(&file, text).expect("a file");
    let all = composed(&file).expect("it is a compose file");
    let telegraf = &all["services"]["telegraf"];
    let value = |name: &str| {
        let value = telegraf["environment"][name].as_str().expect("a text");
        // It prints each dollar twice, so that the output is a compose file again.
        value.replace("$$", "$")
    };
    assert_eq!(value("INFLUXDB_PASSWORD"), password);
    assert_eq!(value("FB_TELEGRAF_OUTPUT"), "influx:prometheus");
    assert_eq!(value("INFLUXDB_USERNAME"), "");
    let monitor = &all["services"]["freebox-monitor"]["environment"]["FB_MONITOR_ARGS"];
    let arguments = "--carbon carbon.example:2103 --template sexigraf -SPHDWX --name \"my box\"";
    assert_eq!(monitor, arguments);
    let port = telegraf["ports"][0].to_string();
    for part in ["192.168.1.2", "9999", "9273"] {
        assert!(port.contains(part), "{port}");
    }
    assert_eq!(all["volumes"]["data"]["name"], "of_the_script");
}
