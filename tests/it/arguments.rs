//! The command line, and the files it names.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::Trial;

use crate::monitor::{Monitor, PROGRAM, project_file};
use crate::receiver::{Manner, Receiver};
use crate::trials;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        help_and_version_go_to_stdout,
        the_page_has_the_exit_codes_of_the_help,
        misuse_is_one_line_and_exit_1,
        a_file_that_is_not_there_is_named,
        without_registration_the_way_to_it_is_said,
        the_list_of_metrics_is_a_table,
        a_folder_is_no_file,
        a_recording_that_is_none_is_refused,
        the_crontab_for_sexigraf_works,
        every_crontab_line_that_is_shown_says_the_same_trouble_once,
        several_boxes_want_to_be_told_apart,
        a_secret_in_broken_credentials_is_not_quoted,
        without_a_home_everything_still_works,
        a_home_that_is_none_is_a_place_where_no_file_is,
        the_home_of_somebody_else_is_a_place_where_no_file_is,
        metrics_can_be_listed_by_a_pattern,
        metrics_are_listed_for_people_on_a_terminal,
        a_closed_stdout_is_an_error_where_lines_were_to_be_printed,
        a_closed_stdout_is_nothing_where_none_were,
        a_stdout_that_only_leads_nowhere_is_no_error,
        a_log_level_that_is_none_says_nothing,
    ]
}

fn help_and_version_go_to_stdout() {
    let help = Monitor::new().run(&["--help"]);
    help.is_fine();
    for option in [
        "--register",
        "--carbon",
        "--replay",
        "--dry-run",
        "--ssl-ca-bundle-file",
    ] {
        assert!(help.stdout.contains(option), "{option}");
    }
    assert_eq!(Monitor::new().run(&["help"]).stdout, help.stdout);
    let version = Monitor::new().run(&["-v"]);
    version.is_fine();
    assert_eq!(
        version.stdout,
        format!("freebox-monitor {}\n", env!("CARGO_PKG_VERSION"))
    );
}

fn the_page_has_the_exit_codes_of_the_help() {
    let page = project_file("contrib/installation.md");
    let readme = fs::read_to_string(page).expect("the page");
    let help = Monitor::new().run(&["--help"]).stdout;
    let codes = |text: &str, start: &str, end: char| -> Vec<u8> {
        let behind = text.split_once(start).expect(start).1;
        let rows = behind.lines().skip(1).take_while(|row| !row.is_empty());
        let words = rows.map(|row| row.trim_start_matches(['|', ' ']).split(end).next());
        words.filter_map(|word| word?.trim().parse().ok()).collect()
    };
    let of_help = codes(&help, "Exit codes:", ' ');
    assert_eq!(of_help, [0, 1, 2, 3, 4, 5, 70, 75]);
    assert_eq!(codes(&readme, "| exit | when |", '|'), of_help);
}

fn misuse_is_one_line_and_exit_1() {
    let cases: [(&[&str], &str); 8] = [
        (&["--nothing"], "--nothing"),
        (&["--timeout", "never"], "a number of seconds"),
        (&["--carbon"], "--carbon"),
        (&["--carbon", "host:port"], "'port' is no port"),
        (&["-e", "gopher://box"], "neither http nor https"),
        (&["-f", "html"], "graphite"),
        (&["--register", "--replay", "x"], "exclude each other"),
        (&["--", "stray"], "stray"),
    ];
    for (arguments, words) in cases {
        Monitor::new().run(arguments).failed(1, words);
    }
}

fn a_file_that_is_not_there_is_named() {
    for option in ["--config", "--template", "--replay", "--ssl-ca-bundle-file"] {
        let run = Monitor::new().run(&[option, "/nonexistent/file"]);
        run.failed(
            1,
            "cannot read /nonexistent/file: No such file or directory",
        );
    }
    // What makes it, and what there is instead.
    let monitor = Monitor::new();
    let hint = "; freebox-monitor --register --config /nonexistent/file makes it";
    monitor.run(&["-c", "/nonexistent/file"]).failed(1, hint);
    let hint = "; the shipped ones are dotted, tagged, flat, sexigraf";
    monitor.run(&["-t", "sexigarf"]).failed(1, hint);
}

fn without_registration_the_way_to_it_is_said() {
    Monitor::new()
        .run(&[])
        .failed(3, "run freebox-monitor --register");
}

