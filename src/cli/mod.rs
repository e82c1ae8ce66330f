//! Arguments, and the one step from them to [`Settings`].

mod args;
mod habits;
mod settings;

use std::ffi::OsString;

use argh::FromArgs;

use args::Args;
use habits::normalised;
pub(crate) use settings::{Request, Settings, Target, Task, TemplateChoice};

use crate::base::error::{Error, one_line};
use crate::sections::SECTIONS;

/// Reads the arguments, without the program's name.
///
/// # Errors
/// A misuse, in one line.
pub(crate) fn request(args: impl Iterator<Item = OsString>) -> Result<Request, Error> {
    let utf8 = |arg: OsString| {
        arg.into_string().map_err(|arg| {
            Error::misuse(format!(
                "the argument {} is not UTF-8",
                arg.to_string_lossy()
            ))
        })
    };
    let args: Vec<String> = args.map(utf8).collect::<Result<_, _>>()?;
    let args = normalised(args);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match Args::from_args(&["freebox-monitor"], &args) {
        Ok(args) => args.request(),
        Err(early) => match early.status {
            Ok(()) => Ok(Request::Print(early.output + &sections_help())),
            Err(()) => Err(Error::misuse(format!(
                "{} (--help lists the options)",
                one_line(&without_password(&early.output))
            ))),
        },
    }
}

/// A message without the `user:password@` that somebody wrote into an address.
fn without_password(words: &str) -> String {
    match (words.find("value '"), words.rfind('@')) {
        (Some(start), Some(end)) if start < end => {
            let start = start + "value '".len();
            format!("{}…{}", &words[..start], &words[end..])
        }
        _ => words.to_owned(),
    }
}

/// The end of `--help`: what the table of sections has.
fn sections_help() -> String {
    let mut text = "\nSections:\n".to_owned();
    for section in SECTIONS {
        let letter = section
            .letter
            .map_or("    ".to_owned(), |letter| format!("-{letter}, "));
        let permission = section
            .permission
            .map(|it| format!("  (permission '{it}')"));
        let permission = permission.unwrap_or_default();
        text.push_str(&format!(
            "  {letter}--status-{}{permission}\n",
            section.switch
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::habits::{LONG_WITH_VALUE, SHORT_WITH_VALUE};
    use super::*;

    fn given(line: &str) -> Result<Settings, Error> {
        match request(line.split_whitespace().map(Into::into))? {
            Request::Do(settings) => Ok(*settings),
            Request::Print(text) => panic!("{text}"),
        }
    }

    #[test]
    fn habits_from_the_python_script_work() {
        let cases = [
            ("--name=a=b --dry-run", "--name a=b --dry-run"),
            ("-HSW", "--status sys --status switch --status wifi"),
            ("-P --internal-disk-usage", "--status disk --status disk"),
            ("--status-vpnsrv", "--status vpnsrv"),
            ("-h", "--help"),
            ("--name -HS -c --status-sys", "--name -HS -c --status-sys"),
            ("-Ac.credentials", "-A -c .credentials"),
            (
                "-c .credentials -- -HS --a=b",
                "-c .credentials -- -HS --a=b",
            ),
            ("-", "-"),
        ];
        for (line, expected) in cases {
            let args = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(normalised(args).join(" "), expected);
        }
        let settings = given("-Ade box:8443 --config=file").expect("settings");
        assert!(settings.debug);
        assert_eq!(
            settings.target.endpoint.map(|it| it.to_string()).as_deref(),
            Some("box:8443")
        );
        assert_eq!(settings.config, Some(PathBuf::from("file")));
    }

    #[test]
    fn every_option_with_a_value_is_known_as_such() {
        let help = Args::from_args(&["freebox-monitor"], &["--help"]);
        let usage = help.err().map(|early| early.output).unwrap_or_default();
        let usage = usage.lines().next().unwrap_or_default().replace("...", "");
        let with_value = |option: &&str| option.contains('<');
        let options: Vec<&str> = usage.split('[').filter(with_value).collect();
        assert_eq!(options.len(), LONG_WITH_VALUE.len(), "{usage}");
        for option in options {
            let name = option.split(' ').next().unwrap_or_default();
            let short = name
                .chars()
                .nth(1)
                .is_some_and(|it| SHORT_WITH_VALUE.contains(&it));
            assert!(short || LONG_WITH_VALUE.contains(&name), "{name}");
        }
    }

    #[test]
    fn one_thing_at_a_time() {
        assert_eq!(
            given("-r --force").expect("settings").task,
            Task::Register { force: true }
        );
        assert_eq!(given("").expect("settings").task, Task::Collect);
        let error = given("--register --list-metrics").expect_err("both");
        assert_eq!(
            error.to_string(),
            "--register and --list-metrics exclude each other"
        );
        assert!(given("--force").is_err());
    }

    #[test]
    fn misuse_is_one_line() {
        for line in [
            "--nothing",
            "extra",
            "--timeout 0",
            "--timeout",
            "-e http://",
            "--carbon :1",
            "-f html",
            "--auth-hash-type md5",
            "-x",
            "--name a --name b",
            "--ssl-ca-bundle-file /nonexistent",
            "--api-version-force x",
        ] {
            let error = given(line).expect_err(line).to_string();
            assert!(!error.contains('\n') && error.len() > 10, "{line}: {error}");
        }
    }
}
