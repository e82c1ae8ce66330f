//! Arguments, and the one step from them to [`Settings`].

mod args;
#[cfg(test)]
mod completions;
mod habits;
mod help;
#[cfg(test)]
mod man;
mod options;
mod settings;
mod values;

use std::ffi::OsString;

use argh::FromArgs;

use args::Args;
use habits::{Reading, Typed};
pub(crate) use settings::{HostAge, Request, Settings, Target, Task, TemplateChoice};

use crate::base::error::{Error, one_line};

const VERSION: &str = concat!("freebox-monitor ", env!("CARGO_PKG_VERSION"), "\n");

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
    let command_line = args.join(" ");
    let typed = Typed::of(args);
    match typed.reading() {
        Some(Reading::Help) => return Ok(Request::Print(help::text())),
        Some(Reading::Version) => return Ok(Request::Print(VERSION.to_owned())),
        None => {}
    }
    let args = typed.args()?;
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match Args::from_args(&["freebox-monitor"], &args) {
        Ok(args) => args.request(&command_line),
        Err(early) => {
            let words = one_line(&without_passwords(early.output, &args));
            let unknown = words.strip_prefix("Unrecognized argument: ");
            let hint = match unknown.and_then(options::meant_by) {
                Some(option) => format!("did you mean {option}?"),
                None => "--help lists the options".to_owned(),
            };
            Err(Error::misuse(format!("{words} ({hint})")))
        }
    }
}

