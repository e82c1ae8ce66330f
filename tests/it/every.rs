//! `--every`: a process that stays.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};

use crate::monitor::Monitor;
use crate::receiver::Sink;
use crate::session::{healthy, known_app};
use crate::simulated_freebox::{Fault, Options, Outcome, SimulatedFreebox};
use crate::trials;
use crate::until::until;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        runs_begin_at_the_beat_over_one_connection,
        a_signal_ends_it_cleanly,
        a_signal_in_the_middle_of_a_run_waits_for_its_end,
        a_second_signal_ends_it_at_once,
        a_box_that_goes_and_comes_back_is_no_end,
        a_long_run_costs_a_beat_and_doubles_none,
        what_cannot_work_at_all_ends_at_once,
        another_run_prints_beside_it,
        an_update_of_the_box_is_noticed,
        access_that_is_granted_anew_is_found,
        a_changed_file_is_read_when_somebody_says_so,
        a_good_run_leaves_its_time_and_no_other_does,
    ]
}

pub(crate) fn trials_with_hosts() -> Vec<Trial> {
    trials![a_name_that_comes_to_mean_another_address_is_followed]
}

/// Whether names can be given other meanings here, or why not.
pub(crate) fn hosts() -> Result<(), String> {
    let script = "mount --bind /etc/hostname /etc/hosts";
    let tried = Command::new("unshare")
        .args(["-m", "sh", "-c", script])
        .output();
    match tried.is_ok_and(|it| it.status.success()) {
        true => Ok(()),
        false => Err("names cannot be given other meanings on this machine".to_owned()),
    }
}

/// A process that stays, delivering to a sink.
struct Stays {
    child: Child,
}

impl Stays {
    fn start(monitor: &Monitor, sink: &Sink, every: &str) -> Self {
        let address = sink.address();
        Stays::spawn(monitor.command(&["--every", every, "--carbon", &address]))
    }

    fn spawn(mut command: Command) -> Self {
        let child = command.stderr(Stdio::piped()).spawn().expect("the program");
        Stays { child }
    }

    fn signal(&self, signal: Signal) {
        let process = Pid::from_raw(i32::try_from(self.child.id()).expect("a pid"));
        kill_process(process.expect("a pid"), signal).expect("a signal");
    }

    /// Its exit code and what it said.
    fn end(mut self) -> (Option<i32>, String) {
        let mut words = String::new();
        let mut stderr = self.child.stderr.take().expect("a pipe");
        std::io::Read::read_to_string(&mut stderr, &mut words).expect("UTF-8");
        (self.child.wait().expect("its end").code(), words)
    }
}

/// Waits until so many runs have delivered, and gives the timestamp of each.
#[track_caller]
fn runs(sink: &Sink, count: usize) -> Vec<u64> {
    let mut stamps = Vec::new();
    let until = Instant::now() + Duration::from_secs(20);
    while stamps.len() < count {
        assert!(Instant::now() < until, "only {stamps:?}");
        for text in sink.take() {
            let last = text.lines().last().expect("a line");
            stamps.push(last.rsplit(' ').next().unwrap().parse().unwrap());
        }
        thread::sleep(Duration::from_millis(5));
    }
    stamps
}

fn set_up() -> (SimulatedFreebox, Monitor, Sink) {
    let at = healthy();
    let monitor = Monitor::registered(&at).with(&["--resend", "0"]);
    (at, monitor, Sink::start())
}

fn runs_begin_at_the_beat_over_one_connection() {
    let (at, monitor, sink) = set_up();
    let stays = Stays::start(&monitor, &sink, "2");
    let stamps = runs(&sink, 3);
    assert!(stamps.iter().all(|stamp| stamp % 2 == 0), "{stamps:?}");
    assert!(
        stamps.windows(2).all(|two| two[1] == two[0] + 2),
        "{stamps:?}"
    );
    stays.signal(Signal::TERM);
    assert_eq!(stays.end(), (Some(0), String::new()));
    let log_ins = at
        .requests()
        .into_iter()
        .filter(|it| it.path.ends_with("login/session/"));
    assert_eq!(log_ins.count(), 1);
    let connections: std::collections::HashSet<u64> = at
        .requests()
        .into_iter()
        .filter(|it| it.path.ends_with("connection/"))
        .map(|it| it.connection)
        .collect();
    assert_eq!(connections.len(), 1);
}