fn the_list_of_metrics_is_a_table() {
    let list = Monitor::new().run(&["--list-metrics"]);
    list.is_fine();
    let row = list
        .stdout
        .lines()
        .find(|row| row.starts_with("connection.xdsl.down.snr "));
    let cells: Vec<&str> = row.expect("a row").split_whitespace().take(7).collect();
    let expected = [
        "connection.xdsl.down.snr",
        "connection.xdsl.down.snr",
        "dB",
        "gauge",
        "connection",
        "xdsl_down_snr",
        "freebox_connection_xdsl_down_snr_decibels",
    ];
    assert_eq!(cells, expected);
    assert!(
        list.stdout.contains("0 down, 1 training"),
        "{}",
        list.stdout
    );
}

fn a_folder_is_no_file() {
    let monitor = Monitor::new();
    let home = monitor.path("");
    for option in ["--config", "--template", "--replay"] {
        monitor
            .run(&[option, home.to_str().unwrap()])
            .failed(1, "Is a directory");
    }
}

fn a_recording_that_is_none_is_refused() {
    let monitor = Monitor::new();
    let cases = [
        ("", "EOF"),
        ("{}", "its \"format\" is not"),
        (
            r#"{"format":"freebox-monitor recording 1"}"#,
            "its \"api_version\" names no version",
        ),
        (
            r#"{"format":"freebox-monitor recording 1","api_version":{"api_version":"8.0"}}"#,
            "it has no \"answers\"",
        ),
    ];
    for (content, words) in cases {
        let path = monitor.write("recording.json", content);
        monitor
            .run(&["--replay", path.to_str().unwrap()])
            .failed(1, words);
    }
}

fn the_crontab_for_sexigraf_works() {
    let text = fs::read_to_string(project_file("sexigraf/freebox-monitor.cron"));
    let text = text.expect("the crontab");
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("* * * * * "))
        .collect();
    let [line] = lines[..] else {
        panic!("not one line: {text}");
    };
    let words: Vec<&str> = line.split_whitespace().skip(5).collect();
    // As its own user; what is wrong goes to syslog.
    assert_eq!(words[..2], ["freebox-monitor", "freebox-monitor"]);
    let (words, log) = words.split_at(words.len() - 5);
    assert_eq!(log.join(" "), "2>&1 | logger -t freebox-monitor");
    let recording = project_file("tests/boxes/ultra.json");
    let preview = ["--dry-run", "--replay", recording.to_str().unwrap()];
    let run = Monitor::new().run(&[&words[2..], &preview].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stderr.contains("lines for carbon at localhost:2003"),
        "{}",
        run.stderr
    );
}

/// The lines of a crontab in a file of the project.
fn crontab_lines(file: &str) -> Vec<String> {
    let text = fs::read_to_string(project_file(file)).expect("the file");
    let lines = text.lines().map(str::trim);
    let is_for_cron = |line: &&str| line.starts_with("* * * * * ");
    lines.filter(is_for_cron).map(str::to_owned).collect()
}

fn every_crontab_line_that_is_shown_says_the_same_trouble_once() {
    for file in [
        "README.md",
        "contrib/installation.md",
        "sexigraf/README.md",
        "sexigraf/freebox-monitor.cron",
    ] {
        let lines = crontab_lines(file);
        assert!(!lines.is_empty(), "{file}");
        for line in lines {
            assert!(line.contains(" --repeat-after 1h"), "{file}: {line}");
        }
    }
    let help = Monitor::new().run(&["--help"]).stdout;
    let lines: Vec<&str> = help.lines().filter(|it| it.contains("* * * * *")).collect();
    assert!(
        lines.len() == 1 && lines[0].ends_with(" --repeat-after 1h"),
        "{help}"
    );
}

fn several_boxes_want_to_be_told_apart() {
    let monitor = Monitor::new();
    let file = r#"{"boxes":[{"app_id":"a","app_token":"t1","name":"home","uid":"1"},
                            {"app_id":"a","app_token":"t2","name":"away","uid":"2"}]}"#;
    monitor.write(".config/freebox-monitor/credentials.json", file);
    monitor.run(&[]).failed(
        1,
        "several boxes; pick one with --name or --endpoint: home (mafreebox.freebox.fr), away (mafreebox.freebox.fr)",
    );
    monitor
        .run(&["--name", "elsewhere"])
        .failed(3, "no such box is registered; there is home (maf");
}

