//! The page for man and the completions in `contrib`, in the real man, bash, zsh and fish. That they
//! are what the program says of its options is a unit test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::monitor::project_file;
use crate::trials;

/// The cases of each of them, and whether it is there.
pub(crate) fn trials() -> [(Result<(), String>, Vec<Trial>); 4] {
    let bash = trials![
        bash_completes_options_and_values,
        bash_completes_files,
        bash_completes_hosts_with_and_without_its_package,
    ];
    let zsh = trials![zsh_completes, zsh_takes_the_file_with_source];
    let fish = trials![fish_completes, fish_says_what_it_offers];
    let man = trials![man_shows_the_page_without_a_warning];
    [
        (program("bash"), bash),
        (program("zsh"), zsh),
        (program("fish"), fish),
        (program("man"), man),
    ]
}

/// Whether this program is on this machine, or why its cases are left out.
fn program(name: &str) -> Result<(), String> {
    let output = Command::new(name).arg("--version").output();
    match output.is_ok_and(|it| it.status.success()) {
        true => Ok(()),
        false => Err(format!("there is no {name} on this machine")),
    }
}

/// A folder with some files that could be meant.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["plain.json", "a b.json", "x:y.json"] {
        fs::write(folder.path().join(name), "").expect("a file");
    }
    fs::create_dir(folder.path().join("plates")).expect("a folder");
    folder
}

/// Where the completions are.
fn completions() -> PathBuf {
    project_file("contrib/completions")
}

/// What a shell says of a script, in a folder that is its home as well.
fn said(shell: &mut Command, folder: &Path) -> String {
    shell.current_dir(folder);
    shell.env("HOME", folder).env("XDG_CONFIG_HOME", folder);
    shell.env("LC_ALL", "C.UTF-8").env("TERM", "dumb");
    let Output {
        status,
        stdout,
        stderr,
    } = shell.output().expect("a shell");
    let (stdout, stderr) = (utf8(stdout), utf8(stderr));
    assert!(status.success() && stderr.is_empty(), "{stdout}{stderr}");
    stdout
}

fn utf8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}