fn a_signal_ends_it_cleanly() {
    for signal in [Signal::TERM, Signal::INT] {
        let (_at, monitor, sink) = set_up();
        let stays = Stays::start(&monitor, &sink, "1");
        runs(&sink, 1);
        let start = Instant::now();
        stays.signal(signal);
        assert_eq!(stays.end(), (Some(0), String::new()));
        assert!(
            start.elapsed() < Duration::from_secs(1),
            "{:?}",
            start.elapsed()
        );
    }
}

fn a_signal_in_the_middle_of_a_run_waits_for_its_end() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    monitor.run(&[]).is_fine();
    at.fault(
        "connection/ftth",
        crate::simulated_freebox::Fault::Latency(Duration::from_millis(800)),
    );
    let sink = Sink::start();
    at.clear_requests();
    let stays = Stays::start(&monitor, &sink, "1");
    until("no run", || !at.requests().is_empty());
    stays.signal(Signal::TERM);
    assert_eq!(stays.end(), (Some(0), String::new()));
    let text = sink.take().concat();
    assert!(text.contains(".connection.ftth.link 1 "), "{text}");
}

fn a_second_signal_ends_it_at_once() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    at.fault("", crate::simulated_freebox::Fault::Hang);
    let sink = Sink::start();
    let stays = Stays::start(&monitor, &sink, "1");
    until("no run", || !at.requests().is_empty());
    let start = Instant::now();
    stays.signal(Signal::TERM);
    thread::sleep(Duration::from_millis(100));
    stays.signal(Signal::TERM);
    let (code, _) = stays.end();
    assert_eq!(code, None, "it ended by the signal");
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
}

fn a_box_that_goes_and_comes_back_is_no_end() {
    let (at, monitor, sink) = set_up();
    let stays = Stays::start(&monitor, &sink, "1");
    runs(&sink, 1);
    at.refuse();
    let has_told = |line| sink.take().concat().contains(line);
    until("no outage", || has_told(".exec.up 0 "));
    at.accept_again();
    until("no end of the outage", || has_told(".exec.up 1 "));
    stays.signal(Signal::INT);
    let (code, words) = stays.end();
    assert_eq!(code, Some(0));
    assert!(words.contains("connection refused"), "{words}");
    assert!(words.lines().count() < 10, "{words}");
}

fn a_long_run_costs_a_beat_and_doubles_none() {
    let at = healthy();
    let monitor = Monitor::registered(&at).with(&["--resend", "0"]);
    monitor.run(&[]).is_fine();
    at.fault_times(
        "connection/ftth",
        crate::simulated_freebox::Fault::Latency(Duration::from_millis(2300)),
        1,
    );
    let sink = Sink::start();
    let stays = Stays::start(&monitor, &sink, "1");
    let stamps = runs(&sink, 4);
    assert!(stamps.windows(2).all(|two| two[0] < two[1]), "{stamps:?}");
    assert!(stamps[1] >= stamps[0] + 3, "{stamps:?}");
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    assert!(stamps[3].abs_diff(now) <= 3, "{stamps:?} {now}");
    stays.signal(Signal::TERM);
    assert_eq!(stays.end().0, Some(0));
}

fn what_cannot_work_at_all_ends_at_once() {
    let monitor = Monitor::new();
    monitor.run(&["--every", "60"]).failed(3, "--register");
    let template = monitor.write("my.template", "** {nothing}\n");
    let run = monitor.run(&["--every", "60", "-t", template.to_str().unwrap()]);
    run.failed(1, "unknown placeholder {nothing}");
}

fn another_run_prints_beside_it() {
    let (_at, monitor, sink) = set_up();
    let stays = Stays::start(&monitor, &sink, "1");
    runs(&sink, 1);
    monitor.run(&[]).is_fine();
    stays.signal(Signal::TERM);
    assert_eq!(stays.end(), (Some(0), String::new()));
}