fn a_secret_in_broken_credentials_is_not_quoted() {
    let monitor = Monitor::new();
    for content in [
        r#"{"boxes":[{"app_id":"a","app_token":"S3CRET"#,
        r#"{"boxes":{"app_token":"S3CRET"}}"#,
        "S3CRET",
        "[general]\nS3CRET\n",
        r#"{"boxes":[{"app_id":"a","app_token":"S3CRET\n"}]}"#,
    ] {
        monitor.write(".config/freebox-monitor/credentials.json", content);
        let run = monitor.run(&["--debug"]);
        run.failed(1, "no credentials:");
        assert!(!run.stderr.contains("S3CRET"), "{}", run.stderr);
    }
}

fn without_a_home_everything_still_works() {
    let recording = project_file("tests/boxes/ultra.json");
    let mut command = Monitor::new().command(&["--replay", recording.to_str().unwrap()]);
    let output = command
        .env_remove("HOME")
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}

fn a_home_that_is_none_is_a_place_where_no_file_is() {
    let recording = project_file("tests/boxes/ultra.json");
    let round = tempfile::tempdir().expect("a folder");
    let round = round.path().join("round");
    std::os::unix::fs::symlink(&round, &round).expect("a link");
    for home in ["/dev/null", "/nonexistent", round.to_str().unwrap(), ""] {
        let run = |arguments: &[&str]| {
            let mut command = Monitor::new().command(arguments);
            let output = command.env("HOME", home).output().expect("a run");
            let words = String::from_utf8(output.stderr).expect("UTF-8");
            (output.status.code(), words)
        };
        let replay = run(&["--replay", recording.to_str().unwrap()]);
        assert_eq!(replay, (Some(0), String::new()), "{home}");
        let (code, words) = run(&[]);
        assert_eq!(code, Some(3), "{home}: {words}");
        assert!(words.contains("no box is registered"), "{home}: {words}");
    }
}

/// Another user than root, as whom a program can be started; nobody else can start one so.
pub(crate) fn as_nobody() -> Option<[&'static str; 6]> {
    let words = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--",
        "env",
    ];
    let mut command = Command::new(words[0]);
    let tried = command.args(&words[1..5]).arg("true").output();
    tried.is_ok_and(|it| it.status.success()).then_some(words)
}

fn the_home_of_somebody_else_is_a_place_where_no_file_is() {
    let monitor = Monitor::new();
    // Where nobody can be somebody else, a home without any right does.
    let (before, locked) = match as_nobody() {
        Some(words) => (words.to_vec(), 0o700),
        None => (vec!["env"], 0),
    };
    let recording = fs::read(project_file("tests/boxes/ultra.json")).expect("a recording");
    let open = tempfile::tempdir().expect("a folder");
    let path = |name: &str| open.path().join(name);
    let access = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode");
    };
    access(open.path(), 0o755);
    fs::write(path("box.json"), recording).expect("a recording");
    fs::copy(PROGRAM, path("program")).expect("the program");
    monitor.write(".config/freebox-monitor/template", "nonsense\n");
    access(&monitor.path(""), locked);
    let run = |arguments: &[&str]| {
        let mut command = Command::new(before[0]);
        command
            .args(&before[1..])
            .arg(path("program"))
            .args(arguments);
        command.env_clear().env("PATH", "/usr/bin:/bin");
        command.env("HOME", monitor.path("")).stdin(Stdio::null());
        let output = command.output().expect("a run");
        let words = String::from_utf8(output.stderr).expect("UTF-8");
        (output.status.code(), words)
    };
    let replay = run(&["--replay", path("box.json").to_str().unwrap()]);
    let (code, words) = run(&[]);
    access(&monitor.path(""), 0o700);
    assert_eq!(replay, (Some(0), String::new()));
    assert_eq!(code, Some(3), "{words}");
    assert!(
        words.contains("credentials.json: Permission denied"),
        "{words}"
    );
}

fn metrics_can_be_listed_by_a_pattern() {
    let names = |arguments: &[&str]| -> Vec<String> {
        let list = Monitor::new().run(arguments);
        list.is_fine();
        let rows = list.stdout.lines().skip(1);
        let names = rows.map(|row| row.split(' ').next().unwrap().to_owned());
        names.collect()
    };
    let all = names(&["--list-metrics"]);
    let below = names(&["--list-metrics", "connection.xdsl.**"]);
    let expected = |name: &&String| name.starts_with("connection.xdsl.");
    assert_eq!(
        below,
        all.iter().filter(expected).cloned().collect::<Vec<_>>()
    );
    assert!(below.len() > 10);
    let rates = names(&["--list-metrics=connection.rate_*"]);
    assert_eq!(rates, ["connection.rate_down", "connection.rate_up"]);
    Monitor::new()
        .run(&["--list-metrics", "connection"])
        .failed(1, "'connection.**' about all below it");
}

