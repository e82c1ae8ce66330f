//! The habits from freebox_monitor.py that argh does not know: `--name=value`, `-HSW`, `-cFILE`,
//! `--status-sys`.

use crate::sections::SECTIONS;

/// The short options that take a value.
pub(super) const SHORT_WITH_VALUE: [char; 4] = ['c', 'e', 'f', 't'];
/// The long ones.
pub(super) const LONG_WITH_VALUE: [&str; 20] = [
    "--status",
    "--endpoint",
    "--name",
    "--config",
    "--format",
    "--carbon",
    "--output",
    "--resend",
    "--verify",
    "--spool-age",
    "--spool-size",
    "--every",
    "--template",
    "--replay",
    "--record",
    "--jobs",
    "--timeout",
    "--auth-hash-type",
    "--api-version-force",
    "--ssl-ca-bundle-file",
];

/// Lets the habits from the Python script work: `--name=value`, `-HSW`, `-cFILE`.
pub(super) fn normalised(args: Vec<String>) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = args.into_iter();
    while let Some(arg) = rest.next() {
        if arg == "--" {
            out.push(arg);
            break;
        }
        let wants_value = LONG_WITH_VALUE.contains(&arg.as_str())
            || SHORT_WITH_VALUE
                .iter()
                .any(|letter| arg == format!("-{letter}"));
        if wants_value {
            out.push(arg);
            out.extend(rest.next());
            continue;
        }
        match arg.strip_prefix("--").and_then(|long| long.split_once('=')) {
            Some((name, value)) => out.extend([format!("--{name}"), value.to_owned()]),
            None if is_cluster(&arg) => out.extend(unclustered(&arg)),
            None => out.extend(switch_of_section(arg)),
        }
    }
    out.extend(rest);
    out
}

/// `-HSW`, and not `-15`.
fn is_cluster(arg: &str) -> bool {
    let second = arg.strip_prefix('-').and_then(|rest| rest.chars().next());
    second.is_some_and(|c| c != '-' && !c.is_ascii_digit())
}

/// `--status-sys` is `--status sys`, and what 0.9.1 had a switch of its own for is a part of the
/// disks.
fn switch_of_section(arg: String) -> Vec<String> {
    let switch = match arg.as_str() {
        "--internal-disk-usage" => Some("disk"),
        other => other.strip_prefix("--status-"),
    };
    match switch {
        Some(switch) => vec!["--status".to_owned(), switch.to_owned()],
        None => vec![arg],
    }
}

fn unclustered(arg: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut letters = arg.chars();
    letters.next();
    while let Some(letter) = letters.next() {
        let section = SECTIONS
            .iter()
            .find(|section| section.letter == Some(letter));
        match (section, letter) {
            (Some(section), _) => out.extend(["--status".to_owned(), section.switch.to_owned()]),
            (None, 'P') => out.extend(["--status".to_owned(), "disk".to_owned()]),
            (None, 'h') => out.push("--help".to_owned()),
            (None, _) => out.push(format!("-{letter}")),
        }
        let value = letters.as_str();
        if SHORT_WITH_VALUE.contains(&letter) && !value.is_empty() {
            out.push(value.to_owned());
            break;
        }
    }
    match out.is_empty() {
        true => vec![arg.to_owned()],
        false => out,
    }
}