/// Completes the last of the words that are its arguments; `BEFORE` comes first.
const BASH: &str = r#"
source "$FILE"
eval "$BEFORE"
COMP_WORDS=(freebox-monitor "$@") COMP_CWORD=$#
_freebox_monitor
((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
"#;

/// What bash offers for these words, as it cuts them, in this folder.
fn bash(words: &[&str], before: &str, folder: &Path) -> Vec<String> {
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", BASH, "bash"]).args(words);
    bash.env("FILE", completions().join("freebox-monitor.bash"));
    bash.env("BEFORE", before);
    let mut offered: Vec<String> = said(&mut bash, folder).lines().map(str::to_owned).collect();
    offered.sort();
    offered
}

fn bash_completes_options_and_values() {
    let folder = folder();
    let cases: [(&[&str], &[&str]); 23] = [
        (&["--ba"], &["--backfill"]),
        (
            &["--status-w"],
            &["--status-wifi", "--status-wifi-neighbors"],
        ),
        (&["-H"], &["-H"]),
        (&["-f", ""], &["graphite", "influxdb", "prometheus"]),
        (&["--format", "p"], &["prometheus"]),
        (&["--format", "="], &["graphite", "influxdb", "prometheus"]),
        (&["--format", "=", "p"], &["prometheus"]),
        // Where somebody has told bash not to cut there.
        (&["--format=p"], &["--format=prometheus"]),
        (&["-Af", "p"], &["prometheus"]),
        (&["--status", "sy"], &["sys"]),
        (&["--host-age", "a"], &["all"]),
        (&["--auth-hash-type", ""], &["sha1", "sha256"]),
        (&["--spool-age", "=", "1"], &["12h", "1h"]),
        // What was given is not offered again, unless it may be.
        (&["--all", "--al"], &[]),
        (&["-HA", "--al"], &[]),
        (&["--backfill", "=", "30d", "--ba"], &[]),
        (&["-H", "--status-sy"], &[]),
        (&["--carbon", "a", ":", "2003", "--carb"], &["--carbon"]),
        // The value of an option is no option.
        (&["--name", "--all", "--al"], &["--all"]),
        (&["--name", ""], &[]),
        (&["--list-metrics", "--dr"], &["--dry-run"]),
        (&["--", "--al"], &[]),
        (&["--nothing", "=", ""], &[]),
    ];
    for (words, expected) in cases {
        assert_eq!(bash(words, "", folder.path()), expected, "{words:?}");
    }
    let offers = |words: &[&str], it: &str| {
        let offered = bash(words, "", folder.path());
        offered.iter().any(|offered| offered == it)
    };
    assert!(offers(&["--status", "sys", "--sta"], "--status"));
    for letter in ["-A", "-H", "-c", "-h"] {
        assert!(offers(&["-"], letter), "{letter}");
        assert!(!offers(&[""], letter), "{letter}");
    }
}

fn bash_completes_files() {
    let folder = folder();
    let home = folder.path().to_str().expect("UTF-8").to_owned();
    let in_home = format!("{home}/plain.json");
    let cases: [(&[&str], &[&str]); 7] = [
        (&["--output", "pl"], &["plain.json", "plates"]),
        (&["-c", "a"], &["a b.json"]),
        (&["--config", "=", "a"], &["a b.json"]),
        // Behind the last place where bash cuts.
        (&["--record", "x", ":", ""], &["y.json"]),
        (&["--replay", &in_home], &[&in_home]),
        (&["--template", "fl"], &["flat"]),
        (&["-t", "pl"], &["plain.json", "plates"]),
    ];
    for (words, expected) in cases {
        assert_eq!(bash(words, "", folder.path()), expected, "{words:?}");
    }
}

fn bash_completes_hosts_with_and_without_its_package() {
    let folder = folder();
    fs::write(folder.path().join("hosts"), "192.0.2.1 nearby\n").expect("a file");
    let alone = "HOSTFILE=$HOME/hosts";
    let package = "_known_hosts_real() { [[ $1 == -- ]] && COMPREPLY+=(\"$2.known\"); }";
    for words in [
        &["--carbon", "nea"][..],
        &["-e", "nea"],
        &["--endpoint", "=", "nea"],
    ] {
        assert_eq!(bash(words, alone, folder.path()), ["nearby"], "{words:?}");
        assert_eq!(
            bash(words, package, folder.path()),
            ["nea.known"],
            "{words:?}"
        );
    }
}

/// Starts a zsh of its own on a terminal, types each line into it and completes there, and writes
/// what it made of each.
const ZSH: &str = r#"
zmodload zsh/zpty zsh/zselect || exit
export MADE=$HOME/made
: >$MADE
cat >$HOME/.zshrc <<'END'
fpath=($FOLDER $fpath)
autoload -Uz compinit
compinit -u -D
complete-and-tell() {
    zle complete-word
    print -r -- "$BUFFER" >>$MADE
    BUFFER=
}
zle -N complete-and-tell
bindkey '^T' complete-and-tell
END
export ZDOTDIR=$HOME
zpty inner zsh -d -i
lines=0
for line; do
    zpty -w -n inner "$line"$'\x14'
    ((lines++))
    for ((tenths = 0; tenths < 300; tenths++)); do
        while zpty -r -t inner said; do :; done
        (($(wc -l <$MADE) == lines)) && break
        zselect -t 10
    done
done
zpty -d inner
cat $MADE
"#;

fn zsh_completes() {
    let folder = folder();
    let cases = [
        ("--ba", "--backfill="),
        ("--backf", "--backfill="),
        ("--format=pr", "--format=prometheus "),
        ("--format pr", "--format prometheus "),
        ("-f pr", "-f prometheus "),
        ("-Af pr", "-Af prometheus "),
        ("-fpr", "-fprometheus "),
        ("--status sy", "--status sys "),
        ("--status=sy", "--status=sys "),
        ("--host-age a", "--host-age all "),
        ("--output a", r"--output a\ b.json "),
        ("-c=a", r"-c=a"),
        ("--template sexi", "--template sexigraf "),
        ("-t a", r"-t a\ b.json "),
        ("--name pl", "--name pl"),
        ("--verify pl", "--verify pl"),
        ("--all --al", "--all --al"),
        ("-HA --al", "-HA --al"),
        ("-H --status-sy", "-H --status-sy"),
        ("--carbon a --carb", "--carbon a --carbon="),
        ("--list-metrics --dr", "--list-metrics --dry-run "),
        (
            "--list-metrics lan.* --dr",
            "--list-metrics lan.* --dry-run ",
        ),
        ("-- --al", "-- --al"),
    ];
    let typed = cases.map(|(typed, _)| format!("freebox-monitor {typed}"));
    let mut zsh = Command::new("zsh");
    zsh.args(["-f", "-c", ZSH, "zsh"]).args(&typed);
    zsh.env("FOLDER", completions());
    let said = said(&mut zsh, folder.path());
    let made: Vec<&str> = said.lines().collect();
    let expected = cases.map(|(_, made)| format!("freebox-monitor {made}"));
    assert_eq!(made, expected);
}

/// Without `compinit`, which looks for its files, `compdef` is all that the script needs.
fn zsh_takes_the_file_with_source() {
    let folder = folder();
    let script = "compdef() { print -r -- \"$@\" }\nsource $FOLDER/_freebox-monitor";
    let mut zsh = Command::new("zsh");
    zsh.args(["-f", "-c", script]).env("FOLDER", completions());
    let said = said(&mut zsh, folder.path());
    assert_eq!(said, "_freebox-monitor freebox-monitor\n");
}

/// What fish offers for each of these lines, sorted and with its words.
fn fish(lines: &[&str], folder: &Path) -> Vec<Vec<String>> {
    let script =
        "source $FILE; for line in $argv; echo +; complete -C \"freebox-monitor $line\"; end";
    let mut fish = Command::new("fish");
    fish.args(["--no-config", "-c", script, "--"]).args(lines);
    fish.env("FILE", completions().join("freebox-monitor.fish"));
    let said = said(&mut fish, folder);
    let of_line = |offered: &str| {
        let mut offered: Vec<String> = offered.lines().map(str::to_owned).collect();
        offered.sort();
        offered
    };
    said.split("+\n").skip(1).map(of_line).collect()
}

fn fish_completes() {
    let folder = folder();
    let cases: [(&str, &[&str]); 22] = [
        ("--ba", &["--backfill"]),
        ("--status-w", &["--status-wifi", "--status-wifi-neighbors"]),
        ("--format ", &["graphite", "influxdb", "prometheus"]),
        ("--format=p", &["--format=prometheus"]),
        ("-f p", &["prometheus"]),
        ("-Af p", &["prometheus"]),
        ("-fp", &["-fprometheus"]),
        ("--status sy", &["sys"]),
        ("--status=sy", &["--status=sys"]),
        ("--host-age a", &["all"]),
        ("--output pla", &["plain.json", "plates/"]),
        ("--template fl", &["flat"]),
        ("-t pla", &["plain.json", "plates/"]),
        ("--name ", &[]),
        ("--all --al", &[]),
        ("-HA --al", &[]),
        ("-H --status-sy", &[]),
        ("--format=graphite --form", &[]),
        ("-f graphite --form", &[]),
        ("--carbon a --carb", &["--carbon"]),
        ("--list-metrics --dr", &["--dry-run"]),
        ("-- --al", &[]),
    ];
    let offered = fish(&cases.map(|(line, _)| line), folder.path());
    assert_eq!(offered.len(), cases.len(), "{offered:?}");
    for ((line, expected), offered) in cases.iter().zip(offered) {
        let words = offered.iter().map(|it| it.split('\t').next().unwrap_or(it));
        assert_eq!(words.collect::<Vec<_>>(), *expected, "{line}");
    }
}

fn fish_says_what_it_offers() {
    let folder = folder();
    let offered = fish(&["--ba", "--status rep", "-A"], folder.path());
    assert_eq!(
        offered[0],
        ["--backfill\tfetch so much of the box's own history"]
    );
    assert_eq!(offered[1], ["repeater\trepeaters of the box's Wi-Fi"]);
    // Letters may share a word.
    let cluster = "-AH\ttemperatures, fans, uptime, model".to_owned();
    assert!(offered[2].contains(&cluster), "{:?}", offered[2]);
}

fn man_shows_the_page_without_a_warning() {
    let folder = folder();
    let page = project_file("contrib/man/freebox-monitor.1");
    let mut man = Command::new("man");
    man.args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"]);
    // It says nothing on stderr.
    assert!(!said(man.arg(&page), folder.path()).is_empty());
    let mut man = Command::new("man");
    man.args(["-P", "cat", "-l"]).arg(&page);
    let shown = said(man.env("MANWIDTH", "80"), folder.path());
    for line in shown.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    for line in [
        "       freebox-monitor - send the statistics of a Freebox to Graphite,",
        "       -c, --config FILE",
        "       --list-metrics [GLOB]",
        "              'connection.*' is about.",
        "       -H, --status-sys              Temperatures, fans, uptime, model",
        "              ~/.config/freebox-monitor/credentials.json",
        "              .credentials beside the program, of freebox_monitor.py",
        "  * * * * * /usr/local/bin/freebox-monitor -A --carbon HOST --repeat-after 1h",
    ] {
        assert!(shown.lines().any(|it| it == line), "{line}\n{shown}");
    }
}