/// Runs the program on a terminal of 80 columns, and gives what that shows.
fn on_a_terminal(arguments: &str) -> String {
    let command = format!("stty cols 80; {PROGRAM} {arguments}");
    let mut script = Command::new("script");
    script.args(["-qec", &command, "/dev/null"]);
    let output = script.stdin(Stdio::null()).output().expect("script starts");
    String::from_utf8(output.stdout)
        .expect("UTF-8")
        .replace('\r', "")
}

fn metrics_are_listed_for_people_on_a_terminal() {
    let shown = on_a_terminal("--list-metrics 'connection.**'");
    assert!(shown.starts_with("connection: the line"), "{shown}");
    let widest = shown.lines().map(|line| line.chars().count()).max();
    assert!(widest.is_some_and(|it| (60..=80).contains(&it)), "{shown}");
}

/// Runs the program with stdout as the shell makes it of `redirection`.
fn redirected(monitor: &Monitor, arguments: &[&str], redirection: &str) -> (Option<i32>, String) {
    let script = format!("exec \"$0\" \"$@\" {redirection}");
    let output = monitor.in_shell(&script, arguments).output();
    let output = output.expect("a shell");
    let words = String::from_utf8(output.stderr).expect("UTF-8");
    (output.status.code(), words)
}

const PRINTING: [&[&str]; 6] = [
    &[],
    &["--dry-run", "--carbon", "localhost"],
    &["--print-template"],
    &["--check-template"],
    &["--list-metrics"],
    &["--help"],
];

fn a_closed_stdout_is_an_error_where_lines_were_to_be_printed() {
    let recording = project_file("tests/boxes/ultra.json");
    for arguments in PRINTING {
        let arguments = match arguments {
            [] | ["--dry-run", ..] => {
                [&["--replay", recording.to_str().unwrap()], arguments].concat()
            }
            _ => arguments.to_vec(),
        };
        let (code, words) = redirected(&Monitor::new(), &arguments, ">&-");
        assert_eq!(code, Some(1), "{arguments:?}: {words}");
        assert_eq!(words.lines().count(), 1, "{arguments:?}: {words}");
        assert!(
            words.starts_with("freebox-monitor: cannot write to stdout"),
            "{words}"
        );
    }
    let (code, words) = redirected(&Monitor::new(), &["--check"], ">&-");
    assert_eq!((code, words.lines().count()), (Some(1), 1), "{words}");
}

fn a_closed_stdout_is_nothing_where_none_were() {
    let carbon = Receiver::start(Manner::Good);
    let recording = project_file("tests/boxes/ultra.json");
    let arguments = [
        "--replay",
        recording.to_str().unwrap(),
        "--carbon",
        &carbon.address(),
    ];
    let ended = redirected(&Monitor::new(), &arguments, ">&-");
    assert_eq!(ended, (Some(0), String::new()));
    assert!(carbon.received().lines().count() > 10);
}

fn a_stdout_that_only_leads_nowhere_is_no_error() {
    let recording = project_file("tests/boxes/ultra.json");
    let arguments = ["--replay", recording.to_str().unwrap()];
    for redirection in [">/dev/null", "1<>/dev/null", "2>&1 >/dev/null"] {
        let ended = redirected(&Monitor::new(), &arguments, redirection);
        assert_eq!(ended, (Some(0), String::new()), "{redirection}");
    }
}

fn a_log_level_that_is_none_says_nothing() {
    let recording = project_file("tests/boxes/ultra.json");
    for nonsense in [
        "nonsense",
        "freebox_monitor=nonsense",
        "a=b=c",
        "/a/b/",
        ",,,",
        "",
    ] {
        let monitor = Monitor::new().with_variable("RUST_LOG", nonsense);
        monitor
            .run(&["--replay", recording.to_str().unwrap()])
            .is_fine();
        // What is wrong is still said.
        monitor.run(&["--nothing"]).failed(1, "--nothing");
    }
    let silent = Monitor::new().with_variable("RUST_LOG", "off");
    let run = silent.run(&["--nothing"]);
    assert_eq!((run.code, run.stderr.as_str()), (1, ""));
}