/// Waits until a run has delivered a line that holds these words, and gives the timestamps of all
/// runs until then.
#[track_caller]
fn until_it_says(sink: &Sink, words: &str) -> Vec<u64> {
    let mut stamps = Vec::new();
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        for text in sink.take() {
            let last = text.lines().last().expect("a line");
            stamps.push(last.rsplit(' ').next().unwrap().parse().unwrap());
            if text.contains(words) {
                return stamps;
            }
        }
        assert!(Instant::now() < end, "nothing with {words:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[track_caller]
fn none_is_missing(stamps: &[u64]) {
    let follows = |two: &[u64]| two[1] == two[0] + 1;
    assert!(stamps.windows(2).all(follows), "{stamps:?}");
}

fn an_update_of_the_box_is_noticed() {
    let at = healthy();
    at.set_version("10.2");
    let monitor = Monitor::registered(&at).with(&["--resend", "0", "--status-update"]);
    let sink = Sink::start();
    let stays = Stays::start(&monitor, &sink, "1");
    let mut stamps = until_it_says(&sink, ".exec.up 1 ");
    at.refuse();
    stamps.extend(until_it_says(&sink, ".exec.up 0 "));
    at.set_version("14.0");
    at.expire_sessions();
    at.accept_again();
    stamps.extend(until_it_says(&sink, ".update.state "));
    // Without an outage as well.
    at.set_version("16.0");
    at.expire_sessions();
    at.clear_requests();
    stamps.extend(runs(&sink, 2));
    assert!(at.requests().iter().any(|it| it.path == "/api/v16/update/"));
    none_is_missing(&stamps);
    stays.signal(Signal::TERM);
    assert_eq!(stays.end().0, Some(0));
}

fn access_that_is_granted_anew_is_found() {
    let at = SimulatedFreebox::start(Options {
        registration: Outcome::Granted { after_polls: 0 },
        ..Options::default()
    });
    let monitor = Monitor::trusting(&at).with(&["--resend", "0"]);
    let place = format!("localhost:{}", at.https_port());
    let register = ["--register", "--force", "-e", &place];
    assert_eq!(monitor.run(&register).code, 0);
    let sink = Sink::start();
    let stays = Stays::start(&monitor, &sink, "1");
    let mut stamps = until_it_says(&sink, ".exec.up 1 ");
    at.revoke("fr.freebox.freebox-monitor");
    at.expire_sessions();
    stamps.extend(until_it_says(&sink, ".exec.up 0 "));
    assert_eq!(monitor.run(&register).code, 0);
    stamps.extend(until_it_says(&sink, ".exec.up 1 "));
    none_is_missing(&stamps);
    stays.signal(Signal::TERM);
    let (code, words) = stays.end();
    assert_eq!(code, Some(0));
    assert!(
        words.contains("does not know this application any more"),
        "{words}"
    );
}

fn a_changed_file_is_read_when_somebody_says_so() {
    let (at, monitor, sink) = set_up();
    let stays = Stays::start(&monitor, &sink, "1");
    let mut stamps = runs(&sink, 1);
    let before = fs::read_to_string(monitor.credentials()).unwrap();
    let named = before.replace(r#""app_id""#, r#""name":"cellar","app_id""#);
    fs::write(monitor.credentials(), &named).unwrap();
    stays.signal(Signal::HUP);
    stamps.extend(until_it_says(&sink, "freebox.cellar.connection.state 1 "));
    // What cannot be read is told, and no run is missed by it.
    fs::write(monitor.credentials(), "{").unwrap();
    stays.signal(Signal::HUP);
    stamps.extend(runs(&sink, 2));
    fs::write(monitor.credentials(), named.replace("cellar", "attic")).unwrap();
    stays.signal(Signal::HUP);
    stamps.extend(until_it_says(&sink, "freebox.attic.connection.state 1 "));
    none_is_missing(&stamps);
    stays.signal(Signal::TERM);
    let (code, words) = stays.end();
    assert_eq!((code, words.lines().count()), (Some(0), 1), "{words}");
    assert!(
        words.contains("no credentials: ") && words.contains("going on"),
        "{words}"
    );
    // The session was good all the time.
    let logins = at
        .requests()
        .into_iter()
        .filter(|it| it.path.ends_with("login/session/"));
    assert_eq!(logins.count(), 1);
}

fn a_good_run_leaves_its_time_and_no_other_does() {
    let at = healthy();
    let monitor = Monitor::registered(&at);
    let file = monitor.path("heartbeat");
    let with_it = |more: &[&str]| {
        monitor.run(&[&["-W", "--heartbeat", file.to_str().unwrap()], more].concat())
    };
    with_it(&["--dry-run"]);
    assert!(!file.exists());
    let run = with_it(&[]);
    let stamp = run.is_fine().stdout.trim_end().rsplit(' ').next().unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{stamp}\n"));
    // Some answer is missing, but the lines are there.
    fs::remove_file(&file).unwrap();
    at.fault("wifi/ap", Fault::TruncatedJson);
    assert_eq!(with_it(&[]).code, 2);
    assert!(file.exists());
    at.clear_faults();
    // Not delivered, or nothing to deliver.
    fs::remove_file(&file).unwrap();
    with_it(&["--output", "/dev/full"]).complained(1, "/dev/full");
    at.refuse();
    assert_eq!(with_it(&[]).code, 4);
    assert_eq!(with_it(&["-f", "influxdb"]).code, 0);
    assert!(!file.exists());
    // One that cannot be written is noticed before anything is asked.
    let run = monitor.run(&["--heartbeat", "/nowhere/heartbeat"]);
    run.failed(1, "/nowhere/heartbeat");
}

/// A program for which `box.test` means what a file says.
fn with_hosts(monitor: &Monitor, hosts: &std::path::Path, arguments: &[&str]) -> Command {
    let plain = monitor.command(arguments);
    let mut command = Command::new("unshare");
    let script = r#"mount --bind "$0" /etc/hosts && exec "$@""#;
    command.args(["-m", "sh", "-c", script]).arg(hosts);
    command.arg(plain.get_program()).args(plain.get_args());
    command.env_clear();
    let variables = plain.get_envs();
    command.envs(variables.filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null());
    command
}

fn a_name_that_comes_to_mean_another_address_is_followed() {
    let first = healthy();
    let second = SimulatedFreebox::start(Options {
        apps: vec![known_app()],
        address: "127.0.0.2",
        http_port: first.http_port(),
        https_port: first.https_port(),
        ..Options::default()
    });
    let monitor = Monitor::new().with(&["--resend", "0", "--ssl-no-verify"]);
    monitor.write_credentials(&serde_json::json!({
        "app_id": crate::monitor::APP_ID, "app_token": crate::monitor::APP_TOKEN,
        "endpoint": format!("https://box.test:{}", first.https_port()),
    }));
    let hosts = monitor.write("hosts", "127.0.0.1 box.test localhost\n");
    let means = |address: &str| {
        // In place: the file itself is what the program sees.
        fs::write(&hosts, format!("{address} box.test localhost\n")).unwrap();
    };
    let sink = Sink::start();
    let arguments = ["--every", "1", "--carbon", &sink.address()];
    let stays = Stays::spawn(with_hosts(&monitor, &hosts, &arguments));
    until_it_says(&sink, ".exec.up 1 ");
    assert!(second.requests().is_empty());
    // The first one is still there, and is not asked any more.
    means("127.0.0.2");
    runs(&sink, 1);
    first.clear_requests();
    runs(&sink, 1);
    assert!(first.requests().is_empty() && !second.requests().is_empty());
    // The second one goes before its name means the first one again.
    second.refuse();
    until_it_says(&sink, ".exec.up 0 ");
    means("127.0.0.1");
    none_is_missing(&until_it_says(&sink, ".exec.up 1 "));
    stays.signal(Signal::TERM);
    assert_eq!(stays.end().0, Some(0));
}