/// A message without the `user:password@` that somebody wrote into an argument.
fn without_passwords(mut words: String, args: &[&str]) -> String {
    for arg in args {
        if let Some((_, behind)) = arg.rsplit_once('@') {
            words = words.replace(arg, &format!("…@{behind}"));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::api::HashType;
    use crate::base::http::Trust;

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
            ("-P --status-ports", ""),
            ("-HSP", "--status sys --status switch"),
            ("--internal-disk-usage", "--status disk"),
            ("--status-vpnsrv", "--status vpnsrv"),
            ("-h", "--help"),
            ("-dv", "-d --version"),
            ("--name -HS -c --status-sys", "--name -HS -c --status-sys"),
            ("-Ac.credentials", "-A -c .credentials"),
            ("-c=.credentials -A", "-c .credentials -A"),
            (
                "-c .credentials -- -HS --a=b",
                "-c .credentials -- -HS --a=b",
            ),
            ("-", "-"),
            ("--list-metrics", "--list-metrics **"),
            ("--list-metrics -d", "--list-metrics ** -d"),
            ("--list-metrics lan.* -d", "--list-metrics lan.* -d"),
            ("--list-metrics=lan.*", "--list-metrics lan.*"),
        ];
        for (line, expected) in cases {
            let args = line.split_whitespace().map(str::to_owned).collect();
            let args = Typed::of(args).args().expect(line);
            assert_eq!(args.join(" "), expected);
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
    fn an_option_that_is_none_is_told_what_was_meant() {
        let cases = [
            ("--carbn x", "--carbn (did you mean --carbon?)"),
            ("--al", "--al (did you mean --all?)"),
            (
                "--register-stat",
                "--register-stat (did you mean --register-status?)",
            ),
            ("--helpp", "--helpp (did you mean --help?)"),
            ("--ip", "--ip (--help lists the options)"),
            ("-x", "-x (--help lists the options)"),
            ("all", "all (--help lists the options)"),
        ];
        for (line, expected) in cases {
            let error = given(line).expect_err(line);
            assert_eq!(
                error.to_string(),
                format!("Unrecognized argument: {expected}")
            );
        }
    }

    /// The sections that a line chooses beside the connection.
    fn sections(line: &str) -> Vec<&'static str> {
        let sections = given(line).expect(line).sections.into_iter();
        sections.map(|it| it.name).skip(1).collect()
    }

    #[test]
    fn every_option_of_the_python_script_means_what_it_means_there() {
        let sections_of_0_9_1 = [
            ("-C", "--status-call", "call"),
            ("-X", "--status-dhcp", "dhcp"),
            ("-D", "--status-disk", "storage"),
            ("-B", "--status-lan-browser", "lan"),
            ("-L", "--status-lte", "lte"),
            ("-H", "--status-sys", "system"),
            ("-S", "--status-switch", "switch"),
            ("-M", "--status-virtualmachines", "vm"),
            ("-V", "--status-vpnsrv", "vpn_server"),
            ("-Z", "--status-vpnclient", "vpn_client"),
            ("-W", "--status-wifi", "wifi"),
        ];
        for (letter, switch, section) in sections_of_0_9_1 {
            assert_eq!(sections(letter), [section]);
            assert_eq!(sections(switch), [section]);
        }
        for line in ["-P", "--status-ports", "-dP", ""] {
            assert_eq!(sections(line), [""; 0], "{line}");
        }
        assert_eq!(sections("--internal-disk-usage"), ["storage"]);
        assert_eq!(sections("--patch-rate-up-bytes-up"), ["switch"]);
        let target = |line: &str| given(line).expect(line).target;
        for line in ["-e 10.0.0.1", "--endpoint 10.0.0.1", "-e10.0.0.1"] {
            assert!(target(line).endpoint.is_some(), "{line}");
        }
        assert_eq!(target("--api-version-force 8").version, Some(8));
        assert_eq!(target("--auth-hash-type sha256").hash, HashType::Sha256);
        assert!(target("--api-endpoint-detect-force").detect_force);
        assert!(target("--api-endpoint-detect-ssl-domain").by_domain);
        assert!(matches!(target("--ssl-no-verify").trust, Trust::Anything));
        let task = |line: &str| given(line).expect(line).task;
        for line in ["-r", "--register"] {
            assert_eq!(task(line), Task::Register { force: false });
        }
        for line in ["-s", "--register-status"] {
            assert_eq!(task(line), Task::RegisterStatus);
        }
        for line in ["-c x", "--config x"] {
            assert_eq!(given(line).expect(line).config, Some(PathBuf::from("x")));
        }
        for line in ["-f graphite", "--format graphite", "-d", "--debug"] {
            let settings = given(line).expect(line);
            assert_eq!(settings.debug, line.contains("-d"), "{line}");
        }
    }

    #[test]
    fn help_and_version_outweigh_whatever_else_is_there() {
        let read = |line: &str| match request(line.split_whitespace().map(Into::into)) {
            Ok(Request::Print(text)) => text,
            other => panic!("{line}: {other:?}"),
        };
        for line in [
            "-h",
            "--help",
            "-dh",
            "-h --nothing",
            "--all=x -e -- -h --help",
        ] {
            assert!(read(line).starts_with("Sends the statistics"), "{line}");
        }
        for line in [
            "-v",
            "--version",
            "-Av",
            "--nothing -v",
            "-v -h",
            "-f html -v",
        ] {
            assert_eq!(read(line), VERSION, "{line}");
        }
        // The value of an option is no option.
        assert!(given("--name -v").is_ok());
    }

    #[test]
    fn the_help_fits_a_terminal_and_has_every_option_once() {
        let page = help::text();
        for line in page.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        for option in options::described() {
            let groups = options::GROUPS.iter().flat_map(|(_, names)| names.iter());
            assert_eq!(
                groups.filter(|it| **it == option.long).count(),
                1,
                "{}",
                option.long
            );
            let name = format!(" {}", option.long);
            let lines = page.lines().filter(|it| it.starts_with("  "));
            let is_its_own = |line: &&str| line[..line.len().min(40)].contains(&name);
            assert!(lines.filter(is_its_own).count() >= 1, "{name}");
        }
        for section in crate::sections::SECTIONS {
            let line = page
                .lines()
                .find(|it| it.contains(&format!("--status-{} ", section.switch)));
            let line = line.expect(section.switch);
            assert!(
                section
                    .letter
                    .is_none_or(|it| line.contains(&format!("-{it}, --"))),
                "{line}"
            );
            assert!(page.contains(section.brings), "{}", section.name);
            assert!(
                section
                    .permission
                    .is_none_or(|it| line.contains(&format!("('{it}')")))
            );
        }
    }

    #[test]
    fn the_examples_work() {
        for (command, _) in options::EXAMPLES {
            let (_, arguments) = command.split_once("freebox-monitor").expect(command);
            given(arguments).expect(command);
        }
    }

    /// The page for man and the scripts for shells, which lie in `contrib`.
    #[test]
    fn man_and_completions_are_in_step() {
        let contrib = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib");
        for (file, text) in [
            ("man/freebox-monitor.1", man::page()),
            (
                "completions/freebox-monitor.bash",
                completions::bash::script(),
            ),
            ("completions/_freebox-monitor", completions::zsh::script()),
            (
                "completions/freebox-monitor.fish",
                completions::fish::script(),
            ),
        ] {
            let path = contrib.join(file);
            if std::env::var_os("BLESS").is_some() {
                fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
                fs::write(&path, &text).expect("the file");
            }
            assert!(
                fs::read_to_string(&path).expect(file) == text,
                "BLESS=1 cargo test in_step writes {} anew",
                path.display()
            );
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
    fn misuse_is_one_line_and_names_its_option() {
        for (line, option) in [
            ("--nothing", "--nothing"),
            ("--nothing=x", "--nothing"),
            ("extra", "extra"),
            ("--timeout 0", "--timeout"),
            ("--timeout", "--timeout"),
            ("-e http://", "-e"),
            ("--carbon :1", "--carbon"),
            ("-f html", "-f"),
            ("--auth-hash-type md5", "--auth-hash-type"),
            ("-x", "-x"),
            ("-Hx", "-x"),
            ("--all=yes", "--all"),
            ("--status-sys=1", "--status-sys"),
            ("--status-nothing", "--status-nothing"),
            ("--status nothing", "--status"),
            ("--name a --name b", "--name"),
            ("--api-version-force x", "--api-version-force"),
            ("--api-version-force 0", "--api-version-force"),
            ("--api-version-force 4294967295", "--api-version-force"),
            ("--repeat-after soon", "--repeat-after"),
            ("--list-metrics a..b", "--list-metrics"),
            ("--jobs 0", "--jobs"),
            ("--every x", "--every"),
            ("--resend -1", "--resend"),
            ("--spool-age 7", "--spool-age"),
            ("--spool-size x", "--spool-size"),
            ("--verify localhost", "--verify"),
            ("--force", "--force"),
            ("--record-raw", "--record-raw"),
            ("--verify http://x", "--verify"),
        ] {
            let error = given(line).expect_err(line).to_string();
            assert!(
                !error.contains('\n') && error.contains(option),
                "{line}: {error}"
            );
        }
        let error = given("--ssl-ca-bundle-file /nonexistent").expect_err("no file");
        assert!(error.to_string().contains("/nonexistent"), "{error}");
    }

    #[test]
    fn a_password_is_refused_in_words_that_do_not_show_it() {
        for line in [
            "-e user:S3CRET@host",
            "-euser:S3CRET@host",
            "--endpoint=http://user:S3CRET@host:80/api",
            "--verify http://user:S3CRET@host",
            "--carbon user:S3CRET@host",
            "--carbon S3CRET@host --carbon b",
            "--carbon [::1]:S3CRET@host",
            "--carbon a --carbon user:S3@CRET:S3CRET@host",
        ] {
            let error = given(line).expect_err(line).to_string();
            assert!(
                error.contains("leave out what stands before the @"),
                "{error}"
            );
            assert!(error.starts_with("-") && !error.contains("S3"), "{error}");
        }
        for line in [
            "user:S3CRET@host",
            "--nothing=user:S3CRET@host",
            "--user:S3CRET@host",
            "--timeout user:S3CRET@host",
            "--jobs=S3CRET@host",
        ] {
            let error = given(line).expect_err(line).to_string();
            assert!(!error.contains("S3"), "{error}");
        }
    }
}
